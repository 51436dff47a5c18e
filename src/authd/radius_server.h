/* RADIUS over UDP, RFC 2865 and 2866, over IPv4 and IPv6: sockets, and who may speak to them.
 *
 * Packets are received many at a time, given to the client with the longest prefix that has their
 * source, and handed to the pool; answers leave from the address that the request came to. Packets
 * of strangers are dropped, counted, and told at a limited rate. */
#ifndef AUTHD_RADIUS_SERVER_H
#define AUTHD_RADIUS_SERVER_H

#include "authd/pool.h"

#define RADIUS_PORT	       1812
#define RADIUS_ACCOUNTING_PORT 1813

struct radius_server;

/* loop and pool are borrowed.  0 or -errno. */
int radius_server_new(struct loop *loop, struct pool *pool, struct radius_server **ret_server);
void radius_server_free(struct radius_server *server);

/* Listens where the configuration says, and no longer where it does not; sockets that stay lose
 * nothing.  0, or -errno with the reason; then all is as it was. */
int radius_server_configure(struct radius_server *server, struct config *config,
			    struct diagnosis *why);

struct radius_server_counts {
	uint64_t received, strangers, lost; /* lost: replies that could not be sent */
	size_t sockets;
};
void radius_server_count(const struct radius_server *server,
			 struct radius_server_counts *ret_counts);

#endif
