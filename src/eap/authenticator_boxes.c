/* What the boxes of authenticator.c do.  Where we differ from RFC 4137, it says "Deviation". */
#include "eap/authenticator_parts.h"

#include <assert.h>

/* ---- beginning and end of a conversation --------------------------------------------- */

static void stop_method(struct eap_authenticator *a)
{
	if (a->method_begun)
		a->offer->method->free(a->self);
	a->method_begun = false;
	a->offer = NULL;
	a->currentMethod = eap_type(0);
	a->asks = a->answered = false;
}

static void drop_keys(struct eap_authenticator *a)
{
	eap_keys_done(&a->keys);
	a->lower->eapKeyData = NULL;
	a->lower->eapKeyAvailable = false;
}

static void drop_request(struct eap_authenticator *a)
{
	bytes_done(&a->lastReqData);
	a->lower->eapReqData = (struct slice){ 0 };
}

void authenticator_forget(struct eap_authenticator *a)
{
	stop_method(a);
	drop_keys(a);
	drop_request(a);
	bytes_done(&a->identity);
	a->identified = false;
	if (a->aaa)
		a->aaa->aaaIdentity = a->aaa->aaaEapRespData = (struct slice){ 0 };
}

/* A port that nobody is at holds nothing. */
void box_disabled(struct eap_authenticator *a)
{
	authenticator_forget(a);
}

void box_initialize(struct eap_authenticator *a)
{
	struct eap_authenticator_lower *lower = a->lower;

	authenticator_forget(a);
	if (a->currentId != NONE)
		a->previousId = a->currentId;
	a->currentId = NONE;
	a->methodState = EAP_METHOD_NONE;
	lower->eapSuccess = lower->eapFail = lower->eapTimeout = false;
	lower->eapRestart = false;

	a->malformed = a->refused = false;
	a->choice = NULL;
	a->proposed = 0;
	a->declined = NULL;
	a->insisted = false;
	a->rounds = a->retransCount = 0;
	a->methodTimeout = 0;
	a->jitter = lower->random;
	a->fault = EAP_FAULT_NONE;
	authenticator_reset_timer(a);
	authenticator_start_timer(a);
	diagnosis_set(&a->diagnosis, DIAG_NONE);
}

/* ---- Responses ----------------------------------------------------------------------- */

static enum status parse_response(struct eap_authenticator *a)
{
	enum status status = eap_packet_parse(a->lower->eapRespData, &a->response);

	if (status == OK && a->response.code == EAP_RESPONSE &&
	    eap_type_is(a->response.type, EAP_TYPE_NAK) && !eap_nak_valid(&a->response))
		return MALFORMED;
	return status;
}

/* parseEapResp: all that is no Response takes the arrow to DISCARD. */
void box_received(struct eap_authenticator *a)
{
	a->rxResp = a->naked = false;
	if (parse_response(a) != OK) {
		a->counters.malformed++;
		a->malformed = true;
		return;
	}
	switch ((enum eap_code)a->response.code) {
	case EAP_RESPONSE:
		a->rxResp = true;
		a->counters.responses++;
		break;
	case EAP_REQUEST:
	case EAP_SUCCESS:
	case EAP_FAILURE:
		break;
	/* Deviation: RFC 4137 does not know them.  Who does not do ERP "MUST silently discard"
	 * them: RFC 6696, section 5.3.1.2. */
	case EAP_INITIATE:
	case EAP_FINISH:
		a->counters.initiate_finish++;
		break;
	}
	if (a->rxResp && a->response.id == a->currentId)
		authenticator_measure(a);
}

/* An empty packet asks us to begin, RFC 3579, section 2.1. */
void box_initialize_backend(struct eap_authenticator *a)
{
	box_initialize(a);
	if (a->lower->eapRespData.len == 0)
		return;
	box_received(a);
	if (a->rxResp)
		a->currentId = a->response.id;
}

void box_nak(struct eap_authenticator *a)
{
	a->counters.naks++;
	a->naked = true;
	stop_method(a);
}

void box_select_action(struct eap_authenticator *a)
{
	a->decision = authenticator_decide(a);
}

/* ---- methods ------------------------------------------------------------------------- */

static void begin_method(struct eap_authenticator *a)
{
	struct eap_server_about about = { bytes_slice(&a->identity), a->now, a->lower->tunnel };

	a->offer = a->declined = a->next;
	a->currentMethod = a->offer->method->type;
	a->proposed |= 1u << (a->offer - a->choice->offers);
	a->method_begun = a->offer->method->init(a->offer->context, &about, &a->self) == OK;
}

