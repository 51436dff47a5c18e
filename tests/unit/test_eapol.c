#include "tests/test.h"

#include <stdlib.h>

#include "eapol/authenticator.h"
#include "eapol/frame.h"
#include "eapol/supplicant.h"
#include "tests/talk/script.h"

static void vector(const char *bytes)
{
	AUTO_VALUE(bytes) pdu = { 0 };
	static uint8_t built[EAPOL_HEADER_SIZE + UINT16_MAX];
	struct wr w = wr_of(built, sizeof built);
	const char *meaning = NULL;
	struct eapol_frame f;
	char got[64] = "malformed";

	REQUIRE(script_bytes(bytes, &pdu, &meaning));
	if (eapol_frame_parse(bytes_slice(&pdu), &f) == OK) {
		snprintf(got, sizeof got, "version %u type %u body %zu", f.version, f.type,
			 f.body.len);
		eapol_frame_build(&w, f.version, (enum eapol_type)f.type, f.body);
		CHECK(slice_eq(wr_done(&w), slice_of(pdu.p, EAPOL_HEADER_SIZE + f.body.len)));
	}
	CHECK_STR(got, meaning);
}

TEST(frames_mean_what_their_vectors_say)
{
	const char *top = getenv("top_srcdir");
	AUTO(char) line = NULL;
	size_t room = 0, vectors = 0;
	char path[4096];

	snprintf(path, sizeof path, "%s/tests/vectors/eapol.txt", top ? top : ".");

	FILE *file = fopen(path, "r");

	REQUIRE(file != NULL);
	while (getline(&line, &room, file) > 0) {
		line[strcspn(line, "\n")] = '\0';
		if (!*line || *line == '#')
			continue;
		vector(line);
		vectors++;
	}
	fclose(file);
	CHECK(vectors > 20);
}

TEST(a_frame_is_read_as_it_was_built)
{
	uint8_t pdu[64];
	struct wr w = wr_of(pdu, sizeof pdu);
	struct eapol_frame f;

	eapol_frame_build(&w, 3, EAPOL_EAP, slice_str("body"));
	REQUIRE(eapol_frame_parse(wr_done(&w), &f) == OK);
	CHECK_INT(f.version, 3);
	CHECK_INT(f.type, EAPOL_EAP);
	CHECK(slice_eq(f.body, slice_str("body")));
	CHECK_INT(wr_done(&w).len, EAPOL_HEADER_SIZE + 4);
}

TEST(a_frame_that_does_not_fit_is_not_built)
{
	uint8_t pdu[6];
	struct wr w = wr_of(pdu, sizeof pdu);

	eapol_frame_build(&w, 2, EAPOL_EAP, slice_str("body"));
	CHECK_INT(wr_done(&w).len, 0);
}

/* ---- the supplicant: what its conversations (tests/talk/eapol-*.txt) do not show ----------- */

static const struct moment begin = { .mono = 1000 };

TEST(a_port_is_small)
{
	CHECK(sizeof(struct supplicant) <= 384);
	test_note("struct supplicant: %zu octets", sizeof(struct supplicant));
}

TEST(a_packet_is_not_looked_at_after_the_step)
{
	struct eap_lower lower = { 0 };
	struct supplicant pae;
	struct eapol_frame f;

	supplicant_init(&pae, &supplicant_defaults, &lower);
	supplicant_set_link(&pae, true);
	CHECK(!supplicant_step(&pae, begin));

	/* This peer restarts and does not listen then. */
	CHECK_INT(supplicant_receive(&pae, slice_of("\2\0\0\5\1\1\0\5\1", 9), &f), OK);
	CHECK(supplicant_step(&pae, begin));
	CHECK(lower.eapRestart);
	CHECK(lower.portEnabled);
	lower.eapRestart = false;
	CHECK(supplicant_step(&pae, begin));
	CHECK(lower.eapReq);
	CHECK(slice_eq(lower.eapReqData, slice_of("\1\1\0\5\1", 5)));
	lower.eapReq = false;
	CHECK(!supplicant_step(&pae, begin));
	CHECK(lower.eapReqData.p == NULL);
	CHECK(pae.request.p == NULL);
}

TEST(the_peer_hears_of_a_lost_link_once)
{
	struct eap_lower lower = { .portEnabled = true };
	struct supplicant pae;

	supplicant_init(&pae, &supplicant_defaults, &lower);
	supplicant_set_link(&pae, true);
	supplicant_step(&pae, begin);
	supplicant_set_link(&pae, false);
	CHECK(supplicant_step(&pae, begin));
	CHECK(!lower.portEnabled);
	CHECK(!supplicant_step(&pae, begin));
}

TEST(time_that_runs_out_of_milliseconds_ends_nothing)
{
	struct supplicant_config config = supplicant_defaults;
	struct eap_lower lower = { 0 };
	struct supplicant pae;

	config.start_first = config.start_ceiling = NEVER;
	supplicant_init(&pae, &config, &lower);
	supplicant_set_link(&pae, true);
	CHECK(!supplicant_step(&pae, begin));
	CHECK(supplicant_deadline(&pae) == NEVER);
}

/* ---- the authenticator: what its conversations (tests/talk/guard.txt) do not show ---------- */

TEST(a_guarded_machine_is_small)
{
	CHECK(sizeof(struct authenticator_pae) <= 320);
	test_note("struct authenticator_pae: %zu octets", sizeof(struct authenticator_pae));
}

TEST(a_response_is_not_looked_at_after_the_step)
{
	struct eap_authenticator_lower lower = { 0 };
	struct authenticator_pae pae;
	struct authenticator_pae_out out;
	struct eapol_frame f;

	authenticator_pae_init(&pae, &authenticator_pae_defaults, &lower);
	authenticator_pae_set_link(&pae, true);
	CHECK(authenticator_pae_step(&pae, begin));
	CHECK(lower.portEnabled && lower.eapRestart);
	lower.eapRestart = false;
	lower.eapReq = true;
	lower.eapReqData = slice_of("\1\1\0\5\1", 5);
	CHECK(!authenticator_pae_step(&pae, begin));
	REQUIRE(authenticator_pae_collect(&pae, &out));
	CHECK(slice_eq(out.body, slice_of("\1\1\0\5\1", 5)));
	CHECK(!authenticator_pae_collect(&pae, &out));

	CHECK_INT(authenticator_pae_receive(&pae, slice_of("\2\0\0\5\2\1\0\5\1", 9), &f), OK);
	CHECK(authenticator_pae_step(&pae, begin));
	CHECK(lower.eapResp);
	CHECK(slice_eq(lower.eapRespData, slice_of("\2\1\0\5\1", 5)));
	lower.eapResp = false;
	CHECK(!authenticator_pae_step(&pae, begin));
	CHECK(lower.eapRespData.p == NULL);
	CHECK(pae.response.p == NULL);
}

TEST(the_authenticator_hears_of_a_lost_link_once)
{
	struct eap_authenticator_lower lower = { 0 };
	struct authenticator_pae pae;

	authenticator_pae_init(&pae, &authenticator_pae_defaults, &lower);
	authenticator_pae_set_link(&pae, true);
	CHECK(authenticator_pae_step(&pae, begin));
	lower.eapRestart = false;
	authenticator_pae_set_link(&pae, false);
	CHECK(authenticator_pae_step(&pae, begin));
	CHECK(!lower.portEnabled);
	CHECK(!authenticator_pae_step(&pae, begin));
	CHECK(authenticator_pae_deadline(&pae) == NEVER);
}
