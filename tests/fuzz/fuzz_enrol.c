/* Whole conversations of CMP and EST, slowly: enrol_ends.h.  The first octet says which of them,
 * and which end hears what the input makes of the other's words. */
#include "tests/fuzz/enrol_ends.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct enrol_pair pairs[] = {
		{ &cmp_peer, &cmp_server, false },
		{ &cmp_peer, &cmp_server, true },
		{ &est_peer, &est_server, false },
		{ &est_peer, &est_server, true },
		{ &cmp_basic_peer, &cmp_basic_server, false },
		{ &cmp_basic_peer, &cmp_basic_server, true },
	};

	if (size > 0)
		enrol_ends_talk(&pairs[data[0] % 6], slice_of(data + 1, size - 1));
	return 0;
}
