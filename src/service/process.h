/* The life of a service as a process: alone of its kind, confined, between its signals.
 *
 * What goes wrong before the service itself begins is logged here, as service.start. */
#ifndef SERVICE_PROCESS_H
#define SERVICE_PROCESS_H

#include "drivers/loop.h"
#include "service/sandbox.h"

struct process_kind {
	const char *program; /* "latchkeyd" */
	const char *user;    /* as which it usually runs */
	const char *lock;    /* of sandbox_only_one */
	const char *does;    /* what two of them in one network namespace would both do: "works" */
};

/* Whether no other of its kind is at work.  That it cannot be known is a warning. */
bool process_is_alone(const struct process_kind *kind);

/* Gives up all but the capabilities (ends with -1), root for user unless that is NULL, and, if
 * asked to, all system calls that such a service has no use for. */
bool process_confine(const char *user, const int *capabilities, bool filter,
		     enum sandbox_need need);

struct process {
	/* Makes the service. 0 or -errno. */
	int (*begin)(struct loop *loop, const void *options, void **ret_service);
	void (*reload)(void *service);	    /* SIGHUP */
	void (*stop)(void *service);	    /* SIGTERM, SIGINT */
	int (*result)(const void *service); /* after the loop: 0 or -errno */
	void (*free)(void *service);	    /* NULL is fine */

	const void *options; /* for begin */

	struct loop loop;
	void *service;
	struct signal_watch hangup, terminate, interrupt;
};

/* From the loop's beginning to its end; the exit status. */
int process_run(struct process *process);

#endif
