/* What the conversations of a port are for: the next one is chosen before it begins, and what came
 * of it decides what follows. */
#include "daemon/port_parts.h"
#include "drivers/log.h"

bool port_in_conversation(const struct port *port)
{
	return port->pae.pae_state == PAE_RESTART || port->pae.pae_state == PAE_AUTHENTICATING;
}

static void conversation_ended(struct port *port, const struct conversation_end *end)
{
	port->conversing = false;
	port->world->conversation_ended(port->world->context, port, end);
}

enum course port_wish(struct port *port)
{
	return port->world->course(port->world->context, port, &port->course_until);
}

/* ---- before -------------------------------------------------------------------------------- */

static void take_successor(struct port *port)
{
	if (!port->successor)
		return;
	if (port_method_succeed(port) < 0)
		log_event(LOG_ERR, "port.credential", "port=%s error=\"out of memory\"",
			  port->link.name);
	log_event(LOG_INFO, "port.credential", "port=%s credential=%s generation=%u",
		  port->link.name, port->armed->credential, port->armed->generation);
}

/* A conversation that cannot even be prepared has failed. */
static void fail_unbegun(struct port *port, enum course course, const struct diagnosis *why)
{
	const struct conversation_end end = {
		.course = course, .ending = LIFE_CLOSED, .outcome = LIFE_FAILED, .why = *why
	};

	port->diagnosis = *why;
	port_attempt_ends(port, loop_now(), false);
	conversation_ended(port, &end);
}

bool port_prepare(struct port *port)
{
	struct diagnosis why = { 0 };

	if (port->conversing)
		return true;
	take_successor(port);
	/* The second time round there is a wait for what could not be prepared. */
	for (int i = 0; i < 2; i++) {
		enum course course = port_wish(port);

		if (course == COURSE_NOTHING)
			return false;
		if (course == COURSE_ORDINARY && !port->method.self)
			return false;
		if (course == port->course)
			return true;
		if (port_method_choose(port, course, &why) == 0)
			return true;
		fail_unbegun(port, course, &why);
	}
	return false;
}

/* What the service holds against the credential, told of this port. */
static void take_over(struct port *port, const struct diagnosis *complaint)
{
	port->diagnosis = *complaint;
	diagnosis_add(&port->diagnosis, "interface", "%s", port->link.name);
}

void port_wait(struct port *port)
{
	const struct diagnosis *complaint = port->world->complaint(port->world->context, port);

	port->waiting = true;
	supplicant_set_link(&port->pae, false);
	if (complaint && complaint->id != DIAG_NONE)
		take_over(port, complaint);
	else if (port->diagnosis.id == DIAG_NONE)
		port->diagnosis = port->armed->warning;
	if (port->attempt_began != NEVER)
		port_attempt_ends(port, loop_now(), false);
}

/* ---- meanwhile ----------------------------------------------------------------------------- */

void port_tell_progress(struct port *port)
{
	struct enrolment_event event;

	while (port->enrolment && enrolment_event(port->enrolment, &event))
		port->world->progress(port->world->context, port, &event);
}

/* ---- after --------------------------------------------------------------------------------- */

static void diagnose_success(struct port *port)
{
	const struct diagnosis *complaint = port->world->complaint(port->world->context, port);
	struct eap_report report;

	diagnosis_set(&port->diagnosis, DIAG_NONE);
	if (eap_peer_report(&port->peer, &report) && report.reduced.id != DIAG_NONE)
		port->diagnosis = report.reduced;
	else if (complaint && diagnosis_text(complaint->id)->reduced)
		take_over(port, complaint);
	else if (port->armed->warning.id != DIAG_NONE && port->armed->ready)
		port->diagnosis = port->armed->warning;
}

static void remember_report(struct port *port)
{
	port->report = (struct eap_report){ 0 };
	eap_peer_report(&port->peer, &port->report);
	port->reported = port->peer.selectedMethod ? port->peer.selectedMethod->method->name : "";
}

