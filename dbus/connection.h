/* A connection to the system bus that lives on the loop, holds a name, and comes back when the bus
 * does.
 *
 * Nothing here waits: Hello and RequestName are messages like others, whose answers arrive by the
 * loop.  While there is no bus, or the name is somebody else's, it is tried again after 100 ms,
 * 200 ms … up to a minute. */
#ifndef LK_DBUS_CONNECTION_H
#define LK_DBUS_CONNECTION_H

#include <dbus/dbus.h>

#include "drivers/loop.h"

#define CONNECTION_WATCHES_MAX 4

struct connection {
	struct loop *loop;
	const char *name;
	/* Told when the name is held (0) and why not: -EEXIST when it is another's, -ENOTCONN when
	 * there is no bus, -EACCES when its policy refuses. */
	void (*changed)(struct connection *connection, int result);
	/* Messages that are not libdbus's own; called only while the name is held. */
	void (*received)(struct connection *connection, DBusMessage *message);

	/* the rest is connection.c's */
	DBusConnection *dbus;	  /* NULL: none */
	DBusPendingCall *awaited; /* the answer to Hello or RequestName */
	bool held;
	struct watch watch;
	DBusWatch *watches[CONNECTION_WATCHES_MAX];
	struct timer dispatch, retry;
	msec wait; /* before the next try */
};

/* The members above are set; tries at once. */
void connection_open(struct connection *connection);
void connection_close(struct connection *connection);

/* Sends if there is a bus, and it reads; owns nothing of the message. */
void connection_send(struct connection *connection, DBusMessage *message);

/* The answer comes to `answered`; one that is late or lost comes as an error.  The pending call is
 * the caller's, to unref and, before the connection goes, to cancel.  NULL: it was not sent. */
DBusPendingCall *connection_call(DBusConnection *dbus, DBusMessage *call, int timeout_ms,
				 DBusPendingCallNotifyFunction answered, void *context);

#endif
