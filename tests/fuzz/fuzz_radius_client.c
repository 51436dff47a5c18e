/* A client among three hostile servers, in a time that jumps.  The input is a list of events, one
 * octet each with what it needs behind it: ask, ask with State, forget, let time pass, receive
 * octets as they come or an answer signed with the secret, connect, disconnect, refuse.  Whatever
 * happens, each request ends once at most, and all end if nothing more arrives. */
#include "radius/client.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SERVERS	  3
#define SECRET	  slice_str("testing123")
#define ASKS_MAX  64
#define SENDS_MAX 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct radius_crypto *crypto;

struct sent {
	size_t server, socket, len;
	uint8_t packet[RADIUS_PACKET_MAX];
};

struct world {
	struct radius_client *client;
	msec now;
	uint8_t random[RADIUS_RANDOM_SIZE];
	uint64_t next; /* number to ask with */
	bool open[1024];
	struct sent sent[SENDS_MAX];
	size_t count;
};

static void end(struct world *w, const struct radius_answer *answer)
{
	assert(answer->number < w->next && w->open[answer->number % 1024]);
	assert(answer->server < SERVERS);
	assert(answer->vlan <= 4094 && answer->class_count <= RADIUS_CLASSES_MAX);
	assert(answer->outcome == RADIUS_REJECTED || answer->outcome == RADIUS_TIMED_OUT ||
	       answer->fault == RADIUS_FINE);
	w->open[answer->number % 1024] = false;
}

static void pump(struct world *w)
{
	struct radius_todo todo;
	enum radius_step step;
	unsigned steps = 0;

	while ((step = radius_client_step(w->client, w->now, w->random, &todo)) != RADIUS_IDLE) {
		assert(++steps < 8 * ASKS_MAX + 8 * SERVERS);
		w->random[steps % RADIUS_AUTHENTICATOR_SIZE]++;
		if (step == RADIUS_ANSWER) {
			end(w, &todo.answer);
			continue;
		}
		if (step != RADIUS_SEND) {
			assert(todo.server == 2 && todo.socket < 2);
			if (step == RADIUS_HANG_UP)
				radius_client_connected(w->client, 2, todo.socket, false, w->now);
			continue;
		}
		assert(todo.server < SERVERS && todo.packet.len >= RADIUS_PACKET_MIN);
		struct sent *sent = &w->sent[w->count++ % SENDS_MAX];

		sent->server = todo.server;
		sent->socket = todo.socket;
		sent->len = todo.packet.len;
		memcpy(sent->packet, todo.packet.p, todo.packet.len);
	}
	assert(radius_client_deadline(w->client) > w->now);
	assert(radius_client_open(w->client) <= ASKS_MAX);
}

static void ask(struct world *w, size_t server, struct rd *r)
{
	size_t len = rd_u8(r);
	const struct radius_ask ask = { .number = w->next,
					.server = server,
					.state = slice_str(server < SERVERS ? "state" : ""),
					.wants_key_name = len & 1,
					.eap = rd_bytes(r, len < r->left ? len : r->left) };

	if (radius_client_ask(w->client, &ask, w->now) == RADIUS_FINE)
		w->open[w->next++ % 1024] = true;
}

static void receive(struct world *w, size_t server, size_t socket, struct slice in)
{
	static uint8_t room[RADIUS_PACKET_MAX];
	struct radius_answer answer;

	if (radius_client_receive(w->client, server, socket, in, room, w->now, &answer)) {
		end(w, &answer);
		radius_answer_wipe(&answer);
	}
}

/* The attributes of the input, in a response to something that was sent, signed. */
static void respond(struct world *w, struct rd *r)
{
	static uint8_t out[RADIUS_PACKET_MAX];
	const struct sent *to = &w->sent[rd_u8(r) % SENDS_MAX];
	uint8_t code = rd_u8(r);
	size_t len = rd_u8(r);
	struct rd at = rd_of(rd_bytes(r, len < r->left ? len : r->left));
	struct radius_builder b = radius_builder_of(out, sizeof out, (enum radius_code)code,
						    to->packet[1], (struct slice){ 0 }, true);
	struct radius_attribute attribute;
	struct slice packet;

	while (radius_next(&at, &attribute))
		radius_put(&b, attribute.type, attribute.value);
	if (to->len > 0 && radius_seal_response(crypto, SECRET, slice_of(to->packet + 4, 16), &b,
						&packet) == RADIUS_FINE)
		receive(w, to->server, to->socket, packet);
}

static void happen(struct world *w, struct rd *r)
{
	uint8_t event = rd_u8(r), what = event >> 4;
	size_t len;

	switch (event & 7) {
	case 0:
		ask(w, RADIUS_ANY_SERVER, r);
		break;
	case 1:
		ask(w, what % SERVERS, r);
		break;
	case 2:
		radius_client_forget(w->client, rd_u8(r));
		break;
	case 3:
		w->now = what == 15 ? w->now + 600000
			 : radius_client_deadline(w->client) == NEVER
				 ? w->now + 1
				 : radius_client_deadline(w->client);
		break;
	case 4:
		len = rd_u8(r);
		receive(w, what % SERVERS, what >> 2, rd_bytes(r, len < r->left ? len : r->left));
		break;
	case 5:
		respond(w, r);
		break;
	case 6:
		radius_client_connected(w->client, 2, what >> 1 & 1, what & 1, w->now);
		break;
	default:
		radius_client_refused(w->client, what % SERVERS, w->now);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world w;
	struct rd r = rd_of(slice_of(data, size));
	struct radius_server_settings servers[SERVERS] = {
		{ .name = "a", .secret = SECRET, .sockets = 1, .probe = true },
		{ .name = "b", .secret = SECRET, .sockets = 2 },
		{ .name = "c",
		  .secret = SECRET,
		  .sockets = 2,
		  .reliable = true,
		  .probe = true,
		  .pipeline = 3 },
	};
	const struct radius_client_settings settings = { .servers = servers,
							 .server_count = SERVERS,
							 .asks_max = ASKS_MAX };

	if (!crypto && radius_crypto_new(&crypto) != OK)
		abort();
	memset(&w, 0, sizeof w);
	w.now = 1000;
	if (radius_client_new(&settings, w.now, NULL, NULL, &w.client) != OK)
		abort();
	for (int events = 0; r.left > 0 && events < 500; events++) {
		happen(&w, &r);
		pump(&w);
	}
	for (int rounds = 0; radius_client_open(w.client) > 0; rounds++) {
		assert(rounds < 10000);
		w.now = radius_client_deadline(w.client);
		assert(w.now != NEVER);
		pump(&w);
	}
	radius_client_free(w.client);
	return 0;
}
