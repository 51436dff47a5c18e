/* RADIUS servers over connections: when there are some, how many, and what becomes of silent ones.
 */
#include "tests/test.h"
#include "tests/unit/radius_world.h"

TEST(a_connection_is_used_once_and_left_when_it_is_gone)
{
	AUTO_STRUCT(world) w = world_new(false, true, 1);

	ask_server(w, 1, 1);
	CHECK_INT(w->answers, 1);
	CHECK_INT(w->answer.outcome, RADIUS_TIMED_OUT);
	CHECK_INT(w->answer.fault, RADIUS_FINE);
	CHECK_INT(w->count, 0);
	radius_client_connected(w->client, 1, 0, true, w->now);
	ask_server(w, 2, 1);
	CHECK_INT(last(w)->server, 1);
	pass(w, w->now + 29999);
	CHECK_INT(w->count, 1);
	radius_client_connected(w->client, 1, 0, false, w->now);
	pump(w);
	CHECK_INT(w->answers, 2);
	CHECK_INT(w->answer.number, 2);
	CHECK_INT(state(w, 1), RADIUS_SERVER_UNCONNECTED);
}

static void connect(struct world *w, size_t socket, bool connected)
{
	radius_client_connected(w->client, 0, socket, connected, w->now);
	pump(w);
}

TEST(who_asks_before_the_connection_is_there_waits_for_it)
{
	AUTO_STRUCT(world) w = world_over_tls(1, 0);

	ask(w, 1);
	ask(w, 2);
	pass(w, w->now + 29999);
	CHECK_INT(w->count, 0);
	CHECK_INT(w->answers, 0);
	radius_client_forget(w->client, 2);
	connect(w, 0, true);
	CHECK_INT(w->count, 1);
	CHECK(answer(w, last(w)));
}

TEST(nobody_waits_for_a_connection_for_ever)
{
	AUTO_STRUCT(world) w = world_over_tls(1, 0);

	ask(w, 1);
	pass(w, w->now + 30000);
	CHECK_INT(w->answers, 1);
	CHECK_INT(w->answer.outcome, RADIUS_TIMED_OUT);
	CHECK_INT(radius_client_open(w->client), 0);
}

/* RFC 6613, section 2.6.5. */
TEST(a_full_connection_asks_for_another_one_and_identifier_0_stays_free)
{
	AUTO_STRUCT(world) w = world_over_tls(2, 0);

	connect(w, 0, true);
	for (unsigned i = 0; i < 254; i++)
		ask(w, i);
	CHECK_INT(w->connects, 0);
	ask(w, 254);
	CHECK_INT(w->connects, 1);
	CHECK_INT(w->socket, 1);
	ask(w, 255);
	CHECK_INT(w->count, 255);
	CHECK_INT(w->connects, 1);
	connect(w, 1, true);
	CHECK_INT(w->count, 256);
	CHECK_INT(last(w)->socket, 1);
	for (size_t i = 0; i < w->count; i++)
		CHECK(w->sent[i].packet[1] != 0);
	/* What was on one does not end with the other. */
	connect(w, 0, false);
	CHECK_INT(w->answers, 255);
	CHECK_INT(state(w, 0), RADIUS_SERVER_ALIVE);
	CHECK(answer(w, last(w)));
}

TEST(a_pipeline_is_as_long_as_it_was_set)
{
	AUTO_STRUCT(world) w = world_over_tls(1, 2);

	connect(w, 0, true);
	for (unsigned i = 0; i < 5; i++)
		ask(w, i);
	CHECK_INT(w->count, 2);
	CHECK_INT(w->connects, 0);
	CHECK(answer(w, &w->sent[0]));
	pump(w);
	CHECK_INT(w->count, 3);
	radius_client_forget(w->client, 1);
	pump(w);
	CHECK_INT(w->count, 4);
}

/* RFC 3539, section 3.4.1. */
TEST(a_connection_that_is_silent_is_tried_and_given_up)
{
	AUTO_STRUCT(world) w = world_over_tls(1, 0);

	connect(w, 0, true);
	pass(w, w->now + 100000);
	CHECK_INT(w->count, 0);
	ask(w, 1);
	pass(w, w->now + 9999);
	CHECK_INT(w->count, 1);
	pass(w, w->now + 1);
	CHECK_INT(w->count, 2);
	CHECK_INT(last(w)->packet[0], RADIUS_STATUS_SERVER);
	CHECK_INT(last(w)->packet[1], 0);
	pass(w, w->now + 10000);
	CHECK_INT(w->hang_ups, 1);
	CHECK_INT(w->answers, 1);
	CHECK_INT(state(w, 0), RADIUS_SERVER_UNCONNECTED);
}

TEST(a_connection_that_answers_its_watchdog_stays)
{
	AUTO_STRUCT(world) w = world_over_tls(1, 0);

	connect(w, 0, true);
	ask(w, 1);
	for (size_t n = 2; n <= 3; n++) {
		pass(w, w->now + 10000);
		CHECK_INT(w->count, n);
		CHECK(!answer(w, last(w)));
	}
	pass(w, w->now + 9000);
	CHECK_INT(w->hang_ups, 0);
	CHECK(answer(w, &w->sent[0]));
}
