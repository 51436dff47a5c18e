/* When a credential is renewed, and when again after that failed.
 *
 * Pure: clock and random numbers are arguments.  The time at which it is due comes from the
 * certificate's dates and is one of the wall clock; waits after a failure are spans, for a clock
 * that was set must neither shorten nor lengthen them. */
#ifndef DAEMON_RENEWAL_H
#define DAEMON_RENEWAL_H

#include <stdbool.h>

#include "base/moment.h"

#define RENEWAL_NEVER INT64_MAX

/* Waits after a failure: doubled each time, but no longer than a tenth of what is left of the
 * certificate, nor than a day; when the server has said no, an hour to begin with. */
#define RENEWAL_WAIT_FIRST   ((msec)60 * 1000)
#define RENEWAL_WAIT_REFUSED ((msec)3600 * 1000)
#define RENEWAL_WAIT_MOST    ((msec)24 * 3600 * 1000)

/* A certificate is young for this part of its lifetime, in percent, and not renewed then unless a
 * person wants it: neither by a server that asks every time, nor by a clock that is far ahead. */
#define RENEWAL_YOUNG 10

/* Percent of the lifetime. */
struct renewal_policy {
	unsigned at, jitter;
};

struct renewal {
	unsigned generation; /* that this is about; 0: none yet */
	int64_t not_before, not_after;
	int64_t due;	   /* seconds since 1970, or RENEWAL_NEVER */
	bool asked;	   /* by a person: due at once */
	bool wished;	   /* by the server: likewise */
	unsigned failures; /* in a row */
	msec retry_at;	   /* not before: after a failure, and after a success; 0: none */
};

/* The current generation and its dates, 0 of what has none and is not renewed; random decides on
 * the jitter.  One that is known already changes nothing but for the policy; another is due when
 * its time comes, and what failed before goes on being counted until renewal_succeeded. */
void renewal_set(struct renewal *renewal, const struct renewal_policy *policy, unsigned generation,
		 int64_t not_before, int64_t not_after, uint32_t random);

/* This generation is in the keystore since then: seconds since 1970, by the same clock.  What was
 * due as soon as it was there, for the clock is ahead or the certificate was old when it came, is
 * not renewed before it has been there for as long as it is young, or for a tenth of what is left
 * of it; however often the service begins anew. */
void renewal_installed(struct renewal *renewal, int64_t since, struct moment now);

/* Now, whatever the waits. */
void renewal_ask(struct renewal *renewal);
/* The server would like it.  That is heard only of a certificate that is not young, and when there
 * is nothing to wait for; true: it is due. */
bool renewal_wish(struct renewal *renewal, struct moment now);
/* It is due for no other reason. */
bool renewal_is_wish(const struct renewal *renewal, struct moment now);

bool renewal_is_due(const struct renewal *renewal, struct moment now);
/* The instant at which that will be so if nothing happens; NEVER also for a clock that is behind
 * the certificate, until it is set. */
msec renewal_when(const struct renewal *renewal, struct moment now);

/* The generation that it is about is in use.  It is not renewed while it is young whatever the wall
 * clock says: with one that is far ahead each would be due as soon as it came. */
void renewal_succeeded(struct renewal *renewal, struct moment now);
/* refused: by the server or the authority, and not by circumstances. */
void renewal_failed(struct renewal *renewal, bool refused, struct moment now, uint32_t random);

/* The same waits, for an enrolment: nothing runs out meanwhile. */
msec renewal_wait(unsigned failures, bool refused, int64_t remaining, uint32_t random);

#endif
