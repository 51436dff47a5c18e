/* The Backend Authentication state machine, 8.2.9: hands packets to the EAP authenticator and back;
 * and the Reauthentication Timer state machine, 8.2.8. */
#include "eapol/authenticator_machines.h"

MACHINE(backend, struct authenticator_pae);
MACHINE(timer, struct authenticator_pae);

/* The standard has "(portControl != Auto) || initialize || authAbort".  Whatever enters a state for
 * one of the first two reasons sets authAbort. */
static bool aborted(const struct authenticator_pae *pae)
{
	return pae->authAbort;
}

static bool always(const struct authenticator_pae *pae)
{
	(void)pae;
	return true;
}

static bool fail_at_start(const struct authenticator_pae *pae)
{
	return pae->lower->eapFail && pae->authStart;
}

static bool request_at_start(const struct authenticator_pae *pae)
{
	return pae->lower->eapReq && pae->authStart;
}

static bool success_at_start(const struct authenticator_pae *pae)
{
	return pae->lower->eapSuccess && pae->authStart;
}

static bool response_waits(const struct authenticator_pae *pae)
{
	return pae->eapolEap;
}

static bool request_ready(const struct authenticator_pae *pae)
{
	return pae->lower->eapReq;
}

static bool no_request(const struct authenticator_pae *pae)
{
	return pae->lower->eapNoReq;
}

static bool supplicant_silent(const struct authenticator_pae *pae)
{
	return pae->lower->eapTimeout;
}

/* The standard has aWhile alone.  eapTimeout is what the full authenticator makes of aaaTimeout,
 * which RFC 4137 added. */
static bool server_silent(const struct authenticator_pae *pae)
{
	return auth_reached(pae, pae->aWhile) || pae->lower->eapTimeout;
}

static bool failed(const struct authenticator_pae *pae)
{
	return pae->lower->eapFail;
}

static bool succeeded(const struct authenticator_pae *pae)
{
	return pae->lower->eapSuccess;
}

static void conversation_over(struct authenticator_pae *pae)
{
	struct eap_authenticator_lower *lower = pae->lower;

	pae->eapolEap = false;
	pae->aWhile = NEVER;
	lower->eapReq = lower->eapNoReq = false;
	lower->eapSuccess = lower->eapFail = lower->eapTimeout = false;
}

/* abortAuth: the EAP authenticator is DISABLED, and what it had to say comes too late. */
static void enter_initialize(struct authenticator_pae *pae)
{
	conversation_over(pae);
	pae->lower->portEnabled = false;
	pae->lower->eapResp = false;
	pae->authAbort = false;
}

static void enter_idle(struct authenticator_pae *pae)
{
	pae->authStart = false;
}

static void enter_request(struct authenticator_pae *pae)
{
	if (pae->aWhile != NEVER)
		pae->counters.BackendAccessChallenges++;
	pae->aWhile = NEVER;
	pae->request_out = true;
	pae->lower->eapReq = false;
}

/* A Request that waits is a repetition of the one that has just been answered. */
static void enter_response(struct authenticator_pae *pae)
{
	struct eap_authenticator_lower *lower = pae->lower;

	pae->counters.BackendResponses++;
	pae->authTimeout = false;
	pae->eapolEap = false;
	lower->eapNoReq = lower->eapReq = false;
	pae->aWhile = auth_after(pae, pae->config->server_timeout);
	lower->eapResp = true;
	lower->eapRespData = pae->response;
}

static void enter_ignore(struct authenticator_pae *pae)
{
	pae->aWhile = NEVER;
	pae->lower->eapNoReq = false;
}

/* A server may decide without a packet, and RFC 3579, section 2.6.3, has nobody make one up. */
static void send_result(struct authenticator_pae *pae)
{
	pae->request_out = pae->lower->eapReqData.len > 0;
}

static void enter_fail(struct authenticator_pae *pae)
{
	pae->counters.BackendAuthFails++;
	send_result(pae);
	conversation_over(pae);
	pae->authFail = true;
}

static void enter_success(struct authenticator_pae *pae)
{
	pae->counters.BackendAuthSuccesses++;
	send_result(pae);
	conversation_over(pae);
	pae->authSuccess = true;
}

static void enter_timeout(struct authenticator_pae *pae)
{
	conversation_over(pae);
	pae->authTimeout = true;
}

/* clang-format off */
static const struct backend_box backend_global = { "", NULL, {
		{ aborted,              AUTH_BACKEND_INITIALIZE } } };

