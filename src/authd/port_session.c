#include "authd/port_session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "authd/port_gate.h"
#include "authd/ports_parts.h"
#include "drivers/log.h"
#include "eap/packet.h"

#define RETRY_LEAST 5000 /* msec, of a gate that was not opened */
#define RETRY_MOST  60000

static struct ports *ports_of(const struct port_session *s)
{
	return s->port->ports;
}

static const char *port_name(const struct port_session *s)
{
	return s->port->link.name;
}

/* RFC 3580, section 3.21. */
static const char *station(const uint8_t mac[MAC_SIZE], char text[18])
{
	snprintf(text, 18, "%02X-%02X-%02X-%02X-%02X-%02X", mac[0], mac[1], mac[2], mac[3], mac[4],
		 mac[5]);
	return text;
}

#define WHO_FORMAT "port=%s station=%s session=%s identity=\"%s\""
#define WHO(s)                                                                                     \
	port_name(s), station((s)->mac, (char[18]){ 0 }), (s)->id,                                 \
		log_quoted((s)->identity, (char[AAA_TEXT_MAX + 1]){ 0 }, AAA_TEXT_MAX + 1)

void port_session_where(const struct port_session *s, struct aaa_where *ret_where)
{
	const struct port_config *config = s->port->config;
	char text[18];

	*ret_where = (struct aaa_where){
		.nas_port = s->port->link.index,
		.nas_port_type = 15,
		.framed_mtu = (uint32_t)s->lower.mtu,
	};
	memcpy(ret_where->identity, s->identity, sizeof ret_where->identity);
	snprintf(ret_where->calling_station, sizeof ret_where->calling_station, "%s",
		 station(s->mac, text));
	snprintf(ret_where->called_station, sizeof ret_where->called_station, "%s",
		 station(s->port->link.mac, text));
	snprintf(ret_where->nas_identifier, sizeof ret_where->nas_identifier, "%s",
		 config->nas_identifier ? config->nas_identifier
					: ports_of(s)->world.nas_identifier);
	snprintf(ret_where->nas_port_id, sizeof ret_where->nas_port_id, "%s", port_name(s));
	snprintf(ret_where->session_id, sizeof ret_where->session_id, "%s", s->id);
}

/* ---- the server ---------------------------------------------------------------------------- */

static int hand_over(struct port_session *s, struct aaa_request *request)
{
	struct aaa_server *server = ports_of(s)->world.servers[s->port->config->server];
	int error = server ? server->ask(server, request) : -ENOTCONN;

	aaa_request_done(request);
	return error;
}

/* The conversation has ended before the server has ended it. */
static void give_up(struct port_session *s)
{
	struct aaa_request request = {
		.asker = &ports_of(s)->asker,
		.number = s->number,
		.last = true,
	};

	if (s->number == 0)
		return;
	port_session_where(s, &request.where);
	s->number = 0;
	(void)hand_over(s, &request); /* who cannot hear it forgets by itself */
}

static void unanswered(struct port_session *s, int error)
{
	s->number = 0;
	s->aaa.aaaTimeout = true;
	log_event(LOG_WARNING, "session.not-asked", WHO_FORMAT " error=\"%s\"", WHO(s),
		  strerror(-error));
}

/* True when the server was asked or could not be: EAP has to be told of the latter. */
static bool ask(struct port_session *s)
{
	struct aaa_request request = { .asker = &ports_of(s)->asker };
	struct slice response = s->aaa.aaaEapRespData;
	int error = -ENOMEM;

	if (!s->aaa.aaaEapResp)
		return false;
	s->aaa.aaaEapResp = false;
	printable(s->aaa.aaaIdentity, s->identity, sizeof s->identity);
	request.first = s->number == 0;
	if (request.first) {
		diagnosis_set(&s->why, DIAG_NONE);
		s->number = ports_number(ports_of(s), s);
		if (!s->open)
			ports_session_id(ports_of(s), s->id);
		log_event(LOG_INFO, "session.begin", WHO_FORMAT, WHO(s));
	}
	request.number = s->number;
	port_session_where(s, &request.where);
	if (bytes_set(&request.eap, response) == OK)
		error = hand_over(s, &request);
	else
		aaa_request_done(&request);
	if (error < 0)
		unanswered(s, error);
	return error < 0;
}

static void take_grant(struct port_session *s, struct aaa_answer *answer)
{
	aaa_grant_done(&s->grant);
	s->grant = answer->grant;
	answer->grant = (struct aaa_grant){ 0 };
	s->report = answer->report;
	authenticator_pae_set_session(&s->pae, s->grant.session_timeout * (msec)1000,
				      s->grant.reauthenticate, ports_now(ports_of(s)));
}

static void take_reason(struct port_session *s, const struct aaa_answer *answer)
{
	s->told = answer->why.id != DIAG_NONE;
	if (s->told)
		s->why = answer->why;
	s->enrolling = answer->enrolling;
}

