/* EAP-MSCHAPv2, the server: draft-kamath-pppext-eap-mschapv2-00, with the computations of RFC 2759.
 * Only inside of a tunnel.
 *
 * The account is that of the identity; the name in the response must be the same, apart from a
 * domain before it.  A conversation asks EAP_ASKS_PASSWORD once for each try.  A change of password
 * is refused: the conversation fails. */
#ifndef METHOD_MSCHAPV2_SERVER_H
#define METHOD_MSCHAPV2_SERVER_H

#include "eap/server_method.h"
#include "method/mschap.h"

extern const struct eap_server_method mschapv2_server_method;

#define MSCHAPV2_RETRIES_MAX 5

struct mschapv2_server_context {
	const struct mschap *mschap; /* borrowed */
	const char *name;	     /* of this server, as it is told to the peer; may be "" */
	/* How often a peer may try again in one conversation.  0: a wrong password is the end,
	 * which peers without anybody to ask are best served with. */
	unsigned retries;
};

#endif
