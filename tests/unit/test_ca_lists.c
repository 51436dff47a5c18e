/* What an authority of our own says of what it has revoked: lists, OCSP, staples. */
#include "tests/unit/ca_rig.h"
#include "tls/cert.h"

static const uint8_t serial_a[] = { 0x11, 0x22 }, serial_b[] = { 0x7f, 1, 2, 3 };
static const struct ca_revoked revoked[] = {
	{ { serial_b, sizeof serial_b }, PKI_NOW - 60, CA_KEY_COMPROMISE },
	{ { serial_a, sizeof serial_a }, PKI_NOW - 30, CA_UNSPECIFIED },
};

TEST(a_list_says_what_was_revoked_when_and_why)
{
	AUTO_VALUE(bytes) der = { 0 };
	const uint8_t *at;
	struct rig r;

	rig_init(&r, "P-256", "Ed25519");
	REQUIRE(ca_crl(&r.authority, revoked, 2, 77, PKI_NOW, DAY, &der) == OK);
	at = der.p;

	AUTO(X509_CRL) crl = d2i_X509_CRL(NULL, &at, (long)der.len);
	ASN1_INTEGER *number = X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL);
	STACK_OF(X509_REVOKED) *entries = X509_CRL_get_REVOKED(crl);
	ASN1_ENUMERATED *reason;

	REQUIRE(crl && number && sk_X509_REVOKED_num(entries) == 2);
	CHECK_INT(X509_CRL_get_version(crl), X509_CRL_VERSION_2);
	CHECK_INT(X509_CRL_verify(crl, r.key), 1);
	CHECK_INT(ASN1_INTEGER_get(number), 77);
	CHECK_INT(cert_time(X509_CRL_get0_lastUpdate(crl)), PKI_NOW);
	CHECK_INT(cert_time(X509_CRL_get0_nextUpdate(crl)), PKI_NOW + DAY);
	CHECK(X509_CRL_get_ext_by_NID(crl, NID_authority_key_identifier, -1) >= 0);
	/* sorted; without a reason where there is none to tell */
	CHECK(!X509_REVOKED_get_ext_d2i(sk_X509_REVOKED_value(entries, 0), NID_crl_reason, NULL,
					NULL));
	reason = X509_REVOKED_get_ext_d2i(sk_X509_REVOKED_value(entries, 1), NID_crl_reason, NULL,
					  NULL);
	REQUIRE(reason != NULL);
	CHECK_INT(ASN1_ENUMERATED_get(reason), CA_KEY_COMPROMISE);
	ASN1_ENUMERATED_free(reason);
	ASN1_INTEGER_free(number);
	rig_done(&r);
}

TEST(an_empty_list_is_a_list)
{
	AUTO_VALUE(bytes) der = { 0 };
	struct rig r;
	const uint8_t *at;

	rig_init(&r, "P-256", "RSA-2048");
	REQUIRE(ca_crl(&r.authority, NULL, 0, 1, PKI_NOW, DAY, &der) == OK);
	at = der.p;

	AUTO(X509_CRL) crl = d2i_X509_CRL(NULL, &at, (long)der.len);

	REQUIRE(crl != NULL);
	/* revokedCertificates is to be absent: section 5.1.2.6 */
	CHECK(!X509_CRL_get_REVOKED(crl));
	CHECK_INT(X509_CRL_verify(crl, r.key), 1);
	rig_done(&r);
}

static enum ca_state look(void *context, struct slice serial, struct ca_revoked *ret)
{
	const X509 *cert = context;
	const ASN1_INTEGER *mine = X509_get0_serialNumber(cert);

	if (!slice_eq(serial,
		      slice_of(ASN1_STRING_get0_data(mine), (size_t)ASN1_STRING_length(mine))))
		return CA_GOOD;
	*ret = (struct ca_revoked){ serial, PKI_NOW - 10, CA_SUPERSEDED };
	return CA_REVOKED;
}

