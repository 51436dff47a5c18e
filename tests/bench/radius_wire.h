/* RADIUS as a NAS speaks it, for the load generator: Access-Requests with EAP out (RFC 2865, RFC
 * 3579), answers in, every check of theirs made.  It shares no code with src/radius, so that what
 * both ends agree on is the RFC. */
#ifndef BENCH_RADIUS_WIRE_H
#define BENCH_RADIUS_WIRE_H

#include "base/bytes.h"

#define RADIUS_PACKET_MAX 4096
#define RADIUS_STATE_MAX  253

enum { ACCESS_REQUEST = 1, ACCESS_ACCEPT = 2, ACCESS_REJECT = 3, ACCESS_CHALLENGE = 11 };

struct wire; /* what is computed from the secret once */

struct wire *wire_new(const char *secret);
void wire_free(struct wire *wire);

struct wire_request {
	uint8_t id;
	struct slice identity; /* User-Name */
	const char *calling;   /* Calling-Station-Id */
	struct slice state;    /* empty: none */
	struct slice eap;      /* empty: EAP-Start, RFC 3579, section 2.1 */
};

/* The packet's length; out holds RADIUS_PACKET_MAX.  The Request Authenticator comes from a
 * generator that is fast and no good against an attacker. */
size_t wire_build(struct wire *wire, const struct wire_request *request, uint8_t *out);

struct wire_answer {
	uint8_t code;
	size_t state_len, eap_len;
	uint8_t state[RADIUS_STATE_MAX], eap[RADIUS_PACKET_MAX];
	bool has_keys;
	uint8_t msk[64]; /* MS-MPPE-Recv-Key, then MS-MPPE-Send-Key */
};

/* UNTRUSTED when Response Authenticator or Message-Authenticator are wrong or the latter is not
 * there.  sent is the request, with its header. */
CHECKED enum status wire_read(struct wire *wire, struct slice in, const uint8_t *sent,
			      struct wire_answer *ret_answer);

#endif
