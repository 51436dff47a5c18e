/* Conversations with the EAP peer: tests/talk/peer*.txt.  The lines:
 *
 *	identity "x"	the outer identity; none at first
 *	offer TYPE	one more method, a fake one (fake_method.h); TYPE or VENDOR/TYPE
 *	rounds N	max_rounds
 *	timeout MSEC	ClientTimeout
 *	mtu N		of the lower layer; 1500 at first
 *
 *	up, down	portEnabled
 *	restart		eapRestart
 *	altaccept, altreject
 *	wait MSEC	time passes
 *	> BYTES		a packet comes
 *	< BYTES		the answer to the line before
 *	-		silence: the packet was dealt with and not answered
 *	success [keys]	eapSuccess, and whether there are keys
 *	failure		eapFail
 *	diagnosis ID [KEY "VALUE"]	what the peer says of itself
 *	state NAME	of the figure
 *	notified "x"	the last Notification, as shown to a person
 *	deadline MSEC	from now, or "never"
 *	count NAME N	a counter, "rounds", or how often the first offer was "started", "stopped"
 *
 * Every line that moves the peer takes what it says; a response, silence or result that no line
 * asked for fails the test. */
#include "eap/peer.h"
#include "tests/talk/fake_method.h"
#include "tests/talk/script.h"

#include <stdio.h>
#include <string.h>

struct talk {
	struct eap_peer peer;
	struct eap_peer_config config;
	struct eap_lower lower;
	struct fake_method fakes[EAP_OFFERS_MAX];
	struct bytes identity;
	struct moment now;
	struct arrows arrows;
};

static void begin(void *it)
{
	struct talk *t = it;

	*t = (struct talk){ .arrows = t->arrows, .now = { .mono = 1000 }, .lower.mtu = 1500 };
	eap_peer_init(&t->peer, &t->config, &t->lower);
	t->peer.observer = (struct observer){ arrows_moved, &t->arrows };
}

/* Nothing of the last step may be left for the next. */
static bool collected(void *it, const struct script_line *line)
{
	struct talk *t = it;
	const char *left = t->lower.eapResp	 ? "a response"
			   : t->lower.eapNoResp	 ? "silence"
			   : t->lower.eapSuccess ? "success"
			   : t->lower.eapFail	 ? "failure"
						 : NULL;

	return !left || script_fail(line, "before this the peer signalled %s", left);
}

static bool step(struct talk *t, const struct script_line *line)
{
	eap_peer_step(&t->peer, t->now);
	if (t->lower.eapReq)
		return script_fail(line, "eapReq is still set");
	if (t->lower.eapSuccess && t->lower.eapFail)
		return script_fail(line, "both success and failure");
	return true;
}

static bool take(bool *signal, const struct script_line *line)
{
	bool was = *signal;

	*signal = false;
	return was || script_fail(line, "not so");
}

/* ---- configuration ------------------------------------------------------------------- */

static bool do_identity(void *it, const struct script_line *line)
{
	struct talk *t = it;

	if (!script_bytes(line->rest, &t->identity, NULL))
		return script_fail(line, "an identity is missing");
	t->config.identity = bytes_slice(&t->identity);
	return true;
}

static bool do_offer(void *it, const struct script_line *line)
{
	struct talk *t = it;
	size_t i = t->config.offer_count;
	struct eap_type type = { 0 };

	if (i == EAP_OFFERS_MAX || (sscanf(line->rest, "%u/%u", &type.vendor, &type.type) != 2 &&
				    sscanf(line->rest, "%u", &type.type) != 1))
		return script_fail(line, "no such offer");
	if (!strchr(line->rest, '/'))
		type.vendor = 0;
	t->config.offers[i] = fake_method_offer(&t->fakes[i], type);
	t->config.offer_count = i + 1;
	return true;
}

static bool do_rounds(void *it, const struct script_line *line)
{
	struct talk *t = it;
	unsigned long n = 0;
	bool ok = script_only_number(line, &n);

	t->config.max_rounds = (unsigned)n;
	return ok;
}

static bool do_insists(void *it, const struct script_line *line)
{
	struct talk *t = it;

	(void)line;
	t->config.insists = true;
	return true;
}

static bool do_timeout(void *it, const struct script_line *line)
{
	struct talk *t = it;
	unsigned long n = 0;
	bool ok = script_only_number(line, &n);

	t->config.client_timeout = n;
	return ok;
}

static bool do_mtu(void *it, const struct script_line *line)
{
	struct talk *t = it;

	return script_only_number(line, &t->lower.mtu);
}

/* ---- events -------------------------------------------------------------------------- */

static bool do_up(void *it, const struct script_line *line)
{
	struct talk *t = it;

	t->lower.portEnabled = true;
	return step(t, line);
}

static bool do_down(void *it, const struct script_line *line)
{
	struct talk *t = it;

	t->lower.portEnabled = false;
	return step(t, line);
}

static bool do_restart(void *it, const struct script_line *line)
{
	struct talk *t = it;

	t->lower.eapRestart = true;
	return step(t, line);
}

static bool do_altaccept(void *it, const struct script_line *line)
{
	struct talk *t = it;
	bool ok;

	t->lower.altAccept = true;
	ok = step(t, line);
	t->lower.altAccept = false;
	return ok;
}

