#include "eap/keys.h"
#include "eap/packet.h"
#include "eap/peer.h"
#include "tests/talk/fake_method.h"
#include "tests/talk/script.h"
#include "tests/test.h"

/* ---- packets ------------------------------------------------------------------------- */

static const char *const codes[] = { "",	"request",  "response", "success",
				     "failure", "initiate", "finish" };

static bool has_type(const struct eap_packet *packet)
{
	return packet->code == EAP_REQUEST || packet->code == EAP_RESPONSE;
}

/* What the vectors call this packet. */
static void describe(const struct eap_packet *packet, size_t behind, char *text, size_t size)
{
	char type[48] = "", octets[48] = "", padding[48] = "";

	if (has_type(packet))
		eap_type_name(packet->type, type, sizeof type);
	if (packet->data.len > 0)
		snprintf(octets, sizeof octets, ", %zu octets", packet->data.len);
	if (behind > 0)
		snprintf(padding, sizeof padding, ", %zu behind", behind);
	snprintf(text, size, "%s %u%s%s%s%s%s", codes[packet->code], packet->id,
		 packet->expanded ? " expanded" : "", type[0] ? " " : "", type, octets, padding);
}

static void build_again(const struct eap_packet *packet, struct wr *w)
{
	if (has_type(packet)) {
		size_t mark = eap_packet_open(w, (enum eap_code)packet->code, packet->id,
					      packet->type, packet->expanded);

		wr_bytes(w, packet->data);
		eap_packet_close(w, mark);
	} else {
		eap_packet_build_result(w, (enum eap_code)packet->code, packet->id);
	}
}

static void check_vector(const struct script_line *line, struct slice bytes, const char *meaning)
{
	struct eap_packet packet;
	char text[200] = "malformed";
	uint8_t out[512];
	struct wr w = wr_of(out, sizeof out);

	(void)line;
	if (eap_packet_parse(bytes, &packet) != OK) {
		CHECK_STR(text, meaning);
		return;
	}

	size_t length = (size_t)bytes.p[2] << 8 | bytes.p[3];

	describe(&packet, bytes.len - length, text, sizeof text);
	CHECK_STR(text, meaning);
	if (packet.code != EAP_INITIATE && packet.code != EAP_FINISH) {
		build_again(&packet, &w);
		CHECK(slice_eq(wr_done(&w), slice_of(bytes.p, length)));
	}
}

TEST(packets_mean_what_the_vectors_say)
{
	CHECK(script_vectors("eap.txt", check_vector));
}

TEST(short_and_expanded_forms_are_one_type)
{
	struct eap_packet a, b;

	REQUIRE(eap_packet_parse(slice_of("\1\1\0\5\15", 5), &a) == OK);
	REQUIRE(eap_packet_parse(slice_of("\1\1\0\14\376\0\0\0\0\0\0\15", 12), &b) == OK);
	CHECK(eap_type_eq(a.type, b.type));
	CHECK(!a.expanded);
	CHECK(b.expanded);
	CHECK(!eap_type_eq(a.type, (struct eap_type){ 9, EAP_TYPE_TLS }));
}

TEST(a_type_without_a_short_form_is_built_expanded)
{
	uint8_t out[12];
	struct wr w = wr_of(out, sizeof out);

	eap_packet_close(&w, eap_packet_open(&w, EAP_REQUEST, 1, eap_type(254), false));
	CHECK(slice_eq(wr_done(&w), slice_of("\1\1\0\14\376\0\0\0\0\0\0\376", 12)));
}

TEST(a_packet_that_does_not_fit_is_not_built)
{
	uint8_t out[8];
	struct wr w = wr_of(out, sizeof out);
	size_t mark = eap_packet_open(&w, EAP_RESPONSE, 1, eap_type(EAP_TYPE_IDENTITY), false);

	wr_bytes(&w, slice_str("anonymous"));
	eap_packet_close(&w, mark);
	CHECK_INT(wr_done(&w).len, 0);
}

