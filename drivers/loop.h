/* The event loop: one thread, libevent underneath.
 *
 * Watches and timers are embedded in their owners.  Any of them may be removed, and its owner
 * freed, inside any callback.  Nothing wakes the process unless a descriptor, a signal or a timer
 * that somebody set is due. */
#ifndef DRIVERS_LOOP_H
#define DRIVERS_LOOP_H

#include <stdbool.h>

#include "base/moment.h"
#include "base/own.h"

struct event;
struct event_base;

struct loop {
	struct event_base *base;
	bool stopping;
};

int loop_init(struct loop *loop);
void loop_done(struct loop *loop); /* all watches, timers and signals are gone by then */
int loop_run(struct loop *loop);   /* until loop_stop; 0 or -errno */
void loop_stop(struct loop *loop);

/* Both clocks, read now: CLOCK_BOOTTIME and CLOCK_REALTIME. */
struct moment loop_now(void);

/* How long the machine has been asleep since it was booted: timers do not count that time, so that
 * those that were set before come late. */
msec loop_asleep(void);

struct watch {
	struct event *event;
	void (*ready)(struct watch *watch, bool readable, bool writable);
};

/* Replaces what was watched before. 0 or -errno. */
int watch_set(struct loop *loop, struct watch *watch, int fd, bool read, bool write);
void watch_clear(struct watch *watch);

struct timer {
	struct event *event;
	msec due; /* NEVER: not set */
	void (*expired)(struct timer *timer);
};

/* At an instant of CLOCK_BOOTTIME; NEVER stops the timer. Setting the same instant again costs
 * nothing. */
int timer_set(struct loop *loop, struct timer *timer, msec due);
void timer_clear(struct timer *timer); /* and frees what it holds */

struct signal_watch {
	struct event *event;
	void (*raised)(struct signal_watch *watch);
};

int signal_watch_set(struct loop *loop, struct signal_watch *watch, int number);
void signal_watch_clear(struct signal_watch *watch);

#endif
