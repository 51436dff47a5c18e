/* A hostile peer of EST: see enrol_ends.h. */
#include "tests/fuzz/enrol_ends.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct enrol_pair pair = { &est_peer, &est_server, true };

	enrol_ends_listen(&pair, slice_of(data, size));
	return 0;
}
