#include "tests/test.h"

#include "base/bytes.h"
#include "base/diagnosis.h"
#include "base/list.h"
#include "base/moment.h"

TEST(a_reader_yields_integers_in_network_order)
{
	static const uint8_t in[] = {
		1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18
	};
	struct rd r = rd_of(slice_of(in, sizeof in));

	CHECK_INT(rd_u8(&r), 0x01);
	CHECK_INT(rd_u16(&r), 0x0203);
	CHECK_INT(rd_u24(&r), 0x040506);
	CHECK_INT(rd_u32(&r), 0x0708090a);
	CHECK(rd_u64(&r) == 0x0b0c0d0e0f101112);
	CHECK(rd_done(&r));
}

TEST(a_short_read_is_bad_for_good)
{
	static const uint8_t in[] = { 1, 2, 3 };
	struct rd r = rd_of(slice_of(in, sizeof in));

	CHECK_INT(rd_u32(&r), 0);
	CHECK(!rd_ok(&r));
	CHECK_INT(rd_u8(&r), 0);
	CHECK_INT(rd_rest(&r).len, 0);
	CHECK(!rd_done(&r));
}

TEST(what_is_left_over_is_not_done)
{
	struct rd r = rd_of(slice_str("ab"));

	rd_u8(&r);
	CHECK(rd_ok(&r));
	CHECK(!rd_done(&r));
	CHECK(slice_eq(rd_rest(&r), slice_str("b")));
	CHECK(rd_done(&r));
}

TEST(a_writer_fills_in_lengths)
{
	uint8_t out[16];
	struct wr w = wr_of(out, sizeof out);

	wr_u8(&w, 7);
	size_t mark = wr_open16(&w);
	wr_bytes(&w, slice_str("abc"));
	wr_close16(&w, mark);
	CHECK(slice_eq(wr_done(&w), slice_of("\7\0\3abc", 6)));

	w = wr_of(out, sizeof out);
	wr_u8(&w, 2);
	mark = wr_open16(&w);
	wr_u8(&w, 9);
	wr_close16_from(&w, mark, 0);
	CHECK(slice_eq(wr_done(&w), slice_of("\2\0\4\t", 4)));
}

TEST(a_write_that_does_not_fit_is_bad_for_good)
{
	uint8_t out[3] = { 0 };
	struct wr w = wr_of(out, sizeof out);

	wr_u32(&w, 1);
	CHECK(!wr_ok(&w));
	wr_u8(&w, 1);
	CHECK_INT(wr_done(&w).len, 0);
	CHECK_INT(wr_room(&w), 0);
	CHECK_INT(out[0], 0);
}

TEST(a_length_that_does_not_fit_16_bits_is_bad)
{
	static uint8_t out[70000], in[65536];
	struct wr w = wr_of(out, sizeof out);
	size_t mark = wr_open16(&w);

	wr_bytes(&w, slice_of(in, sizeof in));
	wr_close16(&w, mark);
	CHECK(!wr_ok(&w));
}

TEST(bytes_grow_to_their_ceiling_and_no_further)
{
	AUTO_VALUE(bytes) b = { 0 };

	CHECK_INT(bytes_append(&b, slice_str("abc"), 5), OK);
	CHECK_INT(bytes_append(&b, slice_str("def"), 5), MALFORMED);
	CHECK(slice_eq(bytes_slice(&b), slice_str("abc")));
	CHECK_INT(bytes_append(&b, slice_str("de"), 5), OK);
	CHECK(slice_eq(bytes_slice(&b), slice_str("abcde")));
	CHECK_INT(bytes_set(&b, slice_str("x")), OK);
	CHECK(slice_eq(bytes_slice(&b), slice_str("x")));
}

TEST(a_secret_moves_and_leaves_nothing)
{
	AUTO_VALUE(secret) a = { 0 };
	AUTO_VALUE(secret) b = { 0 };

	REQUIRE(secret_set(&a, slice_str("key")) == OK);
	secret_move(&b, &a);
	CHECK_INT(a.len, 0);
	CHECK(a.p == NULL);
	CHECK(slice_eq(secret_slice(&b), slice_str("key")));
}

TEST(what_is_taken_leaves_nothing_and_is_named_once)
{
	char a[] = "a", b[] = "b";
	char *owned[] = { a, b };
	size_t n = 2;

	CHECK(TAKE(owned[--n]) == b);
	CHECK_INT(n, 1);
	CHECK(owned[0] == a);
	CHECK(owned[1] == NULL);
}

TEST(time_does_not_run_over)
{
	CHECK(msec_after(NEVER, 1) == NEVER);
	CHECK(msec_after(5, NEVER) == NEVER);
	CHECK_INT(msec_after(5, 6), 11);
	CHECK_INT(msec_earlier(5, NEVER), 5);
}

TEST(what_is_taken_is_named_once)
{
	char a, b, *list[] = { &a, &b };
	size_t count = 2;

	CHECK(TAKE(list[--count]) == &b);
	CHECK_INT(count, 1);
	CHECK(list[0] == &a && !list[1]);
}

TEST(a_list_may_lose_the_current_node)
{
	struct list head, a, b;
	int seen = 0;

	list_init(&head);
	list_append(&head, &a);
	list_append(&head, &b);
	list_each (node, &head) {
		list_remove(node);
		list_remove(node);
		seen++;
	}
	CHECK_INT(seen, 2);
	CHECK(list_empty(&head));
}

