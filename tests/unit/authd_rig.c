#include "tests/unit/authd_rig.h"

#include <stdio.h>
#include <string.h>

#include "authd/accounts.h"
#include "authd/message.h"
#include "keystore/keystore.h"
#include "tests/test.h"

/* ---- files ---- */

void rig_put(struct rig *rig, const char *name, const char *text)
{
	char out[4096];
	size_t used = 0;

	for (; *text; text++) {
		int n = *text == '@' ? snprintf(out + used, sizeof out - used, "%s", rig->dir.path)
				     : snprintf(out + used, sizeof out - used, "%c", *text);

		used += (size_t)n;
		REQUIRE(used < sizeof out);
	}
	scratch_put(&rig->dir, name, out, 0600);
}

static void make_directory(struct rig *rig, const char *name)
{
	char path[160];

	snprintf(path, sizeof path, "%s/%s", rig->dir.path, name);
	REQUIRE(mkdir(path, 0700) == 0);
}

static struct pki_cert issue(const struct rig *rig, const char *cn, const char *sans,
			     const char *eku)
{
	int64_t now = loop_now().wall;

	return pki_make(&(struct pki_spec){ .cn = cn,
					    .sans = sans,
					    .eku = eku,
					    .from = now - PKI_DAY,
					    .until = now + PKI_YEAR },
			&rig->ca);
}

static void put_credential(struct rig *rig)
{
	AUTO_VALUE(bundle) bundle = { 0 };
	AUTO_STRUCT(keystore) keystore = NULL;
	AUTO_VALUE(bytes) key = pki_key_pem(rig->server.key, NULL);
	AUTO_VALUE(bytes) cert = pki_pem(rig->server.cert);
	struct diagnosis why;
	unsigned generation;
	bool encrypted;
	char path[160];

	snprintf(path, sizeof path, "%s/keystore", rig->dir.path);
	REQUIRE(keystore_open(path, true, &keystore, &why) == 0);
	REQUIRE(bundle_add(&bundle, bytes_slice(&key), NULL, &encrypted, &why) == OK);
	REQUIRE(bundle_add(&bundle, bytes_slice(&cert), NULL, &encrypted, &why) == OK);
	REQUIRE(bundle_finish(&bundle, &why) == OK);
	REQUIRE(keystore_put(keystore, "server", &bundle, NULL, &generation, &why) == 0);
}

void rig_init(struct rig *rig)
{
	AUTO_VALUE(bytes) ca = { 0 };
	char path[160];
	int64_t now = loop_now().wall;

	*rig = (struct rig){ .dir = scratch_make() };
	rig->ca = pki_make(&(struct pki_spec){ .cn = "Machines CA",
					       .ca = true,
					       .from = now - PKI_DAY,
					       .until = now + PKI_YEAR },
			   NULL);
	rig->server = issue(rig, "radius.example.org", "DNS:radius.example.org", "serverAuth");
	rig->client = issue(rig, "laptop.example.org", "DNS:laptop.example.org", "clientAuth");
	make_directory(rig, "clients.d");
	make_directory(rig, "rules.d");
	ca = pki_pem(rig->ca.cert);
	snprintf(path, sizeof path, "%s/ca.pem", rig->dir.path);
	pki_write(path, bytes_slice(&ca), 0644);
	put_credential(rig);
}

void rig_configure(struct rig *rig, const char *more)
{
	char text[2048];

	snprintf(text, sizeof text,
		 "[Service]\nWorkers=1\nKeystore=@/keystore\nControlSocket=@/control\n"
		 "[Registry]\nDatabase=off\n"
		 "[Tls]\nCredential=server\nClientAnchors=@/ca.pem\n%s",
		 more);
	rig_put(rig, "latchkey-authd.conf", text);
	rig_put(rig, "clients.d/lab.client",
		"[Client]\nPrefix=192.0.2.0/24\nSecret=" RIG_SECRET "\n");
}

/* ---- the service ---- */

static void came(struct rig *rig)
{
	if (rig->answers + rig->packets + rig->outcomes >= rig->waits_for)
		loop_stop(&rig->loop);
}

static void answered(struct aaa_asker *asker, struct aaa_answer *taken)
{
	struct rig *rig = list_item(asker, struct rig, asker);

	aaa_answer_done(&rig->answer);
	rig->answer = *taken;
	*taken = (struct aaa_answer){ 0 };
	rig->answers++;
	came(rig);
}

