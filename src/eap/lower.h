/* Between the EAP peer and whatever carries it: the variables of RFC 4137, section 4.1.
 *
 * EAPOL, RADIUS, CoAP, HTTP, GSS-API and the tunnel methods fill and read this struct; none of them
 * knows another.  Nothing calls back: the lower layer sets eapReq and eapReqData, steps the
 * machine, and collects what is set.  Names are the RFC's. */
#ifndef EAP_LOWER_H
#define EAP_LOWER_H

#include "base/bytes.h"
#include "eap/keys.h"

struct eap_tunnel_binding; /* eap/tunnel.h */

#define EAP_MTU_LEAST 1020 /* RFC 3748, section 3.1, item 4 */

struct eap_lower {
	/* lower layer to peer (4.1.1) */
	bool portEnabled;
	bool eapReq;		 /* set by the lower layer, cleared by the peer */
	struct slice eapReqData; /* borrowed for the step */
	bool eapRestart;	 /* set by the lower layer, cleared by the peer */
	bool altAccept;
	bool altReject;
	size_t mtu; /* the largest EAP packet that fits, at least EAP_MTU_LEAST */
	/* Not the RFC's: the tunnel that this lower layer is; NULL: none. */
	const struct eap_tunnel_binding *tunnel;

	/* peer to lower layer (4.1.2): set by the peer, cleared by the lower layer */
	bool eapResp;
	bool eapNoResp;
	bool eapSuccess;
	bool eapFail;
	struct slice eapRespData; /* the peer's, good until its next step */
	bool eapKeyAvailable;
	struct eap_keys *eapKeyData; /* the peer's; eap_keys_move takes them */
};

#endif
