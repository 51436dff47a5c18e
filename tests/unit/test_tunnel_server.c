/* EAP-TTLS and PEAP, the server, and what a peer may do to it inside of its tunnel. */
#include <string.h>

#include "method/mschapv2_packet.h"
#include "method/peap_tlv.h"
#include "method/tls_frame.h"
#include "method/tls_keys.h"
#include "method/ttls_avp.h"
#include "tests/legacy.h"
#include "tests/test.h"
#include "tests/tunnel_guest.h"

static const enum tls_version versions[] = { TLS_1_2, TLS_1_3 };
static const struct slice nothing;

/* ---- EAP-TTLS ---- */

static uint8_t flight[2048];

static void put(struct wr *w, uint32_t code, bool mandatory, const char *text)
{
	const struct ttls_avp avp = { code, 0, mandatory, slice_str(text) };

	ttls_avp_build(w, &avp);
}

static struct slice pap(const char *name, const char *password)
{
	struct wr w = wr_of(flight, sizeof flight);

	put(&w, TTLS_USER_NAME, true, name);
	put(&w, TTLS_USER_PASSWORD, true, password);
	return wr_done(&w);
}

static void check_refused(struct tunnel_guest *g, enum diagnosis_id id)
{
	struct eap_keys keys = { 0 };

	CHECK_INT(g->state, METHOD_FAILED);
	CHECK_INT(g->method->diagnosis(g->self)->id, id);
	CHECK(!g->method->take_keys(g->self, &keys));
}

static void check_accepted(struct tunnel_guest *g, bool resumed)
{
	struct eap_keys keys = { 0 };

	CHECK_INT(g->state, METHOD_SUCCEEDED);
	CHECK(g->method->take_keys(g->self, &keys));
	CHECK_INT(keys.msk.len, EAP_MSK_SIZE);
	CHECK_STR(g->identity, "bob");
	CHECK_INT(g->asked[EAP_ASKS_ADMISSION], 1);
	CHECK_INT(g->asked[EAP_ASKS_PASSWORD], !resumed);
	CHECK_INT(g->admission.resumed, resumed);
	eap_keys_done(&keys);
}

/* With TLS 1.3 the last message is a ticket, which is acknowledged. */
static void finish(struct tunnel_guest *g)
{
	if (g->state == METHOD_GOES_ON)
		tunnel_guest_say(g, nothing);
}

TEST(a_password_lets_in_and_is_remembered)
{
	for (size_t v = 0; v < 2; v++) {
		struct tunnel_guest g;

		tunnel_guest_init(&g, &ttls_server_method, versions[v]);
		tunnel_guest_open(&g, nothing);
		tunnel_guest_say(&g, pap("bob", "secret"));
		finish(&g);
		check_accepted(&g, false);
		CHECK_STR(g.admission.inner, "PAP");
		tunnel_guest_close(&g);

		tunnel_guest_open(&g, nothing);
		finish(&g);
		check_accepted(&g, true);
		CHECK_STR(g.admission.inner, "PAP");
		tunnel_guest_done(&g);
	}
}

TEST(who_is_not_admitted_is_not_remembered)
{
	for (size_t v = 0; v < 2; v++) {
		struct tunnel_guest g;

		tunnel_guest_init(&g, &ttls_server_method, versions[v]);
		g.admit = false;
		tunnel_guest_open(&g, nothing);
		tunnel_guest_say(&g, pap("bob", "secret"));
		check_refused(&g, DIAG_PEER_DENIED);
		g.state = METHOD_SUCCEEDED; /* the peer keeps its session all the same */
		tunnel_guest_close(&g);
		g.admit = true;
		tunnel_guest_open(&g, nothing);
		CHECK_INT(g.asked[EAP_ASKS_ADMISSION], 0);
		CHECK_INT(g.state, METHOD_GOES_ON);
		tunnel_guest_done(&g);
	}
}

