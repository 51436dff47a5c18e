#include "enrol/cmp_responder.h"

#include "enrol/chain.h"
#include "enrol/cmp_lib.h"
#include "enrol/csr.h"
#include "enrol/names.h"
#include "pki/bundle.h"

#include <openssl/cmp.h>
#include <openssl/err.h>
#include <stdio.h>

struct cmp_responder {
	struct cmp_duty duty;
	OSSL_CMP_SRV_CTX *server;
	X509 *issued; /* what a certConf has to be about */

	/* while the library is running */
	struct cmp_finding *finding;
	const struct cmp_verdict *verdict; /* NULL: the first time */
};

void cmp_finding_done(struct cmp_finding *finding)
{
	EVP_PKEY_free(finding->key);
	finding->key = NULL;
	bytes_done(&finding->csr);
}

/* ---- what is asked for ---------------------------------------------------------------------- */

static bool refuse(struct cmp_finding *finding, unsigned failure, const char *words)
{
	finding->found = CMP_REFUSED;
	finding->failure = failure;
	snprintf(finding->words, sizeof finding->words, "%s", words);
	return false;
}

static const char *detail_of(const struct diagnosis *why, const char *otherwise)
{
	const char *detail = diagnosis_evidence(why, "detail");

	return detail ? detail : otherwise;
}

static bool read_template(struct cmp_finding *finding, const OSSL_CRMF_MSG *request)
{
	OSSL_CRMF_CERTTEMPLATE *template = OSSL_CRMF_MSG_get0_tmpl(request);
	struct diagnosis why = { 0 };

	finding->key = cmp_template_key(template);
	if (!finding->key)
		return refuse(finding, CMP_FAILURE(badCertTemplate),
			      "the template has no public key that we know");
	if (key_check_usable(finding->key, &why) != OK)
		return refuse(finding, CMP_FAILURE(badCertTemplate),
			      detail_of(&why, "the key is not one that we take"));
	if (names_read(OSSL_CRMF_CERTTEMPLATE_get0_subject(template),
		       OSSL_CRMF_CERTTEMPLATE_get0_extensions(template), &finding->names, NULL,
		       &why) != OK)
		return refuse(finding, CMP_FAILURE(badCertTemplate),
			      detail_of(&why, "the names of the template"));
	return true;
}

static bool read_csr(struct cmp_finding *finding, const X509_REQ *request)
{
	unsigned char *der = NULL;
	int len = i2d_X509_REQ(request, &der);
	struct diagnosis why = { 0 };
	enum status status = NO_MEMORY;

	if (len > 0)
		status = bytes_set(&finding->csr, slice_of(der, (size_t)len));
	OPENSSL_free(der);
	if (status == OK)
		status = csr_read(bytes_slice(&finding->csr), &finding->key, &finding->names, NULL,
				  &why);
	if (status == UNTRUSTED)
		return refuse(finding, CMP_FAILURE(badPOP), detail_of(&why, "its signature"));
	return status == OK || refuse(finding, CMP_FAILURE(badCertTemplate),
				      detail_of(&why, "the certification request"));
}

static bool is_of(X509 *cert, const X509_NAME *issuer, const ASN1_INTEGER *serial)
{
	return cert && issuer && serial && X509_NAME_cmp(X509_get_issuer_name(cert), issuer) == 0 &&
	       ASN1_INTEGER_cmp(X509_get0_serialNumber(cert), serial) == 0;
}

/* Of an update: what is updated is what has signed. */
static bool old_cert_fits(struct cmp_responder *r, const OSSL_CRMF_MSG *request)
{
	OSSL_CRMF_CERTID *id = OSSL_CRMF_MSG_get0_regCtrl_oldCertID(request);

	return !id ||
	       is_of(r->duty.proved, OSSL_CRMF_CERTID_get0_issuer(id),
		     OSSL_CRMF_CERTID_get0_serialNumber(id)) ||
	       refuse(r->finding, CMP_FAILURE(badCertId), "it is another certificate's renewal");
}

/* ---- the library's callbacks ---------------------------------------------------------------- */

static OSSL_CMP_PKISI *rejection(unsigned failure, const char *words)
{
	bool ours = failure == 0 || failure >= CMP_FAILURES;

	return OSSL_CMP_STATUSINFO_new(OSSL_CMP_PKISTATUS_rejection, ours ? 0 : 1 << (failure - 1),
				       words);
}

