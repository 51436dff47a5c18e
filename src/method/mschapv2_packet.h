/* EAP-MSCHAPv2, what follows the type: draft-kamath-pppext-eap-mschapv2-00, section 2. */
#ifndef METHOD_MSCHAPV2_PACKET_H
#define METHOD_MSCHAPV2_PACKET_H

#include "method/mschap.h"

#define EAP_TYPE_MSCHAPV2 26
#define MSCHAPV2_TEXT_MAX 512 /* octets of a name or message */

enum mschapv2_op {
	MSCHAPV2_CHALLENGE = 1,
	MSCHAPV2_RESPONSE = 2,
	MSCHAPV2_SUCCESS = 3,
	MSCHAPV2_FAILURE = 4,
	MSCHAPV2_CHANGE_PASSWORD = 7,
};

struct mschapv2_packet {
	uint8_t op; /* enum mschapv2_op */
	bool bare; /* a peer's Success or Failure: the OpCode alone, and nothing of the following */
	uint8_t id;				    /* MS-CHAPv2-ID */
	uint8_t challenge[MSCHAPV2_CHALLENGE_SIZE]; /* CHALLENGE; of RESPONSE the peer's */
	uint8_t nt_response[MSCHAP_RESPONSE_SIZE];  /* RESPONSE */
	struct slice text; /* CHALLENGE, RESPONSE: the name; SUCCESS, FAILURE: the message */
};

/* MALFORMED also when MS-Length is not the length of what is there, or Value-Size not the one there
 * has to be. CHANGE_PASSWORD is UNSUPPORTED. */
CHECKED enum status mschapv2_packet_parse(struct slice in, struct mschapv2_packet *out);
void mschapv2_packet_build(struct wr *w, const struct mschapv2_packet *packet);

#endif
