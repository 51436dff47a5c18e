#include "method/teap_keys.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>

#include <stdio.h>
#include <string.h>

#include "base/random.h"

#define EAP_TYPE_MSCHAPV2 26
#define MSCHAPV2_HALF	  16

/* In a Crypto-Binding TLV: where its MACs begin, the last 40 octets. */
#define MACS_SIZE (2 * TEAP_MAC_SIZE)

DEFINE_AUTO(EVP_KDF, EVP_KDF_free);
DEFINE_AUTO(EVP_KDF_CTX, EVP_KDF_CTX_free);
DEFINE_AUTO(EVP_MAC, EVP_MAC_free);
DEFINE_AUTO(EVP_MAC_CTX, EVP_MAC_CTX_free);

#define DIGEST_NAME_MAX 32
#define PRF_SECRET_MAX	128 /* an EMSK; what is longer is no key that we know */
#define PRF_SEED_MAX	96  /* label and seed */

/* RFC 5246, section 5: P_hash(secret, label | seed), with the hash of the connection. */
static enum status tls_prf(const struct teap_keys *k, struct slice secret, const char *label,
			   struct slice seed, uint8_t *out, size_t len)
{
	AUTO(EVP_KDF) kdf = EVP_KDF_fetch(NULL, "TLS1-PRF", NULL);
	AUTO(EVP_KDF_CTX) ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	uint8_t key[PRF_SECRET_MAX], both[PRF_SEED_MAX];
	struct wr k_w = wr_of(key, sizeof key), s_w = wr_of(both, sizeof both);
	char digest[DIGEST_NAME_MAX];
	enum status status = NO_MEMORY;

	wr_bytes(&k_w, secret);
	wr_bytes(&s_w, slice_str(label));
	wr_bytes(&s_w, seed);
	snprintf(digest, sizeof digest, "%s", k->hashes.prf);

	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, key, k_w.len),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, both, s_w.len),
		OSSL_PARAM_construct_end(),
	};

	if (!wr_ok(&k_w) || !wr_ok(&s_w))
		status = UNSUPPORTED;
	else if (ctx)
		status = EVP_KDF_derive(ctx, out, len, params) == 1 ? OK : CRYPTO;
	explicit_bzero(key, sizeof key);
	explicit_bzero(both, sizeof both);
	return status;
}

/* Section 6.2.2: IMCK[j], of which the caller takes what it needs. */
static enum status next_link(const struct teap_keys *k, const uint8_t s_imck[TEAP_SIMCK_SIZE],
			     const uint8_t imsk[TEAP_IMSK_SIZE], struct teap_chain *ret_link)
{
	uint8_t imck[TEAP_SIMCK_SIZE + TEAP_CMK_SIZE];
	enum status status =
		tls_prf(k, slice_of(s_imck, TEAP_SIMCK_SIZE), "Inner Methods Compound Keys",
			slice_of(imsk, TEAP_IMSK_SIZE), imck, sizeof imck);

	if (status == OK) {
		memcpy(ret_link->s_imck, imck, TEAP_SIMCK_SIZE);
		memcpy(ret_link->cmk, imck + TEAP_SIMCK_SIZE, TEAP_CMK_SIZE);
	}
	explicit_bzero(imck, sizeof imck);
	return status;
}

enum status teap_keys_seed(struct teap_keys *k, const struct tls_hashes *hashes,
			   const uint8_t seed[TEAP_SIMCK_SIZE])
{
	static const uint8_t zeros[TEAP_IMSK_SIZE];
	enum status status;

	*k = (struct teap_keys){ .hashes = *hashes };
	memcpy(k->seed, seed, sizeof k->seed);
	/* The CMK for when there is no inner method. */
	status = next_link(k, seed, zeros, &k->msk);
	memcpy(k->msk.s_imck, seed, sizeof k->msk.s_imck);
	memcpy(k->emsk.s_imck, seed, sizeof k->emsk.s_imck);
	return status;
}

enum status teap_keys_begin(struct teap_keys *k, const struct tls_conn *conn)
{
	struct tls_hashes hashes;
	uint8_t seed[TEAP_SIMCK_SIZE];
	enum status status = tls_conn_hashes(conn, &hashes);

	if (status == OK)
		status = tls_conn_export(conn, "EXPORTER: teap session key seed", NULL, seed,
					 sizeof seed);
	if (status == OK)
		status = teap_keys_seed(k, &hashes, seed);
	explicit_bzero(seed, sizeof seed);
	return status;
}

