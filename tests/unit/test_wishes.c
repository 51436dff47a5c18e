/* Who is to renew, as the main thread comes to know it. */
#include <event2/event.h>
#include <string.h>

#include "authd/registry_enrol.h"
#include "authd/wishes.h"
#include "drivers/log.h"
#include "tests/test.h"
#include "tests/unit/registry_rig.h"

struct bench {
	struct rig rig;
	struct loop loop;
	struct recorder *recorder;
	struct wishes *wishes;
	size_t count; /* of the last that were told */
	unsigned changes;
	char added[256];
};

static void bench_done(struct bench *b)
{
	wishes_stop(b->wishes);
	recorder_free(b->recorder);
	wishes_free(b->wishes);
	loop_done(&b->loop);
	rig_done(&b->rig);
}

static void on_changed(void *context, struct wished *wished)
{
	struct bench *b = context;

	b->count = wished->count;
	b->changes++;
}

static void on_added(void *context, const char *station)
{
	struct bench *b = context;

	CHECK_INT(b->changes, 1);
	snprintf(b->added + strlen(b->added), 64, "%.40s ", station);
	if (strlen(b->added) == 2 * strlen("02-00-00-00-00-01 "))
		loop_stop(&b->loop);
}

static void put(struct registry *registry, const char *name, const char *station)
{
	struct registry_machine m = { .kind = MACHINE_CERTIFICATE, .last_seen = 1 };

	snprintf(m.identifier, sizeof m.identifier, "%s", name);
	snprintf(m.station, sizeof m.station, "%s", station);
	REQUIRE(registry_machine_seen(registry, &m) == 0);
	REQUIRE(registry_machine_renew(registry, MACHINE_CERTIFICATE, name, 1) == 1);
}

static void begin(struct bench *b)
{
	struct recorder_settings settings = { .delay = 1 };
	struct registry *registry = NULL;
	char station[200];

	*b = (struct bench){ 0 };
	log_open(-1);
	rig_place(&b->rig);
	REQUIRE(loop_init(&b->loop) == 0);
	settings.registry = *rig_settings(&b->rig, "here");
	REQUIRE(registry_open(&settings.registry, &registry, &b->rig.why) == 0);
	REQUIRE(registry_begin(registry, true) == 0);
	put(registry, "CN=b", "02-00-00-00-00-02");
	put(registry, "CN=a", "02-00-00-00-00-01");
	memset(station, 'x', sizeof station - 1);
	station[sizeof station - 1] = '\0';
	put(registry, "CN=x", station);
	REQUIRE(registry_commit(registry) == 0);
	registry_free(registry);
	REQUIRE(recorder_new(&b->loop, &settings, &b->recorder, &b->rig.why) == 0);
}

static void open_wishes(struct bench *b, struct recorder *recorder)
{
	const struct wishes_events events = { on_changed, on_added, b };

	REQUIRE(wishes_new(&b->loop, recorder, &events, &b->wishes) == 0);
}

static int watched(const struct bench *b)
{
	return event_base_get_num_events(b->loop.base, EVENT_BASE_COUNT_ADDED);
}

struct more {
	struct question question;
	struct bench *bench;
	struct wished *wished;
};

static int ask_more(struct question *question, struct registry *registry)
{
	struct more *more = list_item(question, struct more, question);

	put(registry, "CN=c", "02-00-00-00-00-03");
	wished_free(TAKE(more->wished));
	return wished_read(registry, &more->wished);
}

static void on_more(struct question *question, int result)
{
	struct more *more = list_item(question, struct more, question);

	CHECK_INT(result, 0);
	loop_stop(&more->bench->loop);
}

TEST(those_there_are_are_told_at_the_start)
{
	AUTO_VALUE(bench) b;

	begin(&b);
	open_wishes(&b, b.recorder);
	REQUIRE(loop_run(&b.loop) == 0);
	CHECK_INT(b.count, 2);
	CHECK_STR(b.added, "02-00-00-00-00-01 02-00-00-00-00-02 ");
}

static int move_one(struct question *question, struct registry *registry)
{
	(void)question;
	put(registry, "CN=a", "02-00-00-00-00-09");
	return 0;
}

static void on_moved(struct question *question, int result)
{
	struct more *more = list_item(question, struct more, question);

	CHECK_INT(result, 0);
	wishes_stir(more->bench->wishes);
}

/* Nobody else writes into a file of ours, so that nothing is to be looked for until somebody
 * comes. */
TEST(a_registry_of_our_own_is_looked_at_when_somebody_has_come)
{
	AUTO_VALUE(bench) b;
	struct more more = { .question = { .ask = move_one, .answered = on_moved }, .bench = &b };
	int idle;

	begin(&b);
	idle = watched(&b);
	open_wishes(&b, b.recorder);
	REQUIRE(loop_run(&b.loop) == 0);
	CHECK_INT(watched(&b), rig_server() ? idle + 1 : idle);
	b.loop.stopping = false;
	b.changes = 0;
	b.added[0] = '\0';
	snprintf(b.added, sizeof b.added, "02-00-00-00-00-01 ");
	REQUIRE(recorder_ask(b.recorder, &more.question) == 0);
	REQUIRE(loop_run(&b.loop) == 0);
	CHECK_STR(b.added, "02-00-00-00-00-01 02-00-00-00-00-09 ");
	CHECK_INT(b.count, 2);
}

TEST(nobody_is_looked_for_when_nobody_is_to_renew)
{
	AUTO_VALUE(bench) b;
	int idle;

	begin(&b);
	open_wishes(&b, NULL);
	idle = watched(&b);
	wishes_stir(b.wishes);
	wishes_stir(NULL);
	CHECK_INT(watched(&b), idle);
}

/* Who has asked for it does the rest. */
TEST(those_that_somebody_has_just_read_are_not_told_one_by_one)
{
	AUTO_VALUE(bench) b;
	struct more more = { .question = { .ask = ask_more, .answered = on_more }, .bench = &b };

	begin(&b);
	open_wishes(&b, NULL);
	REQUIRE(recorder_ask(b.recorder, &more.question) == 0);
	REQUIRE(loop_run(&b.loop) == 0);
	REQUIRE(more.wished != NULL);
	wishes_put(b.wishes, more.wished);
	CHECK_INT(b.count, 3);
	wishes_put(b.wishes, more.wished);
	CHECK_INT(b.changes, 1);
	CHECK_STR(b.added, "");
	CHECK(wished_has(more.wished, "02-00-00-00-00-03"));
	CHECK(!wished_has(more.wished, "02-00-00-00-00-04"));
	CHECK(!wished_has(more.wished, ""));
	CHECK(!wished_has(NULL, "02-00-00-00-00-03"));
	wished_free(more.wished);
}

TEST(without_a_registry_nobody_is_to_renew)
{
	AUTO_VALUE(bench) b;

	begin(&b);
	open_wishes(&b, NULL);
	CHECK_INT(b.changes, 0);
}