TEST(a_password_that_is_wrong_and_a_name_that_is_nobodys_end_alike)
{
	static const char *const names[] = { "bob", "eve" };

	for (size_t i = 0; i < 2; i++) {
		struct tunnel_guest g;

		tunnel_guest_init(&g, &ttls_server_method, TLS_1_3);
		tunnel_guest_open(&g, nothing);
		tunnel_guest_say(&g, pap(names[i], i ? "secret" : "wrong"));
		check_refused(&g, DIAG_ACCOUNT_PASSWORD);
		CHECK_INT(g.asked[EAP_ASKS_ADMISSION], 0);
		tunnel_guest_done(&g);
	}
}

static void refused(struct slice data, enum diagnosis_id id)
{
	for (size_t v = 0; v < 2; v++) {
		struct tunnel_guest g;

		tunnel_guest_init(&g, &ttls_server_method, versions[v]);
		tunnel_guest_open(&g, nothing);
		tunnel_guest_say(&g, data);
		check_refused(&g, id);
		tunnel_guest_done(&g);
	}
}

TEST(what_proves_nothing_or_cannot_be_read_is_refused)
{
	struct wr w = wr_of(flight, sizeof flight);

	refused(nothing, DIAG_INNER_NOTHING);
	refused(slice_str("x"), DIAG_MALFORMED);
	refused(pap("@example.org", "secret"), DIAG_INNER_ANONYMOUS);
	refused(pap("", "secret"), DIAG_INNER_ANONYMOUS);

	put(&w, TTLS_USER_NAME, true, "bob");
	refused(wr_done(&w), DIAG_INNER_NOTHING);
	put(&w, 4711, false, "whatever");
	refused(wr_done(&w), DIAG_INNER_NOTHING);
	put(&w, 4711, true, "whatever");
	refused(wr_done(&w), DIAG_INNER_AVP);

	w = wr_of(flight, sizeof flight);
	put(&w, TTLS_USER_NAME, true, "bob");
	put(&w, TTLS_USER_PASSWORD, true, "secret");
	put(&w, TTLS_USER_PASSWORD, true, "secret");
	refused(wr_done(&w), DIAG_MALFORMED);

	w = wr_of(flight, sizeof flight);
	put(&w, TTLS_USER_NAME, true, "bob");
	put(&w, TTLS_USER_PASSWORD, true, "secret");
	put(&w, TTLS_EAP_MESSAGE, true, "\2\1");
	refused(wr_done(&w), DIAG_MALFORMED);

	w = wr_of(flight, sizeof flight);
	for (int i = 0; i <= TTLS_AVPS_MAX; i++)
		put(&w, 4711, false, "x");
	refused(wr_done(&w), DIAG_MALFORMED);
}

TEST(a_challenge_of_the_peers_own_is_refused)
{
	struct wr w = wr_of(flight, sizeof flight);

	put(&w, TTLS_USER_NAME, true, "bob");
	put(&w, TTLS_CHAP_PASSWORD, true, "0123456789abcdefg");
	put(&w, TTLS_CHAP_CHALLENGE, true, "0123456789abcdef");
	refused(wr_done(&w), DIAG_MALFORMED);
}

TEST(a_method_that_is_not_allowed_is_refused)
{
	struct tunnel_guest g;

	tunnel_guest_init(&g, &ttls_server_method, TLS_1_3);
	g.ttls.passwords = 1u << PASSWORD_CHAP;
	tunnel_guest_open(&g, nothing);
	tunnel_guest_say(&g, pap("bob", "secret"));
	check_refused(&g, DIAG_INNER_METHOD);
	CHECK_INT(g.asked[EAP_ASKS_PASSWORD], 0);
	tunnel_guest_done(&g);
}

TEST(a_version_that_we_do_not_have_is_refused)
{
	static uint8_t start[TLS_TOTAL_MAX], answer[] = { 0x01 };
	const struct eap_server_about about = { .now = { .mono = 1, .wall = PKI_NOW } };
	struct eap_packet packet = { .code = EAP_RESPONSE,
				     .type = ttls_server_method.type,
				     .data = { answer, sizeof answer } };
	struct wr w = wr_of(start, sizeof start);
	struct tunnel_guest g;

	tunnel_guest_init(&g, &ttls_server_method, TLS_1_3);
	REQUIRE(g.method->init(&g.ttls, &about, &g.self) == OK);
	g.method->build(g.self, &w);
	CHECK(!g.method->check(g.self, &packet));
	g.state = g.method->process(g.self, &packet, about.now);
	check_refused(&g, DIAG_INNER_VERSION);
	tunnel_guest_done(&g);
}

