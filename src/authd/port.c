#include "authd/port.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "authd/ports_parts.h"
#include "drivers/log.h"
#include "eap/packet.h"

static const struct ports_world *world_of(const struct port *port)
{
	return &port->ports->world;
}

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

/* ---- the gate ------------------------------------------------------------------------------ */

static bool is_alone(const struct port *port, const struct port_session *session)
{
	list_each (node, &port->sessions) {
		const struct port_session *other = list_item(node, struct port_session, node);

		if (other != session && other->open)
			return false;
	}
	return true;
}

/* The VLAN is the whole port's: it is that of all who are in, or the machine does not get in. */
static int enter_vlan(struct port *port, struct port_session *session, struct diagnosis *why)
{
	const struct ports_world *world = world_of(port);
	uint16_t vlan =
		session->grant.vlan ? session->grant.vlan : (uint16_t)port->config->authorised_vlan;
	int error;

	if (vlan == port->vlan)
		return 0;
	if (!is_alone(port, session)) {
		diagnosis_say(why, DIAG_INTERNAL,
			      "others behind this port are in another VLAN than %u", vlan);
		return -EBUSY;
	}
	error = world->doors->vlan(world->doors_context, port->link.index, vlan, why);
	if (error == 0)
		port->vlan = vlan;
	return error;
}

static void admit(struct port *port, bool everybody)
{
	const struct ports_world *world = world_of(port);

	if (port->admits == everybody ||
	    world->doors->admit(world->doors_context, port->link.index, everybody) < 0)
		return;
	port->admits = everybody;
	log_event(LOG_NOTICE, everybody ? "port.unauthenticated" : "port.closed", "port=%s vlan=%u",
		  port->link.name, port->vlan);
}

int port_open(struct port *port, struct port_session *session, struct diagnosis *why)
{
	const struct ports_world *world = world_of(port);
	int error;

	admit(port, false);
	error = port->admits ? -EIO : enter_vlan(port, session, why);
	if (error < 0)
		return error;
	error = world->doors->open(world->doors_context, port->link.index, session->mac);
	if (error < 0) {
		diagnosis_say(why, DIAG_INTERNAL, "the gate was not opened: %s", strerror(-error));
	}
	return error;
}

static void leave_vlan(struct port *port)
{
	const struct ports_world *world = world_of(port);
	struct diagnosis why = { 0 };
	char sentence[512], cause[512];
	int error;

	if (port->vlan == 0)
		return;
	error = world->doors->vlan(world->doors_context, port->link.index, 0, &why);
	if (error < 0)
		log_event(LOG_ERR, "port.vlan", "port=%s error=\"%s\" cause=\"%s\"",
			  port->link.name, strerror(-error),
			  log_quoted(diagnosis_sentence(&why, sentence, sizeof sentence), cause,
				     sizeof cause));
	port->vlan = 0;
}

void port_close(struct port *port, struct port_session *session)
{
	const struct ports_world *world = world_of(port);

	world->doors->close(world->doors_context, port->link.index, session->mac);
	if (is_alone(port, session))
		leave_vlan(port);
}

