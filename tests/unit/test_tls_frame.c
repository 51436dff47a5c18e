#include "method/tls_frame.h"
#include "tests/talk/script.h"
#include "tests/test.h"

static void check_vector(const struct script_line *line, struct slice bytes, const char *meaning)
{
	struct tls_frame f;
	char text[80] = "malformed", total[24] = "";
	uint8_t out[512];
	struct wr w = wr_of(out, sizeof out);

	(void)line;
	if (tls_frame_parse(bytes, &f) != OK) {
		CHECK_STR(text, meaning);
		return;
	}
	if (f.flags & TLS_LENGTH)
		snprintf(total, sizeof total, ", total %u", f.total);
	snprintf(text, sizeof text, "flags %02x%s, %zu octets", f.flags, total, f.data.len);
	CHECK_STR(text, meaning);
	tls_frame_build(&w, &f);
	CHECK(slice_eq(wr_done(&w), bytes));
}

TEST(frames_mean_what_the_vectors_say)
{
	CHECK(script_vectors("tls_frame.txt", check_vector));
}

static enum status add(struct tls_reassembly *r, uint8_t flags, uint32_t total, const char *data)
{
	const struct tls_frame f = { flags, total, slice_str(data) };

	return tls_reassembly_add(r, &f);
}

TEST(a_flight_is_what_was_appended)
{
	AUTO_VALUE(tls_reassembly) r = { 0 };

	CHECK_INT(add(&r, TLS_LENGTH | TLS_MORE, 6, "ab"), OK);
	CHECK(!r.complete);
	CHECK_INT(add(&r, TLS_MORE, 0, "cd"), OK);
	CHECK(!r.complete);
	CHECK_INT(add(&r, 0, 0, "ef"), OK);
	CHECK(r.complete);
	CHECK(slice_eq(bytes_slice(&r.flight), slice_str("abcdef")));

	/* the next one begins afresh */
	CHECK_INT(add(&r, 0, 0, "x"), OK);
	CHECK(r.complete);
	CHECK(slice_eq(bytes_slice(&r.flight), slice_str("x")));
	CHECK_INT(add(&r, 0, 0, ""), OK);
	CHECK(r.complete);
	CHECK_INT(r.flight.len, 0);
}

TEST(the_length_may_be_on_each_fragment_or_on_none)
{
	AUTO_VALUE(tls_reassembly) r = { 0 };

	CHECK_INT(add(&r, TLS_LENGTH | TLS_MORE, 4, "ab"), OK);
	CHECK_INT(add(&r, TLS_LENGTH, 4, "cd"), OK);
	CHECK(r.complete);
	CHECK_INT(add(&r, TLS_MORE, 0, "ab"), OK);
	CHECK_INT(add(&r, TLS_LENGTH, 4, "cd"), OK);
	CHECK(r.complete);
	CHECK_INT(add(&r, TLS_MORE, 0, "ab"), OK);
	CHECK_INT(add(&r, 0, 0, "cd"), OK);
	CHECK(r.complete);
	CHECK(slice_eq(bytes_slice(&r.flight), slice_str("abcd")));
}

TEST(fragments_have_to_add_up)
{
	static const struct {
		uint8_t flags;
		uint32_t total;
		const char *data;
	} wrong[] = {
		{ TLS_LENGTH, 5, "cd" },	   /* another total */
		{ 0, 0, "c" },			   /* too little */
		{ 0, 0, "cde" },		   /* too much */
		{ TLS_MORE, 0, "cde" },		   /* the same, before the end */
		{ TLS_MORE, 0, "" },		   /* nothing, for ever */
		{ TLS_LENGTH | TLS_MORE, 1, "b" }, /* less than there is */
	};

	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		AUTO_VALUE(tls_reassembly) r = { 0 };

		CHECK_INT(add(&r, TLS_LENGTH | TLS_MORE, 4, "ab"), OK);
		CHECK_INT(add(&r, wrong[i].flags, wrong[i].total, wrong[i].data), MALFORMED);
		CHECK(!r.complete);
		CHECK(r.flight.p == NULL);
	}
}

