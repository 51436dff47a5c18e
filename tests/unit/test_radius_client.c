/* What is asked of RADIUS servers, which of them is asked, and what their answers become. */
#include "tests/test.h"
#include "tests/unit/radius_world.h"

/* ---- one request --------------------------------------------------------------------- */

TEST(a_request_is_answered)
{
	AUTO_STRUCT(world) w = world_new(false, false, 1);

	ask(w, 7);
	CHECK_INT(w->count, 1);
	CHECK_INT(last(w)->packet[20], RADIUS_MESSAGE_AUTHENTICATOR);
	REQUIRE(answer(w, last(w)));
	CHECK_INT(w->answer.number, 7);
	CHECK_INT(w->answer.outcome, RADIUS_CHALLENGED);
	CHECK_INT(w->answer.session_timeout, 30);
	CHECK(slice_eq(w->answer.state, slice_str("state")));
	CHECK(slice_eq(w->answer.eap, slice_of("\1\2\0\5\1", 5)));
	CHECK_INT(radius_client_open(w->client), 0);
	CHECK(!answer(w, last(w)));
	CHECK_INT(faults(w, 0, RADIUS_UNMATCHED), 1);
	CHECK(radius_client_deadline(w->client) == NEVER);
}

TEST(what_is_asked_is_what_the_server_reads)
{
	AUTO_STRUCT(world) w = world_new(false, false, 1);
	struct radius_request r;

	ask_server(w, 7, 0);
	REQUIRE(radius_request_read(w->crypto, SECRET, slice_of(last(w)->packet, last(w)->len),
				    w->room, &r) == RADIUS_FINE);
	CHECK(slice_eq(r.who.user_name, slice_str("name")));
	CHECK(slice_eq(r.who.calling_station, slice_str("02-00-00-00-00-01")));
	CHECK_STR(r.who.nas_address, "2001:db8::1");
	CHECK_INT(r.who.nas_port_type, RADIUS_PORT_ETHERNET);
	CHECK_INT(r.who.framed_mtu, 1400);
	CHECK(!r.who.has_nas_port && !r.wants_key_name);
	CHECK(slice_eq(r.state, slice_str("state")));
	CHECK(slice_eq(r.eap, slice_of("\2\1\0\5\1", 5)));
}

/* RFC 5080, section 2.2.1, with RAND near 0: after 2, 4 and 8 seconds, and not for longer than 30.
 */
TEST(silence_is_answered_by_the_same_octets_later_and_later)
{
	static const msec times[] = { 0, 2000, 6000, 14000, 30000 };
	AUTO_STRUCT(world) w = world_new(false, false, 1);

	ask(w, 7);
	pass(w, w->now + 30000);
	REQUIRE(w->count == 5);
	for (size_t i = 0; i < 5; i++) {
		msec at = w->sent[i].when - 1000;

		CHECK(at <= times[i] && at + 30 >= times[i]);
		CHECK_INT(w->sent[i].server, i < 4 ? 0 : 1);
	}
	for (size_t i = 1; i < 4; i++)
		CHECK(slice_eq(slice_of(w->sent[i].packet, w->sent[i].len),
			       slice_of(w->sent[0].packet, w->sent[0].len)));
	CHECK(!slice_eq(slice_of(w->sent[4].packet + 4, 16), slice_of(w->sent[0].packet + 4, 16)));
}

TEST(jitter_is_a_tenth_either_way)
{
	for (int high = 0; high < 2; high++) {
		AUTO_STRUCT(world) w = world_new(false, false, 1);

		w->random[16] = w->random[17] = high ? 0xff : 0;
		ask(w, 1);
		CHECK_INT(radius_client_deadline(w->client) - w->now, high ? 2200 : 1800);
	}
}

