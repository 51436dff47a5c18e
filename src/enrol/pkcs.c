#include "enrol/pkcs.h"

#include "enrol/certs_only.h"
#include "enrol/chain.h"
#include "enrol/cmp_lib.h"
#include "enrol/csr.h"
#include "enrol/est.h"
#include "enrol/names.h"

#include <openssl/crypto.h>
#include <string.h>

static enum status fail(struct enrol_fault *fault, enum status status, enum enrol_error error,
			const char *detail)
{
	enrol_fault_set(fault, error, "%s", detail);
	return status;
}

static enum status no_memory(struct enrol_fault *fault)
{
	return fail(fault, NO_MEMORY, ENROL_ERROR_INTERNAL, "out of memory");
}

/* ---- the machine ----------------------------------------------------------------------------- */

static enum status heed(const struct enrol_peer_job *job, struct slice attributes,
			struct enrol_fault *fault)
{
	struct est_attributes wanted = { 0 };

	if (attributes.len > 0 && (attributes.len > PKCS_ATTRIBUTES_MAX ||
				   est_attributes_read(attributes, &wanted) != OK))
		return fail(fault, MALFORMED, ENROL_ERROR_MALFORMED,
			    "the CSR attributes cannot be read");
	if (wanted.challenge && job->binding.len == 0)
		return fail(fault, UNSUPPORTED, ENROL_ERROR_PARAMETERS,
			    "the request is to be linked to its tunnel, which has no binding");
	if (!est_key_fits(&wanted, job->key))
		return fail(fault, UNSUPPORTED, ENROL_ERROR_PARAMETERS,
			    "the CA wants a key of another kind");
	return OK;
}

enum status pkcs_request_build(const struct enrol_peer_job *job, struct slice attributes,
			       struct bytes *ret_der, struct enrol_fault *fault)
{
	AUTO_VALUE(bytes) challenge = { 0 };
	enum status status = heed(job, attributes, fault);

	if (status != OK)
		return status;
	if (job->binding.len > 0 && est_challenge(job->binding, &challenge) != OK)
		return no_memory(fault);
	status = csr_build(&job->names, job->key, bytes_slice(&challenge), ret_der);
	return status == OK ? OK
			    : fail(fault, status, ENROL_ERROR_KEY_GENERATION,
				   "the request could not be signed with the new key");
}

void pkcs_given_done(struct pkcs_given *given)
{
	X509_free(given->cert);
	x509_stack_free(given->chain);
	x509_stack_free(given->anchors);
	*given = (struct pkcs_given){ 0 };
}

void pkcs_given_result(const struct pkcs_given *given, struct enrol_result *ret_result)
{
	*ret_result = (struct enrol_result){ .cert = given->cert,
					     .chain = given->chain,
					     .anchors = given->anchors };
}

static enum status add_all(STACK_OF(X509) * certs, const STACK_OF(X509) * from)
{
	enum status status = OK;

	for (int i = 0; status == OK && i < sk_X509_num(from); i++)
		status = enrol_push(certs, sk_X509_value(from, i));
	return status;
}

/* Anchors are the roots among the CA certificates: RFC 7030, section 4.1.3. */
static enum status sort_out(const STACK_OF(X509) * certs, const STACK_OF(X509) * authorities,
			    struct pkcs_given *given)
{
	AUTO(X509_STACK) heap = sk_X509_new_null();
	AUTO(X509_STACK) roots = sk_X509_new_null();

	if (!heap || !roots || add_all(heap, certs) != OK || add_all(heap, authorities) != OK ||
	    enrol_chain(given->cert, heap, &given->chain) != OK)
		return NO_MEMORY;
	for (int i = 0; i < sk_X509_num(authorities); i++) {
		X509 *cert = sk_X509_value(authorities, i);

		if (enrol_is_root(cert) && enrol_push(roots, cert) != OK)
			return NO_MEMORY;
	}
	if (sk_X509_num(roots) > 0)
		given->anchors = TAKE(roots);
	return OK;
}

enum status pkcs_response_read(EVP_PKEY *key, struct slice certs_only,
			       const STACK_OF(X509) * authorities, struct pkcs_given *ret_given,
			       struct enrol_fault *fault)
{
	AUTO_VALUE(pkcs_given) given = { 0 };
	AUTO(X509_STACK) certs = NULL;

