#include "drivers/gate.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "drivers/log.h"
#include "drivers/door.h"
#include "drivers/ruleset.h"

#define TABLE DOOR_TABLE

struct gate {
	struct loop *loop;
	struct gate_events report;
	struct ruleset *ruleset;
	struct timer soon;
	bool started;
	struct door *port[GATE_PORTS_MAX];
	size_t count;
	struct vlan_places places;
	bool disturbed; /* by this program */
	char program[32];
	char reason[RULESET_REASON_MAX];
};

/* ---- ports and machines ---- */

static struct door *find_port(const struct gate *gate, unsigned index)
{
	for (size_t i = 0; i < gate->count; i++)
		if (gate->port[i]->index == index)
			return gate->port[i];
	return NULL;
}

static void forget(struct gate *gate, struct door *port)
{
	for (size_t i = 0; i < gate->count; i++) {
		if (gate->port[i] != port)
			continue;
		gate->port[i] = gate->port[--gate->count];
		door_free(port);
		return;
	}
}

/* ---- commands ---- */

struct text {
	char *p;
	size_t length;
	FILE *out;
};

/* NULL: no memory, of which text_run will tell. */
static FILE *text_open(struct text *text)
{
	text->p = NULL;
	text->out = open_memstream(&text->p, &text->length);
	return text->out;
}

static int text_run(struct gate *gate, struct text *text)
{
	AUTO(char) commands = NULL;
	bool bad = ferror(text->out);

	bad |= fclose(text->out) != 0;
	commands = text->p;
	if (bad) {
		snprintf(gate->reason, sizeof gate->reason, "no memory");
		return -ENOMEM;
	}
	return text->length ? ruleset_run(gate->ruleset, commands, gate->reason) : 0;
}

/* One text for one port; a NULL port is the table alone. */
static int run_for(struct gate *gate, const struct door *port,
		   void (*write)(FILE *out, const struct door *port))
{
	struct text text;

	if (!text_open(&text))
		return -ENOMEM;
	fputs("add table " TABLE "\n", text.out);
	if (port)
		write(text.out, port);
	return text_run(gate, &text);
}

/* Everything, in place of everything. */
static int run_all(struct gate *gate)
{
	struct text text;
	int error;

	if (!text_open(&text))
		return -ENOMEM;
	fputs("add table " TABLE "\ndelete table " TABLE "\nadd table " TABLE "\n", text.out);
	for (size_t i = 0; i < gate->count; i++)
		door_write(text.out, gate->port[i]);
	error = text_run(gate, &text);
	for (size_t i = 0; !error && i < gate->count; i++)
		door_settled(gate->port[i]);
	return error;
}

/* ---- failures ---- */

static int explain(struct diagnosis *why, const char *interface, int error, const char *reason)
{
	diagnosis_set(why, DIAG_PORT_NOT_GUARDED);
	diagnosis_add(why, "interface", "%s", interface);
	if (error == -EPERM || error == -EACCES)
		diagnosis_add(why, "detail", "no CAP_NET_ADMIN: %s", reason);
	else if (error == -EOPNOTSUPP || error == -EAFNOSUPPORT)
		diagnosis_add(
			why, "detail",
			"this kernel has no nftables at the ingress and egress of devices: %s",
			reason);
	else if (error == -ENOENT || error == -ENODEV)
		diagnosis_add(why, "detail", "it is gone: %s", reason);
	else
		diagnosis_add(why, "detail", "%s", reason);
	return error;
}

/* Each port by itself, to find those which the kernel refuses.  The last -errno, or 0. */
static int run_each(struct gate *gate)
{
	int last = 0;

	for (size_t i = 0; i < gate->count; i++) {
		struct door *port = gate->port[i];
		int error = run_for(gate, port, door_write);

		assert(port);
		port->broken = error != 0;
		if (error)
			last = error;
		else
			door_settled(port);
	}
	return last;
}

static struct door *next_broken(const struct gate *gate)
{
	for (size_t i = 0; i < gate->count; i++)
		if (gate->port[i]->broken)
			return gate->port[i];
	return NULL;
}

/* Nothing of the list is held here while the owner of a port is told: it may release ports. */
static void report_broken(struct gate *gate, int error, bool drop)
{
	struct door *port;

	while ((port = next_broken(gate))) {
		struct diagnosis why;
		unsigned index = port->index;

		port->broken = false;
		(void)explain(&why, port->place.interface, error, gate->reason);
		if (drop)
			forget(gate, port);
		gate->report.failed(gate->report.context, index, &why);
	}
}

/* Puts everything back, whatever there is. */
static int restore(struct gate *gate)
{
	int error = run_all(gate);

	if (error)
		error = run_each(gate);
	report_broken(gate, error, false);
	return error;
}

