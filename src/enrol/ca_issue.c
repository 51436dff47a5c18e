/* Certificates: RFC 5280, section 4. */
#include <openssl/err.h>

#include "base/random.h"
#include "enrol/ca_parts.h"
#include "enrol/names.h"
#include "tls/cert.h"

#define SERIAL_SIZE 20

DEFINE_AUTO(ASN1_BIT_STRING, ASN1_BIT_STRING_free);
DEFINE_AUTO(ASN1_OCTET_STRING, ASN1_OCTET_STRING_free);
DEFINE_AUTO(AUTHORITY_INFO_ACCESS, AUTHORITY_INFO_ACCESS_free);
DEFINE_AUTO(AUTHORITY_KEYID, AUTHORITY_KEYID_free);
DEFINE_AUTO(BASIC_CONSTRAINTS, BASIC_CONSTRAINTS_free);
DEFINE_AUTO(CRL_DIST_POINTS, CRL_DIST_POINTS_free);

enum status ca_failed(struct diagnosis *why, const char *what)
{
	ERR_clear_error();
	diagnosis_say(why, DIAG_AUTHORITY, "%s", what);
	return CRYPTO;
}

/* ---- what all have in common ---- */

/* Section 4.1.2.2: positive, of 20 octets at most. */
static bool set_serial(X509 *cert)
{
	uint8_t serial[SERIAL_SIZE];
	BIGNUM *number;
	bool set;

	if (random_bytes(serial, sizeof serial) != OK)
		return false;
	serial[0] &= 0x7f;
	number = BN_bin2bn(serial, sizeof serial, NULL);
	set = number && !BN_is_zero(number) &&
	      BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert));
	BN_free(number);
	return set;
}

/* Section 4.1.2.5: UTCTime until 2049, GeneralizedTime from then on, which is what this does. */
static bool set_dates(X509 *cert, int64_t not_before, int64_t not_after)
{
	return ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)not_before) &&
	       ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)not_after);
}

bool ca_add(X509 *cert, int nid, void *value, bool critical)
{
	return X509_add1_ext_i2d(cert, nid, value, critical, X509V3_ADD_APPEND) == 1;
}

