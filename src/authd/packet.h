/* A RADIUS packet that came in, and where its answer goes.
 *
 * UDP and RadSec are transports: each hands what it has received, with an origin, to the pool, and
 * is asked to reply to that origin.  Packets are values and own what they hold: they wait in the
 * queue of a worker, which verifies, decodes and answers them. */
#ifndef AUTHD_PACKET_H
#define AUTHD_PACKET_H

#include "authd/address.h"
#include "authd/config.h"
#include "base/list.h"

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

struct packet {
	struct list node;
	struct origin origin;
	struct config *config;		    /* a reference: as it was when the packet came */
	const struct radius_client *client; /* of that configuration */
	struct moment when;
	struct bytes data;
};

/* NULL when there is no memory.  Takes a reference to the configuration, copies the octets. */
struct packet *packet_new(const struct origin *origin, struct config *config,
			  const struct radius_client *client, struct slice data,
			  struct moment when);
void packet_free(struct packet *packet);
DEFINE_AUTO_STRUCT(packet);

#endif
