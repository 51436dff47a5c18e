/* RADIUS as a server sees it: a request becomes facts, an answer becomes a packet.  RFC 2865, 2866,
 * 3579, 3580, 5997.
 *
 * Facts borrow from the packet and from the room that was given for its EAP packet; texts are
 * octets as they came (base/diagnosis.h: printable).  No state is kept: duplicates are found by
 * radius/duplicates.h. */
#ifndef RADIUS_SERVER_H
#define RADIUS_SERVER_H

#include "radius/authenticator.h"
#include "radius/keys.h"

#define RADIUS_CLASSES_MAX 4
#define RADIUS_ADDRESS_MAX 46 /* of an address as text, with its NUL */

#define RADIUS_SERVICE_FRAMED	      2	 /* RFC 2865, section 5.6 */
#define RADIUS_SERVICE_AUTHORIZE_ONLY 17 /* RFC 5176, section 3.2 */
#define RADIUS_PORT_ETHERNET	      15 /* RFC 2865, section 5.41 */

/* RFC 2866, section 5.1. */
enum radius_acct_status {
	RADIUS_ACCT_START = 1,
	RADIUS_ACCT_STOP = 2,
	RADIUS_ACCT_INTERIM = 3,
	RADIUS_ACCT_ON = 7,
	RADIUS_ACCT_OFF = 8,
};

/* Who asks, and where: RFC 3580. What is absent is empty or 0. */
struct radius_who {
	struct slice user_name, calling_station, called_station, nas_identifier, nas_port_id;
	struct slice session_id;	      /* Acct-Session-Id */
	char nas_address[RADIUS_ADDRESS_MAX]; /* NAS-IP-Address, else NAS-IPv6-Address; or "" */
	uint32_t nas_port, nas_port_type, service_type;
	uint32_t framed_mtu;
	bool has_nas_port;
	struct slice classes[RADIUS_CLASSES_MAX];
	size_t class_count;
};

struct radius_accounting {
	uint32_t status; /* enum radius_acct_status, or another */
	uint32_t session_time, delay, terminate_cause;
	uint64_t input_octets, output_octets; /* with the gigawords of RFC 2869, 5.1 and 5.2 */
	uint32_t input_packets, output_packets;
	uint32_t event_timestamp; /* seconds since 1970; 0: absent */
};

struct radius_request {
	struct radius_packet packet;	       /* its code says which of what follows is meant */
	struct radius_who who;		       /* not of Status-Server */
	struct slice state;		       /* of an Access-Request */
	struct slice eap;		       /* the EAP packet; empty: EAP-Start */
	bool wants_key_name, wants_chargeable; /* RFC 7268, section 2.2; RFC 4372, section 2.1 */
	struct radius_accounting accounting;   /* of an Accounting-Request */
};

/* Reads and verifies an Access-Request, Accounting-Request or Status-Server.  eap_room has
 * RADIUS_PACKET_MAX octets.  On a fault that is later than RADIUS_BAD_ATTRIBUTE,
 * ret_request->packet is there for the log; nothing in it is to be believed.  RADIUS_NO_EAP:
 * genuine, but not EAP; who and packet are there, and it may be answered with a Reject. */
CHECKED enum radius_fault radius_request_read(struct radius_crypto *crypto, struct slice secret,
					      struct slice in, uint8_t *eap_room,
					      struct radius_request *ret_request);

/* The largest EAP packet that may be sent to this machine: what its Framed-MTU says (RFC 3579,
 * section 2.4: less 4 octets for the 802.1X header), and what fits into a RADIUS packet. fallback
 * when there is none or it is below 64. */
size_t radius_eap_mtu(const struct radius_who *who, size_t fallback);

/* An answer.  Each code takes what it may have, the rest is ignored (RFC 2865, 5.44). */
struct radius_reply {
	enum radius_code code;	  /* Access-Accept, -Reject, -Challenge, Accounting-Response */
	struct slice eap;	  /* Success, Failure or Request */
	struct slice state;	  /* Challenge */
	uint32_t session_timeout; /* Accept, or as a hint for retransmission Challenge; 0: none */
	bool reauthenticate;	  /* Accept: Termination-Action RADIUS-Request */
	uint32_t interim;	  /* Accept: Acct-Interim-Interval, seconds; 0: none */
	uint16_t vlan;		  /* Accept; 0: none */
	struct slice user_name;	  /* Accept */
	struct slice chargeable;  /* Accept, only if it was wanted */
	struct slice classes[RADIUS_CLASSES_MAX]; /* Accept */
	size_t class_count;
	struct slice msk;	     /* Accept: 64 octets, or empty */
	uint16_t salt;		     /* random; for the keys */
	struct slice eap_session_id; /* Accept: EAP-Key-Name, only if it was wanted and fits */
	struct slice message;	     /* Reject: Reply-Message, only without EAP (RFC 3579, 2.6.5) */
};

/* Builds and seals the answer to a request that was read, with its Proxy-States.  buffer has
 * RADIUS_PACKET_MAX octets. */
CHECKED enum radius_fault radius_reply_build(struct radius_crypto *crypto, struct slice secret,
					     const struct radius_request *request,
					     const struct radius_reply *reply, uint8_t *buffer,
					     struct slice *ret_packet);
/* The answer to Status-Server: Accounting-Response on the accounting port, Access-Accept on the
 * other (RFC 5997, section 3). */
CHECKED enum radius_fault radius_status_build(struct radius_crypto *crypto, struct slice secret,
					      const struct radius_request *request, bool accounting,
					      uint8_t *buffer, struct slice *ret_packet);

#endif
