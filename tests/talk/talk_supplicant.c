/* Conversations with the supplicant PAE over a real EAP peer: tests/talk/eapol*.txt.  The peer has
 * the identity "me" and one method, type 13, that does what it is told (fake_method.h).  The lines:
 *
 *	set NAME N	of supplicant_config, by its name there, or client_timeout; before "up"
 *
 *	up, down	the link
 *	blink		both at once, with no step between
 *	logoff, logon	userLogoff
 *	reauth		the user wants to reauthenticate
 *	insist		and does not take silence for an answer
 *	unseen WHAT	of logoff and reauth: with no step before the next line
 *	valid, invalid	portValid
 *	altreject	the peer is told, with the next packet, that it is not wanted
 *	wait MSEC	time passes; every deadline on the way is met on time
 *	jump MSEC	time passes, and nothing wakes us before the next line
 *	> BYTES		an EAPOL PDU comes
 *
 *	< BYTES		the next PDU that is sent
 *	-		nothing (more) is sent
 *	state NAME	of the PAE
 *	open, shut	suppPortStatus
 *	deadline MSEC	of PAE and peer, from now, or "never"
 *	unanswered	SUPPLICANT_MAX_START Starts were not answered
 *	gave-up		nor was any other
 *	answered	neither
 *	refused		the last PDU was malformed
 *	key		the last PDU was an EAPOL-Key, passed up
 *	count NAME N	a counter
 *
 * A PDU that is sent, and that no line asked for, fails the test. */
#include "eap/peer.h"
#include "eapol/supplicant.h"
#include "tests/talk/fake_method.h"
#include "tests/talk/script.h"

#include <stdio.h>
#include <string.h>

#define SENT_MAX 32

struct talk {
	struct supplicant pae;
	struct supplicant_config config;
	struct eap_peer peer;
	struct eap_peer_config peer_config;
	struct eap_lower lower;
	struct fake_method fake;
	struct moment now;

	struct bytes sent[SENT_MAX];
	size_t sent_count, sent_taken;
	enum status received;
	struct eapol_frame frame;

	struct arrows pae_arrows, backend_arrows;
};

static void moved(void *context, const char *machine, const char *from, size_t arrow, bool global,
		  const char *to)
{
	struct talk *t = context;

	arrows_moved(strcmp(machine, "backend") == 0 ? &t->backend_arrows : &t->pae_arrows, machine,
		     from, arrow, global, to);
}

static void begin(void *it)
{
	struct talk *t = it;

	*t = (struct talk){
		.config = supplicant_defaults,
		.peer_config = { .identity = slice_str("me"), .offer_count = 1 },
		.lower.mtu = 1500,
		.now.mono = 1000000,
		.pae_arrows = t->pae_arrows,
		.backend_arrows = t->backend_arrows,
	};
	t->peer_config.offers[0] = fake_method_offer(&t->fake, eap_type(EAP_TYPE_TLS));
	eap_peer_init(&t->peer, &t->peer_config, &t->lower);
	supplicant_init(&t->pae, &t->config, &t->lower);
	t->pae.observer = (struct observer){ moved, t };
}

/* As src/eapol/supplicant.h has it. */
static bool settle(struct talk *t, const struct script_line *line)
{
	struct supplicant_out out;
	unsigned rounds = 0;

	do {
		if (rounds++ > 8)
			return script_fail(line, "it goes round in circles");
		eap_peer_step(&t->peer, t->now);
	} while (supplicant_step(&t->pae, t->now));

	while (supplicant_collect(&t->pae, &out)) {
		uint8_t pdu[2048];
		struct wr w = wr_of(pdu, sizeof pdu);

		eapol_frame_build(&w, t->config.version, out.type, out.body);
		if (t->sent_count == SENT_MAX ||
		    bytes_set(&t->sent[t->sent_count++], wr_done(&w)) != OK)
			return script_fail(line, "too many frames");
	}
	return true;
}

static msec deadline(const struct talk *t)
{
	return msec_earlier(supplicant_deadline(&t->pae), eap_peer_deadline(&t->peer));
}

/* ---- configuration ------------------------------------------------------------------------- */

static bool do_set(void *it, const struct script_line *line)
{
	struct talk *t = it;
	const char *at = line->rest;
	char name[32];
	unsigned long n;

	if (!script_word(&at, name, sizeof name) || !script_number(at + strspn(at, " "), &n))
		return script_fail(line, "set NAME N");
	if (strcmp(name, "version") == 0)
		t->config.version = (uint8_t)n;
	else if (strcmp(name, "passive") == 0)
		t->config.passive = n != 0;
	else if (strcmp(name, "start_first") == 0)
		t->config.start_first = n;
	else if (strcmp(name, "start_ceiling") == 0)
		t->config.start_ceiling = n;
	else if (strcmp(name, "start_max") == 0)
		t->config.start_max = (unsigned)n;
	else if (strcmp(name, "held_period") == 0)
		t->config.held_period = n;
	else if (strcmp(name, "auth_period") == 0)
		t->config.auth_period = n;
	else if (strcmp(name, "reauth_period") == 0)
		t->config.reauth_period = n;
	else if (strcmp(name, "client_timeout") == 0)
		t->peer_config.client_timeout = n;
	else
		return script_fail(line, "there is no %s", name);
	return true;
}

