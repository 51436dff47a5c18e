/* What the bus shows, without memory: an object is there with its view or not at all, and comes
 * when it is set again.  There is no bus: answers are made and go nowhere.  libdbus has all the
 * memory that it wants. */
#include "dbus/calls.h"
#include "dbus/marshal.h"
#include "drivers/log.h"
#include "tests/fault/fault.h"

#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#define PORT	BUS_PATH "/port/7"
#define PROFILE BUS_PATH "/profile/home"

static struct loop loop;
static const struct port_view port = { .index = 7, .interface = "eth7", .state = "failed" };
static const struct profile_view profile = { .name = "home" };

static bool shows(const struct bus *bus, const char *path, const void *view, size_t size)
{
	const struct object *o = object_find(&bus->objects, path);

	return o ? memcmp(o->view, view, size) == 0 : fault_happened();
}

static void set(struct bus *bus)
{
	bus_set_port(bus, &port);
	bus_set_profiles(bus, &profile, 1);
}

static void call(struct bus *bus, const char *interface, const char *member)
{
	AUTO(DBusMessage) message = dbus_message_new_method_call(NULL, BUS_PATH, interface, member);

	dbus_message_set_serial(message, 1);
	calls_decided(&bus->access, message, ACCESS_GRANTED);
}

static bool bus(void)
{
	static const struct bus_commands commands;
	AUTO_STRUCT(bus) bus = NULL;
	bool right;

	if (bus_new(&loop, &commands, NULL, &bus) < 0)
		return fault_happened() && !bus;
	set(bus);
	call(bus, interface_introspectable.name, "Introspect");
	call(bus, interface_object_manager.name, "GetManagedObjects");
	right = shows(bus, PORT, &port, sizeof port) &&
		shows(bus, PROFILE, &profile, sizeof profile);

	fault_suspend();
	set(bus);
	right = right && object_find(&bus->objects, PORT) && object_find(&bus->objects, PROFILE);
	fault_resume();
	return right;
}

static bool introspection(void)
{
	struct objects objects;
	AUTO(char) xml = NULL;

	objects_init(&objects);
	xml = object_introspect(&objects, "/");
	return xml ? strstr(xml, "</node>") != NULL : fault_happened();
}

int main(void)
{
	fault_init();
	log_set_level(LOG_CRIT);
	setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus", 1);
	if (loop_init(&loop) < 0)
		abort();
	fault_each("bus: objects and calls", bus);
	fault_each("bus: introspection", introspection);
	loop_done(&loop);
	dbus_shutdown();
	return fault_end();
}
