/* RADIUS without memory: a request is refused or served, a duplicate is found or worked on again.
 */
#include "radius/client.h"
#include "radius/duplicates.h"
#include "tests/fault/fault.h"

#define SECRET slice_str("testing123")

/* The server's end of one request. */
static bool serve(struct radius_client *client, struct radius_crypto *crypto,
		  const struct radius_todo *todo)
{
	static uint8_t room[RADIUS_PACKET_MAX], out[RADIUS_PACKET_MAX];
	const struct radius_reply reply = { .code = RADIUS_ACCESS_REJECT };
	struct radius_request request;
	struct radius_answer answer;
	struct slice packet;

	return radius_request_read(crypto, SECRET, todo->packet, room, &request) == RADIUS_FINE &&
	       radius_reply_build(crypto, SECRET, &request, &reply, out, &packet) == RADIUS_FINE &&
	       radius_client_receive(client, todo->server, todo->socket, packet, room, 0,
				     &answer) &&
	       answer.outcome == RADIUS_REJECTED;
}

static bool ask(struct radius_client *client, struct radius_crypto *crypto)
{
	static const uint8_t random[RADIUS_RANDOM_SIZE] = { 1 };
	const struct radius_ask request = { .number = 1,
					    .server = RADIUS_ANY_SERVER,
					    .eap = slice_of("\2\1\0\4", 4) };
	struct radius_todo todo;

	if (radius_client_ask(client, &request, 0) != RADIUS_FINE)
		return fault_happened() && radius_client_open(client) == 0;
	switch (radius_client_step(client, 0, random, &todo)) {
	case RADIUS_SEND:
		return serve(client, crypto, &todo) || fault_happened();
	case RADIUS_ANSWER:
		return fault_happened() && todo.answer.outcome == RADIUS_TIMED_OUT;
	case RADIUS_IDLE:
	case RADIUS_CONNECT:
	case RADIUS_HANG_UP:
		return false;
	}
	return false;
}

static bool client(void)
{
	const struct radius_server_settings server = { .name = "one",
						       .secret = SECRET,
						       .sockets = 1 };
	const struct radius_client_settings settings = { .servers = &server,
							 .server_count = 1,
							 .nas_identifier = slice_str("nas") };
	AUTO_STRUCT(radius_client) it = NULL;
	AUTO_STRUCT(radius_crypto) crypto = NULL;

	if (radius_crypto_new(&crypto) != OK)
		return fault_happened() && !crypto;
	if (radius_client_new(&settings, 0, NULL, NULL, &it) != OK)
		return fault_happened() && !it;
	return ask(it, crypto);
}

/* A probe that cannot be made is made next time. */
static bool probe(void)
{
	static const uint8_t random[RADIUS_RANDOM_SIZE] = { 1 };
	const struct radius_server_settings server = {
		.name = "one", .secret = SECRET, .sockets = 1, .probe = true
	};
	const struct radius_client_settings settings = { .servers = &server, .server_count = 1 };
	const struct radius_ask request = { .number = 1, .server = RADIUS_ANY_SERVER };
	AUTO_STRUCT(radius_client) it = NULL;
	struct radius_todo todo;
	msec now = 1000;
	unsigned probes = 0;

	if (radius_client_new(&settings, now, NULL, NULL, &it) != OK)
		return fault_happened();
	if (radius_client_ask(it, &request, now) != RADIUS_FINE)
		return fault_happened();
	for (int i = 0; i < 20; i++) {
		while (radius_client_step(it, now, random, &todo) == RADIUS_SEND)
			probes += todo.packet.p[0] == RADIUS_STATUS_SERVER;
		now = radius_client_deadline(it);
	}
	return probes > 1 || fault_happened();
}

static bool duplicates(void)
{
	static const uint8_t authenticator[RADIUS_AUTHENTICATOR_SIZE];
	const struct radius_packet packet = { .code = RADIUS_ACCESS_REQUEST,
					      .authenticator = slice_of(authenticator, 16) };
	AUTO_STRUCT(radius_duplicates) it = NULL;
	radius_ticket ticket, none;
	struct slice reply;
	enum radius_known known;

	if (radius_duplicates_new(2, RADIUS_KEEP, 1, &it) != OK)
		return fault_happened() && !it;
	known = radius_duplicates_look(it, slice_str("a"), &packet, 0, &ticket, &reply);
	radius_duplicates_answer(it, ticket, slice_str("reply"), 0);
	if (known != RADIUS_NEW)
		return false;
	known = radius_duplicates_look(it, slice_str("a"), &packet, 0, &none, &reply);
	return known == (fault_happened() ? RADIUS_NEW : RADIUS_ANSWERED);
}

int main(void)
{
	fault_init();
	fault_each("RADIUS: a request and its answer", client);
	fault_each("RADIUS: a server that is probed", probe);
	fault_each("RADIUS: duplicates", duplicates);
	return fault_end();
}
