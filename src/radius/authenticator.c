#include "radius/authenticator.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#define DIGEST_SIZE 16 /* of MD5, and of HMAC-MD5 */
#define VECTOR_AT   4  /* where the authenticator stands in a packet */

struct radius_crypto {
	EVP_MD *md5;
	EVP_MD_CTX *hash;
	EVP_MAC_CTX *mac;
	struct secret key; /* of mac: to set it anew is most of the work for a short packet */
};

static const uint8_t zeros[RADIUS_AUTHENTICATOR_SIZE];

void radius_crypto_free(struct radius_crypto *crypto)
{
	if (!crypto)
		return;
	secret_done(&crypto->key);
	EVP_MAC_CTX_free(crypto->mac);
	EVP_MD_CTX_free(crypto->hash);
	EVP_MD_free(crypto->md5);
	free(crypto);
}

static bool mac_of_md5(struct radius_crypto *crypto)
{
	char name[] = "MD5";
	const OSSL_PARAM parameters[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);

	crypto->mac = hmac ? EVP_MAC_CTX_new(hmac) : NULL; /* which takes a reference */
	EVP_MAC_free(hmac);
	return crypto->mac && EVP_MAC_CTX_set_params(crypto->mac, parameters) == 1;
}

enum status radius_crypto_new(struct radius_crypto **ret_crypto)
{
	AUTO_STRUCT(radius_crypto) crypto = calloc(1, sizeof *crypto);

	if (!crypto)
		return NO_MEMORY;
	crypto->md5 = EVP_MD_fetch(NULL, "MD5", NULL);
	crypto->hash = EVP_MD_CTX_new();
	if (!crypto->md5 || !crypto->hash || !mac_of_md5(crypto))
		return CRYPTO;
	*ret_crypto = TAKE(crypto);
	return OK;
}

bool radius_md5(struct radius_crypto *crypto, struct slice a, struct slice b, struct slice c,
		uint8_t *ret_digest)
{
	return EVP_DigestInit_ex2(crypto->hash, crypto->md5, NULL) == 1 &&
	       EVP_DigestUpdate(crypto->hash, a.p, a.len) == 1 &&
	       EVP_DigestUpdate(crypto->hash, b.p, b.len) == 1 &&
	       EVP_DigestUpdate(crypto->hash, c.p, c.len) == 1 &&
	       EVP_DigestFinal_ex(crypto->hash, ret_digest, NULL) == 1;
}

/* Code, Identifier and Length; this authenticator instead of the packet's own; the rest. */
static bool digest(struct radius_crypto *crypto, struct slice secret, struct slice packet,
		   struct slice vector, uint8_t *ret_digest)
{
	size_t rest = VECTOR_AT + RADIUS_AUTHENTICATOR_SIZE;

	return EVP_DigestInit_ex2(crypto->hash, crypto->md5, NULL) == 1 &&
	       EVP_DigestUpdate(crypto->hash, packet.p, VECTOR_AT) == 1 &&
	       EVP_DigestUpdate(crypto->hash, vector.p, vector.len) == 1 &&
	       EVP_DigestUpdate(crypto->hash, packet.p + rest, packet.len - rest) == 1 &&
	       EVP_DigestUpdate(crypto->hash, secret.p, secret.len) == 1 &&
	       EVP_DigestFinal_ex(crypto->hash, ret_digest, NULL) == 1;
}

static bool mac_begin(struct radius_crypto *crypto, struct slice secret)
{
	if (secret.len > 0 && slice_eq(secret, secret_slice(&crypto->key)))
		return EVP_MAC_init(crypto->mac, NULL, 0, NULL) == 1;
	secret_done(&crypto->key); /* whatever comes of this, it is no longer the old one */
	return EVP_MAC_init(crypto->mac, secret.p, secret.len, NULL) == 1 &&
	       secret_set(&crypto->key, secret) == OK;
}

