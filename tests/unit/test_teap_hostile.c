/* TEAP against a server and a peer that say what they should not, inside of a tunnel that is good.
 */
#include "tests/teap_hostile.h"
#include "tests/test.h"

TEST(what_a_server_must_not_say)
{
	static const struct {
		struct says says[3];
		enum diagnosis_id peer;
		uint32_t error; /* that the peer tells; 0: none */
	} rows[] = {
		/* success without a binding, or without anything inside */
		{ { SAYS(RESULT_SUCCESS) }, DIAG_TUNNEL_BINDING, TEAP_ERROR_COMPROMISE },
		{ { SAYS(INTERMEDIATE_SUCCESS RESULT_SUCCESS) },
		  DIAG_TUNNEL_BINDING,
		  TEAP_ERROR_COMPROMISE },
		{ { SAYS_AND_BINDS(RESULT_SUCCESS), SAYS_AND_BINDS(RESULT_SUCCESS) },
		  DIAG_INNER_SKIPPED,
		  TEAP_ERROR_AUTHENTICATION },
		{ { SAYS_AND_BINDS(RESULT_SUCCESS), SAYS(RESULT_SUCCESS) },
		  DIAG_INNER_SKIPPED,
		  TEAP_ERROR_AUTHENTICATION },
		{ { SAYS_AND_BINDS(INTERMEDIATE_SUCCESS) }, DIAG_MALFORMED, TEAP_ERROR_UNEXPECTED },
		{ { SAYS_AND_BINDS("") }, DIAG_MALFORMED, TEAP_ERROR_UNEXPECTED },
		/* a method that has not come to its end */
		{ { SAYS(IDENTITY_REQUEST), SAYS_AND_BINDS(INTERMEDIATE_SUCCESS RESULT_SUCCESS) },
		  DIAG_MALFORMED,
		  TEAP_ERROR_INNER_METHOD },
		{ { SAYS(IDENTITY_REQUEST), SAYS_AND_BINDS(RESULT_SUCCESS) },
		  DIAG_MALFORMED,
		  TEAP_ERROR_INNER_METHOD },
		{ { SAYS(IDENTITY_REQUEST), SAYS(PASSWORD_REQUEST) },
		  DIAG_MALFORMED,
		  TEAP_ERROR_UNEXPECTED },
		{ { SAYS("\x80\x09\0\4\3\7\0\4") }, DIAG_MALFORMED, TEAP_ERROR_INNER_METHOD },
		/* rules of TLVs */
		{ { SAYS(IDENTITY_REQUEST IDENTITY_REQUEST) },
		  DIAG_MALFORMED,
		  TEAP_ERROR_UNEXPECTED },
		{ { SAYS(IDENTITY_REQUEST PASSWORD_REQUEST) },
		  DIAG_MALFORMED,
		  TEAP_ERROR_UNEXPECTED },
		{ { SAYS("\x80\x0b\0\0") }, DIAG_MALFORMED, TEAP_ERROR_UNEXPECTED },
		{ { SAYS("\x80\x03\0\2\0\7") }, DIAG_MALFORMED, TEAP_ERROR_UNEXPECTED },
		{ { SAYS("\x80") }, DIAG_MALFORMED, TEAP_ERROR_UNEXPECTED },
		{ { SAYS(RESULT_SUCCESS UNKNOWN_MANDATORY) },
		  DIAG_MALFORMED,
		  TEAP_ERROR_UNEXPECTED },
		{ { SAYS("\x80\x04\0\6\0\0\0\0\0\x09") }, DIAG_MALFORMED, TEAP_ERROR_UNEXPECTED },
		/* failure, told in several ways */
		{ { SAYS(RESULT_FAILURE) }, DIAG_TUNNEL_ERROR, 0 },
		{ { SAYS("\x80\x05\0\4\0\0\x07\xd1") }, DIAG_TUNNEL_ERROR, 0 },
		{ { SAYS("\x80\x05\0\4\0\0\x03\xeb") }, DIAG_TUNNEL_ERROR, 0 },
		/* demands that we do not meet */
		{ { SAYS("\x80\x08\0\6\2\1\0\x10\0\0") }, DIAG_TUNNEL_ERROR, 0 },
		{ { SAYS("\x80\x08\0\6\1\1\0\x10\0\0") }, DIAG_TUNNEL_ERROR, 0 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct hostile h;

		face_server(&h, false, rows[i].says, 3);
		CHECK(!teap_duo_accepted(&h.d) && h.d.verdict.decision == FAIL);
		CHECK(h.d.peer_keys.msk.p == NULL);
		CHECK_INT(h.d.peer_why.id, rows[i].peer);
		CHECK_INT(h.status, OK);
		CHECK_INT(h.heard.result, TEAP_FAILURE);
		CHECK_INT(h.heard.error, rows[i].error);
		CHECK(!teap_has(&h.heard, TEAP_CRYPTO_BINDING));
		if (h.d.peer_why.id != rows[i].peer || h.heard.error != rows[i].error)
			test_note("row %zu", i);
		teap_duo_done(&h.d);
	}
}

TEST(what_is_not_known_is_declined_or_skipped)
{
	const struct says says[] = { SAYS(IDENTITY_REQUEST UNKNOWN_MANDATORY),
				     SAYS(UNKNOWN_OPTIONAL), SAYS("\0\6\0\0") };
	struct hostile h;

	/* all else in such a message is ignored */
	face_server(&h, false, says, 1);
	CHECK_INT(h.messages, 1);
	CHECK_INT(h.heard.present, 1u << TEAP_NAK);
	CHECK(h.heard.nak.vendor == 0 && h.heard.nak.type == 0x55);
	teap_duo_done(&h.d);
	/* a channel binding cannot be declined: an empty message */
	face_server(&h, false, says + 1, 2);
	CHECK_INT(h.messages, 2);
	CHECK_INT(h.octets, 0);
	teap_duo_done(&h.d);
}

TEST(a_password_is_declined_by_name)
{
	const struct says says[] = { SAYS(PASSWORD_REQUEST) };
	struct hostile h;

	face_server(&h, false, says, 1);
	CHECK_INT(h.heard.present, 1u << TEAP_NAK);
	CHECK_INT(h.heard.nak.type, TEAP_PASSWORD_REQUEST);
	teap_duo_done(&h.d);
}

TEST(the_server_may_take_back_its_success_inside_alone)
{
	const struct says says[] = { SAYS_AND_BINDS(RESULT_SUCCESS), SAYS(RESULT_FAILURE) };
	struct hostile h;

	face_server(&h, true, says, 1);
	CHECK_INT(h.heard.result, TEAP_SUCCESS);
	/* EAP-Failure is not believed, and there are keys */
	CHECK_INT(h.d.verdict.decision, UNCOND_SUCC);
	CHECK_INT(h.d.verdict.methodState, METHOD_MAY_CONT);
	CHECK(h.d.peer_keys.msk.len == 64);
	teap_duo_done(&h.d);
	face_server(&h, true, says, 2);
	CHECK_INT(h.d.verdict.decision, FAIL);
	CHECK_INT(h.d.peer_why.id, DIAG_TUNNEL_ERROR);
	teap_duo_done(&h.d);
}

/* Each of the 80 octets, in a real conversation. */
TEST(no_octet_of_a_servers_binding_can_be_changed)
{
	for (size_t at = 1; at <= TEAP_BINDING_SIZE; at++) {
		struct says says = SAYS_AND_BINDS(RESULT_SUCCESS);
		struct hostile h;

		/* of the EMSK Compound-MAC, which is not there, nothing counts */
		if (at > 40 && at <= 60)
			continue;
		says.flips = at;
		face_server(&h, true, &says, 1);
		CHECK_INT(h.d.verdict.decision, FAIL);
		CHECK(h.d.peer_keys.msk.p == NULL);
		if (h.d.verdict.decision != FAIL)
			test_note("octet %zu", at - 1);
		teap_duo_done(&h.d);
	}
}

TEST(what_a_peer_must_not_say)
{
	static const struct {
		bool certificate;
		struct says says[3];
		enum diagnosis_id server;
		uint32_t error;
	} rows[] = {
		{ true, { SAYS(RESULT_SUCCESS) }, DIAG_INNER_BINDING, TEAP_ERROR_COMPROMISE },
		{ true, { SAYS_AND_BINDS("") }, DIAG_MALFORMED, TEAP_ERROR_UNEXPECTED },
		{ true, { SAYS("") }, DIAG_INNER_BINDING, TEAP_ERROR_COMPROMISE },
		{ true,
		  { SAYS_AND_BINDS(RESULT_SUCCESS IDENTITY_REQUEST) },
		  DIAG_MALFORMED,
		  TEAP_ERROR_UNEXPECTED },
		{ true,
		  { SAYS_AND_BINDS("\x80\x08\0\2\2\2") },
		  DIAG_INNER_ERROR,
		  TEAP_ERROR_UNEXPECTED },
		{ true,
		  { SAYS(RESULT_SUCCESS UNKNOWN_MANDATORY) },
		  DIAG_MALFORMED,
		  TEAP_ERROR_UNEXPECTED },
		{ false, { SAYS(RESULT_SUCCESS) }, DIAG_MALFORMED, TEAP_ERROR_UNEXPECTED },
		{ false, { SAYS("\x80\x08\0\2\1\2") }, DIAG_MALFORMED, TEAP_ERROR_UNEXPECTED },
		{ false, { SAYS("") }, DIAG_INNER_NOTHING, TEAP_ERROR_UNEXPECTED },
		{ false, { SAYS(UNKNOWN_OPTIONAL) }, DIAG_INNER_NOTHING, TEAP_ERROR_UNEXPECTED },
		{ false,
		  { SAYS("\x80\x0e\0\6\3"
			 "bob\1x") },
		  DIAG_MALFORMED,
		  TEAP_ERROR_UNEXPECTED },
		{ false,
		  { SAYS("\x80\x04\0\6\0\0\0\0\0\x09") },
		  DIAG_MALFORMED,
		  TEAP_ERROR_UNEXPECTED },
		{ false, { SAYS("\x80") }, DIAG_MALFORMED, TEAP_ERROR_UNEXPECTED },
		{ false, { SAYS("\x80\x0b\0\0") }, DIAG_MALFORMED, TEAP_ERROR_UNEXPECTED },
		{ false, { SAYS(INTERMEDIATE_SUCCESS) }, DIAG_MALFORMED, TEAP_ERROR_UNEXPECTED },
		{ false,
		  { SAYS("\x80\x05\0\4\0\0\x03\xe9") },
		  DIAG_INNER_ERROR,
		  TEAP_ERROR_INNER_METHOD },
		{ false, { SAYS(IDENTITY_REQUEST) }, DIAG_MALFORMED, TEAP_ERROR_INNER_METHOD },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct hostile h;

		face_peer(&h, rows[i].certificate, rows[i].says, 3);
		CHECK(h.d.end != METHOD_SUCCEEDED);
		CHECK(h.d.server_keys.msk.p == NULL);
		CHECK_INT(h.d.server_why.id, rows[i].server);
		CHECK_INT(h.heard.result, TEAP_FAILURE);
		CHECK_INT(h.heard.error, rows[i].error);
		if (h.d.server_why.id != rows[i].server || h.heard.error != rows[i].error)
			test_note("row %zu", i);
		teap_duo_done(&h.d);
	}
}

TEST(failure_of_a_peer_ends_it_at_once)
{
	const struct says says[] = { SAYS(RESULT_FAILURE) };
	struct hostile h;

	face_peer(&h, false, says, 1);
	CHECK_INT(h.d.end, METHOD_FAILED);
	CHECK_INT(h.d.server_why.id, DIAG_INNER_ERROR);
	CHECK_INT(h.messages, 1);
	teap_duo_done(&h.d);
}

TEST(a_peer_that_does_it_right_gets_in)
{
	const struct says says[] = { SAYS_AND_BINDS(RESULT_SUCCESS) };
	struct hostile h;

	face_peer(&h, true, says, 1);
	CHECK_INT(h.d.end, METHOD_SUCCEEDED);
	teap_duo_done(&h.d);
}

TEST(no_octet_of_a_peers_binding_can_be_changed)
{
	for (size_t at = 1; at <= TEAP_BINDING_SIZE; at++) {
		struct says says[2] = { SAYS_AND_BINDS(RESULT_SUCCESS) };
		struct hostile h;

		if (at > 40 && at <= 60)
			continue;
		says[0].flips = at;
		face_peer(&h, true, says, 2);
		CHECK(h.d.end != METHOD_SUCCEEDED);
		CHECK(h.d.server_keys.msk.p == NULL);
		if (h.d.end == METHOD_SUCCEEDED)
			test_note("octet %zu", at - 1);
		teap_duo_done(&h.d);
	}
}