TEST(a_request_that_is_forgotten_is_gone)
{
	AUTO_STRUCT(world) w = world_new(false, false, 1);

	ask(w, 7);
	radius_client_forget(w->client, 8);
	CHECK_INT(radius_client_open(w->client), 1);
	radius_client_forget(w->client, 7);
	CHECK_INT(radius_client_open(w->client), 0);
	CHECK(!answer(w, last(w)));
	pass(w, w->now + 100000);
	CHECK_INT(w->answers, 0);
	CHECK_INT(w->count, 1);
}

TEST(what_is_not_genuine_is_ignored_and_named_in_the_end)
{
	AUTO_STRUCT(world) w = world_new(false, false, 1);

	ask_server(w, 7, 0);
	CHECK(!answer_as(w, last(w), slice_str("wrong"), &world_challenge));
	CHECK_INT(faults(w, 0, RADIUS_BAD_AUTHENTICATOR), 1);
	CHECK(!radius_client_receive(w->client, 0, 0, slice_str("x"), w->room, w->now, &w->answer));
	CHECK_INT(faults(w, 0, RADIUS_TRUNCATED), 1);
	pass(w, w->now + 30000);
	REQUIRE(w->answers == 1);
	CHECK_INT(w->answer.outcome, RADIUS_TIMED_OUT);
	CHECK_INT(w->answer.fault, RADIUS_BAD_AUTHENTICATOR);
}

TEST(an_accept_without_message_authenticator_is_a_reject_at_once)
{
	AUTO_STRUCT(world) w = world_new(false, false, 1);
	struct radius_builder b;
	struct slice packet;

	ask(w, 7);
	b = radius_builder_of(w->out, sizeof w->out, RADIUS_ACCESS_ACCEPT, last(w)->packet[1],
			      (struct slice){ 0 }, false);
	radius_put_eap(&b, slice_of("\3\1\0\4", 4));
	REQUIRE(radius_seal_response(w->crypto, SECRET, slice_of(last(w)->packet + 4, 16), &b,
				     &packet) == RADIUS_FINE);
	REQUIRE(radius_client_receive(w->client, 0, 0, packet, w->room, w->now, &w->answer));
	CHECK_INT(w->answer.outcome, RADIUS_REJECTED);
	CHECK_INT(w->answer.fault, RADIUS_UNSIGNED);
	CHECK_INT(w->answer.eap.len, 0);
	CHECK_INT(faults(w, 0, RADIUS_UNSIGNED), 1);
	CHECK_INT(state(w, 0), RADIUS_SERVER_ALIVE);
}

TEST(an_answer_from_another_socket_or_server_is_ignored)
{
	AUTO_STRUCT(world) w = world_new(false, false, 2);
	struct sent other;

	ask(w, 7);
	other = *last(w);
	other.socket = 1;
	CHECK(!answer(w, &other));
	other.socket = 2;
	CHECK(!answer(w, &other));
	other.socket = 0;
	other.server = 1;
	CHECK(!answer(w, &other));
	CHECK(answer(w, last(w)));
}

/* ---- servers ------------------------------------------------------------------------- */

TEST(a_dead_server_is_left_alone_then_probed_then_used_again)
{
	AUTO_STRUCT(world) w = world_new(false, false, 1);

	ask(w, 1);
	pass(w, w->now + 30000);
	CHECK_INT(state(w, 0), RADIUS_SERVER_DEAD);
	CHECK(answer(w, last(w)));
	ask(w, 2);
	CHECK_INT(last(w)->server, 1);
	CHECK(answer(w, last(w)));

	pass(w, w->now + 29999);
	CHECK_INT(last(w)->packet[0], RADIUS_ACCESS_REQUEST);
	pass(w, w->now + 1);
	CHECK_INT(state(w, 0), RADIUS_SERVER_PROBED);
	CHECK_INT(last(w)->packet[0], RADIUS_STATUS_SERVER);
	CHECK_INT(last(w)->server, 0);

	size_t probes = w->count;
	const struct sent *late = last(w);

	pass(w, w->now + 25000);
	CHECK_INT(w->count - probes, 2);
	CHECK(!slice_eq(slice_of(last(w)->packet + 4, 16), slice_of(late->packet + 4, 16)));
	CHECK(!answer_as(w, last(w), slice_str("wrong"), NULL));
	CHECK(!answer(w, late));
	CHECK_INT(state(w, 0), RADIUS_SERVER_PROBED);
	CHECK(!answer(w, last(w)));
	CHECK_INT(state(w, 0), RADIUS_SERVER_ALIVE);
	ask(w, 3);
	CHECK_INT(last(w)->server, 0);
	CHECK_INT(w->changes, 3);
}