static OCSP_REQUEST *request_for(OCSP_REQUEST *request, const X509 *cert, const X509 *issuer,
				 const EVP_MD *md)
{
	OCSP_CERTID *id = OCSP_cert_to_id(md, cert, issuer);

	if (!request)
		request = OCSP_REQUEST_new();
	REQUIRE(request && id && OCSP_request_add0_id(request, id));
	return request;
}

/* The status of the response; of a good one its content. */
static int ask(struct rig *r, OCSP_REQUEST *request, X509 *bad, OCSP_BASICRESP **ret_basic)
{
	const struct ca_status status = { look, bad };
	AUTO_VALUE(bytes) der = { 0 };
	uint8_t *asked = NULL;
	int len = i2d_OCSP_REQUEST(request, &asked), result;
	const uint8_t *at;

	REQUIRE(len > 0);
	REQUIRE(ca_ocsp(&r->authority, slice_of(asked, (size_t)len), &status, PKI_NOW, 3600,
			&der) == OK);
	OPENSSL_free(asked);
	at = der.p;

	AUTO(OCSP_RESPONSE) response = d2i_OCSP_RESPONSE(NULL, &at, (long)der.len);

	REQUIRE(response != NULL);
	result = OCSP_response_status(response);
	*ret_basic = result == OCSP_RESPONSE_STATUS_SUCCESSFUL ? OCSP_response_get1_basic(response)
							       : NULL;
	return result;
}

static int state_of(OCSP_BASICRESP *basic, const X509 *cert, const X509 *issuer, const EVP_MD *md,
		    int *ret_reason)
{
	AUTO(OCSP_CERTID) id = OCSP_cert_to_id(md, cert, issuer);
	int status = -1;

	REQUIRE(OCSP_resp_find_status(basic, id, &status, ret_reason, NULL, NULL, NULL) == 1);
	return status;
}

TEST(ocsp_answers_about_several_certificates_at_once)
{
	const EVP_MD *const digests[] = { EVP_sha1(), EVP_sha256() };
	struct enrol_names names = named("m");
	struct rig r;

	rig_init(&r, "P-256", "P-256");

	AUTO(EVP_PKEY) key = pki_key("P-256");
	AUTO(X509) good = issue(&r, &machine, key, &names, PKI_NOW);
	AUTO(X509) bad = issue(&r, &machine, key, &names, PKI_NOW);
	struct pki_cert elsewhere = pki_ca("Elsewhere"), theirs = pki_client("x", &elsewhere);

	for (size_t i = 0; i < 2; i++) {
		AUTO(OCSP_REQUEST)
		request = request_for(NULL, good, r.authority.issuer, digests[i]);
		AUTO(OCSP_BASICRESP) basic = NULL;
		STACK_OF(X509) *signers = pki_chain(r.authority.issuer, NULL);
		AUTO(X509_STORE) store = X509_STORE_new();
		int reason = -1;

		(void)request_for(request, bad, r.authority.issuer, digests[i]);
		(void)request_for(request, theirs.cert, elsewhere.cert, digests[i]);
		REQUIRE(OCSP_request_add1_nonce(request, NULL, 16) == 1);
		REQUIRE(ask(&r, request, bad, &basic) == OCSP_RESPONSE_STATUS_SUCCESSFUL);
		CHECK_INT(OCSP_check_nonce(request, basic), 1);
		X509_STORE_add_cert(store, r.authority.issuer);
		CHECK_INT(OCSP_basic_verify(basic, signers, store, OCSP_TRUSTOTHER), 1);
		CHECK_INT(state_of(basic, good, r.authority.issuer, digests[i], &reason),
			  V_OCSP_CERTSTATUS_GOOD);
		CHECK_INT(state_of(basic, bad, r.authority.issuer, digests[i], &reason),
			  V_OCSP_CERTSTATUS_REVOKED);
		CHECK_INT(reason, CA_SUPERSEDED);
		CHECK_INT(state_of(basic, theirs.cert, elsewhere.cert, digests[i], &reason),
			  V_OCSP_CERTSTATUS_UNKNOWN);
		CHECK_INT(cert_time(OCSP_resp_get0_produced_at(basic)), PKI_NOW);
		x509_stack_free(signers);
	}
	pki_cert_done(&theirs);
	pki_cert_done(&elsewhere);
	rig_done(&r);
}

