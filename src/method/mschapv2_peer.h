/* EAP-MSCHAPv2, the peer: draft-kamath-pppext-eap-mschapv2-00, RFC 2759, keys of RFC 3079.
 *
 * Inside of a tunnel only, and only if the tunnel's server was checked: a response is all that
 * somebody needs to look for the password at leisure.  Success is believed when the server has
 * proved that it knows the password too, and not before.  After a failure no other try is made
 * although the server may allow one, and passwords are not changed. */
#ifndef METHOD_MSCHAPV2_PEER_H
#define METHOD_MSCHAPV2_PEER_H

#include "eap/method.h"
#include "method/inner_account.h"

extern const struct eap_peer_method mschapv2_peer_method; /* self is a struct mschapv2_peer */

struct mschapv2_peer;
CHECKED enum status mschapv2_peer_new(const struct inner_account *account,
				      struct mschapv2_peer **ret_peer);

/* What a failure of MS-CHAPv2 means, however it came. */
void mschapv2_explain(struct diagnosis *why, const struct inner_account *account, const char *inner,
		      struct slice message);
/* The proof is not there, or wrong. */
void mschapv2_unproven(struct diagnosis *why, const struct inner_account *account,
		       const char *detail);

#endif
