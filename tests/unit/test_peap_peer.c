#include "method/peap_peer.h"

#include "method/gtc_peer.h"
#include "method/mschapv2_packet.h"
#include "method/mschapv2_peer.h"
#include "method/peap_tlv.h"
#include "method/tls_keys.h"
#include "tests/test.h"
#include "tests/tunnel_rig.h"

#define RIG(name)                                                                                  \
	__attribute__((cleanup(tunnel_rig_done))) struct tunnel_rig name;                          \
	tunnel_rig_init(&name)

/* A peer that does EAP-GTC and EAP-MSCHAPv2 inside. */
static void rig_make(struct tunnel_rig *rig, bool require_binding)
{
	const struct inner_account account = tunnel_rig_account(rig);
	struct inner_peer_settings settings = { .identity = account.identity, .offer_count = 2 };
	struct peap_peer_settings peap = { .require_binding = require_binding };
	struct mschapv2_peer *mschapv2;
	struct gtc_peer *gtc;

	tunnel_rig_load(rig);
	REQUIRE(mschapv2_peer_new(&account, &mschapv2) == OK);
	REQUIRE(gtc_peer_new(&account, &gtc) == OK);
	settings.offers[0] = (struct eap_peer_offer){ &gtc_peer_method, gtc };
	settings.offers[1] = (struct eap_peer_offer){ &mschapv2_peer_method, mschapv2 };
	REQUIRE(inner_peer_new(&settings, &peap.eap) == OK);
	rig->method = &peap_peer_method;
	REQUIRE(peap_peer_new(rig->config, &peap, &rig->peer) == OK);
}

static void rig_open(struct tunnel_rig *rig, int tls)
{
	rig->tls = tls;
	rig_make(rig, false);
	REQUIRE(tunnel_rig_open(rig));
}

static enum diagnosis_id diagnosed(const struct tunnel_rig *rig)
{
	return rig->method->diagnosis(rig->peer)->id;
}

static bool heard(const struct tunnel_rig *rig, const char *text, size_t len)
{
	return slice_eq(bytes_slice(&rig->heard), slice_of(text, len));
}

static void say(struct tunnel_rig *rig, const char *text, size_t len)
{
	tunnel_rig_say(rig, slice_of(text, len));
}

#define SUCCESS		"\1\11\0\13\41\200\3\0\2\0\1", 11
#define FAILURE		"\1\11\0\13\41\200\3\0\2\0\2", 11
#define ANSWERS_SUCCESS "\2\11\0\13\41\200\3\0\2\0\1", 11
#define ANSWERS_FAILURE "\2\11\0\13\41\200\3\0\2\0\2", 11

static void gtc(struct tunnel_rig *rig)
{
	say(rig, "\1", 1);
	CHECK(heard(rig, "\1user", 5));
	CHECK_INT(rig->verdict.decision, FAIL);
	say(rig, "\6Password: ", 11);
	CHECK(heard(rig, "\6secret", 7));
	/* What is inside may be content; the Result counts. */
	CHECK_INT(rig->verdict.decision, FAIL);
}

TEST(peap_succeeds_by_its_result)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

	for (int v = 0; v < 2; v++) {
		RIG(rig);
		uint8_t material[64];

		rig_open(&rig, versions[v]);
		CHECK_INT(rig.heard.len, 0);
		gtc(&rig);
		say(&rig, SUCCESS);
		CHECK(heard(&rig, ANSWERS_SUCCESS));
		CHECK_INT(rig.verdict.methodState, METHOD_DONE);
		CHECK_INT(rig.verdict.decision, UNCOND_SUCC);
		CHECK(tunnel_rig_end(&rig, true));
		CHECK_INT(rig.keys.session_id.p[0], EAP_TYPE_PEAP);
		if (versions[v] != TLS1_2_VERSION)
			continue;
		tunnel_rig_export(&rig, "client EAP encryption", material, sizeof material);
		CHECK(slice_eq(secret_slice(&rig.keys.msk), slice_of(material, 64)));
	}
}

