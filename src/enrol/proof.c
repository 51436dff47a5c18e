#include "enrol/proof.h"

#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <string.h>

#define SPACES 64
static const char token_label[] = "CPROM token v1"; /* with their NULs */
static const char validate_label[] = "CPROM validate v1";

#define TEXT_MAX                                                                                   \
	(SPACES + sizeof validate_label + EAP_TUNNEL_BINDING_SIZE + PROOF_HASH_SIZE +              \
	 PROOF_CHALLENGE_MAX + 256)

/* ---- what is proved ------------------------------------------------------------------ */

static bool sizes_right(const struct proof_about *about)
{
	return about->binding.len == EAP_TUNNEL_BINDING_SIZE &&
	       about->challenge.len >= PROOF_CHALLENGE_MIN &&
	       about->challenge.len <= PROOF_CHALLENGE_MAX && about->id.len > 0;
}

static bool sha256(struct slice in, uint8_t out[PROOF_HASH_SIZE])
{
	return EVP_Digest(in.p, in.len, out, NULL, EVP_sha256(), NULL) == 1;
}

/* label || 0 || E || SHA-256(id) || challenge.  What is signed has 64 spaces before it, as in RFC
 * 8446, section 4.4.3, and then no label of TLS. */
static void write_text(struct wr *w, const char *label, const struct proof_about *about)
{
	uint8_t hash[PROOF_HASH_SIZE];

	if (!sizes_right(about) || !sha256(about->id, hash)) {
		w->bad = true;
		return;
	}
	wr_bytes(w, slice_of(label, strlen(label) + 1));
	wr_bytes(w, about->binding);
	wr_bytes(w, slice_of(hash, sizeof hash));
	wr_bytes(w, about->challenge);
}

static void write_signed(struct wr *w, const char *label, const struct proof_about *about)
{
	for (int i = 0; i < SPACES; i++)
		wr_u8(w, 0x20);
	write_text(w, label, about);
}

/* Of the draft's own types: the challenge and nothing else. */
static void write_bare(struct wr *w, const struct proof_about *about)
{
	if (about->challenge.len < PROOF_CHALLENGE_MIN ||
	    about->challenge.len > PROOF_CHALLENGE_MAX)
		w->bad = true;
	wr_bytes(w, about->challenge);
}

/* ---- MACs ---------------------------------------------------------------------------- */

static enum status mac(struct slice secret, const struct wr *text, uint8_t out[PROOF_HASH_SIZE])
{
	struct slice data = wr_done(text);

	if (!wr_ok(text) || secret.len == 0 || secret.len > INT32_MAX)
		return MALFORMED;
	return HMAC(EVP_sha256(), secret.p, (int)secret.len, data.p, data.len, out, NULL) ? OK
											  : CRYPTO;
}

static enum status compare(const uint8_t wanted[PROOF_HASH_SIZE], struct slice proof)
{
	return proof.len == PROOF_HASH_SIZE && CRYPTO_memcmp(wanted, proof.p, PROOF_HASH_SIZE) == 0
		       ? OK
		       : UNTRUSTED;
}

enum status proof_token(const struct proof_about *about, struct slice secret,
			uint8_t ret_proof[PROOF_HASH_SIZE])
{
	uint8_t buffer[TEXT_MAX];
	struct wr w = wr_of(buffer, sizeof buffer);

	if (!sizes_right(about))
		return MALFORMED;
	wr_bytes(&w, slice_of(token_label, sizeof token_label));
	wr_bytes(&w, about->binding);
	wr_bytes(&w, about->challenge);
	wr_bytes(&w, about->id);
	return mac(secret, &w, ret_proof);
}

enum status proof_token_check(const struct proof_about *about, struct slice secret,
			      struct slice proof)
{
	uint8_t wanted[PROOF_HASH_SIZE];
	enum status status = proof_token(about, secret, wanted);

	return status == OK ? compare(wanted, proof) : status;
}

/* SHA-256(challenge || secret): the draft's, section 3.5. */
static enum status bare_hash(const struct proof_about *about, struct slice secret,
			     uint8_t out[PROOF_HASH_SIZE])
{
	AUTO_VALUE(secret) both = { 0 };
	struct wr w;

	if (secret.len == 0)
		return MALFORMED;
	both.len = PROOF_CHALLENGE_MAX + secret.len;
	both.p = malloc(both.len);
	if (!both.p) {
		both.len = 0;
		return NO_MEMORY;
	}
	w = wr_of(both.p, both.len);
	write_bare(&w, about);
	wr_bytes(&w, secret);
	if (!wr_ok(&w))
		return MALFORMED;
	return sha256(wr_done(&w), out) ? OK : CRYPTO;
}

