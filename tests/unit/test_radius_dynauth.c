#include "radius/dynauth.h"
#include "radius/duplicates.h"
#include "tests/test.h"

#include <stdlib.h>

#define SECRET slice_str("testing123")
#define NOW    1000000

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
	struct radius_dynauth request;
};

static void make(struct made *m, enum radius_code code)
{
	m->b = radius_builder_of(m->out, sizeof m->out, code, 5, (struct slice){ 0 }, true);
}

static enum radius_fault read_at(struct made *m, int64_t now, bool required)
{
	struct slice packet;

	REQUIRE(radius_seal_request(crypto, SECRET, &m->b, &packet) == RADIUS_FINE);
	return radius_dynauth_read(crypto, SECRET, packet, now, required, &m->request);
}

/* The cause for which a request with one session and this attribute is refused. */
static int with(enum radius_code code, uint8_t type, struct slice value)
{
	struct made m;

	make(&m, code);
	radius_put(&m.b, RADIUS_ACCT_SESSION_ID, slice_str("session"));
	radius_put(&m.b, type, value);
	CHECK_INT(read_at(&m, NOW, false), RADIUS_FINE);
	CHECK(m.request.refuse != RADIUS_CAUSE_UNSUPPORTED_ATTRIBUTE ||
	      m.request.refuse_type == type);
	return (int)m.request.refuse;
}

static const struct slice number = { (const uint8_t *)"\0\0\0\1", 4 };

TEST(what_is_asked_is_what_is_read_and_answered)
{
	const struct radius_dynauth_ask ask = {
		.coa = true,
		.id = 9,
		.who = { .session_id = slice_str("session"),
			 .calling_station = slice_str("02-00-00-00-00-01"),
			 .nas_port_type = RADIUS_PORT_ETHERNET },
		.has_session_timeout = true,
		.session_timeout = 60,
		.has_vlan = true,
		.vlan = 20,
		.has_termination_action = true,
		.reauthenticate = true,
		.now = NOW,
	};
	uint8_t out[RADIUS_PACKET_MAX], back[RADIUS_PACKET_MAX];
	struct slice packet, reply;
	struct radius_dynauth r;
	bool ack;
	uint32_t cause;

	REQUIRE(radius_dynauth_build(crypto, SECRET, &ask, out, &packet) == RADIUS_FINE);
	REQUIRE(radius_dynauth_read(crypto, SECRET, packet, NOW, true, &r) == RADIUS_FINE);
	CHECK_INT(r.refuse, RADIUS_CAUSE_NONE);
	CHECK(slice_eq(r.who.session_id, slice_str("session")));
	CHECK(slice_eq(r.who.calling_station, slice_str("02-00-00-00-00-01")));
	CHECK(r.has_session_timeout && r.session_timeout == 60);
	CHECK(r.has_vlan && r.vlan == 20);
	CHECK(r.has_termination_action && r.reauthenticate && !r.has_interim);

	REQUIRE(radius_dynauth_answer(crypto, SECRET, &r, RADIUS_CAUSE_NONE, back, &reply) ==
		RADIUS_FINE);
	REQUIRE(radius_dynauth_hear(crypto, SECRET, packet, reply, NOW, &ack, &cause) ==
		RADIUS_FINE);
	CHECK(ack && cause == RADIUS_CAUSE_NONE);
	REQUIRE(radius_dynauth_answer(crypto, SECRET, &r, RADIUS_CAUSE_NOT_FOUND, back, &reply) ==
		RADIUS_FINE);
	REQUIRE(radius_dynauth_hear(crypto, SECRET, packet, reply, NOW, &ack, &cause) ==
		RADIUS_FINE);
	CHECK(!ack && cause == RADIUS_CAUSE_NOT_FOUND);
	CHECK_INT(radius_dynauth_hear(crypto, slice_str("wrong"), packet, reply, NOW, &ack, &cause),
		  RADIUS_BAD_AUTHENTICATOR);
	back[1]++;
	CHECK_INT(radius_dynauth_hear(crypto, SECRET, packet, reply, NOW, &ack, &cause),
		  RADIUS_UNMATCHED);
}

TEST(an_event_timestamp_is_of_the_last_five_minutes)
{
	struct made m;

	make(&m, RADIUS_DISCONNECT_REQUEST);
	radius_put(&m.b, RADIUS_ACCT_SESSION_ID, slice_str("session"));
	CHECK_INT(read_at(&m, NOW, true), RADIUS_STALE);
	CHECK_INT(read_at(&m, NOW, false), RADIUS_FINE);
	radius_put_u32(&m.b, RADIUS_EVENT_TIMESTAMP, NOW);
	CHECK_INT(read_at(&m, NOW, true), RADIUS_FINE);
	CHECK_INT(read_at(&m, NOW + 300, true), RADIUS_FINE);
	CHECK_INT(read_at(&m, NOW - 300, true), RADIUS_FINE);
	CHECK_INT(read_at(&m, NOW + 301, false), RADIUS_STALE);
	CHECK_INT(read_at(&m, NOW - 301, false), RADIUS_STALE);
	make(&m, RADIUS_DISCONNECT_REQUEST);
	radius_put(&m.b, RADIUS_EVENT_TIMESTAMP, slice_str("abc"));
	CHECK_INT(read_at(&m, NOW, false), RADIUS_BAD_VALUE);
}

