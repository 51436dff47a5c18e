#include "tests/test.h"
#include "tests/tls_cast.h"

/* ---- resumption ---------------------------------------------------------------------------- */

TEST(a_session_ends_with_its_time)
{
	struct cast c;

	cast_init(&c);
	cast_load(&c);
	cast_check_success(&c, false);
	c.now.mono += (msec)3 * 3600 * 1000; /* OpenSSL's tickets are good for two hours */
	cast_check_success(&c, false);
	c.now.mono += (msec)1 * 3600 * 1000;
	cast_check_success(&c, true);
	cast_done(&c);
}

TEST(however_often_resumed_a_full_handshake_is_due_after_a_day)
{
	struct cast c;

	cast_init(&c);
	cast_load(&c);
	cast_check_success(&c, false);
	for (int hour = 1; hour < 24; hour++) {
		c.now.mono += (msec)3600 * 1000;
		cast_check_success(&c, true);
	}
	c.now.mono += (msec)3600 * 1000;
	cast_check_success(&c, false);
	cast_done(&c);
}

TEST(a_session_whose_certificate_has_expired_is_not_offered)
{
	struct cast c;

	cast_init(&c);
	cast_load(&c);
	cast_check_success(&c, false);
	c.now.wall += PKI_YEAR;
	cast_converse(&c);
	CHECK_INT(cast_diagnosed(&c), DIAG_SERVER_CERT_EXPIRED);
	cast_done(&c);
}

TEST(a_conversation_that_fails_costs_the_session)
{
	struct cast c;

	cast_init(&c);
	cast_load(&c);
	cast_check_success(&c, false);
	cast_answer_with_alert(&c, SSL_AD_INTERNAL_ERROR);
	cast_check_success(&c, false);
	cast_check_success(&c, true);
	cast_done(&c);
}

TEST(a_server_that_does_not_confirm_what_it_resumes_is_asked_for_full_handshakes)
{
	struct cast c;

	cast_init(&c);
	cast_load(&c);
	cast_check_success(&c, false);
	CHECK(!tls_peer_method.repeats(c.peer));
	c.server.spec.success = SUCCESS_NONE;
	cast_converse(&c);
	CHECK(!cast_accepted(&c));
	CHECK(tls_server_resumed(&c.server));
	tls_peer_method.stop(c.peer);
	CHECK(tls_peer_method.repeats(c.peer));
	c.server.spec.success = SUCCESS_PROTECTED;
	cast_check_success(&c, false);
	CHECK(!tls_peer_method.repeats(c.peer));
	cast_check_success(&c, false);
	cast_done(&c);
}

TEST(without_resumption_no_session_is_kept)
{
	struct cast c;

	cast_init(&c);
	c.peer_settings.resume = false;
	cast_load(&c);
	cast_check_success(&c, false);
	cast_check_success(&c, false);
	cast_done(&c);
}

TEST(a_session_is_of_use_to_its_config_alone)
{
	struct cast c;
	struct tls_session session = { 0 };
	struct tls_config *first;
	AUTO_STRUCT(tls_conn) conn = NULL;

	cast_init(&c);
	cast_load(&c);
	first = tls_config_ref(c.config);
	session.config = tls_config_ref(first);
	REQUIRE(secret_set(&session.encoded, slice_str("x")) == OK);
	session.expires = session.full_until = NEVER;
	cast_load(&c);
	CHECK(c.config != first);
	CHECK_INT(tls_conn_new(c.config, &session, cast_now, &conn), OK);
	CHECK_INT(session.encoded.len, 0);
	CHECK(session.config == NULL);
	tls_conn_free(TAKE(conn));
	tls_config_free(first);
	cast_done(&c);
}

/* A handshake without EAP around it; what it leaves for the next is in *session. */
static enum server_state shake_hands(struct cast *c, struct tls_session *session)
{
	static uint8_t request[70000], response[MTU];
	struct wr out = wr_of(request, sizeof request), in;
	struct slice flight = slice_of(NULL, 0);
	enum server_state state = SERVER_GOING;
	AUTO_STRUCT(tls_conn) conn = NULL;

