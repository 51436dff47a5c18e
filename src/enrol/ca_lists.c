/* What was revoked: lists (RFC 5280, section 5) and OCSP (RFC 6960). */
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <string.h>

#include "enrol/ca_parts.h"

#define NONCE_MAX 32 /* octets: RFC 8954, section 2.1 */

DEFINE_AUTO(ASN1_ENUMERATED, ASN1_ENUMERATED_free);
DEFINE_AUTO(ASN1_GENERALIZEDTIME, ASN1_GENERALIZEDTIME_free);
DEFINE_AUTO(ASN1_INTEGER, ASN1_INTEGER_free);
DEFINE_AUTO(ASN1_TIME, ASN1_TIME_free);
DEFINE_AUTO(AUTHORITY_KEYID, AUTHORITY_KEYID_free);

/* ---- reasons ---- */

static const struct {
	enum ca_reason reason;
	const char *text;
} reasons[] = {
	{ CA_UNSPECIFIED, "unspecified" },
	{ CA_KEY_COMPROMISE, "key-compromise" },
	{ CA_AFFILIATION_CHANGED, "affiliation-changed" },
	{ CA_SUPERSEDED, "superseded" },
	{ CA_CESSATION, "cessation-of-operation" },
	{ CA_PRIVILEGE_WITHDRAWN, "privilege-withdrawn" },
};

const char *ca_reason_text(int reason)
{
	for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
		if ((int)reasons[i].reason == reason)
			return reasons[i].text;
	}
	return NULL;
}

bool ca_reason_by_text(const char *text, enum ca_reason *ret_reason)
{
	for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
		if (strcmp(reasons[i].text, text) == 0) {
			*ret_reason = reasons[i].reason;
			return true;
		}
	}
	return false;
}

/* ---- lists ---- */

static ASN1_INTEGER *integer_of(struct slice octets)
{
	BIGNUM *number = octets.len > 0 && octets.len <= CA_SERIAL_MAX + 1
				 ? BN_bin2bn(octets.p, (int)octets.len, NULL)
				 : NULL;
	ASN1_INTEGER *integer = number ? BN_to_ASN1_INTEGER(number, NULL) : NULL;

	BN_free(number);
	return integer;
}

/* Section 5.3.1: the reason is left out where it would be "unspecified". */
static bool set_reason(X509_REVOKED *entry, int reason)
{
	AUTO(ASN1_ENUMERATED) value = NULL;

	if (reason == CA_UNSPECIFIED || !ca_reason_text(reason))
		return true;
	value = ASN1_ENUMERATED_new();
	return value && ASN1_ENUMERATED_set(value, reason) &&
	       X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, value, 0, X509V3_ADD_APPEND) == 1;
}

static bool add_entry(X509_CRL *crl, const struct ca_revoked *revoked)
{
	AUTO(ASN1_INTEGER) serial = integer_of(revoked->serial);
	AUTO(ASN1_TIME) when = ASN1_TIME_set(NULL, (time_t)revoked->when);
	X509_REVOKED *entry = serial && when ? X509_REVOKED_new() : NULL;

	if (!entry)
		return false;
	if (X509_REVOKED_set_serialNumber(entry, serial) &&
	    X509_REVOKED_set_revocationDate(entry, when) && set_reason(entry, revoked->reason) &&
	    X509_CRL_add0_revoked(crl, entry))
		return true;
	X509_REVOKED_free(entry);
	return false;
}

static bool add_extensions(X509_CRL *crl, const X509 *issuer, uint64_t number)
{
	AUTO(AUTHORITY_KEYID) id = ca_key_id_of(issuer);
	AUTO(ASN1_INTEGER) count = ASN1_INTEGER_new();

	return id && count && ASN1_INTEGER_set_uint64(count, number) &&
	       X509_CRL_add1_ext_i2d(crl, NID_authority_key_identifier, id, 0, X509V3_ADD_APPEND) ==
		       1 &&
	       X509_CRL_add1_ext_i2d(crl, NID_crl_number, count, 0, X509V3_ADD_APPEND) == 1;
}

static bool fill_crl(X509_CRL *crl, const struct enrol_authority *authority, int64_t now,
		     int64_t lifetime)
{
	AUTO(ASN1_TIME) this_update = ASN1_TIME_set(NULL, (time_t)now);
	AUTO(ASN1_TIME) next_update = ASN1_TIME_set(NULL, (time_t)(now + lifetime));

	return this_update && next_update && X509_CRL_set_version(crl, X509_CRL_VERSION_2) &&
	       X509_CRL_set_issuer_name(crl, X509_get_subject_name(authority->issuer)) &&
	       X509_CRL_set1_lastUpdate(crl, this_update) &&
	       X509_CRL_set1_nextUpdate(crl, next_update);
}

