/* AVPs, as EAP-TTLS carries them: RFC 5281, section 10. */
#ifndef METHOD_TTLS_AVP_H
#define METHOD_TTLS_AVP_H

#include "base/bytes.h"

/* Codes of RADIUS; the second group is Microsoft's (RFC 2548), and always comes with its vendor. */
enum ttls_avp_code {
	TTLS_USER_NAME = 1,
	TTLS_USER_PASSWORD = 2,
	TTLS_CHAP_PASSWORD = 3,
	TTLS_REPLY_MESSAGE = 18,
	TTLS_CHAP_CHALLENGE = 60,
	TTLS_EAP_MESSAGE = 79,

	TTLS_MS_CHAP_RESPONSE = 1,
	TTLS_MS_CHAP_ERROR = 2,
	TTLS_MS_CHAP_DOMAIN = 10,
	TTLS_MS_CHAP_CHALLENGE = 11,
	TTLS_MS_CHAP2_RESPONSE = 25,
	TTLS_MS_CHAP2_SUCCESS = 26,
};
#define TTLS_VENDOR_MICROSOFT 311

struct ttls_avp {
	uint32_t code, vendor; /* vendor 0: the IETF's, with the V bit or without */
	bool mandatory;	       /* who does not understand it has to fail */
	struct slice data;
};

/* The next AVP of a sequence.  MALFORMED when its length is less than its header or beyond what is
 * there.  Padding is skipped, whatever is in it; missing after the last one it is forgiven, as
 * some senders leave it out. */
CHECKED enum status ttls_avp_next(struct rd *r, struct ttls_avp *ret_avp);
void ttls_avp_build(struct wr *w, const struct ttls_avp *avp); /* with its padding */

static inline bool ttls_avp_is(const struct ttls_avp *avp, uint32_t vendor, uint32_t code)
{
	return avp->vendor == vendor && avp->code == code;
}

#endif
