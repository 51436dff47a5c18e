/* Messages of CPROM as they stand in EAP packets: flags and phase, and fragments of what does not
 * fit.  doc/cprom.md, "Messages".
 *
 * A link is one direction each: what comes is put together, what goes is cut up.  It holds secrets
 * for as long as a message is under way, and wipes them. */
#ifndef ENROL_CPROM_FRAME_H
#define ENROL_CPROM_FRAME_H

#include "enrol/protocol.h"

enum cprom_phase { CPROM_INIT = 1, CPROM_PROVISIONING = 2, CPROM_VALIDATION = 3 };

#define CPROM_JUMBO 0x80 /* J: Message Length is there */
#define CPROM_START 0x40 /* S */
#define CPROM_MORE  0x20 /* F: more fragments follow */
#define CPROM_LAST  0x10 /* D: done with this credential */

struct cprom_frame {
	uint8_t flags;
	enum cprom_phase phase;
	uint32_t total; /* Message Length: octets of all TLVs; 0 without J */
	struct slice data;
};
/* MALFORMED: no flags, a phase that there is not, F without J. */
CHECKED enum status cprom_frame_parse(struct slice in, struct cprom_frame *out);
void cprom_frame_build(struct wr *w, const struct cprom_frame *frame);

struct cprom_link {
	/* what comes */
	struct bytes incoming;	/* the whole message, once cprom_link_hear says so */
	enum cprom_phase phase; /* its phase and flags, S and D alone */
	uint8_t flags;
	uint32_t total;
	bool gathering; /* fragments have come, the last one not */

	/* what goes */
	struct bytes outgoing;
	size_t sent;
	enum cprom_phase out_phase;
	uint8_t out_flags;
	bool fragmenting; /* a part was sent, and its acknowledgement has not come */
};
void cprom_link_done(struct cprom_link *link); /* wipes and frees; may be used again */

enum cprom_heard {
	CPROM_WHOLE,  /* a message: incoming, phase, flags */
	CPROM_PART,   /* a fragment: it is to be acknowledged (build, with nothing set) */
	CPROM_GO_ON,  /* our fragment was acknowledged: build the next */
	CPROM_BROKEN, /* fault says why */
};
/* ceiling: octets of a message. */
enum cprom_heard cprom_link_hear(struct cprom_link *link, const struct cprom_frame *frame,
				 size_t ceiling, struct enrol_fault *fault);

/* Begins a message: a cursor with room for `room` octets of TLVs, of which the octets are the
 * link's.  Bad when there is no memory. */
struct wr cprom_link_open(struct cprom_link *link, size_t room);
/* What was written is to be sent, or an empty message where it did not fit, with CRYPTO no more
 * than a name for that. */
CHECKED enum status cprom_link_close(struct cprom_link *link, const struct wr *w,
				     enum cprom_phase phase, uint8_t flags);
/* The next packet's type-data: a whole message, a fragment, or an acknowledgement. */
void cprom_link_build(struct cprom_link *link, struct wr *w);

#endif