/* Only noted: this may be heard in the middle of anything. */
static void on_disturbed(void *context, const char *program)
{
	struct gate *gate = context;

	gate->disturbed = true;
	snprintf(gate->program, sizeof gate->program, "%s", program);
	if (gate->started)
		(void)timer_set(gate->loop, &gate->soon, loop_now().mono);
}

static int mend(struct gate *gate)
{
	char quoted[sizeof gate->program];
	int error;

	gate->disturbed = false;
	error = restore(gate);
	log_event(LOG_WARNING, "gate.disturbed", "program=\"%s\" effect=\"%s\"",
		  log_quoted(gate->program, quoted, sizeof quoted),
		  error ? "ports could not be guarded again" : "put back");
	return error;
}

/* ---- the gate ---- */

static void on_soon(struct timer *timer)
{
	(void)gate_flush(list_item(timer, struct gate, soon));
}

int gate_new(struct loop *loop, const struct gate_events *events, struct gate **ret_gate)
{
	struct gate *gate = calloc(1, sizeof *gate);

	if (!gate)
		return -ENOMEM;
	gate->loop = loop;
	gate->report = *events;
	gate->soon.expired = on_soon;
	vlan_places_init(&gate->places);
	*ret_gate = gate;
	return 0;
}

static void put_back(struct gate *gate, struct door *port)
{
	struct diagnosis why;
	char sentence[DIAGNOSIS_TEXT_MAX];

	if (vlan_place_move(&gate->places, &port->place, 0, &why) < 0)
		log_event(LOG_WARNING, "gate.vlan-kept", "port=%s reason=\"%s\"",
			  port->place.interface,
			  diagnosis_sentence(&why, sentence, sizeof sentence));
}

static void leave(struct gate *gate, enum gate_exit how)
{
	struct text text;
	int error;

	if (!gate->started)
		return;
	if (how == GATE_KEEP) {
		(void)gate_flush(gate);
		return;
	}
	for (size_t i = 0; i < gate->count; i++) {
		gate_close(gate, gate->port[i]->index, NULL);
		if (how == GATE_SHUT)
			put_back(gate, gate->port[i]);
	}
	error = gate_flush(gate);
	if (how == GATE_REMOVE) {
		for (size_t i = 0; i < gate->count; i++)
			put_back(gate, gate->port[i]);
		/* From here on nobody's change is put right. */
		gate->started = false;
		if (!text_open(&text))
			return;
		fputs("add table " TABLE "\ndelete table " TABLE "\n", text.out);
		error = text_run(gate, &text);
	}
	if (error)
		log_event(LOG_ERR, "gate.left",
			  "effect=\"rules of ours may be there still\" reason=\"%s\"",
			  gate->reason);
}

void gate_free(struct gate *gate, enum gate_exit how)
{
	if (!gate)
		return;
	leave(gate, how);
	timer_clear(&gate->soon);
	ruleset_close(gate->ruleset);
	while (gate->count > 0)
		forget(gate, gate->port[0]);
	vlan_places_done(&gate->places);
	free(gate);
}

int gate_start(struct gate *gate, struct diagnosis *why)
{
	const struct ruleset_events events = { on_disturbed, gate };
	int error;

	snprintf(gate->reason, sizeof gate->reason, "there is no netlink for it");
	error = gate->ruleset ? 0 : ruleset_open(gate->loop, GATE_TABLE, &events, &gate->ruleset);
	if (error == 0)
		error = run_for(gate, NULL, NULL);
	if (error == 0 && run_all(gate) != 0) {
		/* What an earlier process has left goes only when ours is there. */
		report_broken(gate, run_each(gate), true);
		error = run_all(gate);
	}
	if (error)
		return explain(why, "A port", error, gate->reason);
	gate->started = true;
	return 0;
}

static int make_port(struct gate *gate, const struct gate_port *settings)
{
	struct door *port;

	if (!ruleset_device(settings->name)) {
		snprintf(gate->reason, sizeof gate->reason, "nftables cannot take its name");
		return -EINVAL;
	}
	if (gate->count == GATE_PORTS_MAX) {
		snprintf(gate->reason, sizeof gate->reason, "%d ports are the most",
			 GATE_PORTS_MAX);
		return -ENOSPC;
	}
	snprintf(gate->reason, sizeof gate->reason, "no memory");
	port = calloc(1, sizeof *port);
	if (!port)
		return -ENOMEM;
	port->index = settings->index;
	port->any = settings->any;
	if (vlan_place_init(&gate->places, &port->place, settings->index, settings->name,
			    settings->bridge, settings->home, settings->create_bridges) < 0) {
		free(port);
		return -ENOMEM;
	}
	gate->port[gate->count++] = port;
	return 0;
}

