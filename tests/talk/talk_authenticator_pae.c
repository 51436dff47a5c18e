/* Conversations with the authenticator PAE: tests/talk/guard*.txt.  In the place of the EAP
 * authenticator stand lines that set its variables; by itself it only asks for the identity when it
 * is restarted, with the identifiers 1, 2, 3 …  The lines:
 *
 *	set NAME N	of authenticator_pae_config, by its name there; before "up"
 *	begins WHAT	what EAP does when restarted: request (the default), nothing, success,
 *failure
 *
 *	up, down	the link
 *	blink		both at once, with no step between
 *	control WHAT	AuthControlledPortControl: auto, force-authorized, force-unauthorized
 *	session MSEC	Session-Timeout, after which the session ends
 *	renew MSEC	the same with Termination-Action RADIUS-Request
 *	reauth		the administrator wants the supplicant to be asked
 *	disconnect	or its session to end
 *	wait MSEC	time passes; every deadline on the way is met on time
 *	jump MSEC	time passes, and nothing wakes us before the next line
 *	> BYTES		an EAPOL PDU comes
 *	hear BYTES	the same, with no step before the next line
 *	excuse		the failure that comes next is no refusal
 *	eap WHAT [BYTES]	EAP has a request, success or failure, or none, or a timeout
 *
 *	< BYTES		the next PDU that is sent
 *	-		nothing (more) is sent
 *	response BYTES	EAP was handed this since the last event
 *	restarted	and restarted
 *	state NAME	of the PAE
 *	backend NAME	of the backend
 *	open, shut	authPortStatus
 *	idle, busy	nothing is lost if it ends, or something is
 *	enabled, disabled	the EAP authenticator
 *	deadline MSEC	from now, or "never"
 *	refused		the last PDU was malformed
 *	count NAME N	a counter
 *
 * A PDU that is sent, and that no line asked for, fails the test. */
#include "eap/packet.h"
#include "eapol/authenticator.h"
#include "tests/talk/script.h"

#include <stdio.h>
#include <string.h>

#define SENT_MAX 32

struct talk {
	struct authenticator_pae pae;
	struct authenticator_pae_config config;
	struct eap_authenticator_lower lower;
	struct moment now;

	/* the EAP authenticator */
	char begins[16];
	uint8_t id;
	uint8_t identity[5], result[4];
	struct bytes said, heard;
	bool restarted, was_heard;

	struct bytes sent[SENT_MAX];
	size_t sent_count, sent_taken;
	enum status received;
	struct bytes pdu;

	struct arrows pae_arrows, backend_arrows, timer_arrows;
};

static void moved(void *context, const char *machine, const char *from, size_t arrow, bool global,
		  const char *to)
{
	struct talk *t = context;
	struct arrows *arrows = strcmp(machine, "backend") == 0		? &t->backend_arrows
				: strcmp(machine, "authenticator") == 0 ? &t->pae_arrows
									: &t->timer_arrows;

	arrows_moved(arrows, machine, from, arrow, global, to);
}

static void begin(void *it)
{
	struct talk *t = it;

	*t = (struct talk){
		.config = authenticator_pae_defaults,
		.lower.mtu = 1500,
		.now.mono = 1000000,
		.begins = "request",
		.pae_arrows = t->pae_arrows,
		.backend_arrows = t->backend_arrows,
		.timer_arrows = t->timer_arrows,
	};
	authenticator_pae_init(&t->pae, &t->config, &t->lower);
	t->pae.observer = (struct observer){ moved, t };
}

/* ---- the EAP authenticator ----------------------------------------------------------------- */

static void eap_asks(struct talk *t)
{
	struct wr w = wr_of(t->identity, sizeof t->identity);

	eap_packet_close(
		&w, eap_packet_open(&w, EAP_REQUEST, ++t->id, eap_type(EAP_TYPE_IDENTITY), false));
	t->lower.eapReqData = wr_done(&w);
	t->lower.eapReq = true;
}

