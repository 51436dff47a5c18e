/* Items of general messages.  Since 3.2 the library knows these types and has makers for them, and
 * would take what is made the older way for something else. */
#include "enrol/cmp_lib.h"
#include "enrol/der.h"
#include "tls/cert.h"

#if OPENSSL_VERSION_PREREQ(3, 2)

OSSL_CMP_ITAV *cmp_root_question(X509 *root)
{
	return OSSL_CMP_ITAV_new_rootCaCert(root);
}

OSSL_CMP_ITAV *cmp_root_answer(X509 *new_with_new, X509 *new_with_old)
{
	return OSSL_CMP_ITAV_new_rootCaKeyUpdate(new_with_new, new_with_old, NULL);
}

OSSL_CMP_ITAV *cmp_ca_certs_answer(STACK_OF(X509) * certs)
{
	return OSSL_CMP_ITAV_new_caCerts(certs);
}

#else

/* One item: its value is a SEQUENCE, or absent. */
static OSSL_CMP_ITAV *item_of(const char *oid, struct slice value)
{
	ASN1_OBJECT *type = OBJ_txt2obj(oid, 1);
	ASN1_STRING *der = value.len > 0 ? ASN1_STRING_type_new(V_ASN1_SEQUENCE) : NULL;
	ASN1_TYPE *holder = value.len > 0 ? ASN1_TYPE_new() : NULL;
	OSSL_CMP_ITAV *item = NULL;

	if (value.len == 0)
		item = type ? OSSL_CMP_ITAV_create(type, NULL) : NULL;
	else if (type && der && holder && ASN1_STRING_set(der, value.p, (int)value.len)) {
		ASN1_TYPE_set(holder, V_ASN1_SEQUENCE, der);
		der = NULL;
		item = OSSL_CMP_ITAV_create(type, holder);
	}
	if (!item) {
		ASN1_OBJECT_free(type);
		ASN1_STRING_free(der);
		ASN1_TYPE_free(holder);
	}
	return item;
}

/* tag, length and what was in it; in place of content. */
static enum status wrap(struct bytes *content, uint8_t tag)
{
	AUTO_VALUE(bytes) out = { 0 };
	struct wr w;
	struct bytes old = *content;

	if (bytes_reserve(&out, content->len + DER_HEADER_MAX) != OK)
		return NO_MEMORY;
	w = wr_of(out.p, out.cap);
	der_put(&w, tag, bytes_slice(content));
	out.len = wr_done(&w).len;
	*content = out;
	out = old;
	return OK;
}

OSSL_CMP_ITAV *cmp_root_question(X509 *root)
{
	AUTO_VALUE(bytes) der = { 0 };

	return cert_append_der(&der, root, SIZE_MAX) == OK
		       ? item_of("1.3.6.1.5.5.7.4.20", bytes_slice(&der))
		       : NULL;
}

/* RootCaKeyUpdateContent: newWithNew, newWithOld [0]. */
OSSL_CMP_ITAV *cmp_root_answer(X509 *new_with_new, X509 *new_with_old)
{
	AUTO_VALUE(bytes) der = { 0 };
	AUTO_VALUE(bytes) old = { 0 };

	if (!new_with_new || !new_with_old)
		return item_of("1.3.6.1.5.5.7.4.18", slice_of(NULL, 0));
	if (cert_append_der(&der, new_with_new, SIZE_MAX) != OK ||
	    cert_append_der(&old, new_with_old, SIZE_MAX) != OK ||
	    wrap(&old, DER_CONTEXT(0)) != OK ||
	    bytes_append(&der, bytes_slice(&old), SIZE_MAX) != OK || wrap(&der, DER_SEQUENCE) != OK)
		return NULL;
	return item_of("1.3.6.1.5.5.7.4.18", bytes_slice(&der));
}

OSSL_CMP_ITAV *cmp_ca_certs_answer(STACK_OF(X509) * certs)
{
	AUTO_VALUE(bytes) der = { 0 };

	for (int i = 0; i < sk_X509_num(certs); i++)
		if (cert_append_der(&der, sk_X509_value(certs, i), SIZE_MAX) != OK)
			return NULL;
	if (wrap(&der, DER_SEQUENCE) != OK)
		return NULL;
	return item_of("1.3.6.1.5.5.7.4.17", bytes_slice(&der));
}

#endif
