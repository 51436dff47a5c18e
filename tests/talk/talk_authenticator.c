/* Conversations with the EAP authenticators: tests/talk/authenticator*.txt.  The lines:
 *
 *	kind stand-alone, backend, full		comes first; stand-alone if there is none
 *	anonymous	no Request/Identity first
 *	pick-up		the policy's
 *	choice REALM	one more choice of the policy; "*" fits every identity
 *	passthrough	the last choice hands on
 *	offer TYPE	the last choice has one more method, a fake one (fake_server_method.h);
 *			TYPE or VENDOR/TYPE.  Without a choice there is one that fits all
 *	cannot N	the Nth offer cannot begin
 *	stays N		it cannot pick up
 *	rounds N, repeats N	max_rounds, max_retrans
 *	mtu N, random N	of the lower layer; 1500 and 0 at first
 *
 *	up, down	portEnabled
 *	restart		eapRestart
 *	wait MSEC	time passes
 *	> BYTES		a packet comes; without bytes: the AAA client asks to start
 *	accept, refuse [ID]	the decision that the method asks for, with a reason
 *	aaa> BYTES	the AAA server's Request
 *	aaa-success [keys] [BYTES], aaa-failure [BYTES], aaa-silence, aaa-timeout
 *	hint MSEC	aaaMethodTimeout, with the next of these
 *
 *	< BYTES		the Request
 *	-		eapNoReq
 *	quiet		nothing at all
 *	success [keys] [BYTES], failure [BYTES]	and the packet
 *	timeout		eapTimeout
 *	aaa< BYTES	aaaEapResp, and what is for the server; without bytes: it is to begin
 *	user "x"	aaaIdentity
 *	asks [password]	a method waits for a decision, or for a password
 *	told N "x"	the identity that the Nth offer was told
 *	hinted MSEC	methodTimeout of the last Request
 *	diagnosis ID [KEY "VALUE"], state NAME, deadline MSEC, count NAME N
 *
 * Every line that moves the machine takes what it says; what no line asked for fails the test. */
#include "eap/authenticator.h"
#include "tests/talk/fake_server_method.h"
#include "tests/talk/script.h"

#include <stdio.h>
#include <string.h>

#define CHOICES_MAX 4

struct talk {
	struct eap_authenticator machine;
	struct eap_authenticator_lower lower;
	struct eap_authenticator_aaa aaa;
	struct eap_policy policy;
	struct eap_policy_choice choices[CHOICES_MAX];
	char realms[CHOICES_MAX][32];
	struct fake_server_method fakes[EAP_OFFERS_MAX];
	size_t fake_count;
	struct eap_keys keys; /* of the AAA server */
	struct bytes packet;  /* what was handed in last */
	struct moment now;
	struct arrows arrows[3];
};

static void be(struct talk *t, enum eap_authenticator_kind kind)
{
	eap_authenticator_init(&t->machine, kind, &t->policy, &t->lower,
			       kind == EAP_FULL ? &t->aaa : NULL);
	t->machine.observer = (struct observer){ arrows_moved, &t->arrows[kind] };
}

static void begin(void *it)
{
	struct talk *t = it;
	struct arrows arrows[3];

	memcpy(arrows, t->arrows, sizeof arrows);
	*t = (struct talk){ .now.mono = 1000,
			    .lower.mtu = 1500,
			    .policy = { .ask_identity = true, .choices = t->choices } };
	memcpy(t->arrows, arrows, sizeof arrows);
	be(t, EAP_STAND_ALONE);
}

/* Nothing of the last step may be left for the next. */
static bool collected(void *it, const struct script_line *line)
{
	const struct talk *t = it;
	const char *left = t->lower.eapReq	 ? "a Request"
			   : t->lower.eapNoReq	 ? "no Request"
			   : t->lower.eapSuccess ? "success"
			   : t->lower.eapFail	 ? "failure"
			   : t->lower.eapTimeout ? "a timeout"
			   : t->aaa.aaaEapResp	 ? "something for the server"
						 : NULL;

	return !left || script_fail(line, "before this it signalled %s", left);
}

