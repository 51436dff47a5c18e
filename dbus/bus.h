/* Our presence on the system bus: org.latchkey.Supplicant1 at /org/latchkey/Supplicant1.
 *
 * Object tables (interface.c) say names, signatures, access and documentation once; introspection
 *and latchkey-dbus(7) come from them.  Without a bus the service works on and says so once; when
 *the bus comes back, name and objects are there again.
 *
 *	/org/latchkey/Supplicant1                     .Manager, ObjectManager
 *	/org/latchkey/Supplicant1/port/INDEX          .Port
 *	/org/latchkey/Supplicant1/profile/NAME        .Profile     (names escaped as systemd does)
 *	/org/latchkey/Supplicant1/credential/NAME     .Credential
 */
#ifndef DBUS_BUS_H
#define DBUS_BUS_H

#include "dbus/model.h"
#include "drivers/loop.h"

#define BUS_NAME  "org.latchkey.Supplicant1"
#define BUS_PATH  "/org/latchkey/Supplicant1"
#define BUS_ERROR BUS_NAME ".Error."

struct bus;

/* Connects and asks for the name; -EEXIST when another process holds it.  When there is no bus: 0,
 * and the bus is looked for again from time to time.  ready is called when the name is first held.
 */
int bus_new(struct loop *loop, const struct bus_commands *commands, void (*ready)(void *context),
	    struct bus **ret_bus);
void bus_free(struct bus *bus); /* gives the name back */
DEFINE_AUTO_STRUCT(bus);

bool bus_connected(const struct bus *bus); /* and the name is held */

/* The views are copied; what differs from the last one is announced. */
void bus_set_manager(struct bus *bus, const struct manager_view *view);
void bus_set_port(struct bus *bus, const struct port_view *view);
void bus_remove_port(struct bus *bus, unsigned index);
void bus_set_profiles(struct bus *bus, const struct profile_view *views, size_t count);
void bus_set_credentials(struct bus *bus, const struct credential_info *infos, size_t count);

/* Signals: an attempt has ended (Port.AttemptEnded), a credential expires soon
 * (Credential.ExpiryWarning). */
void bus_attempt_ended(struct bus *bus, unsigned index, bool success,
		       const struct diagnosis *diagnosis);
void bus_expiry_warning(struct bus *bus, const char *credential, int64_t not_after);

#endif
