#include "tests/unit/radius_world.h"

#include <stdlib.h>

#include "radius/server.h"
#include "tests/test.h"

static void changed(void *context, size_t server, enum radius_server_state from,
		    enum radius_server_state to)
{
	struct world *w = context;

	CHECK(server < 2 && from != to);
	w->changes++;
}

struct world *world_of(bool accounting, const struct radius_server_settings *servers, size_t count)
{
	const struct radius_client_settings settings = { .accounting = accounting,
							 .servers = servers,
							 .server_count = count,
							 .nas_identifier = slice_str("nas") };
	struct world *w = calloc(1, sizeof *w);

	REQUIRE(w && radius_crypto_new(&w->crypto) == OK);
	w->random[16] = 0x80; /* RAND is about 0 */
	w->now = 1000;
	REQUIRE(radius_client_new(&settings, w->now, changed, w, &w->client) == OK);
	return w;
}

struct world *world_new(bool accounting, bool reliable, size_t sockets)
{
	const struct radius_server_settings servers[2] = {
		{ .name = "one", .secret = SECRET, .sockets = sockets, .probe = true },
		{ .name = "two",
		  .secret = SECRET,
		  .sockets = sockets,
		  .probe = !reliable,
		  .reliable = reliable },
	};

	return world_of(accounting, servers, 2);
}

struct world *world_over_tls(size_t sockets, size_t pipeline)
{
	const struct radius_server_settings server = { .name = "tls",
						       .secret = SECRET,
						       .sockets = sockets,
						       .probe = true,
						       .reliable = true,
						       .pipeline = pipeline };

	return world_of(false, &server, 1);
}

void world_free(struct world *w)
{
	radius_client_free(w->client);
	radius_crypto_free(w->crypto);
	free(w);
}

void pump(struct world *w)
{
	struct radius_todo todo;
	enum radius_step step;

	for (;;) {
		for (size_t i = 0; i < RADIUS_AUTHENTICATOR_SIZE && ++w->random[i] == 0; i++)
			;
		step = radius_client_step(w->client, w->now, w->random, &todo);
		if (step == RADIUS_IDLE)
			break;
		if (step == RADIUS_ANSWER) {
			w->answer = todo.answer;
			w->answers++;
			continue;
		}
		if (step != RADIUS_SEND) {
			w->connects += step == RADIUS_CONNECT;
			w->hang_ups += step == RADIUS_HANG_UP;
			w->socket = todo.socket;
			if (step == RADIUS_HANG_UP)
				radius_client_connected(w->client, todo.server, todo.socket, false,
							w->now);
			continue;
		}
		REQUIRE(w->count < SENDS_MAX && todo.packet.len <= sizeof w->sent[0].packet);
		w->sent[w->count] = (struct sent){
			.server = todo.server,
			.socket = todo.socket,
			.len = todo.packet.len,
			.when = w->now,
		};
		memcpy(w->sent[w->count++].packet, todo.packet.p, todo.packet.len);
	}
	CHECK(radius_client_deadline(w->client) > w->now);
}

void pass(struct world *w, msec until)
{
	for (pump(w); radius_client_deadline(w->client) <= until; pump(w))
		w->now = radius_client_deadline(w->client);
	w->now = until;
	pump(w);
}

void ask_server(struct world *w, uint64_t number, size_t server)
{
	const struct radius_ask ask = {
		.number = number,
		.server = server,
		.who = { .user_name = slice_str("name"),
			 .calling_station = slice_str("02-00-00-00-00-01"),
			 .nas_identifier = slice_str("nas"),
			 .nas_address = "2001:db8::1",
			 .nas_port_type = RADIUS_PORT_ETHERNET,
			 .framed_mtu = 1400 },
		.eap = slice_of("\2\1\0\5\1", 5),
		.state = slice_str(server == RADIUS_ANY_SERVER ? "" : "state"),
	};

	REQUIRE(radius_client_ask(w->client, &ask, w->now) == RADIUS_FINE);
	pump(w);
}

void ask(struct world *w, uint64_t number)
{
	ask_server(w, number, RADIUS_ANY_SERVER);
}

const struct sent *last(const struct world *w)
{
	REQUIRE(w->count > 0);
	return &w->sent[w->count - 1];
}

enum radius_server_state state(const struct world *w, size_t server)
{
	struct radius_server_view view;

	radius_client_view(w->client, server, &view);
	return view.state;
}

uint64_t faults(const struct world *w, size_t server, enum radius_fault fault)
{
	struct radius_server_view view;

	radius_client_view(w->client, server, &view);
	return view.counters.faults[fault];
}

bool answer_as(struct world *w, const struct sent *sent, struct slice secret,
	       const struct radius_reply *reply)
{
	static uint8_t room[RADIUS_PACKET_MAX];
	struct radius_request request;
	struct slice packet;
	bool heard;

	REQUIRE(radius_request_read(w->crypto, SECRET, slice_of(sent->packet, sent->len), room,
				    &request) == RADIUS_FINE);
	if (request.packet.code == RADIUS_STATUS_SERVER) {
		REQUIRE(radius_status_build(w->crypto, secret, &request, false, w->out, &packet) ==
			RADIUS_FINE);
	} else {
		REQUIRE(radius_reply_build(w->crypto, secret, &request, reply, w->out, &packet) ==
			RADIUS_FINE);
	}
	heard = radius_client_receive(w->client, sent->server, sent->socket, packet, w->room,
				      w->now, &w->answer);
	w->answers += heard;
	return heard;
}

const struct radius_reply world_challenge = { .code = RADIUS_ACCESS_CHALLENGE,
					      .eap = { (const uint8_t *)"\1\2\0\5\1", 5 },
					      .state = { (const uint8_t *)"state", 5 },
					      .session_timeout = 30 };

bool answer(struct world *w, const struct sent *sent)
{
	return answer_as(w, sent, SECRET, &world_challenge);
}
