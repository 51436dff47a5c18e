/* A hostile server of CMP: see enrol.h. */
#include "tests/fuzz/enrol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_one(&cmp_peer, &cmp_server, false, data, size);
}
