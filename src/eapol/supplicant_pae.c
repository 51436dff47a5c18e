/* The Supplicant PAE state machine, 8.2.11.
 *
 * S_FORCE_AUTH and S_FORCE_UNAUTH are left out: a port that is not to be authenticated has no PAE.
 * So are keyRun and keyDone, which belong to the key machine of clause 8.2.9, WEP. */
#include "eapol/supplicant_machines.h"

MACHINE(pae, struct supplicant);

static bool logoff_wanted(const struct supplicant *pae)
{
	return pae->userLogoff && !pae->logoffSent && pae->portEnabled && !pae->initialize;
}

static bool port_lost(const struct supplicant *pae)
{
	return pae->initialize || !pae->portEnabled;
}

static bool logoff_over(const struct supplicant *pae)
{
	return !pae->userLogoff;
}

/* The standard has UCT here, and the global condition holds the machine in the box. */
static bool port_enabled(const struct supplicant *pae)
{
	return pae->portEnabled;
}

static bool request_waits(const struct supplicant *pae)
{
	return pae->eapolEap;
}

/* The standard has "eapSuccess || eapFail".  An eapFail that comes when authPeriod is over says no
 * more than that, and Starts are under way already. */
static bool late_success(const struct supplicant *pae)
{
	return pae->lower->eapSuccess;
}

/* The standard has "startWhen == 0 && startCount >= maxStart && portValid", so that an
 * authenticator that is not there opens the port.  Here it only keeps open what was. */
static bool unanswered_but_authorised(const struct supplicant *pae)
{
	return pae->suppPortStatus && !pae->insists && supplicant_unanswered(pae);
}

/* Instead of going to HELD after the last Start, the machine stays and listens. */
static bool start_due(const struct supplicant *pae)
{
	return pae->start_wanted || (reached(pae, pae->startWhen) &&
				     (pae->insists || pae->startCount < pae->config->start_max));
}

static bool peer_restarted(const struct supplicant *pae)
{
	return !pae->lower->eapRestart;
}

static bool succeeded(const struct supplicant *pae)
{
	return pae->suppSuccess && pae->portValid;
}

static bool failed(const struct supplicant *pae)
{
	return pae->suppFail;
}

static bool timed_out(const struct supplicant *pae)
{
	return pae->suppTimeout;
}

static bool request_waits_on_valid_port(const struct supplicant *pae)
{
	return pae->eapolEap && pae->portValid;
}

static bool port_invalid(const struct supplicant *pae)
{
	return !pae->portValid;
}

/* In the standard only the authenticator reauthenticates.  Here the user and a timer may as well,
 * and a Failure out of nowhere is a reason to ask: an authenticator that was restarted says so. */
static bool reauthentication_due(const struct supplicant *pae)
{
	return pae->start_wanted || reached(pae, pae->reauth_at) ||
	       (pae->failure_heard && reached(pae, pae->probe_at));
}

/* The standard has eapolEap alone, and whoever can send frames has all our time. */
static bool request_is_not_too_hasty(const struct supplicant *pae)
{
	return pae->eapolEap &&
	       (pae->haste <= SUPPLICANT_HASTE_MAX || reached(pae, pae->haste_until));
}

static bool held_enough(const struct supplicant *pae)
{
	return pae->start_wanted || reached(pae, pae->heldWhile);
}

/* suppAbort is not in the standard's box: it would go on answering Requests after a Logoff. */
static void enter_logoff(struct supplicant *pae)
{
	pae->logoff_out = true;
	pae->logoffSent = true;
	pae->suppPortStatus = false;
	pae->suppAbort = true;
}

static void enter_disconnected(struct supplicant *pae)
{
	pae->initialize = false;
	pae->startCount = 0;
	pae->insists = false;
	pae->logoffSent = false;
	pae->suppPortStatus = false;
	pae->suppAbort = true;
}

/* startPeriod grows: a switch that is still booting is met early, a silent one is not bothered. */
static msec start_period(const struct supplicant *pae)
{
	msec period = pae->config->start_first;

	for (unsigned i = 1; i < pae->startCount && period < pae->config->start_ceiling; i++)
		period *= 3;
	return msec_earlier(period, pae->config->start_ceiling);
}

