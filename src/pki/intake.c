/* One file, whatever it is: PEM blocks, or one DER object that does not say what it is. */
#include "pki/intake.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

DEFINE_AUTO(PKCS12, PKCS12_free);
DEFINE_AUTO(X509_SIG, X509_SIG_free);
DEFINE_AUTO(PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free);

enum status unusable(struct diagnosis *why, enum status status, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	diagnosis_vsay(why, DIAG_CREDENTIAL_UNUSABLE, format, args);
	va_end(args);
	return status;
}

enum status intake_key(struct intake *in, EVP_PKEY *key)
{
	if (in->to->key && EVP_PKEY_eq(in->to->key, key) != 1)
		return unusable(in->why, UNEXPECTED,
				"there are two different private keys; give one at a time");
	if (!in->to->key && EVP_PKEY_up_ref(key) == 1)
		in->to->key = key;
	ERR_clear_error();
	return OK;
}

static bool among(STACK_OF(X509) * certs, const X509 *cert)
{
	for (int i = 0; i < sk_X509_num(certs); i++) {
		if (X509_cmp(sk_X509_value(certs, i), cert) == 0)
			return true;
	}
	return false;
}

static bool append(STACK_OF(X509) * certs, X509 *cert)
{
	return X509_add_cert(certs, cert, X509_ADD_FLAG_UP_REF) == 1;
}

enum status intake_cert(struct intake *in, X509 *cert)
{
	if (among(in->to->chain, cert))
		return OK;
	if (sk_X509_num(in->to->chain) == BUNDLE_CERTS_MAX)
		return unusable(in->why, MALFORMED, "there are more than %d certificates",
				BUNDLE_CERTS_MAX);
	return append(in->to->chain, cert) ? OK : NO_MEMORY;
}

static enum status sealed_key(struct intake *in, X509_SIG *sig)
{
	const X509_ALGOR *scheme;
	const ASN1_OCTET_STRING *sealed;
	void *opened;

	if (!in->passphrase)
		return intake_passphrase_missing(in);
	X509_SIG_get0(sig, &scheme, &sealed);

	enum status status = intake_decrypt(in, secret_slice(in->passphrase), scheme, sealed,
					    ASN1_ITEM_rptr(PKCS8_PRIV_KEY_INFO), &opened);

	if (status != OK)
		return status;

	AUTO(PKCS8_PRIV_KEY_INFO) info = opened;
	AUTO(EVP_PKEY) key = EVP_PKCS82PKEY(info);

	ERR_clear_error();
	if (!key)
		return unusable(in->why, UNSUPPORTED,
				"the private key in it is damaged or of an unknown type");
	return intake_key(in, key);
}

/* Each d2i below either takes all of `der` or is not what it is. */
#define ALL_OF(type, der)                                                                          \
	__extension__({                                                                            \
		const uint8_t *at_ = (der).p;                                                      \
		type *object_ = d2i_##type(NULL, &at_, (long)(der).len);                           \
		if (object_ && at_ != (der).p + (der).len) {                                       \
			type##_free(object_);                                                      \
			object_ = NULL;                                                            \
		}                                                                                  \
		ERR_clear_error();                                                                 \
		object_;                                                                           \
	})

static EVP_PKEY *plain_key(struct slice der)
{
	const uint8_t *at = der.p;
	EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &at, (long)der.len);

	ERR_clear_error();
	return key;
}

static enum status der_cert(struct intake *in, struct slice der)
{
	AUTO(X509) cert = ALL_OF(X509, der);

	if (!cert)
		return unusable(in->why, MALFORMED, "a certificate in it is damaged");
	return intake_cert(in, cert);
}

static enum status der_key(struct intake *in, struct slice der)
{
	AUTO(EVP_PKEY) key = plain_key(der);

	if (!key)
		return unusable(in->why, MALFORMED,
				"the private key in it is damaged or of an unknown type");
	return intake_key(in, key);
}

static enum status der_sealed_key(struct intake *in, struct slice der)
{
	AUTO(X509_SIG) sig = ALL_OF(X509_SIG, der);

	if (!sig)
		return unusable(in->why, MALFORMED, "the encrypted private key in it is damaged");
	return sealed_key(in, sig);
}

/* What a DER file is, it does not say. The shapes exclude each other. */
static enum status take_der(struct intake *in, struct slice der)
{
	AUTO(X509) cert = ALL_OF(X509, der);
	AUTO(PKCS12) p12 = cert ? NULL : ALL_OF(PKCS12, der);
	AUTO(X509_SIG) sig = cert || p12 ? NULL : ALL_OF(X509_SIG, der);
	AUTO(EVP_PKEY) key = cert || p12 || sig ? NULL : plain_key(der);

	if (cert)
		return intake_cert(in, cert);
	if (p12)
		return intake_pkcs12(in, p12);
	if (sig)
		return sealed_key(in, sig);
	if (key)
		return intake_key(in, key);
	return unusable(in->why, MALFORMED,
			der.len > 0 && der.p[0] == 0x30
				? "it is DER, but cut short, damaged, or neither certificate, key "
				  "nor PKCS#12"
				: "it is neither PEM nor DER");
}

/* ---- PEM ---- */

struct pem {
	char *label, *header;
	unsigned char *data;
	long len;
};

