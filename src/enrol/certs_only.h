/* Certificates in an otherwise empty SignedData ("certs-only"): RFC 5272, section 4.1, as EST
 * carries them. */
#ifndef ENROL_CERTS_ONLY_H
#define ENROL_CERTS_ONLY_H

#include "enrol/protocol.h"

CHECKED enum status certs_only_build(const STACK_OF(X509) * certs, struct bytes *ret_der);
/* At least one, at most ENROL_CERTS_MAX; that nobody signed it is as it should be.  MALFORMED. */
CHECKED enum status certs_only_read(struct slice der, STACK_OF(X509) * *ret_certs);

#endif
