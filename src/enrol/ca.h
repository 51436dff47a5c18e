/* The embedded certification authority: values in, certificates and lists out.  Pure; who is
 * allowed what was decided before, and what was issued is written down by who calls. */
#ifndef ENROL_CA_H
#define ENROL_CA_H

#include "base/diagnosis.h"
#include "enrol/question.h"

/* A certificate profile, as configured (profiles.d/NAME.profile). */
struct ca_profile {
	const char *name;
	int64_t lifetime;	      /* seconds */
	int64_t backdate;	      /* notBefore lies so far in the past */
	const char *const *key_types; /* "P-256", "RSA-2048", ...; the first is offered */
	size_t key_type_count;
	const char *const *usages; /* "clientAuth", dotted; empty: clientAuth */
	size_t usage_count;
	const char *common_name; /* template: "%{cn}", "%{serial}", "%{mac}", text */
	const char *const *dns, *const *email, *const *uri,
						       *const *upn; /* globs of what may be asked */
	size_t dns_count, email_count, uri_count, upn_count;
	bool server; /* serverAuth too: for a server's own certificate */
};

/* Self-signed root, or an authority below one (issuer, issuer_key).  key: of the new authority. */
CHECKED enum status ca_make_authority(const char *name, EVP_PKEY *key, X509 *issuer,
				      EVP_PKEY *issuer_key, int64_t now, int64_t lifetime,
				      X509 **ret_cert, struct diagnosis *why);

/* The names that a machine gets: what it asks for, cut down to grant and profile.  UNTRUSTED when
 * it asks for what it may not have. */
CHECKED enum status ca_names(const struct ca_profile *profile, const struct enrol_grant *grant,
			     const struct enrol_names *wanted, struct enrol_names *ret_names,
			     struct diagnosis *why);

/* A certificate for a public key, with a random serial of 159 bits, signed.  UNSUPPORTED when the
 * profile does not take the key. */
CHECKED enum status ca_issue(const struct enrol_authority *authority,
			     const struct ca_profile *profile, EVP_PKEY *key,
			     const struct enrol_names *names, int64_t now, X509 **ret_cert,
			     struct diagnosis *why);

struct ca_revoked {
	struct slice serial; /* content octets */
	int64_t when;
	int reason; /* RFC 5280, section 5.3.1 */
};
/* RFC 5280, section 5, and RFC 6960: DER. */
CHECKED enum status ca_crl(const struct enrol_authority *authority,
			   const struct ca_revoked *revoked, size_t count, uint64_t number,
			   int64_t now, int64_t lifetime, struct bytes *ret_der);
CHECKED enum status ca_ocsp(const struct enrol_authority *authority, struct slice request,
			    int (*status_of)(void *context, struct slice serial,
					     struct ca_revoked *ret_revoked),
			    void *context, int64_t now, int64_t lifetime, struct bytes *ret_der);

#endif