TEST(a_wrong_secret_and_other_codes_are_refused)
{
	struct made m;
	struct slice packet;

	make(&m, RADIUS_COA_REQUEST);
	REQUIRE(radius_seal_request(crypto, slice_str("wrong"), &m.b, &packet) == RADIUS_FINE);
	CHECK_INT(radius_dynauth_read(crypto, SECRET, packet, NOW, false, &m.request),
		  RADIUS_BAD_AUTHENTICATOR);
	make(&m, RADIUS_ACCESS_REQUEST);
	CHECK_INT(read_at(&m, NOW, false), RADIUS_WRONG_CODE);
	CHECK_INT(radius_dynauth_read(crypto, SECRET, slice_str("x"), NOW, false, &m.request),
		  RADIUS_TRUNCATED);
}

TEST(what_we_cannot_honour_is_refused_with_its_cause)
{
	static const enum radius_code d = RADIUS_DISCONNECT_REQUEST, c = RADIUS_COA_REQUEST;

	CHECK_INT(with(d, RADIUS_CLASS, slice_str("a")), 0);
	CHECK_INT(with(d, RADIUS_NAS_IDENTIFIER, slice_str("nas")), 0);
	CHECK_INT(with(d, RADIUS_SESSION_TIMEOUT, number), 401);
	CHECK_INT(with(d, RADIUS_SERVICE_TYPE, number), 401);
	CHECK_INT(with(d, RADIUS_STATE, slice_str("a")), 401);
	CHECK_INT(with(d, 8, number), 401);
	CHECK_INT(with(d, RADIUS_VENDOR_SPECIFIC, slice_of("\0\0\0\11\1\3a", 7)), 401);
	CHECK_INT(with(d, RADIUS_NAS_PORT, slice_str("abc")), 407);
	CHECK_INT(with(d, 241, slice_of("\1\0", 2)), 401);

	CHECK_INT(with(c, RADIUS_SESSION_TIMEOUT, number), 0);
	CHECK_INT(with(c, RADIUS_SESSION_TIMEOUT, slice_str("abc")), 407);
	CHECK_INT(with(c, RADIUS_TUNNEL_PRIVATE_GROUP_ID, slice_str("20")), 407);
	CHECK_INT(with(c, RADIUS_IDLE_TIMEOUT, number), 401);
	CHECK_INT(with(c, RADIUS_CLASS, slice_str("a")), 401);
	CHECK_INT(with(c, RADIUS_SERVICE_TYPE, number), 405);
	CHECK_INT(with(c, RADIUS_SERVICE_TYPE, slice_of("\0\0\0\21", 4)), 402);
	CHECK_INT(with(c, RADIUS_NAS_PORT, number), 402);
}

TEST(a_request_for_nobody_is_refused)
{
	struct made m;

	make(&m, RADIUS_DISCONNECT_REQUEST);
	radius_put(&m.b, RADIUS_NAS_IDENTIFIER, slice_str("nas"));
	CHECK_INT(read_at(&m, NOW, false), RADIUS_FINE);
	CHECK_INT(m.request.refuse, RADIUS_CAUSE_MISSING_ATTRIBUTE);
}

TEST(state_and_proxy_states_come_back)
{
	struct made m;
	uint8_t out[RADIUS_PACKET_MAX];
	struct slice packet, value;
	struct radius_packet answer;

	make(&m, RADIUS_COA_REQUEST);
	radius_put(&m.b, RADIUS_PROXY_STATE, slice_str("one"));
	radius_put(&m.b, RADIUS_STATE, slice_str("state"));
	radius_put(&m.b, RADIUS_PROXY_STATE, slice_str("two"));
	REQUIRE(read_at(&m, NOW, false) == RADIUS_FINE);
	REQUIRE(radius_dynauth_answer(crypto, SECRET, &m.request, m.request.refuse, out, &packet) ==
		RADIUS_FINE);
	REQUIRE(radius_packet_parse(packet, &answer) == RADIUS_FINE);
	CHECK_INT(answer.code, RADIUS_COA_NAK);
	CHECK(radius_find(&answer, RADIUS_STATE, &value) && slice_eq(value, slice_str("state")));
	CHECK(radius_find(&answer, RADIUS_PROXY_STATE, &value) &&
	      slice_eq(value, slice_str("one")));
	CHECK_INT(radius_count(&answer, RADIUS_PROXY_STATE), 2);
}

TEST(causes_have_names)
{
	CHECK_STR(radius_error_cause_name(503), "Session Context Not Found");
	CHECK_STR(radius_error_cause_name(77), "unknown");
}
