#include "method/peap_tlv.h"
#include "method/ttls_avp.h"
#include "tests/talk/script.h"
#include "tests/test.h"

/* ---- AVPs of EAP-TTLS ---- */

/* "0/1! 4; 311/25 50": vendor/code, '!' if mandatory, and how much data. */
static bool describe(struct slice bytes, struct wr *w, struct wr *again)
{
	struct rd r = rd_of(bytes);

	while (r.left > 0) {
		struct ttls_avp avp;
		char text[64];

		if (ttls_avp_next(&r, &avp) != OK)
			return false;
		snprintf(text, sizeof text, "%s%u/%u%s %zu", w->len ? "; " : "", avp.vendor,
			 avp.code, avp.mandatory ? "!" : "", avp.data.len);
		wr_bytes(w, slice_str(text));
		ttls_avp_build(again, &avp);
	}
	return true;
}

static void check_avps(const struct script_line *line, struct slice bytes, const char *meaning)
{
	char text[256], ignored_text[256];
	uint8_t out[1024], third[1024];
	struct wr w = wr_of(text, sizeof text - 1), again = wr_of(out, sizeof out);
	struct wr ignored = wr_of(ignored_text, sizeof ignored_text);
	struct wr twice = wr_of(third, sizeof third);

	(void)line;
	if (!describe(bytes, &w, &again)) {
		CHECK_STR("malformed", meaning);
		return;
	}
	text[w.len] = 0;
	CHECK_STR(text, meaning);
	/* Padding and the V bit of vendor 0 are made good; then it stays. */
	CHECK(describe(wr_done(&again), &ignored, &twice));
	CHECK(slice_eq(wr_done(&again), wr_done(&twice)));
	CHECK(again.len % 4 == 0);
}

TEST(avps_mean_what_the_vectors_say)
{
	CHECK(script_vectors("ttls_avp.txt", check_avps));
}

/* ---- TLVs of PEAP ---- */

static void check_extensions(const struct script_line *line, struct slice bytes,
			     const char *meaning)
{
	static const char *const results[] = { "nothing", "success", "failure" };
	struct peap_extensions x, y;
	uint8_t out[128];
	struct wr w = wr_of(out, sizeof out);
	char text[80];

	(void)line;
	if (peap_extensions_parse(bytes, &x) != OK) {
		CHECK_STR("malformed", meaning);
		return;
	}
	snprintf(text, sizeof text, "%s%s%s", results[x.result], x.unknown ? ", unknown" : "",
		 !x.bound	  ? ""
		 : x.binding.kind ? ", binding response"
				  : ", binding request");
	CHECK_STR(text, meaning);
	peap_extensions_build(&w, &x);
	CHECK_INT(peap_extensions_parse(wr_done(&w), &y), OK);
	CHECK_INT(y.result, x.result);
	CHECK_INT(y.bound, x.bound);
	CHECK(memcmp(&y.binding, &x.binding, sizeof x.binding) == 0);
}

TEST(extensions_mean_what_the_vectors_say)
{
	CHECK(script_vectors("peap_tlv.txt", check_extensions));
}

TEST(only_extensions_have_a_header_inside_of_peap)
{
	static const uint8_t request[] = { 1, 9, 0, 11, 33, 0x80, 3, 0, 2, 0, 1 };
	static const uint8_t identity[] = { 1 };

	CHECK(peap_inner_is_whole(slice_of(request, sizeof request), 1));
	CHECK(!peap_inner_is_whole(slice_of(request, sizeof request), 2));
	CHECK(!peap_inner_is_whole(slice_of(request, sizeof request - 1), 1));
	CHECK(!peap_inner_is_whole(slice_of(request, 4), 1));
	CHECK(!peap_inner_is_whole(slice_of(identity, 1), 1));
	CHECK(!peap_inner_is_whole(slice_of(NULL, 0), 1));
}

/* Computed by another implementation of HMAC, from a tunnel key of 0, 1, … and an inner key of a0,
 * a1, … */
