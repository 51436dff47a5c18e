/* Authorities: a root, one below it, and what links an old root to a new one. */
#include <openssl/err.h>

#include "enrol/ca_parts.h"
#include "enrol/names.h"
#include "tls/cert.h"

/* Some clocks are behind; of an authority that hurts everybody. */
#define BACKDATE (24 * 3600)

/* Authorities below a root: the issuing one, and in a roll-over the next root above that. */
#define ROOT_PATH 2

static bool add_text(X509_NAME *name, int nid, const char *text)
{
	return !text || X509_NAME_add_entry_by_NID(name, nid, MBSTRING_UTF8,
						   (const unsigned char *)text, -1, -1, 0) == 1;
}

static X509_NAME *name_of(const struct ca_new_authority *what)
{
	AUTO(X509_NAME) name = X509_NAME_new();

	if (name && common_name_valid(what->name) &&
	    add_text(name, NID_organizationName, what->organization) &&
	    add_text(name, NID_commonName, what->name))
		return TAKE(name);
	return NULL;
}

/* The issuing authority signs OCSP responses and messages of CMP besides. */
static bool finish(X509 *cert, const struct ca_new_authority *what)
{
	bool root = !what->issuer;

	return ca_add_basic(cert, root ? ROOT_PATH : 0) &&
	       ca_add_key_usage(cert, KU_KEY_CERT_SIGN | KU_CRL_SIGN |
					      (root ? 0 : KU_DIGITAL_SIGNATURE)) &&
	       ca_add_places(cert, what->crl_url, what->ocsp_url) &&
	       ca_sign(cert, root ? what->key : what->issuer_key);
}

enum status ca_make_authority(const struct ca_new_authority *what, X509 **ret_cert,
			      struct diagnosis *why)
{
	AUTO(X509_NAME) name = name_of(what);
	struct ca_draft draft = {
		.key = what->key,
		.subject = name,
		.issuer = what->issuer,
		.not_before = what->now - BACKDATE,
		.not_after = what->now + what->lifetime,
	};
	X509 *made = NULL;
	enum status status;

	if (!name) {
		(void)ca_failed(why,
				"its name is too long, or holds characters that a name has not");
		return MALFORMED;
	}
	if (what->issuer) {
		int64_t from = cert_time(X509_get0_notBefore(what->issuer));
		int64_t until = cert_time(X509_get0_notAfter(what->issuer));

		draft.not_before = draft.not_before < from ? from : draft.not_before;
		draft.not_after = draft.not_after > until ? until : draft.not_after;
	}
	status = ca_draft(&draft, &made);

	AUTO(X509) cert = made;

	if (status != OK || !finish(cert, what))
		return ca_failed(why,
				 "the certificate of the authority could not be made or signed");
	*ret_cert = TAKE(cert);
	return OK;
}

enum status ca_cross(X509 *of, X509 *by, EVP_PKEY *by_key, int64_t now, X509 **ret_cert,
		     struct diagnosis *why)
{
	int64_t from = cert_time(X509_get0_notBefore(of)),
		until = cert_time(X509_get0_notAfter(of));
	int64_t by_from = cert_time(X509_get0_notBefore(by));
	int64_t by_until = cert_time(X509_get0_notAfter(by));
	struct ca_draft draft = {
		.key = X509_get0_pubkey(of),
		.subject = X509_get_subject_name(of),
		.issuer = by,
		.not_before = from > by_from ? from : by_from,
		.not_after = until < by_until ? until : by_until,
	};
	X509 *made = NULL;
	enum status status;

	if (!draft.key || draft.not_after <= now) {
		(void)ca_failed(why, "one of the two roots has expired");
		return UNEXPECTED;
	}
	status = ca_draft(&draft, &made);

	AUTO(X509) cert = made;

	/* What is certified may have an authority below it, as before. */
	if (status != OK || !ca_add_basic(cert, ROOT_PATH - 1) ||
	    !ca_add_key_usage(cert, KU_KEY_CERT_SIGN | KU_CRL_SIGN) || !ca_sign(cert, by_key))
		return ca_failed(why, "the cross certificate could not be made or signed");
	*ret_cert = TAKE(cert);
	return OK;
}
