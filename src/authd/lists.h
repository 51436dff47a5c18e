/* What was revoked, and which accounts were removed, in the main thread: read from the registry, of
 * all issuers that it knows, and handed to all workers; what our own authority has revoked is also
 * published for others, as a list (RFC 5280) and by OCSP (RFC 6960).
 *
 * The registry is read at once when lists_refresh says that something was revoked, and now and then
 * because somebody else may have done so: every second or so where other servers share it. */
#ifndef AUTHD_LISTS_H
#define AUTHD_LISTS_H

#include <jansson.h>

#include "authd/authority.h"
#include "authd/recorder.h"
#include "authd/revoked.h"

#define LISTS_LOOK_AFTER 1000  /* msec; more when there is much to read */
#define LISTS_LOOK_ALONE 60000 /* msec, of a registry in a file of this machine */
#define LISTS_SETTLE	 5000  /* msec */
#define LISTS_PORT	 9813

struct lists_events {
	/* Another set; the callee takes references. */
	void (*changed)(void *context, struct revoked *revoked);
	/* After that, for each machine of which a certificate was revoked since the set before,
	 * here or at another server: LISTS_OUT_MAX (lists_parts.h) at most, and nobody for the
	 * first set. */
	void (*out)(void *context, const char *machine);
	/* For each account that was removed since the reading before, here or at another server:
	 * only where others may do so, and as many.  Before read. */
	void (*removed)(void *context, const char *account);
	/* After that, or when nothing had changed: what lists_refresh asked for was read, or could
	 * not be. */
	void (*read)(void *context);
	/* The response about our own certificate, for stapling; empty: none. */
	void (*staple)(void *context, struct slice response);
	void *context;
};

struct lists;

/* recorder may be NULL: nothing is ever known then.  0 or -errno. */
int lists_new(struct loop *loop, struct recorder *recorder, const struct lists_events *events,
	      struct lists **ret_lists);
/* The authority is opened anew. */
int lists_configure(struct lists *lists, const struct config *config, struct diagnosis *why);
/* Something was revoked, and that is committed.  False: nobody can be asked. */
bool lists_refresh(struct lists *lists);
/* Before anybody is served: waits until the registry was read once, or has failed, or does not
 * answer in time.  Then nobody is refused because we have just been started. */
void lists_settle(struct lists *lists);
/* Before the recorder goes: it is asked nothing more. */
void lists_stop(struct lists *lists);
/* After it. */
void lists_free(struct lists *lists);

/* For those who look: a row of credentials (a JSON array), of an authority of our own, and metrics.
 */
struct metrics_writer;
void lists_status(const struct lists *lists, json_t *credentials);
void lists_metrics(const struct lists *lists, struct metrics_writer *writer);

#endif
