/* EAP-TLS, the peer: RFC 5216 with TLS 1.2 and below, RFC 9190 with TLS 1.3.
 *
 * The value lives as long as the profile on a port, so that a session can be resumed; the TLS
 * connection lives for one conversation. */
#ifndef METHOD_TLS_PEER_H
#define METHOD_TLS_PEER_H

#include "eap/method.h"
#include "tls/engine.h"

struct tls_peer;

struct tls_peer_options {
	size_t fragment_size; /* of the TLS data in one packet; 0: what fits */
};

extern const struct eap_peer_method tls_peer_method; /* self is a struct tls_peer */

/* Takes a reference on config.  options may be NULL.  tls_peer_method.free frees it. */
CHECKED enum status tls_peer_new(struct tls_config *config, const struct tls_peer_options *options,
				 struct tls_peer **ret_peer);

#endif