static bool step(struct talk *t, const struct script_line *line)
{
	eap_authenticator_step(&t->machine, t->now);
	if (t->lower.eapResp)
		return script_fail(line, "eapResp is still set");
	if (t->lower.eapSuccess + t->lower.eapFail + t->lower.eapTimeout > 1)
		return script_fail(line, "more than one result");
	return true;
}

static bool take(bool *signal, const struct script_line *line)
{
	bool was = *signal;

	*signal = false;
	return was || script_fail(line, "not so");
}

/* ---- configuration ------------------------------------------------------------------- */

static bool do_kind(void *it, const struct script_line *line)
{
	struct talk *t = it;

	if (strcmp(line->rest, "backend") == 0)
		be(t, EAP_BACKEND);
	else if (strcmp(line->rest, "full") == 0)
		be(t, EAP_FULL);
	else if (strcmp(line->rest, "stand-alone") != 0)
		return script_fail(line, "there is no such kind");
	return true;
}

static bool do_anonymous(void *it, const struct script_line *line)
{
	struct talk *t = it;

	(void)line;
	t->policy.ask_identity = false;
	return true;
}

static bool do_pick_up(void *it, const struct script_line *line)
{
	struct talk *t = it;

	(void)line;
	t->policy.pick_up = true;
	return true;
}

static bool do_choice(void *it, const struct script_line *line)
{
	struct talk *t = it;
	size_t i = t->policy.choice_count;
	const char *at = line->rest;

	if (i == CHOICES_MAX || !script_word(&at, t->realms[i], sizeof t->realms[i]))
		return script_fail(line, "no such choice");
	if (strcmp(t->realms[i], "*") != 0)
		t->choices[i].realm = t->realms[i];
	t->policy.choice_count = i + 1;
	return true;
}

static struct eap_policy_choice *last_choice(struct talk *t)
{
	if (t->policy.choice_count == 0)
		t->policy.choice_count = 1;
	return &t->choices[t->policy.choice_count - 1];
}

static bool do_passthrough(void *it, const struct script_line *line)
{
	(void)line;
	last_choice(it)->passthrough = true;
	return true;
}

static bool do_offer(void *it, const struct script_line *line)
{
	struct talk *t = it;
	struct eap_policy_choice *choice = last_choice(t);
	struct eap_type type = { 0 };

	if (t->fake_count == EAP_OFFERS_MAX ||
	    (sscanf(line->rest, "%u/%u", &type.vendor, &type.type) != 2 &&
	     sscanf(line->rest, "%u", &type.type) != 1))
		return script_fail(line, "no such offer");
	if (!strchr(line->rest, '/'))
		type.vendor = 0;
	choice->offers[choice->offer_count++] = fake_server_offer(&t->fakes[t->fake_count++], type);
	return true;
}

/* N of N "x". */
static bool nth_fake(struct talk *t, const char **at, size_t *ret_i)
{
	unsigned long n;
	char word[16];

	if (!script_word(at, word, sizeof word) || !script_number(word, &n) || n == 0 ||
	    n > t->fake_count)
		return false;
	*ret_i = n - 1;
	*at += strspn(*at, " ");
	return true;
}

static bool do_cannot(void *it, const struct script_line *line)
{
	struct talk *t = it;
	const char *at = line->rest;
	size_t i;

	if (!nth_fake(t, &at, &i))
		return script_fail(line, "cannot N");
	t->fakes[i].cannot_begin = true;
	return true;
}

static bool do_stays(void *it, const struct script_line *line)
{
	struct talk *t = it;
	const char *at = line->rest;
	size_t i;

	if (!nth_fake(t, &at, &i))
		return script_fail(line, "stays N");
	t->fakes[i].method.picks_up = false;
	return true;
}

static bool do_rounds(void *it, const struct script_line *line)
{
	struct talk *t = it;
	unsigned long n = 0;
	bool ok = script_only_number(line, &n);

	t->policy.max_rounds = (unsigned)n;
	return ok;
}

