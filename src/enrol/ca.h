/* The embedded certification authority: values in, certificates and lists out.  Pure; who is
 * allowed was decided before, and what was issued is written down by who calls.
 *
 * RFC 5280 for certificates and lists, RFC 6960 for OCSP, RFC 4210, section 4.4, for roll-over.
 * ca_names.c cuts names, ca_issue.c issues, ca_authority.c makes authorities, ca_lists.c says what
 * was revoked. */
#ifndef ENROL_CA_H
#define ENROL_CA_H

#include "base/diagnosis.h"
#include "enrol/question.h"

/* A certificate profile, as configured (profiles.d/NAME.profile).  Borrows. */
struct ca_profile {
	const char *name;
	int64_t lifetime;	      /* seconds; cut to what is left of the authority's own */
	int64_t backdate;	      /* notBefore lies so far in the past */
	const char *const *key_types; /* "P-256", "RSA-2048", ...; the first is offered.  An RSA
					 key may be longer than it is written, up to 4096 bits */
	size_t key_type_count;
	const char *const *usages; /* dotted, as ini has them; empty: clientAuth */
	size_t usage_count;
	/* Template: "%{cn}" (what the machine asks for), "%{serial}", "%{mac}", "%{token}" (of the
	 * grant), "%%", text.  NULL: "%{cn}".  May be "": then a subjectAltName is needed. */
	const char *common_name;
	/* Globs of what may be asked for: %{cn}, and each kind of subjectAltName.  common_names
	 * empty: any; the others empty: none. */
	const char *const *common_names, *const *dns, *const *email,
							      *const *uri, *const *upn, *const *ip;
	size_t common_name_count, dns_count, email_count, uri_count, upn_count, ip_count;
	bool validate;	      /* CPROM's third phase */
	unsigned credentials; /* 1 << enum enrol_credential; 0: the profile does not say */
	bool server;	      /* serverAuth besides, for a server's own certificate */
};

/* Whether a machine may choose to be called so: by the globs of the profile, or, where it has none,
 * because the name is plain (common_name_is_plain). */
bool ca_common_name_allowed(const struct ca_profile *profile, const char *name);
/* Whether a text can be the template of a common name. */
bool ca_template_valid(const char *text);
/* The key type that a profile offers first, as the CPROM parameter has it; "P-256". */
const char *ca_key_type(const struct ca_profile *profile);
/* "RSA-3072", "P-256", "Ed25519" as profiles write it; false when there is no such type. */
bool ca_key_type_valid(const char *text);

/* ---- authorities (ca_authority.c) ---- */

struct ca_new_authority {
	const char *name;		/* its common name */
	const char *organization;	/* O= before it; NULL: none */
	EVP_PKEY *key;			/* of the new authority */
	X509 *issuer;			/* NULL: a root, signed by itself, path length 2 */
	EVP_PKEY *issuer_key;		/* else an authority below it, path length 0 */
	int64_t now, lifetime;		/* cut to the issuer's */
	const char *crl_url, *ocsp_url; /* of the issuer; NULL: none */
};
CHECKED enum status ca_make_authority(const struct ca_new_authority *what, X509 **ret_cert,
				      struct diagnosis *why);
/* Roll-over, RFC 4210, section 4.4: the subject and key of one root in a certificate by another,
 * valid for as long as both.  new-with-old: of = new, by = old. */
CHECKED enum status ca_cross(X509 *of, X509 *by, EVP_PKEY *by_key, int64_t now, X509 **ret_cert,
			     struct diagnosis *why);

/* ---- issuing ---- */

/* The names that a machine gets: what it asks for, cut down to grant and profile.
 *
 * The common name is the authority's to give: the template, in which %{cn} stands for what is asked
 * for.  A common name of the grant is given whatever is asked for.  Where the grant has other
 * names, those are what may be asked for, and all that is given when nothing is; else the globs of
 * the profile say.  UNTRUSTED (DIAG_NAME_REFUSED) when it asks for
 * what it may not have, or ends up without any name. */
CHECKED enum status ca_names(const struct ca_profile *profile, const struct enrol_grant *grant,
			     const struct enrol_names *wanted, struct enrol_names *ret_names,
			     struct diagnosis *why);

/* A certificate for a public key, signed, with a serial number of 159 random bits.  names are what
 * ca_names gave.  UNSUPPORTED (DIAG_KEY_REFUSED) when the profile does not take the key, UNEXPECTED
 * (DIAG_AUTHORITY) when the authority's own certificate is over or has no key here. */
CHECKED enum status ca_issue(const struct enrol_authority *authority,
			     const struct ca_profile *profile, EVP_PKEY *key,
			     const struct enrol_names *names, int64_t now, X509 **ret_cert,
			     struct diagnosis *why);

/* ---- what was revoked (ca_lists.c) ---- */

#define CA_SERIAL_MAX 20 /* octets: RFC 5280, section 4.1.2.2 */

/* RFC 5280, section 5.3.1; those that make sense for us. */
enum ca_reason {
	CA_UNSPECIFIED = 0,
	CA_KEY_COMPROMISE = 1,
	CA_AFFILIATION_CHANGED = 3,
	CA_SUPERSEDED = 4,
	CA_CESSATION = 5,
	CA_PRIVILEGE_WITHDRAWN = 9,
};
/* "unspecified", "key-compromise", "affiliation-changed", "superseded",
 * "cessation-of-operation", "privilege-withdrawn"; NULL, or false: there is no such. */
const char *ca_reason_text(int reason);
bool ca_reason_by_text(const char *text, enum ca_reason *ret_reason);

struct ca_revoked {
	struct slice serial; /* content octets */
	int64_t when;
	int reason;
};
/* RFC 5280, section 5: version 2, with authorityKeyIdentifier and cRLNumber. DER. */
CHECKED enum status ca_crl(const struct enrol_authority *authority,
			   const struct ca_revoked *revoked, size_t count, uint64_t number,
			   int64_t now, int64_t lifetime, struct bytes *ret_der);

enum ca_state { CA_GOOD, CA_REVOKED, CA_UNKNOWN };
#define CA_OCSP_REQUEST_MAX 4096
#define CA_OCSP_ASKED_MAX   16 /* certificates in one request */

/* Who knows. */
struct ca_status {
	enum ca_state (*of)(void *context, struct slice serial, struct ca_revoked *ret_revoked);
	void *context;
};
/* The answer to an OCSP request (RFC 6960), also to one that is malformed or not for us: then
 * OCSPResponseStatus says so, and nothing is signed.  Of another issuer: unauthorized. DER. */
CHECKED enum status ca_ocsp(const struct enrol_authority *authority, struct slice request,
			    const struct ca_status *status, int64_t now, int64_t lifetime,
			    struct bytes *ret_der);
/* Whether a request is about certificates of this authority; false also when it is malformed. */
bool ca_ocsp_is_for(const struct enrol_authority *authority, struct slice request);
/* About one certificate, for stapling. */
CHECKED enum status ca_ocsp_staple(const struct enrol_authority *authority, const X509 *cert,
				   const struct ca_status *status, int64_t now, int64_t lifetime,
				   struct bytes *ret_der);

#endif
