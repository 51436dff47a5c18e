/* Machines are enrolled by the server as a whole, but for its sockets: our CPROM peer in our
 * EAP-TTLS peer talks to the workers, the registry is a file. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "authd/arm.h"
#include "authd/ca_keeper.h"
#include "authd/cmp_client.h"
#include "authd/enrolment.h"
#include "authd/recorder.h"
#include "authd/registry_enrol.h"
#include "authd/wished.h"
#include "method/ttls_peer.h"
#include "tests/cprom_duo.h"
#include "tests/test.h"
#include "tests/unit/authd_rig.h"

#define STATION "02-00-00-00-00-01"

struct site {
	struct rig rig;
	struct recorder *recorder;
	struct enrolment *enrolment;
	struct registry *registry; /* a second eye on it */
	struct registry_settings settings;
	char file[160];
	struct token token;
	char id[TOKEN_ID_TEXT_MAX];
	uint64_t number;
	struct eap_type declined; /* the method that who was let in with a certificate declined */
};

/* ---- the server ---- */

static void told(void *context, const struct message_enrolment_asks *asks,
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

static void site_init_with(struct site *s, const char *more)
{
	struct recorder_settings recorder = { .delay = 1 };
	struct enrolment_settings enrolment = { .told = told, .context = s };
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

static void site_init(struct site *s)
{
	site_init_with(s, "AfterEnrolment=accept\nEnrollVlan=99\n");
}

static void site_done(struct site *s)
{
	registry_free(s->registry);
	recorder_free(s->recorder);
	enrolment_free(s->enrolment);
	rig_done(&s->rig);
}

/* A token as `token create` makes it, with the rest as in *like. */
static void make_token(struct site *s, const struct registry_token *like)
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

static unsigned used(struct site *s)
{
	struct registry_token t;

	REQUIRE(registry_token_get(s->registry, s->id, &t) == 1);
	return t.used;
}

/* ---- a machine with a token and nothing else ---- */

struct newcomer {
	struct cprom_duo store; /* for its keystore alone */
	struct cprom_credential credential;
	const struct enrol_peer_protocol *protocols[1];
	struct cprom_peer *cprom;
	struct tls_config *tls;
	struct tunnel_peer *ttls;
	struct machine_rig machine;
};

static struct tls_config *trust_by_pin(const struct token *token)
{
	char pin[2 * TOKEN_PIN_SIZE + 1];
	const char *const pins[] = { pin };
	const struct trust_settings trust = { .pins = pins, .pin_count = 1, .one_network = true };
	struct tls_peer_settings settings = { .credential = "none" };
	struct tls_config *config = NULL;
	struct diagnosis why;

	cert_hex(slice_of(token->pin, sizeof token->pin), pin, sizeof pin);
	REQUIRE(trust_new(&trust, &settings.trust, &why) == OK);
	REQUIRE(tls_config_new(&settings, &config, &why) == OK);
	return config;
}

static void newcomer_init(struct newcomer *n, const struct site *s, const char *cn)
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

	*n = (struct newcomer){ .protocols = { &spp_peer } };
	cduo_init(&n->store);
	n->credential = (struct cprom_credential){ .name = "net",
						   .type = ENROL_X509,
						   .actions = 1u << ENROL_REGISTER,
						   .wanted = true,
						   .action = ENROL_REGISTER };
	snprintf(n->credential.names.common_name, sizeof n->credential.names.common_name, "%s", cn);
	cprom.token.kind = CPROM_TOKEN;
	cprom.token.value = s->token;
	REQUIRE(cprom_peer_new(&cprom, &n->cprom) == OK);
	inner.offers[0] = (struct eap_peer_offer){ &cprom_peer_method, n->cprom };
	REQUIRE(inner_peer_new(&inner, &ttls.eap) == OK);
	n->tls = trust_by_pin(&s->token);
	REQUIRE(ttls_peer_new(n->tls, &ttls, &n->ttls) == OK);
	n->machine = (struct machine_rig){ .lower.mtu = 1400 };
	n->machine.config =
		(struct eap_peer_config){ .identity = slice_str("anonymous@example.org"),
					  .offers = { { &ttls_peer_method, n->ttls } },
					  .offer_count = 1 };
	eap_peer_init(&n->machine.peer, &n->machine.config, &n->machine.lower);
	n->machine.lower.portEnabled = true;
}

static void newcomer_done(struct newcomer *n)
{
	eap_peer_done(&n->machine.peer);
	ttls_peer_method.free(n->ttls);
	tls_config_free(n->tls);
	cduo_done(&n->store);
}

/* A conversation; the certificate that is in the keystore then, or NULL. */
static X509 *enrol_at(struct site *s, struct newcomer *n, const char *station)
{
	rig_authenticate(&s->rig, &n->machine, s->number++, station);
	return cduo_shelf(&n->store, "net")->put || cduo_shelf(&n->store, "net")->current
		       ? cduo_shelf(&n->store, "net")->current
				 ? cduo_shelf(&n->store, "net")->current
				 : cduo_shelf(&n->store, "net")->pending
		       : NULL;
}

static X509 *enrol(struct site *s, struct newcomer *n)
{
	return enrol_at(s, n, STATION);
}

/* ---- tests ---- */

TEST(machine_with_a_token_is_given_a_certificate)
{
	AUTO_VALUE(site) s;
	AUTO_VALUE(newcomer) n;
	struct registry_machine_facts facts;
	struct registry_credential c;
	struct cert_info info;
	X509 *cert;

	site_init(&s);
	make_token(&s, &(struct registry_token){ .uses = 1 });
	newcomer_init(&n, &s, "printer-7");
	cert = enrol(&s, &n);
	REQUIRE(cert != NULL);
	cert_info_of(cert, &info);
	CHECK_STR(info.subject, "CN=printer-7");
	CHECK_INT(s.rig.answer.verdict, AAA_ACCEPT);
	CHECK_INT(s.rig.answer.grant.vlan, 99);
	CHECK_INT(used(&s), 1);
	REQUIRE(registry_credential_find(s.registry, info.fingerprint, &c, NULL) == 1);
	CHECK_STR(c.token, s.id);
	CHECK_STR(c.machine, "CN=printer-7");
	CHECK(c.validated > 0);
	REQUIRE(registry_machine_facts(s.registry, MACHINE_CERTIFICATE, "CN=printer-7", &facts) ==
		1);
	CHECK_STR(facts.mud_url, "https://mud.example.org/p");
	CHECK(strstr(facts.enrolled_by, s.id) != NULL);
}

static void let_in_with(struct site *s, struct newcomer *n, enum aaa_verdict verdict)
{
	struct duo_shelf *shelf = cduo_shelf(&n->store, "net");
	static const char *const names[] = { "radius.example.org" };
	AUTO_STRUCT(authority) authority = NULL;
	struct machine_rig m = { .lower.mtu = 1400 };
	struct tls_peer_settings settings = { .key = shelf->current_key,
					      .cert = shelf->current,
					      .credential = "machine" };
	struct diagnosis why;

	REQUIRE(authority_open(s->rig.config, loop_now().wall, &authority, &why) == 0);

	AUTO(X509_STACK) chain = sk_X509_new_null();

	REQUIRE(chain && X509_add_cert(chain, authority->now.issuer, X509_ADD_FLAG_UP_REF));
	settings.chain = chain;

	AUTO_VALUE(bytes) root = pki_pem(sk_X509_value(authority->anchors, 0));
	const struct slice anchor = bytes_slice(&root);
	const struct trust_settings trust = {
		.anchors = &anchor, .anchor_count = 1, .names = names, .name_count = 1
	};

	REQUIRE(trust_new(&trust, &settings.trust, &why) == OK);
	REQUIRE(tls_config_new(&settings, &m.tls, &why) == OK);
	REQUIRE(tls_peer_new(m.tls, NULL, &m.method) == OK);
	m.config = (struct eap_peer_config){ .identity = slice_str("anonymous@example.org"),
					     .offers = { { &tls_peer_method, m.method } },
					     .offer_count = 1 };
	eap_peer_init(&m.peer, &m.config, &m.lower);
	m.lower.portEnabled = true;
	rig_authenticate(&s->rig, &m, s->number++, STATION);
	if (s->rig.answer.verdict != verdict) {
		char text[512];

		test_note("%s", diagnosis_sentence(&s->rig.answer.why, text, sizeof text));
	}
	CHECK_INT(s->rig.answer.verdict, verdict);
	s->declined = m.peer.refused;
	machine_done(&m);
}

TEST(machine_comes_back_with_its_certificate)
{
	AUTO_VALUE(site) s;
	AUTO_VALUE(newcomer) n;

	site_init(&s);
	make_token(&s, &(struct registry_token){ .uses = 1 });
	newcomer_init(&n, &s, "printer-7");
	REQUIRE(enrol(&s, &n) != NULL);
	REQUIRE(cduo_shelf(&n.store, "net")->current != NULL);
	let_in_with(&s, &n, AAA_ACCEPT);
}

static void wish(struct site *s, const char *machine, const char *station)
{
	struct registry_machine m = { .kind = MACHINE_CERTIFICATE, .last_seen = 1 };
	AUTO_STRUCT(wished) wished = NULL;

	snprintf(m.identifier, sizeof m.identifier, "%s", machine);
	snprintf(m.station, sizeof m.station, "%s", station);
	REQUIRE(registry_begin(s->registry, true) == 0);
	REQUIRE(registry_machine_seen(s->registry, &m) == 0);
	REQUIRE(registry_machine_renew(s->registry, MACHINE_CERTIFICATE, machine, 1) == 1);
	REQUIRE(wished_read(s->registry, &wished) == 0);
	REQUIRE(registry_commit(s->registry) == 0);
	pool_wished(s->rig.pool, wished);
}

/* A machine that can do no more than EAP-TLS loses a round by it, and nothing else. */
TEST(who_is_to_renew_is_proposed_a_tunnel_first)
{
	AUTO_VALUE(site) s;
	AUTO_VALUE(newcomer) n;

	site_init(&s);
	make_token(&s, &(struct registry_token){ .uses = 1 });
	newcomer_init(&n, &s, "printer-7");
	REQUIRE(enrol(&s, &n) != NULL);
	let_in_with(&s, &n, AAA_ACCEPT);
	CHECK(eap_type_is(s.declined, 0));
	wish(&s, "CN=printer-7", "02-00-00-00-00-02");
	let_in_with(&s, &n, AAA_ACCEPT);
	CHECK(eap_type_is(s.declined, 0));
	wish(&s, "CN=printer-7", STATION);
	let_in_with(&s, &n, AAA_ACCEPT);
	CHECK(eap_type_is(s.declined, EAP_TYPE_TTLS) || eap_type_is(s.declined, EAP_TYPE_TEAP));
}

/* The default: all are let in by the same rules, and this conversation lets nobody in. */
TEST(machine_is_sent_away_to_come_back)
{
	AUTO_VALUE(site) s;
	AUTO_VALUE(newcomer) n;

	site_init_with(&s, "");
	make_token(&s, &(struct registry_token){ .uses = 1 });
	newcomer_init(&n, &s, "printer-7");
	(void)enrol(&s, &n);
	CHECK_INT(s.rig.answer.verdict, AAA_REJECT);
	CHECK_INT(s.rig.answer.why.id, DIAG_ENROLLED);
	CHECK_INT(used(&s), 1);
}

/* The peer is told one thing, our people another. */
static void refused(struct site *s, struct newcomer *n, const char *station, enum enrol_error error,
		    const char *reason)
{
	const char *detail;

	CHECK(enrol_at(s, n, station) == NULL);
	CHECK_INT(s->rig.answer.verdict, AAA_REJECT);
	CHECK_INT(cprom_peer_error(n->cprom), error);
	detail = diagnosis_evidence(&s->rig.answer.why, "detail");
	if (!detail || !strstr(detail, reason))
		test_note("%s", detail ? detail : "no detail");
	CHECK(detail && strstr(detail, reason) != NULL);
	detail = diagnosis_evidence(cprom_peer_method.diagnosis(n->cprom), "detail");
	if (error == ENROL_ERROR_TOKEN_REFUSED)
		CHECK_STR(detail ? detail : "", enrol_refusal(error, true));
	else
		CHECK(!detail || !strstr(detail, reason));
}

TEST(what_is_wrong_with_a_token_is_told_to_us_alone)
{
	const struct {
		struct registry_token token;
		const char *reason;
	} wrong[] = {
		{ { .uses = 1, .used = 1 }, "used up" },
		{ { .uses = 1, .expires = 1000 }, "expired" },
		{ { .uses = 1, .station = "02-00-00-00-00-02" }, "is for the machine" },
		{ { .uses = 1, .serial = "SN-1" }, "serial number" },
	};

	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		AUTO_VALUE(site) s;
		AUTO_VALUE(newcomer) n;

		site_init(&s);
		make_token(&s, &wrong[i].token);
		newcomer_init(&n, &s, "printer-7");
		refused(&s, &n, STATION, ENROL_ERROR_TOKEN_REFUSED, wrong[i].reason);
		CHECK_INT(used(&s), wrong[i].token.used);
	}
}

