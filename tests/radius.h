/* What the tests and fuzz targets of RADIUS share: a secret, an authenticator, a signature. */
#ifndef TESTS_RADIUS_H
#define TESTS_RADIUS_H

#include "radius/keys.h"
#include "radius/packet.h"

#define SECRET slice_str("testing123")

static const uint8_t radius_vector[RADIUS_AUTHENTICATOR_SIZE] = { 1, 2,	 3,  4,	 5,  6,	 7,  8,
								  9, 10, 11, 12, 13, 14, 15, 16 };

static inline struct slice a_vector(void)
{
	return slice_of(radius_vector, sizeof radius_vector);
}

/* The attributes of a request behind a Message-Authenticator that is right; empty when they do not
 * fit.  out has RADIUS_PACKET_MAX octets. */
static inline struct slice radius_signed(struct radius_crypto *crypto,
					 const struct radius_packet *packet, uint8_t *out)
{
	struct radius_builder b =
		radius_builder_of(out, RADIUS_PACKET_MAX, (enum radius_code)packet->code,
				  packet->id, packet->authenticator, true);
	struct rd at = rd_of(packet->attributes);
	struct radius_attribute attribute;
	struct slice made = { 0 };

	while (radius_next(&at, &attribute)) {
		if (attribute.type != RADIUS_MESSAGE_AUTHENTICATOR)
			radius_put(&b, attribute.type, attribute.value);
	}
	if (radius_seal_request(crypto, SECRET, &b, &made) != RADIUS_FINE)
		return (struct slice){ 0 };
	return made;
}

#endif
