/* The chain above a certificate, out of a heap of others in whatever order they came. */
#ifndef ENROL_CHAIN_H
#define ENROL_CHAIN_H

#include "enrol/protocol.h"

#define ENROL_CHAIN_MAX 8

/* Issuer first, without a root; empty when nothing in the heap (which may be NULL) issued it.  Says
 * nothing about trust. */
CHECKED enum status enrol_chain(X509 *cert, const STACK_OF(X509) * heap,
				STACK_OF(X509) * *ret_chain);
/* Issued by itself. */
bool enrol_is_root(X509 *cert);
/* Adds a reference. */
CHECKED enum status enrol_push(STACK_OF(X509) * certs, X509 *cert);
/* Another stack of the same certificates; none of NULL is an empty one. */
CHECKED enum status enrol_copy(const STACK_OF(X509) * certs, STACK_OF(X509) * *ret_certs);
bool enrol_names_wanted(const struct enrol_names *names);

#endif
