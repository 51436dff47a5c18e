/* The recorder, on SQLite; on PostgreSQL when test_postgres.py runs this with a server. */
#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "authd/recorder.h"
#include "drivers/log.h"
#include "tests/test.h"
#include "tests/unit/registry_rig.h"

#define T0 1790000000

struct bench {
	struct rig rig;
	struct loop loop;
	struct recorder *recorder;
};

static void bench_done(struct bench *b)
{
	recorder_free(b->recorder);
	loop_done(&b->loop);
	rig_done(&b->rig);
}

static void begin(struct bench *b, struct recorder_settings settings)
{
	log_open(-1);
	settings.registry = *rig_settings(&b->rig, "here");
	REQUIRE(recorder_new(&b->loop, &settings, &b->recorder, &b->rig.why) == 0);
}

static void prepare(struct bench *b)
{
	rig_place(&b->rig);
	REQUIRE(loop_init(&b->loop) == 0);
}

static struct registry_machine machine(int n)
{
	struct registry_machine m = { .last_seen = T0 + n };

	snprintf(m.identifier, sizeof m.identifier, "CN=%d", n);
	return m;
}

/* ---- questions ---- */

struct count_question {
	struct question question;
	struct loop *loop;
	int machines, sessions, open, result, answers;
	bool spoil;
};

static bool see_machine(void *context, const struct registry_machine *m)
{
	(void)m;
	((struct count_question *)context)->machines++;
	return true;
}

static bool see_session(void *context, const struct registry_session *s)
{
	struct count_question *q = context;

	q->sessions++;
	q->open += s->ended == 0;
	return true;
}

static int count_all(struct question *question, struct registry *registry)
{
	struct count_question *q = (struct count_question *)(void *)question;
	int r;

	q->machines = q->sessions = q->open = 0;
	r = registry_machines(registry, 10000, see_machine, q);
	if (r == 0)
		r = registry_sessions(registry, 10000, see_session, q);
	if (r == 0 && q->spoil) {
		struct registry_machine m = machine(-1);

		r = registry_machine_seen(registry, &m);
		return r < 0 ? r : -EDOM;
	}
	return r < 0 ? r : 7;
}

static void counted(struct question *question, int result)
{
	struct count_question *q = (struct count_question *)(void *)question;

	q->result = result;
	q->answers++;
	loop_stop(q->loop);
}

static struct count_question count(struct bench *b, bool spoil)
{
	struct count_question q = { .question = { .ask = count_all, .answered = counted },
				    .loop = &b->loop,
				    .spoil = spoil };

	b->loop.stopping = false;
	REQUIRE(recorder_ask(b->recorder, &q.question) == 0);
	CHECK_INT(loop_run(&b->loop), 0);
	CHECK_INT(q.answers, 1);
	return q;
}

/* Remembers a machine, and may fail then, or end the transaction. */
struct see_question {
	struct question question;
	int number, result, answers;
	bool spoil, end;
};

static int see_one(struct question *question, struct registry *registry)
{
	struct see_question *q = (struct see_question *)(void *)question;
	struct registry_machine m = machine(q->number);
	int r = registry_machine_seen(registry, &m);

	if (q->end)
		registry_rollback(registry);
	return r < 0 ? r : q->spoil || q->end ? -EDOM : 3;
}

static void saw_one(struct question *question, int result)
{
	struct see_question *q = (struct see_question *)(void *)question;

	q->result = result;
	q->answers++;
}

static struct recorder_counts counts(struct bench *b)
{
	struct recorder_counts c;

	recorder_counts(b->recorder, &c);
	return c;
}

/* ---- tests ---- */

struct wait_for_it {
	struct receipt receipt;
	struct bench *bench;
	unsigned told, written;
};

static void told(struct receipt *receipt, bool written)
{
	struct wait_for_it *w = (struct wait_for_it *)(void *)receipt;

	w->told++;
	w->written += written;
	loop_stop(&w->bench->loop);
}

TEST(who_waits_for_a_record_is_told_when_it_is_committed)
{
	AUTO_VALUE(bench) b = { 0 };
	struct registry_session s = { .session = "s", .updated = T0 };
	struct wait_for_it w = { .receipt.told = told, .bench = &b };

	prepare(&b);
	/* Nobody else comes, and nobody waits for them. */
	begin(&b, (struct recorder_settings){ .batch = 100, .delay = 3600000 });
	REQUIRE(recorder_session_then(b.recorder, &s, &w.receipt));
	b.loop.stopping = false;
	CHECK_INT(loop_run(&b.loop), 0);
	CHECK_INT(w.told, 1);
	CHECK_INT(w.written, 1);
	CHECK_INT(counts(&b).commits, 1);
	CHECK_INT(count(&b, false).sessions, 1);
}

