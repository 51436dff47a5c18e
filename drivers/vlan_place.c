#include "drivers/vlan_place.h"

#include <errno.h>
#include <linux/if_bridge.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/log.h"

void vlan_places_init(struct vlan_places *places)
{
	*places = (struct vlan_places){ 0 };
	list_init(&places->places);
}

void vlan_places_done(struct vlan_places *places)
{
	bridge_control_free(places->control);
	free(places->made);
}

int vlan_place_init(struct vlan_places *places, struct vlan_place *place, unsigned index,
		    const char *interface, const char *template, const char *home, bool create)
{
	*place = (struct vlan_place){ .index = index, .create = create };
	snprintf(place->interface, sizeof place->interface, "%s", interface);
	place->template = template ? strdup(template) : NULL;
	place->home_name = home ? strdup(home) : NULL;
	list_init(&place->node);
	if ((template && !place->template) || (home && !place->home_name)) {
		vlan_place_done(place);
		return -ENOMEM;
	}
	list_append(&places->places, &place->node);
	return 0;
}

void vlan_place_done(struct vlan_place *place)
{
	list_remove(&place->node);
	free(place->template);
	free(place->home_name);
	free(place->home_vlans);
	place->template = place->home_name = NULL;
	place->home_vlans = NULL;
}

bool vlan_bridge_name(const char *template, unsigned vlan, char name[IF_NAMESIZE])
{
	const char *mark = strstr(template, "%v");
	int length;

	if (!mark || strchr(mark + 1, '%') || memchr(template, '%', (size_t)(mark - template)))
		return false;
	length = snprintf(name, IF_NAMESIZE, "%.*s%u%s", (int)(mark - template), template, vlan,
			  mark + 2);
	return length < IF_NAMESIZE && !strpbrk(name, "/ \t\n");
}

static int said(struct diagnosis *why, const struct vlan_place *place, unsigned vlan, int error,
		const char *what, const char *name)
{
	diagnosis_set(why, DIAG_VLAN_NOT_SET);
	diagnosis_add(why, "interface", "%s", place->interface);
	diagnosis_add(why, "vlan", "%u", vlan);
	diagnosis_add(why, "detail", "%s %s: %s", what, name, strerror(-error));
	return error;
}

/* ---- where it belongs ---- */

/* A bridge whose name the template could have made is no home: somebody was put there. */
static bool is_vlans_bridge(const struct vlan_place *place, unsigned master)
{
	char is[IF_NAMESIZE], could[IF_NAMESIZE];

	if (!place->template || !if_indextoname(master, is))
		return false;
	for (unsigned vlan = 1; vlan <= VLAN_MAX; vlan++)
		if (vlan_bridge_name(place->template, vlan, could) && strcmp(is, could) == 0)
			return true;
	return false;
}

static int find_home(struct vlan_places *places, struct vlan_place *place)
{
	int error = bridge_membership(places->control, place->index, &place->home);

	if (error)
		return error;
	if (place->home_name && !place->home_name[0])
		place->home = (struct bridge_membership){ 0 };
	else if (place->home_name)
		error = bridge_find(places->control, place->home_name, &place->home.master);
	else if (place->home.master && is_vlans_bridge(place, place->home.master)) {
		log_event(LOG_WARNING, "gate.home-unknown",
			  "port=%s effect=\"it was left in the bridge of a VLAN, and will go back "
			  "to none\"",
			  place->interface);
		place->home = (struct bridge_membership){ 0 };
	}
	if (error || !place->home.filters)
		return error;
	if (!place->home_vlans)
		place->home_vlans = calloc(1, sizeof *place->home_vlans);
	return place->home_vlans
		       ? bridge_vlans_read(places->control, place->index, place->home_vlans)
		       : -ENOMEM;
}

/* ---- by the port's VLANs ---- */

static int move_by_filter(struct vlan_places *places, struct vlan_place *place, uint16_t vlan)
{
	const uint16_t access = BRIDGE_VLAN_INFO_PVID | BRIDGE_VLAN_INFO_UNTAGGED;
	const struct bridge_vlans was = { { { access, place->vlan, place->vlan } }, 1 },
				  will = { { { access, vlan, vlan } }, 1 };
	const struct bridge_vlans *from = place->vlan ? &was : place->home_vlans,
				  *to = vlan ? &will : place->home_vlans;
	int error = bridge_vlans_replace(places->control, place->index, from, to);

	/* The port is in neither: closed to all VLANs is better than half of it, but back is best.
	 */
	if (error)
		(void)bridge_vlans_replace(places->control, place->index, to, from);
	return error;
}

/* ---- by bridges ---- */

static int note_made(struct vlan_places *places, unsigned index)
{
	unsigned *made = realloc(places->made, (places->made_count + 1) * sizeof *made);

	if (!made)
		return -ENOMEM;
	places->made = made;
	made[places->made_count++] = index;
	return 0;
}

static int find_bridge(struct vlan_places *places, const struct vlan_place *place, const char *name,
		       unsigned *ret_index)
{
	int error = bridge_find(places->control, name, ret_index);

	if (error != -ENODEV || !place->create)
		return error;
	error = bridge_create(places->control, name);
	if (error == 0)
		error = bridge_find(places->control, name, ret_index);
	return error ? error : note_made(places, *ret_index);
}

/* A bridge that we have made goes with the last port of ours in it. */
static void leave_bridge(struct vlan_places *places, unsigned bridge)
{
	list_each (node, &places->places) {
		if (list_item(node, struct vlan_place, node)->bridge == bridge)
			return;
	}
	for (size_t i = 0; i < places->made_count; i++) {
		if (places->made[i] != bridge)
			continue;
		(void)bridge_remove(places->control, bridge);
		places->made[i] = places->made[--places->made_count];
		return;
	}
}

static int move_by_bridge(struct vlan_places *places, struct vlan_place *place, uint16_t vlan,
			  const char *name)
{
	unsigned from = place->bridge, to = 0;
	int error = vlan ? find_bridge(places, place, name, &to) : 0;

	if (error)
		return error;
	error = bridge_join(places->control, place->index, vlan ? to : place->home.master);
	if (error == 0)
		place->bridge = to;
	leave_bridge(places, error ? to : from);
	return error;
}

/* A bridge that is gone is no place to go back to. */
static int go_home(struct vlan_places *places, struct vlan_place *place)
{
	int error = move_by_bridge(places, place, 0, "");

	if (error != -ENODEV && error != -EINVAL)
		return error;
	place->home.master = 0;
	return move_by_bridge(places, place, 0, "");
}

int vlan_place_move(struct vlan_places *places, struct vlan_place *place, uint16_t vlan,
		    struct diagnosis *why)
{
	char name[IF_NAMESIZE] = "";
	int error = 0;

	if (vlan == place->vlan)
		return 0;
	if (!places->control)
		error = bridge_control_new(&places->control);
	if (error == 0 && !place->vlan)
		error = find_home(places, place);
	if (error)
		return said(why, place, vlan, error, "its place cannot be found", place->interface);
	if (place->home.filters && !place->bridge) {
		error = move_by_filter(places, place, vlan);
	} else if (!vlan) {
		error = go_home(places, place);
	} else if (!place->template || !vlan_bridge_name(place->template, vlan, name)) {
		return said(why, place, vlan, -EINVAL,
			    "no BridgeTemplate=, and no bridge that filters by VLAN, for",
			    place->interface);
	} else {
		error = move_by_bridge(places, place, vlan, name);
	}
	if (error)
		return said(why, place, vlan, error, vlan ? "bridge" : "its own bridge", name);
	place->vlan = vlan;
	return 0;
}
