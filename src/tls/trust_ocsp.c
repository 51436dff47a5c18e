#include "tls/trust_parts.h"

/* Clocks of responders differ a little from ours. */
#define CLOCK_SKEW 300
/* Without nextUpdate newer information is available "all the time" (RFC 6960, section 4.2.2.1). */
#define AGE_MAX (7 * 24 * 3600)

static enum status invalid(struct diagnosis *why, const X509 *server, const char *detail)
{
	trust_refuse(why, DIAG_OCSP_INVALID, server);
	diagnosis_add(why, "detail", "%s", detail);
	return UNTRUSTED;
}

static OCSP_BASICRESP *parse(struct slice in)
{
	const unsigned char *p = in.p;
	AUTO(OCSP_RESPONSE) response = d2i_OCSP_RESPONSE(NULL, &p, (long)in.len);

	if (!response || p != in.p + in.len ||
	    OCSP_response_status(response) != OCSP_RESPONSE_STATUS_SUCCESSFUL)
		return NULL;
	return OCSP_response_get1_basic(response);
}

static bool valid_at(const X509 *cert, const struct trust_time *time)
{
	return (!time->not_after || time->at <= cert_time(X509_get0_notAfter(cert))) &&
	       (!time->not_before || time->at >= cert_time(X509_get0_notBefore(cert)));
}

/* RFC 6960, section 4.2.2.2: besides the issuer itself, whom "the CA that issued the certificate in
 * question" has directly certified for id-kp-OCSPSigning. */
static bool may_sign(X509 *responder, X509 *issuer, const struct trust_time *time)
{
	return (X509_get_extension_flags(responder) & EXFLAG_XKUSAGE) &&
	       (X509_get_extended_key_usage(responder) & XKU_OCSP_SIGN) &&
	       X509_check_issued(issuer, responder) == X509_V_OK && valid_at(responder, time) &&
	       X509_verify(responder, X509_get0_pubkey(issuer)) == 1;
}

static bool weak_digest(const OCSP_BASICRESP *basic)
{
	int digest = NID_undef;

	return !OBJ_find_sigid_algs(OBJ_obj2nid(OCSP_resp_get0_tbs_sigalg(basic)->algorithm),
				    &digest, NULL) ||
	       digest == NID_md5 || digest == NID_sha1;
}

/* The library's own check of the responder's path would ask the system's clock. */
static bool signed_for(OCSP_BASICRESP *basic, X509 *issuer, const struct trust_time *time)
{
	const STACK_OF(X509) *sent = OCSP_resp_get0_certs(basic);
	AUTO(X509_VIEW) signers = sk_X509_new_null();

	if (!signers || sk_X509_push(signers, issuer) == 0)
		return false;
	for (int i = 0; i < sk_X509_num(sent); i++) {
		X509 *cert = sk_X509_value(sent, i);

		if (may_sign(cert, issuer, time) && sk_X509_push(signers, cert) == 0)
			return false;
	}
	return OCSP_basic_verify(basic, signers, NULL, OCSP_NOINTERN | OCSP_TRUSTOTHER) == 1;
}

/* The responder chooses the digest that a certificate is identified with. */
static bool is_about(OCSP_SINGLERESP *single, X509 *server, X509 *issuer)
{
	OCSP_CERTID *id = (OCSP_CERTID *)(uintptr_t)OCSP_SINGLERESP_get0_id(single);
	ASN1_OBJECT *digest = NULL;

	OCSP_id_get0_info(NULL, &digest, NULL, NULL, id);

	const EVP_MD *md = EVP_get_digestbyobj(digest);
	AUTO(OCSP_CERTID) ours = md ? OCSP_cert_to_id(md, server, issuer) : NULL;

	return ours && OCSP_id_cmp(id, ours) == 0;
}

static OCSP_SINGLERESP *find_single(OCSP_BASICRESP *basic, X509 *server, X509 *issuer)
{
	for (int i = 0; i < OCSP_resp_count(basic); i++) {
		OCSP_SINGLERESP *single = OCSP_resp_get0(basic, i);

		if (is_about(single, server, issuer))
			return single;
	}
	return NULL;
}

