/* Between two threads: a bounded queue of values that own what they hold.
 *
 * It has two lanes.  What belongs to something that goes on already is taken before what begins
 * something new, and each lane has a ceiling of its own: a flood of beginnings fills its own lane
 * and stops nothing else.  The reader waits for the descriptor in its event loop. */
#ifndef AUTHD_QUEUE_H
#define AUTHD_QUEUE_H

#include <pthread.h>
#include <stdint.h>

#include "base/list.h"

enum queue_lane { QUEUE_GOES_ON, QUEUE_NEW, QUEUE_LANES };

struct queue {
	pthread_mutex_t lock;
	int fd; /* an eventfd: readable while there is something */
	struct list lane[QUEUE_LANES];
	size_t count[QUEUE_LANES], most[QUEUE_LANES];
	uint64_t refused[QUEUE_LANES];
};

/* 0 or -errno. most is the ceiling of each lane. */
int queue_init(struct queue *queue, const size_t most[QUEUE_LANES]);
/* The queue is empty by then. */
void queue_done(struct queue *queue);

/* From any thread.  The node is embedded in the value, which is the reader's from now on; false
 * when the lane is full, which is counted: it is still the caller's. */
bool queue_put(struct queue *queue, enum queue_lane lane, struct list *node);
/* The reader's.  NULL when there is nothing; then the descriptor waits again. */
struct list *queue_take(struct queue *queue);

/* How full a lane is and how much it has refused. */
void queue_look(struct queue *queue, enum queue_lane lane, size_t *ret_count,
		uint64_t *ret_refused);

#endif