/* ---- PEAP ---- */

/* To where the Result TLV of the server is heard: EAP-GTC, by way of a Nak. */
static void talk_to_result(struct tunnel_guest *g)
{
	static const char identity[] = "\1bob", nak[] = "\3\6", password[] = "\6secret";

	tunnel_guest_open(g, nothing);
	if (g->heard.len == 0)
		tunnel_guest_say(g, nothing);
	REQUIRE(g->heard.len == 1 && g->heard.p[0] == 1);
	tunnel_guest_say(g, slice_str(identity));
	tunnel_guest_say(g, slice_str(nak));
	tunnel_guest_say(g, slice_str(password));
}

static struct slice extensions(const struct peap_extensions *x)
{
	struct wr w = wr_of(flight, sizeof flight);
	size_t mark = eap_packet_open(&w, EAP_RESPONSE, 9, eap_type(EAP_TYPE_EXTENSIONS), false);

	peap_extensions_build(&w, x);
	eap_packet_close(&w, mark);
	return wr_done(&w);
}

static bool bind(struct tunnel_guest *g, struct peap_extensions *x, bool resumed)
{
	static const uint8_t isk[PEAP_ISK_SIZE];
	uint8_t material[TLS_KEY_MATERIAL_SIZE];
	struct peap_keys keys;
	struct eap_packet packet;

	if (eap_packet_parse(bytes_slice(&g->heard), &packet) != OK ||
	    peap_extensions_parse(packet.data, x) != OK || !x->bound)
		return false;
	x->binding.kind = PEAP_BINDING_RESPONSE;
	return tls_key_material(g->tls, EAP_TYPE_PEAP, material) == OK &&
	       peap_keys_derive(material, resumed ? NULL : isk, &keys) == OK &&
	       peap_binding_mac(&keys, &x->binding, x->binding.mac) == OK;
}

TEST(peap_is_bound_and_remembered)
{
	for (size_t v = 0; v < 2; v++) {
		struct peap_extensions x;
		struct tunnel_guest g;

		tunnel_guest_init(&g, &peap_server_method, versions[v]);
		talk_to_result(&g);
		REQUIRE(bind(&g, &x, false));
		tunnel_guest_say(&g, extensions(&x));
		check_accepted(&g, false);
		tunnel_guest_close(&g);

		tunnel_guest_open(&g, nothing);
		REQUIRE(bind(&g, &x, true));
		tunnel_guest_say(&g, extensions(&x));
		check_accepted(&g, true);
		tunnel_guest_done(&g);
	}
}

TEST(peap_without_binding_or_with_a_wrong_one_is_refused)
{
	for (int i = 0; i < 5; i++) {
		struct peap_extensions x;
		struct tunnel_guest g;
		enum diagnosis_id id = DIAG_INNER_BINDING;

		tunnel_guest_init(&g, &peap_server_method, TLS_1_3);
		talk_to_result(&g);
		REQUIRE(bind(&g, &x, false));
		switch (i) {
		case 0:
			x.bound = false;
			break;
		case 1:
			x.binding.mac[0] ^= 1;
			break;
		case 2:
			x.binding.kind = PEAP_BINDING_REQUEST;
			break;
		case 3:
			x.binding.nonce[31] ^= 1;
			break;
		default:
			x.result = PEAP_RESULT_FAILURE;
			id = DIAG_INNER_RESULT;
			break;
		}
		tunnel_guest_say(&g, extensions(&x));
		check_refused(&g, id);

		/* and is not remembered, though it was sent a ticket */
		g.state = METHOD_SUCCEEDED;
		tunnel_guest_close(&g);
		tunnel_guest_open(&g, nothing);
		CHECK_INT(g.asked[EAP_ASKS_ADMISSION], 0);
		tunnel_guest_done(&g);
	}
}

