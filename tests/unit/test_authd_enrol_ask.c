/* What enrolments ask of the registry, and of a CA, one question at a time. */
#include "authd/cmp_client.h"
#include "tests/test.h"
#include "tests/unit/authd_site.h"

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

static const struct enrolment_told *keep_kind(struct desk *d, enum enrol_credential type, bool paid)
{
	struct enrolment_ask ask = { .kind = ENROL_ASKS_KEEP, .type = type, .paid = paid };

	snprintf(ask.grant.token, sizeof ask.grant.token, "%s", d->site->id);
	REQUIRE(secret_set(&ask.secret, slice_str("0123456789abcdef")) == OK);
	return answer_to(d, &ask);
}

TEST(one_use_of_a_token_brings_all_that_is_given_in_a_session)
{
	AUTO_VALUE(site) s;
	AUTO_VALUE(desk) d;

	site_init(&s);
	desk_init(&d, &s);
	make_token(&s, &(struct registry_token){ .uses = 2 });
	CHECK(keep_kind(&d, ENROL_SYMMETRIC, false)->accept);
	CHECK(d.told.paid);
	CHECK(keep_kind(&d, ENROL_PASSWORD, true)->accept);
	CHECK_INT(used(&s), 1);
	/* Another session is another use; a key is not given again to whoever shows the token. */
	CHECK(keep_kind(&d, ENROL_SYMMETRIC, false)->accept);
	CHECK_INT(used(&s), 2);
	CHECK(!keep_kind(&d, ENROL_PASSWORD, false)->accept);
	CHECK(!d.told.paid);
	CHECK_INT(d.told.error, ENROL_ERROR_TOKEN_REFUSED);
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
