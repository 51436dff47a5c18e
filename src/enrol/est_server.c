/* EST as the server of an enrolment speaks it: RFC 7030 and RFC 8951.
 *
 * Who the machine is was found out by the tunnel and CPROM's first phase, as EST has TLS and HTTP
 * authentication do it.  A request that brings a challengePassword has to be of this very tunnel;
 * whether one has to be there is the server's policy. */
#include "enrol/certs_only.h"
#include "enrol/chain.h"
#include "enrol/est.h"
#include "enrol/est_http.h"
#include "enrol/pkcs.h"

struct est_service {
	struct enrol_server_job job;
	bool asked, over;
	unsigned rounds;

	struct pkcs_request request;
	struct enrol_question question;
	struct pkcs_given given;
	struct enrol_fault fault;
	struct diagnosis why;
};

/* ---- responses ------------------------------------------------------------------------------- */

/* The end: what the machine is told is a status and a sentence. */
static enum enrol_state failed(struct est_service *s, unsigned status, const struct diagnosis *why,
			       struct enrol_output *out)
{
	s->over = true;
	s->fault.secondary = (uint16_t)status;
	enrol_fault_explain(&s->fault, ENROL_US, why, &s->why);
	if (bytes_set(&out->data, slice_str(s->fault.description)) != OK ||
	    est_response(status, "text/plain", out->data.len, &out->headers) != OK) {
		bytes_clear(&out->data);
		bytes_clear(&out->headers);
	}
	return ENROL_FAILED;
}

static enum enrol_state fail(struct est_service *s, unsigned status, enum enrol_error error,
			     const char *detail, const struct diagnosis *why,
			     struct enrol_output *out)
{
	enrol_fault_set(&s->fault, error, "%s", detail);
	return failed(s, status, why, out);
}

static enum enrol_state internal(struct est_service *s, struct enrol_output *out)
{
	return fail(s, 500, ENROL_ERROR_INTERNAL, "the response could not be made", NULL, out);
}

static bool respond(struct slice der, const char *type, struct enrol_output *out)
{
	return base64_encode(der, &out->data) == OK &&
	       est_response(200, type, out->data.len, &out->headers) == OK;
}

/* ---- cacerts, csrattrs ----------------------------------------------------------------------- */

static enum status add_all(STACK_OF(X509) * certs, const STACK_OF(X509) * from)
{
	enum status status = OK;

	for (int i = 0; status == OK && i < sk_X509_num(from); i++)
		status = enrol_push(certs, sk_X509_value(from, i));
	return status;
}

static enum status gather(const struct enrol_authority *authority, STACK_OF(X509) * certs)
{
	if (add_all(certs, authority->chain) != OK || add_all(certs, authority->anchors) != OK)
		return NO_MEMORY;
	return authority->new_with_old ? enrol_push(certs, authority->new_with_old) : OK;
}

static enum enrol_state ca_certs(struct est_service *s, struct enrol_output *out)
{
	AUTO(X509_STACK) certs = sk_X509_new_null();
	AUTO_VALUE(bytes) der = { 0 };

	if (!certs || gather(s->job.authority, certs) != OK ||
	    certs_only_build(certs, &der) != OK ||
	    !respond(bytes_slice(&der), EST_TYPE_CERTS "; smime-type=certs-only", out))
		return internal(s, out);
	return ENROL_GOES_ON;
}

static enum enrol_state csr_attributes(struct est_service *s, struct enrol_output *out)
{
	AUTO_VALUE(bytes) der = { 0 };

	if (est_attributes_build(s->job.binding.len > 0, s->job.params.oid, &der) != OK)
		return internal(s, out);
	if (der.len == 0)
		return est_response(204, NULL, 0, &out->headers) == OK ? ENROL_GOES_ON
								       : internal(s, out);
	return respond(bytes_slice(&der), EST_TYPE_ATTRS, out) ? ENROL_GOES_ON : internal(s, out);
}

/* ---- enrolment ------------------------------------------------------------------------------- */

static enum enrol_state enroll(struct est_service *s, const struct est_head *head,
			       struct slice body, struct enrol_output *out)
{
	AUTO_VALUE(bytes) der = { 0 };
	struct diagnosis why = { 0 };

	if (!est_type_is(head, EST_TYPE_REQUEST) || base64_decode(body, &der) != OK)
		return fail(s, 400, ENROL_ERROR_MALFORMED, "the body is no base64 of a PKCS#10",
			    NULL, out);
	if (pkcs_request_read(&s->job, bytes_slice(&der), &s->request, &s->fault, &why) != OK)
		return failed(s, s->fault.error == ENROL_ERROR_ACTION_REFUSED ? 403 : 400, &why,
			      out);
	s->asked = true;
	s->question = pkcs_question(&s->job, &s->request);
	return ENROL_ASKS;
}

