#include "authd/authority.h"

#include <errno.h>
#include <openssl/err.h>
#include <string.h>

#include "authd/arm_enrol.h"
#include "config/files.h"
#include "enrol/chain.h"

#define OVERLAP_WARNING (30LL * 24 * 3600) /* seconds before its end */

static int unusable(struct diagnosis *why, const struct credential *credential, const char *detail)
{
	diagnosis_say(why, DIAG_AUTHORITY, "credential %s: %s", credential->name, detail);
	return -EINVAL;
}

static int no_memory(struct diagnosis *why)
{
	diagnosis_say(why, DIAG_INTERNAL, "there is no memory left");
	return -ENOMEM;
}

/* The root that has signed it; NULL: it is not among the anchors. */
static X509 *root_of(const struct credential *credential)
{
	for (int i = 0; i < sk_X509_num(credential->anchors); i++) {
		X509 *anchor = sk_X509_value(credential->anchors, i);

		if (X509_check_issued(anchor, credential->cert) == X509_V_OK)
			return anchor;
	}
	return NULL;
}

static bool is_self_issued(const X509 *cert)
{
	return X509_NAME_cmp(X509_get_subject_name(cert), X509_get_issuer_name(cert)) == 0;
}

/* Of the chain: the certificate of our root by another one. */
static X509 *cross_of(const struct credential *credential, const X509 *root)
{
	for (int i = 0; root && i < sk_X509_num(credential->chain); i++) {
		X509 *cert = sk_X509_value(credential->chain, i);

		if (!is_self_issued(cert) &&
		    X509_NAME_cmp(X509_get_subject_name(cert), X509_get_subject_name(root)) == 0)
			return cert;
	}
	return NULL;
}

/* ---- what it is made of ---- */

/* The issuer and what lies between it and the root; of a roll-over there is new_with_old. */
static bool make_chain(struct enrol_authority *to, const struct credential *credential)
{
	to->chain = sk_X509_new_null();
	if (!to->chain || !sk_X509_push(to->chain, credential->cert))
		return false;
	for (int i = 0; i < sk_X509_num(credential->chain); i++) {
		X509 *cert = sk_X509_value(credential->chain, i);

		if (cert != to->new_with_old && !sk_X509_push(to->chain, cert))
			return false;
	}
	return true;
}

static int fill(struct authority *a, struct enrol_authority *to,
		const struct credential *credential, struct diagnosis *why)
{
	if (X509_check_ca(credential->cert) != 1)
		return unusable(why, credential, "its certificate is not an authority's");
	if (!X509_get0_subject_key_id(credential->cert))
		return unusable(why, credential, "its certificate has no subjectKeyIdentifier");
	to->issuer = credential->cert;
	to->key = credential->key;
	to->anchors = a->anchors;
	to->crl_url = a->crl_url;
	to->ocsp_url = a->ocsp_url;
	return make_chain(to, credential) ? 0 : no_memory(why);
}

/* During the overlap all roots that the credential has; afterwards the one above it alone. */
static int make_anchors(struct authority *a, struct diagnosis *why)
{
	X509 *root = root_of(a->credential);

	if (!root)
		return unusable(why, a->credential,
				"the certificate of the root above it is not with it");
	if (enrol_push(a->anchors, root) != OK)
		return no_memory(why);
	for (int i = 0; a->old_credential && i < sk_X509_num(a->credential->anchors); i++) {
		X509 *anchor = sk_X509_value(a->credential->anchors, i);

		if (anchor != root && enrol_push(a->anchors, anchor) != OK)
			return no_memory(why);
	}
	return 0;
}

static bool copy_urls(struct authority *a, const struct authd_settings *s)
{
	if (s->authority.crl_url && !(a->crl_url = strdup(s->authority.crl_url)))
		return false;
	return !s->authority.ocsp_url || (a->ocsp_url = strdup(s->authority.ocsp_url));
}