bool port_session_answer(struct port_session *s, struct aaa_answer *answer)
{
	struct eap_authenticator_aaa *aaa = &s->aaa;
	bool idle;

	if (answer->number != s->number)
		return false;
	switch (answer->verdict) {
	case AAA_CHALLENGE:
		aaa->aaaEapReq = true;
		aaa->aaaEapReqData = bytes_slice(&answer->eap);
		aaa->aaaMethodTimeout = answer->method_timeout;
		break;
	case AAA_ACCEPT:
		s->number = 0;
		take_grant(s, answer);
		aaa->aaaSuccess = true;
		aaa->aaaEapReqData = bytes_slice(&answer->eap);
		aaa->aaaEapKeyAvailable = true;
		aaa->aaaEapKeyData = &answer->keys;
		break;
	case AAA_REJECT:
		s->number = 0;
		take_reason(s, answer);
		aaa->aaaFail = true;
		aaa->aaaEapReqData = bytes_slice(&answer->eap);
		break;
	case AAA_DISCARD:
		aaa->aaaEapNoReq = true;
		break;
	case AAA_TIMEOUT:
		s->number = 0;
		take_reason(s, answer);
		aaa->aaaTimeout = true;
		break;
	}
	idle = port_session_step(s);
	s->told = s->enrolling = false;
	return idle;
}

/* ---- what it comes to ---------------------------------------------------------------------- */

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

static void note_failure(struct port_session *s, struct moment now)
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

static void put_out(struct port_session *s, enum terminate_cause cause)
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

