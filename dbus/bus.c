#include "dbus/bus.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/calls.h"
#include "dbus/marshal.h"
#include "drivers/log.h"

/* ---- signals ------------------------------------------------------------------------------- */

static DBusMessage *signal_begin(const char *path, const char *interface, const char *name,
				 DBusMessageIter *ret_to)
{
	DBusMessage *signal = dbus_message_new_signal(path, interface, name);

	if (signal)
		dbus_message_iter_init_append(signal, ret_to);
	return signal;
}

/* Everybody on the bus sees a signal: of what is private it says only that it changed. */
static bool marshal_invalidated(DBusMessageIter *to, const struct interface *interface,
				uint64_t changed)
{
	DBusMessageIter array;

	if (!dbus_message_iter_open_container(to, DBUS_TYPE_ARRAY, "s", &array))
		return false;
	for (const struct property *p = interface->properties; p->name; p++, changed >>= 1) {
		if ((changed & 1) && (p->flags & PROPERTY_PRIVATE) &&
		    !marshal_text(&array, DBUS_TYPE_STRING, p->name))
			return false;
	}
	return dbus_message_iter_close_container(to, &array);
}

static bool worth_a_signal(const struct interface *interface, uint64_t changed)
{
	for (const struct property *p = interface->properties; p->name; p++, changed >>= 1) {
		if ((changed & 1) && !(p->flags & PROPERTY_QUIET))
			return true;
	}
	return false;
}

static void announce_changed(struct bus *bus, const struct object *o, uint64_t changed)
{
	AUTO(DBusMessage) signal = NULL;
	DBusMessageIter to;

	if (!bus->connection.held || !worth_a_signal(o->interface, changed))
		return;
	signal = signal_begin(o->path, interface_properties.name, "PropertiesChanged", &to);
	if (signal && marshal_text(&to, DBUS_TYPE_STRING, o->interface->name) &&
	    marshal_properties(&to, o->interface, o->view, changed, false) &&
	    marshal_invalidated(&to, o->interface, changed))
		connection_send(&bus->connection, signal);
}

static void announce_added(struct bus *bus, const struct object *o)
{
	AUTO(DBusMessage) signal = NULL;
	DBusMessageIter to;

	if (!bus->connection.held)
		return;
	signal = signal_begin(BUS_PATH, interface_object_manager.name, "InterfacesAdded", &to);
	if (signal && marshal_text(&to, DBUS_TYPE_OBJECT_PATH, o->path) &&
	    marshal_interfaces(&to, o->interface, o->view, false))
		connection_send(&bus->connection, signal);
}

static bool marshal_names(DBusMessageIter *to, const struct interface *own)
{
	const struct interface *interfaces[INTERFACES_MAX];
	size_t count = interfaces_of(own, interfaces);
	DBusMessageIter array;

	if (!dbus_message_iter_open_container(to, DBUS_TYPE_ARRAY, "s", &array))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!marshal_text(&array, DBUS_TYPE_STRING, interfaces[i]->name))
			return false;
	}
	return dbus_message_iter_close_container(to, &array);
}

static void announce_removed(struct bus *bus, const struct object *o)
{
	AUTO(DBusMessage) signal = NULL;
	DBusMessageIter to;

	if (!bus->connection.held)
		return;
	signal = signal_begin(BUS_PATH, interface_object_manager.name, "InterfacesRemoved", &to);
	if (signal && marshal_text(&to, DBUS_TYPE_OBJECT_PATH, o->path) &&
	    marshal_names(&to, o->interface))
		connection_send(&bus->connection, signal);
}

/* ---- objects ------------------------------------------------------------------------------- */

static void put(struct bus *bus, const struct interface *interface, const char *path,
		const void *view, size_t size)
{
	struct object *o = object_find(&bus->objects, path);

	if (o) {
		announce_changed(bus, o, object_update(o, view, size));
		return;
	}
	o = object_new(&bus->objects, interface, path, view, size);
	if (o)
		announce_added(bus, o);
	else
		log_event(LOG_ERR, "bus.object", "path=%s error=\"%s\"", path, strerror(ENOMEM));
}

static void drop(struct bus *bus, struct object *o)
{
	announce_removed(bus, o);
	object_remove(&bus->objects, o);
}

/* A kind of object whose views come as a whole set: those that are not in the new one go. */
static void sweep_begin(struct bus *bus, const struct interface *interface)
{
	list_each (node, &bus->objects.list) {
		struct object *o = list_item(node, struct object, node);

		if (o->interface == interface)
			o->current = false;
	}
}

static void sweep_end(struct bus *bus)
{
	list_each (node, &bus->objects.list) {
		struct object *o = list_item(node, struct object, node);

		if (!o->current)
			drop(bus, o);
	}
}

static const char *port_path(unsigned index, char buffer[OBJECT_PATH_MAX])
{
	snprintf(buffer, OBJECT_PATH_MAX, BUS_PATH "/port/%u", index);
	return buffer;
}

void bus_set_manager(struct bus *bus, const struct manager_view *view)
{
	put(bus, &interface_manager, BUS_PATH, view, sizeof *view);
}

void bus_set_port(struct bus *bus, const struct port_view *view)
{
	char path[OBJECT_PATH_MAX];

	put(bus, &interface_port, port_path(view->index, path), view, sizeof *view);
}