enum status proof_mac(enum proof_type type, const struct proof_about *about, struct slice secret,
		      uint8_t ret_proof[PROOF_HASH_SIZE])
{
	uint8_t buffer[TEXT_MAX];
	struct wr w = wr_of(buffer, sizeof buffer);

	if (type == PROOF_BARE_HASH)
		return bare_hash(about, secret, ret_proof);
	if (type != PROOF_HMAC)
		return UNSUPPORTED;
	write_text(&w, validate_label, about);
	return mac(secret, &w, ret_proof);
}

enum status proof_mac_check(enum proof_type type, const struct proof_about *about,
			    struct slice secret, struct slice proof)
{
	uint8_t wanted[PROOF_HASH_SIZE];
	enum status status = proof_mac(type, about, secret, wanted);

	return status == OK ? compare(wanted, proof) : status;
}

/* ---- signatures ---------------------------------------------------------------------- */

DEFINE_AUTO(EVP_MD_CTX, EVP_MD_CTX_free);
DEFINE_AUTO(X509_ALGOR, X509_ALGOR_free);
DEFINE_AUTO(ASN1_BIT_STRING, ASN1_BIT_STRING_free);

/* A key that lives in a token knows its type by name alone. */
static int type_of(const EVP_PKEY *key)
{
	if (EVP_PKEY_is_a(key, "RSA"))
		return EVP_PKEY_RSA;
	if (EVP_PKEY_is_a(key, "EC"))
		return EVP_PKEY_EC;
	return EVP_PKEY_is_a(key, "ED25519") ? EVP_PKEY_ED25519 : EVP_PKEY_NONE;
}

/* RSA with PKCS#1 v1.5, ECDSA, Ed25519; SHA-256 but for the last, which has its own. */
static X509_ALGOR *algorithm_of(EVP_PKEY *key)
{
	AUTO(X509_ALGOR) algorithm = X509_ALGOR_new();
	int type = type_of(key), nid = type;

	if (!algorithm || type == EVP_PKEY_NONE ||
	    (type != EVP_PKEY_ED25519 && OBJ_find_sigid_by_algs(&nid, NID_sha256, type) != 1))
		return NULL;
	if (X509_ALGOR_set0(algorithm, OBJ_nid2obj(nid),
			    type == EVP_PKEY_RSA ? V_ASN1_NULL : V_ASN1_UNDEF, NULL) != 1)
		return NULL;
	return TAKE(algorithm);
}

static enum status sign_octets(EVP_PKEY *key, struct slice text, struct bytes *ret_signature)
{
	AUTO(EVP_MD_CTX) ctx = EVP_MD_CTX_new();
	AUTO_VALUE(bytes) signature = { 0 };
	const EVP_MD *digest = type_of(key) == EVP_PKEY_ED25519 ? NULL : EVP_sha256();
	size_t len = 0;

	if (!ctx)
		return NO_MEMORY;
	if (EVP_DigestSignInit(ctx, NULL, digest, NULL, key) != 1 ||
	    EVP_DigestSign(ctx, NULL, &len, text.p, text.len) != 1 || len > PROOF_SIGNATURE_MAX)
		return CRYPTO;
	if (bytes_reserve(&signature, len) != OK)
		return NO_MEMORY;
	if (EVP_DigestSign(ctx, signature.p, &len, text.p, text.len) != 1)
		return CRYPTO;
	signature.len = len;
	*ret_signature = signature;
	signature = (struct bytes){ 0 };
	return OK;
}

/* DER AlgorithmIdentifier || DER BIT STRING. */
static enum status encode(const X509_ALGOR *algorithm, struct slice signature,
			  struct bytes *ret_proof)
{
	AUTO(ASN1_BIT_STRING) bits = ASN1_BIT_STRING_new();
	AUTO_VALUE(bytes) proof = { 0 };
	int first = i2d_X509_ALGOR(algorithm, NULL), second;
	uint8_t *p;

	if (!bits || ASN1_STRING_set(bits, signature.p, (int)signature.len) != 1)
		return NO_MEMORY;
	/* All octets count; else trailing zero bits would be cut off. */
	bits->flags = (bits->flags & ~0x0fL) | ASN1_STRING_FLAG_BITS_LEFT;
	second = i2d_ASN1_BIT_STRING(bits, NULL);
	if (first <= 0 || second <= 0)
		return CRYPTO;
	if (bytes_reserve(&proof, (size_t)first + (size_t)second) != OK)
		return NO_MEMORY;
	p = proof.p;
	if (i2d_X509_ALGOR(algorithm, &p) != first || i2d_ASN1_BIT_STRING(bits, &p) != second)
		return CRYPTO;
	proof.len = (size_t)first + (size_t)second;
	*ret_proof = proof;
	proof = (struct bytes){ 0 };
	return OK;
}

