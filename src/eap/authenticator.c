/* The tables below are Appendices A.2, A.3 and A.4 of RFC 4137, box by box and exit by exit; what
 * the boxes do is in authenticator_boxes.c.  Boxes that two of them share are written once.  Where
 * we differ, it says "Deviation". */
#include "eap/authenticator_parts.h"

#include <assert.h>

enum state {
	DISABLED,
	INITIALIZE,
	PICK_UP_METHOD,
	IDLE,
	RETRANSMIT,
	RECEIVED,
	NAK,
	SELECT_ACTION,
	INTEGRITY_CHECK,
	METHOD_RESPONSE,
	ASKING,
	ANSWER,
	PROPOSE_METHOD,
	METHOD_REQUEST,
	DISCARD,
	SEND_REQUEST,
	TIMEOUT_FAILURE,
	FAILURE,
	SUCCESS,

	INITIALIZE_PASSTHROUGH,
	IDLE2,
	RETRANSMIT2,
	RECEIVED2,
	AAA_REQUEST,
	AAA_IDLE,
	AAA_RESPONSE,
	DISCARD2,
	SEND_REQUEST2,
	TIMEOUT_FAILURE2,
	FAILURE2,
	SUCCESS2,
	STATES
};

MACHINE(authenticator, struct eap_authenticator);

/* ---- conditions ---------------------------------------------------------------------- */

static bool always(const struct eap_authenticator *a)
{
	(void)a;
	return true;
}

static bool port_disabled(const struct eap_authenticator *a)
{
	return !a->lower->portEnabled;
}

static bool port_enabled(const struct eap_authenticator *a)
{
	return a->lower->portEnabled;
}

static bool restart(const struct eap_authenticator *a)
{
	return a->lower->eapRestart && a->lower->portEnabled;
}

static bool have_response(const struct eap_authenticator *a)
{
	return a->lower->eapResp;
}

static bool backend_asked(const struct eap_authenticator *a)
{
	return a->lower->portEnabled && a->lower->eapResp;
}

static bool timed_out(const struct eap_authenticator *a)
{
	return a->now.mono >= a->retransWhile;
}

static bool too_often(const struct eap_authenticator *a)
{
	return a->retransCount > authenticator_max_retrans(a);
}

static bool no_response(const struct eap_authenticator *a)
{
	return !a->rxResp;
}

static bool is_nak(const struct eap_authenticator *a)
{
	return a->rxResp && eap_type_is(a->response.type, EAP_TYPE_NAK);
}

static bool current(const struct eap_authenticator *a)
{
	return a->rxResp && a->response.id == a->currentId;
}

/* RFC 3748, section 5.3.2: the Expanded Nak "MUST be sent only in reply to a Request of Type 254".
 */
static bool nak_allowed(const struct eap_authenticator *a)
{
	return current(a) && is_nak(a) && a->methodState == EAP_METHOD_PROPOSED &&
	       (!a->response.expanded || !eap_type_short(a->currentMethod));
}

static bool method_answered(const struct eap_authenticator *a)
{
	return current(a) && eap_type_eq(a->response.type, a->currentMethod);
}

static bool no_method(const struct eap_authenticator *a)
{
	return eap_type_is(a->currentMethod, 0);
}

static bool ignored(const struct eap_authenticator *a)
{
	return a->ignore;
}

static bool method_ended(const struct eap_authenticator *a)
{
	return a->methodState == EAP_METHOD_END;
}

static bool method_asks(const struct eap_authenticator *a)
{
	return a->asks;
}

static bool answered(const struct eap_authenticator *a)
{
	return a->answered;
}

static bool decided_failure(const struct eap_authenticator *a)
{
	return a->decision == EAP_DECISION_FAILURE;
}

static bool decided_success(const struct eap_authenticator *a)
{
	return a->decision == EAP_DECISION_SUCCESS;
}

static bool decided_passthrough(const struct eap_authenticator *a)
{
	return a->decision == EAP_DECISION_PASSTHROUGH;
}

/* Deviation: RFC 4137 lets a conversation go on for ever, and a Request always be built. */
static bool impossible(const struct eap_authenticator *a)
{
	return a->fault != EAP_FAULT_NONE;
}

