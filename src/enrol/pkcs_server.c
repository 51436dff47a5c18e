/* TEAP's own certificate provisioning as the server speaks it: RFC 9930, section 3.11.1. */
#include "enrol/certs_only.h"
#include "enrol/chain.h"
#include "enrol/pkcs.h"

enum step { WAITING, ASKING, OVER };

struct pkcs_service {
	struct enrol_server_job job;
	enum step step;
	struct pkcs_request request;
	struct enrol_question question;
	struct pkcs_given given;
	struct enrol_fault fault;
	struct diagnosis why;
};

static enum enrol_state failed(struct pkcs_service *s, const struct diagnosis *why)
{
	s->step = OVER;
	enrol_fault_explain(&s->fault, ENROL_US, why, &s->why);
	return ENROL_FAILED;
}

static enum enrol_state fail(struct pkcs_service *s, enum enrol_error error, const char *detail)
{
	enrol_fault_set(&s->fault, error, "%s", detail);
	return failed(s, NULL);
}

static enum status pkcs_init(const struct enrol_server_job *job, struct enrol_output *out,
			     void **ret_self)
{
	struct pkcs_service *s;

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

static void pkcs_free(void *self)
{
	struct pkcs_service *s = self;

	if (!s)
		return;
	pkcs_request_done(&s->request);
	pkcs_given_done(&s->given);
	free(s);
}

static enum enrol_state pkcs_process(void *self, const struct enrol_message *in,
				     struct enrol_output *out, struct moment now)
{
	struct pkcs_service *s = self;
	struct diagnosis why = { 0 };

	(void)now;
	bytes_clear(&out->headers);
	bytes_clear(&out->data);
	if (s->step != WAITING)
		return fail(s, ENROL_ERROR_UNEXPECTED, "nothing more is to come");
	if (pkcs_request_read(&s->job, in->data, &s->request, &s->fault, &why) != OK)
		return failed(s, &why);
	s->step = ASKING;
	s->question = pkcs_question(&s->job, &s->request);
	return ENROL_ASKS;
}

static const struct enrol_question *pkcs_asks(const void *self)
{
	const struct pkcs_service *s = self;

	return s->step == ASKING ? &s->question : NULL;
}

static enum status respond(struct pkcs_service *s, const struct enrol_reply *reply,
			   struct bytes *ret_der)
{
	AUTO(X509_STACK) certs = NULL;
	enum status status = pkcs_take_reply(&s->job, reply, &s->given);

	if (status == OK)
		status = enrol_copy(s->given.chain, &certs);
	if (status == OK)
		status = enrol_push(certs, s->given.cert);
	return status == OK ? certs_only_build(certs, ret_der) : status;
}

static enum enrol_state pkcs_answer(void *self, const struct enrol_reply *reply,
				    struct enrol_output *out, struct moment now)
{
	struct pkcs_service *s = self;

	(void)now;
	bytes_clear(&out->headers);
	bytes_clear(&out->data);
	if (s->step != ASKING)
		return fail(s, ENROL_ERROR_INTERNAL, "nothing was asked");
	s->step = OVER;
	if (!reply->accept) {
		enum enrol_error error =
			reply->error ? (enum enrol_error)reply->error : ENROL_ERROR_CA_REFUSED;

		enrol_fault_set(&s->fault, error, "%s", enrol_refusal(error, false));
		return failed(s, reply->why);
	}
	if (respond(s, reply, &out->data) != OK)
		return fail(s, ENROL_ERROR_INTERNAL, "the response could not be made");
	return ENROL_DONE;
}

static void pkcs_result(const void *self, struct enrol_result *ret_result)
{
	const struct pkcs_service *s = self;

	pkcs_given_result(&s->given, ret_result);
}

static const struct enrol_fault *pkcs_fault(const void *self)
{
	const struct pkcs_service *s = self;

	return &s->fault;
}

static const struct diagnosis *pkcs_diagnosis(const void *self)
{
	const struct pkcs_service *s = self;

	return &s->why;
}

const struct enrol_server_protocol pkcs_server = {
	.name = "TEAP",
	.id = ENROL_TEAP,
	.actions = 1 << ENROL_REGISTER | 1 << ENROL_RENEW,
	.credentials = 1 << ENROL_X509,
	.init = pkcs_init,
	.process = pkcs_process,
	.question = pkcs_asks,
	.answer = pkcs_answer,
	.result = pkcs_result,
	.fault = pkcs_fault,
	.diagnosis = pkcs_diagnosis,
	.free = pkcs_free,
};
