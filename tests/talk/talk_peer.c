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
static bool collected(struct talk *t, const struct script_line *line)
{
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

static bool number(const struct script_line *line, unsigned long *ret_number)
{
	const char *at = line->rest;
	char word[32];

	return (script_word(&at, word, sizeof word) && script_number(word, ret_number)) ||
	       script_fail(line, "a number is missing");
}

static bool do_identity(struct talk *t, const struct script_line *line)
{
	if (!script_bytes(line->rest, &t->identity, NULL))
		return script_fail(line, "an identity is missing");
	t->config.identity = bytes_slice(&t->identity);
	return true;
}

static bool do_offer(struct talk *t, const struct script_line *line)
{
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

static bool do_rounds(struct talk *t, const struct script_line *line)
{
	unsigned long n = 0;
	bool ok = number(line, &n);

	t->config.max_rounds = (unsigned)n;
	return ok;
}

static bool do_timeout(struct talk *t, const struct script_line *line)
{
	unsigned long n = 0;
	bool ok = number(line, &n);

	t->config.client_timeout = n;
	return ok;
}

static bool do_mtu(struct talk *t, const struct script_line *line)
{
	return number(line, &t->lower.mtu);
}

/* ---- events -------------------------------------------------------------------------- */

static bool do_up(struct talk *t, const struct script_line *line)
{
	t->lower.portEnabled = true;
	return collected(t, line) && step(t, line);
}

static bool do_down(struct talk *t, const struct script_line *line)
{
	t->lower.portEnabled = false;
	return collected(t, line) && step(t, line);
}

static bool do_restart(struct talk *t, const struct script_line *line)
{
	t->lower.eapRestart = true;
	return collected(t, line) && step(t, line);
}

static bool do_altaccept(struct talk *t, const struct script_line *line)
{
	bool ok;

	t->lower.altAccept = true;
	ok = collected(t, line) && step(t, line);
	t->lower.altAccept = false;
	return ok;
}

static bool do_altreject(struct talk *t, const struct script_line *line)
{
	bool ok;

	t->lower.altReject = true;
	ok = collected(t, line) && step(t, line);
	t->lower.altReject = false;
	return ok;
}

static bool do_wait(struct talk *t, const struct script_line *line)
{
	unsigned long n = 0;

	if (!number(line, &n))
		return false;
	t->now.mono += n;
	return collected(t, line) && step(t, line);
}

static bool do_packet(struct talk *t, const struct script_line *line)
{
	AUTO_VALUE(bytes) packet = { 0 };
	bool ok;

	if (!script_bytes(line->rest, &packet, NULL))
		return script_fail(line, "these are no bytes: %s", line->rest);
	t->lower.eapReq = true;
	t->lower.eapReqData = bytes_slice(&packet);
	ok = collected(t, line) && step(t, line);
	return ok;
}

/* ---- expectations -------------------------------------------------------------------- */

static bool do_response(struct talk *t, const struct script_line *line)
{
	return take(&t->lower.eapResp, line) && script_expect(line, t->lower.eapRespData);
}

static bool do_silence(struct talk *t, const struct script_line *line)
{
	return take(&t->lower.eapNoResp, line);
}

/* Success and Failure may have come with a packet, which counts as dealt with. */
static bool do_success(struct talk *t, const struct script_line *line)
{
	bool keys = strncmp(line->rest, "keys", 4) == 0;

	t->lower.eapNoResp = false;
	if (!take(&t->lower.eapSuccess, line))
		return false;
	if (t->lower.eapKeyAvailable != keys)
		return script_fail(line, keys ? "there are no keys" : "there are keys");
	return !keys || t->lower.eapKeyData->msk.len == EAP_MSK_SIZE ||
	       script_fail(line, "no MSK of the right size");
}

static bool do_failure(struct talk *t, const struct script_line *line)
{
	t->lower.eapNoResp = false;
	if (t->lower.eapKeyAvailable || t->peer.keys.msk.p)
		return script_fail(line, "keys after a failure");
	return take(&t->lower.eapFail, line);
}

static bool do_state(struct talk *t, const struct script_line *line)
{
	const char *state = eap_peer_state_name(&t->peer), *at = line->rest;
	char wanted[32];

	return (script_word(&at, wanted, sizeof wanted) && strcmp(state, wanted) == 0) ||
	       script_fail(line, "it is in %s", state);
}

static bool do_diagnosis(struct talk *t, const struct script_line *line)
{
	AUTO_VALUE(bytes) wanted = { 0 };
	const char *at = line->rest;
	char name[64], key[32];
	struct diagnosis d;

	eap_peer_diagnose(&t->peer, &d);
	if (!script_word(&at, name, sizeof name) || strcmp(diagnosis_text(d.id)->name, name) != 0)
		return script_fail(line, "the diagnosis is %s", diagnosis_text(d.id)->name);
	if (!script_word(&at, key, sizeof key))
		return true;

	const char *value = diagnosis_evidence(&d, key);

	if (!script_bytes(at + strspn(at, " "), &wanted, NULL))
		return script_fail(line, "the value is missing");
	return (value && slice_eq(slice_str(value), bytes_slice(&wanted))) ||
	       script_fail(line, "%s is %s", key, value ? value : "not there");
}

static bool do_notified(struct talk *t, const struct script_line *line)
{
	return take(&t->peer.notified, line) &&
	       script_expect(line, slice_str(t->peer.notification));
}

static bool do_deadline(struct talk *t, const struct script_line *line)
{
	msec deadline = eap_peer_deadline(&t->peer);
	unsigned long n = 0;

	if (strcmp(line->rest, "never") == 0)
		return deadline == NEVER || script_fail(line, "there is one");
	if (!number(line, &n))
		return false;
	return deadline == t->now.mono + n ||
	       script_fail(line, "it is %lld", (long long)(deadline - t->now.mono));
}

static bool do_count(struct talk *t, const struct script_line *line)
{
	const struct eap_counters *c = &t->peer.counters;
	const struct {
		const char *name;
		uint32_t value;
	} counters[] = {
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
	};
	const char *at = line->rest;
	char name[32], value[32];
	unsigned long n;

	if (!script_word(&at, name, sizeof name) || !script_word(&at, value, sizeof value) ||
	    !script_number(value, &n))
		return script_fail(line, "count NAME N");
	for (size_t i = 0; i < sizeof counters / sizeof counters[0]; i++) {
		if (strcmp(counters[i].name, name) == 0)
			return counters[i].value == n ||
			       script_fail(line, "it is %u", counters[i].value);
	}
	return script_fail(line, "there is no counter %s", name);
}

/* ---- the runner ---------------------------------------------------------------------- */

static const struct {
	const char *verb;
	bool (*run)(struct talk *t, const struct script_line *line);
} verbs[] = {
	{ "identity", do_identity },   { "offer", do_offer },	    { "rounds", do_rounds },
	{ "timeout", do_timeout },     { "mtu", do_mtu },	    { "up", do_up },
	{ "down", do_down },	       { "restart", do_restart },   { "altaccept", do_altaccept },
	{ "altreject", do_altreject }, { "wait", do_wait },	    { ">", do_packet },
	{ "<", do_response },	       { "-", do_silence },	    { "success", do_success },
	{ "failure", do_failure },     { "state", do_state },	    { "diagnosis", do_diagnosis },
	{ "notified", do_notified },   { "deadline", do_deadline }, { "count", do_count },
};

static bool run_line(void *it, const struct script_line *line)
{
	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
		if (strcmp(verbs[i].verb, line->verb) == 0)
			return verbs[i].run(it, line);
	}
	return script_fail(line, "what is %s?", line->verb);
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
