#include "authd/recorder_parts.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "drivers/log.h"

#define QUEUE	      4096
#define BATCH	      256
#define DELAY_MS      200
#define COMPLAIN_EACH 60000

/* ---- from the main loop --------------------------------------------------------------------- */

static void tell_answers(struct recorder *r)
{
	struct list answered, receipts;

	list_init(&answered);
	list_init(&receipts);
	locked(r);
	recorder_move_all(&answered, &r->answered);
	recorder_move_all(&receipts, &r->receipts);
	unlocked(r);
	while (!list_empty(&receipts)) {
		struct receipt *receipt = list_item(receipts.next, struct receipt, node);

		list_remove(&receipt->node);
		receipt->told(receipt, receipt->written);
	}
	while (!list_empty(&answered)) {
		struct question *question = list_item(answered.next, struct question, node);

		list_remove(&question->node);
		locked(r);
		r->asked--;
		unlocked(r);
		question->answered(question, question->result);
	}
}

static void on_answers(struct watch *watch, bool readable, bool writable)
{
	struct recorder *r = list_item(watch, struct recorder, watch);
	uint64_t count;

	(void)readable;
	(void)writable;
	if (read(r->event, &count, sizeof count) > 0)
		tell_answers(r);
}

void recorder_settle(struct recorder *r, msec most)
{
	struct pollfd event = { .fd = r->event, .events = POLLIN };

	if (poll(&event, 1, (int)most) > 0)
		on_answers(&r->watch, true, false);
}

bool recorder_is_file(const struct recorder *r)
{
	return r->settings.registry.file != NULL;
}

int recorder_ask(struct recorder *r, struct question *question)
{
	bool room;

	locked(r);
	room = r->asked < RECORDER_QUESTIONS_MAX && !r->stopping;
	if (room) {
		r->asked++;
		list_append(&r->questions, &question->node);
		pthread_cond_signal(&r->wake);
	}
	unlocked(r);
	return room ? 0 : -EAGAIN;
}

void recorder_counts(struct recorder *r, struct recorder_counts *ret_counts)
{
	locked(r);
	*ret_counts = r->counts;
	unlocked(r);
}

/* ---- from any thread ------------------------------------------------------------------------ */

/* Says so now and then, not for each. */
static void complain(struct recorder *r, msec now, uint64_t dropped)
{
	if (dropped > 1 && now - r->complained < COMPLAIN_EACH)
		return;
	r->complained = now;
	log_event(LOG_ERR, "registry.dropped",
		  "dropped=%llu waiting=%zu next=\"the database is gone or too slow\"",
		  (unsigned long long)dropped, r->counts.waiting);
}

static bool put(struct recorder *r, struct record *record)
{
	msec now = loop_now().mono;
	bool room;

	locked(r);
	room = record && r->counts.waiting < r->settings.queue && !r->stopping;
	if (room) {
		msec due = record->receipt ? now : msec_after(now, r->settings.delay);
		bool sooner = due < r->due;

		list_append(&r->records, &record->node);
		r->due = msec_earlier(r->due, due);
		r->counts.waiting++;
		if (r->counts.waiting > r->counts.waiting_max)
			r->counts.waiting_max = r->counts.waiting;
		/* The first sets the clock, a full batch ends the wait. */
		if (sooner || r->counts.waiting == r->settings.batch)
			pthread_cond_signal(&r->wake);
	} else {
		r->counts.dropped++;
		complain(r, now, r->counts.dropped);
	}
	unlocked(r);
	if (!room)
		free(record);
	return room;
}

static struct record *new_record(enum record_kind kind)
{
	struct record *record = calloc(1, sizeof *record);

	if (record) {
		list_init(&record->node);
		record->kind = kind;
	}
	return record;
}

bool recorder_machine(struct recorder *r, const struct registry_machine *machine)
{
	struct record *record = new_record(RECORD_MACHINE);

	if (record)
		record->machine = *machine;
	return put(r, record);
}

bool recorder_session_then(struct recorder *r, const struct registry_session *session,
			   struct receipt *receipt)
{
	struct record *record = new_record(RECORD_SESSION);

