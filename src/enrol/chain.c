#include "enrol/chain.h"

bool enrol_is_root(X509 *cert)
{
	return X509_get_extension_flags(cert) & EXFLAG_SS;
}

enum status enrol_push(STACK_OF(X509) * certs, X509 *cert)
{
	if (!X509_up_ref(cert))
		return NO_MEMORY;
	if (sk_X509_push(certs, cert) <= 0) {
		X509_free(cert);
		return NO_MEMORY;
	}
	return OK;
}

enum status enrol_copy(const STACK_OF(X509) * certs, STACK_OF(X509) * *ret_certs)
{
	AUTO(X509_STACK) copy = sk_X509_new_null();

	if (!copy)
		return NO_MEMORY;
	for (int i = 0; i < sk_X509_num(certs); i++)
		if (enrol_push(copy, sk_X509_value(certs, i)) != OK)
			return NO_MEMORY;
	*ret_certs = TAKE(copy);
	return OK;
}

static X509 *issuer_of(X509 *cert, const STACK_OF(X509) * heap)
{
	for (int i = 0; i < sk_X509_num(heap); i++) {
		X509 *other = sk_X509_value(heap, i);

		if (!enrol_is_root(other) && X509_check_issued(other, cert) == X509_V_OK)
			return other;
	}
	return NULL;
}

enum status enrol_chain(X509 *cert, const STACK_OF(X509) * heap, STACK_OF(X509) * *ret_chain)
{
	AUTO(X509_STACK) chain = sk_X509_new_null();

	if (!chain)
		return NO_MEMORY;
	while (sk_X509_num(chain) < ENROL_CHAIN_MAX && !enrol_is_root(cert)) {
		cert = issuer_of(cert, heap);
		if (!cert)
			break;
		if (enrol_push(chain, cert) != OK)
			return NO_MEMORY;
	}
	*ret_chain = TAKE(chain);
	return OK;
}

bool enrol_names_wanted(const struct enrol_names *names)
{
	return names->common_name[0] || names->count > 0;
}