/* Section 6.2.1: the first 32 octets, or what there is and zeros. */
static void imsk_of_msk(struct eap_type type, struct slice msk, uint8_t imsk[TEAP_IMSK_SIZE])
{
	memset(imsk, 0, TEAP_IMSK_SIZE);
	if (eap_type_is(type, EAP_TYPE_MSCHAPV2) && msk.len >= TEAP_IMSK_SIZE) {
		memcpy(imsk, msk.p + MSCHAPV2_HALF, MSCHAPV2_HALF);
		memcpy(imsk + MSCHAPV2_HALF, msk.p, MSCHAPV2_HALF);
	} else if (msk.len > 0) {
		memcpy(imsk, msk.p, msk.len < TEAP_IMSK_SIZE ? msk.len : TEAP_IMSK_SIZE);
	}
}

/* RFC 5295: a key for this use alone, without optional data. */
static enum status imsk_of_emsk(const struct teap_keys *k, struct slice emsk,
				uint8_t imsk[TEAP_IMSK_SIZE])
{
	static const uint8_t seed[] = { 0x00, 0x00, 0x40 };

	return tls_prf(k, emsk, "TEAPbindkey@ietf.org", slice_of(seed, sizeof seed), imsk,
		       TEAP_IMSK_SIZE);
}

enum status teap_keys_add(struct teap_keys *k, struct eap_type type, const struct eap_keys *inner)
{
	struct slice msk = inner ? secret_slice(&inner->msk) : slice_of(NULL, 0);
	struct slice emsk = inner ? secret_slice(&inner->emsk) : slice_of(NULL, 0);
	uint8_t imsk[TEAP_IMSK_SIZE];
	enum status status;

	imsk_of_msk(type, msk, imsk);
	status = next_link(k, k->msk.s_imck, imsk, &k->msk);
	k->has_emsk = emsk.len > 0;
	if (status == OK && k->has_emsk)
		status = imsk_of_emsk(k, emsk, imsk);
	/* "IMCK_EMSK[j] = IMCK_EMSK[j - 1]" where there is none: section 6.2.5. */
	if (status == OK && k->has_emsk)
		status = next_link(k, k->emsk.s_imck, imsk, &k->emsk);
	explicit_bzero(imsk, sizeof imsk);
	k->keyed = k->keyed || msk.len > 0 || k->has_emsk;
	k->methods++;
	return status;
}

enum status teap_keys_derive(const struct teap_keys *k, struct eap_keys *keys)
{
	const struct slice none = slice_of(NULL, 0);
	const uint8_t *from = k->from_emsk ? k->emsk.s_imck : k->msk.s_imck;
	struct slice s_imck = slice_of(k->keyed ? from : k->seed, TEAP_SIMCK_SIZE);
	uint8_t key[EAP_MSK_SIZE];
	enum status status =
		tls_prf(k, s_imck, "Session Key Generating Function", none, key, sizeof key);

	if (status == OK)
		status = secret_set(&keys->msk, slice_of(key, sizeof key));
	if (status == OK)
		status = tls_prf(k, s_imck, "Extended Session Key Generating Function", none, key,
				 sizeof key);
	if (status == OK)
		status = secret_set(&keys->emsk, slice_of(key, sizeof key));
	explicit_bzero(key, sizeof key);
	return status;
}

void teap_keys_done(struct teap_keys *k)
{
	explicit_bzero(k, sizeof *k);
}

/* ---- the Crypto-Binding TLV ---- */

static bool mac_all(EVP_MAC_CTX *ctx, const struct slice *parts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (parts[i].len > 0 && EVP_MAC_update(ctx, parts[i].p, parts[i].len) != 1)
			return false;
	}
	return true;
}