static void check_nak(const struct eap_type *wanted, size_t count, bool expanded)
{
	uint8_t out[64];
	struct wr w = wr_of(out, sizeof out);
	struct eap_packet nak = { .type = { 0, EAP_TYPE_NAK }, .expanded = expanded };

	eap_nak_write(&w, wanted, count, expanded);
	nak.data = wr_done(&w);
	CHECK(eap_nak_valid(&nak));
	for (size_t i = 0; i < count; i++)
		CHECK(eap_nak_wants(&nak, wanted[i]));
	CHECK(!eap_nak_wants(&nak, eap_type(EAP_TYPE_PEAP)));
	/* The short form cannot say which of the expanded types. */
	CHECK_INT(eap_nak_wants(&nak, (struct eap_type){ 9, 2 }), count > 1 && !expanded);
	nak.data.len--;
	CHECK_INT(eap_nak_valid(&nak), count > 1 && !expanded);
}

TEST(a_nak_that_we_write_is_a_nak_that_we_read)
{
	static const struct eap_type wanted[] = { { 0, EAP_TYPE_TLS }, { 9, 1 } };

	check_nak(wanted, 2, false);
	check_nak(wanted, 2, true);
	check_nak(wanted, 1, false);
	check_nak(wanted, 1, true);
	check_nak(NULL, 0, false);
	check_nak(NULL, 0, true);
}

TEST(a_parse_that_fails_leaves_its_output_alone)
{
	struct eap_packet packet = { .id = 77 };

	CHECK_INT(eap_packet_parse(slice_of("\1\1\0\6\1", 5), &packet), MALFORMED);
	CHECK_INT(packet.id, 77);
}

TEST(a_type_name_is_cut_to_its_buffer)
{
	char text[8];

	CHECK_STR(eap_type_name((struct eap_type){ 9, 1 }, text, sizeof text), "vendor ");
	CHECK_STR(eap_type_name(eap_type(7), text, sizeof text), "type 7");
}

/* ---- keys ---------------------------------------------------------------------------- */

TEST(keys_move_and_leave_nothing)
{
	AUTO_VALUE(eap_keys) from = { 0 };
	AUTO_VALUE(eap_keys) to = { 0 };

	REQUIRE(secret_set(&from.msk, slice_str("new")) == OK);
	REQUIRE(bytes_set(&from.session_id, slice_str("id")) == OK);
	REQUIRE(secret_set(&to.msk, slice_str("old")) == OK);
	REQUIRE(secret_set(&to.emsk, slice_str("old")) == OK);
	eap_keys_move(&to, &from);
	CHECK(slice_eq(secret_slice(&to.msk), slice_str("new")));
	CHECK(slice_eq(bytes_slice(&to.session_id), slice_str("id")));
	CHECK_INT(to.emsk.len, 0);
	CHECK(from.msk.p == NULL && from.session_id.p == NULL);
}

/* ---- the peer, where a conversation cannot show it ----------------------------------- */

struct bench {
	struct eap_peer peer;
	struct eap_peer_config config;
	struct eap_lower lower;
	struct fake_method fake;
};

static void bench_begin(struct bench *b)
{
	*b = (struct bench){ .lower = { .portEnabled = true, .mtu = 1500 } };
	b->config.offers[0] = fake_method_offer(&b->fake, eap_type(EAP_TYPE_TLS));
	b->config.offer_count = 1;
	b->config.identity = slice_str("me");
	eap_peer_init(&b->peer, &b->config, &b->lower);
	eap_peer_step(&b->peer, (struct moment){ 0 });
}

static void bench_hear(struct bench *b, struct slice packet)
{
	b->lower.eapReq = true;
	b->lower.eapReqData = packet;
	eap_peer_step(&b->peer, (struct moment){ 0 });
}

