/* PEAPv0, the server: draft-kamath-pppext-peapv0-00, with the crypto-binding of [MS-PEAP], and RFC
 * 9427 with TLS 1.3.
 *
 * EAP runs inside, without the headers of its packets; then a Result TLV in EAP Extensions says
 * what came of it, and a Crypto-Binding TLV proves that both ends of the tunnel are the ends of
 * what ran inside.  The machine is admitted before the result is told. */
#ifndef METHOD_PEAP_SERVER_H
#define METHOD_PEAP_SERVER_H

#include "eap/authenticator.h"
#include "method/tunnel_server.h"

#define PEAP_EAP_MTU 8192 /* of a packet inside */

/* What is made of a peer that has no crypto-binding. */
enum peap_demand {
	PEAP_BINDING_DEMANDED,
	PEAP_BINDING_OPTIONAL, /* it is offered, and a peer may leave it out; a wrong one fails */
	PEAP_BINDING_OFF       /* it is not offered */
};

struct peap_server_context {
	struct tunnel_server_context tunnel; /* first */
	const struct eap_policy *eap;	     /* of EAP inside */
	enum peap_demand binding;
};

extern const struct eap_server_method peap_server_method;

#endif
