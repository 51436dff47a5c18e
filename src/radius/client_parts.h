/* Inside src/radius: what the files of the client share. */
#ifndef RADIUS_CLIENT_PARTS_H
#define RADIUS_CLIENT_PARTS_H

#include "base/list.h"
#include "radius/client.h"

#define RADIUS_IDS 256 /* of a socket */

enum exchange_state {
	EXCHANGE_NEW,	  /* wants a server */
	EXCHANGE_WAITING, /* until a server has room, or a connection; among client->waiting */
	EXCHANGE_SENT,	  /* waits for an answer */
	EXCHANGE_LOST,	  /* nobody will answer: to be told */
};

/* A request on its way.  The packet is complete but for Identifier and authenticators, which it
 * gets anew for each server. */
struct exchange {
	enum exchange_state state;
	uint64_t number;
	uint8_t code;
	bool sticky, wants_key_name;
	enum radius_fault fault; /* of the last packet that pretended to be the answer */
	uint32_t tried;		 /* servers, as bits */
	size_t server,
		slot; /* while sent: its socket is slot / RADIUS_IDS, its Identifier the rest */
	unsigned transmissions;
	msec begun, wait, due; /* at all, then at this server; RT; when there is something to do */
	uint64_t heard;	       /* what the server had answered when this was sent */
	size_t at;	       /* in the heap */
	uint8_t authenticator[RADIUS_AUTHENTICATOR_SIZE];
	struct list others; /* of the same server, or that wait */
	struct bytes packet;
};

/* Over TLS. */
struct connection {
	bool up, wanted;
	bool tried, silent; /* a watchdog is on its way; to be given up */
	size_t open;
	msec heard;		  /* or since when there is something to be heard */
	struct exchange watchdog; /* has Identifier 0: RFC 6613, section 2.6.5 */
};

struct server {
	const char *name;
	struct secret secret;
	size_t slot_count, next_slot;
	bool reliable, probes;
	struct radius_timing timing;
	enum radius_server_state state;
	msec since, due; /* of the state; when it is to be probed or tried again */
	msec died;	 /* when it was given up */
	uint64_t heard;	 /* genuine answers: an answer and a request may share a millisecond */
	unsigned answered_probes;
	size_t open;
	enum radius_fault last_fault;
	struct radius_client_counters counters;
	struct list exchanges;
	struct exchange probe;	   /* in its slot while it is on its way */
	struct exchange **by_slot; /* slot_count */
	struct connection connection[RADIUS_SOCKETS_MAX];
	size_t pipeline;
};

struct radius_client {
	struct radius_crypto *crypto;
	struct server servers[RADIUS_SERVERS_MAX];
	size_t server_count;
	bool accounting;
	struct bytes nas_identifier;
	radius_server_changed changed;
	void *context;
	struct exchange **heap; /* by due, the earliest first */
	size_t count, max;
	struct list waiting;   /* the first that came first */
	struct exchange *told; /* was handed up as lost; freed at the next call */
};

void exchange_free(struct exchange *exchange); /* from nowhere: it was left before */
/* From wherever it is. */
void exchange_drop(struct radius_client *client, struct exchange *exchange);

/* Wakes those that wait when a server becomes alive. */
void client_set_state(struct radius_client *client, struct server *server,
		      enum radius_server_state state, msec now);
bool client_any_alive(const struct radius_client *client);
void client_wake_all(struct radius_client *client);
/* Sets exchange->server.  False: nobody has room for it. */
bool client_find_server(const struct radius_client *client, struct exchange *exchange);
/* False when there is nothing to wait for, or not any more. */
bool client_wait_for_room(struct radius_client *client, struct exchange *exchange, msec now);

struct connection *server_connection(struct server *server, const struct exchange *exchange);
/* How many requests it can have at the same time. */
size_t server_room(const struct server *server);
/* The least recently used identifier: an answer that is late must not meet another request.  False
 * if all are in use. */
bool server_take_slot(struct server *server, struct exchange *exchange);
/* Or those that wait; its place is for one of them. */
void exchange_leave_server(struct radius_client *client, struct exchange *exchange);

/* No answer to it is expected any more. */
void server_end_probe(struct server *server, struct exchange *probe);

/* The heap of all, by when there is something to do. */
void exchange_enter(struct radius_client *client, struct exchange *exchange);
void exchange_leave(struct radius_client *client, struct exchange *exchange);
void exchange_set_due(struct radius_client *client, struct exchange *exchange, msec due);
struct exchange *exchange_first(const struct radius_client *client); /* NULL: there is none */

#endif
