/* What a method that runs inside of a TLS tunnel knows of that tunnel.
 *
 * The tunnel method (EAP-TTLS, TEAP) owns the value, fills it when its handshake is done, points
 * the lower layer of its inner machine at it (eap_lower.tunnel, eap_authenticator_lower.tunnel)
 * before that machine begins, and keeps it unchanged until the inner machine is done.  The inner
 * machine hands it to the method (eap_peer_method.enter, eap_server_about.tunnel).  Methods that
 * may only run inside of a tunnel say so (inner_only): outside, a peer answers them with a Nak and
 * an authenticator does not propose them. */
#ifndef EAP_TUNNEL_H
#define EAP_TUNNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

struct tls_claim;

/* RFC 5705 and RFC 8446, section 7.5, with an empty context (not an absent one). */
#define EAP_TUNNEL_BINDING_LABEL "EXPORTER-CPROM-binding"
#define EAP_TUNNEL_BINDING_SIZE	 32

struct eap_tunnel_binding {
	uint8_t exported[EAP_TUNNEL_BINDING_SIZE]; /* E of doc/cprom.md */
	/* It is of this tunnel and no other: TLS 1.3, or the extended master secret (RFC 7627). */
	bool unique;

	/* Of the peer's tunnel: its server was checked (a chain to an anchor, or a pin), and by
	 * name or pin, so that secrets meant for this network alone may be shown to it. */
	bool server_trusted, server_named;
	/* It has seen a certificate of ours, and the proof that its key is ours too. */
	bool shown;
	/* And of its root, DER, if the server has sent it and we pin its key; else empty. */
	struct slice pinned_root;

	/* Of the server's tunnel: the certificate that the peer has proved to hold, also in a
	 * resumption; NULL: none. */
	const struct tls_claim *claim;
};

#endif