static void eap_ends(struct talk *t, enum eap_code code)
{
	struct wr w = wr_of(t->result, sizeof t->result);

	eap_packet_build_result(&w, code, t->id);
	t->lower.eapReqData = wr_done(&w);
	t->lower.eapSuccess = code == EAP_SUCCESS;
	t->lower.eapFail = code == EAP_FAILURE;
}

static bool eap_step(struct talk *t, const struct script_line *line)
{
	if (t->lower.portEnabled && t->lower.eapRestart) {
		t->lower.eapRestart = false;
		t->restarted = true;
		if (strcmp(t->begins, "request") == 0)
			eap_asks(t);
		else if (strcmp(t->begins, "nothing") != 0)
			eap_ends(t, strcmp(t->begins, "success") == 0 ? EAP_SUCCESS : EAP_FAILURE);
	}
	if (t->lower.eapResp) {
		t->lower.eapResp = false;
		t->was_heard = true;
		if (bytes_set(&t->heard, t->lower.eapRespData) != OK)
			return script_fail(line, "no memory");
	}
	return true;
}

/* As src/eapol/authenticator.h has it. */
static bool settle(struct talk *t, const struct script_line *line)
{
	struct authenticator_pae_out out;
	unsigned rounds = 0;
	bool again;

	do {
		if (rounds++ > 8)
			return script_fail(line, "it goes round in circles");
		if (!eap_step(t, line))
			return false;
		again = authenticator_pae_step(&t->pae, t->now);
		while (authenticator_pae_collect(&t->pae, &out)) {
			uint8_t pdu[2048];
			struct wr w = wr_of(pdu, sizeof pdu);

			eapol_frame_build(&w, t->config.version, EAPOL_EAP, out.body);
			if (t->sent_count == SENT_MAX ||
			    bytes_set(&t->sent[t->sent_count++], wr_done(&w)) != OK)
				return script_fail(line, "too many frames");
		}
	} while (again);
	bytes_clear(&t->pdu);
	return true;
}

static bool number(const struct script_line *line, unsigned long *ret_number)
{
	return script_number(line->rest, ret_number) || script_fail(line, "a number is missing");
}

/* ---- configuration ------------------------------------------------------------------------- */

static bool do_set(struct talk *t, const struct script_line *line)
{
	const char *at = line->rest;
	char name[32];
	unsigned long n;

	if (!script_word(&at, name, sizeof name) || !script_number(at + strspn(at, " "), &n))
		return script_fail(line, "set NAME N");
	if (strcmp(name, "version") == 0)
		t->config.version = (uint8_t)n;
	else if (strcmp(name, "quiet_period") == 0)
		t->config.quiet_period = n;
	else if (strcmp(name, "tx_period") == 0)
		t->config.tx_period = n;
	else if (strcmp(name, "reauth_max") == 0)
		t->config.reauth_max = (unsigned)n;
	else if (strcmp(name, "server_timeout") == 0)
		t->config.server_timeout = n;
	else if (strcmp(name, "reauth_period") == 0)
		t->config.reauth_period = n;
	else
		return script_fail(line, "there is no %s", name);
	return true;
}

static bool do_begins(struct talk *t, const struct script_line *line)
{
	snprintf(t->begins, sizeof t->begins, "%s", line->rest);
	return true;
}

/* ---- events -------------------------------------------------------------------------------- */

static bool do_up(struct talk *t, const struct script_line *line)
{
	authenticator_pae_set_link(&t->pae, true);
	return settle(t, line);
}

static bool do_down(struct talk *t, const struct script_line *line)
{
	authenticator_pae_set_link(&t->pae, false);
	return settle(t, line);
}

static bool do_blink(struct talk *t, const struct script_line *line)
{
	authenticator_pae_set_link(&t->pae, false);
	authenticator_pae_set_link(&t->pae, true);
	return settle(t, line);
}