static const struct backend_box backend_boxes[] = {
	[AUTH_BACKEND_INITIALIZE] = { "INITIALIZE", enter_initialize, {
		{ always,               AUTH_BACKEND_IDLE } } },
	[AUTH_BACKEND_IDLE]       = { "IDLE",       enter_idle, {
		{ fail_at_start,        AUTH_BACKEND_FAIL },
		{ request_at_start,     AUTH_BACKEND_REQUEST },
		{ success_at_start,     AUTH_BACKEND_SUCCESS } } },
	[AUTH_BACKEND_REQUEST]    = { "REQUEST",    enter_request, {
		{ response_waits,       AUTH_BACKEND_RESPONSE },
		{ request_ready,        AUTH_BACKEND_REQUEST },
		{ supplicant_silent,    AUTH_BACKEND_TIMEOUT } } },
	[AUTH_BACKEND_RESPONSE]   = { "RESPONSE",   enter_response, {
		{ no_request,           AUTH_BACKEND_IGNORE },
		{ request_ready,        AUTH_BACKEND_REQUEST },
		{ server_silent,        AUTH_BACKEND_TIMEOUT },
		{ failed,               AUTH_BACKEND_FAIL },
		{ succeeded,            AUTH_BACKEND_SUCCESS } } },
	[AUTH_BACKEND_IGNORE]     = { "IGNORE",     enter_ignore, {
		{ response_waits,       AUTH_BACKEND_RESPONSE },
		{ request_ready,        AUTH_BACKEND_REQUEST },
		{ supplicant_silent,    AUTH_BACKEND_TIMEOUT } } },
	[AUTH_BACKEND_FAIL]       = { "FAIL",       enter_fail, {
		{ always,               AUTH_BACKEND_IDLE } } },
	[AUTH_BACKEND_SUCCESS]    = { "SUCCESS",    enter_success, {
		{ always,               AUTH_BACKEND_IDLE } } },
	[AUTH_BACKEND_TIMEOUT]    = { "TIMEOUT",    enter_timeout, {
		{ always,               AUTH_BACKEND_IDLE } } },
};
/* clang-format on */

bool authenticator_pae_backend_follow(struct authenticator_pae *pae)
{
	return backend_follow("backend", backend_boxes, &backend_global, pae, &pae->backend_state,
			      &pae->observer);
}

const char *authenticator_pae_backend_name(const struct authenticator_pae *pae)
{
	return backend_boxes[pae->backend_state].name;
}

bool authenticator_pae_backend_arrow(size_t n, struct machine_arrow *ret_arrow)
{
	return backend_arrow_at(backend_boxes, sizeof backend_boxes / sizeof backend_boxes[0],
				&backend_global, n, ret_arrow);
}

/* ---- 8.2.8 --------------------------------------------------------------------------------- */

enum timer_state { TIMER_INITIALIZE, TIMER_REAUTHENTICATE };

/* The standard holds the machine in INITIALIZE while the port is not authorised or the timer not
 * enabled, and a counter runs down in the box, also while it is being asked again.  An instant has
 * to be set when that ends: authenticator_pae_begin_session does so.  REAUTHENTICATE is left at
 * once, so that there is nothing that a global arrow would bring back. */
static bool timer_over(const struct authenticator_pae *pae)
{
	return pae->pae_state == AUTH_AUTHENTICATED && auth_reached(pae, pae->reAuthWhen);
}

void authenticator_pae_begin_session(struct authenticator_pae *pae)
{
	msec period = pae->session_timeout;

	pae->session_until = NEVER;
	if (period && !pae->session_reauth) {
		pae->session_until = auth_after(pae, period);
		period = 0;
	}
	period = period ? period : pae->config->reauth_period;
	pae->reAuthWhen = period ? auth_after(pae, period) : NEVER;
}

/* Not before the next success: a conversation takes longer than nothing. */
static void enter_timer_initialize(struct authenticator_pae *pae)
{
	pae->reAuthWhen = NEVER;
}

static void enter_reauthenticate(struct authenticator_pae *pae)
{
	pae->reAuthenticate = true;
}

/* clang-format off */
static const struct timer_box timer_boxes[] = {
	[TIMER_INITIALIZE]     = { "INITIALIZE",     enter_timer_initialize, {
		{ timer_over,           TIMER_REAUTHENTICATE } } },
	[TIMER_REAUTHENTICATE] = { "REAUTHENTICATE", enter_reauthenticate, {
		{ always,               TIMER_INITIALIZE } } },
};
/* clang-format on */

bool authenticator_pae_timer_follow(struct authenticator_pae *pae)
{
	return timer_follow("reauthentication", timer_boxes, NULL, pae, &pae->timer_state,
			    &pae->observer);
}

bool authenticator_pae_timer_arrow(size_t n, struct machine_arrow *ret_arrow)
{
	return timer_arrow_at(timer_boxes, sizeof timer_boxes / sizeof timer_boxes[0], NULL, n,
			      ret_arrow);
}