TEST(unknown_and_revoked_tokens_look_the_same)
{
	AUTO_VALUE(site) s;
	AUTO_VALUE(newcomer) unknown;
	AUTO_VALUE(newcomer) revoked;

	site_init(&s);
	make_token(&s, &(struct registry_token){ .uses = 1 });
	newcomer_init(&revoked, &s, "a");
	s.token.id[0] ^= 1;
	newcomer_init(&unknown, &s, "a");
	REQUIRE(registry_begin(s.registry, true) == 0);
	REQUIRE(registry_token_revoke(s.registry, s.id, 1) == 1);
	REQUIRE(registry_commit(s.registry) == 0);
	refused(&s, &unknown, STATION, ENROL_ERROR_TOKEN_REFUSED, "there is no token");
	refused(&s, &revoked, STATION, ENROL_ERROR_TOKEN_REFUSED, "was revoked");
}

TEST(proof_by_another_secret_is_none)
{
	AUTO_VALUE(site) s;
	AUTO_VALUE(newcomer) n;

	site_init(&s);
	make_token(&s, &(struct registry_token){ .uses = 1 });
	s.token.secret[3] ^= 1;
	newcomer_init(&n, &s, "printer-7");
	CHECK(enrol(&s, &n) == NULL);
	CHECK_INT(cprom_peer_error(n.cprom), ENROL_ERROR_PROOF);
	CHECK_INT(used(&s), 0);
}