/* Section 4.2.1.2, method 1: the SHA-1 of the public key, as a name and nothing more. */
static bool add_subject_key_id(X509 *cert)
{
	AUTO(ASN1_OCTET_STRING) id = ASN1_OCTET_STRING_new();
	uint8_t hash[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	return id && X509_pubkey_digest(cert, EVP_sha1(), hash, &len) == 1 &&
	       ASN1_OCTET_STRING_set(id, hash, (int)len) &&
	       ca_add(cert, NID_subject_key_identifier, id, false);
}

AUTHORITY_KEYID *ca_key_id_of(const X509 *issuer)
{
	const ASN1_OCTET_STRING *of = X509_get0_subject_key_id((X509 *)(uintptr_t)issuer);
	AUTO(AUTHORITY_KEYID) id = of ? AUTHORITY_KEYID_new() : NULL;

	if (id)
		id->keyid = ASN1_OCTET_STRING_dup(of);
	return id && id->keyid ? TAKE(id) : NULL;
}

/* Section 4.2.1.1: left out of what signs itself. */
static bool add_authority_key_id(X509 *cert, const X509 *issuer)
{
	AUTO(AUTHORITY_KEYID) id = issuer ? ca_key_id_of(issuer) : NULL;

	return !issuer || (id && ca_add(cert, NID_authority_key_identifier, id, false));
}

enum status ca_draft(const struct ca_draft *what, X509 **ret_cert)
{
	AUTO(X509) cert = X509_new();
	const X509_NAME *issuer =
		what->issuer ? X509_get_subject_name(what->issuer) : what->subject;

	if (!cert)
		return NO_MEMORY;
	if (!X509_set_version(cert, X509_VERSION_3) || !set_serial(cert) ||
	    !X509_set_issuer_name(cert, issuer) ||
	    !set_dates(cert, what->not_before, what->not_after) ||
	    !X509_set_subject_name(cert, what->subject) || !X509_set_pubkey(cert, what->key) ||
	    !add_subject_key_id(cert) || !add_authority_key_id(cert, what->issuer)) {
		ERR_clear_error();
		return CRYPTO;
	}
	*ret_cert = TAKE(cert);
	return OK;
}

/* Section 4.2.1.3: bit 0 is the highest of the first octet. */
bool ca_add_key_usage(X509 *cert, unsigned bits)
{
	static const unsigned at[] = { KU_DIGITAL_SIGNATURE, KU_NON_REPUDIATION,
				       KU_KEY_ENCIPHERMENT,  KU_DATA_ENCIPHERMENT,
				       KU_KEY_AGREEMENT,     KU_KEY_CERT_SIGN,
				       KU_CRL_SIGN };
	AUTO(ASN1_BIT_STRING) usage = ASN1_BIT_STRING_new();

	for (size_t i = 0; usage && i < sizeof at / sizeof at[0]; i++) {
		if (bits & at[i] && !ASN1_BIT_STRING_set_bit(usage, (int)i, 1))
			return false;
	}
	return usage && ca_add(cert, NID_key_usage, usage, true);
}

bool ca_add_basic(X509 *cert, int path_length)
{
	AUTO(BASIC_CONSTRAINTS) basic = BASIC_CONSTRAINTS_new();

	if (!basic)
		return false;
	basic->ca = path_length >= 0 ? 0xff : 0;
	if (path_length >= 0) {
		basic->pathlen = ASN1_INTEGER_new();
		if (!basic->pathlen || !ASN1_INTEGER_set(basic->pathlen, path_length))
			return false;
	}
	return ca_add(cert, NID_basic_constraints, basic, true);
}

static GENERAL_NAME *uri_of(const char *url)
{
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_IA5STRING *text = ASN1_IA5STRING_new();

	if (name && text && ASN1_STRING_set(text, url, -1)) {
		GENERAL_NAME_set0_value(name, GEN_URI, text);
		return name;
	}
	ASN1_IA5STRING_free(text);
	GENERAL_NAME_free(name);
	return NULL;
}

/* Section 4.2.1.13. */
static bool add_crl_place(X509 *cert, const char *url)
{
	AUTO(CRL_DIST_POINTS) points = CRL_DIST_POINTS_new();
	DIST_POINT *point = DIST_POINT_new();
	GENERAL_NAME *name = uri_of(url);

	if (!points || !point || !name || !sk_DIST_POINT_push(points, point)) {
		DIST_POINT_free(point);
		GENERAL_NAME_free(name);
		return false;
	}
	point->distpoint = DIST_POINT_NAME_new();
	if (point->distpoint) {
		point->distpoint->type = 0; /* fullName */
		point->distpoint->name.fullname = GENERAL_NAMES_new();
	}
	if (!point->distpoint || !point->distpoint->name.fullname ||
	    !sk_GENERAL_NAME_push(point->distpoint->name.fullname, name)) {
		GENERAL_NAME_free(name);
		return false;
	}
	return ca_add(cert, NID_crl_distribution_points, points, false);
}

/* Section 4.2.2.1. */
static bool add_ocsp_place(X509 *cert, const char *url)
{
	AUTO(AUTHORITY_INFO_ACCESS) access = AUTHORITY_INFO_ACCESS_new();
	ACCESS_DESCRIPTION *description = ACCESS_DESCRIPTION_new();
	GENERAL_NAME *name = uri_of(url);

	if (!access || !description || !name || !sk_ACCESS_DESCRIPTION_push(access, description)) {
		ACCESS_DESCRIPTION_free(description);
		GENERAL_NAME_free(name);
		return false;
	}
	GENERAL_NAME_free(description->location);
	ASN1_OBJECT_free(description->method);
	description->location = name;
	description->method = OBJ_nid2obj(NID_ad_OCSP);
	return ca_add(cert, NID_info_access, access, false);
}

bool ca_add_places(X509 *cert, const char *crl_url, const char *ocsp_url)
{
	return (!crl_url || add_crl_place(cert, crl_url)) &&
	       (!ocsp_url || add_ocsp_place(cert, ocsp_url));
}

bool ca_sign(X509 *cert, EVP_PKEY *key)
{
	bool done = X509_sign(cert, key, ca_digest(key)) > 0;

	ERR_clear_error();
	return done;
}

/* ---- one for a machine ---- */

static bool add_usages(X509 *cert, const struct ca_profile *profile)
{
	AUTO(EXTENDED_KEY_USAGE) usages = EXTENDED_KEY_USAGE_new();
	static const char *const client[] = { "clientAuth" };
	const char *const *names = profile->usage_count > 0 ? profile->usages : client;
	size_t count = profile->usage_count > 0 ? profile->usage_count : 1;

	for (size_t i = 0; usages && i < count + profile->server; i++) {
		ASN1_OBJECT *usage = OBJ_txt2obj(i < count ? names[i] : "serverAuth", 0);

		if (!usage || !sk_ASN1_OBJECT_push(usages, usage)) {
			ASN1_OBJECT_free(usage);
			return false;
		}
	}
	return usages && ca_add(cert, NID_ext_key_usage, usages, false);
}

static enum status add_alternative(X509 *cert, const struct enrol_names *names)
{
	GENERAL_NAMES *made = NULL;
	enum status status = names_alternative(names, &made);
	AUTO(GENERAL_NAMES) alternative = made;

	if (status != OK || !alternative)
		return status;
	/* Section 4.2.1.6: critical where there is no subject. */
	return ca_add(cert, NID_subject_alt_name, alternative, !names->common_name[0]) ? OK
										       : CRYPTO;
}

static enum status add_rest(X509 *cert, const struct enrol_authority *authority,
			    const struct ca_profile *profile, const struct enrol_names *names)
{
	if (!ca_add_basic(cert, -1) || !ca_add_key_usage(cert, KU_DIGITAL_SIGNATURE) ||
	    !add_usages(cert, profile) ||
	    !ca_add_places(cert, authority->crl_url, authority->ocsp_url))
		return CRYPTO;
	return add_alternative(cert, names);
}

/* An authority that is over issues nothing: nobody would believe it. */
static enum status check_authority(const struct enrol_authority *authority, int64_t now,
				   struct diagnosis *why)
{
	if (!authority->key) {
		diagnosis_say(why, DIAG_AUTHORITY, "its key is not here");
		return UNEXPECTED;
	}
	if (now < cert_time(X509_get0_notBefore(authority->issuer)) ||
	    now >= cert_time(X509_get0_notAfter(authority->issuer))) {
		diagnosis_say(why, DIAG_AUTHORITY,
			      "its own certificate has expired, or the clock is wrong");
		return UNEXPECTED;
	}
	return OK;
}

static enum status check_key(const struct ca_profile *profile, const EVP_PKEY *key,
			     struct diagnosis *why)
{
	char text[DIAGNOSIS_VALUE_MAX];

	if (ca_takes_key(profile, key))
		return OK;
	ca_key_text(key, text, sizeof text);
	diagnosis_set(why, DIAG_KEY_REFUSED);
	diagnosis_add(why, "key", "%s", text);
	diagnosis_add(why, "profile", "%s", profile->name);
	return UNSUPPORTED;
}

enum status ca_issue(const struct enrol_authority *authority, const struct ca_profile *profile,
		     EVP_PKEY *key, const struct enrol_names *names, int64_t now, X509 **ret_cert,
		     struct diagnosis *why)
{
	int64_t from = cert_time(X509_get0_notBefore(authority->issuer));
	int64_t until = cert_time(X509_get0_notAfter(authority->issuer));
	X509_NAME *made = NULL;
	X509 *draft = NULL;
	enum status status = check_authority(authority, now, why);

	if (status == OK)
		status = check_key(profile, key, why);
	if (status != OK)
		return status;
	status = names_subject(names, &made);

	AUTO(X509_NAME) subject = made;
	struct ca_draft what = {
		.key = key,
		.subject = subject,
		.issuer = authority->issuer,
		.not_before = now - profile->backdate,
		.not_after = now + profile->lifetime,
	};

	if (what.not_before < from)
		what.not_before = from;
	if (what.not_after > until)
		what.not_after = until;
	if (status == OK)
		status = ca_draft(&what, &draft);

	AUTO(X509) cert = draft;

	if (status == OK)
		status = add_rest(cert, authority, profile, names);
	if (status == OK && !ca_sign(cert, authority->key))
		status = CRYPTO;
	if (status != OK) {
		(void)ca_failed(why, "the certificate could not be made or signed");
		return status;
	}
	*ret_cert = TAKE(cert);
	return OK;
}
