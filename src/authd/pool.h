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
#include "authd/ticket_keys.h"
#include "drivers/loop.h"

#define POOL_WORKERS_MAX 64

struct pool;
struct arming;
struct revoked;
struct wished;
struct enrolment_told;
struct message_enrolment_asks;
struct account;
struct message_account_asks;

/* Called in the main thread. */
struct pool_events {
	/* The callee's from then on. */
	void (*outcome)(void *context, struct outcome *outcome);
	/* A packet of a known client is done with; its reply goes out unless false is answered (an
	 * accounting record that could not be kept is not acknowledged: RFC 2866, section 2). */
	bool (*packet)(void *context, const struct packet *packet);
	/* A conversation waits to hear whether the certificate was revoked: pool_judged. */
	void (*asks)(void *context, const struct message_asks *asks);
	/* A conversation waits to hear about an enrolment: pool_enrolment_told.  What is in
	 * asks->ask may be taken. */
	void (*enrolment)(void *context, struct message_enrolment_asks *asks);
	/* A conversation waits for an account: pool_account_told. */
	void (*account)(void *context, const struct message_account_asks *asks);
	void *context;
	/* All workers know what pool_revoked and pool_account_gone have told; who was let in
	 * before is known here. */
	void (*known)(void *context);
	const struct mschap *mschap; /* for the workers, as arming_new takes it */
};

struct pool_counts {
	uint64_t conversations, half_open; /* now */
	uint64_t memory;		   /* octets that conversations hold, without OpenSSL's */
	uint64_t begun, accepted, rejected, challenges, abandoned, evicted, shed;
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
/* A RADIUS packet of any transport; the pool's from then on.  What begins a conversation is shed
 * here when there are too many: then the event tells so, and nothing is answered. */
void pool_receive(struct pool *pool, struct packet *packet);

/* To an event `asks`, once; why is of a refusal. */
struct pool_ask {
	unsigned worker;
	struct aaa_asker *asker;
	uint64_t conversation;
};
void pool_judged(struct pool *pool, const struct pool_ask *ask, bool accept,
		 const struct diagnosis *why);
/* To an event `enrolment`, once; of asks only where it came from counts.  Takes what is in *taken.
 */
void pool_enrolment_told(struct pool *pool, const struct message_enrolment_asks *asks,
			 struct enrolment_told *taken);
/* To an event `account`, once.  Takes what is in *taken. */
void pool_account_told(struct pool *pool, const struct pool_ask *ask, struct account *taken);
/* For all workers, from the next handshake on: what is stapled; the keys of tickets. */
void pool_staple(struct pool *pool, struct slice response);
/* What was revoked: a reference for each worker.  The event tells when all have it. */
void pool_revoked(struct pool *pool, struct revoked *revoked);
/* This account was removed: likewise, to all conversations that go on. */
void pool_account_gone(struct pool *pool, const char *name);
bool pool_knows_who_is_out(const struct pool *pool);
/* Who is to renew a certificate: likewise. */
void pool_wished(struct pool *pool, struct wished *wished);
void pool_ticket_keys(struct pool *pool, const struct ticket_keys *keys);

unsigned pool_workers(const struct pool *pool);
void pool_count(struct pool *pool, struct pool_counts *ret_counts);
/* Of one worker; what is shed before it reaches any is in the sum of all alone. */
void pool_count_worker(struct pool *pool, unsigned number, struct pool_counts *ret_counts);

#endif
