#include "method/mschap.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <stdlib.h>
#include <string.h>

#define SHA1_SIZE 20
#define MD5_SIZE  16
#define DES_KEY	  8
#define DES_RAW	  7 /* octets of a key before parity */

struct mschap {
	EVP_MD *md4;
	EVP_CIPHER *des;
};

static inline void md_ctx_free(EVP_MD_CTX *ctx)
{
	EVP_MD_CTX_free(ctx);
}

static inline void cipher_ctx_free(EVP_CIPHER_CTX *ctx)
{
	EVP_CIPHER_CTX_free(ctx);
}

DEFINE_AUTO(EVP_MD_CTX, md_ctx_free);
DEFINE_AUTO(EVP_CIPHER_CTX, cipher_ctx_free);

enum status mschap_new(OSSL_LIB_CTX *library, struct mschap **ret_mschap)
{
	AUTO_STRUCT(mschap) mschap = calloc(1, sizeof *mschap);

	if (!mschap)
		return NO_MEMORY;
	mschap->md4 = EVP_MD_fetch(library, "MD4", NULL);
	mschap->des = EVP_CIPHER_fetch(library, "DES-ECB", NULL);
	if (!mschap->md4 || !mschap->des)
		return UNSUPPORTED;
	*ret_mschap = TAKE(mschap);
	return OK;
}

void mschap_free(struct mschap *mschap)
{
	if (!mschap)
		return;
	EVP_MD_free(mschap->md4);
	EVP_CIPHER_free(mschap->des);
	free(mschap);
}

/* ---- digests ---- */

static enum status digest(const EVP_MD *md, const struct slice *parts, size_t count, uint8_t *out)
{
	AUTO(EVP_MD_CTX) ctx = EVP_MD_CTX_new();

	if (!ctx || !EVP_DigestInit_ex2(ctx, md, NULL))
		return CRYPTO;
	for (size_t i = 0; i < count; i++) {
		if (parts[i].len > 0 && !EVP_DigestUpdate(ctx, parts[i].p, parts[i].len))
			return CRYPTO;
	}
	return EVP_DigestFinal_ex(ctx, out, NULL) ? OK : CRYPTO;
}

#define DIGEST(md, out, ...)                                                                       \
	digest(md, (const struct slice[]){ __VA_ARGS__ },                                          \
	       sizeof((const struct slice[]){ __VA_ARGS__ }) / sizeof(struct slice), out)
#define ALL(array) slice_of(array, sizeof(array))

/* ---- the password ---- */

/* One character; false where there is none, or what UTF-8 has no way to say (RFC 3629). */
static bool utf8_next(struct rd *r, uint32_t *ret_char)
{
	static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
	uint32_t c = rd_u8(r);
	int more = c < 0x80 ? 0 : c < 0xc0 ? -1 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : c < 0xf8 ? 3 : -1;

	if (more < 0)
		return false;
	if (more > 0)
		c &= 0x3fU >> more;
	for (int i = 0; i < more; i++) {
		uint8_t next = rd_u8(r);

		if ((next & 0xc0) != 0x80)
			return false;
		c = c << 6 | (next & 0x3f);
	}
	*ret_char = c;
	return rd_ok(r) && c >= least[more] && c <= 0x10ffff && (c & 0xfffff800) != 0xd800;
}

static void utf16_put(struct wr *w, uint32_t unit)
{
	wr_u8(w, (uint8_t)unit);
	wr_u8(w, (uint8_t)(unit >> 8));
}

/* "0-to-256-unicode-char Password", little-endian. */
static enum status to_utf16(struct slice text, struct wr *w)
{
	struct rd r = rd_of(text);

	while (r.left > 0) {
		uint32_t c;

		if (!utf8_next(&r, &c))
			return MALFORMED;
		if (c < 0x10000) {
			utf16_put(w, c);
		} else {
			utf16_put(w, 0xd800 + ((c - 0x10000) >> 10));
			utf16_put(w, 0xdc00 + ((c - 0x10000) & 0x3ff));
		}
	}
	return wr_ok(w) ? OK : MALFORMED;
}

