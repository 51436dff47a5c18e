/* A worker: a thread with its own event loop and its own conversations.
 *
 * Messages come in through one queue and go out through another; between the two nothing is shared
 * but the counters, which it alone writes.  Packets of RADIUS are verified, decoded and answered
 * here (worker_radius.c), requests of ports are answered as they are (worker.c); of the
 * conversations behind both worker_conversations.c keeps order. */
#ifndef AUTHD_WORKER_H
#define AUTHD_WORKER_H

#include <stdatomic.h>

#include "authd/conversation.h"
#include "authd/message.h"
#include "authd/packet.h"
#include "authd/queue.h"
#include "drivers/loop.h"
#include "radius/duplicates.h"
#include "radius/server.h"

#define WORKER_BUCKETS	  4096
#define WORKER_DUPLICATES 8192 /* answers that are kept in case that the request comes again */
#define WORKER_BUDGET	  32   /* messages before timers are looked at again */

enum worker_counter {
	WORKER_CONVERSATIONS, /* now, as the next */
	WORKER_HALF_OPEN,
	WORKER_MEMORY, /* octets: conversation_memory */
	WORKER_BEGUN,
	WORKER_ACCEPTED,
	WORKER_REJECTED,
	WORKER_CHALLENGES,
	WORKER_ABANDONED, /* the asker gave up, or was silent for too long */
	WORKER_EVICTED,	  /* to make room */
	WORKER_SHED,	  /* not begun, because there was no room */
	WORKER_FULL,
	WORKER_RESUMED,
	WORKER_COUNTERS,
};

struct worker {
	unsigned number;
	pthread_t thread;
	struct loop loop;
	struct watch watch;
	struct timer timer;
	struct queue in;
	struct queue *out;
	struct message stop;
	_Atomic uint64_t counter[WORKER_COUNTERS];

	struct arming *arming;
	struct revoked *revoked; /* NULL until the registry was read */
	struct wished *wished;	 /* who is to renew; NULL likewise */
	size_t most;		 /* conversations at once */
	struct list bucket[WORKER_BUCKETS];
	/* The one touched longest ago first: those that have sent nothing beyond the first request,
	 * and those that have. */
	struct list half_open, going_on;

	struct radius_crypto *crypto;
	struct radius_duplicates *duplicates;
	uint8_t eap_room[RADIUS_PACKET_MAX], buffer[RADIUS_PACKET_MAX];
};

/* Takes the arming.  waiting is the ceiling of what waits to begin.  The thread runs from then on.
 * 0 or -errno. */
int worker_start(struct worker *worker, unsigned number, struct arming *arming, size_t most,
		 size_t waiting, struct queue *out);
/* Tells it to stop, waits until it has, and frees what it holds. */
void worker_stop(struct worker *worker);

/* ---- inside of the thread ---- */

void worker_count(struct worker *worker, enum worker_counter counter, int64_t change);
/* To the main thread. */
void worker_send(struct worker *worker, struct message *message);

/* ---- worker_conversations.c ---- */

/* A conversation that begins, with room made for it; NULL when there is none, or no memory. */
struct conversation *worker_begin(struct worker *worker, struct aaa_asker *asker, uint64_t number,
				  const struct aaa_where *where, size_t mtu, struct moment now);
struct conversation *worker_find(struct worker *worker, const struct aaa_asker *asker,
				 uint64_t number);
/* It has just been heard: the others that are as far are older. */
void worker_touch(struct worker *worker, struct conversation *c);
/* Counts the reason and ends it.  What never got beyond its first request is not worth a line of
 * the log. */
void worker_give_up(struct worker *worker, struct conversation *c, enum worker_counter reason,
		    struct moment now);
void worker_end(struct worker *worker, struct conversation *c);
/* Those that have been silent for too long; and when the next of them will have been. */
void worker_forget(struct worker *worker, struct moment now);
msec worker_forgets_at(const struct worker *worker);

/* ---- worker.c ---- */

/* After a turn: counts it, asks the main thread if it waits, and tells the outcome of one that has
 * ended.  The conversation is still there: worker_end when its answer has been made. */
void worker_turned(struct worker *worker, struct conversation *c, enum conversation_turn turn,
		   struct moment now);
/* To the main thread: what came of it. */
void worker_tell(struct worker *worker, const struct conversation *c, bool accepted,
		 struct moment now);
/* After the answer to a question. */
void worker_go_on(struct worker *worker, struct conversation *c, enum conversation_turn turn,
		  struct moment now);

/* ---- worker_radius.c ---- */

/* Answers, and sends the packet back; or keeps it with the conversation that waits. */
void worker_packet(struct worker *worker, struct packet *packet, struct moment now);
/* A conversation that waited has come to this. */
void worker_packet_turned(struct worker *worker, struct conversation *c,
			  enum conversation_turn turn, struct moment now);

/* ---- worker_enrol.c ---- */

void worker_ask_enrolment(struct worker *worker, struct conversation *c);
void worker_enrolment_told(struct worker *worker, struct message_enrolment_told *m,
			   struct moment now);

#endif
