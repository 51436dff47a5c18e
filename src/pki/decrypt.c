/* Passphrases: what they open, what it may cost, and why they do not. */
#include "pki/intake.h"

#include <openssl/err.h>
#include <openssl/pkcs12.h>
#include <openssl/provider.h>

DEFINE_AUTO(PBE2PARAM, PBE2PARAM_free);
DEFINE_AUTO(PBEPARAM, PBEPARAM_free);
DEFINE_AUTO(PBKDF2PARAM, PBKDF2PARAM_free);
DEFINE_AUTO(SCRYPT_PARAMS, SCRYPT_PARAMS_free);
DEFINE_AUTO(OSSL_LIB_CTX, OSSL_LIB_CTX_free);

enum status intake_passphrase_missing(struct intake *in)
{
	in->encrypted = true;
	return unusable(in->why, UNSUPPORTED, "it is encrypted, and no passphrase was given");
}

/* A file may be encrypted with the empty passphrase: then that is tried before asking for one. */
enum status intake_passphrase_wrong(struct intake *in)
{
	if (!in->passphrase)
		return intake_passphrase_missing(in);
	diagnosis_set(in->why, DIAG_PASSPHRASE_WRONG);
	return UNTRUSTED;
}

static enum status spend(struct intake *in, uint64_t iterations)
{
	if (iterations > INTAKE_ITERATIONS_MAX - in->iterations)
		return unusable(in->why, UNSUPPORTED,
				"its passphrase is hashed more than %d times; export it again "
				"with fewer iterations",
				INTAKE_ITERATIONS_MAX);
	in->iterations += iterations;
	return OK;
}

/* What is no number costs nothing: the crypto library will refuse it. */
static uint64_t number(const ASN1_INTEGER *integer)
{
	uint64_t v;

	if (!integer)
		return 1;
	if (ASN1_INTEGER_get_uint64(&v, integer) == 1)
		return v;
	ERR_clear_error();
	return ASN1_STRING_type(integer) == V_ASN1_NEG_INTEGER ? 0 : UINT64_MAX;
}

enum status intake_spend(struct intake *in, const ASN1_INTEGER *iterations)
{
	return spend(in, number(iterations));
}

/* RFC 7914: N blocks of 128 * r octets, p times over, each about the price of r iterations. */
static uint64_t scrypt_price(const SCRYPT_PARAMS *scrypt)
{
	const ASN1_INTEGER *const factors[] = { scrypt->costParameter, scrypt->blockSize,
						scrypt->parallelizationParameter };
	uint64_t price = 1;

	for (size_t i = 0; i < sizeof factors / sizeof factors[0]; i++) {
		if (__builtin_mul_overflow(price, number(factors[i]), &price))
			return UINT64_MAX;
	}
	return price;
}

static enum status spend_pbes2(struct intake *in, const PBE2PARAM *pbes2)
{
	const ASN1_TYPE *parameter = pbes2->keyfunc->parameter;
	enum status status = OK;

	if (OBJ_obj2nid(pbes2->keyfunc->algorithm) == NID_id_scrypt) {
		AUTO(SCRYPT_PARAMS)
		scrypt = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(SCRYPT_PARAMS), parameter);
		if (scrypt)
			status = spend(in, scrypt_price(scrypt));
	} else {
		AUTO(PBKDF2PARAM)
		pbkdf2 = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBKDF2PARAM), parameter);
		if (pbkdf2)
			status = intake_spend(in, pbkdf2->iter);
	}
	return status;
}

static enum status spend_scheme(struct intake *in, const X509_ALGOR *scheme)
{
	enum status status = OK;

	if (OBJ_obj2nid(scheme->algorithm) == NID_pbes2) {
		AUTO(PBE2PARAM)
		pbes2 = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBE2PARAM), scheme->parameter);
		if (pbes2)
			status = spend_pbes2(in, pbes2);
	} else {
		AUTO(PBEPARAM)
		pbe = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBEPARAM), scheme->parameter);
		if (pbe)
			status = intake_spend(in, pbe->iter);
	}
	return status;
}

enum opening intake_why_not(void)
{
	enum opening outcome = DAMAGED;

