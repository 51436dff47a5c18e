#include "enrol/cmp_lib.h"
#include "enrol/cmp_service.h"

enum enrol_state cmp_forward(struct cmp_service *s)
{
	(void)cmp_service_ask(s, ENROL_ASKS_FORWARD, FORWARDED);
	s->question.message = bytes_slice(&s->request);
	s->question.after = s->after;
	s->after = 0;
	return ENROL_ASKS;
}

static enum enrol_state forwarded_cert(struct cmp_service *s, const struct cmp_message *message)
{
	if (message->status == OSSL_CMP_PKISTATUS_waiting) {
		s->stage = POLLED;
		return ENROL_GOES_ON;
	}
	X509_free(s->cert);
	s->cert = cmp_decode_cert(message->certificate);
	if (!s->cert)
		return cmp_service_fail_cmp(
			s, CMP_FAILURE(badDataFormat),
			"the CA's response has no certificate that can be read");
	s->stage = message->implicit_confirm ? OVER : CONFIRM;
	return s->stage == OVER ? ENROL_DONE : ENROL_GOES_ON;
}

static enum enrol_state ca_refused(struct cmp_service *s, const struct cmp_message *message)
{
	char words[96];

	printable(message->text, words, sizeof words);
	cmp_fault(&s->fault, message->failure, *words ? words : NULL);
	s->fault.error = ENROL_ERROR_CA_REFUSED;
	return cmp_service_fail(s, ENROL_US, NULL);
}

static enum enrol_state ca_answered(struct cmp_service *s, const struct cmp_message *message)
{
	if (CMP_CERT_RESPONSES & CMP_BIT(message->body))
		return forwarded_cert(s, message);
	if (message->body == CMP_POLLREP) {
		s->after = message->check_after;
		s->stage = POLLED;
		return ENROL_GOES_ON;
	}
	if (message->body == CMP_GENP) {
		s->stage = FIRST;
		return ENROL_GOES_ON;
	}
	s->stage = OVER;
	if (message->body == CMP_PKICONF || message->body == CMP_RP)
		return ENROL_DONE;
	return cmp_service_fail_cmp(s, CMP_FAILURE(systemFailure),
				    "the CA answered with what is no answer");
}

/* To the machine as it came, whatever we make of it. */
static enum enrol_state hand_back(struct cmp_service *s, const struct enrol_reply *reply,
				  struct enrol_output *out)
{
	struct cmp_message message;
	unsigned failure = cmp_message_parse(reply->message, &message);

	if (failure != 0 || !slice_eq(message.transaction, bytes_slice(&s->transaction)))
		return cmp_service_fail_cmp(s, CMP_FAILURE(systemFailure),
					    "the CA's response is not one that can be handed on");
	if (bytes_set(&out->data, reply->message) != OK ||
	    bytes_set(&s->nonce, message.sender_nonce) != OK)
		return cmp_service_fail_here(s, ENROL_ERROR_INTERNAL, "out of memory");
	/* who has no roots to tell of does not end a renewal */
	if (message.body == CMP_ERROR && s->kind == CMP_GENM) {
		s->stage = FIRST;
		return ENROL_GOES_ON;
	}
	if (message.body == CMP_ERROR || message.status == OSSL_CMP_PKISTATUS_rejection)
		return ca_refused(s, &message);
	return ca_answered(s, &message);
}

static enum enrol_state not_forwarded(struct cmp_service *s, const struct enrol_reply *reply)
{
	enrol_fault_set(&s->fault,
			reply->error ? (enum enrol_error)reply->error : ENROL_ERROR_CA_REFUSED,
			"the request did not get to the CA");
	s->fault.secondary = reply->secondary;
	return cmp_service_fail(s, ENROL_US, reply->why);
}

enum enrol_state cmp_forwarded(struct cmp_service *s, const struct enrol_reply *reply,
			       struct enrol_output *out)
{
	return reply->accept ? hand_back(s, reply, out) : not_forwarded(s, reply);
}
