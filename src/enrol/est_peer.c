/* EST as the enrolling machine speaks it: RFC 7030 and RFC 8951.
 *
 *	cacerts, csrattrs, then simpleenroll or simplereenroll
 *
 * A machine that is told to come back later (202) ends here, because it cannot wait inside of a
 * conversation in which the other side speaks first; it comes back with its next attempt. */
#include "enrol/certs_only.h"
#include "enrol/est.h"
#include "enrol/est_http.h"
#include "enrol/pkcs.h"

#include <stdio.h>

#define REPEATS_MAX 3 /* of a request for which Retry-After is 0 */

enum step { START, CA_CERTS, ATTRIBUTES, CERTIFICATE, GOT, OVER };

struct est_machine {
	struct enrol_peer_job job;
	enum step step;
	unsigned rounds, repeats;
	struct bytes request; /* base64 */

	STACK_OF(X509) * heap;
	struct pkcs_given given;
	struct enrol_fault fault;
	struct diagnosis why;
};

static enum enrol_state failed(struct est_machine *m, enum enrol_side by)
{
	m->step = OVER;
	enrol_fault_explain(&m->fault, by, NULL, &m->why);
	return ENROL_FAILED;
}

static enum enrol_state fail(struct est_machine *m, enum enrol_side by, enum enrol_error error,
			     const char *detail)
{
	enrol_fault_set(&m->fault, error, "%s", detail);
	return failed(m, by);
}

/* What the CA says by a status. */
static enum enrol_state fail_status(struct est_machine *m, unsigned status, const char *detail)
{
	m->step = OVER;
	enrol_fault_set(&m->fault, ENROL_ERROR_CA_REFUSED, "%s", detail);
	m->fault.secondary = (uint16_t)status;
	enrol_fault_explain(&m->fault, ENROL_THEM, NULL, &m->why);
	return ENROL_FAILED;
}

static enum enrol_state no_memory(struct est_machine *m)
{
	return fail(m, ENROL_US, ENROL_ERROR_INTERNAL, "out of memory");
}

/* ---- requests -------------------------------------------------------------------------------- */

static enum enrol_state get(struct est_machine *m, enum est_operation operation, enum step step,
			    struct enrol_output *out)
{
	m->step = step;
	return est_request(operation, NULL, 0, &out->headers) == OK ? ENROL_GOES_ON : no_memory(m);
}

static enum enrol_state post(struct est_machine *m, struct enrol_output *out)
{
	enum est_operation operation = m->job.action == ENROL_RENEW ? EST_REENROLL : EST_ENROLL;

	m->step = CERTIFICATE;
	if (est_request(operation, EST_TYPE_REQUEST, m->request.len, &out->headers) != OK ||
	    bytes_set(&out->data, bytes_slice(&m->request)) != OK)
		return no_memory(m);
	return ENROL_GOES_ON;
}

/* attributes: DER; empty: the server has told none. */
static enum enrol_state ask_for_cert(struct est_machine *m, struct slice attributes,
				     struct enrol_output *out)
{
	AUTO_VALUE(bytes) der = { 0 };

	if (pkcs_request_build(&m->job, attributes, &der, &m->fault) != OK)
		return failed(m, ENROL_US);
	return base64_encode(bytes_slice(&der), &m->request) == OK ? post(m, out) : no_memory(m);
}

/* ---- responses ------------------------------------------------------------------------------- */

static enum enrol_state got_ca_certs(struct est_machine *m, const struct est_head *head,
				     struct slice body, struct enrol_output *out)
{
	AUTO_VALUE(bytes) der = { 0 };

	if (head->status != 200 || !est_type_is(head, EST_TYPE_CERTS) ||
	    base64_decode(body, &der) != OK || certs_only_read(bytes_slice(&der), &m->heap) != OK)
		return fail(m, ENROL_US, ENROL_ERROR_MALFORMED,
			    "the CA certificates are not a certs-only message");
	return get(m, EST_CSR_ATTRS, ATTRIBUTES, out);
}

static enum enrol_state got_attributes(struct est_machine *m, const struct est_head *head,
				       struct slice body, struct enrol_output *out)
{
	AUTO_VALUE(bytes) der = { 0 };

	/* RFC 7030, section 4.5.2: 204 and 404 are "none" */
	if (head->status == 204 || head->status == 404)
		return ask_for_cert(m, slice_of(NULL, 0), out);
	if (head->status != 200 || !est_type_is(head, EST_TYPE_ATTRS) ||
	    base64_decode(body, &der) != OK || der.len == 0)
		return fail(m, ENROL_US, ENROL_ERROR_MALFORMED,
			    "the CSR attributes cannot be read");
	return ask_for_cert(m, bytes_slice(&der), out);
}

static enum enrol_state got_cert(struct est_machine *m, const struct est_head *head,
				 struct slice body)
{
	AUTO_VALUE(bytes) der = { 0 };

	if (!est_type_is(head, EST_TYPE_CERTS) || base64_decode(body, &der) != OK)
		return fail(m, ENROL_US, ENROL_ERROR_MALFORMED,
			    "the answer is not a certs-only message");
	if (pkcs_response_read(m->job.key, bytes_slice(&der), m->heap, &m->given, &m->fault) != OK)
		return failed(m, ENROL_US);
	m->step = GOT;
	return ENROL_GOT;
}

