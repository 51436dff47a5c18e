/* What there is on the bus, said once.
 *
 * Each interface is a table of its properties, methods and signals: names, types, who may, and what
 * they mean.  Introspection, Get, GetAll and Set, the checking of arguments and latchkey-dbus(7)
 * all read these tables; a property also says where in its view (model.h) the value is, so that
 * nothing else has to be written for a new one. */
#ifndef LK_DBUS_INTERFACE_H
#define LK_DBUS_INTERFACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* How a value lies in its view, and with it the signature that it has on the bus. */
enum value_kind {
	VALUE_TEXT, /* char []; s */
	VALUE_WORD, /* const char *; s */
	VALUE_BOOL,
	VALUE_INT,	 /* int; i */
	VALUE_UNSIGNED,	 /* unsigned; u */
	VALUE_SIZE,	 /* size_t; u */
	VALUE_TIME,	 /* int64_t, seconds since 1970; x */
	VALUE_COUNT,	 /* uint64_t; t */
	VALUE_COUNTERS,	 /* the counters of a port_view; a{su} */
	VALUE_DIAGNOSIS, /* struct diagnosis; a{sv} */
};

const char *value_signature(enum value_kind kind);

enum property_flags {
	PROPERTY_CONSTANT = 1,
	PROPERTY_WRITABLE = 2,
	PROPERTY_PRIVATE = 4, /* shown to root and the group netdev only */
	PROPERTY_QUIET = 8,   /* a change is no reason for a signal by itself */
};

struct property {
	const char *name;
	enum value_kind kind;
	unsigned flags;
	size_t offset; /* in the view */
	const char *doc;
};

struct argument {
	const char *name, *signature;
};

/* What a method does, for the code that does it (bus.c). */
enum call {
	CALL_INTROSPECT,
	CALL_GET,
	CALL_GET_ALL,
	CALL_SET,
	CALL_GET_MANAGED_OBJECTS,
	CALL_RELOAD,
	CALL_GET_PORT,
	CALL_LIST_PORTS,
	CALL_CONNECT,
	CALL_DISCONNECT,
	CALL_REAUTHENTICATE,
	CALL_DIAGNOSE,
	CALL_ENROLL,
	CALL_RENEW,
	CALL_RENEW_CREDENTIAL,
	CALL_COUNT
};

/* Whether the answer depends on who asks. */
enum need {
	NEED_NOTHING,
	NEED_PRIVATE, /* anybody; what is private is shown to root and netdev only */
	NEED_CONTROL, /* root, netdev, or with polkit's consent */
};

#define ARGUMENTS_MAX 3

struct method {
	const char *name;
	enum call call;
	enum need need;
	struct argument in[ARGUMENTS_MAX + 1], out[ARGUMENTS_MAX + 1];
	const char *doc;
};

struct signal_row {
	const char *name;
	struct argument args[ARGUMENTS_MAX + 1];
	const char *doc;
};

/* Each list ends with a row without a name, or is NULL. */
struct interface {
	const char *name;
	const char *doc;
	const struct property *properties;
	const struct method *methods;
	const struct signal_row *signals;
};

extern const struct interface interface_manager, interface_port, interface_profile,
	interface_credential;
extern const struct interface interface_introspectable, interface_properties,
	interface_object_manager, interface_peer;

#define INTERFACES_MAX 5

/* The interfaces of an object whose own one is this; NULL for a node that only leads to others.
 * Fills at most INTERFACES_MAX, returns how many. */
size_t interfaces_of(const struct interface *own, const struct interface *ret[INTERFACES_MAX]);

const struct property *interface_property(const struct interface *interface, const char *name);
const struct method *interface_method(const struct interface *interface, const char *name);

/* The signature of a list of arguments; the buffer is returned. */
#define SIGNATURE_MAX 32
const char *arguments_signature(const struct argument *args, char buffer[SIGNATURE_MAX]);

/* One <interface> element of the introspection data. */
void interface_xml(const struct interface *interface, FILE *out);

/* The errors that we answer with, for the manual. */
struct error_row {
	const char *name, *doc;
};
extern const struct error_row bus_errors[];

#endif
