/* EAP-GTC with a password, the peer: RFC 3748, section 5.6.
 *
 * It shows the password to whoever asks, so it runs inside of a tunnel only, and only if the
 * tunnel's server was checked.  Asked a second time, it takes that for a refusal: what was wrong
 * once is wrong twice, and accounts get locked. */
#ifndef METHOD_GTC_PEER_H
#define METHOD_GTC_PEER_H

#include "eap/method.h"
#include "method/inner_account.h"

#define EAP_TYPE_GTC 6

extern const struct eap_peer_method gtc_peer_method; /* self is a struct gtc_peer */

struct gtc_peer;
CHECKED enum status gtc_peer_new(const struct inner_account *account, struct gtc_peer **ret_peer);

#endif
