/* The conversations of a worker: where they are found, who makes room, when they are forgotten. */
#include "authd/worker.h"

static struct list *bucket_of(struct worker *w, uint64_t number)
{
	return &w->bucket[number % WORKER_BUCKETS];
}

struct conversation *worker_find(struct worker *w, const struct aaa_asker *asker, uint64_t number)
{
	list_each (node, bucket_of(w, number)) {
		struct conversation *c = list_item(node, struct conversation, node);

		if (c->number == number && c->asker == asker)
			return c;
	}
	return NULL;
}

static bool is_half_open(const struct conversation *c)
{
	return c->rounds <= 1;
}

static void recount(struct worker *w, struct conversation *c, size_t memory)
{
	worker_count(w, WORKER_MEMORY, (int64_t)memory - (int64_t)c->counted);
	c->counted = memory;
}

void worker_touch(struct worker *w, struct conversation *c)
{
	recount(w, c, conversation_memory(c));
	list_remove(&c->age);
	list_append(is_half_open(c) ? &w->half_open : &w->going_on, &c->age);
}

void worker_end(struct worker *w, struct conversation *c)
{
	worker_count(w, WORKER_CONVERSATIONS, -1);
	recount(w, c, 0);
	if (is_half_open(c))
		worker_count(w, WORKER_HALF_OPEN, -1);
	conversation_free(c);
}

void worker_give_up(struct worker *w, struct conversation *c, enum worker_counter reason,
		    struct moment now)
{
	worker_count(w, reason, 1);
	if (!is_half_open(c))
		worker_tell(w, c, false, now);
	worker_end(w, c);
}

#define LATELY 5000 /* msec: who has spoken within this time is not evicted */

/* Half-open ones first, then who has been silent for long. */
static bool make_room(struct worker *w, struct moment now)
{
	struct conversation *oldest;

	if (atomic_load_explicit(&w->counter[WORKER_CONVERSATIONS], memory_order_relaxed) < w->most)
		return true;
	if (!list_empty(&w->half_open)) {
		oldest = list_item(w->half_open.next, struct conversation, age);
	} else {
		oldest = list_item(w->going_on.next, struct conversation, age);
		if (list_empty(&w->going_on) || now.mono - oldest->touched < LATELY)
			return false;
	}
	worker_give_up(w, oldest, WORKER_EVICTED, now);
	return true;
}

struct conversation *worker_begin(struct worker *w, struct aaa_asker *asker, uint64_t number,
				  const struct aaa_where *where, size_t mtu, struct moment now)
{
	struct conversation *c =
		make_room(w, now) ? conversation_new(w->arming, where, mtu, now) : NULL;

	if (!c) {
		worker_count(w, WORKER_SHED, 1);
		return NULL;
	}
	c->asker = asker;
	if (asker)
		c->number = number;
	list_append(bucket_of(w, c->number), &c->node);
	worker_touch(w, c);
	worker_count(w, WORKER_BEGUN, 1);
	worker_count(w, WORKER_CONVERSATIONS, 1);
	worker_count(w, WORKER_HALF_OPEN, 1);
	return c;
}

/* ---- time ---- */

static msec next_of(const struct list *ages, msec timeout)
{
	return list_empty(ages)
		       ? NEVER
		       : msec_after(list_item(ages->next, struct conversation, age)->touched,
				    timeout);
}

msec worker_forgets_at(const struct worker *w)
{
	const struct authd_settings *s = &w->arming->config->settings;

	return msec_earlier(next_of(&w->half_open, s->half_open), next_of(&w->going_on, s->idle));
}

static void forget(struct worker *w, struct list *ages, msec timeout, struct moment now)
{
	while (next_of(ages, timeout) <= now.mono)
		worker_give_up(w, list_item(ages->next, struct conversation, age), WORKER_ABANDONED,
			       now);
}

void worker_forget(struct worker *w, struct moment now)
{
	const struct authd_settings *s = &w->arming->config->settings;

	forget(w, &w->half_open, s->half_open, now);
	forget(w, &w->going_on, s->idle, now);
}