TEST(single_token_is_good_for_one_machine)
{
	AUTO_VALUE(site) s;
	AUTO_VALUE(newcomer) first;
	AUTO_VALUE(newcomer) second;

	site_init(&s);
	make_token(&s, &(struct registry_token){ .uses = 1 });
	newcomer_init(&first, &s, "a");
	newcomer_init(&second, &s, "b");
	CHECK(enrol(&s, &first) != NULL);
	refused(&s, &second, STATION, ENROL_ERROR_TOKEN_REFUSED, "used up");
	CHECK_INT(used(&s), 1);
}

TEST(name_of_another_is_given_to_nobody)
{
	AUTO_VALUE(site) s;
	AUTO_VALUE(newcomer) first;
	AUTO_VALUE(newcomer) second;

	site_init(&s);
	make_token(&s, &(struct registry_token){ .uses = 1 });
	newcomer_init(&first, &s, "printer-7");
	CHECK(enrol(&s, &first) != NULL);
	s.token.id[4] ^= 1;

	struct registry_token other = { .uses = 1 };
	token_id_format(s.token.id, s.id);
	memcpy(other.id, s.id, sizeof other.id);
	memcpy(other.secret, s.token.secret, sizeof other.secret);
	REQUIRE(registry_begin(s.registry, true) == 0);
	REQUIRE(registry_token_add(s.registry, &other) == 0);
	REQUIRE(registry_commit(s.registry) == 0);
	newcomer_init(&second, &s, "printer-7");
	refused(&s, &second, STATION, ENROL_ERROR_ACTION_REFUSED, "revoke it first");
	CHECK_INT(used(&s), 0);
}