static const uint8_t cmk[] = { 0x1b, 0x68, 0x35, 0x05, 0x9a, 0xb8, 0xdc, 0xba, 0x5c, 0x71,
			       0xc3, 0x12, 0x89, 0x2c, 0x0d, 0x75, 0x18, 0x93, 0x6b, 0xbc };
static const uint8_t csk[] = {
	0x90, 0x5a, 0x5f, 0xd7, 0x8c, 0xcc, 0xc7, 0x20, 0x9b, 0x3a, 0x33, 0xf9, 0x4a, 0x1f, 0x59,
	0xe0, 0x51, 0xa8, 0xcf, 0xc6, 0xbb, 0x1c, 0xbb, 0x8b, 0x5e, 0xf8, 0x21, 0xb3, 0x90, 0x3f,
	0xee, 0xe5, 0x5c, 0xa7, 0x05, 0x36, 0x28, 0xf1, 0x87, 0xb0, 0x9c, 0x88, 0xee, 0xcb, 0x17,
	0xf6, 0x6a, 0x80, 0xa3, 0x5c, 0x41, 0xf0, 0x5a, 0x91, 0x0f, 0x68, 0xdd, 0xb0, 0xf9, 0x14,
	0x73, 0xbe, 0xf4, 0xed, 0xcc, 0x50, 0xc1, 0xa3, 0x84, 0xd9, 0x3a, 0x0e, 0x77, 0x96, 0x3a,
	0xac, 0x52, 0xd8, 0x0f, 0xd3, 0x7e, 0xb3, 0x33, 0x37, 0xd8, 0xbe, 0x64, 0xc3, 0x80, 0xf0,
	0x54, 0x46, 0x53, 0x02, 0x0c, 0xa2, 0xce, 0xd5, 0x00, 0x11, 0x8e, 0xab, 0x14, 0x9c, 0x1e,
	0xea, 0xed, 0x55, 0xb5, 0xad, 0x75, 0x48, 0xbe, 0x98, 0xf4, 0xcb, 0x53, 0x8e, 0xe8, 0xa8,
	0xca, 0x34, 0x77, 0x19, 0x7f, 0x1c, 0x03, 0x92
};
static const uint8_t mac[] = { 0x63, 0x02, 0x6a, 0x1d, 0x37, 0x6f, 0xa2, 0xdc, 0x88, 0x85,
			       0xc3, 0x09, 0xd4, 0x05, 0x6a, 0xac, 0xcc, 0x59, 0x04, 0x4a };

static void derive(struct peap_keys *keys, bool inner)
{
	uint8_t tk[PEAP_TK_SIZE], isk[PEAP_ISK_SIZE];

	for (size_t i = 0; i < sizeof tk; i++)
		tk[i] = (uint8_t)i;
	for (size_t i = 0; i < sizeof isk; i++)
		isk[i] = (uint8_t)(0xa0 + i);
	CHECK_INT(peap_keys_derive(tk, inner ? isk : NULL, keys), OK);
}

TEST(the_keys_of_peap)
{
	struct peap_keys keys;
	uint8_t got[PEAP_CSK_SIZE];

	derive(&keys, true);
	CHECK(memcmp(keys.cmk, cmk, sizeof cmk) == 0);
	CHECK_INT(peap_session_keys(&keys, got), OK);
	CHECK(memcmp(got, csk, sizeof csk) == 0);

	derive(&keys, false);
	CHECK_INT(keys.ipmk[39], 39);
	CHECK_INT(keys.cmk[0], 40);
}

TEST(the_mac_of_a_binding_covers_all_but_itself)
{
	struct peap_binding b = { .received_version = 1, .mac = { 1, 2 } };
	struct peap_keys keys;
	uint8_t got[PEAP_MAC_SIZE];

	memset(b.nonce, 0x11, sizeof b.nonce);
	derive(&keys, true);
	CHECK_INT(peap_binding_mac(&keys, &b, got), OK);
	CHECK(memcmp(got, mac, sizeof mac) == 0);
	b.kind = PEAP_BINDING_RESPONSE;
	CHECK_INT(peap_binding_mac(&keys, &b, got), OK);
	CHECK(memcmp(got, mac, sizeof mac) != 0);
}
