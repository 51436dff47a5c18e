/* EAP-TTLSv0, the server: RFC 5281, and RFC 9427 with TLS 1.3.
 *
 * Inside of the tunnel the peer speaks first, in AVPs: a password, by PAP, CHAP, MS-CHAP or
 * MS-CHAPv2 with the tunnel's own challenge (section 11.1), or EAP.  A certificate in the handshake
 * alone lets nobody in; who has one uses EAP-TLS (RFC 9427, section 2.4). */
#ifndef METHOD_TTLS_SERVER_H
#define METHOD_TTLS_SERVER_H

#include "eap/authenticator.h"
#include "method/password_check.h"
#include "method/tunnel_server.h"

#define TTLS_AVPS_MAX 32   /* in one flight */
#define TTLS_EAP_MTU  8192 /* of a packet inside */

struct ttls_server_context {
	struct tunnel_server_context tunnel; /* first */
	unsigned passwords;		     /* bits of 1 << enum password_kind that are allowed */
	const struct eap_policy *eap;	     /* of EAP inside; NULL: not allowed */
	const struct mschap *mschap;	     /* for those passwords that need it */
};

extern const struct eap_server_method ttls_server_method;

#endif
