/* The client's machine among servers that answer, are silent, forge and come back, in a time of its
 * own. */
#ifndef TESTS_UNIT_RADIUS_WORLD_H
#define TESTS_UNIT_RADIUS_WORLD_H

#include "radius/client.h"
#include "radius/server.h"

#define SECRET	  slice_str("testing123")
#define SENDS_MAX 600

struct sent {
	size_t server, socket, len;
	msec when;
	uint8_t packet[600];
};

struct world {
	struct radius_crypto *crypto;
	struct radius_client *client;
	msec now;
	uint8_t random[RADIUS_RANDOM_SIZE];
	struct sent sent[SENDS_MAX];
	size_t count; /* of what was sent */
	struct radius_answer answer;
	unsigned answers, changes, connects, hang_ups;
	size_t socket; /* of the last of these */
	uint8_t room[RADIUS_PACKET_MAX], out[RADIUS_PACKET_MAX];
};

struct world *world_of(bool accounting, const struct radius_server_settings *servers, size_t count);
/* Two servers; without reliable they are probed and asked again. */
struct world *world_new(bool accounting, bool reliable, size_t sockets);
/* One server over TLS, not connected yet. */
struct world *world_over_tls(size_t sockets, size_t pipeline);
void world_free(struct world *w);
DEFINE_AUTO_STRUCT(world);

/* All that is to be done now, or until then. */
void pump(struct world *w);
void pass(struct world *w, msec until);

void ask(struct world *w, uint64_t number);
void ask_server(struct world *w, uint64_t number, size_t server);
const struct sent *last(const struct world *w); /* that was sent */

/* A server answers: as one with this secret does, or with a challenge.  Whether that is one. */
bool answer_as(struct world *w, const struct sent *sent, struct slice secret,
	       const struct radius_reply *reply);
bool answer(struct world *w, const struct sent *sent);
extern const struct radius_reply world_challenge;

enum radius_server_state state(const struct world *w, size_t server);
uint64_t faults(const struct world *w, size_t server, enum radius_fault fault);

#endif
