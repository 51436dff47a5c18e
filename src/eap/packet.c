#include "eap/packet.h"

#include <stdio.h>

/* The IANA registry "EAP Method Types", as far as anybody is likely to meet them. */
static const char *assigned_name(struct eap_type type)
{
	static const char *const names[] = {
		[EAP_TYPE_IDENTITY] = "Identity",
		[EAP_TYPE_NOTIFICATION] = "Notification",
		[EAP_TYPE_NAK] = "Nak",
		[4] = "MD5-Challenge",
		[5] = "OTP",
		[6] = "GTC",
		[EAP_TYPE_TLS] = "EAP-TLS",
		[17] = "LEAP",
		[18] = "EAP-SIM",
		[EAP_TYPE_TTLS] = "EAP-TTLS",
		[23] = "EAP-AKA",
		[EAP_TYPE_PEAP] = "PEAP",
		[26] = "EAP-MSCHAPv2",
		[43] = "EAP-FAST",
		[47] = "EAP-PSK",
		[50] = "EAP-AKA'",
		[52] = "EAP-pwd",
		[EAP_TYPE_TEAP] = "TEAP",
		[56] = "EAP-NOOB",
	};

	if (type.vendor != 0 || type.type >= sizeof names / sizeof names[0])
		return NULL;
	return names[type.type];
}

const char *eap_type_name(struct eap_type type, char *buffer, size_t size)
{
	const char *name = assigned_name(type);

	if (name)
		snprintf(buffer, size, "%s", name);
	else if (type.vendor == 0)
		snprintf(buffer, size, "type %u", type.type);
	else
		snprintf(buffer, size, "vendor %u type %u", type.vendor, type.type);
	return buffer;
}

static void parse_type(struct rd *r, struct eap_packet *packet)
{
	packet->type = eap_type(rd_u8(r));
	packet->expanded = packet->type.type == EAP_TYPE_EXPANDED;
	if (packet->expanded) {
		packet->type.vendor = rd_u24(r);
		packet->type.type = rd_u32(r);
	}
}

enum status eap_packet_parse(struct slice in, struct eap_packet *out)
{
	struct rd header = rd_of(in), all = rd_of(in);
	struct eap_packet packet = { .code = rd_u8(&header), .id = rd_u8(&header) };
	uint16_t length = rd_u16(&header);
	/* What is behind the Length is padding. */
	struct rd r = rd_of(rd_bytes(&all, length));

	rd_u32(&r); /* the header, which the Length counts */
	switch ((enum eap_code)packet.code) {
	case EAP_REQUEST:
	case EAP_RESPONSE:
		parse_type(&r, &packet);
		break;
	case EAP_SUCCESS:
	case EAP_FAILURE:
		if (length != 4)
			return MALFORMED;
		break;
	case EAP_INITIATE:
	case EAP_FINISH:
		break;
	default:
		return MALFORMED;
	}
	packet.data = rd_rest(&r);
	if (!rd_done(&r))
		return MALFORMED;
	*out = packet;
	return OK;
}

static void write_expanded(struct wr *w, struct eap_type type)
{
	wr_u8(w, EAP_TYPE_EXPANDED);
	wr_u24(w, type.vendor);
	wr_u32(w, type.type);
}

size_t eap_packet_open(struct wr *w, enum eap_code code, uint8_t id, struct eap_type type,
		       bool expanded)
{
	size_t mark = w->len;

	wr_u8(w, (uint8_t)code);
	wr_u8(w, id);
	wr_open16(w);
	if (expanded || !eap_type_short(type))
		write_expanded(w, type);
	else
		wr_u8(w, (uint8_t)type.type);
	return mark;
}

void eap_packet_close(struct wr *w, size_t mark)
{
	wr_close16_from(w, mark + 2, mark);
}

/* "One octet per Type"; a single 254 stands for those that have none. */
static void write_legacy_types(struct wr *w, const struct eap_type *wanted, size_t count)
{
	bool expanded = false;

	for (size_t i = 0; i < count; i++) {
		if (eap_type_short(wanted[i]))
			wr_u8(w, (uint8_t)wanted[i].type);
		else if (!expanded)
			wr_u8(w, EAP_TYPE_EXPANDED);
		expanded = expanded || !eap_type_short(wanted[i]);
	}
}

void eap_nak_write(struct wr *w, const struct eap_type *wanted, size_t count, bool expanded)
{
	static const struct eap_type no_alternative = { 0, 0 };

	if (count == 0) {
		wanted = &no_alternative;
		count = 1;
	}
	if (!expanded) {
		write_legacy_types(w, wanted, count);
		return;
	}
	for (size_t i = 0; i < count; i++)
		write_expanded(w, wanted[i]);
}

bool eap_nak_next(const struct eap_packet *nak, size_t *at, struct eap_type *ret_type)
{
	struct rd r = rd_of(nak->data);
	struct eap_type type;

	rd_bytes(&r, *at);
	type = eap_type(rd_u8(&r));
	if (nak->expanded) {
		/* Section 5.3.2: "all in Expanded Type format". */
		if (!eap_type_eq(type, eap_type(EAP_TYPE_EXPANDED)))
			return false;
		type.vendor = rd_u24(&r);
		type.type = rd_u32(&r);
	}
	if (!rd_ok(&r))
		return false;
	*at = nak->data.len - r.left;
	*ret_type = type;
	return true;
}

bool eap_nak_valid(const struct eap_packet *nak)
{
	struct eap_type type;
	size_t at = 0;

	while (eap_nak_next(nak, &at, &type))
		;
	return at > 0 && at == nak->data.len;
}

bool eap_nak_wants(const struct eap_packet *nak, struct eap_type type)
{
	struct eap_type wanted;
	bool wants = false;

	for (size_t at = 0; eap_nak_next(nak, &at, &wanted);) {
		if (eap_type_eq(wanted, eap_type(0)))
			return false;
		wants = wants || eap_type_eq(wanted, type) ||
			(!nak->expanded && !eap_type_short(type) &&
			 eap_type_eq(wanted, eap_type(EAP_TYPE_EXPANDED)));
	}
	return wants;
}

void eap_packet_build_result(struct wr *w, enum eap_code code, uint8_t id)
{
	wr_u8(w, (uint8_t)code);
	wr_u8(w, id);
	wr_u16(w, 4);
}
