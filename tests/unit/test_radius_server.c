#include "radius/duplicates.h"
#include "radius/server.h"
#include "tests/radius.h"
#include "tests/test.h"

#include <stdlib.h>

static struct radius_crypto *crypto;

__attribute__((constructor)) static void begin(void)
{
	if (radius_crypto_new(&crypto) != OK)
		abort();
}

__attribute__((destructor)) static void end(void)
{
	radius_crypto_free(crypto);
}

struct made {
	uint8_t out[RADIUS_PACKET_MAX];
	struct radius_builder b;
	struct radius_packet packet;
};

static void make(struct made *m, enum radius_code code)
{
	m->b = radius_builder_of(m->out, sizeof m->out, code, 5, a_vector(), true);
}

static enum radius_fault ask(struct made *m, struct radius_request *request)
{
	static uint8_t room[RADIUS_PACKET_MAX];
	struct slice packet;

	REQUIRE(radius_seal_request(crypto, SECRET, &m->b, &packet) == RADIUS_FINE);
	return radius_request_read(crypto, SECRET, packet, room, request);
}

static void make_access(struct made *m)
{
	make(m, RADIUS_ACCESS_REQUEST);
	radius_put(&m->b, RADIUS_USER_NAME, slice_str("name"));
	radius_put(&m->b, RADIUS_NAS_IP_ADDRESS, slice_of("\300\0\2\1", 4));
	radius_put_u32(&m->b, RADIUS_NAS_PORT, 0);
	radius_put_u32(&m->b, RADIUS_FRAMED_MTU, 1400);
	radius_put(&m->b, RADIUS_PROXY_STATE, slice_str("one"));
	radius_put_eap(&m->b, slice_of("\2\1\0\5\1", 5));
	radius_put(&m->b, RADIUS_PROXY_STATE, slice_str("two"));
	radius_put(&m->b, RADIUS_STATE, slice_str("state"));
}

TEST(an_access_request_becomes_facts)
{
	struct made m;
	struct radius_request r;

	make_access(&m);
	REQUIRE(ask(&m, &r) == RADIUS_FINE);
	CHECK(slice_eq(r.who.user_name, slice_str("name")));
	CHECK_STR(r.who.nas_address, "192.0.2.1");
	CHECK(r.who.has_nas_port && r.who.nas_port == 0);
	CHECK(slice_eq(r.state, slice_str("state")));
	CHECK(slice_eq(r.eap, slice_of("\2\1\0\5\1", 5)));
	CHECK(!r.wants_key_name && !r.wants_chargeable);
	CHECK_INT(radius_eap_mtu(&r.who, 1020), 1396);
	r.who.framed_mtu = 60;
	CHECK_INT(radius_eap_mtu(&r.who, 1020), 1020);
	r.who.framed_mtu = UINT32_MAX;
	CHECK_INT(radius_eap_mtu(&r.who, 1020), 3000);
}

TEST(a_number_of_three_octets_is_refused)
{
	static const uint8_t types[] = { RADIUS_NAS_PORT,	RADIUS_NAS_PORT_TYPE,
					 RADIUS_SERVICE_TYPE,	RADIUS_FRAMED_MTU,
					 RADIUS_NAS_IP_ADDRESS, RADIUS_NAS_IPV6_ADDRESS };
	struct made m;
	struct radius_request r;

	for (size_t i = 0; i < sizeof types; i++) {
		make(&m, RADIUS_ACCESS_REQUEST);
		radius_put(&m.b, types[i], slice_str("abc"));
		radius_put_eap(&m.b, (struct slice){ 0 });
		CHECK_INT(ask(&m, &r), RADIUS_BAD_VALUE);
	}
}

TEST(an_access_request_without_eap_can_be_rejected)
{
	struct made m;
	struct radius_request r;
	struct radius_reply reply = { .code = RADIUS_ACCESS_REJECT, .message = slice_str("no") };
	uint8_t out[RADIUS_PACKET_MAX];
	struct slice packet, text;
	struct radius_packet answer;

	make(&m, RADIUS_ACCESS_REQUEST);
	radius_put(&m.b, RADIUS_USER_NAME, slice_str("name"));
	CHECK_INT(ask(&m, &r), RADIUS_NO_EAP);
	REQUIRE(radius_reply_build(crypto, SECRET, &r, &reply, out, &packet) == RADIUS_FINE);
	REQUIRE(radius_packet_parse(packet, &answer) == RADIUS_FINE);
	CHECK(radius_find(&answer, RADIUS_REPLY_MESSAGE, &text));
}