static void on_outcome(void *context, struct outcome *outcome)
{
	struct rig *rig = context;

	outcome_free(rig->outcome);
	rig->outcome = outcome;
	rig->outcomes++;
	came(rig);
}

static bool on_packet(void *context, const struct packet *packet)
{
	struct rig *rig = context;

	rig->end = packet->end;
	rig->fault = packet->fault;
	rig->packets++;
	came(rig);
	return true;
}

static void on_asks(void *context, const struct message_asks *asks)
{
	struct rig *rig = context;
	const struct pool_ask ask = { asks->worker, asks->asker, asks->conversation };

	pool_judged(rig->pool, &ask, true, NULL);
}

static void on_enrolment(void *context, struct message_enrolment_asks *asks)
{
	struct rig *rig = context;

	rig->enrolment(rig->enrolment_context, asks);
}

static void on_account(void *context, const struct message_account_asks *asks)
{
	struct rig *rig = context;
	const struct pool_ask ask = { asks->worker, asks->asker, asks->conversation };
	struct account account = { .state = rig->password ? ACCOUNT_FOUND : ACCOUNT_UNKNOWN };

	rig->accounts_told++;
	memmove(rig->told[1], rig->told[0], sizeof rig->told - sizeof rig->told[0]);
	snprintf(rig->told[0], sizeof rig->told[0], "%s", asks->name);
	if (rig->gone && strcmp(rig->gone, asks->name) == 0)
		account.state = ACCOUNT_UNKNOWN;
	account.changed = rig->changed;
	if (rig->disabled)
		account.state = ACCOUNT_DISABLED;
	snprintf(account.name, sizeof account.name, "%s", asks->name);
	if (rig->password)
		CHECK_INT(secret_set(&account.clear, slice_str(rig->password)), OK);
	if (rig->removed_meanwhile)
		pool_account_gone(rig->pool, rig->removed_meanwhile);
	pool_account_told(rig->pool, &ask, &account);
}

static void on_reply(struct transport *transport, const struct origin *origin, struct slice packet)
{
	struct rig *rig = list_item(transport, struct rig, transport);

	(void)origin;
	CHECK_INT(bytes_set(&rig->reply, packet), OK);
	rig->replies++;
}

static void load(struct rig *rig)
{
	AUTO_VALUE(ini_errors) errors = { 0 };
	char path[160];

	snprintf(path, sizeof path, "%s/latchkey-authd.conf", rig->dir.path);
	if (config_load(path, &rig->config, &errors) == 0)
		return;
	for (size_t i = 0; i < errors.count; i++)
		test_note("%s: %s: %s", errors.error[i].file, errors.error[i].key,
			  errors.error[i].message);
	REQUIRE(false);
}

static void on_known(void *context)
{
	((struct rig *)context)->known++;
}

void rig_start(struct rig *rig)
{
	const struct pool_events events = { .outcome = on_outcome,
					    .packet = on_packet,
					    .asks = on_asks,
					    .enrolment = on_enrolment,
					    .known = on_known,
					    .account = on_account,
					    .context = rig };
	struct diagnosis why = { 0 };
	char text[512];
	int error;

	load(rig);
	rig->asker.answered = answered;
	rig->transport.reply = on_reply;
	REQUIRE(loop_init(&rig->loop) == 0);
	error = pool_new(&rig->loop, rig->config, &events, &rig->pool, &why);
	if (error < 0)
		test_note("%s", diagnosis_sentence(&why, text, sizeof text));
	REQUIRE(error == 0);
}

void rig_wait(struct rig *rig)
{
	rig->waits_for = rig->answers + rig->packets + rig->outcomes + 1;
	rig->loop.stopping = false;
	CHECK_INT(loop_run(&rig->loop), 0);
}

void rig_done(struct rig *rig)
{
	pool_free(rig->pool);
	if (rig->loop.base)
		loop_done(&rig->loop);
	aaa_answer_done(&rig->answer);
	outcome_free(rig->outcome);
	bytes_done(&rig->reply);
	config_free(rig->config);
	pki_cert_done(&rig->ca);
	pki_cert_done(&rig->server);
	pki_cert_done(&rig->client);
	scratch_done(&rig->dir);
}

/* ---- a machine ---- */

