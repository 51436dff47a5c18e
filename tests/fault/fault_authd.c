/* latchkey-authd without memory: a configuration holds or is refused, what is armed is whole, and a
 * conversation lets in whom it should, or nobody. */
#include <string.h>

#include "authd/conversation.h"
#include "drivers/loop.h"
#include "eap/peer.h"
#include "method/tls_peer.h"
#include "tests/fault/fault.h"
#include "tests/pki.h"
#include "tests/unit/scratch.h"

static struct scratch dir;
static struct pki_cert ca, server, client;
static char config_path[160];

#define need(what)                                                                                 \
	do {                                                                                       \
		if (!(what))                                                                       \
			abort();                                                                   \
	} while (0)

static struct pki_cert issue(const char *cn, const char *sans, const char *eku)
{
	int64_t now = loop_now().wall;

	return pki_make(&(struct pki_spec){ .cn = cn,
					    .sans = sans,
					    .eku = eku,
					    .ca = !eku,
					    .from = now - PKI_DAY,
					    .until = now + PKI_YEAR },
			eku ? &ca : NULL);
}

static void make_keystore(void)
{
	AUTO_VALUE(bundle) bundle = { 0 };
	AUTO_STRUCT(keystore) keystore = NULL;
	AUTO_VALUE(bytes) key = pki_key_pem(server.key, NULL);
	AUTO_VALUE(bytes) cert = pki_pem(server.cert);
	struct diagnosis why;
	unsigned generation;
	bool encrypted;
	char path[160];

	snprintf(path, sizeof path, "%s/keystore", dir.path);
	need(keystore_open(path, true, &keystore, &why) == 0);
	need(bundle_add(&bundle, bytes_slice(&key), NULL, &encrypted, &why) == OK);
	need(bundle_add(&bundle, bytes_slice(&cert), NULL, &encrypted, &why) == OK);
	need(bundle_finish(&bundle, &why) == OK);
	need(keystore_put(keystore, "server", &bundle, NULL, &generation, &why) == 0);
}

static void make_files(void)
{
	AUTO_VALUE(bytes) pem = pki_pem(ca.cert);
	char text[600], path[160];

	snprintf(path, sizeof path, "%s/ca.pem", dir.path);
	pki_write(path, bytes_slice(&pem), 0644);
	snprintf(text, sizeof text,
		 "[Service]\nKeystore=%s/keystore\n[Tls]\nCredential=server\nClientAnchors=%s/"
		 "ca.pem\n"
		 "[Radius]\nListen=192.0.2.1 [::]\n",
		 dir.path, dir.path);
	snprintf(config_path, sizeof config_path, "%s",
		 scratch_put(&dir, "latchkey-authd.conf", text, 0600));
	snprintf(path, sizeof path, "%s/clients.d", dir.path);
	need(mkdir(path, 0700) == 0);
	snprintf(path, sizeof path, "%s/rules.d", dir.path);
	need(mkdir(path, 0700) == 0);
	scratch_put(&dir, "clients.d/lab.client",
		    "[Client]\nPrefix=192.0.2.0/24 ::1\nSecret=correct-horse\n", 0600);
	scratch_put(&dir, "rules.d/laptops.rule",
		    "[Match]\nSubject=CN=laptop*\nDns=*.example.org\nEku=clientAuth\n"
		    "[Decision]\nAction=accept\nVlan=17\n",
		    0600);
}

static struct config *load(struct ini_errors *errors)
{
	struct config *config = NULL;

	return config_load(config_path, &config, errors) == 0 ? config : NULL;
}

static bool play_config(void)
{
	AUTO_VALUE(ini_errors) errors = { 0 };
	AUTO_STRUCT(config) config = load(&errors);
	const struct client_config *lab;
	const struct rule *rule;

	if (!config)
		return fault_happened() && errors.count + errors.dropped > 0;
	if (config_rule_count(config) != 1 || config->objects[CONFIG_CLIENTS].count != 1)
		return false;
	lab = config->objects[CONFIG_CLIENTS].item[0];
	rule = config_rule(config, 0);
	return lab->prefix_count == 2 && lab->secret.len == 13 && rule->vlan == 17 &&
	       rule->subject.count == 1 && rule->dns.count == 1 && rule->usages.count == 1 &&
	       config->settings.listen.count == 2;
}

static bool play_arming(void)
{
	AUTO_VALUE(ini_errors) errors = { 0 };
	AUTO_STRUCT(arming) arming = NULL;
	struct diagnosis why;
	struct config *config;
	int error;

	fault_suspend();
	config = load(&errors);
	fault_resume();
	error = arming_new(config, NULL, loop_now().wall, &arming, &why);
	config_free(config);
	if (error < 0)
		return fault_happened() && why.id != DIAG_NONE;
	return arming->tls.config && arming->choice.offer_count == 1 &&
	       strcmp(arming->certificate.subject, "CN=radius.example.org") == 0;
}