/* CVE-2023-52160: the network says that all is well, and nothing was asked inside. */
TEST(phase_two_cannot_be_skipped)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

	for (int v = 0; v < 2; v++) {
		RIG(rig);

		rig_open(&rig, versions[v]);
		CHECK_INT(rig.verdict.decision, FAIL);
		CHECK(!tunnel_rig_end(&rig, true));

		/* nor by a Result in the tunnel */
		REQUIRE(tunnel_rig_open(&rig));
		say(&rig, SUCCESS);
		CHECK(heard(&rig, ANSWERS_FAILURE));
		CHECK_INT(rig.verdict.decision, FAIL);
		CHECK_INT(diagnosed(&rig), DIAG_EAP_SUCCESS_EARLY);
		CHECK(!tunnel_rig_end(&rig, true));
		CHECK_INT(rig.keys.msk.len, 0);

		/* nor after an identity, or the octet that confirms a resumption */
		REQUIRE(tunnel_rig_open(&rig));
		say(&rig, "\1", 1);
		say(&rig, SUCCESS);
		CHECK(heard(&rig, ANSWERS_FAILURE));
		CHECK(!tunnel_rig_end(&rig, true));
		REQUIRE(tunnel_rig_open(&rig));
		say(&rig, "\0", 1);
		CHECK_INT(rig.verdict.decision, FAIL);
		CHECK(!tunnel_rig_end(&rig, true));

		/* nor before the server has proved that it knows the password */
		REQUIRE(tunnel_rig_open(&rig));
		say(&rig, "\1", 1);
		say(&rig, "\32\1\7\0\30\20................srv", 25);
		CHECK(rig.heard.len > 50);
		say(&rig, SUCCESS);
		CHECK(heard(&rig, ANSWERS_FAILURE));
		CHECK(!tunnel_rig_end(&rig, true));
	}
}

TEST(a_server_that_nobody_checked_is_shown_no_password)
{
	RIG(rig);

	rig.insecure = true;
	rig_open(&rig, TLS1_3_VERSION);
	say(&rig, "\1", 1);
	say(&rig, "\6Password: ", 11);
	CHECK_INT(rig.heard.len, 0);
	CHECK_INT(diagnosed(&rig), DIAG_INNER_UNPROTECTED);
	REQUIRE(tunnel_rig_open(&rig));
	say(&rig, "\1", 1);
	say(&rig, "\32\1\7\0\30\20................srv", 25);
	CHECK_INT(rig.heard.len, 0);
	CHECK_INT(diagnosed(&rig), DIAG_INNER_UNPROTECTED);
}

TEST(an_identity_with_its_header_is_understood)
{
	RIG(rig);

	rig_open(&rig, TLS1_2_VERSION);
	say(&rig, "\1\5\0\5\1", 5);
	CHECK(heard(&rig, "\1user", 5));
}

TEST(a_result_of_failure_is_answered_and_told)
{
	RIG(rig);

	rig_open(&rig, TLS1_3_VERSION);
	gtc(&rig);
	say(&rig, FAILURE);
	CHECK(heard(&rig, ANSWERS_FAILURE));
	CHECK_INT(rig.verdict.decision, FAIL);
	CHECK_INT(diagnosed(&rig), DIAG_INNER_REFUSED);
	/* and success is too late */
	say(&rig, SUCCESS);
	CHECK(rig.silent);
}

TEST(extensions_that_are_not_right_end_it)
{
	static const struct slice bad[] = {
		{ (const uint8_t *)"\1\11\0\5\41", 5 },			/* nothing in it */
		{ (const uint8_t *)"\1\11\0\13\41\200\3\0\2\0\3", 11 }, /* no such result */
		{ (const uint8_t *)"\1\11\0\11\41\200\77\0\0", 9 },	/* a mandatory TLV */
		{ (const uint8_t *)"\1\11\0\12\41\200\3\0\2\0", 10 },	/* cut */
	};

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		RIG(rig);

		rig_open(&rig, TLS1_3_VERSION);
		gtc(&rig);
		tunnel_rig_say(&rig, bad[i]);
		CHECK(rig.silent);
		CHECK_INT(diagnosed(&rig), DIAG_MALFORMED);
	}
}

