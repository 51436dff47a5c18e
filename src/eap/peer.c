/* The table at the end of this file is Appendix A.1 of RFC 4137, box by box and exit by exit; the
 * enter functions are what the boxes do.  Where we differ, it says "Deviation". */
#include "eap/peer.h"

#include "eap/peer_parts.h"

#include <assert.h>
#include <string.h>

#define NONE (-1) /* lastId before the first Request */

enum state {
	DISABLED,
	INITIALIZE,
	IDLE,
	RECEIVED,
	METHOD,
	GET_METHOD,
	IDENTITY,
	NOTIFICATION,
	RETRANSMIT,
	DISCARD,
	SEND_RESPONSE,
	SUCCESS,
	FAILURE,
	STATES
};

MACHINE(peer, struct eap_peer);

/* ---- what the boxes do --------------------------------------------------------------- */

static void start_idle_while(struct eap_peer *p)
{
	msec timeout = p->config->client_timeout;

	p->idle_deadline = msec_after(p->now.mono, timeout ? timeout : EAP_CLIENT_TIMEOUT_DEFAULT);
}

static void drop_keys(struct eap_peer *p)
{
	eap_keys_done(&p->keys);
	p->lower->eapKeyData = NULL;
	p->lower->eapKeyAvailable = false;
}

static void enter_initialize(struct eap_peer *p)
{
	peer_stop_method(p);
	p->selectedMethod = NULL;
	p->methodState = METHOD_NONE;
	p->allowNotifications = true;
	p->decision = FAIL;
	start_idle_while(p);
	p->lastId = NONE;
	p->lower->eapSuccess = false;
	p->lower->eapFail = false;
	drop_keys(p);
	p->lower->eapRestart = false;

	p->rounds = 0;
	p->refused = eap_type(0);
	p->identity_sent = p->insisted = p->malformed = p->unbuildable = false;
	diagnosis_set(&p->diagnosis, DIAG_NONE);
}

/* RFC 3748, section 5: a Nak, and type 0 within it, "MUST NOT be sent in a Request". */
static bool never_requested(struct eap_type type)
{
	return eap_type_eq(type, eap_type(0)) || eap_type_eq(type, eap_type(EAP_TYPE_NAK));
}

static enum status parse_request(struct eap_peer *p)
{
	enum status status = eap_packet_parse(p->lower->eapReqData, &p->request);

	if (status == OK && p->request.code == EAP_REQUEST && never_requested(p->request.type))
		return MALFORMED;
	return status;
}

/* parseEapReq: all that is not a Request, Success or Failure takes the arrow to DISCARD. */
static void enter_received(struct eap_peer *p)
{
	p->rxReq = p->rxSuccess = p->rxFailure = false;
	if (parse_request(p) != OK) {
		p->counters.malformed++;
		p->malformed = true;
		return;
	}
	switch ((enum eap_code)p->request.code) {
	case EAP_REQUEST:
		p->rxReq = true;
		p->counters.requests++;
		break;
	case EAP_SUCCESS:
		p->rxSuccess = true;
		break;
	case EAP_FAILURE:
		p->rxFailure = true;
		break;
	case EAP_RESPONSE:
		break;
	/* Deviation: RFC 4137 does not know them.  Who does not do ERP "MUST silently discard"
	 * them: RFC 6696, section 5.3.1.2. */
	case EAP_INITIATE:
	case EAP_FINISH:
		p->counters.initiate_finish++;
		break;
	}
}

static void enter_method(struct eap_peer *p)
{
	const struct eap_peer_method *m = p->selectedMethod->method;
	void *self = p->selectedMethod->self;

	p->ignore = m->check && m->check(self, &p->request);
	if (p->ignore)
		return;

	struct eap_verdict verdict = m->process(self, &p->request, p->now);

	assert(verdict.methodState != METHOD_CONT || verdict.decision == FAIL); /* section 4.2 */
	p->methodState = verdict.methodState;
	p->decision = verdict.decision;
	p->allowNotifications = verdict.allowNotifications;
	if (!peer_respond_method(p)) {
		/* The method has moved on, so the Request cannot be processed again. */
		p->methodState = METHOD_DONE;
		p->decision = FAIL;
		p->unbuildable = true;
	}
	if (m->take_keys && m->take_keys(self, &p->keys))
		p->lower->eapKeyData = &p->keys;
}

