/* EAP packets: RFC 3748, section 4, with the Expanded Type of section 5.7. */
#ifndef EAP_PACKET_H
#define EAP_PACKET_H

#include "base/bytes.h"

enum eap_code {
	EAP_REQUEST = 1,
	EAP_RESPONSE = 2,
	EAP_SUCCESS = 3,
	EAP_FAILURE = 4,
	EAP_INITIATE = 5, /* RFC 6696 */
	EAP_FINISH = 6,
};

/* A type as section 5.7 sees it: vendor 0 is the IETF, whose types 0 to 255 have a short form.
 * Short and expanded forms of one type compare equal. */
struct eap_type {
	uint32_t vendor; /* 24 bits, SMI Network Management Private Enterprise Code */
	uint32_t type;
};

#define EAP_TYPE_IDENTITY     1
#define EAP_TYPE_NOTIFICATION 2
#define EAP_TYPE_NAK	      3
#define EAP_TYPE_TLS	      13
#define EAP_TYPE_TTLS	      21
#define EAP_TYPE_PEAP	      25
#define EAP_TYPE_TEAP	      55
#define EAP_TYPE_EXPANDED     254

static inline struct eap_type eap_type(uint8_t type)
{
	return (struct eap_type){ 0, type };
}

static inline bool eap_type_eq(struct eap_type a, struct eap_type b)
{
	return a.vendor == b.vendor && a.type == b.type;
}

/* One of the IETF's types. */
static inline bool eap_type_is(struct eap_type type, uint8_t wanted)
{
	return eap_type_eq(type, eap_type(wanted));
}

/* Whether a Request or Response can say it in one octet. */
static inline bool eap_type_short(struct eap_type type)
{
	return type.vendor == 0 && type.type <= 255 && type.type != EAP_TYPE_EXPANDED;
}

/* "EAP-TLS", "type 26", "vendor 9 type 1": what a person reads.  Returns buffer. */
const char *eap_type_name(struct eap_type type, char *buffer, size_t size);

struct eap_packet {
	uint8_t code; /* one of enum eap_code */
	uint8_t id;
	bool expanded;	      /* the type came in its expanded form; answers keep it */
	struct eap_type type; /* of a Request or Response */
	struct slice data;    /* what follows the type; of other codes, what follows the Length */
};

/* Section 4: a Length beyond the octets received is MALFORMED, octets beyond the Length are padding
 * and ignored.  Success and Failure with a Length other than 4 are MALFORMED.  Borrows from in. */
CHECKED enum status eap_packet_parse(struct slice in, struct eap_packet *out);

/* A Request or Response is opened, its type-data written by the caller, and closed.  The expanded
 * form is used when asked for or when the type has no short form. */
size_t eap_packet_open(struct wr *w, enum eap_code code, uint8_t id, struct eap_type type,
		       bool expanded);
void eap_packet_close(struct wr *w, size_t mark);

/* The type-data of a Nak that was opened as EAP_TYPE_NAK in the same form: section 5.3.1, or, as
 * the answer to an expanded Request, section 5.3.2.  Without any wanted type it says so. */
void eap_nak_write(struct wr *w, const struct eap_type *wanted, size_t count, bool expanded);

/* The next type that a Nak of either form lists, from *at on, which is 0 at first; false at the
 * end, or where there is no type. */
bool eap_nak_next(const struct eap_packet *nak, size_t *at, struct eap_type *ret_type);
/* It lists at least one type, or zero, to the octet. */
bool eap_nak_valid(const struct eap_packet *nak);
/* Whether its sender wants this type.  Type zero among them: it wants none at all.  A 254 in the
 * short form stands for every type that has none. */
bool eap_nak_wants(const struct eap_packet *nak, struct eap_type type);

/* Success or Failure: four octets. */
void eap_packet_build_result(struct wr *w, enum eap_code code, uint8_t id);

#endif
