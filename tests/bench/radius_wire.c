#include "tests/bench/radius_wire.h"

#include "tls/ssl.h"

#include <openssl/core_names.h>
#include <openssl/rand.h>

#include <stdlib.h>
#include <string.h>

#define HEADER_SIZE 20
#define DIGEST_SIZE 16

enum {
	USER_NAME = 1,
	NAS_PORT = 5,
	SERVICE_TYPE = 6,
	FRAMED_MTU = 12,
	STATE = 24,
	VENDOR_SPECIFIC = 26,
	CALLED_STATION_ID = 30,
	CALLING_STATION_ID = 31,
	NAS_IDENTIFIER = 32,
	NAS_PORT_TYPE = 61,
	EAP_MESSAGE = 79,
	MESSAGE_AUTHENTICATOR = 80,
};

struct wire {
	struct slice secret;
	EVP_MD *md5;
	EVP_MD_CTX *digest;
	EVP_MAC *mac;
	EVP_MAC_CTX *hmac; /* keyed */
	uint64_t random;
};

static void need(bool held)
{
	if (!held)
		abort(); /* of memory, or of MD5 in this OpenSSL */
}

struct wire *wire_new(const char *secret)
{
	char md5[] = "MD5";
	const OSSL_PARAM params[] = { OSSL_PARAM_utf8_string(OSSL_MAC_PARAM_DIGEST, md5, 3),
				      OSSL_PARAM_END };
	struct wire *w = calloc(1, sizeof *w);

	need(w != NULL);
	w->secret = slice_str(secret);
	w->md5 = EVP_MD_fetch(NULL, md5, NULL);
	w->digest = EVP_MD_CTX_new();
	w->mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	w->hmac = EVP_MAC_CTX_new(w->mac);
	need(w->md5 && w->digest && w->hmac &&
	     EVP_MAC_init(w->hmac, w->secret.p, w->secret.len, params) == 1);
	need(RAND_bytes((unsigned char *)&w->random, sizeof w->random) == 1);
	return w;
}

void wire_free(struct wire *w)
{
	EVP_MAC_CTX_free(w->hmac);
	EVP_MAC_free(w->mac);
	EVP_MD_CTX_free(w->digest);
	EVP_MD_free(w->md5);
	free(w);
}

static void md5(struct wire *w, const struct slice *parts, size_t count, uint8_t *out)
{
	need(EVP_DigestInit_ex(w->digest, w->md5, NULL) == 1);
	for (size_t i = 0; i < count; i++)
		need(EVP_DigestUpdate(w->digest, parts[i].p, parts[i].len) == 1);
	need(EVP_DigestFinal_ex(w->digest, out, NULL) == 1);
}

static void hmac_md5(struct wire *w, const struct slice *parts, size_t count, uint8_t *out)
{
	size_t len;

	need(EVP_MAC_init(w->hmac, NULL, 0, NULL) == 1);
	for (size_t i = 0; i < count; i++)
		need(EVP_MAC_update(w->hmac, parts[i].p, parts[i].len) == 1);
	need(EVP_MAC_final(w->hmac, out, &len, DIGEST_SIZE) == 1);
}

/* xorshift64*, Marsaglia and Vigna. */
static uint64_t next_random(struct wire *w)
{
	w->random ^= w->random >> 12;
	w->random ^= w->random << 25;
	w->random ^= w->random >> 27;
	return w->random * UINT64_C(2685821657736338717);
}

/* ---- out ----------------------------------------------------------------------------------- */

static void put(struct wr *w, uint8_t type, struct slice value)
{
	wr_u8(w, type);
	wr_u8(w, (uint8_t)(value.len + 2));
	wr_bytes(w, value);
}

static void put_u32(struct wr *w, uint8_t type, uint32_t value)
{
	wr_u8(w, type);
	wr_u8(w, 6);
	wr_u32(w, value);
}

static void put_eap(struct wr *w, struct slice eap)
{
	struct rd r = rd_of(eap);

	do
		put(w, EAP_MESSAGE, rd_bytes(&r, r.left < 253 ? r.left : 253));
	while (r.left > 0);
}

size_t wire_build(struct wire *wire, const struct wire_request *request, uint8_t *out)
{
	static const uint8_t zeros[DIGEST_SIZE];
	struct wr w = wr_of(out, RADIUS_PACKET_MAX);
	size_t length, authenticator;
	struct slice whole;

	wr_u8(&w, ACCESS_REQUEST);
	wr_u8(&w, request->id);
	length = wr_open16(&w);
	for (int i = 0; i < 4; i++)
		wr_u32(&w, (uint32_t)(next_random(wire) >> 32));
	authenticator = w.len + 2;
	put(&w, MESSAGE_AUTHENTICATOR, slice_of(zeros, sizeof zeros));
	put(&w, USER_NAME, request->identity);
	put(&w, NAS_IDENTIFIER, slice_str("bench"));
	put_u32(&w, NAS_PORT, 1);
	put_u32(&w, NAS_PORT_TYPE, 15);
	put_u32(&w, SERVICE_TYPE, 2);
	put_u32(&w, FRAMED_MTU, 1400);
	put(&w, CALLED_STATION_ID, slice_str("02-FF-00-00-00-01"));
	put(&w, CALLING_STATION_ID, slice_str(request->calling));
	if (request->state.len > 0)
		put(&w, STATE, request->state);
	put_eap(&w, request->eap);
	wr_close16_from(&w, length, 0);
	whole = wr_done(&w);
	need(whole.len > 0);
	hmac_md5(wire, &whole, 1, out + authenticator);
	return whole.len;
}

