#include "enrol/csr.h"

#include "enrol/names.h"
#include "pki/bundle.h"

DEFINE_AUTO(X509_REQ, X509_REQ_free);

typedef STACK_OF(X509_EXTENSION) X509_EXTENSION_STACK;

static void extension_stack_free(X509_EXTENSION_STACK *extensions)
{
	sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
}

DEFINE_AUTO(X509_EXTENSION_STACK, extension_stack_free);

static enum status add_alternative(X509_REQ *request, const struct enrol_names *names)
{
	AUTO(X509_EXTENSION_STACK) extensions = NULL;
	AUTO(GENERAL_NAMES) alternative = NULL;
	enum status status = names_alternative(names, &alternative);

	if (status != OK || !alternative)
		return status;
	if (X509V3_add1_i2d(&extensions, NID_subject_alt_name, alternative, 0,
			    X509V3_ADD_DEFAULT) != 1 ||
	    X509_REQ_add_extensions(request, extensions) != 1)
		return NO_MEMORY;
	return OK;
}

static enum status add_challenge(X509_REQ *request, struct slice challenge)
{
	if (challenge.len == 0)
		return OK;
	return X509_REQ_add1_attr_by_NID(request, NID_pkcs9_challengePassword, MBSTRING_UTF8,
					 challenge.p, (int)challenge.len) == 1
		       ? OK
		       : MALFORMED;
}

static enum status sign(X509_REQ *request, EVP_PKEY *key)
{
	const EVP_MD *digest = EVP_PKEY_is_a(key, "ED25519") ? NULL : EVP_sha256();

	return X509_REQ_sign(request, key, digest) > 0 ? OK : CRYPTO;
}

static enum status encode(X509_REQ *request, struct bytes *ret_der)
{
	unsigned char *der = NULL;
	int len = i2d_X509_REQ(request, &der);
	enum status status = CRYPTO;

	if (len > 0)
		status = bytes_set(ret_der, slice_of(der, (size_t)len));
	OPENSSL_free(der);
	return status;
}

enum status csr_build(const struct enrol_names *names, EVP_PKEY *key, struct slice challenge,
		      struct bytes *ret_der)
{
	AUTO(X509_REQ) request = X509_REQ_new();
	AUTO(X509_NAME) subject = NULL;
	enum status status = names_subject(names, &subject);

	if (status != OK)
		return status;
	if (!request || X509_REQ_set_version(request, X509_REQ_VERSION_1) != 1 ||
	    X509_REQ_set_subject_name(request, subject) != 1 ||
	    X509_REQ_set_pubkey(request, key) != 1)
		return NO_MEMORY;
	status = add_alternative(request, names);
	if (status == OK)
		status = add_challenge(request, challenge);
	if (status == OK)
		status = sign(request, key);
	return status == OK ? encode(request, ret_der) : status;
}

/* ---- the other way ------------------------------------------------------------------- */

static enum status refuse(struct diagnosis *why, enum status status, const char *detail)
{
	if (!why)
		return status;
	diagnosis_say(why, status == UNTRUSTED ? DIAG_ENROL_PROOF : DIAG_ENROL_CA_REFUSED, "%s",
		      detail);
	diagnosis_add(why, "by", "this side");
	return status;
}

static enum status read_challenge(const X509_REQ *request, struct bytes *ret_challenge)
{
	int at = X509_REQ_get_attr_by_NID(request, NID_pkcs9_challengePassword, -1);
	const ASN1_TYPE *value;

	bytes_clear(ret_challenge);
	if (at < 0)
		return OK;
	value = X509_ATTRIBUTE_get0_type(X509_REQ_get_attr(request, at), 0);
	if (!value || (value->type != V_ASN1_UTF8STRING && value->type != V_ASN1_PRINTABLESTRING &&
		       value->type != V_ASN1_IA5STRING))
		return MALFORMED;
	return bytes_set(ret_challenge,
			 slice_of(ASN1_STRING_get0_data(value->value.asn1_string),
				  (size_t)ASN1_STRING_length(value->value.asn1_string)));
}

static enum status read_names(X509_REQ *request, struct enrol_names *ret_names,
			      struct diagnosis *why)
{
	AUTO(X509_EXTENSION_STACK) extensions = X509_REQ_get_extensions(request);
	struct enrol_names names;
	size_t ignored = 0;
	enum status status =
		names_read(X509_REQ_get_subject_name(request), extensions, &names, &ignored, why);

	if (status != OK)
		return status;
	if (ignored > 0)
		return refuse(why, MALFORMED,
			      "the request holds names of a kind that we do not have");
	*ret_names = names;
	return OK;
}

enum status csr_read(struct slice der, EVP_PKEY **ret_key, struct enrol_names *ret_names,
		     struct bytes *ret_challenge, struct diagnosis *why)
{
	const unsigned char *p = der.p;
	AUTO(X509_REQ) request = der.len <= CSR_MAX ? d2i_X509_REQ(NULL, &p, (long)der.len) : NULL;
	AUTO(EVP_PKEY) key = request && p == der.p + der.len ? X509_REQ_get_pubkey(request) : NULL;
	enum status status;

	if (!key)
		return refuse(why, MALFORMED, "the request is no PKCS#10");
	status = key_check_usable(key, why);
	if (status != OK)
		return status;
	if (X509_REQ_verify(request, key) != 1)
		return refuse(why, UNTRUSTED, "the request is not signed by the key in it");
	status = read_names(request, ret_names, why);
	if (status == OK && ret_challenge)
		status = read_challenge(request, ret_challenge);
	if (status == OK)
		*ret_key = TAKE(key);
	return status;
}
