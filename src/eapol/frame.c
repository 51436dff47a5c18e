#include "eapol/frame.h"

#include "eap/lower.h"

enum status eapol_frame_parse(struct slice in, struct eapol_frame *out)
{
	struct rd r = rd_of(in);
	struct eapol_frame f = { .version = rd_u8(&r), .type = rd_u8(&r) };

	f.body = rd_bytes(&r, rd_u16(&r));
	if (!rd_ok(&r) || f.version == 0)
		return MALFORMED;
	*out = f;
	return OK;
}

void eapol_frame_build(struct wr *w, uint8_t version, enum eapol_type type, struct slice body)
{
	wr_u8(w, version);
	wr_u8(w, (uint8_t)type);

	size_t length = wr_open16(w);

	wr_bytes(w, body);
	wr_close16(w, length);
}

#define RADIUS_HEADROOM 100

size_t eapol_eap_mtu(size_t link_mtu)
{
	size_t mtu = link_mtu < EAPOL_EAP_MTU_MAX ? link_mtu : EAPOL_EAP_MTU_MAX;

	mtu -= mtu > EAPOL_HEADER_SIZE + RADIUS_HEADROOM ? EAPOL_HEADER_SIZE + RADIUS_HEADROOM
							 : mtu;
	return mtu > EAP_MTU_LEAST ? mtu : EAP_MTU_LEAST;
}