TEST(keys_can_be_taken_from_the_peer)
{
	AUTO_VALUE(eap_keys) keys = { 0 };
	struct bench b;

	bench_begin(&b);
	bench_hear(&b, slice_of("\1\1\0\7\15Dk", 7));
	CHECK(!b.lower.eapKeyAvailable);
	bench_hear(&b, slice_of("\3\1\0\4", 4));
	REQUIRE(b.lower.eapKeyAvailable);
	eap_keys_move(&keys, b.lower.eapKeyData);
	CHECK_INT(keys.msk.len, EAP_MSK_SIZE);
	CHECK_INT(b.peer.keys.msk.len, 0);
	eap_peer_done(&b.peer);
	CHECK(b.lower.eapKeyData == NULL);
	CHECK(!b.lower.eapKeyAvailable);
}

TEST(the_report_outlives_success_until_the_next_conversation)
{
	struct eap_report report;
	struct bench b;

	bench_begin(&b);
	CHECK(!eap_peer_report(&b.peer, &report));
	bench_hear(&b, slice_of("\1\1\0\6\15D", 6));
	bench_hear(&b, slice_of("\3\1\0\4", 4));
	CHECK(b.lower.eapSuccess);
	REQUIRE(eap_peer_report(&b.peer, &report));
	CHECK_STR(report.tls_version, "fake");
	b.lower.eapRestart = true;
	eap_peer_step(&b.peer, (struct moment){ 0 });
	CHECK(!eap_peer_report(&b.peer, &report));
	CHECK_INT(b.fake.stopped, 1);
	eap_peer_done(&b.peer);
	CHECK_INT(b.fake.stopped, 1);
}

static int entered, told;

static void note_enter(void *self, const struct eap_tunnel_binding *tunnel)
{
	(void)self;
	entered += tunnel->server_named;
}

static void note_success(void *self)
{
	(void)self;
	told++;
}

TEST(a_method_for_the_inside_of_a_tunnel_is_answered_with_a_nak_outside)
{
	static const struct eap_tunnel_binding tunnel = { .server_named = true };
	struct eap_peer_method inner;
	struct bench b;

	entered = told = 0;
	bench_begin(&b);
	inner = *b.config.offers[0].method;
	inner.inner_only = true;
	inner.enter = note_enter;
	inner.succeeded = note_success;
	b.config.offers[0].method = &inner;
	bench_hear(&b, slice_of("\1\1\0\6\15D", 6));
	CHECK(slice_eq(b.lower.eapRespData, slice_of("\2\1\0\6\3\0", 6)));
	CHECK_INT(b.fake.stopped + entered, 0);

	b.lower.tunnel = &tunnel;
	b.lower.eapRestart = true;
	bench_hear(&b, slice_of("\1\1\0\6\15D", 6));
	CHECK_INT(entered, 1);
	CHECK_INT(told, 0);
	bench_hear(&b, slice_of("\3\1\0\4", 4));
	CHECK(b.lower.eapSuccess);
	CHECK_INT(told, 1);
	CHECK_INT(b.fake.stopped, 1);
	eap_peer_done(&b.peer);
}

TEST(the_request_is_not_kept)
{
	struct bench b;

	bench_begin(&b);
	bench_hear(&b, slice_of("\1\1\0\6\15c", 6));
	CHECK(b.peer.request.data.p == NULL);
	CHECK(b.lower.eapReqData.p == NULL);
	eap_peer_done(&b.peer);
}

TEST(a_peer_that_never_ran_can_be_dropped)
{
	struct eap_peer_config config = { 0 };
	struct eap_lower lower = { 0 };
	struct eap_peer peer;

	eap_peer_init(&peer, &config, &lower);
	CHECK_STR(eap_peer_state_name(&peer), "DISABLED");
	CHECK(eap_peer_deadline(&peer) == NEVER);
	eap_peer_done(&peer);
	eap_peer_done(&peer);
}

TEST(the_table_has_the_arrows_of_the_figure_and_one)
{
	struct machine_arrow arrow;
	size_t n = 0;

	while (eap_peer_arrow(n, &arrow))
		n++;
	CHECK_INT(n, 25 + 1); /* Appendix A.1, and the ceiling on rounds */
}
