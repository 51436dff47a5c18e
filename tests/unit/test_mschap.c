#include "method/mschap.h"
#include "method/mschapv2_packet.h"
#include "tests/legacy.h"
#include "tests/talk/script.h"
#include "tests/test.h"

#define SAME(got, wanted)                                                                          \
	CHECK(slice_eq(slice_of(got, sizeof(got)), slice_of(wanted, sizeof(wanted))))

/* RFC 2759, section 9.2; RFC 3079, section 3.5.3. */
static const struct mschapv2 exchange = {
	.authenticator = { 0x5b, 0x5d, 0x7c, 0x7d, 0x7b, 0x3f, 0x2f, 0x3e, 0x3c, 0x2c, 0x60, 0x21,
			   0x32, 0x26, 0x26, 0x28 },
	.peer = { 0x21, 0x40, 0x23, 0x24, 0x25, 0x5e, 0x26, 0x2a, 0x28, 0x29, 0x5f, 0x2b, 0x3a,
		  0x33, 0x7c, 0x7e },
	.name = { (const uint8_t *)"User", 4 },
};
static const uint8_t hash[] = { 0x44, 0xeb, 0xba, 0x8d, 0x53, 0x12, 0xb8, 0xd6,
				0x11, 0x47, 0x44, 0x11, 0xf5, 0x69, 0x89, 0xae };
static const uint8_t response[] = { 0x82, 0x30, 0x9e, 0xcd, 0x8d, 0x70, 0x8b, 0x5e,
				    0xa0, 0x8f, 0xaa, 0x39, 0x81, 0xcd, 0x83, 0x54,
				    0x42, 0x33, 0x11, 0x4a, 0x3d, 0x85, 0xd6, 0xdf };
static const char proof[] = "S=407A5589115FD0D6209F510FE9C04566932CDA56";

TEST(the_hash_of_a_password)
{
	uint8_t got[MSCHAP_HASH_SIZE];

	CHECK_INT(mschap_password_hash(test_mschap(), slice_str("clientPass"), got), OK);
	SAME(got, hash);
}

/* Made by another implementation: iconv -t UTF-16LE, then MD4. */
TEST(the_hash_of_a_password_beyond_ascii)
{
	static const uint8_t wanted[] = { 0x58, 0x57, 0x60, 0xe5, 0xbe, 0x88, 0x88, 0xff,
					  0x66, 0x2e, 0x31, 0xfe, 0xef, 0xe7, 0xda, 0x3b };
	uint8_t got[MSCHAP_HASH_SIZE];

	CHECK_INT(mschap_password_hash(test_mschap(),
				       slice_str("p\xc3\xa4ss\xe2\x82\xac\xf0\x9f\x94\x91"), got),
		  OK);
	SAME(got, wanted);
}

TEST(what_is_no_utf8_is_no_password)
{
	static const char *const bad[] = {
		"\x80",		"a\xc3",	"\xc0\x80",
		"\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
		"\xff",		"\xc3(",	"\xf8\x88\x80\x80\x80",
	};
	uint8_t got[MSCHAP_HASH_SIZE];

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		CHECK_INT(mschap_password_hash(test_mschap(), slice_str(bad[i]), got), MALFORMED);
}

TEST(a_password_may_have_256_characters)
{
	uint8_t got[MSCHAP_HASH_SIZE], text[MSCHAP_PASSWORD_MAX + 1];

	memset(text, 'a', sizeof text);
	CHECK_INT(mschap_password_hash(test_mschap(), slice_of(text, 256), got), OK);
	CHECK_INT(mschap_password_hash(test_mschap(), slice_of(text, 257), got), MALFORMED);
	CHECK_INT(mschap_password_hash(test_mschap(), slice_of(NULL, 0), got), OK);
}

TEST(the_response_of_rfc_2759)
{
	uint8_t got[MSCHAP_RESPONSE_SIZE];

	CHECK_INT(mschapv2_response(test_mschap(), &exchange, hash, got), OK);
	SAME(got, response);
}

TEST(a_domain_is_left_out_of_the_challenge)
{
	struct mschapv2 with = exchange;
	uint8_t got[MSCHAP_RESPONSE_SIZE];

	with.name = slice_str("BIGCO\\User");
	CHECK_INT(mschapv2_response(test_mschap(), &with, hash, got), OK);
	SAME(got, response);
	CHECK(slice_eq(mschap_user(slice_str("\\")), slice_str("")));
	CHECK(slice_eq(mschap_user(slice_of(NULL, 0)), slice_str("")));
}

TEST(the_proof_of_rfc_2759)
{
	char got[MSCHAPV2_PROOF_SIZE];

	CHECK_INT(mschapv2_proof(test_mschap(), &exchange, hash, response, got), OK);
	CHECK(memcmp(got, proof, sizeof got) == 0);
}