static enum enrol_state requested(struct est_service *s, const struct est_head *head,
				  struct slice body, struct enrol_output *out)
{
	switch (head->operation) {
	case EST_CA_CERTS:
		return ca_certs(s, out);
	case EST_CSR_ATTRS:
		return csr_attributes(s, out);
	case EST_ENROLL:
	case EST_REENROLL:
		if ((head->operation == EST_REENROLL) == (s->job.action == ENROL_RENEW))
			return enroll(s, head, body, out);
		break;
	case EST_OPERATIONS:
		break;
	}
	return fail(s, 403, ENROL_ERROR_UNEXPECTED, "this is not what was agreed on", NULL, out);
}

/* ---- the table ------------------------------------------------------------------------------- */

static enum status est_init(const struct enrol_server_job *job, struct enrol_output *out,
			    void **ret_self)
{
	struct est_service *s;

	(void)out;
	if (job->type != ENROL_X509 || job->action == ENROL_REMOVE ||
	    (job->action == ENROL_RENEW && job->proved.len == 0))
		return UNSUPPORTED;
	s = calloc(1, sizeof *s);
	if (!s)
		return NO_MEMORY;
	s->job = *job;
	*ret_self = s;
	return OK;
}

static void est_free(void *self)
{
	struct est_service *s = self;

	if (!s)
		return;
	pkcs_request_done(&s->request);
	pkcs_given_done(&s->given);
	free(s);
}

static enum enrol_state est_process(void *self, const struct enrol_message *in,
				    struct enrol_output *out, struct moment now)
{
	struct est_service *s = self;
	struct est_head head;
	const char *wrong;
	enum status status;

	(void)now;
	bytes_clear(&out->headers);
	bytes_clear(&out->data);
	if (s->over || s->asked)
		return fail(s, 400, ENROL_ERROR_UNEXPECTED, "nothing more is to come", NULL, out);
	if (++s->rounds > ENROL_ROUNDS_MAX)
		return fail(s, 400, ENROL_ERROR_LIMIT, "too many messages", NULL, out);
	if (in->data.len > EST_BODY_MAX)
		return fail(s, 400, ENROL_ERROR_LIMIT, "the body is too large", NULL, out);
	status = est_head_parse(in->headers, in->data.len, &head, &wrong);
	if (status == UNSUPPORTED)
		return fail(s, 404, ENROL_ERROR_UNEXPECTED, wrong, NULL, out);
	if (status != OK)
		return fail(s, 400, ENROL_ERROR_MALFORMED, wrong, NULL, out);
	if (!head.request)
		return fail(s, 400, ENROL_ERROR_UNEXPECTED, "an answer to nothing", NULL, out);
	return requested(s, &head, in->data, out);
}

static const struct enrol_question *est_question(const void *self)
{
	const struct est_service *s = self;

	return s->asked ? &s->question : NULL;
}

static enum enrol_state est_answer(void *self, const struct enrol_reply *reply,
				   struct enrol_output *out, struct moment now)
{
	struct est_service *s = self;
	AUTO(X509_STACK) certs = sk_X509_new_null();
	AUTO_VALUE(bytes) der = { 0 };

	(void)now;
	bytes_clear(&out->headers);
	bytes_clear(&out->data);
	if (!s->asked)
		return fail(s, 500, ENROL_ERROR_INTERNAL, "nothing was asked", NULL, out);
	s->asked = false;
	if (!reply->accept) {
		enum enrol_error error =
			reply->error ? (enum enrol_error)reply->error : ENROL_ERROR_CA_REFUSED;

		return fail(s, error == ENROL_ERROR_INTERNAL ? 503 : 403, error,
			    enrol_refusal(error, false), reply->why, out);
	}
	if (!certs || pkcs_take_reply(&s->job, reply, &s->given) != OK ||
	    enrol_push(certs, s->given.cert) != OK || certs_only_build(certs, &der) != OK ||
	    !respond(bytes_slice(&der), EST_TYPE_CERTS "; smime-type=certs-only", out))
		return internal(s, out);
	s->over = true;
	return ENROL_DONE;
}

static void est_result(const void *self, struct enrol_result *ret_result)
{
	const struct est_service *s = self;

	pkcs_given_result(&s->given, ret_result);
}

static const struct enrol_fault *est_fault(const void *self)
{
	const struct est_service *s = self;

	return &s->fault;
}

static const struct diagnosis *est_diagnosis(const void *self)
{
	const struct est_service *s = self;

	return &s->why;
}

const struct enrol_server_protocol est_server = {
	.name = "EST",
	.id = ENROL_EST,
	.actions = 1 << ENROL_REGISTER | 1 << ENROL_RENEW,
	.credentials = 1 << ENROL_X509,
	.init = est_init,
	.process = est_process,
	.question = est_question,
	.answer = est_answer,
	.result = est_result,
	.fault = est_fault,
	.diagnosis = est_diagnosis,
	.free = est_free,
};
