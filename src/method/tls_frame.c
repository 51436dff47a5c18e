#include "method/tls_frame.h"

#define FLAGS_SIZE  1
#define LENGTH_SIZE 4

static enum status parse(struct slice in, bool with_outer, struct tls_frame *out)
{
	struct rd r = rd_of(in);
	struct tls_frame f = { .flags = rd_u8(&r) };
	size_t outer = 0;

	if (f.flags & TLS_LENGTH)
		f.total = rd_u32(&r);
	if (with_outer && (f.flags & TLS_OUTER))
		outer = rd_u32(&r);
	f.data = rd_bytes(&r, outer < r.left ? r.left - outer : 0);
	f.outer = rd_bytes(&r, outer);
	if (!rd_done(&r) || f.total > TLS_TOTAL_MAX)
		return MALFORMED;
	*out = f;
	return OK;
}

enum status tls_frame_parse(struct slice in, struct tls_frame *out)
{
	return parse(in, false, out);
}

enum status tls_frame_parse_outer(struct slice in, struct tls_frame *out)
{
	return parse(in, true, out);
}

void tls_frame_build(struct wr *w, const struct tls_frame *frame)
{
	wr_u8(w, frame->flags);
	if (frame->flags & TLS_LENGTH)
		wr_u32(w, frame->total);
	if (frame->outer.len > 0)
		wr_u32(w, (uint32_t)frame->outer.len);
	wr_bytes(w, frame->data);
	wr_bytes(w, frame->outer);
}

static const char *stray_fragment(const struct tls_frame *frame, bool fragmenting)
{
	return fragmenting && !tls_frame_is_ack(frame)
		       ? "something else than the acknowledgement of a fragment"
		       : NULL;
}

const char *tls_frame_stray_request(const struct tls_frame *frame, bool begun, bool fragmenting)
{
	if (!begun && !(frame->flags & TLS_START))
		return "data before the Start";
	if (begun && (frame->flags & TLS_START))
		return "a Start in the middle";
	return stray_fragment(frame, fragmenting);
}

const char *tls_frame_stray_response(const struct tls_frame *frame, bool fragmenting)
{
	if (frame->flags & TLS_START)
		return "a Start from the peer";
	return stray_fragment(frame, fragmenting);
}

static enum status append(struct tls_reassembly *r, const struct tls_frame *frame)
{
	bool more = frame->flags & TLS_MORE;

	if (frame->flags & TLS_LENGTH) {
		if (r->total != 0 && frame->total != r->total)
			return MALFORMED;
		r->total = frame->total;
	}
	/* A fragment of nothing would be acknowledged for ever. */
	if (more && frame->data.len == 0)
		return MALFORMED;

	enum status status =
		bytes_append(&r->flight, frame->data, r->total ? r->total : TLS_TOTAL_MAX);

	if (status != OK)
		return status;
	if (!more && r->total != 0 && r->flight.len != r->total)
		return MALFORMED;
	r->complete = !more;
	return OK;
}

enum status tls_reassembly_add(struct tls_reassembly *r, const struct tls_frame *frame)
{
	if (r->complete) {
		bytes_clear(&r->flight);
		r->total = 0;
		r->complete = false;
	}

	enum status status = append(r, frame);

	if (status != OK)
		tls_reassembly_done(r);
	return status;
}

void tls_reassembly_done(struct tls_reassembly *r)
{
	bytes_done(&r->flight);
	*r = (struct tls_reassembly){ 0 };
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

struct tls_frame tls_fragment(struct slice pending, size_t most, size_t room, bool first)
{
	struct tls_frame f = { .data = pending };
	size_t header = FLAGS_SIZE + (first ? LENGTH_SIZE : 0);

	/* L is for what is fragmented: the rest goes without. */
	if (pending.len <= most && pending.len + FLAGS_SIZE <= room)
		return f;
	f.flags = TLS_MORE;
	if (first) {
		f.flags |= TLS_LENGTH;
		f.total = (uint32_t)pending.len;
	}
	f.data.len = least(most, room > header ? room - header : 0);
	return f;
}