/* ---- crypto-binding ---- */

/* The server's keys, for EAP-GTC, which has none of its own (isk), or for nothing inside. */
static void keys_of(struct tunnel_rig *rig, bool inside, struct peap_keys *keys)
{
	static const uint8_t no_isk[PEAP_ISK_SIZE];
	uint8_t material[128];

	tunnel_rig_export(rig, "client EAP encryption", material, sizeof material);
	CHECK_INT(peap_keys_derive(material, inside ? no_isk : NULL, keys), OK);
}

static void say_bound(struct tunnel_rig *rig, const struct peap_keys *keys, uint8_t kind, int spoil)
{
	struct peap_extensions x = { .result = PEAP_RESULT_SUCCESS,
				     .bound = true,
				     .binding.kind = kind };
	uint8_t buffer[128];
	struct wr w = wr_of(buffer, sizeof buffer);
	size_t mark = eap_packet_open(&w, EAP_REQUEST, 9, eap_type(EAP_TYPE_EXTENSIONS), false);

	memset(x.binding.nonce, 0x77, sizeof x.binding.nonce);
	CHECK_INT(peap_binding_mac(keys, &x.binding, x.binding.mac), OK);
	if (spoil == 1)
		x.binding.mac[19] ^= 1;
	if (spoil == 2)
		x.binding.nonce[0] ^= 1;
	peap_extensions_build(&w, &x);
	eap_packet_close(&w, mark);
	tunnel_rig_say(rig, wr_done(&w));
}

TEST(a_binding_is_answered_and_changes_the_keys)
{
	RIG(rig);
	struct peap_keys keys;
	struct peap_extensions answer;
	struct eap_packet packet;
	uint8_t mac[PEAP_MAC_SIZE], csk[PEAP_CSK_SIZE];

	rig_open(&rig, TLS1_2_VERSION);
	gtc(&rig);
	keys_of(&rig, true, &keys);
	say_bound(&rig, &keys, PEAP_BINDING_REQUEST, 0);
	REQUIRE(eap_packet_parse(bytes_slice(&rig.heard), &packet) == OK);
	REQUIRE(peap_extensions_parse(packet.data, &answer) == OK);
	CHECK_INT(answer.result, PEAP_RESULT_SUCCESS);
	CHECK_INT(answer.binding.kind, PEAP_BINDING_RESPONSE);
	CHECK_INT(answer.binding.nonce[5], 0x77);
	CHECK_INT(peap_binding_mac(&keys, &answer.binding, mac), OK);
	CHECK(memcmp(mac, answer.binding.mac, sizeof mac) == 0);
	CHECK_INT(rig.verdict.decision, UNCOND_SUCC);
	CHECK_INT(peap_session_keys(&keys, csk), OK);
	CHECK(slice_eq(secret_slice(&rig.keys.msk), slice_of(csk, 64)));
	CHECK(slice_eq(secret_slice(&rig.keys.emsk), slice_of(csk + 64, 64)));
}

TEST(a_binding_that_does_not_fit_is_refused)
{
	for (int how = 0; how < 4; how++) {
		RIG(rig);
		struct peap_keys keys;

		rig_open(&rig, TLS1_2_VERSION);
		gtc(&rig);
		keys_of(&rig, how != 3, &keys); /* 3: as if nothing had run inside */
		say_bound(&rig, &keys, how == 0 ? PEAP_BINDING_RESPONSE : PEAP_BINDING_REQUEST,
			  how);
		CHECK(heard(&rig, ANSWERS_FAILURE));
		CHECK_INT(rig.verdict.decision, FAIL);
		CHECK_INT(diagnosed(&rig), DIAG_TUNNEL_BINDING);
		CHECK(!tunnel_rig_end(&rig, true));
	}
}