static bool have_id(const struct eap_authenticator *a)
{
	return a->currentId != NONE;
}

static bool have_no_id(const struct eap_authenticator *a)
{
	return a->currentId == NONE;
}

static bool aaa_no_request(const struct eap_authenticator *a)
{
	return a->aaa->aaaEapNoReq;
}

static bool aaa_request(const struct eap_authenticator *a)
{
	return a->aaa->aaaEapReq;
}

static bool aaa_timeout(const struct eap_authenticator *a)
{
	return a->aaa->aaaTimeout;
}

static bool aaa_fail(const struct eap_authenticator *a)
{
	return a->aaa->aaaFail;
}

static bool aaa_success(const struct eap_authenticator *a)
{
	return a->aaa->aaaSuccess;
}

/* ---- the tables ---------------------------------------------------------------------- */

/* clang-format off */

/* Of all three. */
#define METHOD_BOXES \
	[RECEIVED] = { "RECEIVED", box_received, { \
		{ nak_allowed,		NAK }, \
		{ method_answered,	INTEGRITY_CHECK }, \
		{ always,		DISCARD } } }, \
	[NAK] = { "NAK", box_nak, { \
		{ always,		SELECT_ACTION } } }, \
	[INTEGRITY_CHECK] = { "INTEGRITY_CHECK", box_integrity_check, { \
		{ ignored,		DISCARD }, \
		{ always,		METHOD_RESPONSE } } }, \
	[METHOD_RESPONSE] = { "METHOD_RESPONSE", box_method_response, { \
		{ method_asks,		ASKING },	/* Deviation */ \
		{ method_ended,		SELECT_ACTION }, \
		{ always,		METHOD_REQUEST } } }, \
	[ASKING] = { "ASKING", NULL, {			/* Deviation */ \
		{ answered,		ANSWER } } }, \
	[ANSWER] = { "ANSWER", box_answer, {		/* Deviation */ \
		{ method_asks,		ASKING }, \
		{ method_ended,		SELECT_ACTION }, \
		{ always,		METHOD_REQUEST } } }, \
	[PROPOSE_METHOD] = { "PROPOSE_METHOD", box_propose_method, { \
		{ always,		METHOD_REQUEST } } }, \
	[METHOD_REQUEST] = { "METHOD_REQUEST", box_method_request, { \
		{ impossible,		FAILURE },	/* Deviation */ \
		{ always,		SEND_REQUEST } } }, \
	[DISCARD] = { "DISCARD", box_discard, { \
		{ always,		IDLE } } }, \
	[SEND_REQUEST] = { "SEND_REQUEST", box_send_request, { \
		{ always,		IDLE } } }, \
	[FAILURE] = { "FAILURE", box_failure, { { 0 } } }, \
	[SUCCESS] = { "SUCCESS", box_success, { { 0 } } }

/* Of the stand-alone and the full authenticator: Figures 4 and 6. */
#define PORT_BOXES \
	[DISABLED] = { "DISABLED", box_disabled, { \
		{ port_enabled,		INITIALIZE } } }, \
	[INITIALIZE] = { "INITIALIZE", box_initialize, { \
		{ always,		SELECT_ACTION } } }, \
	[IDLE] = { "IDLE", NULL, { \
		{ timed_out,		RETRANSMIT }, \
		{ have_response,	RECEIVED } } }, \
	[RETRANSMIT] = { "RETRANSMIT", box_retransmit, { \
		{ too_often,		TIMEOUT_FAILURE }, \
		{ always,		IDLE } } }, \
	[TIMEOUT_FAILURE] = { "TIMEOUT_FAILURE", box_timeout_failure, { { 0 } } }

static const struct authenticator_box global = { "*", NULL, {
		{ port_disabled,	DISABLED },
		{ restart,		INITIALIZE } } };

/* A.2 */
static const struct authenticator_box stand_alone[STATES] = {
	PORT_BOXES,
	METHOD_BOXES,
	[SELECT_ACTION] = { "SELECT_ACTION", box_select_action, {
		{ decided_failure,	FAILURE },
		{ decided_success,	SUCCESS },
		{ always,		PROPOSE_METHOD } } },
};

