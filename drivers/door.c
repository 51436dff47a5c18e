#include "drivers/door.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TABLE DOOR_TABLE

/* Before anything else looks at the frame. */
#define PRIORITY "-500"

struct machine *door_machine(const struct door *port, const uint8_t mac[MAC_SIZE])
{
	for (size_t i = 0; i < port->count; i++)
		if (memcmp(port->machine[i].mac, mac, MAC_SIZE) == 0)
			return &port->machine[i];
	return NULL;
}

bool door_wants_open(const struct door *port)
{
	for (size_t i = 0; i < port->count; i++)
		if (port->machine[i].wanted)
			return true;
	return port->everybody;
}

bool door_wants_all(const struct door *port)
{
	return port->everybody || (port->any && door_wants_open(port));
}

void door_free(struct door *port)
{
	if (!port)
		return;
	vlan_place_done(&port->place);
	free(port->machine);
	free(port);
}

/* The kernel has what is wanted. */
void door_settled(struct door *port)
{
	size_t kept = 0;

	for (size_t i = 0; i < port->count; i++) {
		struct machine m = port->machine[i];

		m.there = true;
		if (m.wanted)
			port->machine[kept++] = m;
	}
	port->count = kept;
	port->open = door_wants_open(port);
	port->all = door_wants_all(port);
	port->dirty = false;
}

int door_add(struct door *port, const uint8_t mac[MAC_SIZE])
{
	if (port->count == GATE_MACHINES_MAX)
		return -ENOSPC;
	if (port->count == port->room) {
		size_t room = port->room ? 2 * port->room : 4;
		struct machine *machine = realloc(port->machine, room * sizeof *machine);

		if (!machine)
			return -ENOMEM;
		port->machine = machine;
		port->room = room;
	}
	port->machine[port->count] = (struct machine){ .wanted = true };
	memcpy(port->machine[port->count++].mac, mac, MAC_SIZE);
	return 0;
}

/* ---- commands ---- */

static void write_element(FILE *out, const char *verb, const struct door *port,
			  const struct machine *m)
{
	fprintf(out, "%s element " TABLE " mac%u { %02x:%02x:%02x:%02x:%02x:%02x }\n", verb,
		port->index, m->mac[0], m->mac[1], m->mac[2], m->mac[3], m->mac[4], m->mac[5]);
}

static void write_policy(FILE *out, const struct door *port, const char *chain, bool open)
{
	fprintf(out, "add chain " TABLE " %s%u { policy %s; }\n", chain, port->index,
		open ? "accept" : "drop");
}

/* Takes away what there may be: what is added first can be deleted. */
void door_write_removal(FILE *out, const struct door *port)
{
	fprintf(out,
		"add chain " TABLE " in%u\ndelete chain " TABLE " in%u\n"
		"add chain " TABLE " out%u\ndelete chain " TABLE " out%u\n"
		"add set " TABLE " mac%u { type ether_addr; }\ndelete set " TABLE " mac%u\n",
		port->index, port->index, port->index, port->index, port->index, port->index);
}

/* All of a port, in place of what there may be. */
void door_write(FILE *out, const struct door *port)
{
	const char *device = port->place.interface;
	unsigned n = port->index;

	door_write_removal(out, port);
	fprintf(out, "add set " TABLE " mac%u { type ether_addr; size %d; }\n", n,
		GATE_MACHINES_MAX);
	fprintf(out,
		"add chain " TABLE " in%u { type filter hook ingress device \"%s\" "
		"priority " PRIORITY "; policy drop; }\n",
		n, device);
	fprintf(out,
		"add chain " TABLE " out%u { type filter hook egress device \"%s\" "
		"priority " PRIORITY "; policy drop; }\n",
		n, device);
	fprintf(out, "add rule " TABLE " in%u ether saddr @mac%u accept\n", n, n);
	fprintf(out, "add rule " TABLE " out%u ether type 0x888e accept\n", n);
	fprintf(out, "add rule " TABLE " out%u vlan type 0x888e accept\n", n);
	for (size_t i = 0; i < port->count; i++)
		if (port->machine[i].wanted)
			write_element(out, "add", port, &port->machine[i]);
	if (door_wants_open(port))
		write_policy(out, port, "out", true);
	if (door_wants_all(port))
		write_policy(out, port, "in", true);
}

/* What is closed first. */
void door_write_changes(FILE *out, const struct door *port)
{
	bool open = door_wants_open(port), all = door_wants_all(port);

	if (!open && port->open)
		write_policy(out, port, "out", false);
	if (!all && port->all)
		write_policy(out, port, "in", false);
	for (size_t i = 0; i < port->count; i++)
		if (!port->machine[i].wanted && port->machine[i].there)
			write_element(out, "delete", port, &port->machine[i]);
	for (size_t i = 0; i < port->count; i++)
		if (port->machine[i].wanted && !port->machine[i].there)
			write_element(out, "add", port, &port->machine[i]);
	if (open && !port->open)
		write_policy(out, port, "out", true);
	if (all && !port->all)
		write_policy(out, port, "in", true);
}
