/* TEAP's own certificate provisioning as the machine speaks it: RFC 9930, section 3.11.1. */
#include "enrol/certs_only.h"
#include "enrol/pkcs.h"

enum step { START, ASKED, GOT, OVER };

struct pkcs_machine {
	struct enrol_peer_job job;
	enum step step;
	struct pkcs_given given;
	struct enrol_fault fault;
	struct diagnosis why;
};

static enum enrol_state failed(struct pkcs_machine *m)
{
	m->step = OVER;
	enrol_fault_explain(&m->fault, ENROL_US, NULL, &m->why);
	return ENROL_FAILED;
}

static enum enrol_state fail(struct pkcs_machine *m, enum enrol_error error, const char *detail)
{
	enrol_fault_set(&m->fault, error, "%s", detail);
	return failed(m);
}

static enum enrol_state request(struct pkcs_machine *m, const struct enrol_message *in,
				struct enrol_output *out)
{
	m->step = ASKED;
	return pkcs_request_build(&m->job, in->headers, &out->data, &m->fault) == OK ? ENROL_GOES_ON
										     : failed(m);
}

static enum enrol_state respond(struct pkcs_machine *m, const struct enrol_message *in)
{
	AUTO(X509_STACK) roots = NULL;

	if (in->headers.len > 0 && certs_only_read(in->headers, &roots) != OK)
		return fail(m, ENROL_ERROR_MALFORMED,
			    "the trusted roots are not a certs-only message");
	if (pkcs_response_read(m->job.key, in->data, roots, &m->given, &m->fault) != OK)
		return failed(m);
	m->step = GOT;
	return ENROL_GOT;
}

static enum status pkcs_init(const struct enrol_peer_job *job, void **ret_self)
{
	struct pkcs_machine *m;

	if (job->type != ENROL_X509 || !job->key || job->action == ENROL_REMOVE)
		return UNSUPPORTED;
	m = calloc(1, sizeof *m);
	if (!m)
		return NO_MEMORY;
	m->job = *job;
	*ret_self = m;
	return OK;
}

static void pkcs_free(void *self)
{
	struct pkcs_machine *m = self;

	if (!m)
		return;
	pkcs_given_done(&m->given);
	free(m);
}

static enum enrol_state pkcs_process(void *self, const struct enrol_message *in,
				     struct enrol_output *out, struct moment now)
{
	struct pkcs_machine *m = self;

	(void)now;
	bytes_clear(&out->headers);
	bytes_clear(&out->data);
	switch (m->step) {
	case START:
		return request(m, in, out);
	case ASKED:
		return respond(m, in);
	case GOT:
	case OVER:
		break;
	}
	return fail(m, ENROL_ERROR_UNEXPECTED, "nothing was asked for");
}

static enum enrol_state pkcs_accept(void *self, const struct enrol_fault *fault,
				    struct enrol_output *out, struct moment now)
{
	struct pkcs_machine *m = self;

	(void)now;
	bytes_clear(&out->headers);
	bytes_clear(&out->data);
	if (m->step != GOT)
		return fail(m, ENROL_ERROR_UNEXPECTED, "there is nothing to accept");
	m->step = OVER;
	if (!fault)
		return ENROL_DONE;
	m->fault = *fault;
	return failed(m);
}

static void pkcs_result(const void *self, struct enrol_result *ret_result)
{
	const struct pkcs_machine *m = self;

	pkcs_given_result(&m->given, ret_result);
}

static const struct enrol_fault *pkcs_fault(const void *self)
{
	const struct pkcs_machine *m = self;

	return &m->fault;
}

static const struct diagnosis *pkcs_diagnosis(const void *self)
{
	const struct pkcs_machine *m = self;

	return &m->why;
}

const struct enrol_peer_protocol pkcs_peer = {
	.name = "TEAP",
	.id = ENROL_TEAP,
	.actions = 1 << ENROL_REGISTER | 1 << ENROL_RENEW,
	.credentials = 1 << ENROL_X509,
	.init = pkcs_init,
	.process = pkcs_process,
	.accept = pkcs_accept,
	.result = pkcs_result,
	.fault = pkcs_fault,
	.diagnosis = pkcs_diagnosis,
	.free = pkcs_free,
};