TEST(codes_that_are_no_requests_of_ours_are_refused)
{
	struct made m;
	struct radius_request r;

	make(&m, RADIUS_COA_REQUEST);
	CHECK_INT(ask(&m, &r), RADIUS_WRONG_CODE);
	make(&m, RADIUS_ACCESS_ACCEPT);
	CHECK_INT(ask(&m, &r), RADIUS_WRONG_CODE);
}

static void reply_to(struct made *m, struct radius_request *r, const struct radius_reply *reply,
		     struct radius_packet *answer)
{
	static uint8_t out[RADIUS_PACKET_MAX];
	struct slice packet;

	REQUIRE(ask(m, r) == RADIUS_FINE);
	REQUIRE(radius_reply_build(crypto, SECRET, r, reply, out, &packet) == RADIUS_FINE);
	REQUIRE(radius_packet_parse(packet, answer) == RADIUS_FINE);
	CHECK_INT(radius_verify_response(crypto, SECRET, r->packet.code, r->packet.authenticator,
					 answer),
		  RADIUS_FINE);
}

TEST(an_accept_says_what_it_may)
{
	static const uint8_t msk[RADIUS_MSK_SIZE] = { 1 };
	const struct radius_reply reply = { .code = RADIUS_ACCESS_ACCEPT,
					    .eap = slice_of("\3\1\0\4", 4),
					    .session_timeout = 60,
					    .reauthenticate = true,
					    .interim = 600,
					    .vlan = 20,
					    .user_name = slice_str("real"),
					    .chargeable = slice_str("cui"),
					    .classes = { slice_str("a"), slice_str("b") },
					    .class_count = 2,
					    .msk = slice_of(msk, sizeof msk),
					    .eap_session_id = slice_str("id"),
					    .message = slice_str("never"),
					    .state = slice_str("never") };
	struct made m;
	struct radius_request r;
	struct radius_packet a;
	struct slice value;
	uint32_t number;

	make_access(&m);
	reply_to(&m, &r, &reply, &a);
	CHECK_INT(a.attributes.p[0], RADIUS_MESSAGE_AUTHENTICATOR);
	CHECK(!radius_find(&a, RADIUS_EAP_KEY_NAME, &value));
	CHECK(!radius_find(&a, RADIUS_CHARGEABLE_USER_IDENTITY, &value));
	CHECK(!radius_find(&a, RADIUS_REPLY_MESSAGE, &value));
	CHECK(!radius_find(&a, RADIUS_STATE, &value));
	CHECK_INT(radius_count(&a, RADIUS_CLASS), 2);
	CHECK_INT(radius_vlan(&a, NULL), 20);
	CHECK(radius_find_u32(&a, RADIUS_SESSION_TIMEOUT, &number) && number == 60);
	CHECK(radius_find_u32(&a, RADIUS_TERMINATION_ACTION, &number) && number == 1);
	CHECK(radius_find(&a, RADIUS_PROXY_STATE, &value) && slice_eq(value, slice_str("one")));
	CHECK_INT(radius_count(&a, RADIUS_PROXY_STATE), 2);

	make_access(&m);
	radius_put(&m.b, RADIUS_EAP_KEY_NAME, slice_of("", 1));
	radius_put(&m.b, RADIUS_CHARGEABLE_USER_IDENTITY, slice_of("", 1));
	reply_to(&m, &r, &reply, &a);
	CHECK(radius_find(&a, RADIUS_EAP_KEY_NAME, &value) && slice_eq(value, slice_str("id")));
	CHECK(radius_find(&a, RADIUS_CHARGEABLE_USER_IDENTITY, &value));

	make_access(&m);
	radius_put(&m.b, RADIUS_EAP_KEY_NAME, slice_str("x"));
	reply_to(&m, &r, &reply, &a);
	CHECK(!radius_find(&a, RADIUS_EAP_KEY_NAME, &value));
}

TEST(a_reject_with_eap_has_no_message)
{
	struct radius_reply reply = { .code = RADIUS_ACCESS_REJECT,
				      .eap = slice_of("\4\1\0\4", 4),
				      .message = slice_str("no"),
				      .vlan = 20 };
	struct made m;
	struct radius_request r;
	struct radius_packet a;
	struct slice value;

	make_access(&m);
	reply_to(&m, &r, &reply, &a);
	CHECK(!radius_find(&a, RADIUS_REPLY_MESSAGE, &value));
	CHECK(!radius_find(&a, RADIUS_TUNNEL_TYPE, &value));
	CHECK(radius_find(&a, RADIUS_EAP_MESSAGE, &value));
}