void machine_init(struct machine_rig *m, const struct rig *rig, enum tls_version most)
{
	static const char *const names[] = { "radius.example.org" };
	AUTO_VALUE(bytes) ca = pki_pem(rig->ca.cert);
	const struct slice anchor = bytes_slice(&ca);
	const struct trust_settings trust = {
		.anchors = &anchor, .anchor_count = 1, .names = names, .name_count = 1
	};
	struct tls_peer_settings settings = { .key = rig->client.key,
					      .cert = rig->client.cert,
					      .credential = "machine",
					      .max = most,
					      .resume = true };
	struct diagnosis why;

	*m = (struct machine_rig){ .lower.mtu = 1400 };
	REQUIRE(trust_new(&trust, &settings.trust, &why) == OK);
	REQUIRE(tls_config_new(&settings, &m->tls, &why) == OK);
	REQUIRE(tls_peer_new(m->tls, NULL, &m->method) == OK);
	m->config = (struct eap_peer_config){ .identity = slice_str("anonymous@example.org"),
					      .offers = { { &tls_peer_method, m->method } },
					      .offer_count = 1 };
	eap_peer_init(&m->peer, &m->config, &m->lower);
	m->lower.portEnabled = true;
}

void machine_done(struct machine_rig *m)
{
	eap_peer_done(&m->peer);
	tls_peer_method.free(m->method);
	tls_config_free(m->tls);
}

struct slice machine_feed(struct machine_rig *m, struct slice packet)
{
	m->lower.eapReq = true;
	m->lower.eapReqData = packet;
	m->lower.eapResp = m->lower.eapNoResp = false;
	eap_peer_step(&m->peer, loop_now());
	return m->lower.eapResp ? m->lower.eapRespData : (struct slice){ 0 };
}

struct slice identity_response(const char *identity, uint8_t id, uint8_t buffer[300])
{
	struct wr w = wr_of(buffer, 300);
	size_t mark = eap_packet_open(&w, EAP_RESPONSE, id, eap_type(EAP_TYPE_IDENTITY), false);

	wr_bytes(&w, slice_str(identity));
	eap_packet_close(&w, mark);
	return wr_done(&w);
}

/* ---- as a port asks ---- */

static void ask(struct rig *rig, uint64_t number, const char *station, bool first, struct slice eap)
{
	struct aaa_request request = { .asker = &rig->asker, .number = number, .first = first };
	struct aaa_server *server = pool_server(rig->pool);
	unsigned before = rig->answers;

	snprintf(request.where.calling_station, sizeof request.where.calling_station, "%s",
		 station);
	snprintf(request.where.identity, sizeof request.where.identity, "anonymous@example.org");
	CHECK_INT(bytes_set(&request.eap, eap), OK);
	CHECK_INT(server->ask(server, &request), 0);
	CHECK(request.eap.p == NULL);
	while (rig->answers == before)
		rig_wait(rig);
}

void rig_authenticate(struct rig *rig, struct machine_rig *m, uint64_t number, const char *station)
{
	uint8_t buffer[300];
	unsigned outcomes = rig->outcomes;
	struct slice response = identity_response("anonymous@example.org", 1, buffer);

	m->lower.eapRestart = true;
	m->lower.eapSuccess = m->lower.eapFail = false;
	eap_peer_step(&m->peer, loop_now());
	for (unsigned round = 0; round < 30 && response.len > 0; round++) {
		if (rig->meanwhile)
			rig->meanwhile(rig, round);
		ask(rig, number, station, round == 0, response);
		response = machine_feed(m, bytes_slice(&rig->answer.eap));
		if (rig->answer.verdict != AAA_CHALLENGE)
			break;
	}
	while (rig->outcomes == outcomes)
		rig_wait(rig);
}

/* ---- as a RADIUS client asks ---- */

void rig_send(struct rig *rig, struct slice packet, bool accounting)
{
	struct origin origin = { .transport = &rig->transport, .accounting = accounting };
	const struct client_config *client;
	struct packet *p;

	REQUIRE(address_parse("192.0.2.1:40000", &origin.from));
	client = config_client(rig->config, &origin.from);
	REQUIRE(client != NULL);
	p = packet_new(&origin, rig->config, client, packet, rig->now.mono ? rig->now : loop_now());
	REQUIRE(p != NULL);
	pool_receive(rig->pool, p);
}
