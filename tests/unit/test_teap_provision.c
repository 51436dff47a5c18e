/* Certificates by TEAP alone (RFC 9930, section 3.11.1): both ends of ours, in a tunnel. */
#include "enrol/names.h"
#include "enrol/pkcs.h"
#include "method/cprom_direct.h"
#include "tests/cprom_duo.h"
#include "tests/teap_duo.h"
#include "tests/test.h"

static const enum tls_version versions[] = { TLS_1_2, TLS_1_3 };
#define EACH_VERSION(v) (size_t v = 0; v < 2; v++)

/* Two ends, and around them the store and the registry of CPROM's tests. */
struct rig {
	struct teap_duo d;
	struct cprom_duo world;
	const struct enrol_peer_protocol *protocol;
	char events[256];
};

static void asked(void *context, const struct enrol_question *q, struct enrol_reply *reply)
{
	struct rig *r = context;
	struct cprom_duo *w = &r->world;

	w->questions[q->kind]++;
	reply->accept = !(w->refuse & 1u << q->kind);
	reply->error = w->refuse_error;
	if (q->kind == ENROL_ASKS_AUTHORISE && q->by == ENROL_BY_ACCOUNT)
		CHECK(slice_eq(q->account, slice_str("bob")));
	if (reply->accept)
		cduo_answer_question(w, q, reply);
}

/* A machine with an account that is to get its first certificate. */
static void rig_init(struct rig *r)
{
	*r = (struct rig){ .protocol = &pkcs_peer };
	teap_duo_init(&r->d);
	cduo_init(&r->world);
	r->d.enrolment = asked;
	r->d.enrolment_context = r;
	r->d.server_context.enrol = &r->world.context;
	r->world.policy.authorisations = 1u << ENROL_BY_CERTIFICATE | 1u << ENROL_BY_ACCOUNT;
	r->world.peer_settings.protocols = &r->protocol;
	r->world.peer_settings.token.kind = CPROM_NO_TOKEN;
	r->world.peer_settings.store = (struct enrol_store_ref){ &cduo_store, &r->world };
	r->world.now.wall = r->d.c.now.wall;
}

/* The certificate that the peer shows is one of the authority's, and is to be renewed. */
static void rig_renews(struct rig *r)
{
	struct cprom_credential *c = &r->world.credentials[0];

	r->d.peer_has_certificate = true;
	r->d.peer_settings.certificate = TEAP_MACHINE;
	r->d.peer_settings.inner_optional = true;
	r->d.server_context.certificate_suffices = true;
	r->world.authority.issuer = r->d.c.ca.cert;
	x509_stack_free(r->world.authority.chain);
	x509_stack_free(r->world.authority.anchors);
	r->world.authority.chain = sk_X509_new_null();
	r->world.authority.anchors = pki_chain(r->d.c.ca.cert, NULL);
	r->world.issue_by = &r->d.c.ca;
	snprintf(r->world.grant.machine, sizeof r->world.grant.machine, "desk");
	c->action = ENROL_RENEW;
	c->cert = r->d.c.client_cert.cert;
	c->key = r->d.c.client_cert.key;
	REQUIRE(names_of_cert(c->cert, &c->names, NULL) == OK);
	r->world.issue_cn = c->names.common_name;
}

static void rig_load(struct rig *r)
{
	REQUIRE(cprom_peer_new(&r->world.peer_settings, &r->world.peer) == OK);
	r->d.peer_settings.provision = r->world.peer;
	teap_duo_load(&r->d);
}

static void rig_done(struct rig *r)
{
	r->world.peer = NULL; /* the tunnel's */
	teap_duo_done(&r->d);
	cduo_done(&r->world);
}

static void converse(struct rig *r)
{
	memset(r->world.questions, 0, sizeof r->world.questions);
	teap_duo_converse(&r->d);
	if (r->world.peer)
		cduo_events(&r->world, r->events, sizeof r->events);
}

#define EVENTS "tunnel key-generated request-sent received checked stored activated done"

/* All is as it should be: the certificate is there, and known to be. */
static void check_given(struct rig *r)
{
	const struct duo_shelf *shelf = cduo_shelf(&r->world, "net");
	const struct diagnosis *why = cprom_peer_method.diagnosis(r->world.peer);

	CHECK(shelf->current != NULL);
	CHECK_INT(why->id, DIAG_NONE);
	CHECK_INT(r->world.questions[ENROL_ASKS_ISSUE], 1);
	CHECK_INT(r->world.questions[ENROL_ASKS_CONFIRM], 1);
	CHECK_INT(cprom_peer_error(r->world.peer), ENROL_ERROR_NONE);
}