/* A.3 */
static const struct authenticator_box backend_global = { "*", NULL, {
		{ port_disabled,	DISABLED } } };

static const struct authenticator_box backend[STATES] = {
	[DISABLED] = { "DISABLED", box_disabled, {
		{ backend_asked,	INITIALIZE } } },
	[INITIALIZE] = { "INITIALIZE", box_initialize_backend, {
		{ no_response,		SELECT_ACTION },
		{ is_nak,		NAK },
		{ always,		PICK_UP_METHOD } } },
	[PICK_UP_METHOD] = { "PICK_UP_METHOD", box_pick_up_method, {
		{ no_method,		SELECT_ACTION },
		{ always,		METHOD_RESPONSE } } },
	[IDLE] = { "IDLE", NULL, {
		{ have_response,	RECEIVED } } },
	METHOD_BOXES,
	[SELECT_ACTION] = { "SELECT_ACTION", box_select_action, {
		{ decided_failure,	FAILURE },
		{ decided_success,	SUCCESS },
		{ always,		PROPOSE_METHOD } } },
};

/* A.4 */
static const struct authenticator_box full[STATES] = {
	PORT_BOXES,
	METHOD_BOXES,
	[SELECT_ACTION] = { "SELECT_ACTION", box_select_action, {
		{ decided_failure,	FAILURE },
		{ decided_success,	SUCCESS },
		{ decided_passthrough,	INITIALIZE_PASSTHROUGH },
		{ always,		PROPOSE_METHOD } } },

	[INITIALIZE_PASSTHROUGH] = { "INITIALIZE_PASSTHROUGH", box_initialize_passthrough, {
		{ have_id,		AAA_REQUEST },
		{ have_no_id,		AAA_IDLE } } },
	[IDLE2] = { "IDLE2", NULL, {
		{ timed_out,		RETRANSMIT2 },
		{ have_response,	RECEIVED2 } } },
	[RETRANSMIT2] = { "RETRANSMIT2", box_retransmit, {
		{ too_often,		TIMEOUT_FAILURE2 },
		{ always,		IDLE2 } } },
	[RECEIVED2] = { "RECEIVED2", box_received, {
		{ current,		AAA_REQUEST },
		{ always,		DISCARD2 } } },
	[AAA_REQUEST] = { "AAA_REQUEST", box_aaa_request, {
		{ always,		AAA_IDLE } } },
	[AAA_IDLE] = { "AAA_IDLE", box_aaa_idle, {
		{ aaa_no_request,	DISCARD2 },
		{ aaa_request,		AAA_RESPONSE },
		{ aaa_timeout,		TIMEOUT_FAILURE2 },
		{ aaa_fail,		FAILURE2 },
		{ aaa_success,		SUCCESS2 } } },
	[AAA_RESPONSE] = { "AAA_RESPONSE", box_aaa_response, {
		{ impossible,		FAILURE2 },	/* Deviation */
		{ always,		SEND_REQUEST2 } } },
	[DISCARD2] = { "DISCARD2", box_discard, {
		{ always,		IDLE2 } } },
	[SEND_REQUEST2] = { "SEND_REQUEST2", box_send_request, {
		{ always,		IDLE2 } } },
	[TIMEOUT_FAILURE2] = { "TIMEOUT_FAILURE2", box_timeout_failure2, { { 0 } } },
	[FAILURE2] = { "FAILURE2", box_failure2, { { 0 } } },
	[SUCCESS2] = { "SUCCESS2", box_success2, { { 0 } } },
};

static const struct {
	const char *name;
	const struct authenticator_box *boxes, *global;
} tables[] = {
	[EAP_STAND_ALONE] = { "eap stand-alone", stand_alone, &global },
	[EAP_BACKEND] = { "eap backend", backend, &backend_global },
	[EAP_FULL] = { "eap full", full, &global },
};
/* clang-format on */

/* ---- in and out ---------------------------------------------------------------------- */