static bool keeps_quiet(const struct supplicant *pae)
{
	return pae->config->passive && !pae->heard && !pae->start_wanted && pae->startCount == 0;
}

static void enter_connecting(struct supplicant *pae)
{
	pae->eapolEap = false;
	if (keeps_quiet(pae)) {
		pae->startWhen = NEVER;
		return;
	}
	if (pae->failure_heard)
		pae->probe_at = after(pae, pae->config->start_ceiling);
	pae->failure_heard = false;
	pae->start_wanted = false;
	pae->startCount++;
	pae->startWhen = after(pae, start_period(pae));
	pae->start_out = true;
}

/* The peer begins afresh.  eapolEap stays set: the Request that brought us here comes next. */
static void enter_restart(struct supplicant *pae)
{
	pae->lower->portEnabled = true;
	pae->lower->eapRestart = true;
}

static void enter_authenticating(struct supplicant *pae)
{
	pae->startCount = 0;
	pae->start_wanted = false;
	pae->suppSuccess = false;
	pae->suppFail = false;
	pae->suppTimeout = false;
	pae->suppStart = true;
}

static void enter_authenticated(struct supplicant *pae)
{
	msec period = pae->config->reauth_period;

	if (pae->startCount > 0)
		pae->counters.reauth_unanswered++;
	pae->startCount = 0;
	pae->insists = false;
	pae->failure_heard = false;
	pae->reauth_at = period ? after(pae, period) : NEVER;
	pae->suppPortStatus = true;
}

static void enter_held(struct supplicant *pae)
{
	pae->insists = false;
	pae->heldWhile = after(pae, pae->config->held_period);
	pae->suppPortStatus = false;
	if (reached(pae, pae->haste_until)) {
		pae->haste = 0;
		pae->haste_until = after(pae, SUPPLICANT_HASTE_PERIOD);
	}
	pae->haste++;
}

/* clang-format off */
static const struct pae_box pae_global = { "", NULL, {
		{ logoff_wanted,               PAE_LOGOFF },
		{ port_lost,                   PAE_DISCONNECTED } } };

static const struct pae_box pae_boxes[] = {
	[PAE_LOGOFF]         = { "LOGOFF",         enter_logoff, {
		{ logoff_over,                 PAE_DISCONNECTED } } },
	[PAE_DISCONNECTED]   = { "DISCONNECTED",   enter_disconnected, {
		{ port_enabled,                PAE_CONNECTING } } },
	[PAE_CONNECTING]     = { "CONNECTING",     enter_connecting, {
		{ request_waits,               PAE_RESTART },
		{ late_success,                PAE_AUTHENTICATING },
		{ unanswered_but_authorised,   PAE_AUTHENTICATED },
		{ start_due,                   PAE_CONNECTING } } },
	[PAE_RESTART]        = { "RESTART",        enter_restart, {
		{ peer_restarted,              PAE_AUTHENTICATING } } },
	[PAE_AUTHENTICATING] = { "AUTHENTICATING", enter_authenticating, {
		{ succeeded,                   PAE_AUTHENTICATED },
		{ failed,                      PAE_HELD },
		{ timed_out,                   PAE_CONNECTING } } },
	[PAE_AUTHENTICATED]  = { "AUTHENTICATED",  enter_authenticated, {
		{ request_waits_on_valid_port, PAE_RESTART },
		{ port_invalid,                PAE_DISCONNECTED },
		{ reauthentication_due,        PAE_CONNECTING } } },
	[PAE_HELD]           = { "HELD",           enter_held, {
		{ request_is_not_too_hasty,    PAE_RESTART },
		{ held_enough,                 PAE_CONNECTING } } },
};
/* clang-format on */

bool supplicant_pae_follow(struct supplicant *pae)
{
	return pae_follow("supplicant", pae_boxes, &pae_global, pae, &pae->pae_state,
			  &pae->observer);
}

const char *supplicant_state_name(const struct supplicant *pae)
{
	return pae_boxes[pae->pae_state].name;
}

bool supplicant_pae_arrow(size_t n, struct machine_arrow *ret_arrow)
{
	return pae_arrow_at(pae_boxes, sizeof pae_boxes / sizeof pae_boxes[0], &pae_global, n,
			    ret_arrow);
}
