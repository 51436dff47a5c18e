/* What the two sides of the recorder share: recorder.c, from which anybody writes and asks, and
 * recorder_thread.c, which does the work. */
#ifndef AUTHD_RECORDER_PARTS_H
#define AUTHD_RECORDER_PARTS_H

#include <pthread.h>

#include "authd/recorder.h"

enum record_kind { RECORD_MACHINE, RECORD_SESSION, RECORD_AUDIT };

struct record {
	struct list node;
	enum record_kind kind;
	struct receipt *receipt; /* NULL: nobody waits */
	union {
		struct registry_machine machine;
		struct registry_session session;
		struct registry_audit audit;
	};
};

struct recorder {
	struct recorder_settings settings; /* its texts are ours */
	struct watch watch;		   /* of event: questions were answered */
	int event;
	pthread_t thread;
	bool running;

	pthread_mutex_t lock; /* of all that follows, but what is the thread's */
	pthread_cond_t wake;
	struct list records, questions, answered, receipts;
	msec due;     /* of the records */
	size_t asked; /* questions that wait */
	bool stopping;
	msec complained;
	struct recorder_counts counts;

	/* the thread's */
	struct registry *registry; /* NULL: not connected */
	bool closed_old;	   /* the sessions that a former life has left open */
	msec retry, back_off, forget;
};

static inline void locked(struct recorder *r)
{
	pthread_mutex_lock(&r->lock);
}

static inline void unlocked(struct recorder *r)
{
	pthread_mutex_unlock(&r->lock);
}

/* All of one list to the end of another; with the lock held. */
void recorder_move_all(struct list *to, struct list *from);

/* Of the thread, and before it runs. Opens the registry: 0, or -errno with the reason. */
int recorder_connect(struct recorder *r, struct diagnosis *why);
/* The database does not take what we have: wait longer each time. */
void recorder_back_off(struct recorder *r, const struct diagnosis *why);

/* The thread, from its beginning to its end; context is the recorder. */
void *recorder_thread(void *context);

#endif
