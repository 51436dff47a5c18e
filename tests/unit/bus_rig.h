/* A bus of our own for tests: a real dbus-daemon on a private socket, the bus code of the service
 * in a process with a small model behind it, and the test as their client. */
#ifndef TESTS_BUS_RIG_H
#define TESTS_BUS_RIG_H

#include <dbus/dbus.h>
#include <stdbool.h>
#include <sys/types.h>
#include <unistd.h>

#include "dbus/bus.h"
#include "dbus/marshal.h"
#include "tests/test.h"

#define RIG_PATIENCE   60000 /* ms, with what comes at once but on a machine that is busy */
#define RIG_PORT       BUS_PATH "/port/7"
#define RIG_PROFILE    BUS_PATH "/profile/home_20wired"
#define RIG_CREDENTIAL BUS_PATH "/credential/host"
#define RIG_TOKEN      "LK1-TOKEN"
#define RIG_IDENTITY   "alice@example.org"
#define PROPERTIES     "org.freedesktop.DBus.Properties"
#define MANAGER	       BUS_NAME ".Manager"
#define PORT	       BUS_NAME ".Port"
#define CREDENTIAL     BUS_NAME ".Credential"

struct rig {
	char dir[64], address[128];
	pid_t bus, service, polkit;
	int from_service;	/* one int each time that the first try of bus_new ends */
	DBusConnection *client; /* as whoever runs the test */
};

/* false when there is no dbus-daemon on this machine. */
bool rig_has_bus(void);
void rig_start_bus(struct rig *rig);
void rig_stop_bus(struct rig *rig);
/* The whole life of the service's process (bus_model.c). */
void rig_serve(int to_test);
int rig_start_service(struct rig *rig); /* what bus_new made of it: 0, -EEXIST … */
enum polkit { POLKIT_SAYS_YES, POLKIT_SAYS_NO, POLKIT_IS_SILENT };
void rig_start_polkit(struct rig *rig, enum polkit manner);
/* All three: bus, service, client. */
void rig_start(struct rig *rig);
void rig_stop(struct rig *rig);

DBusConnection *rig_connect(const struct rig *rig);
void rig_disconnect(DBusConnection *client);

/* The reply, also if it is an error; NULL when there is none in 5 s.  The arguments as those of
 * dbus_message_append_args, ending with DBUS_TYPE_INVALID. */
DBusMessage *rig_call(DBusConnection *client, const char *path, const char *interface,
		      const char *member, int first_type, ...);
/* The same, for the name of the error alone; "" when there was none. */
const char *rig_error(DBusConnection *client, const char *path, const char *interface,
		      const char *member, int first_type, ...);

void rig_listen(DBusConnection *client);
/* The next signal of this name; NULL when none comes in time.  Others are dropped. */
DBusMessage *rig_signal(DBusConnection *client, const char *member, int timeout_ms);
bool rig_wait_for_name(DBusConnection *client);

/* Runs body in a child as another user, with one more group if it is not 0; what it returned. */
int rig_as(const struct rig *rig, uid_t uid, gid_t group, int (*body)(DBusConnection *client));

/* Whether an a{sv}, in whose first entry `dict` stands, has the key; *ret_value is its variant. */
bool rig_lookup(DBusMessageIter dict, const char *key, DBusMessageIter *ret_value);
/* The text of a key of such a dictionary; NULL without. */
const char *rig_text(DBusMessageIter dict, const char *key);

/* For the top of a test: a rig that goes with it, or the test is skipped. */
#define WITH_RIG                                                                                   \
	__attribute__((cleanup(rig_stop))) struct rig rig = { 0 };                                 \
	if (!rig_has_bus()) {                                                                      \
		test_skip("there is no dbus-daemon (Debian: dbus-daemon)");                        \
		return;                                                                            \
	}                                                                                          \
	rig_start(&rig)

#define AS_ROOT                                                                                    \
	do {                                                                                       \
		if (geteuid() != 0) {                                                              \
			test_skip("changing the user needs root");                                 \
			return;                                                                    \
		}                                                                                  \
	} while (0)

#endif