static bool do_control(struct talk *t, const struct script_line *line)
{
	enum port_control control = CONTROL_AUTO;

	if (strcmp(line->rest, "force-authorized") == 0)
		control = CONTROL_FORCE_AUTHORIZED;
	else if (strcmp(line->rest, "force-unauthorized") == 0)
		control = CONTROL_FORCE_UNAUTHORIZED;
	else if (strcmp(line->rest, "auto") != 0)
		return script_fail(line, "control what?");
	authenticator_pae_set_control(&t->pae, control);
	return settle(t, line);
}

static bool session(struct talk *t, const struct script_line *line, bool reauthenticate)
{
	unsigned long n;

	if (!number(line, &n))
		return false;
	authenticator_pae_set_session(&t->pae, n, reauthenticate, t->now);
	return settle(t, line);
}

static bool do_session(struct talk *t, const struct script_line *line)
{
	return session(t, line, false);
}

static bool do_renew(struct talk *t, const struct script_line *line)
{
	return session(t, line, true);
}

static bool do_reauth(struct talk *t, const struct script_line *line)
{
	authenticator_pae_reauthenticate(&t->pae);
	return settle(t, line);
}

static bool do_disconnect(struct talk *t, const struct script_line *line)
{
	authenticator_pae_disconnect(&t->pae);
	return settle(t, line);
}

static bool do_wait(struct talk *t, const struct script_line *line)
{
	unsigned long n = 0;

	if (!number(line, &n))
		return false;

	msec end = t->now.mono + n;

	if (!settle(t, line))
		return false;
	while (authenticator_pae_deadline(&t->pae) <= end) {
		msec deadline = authenticator_pae_deadline(&t->pae);

		if (deadline <= t->now.mono)
			return script_fail(line, "a deadline that is over");
		t->now.mono = deadline;
		if (!settle(t, line))
			return false;
	}
	t->now.mono = end;
	return settle(t, line);
}

static bool do_jump(struct talk *t, const struct script_line *line)
{
	unsigned long n = 0;

	if (!number(line, &n))
		return false;
	t->now.mono += n;
	return true;
}

static bool do_hear(struct talk *t, const struct script_line *line)
{
	struct eapol_frame frame;

	bytes_clear(&t->pdu);
	if (!script_bytes(line->rest, &t->pdu, NULL))
		return script_fail(line, "these are no bytes: %s", line->rest);
	t->received = authenticator_pae_receive(&t->pae, bytes_slice(&t->pdu), &frame);
	return true;
}

static bool do_pdu(struct talk *t, const struct script_line *line)
{
	return do_hear(t, line) && settle(t, line);
}

static bool do_excuse(struct talk *t, const struct script_line *line)
{
	(void)line;
	authenticator_pae_excuse(&t->pae);
	return true;
}

static bool do_eap(struct talk *t, const struct script_line *line)
{
	const char *at = line->rest;
	char what[16];

	if (!script_word(&at, what, sizeof what))
		return script_fail(line, "eap what?");
	bytes_clear(&t->said);
	if (*at && !script_bytes(at + strspn(at, " "), &t->said, NULL))
		return script_fail(line, "these are no bytes: %s", at);
	t->lower.eapReqData = bytes_slice(&t->said);
	if (strcmp(what, "request") == 0)
		t->lower.eapReq = true;
	else if (strcmp(what, "none") == 0)
		t->lower.eapNoReq = true;
	else if (strcmp(what, "success") == 0)
		t->lower.eapSuccess = true;
	else if (strcmp(what, "failure") == 0)
		t->lower.eapFail = true;
	else if (strcmp(what, "timeout") == 0)
		t->lower.eapTimeout = true;
	else
		return script_fail(line, "eap %s?", what);
	return settle(t, line);
}

/* ---- expectations -------------------------------------------------------------------------- */

static bool holds(const struct script_line *line, bool so)
{
	return so || script_fail(line, "not so");
}

