/* What the places that answer over HTTP share: a server of libmicrohttpd with a thread of its own,
 * and its answers. */
#ifndef AUTHD_HTTP_SERVER_H
#define AUTHD_HTTP_SERVER_H

#include <microhttpd.h>

#include "authd/address.h"
#include "base/bytes.h"

struct http_server {
	unsigned connections, idle_s; /* ceilings */
	size_t memory;		      /* of a connection, octets */
	const char *allow;	      /* the methods it takes, as the header has them */
	bool no_store;		      /* its answers are not to be kept */
};

/* Both calls are made in libmicrohttpd's thread and handed self; ended, of a request, may be NULL.
 * NULL with errno.  It is ended by MHD_stop_daemon(). */
struct MHD_Daemon *http_server_start(const struct http_server *server, const union address *at,
				     MHD_AccessHandlerCallback request,
				     MHD_RequestCompletedCallback ended, void *self);

/* Copies the body. */
enum MHD_Result http_server_reply(const struct http_server *server,
				  struct MHD_Connection *connection, unsigned status,
				  const char *type, struct slice body);
enum MHD_Result http_server_reply_text(const struct http_server *server,
				       struct MHD_Connection *connection, unsigned status,
				       const char *text);

#endif