	if (record) {
		record->session = *session;
		record->receipt = receipt;
	}
	return put(r, record);
}

bool recorder_session(struct recorder *r, const struct registry_session *session)
{
	return recorder_session_then(r, session, NULL);
}

bool recorder_audit(struct recorder *r, const struct registry_audit *entry)
{
	struct record *record = new_record(RECORD_AUDIT);

	if (record)
		record->audit = *entry;
	return put(r, record);
}

/* ---- beginning and end ---------------------------------------------------------------------- */

static char *copy(const char *text, bool *missing)
{
	char *copied = text ? strdup(text) : NULL;

	*missing |= text && !copied;
	return copied;
}

static int copy_settings(struct recorder *r, const struct recorder_settings *from)
{
	bool missing = false;

	r->settings = *from;
	r->settings.registry = (struct registry_settings){
		.file = copy(from->registry.file, &missing),
		.server = copy(from->registry.server, &missing),
		.origin = copy(from->registry.origin, &missing),
	};
	r->settings.queue = from->queue ? from->queue : QUEUE;
	if (r->settings.queue > RECORDER_QUEUE_MAX)
		r->settings.queue = RECORDER_QUEUE_MAX;
	r->settings.batch = from->batch ? from->batch : BATCH;
	r->settings.delay = from->delay ? from->delay : DELAY_MS;
	return missing ? -ENOMEM : 0;
}

static int start(struct recorder *r, struct loop *loop)
{
	sigset_t all, before;
	int error;

	r->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (r->event < 0)
		return -errno;
	error = watch_set(loop, &r->watch, r->event, true, false);
	if (error < 0)
		return error;
	/* Signals are the main thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&r->thread, NULL, recorder_thread, r);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	r->running = error == 0;
	return -error;
}

static void init(struct recorder *r)
{
	pthread_condattr_t attributes;

	r->event = -1;
	r->watch.ready = on_answers;
	list_init(&r->records);
	list_init(&r->questions);
	list_init(&r->answered);
	list_init(&r->receipts);
	r->due = NEVER;
	pthread_mutex_init(&r->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&r->wake, &attributes);
	pthread_condattr_destroy(&attributes);
}

int recorder_new(struct loop *loop, const struct recorder_settings *settings,
		 struct recorder **ret_recorder, struct diagnosis *why)
{
	struct recorder *r = calloc(1, sizeof *r);
	int error = -ENOMEM;

	diagnosis_say(why, DIAG_REGISTRY, "no memory");
	if (!r)
		return error;
	init(r);
	error = copy_settings(r, settings);
	if (error == 0) {
		error = recorder_connect(r, why);
		if (error == -EIO && settings->registry.server) {
			recorder_back_off(r, why);
			error = 0;
		}
	}
	if (error == 0) {
		error = start(r, loop);
		if (error < 0)
			diagnosis_say(why, DIAG_REGISTRY, "no thread for it: %s", strerror(-error));
	}
	if (error < 0)
		recorder_free(r);
	else
		*ret_recorder = r;
	return error;
}

static void drop_records(struct recorder *r)
{
	size_t dropped = 0;

	list_each (node, &r->records) {
		struct record *record = list_item(node, struct record, node);

		if (record->receipt)
			record->receipt->told(record->receipt, false);
		free(record);
		dropped++;
	}
	if (dropped)
		log_event(LOG_ERR, "registry.dropped", "dropped=%zu at=stop", dropped);
}

void recorder_free(struct recorder *r)
{
	if (!r)
		return;
	locked(r);
	r->stopping = true;
	pthread_cond_signal(&r->wake);
	unlocked(r);
	if (r->running)
		pthread_join(r->thread, NULL);
	watch_clear(&r->watch);
	tell_answers(r);
	drop_records(r);
	registry_free(r->registry);
	if (r->event >= 0)
		close(r->event);
	pthread_cond_destroy(&r->wake);
	pthread_mutex_destroy(&r->lock);
	free((char *)(uintptr_t)r->settings.registry.file);
	free((char *)(uintptr_t)r->settings.registry.server);
	free((char *)(uintptr_t)r->settings.registry.origin);
	free(r);
}
