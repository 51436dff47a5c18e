/* The workers, as the main thread sees them: threads that do all the work of the EAP server and of
 * RADIUS messages.
 *
 * Each owns its conversations and its own copy of the TLS configuration; what goes to them and what
 * comes back are values in queues.  A machine is pinned to one worker by its Calling-Station-Id, so
 * that a session it resumes is found; a RADIUS conversation by the worker's number in its State. */
#ifndef AUTHD_POOL_H
#define AUTHD_POOL_H

#include "authd/config.h"
#include "authd/outcome.h"
#include "authd/packet.h"
#include "drivers/loop.h"

#define POOL_WORKERS_MAX 64

struct pool;
struct arming;

/* Why a packet was dropped, for counters and the log. */
enum packet_problem {
	PACKET_GOOD,
	PACKET_MALFORMED,
	PACKET_BAD_AUTHENTICATOR, /* Message-Authenticator or Request Authenticator: wrong secret */
	PACKET_NO_AUTHENTICATOR,  /* no Message-Authenticator at all */
	PACKET_UNEXPECTED,	  /* a code that does not belong on this port */
	PACKET_NOT_EAP,		  /* an Access-Request without EAP, refused */
	PACKET_STALE,		  /* a State that is nobody's, or another client's */
	PACKET_DUPLICATE,	  /* answered again, or still being answered */
	PACKET_SHED,		  /* too many at once */
	PACKET_NO_MEMORY,
	PACKET_PROBLEMS,
};
const char *packet_problem_name(enum packet_problem problem); /* "bad-authenticator"; static */

/* Called in the main thread. */
struct pool_events {
	/* The callee's from then on. */
	void (*outcome)(void *context, struct outcome *outcome);
	void (*accounting)(void *context, const struct nas_accounting *accounting);
	/* A packet of a known client came to nothing, or (PACKET_GOOD) was in order. */
	void (*packet)(void *context, const struct packet *packet, enum packet_problem problem);
	void *context;
};

struct pool_counts {
	uint64_t conversations, half_open; /* now */
	uint64_t memory;		   /* octets that conversations hold, without OpenSSL's */
	uint64_t begun, accepted, rejected, abandoned, evicted, shed;
	uint64_t full, resumed; /* handshakes of those accepted */
	uint64_t waiting;	/* in the queues now */
};

/* Starts the threads, one arming each: see arm.h. The number of workers stays as it is until the
 * end.  0 or -errno. */
int pool_new(struct loop *loop, struct config *config, const struct pool_events *events,
	     struct pool **ret_pool, struct diagnosis *why);
/* Stops and joins the threads; conversations end without an answer. */
void pool_free(struct pool *pool);

/* New conversations begin with this configuration; running ones keep theirs. */
int pool_configure(struct pool *pool, struct config *config, struct diagnosis *why);

/* Who answers the ports: the EAP server in the workers.  where.calling_station has to be the same
 * in all requests of one conversation. */
struct aaa_server *pool_server(struct pool *pool);
/* A RADIUS packet of any transport; the pool's from then on. */
void pool_receive(struct pool *pool, struct packet *packet);

unsigned pool_workers(const struct pool *pool);
void pool_count(struct pool *pool, struct pool_counts *ret_counts);

#endif
