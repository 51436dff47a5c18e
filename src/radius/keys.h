/* Keys in an Access-Accept: MS-MPPE-Send-Key and MS-MPPE-Recv-Key (RFC 2548, sections 2.4.2 and
 * 2.4.3) carry the MSK: octets 0 to 31 in Recv, 32 to 63 in Send, as seen by the authenticator (RFC
 * 3748, section 7.10; RFC 3579, section 2.6). */
#ifndef RADIUS_KEYS_H
#define RADIUS_KEYS_H

#include "radius/authenticator.h"

#define RADIUS_MSK_SIZE 64

/* Adds both.  msk has 64 octets or more (what is behind them stays here).  salt is random; both
 * salts are made of it, so that they differ and have their highest bit set. */
CHECKED enum radius_fault radius_put_msk(struct radius_builder *b, struct radius_crypto *crypto,
					 struct slice secret, struct slice request_authenticator,
					 struct slice msk, uint16_t salt);

/* Puts 64 octets into ret_msk, and true into ret_present, when both are there.  RADIUS_FINE also
 * when neither is; RADIUS_BAD_KEYS when one is missing, twice there, or not of 32 octets. */
CHECKED enum radius_fault radius_get_msk(struct radius_crypto *crypto, struct slice secret,
					 struct slice request_authenticator,
					 const struct radius_packet *packet, uint8_t *ret_msk,
					 bool *ret_present);

#endif
