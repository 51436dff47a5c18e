/* The control socket, with a program behind it that is made up here. */
#ifndef TESTS_UNIT_CONTROL_BENCH_H
#define TESTS_UNIT_CONTROL_BENCH_H

#include <errno.h>
#include <grp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "authd/control.h"
#include "authd/recorder.h"
#include "authd/wished.h"
#include "drivers/log.h"
#include "tests/test.h"
#include "tests/unit/scratch.h"

#define NOBODY	 65534
#define OPERATOR 4242 /* a group */

struct bench {
	struct scratch dir;
	char path[100];
	struct loop loop;
	struct authd_view view;
	struct recorder *recorder;
	struct control *control;
	struct watch reply_watch;
	int reply_fd;
	struct bytes reply;
	struct diagnosis why;
	size_t rows;
	char target[256], actor[64];
	unsigned revoked; /* how often the program was told so */
	size_t wished;	  /* how many it was told of */
};

static inline json_t *sessions(void *self)
{
	struct bench *b = self;
	json_t *all = json_array();

	for (size_t i = 0; i < b->rows; i++)
		json_array_append_new(all, json_pack("{s:I, s:s}", "number", (json_int_t)i, "text",
						     "something that makes it longer"));
	return all;
}

static inline json_t *status(void *self)
{
	(void)self;
	return json_pack("{s:s}", "version", "1");
}

static inline int disconnect(void *self, const char *target, const char *actor,
			     struct diagnosis *why)
{
	struct bench *b = self;

	snprintf(b->target, sizeof b->target, "%s", target);
	snprintf(b->actor, sizeof b->actor, "%s", actor);
	if (strcmp(target, "broken") == 0) {
		diagnosis_say(why, DIAG_INTERNAL, "it is stuck");
		return -EIO;
	}
	return strcmp(target, "s1") == 0 ? 2 : 0;
}

static inline int token_pin(void *self, uint8_t pin[16], struct diagnosis *why)
{
	(void)self;
	(void)why;
	memset(pin, 0x77, 16);
	return 0;
}

static inline void wished(void *self, struct wished *wished)
{
	struct bench *b = self;

	b->wished = wished->count;
	CHECK_STR(b->target, ""); /* before anybody authenticates anew */
}

static inline void put_out_here(void *self, struct putting_out *order)
{
	struct bench *b = self;

	b->revoked++;
	order->sessions = disconnect(self, order->account ? order->account : order->machine,
				     order->actor, &order->why);
	order->told(order);
}

static inline int reload(void *self, struct diagnosis *why)
{
	(void)self;
	diagnosis_say(why, DIAG_CONFIG, "line 3 is wrong");
	return -EINVAL;
}

static inline void bench_done(struct bench *b)
{
	control_free(b->control);
	recorder_free(b->recorder);
	loop_done(&b->loop);
	bytes_done(&b->reply);
	scratch_done(&b->dir);
}

static inline void open_control(struct bench *b)
{
	struct control_settings settings = { b->path, geteuid(), OPERATOR };

	log_open(-1);
	REQUIRE(control_new(&b->loop, &settings, &b->view, b->recorder, &b->control, &b->why) == 0);
}

static inline void prepare(struct bench *b)
{
	*b = (struct bench){ .dir = scratch_make(),
			     .view = { .self = b,
				       .status = status,
				       .sessions = sessions,
				       .disconnect = disconnect,
				       .token_pin = token_pin,
				       .put_out = put_out_here,
				       .wished = wished,
				       .reload = reload } };
	REQUIRE(chmod(b->dir.path, 0755) == 0);
	snprintf(b->path, sizeof b->path, "%s/control", b->dir.path);
	REQUIRE(loop_init(&b->loop) == 0);
}

static inline void with_registry(struct bench *b)
{
	char file[100];
	struct recorder_settings settings = { .registry = { .file = file, .origin = "here" } };

	snprintf(file, sizeof file, "%s/registry.db", b->dir.path);
	REQUIRE(recorder_new(&b->loop, &settings, &b->recorder, &b->why) == 0);
}

/* ---- clients: processes of their own, whose every octet comes back through a pipe ---- */

static inline int dial(const struct bench *b)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(at.sun_path, sizeof at.sun_path, "%s", b->path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof at) < 0)
		_exit(1);
	return fd;
}

static inline void become(unsigned user, unsigned group)
{
	gid_t groups[1] = { group };

	if (user &&
	    (setgroups(group ? 1 : 0, groups) < 0 || setgid(NOBODY) < 0 || setuid(user) < 0))
		_exit(1);
}

static inline void copy_all(int from, int to)
{
	char buffer[65536];

	for (ssize_t n; (n = read(from, buffer, sizeof buffer)) > 0;)
		(void)!write(to, buffer, (size_t)n);
}

static inline void on_reply(struct watch *watch, bool readable, bool writable)
{
	struct bench *b = list_item(watch, struct bench, reply_watch);
	char buffer[65536];
	ssize_t n = read(b->reply_fd, buffer, sizeof buffer);

	(void)readable;
	(void)writable;
	if (n > 0) {
		CHECK(bytes_append(&b->reply, slice_of(buffer, (size_t)n), SIZE_MAX / 4) == OK);
		return;
	}
	watch_clear(watch);
	loop_stop(&b->loop);
}

/* Sends text, says no more, and collects what comes until the end. */
static inline const char *talk_as(struct bench *b, const char *text, unsigned user, unsigned group)
{
	int ends[2], left;
	pid_t child;

	REQUIRE(pipe(ends) == 0);
	child = fork();
	if (child == 0) {
		become(user, group);

		int fd = dial(b);

		/* Whoever is turned away is so before having said anything. */
		(void)send(fd, text, strlen(text), MSG_NOSIGNAL);
		shutdown(fd, SHUT_WR);
		copy_all(fd, ends[1]);
		_exit(0);
	}
	close(ends[1]);
	b->reply_fd = ends[0];
	b->reply_watch.ready = on_reply;
	bytes_clear(&b->reply);
	b->loop.stopping = false;
	REQUIRE(watch_set(&b->loop, &b->reply_watch, ends[0], true, false) == 0);
	CHECK_INT(loop_run(&b->loop), 0);
	close(ends[0]);
	waitpid(child, &left, 0);
	CHECK(bytes_append(&b->reply, slice_of("", 1), SIZE_MAX / 4) == OK);
	return (const char *)b->reply.p;
}

static inline const char *talk(struct bench *b, const char *text)
{
	return talk_as(b, text, 0, 0);
}

#endif
