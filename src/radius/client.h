/* RADIUS as a client sees it: requests to a pool of servers, as a machine without sockets.  RFC
 * 2865, 2866, 3579, 3580; retransmission of RFC 5080, section 2.2.1; probing of RFC 5997.
 *
 * The shell has for each server as many sockets (each 256 identifiers) as the settings say, or one
 * connection; it hands down what arrives and the time, and asks what is to be done:
 *
 *	radius_client_ask(client, &ask, now);
 *	while (radius_client_step(client, now, random, &todo) != RADIUS_IDLE)
 *		...send it, or hand the answer up...
 *	arm a timer for radius_client_deadline(client)
 *
 * A request that is not answered is sent again, the same octets to the same server, until its time
 * is up; then it goes to the next server, with a new Identifier and Request Authenticator.  A
 * server that was silent for all of a request is dead for some time, then probed with Status-Server
 * (or, without probing, tried again).  While all are dead the one that has been dead for longest
 * is used.  A request that carries State belongs to the server that gave it: if that one does
 * not answer, the answer is a timeout, so that EAP begins anew.
 *
 * Over TLS a server has one connection that the shell keeps up, and further ones that are asked for
 * when the first is full (RFC 6613, section 2.6.5).  A request that nobody can take yet, because
 * there is no connection or all are full, waits for as long as it would for an answer.  A
 * connection on which requests are open and nothing comes is tried with Status-Server, and given up
 * if that is not answered either (RFC 3539, section 3.4.1). */
#ifndef RADIUS_CLIENT_H
#define RADIUS_CLIENT_H

#include "base/moment.h"
#include "radius/server.h"

#define RADIUS_SERVERS_MAX 16
#define RADIUS_SOCKETS_MAX 16 /* for each server */
#define RADIUS_RANDOM_SIZE 24 /* octets for each step */
#define RADIUS_ANY_SERVER  SIZE_MAX

/* RFC 5080, section 2.2.1; milliseconds.  Zero takes the default. */
struct radius_timing {
	msec irt, mrt, mrd;  /* 2 s, 16 s, 30 s (for EAP) */
	unsigned mrc;	     /* 5 */
	msec dead_time;	     /* 30 s: until it is probed, or tried again */
	msec probe_interval; /* 10 s, between probes while it does not answer */
	unsigned probes;     /* 1: answers to probes that bring it back */
};

#define RADIUS_IRT	      2000
#define RADIUS_MRT	      16000
#define RADIUS_MRC	      5
#define RADIUS_MRD	      30000
#define RADIUS_DEAD_TIME      30000
#define RADIUS_PROBE_INTERVAL 10000

struct radius_server_settings {
	const char *name;    /* borrowed for as long as the client lives */
	struct slice secret; /* copied; of RadSec "radsec" (RFC 6614, section 2.3) */
	size_t sockets;	     /* 1 to RADIUS_SOCKETS_MAX; over TLS connections */
	bool reliable;	     /* over TLS: nothing is sent twice, and it begins unconnected */
	size_t pipeline;     /* over TLS: requests at once on one connection; 0: all identifiers */
	bool probe;	     /* it knows Status-Server */
	struct radius_timing timing;
};

struct radius_client_settings {
	bool accounting; /* the servers' accounting ports: of Status-Server's answers */
	const struct radius_server_settings *servers; /* in order of preference */
	size_t server_count;
	size_t asks_max;	     /* at the same time; 0: all identifiers */
	struct slice nas_identifier; /* of probes; copied */
};

/* What is asked: Access-Request, or Accounting-Request when the client is for accounting.  All is
 * borrowed for the call.  User-Name is left out when empty. */
struct radius_ask {
	uint64_t number;       /* the caller's; comes back with the answer */
	size_t server;	       /* RADIUS_ANY_SERVER, or that which gave the State */
	struct radius_who who; /* nas_address is written as NAS-IP(v6)-Address if it is one */
	struct slice state;
	struct slice eap;
	bool wants_key_name;
	struct radius_accounting accounting;
};

struct radius_client_counters {
	uint64_t requests, retransmissions, fail_overs, accepts, rejects, challenges;
	uint64_t responses; /* to accounting */
	uint64_t timeouts, probes, deaths;
	uint64_t faults[RADIUS_FAULTS]; /* of what was received */
};

enum radius_server_state {
	RADIUS_SERVER_ALIVE,
	RADIUS_SERVER_DEAD,	   /* silent; left alone for dead_time */
	RADIUS_SERVER_PROBED,	   /* Status-Server goes to it until it answers */
	RADIUS_SERVER_UNCONNECTED, /* over TLS */
};

