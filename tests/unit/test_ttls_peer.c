#include "method/ttls_peer.h"

#include "method/gtc_peer.h"
#include "method/mschapv2_packet.h"
#include "method/mschapv2_peer.h"
#include "method/ttls_avp.h"
#include "tests/test.h"
#include "tests/tunnel_rig.h"

static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
#define EACH_VERSION(v) (size_t v = 0; v < 2; v++)

#define MICROSOFT TTLS_VENDOR_MICROSOFT

static struct inner_peer *inner(struct tunnel_rig *rig)
{
	const struct inner_account account = tunnel_rig_account(rig);
	struct inner_peer_settings settings = { .identity = account.identity, .offer_count = 2 };
	struct mschapv2_peer *mschapv2;
	struct gtc_peer *gtc;
	struct inner_peer *peer;

	REQUIRE(mschapv2_peer_new(&account, &mschapv2) == OK);
	REQUIRE(gtc_peer_new(&account, &gtc) == OK);
	settings.offers[0] = (struct eap_peer_offer){ &gtc_peer_method, gtc };
	settings.offers[1] = (struct eap_peer_offer){ &mschapv2_peer_method, mschapv2 };
	REQUIRE(inner_peer_new(&settings, &peer) == OK);
	return peer;
}

/* A peer whose tunnel stands; it has spoken. */
static void rig_open(struct tunnel_rig *rig, enum ttls_inner way, int tls)
{
	struct ttls_peer_settings settings = { .inner = way };

	rig->tls = tls;
	tunnel_rig_load(rig);
	settings.account = tunnel_rig_account(rig);
	if (way == TTLS_EAP)
		settings.eap = inner(rig);
	rig->method = &ttls_peer_method;
	REQUIRE(ttls_peer_new(rig->config, &settings, &rig->peer) == OK);
	REQUIRE(tunnel_rig_open(rig));
	/* With TLS 1.3 the server has to ask first. */
	if (rig->heard.len == 0)
		tunnel_rig_say(rig, slice_of(NULL, 0));
}

static enum diagnosis_id diagnosed(const struct tunnel_rig *rig)
{
	return rig->method->diagnosis(rig->peer)->id;
}

static const char *evidence(const struct tunnel_rig *rig, const char *key)
{
	return diagnosis_evidence(rig->method->diagnosis(rig->peer), key);
}

/* The AVP that the peer has sent; empty when there is none. */
static struct slice avp(const struct tunnel_rig *rig, uint32_t vendor, uint32_t code)
{
	struct rd r = rd_of(bytes_slice(&rig->heard));

	while (r.left > 0) {
		struct ttls_avp a;

		REQUIRE(ttls_avp_next(&r, &a) == OK);
		CHECK(a.mandatory);
		if (ttls_avp_is(&a, vendor, code))
			return a.data;
	}
	return slice_of(NULL, 0);
}

static void say(struct tunnel_rig *rig, uint32_t vendor, uint32_t code, bool mandatory,
		struct slice data)
{
	const struct ttls_avp a = { code, vendor, mandatory, data };
	uint8_t buffer[2048];
	struct wr w = wr_of(buffer, sizeof buffer);

	ttls_avp_build(&w, &a);
	REQUIRE(wr_ok(&w));
	tunnel_rig_say(rig, wr_done(&w));
}

#define RIG(name)                                                                                  \
	__attribute__((cleanup(tunnel_rig_done))) struct tunnel_rig name;                          \
	tunnel_rig_init(&name)

/* ---- passwords ---- */

TEST(pap_shows_name_and_padded_password)
{
	for
		EACH_VERSION(v)
		{
			RIG(rig);
			uint8_t padded[16] = "secret", material[64];

			rig_open(&rig, TTLS_PAP, versions[v]);
			CHECK(slice_eq(avp(&rig, 0, TTLS_USER_NAME), slice_str("user")));
			CHECK(slice_eq(avp(&rig, 0, TTLS_USER_PASSWORD), slice_of(padded, 16)));
			CHECK_INT(rig.verdict.methodState, METHOD_MAY_CONT);
			CHECK_INT(rig.verdict.decision, COND_SUCC);
			CHECK(tunnel_rig_end(&rig, true));
			CHECK_INT(rig.keys.msk.len, 64);
			CHECK_INT(rig.keys.session_id.p[0], EAP_TYPE_TTLS);
			/* RFC 5281, section 8. */
			if (versions[v] == TLS1_2_VERSION) {
				tunnel_rig_export(&rig, "ttls keying material", material,
						  sizeof material);
				CHECK(slice_eq(secret_slice(&rig.keys.msk),
					       slice_of(material, 64)));
			}
		}
}