	if (certs_only_read(certs_only, &certs) != OK)
		return fail(fault, MALFORMED, ENROL_ERROR_MALFORMED,
			    "the answer is not a certs-only message");
	for (int i = 0; i < sk_X509_num(certs) && !given.cert; i++) {
		X509 *cert = sk_X509_value(certs, i);

		if (EVP_PKEY_eq(X509_get0_pubkey(cert), key) == 1 && X509_up_ref(cert))
			given.cert = cert;
	}
	if (!given.cert)
		return fail(fault, UNTRUSTED, ENROL_ERROR_NOT_ACCEPTABLE,
			    "the certificate is not for our key");
	if (sort_out(certs, authorities, &given) != OK)
		return no_memory(fault);
	*ret_given = given;
	given = (struct pkcs_given){ 0 };
	return OK;
}

/* ---- the server ------------------------------------------------------------------------------ */

void pkcs_request_done(struct pkcs_request *request)
{
	bytes_done(&request->csr);
	EVP_PKEY_free(request->key);
	*request = (struct pkcs_request){ 0 };
}

static bool linked(const struct enrol_server_job *job, struct slice challenge)
{
	AUTO_VALUE(bytes) own = { 0 };

	if (challenge.len == 0)
		return !job->link_required;
	return job->binding.len > 0 && est_challenge(job->binding, &own) == OK &&
	       own.len == challenge.len && CRYPTO_memcmp(own.p, challenge.p, own.len) == 0;
}

static bool same_names(const struct enrol_server_job *job, const struct enrol_names *asked)
{
	AUTO(X509) old = cmp_decode_cert(job->proved);
	struct enrol_names names = { 0 };

	if (!old || names_of_cert(old, &names, NULL) != OK ||
	    strcmp(names.common_name, asked->common_name) != 0 || names.count != asked->count)
		return false;
	for (size_t i = 0; i < names.count; i++)
		if (names.alternative[i].kind != asked->alternative[i].kind ||
		    strcmp(names.alternative[i].text, asked->alternative[i].text) != 0)
			return false;
	return true;
}

static enum status judge(const struct enrol_server_job *job, const struct pkcs_request *request,
			 struct slice challenge, struct enrol_fault *fault)
{
	if (!linked(job, challenge))
		return fail(fault, UNTRUSTED, ENROL_ERROR_PROOF,
			    "the request is not of this tunnel");
	if (job->action == ENROL_RENEW && !same_names(job, &request->names))
		return fail(fault, UNTRUSTED, ENROL_ERROR_ACTION_REFUSED,
			    "the names are not those of the certificate");
	return OK;
}

enum status pkcs_request_read(const struct enrol_server_job *job, struct slice der,
			      struct pkcs_request *ret_request, struct enrol_fault *fault,
			      struct diagnosis *why)
{
	AUTO_VALUE(bytes) challenge = { 0 };
	AUTO_VALUE(pkcs_request) request = { 0 };
	enum status status = csr_read(der, &request.key, &request.names, &challenge, why);

	if (status == UNTRUSTED)
		return fail(fault, status, ENROL_ERROR_PROOF,
			    "the request is not signed by its key");
	if (status == UNSUPPORTED)
		return fail(fault, status, ENROL_ERROR_PARAMETERS,
			    "a key of this kind is not taken");
	if (status != OK)
		return fail(fault, status, ENROL_ERROR_MALFORMED, "the PKCS#10 cannot be read");
	if (bytes_set(&request.csr, der) != OK)
		return no_memory(fault);
	status = judge(job, &request, bytes_slice(&challenge), fault);
	if (status == OK) {
		*ret_request = request;
		request = (struct pkcs_request){ 0 };
	}
	return status;
}

struct enrol_question pkcs_question(const struct enrol_server_job *job,
				    const struct pkcs_request *request)
{
	return (struct enrol_question){
		.kind = ENROL_ASKS_ISSUE,
		.action = job->action,
		.type = ENROL_X509,
		.grant = &job->grant,
		.key = request->key,
		.names = &request->names,
		.csr = bytes_slice(&request->csr),
		.old = job->action == ENROL_RENEW ? job->proved : slice_of(NULL, 0),
	};
}

enum status pkcs_take_reply(const struct enrol_server_job *job, const struct enrol_reply *reply,
			    struct pkcs_given *ret_given)
{
	const struct enrol_authority *authority = job->authority;
	AUTO_VALUE(pkcs_given) given = { 0 };

	given.cert = cmp_decode_cert(reply->certificate);
	if (!given.cert)
		return MALFORMED;
	if (enrol_copy(reply->chain ? reply->chain : authority->chain, &given.chain) != OK ||
	    enrol_copy(reply->anchors ? reply->anchors : authority->anchors, &given.anchors) != OK)
		return NO_MEMORY;
	*ret_given = given;
	given = (struct pkcs_given){ 0 };
	return OK;
}
