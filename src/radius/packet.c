#include "radius/packet.h"

enum radius_fault radius_packet_length(struct slice in, size_t *ret_length)
{
	struct rd r = rd_of(in);
	uint16_t length;

	rd_u16(&r);
	length = rd_u16(&r);
	if (!rd_ok(&r)) {
		*ret_length = 0;
		return RADIUS_FINE;
	}
	if (length < RADIUS_PACKET_MIN || length > RADIUS_PACKET_MAX)
		return RADIUS_BAD_LENGTH;
	*ret_length = length;
	return RADIUS_FINE;
}

/* Each packet is walked through several times: all of an attribute is read at once. */
bool radius_next(struct rd *at, struct radius_attribute *ret_attribute)
{
	const size_t header = 2; /* its length counts that too */
	size_t len = at->left < header ? 0 : at->p[1];
	struct slice whole;

	if (at->left == 0)
		return false;
	whole = rd_bytes(at, len);
	at->bad = at->bad || len < header;
	if (!rd_ok(at))
		return false;
	*ret_attribute =
		(struct radius_attribute){ whole.p[0], slice_of(whole.p + header, len - header) };
	return true;
}

/* "If the packet is shorter than the Length field indicates, it MUST be silently discarded." */
enum radius_fault radius_packet_parse(struct slice in, struct radius_packet *ret_packet)
{
	struct radius_packet packet;
	struct radius_attribute attribute;
	size_t length = 0;
	enum radius_fault fault = radius_packet_length(in, &length);
	struct rd r = rd_of(slice_of(in.p, length)), at;

	if (fault != RADIUS_FINE)
		return fault;
	if (length == 0 || in.len < length)
		return RADIUS_TRUNCATED;
	packet.whole = slice_of(in.p, length);
	packet.code = rd_u8(&r);
	packet.id = rd_u8(&r);
	rd_u16(&r);
	packet.authenticator = rd_bytes(&r, RADIUS_AUTHENTICATOR_SIZE);
	packet.attributes = rd_rest(&r);

	at = rd_of(packet.attributes);
	while (radius_next(&at, &attribute))
		;
	if (!rd_done(&at))
		return RADIUS_BAD_ATTRIBUTE;
	*ret_packet = packet;
	return RADIUS_FINE;
}

bool radius_find(const struct radius_packet *packet, uint8_t type, struct slice *ret_value)
{
	struct rd at = rd_of(packet->attributes);
	struct radius_attribute attribute;

	while (radius_next(&at, &attribute)) {
		if (attribute.type == type) {
			*ret_value = attribute.value;
			return true;
		}
	}
	*ret_value = (struct slice){ 0 };
	return false;
}

size_t radius_count(const struct radius_packet *packet, uint8_t type)
{
	struct rd at = rd_of(packet->attributes);
	struct radius_attribute attribute;
	size_t count = 0;

	while (radius_next(&at, &attribute))
		count += attribute.type == type;
	return count;
}

bool radius_value_u32(struct slice value, uint32_t *ret_number)
{
	struct rd r = rd_of(value);
	uint32_t number = rd_u32(&r);

	if (!rd_done(&r))
		return false;
	*ret_number = number;
	return true;
}

bool radius_find_u32(const struct radius_packet *packet, uint8_t type, uint32_t *ret_number)
{
	struct slice value;

	return radius_find(packet, type, &value) && radius_value_u32(value, ret_number);
}

bool radius_vendor_open(struct slice value, uint32_t vendor, struct rd *ret_at)
{
	struct rd r = rd_of(value);
	uint32_t found = rd_u32(&r);

	if (!rd_ok(&r) || found != vendor)
		return false;
	*ret_at = r;
	return true;
}

/* The recommended form is that of an attribute. */
bool radius_vendor_next(struct rd *at, struct radius_attribute *ret_attribute)
{
	return radius_next(at, ret_attribute);
}

/* "If multiple EAP-Message attributes are contained within a packet, these MUST be in order and
 * consecutive."  How many there are, and the first; false when they are scattered. */
