#include "authd/port.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "authd/port_gate.h"
#include "authd/ports_parts.h"
#include "drivers/log.h"
#include "eap/packet.h"

/* At most so many in each second. */
static bool within(struct rate *rate, msec now, unsigned most)
{
	if (now - rate->second >= 1000) {
		rate->second = now;
		rate->used = 0;
	}
	if (rate->used >= most)
		return false;
	rate->used++;
	return true;
}

void port_note_failure(struct port *port, const struct port_session *session)
{
	memcpy(port->failed_mac, session->mac, MAC_SIZE);
	memcpy(port->failed_identity, session->identity, sizeof port->failed_identity);
	port->failure = session->why;
}

/* ---- sessions ------------------------------------------------------------------------------ */

static struct port_session *find(const struct port *port, const uint8_t mac[MAC_SIZE])
{
	list_each (node, &port->sessions) {
		struct port_session *s = list_item(node, struct port_session, node);

		if (s->known && memcmp(s->mac, mac, MAC_SIZE) == 0)
			return s;
	}
	return NULL;
}

static struct port_session *nobody(const struct port *port)
{
	list_each (node, &port->sessions) {
		struct port_session *s = list_item(node, struct port_session, node);

		if (!s->known)
			return s;
	}
	return NULL;
}

static void drop(struct port_session *session, enum terminate_cause cause)
{
	session->port->session_count--;
	port_session_free(session, cause);
}

static struct port_session *begin(struct port *port, const uint8_t *mac)
{
	struct port_session *session = NULL;
	int error = port_session_new(port, mac, &session);

	if (error < 0) {
		log_event(LOG_WARNING, "session.none", "port=%s error=\"%s\"", port->link.name,
			  strerror(-error));
		return NULL;
	}
	list_append(&port->sessions, &session->node);
	port->session_count++;
	if (port_session_set_link(session, port->link.carrier)) {
		drop(session, TERMINATE_NOT);
		return NULL;
	}
	return session;
}

/* The oldest that is not open, and from which nothing but a Start was ever heard, makes room: one
 * who sends Starts from a thousand addresses keeps nobody out who answers. */
static bool make_room(struct port *port)
{
	list_each (node, &port->sessions) {
		struct port_session *s = list_item(node, struct port_session, node);

		if (!s->known || s->open || s->pae.counters.BackendResponses > 0)
			continue;
		drop(s, TERMINATE_NOT);
		return true;
	}
	return false;
}

/* Whose it is from now on; NULL if there is nobody to hear it.  A Response of somebody new was to
 * the group's Request, whose conversation another machine has by now: it is asked itself. */
static struct port_session *adopt(struct port *port, const struct packet_frame *frame,
				  const struct eapol_frame *pdu)
{
	struct port_session *session = nobody(port);

	if (session) {
		memcpy(session->mac, frame->source, MAC_SIZE);
		session->known = true;
		return session;
	}
	if (port->config->mode != PORT_MULTI) {
		port->counters.strangers++;
		return NULL;
	}
	if (port->session_count >= port->config->machines && !make_room(port)) {
		port->counters.shed_machines++;
		return NULL;
	}
	session = begin(port, frame->source);
	port->counters.shed_machines += session == NULL;
	return pdu->type == EAPOL_START ? session : NULL;
}

void port_session_idle(struct port_session *session)
{
	struct port *port = session->port;

	if (!session->known || !port->link.carrier || port->config->control != CONTROL_AUTO)
		return;
	if (port->session_count > 1) {
		drop(session, TERMINATE_NOT);
		return;
	}
	/* The last one: the group is asked again when its time has come. */
	session->known = false;
	session->identity[0] = '\0';
	session->tag = (struct packet_tag){ 0 };
}

/* ---- frames -------------------------------------------------------------------------------- */

/* Only who wants to come in, or answers, can become somebody. */
static bool is_beginning(const struct eapol_frame *pdu)
{
	return pdu->type == EAPOL_START ||
	       (pdu->type == EAPOL_EAP && pdu->body.len > 0 && pdu->body.p[0] == EAP_RESPONSE);
}

static struct port_session *session_for(struct port *port, const struct packet_frame *frame,
					const struct eapol_frame *pdu, msec now)
{
	struct port_session *session = find(port, frame->source);
	bool beginning = is_beginning(pdu);

	/* A port that is open or shut by force asks nobody. */
	if (!session && port->config->control != CONTROL_AUTO)
		session = nobody(port);
	if (!session && !beginning) {
		port->counters.strangers++;
		return NULL;
	}
	if ((!session || pdu->type == EAPOL_START) &&
	    !within(&port->starts, now, port->config->starts_per_second)) {
		port->counters.shed_starts++;
		return NULL;
	}
	return session ? session : adopt(port, frame, pdu);
}

