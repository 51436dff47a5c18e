/* CMP as the server of an enrolment speaks it: RFC 9483, sections 4 and 5.
 *
 * Either the requests are answered here (cmp_responder.c), and what they ask for goes to whoever
 * issues; or, when the authority forwards, they go to a CA as they came, and its answers to the
 * machine as they came.  A machine that is told to wait asks again at once, because in EAP it is
 * the server that speaks first; the time that the CA wants is handed on with the question. */
#include "enrol/chain.h"
#include "enrol/cmp_lib.h"
#include "enrol/cmp_service.h"

#include <stdio.h>

enum enrol_state cmp_service_fail(struct cmp_service *s, enum enrol_side by,
				  const struct diagnosis *why)
{
	s->stage = OVER;
	enrol_fault_explain(&s->fault, by, why, &s->why);
	return ENROL_FAILED;
}

enum enrol_state cmp_service_fail_here(struct cmp_service *s, enum enrol_error error,
				       const char *detail)
{
	enrol_fault_set(&s->fault, error, "%s", detail);
	return cmp_service_fail(s, ENROL_US, NULL);
}

enum enrol_state cmp_service_fail_cmp(struct cmp_service *s, unsigned failure, const char *detail)
{
	cmp_fault(&s->fault, failure, detail);
	return cmp_service_fail(s, ENROL_US, NULL);
}

/* ---- checks: RFC 9483, section 3.5 ---------------------------------------------------------- */

static unsigned due(const struct cmp_service *s)
{
	unsigned general = s->basic ? 0 : CMP_BIT(CMP_GENM);

	switch (s->stage) {
	case FIRST:
		if (s->basic)
			return CMP_BIT(CMP_P10CR);
		if (s->job.action == ENROL_REMOVE)
			return CMP_BIT(CMP_RR) | general;
		if (s->job.action == ENROL_RENEW)
			return CMP_BIT(CMP_KUR) | CMP_BIT(CMP_P10CR) | CMP_BIT(CMP_CR) | general;
		return CMP_BIT(CMP_IR) | CMP_BIT(CMP_P10CR) | CMP_BIT(CMP_CR) | general;
	case CONFIRM:
		return CMP_BIT(CMP_CERTCONF);
	case POLLED:
		return CMP_BIT(CMP_POLLREQ);
	case ASKED:
	case REJECTED:
	case FORWARDED:
	case OVER:
		break;
	}
	return 0;
}

static unsigned check(const struct cmp_service *s, const struct cmp_message *message)
{
	bool own = !s->job.authority->forwards;
	bool signs_itself = message->body == CMP_KUR || message->body == CMP_RR;

	if (!(due(s) & CMP_BIT(message->body)))
		return CMP_FAILURE(badRequest);
	if (s->stage != FIRST && !slice_eq(message->transaction, bytes_slice(&s->transaction)))
		return CMP_FAILURE(badDataFormat);
	if (s->stage != FIRST && !slice_eq(message->recip_nonce, bytes_slice(&s->nonce)))
		return CMP_FAILURE(badRecipientNonce);
	if (message->protection == CMP_UNPROTECTED)
		return CMP_FAILURE(badMessageCheck);
	if (message->protection == CMP_BY_MAC && own && (signs_itself || s->job.secret.len == 0))
		return CMP_FAILURE(wrongIntegrity);
	if (message->protection == CMP_BY_SIGNATURE && own && !s->proved)
		return CMP_FAILURE(signerNotTrusted);
	return 0;
}

/* What we have sent is what the next message refers to. */
static bool note_sent(struct cmp_service *s, struct slice out, struct cmp_message *ret_sent)
{
	return cmp_message_parse(out, ret_sent) == 0 &&
	       bytes_set(&s->nonce, ret_sent->sender_nonce) == OK;
}

/* ---- answering by ourselves ------------------------------------------------------------------ */

enum enrol_state cmp_service_ask(struct cmp_service *s, enum enrol_question_kind kind,
				 enum cmp_stage stage)
{
	s->question = (struct enrol_question){
		.kind = kind,
		.action = s->job.action,
		.type = ENROL_X509,
		.grant = &s->job.grant,
	};
	s->stage = stage;
	return ENROL_ASKS;
}

