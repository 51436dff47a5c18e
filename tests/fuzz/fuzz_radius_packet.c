/* Parses, builds again and compares; and reads what a packet can hold in all the ways there are. */
#include "radius/keys.h"
#include "radius/packet.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct radius_crypto *crypto;

static void build_again(const struct radius_packet *packet)
{
	uint8_t out[RADIUS_PACKET_MAX];
	struct radius_builder b = radius_builder_of(out, sizeof out, (enum radius_code)packet->code,
						    packet->id, packet->authenticator, false);
	struct rd at = rd_of(packet->attributes);
	struct radius_attribute attribute;
	size_t count = 0;

	while (radius_next(&at, &attribute)) {
		assert(attribute.value.len <= RADIUS_VALUE_MAX);
		assert(strlen(radius_type_name(attribute.type)) > 0);
		radius_put(&b, attribute.type, attribute.value);
		count++;
	}
	assert(rd_done(&at) && count <= packet->attributes.len / 2);
	wr_close16_from(&b.w, 2, 0);
	assert(slice_eq(wr_done(&b.w), packet->whole));
}

static void look_inside(const struct radius_packet *packet)
{
	uint8_t room[RADIUS_PACKET_MAX], msk[RADIUS_MSK_SIZE];
	struct slice eap;
	bool odd, present;
	uint16_t vlan = radius_vlan(packet, &odd);

	assert(vlan <= 4094 && !(odd && vlan > 0));
	if (radius_eap(packet, room, &eap) == RADIUS_FINE)
		assert(eap.len == 0 || (eap.len >= 4 && eap.p[2] << 8 == (int)(eap.len & 0xff00)));
	if (radius_get_msk(crypto, slice_str("testing123"), packet->authenticator, packet, msk,
			   &present) != RADIUS_FINE)
		assert(!present);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size);
	struct radius_packet packet;

	if (!crypto && radius_crypto_new(&crypto) != OK)
		abort();
	if (radius_packet_parse(in, &packet) != RADIUS_FINE)
		return 0;
	assert(packet.whole.len <= size && packet.whole.len >= RADIUS_PACKET_MIN);
	assert(strlen(radius_code_name(packet.code)) > 0);
	build_again(&packet);
	look_inside(&packet);
	return 0;
}
