/* The NASes and supplicants of radius_load.c, and the conversations that they have. */
#ifndef BENCH_RADIUS_NAS_H
#define BENCH_RADIUS_NAS_H

#include "eap/peer.h"
#include "method/tls_peer.h"
#include "tests/bench/radius_wire.h"

#define IDS 256
/* So that an identifier is not used again while the server may remember it. */
#define SLOTS_PER_PORT 32
#define MAC_SIZE       sizeof "02-00-00-00-00-00"

enum purpose { AUTHENTICATE, OPEN };
enum step { RESTING, IDENTITY, HELLO, GOING };

/* A NAS with one supplicant, one conversation after the other. */
struct slot {
	enum step step;
	unsigned socket;
	char calling[MAC_SIZE];
	int64_t begun, due; /* nanoseconds */
	unsigned tries;
	uint8_t id;
	size_t packet_len, state_len;
	uint8_t packet[RADIUS_PACKET_MAX], state[RADIUS_STATE_MAX];

	/* Not when all it has to do is to open conversations. */
	struct tls_peer *method;
	struct eap_peer_config config;
	struct eap_lower lower;
	struct eap_peer peer;
};

struct port {
	int fd;
	uint8_t next_id;
	struct slot *asked[IDS];
};

struct options {
	const char *server, *secret, *ca, *cert, *key, *name, *identity, *tls, *flood;
	unsigned count, concurrency, machines, warm, tries, patience, rate;
	bool resume, wait, open, hold;
};

struct load {
	struct wire *wire;
	struct tls_config *tls;
	struct slot *slots;
	struct port *ports;
	unsigned slot_count, port_count, next;
	int epoll;
	uint8_t hello[2048]; /* an EAP-TLS Response with a ClientHello, for conversations to open */
	size_t hello_len;

	/* one run */
	enum purpose purpose;
	unsigned wanted, begun, ended;
	unsigned requests, retransmissions, accepted, rejected, succeeded, resumed, timeouts,
		failed, opened, bad_answers, wrong_keys;
	double *latencies; /* of those that were answered to the end, in milliseconds */
	unsigned latency_count;
	struct diagnosis why; /* of the last that failed */
};

extern struct options options;
extern struct load load;

/* Both end the program when it cannot go on. */
_Noreturn void fail(const char *what, const char *why);
void need(bool held, const char *what);

int64_t nanoseconds(void); /* of a clock that only goes forward */

/* An Identity Request to the peer, or any packet; its answer, empty if there is none. */
struct slice hear_identity(struct slot *slot);
struct slice hear(struct slot *slot, struct slice packet);
/* The Response/Identity without a peer. */
struct slice own_identity(uint8_t *buffer, size_t size);

/* Waits that many milliseconds at most, and hands on every packet that came. */
void wait_and_receive(int patience, void (*each)(struct port *port, struct slice in));

/* That many conversations, the slots in turn; load then has the figures. */
void run(enum purpose purpose, unsigned count);

#endif
