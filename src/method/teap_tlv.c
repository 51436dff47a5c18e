#include "method/teap_tlv.h"

#include "eap/packet.h"

#define MANDATORY 0x8000
#define TYPE_BITS 0x3fff

bool teap_tlv_next(struct rd *r, struct teap_tlv *ret_tlv)
{
	const uint8_t *begin = r->p;
	struct teap_tlv tlv = { 0 };
	uint16_t head;

	if (r->left == 0)
		return false;
	head = rd_u16(r);
	tlv.mandatory = head & MANDATORY;
	tlv.type = head & TYPE_BITS;
	tlv.value = rd_bytes(r, rd_u16(r));
	if (!rd_ok(r))
		return false;
	tlv.whole = slice_of(begin, (size_t)(r->p - begin));
	*ret_tlv = tlv;
	return true;
}

/* ---- what stands in a TLV ---- */

/* "The TLVs in this field MUST NOT have the mandatory bit set." */
static bool all_optional(struct slice tlvs)
{
	struct rd r = rd_of(tlvs);
	struct teap_tlv tlv;

	while (teap_tlv_next(&r, &tlv)) {
		if (tlv.mandatory)
			return false;
	}
	return rd_done(&r);
}

static bool read_authority_id(struct slice value, struct teap_message *m)
{
	m->authority_id = value;
	return value.len > 0;
}

static bool read_identity_type(struct slice value, struct teap_message *m)
{
	struct rd r = rd_of(value);
	uint16_t type = rd_u16(&r);

	if (!rd_done(&r))
		return false;
	m->identity_type = type;
	return true;
}

static bool read_result(struct slice value, struct teap_message *m)
{
	struct rd r = rd_of(value);
	enum teap_status status = rd_u16(&r);

	if (!rd_done(&r))
		return false;
	m->result = status;
	return true;
}

static bool read_intermediate(struct slice value, struct teap_message *m)
{
	struct rd r = rd_of(value);
	enum teap_status status = rd_u16(&r);

	if (!rd_ok(&r) || !all_optional(rd_rest(&r)))
		return false;
	m->intermediate = status;
	return true;
}

static bool read_nak(struct slice value, struct teap_message *m)
{
	struct rd r = rd_of(value);
	struct teap_unsupported nak = { .vendor = rd_u32(&r), .type = rd_u16(&r) };

	if (!rd_ok(&r) || !all_optional(rd_rest(&r)))
		return false;
	m->nak = nak;
	return true;
}

static bool read_error(struct slice value, struct teap_message *m)
{
	struct rd r = rd_of(value);
	uint32_t code = rd_u32(&r);

	if (!rd_done(&r))
		return false;
	if (code > m->error)
		m->error = code;
	return true;
}

static bool read_anything(struct slice value, struct teap_message *m)
{
	(void)value;
	(void)m;
	return true;
}

static bool read_action(struct slice value, struct teap_message *m)
{
	struct rd r = rd_of(value);
	uint8_t status = rd_u8(&r);
	struct teap_request_action action = {
		/* "should be treated as a fatal error" */
		.status = status == TEAP_SUCCESS ? TEAP_SUCCESS : TEAP_FAILURE,
		.action = rd_u8(&r),
		.tlvs = rd_rest(&r),
	};

	if (!rd_ok(&r) || m->action_count == TEAP_ACTIONS_MAX)
		return false;
	m->actions[m->action_count++] = action;
	return true;
}

static bool read_eap(struct slice value, struct teap_message *m)
{
	struct rd head = rd_of(value), r = head;
	struct slice packet;

	(void)rd_u16(&head); /* Code and Identifier */
	packet = rd_bytes(&r, rd_u16(&head));
	if (!rd_ok(&head) || !rd_ok(&r) || packet.len == 0 || !all_optional(rd_rest(&r)))
		return false;
	m->eap = packet;
	return true;
}

static bool read_prompt(struct slice value, struct teap_message *m)
{
	m->prompt = value;
	return true;
}

static bool read_password(struct slice value, struct teap_message *m)
{
	struct rd r = rd_of(value);
	struct slice name = rd_bytes(&r, rd_u8(&r));
	struct slice password = rd_bytes(&r, rd_u8(&r));

	if (!rd_done(&r) || name.len == 0 || password.len == 0)
		return false;
	m->name = name;
	m->password = password;
	return true;
}

