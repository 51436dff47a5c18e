/* The Supplicant Backend state machine, 8.2.12: hands packets to the EAP peer and back. */
#include "eapol/supplicant_machines.h"

MACHINE(backend, struct supplicant);

static bool aborted(const struct supplicant *pae)
{
	return pae->suppAbort;
}

static bool always(const struct supplicant *pae)
{
	(void)pae;
	return true;
}

static bool fail_at_start(const struct supplicant *pae)
{
	return pae->lower->eapFail && pae->suppStart;
}

static bool request_at_start(const struct supplicant *pae)
{
	return pae->eapolEap && pae->suppStart;
}

static bool success_at_start(const struct supplicant *pae)
{
	return pae->lower->eapSuccess && pae->suppStart;
}

static bool response_ready(const struct supplicant *pae)
{
	return pae->lower->eapResp;
}

static bool no_response(const struct supplicant *pae)
{
	return pae->lower->eapNoResp;
}

static bool request_waits(const struct supplicant *pae)
{
	return pae->eapolEap;
}

static bool peer_failed(const struct supplicant *pae)
{
	return pae->lower->eapFail;
}

static bool peer_succeeded(const struct supplicant *pae)
{
	return pae->lower->eapSuccess;
}

static bool authenticator_silent(const struct supplicant *pae)
{
	return reached(pae, pae->authWhile);
}

/* abortSupp: the peer is DISABLED, what it had to say comes too late, and so does a Request that it
 * has not seen. */
static void enter_initialize(struct supplicant *pae)
{
	pae->lower->portEnabled = false;
	pae->lower->eapReq = false;
	pae->lower->eapSuccess = pae->lower->eapFail = false;
	pae->suppAbort = false;
}

static void enter_idle(struct supplicant *pae)
{
	pae->suppStart = false;
}

static void enter_request(struct supplicant *pae)
{
	pae->authWhile = NEVER;
	pae->lower->eapReq = true;
	pae->lower->eapReqData = pae->request;
}

static void enter_response(struct supplicant *pae)
{
	pae->response_out = true;
	pae->lower->eapResp = false;
}

static void enter_receive(struct supplicant *pae)
{
	pae->authWhile = after(pae, pae->config->auth_period);
	pae->eapolEap = false;
	pae->lower->eapNoResp = false;
}

/* The standard clears eapolEap in RECEIVE only.  A Request that ends the conversation at once would
 * wake HELD again, restart the peer, fail again, for ever. */
static void conversation_over(struct supplicant *pae)
{
	pae->authWhile = NEVER;
	pae->eapolEap = false;
	pae->lower->eapReq = false;
	pae->lower->eapSuccess = pae->lower->eapFail = false;
}

static void enter_fail(struct supplicant *pae)
{
	pae->suppFail = true;
	pae->counters.failures++;
	conversation_over(pae);
}

static void enter_timeout(struct supplicant *pae)
{
	pae->suppTimeout = true;
	pae->counters.timeouts++;
}

static void enter_success(struct supplicant *pae)
{
	pae->suppSuccess = true;
	pae->counters.successes++;
	conversation_over(pae);
}

/* The exits of RECEIVE are in an order of ours (the figure has none): when authPeriod and
 * ClientTimeout end at once, a peer that was told of its success has succeeded, and for any other
 * the authenticator was silent, which is no reason for HELD. */
/* clang-format off */
static const struct backend_box backend_global = { "", NULL, {
		{ aborted,              BACKEND_INITIALIZE } } };

static const struct backend_box backend_boxes[] = {
	[BACKEND_INITIALIZE] = { "INITIALIZE", enter_initialize, {
		{ always,               BACKEND_IDLE } } },
	[BACKEND_IDLE]       = { "IDLE",       enter_idle, {
		{ fail_at_start,        BACKEND_FAIL },
		{ request_at_start,     BACKEND_REQUEST },
		{ success_at_start,     BACKEND_SUCCESS } } },
	[BACKEND_REQUEST]    = { "REQUEST",    enter_request, {
		{ response_ready,       BACKEND_RESPONSE },
		{ no_response,          BACKEND_RECEIVE },
		{ peer_failed,          BACKEND_FAIL },
		{ peer_succeeded,       BACKEND_SUCCESS } } },
	[BACKEND_RESPONSE]   = { "RESPONSE",   enter_response, {
		{ always,               BACKEND_RECEIVE } } },
	[BACKEND_RECEIVE]    = { "RECEIVE",    enter_receive, {
		{ request_waits,        BACKEND_REQUEST },
		{ peer_succeeded,       BACKEND_SUCCESS },
		{ authenticator_silent, BACKEND_TIMEOUT },
		{ peer_failed,          BACKEND_FAIL } } },
	[BACKEND_FAIL]       = { "FAIL",       enter_fail, {
		{ always,               BACKEND_IDLE } } },
	[BACKEND_TIMEOUT]    = { "TIMEOUT",    enter_timeout, {
		{ always,               BACKEND_IDLE } } },
	[BACKEND_SUCCESS]    = { "SUCCESS",    enter_success, {
		{ always,               BACKEND_IDLE } } },
};
/* clang-format on */

bool supplicant_backend_follow(struct supplicant *pae)
{
	return backend_follow("backend", backend_boxes, &backend_global, pae, &pae->backend_state,
			      &pae->observer);
}

const char *supplicant_backend_name(const struct supplicant *pae)
{
	return backend_boxes[pae->backend_state].name;
}

bool supplicant_backend_arrow(size_t n, struct machine_arrow *ret_arrow)
{
	return backend_arrow_at(backend_boxes, sizeof backend_boxes / sizeof backend_boxes[0],
				&backend_global, n, ret_arrow);
}