static bool do_sent(struct talk *t, const struct script_line *line)
{
	if (t->sent_taken == t->sent_count)
		return script_fail(line, "nothing was sent");
	return script_expect(line, bytes_slice(&t->sent[t->sent_taken++]));
}

static bool do_silence(struct talk *t, const struct script_line *line)
{
	return t->sent_taken == t->sent_count || script_fail(line, "a frame was sent");
}

static bool do_response(struct talk *t, const struct script_line *line)
{
	if (!t->was_heard)
		return script_fail(line, "EAP heard nothing");
	t->was_heard = false;
	return script_expect(line, bytes_slice(&t->heard));
}

static bool do_restarted(struct talk *t, const struct script_line *line)
{
	return holds(line, t->restarted);
}

static bool do_state(struct talk *t, const struct script_line *line)
{
	const char *state = authenticator_pae_state_name(&t->pae);

	return strcmp(state, line->rest) == 0 ||
	       script_fail(line, "it is in %s (backend %s)", state,
			   authenticator_pae_backend_name(&t->pae));
}

static bool do_backend(struct talk *t, const struct script_line *line)
{
	const char *state = authenticator_pae_backend_name(&t->pae);

	return strcmp(state, line->rest) == 0 || script_fail(line, "it is in %s", state);
}

static bool do_open(struct talk *t, const struct script_line *line)
{
	return holds(line, t->pae.authPortStatus);
}

static bool do_shut(struct talk *t, const struct script_line *line)
{
	return holds(line, !t->pae.authPortStatus);
}

static bool do_idle(struct talk *t, const struct script_line *line)
{
	return holds(line, authenticator_pae_idle(&t->pae));
}

static bool do_busy(struct talk *t, const struct script_line *line)
{
	return holds(line, !authenticator_pae_idle(&t->pae));
}

static bool do_enabled(struct talk *t, const struct script_line *line)
{
	return holds(line, t->lower.portEnabled);
}

static bool do_disabled(struct talk *t, const struct script_line *line)
{
	return holds(line, !t->lower.portEnabled);
}

static bool do_deadline(struct talk *t, const struct script_line *line)
{
	msec deadline = authenticator_pae_deadline(&t->pae);
	unsigned long n = 0;

	if (strcmp(line->rest, "never") == 0)
		return deadline == NEVER || script_fail(line, "there is one");
	if (!number(line, &n))
		return false;
	return deadline == t->now.mono + n ||
	       script_fail(line, "it is %lld", (long long)(deadline - t->now.mono));
}

static bool do_refused(struct talk *t, const struct script_line *line)
{
	return holds(line, t->received == MALFORMED);
}

#define COUNTER(name)                                                                              \
	{                                                                                          \
#name, c->name                                                                     \
	}

static bool do_count(struct talk *t, const struct script_line *line)
{
	const struct authenticator_pae_counters *c = &t->pae.counters;
	const struct {
		const char *name;
		uint32_t value;
	} counters[] = {
		COUNTER(frames_rx),
		COUNTER(frames_tx),
		COUNTER(start_rx),
		COUNTER(logoff_rx),
		COUNTER(resp_id_rx),
		COUNTER(resp_rx),
		COUNTER(req_id_tx),
		COUNTER(req_tx),
		COUNTER(invalid_rx),
		COUNTER(length_error_rx),
		COUNTER(EntersConnecting),
		COUNTER(EapLogoffsWhileConnecting),
		COUNTER(EntersAuthenticating),
		COUNTER(AuthSuccessesWhileAuthenticating),
		COUNTER(AuthTimeoutsWhileAuthenticating),
		COUNTER(AuthFailWhileAuthenticating),
		COUNTER(AuthEapStartsWhileAuthenticating),
		COUNTER(AuthEapLogoffWhileAuthenticating),
		COUNTER(AuthReauthsWhileAuthenticating),
		COUNTER(AuthReauthsWhileAuthenticated),
		COUNTER(AuthEapStartsWhileAuthenticated),
		COUNTER(AuthEapLogoffWhileAuthenticated),
		COUNTER(BackendResponses),
		COUNTER(BackendAccessChallenges),
		COUNTER(BackendOtherRequestsToSupplicant),
		COUNTER(BackendNonNakResponsesFromSupplicant),
		COUNTER(BackendAuthSuccesses),
		COUNTER(BackendAuthFails),
		COUNTER(ignored_rx),
		COUNTER(other_rx),
		{ "peer_version", t->pae.peer_version },
	};
	const char *at = line->rest;
	char name[48];
	unsigned long n;

	if (!script_word(&at, name, sizeof name) || !script_number(at + strspn(at, " "), &n))
		return script_fail(line, "count NAME N");
	for (size_t i = 0; i < sizeof counters / sizeof counters[0]; i++) {
		if (strcmp(counters[i].name, name) == 0)
			return counters[i].value == n ||
			       script_fail(line, "it is %u", counters[i].value);
	}
	return script_fail(line, "there is no counter %s", name);
}

