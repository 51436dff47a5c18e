/* The Authenticator PAE state machine, 8.2.4. */
#include "eap/packet.h"
#include "eapol/authenticator_machines.h"

MACHINE(pae, struct authenticator_pae);

static bool port_reset(const struct authenticator_pae *pae)
{
	return (pae->portControl == CONTROL_AUTO && pae->portMode != CONTROL_AUTO) ||
	       pae->initialize || !pae->portEnabled;
}

static bool forced(const struct authenticator_pae *pae, enum port_control control)
{
	return pae->portControl == control && pae->portMode != control && !pae->initialize &&
	       pae->portEnabled;
}

static bool authorized_by_force(const struct authenticator_pae *pae)
{
	return forced(pae, CONTROL_FORCE_AUTHORIZED);
}

static bool unauthorized_by_force(const struct authenticator_pae *pae)
{
	return forced(pae, CONTROL_FORCE_UNAUTHORIZED);
}

/* Not in the standard: RFC 3580, section 3.17, has a session end that is not renewed. */
static bool session_over(const struct authenticator_pae *pae)
{
	return pae->portMode == CONTROL_AUTO &&
	       (pae->session_over ||
		(pae->authPortStatus && auth_reached(pae, pae->session_until)));
}

/* The standard has UCT here, and the global condition holds the machine in the box. */
static bool port_enabled(const struct authenticator_pae *pae)
{
	return pae->portEnabled;
}

/* The standard has UCT here: a port at which nobody is would be asked without end. */
static bool worth_asking(const struct authenticator_pae *pae)
{
	return pae->eapolStart || pae->reAuthenticate || auth_reached(pae, pae->txWhen);
}

static bool authenticator_restarted(const struct authenticator_pae *pae)
{
	return !pae->lower->eapRestart;
}

static bool too_often(const struct authenticator_pae *pae)
{
	return pae->reAuthCount > pae->config->reauth_max;
}

static bool conversation_begins(const struct authenticator_pae *pae)
{
	const struct eap_authenticator_lower *lower = pae->lower;

	return (lower->eapReq && !too_often(pae)) || lower->eapSuccess || lower->eapFail;
}

/* eapTimeout is not in the standard's condition: a server that is to begin and does not. */
static bool not_wanted(const struct authenticator_pae *pae)
{
	return pae->eapolLogoff || too_often(pae) || pae->lower->eapTimeout;
}

static bool succeeded(const struct authenticator_pae *pae)
{
	return pae->authSuccess;
}

static bool failed(const struct authenticator_pae *pae)
{
	return pae->authFail;
}

static bool broken_off(const struct authenticator_pae *pae)
{
	return pae->reAuthenticate || pae->eapolStart || pae->eapolLogoff || pae->authTimeout;
}

static bool asked_again(const struct authenticator_pae *pae)
{
	return pae->eapolStart || pae->reAuthenticate;
}

static bool logged_off(const struct authenticator_pae *pae)
{
	return pae->eapolLogoff;
}

static bool aborted_by_logoff(const struct authenticator_pae *pae)
{
	return pae->eapolLogoff && !pae->authAbort;
}

static bool aborted(const struct authenticator_pae *pae)
{
	return !pae->eapolLogoff && !pae->authAbort;
}

static bool quiet_enough(const struct authenticator_pae *pae)
{
	return auth_reached(pae, pae->quietWhile);
}

static bool start_heard(const struct authenticator_pae *pae)
{
	return pae->eapolStart;
}

/* ---- what is done -------------------------------------------------------------------------- */

static void unauthorize(struct authenticator_pae *pae)
{
	pae->authPortStatus = false;
	pae->session_until = pae->reAuthWhen = NEVER;
	pae->session_timeout = 0;
	pae->session_reauth = false;
}

static void enter_initialize(struct authenticator_pae *pae)
{
	unauthorize(pae);
	pae->portMode = CONTROL_AUTO;
	pae->initialize = false;
	pae->eapolStart = pae->eapolLogoff = pae->reAuthenticate = pae->session_over = false;
	pae->reAuthCount = 0;
	pae->authAbort = true;
}

static void enter_disconnected(struct authenticator_pae *pae)
{
	bool silent = pae->eapolLogoff || too_often(pae) || pae->lower->eapTimeout;
	msec wait = pae->config->tx_period ? pae->config->tx_period : NEVER;

	if (pae->left == AUTH_CONNECTING && pae->eapolLogoff)
		pae->counters.EapLogoffsWhileConnecting++;
	if (pae->left == AUTH_AUTHENTICATED && pae->eapolLogoff)
		pae->counters.AuthEapLogoffWhileAuthenticated++;
	pae->txWhen = silent ? auth_after(pae, wait) : pae->now.mono;
	unauthorize(pae);
	pae->reAuthCount = 0;
	pae->eapolLogoff = pae->session_over = false;
	/* A server that answers nobody answers this Start no better. */
	pae->eapolStart = pae->eapolStart && !pae->lower->eapTimeout;
	pae->authAbort = true;
}

static void enter_restart(struct authenticator_pae *pae)
{
	if (pae->left == AUTH_AUTHENTICATED && pae->eapolStart)
		pae->counters.AuthEapStartsWhileAuthenticated++;
	else if (pae->left == AUTH_AUTHENTICATED)
		pae->counters.AuthReauthsWhileAuthenticated++;
	pae->lower->portEnabled = true;
	pae->lower->eapRestart = true;
}

