/* EAP packets: what parses can be built, and parses to the same again. */
#include "eap/packet.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool has_type(const struct eap_packet *packet)
{
	return packet->code == EAP_REQUEST || packet->code == EAP_RESPONSE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t out[UINT16_MAX];
	struct eap_packet first, second;
	struct wr w = wr_of(out, sizeof out);
	char name[16];

	if (eap_packet_parse(slice_of(data, size), &first) != OK)
		return 0;
	if (first.code == EAP_INITIATE || first.code == EAP_FINISH)
		return 0;
	if (has_type(&first)) {
		size_t mark = eap_packet_open(&w, (enum eap_code)first.code, first.id, first.type,
					      first.expanded);

		wr_bytes(&w, first.data);
		eap_packet_close(&w, mark);
		assert(strlen(eap_type_name(first.type, name, sizeof name)) > 0);
	} else {
		eap_packet_build_result(&w, (enum eap_code)first.code, first.id);
	}

	struct slice built = wr_done(&w);

	assert(built.len >= 4 && built.len <= size && memcmp(built.p, data, built.len) == 0);
	assert(eap_packet_parse(built, &second) == OK);
	assert(second.code == first.code && second.id == first.id);
	assert(second.expanded == first.expanded && eap_type_eq(second.type, first.type));
	assert(slice_eq(second.data, first.data));
	return 0;
}