static OSSL_CMP_PKISI *found(struct cmp_responder *r, enum cmp_found found)
{
	r->finding->found = found;
	return OSSL_CMP_STATUSINFO_new(OSSL_CMP_PKISTATUS_waiting, 0, NULL);
}

static bool give(STACK_OF(X509) * *to, const STACK_OF(X509) * certs)
{
	return sk_X509_num(certs) <= 0 || enrol_copy(certs, to) == OK;
}

static OSSL_CMP_PKISI *on_cert_request(OSSL_CMP_SRV_CTX *server, const OSSL_CMP_MSG *message,
				       int id, const OSSL_CRMF_MSG *crmf, const X509_REQ *csr,
				       X509 **ret_cert, STACK_OF(X509) * *ret_chain,
				       STACK_OF(X509) * *ret_ca_pubs)
{
	struct cmp_responder *r = OSSL_CMP_SRV_CTX_get0_custom_ctx(server);
	const struct cmp_verdict *verdict = r->verdict;

	(void)id;
	*ret_cert = NULL;
	*ret_chain = *ret_ca_pubs = NULL;
	if (!verdict) {
		if (csr ? !read_csr(r->finding, csr)
			: !read_template(r->finding, crmf) ||
				    (OSSL_CMP_MSG_get_bodytype(message) == OSSL_CMP_KUR &&
				     !old_cert_fits(r, crmf)))
			return rejection(r->finding->failure, r->finding->words);
		return found(r, CMP_ASKS_CERT);
	}
	if (verdict->failure)
		return rejection(verdict->failure, verdict->words);
	if (!give(ret_chain, verdict->chain) || !give(ret_ca_pubs, verdict->ca_pubs) ||
	    !X509_up_ref(verdict->cert))
		return NULL;
	*ret_cert = verdict->cert;
	return OSSL_CMP_STATUSINFO_new(OSSL_CMP_PKISTATUS_accepted, 0, NULL);
}

static OSSL_CMP_PKISI *on_revocation(OSSL_CMP_SRV_CTX *server, const OSSL_CMP_MSG *message,
				     const X509_NAME *issuer, const ASN1_INTEGER *serial)
{
	struct cmp_responder *r = OSSL_CMP_SRV_CTX_get0_custom_ctx(server);

	(void)message;
	if (r->verdict && r->verdict->failure)
		return rejection(r->verdict->failure, r->verdict->words);
	if (r->verdict)
		return OSSL_CMP_STATUSINFO_new(OSSL_CMP_PKISTATUS_accepted, 0, NULL);
	if (!is_of(r->duty.proved, issuer, serial)) {
		refuse(r->finding, CMP_FAILURE(badCertId),
		       "it is not the certificate that was shown");
		return rejection(r->finding->failure, r->finding->words);
	}
	return found(r, CMP_ASKS_REVOKE);
}

static int on_confirmation(OSSL_CMP_SRV_CTX *server, const OSSL_CMP_MSG *message, int id,
			   const ASN1_OCTET_STRING *hash, const OSSL_CMP_PKISI *status)
{
	struct cmp_responder *r = OSSL_CMP_SRV_CTX_get0_custom_ctx(server);
	ASN1_OCTET_STRING *own = r->issued ? X509_digest_sig(r->issued, NULL, NULL) : NULL;
	bool same = own && ASN1_OCTET_STRING_cmp(own, hash) == 0;

	(void)message;
	(void)id;
	(void)status;
	ASN1_OCTET_STRING_free(own);
	if (!same)
		refuse(r->finding, CMP_FAILURE(badCertId),
		       "what is confirmed is not the certificate that was issued");
	return same;
}

/* The root that new_with_old is about, in its own signature. */
static X509 *new_root(const struct enrol_authority *authority)
{
	EVP_PKEY *key = authority->new_with_old ? X509_get0_pubkey(authority->new_with_old) : NULL;

	for (int i = 0; key && i < sk_X509_num(authority->anchors); i++) {
		X509 *anchor = sk_X509_value(authority->anchors, i);

		if (enrol_is_root(anchor) && EVP_PKEY_eq(X509_get0_pubkey(anchor), key) == 1)
			return anchor;
	}
	return NULL;
}

