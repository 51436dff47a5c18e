#include "method/peap_tlv.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <string.h>

#include "eap/packet.h"

#define TLV_MANDATORY 0x8000
#define TLV_RESERVED  0x4000
#define TLV_TYPE      0x3fff

#define TLV_RESULT  3
#define TLV_BINDING 12

/* ---- codec ---- */

static enum status parse_result(struct slice value, struct peap_extensions *x)
{
	struct rd r = rd_of(value);
	uint16_t status = rd_u16(&r);

	if (!rd_done(&r) || x->result != PEAP_RESULT_NONE || status < 1 || status > 2)
		return MALFORMED;
	x->result = status == 1 ? PEAP_RESULT_SUCCESS : PEAP_RESULT_FAILURE;
	return OK;
}

static enum status parse_binding(struct slice value, struct peap_extensions *x)
{
	struct rd r = rd_of(value);
	struct peap_binding *b = &x->binding;

	if (value.len != PEAP_BINDING_SIZE || x->bound)
		return MALFORMED;
	rd_u8(&r); /* reserved */
	b->version = rd_u8(&r);
	b->received_version = rd_u8(&r);
	b->kind = rd_u8(&r);
	memcpy(b->nonce, rd_bytes(&r, PEAP_NONCE_SIZE).p, PEAP_NONCE_SIZE);
	memcpy(b->mac, rd_bytes(&r, PEAP_MAC_SIZE).p, PEAP_MAC_SIZE);
	x->bound = true;
	return OK;
}

enum status peap_extensions_parse(struct slice in, struct peap_extensions *out)
{
	struct rd r = rd_of(in);
	struct peap_extensions x = { 0 };

	while (r.left > 0) {
		uint16_t type = rd_u16(&r);
		struct slice value = rd_bytes(&r, rd_u16(&r));
		enum status status = OK;

		if (!rd_ok(&r))
			return MALFORMED;
		if ((type & TLV_TYPE) == TLV_RESULT)
			status = parse_result(value, &x);
		else if ((type & TLV_TYPE) == TLV_BINDING)
			status = parse_binding(value, &x);
		else if (type & TLV_MANDATORY)
			x.unknown = true;
		if (status != OK)
			return status;
	}
	*out = x;
	return OK;
}

static void build_binding(struct wr *w, const struct peap_binding *b, bool with_mac)
{
	static const uint8_t zeros[PEAP_MAC_SIZE] = { 0 };

	wr_u16(w, TLV_BINDING);
	wr_u16(w, PEAP_BINDING_SIZE);
	wr_u8(w, 0);
	wr_u8(w, b->version);
	wr_u8(w, b->received_version);
	wr_u8(w, b->kind);
	wr_bytes(w, slice_of(b->nonce, sizeof b->nonce));
	wr_bytes(w, slice_of(with_mac ? b->mac : zeros, PEAP_MAC_SIZE));
}

void peap_extensions_build(struct wr *w, const struct peap_extensions *x)
{
	if (x->result != PEAP_RESULT_NONE) {
		wr_u16(w, TLV_MANDATORY | TLV_RESULT);
		wr_u16(w, 2);
		wr_u16(w, x->result == PEAP_RESULT_SUCCESS ? 1 : 2);
	}
	if (x->bound)
		build_binding(w, &x->binding, true);
}

bool peap_inner_is_whole(struct slice in, uint8_t code)
{
	struct rd r = rd_of(in);
	uint8_t first = rd_u8(&r);

	rd_u8(&r); /* Identifier */

	size_t len = rd_u16(&r);
	uint8_t type = rd_u8(&r);

	return rd_ok(&r) && first == code && len == in.len && type == EAP_TYPE_EXTENSIONS;
}

/* ---- keys ---- */

static enum status hmac(struct slice key, struct slice in, uint8_t out[PEAP_MAC_SIZE])
{
	unsigned len = PEAP_MAC_SIZE;

	return HMAC(EVP_sha1(), key.p, (int)key.len, in.p, in.len, out, &len) ? OK : CRYPTO;
}

#define SEED_MAX (64 + PEAP_ISK_SIZE)

/* PRF+ of PEAP version 0: T1 = HMAC(K, S | 1 | 0 | 0), Tn = HMAC(K, Tn-1 | S | n | 0 | 0). */
static enum status prf(struct slice key, struct slice label, struct slice seed, uint8_t *out,
		       size_t len)
{
	uint8_t in[PEAP_MAC_SIZE + SEED_MAX + 3], t[PEAP_MAC_SIZE];
	enum status status = OK;

	for (uint8_t n = 1; len > 0 && status == OK; n++) {
		struct wr w = wr_of(in, sizeof in);
		size_t part = len < sizeof t ? len : sizeof t;

		wr_bytes(&w, slice_of(t, n > 1 ? sizeof t : 0));
		wr_bytes(&w, label);
		wr_bytes(&w, seed);
		wr_u8(&w, n);
		wr_u16(&w, 0);
		status = hmac(key, wr_done(&w), t);
		if (status == OK)
			memcpy(out, t, part);
		out += part;
		len -= part;
	}
	explicit_bzero(in, sizeof in);
	explicit_bzero(t, sizeof t);
	return status;
}

enum status peap_keys_derive(const uint8_t tk[PEAP_TK_SIZE], const uint8_t *isk,
			     struct peap_keys *ret_keys)
{
	uint8_t both[sizeof ret_keys->ipmk + sizeof ret_keys->cmk];
	enum status status = OK;

	if (isk)
		status = prf(slice_of(tk, 40), slice_str("Inner Methods Compound Keys"),
			     slice_of(isk, PEAP_ISK_SIZE), both, sizeof both);
	else
		memcpy(both, tk, sizeof both);
	memcpy(ret_keys->ipmk, both, sizeof ret_keys->ipmk);
	memcpy(ret_keys->cmk, both + sizeof ret_keys->ipmk, sizeof ret_keys->cmk);
	explicit_bzero(both, sizeof both);
	return status;
}

/* "HMAC-SHA1-160(CMK, the whole TLV with its MAC zeroed | 0x19)". */
enum status peap_binding_mac(const struct peap_keys *keys, const struct peap_binding *binding,
			     uint8_t mac[PEAP_MAC_SIZE])
{
	uint8_t in[4 + PEAP_BINDING_SIZE + 1];
	struct wr w = wr_of(in, sizeof in);

	build_binding(&w, binding, false);
	wr_u8(&w, EAP_TYPE_PEAP);
	return hmac(slice_of(keys->cmk, sizeof keys->cmk), wr_done(&w), mac);
}

/* Here the label has its NUL. */
enum status peap_session_keys(const struct peap_keys *keys, uint8_t csk[PEAP_CSK_SIZE])
{
	static const char label[] = "Session Key Generating Function";

	return prf(slice_of(keys->ipmk, sizeof keys->ipmk), slice_of(label, sizeof label),
		   slice_of(NULL, 0), csk, PEAP_CSK_SIZE);
}