TEST(token_names_the_machine)
{
	AUTO_VALUE(site) s;
	AUTO_VALUE(newcomer) n;
	struct cert_info info;
	X509 *cert;

	site_init(&s);
	make_token(&s, &(struct registry_token){ .uses = 1, .name = "printer-8" });
	newcomer_init(&n, &s, "");
	cert = enrol(&s, &n);
	REQUIRE(cert != NULL);
	cert_info_of(cert, &info);
	CHECK_STR(info.subject, "CN=printer-8");
}

TEST(without_a_registry_nobody_is_enrolled)
{
	AUTO_VALUE(site) s;
	AUTO_VALUE(newcomer) n;
	struct enrolment_settings none = { .told = told, .context = &s };

	site_init(&s);
	make_token(&s, &(struct registry_token){ .uses = 1 });
	enrolment_free(TAKE(s.enrolment));
	REQUIRE(enrolment_new(&none, &s.enrolment) == 0);
	newcomer_init(&n, &s, "printer-7");
	refused(&s, &n, STATION, ENROL_ERROR_INTERNAL, "no registry");
}

/* ---- questions by themselves ---- */

struct desk {
	struct site *site;
	struct enrolment *enrolment;
	struct enrolment_told told;
	char revoked[256];
};

static void capture(void *context, const struct message_enrolment_asks *asks,
		    struct enrolment_told *taken)
{
	struct desk *d = context;

	(void)asks;
	enrolment_told_done(&d->told);
	d->told = *taken;
	*taken = (struct enrolment_told){ 0 };
	loop_stop(&d->site->rig.loop);
}

static void was_revoked(void *context, const char *identifier)
{
	struct desk *d = context;

	snprintf(d->revoked, sizeof d->revoked, "%s", identifier);
}

static void desk_init(struct desk *d, struct site *s)
{
	struct enrolment_settings settings = {
		.recorder = s->recorder, .told = capture, .revoked = was_revoked, .context = d
	};

	*d = (struct desk){ .site = s };
	REQUIRE(enrolment_new(&settings, &d->enrolment) == 0);
	enrolment_configure(d->enrolment, s->rig.config);
}

static void desk_done(struct desk *d)
{
	enrolment_free(d->enrolment);
	enrolment_told_done(&d->told);
}

/* What comes of a question; takes it. */
static const struct enrolment_told *answer_to(struct desk *d, struct enrolment_ask *ask)
{
	struct message_enrolment_asks m = { .ask = *ask };

	m.ask.now = loop_now().wall;
	d->site->rig.loop.stopping = false;
	enrolment_asks(d->enrolment, &m);
	if (!d->site->rig.loop.stopping)
		CHECK_INT(loop_run(&d->site->rig.loop), 0);
	return &d->told;
}

static const struct enrolment_told *keep(struct desk *d, const char *name, const char *password)
{
	struct enrolment_ask ask = { .kind = ENROL_ASKS_KEEP, .type = ENROL_PASSWORD };

	snprintf(ask.username, sizeof ask.username, "%s", name);
	snprintf(ask.grant.token, sizeof ask.grant.token, "%s", d->site->id);
	REQUIRE(secret_set(&ask.secret, slice_str(password)) == OK);
	return answer_to(d, &ask);
}

