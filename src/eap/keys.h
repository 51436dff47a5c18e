/* What a method that has succeeded exports: RFC 5247, section 1.4. */
#ifndef EAP_KEYS_H
#define EAP_KEYS_H

#include "base/bytes.h"

#define EAP_MSK_SIZE	64 /* the least a method that derives keys exports: RFC 3748, 7.10 */
#define EAP_SESSION_MAX 256
#define EAP_ID_MAX	1024

struct eap_keys {
	struct secret msk, emsk;
	struct bytes session_id, peer_id, server_id; /* empty if the method has none */
};

void eap_keys_done(struct eap_keys *keys); /* wipes */
void eap_keys_move(struct eap_keys *to, struct eap_keys *from);

#endif