static void enter_connecting(struct authenticator_pae *pae)
{
	pae->counters.EntersConnecting++;
	pae->reAuthenticate = false;
	pae->reAuthCount = pae->eapolStart ? 1 : pae->reAuthCount + 1;
}

static void enter_authenticating(struct authenticator_pae *pae)
{
	pae->counters.EntersAuthenticating++;
	pae->eapolStart = false;
	pae->authSuccess = pae->authFail = pae->authTimeout = false;
	pae->authStart = true;
}

static void enter_authenticated(struct authenticator_pae *pae)
{
	pae->counters.AuthSuccessesWhileAuthenticating++;
	pae->authPortStatus = true;
	pae->reAuthCount = 0;
	authenticator_pae_begin_session(pae);
}

static void enter_aborting(struct authenticator_pae *pae)
{
	struct authenticator_pae_counters *c = &pae->counters;

	c->AuthReauthsWhileAuthenticating += pae->reAuthenticate;
	c->AuthEapStartsWhileAuthenticating += pae->eapolStart;
	c->AuthEapLogoffWhileAuthenticating += pae->eapolLogoff;
	c->AuthTimeoutsWhileAuthenticating += pae->authTimeout;
	pae->authAbort = true;
}

static void enter_held(struct authenticator_pae *pae)
{
	pae->counters.AuthFailWhileAuthenticating++;
	unauthorize(pae);
	pae->quietWhile = auth_after(pae, pae->excused ? 0 : pae->config->quiet_period);
	pae->excused = false;
	pae->eapolLogoff = false;
}

static void canned(struct authenticator_pae *pae, enum eap_code code)
{
	struct wr w = wr_of(pae->canned, sizeof pae->canned);

	eap_packet_build_result(&w, code, 0);
	pae->canned_out = true;
	pae->eapolStart = false;
}

static void enter_force_auth(struct authenticator_pae *pae)
{
	unauthorize(pae);
	pae->authPortStatus = true;
	pae->portMode = CONTROL_FORCE_AUTHORIZED;
	pae->authAbort = true;
	canned(pae, EAP_SUCCESS);
}

static void enter_force_unauth(struct authenticator_pae *pae)
{
	unauthorize(pae);
	pae->portMode = CONTROL_FORCE_UNAUTHORIZED;
	pae->authAbort = true;
	canned(pae, EAP_FAILURE);
}

/* clang-format off */
static const struct pae_box pae_global = { "", NULL, {
		{ port_reset,               AUTH_INITIALIZE },
		{ authorized_by_force,      AUTH_FORCE_AUTH },
		{ unauthorized_by_force,    AUTH_FORCE_UNAUTH },
		{ session_over,             AUTH_DISCONNECTED } } };

static const struct pae_box pae_boxes[] = {
	[AUTH_INITIALIZE]     = { "INITIALIZE",     enter_initialize, {
		{ port_enabled,             AUTH_DISCONNECTED } } },
	[AUTH_DISCONNECTED]   = { "DISCONNECTED",   enter_disconnected, {
		{ worth_asking,             AUTH_RESTART } } },
	[AUTH_RESTART]        = { "RESTART",        enter_restart, {
		{ authenticator_restarted,  AUTH_CONNECTING } } },
	[AUTH_CONNECTING]     = { "CONNECTING",     enter_connecting, {
		{ conversation_begins,      AUTH_AUTHENTICATING },
		{ not_wanted,               AUTH_DISCONNECTED } } },
	[AUTH_AUTHENTICATING] = { "AUTHENTICATING", enter_authenticating, {
		{ succeeded,                AUTH_AUTHENTICATED },
		{ failed,                   AUTH_HELD },
		{ broken_off,               AUTH_ABORTING } } },
	[AUTH_AUTHENTICATED]  = { "AUTHENTICATED",  enter_authenticated, {
		{ asked_again,              AUTH_RESTART },
		{ logged_off,               AUTH_DISCONNECTED } } },
	[AUTH_ABORTING]       = { "ABORTING",       enter_aborting, {
		{ aborted_by_logoff,        AUTH_DISCONNECTED },
		{ aborted,                  AUTH_RESTART } } },
	[AUTH_HELD]           = { "HELD",           enter_held, {
		{ quiet_enough,             AUTH_RESTART } } },
	[AUTH_FORCE_AUTH]     = { "FORCE_AUTH",     enter_force_auth, {
		{ start_heard,              AUTH_FORCE_AUTH } } },
	[AUTH_FORCE_UNAUTH]   = { "FORCE_UNAUTH",   enter_force_unauth, {
		{ start_heard,              AUTH_FORCE_UNAUTH } } },
};
/* clang-format on */

bool authenticator_pae_follow(struct authenticator_pae *pae)
{
	int left = pae->left;

	/* Some of what is done on entry depends on where from. */
	pae->left = pae->pae_state;
	if (pae_follow("authenticator", pae_boxes, &pae_global, pae, &pae->pae_state,
		       &pae->observer))
		return true;
	pae->left = left;
	return false;
}

const char *authenticator_pae_state_name(const struct authenticator_pae *pae)
{
	return pae_boxes[pae->pae_state].name;
}

bool authenticator_pae_arrow(size_t n, struct machine_arrow *ret_arrow)
{
	return pae_arrow_at(pae_boxes, sizeof pae_boxes / sizeof pae_boxes[0], &pae_global, n,
			    ret_arrow);
}
