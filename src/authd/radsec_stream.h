/* One TLS connection that carries RADIUS packets: RFC 6613, section 2.6, and RFC 6614.
 *
 * The stream is cut into packets by their Length; one that no packet can have ends the connection,
 * as nothing behind it could be found again. */
#ifndef AUTHD_RADSEC_STREAM_H
#define AUTHD_RADSEC_STREAM_H

#include "authd/radsec_tls.h"
#include "drivers/loop.h"

#define RADSEC_STREAM_OUTPUT_MAX (256 * 1024) /* octets that the other side does not read */

struct radsec_stream;

/* Each may free the stream. */
struct radsec_stream_events {
	void (*opened)(void *context); /* the handshake is done */
	void (*received)(void *context, struct slice packet);
	void (*closed)(void *context, const struct diagnosis *why); /* and nothing follows */
	void *context;
};

/* fd: a socket that was accepted, or one that connects; taken over, also on failure.  0 or -ENOMEM.
 */
int radsec_stream_new(struct loop *loop, struct radsec_tls *tls, const struct radsec_peer *peer,
		      int fd, bool connects, const struct radsec_stream_events *events,
		      struct radsec_stream **ret_stream);
void radsec_stream_free(struct radsec_stream *stream);

/* 0; -ENOBUFS when too much waits to be read by the other side. */
int radsec_stream_send(struct radsec_stream *stream, struct slice packet);
const char *radsec_stream_version(const struct radsec_stream *stream); /* "TLSv1.3" */

#endif
