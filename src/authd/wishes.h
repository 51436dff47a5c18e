/* Which machines are to renew their certificates, in the main thread: `machine renew` notes that in
 * the registry, which is looked at from time to time where another server may have noted it.  The
 * workers propose the tunnel of enrolments to those first, doc/enrolling.md. */
#ifndef AUTHD_WISHES_H
#define AUTHD_WISHES_H

#include "authd/recorder.h"
#include "authd/wished.h"

#define WISHES_LOOK_AFTER 2000 /* msec */

struct wishes_events {
	/* Others than before; the callee takes references. */
	void (*changed)(void *context, struct wished *wished);
	/* Somebody at this station was not known to be one of them; that is told after changed.  A
	 * session there may begin anew. */
	void (*added)(void *context, const char *station);
	void *context;
};

struct wishes;

/* recorder may be NULL: nobody is to renew then.  0 or -errno. */
int wishes_new(struct loop *loop, struct recorder *recorder, const struct wishes_events *events,
	       struct wishes **ret_wishes);
/* Somebody has read them just now; takes a reference, and does not tell of those that were added.
 */
void wishes_put(struct wishes *wishes, struct wished *wished);
/* Somebody has come, perhaps one of them, who has renewed or is elsewhere now: they are read before
 * long.  NULL is fine. */
void wishes_stir(struct wishes *wishes);
/* Before the recorder goes: it is asked nothing more. */
void wishes_stop(struct wishes *wishes);
/* After it. */
void wishes_free(struct wishes *wishes);

#endif
