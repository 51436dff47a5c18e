/* An attempt of a port: when it begins, how it ends, and what the log and the bus are told of it.
 */
#include <stdio.h>

#include "daemon/port_parts.h"
#include "drivers/log.h"

void port_attempt_begins(struct port *port, struct moment now)
{
	if (port->attempt_began != NEVER)
		return;
	port->attempt_began = now.mono;
	log_event(LOG_INFO, "port.attempt", "port=%s profile=%s", port->link.name, port->profile);
}

static void log_success(const struct port *port)
{
	struct eap_report report = { 0 };

	eap_peer_report(&port->peer, &report);
	log_event(LOG_NOTICE, "port.authorised",
		  "port=%s profile=%s duration_ms=%llu inner=%s tls=%s resumed=%s diagnosis=%s",
		  port->link.name, port->profile, (unsigned long long)port->duration, report.inner,
		  report.tls_version, report.resumed ? "yes" : "no",
		  diagnosis_text(port->diagnosis.id)->name);
}

static void log_evidence(const struct port *port, int level)
{
	const struct diagnosis *d = &port->diagnosis;
	char text[DIAGNOSIS_TEXT_MAX + DIAGNOSIS_EVIDENCE_MAX * 32] = "";
	char value[DIAGNOSIS_VALUE_MAX];
	size_t n = 0;

	for (size_t i = 0; i < d->evidence_count && n < sizeof text; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, " %s=\"%s\"", d->key[i],
				      log_quoted(diagnosis_value(d, i), value, sizeof value));
	log_event(level, "port.evidence", "port=%s id=%s%s", port->link.name,
		  diagnosis_text(d->id)->name, text);
}

static void log_diagnosis(const struct port *port, bool success)
{
	const struct diagnosis *d = &port->diagnosis;
	int level = success ? LOG_WARNING : d->id == DIAG_DISCONNECTED ? LOG_NOTICE : LOG_ERR;
	char sentence[512], next[512], cause[512], advice[512];

	diagnosis_sentence(d, sentence, sizeof sentence);
	diagnosis_next(d, next, sizeof next);
	log_event(level, "port.diagnosis", "port=%s id=%s cause=\"%s\" next=\"%s\"",
		  port->link.name, diagnosis_text(d->id)->name,
		  log_quoted(sentence, cause, sizeof cause),
		  log_quoted(next, advice, sizeof advice));
	log_evidence(port, level);
}

void port_attempt_ends(struct port *port, struct moment now, bool success)
{
	port->diagnosis.when = now.wall;
	diagnosis_add(&port->diagnosis, "interface", "%s", port->link.name);
	if (success) {
		port->last_success = now.wall;
		port->duration = port->attempt_began == NEVER ? 0 : now.mono - port->attempt_began;
		log_success(port);
	}
	if (port->diagnosis.id != DIAG_NONE)
		log_diagnosis(port, success);
	port->attempt_began = NEVER;
	port->world->ended(port->world->context, port, success);
}

void port_attempt_fails(struct port *port, struct moment now, enum diagnosis_id id)
{
	diagnosis_set(&port->diagnosis, id);
	port_attempt_ends(port, now, false);
}

/* Who has asked for a credential, and hears nothing, is told what is waited for. */
static void tell_silence(struct port *port, struct moment now)
{
	const struct supplicant *pae = &port->pae;
	struct enrolment_event event = { .step = "waiting", .protocol = "" };
	enum course wish = port_wish(port);

	if (pae->startCount < 2 || (wish != COURSE_ENROL && wish != COURSE_RENEW))
		return;
	event.action = wish == COURSE_ENROL ? "register" : "renew";
	snprintf(event.credential, sizeof event.credential, "%s", port->armed->credential);
	if (pae->insists || pae->startCount < pae->config->start_max)
		snprintf(event.detail, sizeof event.detail,
			 "no answer yet, as for some time after a refusal; asked again in %llu s",
			 (unsigned long long)(pae->startWhen - now.mono + 999) / 1000);
	else
		snprintf(event.detail, sizeof event.detail,
			 "no answer, and that was the last try; listening from now on");
	port->world->progress(port->world->context, port, &event);
}

void port_note_outcome(struct port *port, const struct supplicant_counters *before,
		       struct moment now)
{
	const struct supplicant *pae = &port->pae;
	bool unanswered = supplicant_unanswered(pae) ||
			  pae->counters.reauth_unanswered != before->reauth_unanswered;

	if (pae->pae_state == PAE_AUTHENTICATING ||
	    (pae->counters.start_tx != before->start_tx && !unanswered))
		port_attempt_begins(port, now);
	if (pae->counters.start_tx != before->start_tx)
		tell_silence(port, now);

	if (!port_note_conversation(port, before, now) && unanswered && !port->unanswered) {
		diagnosis_set(&port->diagnosis, DIAG_NO_AUTHENTICATOR);
		diagnosis_add(&port->diagnosis, "starts", "%u",
			      pae->config->start_max < SUPPLICANT_MAX_START ? pae->config->start_max
									    : SUPPLICANT_MAX_START);
		port_attempt_ends(port, now, false);
	}
	port->unanswered = unanswered;
}