TEST(chap_answers_the_challenge_of_the_tunnel)
{
	for
		EACH_VERSION(v)
		{
			RIG(rig);
			uint8_t challenge[17], response[CHAP_RESPONSE_SIZE];
			struct slice password;

			rig_open(&rig, TTLS_CHAP, versions[v]);
			tunnel_rig_export(&rig, "ttls challenge", challenge, sizeof challenge);
			CHECK(slice_eq(avp(&rig, 0, TTLS_CHAP_CHALLENGE), slice_of(challenge, 16)));
			password = avp(&rig, 0, TTLS_CHAP_PASSWORD);
			REQUIRE(password.len == 17);
			CHECK_INT(password.p[0], challenge[16]);
			CHECK_INT(chap_response(challenge[16], slice_str("secret"),
						slice_of(challenge, 16), response),
				  OK);
			CHECK(memcmp(password.p + 1, response, sizeof response) == 0);
			CHECK_INT(rig.verdict.decision, COND_SUCC);
		}
}

TEST(mschap_answers_the_challenge_of_the_tunnel)
{
	RIG(rig);
	uint8_t challenge[9], hash[MSCHAP_HASH_SIZE], response[MSCHAP_RESPONSE_SIZE];
	static const uint8_t no_lm[24];
	struct slice value;

	rig_open(&rig, TTLS_MSCHAP, TLS1_3_VERSION);
	tunnel_rig_export(&rig, "ttls challenge", challenge, sizeof challenge);
	CHECK(slice_eq(avp(&rig, MICROSOFT, TTLS_MS_CHAP_CHALLENGE), slice_of(challenge, 8)));
	value = avp(&rig, MICROSOFT, TTLS_MS_CHAP_RESPONSE);
	REQUIRE(value.len == 50);
	CHECK_INT(value.p[0], challenge[8]);
	CHECK_INT(value.p[1], 1);
	CHECK(memcmp(value.p + 2, no_lm, sizeof no_lm) == 0);
	CHECK_INT(mschap_password_hash(test_mschap(), slice_str("secret"), hash), OK);
	CHECK_INT(mschap_response(test_mschap(), challenge, hash, response), OK);
	CHECK(memcmp(value.p + 26, response, sizeof response) == 0);
	CHECK_INT(rig.verdict.decision, COND_SUCC);
}

/* What a server that knows the password makes of the response; false if it is wrong. */
static bool prove(struct tunnel_rig *rig, uint8_t message[1 + MSCHAPV2_PROOF_SIZE])
{
	struct mschapv2 x = { .name = slice_str("user") };
	uint8_t challenge[17], hash[MSCHAP_HASH_SIZE], response[MSCHAP_RESPONSE_SIZE];
	struct slice value = avp(rig, MICROSOFT, TTLS_MS_CHAP2_RESPONSE);

	tunnel_rig_export(rig, "ttls challenge", challenge, sizeof challenge);
	REQUIRE(value.len == 50);
	CHECK(slice_eq(avp(rig, MICROSOFT, TTLS_MS_CHAP_CHALLENGE), slice_of(challenge, 16)));
	CHECK_INT(value.p[0], challenge[16]);
	CHECK_INT(value.p[1], 0);
	memcpy(x.authenticator, challenge, 16);
	memcpy(x.peer, value.p + 2, 16);
	CHECK_INT(mschap_password_hash(test_mschap(), slice_str("secret"), hash), OK);
	CHECK_INT(mschapv2_response(test_mschap(), &x, hash, response), OK);
	message[0] = challenge[16];
	CHECK_INT(mschapv2_proof(test_mschap(), &x, hash, response, (char *)message + 1), OK);
	return memcmp(value.p + 26, response, sizeof response) == 0;
}

