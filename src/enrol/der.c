#include "enrol/der.h"

static size_t length_of(struct rd *r)
{
	uint8_t first = rd_u8(r);
	size_t len;

	if (first < 0x80)
		return first;
	switch (first) {
	case 0x81:
		len = rd_u8(r);
		break;
	case 0x82:
		len = rd_u16(r);
		break;
	case 0x83:
		len = rd_u24(r);
		break;
	default:
		len = 0;
	}
	/* as short as can be: section 10.1 */
	if (len < 0x80 || (first == 0x82 && len < 0x100) || (first == 0x83 && len < 0x10000))
		r->bad = true;
	return len;
}

struct der der_any(struct rd *r)
{
	struct rd start = *r;
	struct der out = { .tag = rd_u8(r) };

	out.content = rd_bytes(r, length_of(r));
	if ((out.tag & 0x1F) == 0x1F || !rd_ok(r)) {
		*r = (struct rd){ .bad = true };
		return (struct der){ 0 };
	}
	out.whole = slice_of(start.p, start.left - r->left);
	return out;
}

bool der_next_is(const struct rd *r, uint8_t tag)
{
	return rd_ok(r) && r->left > 0 && *r->p == tag;
}

struct slice der_of(struct rd *r, uint8_t tag)
{
	if (!der_next_is(r, tag)) {
		*r = (struct rd){ .bad = true };
		return (struct slice){ 0 };
	}
	return der_any(r).content;
}

struct rd der_in(struct rd *r, uint8_t tag)
{
	struct rd inside = rd_of(der_of(r, tag));

	inside.bad = r->bad;
	return inside;
}

void der_skip(struct rd *r, uint8_t tag)
{
	if (der_next_is(r, tag))
		(void)der_any(r);
}

int32_t der_int(struct rd *r)
{
	struct slice in = der_of(r, DER_INTEGER);
	uint32_t value = 0;

	if (in.len == 1 && in.p[0] == 0xFF)
		return -1;
	if (in.len == 0 || in.len > 4 || in.p[0] & 0x80 ||
	    (in.len > 1 && in.p[0] == 0 && !(in.p[1] & 0x80))) {
		*r = (struct rd){ .bad = true };
		return 0;
	}
	for (size_t i = 0; i < in.len; i++)
		value = value << 8 | in.p[i];
	return (int32_t)value;
}

void der_put(struct wr *w, uint8_t tag, struct slice content)
{
	wr_u8(w, tag);
	if (content.len >= 0x1000000)
		w->bad = true;
	if (content.len >= 0x10000) {
		wr_u8(w, 0x83);
		wr_u24(w, (uint32_t)content.len);
	} else if (content.len >= 0x100) {
		wr_u8(w, 0x82);
		wr_u16(w, (uint16_t)content.len);
	} else {
		if (content.len >= 0x80)
			wr_u8(w, 0x81);
		wr_u8(w, (uint8_t)content.len);
	}
	wr_bytes(w, content);
}