/* What the server proposed first, and we declined; or what it asked for inside of TEAP. */
static bool wishes_renewal(const struct port *port)
{
	const struct profile_enrol *enrol = &port->armed->profile->enrol;
	const uint8_t tunnel = enrol->tunnel == ENROL_OVER_TTLS ? EAP_TYPE_TTLS : EAP_TYPE_TEAP;
	struct eap_report report;

	return enrol->wanted && (eap_type_is(port->peer.refused, tunnel) ||
				 (eap_peer_report(&port->peer, &report) && report.renewal_wished));
}

static void ordinary_ends(struct port *port, struct conversation_end *end, struct moment now)
{
	if (end->cut_off) {
		conversation_ended(port, end);
		return;
	}
	if (end->ending != LIFE_OPENED) {
		eap_peer_diagnose(&port->peer, &port->diagnosis);
		end->why = port->diagnosis;
	}
	end->wished = end->ending == LIFE_OPENED && wishes_renewal(port);
	remember_report(port);
	conversation_ended(port, end);
	if (end->ending == LIFE_OPENED)
		diagnose_success(port);
	port_attempt_ends(port, now, end->ending == LIFE_OPENED);
	/* Somebody asked for an enrolment meanwhile. */
	if (port_wish(port) == COURSE_ENROL)
		port->hurry = true;
}

/* The server has no such tunnel, and the port is open by its method, or was not opened. */
static bool declined(const struct port *port)
{
	return port->peer.selectedMethod && port->peer.selectedMethod != &port->eap.offers[0];
}

/* What was installed is used as soon as the service has taken it up; where nothing was, whatever
 * else the port can do is done at once, for the switch has nothing against us. */
static void enrolment_ends(struct port *port, struct conversation_end *end, struct moment now)
{
	bool open = end->ending == LIFE_OPENED;
	struct diagnosis said = { 0 };

	port_tell_progress(port);
	if (!end->cut_off && declined(port))
		eap_peer_explain_choice(&port->peer, &said);
	else if (!end->cut_off && !open)
		eap_peer_diagnose(&port->peer, &said);
	if (open && declined(port))
		remember_report(port);
	end->outcome =
		end->cut_off ? LIFE_CUT_OFF : enrolment_outcome(port->enrolment, &said, &end->why);
	port->again = end->outcome == LIFE_INSTALLED;
	port->hurry = !port->again && !end->cut_off && !open;
	/* It is used up. */
	port->course = COURSE_NOTHING;
	conversation_ended(port, end);
	if (end->cut_off || port->again)
		return;
	if (open) {
		diagnose_success(port);
		port_attempt_ends(port, now, true);
	} else if (end->course == COURSE_ENROL) {
		port->diagnosis = end->why;
		port_attempt_ends(port, now, false);
	}
}

static bool ended(const struct port *port, const struct supplicant_counters *before,
		  struct conversation_end *end)
{
	const struct supplicant_counters *after = &port->pae.counters;

	if (after->successes != before->successes)
		end->ending = LIFE_OPENED;
	else if (after->failures != before->failures)
		end->ending = LIFE_CLOSED;
	else if (after->timeouts != before->timeouts)
		end->ending = LIFE_TIMEOUT;
	else
		end->cut_off = true;
	return !end->cut_off || (port->conversing && !port_in_conversation(port));
}

bool port_note_conversation(struct port *port, const struct supplicant_counters *before,
			    struct moment now)
{
	struct conversation_end end = { .course = port->course };
	bool over = ended(port, before, &end);

	if (!port->conversing && (port_in_conversation(port) || !end.cut_off)) {
		port->conversing = true;
		port->world->conversation_began(port->world->context, port);
	}
	if (!over)
		return false;
	if (end.course == COURSE_ENROL || end.course == COURSE_RENEW)
		enrolment_ends(port, &end, now);
	else
		ordinary_ends(port, &end, now);
	return !end.cut_off;
}
