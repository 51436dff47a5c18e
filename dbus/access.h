/* Who may do what: root and the group netdev all, others what polkit consents to.
 *
 * The bus knows who calls (GetConnectionCredentials), so nothing is asked of the caller and no
 * database of users is read; a bus that does not tell a caller's groups leaves it to polkit.  Where
 * polkit does not run, its silence is a no.  What one caller can keep waiting has a ceiling. */
#ifndef LK_DBUS_ACCESS_H
#define LK_DBUS_ACCESS_H

#include <sys/types.h>

#include <dbus/dbus.h>

#include "base/list.h"
#include "dbus/interface.h"

#define ACCESS_GROUP		    "netdev"
#define ACCESS_ACTION		    "org.latchkey.supplicant1.control"
#define ACCESS_LOOKUPS_MAX	    128 /* calls whose caller is being looked up */
#define ACCESS_QUESTIONS_MAX	    16	/* calls that wait for polkit, thus for a person */
#define ACCESS_QUESTIONS_OF_ONE_MAX 4	/* … of one user */

enum answer {
	ACCESS_DENIED,
	ACCESS_GRANTED,
	ACCESS_BUSY,
};

struct access {
	struct list requests;
	size_t lookups, questions;
	bool group_exists;
	gid_t group;
	void (*decided)(struct access *access, DBusMessage *call, enum answer answer);
};

/* Looks the group up: to be called before the process locks itself in. */
void access_init(struct access *access,
		 void (*decided)(struct access *access, DBusMessage *call, enum answer answer));
/* decided is told, now or later, unless the connection is lost before. */
void access_ask(struct access *access, DBusConnection *dbus, DBusMessage *call, enum need need);
/* The connection is gone, and with it all who asked. */
void access_drop(struct access *access);

#endif