/* Deviation: a method that could not begin, for lack of memory, is found out in METHOD_REQUEST. */
void box_propose_method(struct eap_authenticator *a)
{
	if (a->next) {
		begin_method(a);
		a->methodState = EAP_METHOD_PROPOSED;
	} else {
		a->currentMethod = eap_type(EAP_TYPE_IDENTITY);
		a->methodState = EAP_METHOD_CONTINUE;
	}
}

void box_pick_up_method(struct eap_authenticator *a)
{
	if (eap_type_is(a->response.type, EAP_TYPE_IDENTITY)) {
		a->currentMethod = a->response.type;
	} else if (authenticator_pick_up(a)) {
		begin_method(a);
		if (!a->method_begun) {
			stop_method(a);
			a->fault = EAP_FAULT_UNBUILDABLE;
		}
	}
}

void box_integrity_check(struct eap_authenticator *a)
{
	const struct eap_server_method *m = a->offer ? a->offer->method : NULL;

	a->ignore = m && m->check && m->check(a->self, &a->response);
}

/* An identity is kept whole or not at all: what is cut off could be its realm. */
static enum eap_authenticator_fault keep_identity(struct eap_authenticator *a)
{
	if (a->response.data.len > EAP_IDENTITY_MAX)
		return EAP_FAULT_IDENTITY;
	if (bytes_set(&a->identity, a->response.data) != OK)
		return EAP_FAULT_UNBUILDABLE;
	a->identified = true;
	return EAP_FAULT_NONE;
}

/* m.isDone and m.getKey.  A refusal is final, whatever the method makes of it. */
static void take_state(struct eap_authenticator *a, enum eap_server_state state)
{
	const struct eap_server_method *m = a->offer->method;

	a->asks = state == METHOD_ASKS;
	a->methodState = EAP_METHOD_CONTINUE;
	if (state == METHOD_GOES_ON || state == METHOD_ASKS)
		return;
	a->methodState = EAP_METHOD_END;
	a->method_succeeded = state == METHOD_SUCCEEDED && !a->refused;
	if (a->method_succeeded && m->take_keys && m->take_keys(a->self, &a->keys))
		a->lower->eapKeyData = &a->keys;
}

void box_method_response(struct eap_authenticator *a)
{
	if (a->offer) {
		take_state(a, a->offer->method->process(a->self, &a->response, a->now));
	} else {
		a->fault = keep_identity(a);
		a->methodState = EAP_METHOD_END;
	}
}

/* Deviation: RFC 4137 expects m.process to block until a decision is there, and sees the danger
 * itself (section 8.1). */
void box_answer(struct eap_authenticator *a)
{
	a->answered = false;
	take_state(a, a->offer->method->answer(a->self, &a->reply, a->now));
	a->reply = (struct eap_reply){ 0 };
}

static unsigned max_rounds(const struct eap_authenticator *a)
{
	return a->policy->max_rounds ? a->policy->max_rounds : EAP_ROUNDS_DEFAULT;
}

static msec bounded_hint(msec hint)
{
	return hint < EAP_METHOD_TIMEOUT_MAX ? hint : EAP_METHOD_TIMEOUT_MAX;
}

void box_method_request(struct eap_authenticator *a)
{
	const struct eap_server_method *m = a->offer ? a->offer->method : NULL;

	if (a->rounds >= max_rounds(a)) {
		a->fault = EAP_FAULT_ROUNDS;
		return;
	}
	if (!authenticator_build_request(a)) {
		a->fault = EAP_FAULT_UNBUILDABLE;
		return;
	}
	a->methodTimeout = m && m->timeout ? bounded_hint(m->timeout(a->self)) : 0;
}

/* ---- Requests ------------------------------------------------------------------------ */

void authenticator_forget_packet(struct eap_authenticator *a)
{
	a->rxResp = a->naked = false;
	a->lower->eapResp = false;
}

void box_discard(struct eap_authenticator *a)
{
	authenticator_forget_packet(a);
	a->lower->eapNoReq = true;
	a->counters.discarded++;
}

/* Deviation: retransWhile is started where a Request goes out, not in IDLE: else somebody who sends
 * what is discarded could keep the machine there for ever. */
void box_send_request(struct eap_authenticator *a)
{
	a->retransCount = 0;
	authenticator_forget_packet(a);
	a->lower->eapReqData = bytes_slice(&a->lastReqData);
	a->lower->methodTimeout = a->methodTimeout;
	a->lower->eapReq = true;

	a->rounds++;
	a->counters.requests++;
	a->malformed = false;
	a->measurable = true;
	authenticator_start_timer(a);
}

