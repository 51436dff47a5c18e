/* A credential of CPROM's peer (method/cprom_peer.h) that comes without CPROM: TEAP asks for the
 * certificate by itself (RFC 9930, section 3.11.1).
 *
 * Keys, storage, judgement, events, result and diagnosis are CPROM's; settings.protocols is
 * pkcs_peer alone, and the first credential is the one that is asked for.  The tunnel's method
 * calls cprom_peer_method.enter and start when the tunnel stands, then the functions below in their
 * order, cprom_peer_method.succeeded with its own success, and stop at its end. */
#ifndef METHOD_CPROM_DIRECT_H
#define METHOD_CPROM_DIRECT_H

#include "method/cprom_peer.h"

enum enrol_action cprom_direct_action(const struct cprom_peer *peer);
/* Whether certificates are to be judged by roots of the server's too: then those are asked for. */
bool cprom_direct_wants_roots(const struct cprom_peer *peer);

/* OK, or the fault and diagnosis are set. */

/* The server of the tunnel was checked, and what is signed here can be of this tunnel alone. */
CHECKED enum status cprom_direct_check(struct cprom_peer *peer);
/* The PKCS#10 for a new key.  attributes: CSR-Attributes, DER; empty: none.  link: what the request
 * is linked to the tunnel by; it has to outlive the conversation. */
CHECKED enum status cprom_direct_request(struct cprom_peer *peer, struct slice attributes,
					 struct slice link, struct moment now,
					 struct bytes *ret_pkcs10);
/* What came: PKCS#7, and the PKCS#7 of Trusted-Server-Root, which may be empty.  Judged, and stored
 * durably; it is used when the tunnel has succeeded ... */
CHECKED enum status cprom_direct_install(struct cprom_peer *peer, struct slice pkcs7,
					 struct slice roots, struct moment now);
/* ... or from now on, when the tunnel will not, and has said that this is as it should be. */
CHECKED enum status cprom_direct_settle(struct cprom_peer *peer);

/* The server has refused: TEAP's error code and its name; 0 and NULL: it has just not answered. */
void cprom_direct_refused(struct cprom_peer *peer, enum enrol_error error, uint32_t code,
			  const char *name);

#endif
