/* The framing of EAP-TLS: what parses builds to the same octets; fragments of anything come
 * together again; whatever the fragments, the ceiling holds. */
#include "method/tls_frame.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void parse_and_build(struct slice in)
{
	static uint8_t out[1 << 20];
	struct wr w = wr_of(out, sizeof out);
	struct tls_frame f;

	if (tls_frame_parse(in, &f) != OK)
		return;
	tls_frame_build(&w, &f);
	assert(slice_eq(wr_done(&w), in));
	assert(f.total <= TLS_TOTAL_MAX);
}

/* The input as a flight of ours; its first two octets are the sizes. */
static void fragment_and_join(struct slice in)
{
	AUTO_VALUE(tls_reassembly) r = { 0 };
	struct rd rd = rd_of(in);
	size_t most = 1 + (size_t)rd_u8(&rd), room = 6 + (size_t)rd_u8(&rd);
	struct slice whole = rd_rest(&rd), left = whole;
	struct tls_frame f;

	if (whole.len == 0 || whole.len > TLS_TOTAL_MAX)
		return;
	do {
		f = tls_fragment(left, most, room, left.len == whole.len);
		assert(f.data.len <= most);
		assert(f.data.len + (f.flags & TLS_LENGTH ? 5 : 1) <= room);
		assert(tls_reassembly_add(&r, &f) == OK);
		left = slice_of(left.p + f.data.len, left.len - f.data.len);
	} while (f.flags & TLS_MORE);
	assert(r.complete);
	assert(slice_eq(bytes_slice(&r.flight), whole));
}

/* The input as frames of a hostile server: a length octet before each. */
static void join(struct slice in)
{
	AUTO_VALUE(tls_reassembly) r = { 0 };
	struct rd rd = rd_of(in);

	while (rd.left > 0) {
		size_t len = rd_u8(&rd);
		struct tls_frame f;

		if (tls_frame_parse(rd_bytes(&rd, len), &f) != OK)
			continue;
		if (tls_reassembly_add(&r, &f) != OK)
			assert(r.flight.p == NULL && !r.complete);
		assert(r.flight.len <= TLS_TOTAL_MAX);
		assert(r.total == 0 || r.flight.len <= r.total);
		assert(!(r.complete && r.total) || r.flight.len == r.total);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	parse_and_build(slice_of(data, size));
	fragment_and_join(slice_of(data, size));
	join(slice_of(data, size));
	return 0;
}