TEST(a_binding_may_be_demanded)
{
	RIG(rig);

	rig.tls = TLS1_3_VERSION;
	rig_make(&rig, true);
	REQUIRE(tunnel_rig_open(&rig));
	gtc(&rig);
	say(&rig, SUCCESS);
	CHECK(heard(&rig, ANSWERS_FAILURE));
	CHECK_INT(diagnosed(&rig), DIAG_TUNNEL_BINDING);
}

/* ---- sessions ---- */

static void full(struct tunnel_rig *rig)
{
	REQUIRE(tunnel_rig_open(rig));
	CHECK(!tunnel_rig_resumed(rig));
	gtc(rig);
	say(rig, SUCCESS);
	CHECK(tunnel_rig_end(rig, true));
}

TEST(a_resumption_with_tls_1_2_needs_no_more)
{
	RIG(rig);

	rig.tls = TLS1_2_VERSION;
	rig_make(&rig, false);
	full(&rig);
	REQUIRE(tunnel_rig_open(&rig));
	CHECK(tunnel_rig_resumed(&rig));
	CHECK_INT(rig.verdict.decision, COND_SUCC);
	CHECK(rig.keys.msk.len == 64);
	CHECK(tunnel_rig_end(&rig, true));
}

TEST(a_resumption_may_have_a_result_and_a_binding)
{
	RIG(rig);
	struct peap_keys keys;
	uint8_t csk[PEAP_CSK_SIZE];

	rig.tls = TLS1_2_VERSION;
	rig_make(&rig, false);
	full(&rig);
	REQUIRE(tunnel_rig_open(&rig));
	CHECK(tunnel_rig_resumed(&rig));
	keys_of(&rig, false, &keys);
	say_bound(&rig, &keys, PEAP_BINDING_REQUEST, 0);
	CHECK_INT(rig.verdict.decision, UNCOND_SUCC);
	CHECK_INT(peap_session_keys(&keys, csk), OK);
	CHECK(slice_eq(secret_slice(&rig.keys.msk), slice_of(csk, 64)));
}

TEST(a_server_may_ask_anew_in_a_resumption)
{
	RIG(rig);

	rig.tls = TLS1_2_VERSION;
	rig_make(&rig, false);
	full(&rig);
	REQUIRE(tunnel_rig_open(&rig));
	CHECK(tunnel_rig_resumed(&rig));
	gtc(&rig); /* and then it is not enough to have resumed */
	CHECK_INT(rig.verdict.decision, FAIL);
	say(&rig, SUCCESS);
	CHECK_INT(rig.verdict.decision, UNCOND_SUCC);
	CHECK(tunnel_rig_end(&rig, true));
}

TEST(a_resumption_with_tls_1_3_is_confirmed)
{
	RIG(rig);

	rig.tls = TLS1_3_VERSION;
	rig_make(&rig, false);
	full(&rig);
	REQUIRE(tunnel_rig_open(&rig));
	CHECK(tunnel_rig_resumed(&rig));
	CHECK_INT(rig.verdict.decision, FAIL);
	say(&rig, "\0", 1);
	CHECK_INT(rig.verdict.decision, UNCOND_SUCC);
	/* FreeRADIUS says it again */
	say(&rig, SUCCESS);
	CHECK(heard(&rig, ANSWERS_SUCCESS));
	CHECK_INT(rig.verdict.decision, UNCOND_SUCC);
	CHECK(tunnel_rig_end(&rig, true));
}

/* RFC 9427, section 4: what was begun inside is to be run, and not skipped by the indication. */
TEST(what_was_begun_in_a_resumption_is_not_cut_short)
{
	RIG(rig);

	rig.tls = TLS1_3_VERSION;
	rig_make(&rig, false);
	full(&rig);
	REQUIRE(tunnel_rig_open(&rig));
	CHECK(tunnel_rig_resumed(&rig));
	say(&rig, "\1", 1);
	CHECK(heard(&rig, "\1user", 5));
	say(&rig, "\0", 1);
	CHECK_INT(rig.verdict.decision, FAIL);
	CHECK(!tunnel_rig_end(&rig, true));
}

