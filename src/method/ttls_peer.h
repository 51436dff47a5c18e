/* EAP-TTLSv0, the peer: RFC 5281, and RFC 9427 for TLS 1.3.
 *
 * We speak first: one of four old ways to show a password, or EAP.  After a full handshake we
 * always do, so a server can never end without having been asked; what is expected in return
 * depends on the way:
 * - PAP, CHAP, MS-CHAP: nothing; the server decides.  Its certificate is all that it proves.
 * - MS-CHAP-V2: its proof that it knows the password (section 11.2.4).
 * - EAP: whatever the method inside demands.
 * None of them is run with a server that was not checked. */
#ifndef METHOD_TTLS_PEER_H
#define METHOD_TTLS_PEER_H

#include "method/inner_account.h"
#include "method/inner_peer.h"
#include "method/tunnel_peer.h"

enum ttls_inner { TTLS_EAP, TTLS_PAP, TTLS_CHAP, TTLS_MSCHAP, TTLS_MSCHAPV2 };

struct ttls_peer_settings {
	enum ttls_inner inner;
	struct inner_account account; /* of all but TTLS_EAP */
	struct inner_peer *eap;	      /* of TTLS_EAP; taken over, also on failure */
	struct tunnel_peer_options options;
};

extern const struct eap_peer_method ttls_peer_method; /* self is a struct tunnel_peer */

/* Takes a reference on config.  ttls_peer_method.free frees it. */
CHECKED enum status ttls_peer_new(struct tls_config *config,
				  const struct ttls_peer_settings *settings,
				  struct tunnel_peer **ret_peer);

#endif
