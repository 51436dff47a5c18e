/* AVPs of EAP-TTLS: what parses builds to what parses to the same. */
#include "method/ttls_avp.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t out[1 << 16];
	struct rd in = rd_of(slice_of(data, size));

	while (in.left > 0) {
		struct wr w = wr_of(out, sizeof out);
		struct ttls_avp avp, again;
		struct rd r;

		if (ttls_avp_next(&in, &avp) != OK)
			break;
		ttls_avp_build(&w, &avp);
		assert(wr_ok(&w) && w.len % 4 == 0);
		r = rd_of(wr_done(&w));
		assert(ttls_avp_next(&r, &again) == OK && r.left == 0);
		assert(again.code == avp.code && again.vendor == avp.vendor &&
		       again.mandatory == avp.mandatory && slice_eq(again.data, avp.data));
	}
	return 0;
}
