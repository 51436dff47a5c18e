/* RADIUS packets and their attributes: RFC 2865, sections 3 and 5, with the vendor-specific form of
 * section 5.26, tunnel attributes with tags (RFC 2868, RFC 3580, section 3.31) and EAP in pieces
 * (RFC 3579, section 3.1).
 *
 * A packet that was parsed borrows from what was received; all its attributes are whole, so that a
 * walk through them cannot fail.  The contents of an extended attribute (RFC 6929) are not looked
 * into.  A packet is built into a buffer of the caller's, behind a Message-Authenticator that comes
 * first (CVE-2024-3596: what an attacker can put into a packet must come after it), and is not
 * complete before it has been sealed (radius/authenticator.h). */
#ifndef RADIUS_PACKET_H
#define RADIUS_PACKET_H

#include "base/bytes.h"
#include "base/diagnosis.h"

#define RADIUS_PACKET_MIN	  20
#define RADIUS_PACKET_MAX	  4096
#define RADIUS_VALUE_MAX	  253
#define RADIUS_AUTHENTICATOR_SIZE 16

/* RFC 2865, section 3; RFC 5176, section 2.3. */
enum radius_code {
	RADIUS_ACCESS_REQUEST = 1,
	RADIUS_ACCESS_ACCEPT = 2,
	RADIUS_ACCESS_REJECT = 3,
	RADIUS_ACCOUNTING_REQUEST = 4,
	RADIUS_ACCOUNTING_RESPONSE = 5,
	RADIUS_ACCESS_CHALLENGE = 11,
	RADIUS_STATUS_SERVER = 12,
	RADIUS_DISCONNECT_REQUEST = 40,
	RADIUS_DISCONNECT_ACK = 41,
	RADIUS_DISCONNECT_NAK = 42,
	RADIUS_COA_REQUEST = 43,
	RADIUS_COA_ACK = 44,
	RADIUS_COA_NAK = 45,
};

/* Those that this program reads or writes. */
enum radius_type {
	RADIUS_USER_NAME = 1,
	RADIUS_USER_PASSWORD = 2,
	RADIUS_NAS_IP_ADDRESS = 4,
	RADIUS_NAS_PORT = 5,
	RADIUS_SERVICE_TYPE = 6,
	RADIUS_FRAMED_MTU = 12,
	RADIUS_REPLY_MESSAGE = 18,
	RADIUS_STATE = 24,
	RADIUS_CLASS = 25,
	RADIUS_VENDOR_SPECIFIC = 26,
	RADIUS_SESSION_TIMEOUT = 27,
	RADIUS_IDLE_TIMEOUT = 28,
	RADIUS_TERMINATION_ACTION = 29,
	RADIUS_CALLED_STATION_ID = 30,
	RADIUS_CALLING_STATION_ID = 31,
	RADIUS_NAS_IDENTIFIER = 32,
	RADIUS_PROXY_STATE = 33,
	RADIUS_ACCT_STATUS_TYPE = 40,
	RADIUS_ACCT_DELAY_TIME = 41,
	RADIUS_ACCT_INPUT_OCTETS = 42,
	RADIUS_ACCT_OUTPUT_OCTETS = 43,
	RADIUS_ACCT_SESSION_ID = 44,
	RADIUS_ACCT_AUTHENTIC = 45,
	RADIUS_ACCT_SESSION_TIME = 46,
	RADIUS_ACCT_INPUT_PACKETS = 47,
	RADIUS_ACCT_OUTPUT_PACKETS = 48,
	RADIUS_ACCT_TERMINATE_CAUSE = 49,
	RADIUS_ACCT_MULTI_SESSION_ID = 50,
	RADIUS_ACCT_INPUT_GIGAWORDS = 52,
	RADIUS_ACCT_OUTPUT_GIGAWORDS = 53,
	RADIUS_EVENT_TIMESTAMP = 55,
	RADIUS_NAS_PORT_TYPE = 61,
	RADIUS_TUNNEL_TYPE = 64,
	RADIUS_TUNNEL_MEDIUM_TYPE = 65,
	RADIUS_CONNECT_INFO = 77,
	RADIUS_EAP_MESSAGE = 79,
	RADIUS_MESSAGE_AUTHENTICATOR = 80,
	RADIUS_TUNNEL_PRIVATE_GROUP_ID = 81,
	RADIUS_ACCT_INTERIM_INTERVAL = 85,
	RADIUS_NAS_PORT_ID = 87,
	RADIUS_CHARGEABLE_USER_IDENTITY = 89,
	RADIUS_NAS_IPV6_ADDRESS = 95,
	RADIUS_ERROR_CAUSE = 101,
	RADIUS_EAP_KEY_NAME = 102,
};

#define RADIUS_VENDOR_MICROSOFT 311 /* RFC 2548 */
#define RADIUS_MS_MPPE_SEND_KEY 16
#define RADIUS_MS_MPPE_RECV_KEY 17