TEST(every_diagnosis_has_a_name_a_cause_and_advice)
{
	for (int id = DIAG_NONE + 1; id < DIAG_COUNT; id++) {
		const struct diagnosis_text *text = diagnosis_text((enum diagnosis_id)id);
		enum diagnosis_id found = DIAG_NONE;

		REQUIRE(text->name && text->cause && text->next);
		CHECK(strspn(text->name, "abcdefghijklmnopqrstuvwxyz0123456789-") ==
		      strlen(text->name));
		CHECK(strlen(text->next) > 10);
		CHECK(!strchr(text->cause, '"') && !strchr(text->next, '"'));
		CHECK(diagnosis_by_name(text->name, &found));
		CHECK_INT(found, id);
	}
}

TEST(a_sentence_holds_its_evidence)
{
	struct diagnosis d;
	char text[256];

	diagnosis_set(&d, DIAG_SERVER_CERT_EXPIRED);
	diagnosis_add(&d, "subject", "CN=%s", "radius");
	CHECK_STR(diagnosis_sentence(&d, text, sizeof text),
		  "The certificate CN=radius of the server expired on ….");
	diagnosis_add(&d, "now", "yesterday");
	CHECK(strstr(diagnosis_next(&d, text, sizeof text), "says yesterday.") != NULL);
	diagnosis_add_time(&d, "not_after", 0);
	CHECK_STR(diagnosis_sentence(&d, text, sizeof text),
		  "The certificate CN=radius of the server expired on 1970-01-01T00:00:00Z.");
	CHECK_STR(diagnosis_evidence(&d, "subject"), "CN=radius");
	CHECK(diagnosis_evidence(&d, "issuer") == NULL);
}

TEST(a_sentence_is_cut_to_its_buffer)
{
	struct diagnosis d;
	char text[10];

	diagnosis_set(&d, DIAG_SERVER_CERT_EXPIRED);
	CHECK(strlen(diagnosis_sentence(&d, text, sizeof text)) < sizeof text);
}

TEST(evidence_from_the_wire_cannot_write_on_the_terminal)
{
	struct diagnosis d;

	diagnosis_set(&d, DIAG_SERVER_UNTRUSTED);
	diagnosis_add(&d, "subject", "%s", "a\x1b[2J\nb\xff\xc3\xa9\xc2\x9b\xe2\x80\xae");
	CHECK_STR(diagnosis_evidence(&d, "subject"), "a?[2J?b?é?????");
}

TEST(evidence_from_the_wire_cannot_end_a_quotation)
{
	struct diagnosis d;

	diagnosis_set(&d, DIAG_SERVER_UNTRUSTED);
	diagnosis_add(&d, "subject", "%s", "CN=a\" id=none next=\"");
	CHECK_STR(diagnosis_evidence(&d, "subject"), "CN=a' id=none next='");
}

TEST(too_much_evidence_is_left_out)
{
	static const char *const keys[] = { "a", "b", "c", "d", "e", "f", "g", "h", "i", "j" };
	struct diagnosis d;

	diagnosis_set(&d, DIAG_INTERNAL);
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		diagnosis_add(&d, keys[i], "%zu", i);
	CHECK_INT(d.evidence_count, DIAGNOSIS_EVIDENCE_MAX);
	diagnosis_add(&d, "a", "new");
	CHECK_STR(diagnosis_evidence(&d, "a"), "new");
}

TEST(values_keep_their_places_when_one_is_replaced)
{
	struct diagnosis d, other;

	diagnosis_set(&d, DIAG_INTERNAL);
	diagnosis_add(&d, "a", "one");
	diagnosis_add(&d, "b", "%s", "");
	diagnosis_add(&d, "c", "three");
	other = d;
	CHECK(diagnosis_same(&d, &other));
	diagnosis_add(&d, "a", "%s and more", diagnosis_evidence(&d, "a"));
	CHECK_STR(diagnosis_evidence(&d, "a"), "one and more");
	CHECK_STR(diagnosis_evidence(&d, "b"), "");
	CHECK_STR(diagnosis_evidence(&d, "c"), "three");
	CHECK_STR(d.key[0], "b");
	CHECK_STR(diagnosis_value(&d, 2), "one and more");
	CHECK(!diagnosis_same(&d, &other));
}

TEST(long_evidence_is_cut_where_the_room_ends)
{
	static const char *const keys[] = { "a", "b", "c", "d", "e", "f", "g", "h" };
	char text[DIAGNOSIS_VALUE_MAX];
	struct diagnosis d;

	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	diagnosis_set(&d, DIAG_INTERNAL);
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		diagnosis_add(&d, keys[i], "%s", text);
	CHECK_STR(diagnosis_evidence(&d, "c"), text);
	CHECK_INT(strlen(diagnosis_evidence(&d, "d")), DIAGNOSIS_TEXT_MAX - 3 * sizeof text - 1);
	CHECK(diagnosis_evidence(&d, "e") == NULL);
	diagnosis_add(&d, "a", "short");
	CHECK_STR(diagnosis_evidence(&d, "a"), "short");
}