TEST(password_becomes_an_account)
{
	AUTO_VALUE(site) s;
	AUTO_VALUE(desk) d;
	struct registry_account a;

	site_init(&s);
	desk_init(&d, &s);
	make_token(&s, &(struct registry_token){ .uses = 2 });
	CHECK(keep(&d, "kiosk", "swordfish")->accept);
	CHECK_STR(d.told.username, "kiosk");
	REQUIRE(registry_account_get(s.registry, "kiosk", &a) == 1);
	CHECK(account_hash_check(slice_str("swordfish"), a.account.hash) == OK);
	CHECK(account_hash_check(slice_str("swordfisk"), a.account.hash) == UNTRUSTED);
	registry_account_done(&a);
	/* Nobody's account is taken over. */
	CHECK(!keep(&d, "KIOSK", "other")->accept);
	CHECK_INT(d.told.error, ENROL_ERROR_ACTION_REFUSED);
	CHECK_INT(used(&s), 1);
	CHECK(keep(&d, "", "third")->accept);
	CHECK_INT(strncmp(d.told.username, "m-", 2), 0);
	/* What a token that is used up would have brought is not there. */
	CHECK(!keep(&d, "fourth", "x")->accept);
	CHECK_INT(d.told.error, ENROL_ERROR_TOKEN_REFUSED);
	CHECK_INT(registry_account_get(s.registry, "fourth", &a), 0);
}

static const struct enrolment_told *give_up(struct desk *d, const char *name)
{
	struct enrolment_ask ask = { .kind = ENROL_ASKS_REVOKE, .type = ENROL_PASSWORD };

	snprintf(ask.username, sizeof ask.username, "%s", name);
	snprintf(ask.grant.token, sizeof ask.grant.token, "%s", d->site->id);
	return answer_to(d, &ask);
}

TEST(password_that_is_given_up_is_gone_and_nothing_else)
{
	AUTO_VALUE(site) s;
	AUTO_VALUE(desk) d;
	struct registry_account a = { 0 };

	site_init(&s);
	desk_init(&d, &s);
	make_token(&s, &(struct registry_token){ .uses = 2 });
	REQUIRE(keep(&d, "kiosk", "swordfish")->accept);
	REQUIRE(keep(&d, "other", "swordfish")->accept);
	/* Whose token has not brought it has no say. */
	s.id[0] = s.id[0] == '0' ? '1' : '0';
	CHECK(!give_up(&d, "kiosk")->accept);
	CHECK_INT(d.told.error, ENROL_ERROR_UNKNOWN_CREDENTIAL);
	CHECK_INT(registry_account_get(s.registry, "kiosk", &a), 1);
	registry_account_done(&a);
	token_id_format(s.token.id, s.id);
	CHECK(give_up(&d, "kiosk")->accept);
	CHECK_INT(registry_account_get(s.registry, "kiosk", &a), 0);
	CHECK_INT(registry_account_get(s.registry, "other", &a), 1);
	registry_account_done(&a);
	CHECK(!give_up(&d, "kiosk")->accept);
	CHECK_STR(d.revoked, "");
}

TEST(user_name_is_one_that_the_profile_allows)
{
	AUTO_VALUE(site) s;
	AUTO_VALUE(desk) d;

	site_init(&s);
	desk_init(&d, &s);
	make_token(&s, &(struct registry_token){ .uses = 2 });
	CHECK(!keep(&d, "evil/../x y", "swordfish")->accept);
	CHECK_INT(d.told.error, ENROL_ERROR_ACTION_REFUSED);
	CHECK(!keep(&d, "root\xc3\xa9", "swordfish")->accept);
	CHECK_INT(used(&s), 0);
	CHECK(keep(&d, "a.user-7@example.org", "swordfish")->accept);
}

TEST(user_name_makes_nobody_the_one_who_has_enrolled_a_machine)
{
	AUTO_VALUE(site) s;
	AUTO_VALUE(desk) d;
	AUTO_VALUE(newcomer) n;
	struct registry_machine_facts before, after;
	struct enrolment_ask ask = { .kind = ENROL_ASKS_KEEP, .type = ENROL_SYMMETRIC };

	site_init(&s);
	desk_init(&d, &s);
	make_token(&s, &(struct registry_token){ .uses = 1 });
	newcomer_init(&n, &s, "printer-7");
	REQUIRE(enrol(&s, &n) != NULL);
	REQUIRE(registry_machine_facts(s.registry, MACHINE_CERTIFICATE, "CN=printer-7", &before) ==
		1);
	s.token.id[4] ^= 1;

	struct registry_token other = { .uses = 2 };
	token_id_format(s.token.id, s.id);
	memcpy(other.id, s.id, sizeof other.id);
	REQUIRE(registry_begin(s.registry, true) == 0);
	REQUIRE(registry_token_add(s.registry, &other) == 0);
	REQUIRE(registry_commit(s.registry) == 0);
	snprintf(ask.username, sizeof ask.username, "CN=printer-7");
	snprintf(ask.grant.token, sizeof ask.grant.token, "%s", s.id);
	REQUIRE(secret_set(&ask.secret, slice_str("0123456789abcdef")) == OK);
	CHECK(!answer_to(&d, &ask)->accept);
	CHECK_INT(d.told.error, ENROL_ERROR_ACTION_REFUSED);
	CHECK(!keep(&d, "CN=printer-7", "swordfish")->accept);
	REQUIRE(registry_machine_facts(s.registry, MACHINE_CERTIFICATE, "CN=printer-7", &after) ==
		1);
	CHECK_STR(after.enrolled_by, before.enrolled_by);
	CHECK_INT(used(&s), 0);
}