/* RFC 7030, section 4.2.3. */
static enum enrol_state later(struct est_machine *m, const struct est_head *head,
			      struct enrol_output *out)
{
	char detail[96];

	if (head->has_retry_after && head->retry_after == 0 && ++m->repeats <= REPEATS_MAX)
		return post(m, out);
	if (head->has_retry_after && head->retry_after != UINT32_MAX)
		snprintf(detail, sizeof detail, "the CA has not decided yet: try again in %u s",
			 (unsigned)head->retry_after);
	else
		snprintf(detail, sizeof detail, "the CA has not decided yet");
	return fail_status(m, head->status, detail);
}

static enum enrol_state refused(struct est_machine *m, const struct est_head *head,
				struct slice body)
{
	char detail[sizeof m->fault.description], words[96] = "";

	if (est_type_is(head, "text/plain") || head->type.len == 0)
		printable(body, words, sizeof words);
	snprintf(detail, sizeof detail, "status %u%s%s", head->status, *words ? ": " : "", words);
	return fail_status(m, head->status, detail);
}

static enum enrol_state answered(struct est_machine *m, const struct enrol_message *in,
				 struct enrol_output *out)
{
	struct est_head head;
	const char *wrong;

	if (in->data.len > EST_BODY_MAX)
		return fail(m, ENROL_US, ENROL_ERROR_LIMIT, "the body is too large");
	if (est_head_parse(in->headers, in->data.len, &head, &wrong) != OK)
		return fail(m, ENROL_US, ENROL_ERROR_MALFORMED, wrong);
	if (head.request)
		return fail(m, ENROL_US, ENROL_ERROR_UNEXPECTED, "a request in place of an answer");
	if (m->step == CA_CERTS && head.status < 400)
		return got_ca_certs(m, &head, in->data, out);
	if (m->step == ATTRIBUTES)
		return got_attributes(m, &head, in->data, out);
	if (head.status == 202)
		return later(m, &head, out);
	return head.status == 200 ? got_cert(m, &head, in->data) : refused(m, &head, in->data);
}

/* ---- the table ------------------------------------------------------------------------------- */

static enum status est_init(const struct enrol_peer_job *job, void **ret_self)
{
	struct est_machine *m;

	if (job->type != ENROL_X509 || !job->key || job->action == ENROL_REMOVE)
		return UNSUPPORTED;
	m = calloc(1, sizeof *m);
	if (!m)
		return NO_MEMORY;
	m->job = *job;
	*ret_self = m;
	return OK;
}

static void est_free(void *self)
{
	struct est_machine *m = self;

	if (!m)
		return;
	bytes_done(&m->request);
	x509_stack_free(m->heap);
	pkcs_given_done(&m->given);
	free(m);
}

static enum enrol_state est_process(void *self, const struct enrol_message *in,
				    struct enrol_output *out, struct moment now)
{
	struct est_machine *m = self;

	(void)now;
	bytes_clear(&out->headers);
	bytes_clear(&out->data);
	if (++m->rounds > ENROL_ROUNDS_MAX)
		return fail(m, ENROL_US, ENROL_ERROR_LIMIT, "too many messages");
	switch (m->step) {
	case START:
		if (in->headers.len > 0 || in->data.len > 0)
			break;
		return get(m, EST_CA_CERTS, CA_CERTS, out);
	case CA_CERTS:
	case ATTRIBUTES:
	case CERTIFICATE:
		return answered(m, in, out);
	case GOT:
	case OVER:
		break;
	}
	return fail(m, ENROL_US, ENROL_ERROR_UNEXPECTED, "nothing was asked for");
}

static enum enrol_state est_accept(void *self, const struct enrol_fault *fault,
				   struct enrol_output *out, struct moment now)
{
	struct est_machine *m = self;

	(void)now;
	bytes_clear(&out->headers);
	bytes_clear(&out->data);
	if (m->step != GOT)
		return fail(m, ENROL_US, ENROL_ERROR_UNEXPECTED, "there is nothing to accept");
	m->step = OVER;
	if (!fault)
		return ENROL_DONE;
	m->fault = *fault;
	enrol_fault_explain(&m->fault, ENROL_US, NULL, &m->why);
	return ENROL_FAILED;
}

static void est_result(const void *self, struct enrol_result *ret_result)
{
	const struct est_machine *m = self;

	pkcs_given_result(&m->given, ret_result);
}

static const struct enrol_fault *est_fault(const void *self)
{
	const struct est_machine *m = self;

	return &m->fault;
}

static const struct diagnosis *est_diagnosis(const void *self)
{
	const struct est_machine *m = self;

	return &m->why;
}

const struct enrol_peer_protocol est_peer = {
	.name = "EST",
	.id = ENROL_EST,
	.actions = 1 << ENROL_REGISTER | 1 << ENROL_RENEW,
	.credentials = 1 << ENROL_X509,
	.init = est_init,
	.process = est_process,
	.accept = est_accept,
	.result = est_result,
	.fault = est_fault,
	.diagnosis = est_diagnosis,
	.free = est_free,
};
