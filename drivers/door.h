/* One port of the gate: who is let in, who is to be, and the commands that make it so. */
#ifndef DRIVERS_DOOR_H
#define DRIVERS_DOOR_H

#include <stdio.h>

#include "drivers/gate.h"
#include "drivers/vlan_place.h"

#define DOOR_TABLE "netdev " GATE_TABLE

struct machine {
	uint8_t mac[MAC_SIZE];
	bool wanted, there; /* asked for; in the kernel's set */
};

struct door {
	unsigned index;
	bool any;
	bool everybody; /* wanted */
	bool open, all; /* in the kernel: on its way out, and in */
	bool dirty;	/* what is wanted differs */
	bool broken;	/* to be reported */
	struct machine *machine;
	size_t count, room;
	struct vlan_place place;
};

void door_free(struct door *port);

struct machine *door_machine(const struct door *port, const uint8_t mac[MAC_SIZE]);
int door_add(struct door *port, const uint8_t mac[MAC_SIZE]); /* 0, -ENOSPC or -ENOMEM */
bool door_wants_open(const struct door *port);
bool door_wants_all(const struct door *port);
/* The kernel has what is wanted. */
void door_settled(struct door *port);

/* All of it, in place of what there may be; what has changed; nothing, whatever there may be. */
void door_write(FILE *out, const struct door *port);
void door_write_changes(FILE *out, const struct door *port);
void door_write_removal(FILE *out, const struct door *port);

#endif