static bool do_altreject(void *it, const struct script_line *line)
{
	struct talk *t = it;
	bool ok;

	t->lower.altReject = true;
	ok = step(t, line);
	t->lower.altReject = false;
	return ok;
}

static bool do_wait(void *it, const struct script_line *line)
{
	struct talk *t = it;
	unsigned long n = 0;

	if (!script_only_number(line, &n))
		return false;
	t->now.mono += n;
	return step(t, line);
}

static bool do_packet(void *it, const struct script_line *line)
{
	struct talk *t = it;
	AUTO_VALUE(bytes) packet = { 0 };
	bool ok;

	if (!script_bytes(line->rest, &packet, NULL))
		return script_fail(line, "these are no bytes: %s", line->rest);
	t->lower.eapReq = true;
	t->lower.eapReqData = bytes_slice(&packet);
	ok = step(t, line);
	return ok;
}

/* ---- expectations -------------------------------------------------------------------- */

static bool do_response(void *it, const struct script_line *line)
{
	struct talk *t = it;

	return take(&t->lower.eapResp, line) && script_expect(line, t->lower.eapRespData);
}

static bool do_silence(void *it, const struct script_line *line)
{
	struct talk *t = it;

	return take(&t->lower.eapNoResp, line);
}

/* Success and Failure may have come with a packet, which counts as dealt with. */
static bool do_success(void *it, const struct script_line *line)
{
	struct talk *t = it;
	bool keys = strncmp(line->rest, "keys", 4) == 0;

	t->lower.eapNoResp = false;
	if (!take(&t->lower.eapSuccess, line))
		return false;
	if (t->lower.eapKeyAvailable != keys)
		return script_fail(line, keys ? "there are no keys" : "there are keys");
	return !keys || t->lower.eapKeyData->msk.len == EAP_MSK_SIZE ||
	       script_fail(line, "no MSK of the right size");
}

static bool do_failure(void *it, const struct script_line *line)
{
	struct talk *t = it;

	t->lower.eapNoResp = false;
	if (t->lower.eapKeyAvailable || t->peer.keys.msk.p)
		return script_fail(line, "keys after a failure");
	return take(&t->lower.eapFail, line);
}

static bool do_state(void *it, const struct script_line *line)
{
	struct talk *t = it;

	return script_state(line, eap_peer_state_name(&t->peer));
}

static bool do_diagnosis(void *it, const struct script_line *line)
{
	struct talk *t = it;
	struct diagnosis d;

	eap_peer_diagnose(&t->peer, &d);
	return script_diagnosis(line, &d);
}

static bool do_notified(void *it, const struct script_line *line)
{
	struct talk *t = it;

	return take(&t->peer.notified, line) &&
	       script_expect(line, slice_str(t->peer.notification));
}

static bool do_deadline(void *it, const struct script_line *line)
{
	struct talk *t = it;

	return script_deadline(line, t->now.mono, eap_peer_deadline(&t->peer));
}

static bool do_count(void *it, const struct script_line *line)
{
	struct talk *t = it;
	const struct eap_counters *c = &t->peer.counters;
	const struct script_counter counters[] = {
		{ "requests", c->requests },
		{ "responses", c->responses },
		{ "retransmissions", c->retransmissions },
		{ "discarded", c->discarded },
		{ "malformed", c->malformed },
		{ "initiate_finish", c->initiate_finish },
		{ "naks", c->naks },
		{ "notifications", c->notifications },
		{ "rounds", t->peer.rounds },
		{ "started", t->fakes[0].started },
		{ "stopped", t->fakes[0].stopped },
		{ 0 },
	};

	return script_count(line, counters);
}

/* ---- the runner ---------------------------------------------------------------------- */

static const struct script_verb verbs[] = {
	{ "identity", do_identity, false },
	{ "offer", do_offer, false },
	{ "rounds", do_rounds, false },
	{ "insists", do_insists, false },
	{ "timeout", do_timeout, false },
	{ "mtu", do_mtu, false },
	{ "up", do_up, true },
	{ "down", do_down, true },
	{ "restart", do_restart, true },
	{ "altaccept", do_altaccept, true },
	{ "altreject", do_altreject, true },
	{ "wait", do_wait, true },
	{ ">", do_packet, true },
	{ "<", do_response, false },
	{ "-", do_silence, false },
	{ "success", do_success, false },
	{ "failure", do_failure, false },
	{ "state", do_state, false },
	{ "diagnosis", do_diagnosis, false },
	{ "notified", do_notified, false },
	{ "deadline", do_deadline, false },
	{ "count", do_count, false },
	{ 0 },
};

static bool run_line(void *it, const struct script_line *line)
{
	return script_run(verbs, collected, it, line);
}

static bool end(void *it, const struct script_line *last)
{
	struct talk *t = it;
	bool ok = collected(t, last);

	eap_peer_done(&t->peer);
	bytes_done(&t->identity);
	for (size_t i = 0; i < t->config.offer_count; i++) {
		if (t->fakes[i].started != t->fakes[i].stopped)
			ok = script_fail(last, "%s was not stopped", t->fakes[i].name);
	}
	return ok;
}

static void finish(void *it)
{
	struct talk *t = it;

	arrows_all(&t->arrows, "RFC 4137, A.1", eap_peer_arrow);
}

int main(int argc, char **argv)
{
	static const struct script_runner runner = { "peer*.txt", begin, run_line, end, finish };
	static struct talk talk;

	return script_main(argc, argv, &runner, &talk);
}
