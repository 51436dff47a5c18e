/* The CPROM server, which hears what the other end says and what the input makes of it, about
 * passwords and symmetric keys: cprom_ends.h. */
#include "tests/fuzz/cprom_ends.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cprom_ends_play(slice_of(data, size), false, false);
	return 0;
}
