/* Both ends of TEAP when it gives certificates, slowly: tunnel_ends.h.  The first octet says which
 * of them hears what the input makes of the other's words. */
#include "tests/fuzz/tunnel_ends.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 0)
		tunnel_ends_play(slice_of(data + 1, size - 1), true, data[0] & 1);
	return 0;
}
