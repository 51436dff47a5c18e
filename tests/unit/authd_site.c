#include "tests/unit/authd_site.h"

#include "authd/arm.h"
#include "authd/ca_keeper.h"
#include "tests/test.h"

/* ---- the server ---- */

void site_told(void *context, const struct message_enrolment_asks *asks,
	       struct enrolment_told *taken)
{
	struct site *s = context;

	pool_enrolment_told(s->rig.pool, asks, taken);
}

static void asked(void *context, struct message_enrolment_asks *asks)
{
	enrolment_asks(((struct site *)context)->enrolment, asks);
}

static void make_authority(struct site *s)
{
	const struct ca_order order = { .name = "Example", .server = "radius.example.org" };
	AUTO_VALUE(ini_errors) errors = { 0 };
	AUTO_STRUCT(config) config = NULL;
	struct ca_keeper keeper = { 0 };
	struct diagnosis why = { 0 };
	char path[160];

	snprintf(path, sizeof path, "%s/latchkey-authd.conf", s->rig.dir.path);
	REQUIRE(config_load(path, &config, &errors) == 0);
	REQUIRE(ca_keeper_open(config, true, loop_now().wall, &keeper, &why) == 0);
	REQUIRE(ca_keeper_init(&keeper, &order, &why) == 0);
	ca_keeper_done(&keeper);
}

/* Nothing was revoked so far. */
static void tell_revoked(struct site *s)
{
	AUTO_STRUCT(revoked) revoked = revoked_new();

	REQUIRE(revoked != NULL);
	pool_revoked(s->rig.pool, revoked);
}

void site_init_with_rule(struct site *s, const char *more, const char *rule)
{
	struct recorder_settings recorder = { .delay = 1 };
	struct enrolment_settings enrolment = { .told = site_told, .context = s };
	struct diagnosis why = { 0 };
	char text[1024];

	*s = (struct site){ .number = 1 };
	rig_init(&s->rig);
	snprintf(text, sizeof text,
		 "[Service]\nWorkers=1\nKeystore=@/ks\nControlSocket=@/control\n"
		 "[Registry]\nDatabase=@/registry.db\n[Tls]\nCredential=server\n"
		 "[Authority]\nCredential=ca-issuing\n[Enroll]\nEnabled=yes\n%s",
		 more);
	rig_put(&s->rig, "latchkey-authd.conf", text);
	if (rule)
		rig_put(&s->rig, "rules.d/one.rule", rule);
	make_authority(s);
	s->rig.enrolment = asked;
	s->rig.enrolment_context = s;
	rig_start(&s->rig);
	tell_revoked(s);
	snprintf(s->file, sizeof s->file, "%s/registry.db", s->rig.dir.path);
	s->settings = (struct registry_settings){ .file = s->file, .origin = "eye" };
	recorder.registry = (struct registry_settings){ .file = s->file, .origin = "here" };
	REQUIRE(recorder_new(&s->rig.loop, &recorder, &s->recorder, &why) == 0);
	enrolment.recorder = s->recorder;
	REQUIRE(enrolment_new(&enrolment, &s->enrolment) == 0);
	enrolment_configure(s->enrolment, s->rig.config);
	REQUIRE(registry_open(&s->settings, &s->registry, &why) == 0);
}

void site_init_with(struct site *s, const char *more)
{
	site_init_with_rule(s, more, NULL);
}

void site_init(struct site *s)
{
	site_init_with(s, "AfterEnrolment=accept\nEnrollVlan=99\n");
}

void site_done(struct site *s)
{
	registry_free(s->registry);
	recorder_free(s->recorder);
	enrolment_free(s->enrolment);
	rig_done(&s->rig);
}

void make_token(struct site *s, const struct registry_token *like)
{
	struct registry_token t = *like;
	struct diagnosis why;

	memset(&s->token, 0x21, sizeof s->token);
	REQUIRE(arming_pin(s->rig.config, s->token.pin, &why) == 0);
	token_id_format(s->token.id, s->id);
	memcpy(t.id, s->id, sizeof t.id);
	memcpy(t.secret, s->token.secret, sizeof t.secret);
	t.made = loop_now().wall;
	REQUIRE(registry_begin(s->registry, true) == 0);
	REQUIRE(registry_token_add(s->registry, &t) == 0);
	REQUIRE(registry_commit(s->registry) == 0);
}