enum status mschap_password_hash(const struct mschap *mschap, struct slice password,
				 uint8_t hash[MSCHAP_HASH_SIZE])
{
	uint8_t unicode[2 * MSCHAP_PASSWORD_MAX];
	struct wr w = wr_of(unicode, sizeof unicode);
	enum status status = to_utf16(password, &w);

	if (status == OK)
		status = DIGEST(mschap->md4, hash, wr_done(&w));
	explicit_bzero(unicode, sizeof unicode);
	return status;
}

struct slice mschap_user(struct slice name)
{
	const uint8_t *domain = name.len ? memchr(name.p, '\\', name.len) : NULL;

	if (!domain)
		return name;
	return slice_of(domain + 1, name.len - (size_t)(domain + 1 - name.p));
}

/* ---- responses ---- */

/* Seven octets with a bit of parity after every seven bits, which DES does not look at. */
static void des_key(const uint8_t raw[DES_RAW], uint8_t key[DES_KEY])
{
	uint64_t bits = 0;

	for (int i = 0; i < DES_RAW; i++)
		bits = bits << 8 | raw[i];
	for (int i = DES_KEY - 1; i >= 0; i--) {
		key[i] = (uint8_t)(bits << 1);
		bits >>= 7;
	}
}

static enum status des_encrypt(const struct mschap *mschap, const uint8_t raw[DES_RAW],
			       const uint8_t in[MSCHAP_CHALLENGE_SIZE], uint8_t *out)
{
	AUTO(EVP_CIPHER_CTX) ctx = EVP_CIPHER_CTX_new();
	uint8_t key[DES_KEY];
	int len = 0;
	bool done;

	des_key(raw, key);
	done = ctx && EVP_EncryptInit_ex2(ctx, mschap->des, key, NULL, NULL) &&
	       EVP_CIPHER_CTX_set_padding(ctx, 0) &&
	       EVP_EncryptUpdate(ctx, out, &len, in, MSCHAP_CHALLENGE_SIZE) &&
	       len == MSCHAP_CHALLENGE_SIZE;
	explicit_bzero(key, sizeof key);
	return done ? OK : CRYPTO;
}

enum status mschap_response(const struct mschap *mschap,
			    const uint8_t challenge[MSCHAP_CHALLENGE_SIZE],
			    const uint8_t hash[MSCHAP_HASH_SIZE],
			    uint8_t response[MSCHAP_RESPONSE_SIZE])
{
	uint8_t padded[3 * DES_RAW] = { 0 };
	enum status status = OK;

	memcpy(padded, hash, MSCHAP_HASH_SIZE);
	for (size_t i = 0; i < 3 && status == OK; i++)
		status = des_encrypt(mschap, padded + i * DES_RAW, challenge,
				     response + i * MSCHAP_CHALLENGE_SIZE);
	explicit_bzero(padded, sizeof padded);
	return status;
}

/* ChallengeHash. */
static enum status challenge_of(const struct mschapv2 *x, uint8_t challenge[MSCHAP_CHALLENGE_SIZE])
{
	uint8_t sha[SHA1_SIZE];
	enum status status =
		DIGEST(EVP_sha1(), sha, ALL(x->peer), ALL(x->authenticator), mschap_user(x->name));

	if (status == OK)
		memcpy(challenge, sha, MSCHAP_CHALLENGE_SIZE);
	return status;
}

enum status mschapv2_response(const struct mschap *mschap, const struct mschapv2 *exchange,
			      const uint8_t hash[MSCHAP_HASH_SIZE],
			      uint8_t response[MSCHAP_RESPONSE_SIZE])
{
	uint8_t challenge[MSCHAP_CHALLENGE_SIZE];
	enum status status = challenge_of(exchange, challenge);

	return status == OK ? mschap_response(mschap, challenge, hash, response) : status;
}