/* The same for Message-Authenticator, which counts as zeros itself; `at` is where its value is. */
static bool mac(struct radius_crypto *crypto, struct slice secret, struct slice packet, size_t at,
		struct slice vector, uint8_t *ret_mac)
{
	size_t front = VECTOR_AT + RADIUS_AUTHENTICATOR_SIZE, behind = at + DIGEST_SIZE, len;

	return mac_begin(crypto, secret) && EVP_MAC_update(crypto->mac, packet.p, VECTOR_AT) == 1 &&
	       EVP_MAC_update(crypto->mac, vector.p, vector.len) == 1 &&
	       EVP_MAC_update(crypto->mac, packet.p + front, at - front) == 1 &&
	       EVP_MAC_update(crypto->mac, zeros, DIGEST_SIZE) == 1 &&
	       EVP_MAC_update(crypto->mac, packet.p + behind, packet.len - behind) == 1 &&
	       EVP_MAC_final(crypto->mac, ret_mac, &len, DIGEST_SIZE) == 1 && len == DIGEST_SIZE;
}

/* ---- what we send -------------------------------------------------------------------- */

/* Their Request Authenticator is random and stays as it is; of other requests it is a digest. */
static bool has_random_authenticator(uint8_t code)
{
	return code == RADIUS_ACCESS_REQUEST || code == RADIUS_STATUS_SERVER;
}

static bool is_request(uint8_t code)
{
	return has_random_authenticator(code) || code == RADIUS_ACCOUNTING_REQUEST ||
	       code == RADIUS_DISCONNECT_REQUEST || code == RADIUS_COA_REQUEST;
}

/* vector: what counts as the authenticator for both computations, and replaced: whether the second
 * then takes its place. */
static enum radius_fault seal(struct radius_crypto *crypto, struct slice secret,
			      struct slice vector, bool replaced, struct radius_builder *b,
			      struct slice *ret_packet)
{
	uint8_t out[DIGEST_SIZE];
	struct slice packet = wr_done(&b->w);
	size_t signature = RADIUS_PACKET_MIN + 2; /* it is the first attribute */

	if (packet.len < RADIUS_PACKET_MIN)
		return RADIUS_TOO_LONG;
	wr_close16_from(&b->w, 2, 0);
	if (b->message_authenticator) {
		if (!mac(crypto, secret, packet, signature, vector, out))
			return RADIUS_NO_CRYPTO;
		memcpy(b->w.p + signature, out, sizeof out);
	}
	if (replaced) {
		if (!digest(crypto, secret, packet, vector, out))
			return RADIUS_NO_CRYPTO;
		memcpy(b->w.p + VECTOR_AT, out, sizeof out);
	}
	*ret_packet = packet;
	return RADIUS_FINE;
}

enum radius_fault radius_seal_request(struct radius_crypto *crypto, struct slice secret,
				      struct radius_builder *b, struct slice *ret_packet)
{
	uint8_t own[RADIUS_AUTHENTICATOR_SIZE];

	if (!wr_ok(&b->w) || b->w.len < RADIUS_PACKET_MIN)
		return RADIUS_TOO_LONG;
	memcpy(own, b->w.p + VECTOR_AT, sizeof own);
	if (!has_random_authenticator(b->w.p[0]))
		return seal(crypto, secret, slice_of(zeros, sizeof zeros), true, b, ret_packet);
	return seal(crypto, secret, slice_of(own, sizeof own), false, b, ret_packet);
}

enum radius_fault radius_seal_response(struct radius_crypto *crypto, struct slice secret,
				       struct slice request_authenticator, struct radius_builder *b,
				       struct slice *ret_packet)
{
	return seal(crypto, secret, request_authenticator, true, b, ret_packet);
}

/* ---- what we receive ----------------------------------------------------------------- */

/* Where the value of the Message-Authenticator is; 0: there is none.  Not of 16 octets, or more
 * than one of them: RADIUS_FORGED. */
static enum radius_fault find_signature(const struct radius_packet *packet, size_t *ret_at)
{
	struct rd at = rd_of(packet->attributes);
	struct radius_attribute attribute;
	size_t found = 0;

