/* What happens when somebody calls: from a message to an object, its interface and method, through
 * the checks of arguments and access, to an answer. */
#ifndef LK_DBUS_CALLS_H
#define LK_DBUS_CALLS_H

#include "dbus/access.h"
#include "dbus/bus.h"
#include "dbus/connection.h"
#include "dbus/objects.h"

struct bus {
	struct connection connection;
	struct access access;
	struct objects objects;
	struct bus_commands commands;
	void (*ready)(void *context, int result);
	int last; /* what the connection said last, so that the log says it once */
};

void calls_received(struct connection *connection, DBusMessage *message);
void calls_decided(struct access *access, DBusMessage *call, enum answer answer);

#endif