enum status mschapv2_proof(const struct mschap *mschap, const struct mschapv2 *exchange,
			   const uint8_t hash[MSCHAP_HASH_SIZE],
			   const uint8_t response[MSCHAP_RESPONSE_SIZE],
			   char proof[MSCHAPV2_PROOF_SIZE])
{
	static const char hex[] = "0123456789ABCDEF";
	uint8_t challenge[MSCHAP_CHALLENGE_SIZE], twice[MSCHAP_HASH_SIZE], sha[SHA1_SIZE];
	enum status status = challenge_of(exchange, challenge);

	if (status == OK)
		status = DIGEST(mschap->md4, twice, slice_of(hash, MSCHAP_HASH_SIZE));
	if (status == OK)
		status = DIGEST(EVP_sha1(), sha, ALL(twice),
				slice_of(response, MSCHAP_RESPONSE_SIZE),
				slice_str("Magic server to client signing constant"));
	if (status == OK)
		status = DIGEST(EVP_sha1(), sha, ALL(sha), ALL(challenge),
				slice_str("Pad to make it do more than one iteration"));
	explicit_bzero(twice, sizeof twice);
	if (status != OK)
		return status;
	*proof++ = 'S';
	*proof++ = '=';
	for (size_t i = 0; i < sizeof sha; i++) {
		*proof++ = hex[sha[i] >> 4];
		*proof++ = hex[sha[i] & 15];
	}
	return OK;
}

static uint8_t upper(uint8_t c)
{
	return c >= 'a' && c <= 'f' ? (uint8_t)(c - 'a' + 'A') : c;
}

bool mschapv2_proven(struct slice message, const char proof[MSCHAPV2_PROOF_SIZE])
{
	uint8_t claimed[MSCHAPV2_PROOF_SIZE];

	if (message.len < sizeof claimed)
		return false;
	for (size_t i = 0; i < sizeof claimed; i++)
		claimed[i] = upper(message.p[i]);
	return CRYPTO_memcmp(claimed, proof, sizeof claimed) == 0;
}

/* ---- keys ---- */

#define PADS 40

/* GetAsymmetricStartKey. */
static enum status start_key(const uint8_t master[16], const char *magic, uint8_t key[16])
{
	uint8_t pad1[PADS], pad2[PADS], sha[SHA1_SIZE];
	enum status status;

	memset(pad1, 0, sizeof pad1);
	memset(pad2, 0xf2, sizeof pad2);
	status = DIGEST(EVP_sha1(), sha, slice_of(master, 16), ALL(pad1), slice_str(magic),
			ALL(pad2));
	if (status == OK)
		memcpy(key, sha, 16);
	explicit_bzero(sha, sizeof sha);
	return status;
}

enum status mschapv2_keys(const struct mschap *mschap, const uint8_t hash[MSCHAP_HASH_SIZE],
			  const uint8_t response[MSCHAP_RESPONSE_SIZE],
			  uint8_t keys[MSCHAPV2_KEY_SIZE])
{
	uint8_t twice[MSCHAP_HASH_SIZE], master[SHA1_SIZE];
	enum status status = DIGEST(mschap->md4, twice, slice_of(hash, MSCHAP_HASH_SIZE));

	if (status == OK)
		status = DIGEST(EVP_sha1(), master, ALL(twice),
				slice_of(response, MSCHAP_RESPONSE_SIZE),
				slice_str("This is the MPPE Master Key"));
	if (status == OK)
		status = start_key(master,
				   "On the client side, this is the send key; "
				   "on the server side, it is the receive key.",
				   keys);
	if (status == OK)
		status = start_key(master,
				   "On the client side, this is the receive key; "
				   "on the server side, it is the send key.",
				   keys + 16);
	explicit_bzero(twice, sizeof twice);
	explicit_bzero(master, sizeof master);
	return status;
}

enum status chap_response(uint8_t identifier, struct slice password, struct slice challenge,
			  uint8_t response[CHAP_RESPONSE_SIZE])
{
	return DIGEST(EVP_md5(), response, slice_of(&identifier, 1), password, challenge);
}
