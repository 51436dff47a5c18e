#include "authd/ports.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "authd/port_gate.h"
#include "authd/ports_parts.h"
#include "drivers/log.h"

/* An interface, guarded or not. */
struct known_link {
	struct list node;
	struct link_info link;
	struct port *port; /* NULL: not guarded */
};

/* ---- sessions by number -------------------------------------------------------------------- */

bool ports_take_slot(struct ports *ports, struct port_session *session)
{
	if (ports->free_slots == 0)
		return false;
	session->slot = ports->free_slot[--ports->free_slots];
	ports->slot[session->slot] = session;
	return true;
}

void ports_give_slot(struct ports *ports, struct port_session *session)
{
	ports->slot[session->slot] = NULL;
	ports->free_slot[ports->free_slots++] = session->slot;
}

uint64_t ports_number(struct ports *ports, const struct port_session *session)
{
	return ++ports->next_number << 16 | session->slot;
}

void ports_session_id(struct ports *ports, char id[SESSION_ID_SIZE])
{
	snprintf(id, SESSION_ID_SIZE, "%08X-%08X", ports->booted, ports->next_id++);
}

static void answered(struct aaa_asker *asker, struct aaa_answer *taken)
{
	struct ports *ports = list_item(asker, struct ports, asker);
	size_t slot = taken->number & 0xffff;
	struct port_session *session = slot < PORTS_SESSIONS_MAX ? ports->slot[slot] : NULL;

	if (session && session->number == taken->number && port_session_answer(session, taken))
		port_session_idle(session);
	aaa_answer_done(taken);
}

/* ---- interfaces ---------------------------------------------------------------------------- */

static struct known_link *link_at(const struct ports *ports, unsigned index)
{
	list_each (node, &ports->links[index % PORTS_BUCKETS]) {
		struct known_link *known = list_item(node, struct known_link, node);

		if (known->link.index == index)
			return known;
	}
	return NULL;
}

static const struct port_config *config_of(const struct ports *ports, const struct link_info *link)
{
	const struct ports_world *world = &ports->world;
	char bridge[IF_NAMESIZE];
	bool bridged = world->doors->bridge(world->doors_context, link->name, bridge);

	if (!ports->config || !link->ethernet || link->wireless)
		return NULL;
	return config_port(ports->config, link->name, bridged ? bridge : NULL);
}

static void add_counters(struct ports_counts *sum, const struct port_counters *c)
{
	sum->frames_rx += c->frames_rx;
	sum->malformed_rx += c->malformed_rx;
	sum->shed_frames += c->shed_frames;
	sum->shed_starts += c->shed_starts;
	sum->shed_machines += c->shed_machines;
	sum->strangers += c->strangers;
	sum->accepts += c->authorised;
	sum->refusals += c->refused;
	sum->timeouts += c->timeouts;
}

static void unguard(struct ports *ports, struct known_link *known, enum terminate_cause cause,
		    bool release)
{
	if (!known->port)
		return;
	add_counters(&ports->gone, &known->port->counters);
	port_free(TAKE(known->port), cause, release);
}

static void forget(struct ports *ports, struct known_link *known, enum terminate_cause cause,
		   bool release)
{
	unguard(ports, known, cause, release);
	list_remove(&known->node);
	free(known);
}

static void guard(struct ports *ports, struct known_link *known, const struct port_config *config)
{
	struct port *port = NULL;

	if (config && !known->port)
		(void)port_new(ports, config, &known->link, &port);
	if (!port)
		return;
	known->port = port;
	list_append(&ports->all, &port->node);
	port_set_link(port, &known->link);
}

/* An interface that is guarded stays so until the configuration says otherwise: its bridge changes
 * with its VLAN. */
void ports_set_link(struct ports *ports, const struct link_info *link)
{
	struct known_link *known = link_at(ports, link->index);

	if (!known) {
		known = calloc(1, sizeof *known);
		if (!known) {
			log_event(LOG_ERR, "port.none", "port=%s error=\"no memory\"", link->name);
			return;
		}
		known->link = *link;
		list_append(&ports->links[link->index % PORTS_BUCKETS], &known->node);
	}
	known->link = *link;
	if (known->port)
		port_set_link(known->port, link);
	else
		guard(ports, known, config_of(ports, link));
}

void ports_remove_link(struct ports *ports, unsigned index)
{
	struct known_link *known = link_at(ports, index);

	if (!known)
		return;
	forget(ports, known, TERMINATE_PORT_REINITIALIZED, true);
}

void ports_receive(struct ports *ports, const struct packet_frame *frame)
{
	struct known_link *known = link_at(ports, frame->index);

	if (known && known->port)
		port_receive(known->port, frame);
}

void ports_gate_failed(struct ports *ports, unsigned index, const struct diagnosis *why)
{
	struct known_link *known = link_at(ports, index);
	char sentence[512], cause[512];

	log_event(LOG_ERR, "port.gate", "port=%s cause=\"%s\"", known ? known->link.name : "",
		  log_quoted(diagnosis_sentence(why, sentence, sizeof sentence), cause,
			     sizeof cause));
	if (known && known->port)
		port_gate_failed(known->port, why);
}

/* ---- configuration ------------------------------------------------------------------------- */

static bool same_settings(const struct port_config *a, const struct port_config *b)
{
	AUTO(char) text_a = NULL;
	AUTO(char) text_b = NULL;
	size_t len_a = 0, len_b = 0;
	FILE *out_a = open_memstream(&text_a, &len_a), *out_b = open_memstream(&text_b, &len_b);
	bool good = out_a && out_b;

	if (good) {
		ini_print(port_kind.table, a, out_a);
		ini_print(port_kind.table, b, out_b);
	}
	if (out_a)
		good = fclose(out_a) == 0 && good;
	if (out_b)
		good = fclose(out_b) == 0 && good;
	return good && len_a == len_b && memcmp(text_a, text_b, len_a) == 0;
}

