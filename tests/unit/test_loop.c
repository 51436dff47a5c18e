#include "tests/test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/list.h"
#include "drivers/log.h"
#include "drivers/loop.h"

static struct loop loop;
static int order[8], events;

struct tick {
	struct timer timer;
	int number;
	struct tick *kills; /* cleared, and freed, by the callback */
	bool last;
};

static void on_tick(struct timer *timer)
{
	struct tick *t = list_item(timer, struct tick, timer);

	order[events++] = t->number;
	if (t->kills) {
		timer_clear(&t->kills->timer);
		free(t->kills);
	}
	if (t->last)
		loop_stop(&loop);
}

/* All of a test count from one moment, however long it takes to set them. */
static struct tick *new_tick(int number, msec due)
{
	struct tick *t = calloc(1, sizeof *t);

	t->timer.expired = on_tick;
	t->timer.due = NEVER;
	t->number = number;
	REQUIRE(timer_set(&loop, &t->timer, due) == 0);
	return t;
}

static void free_tick(struct tick *t)
{
	timer_clear(&t->timer);
	free(t);
}

TEST(timers_expire_in_order_and_may_be_moved)
{
	REQUIRE(loop_init(&loop) == 0);
	events = 0;

	msec now = loop_now().mono;
	struct tick *a = new_tick(1, now + 500), *b = new_tick(2, now + 20),
		    *c = new_tick(3, now + 40);

	c->last = true;
	CHECK_INT(timer_set(&loop, &a->timer, now + 5), 0);
	CHECK_INT(loop_run(&loop), 0);
	CHECK_INT(events, 3);
	CHECK_INT(order[0], 1);
	CHECK_INT(order[1], 2);
	CHECK_INT(order[2], 3);
	CHECK(a->timer.due == NEVER);
	free_tick(a);
	free_tick(b);
	free_tick(c);
	loop_done(&loop);
}

TEST(a_timer_may_free_another_that_is_due_as_well)
{
	REQUIRE(loop_init(&loop) == 0);
	events = 0;

	msec now = loop_now().mono;
	struct tick *a = new_tick(1, now), *b = new_tick(2, now), *c = new_tick(3, now + 10);

	a->kills = b;
	c->last = true;
	CHECK_INT(loop_run(&loop), 0);
	CHECK_INT(events, 2);
	CHECK_INT(order[1], 3);
	free_tick(a);
	free_tick(c);
	loop_done(&loop);
}

TEST(sleep_is_what_one_clock_counts_and_the_other_does_not)
{
	msec asleep = loop_asleep();

	/* Not negative, hence huge; nor more than the machine is up. */
	CHECK(asleep <= loop_now().mono);
	CHECK(loop_asleep() < asleep + 1000);
}

struct end {
	struct watch watch;
	int fd;
	struct end *other;
};

static void on_ready(struct watch *watch, bool readable, bool writable)
{
	struct end *e = list_item(watch, struct end, watch);

	(void)writable;
	CHECK(readable);
	events++;
	watch_clear(&e->watch);
	if (e->other)
		watch_clear(&e->other->watch);
	loop_stop(&loop);
}

TEST(two_watches_share_a_descriptor_and_one_removes_the_other)
{
	int fds[2];
	struct end a = { .watch.ready = on_ready }, b = { .watch.ready = on_ready };

	REQUIRE(loop_init(&loop) == 0);
	REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
	events = 0;
	a.other = &b;
	b.other = &a;
	CHECK_INT(watch_set(&loop, &a.watch, fds[0], true, false), 0);
	CHECK_INT(watch_set(&loop, &b.watch, fds[0], true, false), 0);
	REQUIRE(write(fds[1], "x", 1) == 1);
	CHECK_INT(loop_run(&loop), 0);
	CHECK_INT(events, 1);
	close(fds[0]);
	close(fds[1]);
	loop_done(&loop);
}

static void on_signal(struct signal_watch *watch)
{
	signal_watch_clear(watch);
	events++;
	loop_stop(&loop);
}

TEST(a_signal_reaches_its_watch)
{
	struct signal_watch watch = { .raised = on_signal };

	REQUIRE(loop_init(&loop) == 0);
	events = 0;
	REQUIRE(signal_watch_set(&loop, &watch, SIGUSR1) == 0);
	REQUIRE(raise(SIGUSR1) == 0);
	CHECK_INT(loop_run(&loop), 0);
	CHECK_INT(events, 1);
	loop_done(&loop);
}

/* What one call writes to standard error. */
static void logged(char *buffer, size_t size, int level)
{
	int pipe_fds[2], saved = dup(STDERR_FILENO);
	ssize_t got;

	REQUIRE(pipe2(pipe_fds, O_NONBLOCK) == 0);
	dup2(pipe_fds[1], STDERR_FILENO);
	log_event(level, "test.event", "port=%s", "eth0");
	dup2(saved, STDERR_FILENO);
	got = read(pipe_fds[0], buffer, size - 1);
	buffer[got > 0 ? got : 0] = '\0';
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	close(saved);
}

TEST(the_log_keeps_to_its_level_and_format)
{
	char line[512];

	setenv("JOURNAL_STREAM", "8:1", 1);
	log_open(LOG_NOTICE);
	logged(line, sizeof line, LOG_INFO);
	CHECK_STR(line, "");
	logged(line, sizeof line, LOG_WARNING);
	CHECK_STR(line, "<4>test.event port=eth0\n");

	unsetenv("JOURNAL_STREAM");
	log_open(LOG_DEBUG);
	logged(line, sizeof line, LOG_DEBUG);
	CHECK(strstr(line, "Z debug test.event port=eth0\n") != NULL);
	log_open(LOG_NOTICE);
}

TEST(text_of_others_stays_between_its_quotes)
{
	char buffer[16];

	CHECK_STR(log_quoted("CN=a\" next=\"b", buffer, sizeof buffer), "CN=a' next='b");
	CHECK_STR(log_quoted("it is cut where it has to be", buffer, sizeof buffer),
		  "it is cut where");
}

TEST(log_levels_have_names)
{
	CHECK_INT(log_level_by_name("debug"), LOG_DEBUG);
	CHECK_INT(log_level_by_name("loud"), -1);
	CHECK_STR(log_level_name(LOG_WARNING), "warning");
	CHECK(log_level_name(42) == NULL);
}