void port_settle(struct port *port, const struct port_session *session)
{
	const struct ports_world *world = world_of(port);
	uint16_t vlan = (uint16_t)port->config->unauthenticated_vlan;
	int state = session->pae.pae_state;
	struct diagnosis why = { 0 };
	char sentence[512], cause[512];

	if (!vlan || port->admits || session->open || !port->link.carrier ||
	    (state != AUTH_DISCONNECTED && state != AUTH_HELD))
		return;
	if (world->doors->vlan(world->doors_context, port->link.index, vlan, &why) < 0) {
		log_event(LOG_ERR, "port.vlan", "port=%s vlan=%u cause=\"%s\"", port->link.name,
			  vlan,
			  log_quoted(diagnosis_sentence(&why, sentence, sizeof sentence), cause,
				     sizeof cause));
		return;
	}
	port->vlan = vlan;
	admit(port, true);
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

bool port_is_guarded(const struct port *port)
{
	return port->config->control == CONTROL_FORCE_AUTHORIZED ||
	       (port->guarded && port->gate_failure.id == DIAG_NONE);
}

static void soon(struct port *port, msec wait)
{
	const struct ports_world *world = world_of(port);

	if (timer_set(world->loop, &port->retry, msec_after(ports_now(port->ports).mono, wait)) < 0)
		log_event(LOG_ERR, "port.timer", "port=%s error=\"no memory\"", port->link.name);
}

static void join(struct port *port)
{
	const struct ports_world *world = world_of(port);
	int error = port->joined ? 0 : world->doors->join(world->doors_context, port->link.index);

	if (error < 0)
		log_event(LOG_WARNING, "port.group", "port=%s error=\"%s\"", port->link.name,
			  strerror(-error));
	port->joined = error == 0;
}

static void drop_all(struct port *port, enum terminate_cause cause)
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
			soon(port, 0);
		return;
	}
	if (lost) {
		drop_all(port, TERMINATE_LOST_CARRIER);
		admit(port, false);
		leave_vlan(port);
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

/* What can be done without a gate: nothing passes an interface that is down. */
static void lower(struct port *port)
{
	const struct ports_world *world = world_of(port);
	int error;

	if (!port->link.up)
		return;
	error = world->doors->set_up(world->doors_context, port->link.index, false);
	if (error == 0) {
		port->lowered = true;
		log_event(LOG_WARNING, "port.lowered", "port=%s effect=\"nothing passes\"",
			  port->link.name);
	} else if (error != -ENODEV) {
		log_event(LOG_ALERT, "port.open",
			  "port=%s error=\"%s\" effect=\"everything passes\"", port->link.name,
			  strerror(-error));
	}
}

static void raise_again(struct port *port)
{
	const struct ports_world *world = world_of(port);
	int error = 0;

	if (port->lowered)
		error = world->doors->set_up(world->doors_context, port->link.index, true);
	if (error < 0 && error != -ENODEV)
		log_event(LOG_ERR, "port.lowered", "port=%s error=\"%s\" effect=\"it stays so\"",
			  port->link.name, strerror(-error));
	port->lowered = false;
}

/* Said when it changes. */
static void not_guarded(struct port *port, const struct diagnosis *why)
{
	char sentence[512], cause[512];

	if (!diagnosis_same(&port->gate_failure, why))
		log_event(LOG_ERR, "port.not-guarded", "port=%s cause=\"%s\"", port->link.name,
			  log_quoted(diagnosis_sentence(why, sentence, sizeof sentence), cause,
				     sizeof cause));
	port->gate_failure = *why;
	lower(port);
}

/* A port that is open by force has no gate: all pass as if there were none. */
static void guard(struct port *port)
{
	const struct ports_world *world = world_of(port);
	const struct gate_port gate = {
		.index = port->link.index,
		.name = port->link.name,
		.any = port->config->mode == PORT_ANY,
		.bridge = port->config->bridge_template,
		.create_bridges = port->config->create_bridges,
	};
	struct diagnosis why = { 0 };

	if (port->config->control == CONTROL_FORCE_AUTHORIZED)
		return;
	port->guarded = world->doors->guard(world->doors_context, &gate, &why) == 0;
	if (!port->guarded) {
		not_guarded(port, &why);
		soon(port, PORT_GUARD_RETRY);
		return;
	}
	diagnosis_set(&port->gate_failure, DIAG_NONE);
	log_event(LOG_NOTICE, "port.guarded", "port=%s settings=%s", port->link.name,
		  port->config->object.name);
	raise_again(port);
}

/* What the gate still has of it is of no worth. */
static void guard_anew(struct port *port)
{
	const struct ports_world *world = world_of(port);
	struct link_info link = port->link;

	drop_all(port, TERMINATE_NAS_ERROR);
	if (port->guarded) {
		admit(port, false);
		leave_vlan(port);
		lower(port);
		world->doors->release(world->doors_context, port->link.index);
	}
	guard(port);
	if (!port_is_guarded(port))
		return;
	port->link.carrier = false; /* all begins anew */
	port_set_link(port, &link);
}

static void on_retry(struct timer *timer)
{
	struct port *port = list_item(timer, struct port, retry);

	if (!port_is_guarded(port))
		guard_anew(port);
}

void port_gate_failed(struct port *port, const struct diagnosis *why)
{
	not_guarded(port, why);
	soon(port, 0);
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
	port->retry = (struct timer){ .due = NEVER, .expired = on_retry };
	list_init(&port->sessions);
	port->ports = ports;
	port->link = *link;
	port->link.carrier = false; /* port_set_link follows */
	port_use(port, config);
	guard(port);
	*ret_port = port;
	return 0;
}

bool port_give_lowered(struct port *port)
{
	bool lowered = port->lowered;

	port->lowered = false;
	return lowered;
}

void port_take_lowered(struct port *port, bool lowered)
{
	port->lowered |= lowered;
	if (port_is_guarded(port))
		raise_again(port);
}

void port_free(struct port *port, enum terminate_cause cause, bool release)
{
	const struct ports_world *world;

	if (!port)
		return;
	world = world_of(port);
	drop_all(port, cause);
	admit(port, false);
	leave_vlan(port);
	if (port->joined)
		world->doors->leave(world->doors_context, port->link.index);
	if (port->guarded && release) {
		world->doors->release(world->doors_context, port->link.index);
		log_event(LOG_NOTICE, "port.released", "port=%s", port->link.name);
	}
	raise_again(port);
	timer_clear(&port->retry);
	list_remove(&port->node);
	free(port);
}
