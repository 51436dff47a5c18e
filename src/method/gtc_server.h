/* EAP-GTC, the server: RFC 3748, section 5.6; a prompt, and a password as it was typed.  Only
 * inside of a tunnel.  The account is that of the identity; a conversation asks EAP_ASKS_PASSWORD
 * once. */
#ifndef METHOD_GTC_SERVER_H
#define METHOD_GTC_SERVER_H

#include "eap/server_method.h"

extern const struct eap_server_method gtc_server_method; /* its context is not used */

#endif