/* The authority before a roll-over, for as long as that overlaps. */
static int open_old(struct authority *a, const struct config *config, struct keystore *keystore,
		    int64_t now, struct diagnosis *why)
{
	const struct authd_settings *s = &config->settings;
	char name[KEYSTORE_NAME_MAX + 1];
	int64_t ends = cert_time(X509_get0_notBefore(a->credential->cert)) +
		       (int64_t)(s->authority.overlap / 1000);
	struct diagnosis missing = { 0 };
	int r;

	if (now >= ends || strlen(a->credential->name) + sizeof AUTHORITY_OLD > sizeof name)
		return 0;
	snprintf(name, sizeof name, "%s" AUTHORITY_OLD, a->credential->name);
	r = keystore_get(keystore, name, &a->old_credential, &missing);
	if (r < 0 && missing.id == DIAG_CREDENTIAL_MISSING)
		return 0; /* there never was a roll-over */
	if (r < 0)
		*why = missing;
	else
		a->overlap_ends = ends;
	return r;
}

/* ---- what there is to warn of ---- */

static bool warn_of(struct authority *a, const X509 *cert, int64_t now, int64_t before)
{
	int64_t until = cert_time(X509_get0_notAfter(cert));
	char subject[CERT_TEXT_MAX];

	if (until - now > before)
		return false;
	cert_subject(cert, subject, sizeof subject);
	diagnosis_set(&a->warning, DIAG_AUTHORITY_EXPIRING);
	diagnosis_add(&a->warning, "subject", "%s", subject);
	diagnosis_add_time(&a->warning, "not_after", until);
	return true;
}

static void look_ahead(struct authority *a, const struct authd_settings *s, int64_t now)
{
	int64_t before = (int64_t)(s->authority.warn_before / 1000);
	char subject[CERT_TEXT_MAX];

	if (warn_of(a, a->now.issuer, now, before) ||
	    warn_of(a, sk_X509_value(a->anchors, 0), now, before) || !a->old.issuer ||
	    a->overlap_ends - now > OVERLAP_WARNING)
		return;
	cert_subject(a->old.issuer, subject, sizeof subject);
	diagnosis_set(&a->warning, DIAG_AUTHORITY_OVERLAP);
	diagnosis_add(&a->warning, "subject", "%s", subject);
	diagnosis_add_time(&a->warning, "until", a->overlap_ends);
}

/* ---- one that is elsewhere ---- */

static int read_anchors(struct authority *a, const struct config *config, struct diagnosis *why)
{
	const struct words *words = &config->settings.authority.cmp.anchors;
	AUTO_VALUE(files) files = { 0 };

	for (size_t i = 0; i < words->count; i++) {
		int r = files_add_anchors(&files, words->word[i]);

		if (r < 0) {
			diagnosis_say(why, DIAG_CONFIG, "%s: CmpAnchors=%s: %s", config->path,
				      words->word[i], files_problem(r));
			return r;
		}
	}
	for (size_t i = 0; i < files.count; i++) {
		if (arming_push_certificates(a->read, files.view[i]) != OK)
			return no_memory(why);
	}
	return 0;
}

/* Roots are to be trusted; what is below them machines need for their chains. */
static int sort_anchors(struct authority *a, const struct config *config, struct diagnosis *why)
{
	a->now.chain = sk_X509_new_null();
	for (int i = 0; i < sk_X509_num(a->read); i++) {
		X509 *cert = sk_X509_value(a->read, i);

		if (!a->now.chain || (enrol_is_root(cert) ? enrol_push(a->anchors, cert) != OK
							  : !sk_X509_push(a->now.chain, cert)))
			return no_memory(why);
	}
	for (int i = 0; a->credential && i < sk_X509_num(a->credential->chain); i++) {
		if (!sk_X509_push(a->now.chain, sk_X509_value(a->credential->chain, i)))
			return no_memory(why);
	}
	if (sk_X509_num(a->anchors) > 0)
		return 0;
	diagnosis_say(why, DIAG_CONFIG, "%s: CmpAnchors=: there is no root in it", config->path);
	return -EINVAL;
}

