/* The framing that EAP-TLS, TTLS, PEAP and TEAP share: RFC 5216, sections 3.1 and 2.1.5.
 *
 * tls_frame is the codec; tls_reassembly and tls_fragment are the two directions of section 2.1.5.
 * Fragments are numbered and repeated by EAP itself, one at a time, so there is no offset in them:
 * a flight is what was appended. */
#ifndef METHOD_TLS_FRAME_H
#define METHOD_TLS_FRAME_H

#include "base/bytes.h"

#define TLS_LENGTH	  0x80 /* L: the total length is there */
#define TLS_MORE	  0x40 /* M: more fragments follow */
#define TLS_START	  0x20 /* S */
#define TLS_OUTER	  0x10 /* O: TEAP's Outer TLVs, with their length; else reserved */
#define TLS_FLAGS_VERSION 0x07 /* PEAP, TTLS and TEAP keep a version here */

/* What one flight of the other side may grow to: "a reasonable choice of maximum acceptable message
 * length might be 64 KB". */
#define TLS_TOTAL_MAX (64 * 1024)

struct tls_frame {
	uint8_t flags;
	uint32_t total; /* 0 without L */
	struct slice data;
	struct slice outer; /* behind the data, with O alone */
};

/* MALFORMED without flags, without the length that L announces, or with one beyond the ceiling. */
CHECKED enum status tls_frame_parse(struct slice in, struct tls_frame *out);
/* The same for TEAP (RFC 9930, section 4.1), where O is not reserved. */
CHECKED enum status tls_frame_parse_outer(struct slice in, struct tls_frame *out);
/* outer, if there is any, needs O among the flags. */
void tls_frame_build(struct wr *w, const struct tls_frame *frame);

/* An acknowledgement is a frame with nothing in it.  L with a total of 0 is not what section 2.1.5
 * says, and harmless. */
static inline bool tls_frame_is_ack(const struct tls_frame *frame)
{
	return !(frame->flags & (TLS_MORE | TLS_START)) && frame->total == 0 &&
	       frame->data.len == 0;
}

/* Why a frame belongs to no conversation that is at this point, static; NULL if it may.  Begun: the
 * Start was heard.  Fragmenting: what is pending was sent in part. */
const char *tls_frame_stray_request(const struct tls_frame *frame, bool begun, bool fragmenting);
const char *tls_frame_stray_response(const struct tls_frame *frame, bool fragmenting);
#define TLS_FRAME_MALFORMED "no flags, no length, or one beyond 64 KiB"

/* Incoming: one flight from its fragments. */
struct tls_reassembly {
	struct bytes flight;
	uint32_t total; /* announced; 0 if it was not */
	bool complete;
};

/* OK, and complete when the flight is whole; the next fragment then begins another.  MALFORMED when
 * a fragment breaks section 2.1.5 or the ceiling; r then holds nothing.  L is allowed on every
 * fragment, always with the same total, and may be missing: the ceiling does without it. */
CHECKED enum status tls_reassembly_add(struct tls_reassembly *r, const struct tls_frame *frame);
void tls_reassembly_done(struct tls_reassembly *r);

/* Outgoing: the next fragment of what is pending, with at most so many octets of it, in a packet
 * with room for so many octets of type-data; first if nothing of this flight was sent yet.  M tells
 * whether something is left. */
struct tls_frame tls_fragment(struct slice pending, size_t most, size_t room, bool first);

#endif
