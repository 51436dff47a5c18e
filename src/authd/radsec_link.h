/* A connection to a RADIUS server over TLS, kept up: RFC 6614.
 *
 * It connects at once and, after a failure, again after a wait that doubles from one second to one
 * minute; one that is not kept does so only until it was up once.  Only when the server has proved
 * who it is is the link up. */
#ifndef AUTHD_RADSEC_LINK_H
#define AUTHD_RADSEC_LINK_H

#include "authd/radsec_tls.h"
#include "authd/server_config.h"
#include "drivers/loop.h"

#define RADSEC_RETRY_LEAST 1000	 /* msec */
#define RADSEC_RETRY_MOST  60000 /* msec */

struct radsec_link;

struct radsec_link_events {
	/* It is there, or gone; called from the loop only. */
	void (*up)(void *context, bool up);
	void (*received)(void *context, struct slice packet); /* borrowed for the call */
	void *context;
};

/* server is borrowed for as long as the link lives, of tls is taken a reference.  0 or -ENOMEM. */
int radsec_link_new(struct loop *loop, struct radsec_tls *tls, const struct server_config *server,
		    bool kept, const struct radsec_link_events *events,
		    struct radsec_link **ret_link);
/* One that is not kept and has gone is wanted again. */
void radsec_link_want(struct radsec_link *link);
void radsec_link_free(struct radsec_link *link);

/* 0; -ENOTCONN, also when link is NULL; -ENOBUFS when the server does not read. */
int radsec_link_send(struct radsec_link *link, struct slice packet);
/* Nothing comes any more: closes it and begins anew (RFC 3539, section 3.4.1). */
void radsec_link_reset(struct radsec_link *link);
/* Why it is not up; DIAG_NONE. */
const struct diagnosis *radsec_link_why(const struct radsec_link *link);

#endif
