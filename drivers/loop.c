#include "drivers/loop.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <time.h>

int loop_init(struct loop *loop)
{
	struct event_config *config = event_config_new();

	*loop = (struct loop){ 0 };
	if (!config)
		return -ENOMEM;
	event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV);
	loop->base = event_base_new_with_config(config);
	event_config_free(config);
	return loop->base ? 0 : -ENOMEM;
}

void loop_done(struct loop *loop)
{
	if (loop->base) {
		/* libevent frees a bufferevent, and the TLS in it, when the loop comes round. */
		(void)event_base_loop(loop->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
		event_base_free(loop->base);
	}
	loop->base = NULL;
}

int loop_run(struct loop *loop)
{
	/* libevent forgets a break that came before the loop. */
	if (loop->stopping)
		return 0;
	return event_base_loop(loop->base, EVLOOP_NO_EXIT_ON_EMPTY) < 0 ? -EIO : 0;
}

void loop_stop(struct loop *loop)
{
	loop->stopping = true;
	event_base_loopbreak(loop->base);
}

struct moment loop_now(void)
{
	struct timespec boot, wall;

	clock_gettime(CLOCK_BOOTTIME, &boot);
	clock_gettime(CLOCK_REALTIME, &wall);
	return (struct moment){
		.mono = (msec)boot.tv_sec * 1000 + (msec)boot.tv_nsec / 1000000,
		.wall = wall.tv_sec,
	};
}

static msec read_clock(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (msec)now.tv_sec * 1000 + (msec)now.tv_nsec / 1000000;
}

msec loop_asleep(void)
{
	/* This clock first: what passes between the two must not make it negative. */
	msec awake = read_clock(CLOCK_MONOTONIC);

	return read_clock(CLOCK_BOOTTIME) - awake;
}

static void drop(struct event **event)
{
	if (*event)
		event_free(*event);
	*event = NULL;
}

static void on_watch(evutil_socket_t fd, short what, void *context)
{
	struct watch *watch = context;

	(void)fd;
	watch->ready(watch, what & EV_READ, what & EV_WRITE);
}

int watch_set(struct loop *loop, struct watch *watch, int fd, bool read, bool write)
{
	short what = (short)((read ? EV_READ : 0) | (write ? EV_WRITE : 0) | EV_PERSIST);

	drop(&watch->event);
	if (!read && !write)
		return 0;
	watch->event = event_new(loop->base, fd, what, on_watch, watch);
	if (!watch->event)
		return -ENOMEM;
	return event_add(watch->event, NULL) < 0 ? -EIO : 0;
}

void watch_clear(struct watch *watch)
{
	drop(&watch->event);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	struct timer *timer = context;

	(void)fd;
	(void)what;
	timer->due = NEVER;
	timer->expired(timer);
}

int timer_set(struct loop *loop, struct timer *timer, msec due)
{
	if (timer->event && timer->due == due)
		return 0;
	if (!timer->event) {
		if (due == NEVER)
			return 0;
		timer->event = event_new(loop->base, -1, 0, on_timer, timer);
		if (!timer->event)
			return -ENOMEM;
	}
	timer->due = due;
	if (due == NEVER)
		return event_del(timer->event) < 0 ? -EIO : 0;

	msec now = loop_now().mono;
	msec wait = due > now ? due - now : 0;
	struct timeval tv = { .tv_sec = (time_t)(wait / 1000),
			      .tv_usec = (suseconds_t)(wait % 1000 * 1000) };

	return event_add(timer->event, &tv) < 0 ? -EIO : 0;
}

void timer_clear(struct timer *timer)
{
	drop(&timer->event);
	timer->due = NEVER;
}

static void on_signal(evutil_socket_t number, short what, void *context)
{
	struct signal_watch *watch = context;

	(void)number;
	(void)what;
	watch->raised(watch);
}

int signal_watch_set(struct loop *loop, struct signal_watch *watch, int number)
{
	drop(&watch->event);
	watch->event = evsignal_new(loop->base, number, on_signal, watch);
	if (!watch->event)
		return -ENOMEM;
	return event_add(watch->event, NULL) < 0 ? -EIO : 0;
}

void signal_watch_clear(struct signal_watch *watch)
{
	drop(&watch->event);
}
