/* The certification authority as one thread holds it: opened from configuration and keystore.
 *
 * With Backend=cmp it issues elsewhere (ca_behind.h): then there is neither issuer nor key, but
 * what machines are told to trust, and what signs our messages to them.
 *
 * With Backend=embedded
 * [Authority] Credential= names the issuing authority in the keystore; beside it lie its chain
 * (with the certificates of a roll-over) and its anchors, the old root among them.  While a
 * roll-over goes on, the issuing authority before it is there under the same name with ".old"
 * behind, and answers for what it has issued until [Authority] Overlap= is over.  Each worker has
 * one of its own, made at arming. */
#ifndef AUTHD_AUTHORITY_H
#define AUTHD_AUTHORITY_H

#include "authd/config.h"
#include "enrol/ca.h"
#include "keystore/keystore.h"

#define AUTHORITY_OLD ".old"

struct authority {
	struct enrol_authority now; /* issues */
	struct enrol_authority old; /* answers for what it has issued; issuer NULL: none goes on */
	int64_t overlap_ends;	    /* of a roll-over; 0: none goes on */
	struct diagnosis warning; /* it is to be rolled over soon, or the roll-over's end is near */

	struct credential *credential, *old_credential; /* who owns it all */
	STACK_OF(X509) * anchors, *read /* of CmpAnchors= */;
	char *crl_url, *ocsp_url;
};

/* *ret_authority is NULL when none is configured. 0 or -errno with *why. */
int authority_open(const struct config *config, int64_t now, struct authority **ret_authority,
		   struct diagnosis *why);
void authority_free(struct authority *authority);
DEFINE_AUTO_STRUCT(authority);

/* Which of the two has issued it; NULL: neither. */
const struct enrol_authority *authority_of(const struct authority *authority, const X509 *cert);

/* The name by which the registry knows an issuing authority: RFC 2253, as cert_name has it. */
void authority_registry_name(const X509 *issuer, char *buffer, size_t size);

#endif
