/* Ports and sessions for people: the keys are those of view.h. */
#include "authd/port_gate.h"
#include "authd/ports_parts.h"
#include "authd/view.h"

static bool put(json_t *object, const char *key, json_t *value)
{
	return json_object_set_new(object, key, value) == 0;
}

/* Keys without a value are left out. */
static bool put_text(json_t *object, const char *key, const char *text)
{
	return !text[0] || put(object, key, json_string(text));
}

static bool put_number(json_t *object, const char *key, uint64_t number)
{
	return number == 0 || put(object, key, json_integer((json_int_t)number));
}

static bool put_diagnosis(json_t *object, const struct diagnosis *why)
{
	char sentence[512];

	return why->id == DIAG_NONE ||
	       (put_text(object, "diagnosis", diagnosis_text(why->id)->name) &&
		put_text(object, "cause", diagnosis_sentence(why, sentence, sizeof sentence)));
}

static bool put_session(json_t *list, const struct port_session *s)
{
	struct aaa_where where;
	json_t *object = json_object();

	port_session_where(s, &where);
	if (put_text(object, "session", s->id) && put_text(object, "identity", s->identity) &&
	    put_text(object, "machine", s->open ? s->report.server_subject : "") &&
	    put_text(object, "station", where.calling_station) &&
	    put_text(object, "nas", where.nas_identifier) &&
	    put_text(object, "port", where.nas_port_id) &&
	    put_text(object, "state", port_session_state(s)) &&
	    put_text(object, "tls", s->open ? s->report.tls_version : "") &&
	    put_text(object, "rule", s->grant.rule) &&
	    put_number(object, "vlan", s->open ? s->port->vlan : 0) &&
	    put_number(object, "started", s->open ? (uint64_t)s->opened.wall : 0) &&
	    put_number(object, "timeout", s->open ? s->grant.session_timeout : 0) &&
	    put_diagnosis(object, &s->why))
		return json_array_append_new(list, object) == 0;
	json_decref(object);
	return false;
}

json_t *ports_view_sessions(const struct ports *ports)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < PORTS_SESSIONS_MAX; i++) {
		const struct port_session *s = ports->slot[i];

		if (s && s->known && !put_session(list, s)) {
			json_decref(list);
			list = NULL;
		}
	}
	return list;
}

static const char *mode_name(enum port_mode mode)
{
	switch (mode) {
	case PORT_SINGLE:
		break;
	case PORT_MULTI:
		return "multi";
	case PORT_ANY:
		return "any";
	}
	return "single";
}

static const char *state_of(const struct port *port)
{
	if (!port_is_guarded(port))
		return "not-guarded";

	const char *state =
		port->config->control == CONTROL_FORCE_AUTHORIZED ? "authorised" : "unauthorised";

	list_each (node, &port->sessions) {
		const struct port_session *s = list_item(node, struct port_session, node);

		if (s->open)
			return "authorised";
		if (s->known)
			state = port_session_state(s);
	}
	return state;
}

static bool put_port(json_t *list, const struct port *port)
{
	const struct diagnosis *why =
		port->gate_failure.id != DIAG_NONE ? &port->gate_failure : &port->failure;
	json_t *object = json_object();
	uint64_t stations = 0;

	list_each (node, &port->sessions)
		stations += list_item(node, struct port_session, node)->known;
	if (put_text(object, "name", port->link.name) &&
	    put_text(object, "mode", mode_name(port->config->mode)) &&
	    put_text(object, "state", state_of(port)) &&
	    put(object, "stations", json_integer((json_int_t)stations)) &&
	    put_number(object, "vlan", port->vlan) &&
	    put(object, "carrier", json_boolean(port->link.carrier)) && put_diagnosis(object, why))
		return json_array_append_new(list, object) == 0;
	json_decref(object);
	return false;
}

void ports_health(const struct ports *ports, struct health *health)
{
	list_each (node, &ports->all) {
		const struct port *port = list_item(node, struct port, node);
		char cause[200];

		if (!port_is_guarded(port))
			health_add(health, "port %s: %s", port->link.name,
				   diagnosis_sentence(&port->gate_failure, cause, sizeof cause));
	}
}

json_t *ports_view(const struct ports *ports)
{
	json_t *list = json_array();

	list_each (node, &ports->all) {
		if (list && !put_port(list, list_item(node, struct port, node))) {
			json_decref(list);
			list = NULL;
		}
	}
	return list;
}
