/* RADIUS over TLS, as the server: RFC 6614 with TLS 1.2 and 1.3, by certificates both ways or by a
 * pre-shared key (RFC 6614, section 2.3; RFC 6613 for the stream).
 *
 * A connection is accepted from the address of a client in clients.d only, and then has to prove
 * that it is that client: by a certificate of RadSecClientAnchors= with one of the client's
 * RadSecNames=, or by its pre-shared key.  What comes then are packets for the workers, as over
 * UDP. */
#ifndef AUTHD_RADSEC_SERVER_H
#define AUTHD_RADSEC_SERVER_H

#include "authd/pool.h"

#define RADSEC_PORT	       2083
#define RADSEC_CONNECTIONS_MAX 1024
#define RADSEC_CLIENT_MAX      64     /* connections of one client */
#define RADSEC_HANDSHAKES_MAX  128    /* that are not finished */
#define RADSEC_HANDSHAKE_TIME  10000  /* msec */
#define RADSEC_IDLE_TIME       300000 /* msec without a packet; then it is closed */

struct radsec_server;

struct radsec_counts {
	uint64_t connections; /* now */
	uint64_t accepted, refused, failed, packets, malformed;
};

/* loop and pool are borrowed.  0 or -ENOMEM. */
int radsec_server_new(struct loop *loop, struct pool *pool, struct radsec_server **ret_server);
/* After the pool, whose last answers name connections. */
void radsec_server_free(struct radsec_server *server);

/* Listens where [Radius] RadSecListen= says, and no longer where it does not.  New connections are
 * judged by this configuration; those there are go on.  0, or -errno with *why; then all is as it
 * was. */
int radsec_server_configure(struct radsec_server *server, struct config *config,
			    struct diagnosis *why);
void radsec_server_count(const struct radsec_server *server, struct radsec_counts *ret_counts);

#endif