/* RFC 3748, section 5.3.1, lets a Nak name whatever is desired, so also what was proposed.  A
 * server that has nothing better proposes it again, if it knows this. */
static bool insists(struct eap_peer *p)
{
	bool first =
		p->config->insists && !p->insisted && p->selectedMethod != &p->config->offers[0];

	p->insisted = p->insisted || first;
	return first;
}

static void enter_get_method(struct eap_peer *p)
{
	peer_stop_method(p);
	p->selectedMethod = peer_find_offer(p, p->request.type);
	if (p->selectedMethod && insists(p))
		p->selectedMethod = NULL;
	if (p->selectedMethod) {
		peer_start_method(p);
	} else {
		p->refused = p->request.type;
		p->counters.naks++;
		peer_respond_nak(p);
	}
}

/* The message that a Request may show to a user is nothing to a machine. */
static void enter_identity(struct eap_peer *p)
{
	peer_respond(p, eap_type(EAP_TYPE_IDENTITY), p->config->identity);
	p->identity_sent = true;
}

static void enter_notification(struct eap_peer *p)
{
	printable(p->request.data, p->notification, sizeof p->notification);
	p->notified = true;
	p->counters.notifications++;
	peer_respond(p, eap_type(EAP_TYPE_NOTIFICATION), (struct slice){ 0 });
}

/* lastRespData is in eapRespData still.  It is the answer whatever the Request holds: RFC 3748,
 * section 4.1, "MUST resend its original Response without reprocessing the Request", and it is the
 * Identifier alone that tells a duplicate. */
static void enter_retransmit(struct eap_peer *p)
{
	p->counters.retransmissions++;
}

/* What is known of the packet, 4.3.2, is "not maintained between packets". */
static void forget_packet(struct eap_peer *p)
{
	p->rxReq = p->rxSuccess = p->rxFailure = false;
	p->lower->eapReq = false;
}

static void enter_discard(struct eap_peer *p)
{
	forget_packet(p);
	p->lower->eapNoResp = true;
	p->counters.discarded++;
}

static void enter_send_response(struct eap_peer *p)
{
	/* Deviation: a response that could not be built (no memory) is as if the Request had been
	 * lost on its way here; the authenticator will send it again. */
	if (p->eapRespData.len == 0) {
		enter_discard(p);
		return;
	}
	p->rounds += p->lastId != p->request.id;
	p->lastId = p->request.id;
	forget_packet(p);
	p->lower->eapRespData = bytes_slice(&p->eapRespData);
	p->lower->eapResp = true;
	start_idle_while(p);

	p->counters.responses++;
	p->malformed = false;
}

/* Nothing is repeated after the end. */
static void drop_response(struct eap_peer *p)
{
	p->lower->eapRespData = slice_of(NULL, 0);
	if (p->eapRespData.p)
		explicit_bzero(p->eapRespData.p, p->eapRespData.cap);
	bytes_done(&p->eapRespData);
}

/* Deviation: SUCCESS and FAILURE also tell the lower layer that the packet has been dealt with.
 * RFC 4137 leaves eapReq set, and the next conversation would begin with the end of this one. */
static void conclude(struct eap_peer *p)
{
	p->lower->eapNoResp = p->lower->eapNoResp || p->lower->eapReq;
	forget_packet(p);
	drop_response(p);
}

static void enter_success(struct eap_peer *p)
{
	conclude(p);
	peer_tell_success(p);
	peer_stop_method(p);
	if (p->lower->eapKeyData)
		p->lower->eapKeyAvailable = true;
	p->lower->eapSuccess = true;
}

static void enter_failure(struct eap_peer *p)
{
	peer_explain(p, &p->diagnosis);
	conclude(p);
	peer_stop_method(p);
	drop_keys(p);
	p->lower->eapFail = true;
}

