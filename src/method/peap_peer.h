/* PEAPv0, the peer: draft-kamath-pppext-peapv0-00, with Microsoft's crypto-binding, and RFC 9427
 * for TLS 1.3.
 *
 * The server speaks first, and inner packets come without their header.  Inside of a full handshake
 * only the Result TLV "Success" counts, and only after the method inside has proved all it demands:
 * neither EAP-Success outside nor a Result that comes too early does (the class of CVE-2023-52160).
 */
#ifndef METHOD_PEAP_PEER_H
#define METHOD_PEAP_PEER_H

#include "method/inner_peer.h"
#include "method/tunnel_peer.h"

struct peap_peer_settings {
	struct inner_peer *eap; /* taken over, also on failure */
	/* Crypto-binding is checked whenever it comes; with this, success without it is refused.
	 * Not every server knows it. */
	bool require_binding;
	struct tunnel_peer_options options;
};

extern const struct eap_peer_method peap_peer_method; /* self is a struct tunnel_peer */

/* Takes a reference on config.  peap_peer_method.free frees it. */
CHECKED enum status peap_peer_new(struct tls_config *config,
				  const struct peap_peer_settings *settings,
				  struct tunnel_peer **ret_peer);

#endif