static bool find_eap(const struct radius_packet *packet, size_t *ret_count, struct slice *ret_first)
{
	struct rd at = rd_of(packet->attributes);
	struct radius_attribute attribute;
	bool ended = false;

	*ret_count = 0;
	*ret_first = (struct slice){ 0 };
	while (radius_next(&at, &attribute)) {
		if (attribute.type != RADIUS_EAP_MESSAGE) {
			ended = *ret_count > 0;
			continue;
		}
		if (ended)
			return false;
		if ((*ret_count)++ == 0)
			*ret_first = attribute.value;
	}
	return true;
}

static struct slice put_together(const struct radius_packet *packet, uint8_t *room)
{
	struct rd at = rd_of(packet->attributes);
	struct radius_attribute attribute;
	struct wr w = wr_of(room, RADIUS_PACKET_MAX);

	while (radius_next(&at, &attribute)) {
		if (attribute.type == RADIUS_EAP_MESSAGE)
			wr_bytes(&w, attribute.value);
	}
	return wr_done(&w);
}

enum radius_fault radius_eap(const struct radius_packet *packet, uint8_t *room,
			     struct slice *ret_eap)
{
	struct slice eap;
	size_t count;

	if (!find_eap(packet, &count, &eap))
		return RADIUS_BAD_EAP;
	if (count > 1)
		eap = put_together(packet, room);
	if (eap.len > 0) {
		struct rd r = rd_of(eap);
		uint16_t length;

		rd_u16(&r);
		length = rd_u16(&r);
		if (!rd_ok(&r) || length < 4 || length > eap.len)
			return RADIUS_BAD_EAP;
		eap.len = length;
	}
	*ret_eap = eap;
	return RADIUS_FINE;
}

/* ---- tunnel attributes --------------------------------------------------------------- */

#define TAG_MAX	    0x1f /* RFC 2868, section 3.1 */
#define TUNNEL_VLAN 13	 /* RFC 3580, section 3.31 */
#define TUNNEL_802  6
#define VLAN_MAX    4094
#define VLAN_DIGITS 4

struct tunnel {
	uint32_t type, medium;
	uint16_t vlan;
};

static uint16_t vlan_number(struct slice text)
{
	unsigned number = 0;

	if (text.len == 0 || text.len > VLAN_DIGITS)
		return 0;
	for (size_t i = 0; i < text.len; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return 0;
		number = number * 10 + (unsigned)(text.p[i] - '0');
	}
	return number <= VLAN_MAX ? (uint16_t)number : 0;
}

/* A tag that is no tag belongs to the text (section 3.6), or, of a number, is ignored. */
static void hear_tunnel(const struct radius_attribute *attribute, struct tunnel *tunnels)
{
	struct rd r = rd_of(attribute->value);
	uint8_t tag = rd_u8(&r);
	struct tunnel *tunnel = &tunnels[tag <= TAG_MAX ? tag : 0];
	uint32_t number;

	if (attribute->type == RADIUS_TUNNEL_PRIVATE_GROUP_ID) {
		struct slice text = tag <= TAG_MAX ? rd_rest(&r) : attribute->value;

		tunnel->vlan = vlan_number(text);
		return;
	}
	number = rd_u24(&r);
	if (!rd_done(&r))
		return;
	if (attribute->type == RADIUS_TUNNEL_TYPE)
		tunnel->type = number;
	else
		tunnel->medium = number;
}

uint16_t radius_vlan(const struct radius_packet *packet, bool *ret_odd)
{
	struct tunnel tunnels[TAG_MAX + 1] = { 0 };
	struct rd at = rd_of(packet->attributes);
	struct radius_attribute attribute;
	bool any = false;
	uint16_t vlan = 0;

	while (radius_next(&at, &attribute)) {
		if (attribute.type == RADIUS_TUNNEL_TYPE ||
		    attribute.type == RADIUS_TUNNEL_MEDIUM_TYPE ||
		    attribute.type == RADIUS_TUNNEL_PRIVATE_GROUP_ID) {
			hear_tunnel(&attribute, tunnels);
			any = true;
		}
	}
	for (size_t tag = 0; any && vlan == 0 && tag <= TAG_MAX; tag++) {
		if (tunnels[tag].type == TUNNEL_VLAN && tunnels[tag].medium == TUNNEL_802)
			vlan = tunnels[tag].vlan;
	}
	if (ret_odd)
		*ret_odd = any && vlan == 0;
	return vlan;
}