/* ---- conditions ---------------------------------------------------------------------- */

static bool always(const struct eap_peer *p)
{
	(void)p;
	return true;
}

static bool port_disabled(const struct eap_peer *p)
{
	return !p->lower->portEnabled;
}

static bool port_enabled(const struct eap_peer *p)
{
	return p->lower->portEnabled;
}

static bool restart(const struct eap_peer *p)
{
	return p->lower->eapRestart && p->lower->portEnabled;
}

static bool have_packet(const struct eap_peer *p)
{
	return p->lower->eapReq;
}

static bool timed_out(const struct eap_peer *p)
{
	return p->now.mono >= p->idle_deadline;
}

static bool idle_accept(const struct eap_peer *p)
{
	return (p->lower->altAccept && p->decision != FAIL) ||
	       (timed_out(p) && p->decision == UNCOND_SUCC);
}

static bool idle_reject(const struct eap_peer *p)
{
	return p->lower->altReject || (timed_out(p) && p->decision != UNCOND_SUCC) ||
	       (p->lower->altAccept && p->methodState != METHOD_CONT && p->decision == FAIL);
}

static bool new_request(const struct eap_peer *p)
{
	return p->rxReq && p->request.id != p->lastId;
}

static bool requests(const struct eap_peer *p, uint8_t type)
{
	return eap_type_eq(p->request.type, eap_type(type));
}

/* Deviation: RFC 4137 lets a server ask for ever. */
static bool too_many_rounds(const struct eap_peer *p)
{
	unsigned max = p->config->max_rounds;

	return new_request(p) && p->rounds >= (max ? max : EAP_ROUNDS_DEFAULT);
}

static bool method_goes_on(const struct eap_peer *p)
{
	return new_request(p) && p->selectedMethod &&
	       eap_type_eq(p->request.type, p->selectedMethod->method->type) &&
	       p->methodState != METHOD_DONE;
}

/* Deviation: RFC 4137 has no way back from a method once it is selected.  Then a single Request
 * that was slipped in or belongs to the last conversation, and that the method ignored, would keep
 * the port closed until the time-out.  RFC 3748, section 2.1, forbids another method only after a
 * Response. */
static bool method_in_use(const struct eap_peer *p)
{
	return p->selectedMethod && p->methodState != METHOD_INIT;
}

static bool method_proposed(const struct eap_peer *p)
{
	return new_request(p) && !method_in_use(p) && !requests(p, EAP_TYPE_IDENTITY) &&
	       !requests(p, EAP_TYPE_NOTIFICATION);
}

static bool identity_requested(const struct eap_peer *p)
{
	return new_request(p) && !method_in_use(p) && requests(p, EAP_TYPE_IDENTITY);
}

static bool notification_allowed(const struct eap_peer *p)
{
	return new_request(p) && requests(p, EAP_TYPE_NOTIFICATION) && p->allowNotifications;
}

static bool repeated_request(const struct eap_peer *p)
{
	return p->rxReq && p->request.id == p->lastId;
}

static bool success_welcome(const struct eap_peer *p)
{
	return p->rxSuccess && p->request.id == p->lastId && p->decision != FAIL;
}

static bool failure_final(const struct eap_peer *p)
{
	return p->methodState != METHOD_CONT &&
	       ((p->rxFailure && p->decision != UNCOND_SUCC) ||
		(p->rxSuccess && p->decision == FAIL)) &&
	       p->request.id == p->lastId;
}

static bool ignored(const struct eap_peer *p)
{
	return p->ignore;
}

static bool method_failed(const struct eap_peer *p)
{
	return p->methodState == METHOD_DONE && p->decision == FAIL;
}

static bool method_selected(const struct eap_peer *p)
{
	return p->selectedMethod != NULL;
}

/* ---- the table ----------------------------------------------------------------------- */

/* clang-format off */
static const struct peer_box global = { "*", NULL, {
		{ port_disabled,	DISABLED },
		{ restart,		INITIALIZE } } };