static void check_nothing(struct rig *r, enum enrol_error error)
{
	const struct duo_shelf *shelf = cduo_shelf(&r->world, "net");

	CHECK(shelf->current == NULL);
	CHECK_INT(r->world.questions[ENROL_ASKS_CONFIRM], 0);
	CHECK_INT(cprom_peer_error(r->world.peer), error);
}

static void check_in(struct rig *r)
{
	CHECK(teap_duo_accepted(&r->d));
	CHECK(slice_eq(secret_slice(&r->d.server_keys.msk), secret_slice(&r->d.peer_keys.msk)));
}

static void check_out(struct rig *r)
{
	CHECK(!teap_duo_accepted(&r->d));
	CHECK(r->d.server_keys.msk.p == NULL);
	CHECK(r->d.peer_keys.msk.p == NULL);
}

TEST(an_account_is_given_a_certificate)
{
	for
		EACH_VERSION(v)
		{
			for (enum teap_inner inner = 0; inner < TEAP_INNERS; inner++) {
				struct rig r;

				if (inner == TEAP_BY_TLS)
					continue;
				rig_init(&r);
				r.d.version = versions[v];
				teap_duo_add(&r.d, TEAP_ANYBODY, inner);
				rig_load(&r);
				converse(&r);
				check_in(&r);
				check_given(&r);
				CHECK_STR(r.events, EVENTS);
				CHECK_INT(r.world.by, ENROL_BY_ACCOUNT);
				CHECK_INT(r.d.admissions, 1);
				CHECK(!r.d.enrolled);
				CHECK_INT(cduo_shelf(&r.world, "net")->anchors, 1);
				/* "the server MUST invalidate any session tickets" */
				converse(&r);
				CHECK(!r.d.resumed);
				rig_done(&r);
			}
		}
}

TEST(a_certificate_is_renewed)
{
	for
		EACH_VERSION(v)
		{
			struct rig r;

			rig_init(&r);
			r.d.version = versions[v];
			rig_renews(&r);
			rig_load(&r);
			converse(&r);
			check_in(&r);
			check_given(&r);
			CHECK_INT(r.world.by, ENROL_BY_CERTIFICATE);
			CHECK_STR(r.events, EVENTS);
			rig_done(&r);
		}
}

/* The tunnel's certificate is all that the machine has, and the server would ask for more. */
TEST(a_certificate_alone_is_renewed_where_an_account_is_asked_for)
{
	for
		EACH_VERSION(v)
		{
			struct rig r;

			rig_init(&r);
			r.d.version = versions[v];
			rig_renews(&r);
			r.d.server_context.certificate_suffices = false;
			teap_duo_add_server(&r.d, TEAP_ANYBODY,
					    v ? TEAP_BY_PASSWORD : TEAP_BY_MSCHAPV2);
			rig_load(&r);
			converse(&r);
			check_in(&r);
			check_given(&r);
			CHECK_INT(r.d.passwords, 0);
			CHECK(r.d.enrolled);
			CHECK(r.d.has_claim);
			rig_done(&r);
		}
}

/* doc/cprom.md, "Afterwards": it is to come back with what it was given. */
TEST(a_machine_that_is_not_let_in_yet_keeps_what_it_was_given)
{
	for
		EACH_VERSION(v)
		{
			struct rig r;

			rig_init(&r);
			r.d.version = versions[v];
			rig_renews(&r);
			r.world.grant.machine[0] = '\0'; /* a factory's */
			r.world.credentials[0].action = ENROL_REGISTER;
			r.d.server_context.certificate_suffices = false;
			teap_duo_add_server(&r.d, TEAP_ANYBODY, TEAP_BY_MSCHAPV2);
			r.d.refuse_admission = true;
			rig_load(&r);
			converse(&r);
			check_out(&r);
			check_given(&r);
			CHECK_INT(cduo_shelf(&r.world, "net")->anchors, 1);
			CHECK_STR(r.events, EVENTS);
			rig_done(&r);
		}
}

