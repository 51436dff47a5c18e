#include "method/mschapv2_packet.h"

#include <string.h>

#define RESPONSE_SIZE 49 /* Peer-Challenge 16, reserved 8, NT-Response 24, flags 1 */

static enum status parse_value(struct rd *r, struct mschapv2_packet *p)
{
	uint8_t size = rd_u8(r);
	struct rd value = rd_of(rd_bytes(r, size));

	if (!rd_ok(r) ||
	    size != (p->op == MSCHAPV2_CHALLENGE ? MSCHAPV2_CHALLENGE_SIZE : RESPONSE_SIZE))
		return MALFORMED;
	memcpy(p->challenge, rd_bytes(&value, sizeof p->challenge).p, sizeof p->challenge);
	if (p->op == MSCHAPV2_RESPONSE) {
		rd_bytes(&value, 8);
		memcpy(p->nt_response, rd_bytes(&value, sizeof p->nt_response).p,
		       sizeof p->nt_response);
	}
	return OK;
}

enum status mschapv2_packet_parse(struct slice in, struct mschapv2_packet *out)
{
	struct rd r = rd_of(in);
	struct mschapv2_packet p = { .op = rd_u8(&r) };
	enum status status = OK;

	if (!rd_ok(&r))
		return MALFORMED;
	switch (p.op) {
	case MSCHAPV2_CHALLENGE:
	case MSCHAPV2_RESPONSE:
	case MSCHAPV2_SUCCESS:
	case MSCHAPV2_FAILURE:
		break;
	default:
		return p.op == MSCHAPV2_CHANGE_PASSWORD ? UNSUPPORTED : MALFORMED;
	}
	p.bare = r.left == 0 && (p.op == MSCHAPV2_SUCCESS || p.op == MSCHAPV2_FAILURE);
	if (!p.bare) {
		p.id = rd_u8(&r);
		if (rd_u16(&r) != in.len)
			return MALFORMED;
		if (p.op == MSCHAPV2_CHALLENGE || p.op == MSCHAPV2_RESPONSE)
			status = parse_value(&r, &p);
		p.text = rd_rest(&r);
	}
	if (status != OK || !rd_done(&r) || p.text.len > MSCHAPV2_TEXT_MAX)
		return MALFORMED;
	*out = p;
	return OK;
}

void mschapv2_packet_build(struct wr *w, const struct mschapv2_packet *p)
{
	static const uint8_t reserved[8] = { 0 };
	const size_t begin = w->len;
	size_t mark;

	wr_u8(w, p->op);
	if (p->bare)
		return;
	wr_u8(w, p->id);
	mark = wr_open16(w);
	if (p->op == MSCHAPV2_CHALLENGE)
		wr_u8(w, MSCHAPV2_CHALLENGE_SIZE);
	if (p->op == MSCHAPV2_RESPONSE)
		wr_u8(w, RESPONSE_SIZE);
	if (p->op == MSCHAPV2_CHALLENGE || p->op == MSCHAPV2_RESPONSE)
		wr_bytes(w, slice_of(p->challenge, sizeof p->challenge));
	if (p->op == MSCHAPV2_RESPONSE) {
		wr_bytes(w, slice_of(reserved, sizeof reserved));
		wr_bytes(w, slice_of(p->nt_response, sizeof p->nt_response));
		wr_u8(w, 0); /* flags */
	}
	wr_bytes(w, p->text);
	wr_close16_from(w, mark, begin);
}
