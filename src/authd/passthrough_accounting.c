/* Accounting records on their way to a server: RFC 2866, sections 2 and 5.2. */
#include <errno.h>
#include <stdlib.h>

#include "authd/passthrough.h"
#include "authd/passthrough_parts.h"
#include "base/list.h"
#include "drivers/log.h"

/* Between two offers of a record that nobody took. */
#define OFFER_LEAST 10000
#define OFFER_MOST  300000

struct record {
	struct list node;
	struct accounting_event event; /* its pointers are to what follows */
	struct aaa_where where;
	struct aaa_grant grant;
	bool offered; /* and not yet answered */
	msec due, wait;
};

struct records {
	struct accountant accountant;
	struct loop *loop;
	struct upstream *upstream; /* NULL: nobody wants any */
	struct list waiting;	   /* the oldest first */
	struct timer timer;
	uint64_t count, lost;
};

static void drop(struct records *r, struct record *record)
{
	list_remove(&record->node);
	aaa_grant_done(&record->grant);
	free(record);
	r->count--;
}

static void lose(struct records *r, struct record *record, const char *why)
{
	char quoted[AAA_TEXT_MAX + 1];

	r->lost++;
	log_event(LOG_WARNING, "accounting.lost", "session=\"%s\" reason=\"%s\"",
		  log_quoted(record->where.session_id, quoted, sizeof quoted), why);
	drop(r, record);
}

/* The numbers of the gigawords' packets are 32 bits: they wrap, as counters there do. */
static void describe(const struct record *record, int64_t now, struct radius_ask *ask)
{
	const struct accounting_event *e = &record->event;
	struct radius_accounting *a = &ask->accounting;

	passthrough_who(&record->where, &ask->who);
	if (record->grant.user_name[0])
		ask->who.user_name = slice_str(record->grant.user_name);
	for (size_t i = 0; i < AAA_CLASS_MAX; i++)
		if (record->grant.class[i].len > 0)
			ask->who.classes[ask->who.class_count++] =
				bytes_slice(&record->grant.class[i]);
	a->status = (uint32_t)e->kind;
	a->session_time = e->session_time;
	a->delay = now > e->when ? (uint32_t)(now - e->when) : 0;
	a->terminate_cause = e->kind == ACCOUNTING_STOP ? (uint32_t)e->cause : 0;
	a->event_timestamp = (uint32_t)e->when;
	if (e->counted) {
		a->input_octets = e->octets_in;
		a->output_octets = e->octets_out;
		a->input_packets = (uint32_t)e->packets_in;
		a->output_packets = (uint32_t)e->packets_out;
	}
}

static void offer(struct records *r, struct record *record, struct moment now)
{
	struct radius_ask ask = { .number = (uintptr_t)record, .server = RADIUS_ANY_SERVER };

	describe(record, now.wall, &ask);
	record->offered = upstream_ask(r->upstream, &ask) == 0;
	if (!record->offered)
		record->due = msec_after(now.mono, OFFER_LEAST);
}

/* Offers what is due, and what has become too old is lost. */
static void offer_all(struct records *r)
{
	struct moment now = loop_now();
	msec next = NEVER;

	list_each (node, &r->waiting) {
		struct record *record = list_item(node, struct record, node);

		if (record->offered)
			continue;
		if (now.wall - record->event.when > PASSTHROUGH_RECORD_AGE)
			lose(r, record, "no server has taken it for too long");
		else if (record->due <= now.mono)
			offer(r, record, now);
		else
			next = msec_earlier(next, record->due);
	}
	(void)timer_set(r->loop, &r->timer, r->upstream ? next : NEVER);
}

static void on_timer(struct timer *timer)
{
	struct records *r = list_item(timer, struct records, timer);

	if (r->upstream)
		offer_all(r);
}

static void on_answered(void *context, const struct radius_answer *answer)
{
	struct records *r = context;
	struct record *record = (struct record *)(uintptr_t)answer->number;

	if (answer->outcome == RADIUS_ACCOUNTED) {
		drop(r, record);
		return;
	}
	/* What is superseded by a later record of the session is not worth another try. */
	record->offered = false;
	record->wait = record->wait ? 2 * record->wait : OFFER_LEAST;
	if (record->wait > OFFER_MOST)
		record->wait = OFFER_MOST;
	if (record->event.kind == ACCOUNTING_INTERIM)
		lose(r, record, "no server has taken it, and another will follow");
	else
		record->due = msec_after(loop_now().mono, record->wait);
	offer_all(r);
}

/* ---- the accountant ---- */

static struct record *copy(const struct accounting_event *event)
{
	struct record *record = calloc(1, sizeof *record);

	if (!record)
		return NULL;
	record->event = *event;
	record->where = *event->where;
	if (event->grant && aaa_grant_copy(event->grant, &record->grant) < 0) {
		free(record);
		return NULL;
	}
	record->event.where = &record->where;
	record->event.grant = &record->grant;
	return record;
}

static void note(struct accountant *accountant, const struct accounting_event *event)
{
	struct records *r = list_item(accountant, struct records, accountant);
	struct record *record;

	if (!r->upstream)
		return;
	if (r->count >= PASSTHROUGH_RECORDS_MAX || !(record = copy(event))) {
		r->lost++;
		return;
	}
	list_append(&r->waiting, &record->node);
	r->count++;
	offer(r, record, loop_now());
	if (!record->offered)
		offer_all(r);
}

int records_new(struct loop *loop, struct records **ret_records)
{
	struct records *r = calloc(1, sizeof *r);

	if (!r)
		return -ENOMEM;
	r->accountant.note = note;
	r->loop = loop;
	r->timer.expired = on_timer;
	list_init(&r->waiting);
	*ret_records = r;
	return 0;
}

void records_free(struct records *records)
{
	size_t left = 0;

	if (!records)
		return;
	/* What sessions said at their very end goes out once at least. */
	if (records->upstream)
		upstream_flush(records->upstream);
	timer_clear(&records->timer);
	upstream_free(records->upstream);
	list_each (node, &records->waiting) {
		drop(records, list_item(node, struct record, node));
		left++;
	}
	if (left > 0)
		log_event(LOG_WARNING, "accounting.lost",
			  "records=%zu reason=\"the service stops\"", left);
	free(records);
}

struct accountant *records_accountant(struct records *records)
{
	return &records->accountant;
}

struct upstream_events records_events(struct records *records)
{
	return (struct upstream_events){ on_answered, records };
}

void records_use(struct records *records, struct upstream *upstream)
{
	upstream_free(records->upstream);
	records->upstream = upstream;
	list_each (node, &records->waiting) {
		struct record *record = list_item(node, struct record, node);

		record->offered = false;
		record->due = 0;
	}
	if (upstream)
		offer_all(records);
}

const struct upstream *records_upstream(const struct records *records)
{
	return records->upstream;
}

void records_count(const struct records *records, uint64_t *ret_waiting, uint64_t *ret_lost)
{
	*ret_waiting = records->count;
	*ret_lost = records->lost;
}