	if (tls_conn_new(c->config, session, cast_now, &conn) != OK)
		return SERVER_FAILURE;
	for (tls_server_begin(&c->server, &out); state == SERVER_GOING;) {
		tls_conn_feed(conn, flight, cast_now);
		in = wr_of(response, sizeof response);
		wr_u8(&in, 0);
		wr_bytes(&in, tls_conn_pending(conn));
		tls_conn_consume(conn, tls_conn_pending(conn).len);
		out = wr_of(request, sizeof request);
		state = tls_server_answer(&c->server, wr_done(&in), &out);
		flight = slice_of(request + 1, out.len ? out.len - 1 : 0);
	}
	tls_conn_keep_session(conn);
	return state;
}

TEST(a_session_is_kept_without_certificates)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

	for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
		struct tls_session session = { 0 };
		struct cast c;

		cast_init(&c);
		c.server_spec.max = versions[i];
		c.server_spec.fragment = 60000;
		cast_load(&c);
		for (int n = 0; n < 3; n++) {
			CHECK_INT(shake_hands(&c, &session), SERVER_SUCCESS);
			CHECK_INT(tls_server_resumed(&c.server), n > 0);

			const unsigned char *p = session.encoded.p;
			AUTO(SSL_SESSION)
			kept = d2i_SSL_SESSION(NULL, &p, (long)session.encoded.len);

			REQUIRE(kept != NULL);
			CHECK(SSL_SESSION_get0_peer(kept) == NULL);
			CHECK_STR(session.server.subject, "CN=Test Server");
			CHECK(session.server.id.len > 0);
			CHECK(session.server.not_after > PKI_NOW);
		}
		tls_session_done(&session);
		cast_done(&c);
	}
}

TEST(a_server_that_forgot_the_session_gets_a_full_handshake)
{
	struct cast c;

	cast_init(&c);
	cast_load(&c);
	cast_check_success(&c, false);
	tls_server_done(&c.server);
	tls_server_init(&c.server, &c.server_spec);
	cast_check_success(&c, false);
	cast_check_success(&c, true);
	cast_done(&c);
}

/* ---- what does not belong ------------------------------------------------------------------ */

static bool discarded(struct cast *c, const char *type_data, size_t len)
{
	uint8_t out[MTU];
	struct wr w = wr_of(out, sizeof out);

	return !cast_ask(c, slice_of(type_data, len), &w);
}

TEST(what_does_not_belong_to_the_conversation_is_discarded)
{
	struct cast c;

	cast_init(&c);
	c.options.fragment_size = 50;
	cast_load(&c);
	tls_peer_method.start(c.peer, cast_now);
	CHECK(discarded(&c, "", 0));
	CHECK(discarded(&c, "\x80\0\0", 3));
	CHECK(discarded(&c, "\0", 1));
	CHECK(discarded(&c, "\0\x16\3\3", 4));
	CHECK(!discarded(&c, "\x20", 1));
	CHECK(discarded(&c, "\x20", 1));
	CHECK(discarded(&c, "\0\x16\3\3", 4)); /* our ClientHello is not complete */
	CHECK_INT(cast_diagnosed(&c), DIAG_MALFORMED);
	CHECK(!discarded(&c, "\0", 1));
	CHECK_INT(cast_diagnosed(&c), DIAG_NONE);
	cast_done(&c);
}

TEST(fragments_that_do_not_add_up_end_the_conversation)
{
	struct cast c;

	cast_init(&c);
	cast_load(&c);
	tls_peer_method.start(c.peer, cast_now);
	CHECK(!discarded(&c, "\x20", 1));
	CHECK(!discarded(&c, "\xc0\0\0\0\3ab", 7));
	CHECK_INT(c.verdict.methodState, METHOD_MAY_CONT);
	CHECK(!discarded(&c, "\0cd", 3));
	CHECK_INT(c.verdict.methodState, METHOD_DONE);
	CHECK_INT(c.verdict.decision, FAIL);
	CHECK_INT(cast_diagnosed(&c), DIAG_MALFORMED);
	cast_done(&c);
}

