#include "radius/keys.h"

#include <openssl/crypto.h>
#include <string.h>

#define BLOCK	    16
#define KEY_SIZE    32
#define PLAIN_SIZE  48 /* the key's length, the key, padding up to a multiple of 16 */
#define SALT_SIZE   2
#define STRING_SIZE (SALT_SIZE + PLAIN_SIZE)

/* RFC 2548, section 2.4.2: c(i) = p(i) xor MD5(secret + (the Request Authenticator and the salt, or
 * c(i-1))).  Both ways: `encrypted` says which of in and out is c. */
static bool crypt_blocks(struct radius_crypto *crypto, struct slice secret,
			 struct slice request_authenticator, struct slice salt, const uint8_t *in,
			 uint8_t *out, const uint8_t *encrypted)
{
	uint8_t mask[BLOCK];
	bool good = true;

	for (size_t at = 0; good && at < PLAIN_SIZE; at += BLOCK) {
		struct slice before = slice_of(at ? encrypted + at - BLOCK : NULL, at ? BLOCK : 0);

		good = at ? radius_md5(crypto, secret, before, (struct slice){ 0 }, mask)
			  : radius_md5(crypto, secret, request_authenticator, salt, mask);
		for (size_t i = 0; good && i < BLOCK; i++)
			out[at + i] = in[at + i] ^ mask[i];
	}
	OPENSSL_cleanse(mask, sizeof mask);
	return good;
}

static enum radius_fault put_key(struct radius_builder *b, struct radius_crypto *crypto,
				 struct slice secret, struct slice request_authenticator,
				 uint8_t type, const uint8_t *key, uint16_t salt)
{
	uint8_t plain[PLAIN_SIZE] = { KEY_SIZE }, out[STRING_SIZE];
	struct wr w = wr_of(out, SALT_SIZE);
	bool good;

	wr_u16(&w, salt);
	memcpy(plain + 1, key, KEY_SIZE);
	good = crypt_blocks(crypto, secret, request_authenticator, wr_done(&w), plain,
			    out + SALT_SIZE, out + SALT_SIZE);
	OPENSSL_cleanse(plain, sizeof plain);
	if (!good)
		return RADIUS_NO_CRYPTO;
	radius_put_vendor(b, RADIUS_VENDOR_MICROSOFT, type, slice_of(out, sizeof out));
	return RADIUS_FINE;
}

enum radius_fault radius_put_msk(struct radius_builder *b, struct radius_crypto *crypto,
				 struct slice secret, struct slice request_authenticator,
				 struct slice msk, uint16_t salt)
{
	uint16_t first = salt | 0x8000, second = first ^ 1;
	enum radius_fault fault;

	if (msk.len < RADIUS_MSK_SIZE)
		return RADIUS_BAD_KEYS;
	fault = put_key(b, crypto, secret, request_authenticator, RADIUS_MS_MPPE_RECV_KEY, msk.p,
			first);
	if (fault == RADIUS_FINE)
		fault = put_key(b, crypto, secret, request_authenticator, RADIUS_MS_MPPE_SEND_KEY,
				msk.p + KEY_SIZE, second);
	return fault;
}

/* Some pad more than they need; what counts is the length inside. */
static enum radius_fault get_key(struct radius_crypto *crypto, struct slice secret,
				 struct slice request_authenticator, struct slice value,
				 uint8_t *ret_key)
{
	uint8_t plain[PLAIN_SIZE];
	struct rd r = rd_of(value);
	struct slice salt = rd_bytes(&r, SALT_SIZE), string = rd_rest(&r);
	enum radius_fault fault = RADIUS_BAD_KEYS;

	if (!rd_ok(&r) || string.len < PLAIN_SIZE || string.len % BLOCK != 0)
		return RADIUS_BAD_KEYS;
	if (!crypt_blocks(crypto, secret, request_authenticator, salt, string.p, plain, string.p))
		return RADIUS_NO_CRYPTO;
	if (plain[0] == KEY_SIZE) {
		memcpy(ret_key, plain + 1, KEY_SIZE);
		fault = RADIUS_FINE;
	}
	OPENSSL_cleanse(plain, sizeof plain);
	return fault;
}

enum radius_fault radius_get_msk(struct radius_crypto *crypto, struct slice secret,
				 struct slice request_authenticator,
				 const struct radius_packet *packet, uint8_t *ret_msk,
				 bool *ret_present)
{
	struct rd at = rd_of(packet->attributes), inner;
	struct radius_attribute attribute, sub;
	struct slice recv = { 0 }, send = { 0 };
	enum radius_fault fault;
	unsigned count = 0;

	*ret_present = false;
	while (radius_next(&at, &attribute)) {
		if (attribute.type != RADIUS_VENDOR_SPECIFIC ||
		    !radius_vendor_open(attribute.value, RADIUS_VENDOR_MICROSOFT, &inner))
			continue;
		while (radius_vendor_next(&inner, &sub)) {
			if (sub.type == RADIUS_MS_MPPE_RECV_KEY)
				recv = sub.value;
			else if (sub.type == RADIUS_MS_MPPE_SEND_KEY)
				send = sub.value;
			else
				continue;
			count++;
		}
	}
	if (count == 0)
		return RADIUS_FINE;
	if (count != 2 || recv.len == 0 || send.len == 0)
		return RADIUS_BAD_KEYS;
	fault = get_key(crypto, secret, request_authenticator, recv, ret_msk);
	if (fault == RADIUS_FINE)
		fault = get_key(crypto, secret, request_authenticator, send, ret_msk + KEY_SIZE);
	*ret_present = fault == RADIUS_FINE;
	if (!*ret_present)
		OPENSSL_cleanse(ret_msk, RADIUS_MSK_SIZE);
	return fault;
}