static void pem_done(struct pem *pem)
{
	OPENSSL_secure_free(pem->label);
	OPENSSL_secure_free(pem->header);
	OPENSSL_secure_clear_free(pem->data, (size_t)pem->len);
	*pem = (struct pem){ 0 };
}

static int give_passphrase(char *buffer, int size, int writing, void *context)
{
	const struct secret *passphrase = context;

	(void)writing;
	if (passphrase->len > (size_t)size)
		return -1;
	memcpy(buffer, passphrase->p, passphrase->len);
	return (int)passphrase->len;
}

/* One SEQUENCE and nothing else, as every key is. */
static bool is_sequence(struct slice der)
{
	const unsigned char *p = der.p;
	long len;
	int tag, class;
	int how = ASN1_get_object(&p, &len, &tag, &class, (long)der.len);

	ERR_clear_error();
	return how == V_ASN1_CONSTRUCTED && tag == V_ASN1_SEQUENCE && p + len == der.p + der.len;
}

/* RFC 1421 encryption, as traditional keys have it: headers above the base64.  Its padding takes
 * one wrong passphrase in 256 for the right one; what comes out is noise then. */
static enum status pem_decrypt(struct intake *in, struct pem *pem)
{
	EVP_CIPHER_INFO sealed;
	bool understood = PEM_get_EVP_CIPHER_INFO(pem->header, &sealed) == 1;

	ERR_clear_error();
	if (!understood)
		return unusable(in->why, MALFORMED, "the headers of its %s are damaged",
				pem->label);
	if (!sealed.cipher)
		return OK;
	if (!in->passphrase)
		return intake_passphrase_missing(in);

	struct secret passphrase = *in->passphrase;
	long capacity = pem->len;

	if (PEM_do_header(&sealed, pem->data, &pem->len, give_passphrase, &passphrase) == 1)
		return is_sequence(slice_of(pem->data, (size_t)pem->len))
			       ? OK
			       : intake_passphrase_wrong(in);

	bool wrong = intake_why_not() == WRONG_PASSPHRASE;

	pem->len = capacity;
	if (wrong)
		return intake_passphrase_wrong(in);
	return unusable(in->why, UNSUPPORTED,
			"its key is encrypted with %s, which this OpenSSL does not have; convert "
			"it where it was made: openssl pkcs8 -topk8",
			EVP_CIPHER_get0_name(sealed.cipher));
}

/* clang-format off */
static const struct {
	const char *label;
	enum status (*take)(struct intake *in, struct slice der);
} pem_kinds[] = {
	{ "CERTIFICATE",           der_cert },
	{ "X509 CERTIFICATE",      der_cert },
	{ "PRIVATE KEY",           der_key },
	{ "RSA PRIVATE KEY",       der_key },
	{ "EC PRIVATE KEY",        der_key },
	{ "DSA PRIVATE KEY",       der_key }, /* to be refused by its name */
	{ "ENCRYPTED PRIVATE KEY", der_sealed_key },
};
/* clang-format on */

/* Parameters, requests, public keys and such are passed over, and *ret_known left as it is. */
static enum status take_block(struct intake *in, struct pem *pem, bool *ret_known)
{
	for (size_t i = 0; i < sizeof pem_kinds / sizeof pem_kinds[0]; i++) {
		if (strcmp(pem->label, pem_kinds[i].label) != 0)
			continue;
		*ret_known = true;

		enum status status = pem_decrypt(in, pem);

		if (status != OK)
			return status;
		return pem_kinds[i].take(in, slice_of(pem->data, (size_t)pem->len));
	}
	return OK;
}

static enum status take_pem(struct intake *in, struct slice file)
{
	AUTO(BIO) bio = BIO_new_mem_buf(file.p, (int)file.len);
	char passed_over[64] = "nothing";
	enum status status = OK;
	bool known = false;

	if (!bio)
		return NO_MEMORY;
	while (status == OK) {
		AUTO_VALUE(pem) pem = { 0 };

		/* The secure flavour wipes what it worked in. */
		if (PEM_read_bio_ex(bio, &pem.label, &pem.header, &pem.data, &pem.len,
				    PEM_FLAG_SECURE | PEM_FLAG_EAY_COMPATIBLE) != 1)
			break;
		status = take_block(in, &pem, &known);
		printable(slice_str(pem.label), passed_over, sizeof passed_over);
	}

	bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;

	ERR_clear_error();
	if (status != OK)
		return status;
	if (!at_end)
		return unusable(in->why, MALFORMED, "it is PEM, but cut short or damaged");
	if (!known)
		return unusable(in->why, UNSUPPORTED,
				"it holds neither a certificate nor a private key (but: %s)",
				passed_over);
	return OK;
}

enum status intake_file(struct intake *in, struct slice file)
{
	if (file.len == 0)
		return unusable(in->why, MALFORMED, "it is empty");
	if (file.len > BUNDLE_FILE_MAX)
		return unusable(in->why, MALFORMED, "it is larger than %d octets", BUNDLE_FILE_MAX);
	if (in->passphrase && in->passphrase->len > INTAKE_PASSPHRASE_MAX)
		return unusable(in->why, MALFORMED, "the passphrase is longer than %d octets",
				INTAKE_PASSPHRASE_MAX);
	ERR_clear_error();
	if (memmem(file.p, file.len, "-----BEGIN ", 11))
		return take_pem(in, file);
	return take_der(in, file);
}