/* ---- the runner ---------------------------------------------------------------------------- */

static const struct {
	const char *verb;
	bool (*run)(struct talk *t, const struct script_line *line);
	bool event; /* what was sent before it has to have been asked for */
} verbs[] = {
	{ "set", do_set, false },
	{ "begins", do_begins, false },
	{ "up", do_up, true },
	{ "down", do_down, true },
	{ "blink", do_blink, true },
	{ "control", do_control, true },
	{ "session", do_session, true },
	{ "renew", do_renew, true },
	{ "reauth", do_reauth, true },
	{ "disconnect", do_disconnect, true },
	{ "wait", do_wait, true },
	{ "jump", do_jump, true },
	{ ">", do_pdu, true },
	{ "hear", do_hear, true },
	{ "excuse", do_excuse, false },
	{ "eap", do_eap, true },
	{ "<", do_sent, false },
	{ "-", do_silence, false },
	{ "response", do_response, false },
	{ "restarted", do_restarted, false },
	{ "state", do_state, false },
	{ "backend", do_backend, false },
	{ "open", do_open, false },
	{ "shut", do_shut, false },
	{ "idle", do_idle, false },
	{ "busy", do_busy, false },
	{ "enabled", do_enabled, false },
	{ "disabled", do_disabled, false },
	{ "deadline", do_deadline, false },
	{ "refused", do_refused, false },
	{ "count", do_count, false },
};

static bool run_line(void *it, const struct script_line *line)
{
	struct talk *t = it;

	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
		if (strcmp(verbs[i].verb, line->verb) != 0)
			continue;
		if (verbs[i].event && !do_silence(it, line))
			return false;
		if (verbs[i].event)
			t->restarted = t->was_heard = false;
		return verbs[i].run(it, line);
	}
	return script_fail(line, "what is %s?", line->verb);
}

static bool end(void *it, const struct script_line *last)
{
	struct talk *t = it;
	bool ok = do_silence(t, last);

	bytes_done(&t->said);
	bytes_done(&t->heard);
	bytes_done(&t->pdu);
	for (size_t i = 0; i < t->sent_count; i++)
		bytes_done(&t->sent[i]);
	return ok;
}

static void finish(void *it)
{
	struct talk *t = it;

	arrows_all(&t->pae_arrows, "802.1X-2004, 8.2.4", authenticator_pae_arrow);
	arrows_all(&t->backend_arrows, "802.1X-2004, 8.2.9", authenticator_pae_backend_arrow);
	arrows_all(&t->timer_arrows, "802.1X-2004, 8.2.8", authenticator_pae_timer_arrow);
}

int main(int argc, char **argv)
{
	static const struct script_runner runner = { "guard*.txt", begin, run_line, end, finish };
	static struct talk talk;

	return script_main(argc, argv, &runner, &talk);
}
