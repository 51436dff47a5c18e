/* Certificates by TEAP alone, against a server and a peer that do not keep the rules. */
#include "enrol/pkcs.h"
#include "method/cprom_direct.h"
#include "tests/cprom_duo.h"
#include "tests/teap_hostile.h"
#include "tests/test.h"

#define CERTIFICATE	 "\0\x0f\0\1\x30"
#define ROOTS		 "\0\x11\0\7\0\1\0\x0f\0\1\x30"
#define EMPTY_ROOTS	 "\0\x11\0\2\0\1"
#define UNKNOWN_ROOTS	 "\0\x11\0\2\0\2"
#define REQUEST		 "\0\x10\0\1\x30"
#define EMPTY_REQUEST	 "\0\x10\0\0"
#define ASKS_FOR_REQUEST "\x80\x08\0\6\1\1\0\x10\0\0"
#define DEMANDS_REQUEST	 "\x80\x08\0\6\2\1\0\x10\0\0"
#define ATTRIBUTES	 "\0\x12\0\2\x30\0"

static struct cprom_duo world;
static const struct enrol_peer_protocol *const protocols[] = { &pkcs_peer };

static void world_init(void)
{
	cduo_init(&world);
	world.peer_settings.protocols = (const struct enrol_peer_protocol *const *)protocols;
	world.peer_settings.token.kind = CPROM_NO_TOKEN;
	world.peer_settings.store = (struct enrol_store_ref){ &cduo_store, &world };
}

static void world_done(void)
{
	world.peer = NULL;
	cduo_done(&world);
}

/* ---- a server ---- */

static void wants_certificate(struct hostile *h)
{
	REQUIRE(cprom_peer_new(&world.peer_settings, &world.peer) == OK);
	h->d.peer_settings.provision = world.peer;
}

TEST(what_a_server_that_gives_certificates_must_not_say)
{
	static const struct {
		struct says says[4];
		uint32_t error; /* that the peer tells */
		enum enrol_error found;
	} rows[] = {
		/* what was not asked for */
		{ { SAYS(CERTIFICATE) }, TEAP_ERROR_UNEXPECTED, ENROL_ERROR_NONE },
		{ { SAYS_AND_BINDS(RESULT_SUCCESS CERTIFICATE) },
		  TEAP_ERROR_UNEXPECTED,
		  ENROL_ERROR_NONE },
		{ { SAYS_AND_BINDS(RESULT_SUCCESS ROOTS) },
		  TEAP_ERROR_UNEXPECTED,
		  ENROL_ERROR_NONE },
		{ { SAYS(ASKS_FOR_REQUEST), SAYS(ROOTS) },
		  TEAP_ERROR_UNEXPECTED,
		  ENROL_ERROR_NONE },
		/* twice */
		{ { SAYS_AND_BINDS(RESULT_SUCCESS), SAYS(CERTIFICATE CERTIFICATE) },
		  TEAP_ERROR_UNEXPECTED,
		  ENROL_ERROR_NONE },
		{ { SAYS(ASKS_FOR_REQUEST), SAYS(CERTIFICATE), SAYS(CERTIFICATE) },
		  TEAP_ERROR_UNEXPECTED,
		  ENROL_ERROR_NONE },
		/* without a binding */
		{ { SAYS(ASKS_FOR_REQUEST), SAYS(CERTIFICATE RESULT_SUCCESS) },
		  TEAP_ERROR_COMPROMISE,
		  ENROL_ERROR_NONE },
		/* what is none */
		{ { SAYS_AND_BINDS(RESULT_SUCCESS), SAYS_AND_BINDS(CERTIFICATE RESULT_SUCCESS) },
		  TEAP_ERROR_PKI,
		  ENROL_ERROR_MALFORMED },
		{ { SAYS_AND_BINDS(RESULT_SUCCESS),
		    SAYS_AND_BINDS(CERTIFICATE ROOTS RESULT_SUCCESS) },
		  TEAP_ERROR_PKI,
		  ENROL_ERROR_MALFORMED },
		{ { SAYS_AND_BINDS(RESULT_SUCCESS),
		    SAYS_AND_BINDS(CERTIFICATE EMPTY_ROOTS RESULT_SUCCESS) },
		  TEAP_ERROR_UNEXPECTED,
		  ENROL_ERROR_NONE },
		{ { SAYS(ASKS_FOR_REQUEST), SAYS_AND_BINDS(CERTIFICATE INTERMEDIATE_SUCCESS),
		    SAYS(ROOTS) },
		  TEAP_ERROR_PKI,
		  ENROL_ERROR_MALFORMED },
		{ { SAYS("\0\x12\0\2\x31\0"), SAYS(ASKS_FOR_REQUEST) },
		  TEAP_ERROR_PKI,
		  ENROL_ERROR_MALFORMED },
		/* it has nothing to give, or says why not */
		{ { SAYS_AND_BINDS(RESULT_SUCCESS), SAYS_AND_BINDS(RESULT_SUCCESS) },
		  TEAP_ERROR_PKI,
		  ENROL_ERROR_NO_PROTOCOL },
		{ { SAYS_AND_BINDS(RESULT_SUCCESS),
		    SAYS_AND_BINDS("\x80\x05\0\4\0\0\4\1" RESULT_SUCCESS) },
		  TEAP_ERROR_PKI,
		  ENROL_ERROR_CA_REFUSED },
		{ { SAYS_AND_BINDS(RESULT_SUCCESS), SAYS("\x80\x05\0\4\0\0\4\2" RESULT_FAILURE) },
		  TEAP_NO_ERROR,
		  ENROL_ERROR_INTERNAL },
		/* appendix C.12 */
		{ { SAYS(ATTRIBUTES ASKS_FOR_REQUEST), SAYS("\x80\x0a\0\2\0\2" RESULT_FAILURE) },
		  TEAP_NO_ERROR,
		  ENROL_ERROR_NO_PROTOCOL },
		/* it asks a second time */
		{ { SAYS(ASKS_FOR_REQUEST), SAYS(DEMANDS_REQUEST) },
		  TEAP_NO_ERROR,
		  ENROL_ERROR_NONE },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct hostile h;

		world_init();
		face_server_with(&h, true, rows[i].says, 4, wants_certificate);
		CHECK(!teap_duo_accepted(&h.d) && h.d.verdict.decision == FAIL);
		CHECK(h.d.peer_keys.msk.p == NULL);
		CHECK(h.d.peer_why.id != DIAG_NONE);
		CHECK_INT(h.heard.result, TEAP_FAILURE);
		CHECK_INT(h.heard.error, rows[i].error);
		CHECK_INT(cprom_peer_error(world.peer), rows[i].found);
		CHECK(cduo_shelf(&world, "net")->current == NULL);
		CHECK(!cduo_shelf(&world, "net")->put);
		if (h.heard.error != rows[i].error || cprom_peer_error(world.peer) != rows[i].found)
			test_note("row %zu", i);
		teap_duo_done(&h.d);
		world_done();
	}
}