static bool read_pkcs7(struct slice value, struct teap_message *m)
{
	m->pkcs7 = value;
	return value.len > 0;
}

static bool read_pkcs10(struct slice value, struct teap_message *m)
{
	m->pkcs10 = value;
	return true;
}

static bool read_root(struct slice value, struct teap_message *m)
{
	struct rd r = rd_of(value);
	uint16_t format = rd_u16(&r);

	if (!rd_ok(&r) || format != TEAP_PKCS7_SERVER_ROOT)
		return false;
	m->root = rd_rest(&r);
	return true;
}

static bool read_csr_attributes(struct slice value, struct teap_message *m)
{
	m->csr_attributes = value;
	return value.len >= 2;
}

static bool read_hint(struct slice value, struct teap_message *m)
{
	(void)m;
	return value.len >= 2;
}

/* Apart, because it wants the whole TLV. */
static bool read_binding(const struct teap_tlv *tlv, struct teap_message *m)
{
	struct rd r = rd_of(tlv->value);
	struct teap_crypto_binding b = { .whole = tlv->whole };
	uint8_t kind;

	(void)rd_u8(&r);
	b.version = rd_u8(&r);
	b.received_version = rd_u8(&r);
	kind = rd_u8(&r);
	b.flags = kind >> 4;
	b.sub_type = kind & 0x0f;
	b.nonce = rd_bytes(&r, TEAP_NONCE_SIZE);
	b.emsk_mac = rd_bytes(&r, TEAP_MAC_SIZE);
	b.msk_mac = rd_bytes(&r, TEAP_MAC_SIZE);
	if (!rd_done(&r))
		return false;
	m->binding = b;
	return true;
}

/* ---- what may stand where ---- */

#define NO   TEAP_NEVER
#define OPT  TEAP_AT_MOST_ONE
#define ONE  TEAP_EXACTLY_ONE
#define MANY TEAP_ANY_NUMBER

/* Sections 4.3.1 and 4.3.2, and the mandatory bit of 4.2. */
/* clang-format off */
static const struct rule {
	bool mandatory;
	bool (*read)(struct slice value, struct teap_message *m);
	enum teap_count count[TEAP_PLACES];
} rules[TEAP_TYPES] = {
	/*                                                        outer     inner
	 *                                                        req  resp req  resp succ fail */
	[TEAP_AUTHORITY_ID]        = { false, read_authority_id,  { OPT, NO,  NO,  NO,  NO,  NO } },
	[TEAP_IDENTITY_TYPE]       = { true,  read_identity_type, { OPT, OPT, OPT, OPT, NO,  NO } },
	[TEAP_RESULT]              = { true,  read_result,        { NO,  NO,  OPT, OPT, ONE, ONE } },
	[TEAP_NAK]                 = { true,  read_nak,           { NO,  NO,  MANY, MANY, NO, NO } },
	[TEAP_ERROR]               = { true,  read_error,         { NO,  NO,  MANY, MANY, MANY, MANY } },
	[TEAP_CHANNEL_BINDING]     = { false, read_anything,      { NO,  NO,  OPT, OPT, NO,  NO } },
	[TEAP_VENDOR_SPECIFIC]     = { false, read_anything,      { MANY, MANY, MANY, MANY, MANY, MANY } },
	[TEAP_REQUEST_ACTION]      = { true,  read_action,        { NO,  NO,  MANY, MANY, MANY, MANY } },
	[TEAP_EAP_PAYLOAD]         = { true,  read_eap,           { NO,  NO,  OPT, OPT, NO,  NO } },
	[TEAP_INTERMEDIATE_RESULT] = { true,  read_intermediate,  { NO,  NO,  OPT, OPT, OPT, OPT } },
	[TEAP_PAC]                 = { true,  read_anything,      { NO,  NO,  NO,  NO,  NO,  NO } },
	[TEAP_CRYPTO_BINDING]      = { true,  NULL,               { NO,  NO,  OPT, OPT, OPT, OPT } },
	[TEAP_PASSWORD_REQUEST]    = { true,  read_prompt,        { NO,  NO,  OPT, NO,  NO,  NO } },
	[TEAP_PASSWORD_RESPONSE]   = { true,  read_password,      { NO,  NO,  NO,  OPT, NO,  NO } },
	[TEAP_PKCS7]               = { false, read_pkcs7,         { NO,  NO,  OPT, NO,  OPT, NO } },
	[TEAP_PKCS10]              = { false, read_pkcs10,        { NO,  NO,  NO,  OPT, NO,  NO } },
	[TEAP_TRUSTED_ROOT]        = { false, read_root,          { NO,  NO,  OPT, OPT, OPT, NO } },
	[TEAP_CSR_ATTRIBUTES]      = { false, read_csr_attributes, { NO, NO,  OPT, NO,  NO,  NO } },
	[TEAP_IDENTITY_HINT]       = { false, read_hint,          { NO,  NO,  NO,  MANY, NO, NO } },
};
/* clang-format on */

