#include "enrol/token.h"
#include "tests/test.h"

#include <ctype.h>

/* Made by an implementation of its own, in another language. */
static const struct {
	struct token token;
	const char *text;
} vectors[] = {
	{ { { 0 }, { 0 }, { 0 } },
	  "LK1-0000-0000-0000-0000-0000-0000-0000-0000-0000-0000-0000-0000-0000-0000-0008-2JXV" },
	{ { { 0x17, 0xb9, 0x63, 0x9c, 0x99 },
	    { 0xee, 0xbb, 0x8b, 0xf2, 0x7d, 0xc5, 0x99, 0xa4, 0xae, 0x76, 0x2a, 0xcc, 0xf0, 0x58,
	      0x43, 0xcd },
	    { 0xb2, 0x95, 0x1e, 0xb2, 0x39, 0x7b, 0xb3, 0x93, 0x3c, 0xea, 0xb5, 0xc4, 0x55, 0x65,
	      0x11, 0xe0 } },
	  "LK1-2YWP-774S-XTXR-QWKX-RPCT-9BKP-5B6F-0P23-SPS9-A7NJ-75XV-74SW-XATW-8NB5-27G6-8307" },
	{ { { 0x52, 0x30, 0x0c, 0x64, 0x8d },
	    { 0x7b, 0xf3, 0xbe, 0x99, 0x67, 0x63, 0x79, 0x71, 0xf2, 0xdf, 0x72, 0x10, 0xfc, 0x20,
	      0x73, 0x55 },
	    { 0xad, 0x03, 0x5c, 0x7e, 0x97, 0xb3, 0x55, 0xb8, 0xc7, 0xc3, 0x47, 0x98, 0x70, 0x0b,
	      0xe9, 0x43 } },
	  "LK1-A8R0-RS4D-FFSV-X6B7-CDWQ-3WPZ-E88F-R83K-APPG-6Q3Y-JYSN-BE67-RD3S-GW0B-X51W-AVTN" },
};

static bool same(const struct token *a, const struct token *b)
{
	return memcmp(a, b, sizeof *a) == 0;
}

static enum status parse(const char *text, struct token *ret, struct diagnosis *why)
{
	return token_parse(slice_str(text), ret, why);
}

static void check_refused(const char *text, enum status wanted, const char *detail)
{
	struct diagnosis why = { 0 };
	struct token token;

	CHECK_INT(parse(text, &token, &why), wanted);
	CHECK_INT(why.id, DIAG_TOKEN_TEXT);
	CHECK_STR(diagnosis_evidence(&why, "detail"), detail);
}

TEST(the_vectors_hold_in_both_directions)
{
	for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
		char text[TOKEN_TEXT_MAX];
		struct diagnosis why;
		struct token token;

		token_format(&vectors[i].token, text);
		CHECK_STR(text, vectors[i].text);
		REQUIRE(parse(vectors[i].text, &token, &why) == OK);
		CHECK(same(&token, &vectors[i].token));
	}
}

TEST(case_blanks_hyphens_and_letters_that_look_alike_do_not_count)
{
	static const char with_blanks[] = " LKI A8RO-RS4D FFSV\tX6B7--CDWQ 3WPZ\r\nE88F R83K "
					  "APPG 6Q3Y JYSN BE67 RD3S GWoB X5lW AVTN\n";
	static const char with_hyphens[] = "1KL-A8R0-RS4D-FFSV-X6B7-CDWQ-3WPZ-E88F-R83K-APPG-6Q3Y-"
					   "JYSN-BE67-RD3S-GW0B-X5iW-AVTN";
	static const char *const spellings[] = {
		"lk1a8r0rs4dffsvx6b7cdwq3wpze88fr83kappg6q3yjysnbe67rd3sgw0bx51wavtn",
		with_blanks,
		with_hyphens,
	};

	for (size_t i = 0; i < sizeof spellings / sizeof spellings[0]; i++) {
		struct diagnosis why;
		struct token token;

		REQUIRE(parse(spellings[i], &token, &why) == OK);
		CHECK(same(&token, &vectors[2].token));
	}
}

/* Two spellings of one digit are not an error. */
static char plain(char c)
{
	c = (char)toupper((unsigned char)c);
	return c == 'O' ? '0' : c == 'I' || c == 'L' ? '1' : c;
}

