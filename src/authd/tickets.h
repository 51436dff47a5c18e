/* The keys of TLS tickets, [Tls] Resumption=tickets: from the file or the database that several
 * servers share, or of our own; handed to all workers, and changed in time. */
#ifndef AUTHD_TICKETS_H
#define AUTHD_TICKETS_H

#include "authd/pool.h"
#include "authd/recorder.h"

struct tickets;

/* All are borrowed; recorder may be NULL. 0 or -ENOMEM. */
int tickets_new(struct loop *loop, struct pool *pool, struct recorder *recorder,
		struct tickets **ret_tickets);
/* After the recorder, which may still have a question of ours to answer. */
void tickets_free(struct tickets *tickets);

/* Gets the keys anew and gives them to the workers: after each configuration of the pool.  0, or
 * -errno with the reason when a file is named that cannot be used. */
int tickets_configure(struct tickets *tickets, const struct authd_settings *settings,
		      struct diagnosis *why);

#endif