static const struct port_config *by_name(const struct config *config, const char *name)
{
	const struct config_objects *ports = &config->objects[CONFIG_PORTS];

	for (size_t i = 0; i < ports->count; i++) {
		const struct port_config *port = ports->item[i];

		if (strcmp(port->object.name, name) == 0)
			return port;
	}
	return NULL;
}

/* A port that its bridge brought us, and that its VLAN has taken out of it, is found by the name of
 * its file. */
static void reconfigure(struct ports *ports, struct known_link *known)
{
	const struct port_config *is = config_of(ports, &known->link);

	if (known->port && !is && known->port->vlan)
		is = by_name(ports->config, known->port->config->object.name);
	if (known->port && is && same_settings(known->port->config, is)) {
		port_use(known->port, is);
		return;
	}
	bool stays = known->port && known->port->guarded && is &&
		     is->control != CONTROL_FORCE_AUTHORIZED;
	bool lowered = known->port && is && port_give_lowered(known->port);

	/* The gate replaces what is in force: it is closed all the while. */
	unguard(ports, known, TERMINATE_ADMIN_RESET, !stays);
	guard(ports, known, is);
	if (known->port)
		port_take_lowered(known->port, lowered);
}

void ports_configure(struct ports *ports, struct config *config)
{
	struct config *was = ports->config;

	ports->config = config_ref(config);
	for (size_t i = 0; i < PORTS_BUCKETS; i++) {
		list_each (node, &ports->links[i])
			reconfigure(ports, list_item(node, struct known_link, node));
	}
	config_free(was);
}

void ports_set_server(struct ports *ports, enum port_server which, struct aaa_server *server)
{
	ports->world.servers[which] = server;
}

/* ---- who is meant -------------------------------------------------------------------------- */

static bool is_target(const struct port_session *session, const char *target)
{
	uint8_t mac[MAC_SIZE];
	char colons[18] = "";

	if ((session->id[0] && strcmp(session->id, target) == 0) ||
	    (session->grant.user_name[0] && strcmp(session->grant.user_name, target) == 0) ||
	    (session->open && session->report.server_subject[0] &&
	     strcmp(session->report.server_subject, target) == 0))
		return true;
	snprintf(colons, sizeof colons, "%s", target);
	for (char *c = colons; *c; c++)
		*c = *c == '-' ? ':' : *c;
	return strlen(target) == 17 && ini_parse_mac(colons, mac) &&
	       memcmp(mac, session->mac, MAC_SIZE) == 0;
}

/* What a server elsewhere calls its user is no account of ours; of that one nothing is reported. */
static bool is_of_account(const struct port_session *session, const char *account)
{
	return session->open && session->report.tls_version[0] &&
	       strcasecmp(session->grant.user_name, account) == 0 &&
	       strcmp(session->grant.user_name, session->report.server_subject) != 0;
}

static int each_target(struct ports *ports,
		       bool (*is)(const struct port_session *session, const char *target),
		       const char *target, bool disconnect)
{
	int count = 0;

	for (size_t i = 0; i < PORTS_SESSIONS_MAX; i++) {
		struct port_session *s = ports->slot[i];

		if (!s || !s->known || !is(s, target))
			continue;
		count++;
		if (disconnect ? port_session_disconnect(s, TERMINATE_ADMIN_RESET)
			       : port_session_reauthenticate(s))
			port_session_idle(s);
	}
	return count;
}

int ports_disconnect(struct ports *ports, const char *target)
{
	return each_target(ports, is_target, target, true);
}

int ports_disconnect_account(struct ports *ports, const char *account)
{
	return each_target(ports, is_of_account, account, true);
}

int ports_reauthenticate(struct ports *ports, const char *target)
{
	return each_target(ports, is_target, target, false);
}

void ports_count(const struct ports *ports, struct ports_counts *ret_counts)
{
	*ret_counts = ports->gone;
	list_each (node, &ports->all) {
		const struct port *port = list_item(node, struct port, node);

		ret_counts->ports++;
		ret_counts->not_guarded += !port_is_guarded(port);
		add_counters(ret_counts, &port->counters);
		list_each (s, &port->sessions) {
			const struct port_session *session =
				list_item(s, struct port_session, node);

			ret_counts->sessions += session->known;
			ret_counts->authorised += session->open;
		}
	}
}

/* ---- its life ------------------------------------------------------------------------------ */

int ports_new(const struct ports_world *world, struct ports **ret_ports)
{
	struct ports *ports = calloc(1, sizeof *ports);

	if (!ports)
		return -ENOMEM;
	ports->world = *world;
	ports->asker.answered = answered;
	ports->booted = (uint32_t)ports_now(ports).wall;
	list_init(&ports->all);
	for (size_t i = 0; i < PORTS_BUCKETS; i++)
		list_init(&ports->links[i]);
	while (ports->free_slots < PORTS_SESSIONS_MAX) {
		ports->free_slot[ports->free_slots] = PORTS_SESSIONS_MAX - 1 - ports->free_slots;
		ports->free_slots++;
	}
	*ret_ports = ports;
	return 0;
}

void ports_free(struct ports *ports)
{
	if (!ports)
		return;
	for (size_t i = 0; i < PORTS_BUCKETS; i++) {
		list_each (node, &ports->links[i])
			forget(ports, list_item(node, struct known_link, node),
			       TERMINATE_ADMIN_REBOOT, false);
	}
	config_free(ports->config);
	free(ports);
}