/* A flight of so many octets, in fragments of 1000, with or without its length. */
static enum status whole(size_t size, bool announced)
{
	static const uint8_t zeros[1000];
	AUTO_VALUE(tls_reassembly) r = { 0 };
	enum status status = OK;

	for (size_t left = size; left > 0 && status == OK;) {
		size_t n = left < sizeof zeros ? left : sizeof zeros;
		struct tls_frame f = { .data = slice_of(zeros, n) };

		left -= n;
		f.flags = (uint8_t)((left ? TLS_MORE : 0) | (announced ? TLS_LENGTH : 0));
		f.total = announced ? (uint32_t)size : 0;
		status = tls_reassembly_add(&r, &f);
	}
	return status;
}

TEST(a_flight_has_a_ceiling)
{
	CHECK_INT(whole(TLS_TOTAL_MAX, true), OK);
	CHECK_INT(whole(TLS_TOTAL_MAX, false), OK);
	CHECK_INT(whole(TLS_TOTAL_MAX + 1, false), MALFORMED);
}

TEST(a_flight_that_fits_goes_in_one_piece_without_a_length)
{
	struct tls_frame f = tls_fragment(slice_str("abcd"), SIZE_MAX, 5, true);

	CHECK_INT(f.flags, 0);
	CHECK_INT(f.data.len, 4);
	f = tls_fragment(slice_of(NULL, 0), SIZE_MAX, 5, true);
	CHECK_INT(f.flags, 0);
	CHECK_INT(f.data.len, 0);
}

TEST(fragments_fit_and_the_first_has_the_length)
{
	struct tls_frame f = tls_fragment(slice_str("abcdefgh"), SIZE_MAX, 8, true);

	CHECK_INT(f.flags, TLS_LENGTH | TLS_MORE);
	CHECK_INT(f.total, 8);
	CHECK_INT(f.data.len, 3);
	f = tls_fragment(slice_str("defghijk"), SIZE_MAX, 8, false);
	CHECK_INT(f.flags, TLS_MORE);
	CHECK_INT(f.data.len, 7);
	f = tls_fragment(slice_str("k"), SIZE_MAX, 8, false);
	CHECK_INT(f.flags, 0);
	CHECK_INT(f.data.len, 1);
}

TEST(fragments_are_as_small_as_asked_for)
{
	struct tls_frame f = tls_fragment(slice_str("abc"), 1, 1000, true);

	CHECK_INT(f.flags, TLS_LENGTH | TLS_MORE);
	CHECK_INT(f.data.len, 1);
	f = tls_fragment(slice_str("c"), 1, 1000, false);
	CHECK_INT(f.flags, 0);
	CHECK_INT(f.data.len, 1);
}

/* RFC 9930, section 4.1 */
TEST(outer_tlvs_stand_behind_the_data)
{
	static const uint8_t packet[] = {
		TLS_START | TLS_OUTER | 1, 0, 0, 0, 3, 'd', 'a', 'x', 'y', 'z'
	};
	static const uint8_t beyond[] = { TLS_OUTER | 1, 0, 0, 0, 2, 'x' };
	uint8_t out[sizeof packet];
	struct wr w = wr_of(out, sizeof out);
	struct tls_frame f;

	REQUIRE(tls_frame_parse_outer(slice_of(packet, sizeof packet), &f) == OK);
	CHECK(slice_eq(f.data, slice_str("da")));
	CHECK(slice_eq(f.outer, slice_str("xyz")));
	tls_frame_build(&w, &f);
	CHECK(slice_eq(wr_done(&w), slice_of(packet, sizeof packet)));
	CHECK_INT(tls_frame_parse_outer(slice_of(beyond, sizeof beyond), &f), MALFORMED);

	/* the bit is reserved for all others */
	REQUIRE(tls_frame_parse(slice_of(packet, sizeof packet), &f) == OK);
	CHECK_INT(f.data.len, 9);
	CHECK_INT(f.outer.len, 0);
}
