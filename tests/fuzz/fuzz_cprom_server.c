/* The CPROM server, which hears what the other end says and what the input makes of it:
 * cprom_meddle.h.
 */
#include "tests/fuzz/cprom_meddle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	play_cprom(data, size, false);
	return 0;
}