TEST(what_has_state_belongs_to_its_server)
{
	AUTO_STRUCT(world) w = world_new(false, false, 1);

	ask_server(w, 1, 0);
	pass(w, w->now + 30000);
	REQUIRE(w->answers == 1);
	CHECK_INT(w->answer.outcome, RADIUS_TIMED_OUT);
	CHECK_INT(w->answer.number, 1);
	CHECK_INT(last(w)->server, 0);

	size_t before = w->count;

	ask_server(w, 2, 0);
	CHECK_INT(w->answers, 2);
	CHECK_INT(w->count, before);
}

TEST(who_waits_for_a_server_that_died_moves_or_is_told_at_once)
{
	AUTO_STRUCT(world) w = world_new(false, false, 1);

	ask(w, 1);
	pass(w, w->now + 29000);
	ask(w, 2);
	ask_server(w, 3, 0);
	pass(w, 31000);
	CHECK_INT(w->answers, 1);
	CHECK_INT(w->answer.number, 3);
	CHECK_INT(last(w)->server, 1);
	CHECK_INT(w->sent[w->count - 2].server, 1);
	CHECK_INT(radius_client_open(w->client), 2);
}

TEST(a_server_that_answers_others_is_not_dead)
{
	AUTO_STRUCT(world) w = world_new(false, false, 1);

	ask(w, 1);
	pass(w, w->now + 20000);
	ask(w, 2);
	CHECK(answer(w, last(w)));
	pass(w, 31000);
	CHECK_INT(state(w, 0), RADIUS_SERVER_ALIVE);
	CHECK_INT(last(w)->server, 1);
}

TEST(an_answer_of_the_same_millisecond_is_no_answer_to_what_came_after)
{
	AUTO_STRUCT(world) w = world_new(false, false, 1);

	ask(w, 1);
	CHECK(answer(w, last(w)));
	ask(w, 2);
	pass(w, w->now + 30000);
	CHECK_INT(state(w, 0), RADIUS_SERVER_DEAD);
	CHECK_INT(last(w)->server, 1);
}

TEST(when_all_are_dead_the_one_dead_for_longest_is_tried_and_no_other)
{
	AUTO_STRUCT(world) w = world_new(false, false, 1);

	ask(w, 1);
	pass(w, w->now + 60000);
	REQUIRE(w->answers == 1);
	CHECK_INT(w->answer.outcome, RADIUS_TIMED_OUT);
	CHECK_INT(w->answer.server, 1);
	CHECK_INT(state(w, 1), RADIUS_SERVER_DEAD);
	ask(w, 2);
	CHECK_INT(last(w)->server, 0);
	CHECK(answer(w, last(w)));
	CHECK_INT(state(w, 0), RADIUS_SERVER_ALIVE);
}

TEST(who_died_last_is_not_tried_first)
{
	AUTO_STRUCT(world) w = world_new(false, false, 1);

	ask_server(w, 1, 1);
	pass(w, w->now + 10000);
	ask_server(w, 2, 0);
	pass(w, w->now + 31000);
	CHECK_INT(w->answers, 2);
	CHECK_INT(state(w, 0), RADIUS_SERVER_DEAD);
	ask(w, 3);
	CHECK_INT(last(w)->server, 1);
	ask_server(w, 4, 0);
	CHECK_INT(last(w)->server, 0);
	pass(w, w->now + 31000);
	CHECK_INT(w->answers, 4);
	CHECK_INT(radius_client_open(w->client), 0);
}

