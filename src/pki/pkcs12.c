/* PKCS#12 (RFC 7292): a list of safes, sealed or not, each a list of bags. */
#include "pki/intake.h"

#include <openssl/err.h>
#include <openssl/pkcs12.h>

/* Safes can hold safes. */
#define DEPTH_MAX 4

typedef STACK_OF(PKCS7) PKCS7_STACK;
typedef STACK_OF(PKCS12_SAFEBAG) BAG_STACK;

static void safes_free(PKCS7_STACK *safes)
{
	sk_PKCS7_pop_free(safes, PKCS7_free);
}

static void bags_free(BAG_STACK *bags)
{
	sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
}

DEFINE_AUTO(PKCS7_STACK, safes_free);
DEFINE_AUTO(BAG_STACK, bags_free);
DEFINE_AUTO(PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free);

static enum status take_key(struct intake *in, const PKCS8_PRIV_KEY_INFO *info)
{
	AUTO(EVP_PKEY) key = EVP_PKCS82PKEY(info);

	if (key)
		return intake_key(in, key);
	ERR_clear_error();
	return unusable(in->why, UNSUPPORTED, "its private key is damaged or of an unknown type");
}

static enum status take_sealed_key(struct intake *in, struct slice passphrase, const X509_SIG *sig)
{
	const X509_ALGOR *scheme;
	const ASN1_OCTET_STRING *sealed;
	void *info;

	X509_SIG_get0(sig, &scheme, &sealed);

	enum status status = intake_decrypt(in, passphrase, scheme, sealed,
					    ASN1_ITEM_rptr(PKCS8_PRIV_KEY_INFO), &info);

	if (status != OK)
		return status;

	AUTO(PKCS8_PRIV_KEY_INFO) owned = info;

	return take_key(in, owned);
}

static enum status take_cert(struct intake *in, const PKCS12_SAFEBAG *bag)
{
	if (PKCS12_SAFEBAG_get_bag_nid(bag) != NID_x509Certificate)
		return OK;

	AUTO(X509) cert = PKCS12_SAFEBAG_get1_cert(bag);

	if (cert)
		return intake_cert(in, cert);
	ERR_clear_error();
	return unusable(in->why, MALFORMED, "a certificate in it does not parse");
}

/* Lists of revoked certificates and secrets of applications are none of our business. */
static enum status take_bags(struct intake *in, struct slice passphrase,
			     const STACK_OF(PKCS12_SAFEBAG) * bags, int depth)
{
	enum status status = OK;

	if (depth > DEPTH_MAX)
		return unusable(in->why, MALFORMED, "its safes are nested too deeply");
	for (int i = 0; i < sk_PKCS12_SAFEBAG_num(bags) && status == OK; i++) {
		const PKCS12_SAFEBAG *bag = sk_PKCS12_SAFEBAG_value(bags, i);

		switch (PKCS12_SAFEBAG_get_nid(bag)) {
		case NID_keyBag:
			status = take_key(in, PKCS12_SAFEBAG_get0_p8inf(bag));
			break;
		case NID_pkcs8ShroudedKeyBag:
			status = take_sealed_key(in, passphrase, PKCS12_SAFEBAG_get0_pkcs8(bag));
			break;
		case NID_certBag:
			status = take_cert(in, bag);
			break;
		case NID_safeContentsBag:
			status = take_bags(in, passphrase, PKCS12_SAFEBAG_get0_safes(bag),
					   depth + 1);
			break;
		default:
			break;
		}
	}
	return status;
}

static enum status take_safe(struct intake *in, struct slice passphrase, PKCS7 *safe)
{
	AUTO(BAG_STACK) bags = NULL;

	if (PKCS7_type_is_data(safe)) {
		bags = PKCS12_unpack_p7data(safe);
		ERR_clear_error();
	} else if (PKCS7_type_is_encrypted(safe) && safe->d.encrypted &&
		   safe->d.encrypted->enc_data && safe->d.encrypted->enc_data->enc_data) {
		const PKCS7_ENC_CONTENT *content = safe->d.encrypted->enc_data;
		void *opened = NULL;
		enum status status =
			intake_decrypt(in, passphrase, content->algorithm, content->enc_data,
				       ASN1_ITEM_rptr(PKCS12_SAFEBAGS), &opened);

		if (status != OK)
			return status;
		bags = opened;
	} else {
		return unusable(in->why, UNSUPPORTED,
				"a safe in it is sealed for a public key, not with a passphrase");
	}
	if (!bags)
		return unusable(in->why, MALFORMED, "a safe in it does not parse");
	return take_bags(in, passphrase, bags, 0);
}

static bool verifies(PKCS12 *p12, struct slice passphrase)
{
	bool good = PKCS12_verify_mac(p12, (const char *)passphrase.p, (int)passphrase.len) == 1;

	ERR_clear_error();
	return good;
}

static enum status choose_passphrase(struct intake *in, PKCS12 *p12, struct slice *ret_passphrase)
{
	bool given = in->passphrase && in->passphrase->len > 0;
	/* "No passphrase" is written in two ways; the check value tells which one was meant. */
	const struct slice tries[] = { given ? secret_slice(in->passphrase) : slice_str(""),
				       slice_of(NULL, 0) };
	const ASN1_INTEGER *iterations;

	*ret_passphrase = tries[0];
	if (!PKCS12_mac_present(p12))
		return OK;
	PKCS12_get0_mac(NULL, NULL, NULL, &iterations, p12);
	for (size_t i = 0; i < (given ? 1 : 2); i++) {
		enum status status = intake_spend(in, iterations);

		if (status != OK)
			return status;
		*ret_passphrase = tries[i];
		if (verifies(p12, tries[i]))
			return OK;
	}
	return intake_passphrase_wrong(in);
}

enum status intake_pkcs12(struct intake *in, PKCS12 *p12)
{
	struct slice passphrase;
	enum status status = choose_passphrase(in, p12, &passphrase);

	if (status != OK)
		return status;

	AUTO(PKCS7_STACK) safes = PKCS12_unpack_authsafes(p12);

	ERR_clear_error();
	if (!safes)
		return unusable(
			in->why, UNSUPPORTED,
			"it is a PKCS#12 file that is signed, not protected with a passphrase");
	for (int i = 0; i < sk_PKCS7_num(safes) && status == OK; i++)
		status = take_safe(in, passphrase, sk_PKCS7_value(safes, i));
	return status;
}