/* "Peers ... MUST NOT implicitly trust": roots go out with a request that is bound, and only so. */
TEST(roots_are_asked_for_behind_a_binding_alone)
{
	static const struct says unbound[] = { SAYS(ASKS_FOR_REQUEST) };
	static const struct says bound[] = { SAYS_AND_BINDS(RESULT_SUCCESS) };
	static const struct says refused[] = { SAYS_AND_BINDS(RESULT_SUCCESS) };
	struct teap_provision p;
	struct hostile h;

	world_init();
	face_server_with(&h, true, unbound, 1, wants_certificate);
	CHECK(teap_has(&h.heard, TEAP_PKCS10));
	CHECK(!teap_has(&h.heard, TEAP_TRUSTED_ROOT));
	CHECK_INT(h.heard.action_count, 0);
	teap_duo_done(&h.d);
	world_done();

	world_init();
	face_server_with(&h, true, bound, 1, wants_certificate);
	REQUIRE(h.heard.action_count == 1);
	CHECK_INT(h.heard.actions[0].status, TEAP_FAILURE);
	CHECK_INT(h.heard.actions[0].action, TEAP_PROCESS_TLV);
	REQUIRE(teap_provision_read(h.heard.actions[0].tlvs, &p));
	CHECK(p.request && p.pkcs10.len > 100 && p.root);
	teap_duo_done(&h.d);
	world_done();

	/* whose roots are of no use are not asked for */
	world_init();
	world.peer_settings.accept_anchors = false;
	face_server_with(&h, true, refused, 1, wants_certificate);
	REQUIRE(h.heard.action_count == 1);
	REQUIRE(teap_provision_read(h.heard.actions[0].tlvs, &p));
	CHECK(p.request && !p.root);
	teap_duo_done(&h.d);
	world_done();
}

/* ---- a peer ---- */

static void answers(void *context, const struct enrol_question *q, struct enrol_reply *reply)
{
	(void)context;
	world.questions[q->kind]++;
	reply->accept = true;
	cduo_answer_question(&world, q, reply);
}

static void gives_certificates(struct hostile *h)
{
	world.policy.authorisations = 1u << ENROL_BY_CERTIFICATE | 1u << ENROL_BY_ACCOUNT;
	h->d.server_context.enrol = &world.context;
	h->d.enrolment = answers;
}

/* The certificate of the tunnel is to be renewed. */
static void asks_for_renewal(struct hostile *h)
{
	gives_certificates(h);
	world.authority.renew_wanted = true;
	snprintf(world.grant.machine, sizeof world.grant.machine, "desk");
}

/* Else the machine's certificate might let it in all the same. */
static void asks_for_renewal_in_vain(struct hostile *h)
{
	asks_for_renewal(h);
	h->d.refuse_admission = true;
}

#define DEMAND(tlvs_len, tlvs) "\x80\x08\0" tlvs_len "\2\1" tlvs