/* Appendix C.11: "the server would like the peer to renew its certificate". */
TEST(the_server_asks_for_a_renewal)
{
	static const struct {
		unsigned percent;
		bool foreign; /* not one that the registry knows */
		bool declines;
		unsigned authorise, issue;
		bool wished; /* it is told, where it is not done at once */
	} rows[] = {
		{ 0, false, true, 0, 0, false },   { 99, false, true, 0, 0, false },
		{ 10, true, true, 1, 0, false },   { 10, false, true, 1, 0, true },
		{ 10, false, false, 1, 1, false },
	};

	for (size_t i = 0; i < 2 * sizeof rows / sizeof rows[0]; i++) {
		struct rig r;

		rig_init(&r);
		r.d.version = versions[i % 2];
		rig_renews(&r);
		r.world.policy.renew_percent = rows[i / 2].percent;
		if (rows[i / 2].foreign)
			r.world.refuse = 1u << ENROL_ASKS_AUTHORISE;
		if (rows[i / 2].declines)
			teap_duo_load(&r.d);
		else
			rig_load(&r);
		converse(&r);
		check_in(&r);
		CHECK_INT(r.world.questions[ENROL_ASKS_AUTHORISE], rows[i / 2].authorise);
		CHECK_INT(r.world.questions[ENROL_ASKS_ISSUE], rows[i / 2].issue);
		CHECK_INT(r.d.report.renewal_wished, rows[i / 2].wished);
		if (rows[i / 2].issue)
			check_given(&r);
		rig_done(&r);
	}
}

/* Whether the machine is let in all the same is asked, of one that has shown its certificate and
 * nothing else.  Else it ends as in appendix C.12. */
TEST(a_renewal_that_fails_before_the_end)
{
	for (unsigned i = 0; i < 8; i++) {
		bool admitted = i & 1, asked_for = i & 2;
		struct rig r;

		rig_init(&r);
		r.d.version = versions[i / 4];
		rig_renews(&r);
		if (asked_for)
			r.world.policy.renew_percent = 10;
		else
			teap_duo_add_server(&r.d, TEAP_ANYBODY, TEAP_BY_PASSWORD);
		r.d.server_context.certificate_suffices = asked_for;
		r.world.refuse = 1u << ENROL_ASKS_ISSUE;
		r.d.refuse_admission = !admitted;
		rig_load(&r);
		converse(&r);
		CHECK_INT(r.d.admissions, 1);
		CHECK_INT(r.d.missed, DIAG_ENROL_CA_REFUSED);
		CHECK(r.d.has_claim && !r.d.enrolled);
		if (admitted) {
			check_in(&r);
		} else {
			check_out(&r);
			CHECK_STR(diagnosis_evidence(&r.d.peer_why, "error"), "General PKI Error");
		}
		check_nothing(&r, ENROL_ERROR_CA_REFUSED);
		/* Of what was proved here nothing is resumed. */
		if (admitted) {
			r.world.refuse = 0;
			converse(&r);
			CHECK(!r.d.resumed);
		}
		rig_done(&r);
	}
}

/* Of a renewal the machine stays in. */
TEST(refusals_are_told)
{
	static const struct {
		enum enrol_question_kind kind;
		enum enrol_error error;
		uint32_t code;
		enum enrol_error peer;
	} rows[] = {
		{ ENROL_ASKS_AUTHORISE, ENROL_ERROR_ACTION_REFUSED, 1004, ENROL_ERROR_CA_REFUSED },
		{ ENROL_ASKS_AUTHORISE, ENROL_ERROR_INTERNAL, 1026, ENROL_ERROR_INTERNAL },
		{ ENROL_ASKS_ISSUE, ENROL_ERROR_NONE, 1027, ENROL_ERROR_CA_REFUSED },
		{ ENROL_ASKS_ISSUE, ENROL_ERROR_PARAMETERS, 1022, ENROL_ERROR_CA_REFUSED },
		{ ENROL_ASKS_ISSUE, ENROL_ERROR_ACTION_REFUSED, 1024, ENROL_ERROR_CA_REFUSED },
		{ ENROL_ASKS_ISSUE, ENROL_ERROR_INTERNAL, 1026, ENROL_ERROR_INTERNAL },
	};

	for (size_t i = 0; i < 2 * sizeof rows / sizeof rows[0]; i++) {
		const struct diagnosis *why;
		struct rig r;
		char code[16];

		rig_init(&r);
		if (i % 2)
			rig_renews(&r);
		else
			teap_duo_add(&r.d, TEAP_ANYBODY, TEAP_BY_PASSWORD);
		r.world.refuse = 1u << rows[i / 2].kind;
		r.world.refuse_error = rows[i / 2].error;
		rig_load(&r);
		converse(&r);
		if (i % 2) {
			check_in(&r);
		} else {
			check_out(&r);
			CHECK(r.d.server_why.id != DIAG_NONE);
		}
		check_nothing(&r, rows[i / 2].peer);
		why = cprom_peer_method.diagnosis(r.world.peer);
		snprintf(code, sizeof code, "%u", rows[i / 2].code);
		CHECK_STR(diagnosis_evidence(why, "code"), code);
		CHECK_STR(diagnosis_evidence(why, "by"), "the other side");
		rig_done(&r);
	}
}

