/* What methods on TLS export, the same at both ends: RFC 5216, section 2.3; RFC 9190, section 2.3;
 * RFC 5281, section 8; RFC 9427, section 2.1. */
#ifndef METHOD_TLS_KEYS_H
#define METHOD_TLS_KEYS_H

#include "eap/keys.h"
#include "tls/engine.h"

#define TLS_KEY_MATERIAL_SIZE (2 * (size_t)EAP_MSK_SIZE)

/* type is the method's: EAP_TYPE_TLS, _TTLS or _PEAP.  With TLS 1.3 it is the context of the
 * exporter; before, it chooses the label. */

/* MSK and EMSK in one; to be wiped. */
CHECKED enum status tls_key_material(const struct tls_conn *conn, uint8_t type,
				     uint8_t material[TLS_KEY_MATERIAL_SIZE]);
/* Of a finished connection, all but the Session-Id; the EMSK, which comes second, if there may be
 * somebody to ask for it.  What *keys holds after a failure is of no use, and to be wiped. */
CHECKED enum status tls_keys_derive(const struct tls_conn *conn, uint8_t type, bool emsk,
				    struct eap_keys *keys);
/* Likewise the Session-Id, with TLS 1.3 a derivation as dear as that of the keys.  Of TEAP too: up
 * to TLS 1.2 it is made of tls-unique there (RFC 9930, section 3.8). */
CHECKED enum status tls_session_id_derive(const struct tls_conn *conn, uint8_t type,
					  struct bytes *ret_id);

/* RFC 5281, section 11.1; RFC 9427, section 2.4: the challenge of CHAP, MS-CHAP and MS-CHAPv2 in a
 * tunnel of EAP-TTLS.  Exactly as long as it is used. */
CHECKED enum status tls_implicit_challenge(const struct tls_conn *conn, uint8_t *challenge,
					   size_t len);

#endif
