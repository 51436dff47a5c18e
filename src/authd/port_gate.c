#include "authd/port_gate.h"

#include <errno.h>
#include <string.h>

#include "authd/ports_parts.h"
#include "drivers/log.h"

/* ---- who is let through -------------------------------------------------------------------- */

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
	const struct ports_world *world = &port->ports->world;
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
	const struct ports_world *world = &port->ports->world;

	if (port->admits == everybody ||
	    world->doors->admit(world->doors_context, port->link.index, everybody) < 0)
		return;
	port->admits = everybody;
	log_event(LOG_NOTICE, everybody ? "port.unauthenticated" : "port.closed", "port=%s vlan=%u",
		  port->link.name, port->vlan);
}

int port_open(struct port *port, struct port_session *session, struct diagnosis *why)
{
	const struct ports_world *world = &port->ports->world;
	int error;

	admit(port, false);
	error = port->admits ? -EIO : enter_vlan(port, session, why);
	if (error < 0)
		return error;
	error = world->doors->open(world->doors_context, port->link.index, session->mac);
	if (error < 0)
		diagnosis_say(why, DIAG_INTERNAL, "the gate was not opened: %s", strerror(-error));
	return error;
}

static void leave_vlan(struct port *port)
{
	const struct ports_world *world = &port->ports->world;
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

void port_gate_reset(struct port *port)
{
	admit(port, false);
	leave_vlan(port);
}

void port_close(struct port *port, struct port_session *session)
{
	const struct ports_world *world = &port->ports->world;

	world->doors->close(world->doors_context, port->link.index, session->mac);
	if (is_alone(port, session))
		leave_vlan(port);
}

void port_settle(struct port *port, const struct port_session *session)
{
	const struct ports_world *world = &port->ports->world;
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

/* ---- guarding ------------------------------------------------------------------------------ */

bool port_is_guarded(const struct port *port)
{
	return port->config->control == CONTROL_FORCE_AUTHORIZED ||
	       (port->guarded && port->gate_failure.id == DIAG_NONE);
}

void port_guard_soon(struct port *port, msec wait)
{
	const struct ports_world *world = &port->ports->world;

	if (timer_set(world->loop, &port->retry, msec_after(ports_now(port->ports).mono, wait)) < 0)
		log_event(LOG_ERR, "port.timer", "port=%s error=\"no memory\"", port->link.name);
}

/* What can be done without a gate: nothing passes an interface that is down. */
static void lower(struct port *port)
{
	const struct ports_world *world = &port->ports->world;
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
	const struct ports_world *world = &port->ports->world;
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
void port_guard(struct port *port)
{
	const struct ports_world *world = &port->ports->world;
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
		port_guard_soon(port, PORT_GUARD_RETRY);
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
	const struct ports_world *world = &port->ports->world;
	struct link_info link = port->link;

	port_end_all(port, TERMINATE_NAS_ERROR);
	if (port->guarded) {
		port_gate_reset(port);
		lower(port);
		world->doors->release(world->doors_context, port->link.index);
	}
	port_guard(port);
	if (!port_is_guarded(port))
		return;
	port->link.carrier = false; /* all begins anew */
	port_set_link(port, &link);
}

void port_guard_again(struct timer *timer)
{
	struct port *port = list_item(timer, struct port, retry);

	if (!port_is_guarded(port))
		guard_anew(port);
}

void port_gate_failed(struct port *port, const struct diagnosis *why)
{
	not_guarded(port, why);
	port_guard_soon(port, 0);
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

void port_unguard(struct port *port, bool release)
{
	const struct ports_world *world = &port->ports->world;

	if (port->guarded && release) {
		world->doors->release(world->doors_context, port->link.index);
		log_event(LOG_NOTICE, "port.released", "port=%s", port->link.name);
	}
	raise_again(port);
	timer_clear(&port->retry);
}