TEST(ocsp_refuses_what_it_cannot_answer)
{
	static const uint8_t garbage[] = { 0x30, 0x03, 0x02, 0x01, 0x00 };
	struct enrol_names names = named("m");
	AUTO_VALUE(bytes) der = { 0 };
	struct ca_status status = { look, NULL };
	struct rig r;

	rig_init(&r, "P-256", "P-256");

	AUTO(EVP_PKEY) key = pki_key("P-256");
	AUTO(X509) good = issue(&r, &machine, key, &names, PKI_NOW);
	struct pki_cert elsewhere = pki_ca("Elsewhere"), theirs = pki_client("x", &elsewhere);
	AUTO(OCSP_REQUEST) other = request_for(NULL, theirs.cert, elsewhere.cert, EVP_sha1());
	AUTO(OCSP_REQUEST) odd = request_for(NULL, good, r.authority.issuer, EVP_md5());
	AUTO(OCSP_REQUEST) many = NULL;
	AUTO(OCSP_REQUEST) nonce = request_for(NULL, good, r.authority.issuer, EVP_sha1());
	OCSP_BASICRESP *basic = NULL;

	status.context = good;
	CHECK_INT(ask(&r, other, good, &basic), OCSP_RESPONSE_STATUS_UNAUTHORIZED);
	CHECK_INT(ask(&r, odd, good, &basic), OCSP_RESPONSE_STATUS_UNAUTHORIZED);
	for (int i = 0; i <= CA_OCSP_ASKED_MAX; i++)
		many = request_for(many, good, r.authority.issuer, EVP_sha1());
	CHECK_INT(ask(&r, many, good, &basic), OCSP_RESPONSE_STATUS_MALFORMEDREQUEST);
	OCSP_request_add1_nonce(nonce, NULL, 33);
	CHECK_INT(ask(&r, nonce, good, &basic), OCSP_RESPONSE_STATUS_MALFORMEDREQUEST);
	REQUIRE(ca_ocsp(&r.authority, slice_of(garbage, sizeof garbage), &status, PKI_NOW, 60,
			&der) == OK);
	CHECK(slice_eq(bytes_slice(&der), slice_of("\x30\x03\x0a\x01\x01", 5)));
	CHECK(!ca_ocsp_is_for(&r.authority, slice_of(garbage, sizeof garbage)));
	pki_cert_done(&theirs);
	pki_cert_done(&elsewhere);
	rig_done(&r);
}

TEST(a_staple_is_about_one_certificate)
{
	struct enrol_names names = named("m");
	AUTO_VALUE(bytes) der = { 0 };
	struct rig r;
	const uint8_t *at;
	int reason;

	rig_init(&r, "P-256", "P-384");

	AUTO(EVP_PKEY) key = pki_key("P-256");
	AUTO(X509) cert = issue(&r, &machine, key, &names, PKI_NOW);
	const struct ca_status status = { look, cert };

	REQUIRE(ca_ocsp_staple(&r.authority, cert, &status, PKI_NOW, 3600, &der) == OK);
	at = der.p;

	AUTO(OCSP_RESPONSE) response = d2i_OCSP_RESPONSE(NULL, &at, (long)der.len);
	AUTO(OCSP_BASICRESP) basic = response ? OCSP_response_get1_basic(response) : NULL;

	REQUIRE(basic != NULL);
	CHECK_INT(state_of(basic, cert, r.authority.issuer, EVP_sha1(), &reason),
		  V_OCSP_CERTSTATUS_REVOKED);
	rig_done(&r);
}

TEST(reasons_have_words)
{
	enum ca_reason reason;

	CHECK_STR(ca_reason_text(CA_SUPERSEDED), "superseded");
	CHECK(!ca_reason_text(7) && !ca_reason_text(-1));
	REQUIRE(ca_reason_by_text("key-compromise", &reason));
	CHECK_INT(reason, CA_KEY_COMPROMISE);
	CHECK(!ca_reason_by_text("because", &reason));
}