static int open_elsewhere(struct authority *a, const struct config *config, struct diagnosis *why)
{
	const char *name = config->settings.authority.cmp.credential;
	AUTO_STRUCT(keystore) keystore = NULL;
	int r = read_anchors(a, config, why);

	if (r == 0 && name)
		r = keystore_open(config->settings.keystore, false, &keystore, why);
	if (r == 0 && name)
		r = keystore_get(keystore, name, &a->credential, why);
	if (r == 0)
		r = sort_anchors(a, config, why);
	if (r < 0)
		return r;
	a->now.anchors = a->anchors;
	a->now.forwards = config->settings.authority.cmp.forward;
	if (a->credential) {
		a->now.ra_cert = a->credential->cert;
		a->now.ra_key = a->credential->key;
		a->now.ra_chain = a->credential->chain;
	}
	return 0;
}

/* ---- all of it ---- */

static int open_all(struct authority *a, const struct config *config, int64_t now,
		    struct diagnosis *why)
{
	const struct authd_settings *s = &config->settings;
	AUTO_STRUCT(keystore) keystore = NULL;
	int r = keystore_open(s->keystore, false, &keystore, why);

	if (r == 0)
		r = keystore_get(keystore, s->authority.credential, &a->credential, why);
	if (r == 0)
		r = open_old(a, config, keystore, now, why);
	if (r == 0 && !copy_urls(a, s))
		r = no_memory(why);
	if (r == 0)
		r = make_anchors(a, why);
	if (r == 0 && a->old_credential)
		r = fill(a, &a->old, a->old_credential, why);
	if (r < 0 || !a->credential)
		return r < 0 ? r : -EIO;
	/* After the overlap nobody needs the way from the old root to the new one. */
	a->now.new_with_old = cross_of(a->credential, sk_X509_value(a->anchors, 0));
	r = fill(a, &a->now, a->credential, why);
	if (!a->old_credential)
		a->now.new_with_old = NULL;
	a->now.renew_wanted = a->old_credential;
	return r;
}

int authority_open(const struct config *config, int64_t now, struct authority **ret_authority,
		   struct diagnosis *why)
{
	bool elsewhere = config->settings.authority.backend == AUTHORITY_CMP;
	AUTO_STRUCT(authority) a = NULL;
	int r;

	*ret_authority = NULL;
	if (!config->settings.authority.credential && !elsewhere)
		return 0;
	a = calloc(1, sizeof *a);
	if (!a || !(a->anchors = sk_X509_new_null()) || !(a->read = sk_X509_new_null()))
		return no_memory(why);
	r = elsewhere ? open_elsewhere(a, config, why) : open_all(a, config, now, why);
	ERR_clear_error();
	if (r < 0)
		return r;
	if (!elsewhere)
		look_ahead(a, &config->settings, now);
	*ret_authority = TAKE(a);
	return 0;
}

void authority_free(struct authority *a)
{
	if (!a)
		return;
	sk_X509_free(a->now.chain);
	sk_X509_free(a->old.chain);
	x509_stack_free(a->anchors);
	x509_stack_free(a->read);
	credential_free(a->credential);
	credential_free(a->old_credential);
	free(a->crl_url);
	free(a->ocsp_url);
	free(a);
}

const struct enrol_authority *authority_of(const struct authority *a, const X509 *cert)
{
	if (!a->now.issuer)
		return NULL;
	if (X509_check_issued(a->now.issuer, (X509 *)(uintptr_t)cert) == X509_V_OK)
		return &a->now;
	if (a->old.issuer && X509_check_issued(a->old.issuer, (X509 *)(uintptr_t)cert) == X509_V_OK)
		return &a->old;
	return NULL;
}

void authority_registry_name(const X509 *issuer, char *buffer, size_t size)
{
	/* As cut as it is in struct cert_info. */
	cert_name(X509_get_subject_name(issuer), buffer,
		  size < CERT_TEXT_MAX ? size : CERT_TEXT_MAX);
}