static OSSL_CMP_ITAV *ca_certs(const struct enrol_authority *authority)
{
	AUTO(X509_VIEW) certs = sk_X509_new_null();

	if (!certs || (authority->issuer && sk_X509_push(certs, authority->issuer) <= 0))
		return NULL;
	for (int i = 0; i < sk_X509_num(authority->chain); i++) {
		X509 *cert = sk_X509_value(authority->chain, i);

		if ((!authority->issuer || X509_cmp(cert, authority->issuer) != 0) &&
		    sk_X509_push(certs, cert) <= 0)
			return NULL;
	}
	return cmp_ca_certs_answer(certs);
}

static OSSL_CMP_ITAV *information(const struct enrol_authority *authority,
				  const OSSL_CMP_ITAV *item)
{
	const ASN1_OBJECT *type = OSSL_CMP_ITAV_get0_type(item);
	struct slice oid = slice_of(OBJ_get0_data(type), OBJ_length(type));
	X509 *root;

	if (slice_eq(oid, cmp_ca_certs))
		return ca_certs(authority);
	if (!slice_eq(oid, cmp_root_ca_cert))
		return NULL;
	root = new_root(authority);
	return cmp_root_answer(root, root ? authority->new_with_old : NULL);
}

static int on_general(OSSL_CMP_SRV_CTX *server, const OSSL_CMP_MSG *message,
		      const STACK_OF(OSSL_CMP_ITAV) * in, STACK_OF(OSSL_CMP_ITAV) * *ret_out)
{
	struct cmp_responder *r = OSSL_CMP_SRV_CTX_get0_custom_ctx(server);
	AUTO(ITAV_STACK) out = sk_OSSL_CMP_ITAV_new_null();
	OSSL_CMP_ITAV *item;

	(void)message;
	if (!out || sk_OSSL_CMP_ITAV_num(in) != 1) /* RFC 9483, section 4.3 */
		return 0;
	item = information(r->duty.authority, sk_OSSL_CMP_ITAV_value(in, 0));
	if (!item)
		return 0;
	if (sk_OSSL_CMP_ITAV_push(out, item) <= 0) {
		OSSL_CMP_ITAV_free(item);
		return 0;
	}
	*ret_out = TAKE(out);
	return 1;
}

/* ---- the responder -------------------------------------------------------------------------- */

/* What leads from our certificate to what the machine trusts: during a roll-over that is the root
 * before. */
static bool set_way_up(OSSL_CMP_CTX *ctx, const struct enrol_authority *authority,
		       const STACK_OF(X509) * chain)
{
	AUTO(X509_STACK) way = NULL;

	if (enrol_copy(chain, &way) != OK)
		return false;
	if (authority->new_with_old && enrol_push(way, authority->new_with_old) != OK)
		return false;
	return sk_X509_num(way) <= 0 || OSSL_CMP_CTX_set1_untrusted(ctx, way);
}

static bool set_protection(OSSL_CMP_CTX *ctx, const struct cmp_duty *duty, enum cmp_protection by)
{
	const struct enrol_authority *authority = duty->authority;
	bool apart = authority->ra_cert && authority->ra_key;
	STACK_OF(X509) *chain = apart ? authority->ra_chain : authority->chain;
	X509 *cert = apart ? authority->ra_cert : authority->issuer;
	EVP_PKEY *key = apart ? authority->ra_key : authority->key;

	if (by == CMP_BY_MAC)
		return duty->secret.len > 0 && cmp_set_secret(ctx, duty->reference, duty->secret);
	return duty->proved && cert && key && OSSL_CMP_CTX_set1_srvCert(ctx, duty->proved) &&
	       OSSL_CMP_CTX_set1_cert(ctx, cert) && OSSL_CMP_CTX_set1_pkey(ctx, key) &&
	       set_way_up(ctx, authority, chain);
}

enum status cmp_responder_new(const struct cmp_duty *duty, enum cmp_protection by,
			      struct moment now, struct cmp_responder **ret_responder)
{
	AUTO_STRUCT(cmp_responder) r = calloc(1, sizeof *r);

