/* What parses is built to the same octets, and parses again to the same. */
#include <assert.h>

#include "eapol/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t pdu[EAPOL_HEADER_SIZE + UINT16_MAX];
	struct wr w = wr_of(pdu, sizeof pdu);
	struct eapol_frame f, again;

	if (eapol_frame_parse(slice_of(data, size), &f) != OK)
		return 0;
	assert(f.version != 0);
	assert(EAPOL_HEADER_SIZE + f.body.len <= size);

	eapol_frame_build(&w, f.version, (enum eapol_type)f.type, f.body);
	assert(wr_ok(&w));
	assert(slice_eq(wr_done(&w), slice_of(data, EAPOL_HEADER_SIZE + f.body.len)));
	assert(eapol_frame_parse(wr_done(&w), &again) == OK);
	assert(again.version == f.version && again.type == f.type);
	assert(slice_eq(again.body, f.body));
	return 0;
}