/* Section 6.3. */
enum status teap_compound_mac(const struct teap_keys *k, const struct teap_chain *chain,
			      const struct teap_outer *outer, struct slice tlv,
			      uint8_t mac[TEAP_MAC_SIZE])
{
	static const uint8_t zeros[MACS_SIZE], type = EAP_TYPE_TEAP;
	const struct slice parts[] = {
		{ tlv.p, tlv.len - MACS_SIZE },
		{ zeros, MACS_SIZE },
		{ &type, 1 },
		outer->server,
		outer->peer,
	};
	AUTO(EVP_MAC) hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	AUTO(EVP_MAC_CTX) ctx = hmac ? EVP_MAC_CTX_new(hmac) : NULL;
	char digest[DIGEST_NAME_MAX];
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};
	uint8_t whole[EVP_MAX_MD_SIZE];
	size_t len = 0;

	snprintf(digest, sizeof digest, "%s", k->hashes.mac);
	if (!ctx)
		return NO_MEMORY;
	if (EVP_MAC_init(ctx, chain->cmk, TEAP_CMK_SIZE, params) != 1 ||
	    !mac_all(ctx, parts, sizeof parts / sizeof parts[0]) ||
	    EVP_MAC_final(ctx, whole, &len, sizeof whole) != 1 || len < TEAP_MAC_SIZE)
		return CRYPTO;
	memcpy(mac, whole, TEAP_MAC_SIZE);
	return OK;
}

/* Everything but the MACs, which are zeros yet. */
static void write_head(struct wr *w, unsigned flags, enum teap_binding_kind kind,
		       const uint8_t nonce[TEAP_NONCE_SIZE])
{
	static const uint8_t zeros[MACS_SIZE];
	size_t mark = teap_tlv_open(w, TEAP_CRYPTO_BINDING);

	wr_u8(w, 0);
	wr_u8(w, TEAP_VERSION);
	wr_u8(w, TEAP_VERSION); /* received: we speak no other */
	wr_u8(w, (uint8_t)(flags << 4 | kind));
	wr_bytes(w, slice_of(nonce, TEAP_NONCE_SIZE));
	wr_bytes(w, slice_of(zeros, sizeof zeros));
	wr_close16(w, mark);
}

static enum status write_binding(const struct teap_keys *k, const struct teap_outer *outer,
				 unsigned flags, enum teap_binding_kind kind,
				 const uint8_t nonce[TEAP_NONCE_SIZE], struct wr *w)
{
	uint8_t tlv[TEAP_BINDING_SIZE], emsk_mac[TEAP_MAC_SIZE], msk_mac[TEAP_MAC_SIZE];
	struct wr own = wr_of(tlv, sizeof tlv);
	enum status status = OK;

	write_head(&own, flags, kind, nonce);
	if (flags & TEAP_HAS_EMSK_MAC)
		status = teap_compound_mac(k, &k->emsk, outer, wr_done(&own), emsk_mac);
	if (status == OK && flags & TEAP_HAS_MSK_MAC)
		status = teap_compound_mac(k, &k->msk, outer, wr_done(&own), msk_mac);
	if (status != OK)
		return status;
	if (flags & TEAP_HAS_EMSK_MAC)
		memcpy(tlv + sizeof tlv - MACS_SIZE, emsk_mac, TEAP_MAC_SIZE);
	if (flags & TEAP_HAS_MSK_MAC)
		memcpy(tlv + sizeof tlv - TEAP_MAC_SIZE, msk_mac, TEAP_MAC_SIZE);
	wr_bytes(w, slice_of(tlv, sizeof tlv));
	return OK;
}

enum status teap_binding_request(const struct teap_keys *k, enum teap_emsk_policy policy,
				 const struct teap_outer *outer, struct wr *w,
				 uint8_t ret_nonce[TEAP_NONCE_SIZE])
{
	unsigned flags = TEAP_HAS_MSK_MAC;

	if (policy != TEAP_EMSK_IGNORED && k->has_emsk)
		flags |= TEAP_HAS_EMSK_MAC;
	if (random_bytes(ret_nonce, TEAP_NONCE_SIZE) != OK)
		return CRYPTO;
	ret_nonce[TEAP_NONCE_SIZE - 1] &= 0xfe;
	return write_binding(k, outer, flags, TEAP_BINDING_REQUEST, ret_nonce, w);
}

enum status teap_binding_response(struct teap_keys *k, enum teap_emsk_policy policy,
				  const struct teap_outer *outer,
				  const struct teap_crypto_binding *request, struct wr *w)
{
	uint8_t nonce[TEAP_NONCE_SIZE];
	unsigned flags = request->flags & TEAP_HAS_MSK_MAC;

	if (policy != TEAP_EMSK_IGNORED && k->has_emsk)
		flags |= TEAP_HAS_EMSK_MAC;
	k->from_emsk = flags & TEAP_HAS_EMSK_MAC;
	memcpy(nonce, request->nonce.p, sizeof nonce);
	nonce[TEAP_NONCE_SIZE - 1] |= 0x01;
	return write_binding(k, outer, flags, TEAP_BINDING_RESPONSE, nonce, w);
}

