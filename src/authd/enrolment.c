#include "authd/enrolment_parts.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "authd/record.h"
#include "drivers/log.h"

#define REFUSALS_AUDITED 20 /* a second: anybody can be refused as often as they like */

/* ---- answers -------------------------------------------------------------------------------- */

int enrolment_refuse(struct pending *p, enum enrol_error error, const char *format, ...)
{
	struct enrol_fault fault = { .error = error };
	char detail[DIAGNOSIS_VALUE_MAX];
	va_list args;

	enrolment_told_done(&p->told);
	va_start(args, format);
	vsnprintf(detail, sizeof detail, format, args);
	va_end(args);
	p->told.error = error;
	enrol_fault_explain(&fault, ENROL_US, NULL, &p->told.why);
	diagnosis_add(&p->told.why, "detail", "%s", detail);
	return 0;
}

static const char *kind_name(enum enrol_question_kind kind)
{
	static const char *const names[] = {
		[ENROL_ASKS_AUTHORISE] = "authorise", [ENROL_ASKS_ISSUE] = "issue",
		[ENROL_ASKS_FORWARD] = "forward",     [ENROL_ASKS_KEEP] = "keep",
		[ENROL_ASKS_REVOKE] = "revoke",	      [ENROL_ASKS_CONFIRM] = "confirm",
	};

	return names[kind];
}

static void log_refusal(struct enrolment *e, const struct pending *p)
{
	const struct enrolment_ask *ask = &p->asks.ask;
	char sentence[512];

	if (!token_take(&e->refusals, REFUSALS_AUDITED, loop_now().mono))
		return;
	diagnosis_sentence(&p->told.why, sentence, sizeof sentence);
	log_event(LOG_NOTICE, "enroll.refuse",
		  "question=%s station=\"%s\" client=\"%s\" port=\"%s\" diagnosis=%s cause=\"%s\"",
		  kind_name(ask->kind), ask->where.calling_station, ask->where.client,
		  ask->where.nas_port_id, diagnosis_text(p->told.why.id)->name, sentence);
	record_audit(e->settings.recorder, "enroll.refused", ask->where.calling_station,
		     ask->grant.token, "question=%s %s", kind_name(ask->kind), sentence);
}

static void count_told(struct enrolment *e, const struct pending *p)
{
	uint64_t *const granted[] = {
		[ENROL_ASKS_AUTHORISE] = &e->counts.authorised,
		[ENROL_ASKS_ISSUE] = &e->counts.issued,
		[ENROL_ASKS_FORWARD] = &e->counts.forwarded,
		[ENROL_ASKS_KEEP] = &e->counts.kept,
		[ENROL_ASKS_REVOKE] = &e->counts.revoked,
		[ENROL_ASKS_CONFIRM] = &e->counts.confirmed,
	};

	++*(p->told.accept ? granted[p->asks.ask.kind] : &e->counts.refused);
}

static void log_told(const struct pending *p)
{
	const struct enrolment_ask *ask = &p->asks.ask;

	log_event(ask->kind == ENROL_ASKS_ISSUE || ask->kind == ENROL_ASKS_KEEP ||
				  ask->kind == ENROL_ASKS_REVOKE
			  ? LOG_NOTICE
			  : LOG_INFO,
		  "enroll.grant", "question=%s station=\"%s\" token=%s profile=\"%s\" name=\"%s\"",
		  kind_name(ask->kind), ask->where.calling_station,
		  *p->told.grant.token ? p->told.grant.token : ask->grant.token, ask->grant.profile,
		  ask->names.common_name);
}

static void pending_free(struct pending *p)
{
	list_remove(&p->node);
	p->enrolment->count--;
	if (p->http)
		http_cancel(p->http);
	if (p->ca)
		p->asked->cancel(p->ca);
	enrolment_ca_drop(p->asked);
	enrolment_ask_done(&p->asks.ask);
	enrolment_told_done(&p->told);
	enrolment_told_done(&p->verdict);
	bytes_done(&p->from_ca.chain);
	bytes_done(&p->from_ca.anchors);
	bytes_done(&p->from_ca.message);
	config_free(p->config);
	free(p);
}

void enrolment_finish(struct pending *p)
{
	struct enrolment *e = p->enrolment;

	count_told(e, p);
	if (p->told.accept)
		log_told(p);
	else if (e->settings.recorder)
		log_refusal(e, p);
	e->settings.told(e->settings.context, &p->asks, &p->told);
	pending_free(p);
}

/* ---- the registry --------------------------------------------------------------------------- */

/* It is not there, or did not take what was asked: then nothing is enrolled. */
static void unreachable(struct pending *p, int error)
{
	struct recorder_counts counts;
	const char *detail;

	recorder_counts(p->enrolment->settings.recorder, &counts);
	detail = error == -EAGAIN ? "it is locked, or has too much to do"
				  : diagnosis_evidence(&counts.why, "detail");
	p->enrolment->counts.unreachable++;
	enrolment_refuse(p, ENROL_ERROR_INTERNAL, "the registry does not answer (%s)",
			 detail ? detail : strerror(-error));
}

static void go_on(struct pending *p)
{
	void (*next)(struct pending *) = p->told.accept ? p->then : p->otherwise;

	p->then = p->otherwise = NULL;
	(next ? next : enrolment_finish)(p);
}

