/* Machines are enrolled by the server as a whole, but for its sockets: whole conversations. */
#include "authd/authority.h"
#include "tests/test.h"
#include "tests/unit/authd_site.h"

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
	/* By this it is found when it is to be put out. */
	CHECK_STR(s.rig.outcome->claim.subject, info.subject);
	CHECK_STR(s.rig.outcome->claim.fingerprint, info.fingerprint);
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
	struct enrolment_settings none = { .told = site_told, .context = &s };

	site_init(&s);
	make_token(&s, &(struct registry_token){ .uses = 1 });
	enrolment_free(TAKE(s.enrolment));
	REQUIRE(enrolment_new(&none, &s.enrolment) == 0);
	newcomer_init(&n, &s, "printer-7");
	refused(&s, &n, STATION, ENROL_ERROR_INTERNAL, "no registry");
}

static enum aaa_verdict verdict_on_password(struct site *s)
{
	AUTO_VALUE(secret) password = { 0 };
	struct ttls_peer_settings settings = { .inner = TTLS_PAP };
	struct machine_rig m = { .lower.mtu = 1400 };
	struct tls_config *tls = trust_by_pin(&s->token, &(struct shown){ 0 });
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