TEST(a_challenge_has_state_and_a_hint)
{
	struct radius_reply reply = { .code = RADIUS_ACCESS_CHALLENGE,
				      .eap = slice_of("\1\2\0\6\15\40", 6),
				      .state = slice_str("mine"),
				      .session_timeout = 30,
				      .reauthenticate = true };
	struct made m;
	struct radius_request r;
	struct radius_packet a;
	struct slice value;
	uint32_t number;

	make_access(&m);
	reply_to(&m, &r, &reply, &a);
	CHECK(radius_find(&a, RADIUS_STATE, &value) && slice_eq(value, slice_str("mine")));
	CHECK(radius_find_u32(&a, RADIUS_SESSION_TIMEOUT, &number) && number == 30);
	CHECK(!radius_find(&a, RADIUS_TERMINATION_ACTION, &value));
	reply.code = RADIUS_ACCOUNTING_RESPONSE;
	CHECK_INT(radius_reply_build(crypto, SECRET, &r, &reply, m.out, &value), RADIUS_WRONG_CODE);
	reply.code = RADIUS_COA_ACK;
	CHECK_INT(radius_reply_build(crypto, SECRET, &r, &reply, m.out, &value), RADIUS_WRONG_CODE);
}

TEST(accounting_is_counted_in_64_bits_and_answered)
{
	struct radius_reply reply = { .code = RADIUS_ACCOUNTING_RESPONSE };
	struct made m;
	struct radius_request r;
	struct radius_packet a;

	make(&m, RADIUS_ACCOUNTING_REQUEST);
	radius_put_u32(&m.b, RADIUS_ACCT_STATUS_TYPE, RADIUS_ACCT_STOP);
	radius_put_u32(&m.b, RADIUS_ACCT_INPUT_OCTETS, 5);
	radius_put_u32(&m.b, RADIUS_ACCT_INPUT_GIGAWORDS, 1);
	radius_put(&m.b, RADIUS_ACCT_SESSION_ID, slice_str("s"));
	reply_to(&m, &r, &reply, &a);
	CHECK(r.accounting.input_octets == 0x100000005);
	CHECK(slice_eq(r.who.session_id, slice_str("s")));
	CHECK_INT(a.attributes.len, 0);
	make(&m, RADIUS_ACCOUNTING_REQUEST);
	CHECK_INT(ask(&m, &r), RADIUS_BAD_VALUE);
}

TEST(status_server_is_answered_by_the_port_it_came_to)
{
	const struct radius_reply reject = { .code = RADIUS_ACCESS_REJECT };
	struct made m;
	struct radius_request r;
	struct radius_packet a;
	struct slice packet;
	uint8_t out[RADIUS_PACKET_MAX];

	make(&m, RADIUS_STATUS_SERVER);
	REQUIRE(ask(&m, &r) == RADIUS_FINE);
	for (int accounting = 0; accounting < 2; accounting++) {
		REQUIRE(radius_status_build(crypto, SECRET, &r, accounting, out, &packet) ==
			RADIUS_FINE);
		REQUIRE(radius_packet_parse(packet, &a) == RADIUS_FINE);
		CHECK_INT(a.code, accounting ? RADIUS_ACCOUNTING_RESPONSE : RADIUS_ACCESS_ACCEPT);
		CHECK_INT(radius_verify_response(crypto, SECRET, RADIUS_STATUS_SERVER,
						 r.packet.authenticator, &a),
			  RADIUS_FINE);
	}
	CHECK_INT(radius_reply_build(crypto, SECRET, &r, &reject, out, &packet), RADIUS_WRONG_CODE);
	make_access(&m);
	REQUIRE(ask(&m, &r) == RADIUS_FINE);
	CHECK_INT(radius_status_build(crypto, SECRET, &r, false, out, &packet), RADIUS_WRONG_CODE);
}

/* ---- duplicates ---------------------------------------------------------------------- */

static enum radius_known look(struct radius_duplicates *d, const char *source, uint8_t id,
			      char first, msec now, radius_ticket *ticket, struct slice *reply)
{
	uint8_t authenticator[RADIUS_AUTHENTICATOR_SIZE] = { (uint8_t)first };
	struct radius_packet packet = { .code = RADIUS_ACCESS_REQUEST,
					.id = id,
					.authenticator =
						slice_of(authenticator, sizeof authenticator) };

	return radius_duplicates_look(d, slice_str(source), &packet, now, ticket, reply);
}

