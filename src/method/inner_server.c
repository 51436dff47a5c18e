#include "method/inner_server.h"

void inner_server_init(struct inner_server *inner, const struct eap_policy *policy,
		       const struct eap_tunnel_binding *tunnel, size_t mtu)
{
	*inner = (struct inner_server){
		.lower = { .portEnabled = true, .mtu = mtu, .tunnel = tunnel },
	};
	eap_authenticator_init(&inner->eap, EAP_BACKEND, policy, &inner->lower, NULL);
}

void inner_server_done(struct inner_server *inner)
{
	if (inner->eap.policy)
		eap_authenticator_done(&inner->eap);
	bytes_done(&inner->account);
	inner->claim = NULL;
}

static enum eap_server_state give_up(struct inner_server *inner)
{
	eap_authenticator_diagnose(&inner->eap, &inner->why);
	return METHOD_FAILED;
}

/* The question is handed on; who it is about is noted. */
static enum eap_server_state ask(struct inner_server *inner, const struct eap_question *question)
{
	inner->question = *question;
	switch (question->kind) {
	case EAP_ASKS_CERTIFICATE:
		inner->question.tunnel = true;
		inner->claim = question->about.claim;
		break;
	case EAP_ASKS_PASSWORD:
		if (bytes_set(&inner->account, question->about.account.name) != OK) {
			diagnosis_say(&inner->why, DIAG_INTERNAL, "out of memory");
			return METHOD_FAILED;
		}
		break;
	case EAP_ASKS_ENROLMENT:
		inner->enrolled = true;
		break;
	case EAP_ASKS_ADMISSION:
		break;
	}
	return METHOD_ASKS;
}

/* An enrolment takes nothing from who has shown in the handshake who it is. */
static bool has_missed(const struct inner_server *inner)
{
	const struct eap_authenticator *eap = &inner->eap;

	return eap->fault == EAP_FAULT_METHOD && eap->offer->method->enrolled &&
	       inner->lower.tunnel->claim;
}

static enum eap_server_state step(struct inner_server *inner, struct moment now,
				  struct slice *ret_request)
{
	struct eap_authenticator_lower *lower = &inner->lower;
	const struct eap_question *question;
	bool success, failure, request;

	*ret_request = slice_of(NULL, 0);
	eap_authenticator_step(&inner->eap, now);
	question = eap_authenticator_question(&inner->eap);
	if (question)
		return ask(inner, question);
	success = lower->eapSuccess;
	failure = lower->eapFail || lower->eapTimeout;
	request = lower->eapReq;
	lower->eapSuccess = lower->eapFail = lower->eapTimeout = false;
	lower->eapReq = lower->eapNoReq = false;
	if (success)
		return METHOD_SUCCEEDED;
	if (request && !failure) {
		*ret_request = lower->eapReqData;
		return METHOD_GOES_ON;
	}
	give_up(inner);
	if (failure && has_missed(inner)) {
		inner->missed = true;
		inner->enrolled = false;
		return METHOD_SUCCEEDED;
	}
	if (!failure) {
		diagnosis_set(&inner->why, DIAG_MALFORMED);
		diagnosis_add(&inner->why, "what", "the EAP inside of the tunnel");
		diagnosis_add(&inner->why, "detail", "a packet that does not belong there");
	}
	return METHOD_FAILED;
}

enum eap_server_state inner_server_feed(struct inner_server *inner, struct slice response,
					struct moment now, struct slice *ret_request)
{
	inner->lower.eapResp = true;
	inner->lower.eapRespData = response;
	return step(inner, now, ret_request);
}

enum eap_server_state inner_server_answer(struct inner_server *inner, const struct eap_reply *reply,
					  struct moment now, struct slice *ret_request)
{
	/* A certificate that does not count proves nothing. */
	if (!reply->accept)
		inner->claim = NULL;
	eap_authenticator_answer(&inner->eap, reply);
	return step(inner, now, ret_request);
}

const struct eap_question *inner_server_question(const struct inner_server *inner)
{
	return &inner->question;
}

const struct eap_server_method *inner_server_method(const struct inner_server *inner)
{
	return inner->eap.offer ? inner->eap.offer->method : NULL;
}

struct slice inner_server_account(const struct inner_server *inner)
{
	return bytes_slice(&inner->account);
}

bool inner_server_enrolled(const struct inner_server *inner)
{
	return inner->enrolled;
}

const struct diagnosis *inner_server_missed(const struct inner_server *inner)
{
	return inner->missed ? &inner->why : NULL;
}

const struct tls_claim *inner_server_claim(const struct inner_server *inner)
{
	return inner->claim;
}

bool inner_server_take_keys(struct inner_server *inner, struct eap_keys *ret_keys)
{
	if (!inner->lower.eapKeyAvailable)
		return false;
	inner->lower.eapKeyAvailable = false;
	eap_keys_move(ret_keys, inner->lower.eapKeyData);
	return true;
}

const struct diagnosis *inner_server_diagnosis(const struct inner_server *inner)
{
	return &inner->why;
}

const char *inner_server_stage(const struct inner_server *inner)
{
	const struct eap_authenticator *eap = &inner->eap;

	return eap->offer && eap->method_begun ? eap->offer->method->stage(eap->self)
					       : "inner identity";
}
