/* The server of EAP-TTLS, PEAP, TEAP and EAP-TLS, and a peer that is not quite what it should be:
 * tunnel_ends.h. */
#include "tests/fuzz/tunnel_ends.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	tunnel_ends_play(slice_of(data, size), false, false);
	return 0;
}