TEST(mschapv2_is_done_when_the_server_has_proved_itself)
{
	for
		EACH_VERSION(v)
		{
			RIG(rig);
			uint8_t message[1 + MSCHAPV2_PROOF_SIZE];

			rig_open(&rig, TTLS_MSCHAPV2, versions[v]);
			CHECK_INT(rig.verdict.decision, FAIL);
			CHECK(prove(&rig, message));
			tunnel_rig_say(&rig, slice_of(NULL, 0)); /* a ticket, say */
			CHECK_INT(rig.verdict.decision, FAIL);
			say(&rig, MICROSOFT, TTLS_MS_CHAP2_SUCCESS, true,
			    slice_of(message, sizeof message));
			CHECK_INT(rig.verdict.decision, COND_SUCC);
			CHECK_INT(rig.heard.len, 0); /* section 11.2.4: "containing no data" */
			CHECK(tunnel_rig_end(&rig, true));
		}
}

TEST(a_server_that_proves_nothing_gets_nowhere)
{
	for (int wrong = 0; wrong < 4; wrong++) {
		RIG(rig);
		uint8_t message[1 + MSCHAPV2_PROOF_SIZE];
		size_t len = sizeof message;

		rig_open(&rig, TTLS_MSCHAPV2, TLS1_3_VERSION);
		CHECK(prove(&rig, message));
		if (wrong == 0)
			message[0] ^= 1;
		else if (wrong == 1)
			message[20] ^= 1;
		else
			len = wrong == 2 ? len - 1 : 0;
		say(&rig, MICROSOFT, TTLS_MS_CHAP2_SUCCESS, true, slice_of(message, len));
		CHECK_INT(rig.verdict.decision, FAIL);
		CHECK_INT(diagnosed(&rig), DIAG_INNER_SERVER_UNPROVEN);
		CHECK(!tunnel_rig_end(&rig, true));
		CHECK_INT(rig.keys.msk.len, 0);
	}
}

TEST(success_without_proof_is_none)
{
	RIG(rig);
	struct diagnosis why;

	rig_open(&rig, TTLS_MSCHAPV2, TLS1_2_VERSION);
	CHECK(rig.method->refusal(rig.peer, &why));
	CHECK_INT(why.id, DIAG_INNER_REFUSED);
	CHECK(!tunnel_rig_end(&rig, true));
}

TEST(an_error_of_mschap_is_told)
{
	static const struct {
		const char *text;
		enum diagnosis_id id;
		const char *code, *retry;
	} rows[] = {
		{ "\1E=691 R=1 C=00000000000000000000000000000000 V=3 M=no", DIAG_INNER_REFUSED,
		  "691", "yes" },
		{ "\1E=648 R=0 V=3", DIAG_INNER_PASSWORD_EXPIRED, "648", "no" },
		{ "\1E=647 R=0 V=3", DIAG_INNER_REFUSED, "647", "no" },
		{ "", DIAG_INNER_REFUSED, "0", "no" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		RIG(rig);

		rig_open(&rig, TTLS_MSCHAPV2, TLS1_3_VERSION);
		say(&rig, MICROSOFT, TTLS_MS_CHAP_ERROR, true, slice_str(rows[i].text));
		CHECK_INT(rig.verdict.decision, FAIL);
		CHECK_INT(diagnosed(&rig), rows[i].id);
		CHECK_STR(evidence(&rig, "code"), rows[i].code);
		CHECK_STR(evidence(&rig, "retry"), rows[i].retry);
		CHECK_STR(evidence(&rig, "identity"), "user");
		/* it lets the server end, and then has enough */
		CHECK(!rig.silent);
		tunnel_rig_say(&rig, slice_of(NULL, 0));
		CHECK(rig.silent);
	}
}

TEST(a_challenge_for_another_password_is_a_refusal)
{
	RIG(rig);

	rig_open(&rig, TTLS_PAP, TLS1_3_VERSION);
	say(&rig, 0, TTLS_REPLY_MESSAGE, true, slice_str("Next code?"));
	CHECK_INT(rig.verdict.decision, FAIL);
	CHECK_INT(diagnosed(&rig), DIAG_INNER_REFUSED);
	CHECK_STR(evidence(&rig, "message"), "Next code?");
	CHECK_INT(rig.heard.len, 0);
}

/* RFC 9427, section 2.4. */
TEST(a_ticket_after_a_password_is_no_failure)
{
	RIG(rig);

	rig_open(&rig, TTLS_PAP, TLS1_3_VERSION);
	tunnel_rig_say(&rig, slice_of(NULL, 0));
	CHECK_INT(rig.verdict.decision, COND_SUCC);
	CHECK(tunnel_rig_end(&rig, true));
}

TEST(no_password_is_shown_to_a_server_that_nobody_checked)
{
	static const enum ttls_inner ways[] = { TTLS_PAP, TTLS_CHAP, TTLS_MSCHAP, TTLS_MSCHAPV2 };

	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		RIG(rig);

		rig.insecure = true;
		rig_open(&rig, ways[i], TLS1_3_VERSION);
		CHECK_INT(rig.heard.len, 0);
		CHECK_INT(rig.verdict.decision, FAIL);
		CHECK_INT(diagnosed(&rig), DIAG_INNER_UNPROTECTED);
	}
}