static const struct peer_box boxes[STATES] = {
	[DISABLED] = { "DISABLED", NULL, {
		{ port_enabled,		INITIALIZE } } },
	[INITIALIZE] = { "INITIALIZE", enter_initialize, {
		{ always,		IDLE } } },
	[IDLE] = { "IDLE", NULL, {
		{ have_packet,		RECEIVED },
		{ idle_accept,		SUCCESS },
		{ idle_reject,		FAILURE } } },

	[RECEIVED] = { "RECEIVED", enter_received, {
		{ too_many_rounds,	FAILURE },	/* Deviation */
		{ method_goes_on,	METHOD },
		{ method_proposed,	GET_METHOD },
		{ identity_requested,	IDENTITY },
		{ notification_allowed,	NOTIFICATION },
		{ repeated_request,	RETRANSMIT },
		{ success_welcome,	SUCCESS },
		{ failure_final,	FAILURE },
		{ always,		DISCARD } } },

	[METHOD] = { "METHOD", enter_method, {
		{ ignored,		DISCARD },
		{ method_failed,	FAILURE },
		{ always,		SEND_RESPONSE } } },

	[GET_METHOD] = { "GET_METHOD", enter_get_method, {
		{ method_selected,	METHOD },
		{ always,		SEND_RESPONSE } } },
	[IDENTITY] = { "IDENTITY", enter_identity, {
		{ always,		SEND_RESPONSE } } },
	[NOTIFICATION] = { "NOTIFICATION", enter_notification, {
		{ always,		SEND_RESPONSE } } },
	[RETRANSMIT] = { "RETRANSMIT", enter_retransmit, {
		{ always,		SEND_RESPONSE } } },
	[DISCARD] = { "DISCARD", enter_discard, {
		{ always,		IDLE } } },
	[SEND_RESPONSE] = { "SEND_RESPONSE", enter_send_response, {
		{ always,		IDLE } } },
	[SUCCESS] = { "SUCCESS", enter_success, { { 0 } } },
	[FAILURE] = { "FAILURE", enter_failure, { { 0 } } },
};
/* clang-format on */

void eap_peer_init(struct eap_peer *peer, const struct eap_peer_config *config,
		   struct eap_lower *lower)
{
	*peer = (struct eap_peer){
		.config = config,
		.lower = lower,
		.state = DISABLED,
		.lastId = NONE,
		.idle_deadline = NEVER,
	};
}

void eap_peer_done(struct eap_peer *peer)
{
	peer_stop_method(peer);
	peer->selectedMethod = NULL;
	drop_keys(peer);
	drop_response(peer);
}

void eap_peer_reconfigure(struct eap_peer *peer)
{
	peer_stop_method(peer);
	peer->selectedMethod = NULL;
}

void eap_peer_step(struct eap_peer *peer, struct moment now)
{
	peer->now = now;
	for (int i = 0; peer_follow("eap", boxes, &global, peer, &peer->state, &peer->observer);
	     i++)
		assert(i < MACHINE_STEPS_MAX);

	/* Deviation: a packet that meets DISABLED, SUCCESS or FAILURE does not wait for the next
	 * conversation, for it is borrowed. */
	if (peer->lower->eapReq)
		enter_discard(peer);
	peer->request.data = peer->lower->eapReqData = (struct slice){ 0 };
}

msec eap_peer_deadline(const struct eap_peer *peer)
{
	return peer->state == IDLE ? peer->idle_deadline : NEVER;
}

const char *eap_peer_state_name(const struct eap_peer *peer)
{
	return boxes[peer->state].name;
}

bool eap_peer_arrow(size_t n, struct machine_arrow *ret_arrow)
{
	return peer_arrow_at(boxes, STATES, &global, n, ret_arrow);
}

void eap_peer_diagnose(const struct eap_peer *peer, struct diagnosis *ret_diagnosis)
{
	if (peer->state == FAILURE)
		*ret_diagnosis = peer->diagnosis;
	else if (peer->state == SUCCESS)
		diagnosis_set(ret_diagnosis, DIAG_NONE);
	else
		peer_explain(peer, ret_diagnosis);
}