enum teap_count teap_tlv_count(unsigned type, enum teap_place place)
{
	return rules[type].count[place];
}

static bool fits(unsigned seen, unsigned type, enum teap_place place)
{
	switch (rules[type].count[place]) {
	case TEAP_NEVER:
		return seen == 0;
	case TEAP_AT_MOST_ONE:
		return seen <= 1;
	case TEAP_EXACTLY_ONE:
		return seen == 1;
	case TEAP_ANY_NUMBER:
		break;
	}
	return true;
}

static bool known_status(const struct teap_message *m, enum teap_tlv_type type,
			 enum teap_status status)
{
	return !teap_has(m, type) || status == TEAP_SUCCESS || status == TEAP_FAILURE;
}

/* "multiple EAP Payload TLVs, multiple Basic Password Authentication TLVs, or an EAP Payload TLV
 * with a Basic Password Authentication TLV within one single TEAP packet" */
static bool keeps_rules(const struct teap_message *m, const unsigned *seen, enum teap_place place)
{
	if (seen[TEAP_EAP_PAYLOAD] + seen[TEAP_PASSWORD_REQUEST] + seen[TEAP_PASSWORD_RESPONSE] > 1)
		return false;
	if (!known_status(m, TEAP_RESULT, m->result) ||
	    !known_status(m, TEAP_INTERMEDIATE_RESULT, m->intermediate))
		return false;
	/* "Two Request-Action TLVs MUST NOT occur in the same TEAP packet if they have the same
	 * Status value." */
	if (seen[TEAP_REQUEST_ACTION] > TEAP_ACTIONS_MAX ||
	    (m->action_count == 2 && m->actions[0].status == m->actions[1].status))
		return false;
	for (unsigned type = 1; type < TEAP_TYPES; type++) {
		if (!fits(seen[type], type, place))
			return false;
		if (m->result == TEAP_SUCCESS && !fits(seen[type], type, TEAP_IN_SUCCESS))
			return false;
		if (m->result == TEAP_FAILURE && !fits(seen[type], type, TEAP_IN_FAILURE))
			return false;
	}
	return true;
}

/* The rest of the message is only looked at for a Result. */
static void refuse(struct teap_message *m, const struct teap_tlv *tlv)
{
	struct rd r = rd_of(tlv->value);

	if (m->unsupported.type != 0)
		return;
	m->unsupported.type = tlv->type;
	if (tlv->type == TEAP_VENDOR_SPECIFIC)
		m->unsupported.vendor = rd_u32(&r);
}

static void take(struct teap_message *m, const struct teap_tlv *tlv)
{
	bool understood = tlv->type == TEAP_CRYPTO_BINDING ? read_binding(tlv, m)
							   : rules[tlv->type].read(tlv->value, m);

	if (understood)
		m->present |= 1u << tlv->type;
	else
		m->discarded++;
}

static bool is_outer(enum teap_place place)
{
	return place == TEAP_OUTER_REQUEST || place == TEAP_OUTER_RESPONSE;
}

enum status teap_message_read(struct slice in, enum teap_place place,
			      struct teap_message *ret_message)
{
	struct rd r = rd_of(in);
	struct teap_message m = { 0 };
	unsigned seen[TEAP_TYPES] = { 0 }, count = 0;
	bool refused = false;
	struct teap_tlv tlv;

	while (count++ < TEAP_TLVS_MAX && teap_tlv_next(&r, &tlv)) {
		bool known = tlv.type > 0 && tlv.type < TEAP_TYPES;

		/* We have no vendor's TLVs. */
		if (!known || tlv.type == TEAP_VENDOR_SPECIFIC) {
			refused |= tlv.mandatory;
			if (tlv.mandatory)
				refuse(&m, &tlv);
			continue;
		}
		seen[tlv.type]++;
		if (!is_outer(place) || fits(seen[tlv.type], tlv.type, place))
			take(&m, &tlv);
	}
	*ret_message = m;
	if (is_outer(place))
		return refused ? UNSUPPORTED : OK;
	if (!rd_done(&r))
		return MALFORMED;
	if (refused)
		return UNSUPPORTED;
	return keeps_rules(&m, seen, place) ? OK : UNEXPECTED;
}