void port_receive(struct port *port, const struct packet_frame *frame)
{
	msec now = ports_now(port->ports).mono;
	struct port_session *session;
	struct eapol_frame pdu;

	port->counters.frames_rx++;
	if (!port->link.carrier || !port_is_guarded(port) || frame->source[0] & 1)
		return;
	if (!within(&port->frames, now, port->config->frames_per_second)) {
		port->counters.shed_frames++;
		return;
	}
	if (eapol_frame_parse(frame->pdu, &pdu) != OK) {
		port->counters.malformed_rx++;
		return;
	}
	session = session_for(port, frame, &pdu, now);
	if (session && port_session_receive(session, frame))
		port_session_idle(session);
}

/* ---- link ---------------------------------------------------------------------------------- */

static void join(struct port *port)
{
	const struct ports_world *world = &port->ports->world;
	int error = port->joined ? 0 : world->doors->join(world->doors_context, port->link.index);

	if (error < 0)
		log_event(LOG_WARNING, "port.group", "port=%s error=\"%s\"", port->link.name,
			  strerror(-error));
	port->joined = error == 0;
}

void port_end_all(struct port *port, enum terminate_cause cause)
{
	list_each (node, &port->sessions)
		drop(list_item(node, struct port_session, node), cause);
}

/* A carrier that went and came within one report of the kernel went all the same. */
static bool interrupted(const struct link_info *was, const struct link_info *is)
{
	return was->carrier && (!is->carrier || was->carrier_changes != is->carrier_changes);
}

void port_set_link(struct port *port, const struct link_info *link)
{
	const struct link_info was = port->link;
	bool lost = interrupted(&was, link);

	port->link = *link;
	if (!port_is_guarded(port)) {
		/* Set up by somebody, or it has another name: sooner than it would be. */
		if (link->up || strcmp(was.name, link->name) != 0)
			port_guard_soon(port, 0);
		return;
	}
	if (lost) {
		port_end_all(port, TERMINATE_LOST_CARRIER);
		port_gate_reset(port);
		log_event(LOG_INFO, "port.carrier-lost", "port=%s", link->name);
	}
	if (!link->carrier || !list_empty(&port->sessions))
		return;
	join(port);
	(void)begin(port, NULL);
}

/* ---- its life ------------------------------------------------------------------------------ */

void port_use(struct port *port, const struct port_config *config)
{
	port->config = config;
	port->pae = authenticator_pae_defaults;
	port->pae.version = config->eapol_version;
	port->pae.quiet_period = config->quiet_period;
	port->pae.tx_period = config->request_period;
	port->pae.reauth_max = config->requests;
	port->pae.server_timeout = config->server_timeout;
	port->pae.reauth_period = config->reauth_period;
	port->choice = (struct eap_policy_choice){ .passthrough = true };
	port->policy = (struct eap_policy){
		.ask_identity = true,
		.choices = &port->choice,
		.choice_count = 1,
		.max_retrans = config->max_retrans,
		.rto_min = config->retransmit_after,
		/* Whoever decides counts as well, and can tell why. */
		.max_rounds = PORT_ROUNDS_MAX,
	};
}

int port_new(struct ports *ports, const struct port_config *config, const struct link_info *link,
	     struct port **ret_port)
{
	struct port *port = calloc(1, sizeof *port);

	if (!port) {
		log_event(LOG_ALERT, "port.open",
			  "port=%s error=\"no memory\" effect=\"everything passes\"", link->name);
		return -ENOMEM;
	}
	list_init(&port->node);
	port->retry = (struct timer){ .due = NEVER, .expired = port_guard_again };
	list_init(&port->sessions);
	port->ports = ports;
	port->link = *link;
	port->link.carrier = false; /* port_set_link follows */
	port_use(port, config);
	port_guard(port);
	*ret_port = port;
	return 0;
}

void port_free(struct port *port, enum terminate_cause cause, bool release)
{
	const struct ports_world *world;

	if (!port)
		return;
	world = &port->ports->world;
	port_end_all(port, cause);
	port_gate_reset(port);
	if (port->joined)
		world->doors->leave(world->doors_context, port->link.index);
	port_unguard(port, release);
	list_remove(&port->node);
	free(port);
}