/* ---- AVPs ---- */

TEST(what_must_be_understood_and_is_not_ends_it)
{
	static const struct {
		uint32_t vendor, code;
		bool mandatory, ends;
	} rows[] = {
		{ 0, 25, false, false },	{ 0, 25, true, true },
		{ 4711, 1, false, false },	{ 4711, 1, true, true },
		{ MICROSOFT, 99, true, true },	{ MICROSOFT, 99, false, false },
		{ MICROSOFT, 10, true, false },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		RIG(rig);

		rig_open(&rig, TTLS_PAP, TLS1_3_VERSION);
		say(&rig, rows[i].vendor, rows[i].code, rows[i].mandatory, slice_str("x"));
		CHECK_INT(rig.silent, rows[i].ends);
		CHECK_INT(diagnosed(&rig), rows[i].ends ? DIAG_MALFORMED : DIAG_NONE);
	}
}

TEST(avps_that_do_not_parse_end_it)
{
	RIG(rig);

	rig_open(&rig, TTLS_PAP, TLS1_3_VERSION);
	tunnel_rig_say(&rig, slice_str("garbage"));
	CHECK(rig.silent);
	CHECK_INT(diagnosed(&rig), DIAG_MALFORMED);
}

/* ---- EAP inside ---- */

static void say_eap(struct tunnel_rig *rig, uint8_t code, uint8_t id, uint8_t type,
		    struct slice data)
{
	uint8_t buffer[1024];
	struct wr w = wr_of(buffer, sizeof buffer);
	size_t mark = eap_packet_open(&w, (enum eap_code)code, id, eap_type(type), false);

	wr_bytes(&w, data);
	eap_packet_close(&w, mark);
	say(rig, 0, TTLS_EAP_MESSAGE, true, wr_done(&w));
}

TEST(eap_begins_with_an_identity_that_nobody_asked_for)
{
	static const uint8_t identity[] = { 2, 0, 0, 9, 1, 'u', 's', 'e', 'r' };

	for
		EACH_VERSION(v)
		{
			RIG(rig);

			rig_open(&rig, TTLS_EAP, versions[v]);
			CHECK(slice_eq(avp(&rig, 0, TTLS_EAP_MESSAGE),
				       slice_of(identity, sizeof identity)));
			CHECK_INT(rig.verdict.decision, FAIL);
			say_eap(&rig, 1, 7, EAP_TYPE_GTC, slice_str("Password: "));
			CHECK(slice_eq(avp(&rig, 0, TTLS_EAP_MESSAGE),
				       slice_of("\2\7\0\13\6secret", 11)));
			CHECK_INT(rig.verdict.decision, COND_SUCC);
			CHECK(tunnel_rig_end(&rig, true));
		}
}

