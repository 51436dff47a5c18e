/* Packets of EAP-MSCHAPv2 and messages of failures: what parses builds to the same, or to what
 * parses to the same. */
#include "method/mschapv2_packet.h"
#include "tests/legacy.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_packet(struct slice in)
{
	uint8_t out[2048], third[2048];
	struct wr w = wr_of(out, sizeof out), twice = wr_of(third, sizeof third);
	struct mschapv2_packet p, q;

	if (mschapv2_packet_parse(in, &p) != OK)
		return;
	mschapv2_packet_build(&w, &p);
	assert(wr_ok(&w) && w.len == in.len);
	assert(mschapv2_packet_parse(wr_done(&w), &q) == OK);
	mschapv2_packet_build(&twice, &q);
	assert(slice_eq(wr_done(&w), wr_done(&twice)));
}

static void check_error(struct slice in)
{
	uint8_t out[8192];
	struct wr w = wr_of(out, sizeof out);
	struct mschap_error e, again;

	mschap_error_parse(in, &e);
	assert(mschap_error_text(e.code));
	mschap_error_build(&w, &e);
	assert(wr_ok(&w));
	mschap_error_parse(wr_done(&w), &again);
	assert(again.code == e.code && again.retry == e.retry && again.version == e.version);
	assert(again.has_challenge == e.has_challenge && slice_eq(again.message, e.message));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char proof[MSCHAPV2_PROOF_SIZE] = "S=407A5589115FD0D6209F510FE9C04566932CDA5";
	const struct slice in = slice_of(data, size);
	uint8_t hash[MSCHAP_HASH_SIZE];

	check_packet(in);
	check_error(in);
	mschapv2_proven(in, proof);
	mschap_user(in);
	if (mschap_password_hash(test_mschap(), in, hash) == OK)
		assert(size <= 4 * MSCHAP_PASSWORD_MAX);
	return 0;
}