enum status ca_crl(const struct enrol_authority *authority, const struct ca_revoked *revoked,
		   size_t count, uint64_t number, int64_t now, int64_t lifetime,
		   struct bytes *ret_der)
{
	AUTO(X509_CRL) crl = X509_CRL_new();
	uint8_t *der = NULL;
	enum status status;
	int len;

	if (!authority->key)
		return UNEXPECTED;
	if (!crl)
		return NO_MEMORY;
	for (size_t i = 0; i < count; i++) {
		if (!add_entry(crl, &revoked[i]))
			return MALFORMED;
	}
	if (!fill_crl(crl, authority, now, lifetime) ||
	    !add_extensions(crl, authority->issuer, number) || !X509_CRL_sort(crl) ||
	    X509_CRL_sign(crl, authority->key, ca_digest(authority->key)) <= 0) {
		ERR_clear_error();
		return CRYPTO;
	}
	len = i2d_X509_CRL(crl, &der);
	status = len > 0 ? bytes_set(ret_der, slice_of(der, (size_t)len)) : NO_MEMORY;
	OPENSSL_free(der);
	return status;
}

/* ---- OCSP ---- */

/* A digest that names the issuer; anything else is nobody's. */
static const EVP_MD *digest_of(const ASN1_OBJECT *name)
{
	switch (OBJ_obj2nid(name)) {
	case NID_sha1:
		return EVP_sha1();
	case NID_sha256:
		return EVP_sha256();
	case NID_sha384:
		return EVP_sha384();
	case NID_sha512:
		return EVP_sha512();
	default:
		return NULL;
	}
}

/* Section 4.1.1: hashes of the issuer's name and key. */
static bool is_issuer(const X509 *issuer, OCSP_CERTID *id)
{
	ASN1_OBJECT *digest = NULL;
	ASN1_INTEGER *serial = NULL;
	const EVP_MD *md;

	OCSP_id_get0_info(NULL, &digest, NULL, &serial, id);
	md = digest_of(digest);

	AUTO(OCSP_CERTID)
	same = md ? OCSP_cert_id_new(md, X509_get_subject_name(issuer),
				     X509_get0_pubkey_bitstr(issuer), serial)
		  : NULL;

	return same && OCSP_id_issuer_cmp(same, id) == 0;
}

static bool add_status(OCSP_BASICRESP *basic, const struct enrol_authority *authority,
		       OCSP_CERTID *id, const struct ca_status *status, int64_t now,
		       int64_t lifetime)
{
	static const int states[] = { [CA_GOOD] = V_OCSP_CERTSTATUS_GOOD,
				      [CA_REVOKED] = V_OCSP_CERTSTATUS_REVOKED,
				      [CA_UNKNOWN] = V_OCSP_CERTSTATUS_UNKNOWN };
	AUTO(ASN1_GENERALIZEDTIME) this_update = ASN1_GENERALIZEDTIME_set(NULL, (time_t)now);
	AUTO(ASN1_GENERALIZEDTIME)
	next_update = ASN1_GENERALIZEDTIME_set(NULL, (time_t)(now + lifetime));
	struct ca_revoked revoked = { 0 };
	enum ca_state state = CA_UNKNOWN;
	ASN1_INTEGER *serial = NULL;
	int reason;

	OCSP_id_get0_info(NULL, NULL, NULL, &serial, id);
	if (is_issuer(authority->issuer, id))
		state = status->of(
			status->context,
			slice_of(ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial)),
			&revoked);

	AUTO(ASN1_GENERALIZEDTIME) when = ASN1_GENERALIZEDTIME_set(NULL, (time_t)revoked.when);

	/* Negative: left out, as in lists. */
	reason = revoked.reason == CA_UNSPECIFIED || !ca_reason_text(revoked.reason)
			 ? -1
			 : revoked.reason;
	return this_update && next_update && when &&
	       OCSP_basic_add1_status(basic, id, states[state], reason,
				      state == CA_REVOKED ? when : NULL, this_update, next_update);
}

/* Section 4.2.2.2: signed by the authority itself, which needs no certificate sent along. */
static enum status sign(OCSP_BASICRESP *basic, const struct enrol_authority *authority, int64_t now)
{
	/* The library would put its own clock there. */
	ASN1_GENERALIZEDTIME *produced =
		(ASN1_GENERALIZEDTIME *)(uintptr_t)OCSP_resp_get0_produced_at(basic);