static enum enrol_state ask_for_cert(struct cmp_service *s)
{
	(void)cmp_service_ask(s, ENROL_ASKS_ISSUE, ASKED);
	s->question.key = s->finding.key;
	s->question.names = &s->finding.names;
	s->question.csr = bytes_slice(&s->finding.csr);
	if (s->job.action == ENROL_RENEW)
		s->question.old = bytes_slice(&s->proved_der);
	return ENROL_ASKS;
}

/* The machine has its certificate and does not want it: RFC 4210, section 5.3.18, leaves it to us;
 * what nobody uses is revoked. */
static enum enrol_state rejected(struct cmp_service *s, const struct cmp_message *message,
				 struct enrol_output *out)
{
	char words[96];

	printable(message->text, words, sizeof words);
	enrol_fault_set(&s->fault, ENROL_ERROR_NOT_ACCEPTABLE, "%s",
			*words ? words : "the machine does not accept the certificate");
	s->fault.secondary = (uint16_t)message->failure;
	if (bytes_set(&s->last, bytes_slice(&out->data)) != OK)
		return cmp_service_fail_here(s, ENROL_ERROR_INTERNAL, "out of memory");
	bytes_clear(&out->data);
	(void)cmp_service_ask(s, ENROL_ASKS_REVOKE, REJECTED);
	s->question.certificate = bytes_slice(&s->issued_der);
	return ENROL_ASKS;
}

static enum enrol_state looked(struct cmp_service *s, const struct cmp_message *message,
			       struct enrol_output *out)
{
	struct cmp_message sent;

	switch (s->finding.found) {
	case CMP_ASKS_CERT:
		return ask_for_cert(s);
	case CMP_ASKS_REVOKE:
		(void)cmp_service_ask(s, ENROL_ASKS_REVOKE, ASKED);
		s->question.certificate = bytes_slice(&s->proved_der);
		return ENROL_ASKS;
	case CMP_ANSWERED:
		return note_sent(s, bytes_slice(&out->data), &sent)
			       ? ENROL_GOES_ON
			       : cmp_service_fail_here(s, ENROL_ERROR_INTERNAL,
						       "no response could be made");
	case CMP_CONFIRMS:
		s->stage = OVER;
		return ENROL_DONE;
	case CMP_REJECTS:
		return rejected(s, message, out);
	case CMP_REFUSED:
		break;
	}
	return cmp_service_fail_cmp(s, s->finding.failure, s->finding.words);
}

static enum enrol_state receive(struct cmp_service *s, struct slice in,
				const struct cmp_message *message, struct enrol_output *out,
				struct moment now)
{
	struct cmp_duty duty = { .authority = s->job.authority,
				 .reference = s->job.reference,
				 .secret = s->job.secret,
				 .proved = s->proved,
				 .confirm = s->job.confirm };

	if (s->stage == FIRST) {
		cmp_responder_free(s->responder);
		s->responder = NULL;
		if (cmp_responder_new(&duty, message->protection, now, &s->responder) != OK)
			return cmp_service_fail_cmp(s, CMP_FAILURE(systemFailure),
						    "there is nothing to sign responses with");
	}
	cmp_finding_done(&s->finding);
	cmp_responder_look(s->responder, in, &s->finding, &out->data);
	return looked(s, message, out);
}

static enum status take_cert(struct cmp_service *s, const struct enrol_reply *reply)
{
	const struct enrol_authority *authority = s->job.authority;
	const STACK_OF(X509) *chain = reply->chain ? reply->chain : authority->chain;
	const STACK_OF(X509) *anchors = reply->anchors ? reply->anchors : authority->anchors;

	s->cert = cmp_decode_cert(reply->certificate);
	if (!s->cert)
		return MALFORMED;
	if (enrol_copy(chain, &s->chain) != OK || enrol_copy(anchors, &s->anchors) != OK)
		return NO_MEMORY;
	return bytes_set(&s->issued_der, reply->certificate);
}

