/* Which bridge an interface belongs to, and its port VLAN there, by rtnetlink (libnl's core).
 *
 * Every call is a question to the kernel and its answer; 0 or -errno. */
#ifndef DRIVERS_BRIDGE_H
#define DRIVERS_BRIDGE_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#define BRIDGE_VLANS_MAX 64 /* ranges that a port is a member of; more are not given back */

struct bridge_control; /* a socket */

int bridge_control_new(struct bridge_control **ret_control);
void bridge_control_free(struct bridge_control *control);

/* The bridge, bond or other master of an interface; 0: none. */
struct bridge_membership {
	unsigned master;
	bool filters; /* it is a bridge with vlan_filtering */
};

int bridge_membership(struct bridge_control *control, unsigned index,
		      struct bridge_membership *ret_membership);
/* Into a bridge, out of the one that it was in; master 0: only out. */
int bridge_join(struct bridge_control *control, unsigned index, unsigned master);

/* Any interface, administratively. */
int bridge_set_up(struct bridge_control *control, unsigned index, bool up);

/* The index of a bridge by its name.  -ENODEV when there is none, -EINVAL when it is no bridge. */
int bridge_find(struct bridge_control *control, const char *name, unsigned *ret_index);
int bridge_create(struct bridge_control *control, const char *name); /* and sets it up */
int bridge_remove(struct bridge_control *control, unsigned index);

/* VLANs of a port of a bridge that filters; one entry for each range (IEEE Std 802.1Q, 8.8). */
struct bridge_vlan {
	uint16_t flags, first, last; /* BRIDGE_VLAN_INFO_PVID, …_UNTAGGED */
};

struct bridge_vlans {
	struct bridge_vlan vlan[BRIDGE_VLANS_MAX];
	unsigned count;
};

int bridge_vlans_read(struct bridge_control *control, unsigned index, struct bridge_vlans *ret);
/* Takes the port out of the first and puts it into the second. */
int bridge_vlans_replace(struct bridge_control *control, unsigned index,
			 const struct bridge_vlans *from, const struct bridge_vlans *to);

#endif
