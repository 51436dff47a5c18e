#include "authd/recorder_parts.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "drivers/log.h"

#define TRIES	      5	   /* of a transaction that stood in another's way */
#define PATIENCE_MS   2000 /* after which it is not tried again; who asks waits for it */
#define BACK_OFF_MS   250
#define BACK_OFF_MAX  30000
#define FLUSH_MS      5000
#define FORGET_EACH   3600000
#define FORGET_AT_ONE 1000

/* ---- the connection ------------------------------------------------------------------------- */

static void set_connected(struct recorder *r, bool connected, const struct diagnosis *why)
{
	locked(r);
	r->counts.connected = connected;
	r->counts.why = (struct diagnosis){ 0 };
	if (why)
		r->counts.why = *why;
	unlocked(r);
}

void recorder_back_off(struct recorder *r, const struct diagnosis *why)
{
	char sentence[512];

	if (r->back_off == 0)
		log_event(LOG_ERR, "registry.gone", "cause=\"%s\"",
			  diagnosis_sentence(why, sentence, sizeof sentence));
	set_connected(r, false, why);
	r->back_off = r->back_off ? r->back_off * 2 : BACK_OFF_MS;
	if (r->back_off > BACK_OFF_MAX)
		r->back_off = BACK_OFF_MAX;
	r->retry = loop_now().mono + r->back_off;
	if (r->registry && registry_gone(r->registry))
		registry_free(TAKE(r->registry));
}

static void is_well(struct recorder *r)
{
	struct recorder_counts counts;

	if (r->back_off || !r->counts.connected) {
		set_connected(r, true, NULL);
		recorder_counts(r, &counts);
		log_event(LOG_NOTICE, "registry.open", "waiting=%zu", counts.waiting);
	}
	r->back_off = 0;
	r->retry = 0;
}

static int close_old_sessions(struct recorder *r)
{
	int error = registry_begin(r->registry, false);

	if (error == 0)
		error = registry_sessions_close(r->registry, loop_now().wall, "nas-reboot");
	if (error == 0)
		error = registry_commit(r->registry);
	if (error < 0)
		registry_rollback(r->registry);
	r->closed_old = error == 0;
	return error;
}

int recorder_connect(struct recorder *r, struct diagnosis *why)
{
	bool fresh = !r->registry;
	int error = fresh ? registry_open(&r->settings.registry, &r->registry, why) : 0;

	if (error == 0 && !r->closed_old) {
		error = close_old_sessions(r);
		if (error < 0)
			*why = *registry_why(r->registry);
	}
	if (error == 0 && fresh) {
		locked(r);
		r->counts.connects++;
		unlocked(r);
		is_well(r);
	}
	return error;
}

static bool connected(struct recorder *r)
{
	struct diagnosis why;

	if (r->registry && r->closed_old && r->retry == 0)
		return true;
	if (loop_now().mono < r->retry)
		return false;
	if (recorder_connect(r, &why) < 0) {
		recorder_back_off(r, &why);
		return false;
	}
	r->retry = 0;
	return true;
}

/* ---- transactions --------------------------------------------------------------------------- */

/* A transaction of this work, again while others are in its way, but not for long: a database that
 * somebody has locked makes each try wait. */
static int transact(struct recorder *r, bool durable, int (*work)(struct recorder *, void *),
		    void *context)
{
	msec until = msec_after(loop_now().mono, PATIENCE_MS);
	int result = -EIO;

	for (int i = 0; i < TRIES && (i == 0 || loop_now().mono < until); i++) {
		int error = registry_begin(r->registry, durable);

		result = error < 0 ? error : work(r, context);
		if (result >= 0) {
			error = registry_commit(r->registry);
			result = error < 0 ? error : result;
		}
		if (result >= 0) {
			locked(r);
			r->counts.commits++;
			unlocked(r);
			is_well(r);
			return result;
		}
		registry_rollback(r->registry);
		if (result != -EAGAIN || registry_gone(r->registry))
			return result;
	}
	return result;
}

static int write_record(struct recorder *r, const struct record *record)
{
	switch (record->kind) {
	case RECORD_MACHINE:
		return registry_machine_seen(r->registry, &record->machine);
	case RECORD_SESSION:
		return registry_session_put(r->registry, &record->session);
	case RECORD_AUDIT:
		return registry_audit_add(r->registry, &record->audit);
	}
	return -EINVAL;
}

