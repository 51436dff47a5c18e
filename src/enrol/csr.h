/* PKCS#10 requests (RFC 2986) as SPP, CMP's p10cr and EST carry them: values in, DER out, and back.
 */
#ifndef ENROL_CSR_H
#define ENROL_CSR_H

#include "enrol/question.h"

#define CSR_MAX (16 * 1024)

/* A request for this key, signed by it: subject (the common name alone) and subjectAltName as in
 * names.  challenge: the challengePassword (RFC 2985, section 5.4.1), text; empty: none.  MALFORMED
 * when a name cannot be encoded, CRYPTO when the key does not sign. */
CHECKED enum status csr_build(const struct enrol_names *names, EVP_PKEY *key,
			      struct slice challenge, struct bytes *ret_der);

/* What a request says, when its signature is by the key that it holds and that key is one that we
 * take (key_check_usable).  Names of kinds that we do not have are MALFORMED rather than left out.
 * ret_challenge may be NULL; it is empty when there is none.  UNTRUSTED: the signature;
 * UNSUPPORTED: the key.  why is filled on failure. */
CHECKED enum status csr_read(struct slice der, EVP_PKEY **ret_key, struct enrol_names *ret_names,
			     struct bytes *ret_challenge, struct diagnosis *why);

#endif
