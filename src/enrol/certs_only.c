#include "enrol/certs_only.h"

#include "enrol/chain.h"

#include <openssl/err.h>
#include <openssl/pkcs7.h>

DEFINE_AUTO(PKCS7, PKCS7_free);

enum status certs_only_build(const STACK_OF(X509) * certs, struct bytes *ret_der)
{
	AUTO(PKCS7) message = PKCS7_new();
	unsigned char *der = NULL;
	enum status status;
	int len;

	if (!message || !PKCS7_set_type(message, NID_pkcs7_signed) ||
	    !PKCS7_content_new(message, NID_pkcs7_data) || !PKCS7_set_detached(message, 1))
		return NO_MEMORY;
	for (int i = 0; i < sk_X509_num(certs); i++)
		if (!PKCS7_add_certificate(message, sk_X509_value(certs, i)))
			return NO_MEMORY;
	len = i2d_PKCS7(message, &der);
	if (len <= 0)
		return NO_MEMORY;
	status = bytes_set(ret_der, slice_of(der, (size_t)len));
	OPENSSL_free(der);
	return status;
}

enum status certs_only_read(struct slice der, STACK_OF(X509) * *ret_certs)
{
	const unsigned char *p = der.p;
	AUTO(PKCS7) message = d2i_PKCS7(NULL, &p, (long)der.len);
	const STACK_OF(X509) * certs;

	if (!message || p != der.p + der.len || !PKCS7_type_is_signed(message) ||
	    !message->d.sign) {
		ERR_clear_error();
		return MALFORMED;
	}
	certs = message->d.sign->cert;
	if (sk_X509_num(certs) <= 0 || sk_X509_num(certs) > ENROL_CERTS_MAX)
		return MALFORMED;
	return enrol_copy(certs, ret_certs);
}
