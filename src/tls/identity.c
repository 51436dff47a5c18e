#include "tls/cert.h"
#include "tls/engine_parts.h"

#include <openssl/x509v3.h>

/* Adds the subject, when it is not empty, as a directoryName. */
static bool add_subject(const X509 *cert, GENERAL_NAMES *names)
{
	const X509_NAME *subject = X509_get_subject_name(cert);
	GENERAL_NAME *name;
	X509_NAME *copy;

	if (X509_NAME_entry_count(subject) == 0)
		return true;
	name = GENERAL_NAME_new();
	copy = X509_NAME_dup(subject);
	if (!name || !copy) {
		GENERAL_NAME_free(name);
		X509_NAME_free(copy);
		return false;
	}
	GENERAL_NAME_set0_value(name, GEN_DIRNAME, copy);
	if (sk_GENERAL_NAME_push(names, name) > 0)
		return true;
	GENERAL_NAME_free(name);
	return false;
}

/* Those that do not parse are none; that is not to be taken for want of memory. */
static GENERAL_NAMES *alt_names(const X509 *cert)
{
	X509 *c = (X509 *)(uintptr_t)cert; /* the library keeps what it learns in there */
	int critical;
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, &critical, NULL);
	bool absent = critical < 0 || (X509_get_extension_flags(c) & EXFLAG_INVALID);

	return names || !absent ? names : sk_GENERAL_NAME_new_null();
}

enum status tls_cert_identity(const X509 *cert, struct bytes *ret_id)
{
	GENERAL_NAMES *names;
	unsigned char *der = NULL;
	enum status status = NO_MEMORY;
	int len = -1;

	bytes_clear(ret_id);
	if (!cert)
		return OK;
	names = alt_names(cert);
	if (names && add_subject(cert, names))
		len = i2d_GENERAL_NAMES(names, &der);
	if (len >= 0)
		status = len > EAP_ID_MAX ? OK : bytes_set(ret_id, slice_of(der, (size_t)len));
	OPENSSL_free(der);
	GENERAL_NAMES_free(names);
	return status;
}

void tls_identity_done(struct tls_identity *identity)
{
	bytes_done(&identity->id);
	*identity = (struct tls_identity){ 0 };
}

enum status tls_identity_of(const X509 *cert, struct tls_identity *ret_identity)
{
	struct tls_identity identity = { 0 };
	enum status status = tls_cert_identity(cert, &identity.id);

	if (status != OK)
		return status;
	if (cert) {
		cert_subject(cert, identity.subject, sizeof identity.subject);
		cert_fingerprint(cert, identity.fingerprint, sizeof identity.fingerprint);
		identity.not_before = cert_time(X509_get0_notBefore(cert));
		identity.not_after = cert_time(X509_get0_notAfter(cert));
	}
	tls_identity_done(ret_identity);
	*ret_identity = identity;
	return OK;
}

enum status tls_identity_copy(const struct tls_identity *from, struct tls_identity *ret)
{
	struct tls_identity copy = *from;
	enum status status;

	copy.id = (struct bytes){ 0 };
	status = bytes_set(&copy.id, bytes_slice(&from->id));
	if (status == OK)
		*ret = copy;
	return status;
}