/* The machine has it. */
static void confirm(struct site *s, X509 *cert)
{
	struct registry_credential c;
	struct cert_info info;

	cert_info_of(cert, &info);
	REQUIRE(registry_credential_find(s->registry, info.fingerprint, &c, NULL) == 1);
	REQUIRE(registry_begin(s->registry, true) == 0);
	REQUIRE(registry_credential_validated(s->registry, c.issuer, c.serial, loop_now().wall) ==
		1);
	REQUIRE(registry_commit(s->registry) == 0);
}

/* Two who come with tokens of others, or with factory certificates without a serial number. */
TEST(who_does_not_say_which_machine_it_is_takes_no_name_over)
{
	AUTO_VALUE(site) s;
	AUTO_VALUE(desk) d;

	site_init(&s);
	desk_init(&d, &s);
	for (unsigned i = 0; i < 4; i++) {
		struct enrolment_ask ask = { .kind = ENROL_ASKS_ISSUE, .type = ENROL_X509 };
		struct pki_cert cert = pki_client("laptop", &s.rig.ca);

		ask.grant.by = i < 2 ? ENROL_BY_JWT : ENROL_BY_CERTIFICATE;
		ask.certificate = pki_der(cert.cert);
		CHECK_INT(answer_to(&d, &ask)->accept, i == 0);
		if (i == 0) {
			confirm(&s, cert.cert);
		} else {
			CHECK_INT(d.told.error, ENROL_ERROR_ACTION_REFUSED);
		}
		pki_cert_done(&cert);
	}
}

/* ---- TEAP by itself ---- */

static void put_account(struct site *s, const char *name, enum account_state state)
{
	struct registry_account a = { .account.state = state, .made = 1, .changed = 1 };

	snprintf(a.account.name, sizeof a.account.name, "%s", name);
	snprintf(a.maker, sizeof a.maker, "test");
	REQUIRE(account_hash(slice_str("secret"), a.account.hash) == OK);
	REQUIRE(registry_begin(s->registry, true) == 0);
	REQUIRE(registry_account_put(s->registry, &a) == 0);
	REQUIRE(registry_commit(s->registry) == 0);
}

static const struct enrolment_told *by_account(struct desk *d, struct slice name)
{
	struct enrolment_ask ask = { .kind = ENROL_ASKS_AUTHORISE, .by = ENROL_BY_ACCOUNT };

	REQUIRE(bytes_set(&ask.account, name) == OK);
	return answer_to(d, &ask);
}

TEST(account_is_granted_its_own_name_and_no_other)
{
	AUTO_VALUE(site) s;
	AUTO_VALUE(desk) d;

	site_init(&s);
	desk_init(&d, &s);
	put_account(&s, "Bob", ACCOUNT_FOUND);
	put_account(&s, "eve", ACCOUNT_DISABLED);
	REQUIRE(by_account(&d, slice_str("bob"))->accept);
	CHECK_STR(d.told.grant.names.common_name, "Bob");
	CHECK_STR(d.told.grant.profile, "machine");
	CHECK_INT(d.told.grant.by, ENROL_BY_ACCOUNT);
	CHECK_STR(d.told.grant.machine, "");
	CHECK(!by_account(&d, slice_str("eve"))->accept);
	CHECK_INT(d.told.error, ENROL_ERROR_ACTION_REFUSED);
	CHECK(!by_account(&d, slice_str("alice"))->accept);
	CHECK(!by_account(&d, slice_of((const uint8_t *)"bob\0x", 5))->accept);
	CHECK(!by_account(&d, slice_of(NULL, 0))->accept);
}

/* One account is one machine, and takes the name of no other. */
TEST(account_takes_over_what_it_has_brought_alone)
{
	static const struct {
		const char *cn;
		enum enrol_authorisation by;
		bool accept;
	} rows[] = {
		{ "laptop", ENROL_BY_JWT, true },  { "laptop", ENROL_BY_ACCOUNT, false },
		{ "bob", ENROL_BY_ACCOUNT, true }, { "bob", ENROL_BY_ACCOUNT, true },
		{ "bob", ENROL_BY_JWT, false },
	};
	AUTO_VALUE(site) s;
	AUTO_VALUE(desk) d;

	site_init(&s);
	desk_init(&d, &s);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct enrolment_ask ask = { .kind = ENROL_ASKS_ISSUE, .type = ENROL_X509 };
		struct pki_cert cert = pki_client(rows[i].cn, &s.rig.ca);
		struct registry_machine_facts facts;

		ask.grant.by = rows[i].by;
		if (rows[i].by == ENROL_BY_ACCOUNT)
			snprintf(ask.grant.names.common_name, sizeof ask.grant.names.common_name,
				 "%s", rows[i].cn);
		ask.certificate = pki_der(cert.cert);
		CHECK_INT(answer_to(&d, &ask)->accept, rows[i].accept);
		if (rows[i].accept)
			confirm(&s, cert.cert);
		if (rows[i].accept && rows[i].by == ENROL_BY_ACCOUNT) {
			REQUIRE(registry_machine_facts(s.registry, MACHINE_CERTIFICATE, "CN=bob",
						       &facts) == 1);
			CHECK_STR(facts.enrolled_by, "account bob");
		}
		pki_cert_done(&cert);
	}
}

