/* Where the port of a bridge is because of its VLAN, and the way back: what gate_vlan does. */
#ifndef DRIVERS_VLAN_PLACE_H
#define DRIVERS_VLAN_PLACE_H

#include "base/diagnosis.h"
#include "base/list.h"
#include "drivers/bridge.h"

#define VLAN_MAX 4094 /* IEEE Std 802.1Q, table 9-2 */

/* All places of a process, and the bridges that it has made for them. */
struct vlan_places {
	struct bridge_control *control; /* made when it is first needed */
	struct list places;
	unsigned *made;
	size_t made_count;
};

struct vlan_place {
	struct list node;
	unsigned index;
	char interface[IF_NAMESIZE];
	char *template, *home_name; /* owned; NULL: not given */
	bool create;

	uint16_t vlan;	 /* 0: at home */
	unsigned bridge; /* of the VLAN; 0: at home, or its bridge filters */
	struct bridge_membership home;
	struct bridge_vlans *home_vlans;
};

void vlan_places_init(struct vlan_places *places);
void vlan_places_done(struct vlan_places *places); /* every place is done by then */

/* 0 or -ENOMEM.  template and home as in gate.h. */
int vlan_place_init(struct vlan_places *places, struct vlan_place *place, unsigned index,
		    const char *interface, const char *template, const char *home, bool create);
void vlan_place_done(struct vlan_place *place); /* moves nothing */

/* 0 or -errno with *why; the place then is where it was, as far as the kernel allowed. */
int vlan_place_move(struct vlan_places *places, struct vlan_place *place, uint16_t vlan,
		    struct diagnosis *why);

/* The name of a VLAN's bridge.  False when it is none. */
bool vlan_bridge_name(const char *template, unsigned vlan, char name[IF_NAMESIZE]);

#endif