TEST(garbage_ends_it)
{
	struct cast c;
	uint8_t out[MTU];
	struct wr w = wr_of(out, sizeof out);

	cast_init(&c);
	cast_load(&c);
	tls_peer_method.start(c.peer, cast_now);
	REQUIRE(cast_ask(&c, slice_of("\x20", 1), &w));
	w = wr_of(out, sizeof out);
	REQUIRE(cast_ask(&c, slice_of("\0GET / HTTP/1.0\r\n\r\n", 19), &w));
	CHECK_INT(c.verdict.methodState, METHOD_MAY_CONT);
	CHECK_INT(c.verdict.decision, FAIL);
	CHECK_INT(cast_diagnosed(&c), DIAG_MALFORMED);
	/* a server that goes on after that is not listened to */
	w = wr_of(out, sizeof out);
	REQUIRE(cast_ask(&c, slice_of("\0", 1), &w));
	CHECK_INT(c.verdict.methodState, METHOD_DONE);
	CHECK_INT(c.verdict.decision, FAIL);
	cast_done(&c);
}

/* Every octet of the server's first flight in turn is wrong: nothing is accepted, nothing breaks.
 */
TEST(a_flight_with_one_octet_wrong_never_succeeds)
{
	static uint8_t request[70000], response[MTU];
	struct cast c;

	cast_init(&c);
	c.server_spec.max = TLS1_2_VERSION;
	c.server_spec.fragment = 60000;
	cast_load(&c);
	for (size_t at = 1, len = 2; at < len; at += 7) {
		struct wr out = wr_of(request, sizeof request);
		struct wr in = wr_of(response, sizeof response);

		c.end = SERVER_GOING;
		tls_peer_method.start(c.peer, c.now);
		tls_server_begin(&c.server, &out);
		for (int round = 0; c.end == SERVER_GOING; round++) {
			if (round == 1) {
				len = out.len;
				request[at] ^= 0x55;
			}
			in = wr_of(response, sizeof response);
			if (!cast_ask(&c, wr_done(&out), &in) ||
			    c.verdict.methodState == METHOD_DONE)
				break;
			out = wr_of(request, sizeof request);
			c.end = tls_server_answer(&c.server, wr_done(&in), &out);
		}
		CHECK(!cast_accepted(&c));
		CHECK(c.verdict.decision == FAIL);
	}
	cast_done(&c);
}

/* ---- profiles ------------------------------------------------------------------------------ */

TEST(a_key_of_another_certificate_is_refused)
{
	struct cast c;
	struct diagnosis why;
	struct tls_config *config = NULL;

	cast_init(&c);
	c.trust = (struct trust_settings){ .insecure_no_check = true };
	REQUIRE(trust_new(&c.trust, &c.peer_settings.trust, &why) == OK);
	c.peer_settings.key = c.server_cert.key;
	CHECK(tls_config_new(&c.peer_settings, &config, &why) != OK);
	CHECK_INT(why.id, DIAG_KEY_MISMATCH);
	CHECK_STR(diagnosis_evidence(&why, "credential"), "desk");
	CHECK(config == NULL);
	cast_done(&c);
}

TEST(versions_that_are_no_range_are_refused)
{
	struct cast c;
	struct diagnosis why;
	struct tls_config *config = NULL;

	cast_init(&c);
	c.trust = (struct trust_settings){ .insecure_no_check = true };
	REQUIRE(trust_new(&c.trust, &c.peer_settings.trust, &why) == OK);
	c.peer_settings.min = TLS_1_3;
	c.peer_settings.max = TLS_1_2;
	CHECK(tls_config_new(&c.peer_settings, &config, &why) != OK);
	CHECK_INT(why.id, DIAG_CONFIG);
	cast_done(&c);
}