/* What CMP calls a refusal of ours. */
static unsigned failure_of(const struct enrol_reply *reply)
{
	static const unsigned failures[ENROL_ERRORS] = {
		[ENROL_ERROR_PARAMETERS] = CMP_FAILURE(badCertTemplate),
		[ENROL_ERROR_ACTION_REFUSED] = CMP_FAILURE(notAuthorized),
		[ENROL_ERROR_UNKNOWN_CREDENTIAL] = CMP_FAILURE(badCertId),
		[ENROL_ERROR_INTERNAL] = CMP_FAILURE(systemFailure),
	};

	if (reply->secondary > 0 && reply->secondary < CMP_FAILURES)
		return reply->secondary;
	return reply->error < ENROL_ERRORS && failures[reply->error] ? failures[reply->error]
								     : CMP_FAILURE(incorrectData);
}

static enum enrol_state refuse(struct cmp_service *s, const struct enrol_reply *reply,
			       struct enrol_output *out)
{
	unsigned failure = failure_of(reply);
	struct cmp_verdict verdict = { .failure = failure, .words = "refused" };

	cmp_fault(&s->fault, failure, NULL);
	s->fault.error = reply->error ? (enum enrol_error)reply->error : ENROL_ERROR_CA_REFUSED;
	if (!cmp_responder_answer(s->responder, bytes_slice(&s->request), &verdict, &out->data))
		bytes_clear(&out->data);
	return cmp_service_fail(s, ENROL_US, reply->why);
}

static enum enrol_state grant(struct cmp_service *s, const struct enrol_reply *reply,
			      struct enrol_output *out)
{
	struct cmp_verdict verdict = { 0 };
	struct cmp_message sent;

	if (s->question.kind == ENROL_ASKS_ISSUE) {
		if (take_cert(s, reply) != OK)
			return cmp_service_fail_here(s, ENROL_ERROR_INTERNAL,
						     "the certificate is none");
		verdict = (struct cmp_verdict){ .cert = s->cert, .chain = s->chain };
		/* RFC 9483, section 4.1.3: an update brings no anchors */
		if (s->job.action == ENROL_REGISTER)
			verdict.ca_pubs = s->anchors;
	}
	if (!cmp_responder_answer(s->responder, bytes_slice(&s->request), &verdict, &out->data) ||
	    !note_sent(s, bytes_slice(&out->data), &sent))
		return cmp_service_fail_cmp(s, CMP_FAILURE(systemFailure),
					    "no response could be made");
	if (sent.body == CMP_ERROR)
		return cmp_service_fail_cmp(s, CMP_FAILURE(systemFailure),
					    "no response could be made");
	s->stage = OVER;
	if (sent.body == CMP_RP || sent.implicit_confirm)
		return ENROL_DONE;
	s->stage = CONFIRM;
	return ENROL_GOES_ON;
}

/* ---- the table ------------------------------------------------------------------------------- */

static bool can_serve(const struct enrol_server_job *job, bool proved)
{
	const struct enrol_authority *authority = job->authority;
	bool signs =
		(authority->ra_cert && authority->ra_key) || (authority->issuer && authority->key);

	if (job->type != ENROL_X509)
		return false;
	if (authority->forwards)
		return true;
	return job->action == ENROL_REGISTER ? job->secret.len > 0 || (proved && signs)
					     : proved && signs;
}

static void service_free(void *self)
{
	struct cmp_service *s = self;

	if (!s)
		return;
	cmp_responder_free(s->responder);
	cmp_finding_done(&s->finding);
	X509_free(s->proved);
	X509_free(s->cert);
	x509_stack_free(s->chain);
	x509_stack_free(s->anchors);
	bytes_done(&s->request);
	bytes_done(&s->transaction);
	bytes_done(&s->nonce);
	bytes_done(&s->proved_der);
	bytes_done(&s->issued_der);
	bytes_done(&s->last);
	free(s);
}

static enum status init(const struct enrol_server_job *job, bool basic, void **ret_self)
{
	struct cmp_service *s = calloc(1, sizeof *s);

	if (!s)
		return NO_MEMORY;
	*s = (struct cmp_service){ .job = *job, .basic = basic };
	if (job->proved.len > 0) {
		s->proved = cmp_decode_cert(job->proved);
		if (!s->proved || bytes_set(&s->proved_der, job->proved) != OK) {
			service_free(s);
			return MALFORMED;
		}
	}
	if (!can_serve(job, s->proved)) {
		service_free(s);
		return UNSUPPORTED;
	}
	*ret_self = s;
	return OK;
}

