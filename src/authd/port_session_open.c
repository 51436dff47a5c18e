/* What a session comes to: who is let in and put out, and what is told of it. */
#include <errno.h>
#include <string.h>

#include "authd/port_gate.h"
#include "authd/port_session_parts.h"
#include "drivers/log.h"

#define RETRY_LEAST 5000 /* msec, of a gate that was not opened */
#define RETRY_MOST  60000

/* ---- accounting ---------------------------------------------------------------------------- */

static struct traffic traffic_of(const struct port_session *s)
{
	const struct ports_world *world = &ports_of(s)->world;
	uint64_t n[4] = { 0 };
	struct traffic t = { 0 };

	t.known = s->port->config->mode != PORT_MULTI &&
		  world->doors->traffic(world->doors_context, port_name(s), n);
	t.octets_in = n[0];
	t.octets_out = n[1];
	t.packets_in = n[2];
	t.packets_out = n[3];
	return t;
}

static void account(struct port_session *s, enum accounting_kind kind, enum terminate_cause cause)
{
	const struct ports_world *world = &ports_of(s)->world;
	const struct moment now = ports_now(ports_of(s));
	const struct traffic is = traffic_of(s);
	struct aaa_where where;
	struct accounting_event event = {
		.kind = kind,
		.when = now.wall,
		.where = &where,
		.grant = &s->grant,
		.session_time = (uint32_t)((now.mono - s->opened.mono) / 1000),
		.counted = is.known && s->before.known,
		.cause = cause,
	};

	port_session_where(s, &where);
	memcpy(event.mac, s->mac, MAC_SIZE);
	if (event.counted) {
		event.octets_in = is.octets_in - s->before.octets_in;
		event.octets_out = is.octets_out - s->before.octets_out;
		event.packets_in = is.packets_in - s->before.packets_in;
		event.packets_out = is.packets_out - s->before.packets_out;
	}
	world->accountant->note(world->accountant, &event);
}

static msec interim_of(const struct port_session *s)
{
	msec interim = s->grant.interim ? s->grant.interim * (msec)1000 : s->port->config->interim;

	return interim ? interim : NEVER;
}

static const char *cause_name(enum terminate_cause cause)
{
	switch (cause) {
	case TERMINATE_NOT:
		break;
	case TERMINATE_USER_REQUEST:
		return "logoff";
	case TERMINATE_LOST_CARRIER:
		return "carrier-lost";
	case TERMINATE_SESSION_TIMEOUT:
		return "session-timeout";
	case TERMINATE_ADMIN_RESET:
		return "disconnected";
	case TERMINATE_ADMIN_REBOOT:
		return "service-stopped";
	case TERMINATE_NAS_ERROR:
		return "error";
	case TERMINATE_SUPPLICANT_RESTART:
		return "supplicant-restart";
	case TERMINATE_REAUTH_FAILURE:
		return "reauthentication-failed";
	case TERMINATE_PORT_REINITIALIZED:
		return "port-reinitialized";
	case TERMINATE_PORT_DISABLED:
		return "port-disabled";
	}
	return "unknown";
}

void port_session_interim(struct port_session *s, struct moment now)
{
	if (!s->open || now.mono < s->interim_at)
		return;
	s->interim_at = msec_after(now.mono, interim_of(s));
	account(s, ACCOUNTING_INTERIM, TERMINATE_NOT);
}

/* ---- in and out ---------------------------------------------------------------------------- */

void port_session_note_failure(struct port_session *s, struct moment now)
{
	char sentence[512], cause[512], advice[512], next[512];

	s->why.when = now.wall;
	s->refused = now.wall;
	diagnosis_sentence(&s->why, sentence, sizeof sentence);
	log_event(LOG_WARNING, "session.failed",
		  WHO_FORMAT " diagnosis=%s cause=\"%s\" next=\"%s\"", WHO(s),
		  diagnosis_text(s->why.id)->name, log_quoted(sentence, cause, sizeof cause),
		  log_quoted(diagnosis_next(&s->why, advice, sizeof advice), next, sizeof next));
	port_note_failure(s->port, s);
}

void port_session_put_out(struct port_session *s, enum terminate_cause cause)
{
	if (!s->open)
		return;
	port_close(s->port, s);
	s->open = false;
	s->cause = TERMINATE_NOT;
	s->interim_at = NEVER;
	log_event(LOG_NOTICE, "session.closed", WHO_FORMAT " cause=%s", WHO(s), cause_name(cause));
	account(s, ACCOUNTING_STOP, cause);
}

/* The server has let it in, and the gate or the VLAN could not be had: tried again, at growing
 * intervals, for as long as the server's word holds. */
static void try_again(struct port_session *s, struct moment now)
{
	s->retry_wait = s->retry_wait ? s->retry_wait * 2 : RETRY_LEAST;
	if (s->retry_wait > RETRY_MOST)
		s->retry_wait = RETRY_MOST;
	s->retry_at = msec_after(now.mono, s->retry_wait);
}

void port_session_let_in(struct port_session *s, struct moment now)
{
	bool renewed = s->open;
	int error = port_open(s->port, s, &s->why);

	s->retry_at = NEVER;
	if (error < 0) {
		port_session_put_out(s, TERMINATE_NAS_ERROR);
		port_session_note_failure(s, now);
		try_again(s, now);
		return;
	}
	s->retry_wait = 0;
	diagnosis_set(&s->why, DIAG_NONE);
	s->refused = 0;
	s->port->counters.authorised++;
	log_event(LOG_NOTICE, renewed ? "session.renewed" : "session.authorised",
		  WHO_FORMAT " rule=%s vlan=%u timeout_s=%u tls=%s resumed=%s", WHO(s),
		  s->grant.rule, s->port->vlan, s->grant.session_timeout, s->report.tls_version,
		  s->report.resumed ? "yes" : "no");
	s->interim_at = msec_after(now.mono, interim_of(s));
	if (renewed)
		return;
	s->open = true;
	s->cause = TERMINATE_NOT;
	s->opened = now;
	s->before = traffic_of(s);
	account(s, ACCOUNTING_START, TERMINATE_NOT);
}

int port_session_change(struct port_session *s, const struct session_change *what)
{
	const struct moment at = ports_now(ports_of(s));
	struct aaa_grant *grant = &s->grant;
	uint16_t vlan = grant->vlan;
	struct diagnosis why = { 0 };

	if (what->has_vlan) {
		grant->vlan = what->vlan;
		if (port_open(s->port, s, &why) < 0) {
			grant->vlan = vlan;
			return -EOPNOTSUPP;
		}
	}
	if (what->has_session_timeout)
		grant->session_timeout = what->session_timeout;
	if (what->has_reauthenticate)
		grant->reauthenticate = what->reauthenticate;
	if (what->has_session_timeout || what->has_reauthenticate)
		authenticator_pae_set_session(&s->pae, grant->session_timeout * (msec)1000,
					      grant->reauthenticate, at);
	if (what->has_interim) {
		grant->interim = what->interim;
		s->interim_at = msec_after(at.mono, interim_of(s));
	}
	log_event(LOG_NOTICE, "session.changed", WHO_FORMAT " vlan=%u timeout_s=%u", WHO(s),
		  s->port->vlan, grant->session_timeout);
	port_session_set_timer(s);
	return 0;
}