static enum status sign(EVP_PKEY *key, const struct wr *text, struct bytes *ret_proof)
{
	AUTO(X509_ALGOR) algorithm = NULL;
	AUTO_VALUE(bytes) signature = { 0 };
	enum status status;

	if (!wr_ok(text))
		return MALFORMED;
	algorithm = algorithm_of(key);
	if (!algorithm)
		return UNSUPPORTED;
	status = sign_octets(key, wr_done(text), &signature);
	return status == OK ? encode(algorithm, bytes_slice(&signature), ret_proof) : status;
}

/* The digest that an algorithm says, of those that we take; *ret_digest is NULL for EdDSA. */
static bool digest_of(const X509_ALGOR *algorithm, EVP_PKEY *key, const EVP_MD **ret_digest)
{
	const ASN1_OBJECT *object;
	int digest, type;

	X509_ALGOR_get0(&object, NULL, NULL, algorithm);
	*ret_digest = NULL;
	if (OBJ_find_sigid_algs(OBJ_obj2nid(object), &digest, &type) != 1 || type == NID_undef ||
	    type != type_of(key))
		return false;
	if (digest == NID_undef)
		return type == EVP_PKEY_ED25519;
	if (digest != NID_sha256 && digest != NID_sha384 && digest != NID_sha512)
		return false;
	*ret_digest = EVP_get_digestbynid(digest);
	return *ret_digest != NULL;
}

static enum status verify(EVP_PKEY *key, const struct wr *text, struct slice proof)
{
	const unsigned char *p = proof.p;
	AUTO(X509_ALGOR) algorithm = NULL;
	AUTO(ASN1_BIT_STRING) bits = NULL;
	AUTO(EVP_MD_CTX) ctx = EVP_MD_CTX_new();
	struct slice data = wr_done(text);
	const EVP_MD *digest;

	if (!wr_ok(text) || proof.len > PROOF_SIGNATURE_MAX)
		return MALFORMED;
	if (!ctx)
		return NO_MEMORY;
	algorithm = d2i_X509_ALGOR(NULL, &p, (long)proof.len);
	if (algorithm)
		bits = d2i_ASN1_BIT_STRING(NULL, &p, (long)(proof.p + proof.len - p));
	if (!bits || p != proof.p + proof.len || (bits->flags & 0x07))
		return MALFORMED;
	if (!digest_of(algorithm, key, &digest))
		return UNSUPPORTED;
	if (EVP_DigestVerifyInit(ctx, NULL, digest, NULL, key) != 1 ||
	    EVP_DigestVerify(ctx, ASN1_STRING_get0_data(bits), (size_t)ASN1_STRING_length(bits),
			     data.p, data.len) != 1)
		return UNTRUSTED;
	return OK;
}

enum status proof_token_sign(const struct proof_about *about, EVP_PKEY *key,
			     struct bytes *ret_proof)
{
	uint8_t buffer[TEXT_MAX];
	struct wr w = wr_of(buffer, sizeof buffer);

	write_signed(&w, token_label, about);
	return sign(key, &w, ret_proof);
}

enum status proof_token_verify(const struct proof_about *about, EVP_PKEY *key, struct slice proof)
{
	uint8_t buffer[TEXT_MAX];
	struct wr w = wr_of(buffer, sizeof buffer);

	write_signed(&w, token_label, about);
	return verify(key, &w, proof);
}

static bool write_validated(struct wr *w, enum proof_type type, const struct proof_about *about)
{
	if (type == PROOF_SIGNATURE)
		write_signed(w, validate_label, about);
	else if (type == PROOF_BARE_SIGNATURE)
		write_bare(w, about);
	else
		return false;
	return true;
}

enum status proof_sign(enum proof_type type, const struct proof_about *about, EVP_PKEY *key,
		       struct bytes *ret_proof)
{
	uint8_t buffer[TEXT_MAX];
	struct wr w = wr_of(buffer, sizeof buffer);

	return write_validated(&w, type, about) ? sign(key, &w, ret_proof) : UNSUPPORTED;
}

enum status proof_verify(enum proof_type type, const struct proof_about *about, EVP_PKEY *key,
			 struct slice proof)
{
	uint8_t buffer[TEXT_MAX];
	struct wr w = wr_of(buffer, sizeof buffer);

	return write_validated(&w, type, about) ? verify(key, &w, proof) : UNSUPPORTED;
}

enum status proof_certificate_id(const X509 *cert, uint8_t ret_id[PROOF_HASH_SIZE])
{
	return X509_digest(cert, EVP_sha256(), ret_id, NULL) == 1 ? OK : CRYPTO;
}