/* Out of its list, and still in force: all are put out, and nobody is let in on the way back. */
static void shut_and_forget(struct gate *gate, struct door *port)
{
	gate_close(gate, port->index, NULL);
	(void)gate_admit(gate, port->index, false);
	(void)gate_flush(gate);
	put_back(gate, port);
	forget(gate, port);
}

int gate_guard(struct gate *gate, const struct gate_port *port, struct diagnosis *why)
{
	struct door *before = find_port(gate, port->index);
	int error;

	if (before)
		shut_and_forget(gate, before);
	error = make_port(gate, port);

	if (error == 0 && gate->started) {
		struct door *made = gate->port[gate->count - 1];

		error = run_for(gate, made, door_write);
		if (error)
			forget(gate, made);
	}
	return error ? explain(why, port->name, error, gate->reason) : 0;
}

void gate_release(struct gate *gate, unsigned index)
{
	struct door *port = find_port(gate, index);
	int error;

	if (!port)
		return;
	/* Nobody is let in on the way back. */
	gate_close(gate, index, NULL);
	(void)gate_flush(gate);
	put_back(gate, port);
	error = gate->started ? run_for(gate, port, door_write_removal) : 0;
	if (error)
		log_event(LOG_WARNING, "gate.left", "port=%s reason=\"%s\"", port->place.interface,
			  gate->reason);
	forget(gate, port);
}

/* ---- machines ---- */

static void changed(struct gate *gate, struct door *port)
{
	port->dirty = true;
	if (gate->started)
		(void)timer_set(gate->loop, &gate->soon, loop_now().mono);
}

int gate_open(struct gate *gate, unsigned index, const uint8_t mac[MAC_SIZE])
{
	static const uint8_t none[MAC_SIZE];
	struct door *port = find_port(gate, index);
	struct machine *machine;
	int error = 0;

	if (!port)
		return -ENOENT;
	if ((mac[0] & 1) || memcmp(mac, none, MAC_SIZE) == 0)
		return -EINVAL;
	machine = door_machine(port, mac);
	if (machine && machine->wanted)
		return 0;
	if (machine)
		machine->wanted = true;
	else
		error = door_add(port, mac);
	if (error == 0)
		changed(gate, port);
	return error;
}

void gate_close(struct gate *gate, unsigned index, const uint8_t *mac)
{
	struct door *port = find_port(gate, index);
	struct machine *machine;

	if (!port)
		return;
	if (mac && (machine = door_machine(port, mac)) && machine->wanted) {
		machine->wanted = false;
		changed(gate, port);
	}
	for (size_t i = 0; !mac && i < port->count; i++) {
		port->machine[i].wanted = false;
		changed(gate, port);
	}
}

int gate_admit(struct gate *gate, unsigned index, bool everybody)
{
	struct door *port = find_port(gate, index);

	if (!port)
		return -ENOENT;
	if (port->everybody != everybody) {
		port->everybody = everybody;
		changed(gate, port);
	}
	return 0;
}

int gate_flush(struct gate *gate)
{
	struct text text;
	bool any = false;

	for (size_t i = 0; i < gate->count; i++)
		any |= gate->port[i]->dirty;
	(void)timer_set(gate->loop, &gate->soon, NEVER);
	if (!gate->started)
		return 0;
	if (gate->disturbed)
		return mend(gate);
	if (!any)
		return 0;
	if (!text_open(&text))
		return restore(gate);
	for (size_t i = 0; i < gate->count; i++)
		if (gate->port[i]->dirty)
			door_write_changes(text.out, gate->port[i]);
	if (text_run(gate, &text) != 0)
		return restore(gate);
	for (size_t i = 0; i < gate->count; i++)
		if (gate->port[i]->dirty)
			door_settled(gate->port[i]);
	return 0;
}

/* ---- VLANs ---- */

int gate_vlan(struct gate *gate, unsigned index, uint16_t vlan, struct diagnosis *why)
{
	struct door *port = find_port(gate, index);

	if (!port || vlan > VLAN_MAX) {
		diagnosis_set(why, DIAG_VLAN_NOT_SET);
		diagnosis_add(why, "vlan", "%u", vlan);
		diagnosis_add(why, "detail", "%s", port ? "no such VLAN" : "no such port");
		return port ? -EINVAL : -ENOENT;
	}
	return vlan_place_move(&gate->places, &port->place, vlan, why);
}

bool gate_bridge_valid(const char *bridge)
{
	char name[IF_NAMESIZE];

	return vlan_bridge_name(bridge, VLAN_MAX, name);
}