/* ---- what stands in a Request-Action, or in a Trusted-Server-Root ---- */

/* "the EAP peer should ignore the TLV", and so does a server. */
static bool is_known_root(struct slice value)
{
	struct rd r = rd_of(value);

	return rd_u16(&r) == TEAP_PKCS7_SERVER_ROOT && rd_ok(&r);
}

bool teap_provision_read(struct slice tlvs, struct teap_provision *ret_provision)
{
	struct teap_provision p = { 0 };
	struct rd r = rd_of(tlvs);
	struct teap_tlv tlv;
	unsigned count = 0;
	bool good = true;

	while (good && count++ < TEAP_TLVS_MAX && teap_tlv_next(&r, &tlv)) {
		if (tlv.type == TEAP_PKCS10) {
			good = !p.request;
			p.request = true;
			p.pkcs10 = tlv.value;
		} else if (tlv.type == TEAP_PKCS7) {
			good = p.pkcs7.len == 0;
			p.pkcs7 = tlv.value;
		} else if (tlv.type == TEAP_TRUSTED_ROOT && is_known_root(tlv.value)) {
			good = !p.root;
			p.root = true;
		}
	}
	*ret_provision = p;
	return good && rd_done(&r);
}

/* ---- writing ---- */

size_t teap_tlv_open(struct wr *w, enum teap_tlv_type type)
{
	wr_u16(w, (uint16_t)(type | (rules[type].mandatory ? MANDATORY : 0)));
	return wr_open16(w);
}

void teap_tlv_write(struct wr *w, enum teap_tlv_type type, struct slice value)
{
	size_t mark = teap_tlv_open(w, type);

	wr_bytes(w, value);
	wr_close16(w, mark);
}

void teap_write_status(struct wr *w, enum teap_tlv_type type, enum teap_status status)
{
	size_t mark = teap_tlv_open(w, type);

	wr_u16(w, (uint16_t)status);
	wr_close16(w, mark);
}

void teap_write_identity_type(struct wr *w, enum teap_identity type)
{
	size_t mark = teap_tlv_open(w, TEAP_IDENTITY_TYPE);

	wr_u16(w, (uint16_t)type);
	wr_close16(w, mark);
}

void teap_write_outer_identity_type(struct wr *w, enum teap_identity type)
{
	size_t mark;

	wr_u16(w, TEAP_IDENTITY_TYPE);
	mark = wr_open16(w);
	wr_u16(w, (uint16_t)type);
	wr_close16(w, mark);
}

void teap_write_error(struct wr *w, uint32_t code)
{
	size_t mark = teap_tlv_open(w, TEAP_ERROR);

	wr_u32(w, code);
	wr_close16(w, mark);
}

void teap_write_action(struct wr *w, enum teap_status status, enum teap_action action,
		       struct slice tlvs)
{
	size_t mark = teap_tlv_open(w, TEAP_REQUEST_ACTION);

	wr_u8(w, (uint8_t)status);
	wr_u8(w, (uint8_t)action);
	wr_bytes(w, tlvs);
	wr_close16(w, mark);
}

void teap_write_root(struct wr *w, struct slice pkcs7)
{
	size_t mark = teap_tlv_open(w, TEAP_TRUSTED_ROOT);

	wr_u16(w, TEAP_PKCS7_SERVER_ROOT);
	if (pkcs7.len > 0)
		teap_tlv_write(w, TEAP_PKCS7, pkcs7);
	wr_close16(w, mark);
}

void teap_write_password(struct wr *w, struct slice name, struct slice password)
{
	size_t mark = teap_tlv_open(w, TEAP_PASSWORD_RESPONSE);

	wr_u8(w, (uint8_t)name.len);
	wr_bytes(w, name);
	wr_u8(w, (uint8_t)password.len);
	wr_bytes(w, password);
	wr_close16(w, mark);
}

void teap_write_nak(struct wr *w, const struct teap_unsupported *tlv)
{
	size_t mark = teap_tlv_open(w, TEAP_NAK);

	wr_u32(w, tlv->vendor);
	wr_u16(w, tlv->type);
	wr_close16(w, mark);
}