TEST(a_second_question_of_gtc_is_a_refusal)
{
	RIG(rig);

	rig_open(&rig, TTLS_EAP, TLS1_3_VERSION);
	say_eap(&rig, 1, 7, EAP_TYPE_GTC, slice_str("Password: "));
	say_eap(&rig, 1, 8, EAP_TYPE_GTC, slice_str("Wrong. Password: "));
	CHECK_INT(rig.verdict.decision, FAIL);
	CHECK_INT(rig.heard.len, 0);
	CHECK_INT(diagnosed(&rig), DIAG_INNER_REFUSED);
}

TEST(a_packet_in_two_avps_is_put_together)
{
	RIG(rig);
	uint8_t buffer[64];
	struct wr w = wr_of(buffer, sizeof buffer);
	const struct ttls_avp first = { TTLS_EAP_MESSAGE, 0, true, slice_of("\1\7\0", 3) };
	const struct ttls_avp second = { TTLS_EAP_MESSAGE, 0, true, slice_of("\6\6P", 3) };

	rig_open(&rig, TTLS_EAP, TLS1_3_VERSION);
	ttls_avp_build(&w, &first);
	ttls_avp_build(&w, &second);
	tunnel_rig_say(&rig, wr_done(&w));
	CHECK_INT(rig.verdict.decision, COND_SUCC);
}

TEST(another_method_inside_gets_a_nak)
{
	RIG(rig);
	struct slice nak;

	rig_open(&rig, TTLS_EAP, TLS1_3_VERSION);
	say_eap(&rig, 1, 7, 4, slice_str("md5"));
	nak = avp(&rig, 0, TTLS_EAP_MESSAGE);
	REQUIRE(nak.len == 7);
	CHECK(memcmp(nak.p, "\2\7\0\7\3\6\32", 7) == 0);
	CHECK_INT(rig.verdict.decision, FAIL);
	CHECK(!tunnel_rig_end(&rig, true));
}

TEST(an_eap_packet_that_gets_no_answer_is_the_end)
{
	static const char *const bad[] = { "\1\7", "\1\7\0\377\6", "\2\7\0\6\6x", "\5\7\0\4" };
	static const size_t len[] = { 2, 5, 6, 4 };

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		RIG(rig);

		rig_open(&rig, TTLS_EAP, TLS1_3_VERSION);
		say(&rig, 0, TTLS_EAP_MESSAGE, true, slice_of(bad[i], len[i]));
		CHECK_INT(rig.verdict.decision, FAIL);
		CHECK_INT(diagnosed(&rig), DIAG_MALFORMED);
	}
}

TEST(eap_success_inside_of_the_tunnel_is_not_enough)
{
	RIG(rig);

	rig_open(&rig, TTLS_EAP, TLS1_3_VERSION);
	say(&rig, 0, TTLS_EAP_MESSAGE, true, slice_of("\3\0\0\4", 4));
	CHECK_INT(rig.verdict.decision, FAIL);
	CHECK(!tunnel_rig_end(&rig, true));
}

TEST(eap_inside_asks_for_a_checked_server_too)
{
	RIG(rig);

	rig.insecure = true;
	rig_open(&rig, TTLS_EAP, TLS1_3_VERSION);
	say_eap(&rig, 1, 7, EAP_TYPE_GTC, slice_str("Password: "));
	CHECK_INT(rig.heard.len, 0);
	CHECK_INT(diagnosed(&rig), DIAG_INNER_UNPROTECTED);
}

/* ---- EAP-MSCHAPv2 inside ---- */

static void challenge(struct tunnel_rig *rig, struct mschapv2 *x, uint8_t response[24])
{
	struct mschapv2_packet p = { .op = MSCHAPV2_CHALLENGE, .id = 7, .text = slice_str("srv") };
	uint8_t buffer[128];
	struct wr w = wr_of(buffer, sizeof buffer);
	struct slice answer;

	memset(p.challenge, 0x5a, sizeof p.challenge);
	mschapv2_packet_build(&w, &p);
	say_eap(rig, 1, 7, EAP_TYPE_MSCHAPV2, wr_done(&w));
	answer = avp(rig, 0, TTLS_EAP_MESSAGE);
	REQUIRE(answer.len > 5);
	REQUIRE(mschapv2_packet_parse(slice_of(answer.p + 5, answer.len - 5), &p) == OK);
	CHECK_INT(p.op, MSCHAPV2_RESPONSE);
	CHECK(slice_eq(p.text, slice_str("user")));
	*x = (struct mschapv2){ .name = slice_str("user") };
	memset(x->authenticator, 0x5a, sizeof x->authenticator);
	memcpy(x->peer, p.challenge, sizeof x->peer);
	memcpy(response, p.nt_response, 24);
}

