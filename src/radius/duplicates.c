#include "radius/duplicates.h"

#include "base/list.h"

#include <string.h>

#define NO_ENTRY UINT32_MAX

struct entry {
	struct list age; /* in one of busy, answered, unused */
	uint32_t next;	 /* of the same bucket */
	uint32_t generation;
	bool is_answered;
	uint8_t code, id, source_len;
	uint8_t source[RADIUS_SOURCE_MAX];
	uint8_t authenticator[RADIUS_AUTHENTICATOR_SIZE];
	msec since; /* entered, or answered */
	struct bytes reply;
};

struct radius_duplicates {
	struct entry *entries;
	uint32_t *buckets;
	size_t mask; /* of buckets, whose number is a power of two */
	size_t count;
	msec keep;
	uint64_t seed;
	struct list busy, answered; /* the oldest first */
	struct list unused;
};

void radius_duplicates_free(struct radius_duplicates *d)
{
	if (!d)
		return;
	list_each (node, &d->answered)
		bytes_done(&list_item(node, struct entry, age)->reply);
	free(d->entries);
	free(d->buckets);
	free(d);
}

enum status radius_duplicates_new(size_t entries_max, msec keep, uint64_t seed,
				  struct radius_duplicates **ret_duplicates)
{
	AUTO_STRUCT(radius_duplicates) d = calloc(1, sizeof *d);
	size_t buckets = 1;

	if (!d)
		return NO_MEMORY;
	list_init(&d->busy);
	list_init(&d->answered);
	list_init(&d->unused);
	d->keep = keep;
	d->seed = seed;
	if (entries_max == 0 || entries_max >= NO_ENTRY / 2)
		return UNSUPPORTED;
	while (buckets < entries_max)
		buckets *= 2;
	d->mask = buckets - 1;
	d->entries = calloc(entries_max, sizeof *d->entries);
	d->buckets = malloc(buckets * sizeof *d->buckets);
	if (!d->entries || !d->buckets)
		return NO_MEMORY;
	for (size_t i = 0; i < buckets; i++)
		d->buckets[i] = NO_ENTRY;
	for (size_t i = 0; i < entries_max; i++)
		list_append(&d->unused, &d->entries[i].age);
	*ret_duplicates = TAKE(d);
	return OK;
}

/* FNV-1a from a random start, and mixed at the end. */
static uint32_t *bucket(const struct radius_duplicates *d, const uint8_t *source, size_t len,
			uint8_t code, uint8_t id)
{
	uint64_t hash = d->seed ^ ((uint64_t)code << 8 | id);

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ source[i]) * 0x100000001b3;
	hash *= 0x9e3779b97f4a7c15;
	return &d->buckets[(hash >> 32) & d->mask];
}

static void forget(struct radius_duplicates *d, struct entry *e)
{
	uint32_t *at = bucket(d, e->source, e->source_len, e->code, e->id);

	while (*at != (uint32_t)(e - d->entries))
		at = &d->entries[*at].next;
	*at = e->next;
	bytes_done(&e->reply);
	list_remove(&e->age);
	list_append(&d->unused, &e->age);
	e->generation++;
	d->count--;
}

/* Of a list that is not empty. */
static struct entry *oldest(const struct list *head)
{
	return list_item(head->next, struct entry, age);
}

static void forget_older(struct radius_duplicates *d, const struct list *head, msec keep, msec now)
{
	while (!list_empty(head) && msec_after(oldest(head)->since, keep) <= now)
		forget(d, oldest(head));
}

static struct entry *find(const struct radius_duplicates *d, struct slice source,
			  const struct radius_packet *request)
{
	for (uint32_t at = *bucket(d, source.p, source.len, request->code, request->id);
	     at != NO_ENTRY; at = d->entries[at].next) {
		struct entry *e = &d->entries[at];

		if (e->code == request->code && e->id == request->id &&
		    slice_eq(slice_of(e->source, e->source_len), source))
			return e;
	}
	return NULL;
}

static radius_ticket ticket_of(const struct radius_duplicates *d, const struct entry *e)
{
	return (uint64_t)e->generation << 32 | (uint64_t)(e - d->entries + 1);
}

/* An answered request is worth less than one that is being worked on, whose duplicates would all be
 * worked on too. */
static struct entry *enter(struct radius_duplicates *d, struct slice source,
			   const struct radius_packet *request, msec now)
{
	struct entry *e;
	uint32_t *head = bucket(d, source.p, source.len, request->code, request->id);

	if (list_empty(&d->unused))
		forget(d, oldest(list_empty(&d->answered) ? &d->busy : &d->answered));
	e = oldest(&d->unused);
	e->code = request->code;
	e->id = request->id;
	e->source_len = (uint8_t)source.len;
	memcpy(e->source, source.p, source.len);
	memcpy(e->authenticator, request->authenticator.p, sizeof e->authenticator);
	e->is_answered = false;
	e->since = now;
	e->next = *head;
	*head = (uint32_t)(e - d->entries);
	list_remove(&e->age);
	list_append(&d->busy, &e->age);
	d->count++;
	return e;
}

enum radius_known radius_duplicates_look(struct radius_duplicates *d, struct slice source,
					 const struct radius_packet *request, msec now,
					 radius_ticket *ret_ticket, struct slice *ret_reply)
{
	struct entry *e;

	if (source.len > RADIUS_SOURCE_MAX)
		source.len = RADIUS_SOURCE_MAX;
	forget_older(d, &d->answered, d->keep, now);
	forget_older(d, &d->busy, RADIUS_BUSY_KEEP, now);
	*ret_ticket = 0;
	*ret_reply = (struct slice){ 0 };
	e = find(d, source, request);
	if (e && !slice_eq(slice_of(e->authenticator, sizeof e->authenticator),
			   request->authenticator)) {
		forget(d, e);
		e = NULL;
	}
	if (!e) {
		*ret_ticket = ticket_of(d, enter(d, source, request, now));
		return RADIUS_NEW;
	}
	if (!e->is_answered)
		return RADIUS_BUSY;
	*ret_reply = bytes_slice(&e->reply);
	return RADIUS_ANSWERED;
}

void radius_duplicates_answer(struct radius_duplicates *d, radius_ticket ticket, struct slice reply,
			      msec now)
{
	size_t at = (uint32_t)ticket;
	struct entry *e;

	if (at == 0)
		return;
	e = &d->entries[at - 1];
	if (e->generation != ticket >> 32 || e->is_answered)
		return;
	if (reply.len == 0 || bytes_set(&e->reply, reply) != OK) {
		forget(d, e);
		return;
	}
	e->is_answered = true;
	e->since = now;
	list_remove(&e->age);
	list_append(&d->answered, &e->age);
}

size_t radius_duplicates_count(const struct radius_duplicates *d)
{
	return d->count;
}