static int write_all(struct recorder *r, void *context)
{
	const struct list *batch = context;

	list_each (node, batch) {
		int error = write_record(r, list_item(node, struct record, node));

		if (error < 0)
			return error;
	}
	return 0;
}

static int write_one(struct recorder *r, void *context)
{
	return write_record(r, context);
}

/* ---- records -------------------------------------------------------------------------------- */

static void finish(struct recorder *r, struct record *record, bool written)
{
	struct receipt *receipt = record->receipt;

	list_remove(&record->node);
	free(record);
	locked(r);
	r->counts.waiting--;
	r->counts.written += written;
	r->counts.refused += !written;
	if (receipt) {
		receipt->written = written;
		list_append(&r->receipts, &receipt->node);
	}
	unlocked(r);
}

static bool has(struct recorder *r, const struct list *list)
{
	bool some;

	locked(r);
	some = !list_empty(list);
	unlocked(r);
	return some;
}

static void wake_loop(struct recorder *r)
{
	static const uint64_t one = 1;

	if (write(r->event, &one, sizeof one) < 0)
		log_event(LOG_ERR, "registry.answer", "error=\"%s\"", strerror(errno));
}

/* One of them is refused: each by itself, to find which. */
static int write_singly(struct recorder *r, struct list *batch)
{
	list_each (node, batch) {
		struct record *record = list_item(node, struct record, node);
		int error = transact(r, record->kind == RECORD_AUDIT, write_one, record);
		char sentence[512];

		if (error < 0 && error != -EINVAL)
			return error;
		if (error < 0)
			log_event(LOG_ERR, "registry.refused", "kind=%d cause=\"%s\"",
				  (int)record->kind,
				  diagnosis_sentence(registry_why(r->registry), sentence,
						     sizeof sentence));
		finish(r, record, error == 0);
	}
	return 0;
}

void recorder_move_all(struct list *to, struct list *from)
{
	while (!list_empty(from)) {
		struct list *node = from->next;

		list_remove(node);
		list_append(to, node);
	}
}

/* What was not written comes first again. */
static void put_back(struct recorder *r, struct list *batch)
{
	locked(r);
	recorder_move_all(batch, &r->records);
	recorder_move_all(&r->records, batch);
	r->due = loop_now().mono;
	unlocked(r);
}

static bool take_batch(struct recorder *r, struct list *batch)
{
	bool durable = false;

	locked(r);
	for (size_t i = 0; i < r->settings.batch && !list_empty(&r->records); i++) {
		struct list *node = r->records.next;

		durable |= list_item(node, struct record, node)->kind == RECORD_AUDIT;
		list_remove(node);
		list_append(batch, node);
	}
	if (list_empty(&r->records))
		r->due = NEVER;
	unlocked(r);
	return durable;
}

/* false: there is more to write, but not now. */
static bool write_batch(struct recorder *r)
{
	struct list batch;
	int error;

	list_init(&batch);
	if (!connected(r))
		return false;

	bool durable = take_batch(r, &batch);

	if (list_empty(&batch))
		return true;
	error = transact(r, durable, write_all, &batch);
	if (error == 0)
		list_each (node, &batch)
			finish(r, list_item(node, struct record, node), true);
	else if (error == -EINVAL)
		error = write_singly(r, &batch);
	if (error < 0) {
		recorder_back_off(r, registry_why(r->registry));
		put_back(r, &batch);
	}
	if (has(r, &r->receipts))
		wake_loop(r);
	return error == 0;
}

/* ---- questions ------------------------------------------------------------------------------ */

static int ask(struct recorder *r, void *context)
{
	struct question *question = context;

	return question->ask(question, r->registry);
}

/* One that fails is undone and takes nobody along, unless the transaction itself cannot go on. */
static int ask_among_others(struct recorder *r, struct question *question)
{
	int error = registry_savepoint(r->registry);

	if (error < 0)
		return error;
	question->result = ask(r, question);
	if (question->result == -EAGAIN || registry_gone(r->registry))
		return question->result;
	return question->result < 0 ? registry_undo(r->registry) : registry_release(r->registry);
}

static int ask_all(struct recorder *r, void *context)
{
	const struct list *questions = context;

	list_each (node, questions) {
		int error = ask_among_others(r, list_item(node, struct question, node));

		if (error < 0)
			return error;
	}
	return 0;
}