TEST(every_single_wrong_character_is_noticed)
{
	static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
	size_t tried = 0;

	for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
		for (size_t at = 0; vectors[i].text[at]; at++) {
			for (const char *c = alphabet; *c; c++) {
				char text[TOKEN_TEXT_MAX];
				struct diagnosis why;
				struct token token;

				snprintf(text, sizeof text, "%s", vectors[i].text);
				if (text[at] == '-' || plain(text[at]) == *c)
					continue;
				text[at] = *c;
				CHECK(parse(text, &token, &why) != OK);
				tried++;
			}
		}
	}
	CHECK_INT(tried, 3 * 67 * 31);
}

TEST(every_two_characters_that_were_exchanged_are_noticed)
{
	size_t tried = 0;

	for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
		size_t len = strlen(vectors[i].text);

		for (size_t a = 0; a < len; a++) {
			for (size_t b = a + 1; b < len; b++) {
				char text[TOKEN_TEXT_MAX], kept;
				struct diagnosis why;
				struct token token;

				snprintf(text, sizeof text, "%s", vectors[i].text);
				if (text[a] == '-' || text[b] == '-' ||
				    plain(text[a]) == plain(text[b]))
					continue;
				kept = text[a];
				text[a] = text[b];
				text[b] = kept;
				CHECK(parse(text, &token, &why) != OK);
				tried++;
			}
		}
	}
	CHECK(tried > 4000);
}

TEST(a_character_that_is_missing_or_too_much_is_noticed)
{
	const char *whole = vectors[2].text;

	for (size_t at = 0; whole[at]; at++) {
		char less[2 * TOKEN_TEXT_MAX], more[2 * TOKEN_TEXT_MAX + 1];
		struct diagnosis why;
		struct token token;

		if (whole[at] == '-')
			continue;
		snprintf(less, sizeof less, "%.*s%s", (int)at, whole, whole + at + 1);
		snprintf(more, sizeof more, "%.*s7%s", (int)at, whole, whole + at);
		CHECK(parse(less, &token, &why) != OK);
		CHECK(parse(more, &token, &why) != OK);
	}
}

TEST(each_refusal_has_its_reason)
{
	char text[TOKEN_INPUT_MAX + 2];

	check_refused("", MALFORMED, "it does not begin with LK1");
	check_refused("hello", MALFORMED, "it does not begin with LK1");
	check_refused("https://example.org/", MALFORMED, "it does not begin with LK1");
	check_refused("LK1", MALFORMED, "it is too short");
	check_refused("LK2-A8R0", UNSUPPORTED,
		      "it is of another version than LK1, which this program does not know");
	check_refused("LK1-A8U0", MALFORMED, "there is a character in it that no token has");
	check_refused("LK1-A8R0-RS4D-FFSV-X6B7-CDWQ-3WPZ-E88F-R83K-APPG-6Q3Y-JYSN-BE67-RD3S-GW0B-"
		      "X51W-AVTM",
		      MALFORMED, "it was typed or copied wrongly somewhere");
	snprintf(text, sizeof text, "%s0", vectors[2].text);
	check_refused(text, MALFORMED, "it is too long");
	memset(text, ' ', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	check_refused(text, MALFORMED, "it is too long");
}

TEST(a_token_that_is_refused_leaves_no_secret)
{
	static const struct token none;
	struct diagnosis why;
	struct token token = { 0 };

	CHECK(parse("LK1-A8R0-RS4D-FFSV-X6B7-CDWQ-3WPZ-E88F-R83K-APPG-6Q3Y-JYSN-BE67-RD3S-GW0B-"
		    "X51W-AVTM",
		    &token, &why) != OK);
	CHECK(same(&token, &none));
}

TEST(the_id_alone_is_eight_characters)
{
	uint8_t id[TOKEN_ID_SIZE];
	char text[TOKEN_ID_TEXT_MAX];

	token_id_format(vectors[2].token.id, text);
	CHECK_STR(text, "A8R0RS4D");
	REQUIRE(token_id_parse(slice_str("a8rOrs4d"), id) == OK);
	CHECK(memcmp(id, vectors[2].token.id, sizeof id) == 0);
	CHECK_INT(token_id_parse(slice_str("A8R0RS4"), id), MALFORMED);
	CHECK_INT(token_id_parse(slice_str("A8R0RS4U"), id), MALFORMED);
	CHECK_INT(token_id_parse(slice_str("A8R0RS4DD"), id), MALFORMED);
}