	while (radius_next(&at, &attribute)) {
		if (attribute.type != RADIUS_MESSAGE_AUTHENTICATOR)
			continue;
		if (found > 0 || attribute.value.len != DIGEST_SIZE)
			return RADIUS_FORGED;
		found = (size_t)(attribute.value.p - packet->whole.p);
	}
	*ret_at = found;
	return RADIUS_FINE;
}

static enum radius_fault verify_signature(struct radius_crypto *crypto, struct slice secret,
					  const struct radius_packet *packet, struct slice vector,
					  bool required)
{
	uint8_t wanted[DIGEST_SIZE];
	size_t at = 0;
	enum radius_fault fault = find_signature(packet, &at);

	if (fault != RADIUS_FINE)
		return fault;
	if (at == 0)
		return required ? RADIUS_UNSIGNED : RADIUS_FINE;
	if (!mac(crypto, secret, packet->whole, at, vector, wanted))
		return RADIUS_NO_CRYPTO;
	return CRYPTO_memcmp(wanted, packet->whole.p + at, sizeof wanted) == 0 ? RADIUS_FINE
									       : RADIUS_FORGED;
}

static enum radius_fault verify_digest(struct radius_crypto *crypto, struct slice secret,
				       const struct radius_packet *packet, struct slice vector)
{
	uint8_t wanted[DIGEST_SIZE];

	if (!digest(crypto, secret, packet->whole, vector, wanted))
		return RADIUS_NO_CRYPTO;
	return CRYPTO_memcmp(wanted, packet->authenticator.p, sizeof wanted) == 0
		       ? RADIUS_FINE
		       : RADIUS_BAD_AUTHENTICATOR;
}

enum radius_fault radius_verify_request(struct radius_crypto *crypto, struct slice secret,
					const struct radius_packet *packet)
{
	struct slice none = slice_of(zeros, sizeof zeros);
	enum radius_fault fault;

	if (!is_request(packet->code))
		return RADIUS_WRONG_CODE;
	if (has_random_authenticator(packet->code))
		return verify_signature(crypto, secret, packet, packet->authenticator, true);
	fault = verify_digest(crypto, secret, packet, none);
	return fault == RADIUS_FINE ? verify_signature(crypto, secret, packet, none, false) : fault;
}

/* Which codes answer which: RFC 2865, section 3; RFC 5997, section 3; RFC 5176, section 2.3. */
static bool answers(uint8_t response, uint8_t request)
{
	switch (response) {
	case RADIUS_ACCESS_ACCEPT:
		return request == RADIUS_ACCESS_REQUEST || request == RADIUS_STATUS_SERVER;
	case RADIUS_ACCESS_REJECT:
	case RADIUS_ACCESS_CHALLENGE:
		return request == RADIUS_ACCESS_REQUEST;
	case RADIUS_ACCOUNTING_RESPONSE:
		return request == RADIUS_ACCOUNTING_REQUEST || request == RADIUS_STATUS_SERVER;
	case RADIUS_DISCONNECT_ACK:
	case RADIUS_DISCONNECT_NAK:
		return request == RADIUS_DISCONNECT_REQUEST;
	case RADIUS_COA_ACK:
	case RADIUS_COA_NAK:
		return request == RADIUS_COA_REQUEST;
	default:
		return false;
	}
}

/* An answer to Status-Server says no more than that somebody is there; RFC 5997, section 6, has it
 * without Message-Authenticator. */
enum radius_fault radius_verify_response(struct radius_crypto *crypto, struct slice secret,
					 uint8_t request_code, struct slice request_authenticator,
					 const struct radius_packet *packet)
{
	bool required = request_code == RADIUS_ACCESS_REQUEST;
	enum radius_fault fault;

	if (!answers(packet->code, request_code))
		return RADIUS_WRONG_CODE;
	fault = verify_digest(crypto, secret, packet, request_authenticator);
	if (fault != RADIUS_FINE)
		return fault;
	return verify_signature(crypto, secret, packet, request_authenticator, required);
}
