/* What tests of CPROM do to a conversation, and say of one that failed. */
#ifndef TESTS_UNIT_CPROM_CHECK_H
#define TESTS_UNIT_CPROM_CHECK_H

#include "tests/cprom_duo.h"
#include "tests/test.h"

/* Of this error, which both ends diagnose; one says that it found it, the other that it was told;
 * and nothing is installed, nor left half-way; but for a key that may be gone on with, when nobody
 * has said no. */
static inline void check_error(struct cprom_duo *d, enum enrol_error error, bool peer_found)
{
	struct enrol_fault fault = { .error = error };
	const struct diagnosis *peer = cprom_peer_method.diagnosis(d->peer),
			       *server = cprom_server_method.diagnosis(d->server);
	struct diagnosis wanted;
	struct duo_shelf *shelf = cduo_shelf(d, "net");
	bool cut_off = error == ENROL_ERROR_INTERNAL || error == ENROL_ERROR_STORAGE;
	const char *by;

	enrol_fault_explain(&fault, ENROL_US, NULL, &wanted);
	CHECK_INT(d->end, METHOD_FAILED);
	CHECK_INT(d->verdict.decision, FAIL);
	CHECK_INT(cprom_peer_error(d->peer), error);
	CHECK_INT(cprom_server_error(d->server), error);
	CHECK_INT(peer->id, wanted.id);
	CHECK_INT(server->id, wanted.id);
	by = diagnosis_evidence(peer, "by");
	CHECK_STR(by ? by : "", peer_found ? "this side" : "the other side");
	by = diagnosis_evidence(server, "by");
	CHECK_STR(by ? by : "", peer_found ? "the other side" : "this side");
	CHECK(!shelf->current && !shelf->put && !shelf->pending);
	CHECK(cut_off || !shelf->pending_key);
}

/* ---- the TLVs of a message under way ------------------------------------------------- */

struct change {
	unsigned packet;     /* the one to be changed */
	enum cprom_tlv type; /* of these TLVs the value is replaced; 0: flags alone */
	struct slice value;  /* empty: the TLV is left out */
	uint8_t set, clear;  /* of the first octet */
	enum cprom_tlv add;  /* one more TLV, with the value */
};

static inline void rewrite(struct bytes *data, const struct change *change)
{
	uint8_t out[70000];
	struct wr w = wr_of(out, sizeof out);
	struct rd r = rd_of(bytes_slice(data));
	uint8_t first = rd_u8(&r), type;
	struct slice value;

	wr_u8(&w, (uint8_t)((first & ~change->clear) | change->set));
	while (cprom_tlv_next(&r, &type, &value)) {
		if (change->type == 0 || type != change->type)
			cprom_tlv_put(&w, (enum cprom_tlv)type, value);
		else if (change->value.len > 0)
			cprom_tlv_put(&w, (enum cprom_tlv)type, change->value);
	}
	if (change->add)
		cprom_tlv_put(&w, change->add, change->value);
	REQUIRE(bytes_set(data, wr_done(&w)) == OK);
}

#endif