TEST(who_waits_for_a_record_is_told_at_the_end)
{
	AUTO_VALUE(bench) b = { 0 };
	struct registry_session s = { .session = "s", .updated = T0 };
	struct wait_for_it w[20];

	prepare(&b);
	begin(&b, (struct recorder_settings){ .queue = 10 });
	for (unsigned i = 0; i < 20; i++) {
		w[i] = (struct wait_for_it){ .receipt.told = told, .bench = &b };
		if (!recorder_session_then(b.recorder, &s, &w[i].receipt))
			w[i].told = w[i].written = 1;
	}
	recorder_free(TAKE(b.recorder));
	for (unsigned i = 0; i < 20; i++) {
		CHECK_INT(w[i].told, 1);
		CHECK_INT(w[i].written, 1);
	}
}

TEST(records_are_written_in_batches)
{
	AUTO_VALUE(bench) b = { 0 };
	struct registry_session s = { .session = "s", .updated = T0 };

	prepare(&b);
	begin(&b, (struct recorder_settings){ .batch = 100, .delay = 3600000, .queue = 2000 });
	for (int i = 0; i < 1000; i++) {
		struct registry_machine m = machine(i);

		CHECK(recorder_machine(b.recorder, &m));
	}
	CHECK(recorder_session(b.recorder, &s));

	/* A question comes after all that was put before. */
	struct count_question q = count(&b, false);

	CHECK_INT(q.result, 7);
	CHECK_INT(q.machines, 1000);
	CHECK_INT(q.sessions, 1);
	CHECK_INT(counts(&b).written, 1001);
	CHECK_INT(counts(&b).waiting, 0);
	CHECK(counts(&b).commits < 100);
	CHECK(counts(&b).connected);
}

TEST(what_waits_is_written_after_a_while)
{
	AUTO_VALUE(bench) b = { 0 };
	struct registry_machine m = machine(1);

	prepare(&b);
	begin(&b, (struct recorder_settings){ .delay = 1 });
	CHECK(recorder_machine(b.recorder, &m));
	for (int i = 0; i < 120000 && counts(&b).written == 0; i++)
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	CHECK_INT(counts(&b).written, 1);
}

TEST(what_waits_is_written_before_the_end)
{
	AUTO_VALUE(bench) b = { 0 };
	struct registry_audit e = { .event = "service.stop", .when = T0 };
	struct registry_walk walk = { 0 };

	prepare(&b);
	begin(&b, (struct recorder_settings){ .delay = 3600000 });
	for (int i = 0; i < 10; i++)
		CHECK(recorder_audit(b.recorder, &e));
	recorder_free(TAKE(b.recorder));
	REQUIRE(registry_open(rig_settings(&b.rig, "here"), &b.rig.registry, &b.rig.why) == 0);
	CHECK_INT(registry_audit_walk(b.rig.registry, &walk, 100, NULL, NULL), 0);
	CHECK(walk.finished && !walk.broken);
	CHECK_INT(walk.seen, 10);
}

TEST(question_that_fails_changes_nothing)
{
	AUTO_VALUE(bench) b = { 0 };

	prepare(&b);
	begin(&b, (struct recorder_settings){ 0 });
	CHECK_INT(count(&b, true).result, -EDOM);
	CHECK_INT(count(&b, false).machines, 0);
}

/* While somebody holds the database they gather; the one that fails is undone alone. */
TEST(questions_that_wait_together_share_a_commit)
{
	enum { MANY = 20, SPOILED = 7 };
	AUTO_VALUE(bench) b = { 0 };
	AUTO_STRUCT(registry) other = NULL;
	struct see_question q[MANY];

	prepare(&b);
	begin(&b, (struct recorder_settings){ 0 });
	REQUIRE(registry_open(rig_settings(&b.rig, "other"), &other, &b.rig.why) == 0);
	REQUIRE(registry_begin(other, false) == 0);

	struct registry_machine held = machine(MANY);

	CHECK_INT(registry_machine_seen(other, &held), 0);
	for (int i = 0; i < MANY; i++) {
		q[i] = (struct see_question){ .question = { .ask = see_one, .answered = saw_one },
					      .number = i,
					      .spoil = i == SPOILED };
		CHECK_INT(recorder_ask(b.recorder, &q[i].question), 0);
	}
	CHECK_INT(registry_commit(other), 0);

	/* The last question is answered last. */
	CHECK_INT(count(&b, false).machines, MANY);
	for (int i = 0; i < MANY; i++) {
		CHECK_INT(q[i].answers, 1);
		CHECK_INT(q[i].result, i == SPOILED ? -EDOM : 3);
	}
	if (!rig_server())
		CHECK(counts(&b).commits < MANY / 2);
}

