/* What enrolments ask, on its way from a conversation to the main thread, and back. */
#include <stdio.h>
#include <string.h>

#include "authd/worker.h"

/* With an authority of our own, the worker signs: the main thread has no time for that.  What was
 * signed is worth nothing before it was recorded, and does not leave.  A CA behind us is told what
 * the machine may be called. */
static void sign(const struct conversation *c, const struct enrol_question *question,
		 struct enrolment_ask *ask)
{
	const struct authority *authority = c->arming->authority;
	const struct ca_profile *profile;

	if (question->kind != ENROL_ASKS_ISSUE || !authority || !question->key)
		return;
	profile = config_profile(c->arming->config, ask->grant.profile);
	if (!profile)
		enrolment_refuse_ask(ask, ENROL_ERROR_INTERNAL,
				     "the certificate profile is not there any more");
	else if (authority->now.key)
		enrolment_sign(ask, &authority->now, profile, question->key);
	else
		enrolment_name(ask, profile);
}

/* Of a password that the machine is to come with by MS-CHAP. */
static void hash(const struct conversation *c, struct enrolment_ask *ask)
{
	uint8_t nt[MSCHAP_HASH_SIZE];

	if (ask->kind != ENROL_ASKS_KEEP || ask->type != ENROL_PASSWORD ||
	    !c->arming->config->settings.enroll.nt_hash)
		return;
	if (mschap_password_hash(c->arming->tunnels.mschapv2.mschap, secret_slice(&ask->secret),
				 nt) != OK ||
	    secret_set(&ask->nt, slice_of(nt, sizeof nt)) != OK)
		enrolment_refuse_ask(ask, ENROL_ERROR_PARAMETERS,
				     "the password is none that MS-CHAP can have");
	explicit_bzero(nt, sizeof nt);
}

/* It is told once, and recorded with what the machine is given. */
static void keep_mud_url(struct conversation *c, struct enrolment_ask *ask)
{
	if (*ask->mud_url) {
		free(c->mud_url);
		c->mud_url = strdup(ask->mud_url); /* without memory it is not recorded */
	} else if (c->mud_url) {
		snprintf(ask->mud_url, sizeof ask->mud_url, "%s", c->mud_url);
	}
}

void worker_ask_enrolment(struct worker *w, struct conversation *c)
{
	const struct enrol_question *question = c->waits_for->about.enrolment;
	const struct enrolment_policy policy = {
		.config = c->arming->config,
		.factory = c->arming->enrol.factory,
		.factory_trust = c->arming->enrol.factory_trust,
		.signs = c->arming->authority && c->arming->authority->now.key,
	};
	struct message_enrolment_asks *m = message_new(MESSAGE_ENROLMENT_ASKS, sizeof *m);

	if (!m)
		return; /* it is forgotten when it has waited for too long */
	m->worker = w->number;
	m->conversation = c->number;
	m->asker = c->asker;
	if (enrolment_ask_of(question, &policy, &c->where, loop_now().wall, &m->ask) != OK) {
		m->ask.kind = question->kind;
		enrolment_refuse_ask(&m->ask, ENROL_ERROR_LIMIT,
				     "the question is too large, or there is no memory for it");
	} else {
		keep_mud_url(c, &m->ask);
		m->ask.paid = c->enrolled;
		sign(c, question, &m->ask);
		hash(c, &m->ask);
	}
	worker_send(w, &m->message);
}

/* Without memory its session is a machine's that is not known. */
static void note_given(struct conversation *c, const struct enrolment_told *told)
{
	const struct enrol_question *question = c->waits_for->about.enrolment;

	if (!told->accept)
		return;
	if (question->kind == ENROL_ASKS_ISSUE)
		(void)!bytes_set(&c->given, bytes_slice(&told->certificate));
	else if (question->kind == ENROL_ASKS_KEEP && question->type == ENROL_PASSWORD)
		snprintf(c->account, sizeof c->account, "%s", told->username);
}

void worker_enrolment_told(struct worker *w, struct message_enrolment_told *m, struct moment now)
{
	struct conversation *c = worker_find(w, m->asker, m->conversation);
	struct enrol_reply enrolment;

	if (!c || !c->waits_for || c->waits_for->kind != EAP_ASKS_ENROLMENT ||
	    enrolment_reply_of(&m->told, &enrolment) != OK)
		return; /* it has gone, or is forgotten when it has waited for too long */
	c->enrolled = c->enrolled || m->told.paid;
	note_given(c, &m->told);

	const struct eap_reply reply = { .accept = enrolment.accept,
					 .why = enrolment.why,
					 .with.enrolment = &enrolment };
	enum conversation_turn turn = conversation_answered(c, &reply, now);

	enrolment_reply_done(&enrolment);
	worker_go_on(w, c, turn, now);
}