void bus_remove_port(struct bus *bus, unsigned index)
{
	char path[OBJECT_PATH_MAX];
	struct object *o = object_find(&bus->objects, port_path(index, path));

	if (o)
		drop(bus, o);
}

void bus_set_profiles(struct bus *bus, const struct profile_view *views, size_t count)
{
	char path[OBJECT_PATH_MAX];

	sweep_begin(bus, &interface_profile);
	for (size_t i = 0; i < count; i++)
		put(bus, &interface_profile, object_path("profile", views[i].name, path), &views[i],
		    sizeof views[i]);
	sweep_end(bus);
}

void bus_set_credentials(struct bus *bus, const struct credential_info *infos, size_t count)
{
	char path[OBJECT_PATH_MAX];

	sweep_begin(bus, &interface_credential);
	for (size_t i = 0; i < count; i++)
		put(bus, &interface_credential, object_path("credential", infos[i].name, path),
		    &infos[i], sizeof infos[i]);
	sweep_end(bus);
}

void bus_attempt_ended(struct bus *bus, unsigned index, bool success,
		       const struct diagnosis *diagnosis)
{
	char path[OBJECT_PATH_MAX];
	dbus_bool_t succeeded = success;
	AUTO(DBusMessage) signal = NULL;
	DBusMessageIter to;

	if (!bus->connection.held)
		return;
	signal = signal_begin(port_path(index, path), interface_port.name, "AttemptEnded", &to);
	if (signal && dbus_message_iter_append_basic(&to, DBUS_TYPE_BOOLEAN, &succeeded) &&
	    marshal_diagnosis(&to, diagnosis, false))
		connection_send(&bus->connection, signal);
}

void bus_enrolment_progress(struct bus *bus, unsigned index, const char *step, const char *detail,
			    const struct diagnosis *diagnosis)
{
	char path[OBJECT_PATH_MAX];
	AUTO(DBusMessage) signal = NULL;
	DBusMessageIter to;

	if (!bus->connection.held)
		return;
	signal = signal_begin(port_path(index, path), interface_port.name, "EnrollmentProgress",
			      &to);
	if (signal && marshal_text(&to, DBUS_TYPE_STRING, step) &&
	    marshal_text(&to, DBUS_TYPE_STRING, detail) && marshal_diagnosis(&to, diagnosis, false))
		connection_send(&bus->connection, signal);
}

void bus_expiry_warning(struct bus *bus, const char *credential, int64_t not_after)
{
	char path[OBJECT_PATH_MAX];
	dbus_int64_t when = not_after;
	AUTO(DBusMessage) signal = NULL;
	DBusMessageIter to;

	if (!bus->connection.held)
		return;
	signal = signal_begin(object_path("credential", credential, path),
			      interface_credential.name, "ExpiryWarning", &to);
	if (signal && dbus_message_iter_append_basic(&to, DBUS_TYPE_INT64, &when))
		connection_send(&bus->connection, signal);
}

/* ---- coming and going ---------------------------------------------------------------------- */

static void say_once(const struct bus *bus, int result)
{
	if (result == bus->last)
		return;
	if (result == 0)
		log_event(LOG_NOTICE, "bus.connected", "name=%s", BUS_NAME);
	else if (bus->last == 0)
		log_event(LOG_WARNING, "bus.lost", "reason=\"%s\"", strerror(-result));
	else if (result == -EEXIST)
		log_event(LOG_ERR, "bus.name-taken", "name=%s next=\"stop the other latchkeyd\"",
			  BUS_NAME);
	else if (result == -EACCES)
		log_event(LOG_ERR, "bus.name-refused",
			  "name=%s next=\"install the D-Bus policy file and reload the bus\"",
			  BUS_NAME);
	else
		log_event(LOG_NOTICE, "bus.none",
			  "effect=\"latchkeyctl cannot reach this service\"");
}

static void on_changed(struct connection *connection, int result)
{
	struct bus *bus = list_item(connection, struct bus, connection);
	void (*ready)(void *context, int result) = bus->ready;

	if (result != 0)
		access_drop(&bus->access);
	say_once(bus, result);
	bus->last = result;
	bus->ready = NULL;
	if (ready)
		ready(bus->commands.context, result);
}

int bus_new(struct loop *loop, const struct bus_commands *commands,
	    void (*ready)(void *context, int result), struct bus **ret_bus)
{
	static const struct manager_view nothing_yet;
	AUTO_STRUCT(bus) bus = calloc(1, sizeof *bus);

	if (!bus)
		return -ENOMEM;
	objects_init(&bus->objects);
	access_init(&bus->access, calls_decided);
	bus->commands = *commands;
	bus->ready = ready;
	bus->last = -EINPROGRESS;
	bus->connection = (struct connection){
		.loop = loop, .name = BUS_NAME, .changed = on_changed, .received = calls_received
	};
	bus_set_manager(bus, &nothing_yet);
	*ret_bus = bus;
	connection_open(&TAKE(bus)->connection);
	return 0;
}

void bus_free(struct bus *bus)
{
	if (!bus)
		return;
	access_drop(&bus->access);
	connection_close(&bus->connection);
	list_each (node, &bus->objects.list)
		object_remove(&bus->objects, list_item(node, struct object, node));
	free(bus);
}

bool bus_connected(const struct bus *bus)
{
	return bus->connection.held;
}