TEST(a_resumption_with_tls_1_3_that_is_not_confirmed_is_not_tried_again)
{
	RIG(rig);

	rig.tls = TLS1_3_VERSION;
	rig_make(&rig, false);
	full(&rig);
	REQUIRE(tunnel_rig_open(&rig));
	CHECK(tunnel_rig_resumed(&rig));
	CHECK(!tunnel_rig_end(&rig, true));
	CHECK(rig.method->repeats(rig.peer));
	full(&rig);
	REQUIRE(tunnel_rig_open(&rig));
	CHECK(!tunnel_rig_resumed(&rig));
}

TEST(only_a_session_whose_end_was_success_is_resumed)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

	for (int v = 0; v < 2; v++) {
		RIG(rig);

		rig.tls = versions[v];
		rig_make(&rig, false);
		REQUIRE(tunnel_rig_open(&rig));
		gtc(&rig);
		say(&rig, FAILURE);
		tunnel_rig_end(&rig, false);
		REQUIRE(tunnel_rig_open(&rig));
		CHECK(!tunnel_rig_resumed(&rig));
		/* cut off before EAP-Success */
		gtc(&rig);
		say(&rig, SUCCESS);
		rig.method->stop(rig.peer);
		REQUIRE(tunnel_rig_open(&rig));
		CHECK(!tunnel_rig_resumed(&rig));
	}
}

/* ---- the tunnel ---- */

TEST(a_tunnel_that_is_closed_early_is_told)
{
	RIG(rig);

	rig_open(&rig, TLS1_3_VERSION);
	tunnel_rig_close(&rig);
	CHECK_INT(rig.verdict.decision, FAIL);
	CHECK_INT(diagnosed(&rig), DIAG_TUNNEL_CLOSED);
	CHECK(!tunnel_rig_end(&rig, true));

	REQUIRE(tunnel_rig_open(&rig));
	gtc(&rig);
	tunnel_rig_close(&rig);
	CHECK_INT(diagnosed(&rig), DIAG_INNER_REFUSED);
}

TEST(a_server_of_a_later_version_is_answered_with_ours)
{
	RIG(rig);

	rig.offered = 2;
	rig_open(&rig, TLS1_3_VERSION);
	gtc(&rig);
	say(&rig, SUCCESS);
	CHECK_INT(rig.verdict.decision, UNCOND_SUCC);
}

TEST(what_does_not_belong_to_the_conversation_is_discarded)
{
	static const uint8_t start = TLS_START, version = 1, broken[] = { TLS_LENGTH, 0 };
	const struct slice bad[] = { slice_of(&start, 1), slice_of(&version, 1),
				     slice_of(broken, sizeof broken), slice_of(NULL, 0) };
	RIG(rig);

	rig_open(&rig, TLS1_3_VERSION);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		tunnel_rig_ask(&rig, bad[i]);
		CHECK(rig.ignored);
		CHECK_INT(diagnosed(&rig), DIAG_MALFORMED);
	}
	gtc(&rig);
	say(&rig, SUCCESS);
	CHECK_INT(rig.verdict.decision, UNCOND_SUCC);
	CHECK_INT(diagnosed(&rig), DIAG_NONE);
}

TEST(the_report_tells_what_ran_inside)
{
	RIG(rig);
	struct eap_report report;

	rig_open(&rig, TLS1_3_VERSION);
	CHECK(!rig.method->report(rig.peer, &report));
	gtc(&rig);
	say(&rig, SUCCESS);
	REQUIRE(rig.method->report(rig.peer, &report));
	CHECK_STR(report.inner, "EAP-GTC");
	CHECK_STR(report.tls_version, "TLSv1.3");
	CHECK_STR(report.server_subject, "CN=Test Server");
}