static bool mac_is_good(const struct teap_keys *k, const struct teap_chain *chain,
			const struct teap_outer *outer, const struct teap_crypto_binding *binding,
			struct slice got)
{
	uint8_t mac[TEAP_MAC_SIZE];

	return teap_compound_mac(k, chain, outer, binding->whole, mac) == OK &&
	       CRYPTO_memcmp(mac, got.p, sizeof mac) == 0;
}

/* What has to be there, and what must not be: section 6.2.4. */
static enum teap_error check_flags(const struct teap_keys *k, enum teap_emsk_policy policy,
				   unsigned flags)
{
	switch (policy) {
	case TEAP_EMSK_IGNORED:
		return flags & TEAP_HAS_MSK_MAC ? TEAP_NO_ERROR : TEAP_ERROR_MSK_MAC_MISSING;
	case TEAP_EMSK_REQUIRED:
		/* Where there was no inner method there is nothing to demand it of. */
		if (k->methods > 0 && !k->has_emsk)
			return k->methods == 1 ? TEAP_ERROR_FIRST_NO_EMSK : TEAP_ERROR_NO_EMSK;
		if (k->methods > 0 && !(flags & TEAP_HAS_EMSK_MAC))
			return TEAP_ERROR_EMSK_MAC_MISSING;
		break;
	case TEAP_EMSK_ALLOWED:
		break;
	}
	if (!k->has_emsk && flags & TEAP_HAS_EMSK_MAC)
		return TEAP_ERROR_NO_EMSK;
	return TEAP_NO_ERROR;
}

static enum teap_error check(const struct teap_keys *k, enum teap_emsk_policy policy,
			     const struct teap_outer *outer,
			     const struct teap_crypto_binding *binding, enum teap_binding_kind kind)
{
	const unsigned both = TEAP_HAS_EMSK_MAC | TEAP_HAS_MSK_MAC;
	enum teap_error error;

	if (binding->version != TEAP_VERSION || binding->received_version != TEAP_VERSION ||
	    binding->sub_type != kind || binding->flags == 0 || binding->flags > both)
		return TEAP_ERROR_BINDING;
	error = check_flags(k, policy, binding->flags);
	if (error != TEAP_NO_ERROR)
		return error;
	if (binding->flags & TEAP_HAS_MSK_MAC &&
	    !mac_is_good(k, &k->msk, outer, binding, binding->msk_mac))
		return TEAP_ERROR_MSK_MAC;
	if (policy != TEAP_EMSK_IGNORED && binding->flags & TEAP_HAS_EMSK_MAC &&
	    !mac_is_good(k, &k->emsk, outer, binding, binding->emsk_mac))
		return TEAP_ERROR_EMSK_MAC;
	return TEAP_NO_ERROR;
}

enum teap_error teap_binding_check_request(const struct teap_keys *k, enum teap_emsk_policy policy,
					   const struct teap_outer *outer,
					   const struct teap_crypto_binding *binding)
{
	if (binding->nonce.p[TEAP_NONCE_SIZE - 1] & 0x01)
		return TEAP_ERROR_BINDING;
	return check(k, policy, outer, binding, TEAP_BINDING_REQUEST);
}

enum teap_error teap_binding_check_response(struct teap_keys *k, enum teap_emsk_policy policy,
					    const struct teap_outer *outer,
					    const struct teap_crypto_binding *binding,
					    const uint8_t nonce[TEAP_NONCE_SIZE])
{
	uint8_t wanted[TEAP_NONCE_SIZE];
	enum teap_error error;

	memcpy(wanted, nonce, sizeof wanted);
	wanted[TEAP_NONCE_SIZE - 1] |= 0x01;
	if (!slice_eq(binding->nonce, slice_of(wanted, sizeof wanted)))
		return TEAP_ERROR_BINDING;
	error = check(k, policy, outer, binding, TEAP_BINDING_RESPONSE);
	/* The peer chooses, also if we do not ask for it: it derives its MSK from that chain.  What
	 * does not verify is ignored where it is to be. */
	if (error == TEAP_NO_ERROR)
		k->from_emsk = k->has_emsk && binding->flags & TEAP_HAS_EMSK_MAC &&
			       mac_is_good(k, &k->emsk, outer, binding, binding->emsk_mac);
	return error;
}
