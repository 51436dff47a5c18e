/* Pass-through: who is let in is asked of RADIUS servers elsewhere (RFC 3579), and told to them
 * afterwards (RFC 2866).
 *
 * It is an aaa_server like the workers: a port asks, and does not know who answers.  The protocol
 * is in src/radius/client.h; upstream.h has the sockets.  Here are the conversations (each keeps
 * the State that the server gave, and which server it was) and the accounting records, which are
 * offered again, with their delay, until a server has taken them. */
#ifndef AUTHD_PASSTHROUGH_H
#define AUTHD_PASSTHROUGH_H

#include <jansson.h>

#include "authd/accounting.h"
#include "authd/config.h"
#include "drivers/loop.h"

#define PASSTHROUGH_CONVERSATIONS_MAX 16384
#define PASSTHROUGH_RECORDS_MAX	      16384	    /* that wait to be taken */
#define PASSTHROUGH_RECORD_AGE	      (24LL * 3600) /* seconds; then a record is given up */

struct passthrough;

struct passthrough_counts {
	uint64_t conversations; /* now */
	uint64_t records;	/* that wait */
	uint64_t shed, records_lost;
};

/* The servers of the configuration, of which it keeps a reference.  nas_identifier is what we call
 * ourselves in probes; copied.  0, or -errno with *why: -ENOENT when no server is configured, and
 * for those over TLS whatever keeps their credential from being used. */
int passthrough_new(struct loop *loop, struct config *config, const char *nas_identifier,
		    struct passthrough **ret_passthrough, struct diagnosis *why);
/* What has not been taken is lost, and counted in the log. */
void passthrough_free(struct passthrough *passthrough);

/* New conversations go to the servers of this configuration; running ones end where they began.  0
 * or -errno with *why, and all stays as it was. */
int passthrough_configure(struct passthrough *passthrough, struct config *config,
			  struct diagnosis *why);

struct aaa_server *passthrough_server(struct passthrough *passthrough);
struct accountant *passthrough_accountant(struct passthrough *passthrough);

void passthrough_count(const struct passthrough *passthrough, struct passthrough_counts *ret);
/* For `servers` of authd_view: an array, NULL without memory. */
json_t *passthrough_view(const struct passthrough *passthrough);

#endif