static void ask_singly(struct recorder *r, struct question *question)
{
	question->result = connected(r) ? transact(r, question->durable, ask, question) : -EIO;
	if (r->registry && registry_gone(r->registry))
		recorder_back_off(r, registry_why(r->registry));
}

/* Who asks at the same time shares a commit: what makes it durable is what a question costs most.
 * Whether any of them has to be durable is returned. */
static bool take_questions(struct recorder *r, struct list *questions)
{
	bool durable = false;

	locked(r);
	for (size_t i = 0; i < r->settings.batch && !list_empty(&r->questions); i++) {
		struct list *node = r->questions.next;

		durable |= list_item(node, struct question, node)->durable;
		list_remove(node);
		list_append(questions, node);
	}
	unlocked(r);
	return durable;
}

static void answer_all(struct recorder *r, struct list *questions)
{
	locked(r);
	recorder_move_all(&r->answered, questions);
	unlocked(r);
	wake_loop(r);
}

static void answer_questions(struct recorder *r)
{
	msec until = msec_after(loop_now().mono, PATIENCE_MS);
	struct list questions;
	bool durable, alone;

	list_init(&questions);
	durable = take_questions(r, &questions);
	if (list_empty(&questions))
		return;
	alone = questions.next == questions.prev;
	if (alone || !connected(r) || transact(r, durable, ask_all, &questions) < 0)
		list_each (node, &questions) {
			struct question *question = list_item(node, struct question, node);

			if (alone || loop_now().mono < until)
				ask_singly(r, question);
			else
				question->result = -EAGAIN;
		}
	answer_all(r, &questions);
}

/* ---- retention ------------------------------------------------------------------------------ */

static int forget(struct recorder *r, void *context)
{
	(void)context;
	return registry_sessions_forget(r->registry, loop_now().wall - r->settings.retain,
					FORGET_AT_ONE);
}

static void forget_old(struct recorder *r)
{
	msec now = loop_now().mono;

	if (r->settings.retain == 0 || now < r->forget || !connected(r))
		return;

	int forgotten = transact(r, false, forget, NULL);

	if (forgotten < 0)
		recorder_back_off(r, registry_why(r->registry));
	else if (forgotten < FORGET_AT_ONE)
		r->forget = now + FORGET_EACH;
}

/* ---- its life ----------------------------------------------------------------------------- */

/* When there is something to do next; with the lock held. */
static msec next_work(const struct recorder *r)
{
	msec next = r->settings.retain ? r->forget : NEVER;

	if (!list_empty(&r->questions))
		return 0;
	if (!list_empty(&r->records)) {
		bool full = r->counts.waiting >= r->settings.batch;

		next = msec_earlier(next, full ? 0 : r->due);
	}
	/* A database that is gone is tried also when there is nothing to write: health tells. */
	if (r->retry)
		return r->retry;
	return next;
}

static void wait_for_work(struct recorder *r)
{
	locked(r);
	while (!r->stopping && next_work(r) > loop_now().mono) {
		msec until = next_work(r), now = loop_now().mono;
		struct timespec at;

		if (until == NEVER) {
			pthread_cond_wait(&r->wake, &r->lock);
			continue;
		}
		/* The condition's clock does not count sleep: at worst this comes late. */
		clock_gettime(CLOCK_MONOTONIC, &at);
		at.tv_sec += (time_t)((until - now) / 1000);
		at.tv_nsec += (long)((until - now) % 1000) * 1000000;
		at.tv_sec += at.tv_nsec / 1000000000;
		at.tv_nsec %= 1000000000;
		pthread_cond_timedwait(&r->wake, &r->lock, &at);
	}
	unlocked(r);
}

static bool is_stopping(struct recorder *r)
{
	bool stopping;

	locked(r);
	stopping = r->stopping;
	unlocked(r);
	return stopping;
}

/* The last that there is, unless the database is not there. */
static void flush(struct recorder *r)
{
	msec until = loop_now().mono + FLUSH_MS;

	while (has(r, &r->records) && loop_now().mono < until && write_batch(r))
		;
	while (has(r, &r->questions))
		answer_questions(r);
	registry_free(TAKE(r->registry));
}

void *recorder_thread(void *context)
{
	struct recorder *r = context;

	while (!is_stopping(r)) {
		wait_for_work(r);
		/* A question sees all that was put before it. */
		while (write_batch(r) && has(r, &r->questions) && has(r, &r->records))
			;
		answer_questions(r);
		forget_old(r);
	}
	flush(r);
	return NULL;
}