TEST(peap_does_not_go_on_without_an_answer)
{
	static const struct slice wrong[] = { { (const uint8_t *)"", 0 },
					      { (const uint8_t *)"\x1a", 1 },
					      { (const uint8_t *)"\x21\x80\3\0\2\0\1", 7 } };

	for (size_t i = 0; i < 3; i++) {
		struct tunnel_guest g;

		tunnel_guest_init(&g, &peap_server_method, TLS_1_3);
		tunnel_guest_open(&g, nothing);
		tunnel_guest_say(&g, wrong[i]);
		tunnel_guest_say(&g, wrong[i]);
		CHECK_INT(g.state, METHOD_FAILED);
		CHECK_INT(g.asked[EAP_ASKS_ADMISSION], 0);
		tunnel_guest_done(&g);
	}
}

/* ---- EAP-MSCHAPv2 ---- */

/* As EAP-MSCHAPv2 inside of PEAP, which leaves out the header of EAP. */
static void say_mschapv2(struct tunnel_guest *g, const struct mschapv2_packet *packet)
{
	struct wr w = wr_of(flight, sizeof flight);

	wr_u8(&w, EAP_TYPE_MSCHAPV2);
	mschapv2_packet_build(&w, packet);
	tunnel_guest_say(g, wr_done(&w));
}

static struct mschapv2_packet challenge_for(struct tunnel_guest *g)
{
	struct mschapv2_packet packet = { 0 };

	tunnel_guest_open(g, nothing);
	if (g->heard.len == 0)
		tunnel_guest_say(g, nothing);
	tunnel_guest_say(g, slice_str("\1bob"));
	REQUIRE(g->heard.len > 1 && g->heard.p[0] == EAP_TYPE_MSCHAPV2);
	REQUIRE(mschapv2_packet_parse(slice_of(g->heard.p + 1, g->heard.len - 1), &packet) == OK);
	return packet;
}

/* The method inside has failed: the server says so by a Result TLV, which is confirmed. */
static void check_refused_inside(struct tunnel_guest *g, enum diagnosis_id id)
{
	const struct peap_extensions failure = { .result = PEAP_RESULT_FAILURE };

	CHECK_INT(g->state, METHOD_GOES_ON);
	tunnel_guest_say(g, extensions(&failure));
	check_refused(g, id);
}

TEST(a_password_is_not_changed_this_way)
{
	static const char change[] = "\x1a\7\1\0\5x";
	struct tunnel_guest g;

	tunnel_guest_init(&g, &peap_server_method, TLS_1_3);
	challenge_for(&g);
	tunnel_guest_say(&g, slice_of(change, sizeof change - 1));
	check_refused_inside(&g, DIAG_ACCOUNT_CHANGE);
	tunnel_guest_done(&g);
}

TEST(a_peer_that_does_not_believe_our_proof_is_told_of)
{
	struct mschapv2 exchange = { .name = slice_str("bob") };
	struct mschapv2_packet said;
	uint8_t hash[MSCHAP_HASH_SIZE];
	struct tunnel_guest g;

	tunnel_guest_init(&g, &peap_server_method, TLS_1_3);
	said = challenge_for(&g);
	memcpy(exchange.authenticator, said.challenge, sizeof exchange.authenticator);
	said = (struct mschapv2_packet){ .op = MSCHAPV2_RESPONSE,
					 .id = said.id,
					 .text = exchange.name };
	REQUIRE(mschap_password_hash(test_mschap(), slice_str("secret"), hash) == OK);
	REQUIRE(mschapv2_response(test_mschap(), &exchange, hash, said.nt_response) == OK);
	say_mschapv2(&g, &said);
	CHECK_INT(g.state, METHOD_GOES_ON);
	say_mschapv2(&g, &(struct mschapv2_packet){ .op = MSCHAPV2_FAILURE, .bare = true });
	check_refused_inside(&g, DIAG_ACCOUNT_PROOF);
	tunnel_guest_done(&g);
}