TEST(a_refusal_by_icmp_moves_requests_if_there_is_somewhere_to_go)
{
	AUTO_STRUCT(world) w = world_new(false, false, 1);

	radius_client_refused(w->client, 0, w->now);
	CHECK_INT(state(w, 0), RADIUS_SERVER_ALIVE);
	ask(w, 1);
	radius_client_refused(w->client, 0, w->now);
	pump(w);
	CHECK_INT(last(w)->server, 1);
	radius_client_refused(w->client, 1, w->now);
	pump(w);
	CHECK_INT(w->answers, 0);
	CHECK(answer(w, last(w)));
}

TEST(identifiers_run_out_and_the_oldest_is_used_first)
{
	AUTO_STRUCT(world) w = world_new(false, false, 1);
	const struct radius_ask one_more = { .server = RADIUS_ANY_SERVER };

	for (uint64_t i = 0; i < 256; i++)
		ask(w, i);
	CHECK_INT(last(w)->server, 0);
	ask(w, 256);
	CHECK_INT(last(w)->server, 1);
	CHECK(answer(w, &w->sent[9]));
	CHECK(answer(w, &w->sent[3]));
	ask(w, 257);
	CHECK_INT(last(w)->packet[1], w->sent[3].packet[1]);
	ask(w, 258);
	CHECK_INT(last(w)->packet[1], w->sent[9].packet[1]);
	for (uint64_t i = 259; i < 514; i++)
		ask(w, i);
	CHECK_INT(radius_client_open(w->client), 512);
	CHECK_INT(radius_client_ask(w->client, &one_more, w->now), RADIUS_FULL);
}

TEST(an_identifier_that_was_just_used_is_not_used_again)
{
	AUTO_STRUCT(world) w = world_new(false, false, 1);

	ask(w, 1);
	CHECK(answer(w, last(w)));
	ask(w, 2);
	CHECK(w->sent[0].packet[1] != w->sent[1].packet[1]);
}

/* ---- answers ------------------------------------------------------------------------- */

TEST(an_accept_becomes_facts)
{
	uint8_t msk[RADIUS_MSK_SIZE] = { 1, 2, 3 };
	const struct radius_reply reply = { .code = RADIUS_ACCESS_ACCEPT,
					    .eap = slice_of("\3\1\0\4", 4),
					    .session_timeout = 60,
					    .reauthenticate = true,
					    .interim = 600,
					    .vlan = 20,
					    .user_name = slice_str("real"),
					    .classes = { slice_str("a"), slice_str("b") },
					    .class_count = 2,
					    .msk = slice_of(msk, sizeof msk),
					    .salt = 99 };
	AUTO_STRUCT(world) w = world_new(false, false, 1);

	ask(w, 1);
	REQUIRE(answer_as(w, last(w), SECRET, &reply));
	CHECK_INT(w->answer.outcome, RADIUS_ACCEPTED);
	CHECK_INT(w->answer.vlan, 20);
	CHECK(!w->answer.odd_vlan && w->answer.reauthenticate);
	CHECK_INT(w->answer.session_timeout, 60);
	CHECK_INT(w->answer.interim, 600);
	CHECK_INT(w->answer.class_count, 2);
	CHECK(slice_eq(w->answer.user_name, slice_str("real")));
	CHECK(w->answer.has_msk);
	CHECK(slice_eq(slice_of(w->answer.msk, sizeof msk), slice_of(msk, sizeof msk)));
	radius_answer_wipe(&w->answer);
	CHECK(!w->answer.has_msk && w->answer.msk[0] == 0);
}