static const char *age_fault(const ASN1_TIME *this_update, const ASN1_TIME *next_update,
			     const struct trust_time *time)
{
	int64_t from = cert_time(this_update);
	int64_t until = next_update ? cert_time(next_update) : from + AGE_MAX;

	if (time->not_before && from > time->at + CLOCK_SKEW)
		return "not yet valid";
	if (time->not_after && until < time->at - CLOCK_SKEW)
		return "expired";
	return NULL;
}

static enum status check_single(OCSP_SINGLERESP *single, X509 *server,
				const struct trust_time *time, struct diagnosis *why)
{
	ASN1_GENERALIZEDTIME *this_update = NULL, *next_update = NULL, *revoked = NULL;
	int status = OCSP_single_get0_status(single, NULL, &revoked, &this_update, &next_update);
	const char *fault = age_fault(this_update, next_update, time);

	if (status == V_OCSP_CERTSTATUS_REVOKED) {
		trust_refuse(why, DIAG_SERVER_CERT_REVOKED, server);
		diagnosis_add_time(why, "revoked", cert_time(revoked));
		diagnosis_add(why, "detail", "OCSP");
		return UNTRUSTED;
	}
	if (fault)
		return invalid(why, server, fault);
	if (status != V_OCSP_CERTSTATUS_GOOD)
		return invalid(why, server, "the responder does not know the certificate");
	return OK;
}

/* RFC 6960, section 3.2, in its order but for the dates. */
static enum status find_answer(struct slice response, X509 *cert, X509 *issuer,
			       const struct trust_time *time, OCSP_BASICRESP **ret_basic,
			       OCSP_SINGLERESP **ret_single, struct diagnosis *why)
{
	AUTO(OCSP_BASICRESP) basic = parse(response);
	OCSP_SINGLERESP *single;

	if (!basic)
		return invalid(why, cert, "it does not parse, or brings no answer");
	if (weak_digest(basic))
		return invalid(why, cert, "signature digest");
	if (!signed_for(basic, issuer, time))
		return invalid(why, cert, "signature");
	single = find_single(basic, cert, issuer);
	if (!single)
		return invalid(why, cert, "about another certificate");
	*ret_basic = TAKE(basic);
	*ret_single = single;
	return OK;
}

enum status trust_ocsp(const struct trust *trust, STACK_OF(X509) * path, struct slice response,
		       const struct trust_time *time, struct diagnosis *why)
{
	AUTO(OCSP_BASICRESP) basic = NULL;
	X509 *server = sk_X509_value(path, 0);
	X509 *issuer = sk_X509_num(path) > 1 ? sk_X509_value(path, 1) : NULL;
	OCSP_SINGLERESP *single;
	enum status status;

	if (!issuer) {
		/* The profile trusts this very certificate, whatever its issuer says of it. */
		if (trust->ocsp == OCSP_IF_OFFERED)
			return OK;
		return invalid(why, server, "the certificate is its own anchor");
	}
	status = find_answer(response, server, issuer, time, &basic, &single, why);
	return status == OK ? check_single(single, server, time, why) : status;
}

enum status trust_ocsp_answer(X509 *cert, X509 *issuer, struct slice response, int64_t now,
			      int64_t *ret_until, struct diagnosis *why)
{
	const struct trust_time time = {
		.now = now, .at = now, .not_before = true, .not_after = true
	};
	ASN1_GENERALIZEDTIME *this_update = NULL, *next_update = NULL;
	AUTO(OCSP_BASICRESP) basic = NULL;
	OCSP_SINGLERESP *single;
	enum status status = find_answer(response, cert, issuer, &time, &basic, &single, why);

	if (status != OK)
		return status;
	OCSP_single_get0_status(single, NULL, NULL, &this_update, &next_update);
	*ret_until = next_update ? cert_time(next_update) : cert_time(this_update) + AGE_MAX;
	return check_single(single, cert, &time, why);
}