static void let_in(struct port_session *s, struct moment now)
{
	bool renewed = s->open;
	int error = port_open(s->port, s, &s->why);

	s->retry_at = NEVER;
	if (error < 0) {
		put_out(s, TERMINATE_NAS_ERROR);
		note_failure(s, now);
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

/* Why the PAE has taken its word back. */
static enum terminate_cause cause_of(const struct port_session *s, bool timed_out)
{
	if (s->cause != TERMINATE_NOT)
		return s->cause;
	return timed_out ? TERMINATE_SESSION_TIMEOUT : TERMINATE_REAUTH_FAILURE;
}

/* ---- the way of a frame -------------------------------------------------------------------- */

static void send_frames(struct port_session *s)
{
	const struct ports_world *world = &ports_of(s)->world;
	const struct port *port = s->port;
	struct authenticator_pae_out out;

	while (authenticator_pae_collect(&s->pae, &out)) {
		uint8_t buffer[EAPOL_HEADER_SIZE + EAPOL_EAP_MTU_MAX];
		struct wr w = wr_of(buffer, sizeof buffer);
		int error;

		eapol_frame_build(&w, port->pae.version, EAPOL_EAP, out.body);
		if (!wr_ok(&w))
			continue;
		error = world->doors->send(world->doors_context, port->link.index,
					   s->known ? s->mac : pae_group_address, port->link.mac,
					   s->tag, wr_done(&w));
		if (error < 0)
			log_event(LOG_INFO, "eapol.not-sent", "port=%s error=\"%s\"", port_name(s),
				  strerror(-error));
	}
}

/* A wire has nothing to install keys in. */
static void wipe_keys(struct port_session *s)
{
	struct eap_keys keys = { 0 };

	if (!s->lower.eapKeyAvailable)
		return;
	eap_keys_move(&keys, s->lower.eapKeyData);
	s->lower.eapKeyAvailable = false;
	eap_keys_done(&keys);
}

/* Who has just been given a credential comes back with it; and whose renewal has failed, wherever
 * in its tunnel, with what it was let in by before.  That is no guess: who is open may be back
 * once.
 */
static bool may_be_back_at_once(const struct port_session *s)
{
	return s->why.id == DIAG_ENROLLED || (s->open && s->enrolling);
}

/* The machines run in turn until none has anything to do. */
static void run_machines(struct port_session *s, struct moment now)
{
	bool again;

	do {
		eap_authenticator_step(&s->eap, now);
		/* Afterwards it may have begun anew. */
		if ((s->lower.eapFail || s->lower.eapTimeout) && !s->told)
			eap_authenticator_diagnose(&s->eap, &s->why);
		if (s->lower.eapFail && may_be_back_at_once(s))
			authenticator_pae_excuse(&s->pae);
		again = ask(s);
		again = authenticator_pae_step(&s->pae, now) || again;
		send_frames(s);
		if (s->lower.eapRestart || !s->lower.portEnabled)
			give_up(s);
	} while (again);
}

static void note_outcome(struct port_session *s, const struct authenticator_pae_counters *before,
			 bool timed_out, struct moment now)
{
	const struct authenticator_pae_counters *is = &s->pae.counters;
	bool refused = is->BackendAuthFails != before->BackendAuthFails;
	bool silent =
		is->AuthTimeoutsWhileAuthenticating != before->AuthTimeoutsWhileAuthenticating &&
		s->known;

	if (s->open && !s->pae.authPortStatus)
		put_out(s, cause_of(s, timed_out));
	if (refused || silent) {
		s->port->counters.refused += refused;
		s->port->counters.timeouts += silent;
		if (s->why.id == DIAG_NONE)
			diagnosis_set(&s->why, DIAG_TIMEOUT);
		note_failure(s, now);
	}
	if (!s->pae.authPortStatus)
		s->retry_at = NEVER;
	else if (is->BackendAuthSuccesses != before->BackendAuthSuccesses ||
		 now.mono >= s->retry_at)
		let_in(s, now);
}

static void set_timer(struct port_session *s)
{
	msec due = msec_earlier(authenticator_pae_deadline(&s->pae),
				eap_authenticator_deadline(&s->eap));

	due = msec_earlier(due, s->open ? s->interim_at : s->retry_at);
	if (timer_set(ports_of(s)->world.loop, &s->timer, due) < 0)
		log_event(LOG_ERR, "session.timer", "port=%s error=\"no memory\"", port_name(s));
}

bool port_session_step(struct port_session *s)
{
	const struct authenticator_pae_counters before = s->pae.counters;
	const struct moment now = ports_now(ports_of(s));
	bool timed_out = s->pae.authPortStatus && now.mono >= s->pae.session_until;

	run_machines(s, now);
	wipe_keys(s);
	note_outcome(s, &before, timed_out, now);
	if (s->open && now.mono >= s->interim_at) {
		s->interim_at = msec_after(now.mono, interim_of(s));
		account(s, ACCOUNTING_INTERIM, TERMINATE_NOT);
	}
	port_settle(s->port, s);
	set_timer(s);
	return authenticator_pae_idle(&s->pae);
}

bool port_session_receive(struct port_session *s, const struct packet_frame *frame)
{
	struct eapol_frame pdu;
	bool idle;

	if (authenticator_pae_receive(&s->pae, frame->pdu, &pdu) != OK)
		return false;
	s->tag = frame->tag;
	s->cause = pdu.type == EAPOL_LOGOFF ? TERMINATE_USER_REQUEST : TERMINATE_NOT;
	idle = port_session_step(s);
	s->cause = TERMINATE_NOT;
	return idle;
}

bool port_session_set_link(struct port_session *s, bool up)
{
	bool idle;

	s->lower.mtu = eapol_eap_mtu(s->port->link.mtu);
	s->cause = TERMINATE_LOST_CARRIER;
	authenticator_pae_set_link(&s->pae, up);
	idle = port_session_step(s);
	s->cause = TERMINATE_NOT;
	return idle;
}

bool port_session_reauthenticate(struct port_session *s)
{
	authenticator_pae_reauthenticate(&s->pae);
	return port_session_step(s);
}

bool port_session_disconnect(struct port_session *s, enum terminate_cause cause)
{
	bool idle;

	s->cause = cause;
	authenticator_pae_disconnect(&s->pae);
	idle = port_session_step(s);
	s->cause = TERMINATE_NOT;
	return idle;
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
	set_timer(s);
	return 0;
}

const char *port_session_state(const struct port_session *s)
{
	switch ((enum authenticator_pae_state)s->pae.pae_state) {
	case AUTH_HELD:
		return "held";
	case AUTH_FORCE_AUTH:
		return "authorised";
	case AUTH_FORCE_UNAUTH:
		return "unauthorised";
	case AUTH_INITIALIZE:
	case AUTH_DISCONNECTED:
		return "waiting";
	case AUTH_RESTART:
	case AUTH_CONNECTING:
	case AUTH_AUTHENTICATING:
	case AUTH_AUTHENTICATED:
	case AUTH_ABORTING:
		break;
	}
	return s->open ? "authorised" : s->pae.authPortStatus ? "blocked" : "authenticating";
}

/* ---- its life ------------------------------------------------------------------------------ */

static void on_timer(struct timer *timer)
{
	struct port_session *s = list_item(timer, struct port_session, timer);

	if (port_session_step(s))
		port_session_idle(s);
}

int port_session_new(struct port *port, const uint8_t *mac, struct port_session **ret_session)
{
	struct port_session *s = calloc(1, sizeof *s);

	if (!s)
		return -ENOMEM;
	s->port = port;
	if (!ports_take_slot(port->ports, s)) {
		free(s);
		return -ENOSPC;
	}
	list_init(&s->node);
	s->known = mac != NULL;
	if (mac)
		memcpy(s->mac, mac, MAC_SIZE);
	s->interim_at = s->retry_at = NEVER;
	s->timer.expired = on_timer;
	s->timer.due = NEVER;
	s->lower.mtu = eapol_eap_mtu(port->link.mtu);
	eap_authenticator_init(&s->eap, EAP_FULL, &port->policy, &s->lower, &s->aaa);
	authenticator_pae_init(&s->pae, &port->pae, &s->lower);
	authenticator_pae_set_control(&s->pae, port->config->control);
	*ret_session = s;
	return 0;
}

void port_session_free(struct port_session *s, enum terminate_cause cause)
{
	if (!s)
		return;
	put_out(s, cause);
	give_up(s);
	timer_clear(&s->timer);
	list_remove(&s->node);
	ports_give_slot(ports_of(s), s);
	eap_authenticator_done(&s->eap);
	aaa_grant_done(&s->grant);
	free(s);
}
