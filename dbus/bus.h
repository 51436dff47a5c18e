/* Our presence on the system bus: org.latchkey.Supplicant1 at /org/latchkey/Supplicant1.
 *
 * Object tables (interface.c) say names, signatures, access and documentation once; introspection
 * and latchkey-dbus(7) come from them.  Without a bus the service works on and says so once; when
 * the bus comes back, name and objects are there again.
 *
 *	/org/latchkey/Supplicant1			.Manager, ObjectManager
 *	/org/latchkey/Supplicant1/port/INDEX		.Port
 *	/org/latchkey/Supplicant1/profile/NAME		.Profile	(names escaped as
 *	/org/latchkey/Supplicant1/credential/NAME	.Credential	 systemd does)
 */
/* libdbus has taken DBUS_..._H for itself. */
#ifndef LK_DBUS_BUS_H
#define LK_DBUS_BUS_H

#include "dbus/model.h"
#include "drivers/loop.h"

#define BUS_NAME  "org.latchkey.Supplicant1"
#define BUS_PATH  "/org/latchkey/Supplicant1"
#define BUS_ERROR BUS_NAME ".Error."

struct bus;

/* Begins to connect and to ask for the name; nothing waits for the bus.  ready is called once, with
 * the outcome of that first try: 0 when the name is held, -EEXIST when another process holds it,
 * -EACCES when the bus does not let us have it, -ENOTCONN when there is no bus.  Whatever it was,
 * the bus is looked for again from time to time.  ready may be called before this returns.  Without
 * memory -ENOMEM. */
int bus_new(struct loop *loop, const struct bus_commands *commands,
	    void (*ready)(void *context, int result), struct bus **ret_bus);
void bus_free(struct bus *bus); /* gives the name back; not from within a command */
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
void bus_enrolment_progress(struct bus *bus, unsigned index, const char *step, const char *detail,
			    const struct diagnosis *diagnosis); /* Port.EnrollmentProgress */
void bus_expiry_warning(struct bus *bus, const char *credential, int64_t not_after);

#endif
