#include "authd/record.h"

#include <stdarg.h>
#include <stdio.h>

#define COPY(to, from) ((void)snprintf((to), sizeof(to), "%s", (from)))

/* RFC 2866, section 5.10; from 19 on RFC 3580, section 2.1. */
static const char *const causes[] = {
	"",
	"user-request",
	"lost-carrier",
	"lost-service",
	"idle-timeout",
	"session-timeout",
	"admin-reset",
	"admin-reboot",
	"port-error",
	"nas-error",
	"nas-request",
	"nas-reboot",
	"port-unneeded",
	"port-preempted",
	"port-suspended",
	"service-unavailable",
	"callback",
	"user-error",
	"host-request",
	"supplicant-restart",
	"reauthentication-failure",
	"port-reinitialized",
	"port-disabled",
};

const char *terminate_cause_word(uint32_t cause, char *buffer, size_t size)
{
	if (cause < sizeof causes / sizeof causes[0])
		snprintf(buffer, size, "%s", causes[cause]);
	else
		snprintf(buffer, size, "cause-%u", (unsigned)cause);
	return buffer;
}

static const char *nas_of(const struct aaa_where *where)
{
	return *where->nas_identifier ? where->nas_identifier : where->nas_address;
}

/* Our own name for a session where there is one; the Class of a port of ours comes back to nobody,
 * it is told by its Acct-Session-Id.  What a NAS calls itself is its own word: only together with
 * the client that it is does it tell sessions apart. */
static bool name_session(const char *ours, const struct aaa_where *where,
			 struct registry_session *s)
{
	const char *whose = *nas_of(where) ? nas_of(where) : where->nas_port_id;

	if (*where->session_id && !*where->client)
		snprintf(s->session, sizeof s->session, "%.160s@%.90s", where->session_id, whose);
	else if (*where->session_id && !*ours)
		snprintf(s->session, sizeof s->session, "%.120s@%.64s/%.60s", where->session_id,
			 where->client, whose);
	else
		COPY(s->session, ours);
	return *s->session != '\0';
}

static void take_where(const struct aaa_where *where, struct registry_session *s)
{
	COPY(s->client, where->client);
	COPY(s->nas, nas_of(where));
	if (*where->nas_port_id)
		COPY(s->port, where->nas_port_id);
	else if (where->nas_port)
		snprintf(s->port, sizeof s->port, "%u", (unsigned)where->nas_port);
	COPY(s->station, where->calling_station);
	COPY(s->identity, where->identity);
}

static bool identify(const struct outcome_claim *claim, registry_text ret_identifier)
{
	outcome_machine(claim->subject, claim->names, claim->fingerprint, ret_identifier,
			sizeof(registry_text));
	return *ret_identifier != '\0';
}

bool record_machine_of(const struct outcome *o, struct registry_machine *ret_machine)
{
	struct registry_machine m = { .kind = MACHINE_CERTIFICATE, .last_seen = o->ended.wall };

	if (!o->accepted || !identify(&o->claim, m.identifier))
		return false;
	COPY(m.fingerprint, o->claim.fingerprint);
	COPY(m.station, o->where.calling_station);
	COPY(m.nas, nas_of(&o->where));
	COPY(m.port, o->where.nas_port_id);
	*ret_machine = m;
	return true;
}

bool record_session_of(const struct outcome *o, struct registry_session *ret_session)
{
	struct registry_session s = { .started = o->ended.wall, .updated = o->ended.wall };

	if (!o->accepted || !name_session(o->session, &o->where, &s))
		return false;
	take_where(&o->where, &s);
	/* Who was proved inside of a tunnel is who it is; outside it may have been anonymous. */
	if (*o->account)
		COPY(s.identity, o->account);
	COPY(s.method, o->method);
	COPY(s.tls, o->report.tls_version);
	snprintf(s.rule, sizeof s.rule, "%.63s", o->grant.rule);
	s.vlan = o->grant.vlan;
	s.supersedes = *o->where.client != '\0'; /* a port of ours tells what has ended */
	s.machine_kind = MACHINE_CERTIFICATE;
	(void)identify(&o->claim, s.machine);
	*ret_session = s;
	return true;
}

bool record_session_of_nas(const struct nas_accounting *a, struct registry_session *ret_session)
{
	struct registry_session s = { .updated = a->when,
				      .octets_in = a->input_octets,
				      .octets_out = a->output_octets,
				      .packets_in = a->input_packets,
				      .packets_out = a->output_packets };

	switch (a->status) {
	case NAS_ACCOUNTING_START:
		s.started = a->when;
		break;
	case NAS_ACCOUNTING_STOP:
		s.ended = a->when;
		s.started = a->when - a->session_time;
		terminate_cause_word(a->terminate_cause, s.cause, sizeof s.cause);
		break;
	case NAS_ACCOUNTING_INTERIM:
		s.started = a->session_time ? a->when - a->session_time : 0;
		break;
	case NAS_ACCOUNTING_ON:
	case NAS_ACCOUNTING_OFF:
		return false; /* of the NAS, not of a session */
	}
	if (!name_session(a->session, &a->where, &s))
		return false;
	take_where(&a->where, &s);
	*ret_session = s;
	return true;
}

void record_session_of_port(const struct accounting_event *e, struct registry_session *ret_session)
{
	struct registry_session s = { .updated = e->when };

	(void)name_session("", e->where, &s);
	take_where(e->where, &s);
	s.started = e->when - e->session_time;
	s.vlan = e->grant ? e->grant->vlan : 0;
	if (e->grant && *e->grant->user_name)
		COPY(s.identity, e->grant->user_name);
	if (e->counted) {
		s.octets_in = e->octets_in;
		s.octets_out = e->octets_out;
		s.packets_in = e->packets_in;
		s.packets_out = e->packets_out;
	}
	if (e->kind == ACCOUNTING_STOP) {
		s.ended = e->when;
		terminate_cause_word(e->cause, s.cause, sizeof s.cause);
	}
	*ret_session = s;
}

/* ---- to the recorder ------------------------------------------------------------------------ */

void record_outcome(struct recorder *recorder, const struct outcome *outcome)
{
	struct registry_machine machine;
	struct registry_session session;

	if (record_machine_of(outcome, &machine))
		(void)recorder_machine(recorder, &machine);
	if (record_session_of(outcome, &session))
		(void)recorder_session(recorder, &session);
}

enum record_fate record_nas_accounting(struct recorder *recorder,
				       const struct nas_accounting *accounting,
				       struct receipt *receipt)
{
	struct registry_session session;
	struct recorder_counts counts;

	if (!record_session_of_nas(accounting, &session))
		return RECORD_NOTHING;
	recorder_counts(recorder, &counts);
	return counts.connected && recorder_session_then(recorder, &session, receipt)
		       ? RECORD_PUT
		       : RECORD_DROPPED;
}

void record_accounting(struct recorder *recorder, const struct accounting_event *event)
{
	struct registry_session session;

	record_session_of_port(event, &session);
	(void)recorder_session(recorder, &session);
}

bool record_audit(struct recorder *recorder, const char *event, const char *actor,
		  const char *subject, const char *format, ...)
{
	struct registry_audit e = { .when = loop_now().wall };
	va_list args;

	COPY(e.event, event);
	COPY(e.actor, actor);
	COPY(e.subject, subject);
	va_start(args, format);
	(void)vsnprintf(e.detail, sizeof e.detail, format, args);
	va_end(args);
	return recorder_audit(recorder, &e);
}