/* ---- a conversation ---- */

struct machine {
	struct tls_config *tls;
	struct tls_peer *method;
	struct eap_peer_config config;
	struct eap_lower lower;
	struct eap_peer peer;
};

static void machine_init(struct machine *m)
{
	static const char *const names[] = { "radius.example.org" };
	AUTO_VALUE(bytes) pem = pki_pem(ca.cert);
	const struct slice anchor = bytes_slice(&pem);
	const struct trust_settings trust = {
		.anchors = &anchor, .anchor_count = 1, .names = names, .name_count = 1
	};
	struct tls_peer_settings settings = { .key = client.key,
					      .cert = client.cert,
					      .credential = "machine" };
	struct diagnosis why;

	*m = (struct machine){ .lower.mtu = 1400 };
	need(trust_new(&trust, &settings.trust, &why) == OK);
	need(tls_config_new(&settings, &m->tls, &why) == OK);
	need(tls_peer_new(m->tls, NULL, &m->method) == OK);
	m->config = (struct eap_peer_config){ .identity = slice_str("anonymous@example.org"),
					      .offers = { { &tls_peer_method, m->method } },
					      .offer_count = 1 };
	eap_peer_init(&m->peer, &m->config, &m->lower);
	m->lower.portEnabled = true;
	m->lower.eapRestart = true;
	eap_peer_step(&m->peer, loop_now());
}

static void machine_done(struct machine *m)
{
	eap_peer_done(&m->peer);
	tls_peer_method.free(m->method);
	tls_config_free(m->tls);
}

static struct slice machine_feed(struct machine *m, struct slice packet)
{
	m->lower.eapReq = true;
	m->lower.eapReqData = packet;
	m->lower.eapResp = m->lower.eapNoResp = false;
	eap_peer_step(&m->peer, loop_now());
	return m->lower.eapResp ? m->lower.eapRespData : (struct slice){ 0 };
}

static enum conversation_turn converse(struct conversation *c, struct machine *m)
{
	static const uint8_t identity[] = "\x02\x01\x00\x06\x01x";
	struct slice response = slice_of(identity, 6);
	enum conversation_turn turn = CONVERSATION_NOTHING;

	for (int round = 0; round < 30 && response.len > 0; round++) {
		turn = conversation_feed(c, response, loop_now());
		if (turn == CONVERSATION_NOTHING)
			break;
		fault_suspend();
		response = machine_feed(m, c->lower.eapReqData);
		fault_resume();
	}
	return turn;
}

static bool check_end(struct conversation *c, enum conversation_turn turn, const struct machine *m)
{
	struct outcome *outcome;
	bool good = true;

	if (turn == CONVERSATION_ACCEPTED)
		good = c->grant.vlan == 17 && m->lower.eapSuccess && c->lower.eapKeyAvailable &&
		       c->grant.class[0].len > 0;
	else
		good = fault_happened() && !m->lower.eapSuccess;
	outcome = conversation_outcome(c, turn == CONVERSATION_ACCEPTED, 0, loop_now());
	good = good && (outcome || fault_happened());
	outcome_free(outcome);
	return good;
}

static bool play_conversation(void)
{
	static const struct aaa_where where = { .identity = "x" };
	AUTO_VALUE(ini_errors) errors = { 0 };
	AUTO_STRUCT(arming) arming = NULL;
	struct conversation *c;
	struct diagnosis why;
	struct machine m;
	bool good;

	fault_suspend();

	struct config *config = load(&errors);

	need(arming_new(config, NULL, loop_now().wall, &arming, &why) == 0);
	config_free(config);
	machine_init(&m);
	fault_resume();

	c = conversation_new(arming, &where, 1400, loop_now());
	good = c ? check_end(c, converse(c, &m), &m) : fault_happened();
	conversation_free(c);
	fault_suspend();
	machine_done(&m);
	fault_resume();
	return good;
}

int main(void)
{
	fault_init();
	dir = scratch_make_fast();
	ca = issue("Machines CA", NULL, NULL);
	server = issue("radius.example.org", "DNS:radius.example.org", "serverAuth");
	client = issue("laptop.example.org", "DNS:laptop.example.org", "clientAuth");
	make_keystore();
	make_files();
	fault_each("a configuration", play_config);
	fault_each("what is armed", play_arming);
	fault_each("a conversation", play_conversation);
	pki_cert_done(&ca);
	pki_cert_done(&server);
	pki_cert_done(&client);
	scratch_done(&dir);
	return fault_end();
}