/* Deviation: a server that was asked to begin, and had no Request, has left nothing to repeat.  It
 * is waited for all the same. */
void box_retransmit(struct eap_authenticator *a)
{
	a->retransCount++;
	if (a->retransCount > authenticator_max_retrans(a))
		return;
	a->lower->eapReqData = bytes_slice(&a->lastReqData);
	a->lower->eapReq = a->lower->eapReq || a->lastReqData.len > 0;
	a->counters.retransmissions += a->lastReqData.len > 0;
	authenticator_back_off(a);
	authenticator_start_timer(a);
}

/* ---- the end ------------------------------------------------------------------------- */

static void give_up(struct eap_authenticator *a)
{
	authenticator_explain(a, a->fault, &a->diagnosis);
	drop_request(a);
}

void box_timeout_failure(struct eap_authenticator *a)
{
	a->fault = EAP_FAULT_SILENCE;
	give_up(a);
	a->lower->eapTimeout = true;
}

void box_failure(struct eap_authenticator *a)
{
	give_up(a);
	authenticator_build_result(a, EAP_FAILURE);
	a->lower->eapFail = true;
}

void box_success(struct eap_authenticator *a)
{
	drop_request(a);
	authenticator_build_result(a, EAP_SUCCESS);
	if (a->lower->eapKeyData)
		a->lower->eapKeyAvailable = true;
	a->lower->eapSuccess = true;
}

/* ---- passing through ----------------------------------------------------------------- */

void box_initialize_passthrough(struct eap_authenticator *a)
{
	a->aaa->aaaEapRespData = (struct slice){ 0 };
}

/* RFC 3748, section 4.1: the Type of a Response "MUST either match that of the Request, or
 * correspond to a legacy or Expanded Nak". */
static bool identity_given(const struct eap_authenticator *a)
{
	return eap_type_is(a->response.type, EAP_TYPE_IDENTITY) &&
	       eap_type_is(a->currentMethod, EAP_TYPE_IDENTITY);
}

/* The server may ask for the identity (again) itself.  One that cannot be kept cannot be a
 * User-Name either, and that of before stays.  Deviation: it also stays if nobody has asked, for it
 * is under aaaIdentity that the peer is let in and accounted for. */
void box_aaa_request(struct eap_authenticator *a)
{
	if (identity_given(a) && keep_identity(a) == EAP_FAULT_NONE)
		a->aaa->aaaIdentity = bytes_slice(&a->identity);
	a->aaa->aaaEapRespData = a->lower->eapRespData;
}

void authenticator_clear_verdicts(struct eap_authenticator_aaa *aaa)
{
	aaa->aaaFail = aaa->aaaSuccess = aaa->aaaEapReq = aaa->aaaEapNoReq = false;
	aaa->aaaTimeout = aaa->aaaEapKeyAvailable = false;
	aaa->aaaEapReqData = (struct slice){ 0 };
	aaa->aaaMethodTimeout = 0;
}

void box_aaa_idle(struct eap_authenticator *a)
{
	authenticator_clear_verdicts(a->aaa);
	a->aaa->aaaEapResp = true;
}

void box_aaa_response(struct eap_authenticator *a)
{
	a->fault = a->rounds >= max_rounds(a) ? EAP_FAULT_ROUNDS : authenticator_pass_request(a);
	a->methodTimeout = bounded_hint(a->aaa->aaaMethodTimeout);
}

void box_timeout_failure2(struct eap_authenticator *a)
{
	a->fault = a->aaa->aaaTimeout ? EAP_FAULT_AAA_SILENCE : EAP_FAULT_SILENCE;
	give_up(a);
	a->lower->eapTimeout = true;
}

/* Deviation: where it is we who give up, the server has sent no Failure that could be passed on. */
void box_failure2(struct eap_authenticator *a)
{
	bool ours = a->fault != EAP_FAULT_NONE;

	if (!ours)
		a->fault = EAP_FAULT_AAA_REFUSED;
	give_up(a);
	if (ours)
		authenticator_build_result(a, EAP_FAILURE);
	else
		authenticator_pass_result(a);
	a->lower->eapFail = true;
}

void box_success2(struct eap_authenticator *a)
{
	drop_request(a);
	authenticator_pass_result(a);
	if (a->aaa->aaaEapKeyAvailable) {
		eap_keys_move(&a->keys, a->aaa->aaaEapKeyData);
		a->lower->eapKeyData = &a->keys;
		a->lower->eapKeyAvailable = true;
	}
	a->lower->eapSuccess = true;
}
