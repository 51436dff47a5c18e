#include "enrol/cmp_lib.h"

#include "enrol/cmp_message.h"
#include "enrol/der.h"

#include <openssl/err.h>
#include <stdio.h>

OSSL_CMP_MSG *cmp_decode(struct slice der)
{
	const unsigned char *p = der.p;
	AUTO(OSSL_CMP_MSG) message = d2i_OSSL_CMP_MSG(NULL, &p, (long)der.len);

	if (!message || p != der.p + der.len)
		return NULL;
	return TAKE(message);
}

enum status cmp_encode(const OSSL_CMP_MSG *message, struct bytes *ret_der)
{
	unsigned char *der = NULL;
	int len = i2d_OSSL_CMP_MSG(message, &der);
	enum status status;

	if (len <= 0)
		return NO_MEMORY;
	status = bytes_set(ret_der, slice_of(der, (size_t)len));
	OPENSSL_free(der);
	return status;
}

X509 *cmp_decode_cert(struct slice der)
{
	const unsigned char *p = der.p;
	AUTO(X509) cert = d2i_X509(NULL, &p, (long)der.len);

	if (!cert || p != der.p + der.len)
		return NULL;
	return TAKE(cert);
}

/* CertTemplate, [6] IMPLICIT SubjectPublicKeyInfo: RFC 4211, section 5. */
EVP_PKEY *cmp_template_key(const OSSL_CRMF_CERTTEMPLATE *template)
{
	unsigned char *der = NULL;
	int len = i2d_OSSL_CRMF_CERTTEMPLATE(template, &der);
	EVP_PKEY *key = NULL;
	struct rd r = rd_of(slice_of(der, len > 0 ? (size_t)len : 0));
	struct rd fields = der_in(&r, DER_SEQUENCE);

	while (fields.left > 0 && !key) {
		struct der field = der_any(&fields);

		if (field.tag == DER_CONTEXT(6)) {
			const unsigned char *p = field.whole.p;

			der[field.whole.p - der] = DER_SEQUENCE;
			key = d2i_PUBKEY(NULL, &p, (long)field.whole.len);
			break;
		}
	}
	OPENSSL_free(der);
	return key;
}

static int say_nothing(const char *function, const char *file, int line, OSSL_CMP_severity level,
		       const char *message)
{
	(void)function;
	(void)file;
	(void)line;
	(void)level;
	(void)message;
	return 1;
}

bool cmp_prepare(OSSL_CMP_CTX *ctx)
{
	return OSSL_CMP_CTX_set_log_cb(ctx, say_nothing) &&
	       OSSL_CMP_CTX_set_option(ctx, OSSL_CMP_OPT_LOG_VERBOSITY, OSSL_CMP_LOG_EMERG) &&
	       OSSL_CMP_CTX_set_option(ctx, OSSL_CMP_OPT_OWF_ALGNID, NID_sha256) &&
	       OSSL_CMP_CTX_set_option(ctx, OSSL_CMP_OPT_MAC_ALGNID, NID_hmacWithSHA256);
}

bool cmp_trust(OSSL_CMP_CTX *ctx, const STACK_OF(X509) * anchors, int64_t now)
{
	AUTO(X509_STORE) store = X509_STORE_new();

	if (!store)
		return false;
	for (int i = 0; i < sk_X509_num(anchors); i++)
		if (!X509_STORE_add_cert(store, sk_X509_value(anchors, i)))
			return false;
	X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store), (time_t)now);
	if (!OSSL_CMP_CTX_set0_trustedStore(ctx, store))
		return false;
	(void)TAKE(store);
	return true;
}

bool cmp_set_secret(OSSL_CMP_CTX *ctx, struct slice reference, struct slice secret)
{
	return OSSL_CMP_CTX_set1_referenceValue(ctx, reference.p, (int)reference.len) &&
	       OSSL_CMP_CTX_set1_secretValue(ctx, secret.p, (int)secret.len);
}

/* RFC 9483, section 3.5. */
static unsigned failure_of(unsigned long error)
{
	if (ERR_GET_LIB(error) != ERR_LIB_CMP)
		return 0;
	switch (ERR_GET_REASON(error)) {
	case CMP_R_MISSING_SECRET:
	case CMP_R_MISSING_TRUST_ANCHOR:
		return CMP_FAILURE(wrongIntegrity);
	case CMP_R_NO_SUITABLE_SENDER_CERT:
	case CMP_R_POTENTIALLY_INVALID_CERTIFICATE:
	case CMP_R_MISSING_KEY_USAGE_DIGITALSIGNATURE:
		return CMP_FAILURE(signerNotTrusted);
	case CMP_R_MISSING_PROTECTION:
	case CMP_R_WRONG_PBM_VALUE:
	case CMP_R_ERROR_VALIDATING_SIGNATURE:
	case CMP_R_ERROR_VALIDATING_PROTECTION:
	case CMP_R_SRVCERT_DOES_NOT_VALIDATE_MSG:
	case CMP_R_SENDER_GENERALNAME_TYPE_NOT_SUPPORTED:
		return CMP_FAILURE(badMessageCheck);
	case CMP_R_ALGORITHM_NOT_SUPPORTED:
	case CMP_R_UNKNOWN_ALGORITHM_ID:
	case CMP_R_UNSUPPORTED_ALGORITHM:
	case CMP_R_UNSUPPORTED_KEY_TYPE:
	case CMP_R_UNSUPPORTED_PROTECTION_ALG_DHBASEDMAC:
	case CMP_R_WRONG_ALGORITHM_OID:
		return CMP_FAILURE(badAlg);
	case CMP_R_UNEXPECTED_PVNO:
		return CMP_FAILURE(unsupportedVersion);
	case CMP_R_RECIPNONCE_UNMATCHED:
		return CMP_FAILURE(badRecipientNonce);
	case CMP_R_TRANSACTIONID_UNMATCHED:
	case CMP_R_BAD_REQUEST_ID:
	case CMP_R_CERTRESPONSE_NOT_FOUND:
		return CMP_FAILURE(badDataFormat);
	case CMP_R_CERTHASH_UNMATCHED:
		return CMP_FAILURE(badCertId);
	case CMP_R_ERROR_UNEXPECTED_CERTCONF:
		return CMP_FAILURE(certConfirmed);
	default:
		return 0;
	}
}

/* The first error that has a name here: later ones only say in what it resulted.  Of a sender that
 * is not the one that has to be, the library leaves no error. */
unsigned cmp_last_failure(char *text, size_t size)
{
	unsigned failure = 0;
	unsigned long error = ERR_get_error();

	if (error == 0) {
		snprintf(text, size, "the sender is not who it should be");
		return CMP_FAILURE(badMessageCheck);
	}
	snprintf(text, size, "no more is known");
	for (; error != 0; error = ERR_get_error()) {
		const char *reason = ERR_reason_error_string(error);

		if (failure != 0)
			continue;
		failure = failure_of(error);
		if (reason)
			snprintf(text, size, "%s", reason);
	}
	return failure != 0 ? failure : CMP_FAILURE(badRequest);
}
