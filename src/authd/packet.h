/* A RADIUS packet that came in, and where its answer goes.
 *
 * UDP and RadSec are transports: each hands what it has received, with an origin, to the pool, and
 * is asked to reply to that origin.  Packets are values and own what they hold: they wait in the
 * queue of a worker, which verifies, decodes and answers them. */
#ifndef AUTHD_PACKET_H
#define AUTHD_PACKET_H

#include "authd/address.h"
#include "authd/config.h"
#include "authd/message.h"
#include "authd/outcome.h"
#include "radius/packet.h"

struct origin;

/* Lives in the main thread, and as long as the pool. */
struct transport {
	/* One packet to where another came from. An origin that is gone (a connection that was
	 * closed) is no error. */
	void (*reply)(struct transport *transport, const struct origin *origin,
		      struct slice packet);
	/* All that has been handed over in this round may go out now; NULL: nothing is held back.
	 */
	void (*flush)(struct transport *transport);
	bool radsec; /* RFC 6614: the secret is "radsec", and duplicates do not come */
};

struct origin {
	struct transport *transport;
	bool accounting;	/* came to the accounting port (RadSec: either) */
	unsigned socket;	/* the transport's own: which of its sockets … */
	uint64_t connection;	/* … or connections */
	union address from, to; /* to: our own address, from which to answer */
	uint32_t interface;	/* the index, for link-local addresses */
};

/* What came of a packet. */
enum packet_end {
	PACKET_ANSWERED,
	PACKET_REPEATED,  /* a duplicate, answered as before */
	PACKET_DUPLICATE, /* a duplicate of what is still being worked on */
	PACKET_REFUSED,	  /* see fault */
	PACKET_STALE,	/* a State that is nobody's, or another client's; answered with a Reject */
	PACKET_IGNORED, /* genuine, but the conversation had no use for it */
	PACKET_SHED,	/* too many at once */
	PACKET_ENDS,
};
const char *packet_end_name(enum packet_end end); /* "stale": for counts and logs; static */

struct packet {
	struct message message;
	struct origin origin;
	struct config *config;		    /* a reference: as it was when the packet came */
	const struct client_config *client; /* of that configuration */
	struct moment when;
	struct bytes data;
	bool counted; /* as one that begins a conversation: [Limits] NewPerSecond= */

	/* filled in by the worker, which sends it back */
	enum packet_end end;
	enum radius_fault fault;
	uint8_t code;			   /* the request's; 0 if it did not parse */
	struct bytes reply;		   /* empty: nothing is sent */
	struct nas_accounting *accounting; /* of an Accounting-Request in order; NULL otherwise */
};

/* NULL when there is no memory.  Takes a reference to the configuration, copies the octets. */
struct packet *packet_new(const struct origin *origin, struct config *config,
			  const struct client_config *client, struct slice data,
			  struct moment when);
void packet_free(struct packet *packet);
/* The secret with which it and its answer are made genuine; borrowed. */
struct slice packet_secret(const struct packet *packet);
DEFINE_AUTO_STRUCT(packet);

#endif
