#include "authd/port_session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "authd/port_gate.h"
#include "authd/port_session_parts.h"
#include "drivers/log.h"
#include "eap/packet.h"

/* RFC 3580, section 3.21. */
const char *port_session_station(const uint8_t mac[MAC_SIZE], char text[18])
{
	snprintf(text, 18, "%02X-%02X-%02X-%02X-%02X-%02X", mac[0], mac[1], mac[2], mac[3], mac[4],
		 mac[5]);
	return text;
}

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
		 port_session_station(s->mac, text));
	snprintf(ret_where->called_station, sizeof ret_where->called_station, "%s",
		 port_session_station(s->port->link.mac, text));
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
		port_session_put_out(s, cause_of(s, timed_out));
	if (refused || silent) {
		s->port->counters.refused += refused;
		s->port->counters.timeouts += silent;
		if (s->why.id == DIAG_NONE)
			diagnosis_set(&s->why, DIAG_TIMEOUT);
		port_session_note_failure(s, now);
	}
	if (!s->pae.authPortStatus)
		s->retry_at = NEVER;
	else if (is->BackendAuthSuccesses != before->BackendAuthSuccesses ||
		 now.mono >= s->retry_at)
		port_session_let_in(s, now);
}

void port_session_set_timer(struct port_session *s)
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
	port_session_interim(s, now);
	port_settle(s->port, s);
	port_session_set_timer(s);
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
	port_session_put_out(s, cause);
	give_up(s);
	timer_clear(&s->timer);
	list_remove(&s->node);
	ports_give_slot(ports_of(s), s);
	eap_authenticator_done(&s->eap);
	aaa_grant_done(&s->grant);
	free(s);
}