/* What one asks breaks the transaction: the others are asked again, each alone. */
TEST(questions_survive_a_transaction_that_one_of_them_ends)
{
	enum { MANY = 5 };
	AUTO_VALUE(bench) b = { 0 };
	AUTO_STRUCT(registry) other = NULL;
	struct see_question q[MANY];

	prepare(&b);
	begin(&b, (struct recorder_settings){ 0 });
	REQUIRE(registry_open(rig_settings(&b.rig, "other"), &other, &b.rig.why) == 0);
	REQUIRE(registry_begin(other, false) == 0);

	struct registry_machine held = machine(MANY);

	CHECK_INT(registry_machine_seen(other, &held), 0);
	for (int i = 0; i < MANY; i++) {
		q[i] = (struct see_question){ .question = { .ask = see_one, .answered = saw_one },
					      .number = i,
					      .end = i == 3 };
		CHECK_INT(recorder_ask(b.recorder, &q[i].question), 0);
	}
	CHECK_INT(registry_commit(other), 0);
	CHECK_INT(count(&b, false).machines, MANY);
	for (int i = 0; i < MANY; i++) {
		CHECK_INT(q[i].answers, 1);
		CHECK(i == 3 ? q[i].result < 0 : q[i].result == 3);
	}
}

TEST(record_that_is_refused_does_not_take_others_along)
{
	AUTO_VALUE(bench) b = { 0 };

	prepare(&b);
	begin(&b, (struct recorder_settings){ .delay = 3600000 });
	REQUIRE(rig_sql(&b.rig,
			rig_server()
				? "ALTER TABLE machine ADD CHECK (identifier <> 'CN=5')"
				: "CREATE TRIGGER t BEFORE INSERT ON machine WHEN NEW.identifier = "
				  "'CN=5' BEGIN SELECT RAISE(ABORT, 'not this one'); END"));
	for (int i = 0; i < 10; i++) {
		struct registry_machine m = machine(i);

		CHECK(recorder_machine(b.recorder, &m));
	}
	CHECK_INT(count(&b, false).machines, 9);
	CHECK_INT(counts(&b).refused, 1);
	CHECK_INT(counts(&b).written, 9);
	CHECK(counts(&b).connected);
}

/* Somebody holds the database: nobody who records waits for that. */
TEST(queue_that_is_full_drops_and_counts)
{
	AUTO_VALUE(bench) b = { 0 };
	AUTO_STRUCT(registry) other = NULL;
	struct registry_machine m = machine(0);
	int taken = 0;

	prepare(&b);
	begin(&b, (struct recorder_settings){ .queue = 50, .batch = 10, .delay = 1 });
	REQUIRE(registry_open(rig_settings(&b.rig, "other"), &other, &b.rig.why) == 0);
	REQUIRE(registry_begin(other, false) == 0);
	CHECK_INT(registry_machine_seen(other, &m), 0);
	for (int i = 0; i < 80; i++)
		taken += recorder_machine(b.recorder, &m);
	CHECK_INT(taken, 50);
	CHECK_INT(counts(&b).dropped, 30);
	CHECK_INT(counts(&b).waiting, 50);
	CHECK_INT(counts(&b).waiting_max, 50);
	CHECK_INT(registry_commit(other), 0);
	CHECK_INT(count(&b, false).machines, 1);
	CHECK_INT(counts(&b).written, 50);
	CHECK(recorder_machine(b.recorder, &m));
}

static void *put_many(void *context)
{
	struct bench *b = context;

	for (int i = 0; i < 500; i++) {
		struct registry_machine m = machine(i);
		struct registry_audit e = { .event = "race" };

		recorder_machine(b->recorder, &m);
		recorder_audit(b->recorder, &e);
	}
	return NULL;
}