TEST(a_key_name_that_was_asked_for_and_is_missing_is_a_reject)
{
	struct radius_reply reply = { .code = RADIUS_ACCESS_ACCEPT,
				      .eap_session_id = slice_str("id") };
	const struct radius_ask wanted = { .server = RADIUS_ANY_SERVER, .wants_key_name = true };
	AUTO_STRUCT(world) w = world_new(false, false, 1);

	for (int present = 0; present < 2; present++) {
		reply.eap_session_id = slice_str(present ? "id" : "");
		REQUIRE(radius_client_ask(w->client, &wanted, w->now) == RADIUS_FINE);
		pump(w);
		REQUIRE(answer_as(w, last(w), SECRET, &reply));
		CHECK_INT(w->answer.outcome, present ? RADIUS_ACCEPTED : RADIUS_REJECTED);
		CHECK_INT(w->answer.fault, present ? RADIUS_FINE : RADIUS_BAD_KEYS);
		CHECK_INT(w->answer.eap_session_id.len, present ? 2 : 0);
	}
}

TEST(a_genuine_answer_that_makes_no_sense_is_a_reject)
{
	AUTO_STRUCT(world) w = world_new(false, false, 1);
	const struct radius_reply reply = { .code = RADIUS_ACCESS_ACCEPT,
					    .eap = slice_of("\3\1\0\77", 4) };

	ask(w, 1);
	REQUIRE(answer_as(w, last(w), SECRET, &reply));
	CHECK_INT(w->answer.outcome, RADIUS_REJECTED);
	CHECK_INT(w->answer.fault, RADIUS_BAD_EAP);
	CHECK_INT(w->answer.eap.len, 0);
	CHECK_INT(faults(w, 0, RADIUS_BAD_EAP), 1);
}

TEST(accounting_is_acknowledged)
{
	AUTO_STRUCT(world) w = world_new(true, false, 1);
	const struct radius_reply reply = { .code = RADIUS_ACCOUNTING_RESPONSE };
	const struct radius_ask start = {
		.number = 5,
		.server = RADIUS_ANY_SERVER,
		.who = { .session_id = slice_str("s"),
			 .classes = { slice_str("class") },
			 .class_count = 1 },
		.accounting = { .status = RADIUS_ACCT_STOP,
				.input_octets = 0x100000005,
				.session_time = 9,
				.terminate_cause = 1,
				.event_timestamp = 12345 },
	};
	struct radius_request r;

	REQUIRE(radius_client_ask(w->client, &start, w->now) == RADIUS_FINE);
	pump(w);
	REQUIRE(radius_request_read(w->crypto, SECRET, slice_of(last(w)->packet, last(w)->len),
				    w->room, &r) == RADIUS_FINE);
	CHECK(r.accounting.input_octets == 0x100000005);
	CHECK_INT(r.accounting.session_time, 9);
	CHECK_INT(r.accounting.terminate_cause, 1);
	CHECK_INT(r.accounting.event_timestamp, 12345);
	CHECK_INT(r.who.class_count, 1);
	REQUIRE(answer_as(w, last(w), SECRET, &reply));
	CHECK_INT(w->answer.outcome, RADIUS_ACCOUNTED);
}

TEST(what_does_not_fit_is_not_asked)
{
	static const uint8_t big[RADIUS_PACKET_MAX];
	AUTO_STRUCT(world) w = world_new(false, false, 1);
	const struct radius_ask too_long = { .server = RADIUS_ANY_SERVER,
					     .eap = slice_of(big, sizeof big) };

	CHECK_INT(radius_client_ask(w->client, &too_long, w->now), RADIUS_TOO_LONG);
	CHECK_INT(radius_client_open(w->client), 0);
}

TEST(settings_that_cannot_be_are_refused)
{
	struct radius_server_settings server = { .name = "one", .secret = SECRET, .sockets = 1 };
	struct radius_client_settings settings = { .servers = &server };
	struct radius_client *client = NULL;

	CHECK_INT(radius_client_new(&settings, 0, NULL, NULL, &client), UNSUPPORTED);
	settings.server_count = 1;
	server.sockets = 0;
	CHECK_INT(radius_client_new(&settings, 0, NULL, NULL, &client), UNSUPPORTED);
	server.sockets = 1;
	server.secret.len = 0;
	CHECK_INT(radius_client_new(&settings, 0, NULL, NULL, &client), UNSUPPORTED);
	CHECK(client == NULL);
}