	for (unsigned long e; (e = ERR_get_error()) != 0;) {
		int lib = ERR_GET_LIB(e), reason = ERR_GET_REASON(e);

		if (reason == ERR_R_UNSUPPORTED ||
		    (lib == ERR_LIB_EVP &&
		     (reason == EVP_R_UNKNOWN_PBE_ALGORITHM ||
		      reason == EVP_R_UNSUPPORTED_ALGORITHM || reason == EVP_R_UNSUPPORTED_CIPHER ||
		      reason == EVP_R_UNSUPPORTED_PRF ||
		      reason == EVP_R_UNSUPPORTED_KEY_DERIVATION_FUNCTION)))
			return ERR_clear_error(), NO_CIPHER;
		/* Padding or content make no sense: with another passphrase they might. */
		if ((lib == ERR_LIB_PROV || lib == ERR_LIB_EVP) && reason == EVP_R_BAD_DECRYPT)
			outcome = WRONG_PASSPHRASE;
		if (lib == ERR_LIB_PKCS12 && (reason == PKCS12_R_PKCS12_CIPHERFINAL_ERROR ||
					      reason == PKCS12_R_DECODE_ERROR))
			outcome = WRONG_PASSPHRASE;
	}
	return outcome;
}

static enum opening open_in(OSSL_LIB_CTX *library, struct slice passphrase,
			    const X509_ALGOR *scheme, const ASN1_OCTET_STRING *sealed,
			    const ASN1_ITEM *type, void **ret_object)
{
	ERR_clear_error();

	void *object = PKCS12_item_decrypt_d2i_ex(scheme, type, (const char *)passphrase.p,
						  (int)passphrase.len, sealed, 1, library, NULL);

	if (!object)
		return intake_why_not();
	*ret_object = object;
	return OPENED;
}

/* RC2, RC4 and DES, as files of the last century have them, are in a provider of their own.  It is
 * loaded into a library context that lives no longer than this call, so that nothing else, TLS
 * least of all, ever sees those ciphers. */
static enum opening open_legacy(struct slice passphrase, const X509_ALGOR *scheme,
				const ASN1_OCTET_STRING *sealed, const ASN1_ITEM *type,
				void **ret_object)
{
	AUTO(OSSL_LIB_CTX) library = OSSL_LIB_CTX_new();
	OSSL_PROVIDER *legacy = library ? OSSL_PROVIDER_load(library, "legacy") : NULL;
	OSSL_PROVIDER *basic = legacy ? OSSL_PROVIDER_load(library, "default") : NULL;
	enum opening outcome = NO_CIPHER;

	if (basic)
		outcome = open_in(library, passphrase, scheme, sealed, type, ret_object);
	if (basic)
		OSSL_PROVIDER_unload(basic);
	if (legacy)
		OSSL_PROVIDER_unload(legacy);
	ERR_clear_error();
	return outcome;
}

enum status intake_decrypt(struct intake *in, struct slice passphrase, const X509_ALGOR *scheme,
			   const ASN1_OCTET_STRING *sealed, const ASN1_ITEM *type,
			   void **ret_object)
{
	enum status status = spend_scheme(in, scheme);
	char name[80];

	if (status != OK)
		return status;
	ERR_clear_error();

	enum opening outcome = open_in(NULL, passphrase, scheme, sealed, type, ret_object);

	if (outcome == NO_CIPHER)
		outcome = open_legacy(passphrase, scheme, sealed, type, ret_object);
	switch (outcome) {
	case OPENED:
		return OK;
	case WRONG_PASSPHRASE:
		return intake_passphrase_wrong(in);
	case NO_CIPHER:
		OBJ_obj2txt(name, sizeof name, scheme->algorithm, 0);
		return unusable(in->why, UNSUPPORTED,
				"it is encrypted with %s, which this OpenSSL does not have (not "
				"even as legacy); convert it: openssl pkcs12 -legacy, then "
				"openssl pkcs12 -export",
				name);
	case DAMAGED:
		break;
	}
	return unusable(in->why, MALFORMED, "what is encrypted in it is damaged");
}
