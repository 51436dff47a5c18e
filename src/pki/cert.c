#include "pki/cert.h"

static bool among(const X509 *cert, STACK_OF(X509) * certs)
{
	for (int i = 0; i < sk_X509_num(certs); i++) {
		if (X509_cmp(cert, sk_X509_value(certs, i)) == 0)
			return true;
	}
	return false;
}

static X509 *issuer_among(X509 *cert, STACK_OF(X509) * certs)
{
	for (int i = 0; i < sk_X509_num(certs); i++) {
		if (X509_check_issued(sk_X509_value(certs, i), cert) == X509_V_OK)
			return sk_X509_value(certs, i);
	}
	return NULL;
}

/* Where the path from the leaf breaks: certificates are there that it does not reach.  NULL if it
 * does not; whether the last issuer is a root that the other side has, we cannot know. */
static X509 *broken_at(X509 *leaf, STACK_OF(X509) * chain)
{
	X509 *at = leaf;
	int reached = among(leaf, chain) ? 1 : 0;

	for (X509 *issuer; reached < sk_X509_num(chain); at = issuer, reached++) {
		issuer = issuer_among(at, chain);
		if (!issuer)
			return at;
		if (X509_cmp(issuer, at) == 0)
			return NULL;
	}
	return NULL;
}

static enum status own_fault(struct diagnosis *why, enum diagnosis_id id, const char *credential,
			     const struct cert_info *info, int64_t now)
{
	diagnosis_set(why, id);
	diagnosis_add(why, "credential", "%s", credential);
	diagnosis_add(why, "subject", "%s", info->subject);
	diagnosis_add(why, "issuer", "%s", info->issuer);
	diagnosis_add_time(why, "not_before", info->not_before);
	diagnosis_add_time(why, "not_after", info->not_after);
	diagnosis_add_time(why, "now", now);
	return diagnosis_text(id)->reduced ? OK : UNTRUSTED;
}

enum status cert_check_own(X509 *cert, enum cert_role role, EVP_PKEY *key, STACK_OF(X509) * chain,
			   const char *credential, int64_t now, int64_t warn_before,
			   struct diagnosis *why)
{
	struct cert_info info;
	const char *misuse = cert_misuse(cert, role);
	X509 *broken = broken_at(cert, chain);

	cert_info_of(cert, &info);
	if (key && !X509_check_private_key(cert, key))
		return own_fault(why, DIAG_KEY_MISMATCH, credential, &info, now);
	if (now > info.not_after)
		return own_fault(why, DIAG_CREDENTIAL_EXPIRED, credential, &info, now);
	if (now < info.not_before)
		return own_fault(why, DIAG_CREDENTIAL_NOT_YET_VALID, credential, &info, now);
	if (misuse) {
		enum status status = own_fault(why, DIAG_CONFIG, credential, &info, now);

		diagnosis_add(why, "detail", "the certificate of %s is not for a TLS %s (%s)",
			      credential, role == CERT_CLIENT ? "client" : "server", misuse);
		return status;
	}
	if (broken) {
		enum status status = own_fault(why, DIAG_CREDENTIAL_CHAIN, credential, &info, now);

		cert_info_of(broken, &info);
		diagnosis_add(why, "issuer", "%s", info.issuer);
		return status;
	}
	if (warn_before > 0 && info.not_after - now < warn_before)
		return own_fault(why, DIAG_CREDENTIAL_EXPIRING, credential, &info, now);
	diagnosis_set(why, DIAG_NONE);
	return OK;
}
