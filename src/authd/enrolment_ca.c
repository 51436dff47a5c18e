/* A CA behind us: what it is asked, and what is done with its answers.
 *
 * A certificate goes from the CA to the registry, then its confirmation to the CA, and only then
 * the certificate to the machine.  Where one of these fails, what was done before is taken back:
 * what the registry does not record is given back to the CA, and what the CA does not confirm is
 * withdrawn from the registry. */
#include <errno.h>
#include <string.h>

#include "authd/enrolment_parts.h"
#include "drivers/log.h"
#include "tls/cert.h"

void enrolment_ca_drop(struct enrolment_ca *ca)
{
	if (ca && --ca->references == 0)
		ca->free(ca);
}

void enrolment_set_ca(struct enrolment *e, struct enrolment_ca *ca)
{
	if (ca)
		ca->references++;
	enrolment_ca_drop(e->ca);
	e->ca = ca;
}

static enum status put_certificates(const STACK_OF(X509) * certs, struct bytes *ret)
{
	for (int i = 0; certs && i < sk_X509_num(certs); i++) {
		enum status status =
			cert_append_der(ret, sk_X509_value(certs, i), ENROLMENT_MESSAGE_MAX);

		if (status != OK)
			return status;
	}
	return OK;
}

/* What is to be told is put away while others are asked, and taken out again. */
static void keep_verdict(struct pending *p)
{
	enrolment_told_done(&p->verdict);
	p->verdict = p->told;
	p->told = (struct enrolment_told){ 0 };
}

static void tell_verdict(struct pending *p)
{
	enrolment_told_done(&p->told);
	p->told = p->verdict;
	p->verdict = (struct enrolment_told){ 0 };
	enrolment_finish(p);
}

/* What the registry's answer has to be completed by when the certificate is recorded. */
static void add_what_the_ca_said(struct pending *p)
{
	struct enrolment_told *told = &p->told;

	told->chain = p->from_ca.chain;
	told->anchors = p->from_ca.anchors;
	told->message = p->from_ca.message;
	p->from_ca = (struct from_ca){ 0 };
}

static void take_refusal(struct pending *p, const struct enrol_reply *reply)
{
	enrolment_told_done(&p->told);
	p->told.error = reply->error;
	p->told.secondary = reply->secondary;
	if (reply->why)
		p->told.why = *reply->why;
}

/* ---- after the registry --------------------------------------------------------------------- */

/* Nobody is waiting for this; the next one who asks the CA sees that it does not answer. */
static void log_left(const struct pending *p, const struct enrol_reply *reply)
{
	char sentence[512] = "";

	if (reply->accept)
		return;
	if (reply->why)
		diagnosis_sentence(reply->why, sentence, sizeof sentence);
	log_event(LOG_WARNING, "enroll.left",
		  "station=\"%s\" cause=\"%s\" effect=\"the CA has issued a certificate that was "
		  "not delivered, and could not be told so\"",
		  p->asks.ask.where.calling_station, sentence);
}

static void withdrawn(struct pending *p)
{
	struct enrolment *e = p->enrolment;

	if (p->told.accept && e->settings.revoked)
		e->settings.revoked(e->settings.context, NULL);
	tell_verdict(p);
}

static void settled(void *context, const struct enrol_reply *reply)
{
	struct pending *p = context;

	p->ca = NULL;
	if (p->declined)
		log_left(p, reply);
	if (reply->accept || p->declined) {
		tell_verdict(p);
		return;
	}
	take_refusal(p, reply);
	keep_verdict(p);
	p->then = p->otherwise = withdrawn;
	enrolment_ask_registry(p, enrolment_ask_withdraw);
}

static int ask(struct pending *p, const struct enrol_question *question,
	       void (*told)(void *context, const struct enrol_reply *reply))
{
	const struct cmp_client_request request = {
		.question = question, .told = told, .settled = settled, .context = p
	};

	return p->asked->ask(p->asked, &request, &p->ca);
}

