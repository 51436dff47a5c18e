/* The RADIUS client's sockets: src/radius/client.h, driven by the main loop.
 *
 * One upstream is one pool of servers for one purpose, authentication or accounting.  Over UDP it
 * opens sockets as they are needed, each connected, so that the kernel drops what comes from
 * elsewhere and tells of ports where nobody listens; over TLS it keeps one connection to each
 * server (radsec_link.h). */
#ifndef AUTHD_UPSTREAM_H
#define AUTHD_UPSTREAM_H

#include "authd/server_config.h"
#include "drivers/loop.h"
#include "radius/client.h"

struct upstream;

struct upstream_events {
	/* What came of a request.  Borrowed for the call; its keys are wiped afterwards.  May ask
	 * again, may not free the upstream. */
	void (*answered)(void *context, const struct radius_answer *answer);
	void *context;
};

/* The servers of the configuration that do this, the lowest priority number first. 0, -ENOENT when
 * there are none, or -errno with *why. */
int upstream_new(struct loop *loop, struct config *config, bool accounting,
		 const char *nas_identifier, const struct upstream_events *events,
		 struct upstream **ret_upstream, struct diagnosis *why);
void upstream_free(struct upstream *upstream);

/* 0; -EAGAIN when too much is on its way, -EMSGSIZE, -ENOMEM.  Never answers from within. */
int upstream_ask(struct upstream *upstream, const struct radius_ask *ask);
/* Sends now what would be sent when the loop comes round. */
void upstream_flush(struct upstream *upstream);
void upstream_forget(struct upstream *upstream, uint64_t number);

bool upstream_accounting(const struct upstream *upstream);
size_t upstream_servers(const struct upstream *upstream);
const struct server_config *upstream_config(const struct upstream *upstream, size_t server);
/* Why there is no connection to it; NULL over UDP. */
const struct diagnosis *upstream_why(const struct upstream *upstream, size_t server);
void upstream_view(const struct upstream *upstream, size_t server,
		   struct radius_server_view *ret_view);

#endif
