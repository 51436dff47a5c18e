/* The framing that EAP-TLS, TTLS, PEAP and TEAP share: RFC 5216, section 3.1 and 2.1.5.
 *
 * tls_frame is the codec; tls_reassembly and the fragmenter (tls_sender) are the two directions of
 * section 2.1.5. Ceilings: RFC 9191, section 4. */
#ifndef METHOD_TLS_FRAME_H
#define METHOD_TLS_FRAME_H

#include "base/bytes.h"

#define TLS_LENGTH	  0x80 /* L: the total length is there */
#define TLS_MORE	  0x40 /* M: more fragments follow */
#define TLS_START	  0x20 /* S */
#define TLS_FLAGS_VERSION 0x07 /* PEAP, TTLS and TEAP keep a version here */

#define TLS_TOTAL_MAX (64 * 1024) /* one flight of the other side */

struct tls_frame {
	uint8_t flags;
	uint32_t total; /* 0 without L */
	struct slice data;
};

CHECKED enum status tls_frame_parse(struct slice in, struct tls_frame *out);
void tls_frame_build(struct wr *w, const struct tls_frame *frame);

/* Incoming: one flight from its fragments. */
struct tls_reassembly {
	struct bytes flight;
	uint32_t total; /* announced; 0 if it was not */
	bool going_on;	/* a fragment with M was the last */
};

/* OK and *ret_complete when the flight is whole; MALFORMED when a fragment breaks section 2.1.5 or
 * a ceiling. */
CHECKED enum status tls_reassembly_add(struct tls_reassembly *r, const struct tls_frame *frame,
				       bool *ret_complete);
void tls_reassembly_done(struct tls_reassembly *r);

/* Outgoing: how the next fragment of what is pending looks like in the room there is. */
struct tls_frame tls_fragment(struct slice pending, size_t room, bool first);

#endif