TEST(certificate_of_the_tunnel_stands_for_no_certificate_token)
{
	AUTO_VALUE(site) s;
	AUTO_VALUE(bytes) token = { 0 };
	AUTO_VALUE(bytes) row = { 0 };
	AUTO(X509_STACK) path = sk_X509_new_null();
	struct enrolment_policy policy = { .config = NULL };
	struct aaa_where where = { 0 };
	struct enrolment_ask ask;
	struct tls_claim claim;

	site_init(&s);
	policy.config = s.rig.config;
	token = pki_der(s.rig.server.cert); /* trusted by nobody here */
	REQUIRE(path && X509_add_cert(path, s.rig.client.cert, X509_ADD_FLAG_UP_REF));
	REQUIRE(X509_add_cert(path, s.rig.ca.cert, X509_ADD_FLAG_UP_REF));
	REQUIRE(tls_claim_build(s.rig.client.cert, path, loop_now().wall, &row) == OK);
	REQUIRE(tls_claim_parse(bytes_slice(&row), &claim) == OK);

	struct enrol_question question = { .kind = ENROL_ASKS_AUTHORISE,
					   .by = ENROL_BY_CERTIFICATE_TOKEN,
					   .claim = &claim,
					   .token = bytes_slice(&token) };

	REQUIRE(enrolment_ask_of(&question, &policy, &where, loop_now().wall, &ask) == OK);
	CHECK(!ask.claim.shown);
	enrolment_ask_done(&ask);
	question.by = ENROL_BY_TOKEN; /* it says whose serial number is shown */
	REQUIRE(enrolment_ask_of(&question, &policy, &where, loop_now().wall, &ask) == OK);
	CHECK(ask.claim.shown);
	enrolment_ask_done(&ask);
}

static enum aaa_verdict verdict_on_password(struct site *s)
{
	AUTO_VALUE(secret) password = { 0 };
	struct ttls_peer_settings settings = { .inner = TTLS_PAP };
	struct machine_rig m = { .lower.mtu = 1400 };
	struct tls_config *tls = trust_by_pin(&s->token);
	struct tunnel_peer *ttls;

	REQUIRE(secret_set(&password, slice_str("swordfish")) == OK);
	settings.account =
		(struct inner_account){ .identity = slice_str("alice"), .password = &password };
	REQUIRE(ttls_peer_new(tls, &settings, &ttls) == OK);
	m.config = (struct eap_peer_config){ .identity = slice_str("anonymous@example.org"),
					     .offers = { { &ttls_peer_method, ttls } },
					     .offer_count = 1 };
	eap_peer_init(&m.peer, &m.config, &m.lower);
	m.lower.portEnabled = true;
	rig_authenticate(&s->rig, &m, s->number++, STATION);
	eap_peer_done(&m.peer);
	ttls_peer_method.free(ttls);
	tls_config_free(tls);
	return s->rig.answer.verdict;
}

/* In a tunnel that enrols the handshake cannot require what who enrols has not got yet. */
TEST(password_alone_is_not_enough_where_a_certificate_is_required)
{
	static const char methods[] = "AfterEnrolment=accept\n[Eap]\nMethods=ttls\n"
				      "[Tunnel]\nTtlsMethods=pap\nClientCertificate=";
	static const struct {
		const char *word;
		enum aaa_verdict verdict;
	} rows[] = { { "none", AAA_ACCEPT },
		     { "optional", AAA_ACCEPT },
		     { "required", AAA_REJECT } };

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		AUTO_VALUE(site) s;
		AUTO_VALUE(newcomer) n;
		char text[256];

		snprintf(text, sizeof text, "%s%s\n", methods, rows[i].word);
		site_init_with(&s, text);
		s.rig.password = "swordfish";
		make_token(&s, &(struct registry_token){ .uses = 1 });
		CHECK_INT(verdict_on_password(&s), rows[i].verdict);
		newcomer_init(&n, &s, "printer-7");
		CHECK(enrol(&s, &n) != NULL);
		CHECK_INT(s.rig.answer.verdict, AAA_ACCEPT);
	}
}