TEST(a_duplicate_is_busy_then_answered_then_forgotten)
{
	AUTO_STRUCT(radius_duplicates) d = NULL;
	radius_ticket ticket, none;
	struct slice reply;

	REQUIRE(radius_duplicates_new(4, 5000, 42, &d) == OK);
	CHECK_INT(look(d, "a", 1, 'x', 0, &ticket, &reply), RADIUS_NEW);
	CHECK_INT(look(d, "a", 1, 'x', 10, &none, &reply), RADIUS_BUSY);
	radius_duplicates_answer(d, ticket, slice_str("reply"), 20);
	CHECK_INT(look(d, "a", 1, 'x', 5019, &none, &reply), RADIUS_ANSWERED);
	CHECK(slice_eq(reply, slice_str("reply")));
	CHECK_INT(look(d, "a", 1, 'x', 5020, &none, &reply), RADIUS_NEW);
	CHECK_INT(look(d, "b", 1, 'x', 5020, &none, &reply), RADIUS_NEW);
	CHECK_INT(look(d, "a", 2, 'x', 5020, &none, &reply), RADIUS_NEW);
	CHECK_INT(radius_duplicates_count(d), 3);
}

TEST(a_new_authenticator_replaces_the_old_request)
{
	AUTO_STRUCT(radius_duplicates) d = NULL;
	radius_ticket first, second, none;
	struct slice reply;

	REQUIRE(radius_duplicates_new(4, 5000, 42, &d) == OK);
	CHECK_INT(look(d, "a", 1, 'x', 0, &first, &reply), RADIUS_NEW);
	CHECK_INT(look(d, "a", 1, 'y', 0, &second, &reply), RADIUS_NEW);
	CHECK_INT(radius_duplicates_count(d), 1);
	radius_duplicates_answer(d, first, slice_str("old"), 0);
	CHECK_INT(look(d, "a", 1, 'y', 0, &none, &reply), RADIUS_BUSY);
	radius_duplicates_answer(d, second, slice_str("new"), 0);
	CHECK_INT(look(d, "a", 1, 'y', 0, &none, &reply), RADIUS_ANSWERED);
	CHECK(slice_eq(reply, slice_str("new")));
	radius_duplicates_answer(d, 0, slice_str("none"), 0);
}

TEST(a_ticket_is_for_one_request)
{
	AUTO_STRUCT(radius_duplicates) d = NULL;
	radius_ticket old, new, none;
	struct slice reply;

	REQUIRE(radius_duplicates_new(1, 5000, 42, &d) == OK);
	CHECK_INT(look(d, "a", 1, 'x', 0, &old, &reply), RADIUS_NEW);
	CHECK_INT(look(d, "b", 1, 'x', 0, &new, &reply), RADIUS_NEW);
	radius_duplicates_answer(d, old, slice_str("old"), 0);
	CHECK_INT(look(d, "b", 1, 'x', 0, &none, &reply), RADIUS_BUSY);
}

TEST(the_cache_is_bounded_and_prefers_to_forget_what_was_answered)
{
	AUTO_STRUCT(radius_duplicates) d = NULL;
	radius_ticket ticket[4], none;
	struct slice reply;

	CHECK_INT(radius_duplicates_new(0, 5000, 42, &d), UNSUPPORTED);
	REQUIRE(radius_duplicates_new(3, 5000, 42, &d) == OK);
	for (uint8_t i = 0; i < 3; i++)
		CHECK_INT(look(d, "a", i, 'x', i, &ticket[i], &reply), RADIUS_NEW);
	radius_duplicates_answer(d, ticket[1], slice_str("reply"), 5);
	CHECK_INT(look(d, "a", 3, 'x', 6, &ticket[3], &reply), RADIUS_NEW);
	CHECK_INT(look(d, "a", 0, 'x', 6, &none, &reply), RADIUS_BUSY);
	CHECK_INT(look(d, "a", 4, 'x', 6, &none, &reply), RADIUS_NEW);
	CHECK_INT(look(d, "a", 2, 'x', 6, &none, &reply), RADIUS_BUSY);
	CHECK_INT(look(d, "a", 0, 'x', 6, &none, &reply), RADIUS_NEW);
	CHECK_INT(radius_duplicates_count(d), 3);
	radius_duplicates_answer(d, none, (struct slice){ 0 }, 6);
	CHECK_INT(radius_duplicates_count(d), 2);
	look(d, "a", 9, 'x', 6 + RADIUS_BUSY_KEEP, &none, &reply);
	CHECK_INT(radius_duplicates_count(d), 1);
}
