#include "method/ttls_avp.h"

#define AVP_VENDOR    0x80
#define AVP_MANDATORY 0x40

#define HEADER_SIZE 8
#define VENDOR_SIZE 4

static size_t padding(size_t len)
{
	return (4 - len % 4) % 4;
}

enum status ttls_avp_next(struct rd *r, struct ttls_avp *ret_avp)
{
	struct ttls_avp avp = { .code = rd_u32(r) };
	uint8_t flags = rd_u8(r);
	size_t len = rd_u24(r), header = HEADER_SIZE;

	avp.mandatory = flags & AVP_MANDATORY;
	if (flags & AVP_VENDOR) {
		avp.vendor = rd_u32(r);
		header += VENDOR_SIZE;
	}
	if (!rd_ok(r) || len < header)
		return MALFORMED;
	avp.data = rd_bytes(r, len - header);
	if (!rd_ok(r))
		return MALFORMED;
	rd_bytes(r, r->left < padding(len) ? r->left : padding(len));
	*ret_avp = avp;
	return OK;
}

void ttls_avp_build(struct wr *w, const struct ttls_avp *avp)
{
	static const uint8_t zeros[3] = { 0 };
	size_t len = HEADER_SIZE + (avp->vendor ? VENDOR_SIZE : 0) + avp->data.len;

	wr_u32(w, avp->code);
	wr_u8(w, (uint8_t)((avp->vendor ? AVP_VENDOR : 0) | (avp->mandatory ? AVP_MANDATORY : 0)));
	if (len > 0xffffff)
		w->bad = true;
	wr_u24(w, (uint32_t)len);
	if (avp->vendor)
		wr_u32(w, avp->vendor);
	wr_bytes(w, avp->data);
	wr_bytes(w, slice_of(zeros, padding(len)));
}