/* ---- events -------------------------------------------------------------------------------- */

static bool do_up(void *it, const struct script_line *line)
{
	struct talk *t = it;

	supplicant_set_link(&t->pae, true);
	return settle(t, line);
}

static bool do_down(void *it, const struct script_line *line)
{
	struct talk *t = it;

	supplicant_set_link(&t->pae, false);
	return settle(t, line);
}

static bool do_blink(void *it, const struct script_line *line)
{
	struct talk *t = it;

	supplicant_set_link(&t->pae, false);
	supplicant_set_link(&t->pae, true);
	return settle(t, line);
}

static bool do_logoff(void *it, const struct script_line *line)
{
	struct talk *t = it;

	supplicant_logoff(&t->pae, true);
	return settle(t, line);
}

static bool do_logon(void *it, const struct script_line *line)
{
	struct talk *t = it;

	supplicant_logoff(&t->pae, false);
	return settle(t, line);
}

static bool do_reauth(void *it, const struct script_line *line)
{
	struct talk *t = it;

	supplicant_reauthenticate(&t->pae);
	return settle(t, line);
}

static bool do_insist(void *it, const struct script_line *line)
{
	struct talk *t = it;

	supplicant_insist(&t->pae);
	return settle(t, line);
}

static bool do_unseen(void *it, const struct script_line *line)
{
	struct talk *t = it;

	if (strcmp(line->rest, "logoff") == 0)
		supplicant_logoff(&t->pae, true);
	else if (strcmp(line->rest, "reauth") == 0)
		supplicant_reauthenticate(&t->pae);
	else
		return script_fail(line, "unseen what?");
	return true;
}

static bool do_valid(void *it, const struct script_line *line)
{
	struct talk *t = it;

	supplicant_set_valid(&t->pae, true);
	return settle(t, line);
}

static bool do_invalid(void *it, const struct script_line *line)
{
	struct talk *t = it;

	supplicant_set_valid(&t->pae, false);
	return settle(t, line);
}

static bool do_altreject(void *it, const struct script_line *line)
{
	struct talk *t = it;

	(void)line;
	t->lower.altReject = true;
	return true;
}

static bool do_wait(void *it, const struct script_line *line)
{
	struct talk *t = it;
	unsigned long n = 0;

	if (!script_only_number(line, &n))
		return false;

	msec end = t->now.mono + n;

	if (!settle(t, line))
		return false;
	while (deadline(t) <= end) {
		if (deadline(t) <= t->now.mono)
			return script_fail(line, "a deadline that is over");
		t->now.mono = deadline(t);
		if (!settle(t, line))
			return false;
	}
	t->now.mono = end;
	return settle(t, line);
}

static bool do_jump(void *it, const struct script_line *line)
{
	struct talk *t = it;
	unsigned long n = 0;

	if (!script_only_number(line, &n))
		return false;
	t->now.mono += n;
	return true;
}

static bool do_pdu(void *it, const struct script_line *line)
{
	struct talk *t = it;
	AUTO_VALUE(bytes) pdu = { 0 };
	bool ok;

	if (!script_bytes(line->rest, &pdu, NULL))
		return script_fail(line, "these are no bytes: %s", line->rest);
	t->received = supplicant_receive(&t->pae, bytes_slice(&pdu), &t->frame);
	ok = settle(t, line);
	t->lower.altReject = false;
	t->frame.body.p = NULL; /* was borrowed */
	return ok;
}

/* ---- expectations -------------------------------------------------------------------------- */

static bool do_sent(void *it, const struct script_line *line)
{
	struct talk *t = it;

	if (t->sent_taken == t->sent_count)
		return script_fail(line, "nothing was sent");
	return script_expect(line, bytes_slice(&t->sent[t->sent_taken++]));
}

static bool do_silence(void *it, const struct script_line *line)
{
	struct talk *t = it;

	if (t->sent_taken < t->sent_count)
		return script_fail(line, "a frame of type %u was sent",
				   t->sent[t->sent_taken].p[1]);
	return true;
}

static bool do_state(void *it, const struct script_line *line)
{
	struct talk *t = it;

	return script_state(line, supplicant_state_name(&t->pae)) ||
	       script_fail(line, "backend %s, peer %s", supplicant_backend_name(&t->pae),
			   eap_peer_state_name(&t->peer));
}

