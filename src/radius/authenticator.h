/* What makes a RADIUS packet genuine: Request and Response Authenticator (RFC 2865, section 3; RFC
 * 2866, section 3; RFC 5176, section 2.3) and Message-Authenticator (RFC 3579, section 3.2; RFC
 * 5176, section 3.4; RFC 5997, section 3).
 *
 * Message-Authenticator is required in every Access-Request, with EAP or without, in every answer
 * to one, and in Status-Server: who accepts a packet without lets an attacker between make an
 * Accept out of a Reject (CVE-2024-3596).  In Accounting, CoA, Disconnect and the answers to
 * Status-Server it may be absent, but is checked when present. */
#ifndef RADIUS_AUTHENTICATOR_H
#define RADIUS_AUTHENTICATOR_H

#include "radius/packet.h"

#define RADIUS_SECRET_MAX 128 /* octets of a shared secret */

/* Algorithms and contexts, fetched once: a worker has one.  Not to be shared between threads. */
struct radius_crypto;

CHECKED enum status radius_crypto_new(struct radius_crypto **ret_crypto);
void radius_crypto_free(struct radius_crypto *crypto);
DEFINE_AUTO_STRUCT(radius_crypto);

/* Fills in the Length and what makes the packet genuine; ret_packet is in the builder's buffer.
 * RADIUS_TOO_LONG when something did not fit.
 * - a request: Access-Request and Status-Server keep their Request Authenticator (random octets);
 *   of Accounting-, Disconnect- and CoA-Request it is computed here;
 * - a response: to a request of that Request Authenticator (16 octets). */
CHECKED enum radius_fault radius_seal_request(struct radius_crypto *crypto, struct slice secret,
					      struct radius_builder *b, struct slice *ret_packet);
CHECKED enum radius_fault radius_seal_response(struct radius_crypto *crypto, struct slice secret,
					       struct slice request_authenticator,
					       struct radius_builder *b, struct slice *ret_packet);

/* RADIUS_FINE, or why the packet is not to be believed: RADIUS_UNSIGNED, _FORGED,
 * _BAD_AUTHENTICATOR, _WRONG_CODE (not a request, or not a response), _NO_CRYPTO. */
CHECKED enum radius_fault radius_verify_request(struct radius_crypto *crypto, struct slice secret,
						const struct radius_packet *packet);
/* An answer to a request with this Code and Request Authenticator. */
CHECKED enum radius_fault radius_verify_response(struct radius_crypto *crypto, struct slice secret,
						 uint8_t request_code,
						 struct slice request_authenticator,
						 const struct radius_packet *packet);

/* MD5 over up to three pieces, for what RFC 2548 makes of it; 16 octets. */
CHECKED bool radius_md5(struct radius_crypto *crypto, struct slice a, struct slice b,
			struct slice c, uint8_t *ret_digest);

#endif