TEST(policy_says_who_is_enrolled)
{
	for (unsigned i = 0; i < 4; i++) {
		struct rig r;

		rig_init(&r);
		if (i < 2)
			teap_duo_add(&r.d, TEAP_ANYBODY, TEAP_BY_MSCHAPV2);
		else
			rig_renews(&r);
		if (i == 1 || i == 2)
			r.world.policy.authorisations =
				1u << (i == 1 ? ENROL_BY_CERTIFICATE : ENROL_BY_ACCOUNT);
		if (i == 0)
			r.world.policy.actions = 1u << ENROL_RENEW;
		if (i == 3)
			r.world.policy.actions = 1u << ENROL_REGISTER;
		rig_load(&r);
		converse(&r);
		CHECK_INT(teap_duo_accepted(&r.d), i >= 2);
		check_nothing(&r, ENROL_ERROR_CA_REFUSED);
		CHECK_INT(r.world.questions[ENROL_ASKS_ISSUE], 0);
		rig_done(&r);
	}
}

TEST(a_server_that_gives_none_is_told_of)
{
	for (unsigned i = 0; i < 2; i++) {
		struct rig r;

		rig_init(&r);
		if (i)
			rig_renews(&r);
		else
			teap_duo_add(&r.d, TEAP_ANYBODY, TEAP_BY_MSCHAPV2);
		r.d.server_context.enrol = NULL;
		rig_load(&r);
		converse(&r);
		CHECK_INT(teap_duo_accepted(&r.d), i);
		check_nothing(&r, ENROL_ERROR_NO_PROTOCOL);
		rig_done(&r);
	}
}

/* Whoever poses as the network would say whom to trust from then on. */
TEST(nothing_is_asked_of_a_server_that_nobody_checked)
{
	struct rig r;

	rig_init(&r);
	r.d.c.trust = (struct trust_settings){ .insecure_no_check = true };
	teap_duo_add(&r.d, TEAP_ANYBODY, TEAP_BY_MSCHAPV2);
	rig_load(&r);
	converse(&r);
	check_out(&r);
	check_nothing(&r, ENROL_ERROR_ACTION_REFUSED);
	CHECK_INT(r.d.passwords, 0);
	CHECK_INT(r.world.questions[ENROL_ASKS_AUTHORISE], 0);
	CHECK_STR(r.events, "failed");
	rig_done(&r);
}

/* The same judge as CPROM's: doc/cprom.md, "Installing". */
TEST(a_certificate_that_is_not_good_is_not_taken)
{
	for (unsigned i = 0; i < 10; i++) {
		struct rig r;

		rig_init(&r);
		if (i % 2) {
			rig_renews(&r);
			r.world.peer_settings.accept_anchors = i / 2 != 4;
		} else {
			teap_duo_add(&r.d, TEAP_ANYBODY, TEAP_BY_MSCHAPV2);
		}
		if (i / 2 == 0)
			r.world.issue_for = r.world.old.key;
		if (i / 2 == 1)
			r.world.issue_cn = "somebody else";
		if (i / 2 == 2)
			r.world.issue_by = &r.world.factory_ca;
		if (i / 2 == 3)
			r.world.issue.eku = "serverAuth";
		if (i / 2 == 4) /* roots of the server's do not count */
			r.world.peer_settings.accept_anchors = false;
		rig_load(&r);
		converse(&r);
		CHECK_INT(teap_duo_accepted(&r.d), i % 2);
		check_nothing(&r, ENROL_ERROR_NOT_ACCEPTABLE);
		CHECK_INT(r.world.questions[ENROL_ASKS_ISSUE], 1);
		CHECK_INT(cprom_peer_method.diagnosis(r.world.peer)->id, DIAG_ENROL_NOT_ACCEPTABLE);
		if (i % 2 == 0)
			CHECK_STR(diagnosis_evidence(&r.d.server_why, "error"),
				  "General PKI Error");
		rig_done(&r);
	}
}