struct radius_server_view {
	const char *name;
	enum radius_server_state state;
	msec since;		      /* of the state */
	size_t open;		      /* requests without an answer */
	enum radius_fault last_fault; /* of what arrived from it; RADIUS_FINE after an answer */
	struct radius_client_counters counters;
};

/* What came of a request.  Borrows from the packet received, or from the client until its next
 * call. */
enum radius_outcome {
	RADIUS_TIMED_OUT, /* fault: of the last packet that was refused, or RADIUS_FINE: silence */
	RADIUS_ACCEPTED,
	/* fault: RADIUS_FINE, or why a response was not to be used: RADIUS_UNSIGNED when it has no
	 * Message-Authenticator, as the Rejects of older servers */
	RADIUS_REJECTED,
	RADIUS_CHALLENGED,
	RADIUS_ACCOUNTED,
};

struct radius_answer {
	uint64_t number;
	enum radius_outcome outcome;
	size_t server;
	enum radius_fault fault;
	struct slice eap;	  /* empty when there is none */
	struct slice state;	  /* Challenge: to be given back, with this server */
	uint32_t session_timeout; /* seconds; of a Challenge for the next Response; 0: none */
	bool reauthenticate;	  /* Termination-Action is RADIUS-Request */
	uint32_t interim;	  /* 0: none */
	uint16_t vlan;		  /* 0: none */
	bool odd_vlan;		  /* tunnel attributes that make no VLAN */
	struct slice classes[RADIUS_CLASSES_MAX];
	size_t class_count;
	struct slice user_name;
	struct slice eap_session_id; /* EAP-Key-Name */
	struct slice message;	     /* the first Reply-Message, as it came */
	bool has_msk;
	uint8_t msk[RADIUS_MSK_SIZE]; /* radius_answer_wipe when it was used */
};

void radius_answer_wipe(struct radius_answer *answer);

struct radius_client;

/* observer may be NULL; told when a server changes its state, with the server's number. */
typedef void (*radius_server_changed)(void *context, size_t server, enum radius_server_state from,
				      enum radius_server_state to);

CHECKED enum status radius_client_new(const struct radius_client_settings *settings, msec now,
				      radius_server_changed changed, void *context,
				      struct radius_client **ret_client);
void radius_client_free(struct radius_client *client);
DEFINE_AUTO_STRUCT(radius_client);

/* RADIUS_FULL: no place is free.  RADIUS_TOO_LONG, RADIUS_NO_MEMORY.  Nothing comes back for a
 * request that was refused here.  The packet itself is made in the next steps. */
CHECKED enum radius_fault radius_client_ask(struct radius_client *client,
					    const struct radius_ask *ask, msec now);
/* Nobody waits for it any more; nothing comes back. */
void radius_client_forget(struct radius_client *client, uint64_t number);

enum radius_step {
	RADIUS_IDLE,
	RADIUS_SEND,
	RADIUS_ANSWER,
	RADIUS_CONNECT, /* this connection is wanted, until it is there */
	RADIUS_HANG_UP, /* nothing comes from this connection: close it, and say so */
};

struct radius_todo {
	/* RADIUS_SEND, RADIUS_CONNECT, RADIUS_HANG_UP; packet: good until the next call */
	size_t server, socket;
	struct slice packet;
	/* RADIUS_ANSWER: a request that has come to nothing */
	struct radius_answer answer;
};

/* random: RADIUS_RANDOM_SIZE fresh octets for each call. */
enum radius_step radius_client_step(struct radius_client *client, msec now, const uint8_t *random,
				    struct radius_todo *ret_todo);
/* When to step next; at once if that is not in the future; NEVER. */
msec radius_client_deadline(const struct radius_client *client);

/* A packet from that server on that socket.  True if it is the answer to a request.  in must
 * outlive the use of ret_answer.  eap_room has RADIUS_PACKET_MAX octets.  Faults are counted. */
bool radius_client_receive(struct radius_client *client, size_t server, size_t socket,
			   struct slice in, uint8_t *eap_room, msec now,
			   struct radius_answer *ret_answer);

/* Over TLS: a connection is there, or gone (then its requests go elsewhere at once). */
void radius_client_connected(struct radius_client *client, size_t server, size_t socket,
			     bool connected, msec now);
/* ICMP says that nobody listens: counts as silence for all of a request's time, if one is open. */
void radius_client_refused(struct radius_client *client, size_t server, msec now);

void radius_client_view(const struct radius_client *client, size_t server,
			struct radius_server_view *ret_view);
size_t radius_client_open(const struct radius_client *client); /* requests without an answer */

#endif