TEST(a_proof_is_taken_in_any_case_and_nothing_else)
{
	char text[] = "s=407A5589115FD0D6209F510FE9C04566932CDA56 M=welcome";

	CHECK(mschapv2_proven(slice_str(proof), proof));
	CHECK(!mschapv2_proven(slice_str(text), proof));
	text[0] = 'S';
	CHECK(mschapv2_proven(slice_str(text), proof));
	text[5] = 'a';
	CHECK(mschapv2_proven(slice_str(text), proof));
	text[41] = '7';
	CHECK(!mschapv2_proven(slice_str(text), proof));
	CHECK(!mschapv2_proven(slice_of(proof, MSCHAPV2_PROOF_SIZE - 1), proof));
	CHECK(!mschapv2_proven(slice_of(NULL, 0), proof));
}

/* SendStartKey128 of the example is the server's: "On the client side, this is the receive key". */
TEST(the_keys_of_rfc_3079)
{
	static const uint8_t server_sends[] = { 0x8b, 0x7c, 0xdc, 0x14, 0x9b, 0x99, 0x3a, 0x1b,
						0xa1, 0x18, 0xcb, 0x15, 0x3f, 0x56, 0xdc, 0xcb };
	uint8_t got[MSCHAPV2_KEY_SIZE];

	CHECK_INT(mschapv2_keys(test_mschap(), hash, response, got), OK);
	CHECK(memcmp(got + 16, server_sends, 16) == 0);
	CHECK(memcmp(got, server_sends, 16) != 0);
}

/* RFC 1994 has no example; this is what md5sum makes of 01, "secret" and sixteen zeros. */
TEST(chap_is_md5)
{
	static const uint8_t zeros[16];
	static const uint8_t wanted[] = { 0x75, 0x70, 0xc6, 0x53, 0xcd, 0xf4, 0x75, 0x5c,
					  0xcf, 0xfc, 0xaa, 0x80, 0xf2, 0x92, 0x68, 0xd1 };
	uint8_t got[CHAP_RESPONSE_SIZE];

	CHECK_INT(chap_response(1, slice_str("secret"), slice_of(zeros, 16), got), OK);
	SAME(got, wanted);
}

/* ---- failures ---- */

TEST(a_failure_is_read)
{
	struct mschap_error e;

	mschap_error_parse(slice_str("E=691 R=1 C=000102030405060708090a0B0C0D0E0F V=3 M=Try "
				     "again, E=5"),
			   &e);
	CHECK_INT(e.code, 691);
	CHECK(e.retry);
	CHECK(e.has_challenge);
	CHECK_INT(e.challenge[15], 15);
	CHECK_INT(e.version, 3);
	CHECK(slice_eq(e.message, slice_str("Try again, E=5")));
}

TEST(a_failure_that_is_odd_is_read_as_far_as_it_goes)
{
	static const char *const odd[] = {
		"", "E", "E=", "E=abc", "=", "E=99999999999999999999", "C=00", "M", "   ", "E691"
	};
	struct mschap_error e;

	for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
		mschap_error_parse(slice_str(odd[i]), &e);
		CHECK_INT(e.code, 0);
		CHECK(!e.retry && !e.has_challenge);
		CHECK_INT(e.message.len, 0);
	}
	mschap_error_parse(slice_str("E=648 R=0"), &e);
	CHECK_INT(e.code, MSCHAP_PASSWORD_EXPIRED);
	CHECK_STR(mschap_error_text(e.code), "the password has expired");
}

TEST(what_is_built_is_read)
{
	const struct mschap_error error = { .code = 691,
					    .retry = true,
					    .has_challenge = true,
					    .challenge = { 0xab, 0xcd },
					    .version = 3,
					    .message = slice_str("no") };
	struct mschap_error e;
	uint8_t text[128];
	struct wr w = wr_of(text, sizeof text);

	mschap_error_build(&w, &error);
	CHECK(slice_eq(wr_done(&w), slice_str("E=691 R=1 C=ABCD0000000000000000000000000000 V=3 "
					      "M=no")));
	mschap_error_parse(wr_done(&w), &e);
	CHECK_INT(e.code, 691);
	CHECK_INT(e.challenge[0], 0xab);
}

/* ---- packets of EAP-MSCHAPv2 ---- */

static void check_packet(const struct script_line *line, struct slice bytes, const char *meaning)
{
	static const char *const ops[] = { "", "challenge", "response", "success", "failure" };
	struct mschapv2_packet p;
	uint8_t out[1024];
	struct wr w = wr_of(out, sizeof out);
	char text[128] = "malformed", name[64];
	enum status status = mschapv2_packet_parse(bytes, &p);

	(void)line;
	if (status == UNSUPPORTED)
		snprintf(text, sizeof text, "unsupported");
	if (status != OK) {
		CHECK_STR(text, meaning);
		return;
	}
	if (p.bare)
		snprintf(text, sizeof text, "%s", ops[p.op]);
	else
		snprintf(text, sizeof text, "%s %u %s", ops[p.op], p.id,
			 printable(p.text, name, sizeof name));
	CHECK_STR(text, meaning);
	mschapv2_packet_build(&w, &p);
	CHECK(slice_eq(wr_done(&w), bytes));
}

TEST(packets_mean_what_the_vectors_say)
{
	CHECK(script_vectors("mschapv2.txt", check_packet));
}