unsigned used(struct site *s)
{
	struct registry_token t;

	REQUIRE(registry_token_get(s->registry, s->id, &t) == 1);
	return t.used;
}

/* ---- a machine ---- */

struct tls_config *trust_by_pin(const struct token *token, const struct shown *shown)
{
	char pin[2 * TOKEN_PIN_SIZE + 1];
	const char *const pins[] = { pin };
	const struct trust_settings trust = { .pins = pins, .pin_count = 1, .one_network = true };
	struct tls_peer_settings settings = {
		.key = shown->key, .cert = shown->cert, .chain = shown->chain, .credential = "none"
	};
	struct tls_config *config = NULL;
	struct diagnosis why;

	cert_hex(slice_of(token->pin, sizeof token->pin), pin, sizeof pin);
	REQUIRE(trust_new(&trust, &settings.trust, &why) == OK);
	REQUIRE(tls_config_new(&settings, &config, &why) == OK);
	return config;
}

/* What it wants is in n->credential.  tls is taken over. */
void newcomer_connect(struct newcomer *n, const struct cprom_token *token, struct tls_config *tls)
{
	struct cprom_peer_settings cprom = { .credentials = &n->credential,
					     .credential_count = 1,
					     .protocols = n->protocols,
					     .protocol_count = 1,
					     .store = { &cduo_store, &n->store },
					     .accept_anchors = true,
					     .mud_url = "https://mud.example.org/p" };
	struct inner_peer_settings inner = { .identity = slice_str("anonymous@example.org"),
					     .offer_count = 1,
					     .mtu = 8192 };
	struct ttls_peer_settings ttls = { .inner = TTLS_EAP };

	cprom.token = *token;
	REQUIRE(cprom_peer_new(&cprom, &n->cprom) == OK);
	inner.offers[0] = (struct eap_peer_offer){ &cprom_peer_method, n->cprom };
	REQUIRE(inner_peer_new(&inner, &ttls.eap) == OK);
	n->tls = tls;
	REQUIRE(ttls_peer_new(n->tls, &ttls, &n->ttls) == OK);
	n->machine = (struct machine_rig){ .lower.mtu = 1400 };
	n->machine.config =
		(struct eap_peer_config){ .identity = slice_str("anonymous@example.org"),
					  .offers = { { &ttls_peer_method, n->ttls } },
					  .offer_count = 1 };
	eap_peer_init(&n->machine.peer, &n->machine.config, &n->machine.lower);
	n->machine.lower.portEnabled = true;
}

void newcomer_wants(struct newcomer *n, enum enrol_action action)
{
	*n = (struct newcomer){ .protocols = { &spp_peer } };
	cduo_init(&n->store);
	n->credential = (struct cprom_credential){ .name = "net",
						   .type = ENROL_X509,
						   .actions = 1u << action,
						   .wanted = true,
						   .action = action };
}

void newcomer_init(struct newcomer *n, const struct site *s, const char *cn)
{
	const struct cprom_token token = { .kind = CPROM_TOKEN, .value = s->token };

	newcomer_wants(n, ENROL_REGISTER);
	snprintf(n->credential.names.common_name, sizeof n->credential.names.common_name, "%s", cn);
	newcomer_connect(n, &token, trust_by_pin(&s->token, &(struct shown){ 0 }));
}

void newcomer_done(struct newcomer *n)
{
	eap_peer_done(&n->machine.peer);
	ttls_peer_method.free(n->ttls);
	tls_config_free(n->tls);
	cduo_done(&n->store);
}

X509 *enrol_at(struct site *s, struct newcomer *n, const char *station)
{
	rig_authenticate(&s->rig, &n->machine, s->number++, station);
	return cduo_shelf(&n->store, "net")->put || cduo_shelf(&n->store, "net")->current
		       ? cduo_shelf(&n->store, "net")->current
				 ? cduo_shelf(&n->store, "net")->current
				 : cduo_shelf(&n->store, "net")->pending
		       : NULL;
}

X509 *enrol(struct site *s, struct newcomer *n)
{
	return enrol_at(s, n, STATION);
}
