#include "enrol/cprom_frame.h"

#include <string.h>

#include "enrol/cprom_tlv.h"

#define JUMBO_HEADER 5 /* flags, Message Length */

enum status cprom_frame_parse(struct slice in, struct cprom_frame *out)
{
	struct rd r = rd_of(in);
	uint8_t first = rd_u8(&r);
	struct cprom_frame f = { .flags = first & 0xf0, .phase = (enum cprom_phase)(first & 0x0f) };

	if (f.flags & CPROM_JUMBO)
		f.total = rd_u32(&r);
	f.data = rd_rest(&r);
	if (!rd_done(&r) || f.phase < CPROM_INIT || f.phase > CPROM_VALIDATION ||
	    ((f.flags & CPROM_MORE) && !(f.flags & CPROM_JUMBO)))
		return MALFORMED;
	*out = f;
	return OK;
}

void cprom_frame_build(struct wr *w, const struct cprom_frame *f)
{
	wr_u8(w, (uint8_t)(f->flags | (unsigned)f->phase));
	if (f->flags & CPROM_JUMBO)
		wr_u32(w, f->total);
	wr_bytes(w, f->data);
}

static void wipe(struct bytes *b)
{
	if (b->p)
		explicit_bzero(b->p, b->cap);
	bytes_done(b);
}

void cprom_link_done(struct cprom_link *link)
{
	wipe(&link->incoming);
	wipe(&link->outgoing);
	*link = (struct cprom_link){ 0 };
}

/* ---- what comes ---------------------------------------------------------------------- */

static enum cprom_heard broken(struct cprom_link *link, struct enrol_fault *fault,
			       enum enrol_error error, const char *why)
{
	wipe(&link->incoming);
	link->gathering = false;
	enrol_fault_set(fault, error, "%s", why);
	return CPROM_BROKEN;
}

static bool acknowledges(const struct cprom_link *link, const struct cprom_frame *frame)
{
	return frame->phase == link->out_phase && frame->data.len == 0 &&
	       !(frame->flags & (CPROM_JUMBO | CPROM_MORE));
}

/* Whoever does not want the rest says so by an Error. */
static bool interrupts(const struct cprom_frame *frame)
{
	return !(frame->flags & CPROM_MORE) && cprom_tlv_find(frame->data, CPROM_ERROR).len > 0;
}

/* A fragment, the first or another, has to fit what the first one announced. */
static const char *misfit(const struct cprom_link *link, const struct cprom_frame *frame)
{
	size_t so_far = link->incoming.len + frame->data.len;
	bool more = frame->flags & CPROM_MORE;

	if (frame->phase != link->phase)
		return "a fragment of another phase";
	if ((frame->flags & (CPROM_START | CPROM_LAST)) != link->flags)
		return "a fragment with other flags";
	if ((frame->flags & CPROM_JUMBO) && frame->total != link->total)
		return "a fragment with another Message Length";
	if (more && frame->data.len == 0)
		return "an empty fragment";
	if (more ? so_far >= link->total : so_far != link->total)
		return "fragments that do not add up to the Message Length";
	return NULL;
}

static void begin(struct cprom_link *link, const struct cprom_frame *frame)
{
	wipe(&link->incoming);
	link->phase = frame->phase;
	link->flags = frame->flags & (CPROM_START | CPROM_LAST);
	link->total = frame->flags & CPROM_JUMBO ? frame->total : (uint32_t)frame->data.len;
}

enum cprom_heard cprom_link_hear(struct cprom_link *link, const struct cprom_frame *frame,
				 size_t ceiling, struct enrol_fault *fault)
{
	const char *why;

	if (link->fragmenting && acknowledges(link, frame))
		return CPROM_GO_ON;
	if (link->fragmenting && !interrupts(frame))
		return broken(link, fault, ENROL_ERROR_UNEXPECTED,
			      "something else than the acknowledgement of a fragment");
	link->fragmenting = false;
	if (!link->gathering)
		begin(link, frame);
	if (link->total > ceiling)
		return broken(link, fault, ENROL_ERROR_LIMIT, "a message that is too long");
	why = misfit(link, frame);
	if (why)
		return broken(link, fault, ENROL_ERROR_MALFORMED, why);
	if (bytes_reserve(&link->incoming, link->total) != OK ||
	    bytes_append(&link->incoming, frame->data, ceiling) != OK)
		return broken(link, fault, ENROL_ERROR_INTERNAL, "no memory");
	link->gathering = frame->flags & CPROM_MORE;
	return link->gathering ? CPROM_PART : CPROM_WHOLE;
}

/* ---- what goes ----------------------------------------------------------------------- */

struct wr cprom_link_open(struct cprom_link *link, size_t room)
{
	struct wr none = wr_of(NULL, 0);

	wipe(&link->outgoing);
	link->sent = 0;
	link->fragmenting = false;
	none.bad = true;
	if (bytes_reserve(&link->outgoing, room ? room : 1) != OK)
		return none;
	return wr_of(link->outgoing.p, link->outgoing.cap);
}

enum status cprom_link_close(struct cprom_link *link, const struct wr *w, enum cprom_phase phase,
			     uint8_t flags)
{
	link->outgoing.len = wr_done(w).len;
	link->out_phase = phase;
	link->out_flags = flags;
	return wr_ok(w) ? OK : NO_MEMORY;
}

static struct cprom_frame next_fragment(const struct cprom_link *link, size_t room)
{
	struct slice rest =
		slice_of(link->outgoing.p + link->sent, link->outgoing.len - link->sent);
	struct cprom_frame f = { .flags = link->out_flags, .phase = link->out_phase, .data = rest };

	if (link->sent == 0 && rest.len < room)
		return f;
	f.flags |= CPROM_JUMBO;
	f.total = (uint32_t)link->outgoing.len;
	if (rest.len + JUMBO_HEADER > room) {
		f.flags |= CPROM_MORE;
		f.data.len = room > JUMBO_HEADER ? room - JUMBO_HEADER : 0;
	}
	return f;
}

void cprom_link_build(struct cprom_link *link, struct wr *w)
{
	struct cprom_frame ack = { .phase = link->phase }, f;

	if (link->gathering) {
		cprom_frame_build(w, &ack);
		return;
	}
	f = next_fragment(link, wr_room(w));
	cprom_frame_build(w, &f);
	link->sent += f.data.len;
	link->fragmenting = f.flags & CPROM_MORE;
	if (!link->fragmenting) {
		wipe(&link->outgoing);
		link->sent = 0;
	}
}