void eap_authenticator_init(struct eap_authenticator *a, enum eap_authenticator_kind kind,
			    const struct eap_policy *policy, struct eap_authenticator_lower *lower,
			    struct eap_authenticator_aaa *aaa)
{
	assert((kind == EAP_FULL) == (aaa != NULL));
	*a = (struct eap_authenticator){
		.policy = policy,
		.lower = lower,
		.aaa = aaa,
		.kind = kind,
		.state = DISABLED,
		.currentId = NONE,
		.previousId = NONE,
		.retransWhile = NEVER,
	};
}

void eap_authenticator_done(struct eap_authenticator *a)
{
	authenticator_forget(a);
}

/* The Response is being worked on, by a server or by whoever decides: another one at that time is a
 * duplicate, and nothing is said about it lest the lower layer believe that the first was dealt
 * with. */
static bool waits(const struct eap_authenticator *a)
{
	return a->state == ASKING || a->state == AAA_IDLE;
}

/* Deviation: a packet or a signal that meets a state which has no use for it does not wait for one
 * that has, for it is borrowed.  A Response that the machine moved on, and did not clear, was what
 * it moved on by. */
static void drop_inputs(struct eap_authenticator *a, bool moved)
{
	if (a->lower->eapResp && !moved) {
		a->counters.discarded++;
		a->lower->eapNoReq = a->lower->eapNoReq || !waits(a);
	}
	authenticator_forget_packet(a);
	a->response.data = a->lower->eapRespData = (struct slice){ 0 };
	if (a->aaa)
		authenticator_clear_verdicts(a->aaa);
}

void eap_authenticator_step(struct eap_authenticator *a, struct moment now)
{
	int i = 0;

	a->now = now;
	for (; authenticator_follow(tables[a->kind].name, tables[a->kind].boxes,
				    tables[a->kind].global, a, &a->state, &a->observer);
	     i++)
		assert(i < MACHINE_STEPS_MAX);
	drop_inputs(a, i > 0);
}

msec eap_authenticator_deadline(const struct eap_authenticator *a)
{
	return a->state == IDLE || a->state == IDLE2 ? a->retransWhile : NEVER;
}

const struct eap_question *eap_authenticator_question(const struct eap_authenticator *a)
{
	if (a->state != ASKING || a->answered)
		return NULL;
	return a->offer->method->question(a->self);
}

void eap_authenticator_answer(struct eap_authenticator *a, const struct eap_reply *reply)
{
	const struct eap_question *question = eap_authenticator_question(a);

	if (!question)
		return;
	a->answered = true;
	a->reply = *reply;
	if (reply->accept || !eap_question_is_final(question))
		return;
	a->refused = true;
	if (reply->why)
		a->diagnosis = *reply->why;
}

bool eap_authenticator_report(const struct eap_authenticator *a, struct eap_report *ret_report,
			      const struct eap_server_method **ret_method)
{
	const struct eap_server_method *m = a->method_begun ? a->offer->method : NULL;

	if (!m || !m->report || !m->report(a->self, ret_report))
		return false;
	*ret_method = m;
	return true;
}

enum status eap_authenticator_session_id(const struct eap_authenticator *a, struct bytes *ret_id)
{
	bytes_clear(ret_id);
	if (!a->method_begun || !a->method_succeeded || !a->offer->method->session_id)
		return OK;
	return a->offer->method->session_id(a->self, ret_id);
}

/* No box has an exit there, or nothing has begun. */
static bool at_rest(const struct eap_authenticator *a)
{
	return a->state == DISABLED || !tables[a->kind].boxes[a->state].exits[0].when;
}

void eap_authenticator_diagnose(const struct eap_authenticator *a, struct diagnosis *ret_diagnosis)
{
	if (at_rest(a))
		*ret_diagnosis = a->diagnosis;
	else
		authenticator_explain(
			a, a->state == AAA_IDLE ? EAP_FAULT_AAA_SILENCE : EAP_FAULT_SILENCE,
			ret_diagnosis);
}

const char *eap_authenticator_state_name(const struct eap_authenticator *a)
{
	return tables[a->kind].boxes[a->state].name;
}

bool eap_authenticator_arrow(enum eap_authenticator_kind kind, size_t n,
			     struct machine_arrow *ret_arrow)
{
	return authenticator_arrow_at(tables[kind].boxes, STATES, tables[kind].global, n,
				      ret_arrow);
}