/* The registry has the last word, and does not want it. */
static void not_recorded(struct pending *p)
{
	const struct enrol_question revoke = {
		.kind = ENROL_ASKS_REVOKE,
		.grant = &p->asks.ask.grant,
		.certificate = bytes_slice(&p->asks.ask.certificate),
		.reason = CA_CESSATION,
	};

	keep_verdict(p);
	p->declined = true;
	if (p->ca) {
		p->asked->settle(p->ca, false);
	} else if (ask(p, &revoke, settled) < 0) {
		tell_verdict(p);
	}
}

/* It may be an earlier one that the registry has in mind: then the new one is not needed. */
static void recorded(struct pending *p)
{
	bool same =
		slice_eq(bytes_slice(&p->told.certificate), bytes_slice(&p->asks.ask.certificate));

	if (!p->ca && !same) {
		enrolment_refuse(p, ENROL_ERROR_ACTION_REFUSED,
				 "there is a certificate for this key already, which nobody has "
				 "confirmed: the machine needs another key");
		not_recorded(p);
		return;
	}
	add_what_the_ca_said(p);
	if (!p->ca) {
		enrolment_finish(p);
		return;
	}
	keep_verdict(p);
	p->declined = !same;
	p->asked->settle(p->ca, same);
}

/* ---- the CA --------------------------------------------------------------------------------- */

static enum status take_reply(struct pending *p, const struct enrol_reply *reply)
{
	enum status status = put_certificates(reply->chain, &p->from_ca.chain);

	if (status == OK)
		status = put_certificates(reply->anchors, &p->from_ca.anchors);
	if (status == OK)
		status = bytes_set(&p->from_ca.message, reply->message);
	p->asks.ask.described = false;
	/* of a revocation it is what was asked about */
	if (status == OK && p->asks.ask.kind != ENROL_ASKS_REVOKE)
		status = bytes_set(&p->asks.ask.certificate, reply->certificate);
	return status;
}

static void ca_told(void *context, const struct enrol_reply *reply)
{
	struct pending *p = context;

	/* A certificate that was asked for is not settled yet. */
	if (!reply->accept || p->asks.ask.kind != ENROL_ASKS_ISSUE)
		p->ca = NULL;
	if (!reply->accept) {
		take_refusal(p, reply);
		enrolment_finish(p);
		return;
	}
	enrolment_told_done(&p->told);
	if (take_reply(p, reply) != OK) {
		enrolment_refuse(p, ENROL_ERROR_INTERNAL, "no memory for what the CA has sent");
		enrolment_finish(p);
		return;
	}
	if (p->asks.ask.kind == ENROL_ASKS_REVOKE || p->asks.ask.certificate.len == 0) {
		p->told.accept = true;
		add_what_the_ca_said(p);
		enrolment_finish(p);
		return;
	}
	p->then = recorded;
	p->otherwise = not_recorded;
	enrolment_ask_registry(p, enrolment_ask_issue);
}

void enrolment_ask_ca(struct pending *p)
{
	const struct enrolment_ask *asked = &p->asks.ask;
	const unsigned char *in = asked->key.p;
	AUTO(EVP_PKEY) key = asked->key.len ? d2i_PUBKEY(NULL, &in, (long)asked->key.len) : NULL;
	const struct enrol_question question = {
		.kind = asked->kind,
		.action = asked->action,
		.type = asked->type,
		.grant = &asked->grant,
		.key = key,
		.names = &asked->names,
		.csr = bytes_slice(&asked->csr),
		.old = bytes_slice(&asked->old),
		.message = bytes_slice(&asked->message),
		.after = asked->after,
		.certificate = bytes_slice(&asked->certificate),
		.reason = CA_CESSATION, /* as the registry has it: a machine gives it up */
	};
	int error = -ENOENT;

	p->asked = p->enrolment->ca;
	if (p->asked) {
		p->asked->references++;
		error = ask(p, &question, ca_told);
	}
	if (error == 0)
		return;
	if (error == -ENOENT)
		enrolment_refuse(p, ENROL_ERROR_CA_REFUSED,
				 "there is neither an authority of our own nor one behind us");
	else
		enrolment_refuse(p, ENROL_ERROR_INTERNAL, "the CA cannot be asked: %s",
				 strerror(-error));
	enrolment_finish(p);
}
