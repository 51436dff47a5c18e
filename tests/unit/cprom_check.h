/* What tests of CPROM say of a conversation that failed. */
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

#endif
