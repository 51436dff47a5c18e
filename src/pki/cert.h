/* A credential's certificate; what there is to say about any certificate is in tls/cert.h. */
#ifndef PKI_CERT_H
#define PKI_CERT_H

#include "tls/cert.h"

/* To be asked before it is used: dates (now), the EKU of its role, key fits (key may be NULL), and
 * the chain leads from the leaf to a certificate whose issuer is not there, leaving none over.  OK
 * with *why DIAG_NONE, or OK with a reduced one (chain-incomplete, expiring), or a status with the
 * reason.  warn_before: seconds, 0 for never. */
CHECKED enum status cert_check_own(X509 *cert, enum cert_role role, EVP_PKEY *key,
				   STACK_OF(X509) * chain, const char *credential, int64_t now,
				   int64_t warn_before, struct diagnosis *why);

#endif