static enum status full_init(const struct enrol_server_job *job, struct enrol_output *out,
			     void **ret_self)
{
	(void)out;
	return init(job, false, ret_self);
}

static enum status basic_init(const struct enrol_server_job *job, struct enrol_output *out,
			      void **ret_self)
{
	(void)out;
	return init(job, true, ret_self);
}

static enum enrol_state service_process(void *self, const struct enrol_message *in,
					struct enrol_output *out, struct moment now)
{
	struct cmp_service *s = self;
	struct cmp_message message;
	unsigned failure;

	bytes_clear(&out->headers);
	bytes_clear(&out->data);
	if (in->headers.len > 0)
		return cmp_service_fail_here(s, ENROL_ERROR_MALFORMED, "CMP has no headers");
	if (++s->rounds > ENROL_ROUNDS_MAX)
		return cmp_service_fail_here(s, ENROL_ERROR_LIMIT, "too many messages");
	failure = cmp_message_parse(in->data, &message);
	if (failure == 0)
		failure = check(s, &message);
	if (failure != 0)
		return cmp_service_fail_cmp(s, failure, NULL);
	if (s->stage == FIRST && bytes_set(&s->transaction, message.transaction) != OK)
		return cmp_service_fail_here(s, ENROL_ERROR_INTERNAL, "out of memory");
	if (bytes_set(&s->request, in->data) != OK)
		return cmp_service_fail_here(s, ENROL_ERROR_INTERNAL, "out of memory");
	s->kind = message.body;
	return s->job.authority->forwards ? cmp_forward(s)
					  : receive(s, in->data, &message, out, now);
}

static const struct enrol_question *service_question(const void *self)
{
	const struct cmp_service *s = self;

	return s->stage == ASKED || s->stage == REJECTED || s->stage == FORWARDED ? &s->question
										  : NULL;
}

static enum enrol_state service_answer(void *self, const struct enrol_reply *reply,
				       struct enrol_output *out, struct moment now)
{
	struct cmp_service *s = self;

	(void)now;
	bytes_clear(&out->headers);
	bytes_clear(&out->data);
	switch (s->stage) {
	case ASKED:
		return reply->accept ? grant(s, reply, out) : refuse(s, reply, out);
	case FORWARDED:
		return cmp_forwarded(s, reply, out);
	case REJECTED:
		if (bytes_set(&out->data, bytes_slice(&s->last)) != OK)
			bytes_clear(&out->data);
		return cmp_service_fail(s, ENROL_THEM, NULL);
	case FIRST:
	case CONFIRM:
	case POLLED:
	case OVER:
		break;
	}
	return cmp_service_fail_here(s, ENROL_ERROR_INTERNAL, "nothing was asked");
}

static void service_result(const void *self, struct enrol_result *ret_result)
{
	const struct cmp_service *s = self;

	*ret_result =
		(struct enrol_result){ .cert = s->cert, .chain = s->chain, .anchors = s->anchors };
}

static const struct enrol_fault *service_fault(const void *self)
{
	const struct cmp_service *s = self;

	return &s->fault;
}

static const struct diagnosis *service_diagnosis(const void *self)
{
	const struct cmp_service *s = self;

	return &s->why;
}

const struct enrol_server_protocol cmp_server = {
	.name = "CMP",
	.id = ENROL_CMP,
	.actions = 1 << ENROL_REGISTER | 1 << ENROL_RENEW | 1 << ENROL_REMOVE,
	.credentials = 1 << ENROL_X509,
	.init = full_init,
	.process = service_process,
	.question = service_question,
	.answer = service_answer,
	.result = service_result,
	.fault = service_fault,
	.diagnosis = service_diagnosis,
	.free = service_free,
};

const struct enrol_server_protocol cmp_basic_server = {
	.name = "CMP (basic)",
	.id = ENROL_CMP_BASIC,
	.actions = 1 << ENROL_REGISTER | 1 << ENROL_RENEW,
	.credentials = 1 << ENROL_X509,
	.init = basic_init,
	.process = service_process,
	.question = service_question,
	.answer = service_answer,
	.result = service_result,
	.fault = service_fault,
	.diagnosis = service_diagnosis,
	.free = service_free,
};
