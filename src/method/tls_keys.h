/* What EAP-TLS exports, the same at both ends: RFC 5216, section 2.3; RFC 9190, section 2.3. */
#ifndef METHOD_TLS_KEYS_H
#define METHOD_TLS_KEYS_H

#include "eap/keys.h"
#include "tls/engine.h"

/* Of a finished connection, all but the Session-Id.  What *keys holds after a failure is of no use,
 * and to be wiped. */
CHECKED enum status tls_keys_derive(const struct tls_conn *conn, struct eap_keys *keys);
/* Likewise the Session-Id, with TLS 1.3 a derivation as dear as that of the keys. */
CHECKED enum status tls_session_id_derive(const struct tls_conn *conn, struct bytes *ret_id);

#endif