	(void)now;
	if (!r)
		return NO_MEMORY;
	r->duty = *duty;
	r->server = OSSL_CMP_SRV_CTX_new(NULL, NULL);
	if (!r->server ||
	    !OSSL_CMP_SRV_CTX_init(r->server, r, on_cert_request, on_revocation, on_general, NULL,
				   on_confirmation, NULL) ||
	    !OSSL_CMP_SRV_CTX_set_grant_implicit_confirm(r->server, !duty->confirm) ||
	    !cmp_prepare(OSSL_CMP_SRV_CTX_get0_cmp_ctx(r->server)) ||
	    !set_protection(OSSL_CMP_SRV_CTX_get0_cmp_ctx(r->server), duty, by))
		return CRYPTO;
	*ret_responder = TAKE(r);
	return OK;
}

void cmp_responder_free(struct cmp_responder *r)
{
	if (!r)
		return;
	OSSL_CMP_SRV_CTX_free(r->server);
	X509_free(r->issued);
	free(r);
}

static bool run(struct cmp_responder *r, struct slice in, bool for_show, struct bytes *out)
{
	AUTO(OSSL_CMP_MSG) request = cmp_decode(in);
	AUTO(OSSL_CMP_MSG) response = NULL;
	OSSL_CMP_CTX *ctx = OSSL_CMP_SRV_CTX_get0_cmp_ctx(r->server);

	if (!request)
		return false;
	OSSL_CMP_CTX_set_option(ctx, OSSL_CMP_OPT_UNPROTECTED_SEND, for_show);
	response = OSSL_CMP_SRV_process_request(r->server, request);
	return response && cmp_encode(response, out) == OK;
}

static bool is_request(const struct cmp_message *message)
{
	return (CMP_CERT_REQUESTS | CMP_BIT(CMP_RR)) & CMP_BIT(message->body);
}

/* A refusal that the callbacks did not choose is the library's own. */
static void library_refused(struct cmp_finding *finding, const struct cmp_message *response)
{
	finding->found = CMP_REFUSED;
	finding->failure = cmp_last_failure(finding->words, sizeof finding->words);
	if (response->body != CMP_ERROR && response->failure)
		finding->failure = response->failure;
}

/* A response is only protected in a run that is not for show: of a refusal that is the next one. */
static void tell_refusal(struct cmp_responder *r, struct slice in, struct bytes *out)
{
	struct cmp_verdict verdict = { .failure = r->finding->failure, .words = r->finding->words };

	r->verdict = &verdict;
	if (!run(r, in, false, out))
		bytes_clear(out);
	r->verdict = NULL;
}

void cmp_responder_look(struct cmp_responder *r, struct slice in, struct cmp_finding *ret_finding,
			struct bytes *out)
{
	struct cmp_message request = { 0 }, response = { 0 };
	bool made;

	*ret_finding = (struct cmp_finding){ .found = CMP_ANSWERED };
	ERR_clear_error();
	(void)cmp_message_parse(in, &request);
	r->finding = ret_finding;
	r->verdict = NULL;
	made = run(r, in, is_request(&request), out);
	if (made && cmp_message_parse(bytes_slice(out), &response) != 0)
		made = false;
	if (!made) {
		bytes_clear(out);
		if (ret_finding->found != CMP_REFUSED)
			library_refused(ret_finding, &response);
	} else if (ret_finding->found == CMP_ASKS_CERT || ret_finding->found == CMP_ASKS_REVOKE)
		bytes_clear(out);
	else if (response.body == CMP_ERROR || response.status == OSSL_CMP_PKISTATUS_rejection) {
		if (ret_finding->found != CMP_REFUSED && request.body != CMP_GENM)
			library_refused(ret_finding, &response);
		if (is_request(&request))
			tell_refusal(r, in, out);
	} else if (request.body == CMP_CERTCONF)
		ret_finding->found =
			request.status == OSSL_CMP_PKISTATUS_accepted ? CMP_CONFIRMS : CMP_REJECTS;
	ERR_clear_error();
	r->finding = NULL;
}

bool cmp_responder_answer(struct cmp_responder *r, struct slice in,
			  const struct cmp_verdict *verdict, struct bytes *out)
{
	AUTO_VALUE(cmp_finding) unused = { 0 };
	bool made;

	if (verdict->cert && !X509_up_ref(verdict->cert))
		return false;
	X509_free(r->issued);
	r->issued = verdict->cert;
	ERR_clear_error();
	r->finding = &unused;
	r->verdict = verdict;
	made = run(r, in, false, out);
	ERR_clear_error();
	r->finding = NULL;
	r->verdict = NULL;
	return made;
}
