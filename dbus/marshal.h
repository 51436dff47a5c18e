/* Our values as D-Bus values, and back into comparison.
 *
 * Every function that appends returns false when memory ran out; the message is then of no use.
 * Text that is not UTF-8 is made printable on the way, for libdbus ends a process that sends such.
 */
#ifndef LK_DBUS_MARSHAL_H
#define LK_DBUS_MARSHAL_H

#include <dbus/dbus.h>

#include "base/diagnosis.h"
#include "base/own.h"
#include "dbus/interface.h"

DEFINE_AUTO(DBusMessage, dbus_message_unref);

bool marshal_text(DBusMessageIter *to, int type, const char *text); /* s or o */

/* a{sv}: id, cause, next, time, reduced, evidence a{ss}.  Empty for DIAG_NONE.  Without private_too
 * the identity is left out, of the sentence as well. */
bool marshal_diagnosis(DBusMessageIter *to, const struct diagnosis *diagnosis, bool private_too);

/* The value of one property as a variant. */
bool marshal_property(DBusMessageIter *to, const struct property *property, const void *view,
		      bool private_too);

/* a{sv} of the properties for which `chosen` has a bit (by their row); private ones only if
 * private_too. */
#define PROPERTIES_ALL UINT64_MAX
bool marshal_properties(DBusMessageIter *to, const struct interface *interface, const void *view,
			uint64_t chosen, bool private_too);

/* a{sa{sv}}: the object's own interface with its properties, the standard ones without any. */
bool marshal_interfaces(DBusMessageIter *to, const struct interface *own, const void *view,
			bool private_too);

bool property_same(const struct property *property, const void *a, const void *b);

#endif
