/* Time as a value.  Protocol code never reads a clock: the shell reads both once per event and
 * hands them down. */
#ifndef BASE_MOMENT_H
#define BASE_MOMENT_H

#include <stdint.h>

typedef uint64_t msec; /* milliseconds; a duration, or an instant of CLOCK_BOOTTIME */

#define NEVER UINT64_MAX /* an instant that does not come: "no timer is running" */

struct moment {
	msec mono;    /* for timers: only differences mean something */
	int64_t wall; /* seconds since 1970-01-01 UTC, for certificates; may be wrong at boot */
};

/* after(now, NEVER) is NEVER; an overflow ends there too. */
static inline msec msec_after(msec now, msec wait)
{
	return wait > NEVER - now ? NEVER : now + wait;
}

static inline msec msec_earlier(msec a, msec b)
{
	return a < b ? a : b;
}

#endif