TEST(a_store_that_fails)
{
	for (unsigned i = 0; i < 6; i++) {
		static const enum duo_step steps[] = { DUO_NEW_KEY, DUO_PUT, DUO_ACTIVATE };
		struct rig r;

		rig_init(&r);
		if (i % 2)
			rig_renews(&r);
		else
			teap_duo_add(&r.d, TEAP_ANYBODY, TEAP_BY_MSCHAPV2);
		r.world.fail_step = steps[i / 2];
		r.world.fail_status = UNEXPECTED;
		rig_load(&r);
		converse(&r);
		CHECK_INT(teap_duo_accepted(&r.d), i % 2 || steps[i / 2] == DUO_ACTIVATE);
		CHECK(cduo_shelf(&r.world, "net")->current == NULL);
		CHECK_INT(cprom_peer_error(r.world.peer), ENROL_ERROR_STORAGE);
		CHECK_INT(r.world.questions[ENROL_ASKS_CONFIRM], steps[i / 2] == DUO_ACTIVATE);
		rig_done(&r);
	}
}

TEST(a_key_that_the_server_does_not_want)
{
	static const uint8_t p384[] = { 6, 5, 0x2b, 0x81, 4, 0, 0x22 };
	struct rig r;

	rig_init(&r);
	teap_duo_add(&r.d, TEAP_ANYBODY, TEAP_BY_MSCHAPV2);
	r.world.policy.x509.oid = slice_of(p384, sizeof p384);
	rig_load(&r);
	converse(&r);
	check_out(&r);
	check_nothing(&r, ENROL_ERROR_PARAMETERS);
	rig_done(&r);
}

/* ---- requests that are not as they should be ---- */

static enum {
	GARBAGE,
	EMPTY,
	OVERSIZE,
	UNLINKED,
	OF_ANOTHER_TUNNEL,
	NOT_OURS,
	OTHER_NAMES,
	WAYS_TO_ERR
} way_to_err;

static enum status spoil(struct bytes *out, const struct enrol_peer_job *job)
{
	static const uint8_t elsewhere[32] = { 1 };
	struct enrol_peer_job wrong = *job;
	struct enrol_fault fault;
	enum status status;

	switch (way_to_err) {
	case EMPTY:
		bytes_clear(out);
		return OK;
	case OVERSIZE:
		status = bytes_reserve(out, 18000);
		if (status == OK)
			memset(out->p, 0x30, out->len = 18000);
		return status;
	case UNLINKED:
		wrong.binding = slice_of(NULL, 0);
		break;
	case OF_ANOTHER_TUNNEL:
		wrong.binding = slice_of(elsewhere, sizeof elsewhere);
		break;
	case OTHER_NAMES:
		snprintf(wrong.names.common_name, sizeof wrong.names.common_name, "boss");
		break;
	case NOT_OURS:
		out->p[out->len - 1] ^= 1;
		return OK;
	case GARBAGE:
	case WAYS_TO_ERR:
		return bytes_set(out, slice_str("hello"));
	}
	return pkcs_request_build(&wrong, slice_of(NULL, 0), out, &fault);
}

static const struct enrol_peer_job *job_of_the_peer;

static enum status erring_init(const struct enrol_peer_job *job, void **ret_self)
{
	job_of_the_peer = job;
	return pkcs_peer.init(job, ret_self);
}

static enum enrol_state erring_process(void *self, const struct enrol_message *in,
				       struct enrol_output *out, struct moment now)
{
	enum enrol_state state = pkcs_peer.process(self, in, out, now);

	if (state == ENROL_GOES_ON)
		REQUIRE(spoil(&out->data, job_of_the_peer) == OK);
	return state;
}

TEST(a_request_that_is_not_good_is_refused)
{
	struct enrol_peer_protocol erring = pkcs_peer;

	erring.init = erring_init;
	erring.process = erring_process;
	for (unsigned i = 0; i < 2 * WAYS_TO_ERR; i++) {
		bool renews = i % 2;
		struct rig r;

		way_to_err = i / 2;
		if (way_to_err == OTHER_NAMES && !renews)
			continue;
		rig_init(&r);
		r.protocol = &erring;
		if (renews)
			rig_renews(&r);
		else
			teap_duo_add(&r.d, TEAP_ANYBODY, TEAP_BY_MSCHAPV2);
		rig_load(&r);
		converse(&r);
		CHECK_INT(teap_duo_accepted(&r.d), renews);
		check_nothing(&r, ENROL_ERROR_CA_REFUSED);
		CHECK_INT(r.world.questions[ENROL_ASKS_ISSUE], 0);
		CHECK_STR(diagnosis_evidence(cprom_peer_method.diagnosis(r.world.peer), "detail"),
			  way_to_err == OTHER_NAMES ? "Bad Identity In Certificate Signing Request"
						    : "Bad Certificate Signing Request");
		if (!renews)
			CHECK(r.d.server_why.id != DIAG_NONE);
		rig_done(&r);
	}
}
