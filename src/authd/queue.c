#include "authd/queue.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

int queue_init(struct queue *queue, const size_t most[QUEUE_LANES])
{
	*queue = (struct queue){ .fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) };
	if (queue->fd < 0)
		return -errno;
	pthread_mutex_init(&queue->lock, NULL);
	for (int i = 0; i < QUEUE_LANES; i++) {
		list_init(&queue->lane[i]);
		queue->most[i] = most[i];
	}
	return 0;
}

void queue_done(struct queue *queue)
{
	pthread_mutex_destroy(&queue->lock);
	close(queue->fd);
}

static bool is_empty(const struct queue *queue)
{
	return queue->count[QUEUE_GOES_ON] + queue->count[QUEUE_NEW] == 0;
}

bool queue_put(struct queue *queue, enum queue_lane lane, struct list *node)
{
	bool wake = false, room;

	pthread_mutex_lock(&queue->lock);
	room = queue->count[lane] < queue->most[lane];
	if (room) {
		wake = is_empty(queue);
		list_append(&queue->lane[lane], node);
		queue->count[lane]++;
	} else {
		queue->refused[lane]++;
	}
	pthread_mutex_unlock(&queue->lock);
	/* The counter of an eventfd is far from its end: it is read whenever the queue runs empty.
	 */
	if (wake)
		(void)eventfd_write(queue->fd, 1);
	return room;
}

struct list *queue_take(struct queue *queue)
{
	struct list *node = NULL;

	pthread_mutex_lock(&queue->lock);
	for (int i = 0; i < QUEUE_LANES && !node; i++) {
		if (list_empty(&queue->lane[i]))
			continue;
		node = queue->lane[i].next;
		list_remove(node);
		queue->count[i]--;
	}
	/* Under the lock: whoever puts the first one after this wakes us anew. */
	if (!node) {
		eventfd_t ignored;

		(void)eventfd_read(queue->fd, &ignored);
	}
	pthread_mutex_unlock(&queue->lock);
	return node;
}

void queue_look(struct queue *queue, enum queue_lane lane, size_t *ret_count, uint64_t *ret_refused)
{
	pthread_mutex_lock(&queue->lock);
	*ret_count = queue->count[lane];
	*ret_refused = queue->refused[lane];
	pthread_mutex_unlock(&queue->lock);
}
