/* EAPOL frames: IEEE Std 802.1X, the "EAPOL PDU" clause (version 1 = 2001, 2 = 2004, 3 = 2010).
 *
 * The EtherType is not part of them. */
#ifndef EAPOL_FRAME_H
#define EAPOL_FRAME_H

#include "base/bytes.h"

#define EAPOL_HEADER_SIZE 4

/* The largest EAP packet for an interface of this MTU, octets.  What an authenticator adds around
 * EAP when it passes it on in RADIUS (RFC 3579) has to fit the same Ethernet path; packets that
 * leave no room for it are fragmented there, or lost. */
size_t eapol_eap_mtu(size_t link_mtu);
#define EAPOL_EAP_MTU_MAX 1500 /* it is never more */

enum eapol_type {
	EAPOL_EAP = 0,
	EAPOL_START = 1,
	EAPOL_LOGOFF = 2,
	EAPOL_KEY = 3,
	EAPOL_ASF_ALERT = 4,
	EAPOL_MKA = 5,
	EAPOL_ANNOUNCEMENT_GENERIC = 6,
	EAPOL_ANNOUNCEMENT_SPECIFIC = 7,
	EAPOL_ANNOUNCEMENT_REQUEST = 8,
};

struct eapol_frame {
	uint8_t version; /* any but 0; a higher one than ours is read as ours */
	uint8_t type;	 /* enum eapol_type, or one that we do not know */
	struct slice body;
};

/* Octets behind the body are padding and ignored (an Ethernet frame has at least 60 octets); a body
 * that is not all there is MALFORMED. */
CHECKED enum status eapol_frame_parse(struct slice in, struct eapol_frame *out);
void eapol_frame_build(struct wr *w, uint8_t version, enum eapol_type type, struct slice body);

#endif