static void answered(struct question *question, int result)
{
	struct pending *p = list_item(question, struct pending, question);
	/* -ECANCELED: it was refused, and nothing of it is to be remembered. */
	if (result < 0 && result != -ECANCELED)
		unreachable(p, result);
	if (result == REGISTRY_ISSUED_BEFORE && p->asks.ask.kind == ENROL_ASKS_ISSUE)
		p->enrolment->counts.again++;
	go_on(p);
}

void enrolment_ask_registry(struct pending *p,
			    int (*ask)(struct question *question, struct registry *registry))
{
	int error;

	p->question = (struct question){ .ask = ask, .answered = answered, .durable = true };
	list_init(&p->question.node);
	error = recorder_ask(p->enrolment->settings.recorder, &p->question);
	if (error < 0) {
		unreachable(p, error);
		go_on(p);
	}
}

/* ---- questions ------------------------------------------------------------------------------ */

/* Nobody is let in by it from now on, whatever the CA says. */
static void revoked(struct pending *p)
{
	struct enrolment *e = p->enrolment;

	/* Passwords and keys are no CA's. */
	if (p->asks.ask.type != ENROL_X509) {
		if (p->asks.ask.type == ENROL_PASSWORD && e->settings.removed)
			e->settings.removed(e->settings.context, p->asks.ask.username);
		enrolment_finish(p);
		return;
	}
	if (e->settings.revoked)
		e->settings.revoked(e->settings.context, p->asks.ask.grant.machine);
	(e->ca ? enrolment_ask_ca : enrolment_finish)(p);
}

static void dispatch(struct pending *p)
{
	const struct enrolment_ask *ask = &p->asks.ask;

	if (ask->refused != ENROL_ERROR_NONE) {
		p->told.error = ask->refused;
		p->told.why = ask->why;
		enrolment_finish(p);
		return;
	}
	switch (ask->kind) {
	case ENROL_ASKS_AUTHORISE:
		if (ask->by == ENROL_BY_JWT || ask->by == ENROL_BY_OAUTH)
			enrolment_verify(p);
		else
			enrolment_ask_registry(p, enrolment_ask_authorise);
		return;
	case ENROL_ASKS_ISSUE:
		if (ask->certificate.len > 0)
			enrolment_ask_registry(p, enrolment_ask_issue);
		else
			enrolment_ask_ca(p);
		return;
	case ENROL_ASKS_FORWARD:
		enrolment_ask_ca(p);
		return;
	case ENROL_ASKS_KEEP:
		enrolment_ask_registry(p, enrolment_ask_keep);
		return;
	case ENROL_ASKS_REVOKE:
		p->then = revoked;
		enrolment_ask_registry(p, enrolment_ask_revoke);
		return;
	case ENROL_ASKS_CONFIRM:
		enrolment_ask_registry(p, enrolment_ask_confirm);
		return;
	}
}

static void refuse_at_once(struct enrolment *e, struct message_enrolment_asks *asks,
			   const char *detail)
{
	struct enrolment_told told = { .error = ENROL_ERROR_INTERNAL };

	diagnosis_set(&told.why, DIAG_ENROL_INTERNAL);
	diagnosis_add(&told.why, "by", "this side");
	diagnosis_add(&told.why, "detail", "%s", detail);
	e->counts.refused++;
	e->settings.told(e->settings.context, asks, &told);
	enrolment_told_done(&told);
}

void enrolment_asks(struct enrolment *e, struct message_enrolment_asks *asks)
{
	struct pending *p = NULL;

	e->counts.asked++;
	if (!e->settings.recorder || !e->config) {
		refuse_at_once(e, asks, "there is no registry, which would know what was issued");
		return;
	}
	if (e->count < ENROLMENT_PENDING_MAX)
		p = calloc(1, sizeof *p);
	if (!p) {
		refuse_at_once(e, asks, "too many enrollments are under way");
		return;
	}
	list_init(&p->node);
	list_append(&e->pending, &p->node);
	e->count++;
	p->enrolment = e;
	p->config = config_ref(e->config);
	p->asks = *asks;
	list_init(&p->asks.message.node);
	asks->ask = (struct enrolment_ask){ 0 };
	dispatch(p);
}

/* ---- its life ------------------------------------------------------------------------------- */

int enrolment_new(const struct enrolment_settings *settings, struct enrolment **ret_enrolment)
{
	struct enrolment *e = calloc(1, sizeof *e);

	if (!e)
		return -ENOMEM;
	e->settings = *settings;
	list_init(&e->pending);
	list_init(&e->revocations);
	*ret_enrolment = e;
	return 0;
}

void enrolment_free(struct enrolment *e)
{
	if (!e)
		return;
	list_each (node, &e->pending)
		pending_free(list_item(node, struct pending, node));
	enrolment_drop_revocations(e);
	config_free(e->config);
	enrolment_ca_drop(e->ca);
	free(e);
}

void enrolment_configure(struct enrolment *e, struct config *config)
{
	config_free(e->config);
	e->config = config_ref(config);
}

void enrolment_count(const struct enrolment *e, struct enrolment_counts *ret_counts)
{
	*ret_counts = e->counts;
}