/* ---- building ------------------------------------------------------------------------ */

static const uint8_t zeros[RADIUS_AUTHENTICATOR_SIZE];

struct radius_builder radius_builder_of(void *buffer, size_t cap, enum radius_code code, uint8_t id,
					struct slice authenticator, bool message_authenticator)
{
	struct radius_builder b = {
		.w = wr_of(buffer, cap < RADIUS_PACKET_MAX ? cap : RADIUS_PACKET_MAX),
		.message_authenticator = message_authenticator,
	};

	wr_u8(&b.w, (uint8_t)code);
	wr_u8(&b.w, id);
	wr_u16(&b.w, 0);
	if (authenticator.len == RADIUS_AUTHENTICATOR_SIZE)
		wr_bytes(&b.w, authenticator);
	else
		wr_bytes(&b.w, slice_of(zeros, sizeof zeros));
	if (message_authenticator)
		radius_put(&b, RADIUS_MESSAGE_AUTHENTICATOR, slice_of(zeros, sizeof zeros));
	return b;
}

void radius_put(struct radius_builder *b, uint8_t type, struct slice value)
{
	if (value.len > RADIUS_VALUE_MAX) {
		b->w.bad = true;
		return;
	}
	wr_u8(&b->w, type);
	wr_u8(&b->w, (uint8_t)(value.len + 2));
	wr_bytes(&b->w, value);
}

void radius_put_some(struct radius_builder *b, uint8_t type, struct slice value)
{
	if (value.len > 0)
		radius_put(b, type, value);
}

void radius_put_u32(struct radius_builder *b, uint8_t type, uint32_t number)
{
	wr_u8(&b->w, type);
	wr_u8(&b->w, 6);
	wr_u32(&b->w, number);
}

void radius_put_vendor(struct radius_builder *b, uint32_t vendor, uint8_t type, struct slice value)
{
	uint8_t inner[RADIUS_VALUE_MAX];
	struct wr w = wr_of(inner, sizeof inner);

	wr_u32(&w, vendor);
	wr_u8(&w, type);
	wr_u8(&w, (uint8_t)(value.len + 2));
	wr_bytes(&w, value);
	b->w.bad = b->w.bad || !wr_ok(&w);
	radius_put(b, RADIUS_VENDOR_SPECIFIC, wr_done(&w));
}

void radius_put_eap(struct radius_builder *b, struct slice eap)
{
	struct rd r = rd_of(eap);

	do {
		size_t piece = r.left < RADIUS_VALUE_MAX ? r.left : RADIUS_VALUE_MAX;

		radius_put(b, RADIUS_EAP_MESSAGE, rd_bytes(&r, piece));
	} while (r.left > 0);
}

/* Tag 0 for all: there is one tunnel.  Of Private-Group-ID a tag of 0 would become part of the
 * group in the eyes of some, and a digit is no tag, so it is left out. */
void radius_put_vlan(struct radius_builder *b, uint16_t vlan)
{
	uint8_t text[VLAN_DIGITS];
	size_t first = sizeof text;

	if (vlan == 0)
		return;
	if (vlan > VLAN_MAX) {
		b->w.bad = true;
		return;
	}
	for (unsigned rest = vlan; rest > 0; rest /= 10)
		text[--first] = (uint8_t)('0' + rest % 10);
	radius_put_u32(b, RADIUS_TUNNEL_TYPE, TUNNEL_VLAN);
	radius_put_u32(b, RADIUS_TUNNEL_MEDIUM_TYPE, TUNNEL_802);
	radius_put(b, RADIUS_TUNNEL_PRIVATE_GROUP_ID, slice_of(text + first, sizeof text - first));
}

void radius_put_proxy_states(struct radius_builder *b, const struct radius_packet *from)
{
	struct rd at = rd_of(from->attributes);
	struct radius_attribute attribute;

	while (radius_next(&at, &attribute)) {
		if (attribute.type == RADIUS_PROXY_STATE)
			radius_put(b, RADIUS_PROXY_STATE, attribute.value);
	}
}