static bool do_repeats(void *it, const struct script_line *line)
{
	struct talk *t = it;
	unsigned long n = 0;
	bool ok = script_only_number(line, &n);

	t->policy.max_retrans = (unsigned)n;
	return ok;
}

static bool do_mtu(void *it, const struct script_line *line)
{
	struct talk *t = it;

	return script_only_number(line, &t->lower.mtu);
}

static bool do_random(void *it, const struct script_line *line)
{
	struct talk *t = it;
	unsigned long n = 0;
	bool ok = script_only_number(line, &n);

	t->lower.random = (uint32_t)n;
	return ok;
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

static bool do_wait(void *it, const struct script_line *line)
{
	struct talk *t = it;
	unsigned long n = 0;

	if (!script_only_number(line, &n))
		return false;
	t->now.mono += n;
	return step(t, line);
}

/* The bytes of the line, kept until the next packet: for aaaEapRespData borrows them. */
static bool read_packet(struct talk *t, const struct script_line *line, const char *text)
{
	bytes_done(&t->packet);
	return script_bytes(text, &t->packet, NULL) ||
	       script_fail(line, "these are no bytes: %s", text);
}

static bool do_packet(void *it, const struct script_line *line)
{
	struct talk *t = it;

	if (!read_packet(t, line, line->rest))
		return false;
	t->lower.eapResp = true;
	t->lower.eapRespData = bytes_slice(&t->packet);
	return step(t, line);
}

static bool do_accept(void *it, const struct script_line *line)
{
	struct talk *t = it;

	eap_authenticator_answer(&t->machine, &(struct eap_reply){ .accept = true });
	return step(t, line);
}

static bool do_refuse(void *it, const struct script_line *line)
{
	struct talk *t = it;
	struct diagnosis why;
	enum diagnosis_id id = DIAG_NONE;
	const char *at = line->rest;
	char name[64];

	if (script_word(&at, name, sizeof name) && !diagnosis_by_name(name, &id))
		return script_fail(line, "there is no such reason");
	diagnosis_set(&why, id);
	eap_authenticator_answer(&t->machine,
				 &(struct eap_reply){ .why = id == DIAG_NONE ? NULL : &why });
	return step(t, line);
}

static bool do_hint(void *it, const struct script_line *line)
{
	struct talk *t = it;

	return script_only_number(line, &t->aaa.aaaMethodTimeout);
}

static bool from_server(struct talk *t, const struct script_line *line, const char *text,
			bool *signal)
{
	if (!read_packet(t, line, text))
		return false;
	*signal = true;
	t->aaa.aaaEapReqData = bytes_slice(&t->packet);
	if (!step(t, line))
		return false;
	return !*signal || script_fail(line, "the signal is still set");
}

static bool do_aaa_request(void *it, const struct script_line *line)
{
	struct talk *t = it;

	return from_server(t, line, line->rest, &t->aaa.aaaEapReq);
}

/* Behind "keys", if that is there. */
static const char *behind_keys(const char *text, bool *ret_keys)
{
	*ret_keys = strncmp(text, "keys", 4) == 0;
	return *ret_keys ? text + 4 + strspn(text + 4, " \t") : text;
}

static bool do_aaa_success(void *it, const struct script_line *line)
{
	static const uint8_t msk[EAP_MSK_SIZE] = { 'M', 'S', 'K' };
	struct talk *t = it;
	bool keys;
	const char *text = behind_keys(line->rest, &keys);

	t->aaa.aaaEapKeyAvailable = t->aaa.aaaEapKeyAvailable || keys;
	if (keys && secret_set(&t->keys.msk, slice_of(msk, sizeof msk)) != OK)
		return false;
	t->aaa.aaaEapKeyData = &t->keys;
	return from_server(t, line, text, &t->aaa.aaaSuccess);
}

static bool do_aaa_failure(void *it, const struct script_line *line)
{
	struct talk *t = it;

	return from_server(t, line, line->rest, &t->aaa.aaaFail);
}

static bool do_aaa_silence(void *it, const struct script_line *line)
{
	struct talk *t = it;

	return from_server(t, line, "", &t->aaa.aaaEapNoReq);
}

static bool do_aaa_timeout(void *it, const struct script_line *line)
{
	struct talk *t = it;

	return from_server(t, line, "", &t->aaa.aaaTimeout);
}

/* ---- expectations -------------------------------------------------------------------- */

static bool expect_packet(const struct script_line *line, const char *text, struct slice got)
{
	struct script_line behind = *line;

	behind.rest = text;
	return script_expect(&behind, got);
}

static bool do_request(void *it, const struct script_line *line)
{
	struct talk *t = it;

	return take(&t->lower.eapReq, line) && script_expect(line, t->lower.eapReqData);
}

static bool do_silence(void *it, const struct script_line *line)
{
	struct talk *t = it;

	return take(&t->lower.eapNoReq, line);
}

static bool do_quiet(void *it, const struct script_line *line)
{
	return collected(it, line);
}

static bool do_success(void *it, const struct script_line *line)
{
	struct talk *t = it;
	bool keys;
	const char *text = behind_keys(line->rest, &keys);

	if (!take(&t->lower.eapSuccess, line) || !expect_packet(line, text, t->lower.eapReqData))
		return false;
	if (t->lower.eapKeyAvailable != keys)
		return script_fail(line, keys ? "there are no keys" : "there are keys");
	return !keys || t->lower.eapKeyData->msk.len == EAP_MSK_SIZE ||
	       script_fail(line, "no MSK of the right size");
}

static bool no_keys(const struct talk *t, const struct script_line *line)
{
	return (!t->lower.eapKeyAvailable && !t->lower.eapKeyData && !t->machine.keys.msk.p) ||
	       script_fail(line, "keys after a failure");
}

static bool do_failure(void *it, const struct script_line *line)
{
	struct talk *t = it;

	return take(&t->lower.eapFail, line) && no_keys(t, line) &&
	       script_expect(line, t->lower.eapReqData);
}

static bool do_timeout(void *it, const struct script_line *line)
{
	struct talk *t = it;

	return take(&t->lower.eapTimeout, line) && no_keys(t, line) &&
	       (t->lower.eapReqData.len == 0 || script_fail(line, "there is a packet"));
}

static bool do_for_server(void *it, const struct script_line *line)
{
	struct talk *t = it;

	return take(&t->aaa.aaaEapResp, line) && script_expect(line, t->aaa.aaaEapRespData);
}

static bool do_user(void *it, const struct script_line *line)
{
	const struct talk *t = it;

	return script_expect(line, t->aaa.aaaIdentity);
}

static bool do_asks(void *it, const struct script_line *line)
{
	const struct talk *t = it;
	const struct eap_question *question = eap_authenticator_question(&t->machine);
	enum eap_question_kind kind =
		strcmp(line->rest, "password") == 0 ? EAP_ASKS_PASSWORD : EAP_ASKS_ADMISSION;

	return (question && question->kind == kind) || script_fail(line, "nobody asks that");
}

static bool do_told(void *it, const struct script_line *line)
{
	struct talk *t = it;
	const char *at = line->rest;
	size_t i;

	return nth_fake(t, &at, &i) && expect_packet(line, at, slice_str(t->fakes[i].identity));
}

static bool do_hinted(void *it, const struct script_line *line)
{
	const struct talk *t = it;
	unsigned long n = 0;

	return script_only_number(line, &n) &&
	       (t->lower.methodTimeout == n ||
		script_fail(line, "it is %llu", (unsigned long long)t->lower.methodTimeout));
}

static bool do_state(void *it, const struct script_line *line)
{
	const struct talk *t = it;

	return script_state(line, eap_authenticator_state_name(&t->machine));
}

static bool do_diagnosis(void *it, const struct script_line *line)
{
	const struct talk *t = it;
	struct diagnosis d;

	eap_authenticator_diagnose(&t->machine, &d);
	return script_diagnosis(line, &d);
}

static bool do_deadline(void *it, const struct script_line *line)
{
	const struct talk *t = it;

	return script_deadline(line, t->now.mono, eap_authenticator_deadline(&t->machine));
}

static bool do_count(void *it, const struct script_line *line)
{
	const struct talk *t = it;
	const struct eap_authenticator_counters *c = &t->machine.counters;
	const struct script_counter counters[] = {
		{ "requests", c->requests },
		{ "responses", c->responses },
		{ "retransmissions", c->retransmissions },
		{ "discarded", c->discarded },
		{ "malformed", c->malformed },
		{ "initiate_finish", c->initiate_finish },
		{ "naks", c->naks },
		{ "rounds", t->machine.rounds },
		{ "srtt", (uint32_t)t->machine.eapSRTT },
		{ "rttvar", (uint32_t)t->machine.eapRTTVAR },
		{ "begun", t->fakes[0].begun },
		{ "freed", t->fakes[0].freed },
		{ 0 },
	};

	return script_count(line, counters);
}

/* ---- the runner ---------------------------------------------------------------------- */

static const struct script_verb verbs[] = {
	{ "kind", do_kind, false },
	{ "anonymous", do_anonymous, false },
	{ "pick-up", do_pick_up, false },
	{ "choice", do_choice, false },
	{ "passthrough", do_passthrough, false },
	{ "offer", do_offer, false },
	{ "cannot", do_cannot, false },
	{ "stays", do_stays, false },
	{ "rounds", do_rounds, false },
	{ "repeats", do_repeats, false },
	{ "mtu", do_mtu, false },
	{ "random", do_random, false },
	{ "up", do_up, true },
	{ "down", do_down, true },
	{ "restart", do_restart, true },
	{ "wait", do_wait, true },
	{ ">", do_packet, true },
	{ "accept", do_accept, true },
	{ "refuse", do_refuse, true },
	{ "hint", do_hint, true },
	{ "aaa>", do_aaa_request, true },
	{ "aaa-success", do_aaa_success, true },
	{ "aaa-failure", do_aaa_failure, true },
	{ "aaa-silence", do_aaa_silence, true },
	{ "aaa-timeout", do_aaa_timeout, true },
	{ "<", do_request, false },
	{ "-", do_silence, false },
	{ "quiet", do_quiet, false },
	{ "success", do_success, false },
	{ "failure", do_failure, false },
	{ "timeout", do_timeout, false },
	{ "aaa<", do_for_server, false },
	{ "user", do_user, false },
	{ "asks", do_asks, false },
	{ "told", do_told, false },
	{ "hinted", do_hinted, false },
	{ "state", do_state, false },
	{ "diagnosis", do_diagnosis, false },
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

	eap_authenticator_done(&t->machine);
	bytes_done(&t->packet);
	eap_keys_done(&t->keys);
	for (size_t i = 0; i < t->fake_count; i++) {
		if (t->fakes[i].begun != t->fakes[i].freed)
			ok = script_fail(last, "%s was not freed", t->fakes[i].name);
	}
	return ok;
}

static bool stand_alone_arrow(size_t n, struct machine_arrow *ret_arrow)
{
	return eap_authenticator_arrow(EAP_STAND_ALONE, n, ret_arrow);
}

static bool backend_arrow(size_t n, struct machine_arrow *ret_arrow)
{
	return eap_authenticator_arrow(EAP_BACKEND, n, ret_arrow);
}

static bool full_arrow(size_t n, struct machine_arrow *ret_arrow)
{
	return eap_authenticator_arrow(EAP_FULL, n, ret_arrow);
}

static void finish(void *it)
{
	const struct talk *t = it;

	arrows_all(&t->arrows[EAP_STAND_ALONE], "RFC 4137, A.2", stand_alone_arrow);
	arrows_all(&t->arrows[EAP_BACKEND], "RFC 4137, A.3", backend_arrow);
	arrows_all(&t->arrows[EAP_FULL], "RFC 4137, A.4", full_arrow);
}

int main(int argc, char **argv)
{
	static const struct script_runner runner = { "authenticator*.txt", begin, run_line, end,
						     finish };
	static struct talk talk;

	return script_main(argc, argv, &runner, &talk);
}