/* Why a packet comes to nothing: for counts, logs and diagnoses.  Most are discarded in silence. */
enum radius_fault {
	RADIUS_FINE,
	RADIUS_TRUNCATED,     /* fewer octets than Length says */
	RADIUS_BAD_LENGTH,    /* Length below 20 or above 4096 */
	RADIUS_BAD_ATTRIBUTE, /* an attribute's Length is below 2, or passes the end */
	RADIUS_BAD_VALUE,     /* an attribute that we need has a value that it cannot have */
	RADIUS_WRONG_CODE,    /* a Code that has no business here */
	RADIUS_UNSIGNED,      /* no Message-Authenticator where there must be one */
	RADIUS_FORGED,	      /* a wrong Message-Authenticator: most likely the secrets differ */
	RADIUS_BAD_AUTHENTICATOR, /* a wrong Request or Response Authenticator: likewise */
	RADIUS_BAD_EAP,		  /* EAP-Message not contiguous, or no EAP packet of that length */
	RADIUS_NO_EAP,		  /* an Access-Request for another way to authenticate */
	RADIUS_BAD_KEYS,	  /* MS-MPPE keys that do not decrypt to 32 octets each */
	RADIUS_UNMATCHED,	  /* a response to nothing that was asked */
	RADIUS_STALE,	 /* Event-Timestamp missing where required, or outside its window */
	RADIUS_TOO_LONG, /* what was to be sent does not fit */
	RADIUS_FULL,	 /* no identifier, or no place, is free */
	RADIUS_NO_MEMORY,
	RADIUS_NO_CRYPTO, /* the crypto library refused */
	RADIUS_FAULTS
};

const char *radius_fault_name(enum radius_fault fault);	    /* "truncated": for counts and logs */
const char *radius_fault_sentence(enum radius_fault fault); /* "the packet is shorter than …" */
/* DIAG_RADIUS_… for what a person can do something about, else DIAG_MALFORMED or DIAG_INTERNAL. */
enum diagnosis_id radius_fault_diagnosis(enum radius_fault fault);

const char *radius_code_name(uint8_t code); /* "Access-Request"; "Code" for those unknown */
const char *radius_type_name(uint8_t type); /* "User-Name"; "Attribute" for those unknown */

struct radius_attribute {
	uint8_t type;
	struct slice value; /* at most RADIUS_VALUE_MAX */
};

struct radius_packet {
	uint8_t code, id;
	struct slice whole;	    /* Length octets, all of the packet */
	struct slice authenticator; /* RADIUS_AUTHENTICATOR_SIZE octets */
	struct slice attributes;
};

/* Over a stream: how long the packet is that these octets begin.  0 while there are fewer than
 * four.  RADIUS_BAD_LENGTH: the stream is beyond repair (RFC 6613, section 2.6.4). */
CHECKED enum radius_fault radius_packet_length(struct slice in, size_t *ret_length);

/* Octets behind the Length are padding and ignored.  Borrows from in. */
CHECKED enum radius_fault radius_packet_parse(struct slice in, struct radius_packet *ret_packet);

/* Walks: `struct rd at = rd_of(packet.attributes); while (radius_next(&at, &attribute))`. */
bool radius_next(struct rd *at, struct radius_attribute *ret_attribute);
/* The first of its type; false, and an empty slice, if there is none. */
bool radius_find(const struct radius_packet *packet, uint8_t type, struct slice *ret_value);
size_t radius_count(const struct radius_packet *packet, uint8_t type);
/* A value of four octets; false when it has any other length. */
bool radius_value_u32(struct slice value, uint32_t *ret_number);
/* The first of its type that is a number; false if there is none. */
bool radius_find_u32(const struct radius_packet *packet, uint8_t type, uint32_t *ret_number);

/* The next of the vendor attributes in one Vendor-Specific attribute of that vendor which has the
 * form that RFC 2865, section 5.26, recommends; what has another form ends the walk. */
bool radius_vendor_open(struct slice value, uint32_t vendor, struct rd *ret_at);
bool radius_vendor_next(struct rd *at, struct radius_attribute *ret_attribute);

/* The EAP packet: all EAP-Message attributes in their order, which must follow each other without
 * others in between (RFC 3579, section 3.1).  Empty when there are none or they are empty
 * (EAP-Start).  Borrows from the packet if there is one attribute, else is put together in room
 * (RADIUS_PACKET_MAX octets).  Its Length has to fit, what is behind it is cut off. */
CHECKED enum radius_fault radius_eap(const struct radius_packet *packet, uint8_t *room,
				     struct slice *ret_eap);

/* The VLAN: the tunnel of the lowest tag that has type VLAN, medium 802 and a group that is a
 * decimal number between 1 and 4094; 0 if there is none.  ret_odd (may be NULL): there are tunnel
 * attributes, but none that makes a VLAN. */
uint16_t radius_vlan(const struct radius_packet *packet, bool *ret_odd);

/* Builds.  What does not fit, or is longer than an attribute can be, makes the whole bad; sealing
 * says so. */
struct radius_builder {
	struct wr w;
	bool message_authenticator; /* it is the first attribute, to be filled in by sealing */
};

/* The buffer holds at most RADIUS_PACKET_MAX octets.  authenticator is 16 octets; empty: zeros,
 * for those that sealing fills in. */
struct radius_builder radius_builder_of(void *buffer, size_t cap, enum radius_code code, uint8_t id,
					struct slice authenticator, bool message_authenticator);
/* An empty value writes an empty attribute, which RFC 2865 does not allow but for EAP-Message: use
 * radius_put_some for what may be absent. */
void radius_put(struct radius_builder *b, uint8_t type, struct slice value);
void radius_put_some(struct radius_builder *b, uint8_t type, struct slice value);
void radius_put_u32(struct radius_builder *b, uint8_t type, uint32_t number);
/* One Vendor-Specific attribute with one vendor attribute in it. */
void radius_put_vendor(struct radius_builder *b, uint32_t vendor, uint8_t type, struct slice value);
/* In pieces of 253 octets, one behind the other; an empty packet is EAP-Start. */
void radius_put_eap(struct radius_builder *b, struct slice eap);
/* Tunnel-Type, Tunnel-Medium-Type and Tunnel-Private-Group-ID; nothing for 0. */
void radius_put_vlan(struct radius_builder *b, uint16_t vlan);
/* All Proxy-State attributes, in their order: RFC 2865, section 5.33. */
void radius_put_proxy_states(struct radius_builder *b, const struct radius_packet *from);

#endif