TEST(what_a_peer_that_wants_certificates_must_not_say)
{
	static const struct {
		bool certificate, renews;
		struct says says[3];
		uint32_t error; /* that the server tells */
	} rows[] = {
		/* before anything was proved */
		{ false, false, { SAYS(REQUEST) }, TEAP_ERROR_UNEXPECTED },
		{ false, false, { SAYS(DEMAND("\x07", REQUEST)) }, TEAP_ERROR_UNEXPECTED },
		/* what is none */
		{ true, false, { SAYS_AND_BINDS(DEMAND("\x07", REQUEST)) }, TEAP_ERROR_CSR },
		{ true, false, { SAYS_AND_BINDS(DEMAND("\6", EMPTY_REQUEST)) }, TEAP_ERROR_CSR },
		{ true, false, { SAYS_AND_BINDS(REQUEST) }, TEAP_ERROR_CSR },
		/* twice, or not to be read */
		{ true, false, { SAYS_AND_BINDS(REQUEST REQUEST) }, TEAP_ERROR_UNEXPECTED },
		{ true,
		  false,
		  { SAYS_AND_BINDS(REQUEST DEMAND("\x07", REQUEST)) },
		  TEAP_ERROR_UNEXPECTED },
		{ true,
		  false,
		  { SAYS_AND_BINDS(DEMAND("\x0c", REQUEST REQUEST)) },
		  TEAP_ERROR_UNEXPECTED },
		{ true, false, { SAYS_AND_BINDS(DEMAND("\4", "\0\x10")) }, TEAP_ERROR_UNEXPECTED },
		/* a certificate is nothing for a peer to give */
		{ true, false, { SAYS_AND_BINDS(CERTIFICATE) }, TEAP_ERROR_UNEXPECTED },
		/* without the answer to our Crypto-Binding */
		{ true, false, { SAYS(DEMAND("\x07", REQUEST)) }, TEAP_ERROR_COMPROMISE },
		/* roots of a format that is not known are nothing to us */
		{ true,
		  false,
		  { SAYS_AND_BINDS(DEMAND("\x08", UNKNOWN_ROOTS)) },
		  TEAP_ERROR_UNEXPECTED },
		/* a second request */
		{ true,
		  false,
		  { SAYS_AND_BINDS("\x80\x08\0\7\1\1" REQUEST),
		    SAYS_AND_BINDS("\x80\x08\0\7\1\1" REQUEST) },
		  TEAP_ERROR_UNEXPECTED },
		/* appendix C.12 */
		{ true, true, { SAYS(REQUEST) }, TEAP_ERROR_CSR },
		{ true, true, { SAYS(EMPTY_REQUEST) }, TEAP_ERROR_CSR },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct hostile h;

		world_init();
		face_peer_with(&h, rows[i].certificate, rows[i].says, 3,
			       rows[i].renews ? asks_for_renewal_in_vain : gives_certificates);
		CHECK(h.d.end != METHOD_SUCCEEDED);
		CHECK(h.d.server_keys.msk.p == NULL);
		CHECK(h.d.server_why.id != DIAG_NONE);
		CHECK_INT(h.heard.result, TEAP_FAILURE);
		CHECK_INT(h.heard.error, rows[i].error);
		CHECK_INT(h.heard.intermediate == TEAP_FAILURE,
			  !rows[i].certificate || rows[i].renews);
		CHECK_INT(world.questions[ENROL_ASKS_ISSUE], 0);
		if (h.heard.error != rows[i].error)
			test_note("row %zu", i);
		teap_duo_done(&h.d);
		world_done();
	}
}

/* A refusal that costs nothing, roots alone, and a renewal that is declined. */
TEST(a_peer_that_wants_no_certificate_after_all_gets_in)
{
	static const struct {
		bool renews;
		struct says says[3];
	} rows[] = {
		{ false,
		  { SAYS_AND_BINDS("\x80\x08\0\7\1\1" REQUEST), SAYS_AND_BINDS(RESULT_SUCCESS) } },
		{ false,
		  { SAYS_AND_BINDS("\x80\x08\0\x08\1\1" EMPTY_ROOTS),
		    SAYS_AND_BINDS(RESULT_SUCCESS) } },
		{ true, { SAYS(RESULT_SUCCESS), SAYS_AND_BINDS(RESULT_SUCCESS) } },
		{ true, { SAYS("\x80\4\0\6\0\0\0\0\0\x08"), SAYS_AND_BINDS(RESULT_SUCCESS) } },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct hostile h;

		world_init();
		face_peer_with(&h, true, rows[i].says, 3,
			       rows[i].renews ? asks_for_renewal : gives_certificates);
		CHECK_INT(h.d.end, METHOD_SUCCEEDED);
		CHECK_INT(world.questions[ENROL_ASKS_CONFIRM], 0);
		if (h.d.end != METHOD_SUCCEEDED)
			test_note("row %zu", i);
		teap_duo_done(&h.d);
		world_done();
	}
}
