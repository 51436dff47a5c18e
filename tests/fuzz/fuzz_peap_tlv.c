/* EAP Extensions of PEAP: what parses builds to what parses to the same. */
#include "method/peap_tlv.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t out[128];
	struct wr w = wr_of(out, sizeof out);
	struct peap_extensions x, y;

	peap_inner_is_whole(slice_of(data, size), 1);
	if (peap_extensions_parse(slice_of(data, size), &x) != OK)
		return 0;
	peap_extensions_build(&w, &x);
	assert(wr_ok(&w) && peap_extensions_parse(wr_done(&w), &y) == OK);
	assert(y.result == x.result && y.bound == x.bound && !y.unknown);
	assert(memcmp(&y.binding, &x.binding, sizeof x.binding) == 0);
	return 0;
}
