/* One nftables table of our own: its commands, and who else lays hands on it (libnftables).
 *
 * A ruleset runs texts of commands, each as one transaction, and says in an -errno why the kernel
 * refused.  What goes into a text has been checked by the caller: names of ours, names of
 * interfaces that passed ruleset_device, addresses that we have printed.  Nothing from a wire. */
#ifndef DRIVERS_RULESET_H
#define DRIVERS_RULESET_H

#include "drivers/loop.h"

#define RULESET_REASON_MAX 128

struct ruleset;

struct ruleset_events {
	/* Another program has changed or removed something in our table. */
	void (*disturbed)(void *context, const char *program);
	void *context;
};

/* 0 or -errno.  table is static. */
int ruleset_open(struct loop *loop, const char *table, const struct ruleset_events *events,
		 struct ruleset **ret_ruleset);
void ruleset_close(struct ruleset *ruleset); /* what is in the kernel stays */

/* Runs all or none of it. 0 or -errno, and the kernel's or the library's words. */
int ruleset_run(struct ruleset *ruleset, const char *commands, char reason[RULESET_REASON_MAX]);

/* Whether a device's name can stand between quotes in a command. */
bool ruleset_device(const char *name);

#endif
