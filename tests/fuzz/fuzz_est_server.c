/* A hostile machine that enrolls by EST: see enrol.h. */
#include "tests/fuzz/enrol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_one(&est_peer, &est_server, true, data, size);
}