	if (produced && ASN1_GENERALIZEDTIME_set(produced, (time_t)now) &&
	    OCSP_basic_sign(basic, authority->issuer, authority->key, ca_digest(authority->key),
			    NULL, OCSP_NOCERTS | OCSP_RESPID_KEY | OCSP_NOTIME) == 1)
		return OK;
	ERR_clear_error();
	return CRYPTO;
}

static enum status build(int response_status, OCSP_BASICRESP *basic, struct bytes *ret_der)
{
	AUTO(OCSP_RESPONSE) response = OCSP_response_create(response_status, basic);
	uint8_t *der = NULL;
	int len = response ? i2d_OCSP_RESPONSE(response, &der) : -1;
	enum status status = len > 0 ? bytes_set(ret_der, slice_of(der, (size_t)len)) : NO_MEMORY;

	OPENSSL_free(der);
	ERR_clear_error();
	return status;
}

static OCSP_REQUEST *parse(struct slice der)
{
	const uint8_t *at = der.p;
	AUTO(OCSP_REQUEST)
	request = der.len > 0 && der.len <= CA_OCSP_REQUEST_MAX
			  ? d2i_OCSP_REQUEST(NULL, &at, (long)der.len)
			  : NULL;
	int count = request && at == der.p + der.len ? OCSP_request_onereq_count(request) : 0;

	ERR_clear_error();
	return count > 0 && count <= CA_OCSP_ASKED_MAX ? TAKE(request) : NULL;
}

/* RFC 8954, section 2.1: of 1 to 32 octets. */
static bool nonce_is_right(OCSP_REQUEST *request)
{
	int at = OCSP_REQUEST_get_ext_by_NID(request, NID_id_pkix_OCSP_Nonce, -1);
	const ASN1_OCTET_STRING *value =
		at >= 0 ? X509_EXTENSION_get_data(OCSP_REQUEST_get_ext(request, at)) : NULL;

	/* In an OCTET STRING of its own. */
	return !value || ASN1_STRING_length(value) <= NONCE_MAX + 2;
}

static OCSP_CERTID *asked(OCSP_REQUEST *request, int n)
{
	return OCSP_onereq_get0_id(OCSP_request_onereq_get0(request, n));
}

static bool asks_us(const struct enrol_authority *authority, OCSP_REQUEST *request)
{
	for (int i = 0; i < OCSP_request_onereq_count(request); i++) {
		if (is_issuer(authority->issuer, asked(request, i)))
			return true;
	}
	ERR_clear_error();
	return false;
}

bool ca_ocsp_is_for(const struct enrol_authority *authority, struct slice der)
{
	AUTO(OCSP_REQUEST) request = parse(der);

	return request && asks_us(authority, request);
}

enum status ca_ocsp(const struct enrol_authority *authority, struct slice der,
		    const struct ca_status *status, int64_t now, int64_t lifetime,
		    struct bytes *ret_der)
{
	AUTO(OCSP_REQUEST) request = parse(der);
	AUTO(OCSP_BASICRESP) basic = OCSP_BASICRESP_new();
	bool right = basic;

	if (!basic)
		return NO_MEMORY;
	if (!request || !nonce_is_right(request))
		return build(OCSP_RESPONSE_STATUS_MALFORMEDREQUEST, NULL, ret_der);
	if (!authority->key || !asks_us(authority, request))
		return build(OCSP_RESPONSE_STATUS_UNAUTHORIZED, NULL, ret_der);
	for (int i = 0; right && i < OCSP_request_onereq_count(request); i++)
		right = add_status(basic, authority, asked(request, i), status, now, lifetime);
	/* 2: there was none. */
	if (!right || OCSP_copy_nonce(basic, request) <= 0 || sign(basic, authority, now) != OK)
		return build(OCSP_RESPONSE_STATUS_INTERNALERROR, NULL, ret_der);
	return build(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic, ret_der);
}

enum status ca_ocsp_staple(const struct enrol_authority *authority, const X509 *cert,
			   const struct ca_status *status, int64_t now, int64_t lifetime,
			   struct bytes *ret_der)
{
	AUTO(OCSP_BASICRESP) basic = OCSP_BASICRESP_new();
	AUTO(OCSP_CERTID) id = OCSP_cert_to_id(EVP_sha1(), cert, authority->issuer);

	if (!basic || !id)
		return NO_MEMORY;
	if (!authority->key)
		return UNEXPECTED;
	if (!add_status(basic, authority, id, status, now, lifetime) ||
	    sign(basic, authority, now) != OK) {
		ERR_clear_error();
		return CRYPTO;
	}
	return build(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic, ret_der);
}