static bool do_open(void *it, const struct script_line *line)
{
	struct talk *t = it;

	return t->pae.suppPortStatus || script_fail(line, "the port is shut");
}

static bool do_shut(void *it, const struct script_line *line)
{
	struct talk *t = it;

	return !t->pae.suppPortStatus || script_fail(line, "the port is open");
}

static bool do_deadline(void *it, const struct script_line *line)
{
	struct talk *t = it;

	return script_deadline(line, t->now.mono, deadline(t));
}

static bool do_unanswered(void *it, const struct script_line *line)
{
	struct talk *t = it;

	return (supplicant_unanswered(&t->pae) && !supplicant_gave_up(&t->pae)) ||
	       script_fail(line, "not so");
}

static bool do_gave_up(void *it, const struct script_line *line)
{
	struct talk *t = it;

	return (supplicant_unanswered(&t->pae) && supplicant_gave_up(&t->pae)) ||
	       script_fail(line, "not so");
}

static bool do_answered(void *it, const struct script_line *line)
{
	struct talk *t = it;

	return (!supplicant_unanswered(&t->pae) && !supplicant_gave_up(&t->pae)) ||
	       script_fail(line, "not so");
}

static bool do_refused(void *it, const struct script_line *line)
{
	struct talk *t = it;

	return t->received == MALFORMED || script_fail(line, "it was accepted");
}

static bool do_key(void *it, const struct script_line *line)
{
	struct talk *t = it;

	return (t->received == OK && t->frame.type == EAPOL_KEY) || script_fail(line, "not so");
}

static bool do_count(void *it, const struct script_line *line)
{
	struct talk *t = it;
	const struct supplicant_counters *c = &t->pae.counters;
	const struct script_counter counters[] = {
		{ "frames_rx", c->frames_rx },
		{ "frames_tx", c->frames_tx },
		{ "start_tx", c->start_tx },
		{ "logoff_tx", c->logoff_tx },
		{ "eap_rx", c->eap_rx },
		{ "eap_tx", c->eap_tx },
		{ "malformed_rx", c->malformed_rx },
		{ "key_rx", c->key_rx },
		{ "announcement_rx", c->announcement_rx },
		{ "other_rx", c->other_rx },
		{ "ignored_results", c->ignored_results },
		{ "ignored_codes", c->ignored_codes },
		{ "successes", c->successes },
		{ "failures", c->failures },
		{ "timeouts", c->timeouts },
		{ "reauth_unanswered", c->reauth_unanswered },
		{ "peer_version", t->pae.peer_version },
		{ "startCount", t->pae.startCount },
		{ "started", t->fake.started },
		{ 0 },
	};

	return script_count(line, counters);
}

/* ---- the runner ---------------------------------------------------------------------------- */

static const struct script_verb verbs[] = {
	{ "set", do_set, false },
	{ "up", do_up, true },
	{ "down", do_down, true },
	{ "blink", do_blink, true },
	{ "logoff", do_logoff, true },
	{ "logon", do_logon, true },
	{ "reauth", do_reauth, true },
	{ "insist", do_insist, true },
	{ "unseen", do_unseen, true },
	{ "valid", do_valid, true },
	{ "invalid", do_invalid, true },
	{ "altreject", do_altreject, true },
	{ "wait", do_wait, true },
	{ "jump", do_jump, true },
	{ ">", do_pdu, true },
	{ "<", do_sent, false },
	{ "-", do_silence, false },
	{ "state", do_state, false },
	{ "open", do_open, false },
	{ "shut", do_shut, false },
	{ "deadline", do_deadline, false },
	{ "unanswered", do_unanswered, false },
	{ "gave-up", do_gave_up, false },
	{ "answered", do_answered, false },
	{ "refused", do_refused, false },
	{ "key", do_key, false },
	{ "count", do_count, false },
	{ 0 },
};

static bool run_line(void *it, const struct script_line *line)
{
	return script_run(verbs, do_silence, it, line);
}

static bool end(void *it, const struct script_line *last)
{
	struct talk *t = it;
	bool ok = do_silence(t, last);

	eap_peer_done(&t->peer);
	for (size_t i = 0; i < t->sent_count; i++)
		bytes_done(&t->sent[i]);
	return ok;
}

static void finish(void *it)
{
	struct talk *t = it;

	arrows_all(&t->pae_arrows, "802.1X-2004, 8.2.11", supplicant_pae_arrow);
	arrows_all(&t->backend_arrows, "802.1X-2004, 8.2.12", supplicant_backend_arrow);
}

int main(int argc, char **argv)
{
	static const struct script_runner runner = { "eapol*.txt", begin, run_line, end, finish };
	static struct talk talk;

	return script_main(argc, argv, &runner, &talk);
}