static void say_mschapv2(struct tunnel_rig *rig, uint8_t op, const char *text, size_t len)
{
	const struct mschapv2_packet p = { .op = op, .id = 7, .text = slice_of(text, len) };
	uint8_t buffer[256];
	struct wr w = wr_of(buffer, sizeof buffer);

	mschapv2_packet_build(&w, &p);
	say_eap(rig, 1, 8, EAP_TYPE_MSCHAPV2, wr_done(&w));
}

TEST(eap_mschapv2_succeeds_by_the_servers_proof)
{
	for (int wrong = 0; wrong < 2; wrong++) {
		RIG(rig);
		struct mschapv2 x;
		uint8_t response[24], wanted[24], hash[16];
		char proof[MSCHAPV2_PROOF_SIZE];

		rig_open(&rig, TTLS_EAP, TLS1_3_VERSION);
		challenge(&rig, &x, response);
		CHECK_INT(rig.verdict.decision, FAIL);
		CHECK_INT(mschap_password_hash(test_mschap(), slice_str("secret"), hash), OK);
		CHECK_INT(mschapv2_response(test_mschap(), &x, hash, wanted), OK);
		CHECK(memcmp(response, wanted, sizeof wanted) == 0);
		CHECK_INT(mschapv2_proof(test_mschap(), &x, hash, response, proof), OK);
		if (wrong)
			proof[10] = proof[10] == '0' ? '1' : '0';
		say_mschapv2(&rig, MSCHAPV2_SUCCESS, proof, sizeof proof);
		CHECK_INT(rig.verdict.decision, wrong ? FAIL : COND_SUCC);
		CHECK_INT(diagnosed(&rig), wrong ? DIAG_INNER_SERVER_UNPROVEN : DIAG_NONE);
		CHECK_INT(rig.heard.len > 0, !wrong);
	}
}

TEST(eap_mschapv2_out_of_order_ends_it)
{
	static const uint8_t ops[] = { MSCHAPV2_SUCCESS, MSCHAPV2_FAILURE, MSCHAPV2_RESPONSE };

	for (size_t i = 0; i < sizeof ops; i++) {
		RIG(rig);

		rig_open(&rig, TTLS_EAP, TLS1_3_VERSION);
		say_mschapv2(&rig, ops[i], "S=x", 3);
		CHECK_INT(rig.verdict.decision, FAIL);
		CHECK_INT(diagnosed(&rig), DIAG_MALFORMED);
	}
}

TEST(a_failure_of_eap_mschapv2_is_answered_and_told)
{
	RIG(rig);
	struct mschapv2 x;
	uint8_t response[24];
	struct diagnosis why;

	rig_open(&rig, TTLS_EAP, TLS1_3_VERSION);
	challenge(&rig, &x, response);
	say_mschapv2(&rig, MSCHAPV2_FAILURE, "E=648 R=0 V=3 M=change it", 25);
	CHECK(slice_eq(avp(&rig, 0, TTLS_EAP_MESSAGE), slice_of("\2\10\0\6\32\4", 6)));
	CHECK_INT(rig.verdict.decision, FAIL);
	CHECK(rig.method->refusal(rig.peer, &why));
	CHECK_INT(why.id, DIAG_INNER_PASSWORD_EXPIRED);
	CHECK_STR(diagnosis_evidence(&why, "message"), "change it");
	/* and a proof that comes now is too late */
	say_mschapv2(&rig, MSCHAPV2_SUCCESS, "S=x", 3);
	CHECK_INT(rig.verdict.decision, FAIL);
}