TEST(many_threads_put)
{
	AUTO_VALUE(bench) b = { 0 };
	pthread_t thread[4];

	prepare(&b);
	begin(&b, (struct recorder_settings){ .queue = 10000, .delay = 1 });
	for (int i = 0; i < 4; i++)
		REQUIRE(pthread_create(&thread[i], NULL, put_many, &b) == 0);
	for (int i = 0; i < 10; i++)
		count(&b, i % 2 == 0);
	for (int i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	CHECK_INT(count(&b, false).machines, 500);
	CHECK_INT(counts(&b).written, 4000);
	CHECK_INT(counts(&b).dropped, 0);
}

static void ignored(struct question *question, int result)
{
	(void)result;
	free(question);
}

static int nothing(struct question *question, struct registry *registry)
{
	(void)question;
	(void)registry;
	return 0;
}

TEST(too_many_questions_are_refused)
{
	AUTO_VALUE(bench) b = { 0 };
	int taken = 0;

	prepare(&b);
	begin(&b, (struct recorder_settings){ 0 });
	for (int i = 0; i < RECORDER_QUESTIONS_MAX + 5; i++) {
		struct question *q = calloc(1, sizeof *q);

		*q = (struct question){ .ask = nothing, .answered = ignored };
		if (recorder_ask(b.recorder, q) == 0)
			taken++;
		else
			free(q);
	}
	CHECK_INT(taken, RECORDER_QUESTIONS_MAX);
}

TEST(sessions_that_a_former_life_left_open_are_ended)
{
	AUTO_VALUE(bench) b = { 0 };
	struct registry_session own = { .session = "own", .started = T0 },
				theirs = { .session = "theirs", .client = "core", .started = T0 };

	prepare(&b);
	begin(&b, (struct recorder_settings){ 0 });
	CHECK(recorder_session(b.recorder, &own));
	CHECK(recorder_session(b.recorder, &theirs));
	CHECK_INT(count(&b, false).open, 2);
	recorder_free(TAKE(b.recorder));
	begin(&b, (struct recorder_settings){ 0 });
	CHECK_INT(count(&b, false).open, 1);
}

TEST(sessions_are_kept_as_long_as_is_said)
{
	AUTO_VALUE(bench) b = { 0 };
	int64_t now = loop_now().wall;
	struct registry_session old = { .session = "old", .ended = now - 1000 },
				new = { .session = "new", .ended = now };

	prepare(&b);
	begin(&b, (struct recorder_settings){ 0 });
	CHECK(recorder_session(b.recorder, &old));
	CHECK(recorder_session(b.recorder, &new));
	CHECK_INT(count(&b, false).sessions, 2);
	recorder_free(TAKE(b.recorder));
	begin(&b, (struct recorder_settings){ .retain = 500 });
	/* It is done before the thread waits for the first time, or after this question. */
	count(&b, false);
	CHECK_INT(count(&b, false).sessions, 1);
}

TEST(wrong_place_is_told_at_once)
{
	struct loop loop;
	struct recorder *r = NULL;
	struct diagnosis why;
	struct recorder_settings settings = { .registry = { .file = "/nowhere/at/all",
							    .origin = "here" } };

	REQUIRE(loop_init(&loop) == 0);
	CHECK_INT(recorder_new(&loop, &settings, &r, &why), -ENOENT);
	CHECK(why.id == DIAG_REGISTRY);
	loop_done(&loop);
}

/* ---- a server that dies ---- */

static void server(const char *verb)
{
	char command[512];

	snprintf(command, sizeof command, "%s %s", getenv("LATCHKEY_POSTGRES_CONTROL"), verb);
	REQUIRE(system(command) == 0);
}

static void wait_until(struct bench *b, bool connected)
{
	for (int i = 0; i < 300000 && counts(b).connected != connected; i++)
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	CHECK_INT(counts(b).connected, connected);
}

TEST(server_that_dies_loses_nothing_that_fits)
{
	AUTO_VALUE(bench) b = { 0 };
	struct registry_machine m;

	if (!rig_server()) {
		test_skip("there is no server with SQLite");
		return;
	}
	prepare(&b);
	begin(&b, (struct recorder_settings){ .delay = 1, .queue = 20 });
	m = machine(1);
	CHECK(recorder_machine(b.recorder, &m));
	CHECK_INT(count(&b, false).machines, 1);
	server("kill");
	for (int i = 2; i <= 30; i++) {
		m = machine(i);
		recorder_machine(b.recorder, &m);
	}
	wait_until(&b, false);
	CHECK(counts(&b).why.id == DIAG_REGISTRY);
	CHECK_INT(counts(&b).dropped, 9);
	CHECK_INT(count(&b, false).result, -EIO);
	server("start");
	wait_until(&b, true);
	/* The first was not durable: it may be lost. */
	CHECK(count(&b, false).machines >= 20);
	CHECK_INT(counts(&b).connects, 2);
	CHECK_INT(counts(&b).waiting, 0);
}

TEST(server_that_is_not_there_yet_is_no_error)
{
	AUTO_VALUE(bench) b = { 0 };

	if (!rig_server()) {
		test_skip("there is no server with SQLite");
		return;
	}
	prepare(&b);
	server("stop");
	begin(&b, (struct recorder_settings){ 0 });
	CHECK(!counts(&b).connected);
	CHECK_INT(count(&b, false).result, -EIO);
	server("start");
	wait_until(&b, true);
	CHECK_INT(count(&b, false).result, 7);
}
