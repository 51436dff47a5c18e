/* DER, as far as one has to look into a message before (or instead of) decoding it: X.690, section
 * 10.
 *
 * Elements are read from a cursor as fields of any other protocol are: what is not there, or not of
 * the tag that was asked for, makes the cursor bad.  Tags of more than one octet and lengths of
 * more than three are not for us and make it bad too. */
#ifndef ENROL_DER_H
#define ENROL_DER_H

#include "base/bytes.h"

#define DER_INTEGER	 0x02
#define DER_BIT_STRING	 0x03
#define DER_OCTET_STRING 0x04
#define DER_NULL	 0x05
#define DER_OID		 0x06
#define DER_UTF8	 0x0C
#define DER_SEQUENCE	 0x30
#define DER_SET		 0x31
#define DER_CONTEXT(n)	 ((uint8_t)(0xA0 | (n))) /* constructed */

struct der {
	uint8_t tag;
	struct slice whole, content;
};

/* The next element, of any tag. */
struct der der_any(struct rd *r);
/* The content of the next element, which has this tag. */
struct slice der_of(struct rd *r, uint8_t tag);
/* The same, as a cursor of its own. */
struct rd der_in(struct rd *r, uint8_t tag);
/* Is the next element of this tag?  Reads nothing. */
bool der_next_is(const struct rd *r, uint8_t tag);
/* Steps over it if it is. */
void der_skip(struct rd *r, uint8_t tag);
/* A non-negative INTEGER of at most 31 bits, or -1 (CMP's certReqId of a PKCS#10). */
int32_t der_int(struct rd *r);

/* Writes an element. */
void der_put(struct wr *w, uint8_t tag, struct slice content);
#define DER_HEADER_MAX 5 /* octets in front of a content */

#endif