TEST(machine_gives_up_what_it_has)
{
	AUTO_VALUE(site) s;
	AUTO_VALUE(desk) d;
	AUTO_VALUE(newcomer) n;
	struct enrolment_ask ask = { .kind = ENROL_ASKS_REVOKE };
	struct registry_credential c;
	struct cert_info info;
	X509 *cert;

	site_init(&s);
	desk_init(&d, &s);
	make_token(&s, &(struct registry_token){ .uses = 1 });
	newcomer_init(&n, &s, "printer-7");
	cert = enrol(&s, &n);
	REQUIRE(cert != NULL);
	cert_info_of(cert, &info);
	ask.certificate = pki_der(cert);
	snprintf(ask.grant.machine, sizeof ask.grant.machine, "CN=printer-7");
	CHECK(answer_to(&d, &ask)->accept);
	CHECK_STR(d.revoked, "CN=printer-7");
	REQUIRE(registry_credential_find(s.registry, info.fingerprint, &c, NULL) == 1);
	CHECK(c.revoked > 0);
	CHECK_STR(c.reason, "cessation-of-operation");
	/* One of somebody else's. */
	ask = (struct enrolment_ask){ .kind = ENROL_ASKS_REVOKE };
	ask.certificate = pki_der(s.rig.client.cert);
	CHECK(!answer_to(&d, &ask)->accept);
	CHECK_INT(d.told.error, ENROL_ERROR_UNKNOWN_CREDENTIAL);
}

/* A CA that says no, after a moment. */
struct unwilling {
	struct enrolment_ca ca;
	struct loop *loop;
	struct timer timer;
	struct cmp_client_request request;
	int reason;
};

static void say_no(struct timer *timer)
{
	struct unwilling *u = list_item(timer, struct unwilling, timer);
	const struct enrol_reply no = { .error = ENROL_ERROR_CA_REFUSED };

	u->request.told(u->request.context, &no);
}

static int ask_unwilling(struct enrolment_ca *ca, const struct cmp_client_request *request,
			 struct cmp_client_call **ret_call)
{
	struct unwilling *u = list_item(ca, struct unwilling, ca);

	u->request = *request;
	u->reason = request->question->reason;
	*ret_call = NULL;
	return timer_set(u->loop, &u->timer, loop_now().mono);
}

static void free_nothing(struct enrolment_ca *ca)
{
	(void)ca;
}

TEST(what_a_machine_gives_up_is_out_though_the_ca_keeps_it)
{
	struct unwilling u = { .ca = { 1, ask_unwilling, NULL, NULL, free_nothing },
			       .timer.expired = say_no };
	AUTO_VALUE(site) s;
	AUTO_VALUE(desk) d;
	AUTO_VALUE(newcomer) n;
	struct enrolment_ask ask = { .kind = ENROL_ASKS_REVOKE };

	site_init(&s);
	desk_init(&d, &s);
	make_token(&s, &(struct registry_token){ .uses = 1 });
	newcomer_init(&n, &s, "printer-7");
	u.loop = &s.rig.loop;
	ask.certificate = pki_der(enrol(&s, &n));
	snprintf(ask.grant.machine, sizeof ask.grant.machine, "CN=printer-7");
	enrolment_set_ca(d.enrolment, &u.ca);
	CHECK(!answer_to(&d, &ask)->accept);
	CHECK_INT(d.told.error, ENROL_ERROR_CA_REFUSED);
	CHECK_INT(u.reason, CA_CESSATION);
	CHECK_STR(d.revoked, "CN=printer-7");
	timer_clear(&u.timer);
}

TEST(certificate_that_is_neither_ours_nor_a_factorys_enrols_nobody)
{
	AUTO_VALUE(site) s;
	AUTO_VALUE(desk) d;
	struct enrolment_ask ask = { .kind = ENROL_ASKS_AUTHORISE, .by = ENROL_BY_CERTIFICATE };

	site_init(&s);
	desk_init(&d, &s);
	CHECK(!answer_to(&d, &ask)->accept);
	CHECK_INT(d.told.error, ENROL_ERROR_ACTION_REFUSED);
	ask = (struct enrolment_ask){ .kind = ENROL_ASKS_AUTHORISE, .by = ENROL_BY_CERTIFICATE };
	ask.claim.shown = true;
	snprintf(ask.claim.fingerprint, sizeof ask.claim.fingerprint, "00");
	CHECK(!answer_to(&d, &ask)->accept);
	CHECK(strstr(diagnosis_evidence(&d.told.why, "detail"), "neither") != NULL);
	/* A factory's, without and with a rule. */
	ask = (struct enrolment_ask){ .kind = ENROL_ASKS_AUTHORISE, .by = ENROL_BY_CERTIFICATE };
	ask.claim.shown = ask.claim.factory = true;
	CHECK(!answer_to(&d, &ask)->accept);
	CHECK(strstr(diagnosis_evidence(&d.told.why, "detail"), "no rule") != NULL);
	ask = (struct enrolment_ask){ .kind = ENROL_ASKS_AUTHORISE, .by = ENROL_BY_CERTIFICATE };
	ask.claim.shown = ask.claim.factory = true;
	snprintf(ask.rule, sizeof ask.rule, "acme");
	snprintf(ask.claim.serial_number, sizeof ask.claim.serial_number, "SN-1");
	CHECK(answer_to(&d, &ask)->accept);
	CHECK_STR(d.told.grant.serial, "SN-1");
	CHECK_STR(d.told.grant.profile, "machine");
}