/* ---- in ------------------------------------------------------------------------------------ */

/* RFC 2548, section 2.4.2: Salt, then a length, a key and padding under MD5. */
static bool decrypt_key(struct wire *wire, struct slice in, const uint8_t *authenticator,
			uint8_t key[32])
{
	uint8_t clear[48], mask[DIGEST_SIZE];
	struct slice parts[] = { wire->secret, slice_of(authenticator, DIGEST_SIZE),
				 slice_of(in.p, 2) };

	if (in.len != 2 + sizeof clear)
		return false;
	md5(wire, parts, 3, mask);
	for (size_t at = 0; at < sizeof clear; at += DIGEST_SIZE) {
		const uint8_t *cipher = in.p + 2 + at;

		for (size_t i = 0; i < DIGEST_SIZE; i++)
			clear[at + i] = cipher[i] ^ mask[i];
		parts[1] = slice_of(cipher, DIGEST_SIZE);
		md5(wire, parts, 2, mask);
	}
	memcpy(key, clear + 1, 32);
	return clear[0] == 32;
}

static unsigned read_microsoft(struct wire *wire, struct rd r, const uint8_t *sent,
			       struct wire_answer *a)
{
	enum { SEND_KEY = 16, RECV_KEY = 17 };

	if (rd_u32(&r) != 311)
		return 0;

	uint8_t type = rd_u8(&r);

	rd_u8(&r);
	if (type == RECV_KEY)
		return decrypt_key(wire, rd_rest(&r), sent + 4, a->msk) ? 1 : 0;
	if (type == SEND_KEY)
		return decrypt_key(wire, rd_rest(&r), sent + 4, a->msk + 32) ? 2 : 0;
	return 0;
}

static bool append(uint8_t *to, size_t *len, size_t cap, struct slice value)
{
	if (value.len > cap - *len)
		return false;
	memcpy(to + *len, value.p, value.len);
	*len += value.len;
	return true;
}

/* The offset of Message-Authenticator's value; 0 if it is not there. */
static bool read_attributes(struct wire *wire, struct slice in, const uint8_t *sent,
			    struct wire_answer *a, size_t *ret_authenticator)
{
	struct rd r = rd_of(slice_of(in.p + HEADER_SIZE, in.len - HEADER_SIZE));
	unsigned keys = 0;

	*ret_authenticator = 0;
	while (r.left > 0) {
		uint8_t type = rd_u8(&r), length = rd_u8(&r);
		struct slice value = rd_bytes(&r, length < 2 ? SIZE_MAX : length - 2u);

		if (!rd_ok(&r))
			return false;
		if (type == STATE && !append(a->state, &a->state_len, sizeof a->state, value))
			return false;
		if (type == EAP_MESSAGE && !append(a->eap, &a->eap_len, sizeof a->eap, value))
			return false;
		if (type == VENDOR_SPECIFIC)
			keys |= read_microsoft(wire, rd_of(value), sent, a);
		if (type == MESSAGE_AUTHENTICATOR && value.len == DIGEST_SIZE)
			*ret_authenticator = (size_t)(value.p - in.p);
	}
	a->has_keys = keys == 3;
	return true;
}

enum status wire_read(struct wire *wire, struct slice in, const uint8_t *sent,
		      struct wire_answer *ret_answer)
{
	static const uint8_t zeros[DIGEST_SIZE];
	struct wire_answer *a = ret_answer;
	struct rd r = rd_of(in);
	uint8_t computed[DIGEST_SIZE];
	size_t at;

	a->code = rd_u8(&r);
	rd_u8(&r);
	a->state_len = a->eap_len = 0;

	const size_t length = rd_u16(&r);

	if (length < HEADER_SIZE || length > in.len)
		return MALFORMED;
	in.len = length;
	if (!read_attributes(wire, in, sent, a, &at))
		return MALFORMED;

	const struct slice whole[] = { slice_of(in.p, 4), slice_of(sent + 4, DIGEST_SIZE),
				       slice_of(in.p + HEADER_SIZE, in.len - HEADER_SIZE),
				       wire->secret };

	md5(wire, whole, 4, computed);
	if (at == 0 || memcmp(computed, in.p + 4, DIGEST_SIZE) != 0)
		return UNTRUSTED;

	const struct slice blanked[] = {
		whole[0], whole[1], slice_of(in.p + HEADER_SIZE, at - HEADER_SIZE),
		slice_of(zeros, sizeof zeros),
		slice_of(in.p + at + DIGEST_SIZE, in.len - at - DIGEST_SIZE)
	};

	hmac_md5(wire, blanked, 5, computed);
	return memcmp(computed, in.p + at, DIGEST_SIZE) == 0 ? OK : UNTRUSTED;
}
