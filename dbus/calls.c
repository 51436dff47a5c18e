#include "dbus/calls.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dbus/marshal.h"
#include "enrol/token.h"

/* A call with what was found for it. */
struct asked {
	struct bus *bus;
	DBusMessage *call;
	struct object *object; /* NULL: a node that only leads to others */
	bool private_too;      /* the caller may see what is private */
};

/* ---- answers ------------------------------------------------------------------------------- */

static void answer(struct bus *bus, DBusMessage *reply)
{
	if (reply)
		connection_send(&bus->connection, reply);
}

static void refuse(struct bus *bus, DBusMessage *call, const char *error, const char *text)
{
	AUTO(DBusMessage) reply = dbus_message_new_error(call, error, text);

	if (!dbus_message_get_no_reply(call))
		answer(bus, reply);
}

static void refuse_asked(const struct asked *a, const char *error, const char *text)
{
	refuse(a->bus, a->call, error, text);
}

/* An answer that is begun, filled and, if nothing went wrong, sent. */
static DBusMessage *reply_begin(const struct asked *a, DBusMessageIter *ret_to)
{
	DBusMessage *reply = dbus_message_new_method_return(a->call);

	if (reply)
		dbus_message_iter_init_append(reply, ret_to);
	return reply;
}

static void reply_end(const struct asked *a, DBusMessage *reply, bool filled)
{
	if (!filled)
		refuse_asked(a, DBUS_ERROR_NO_MEMORY, "There is not enough memory for the answer.");
	else if (!dbus_message_get_no_reply(a->call))
		answer(a->bus, reply);
}

static void answer_result(const struct asked *a, enum bus_result result)
{
	static const struct {
		const char *error, *text;
	} rows[] = {
		[BUS_NO_SUCH_PORT] = { BUS_ERROR "NoSuchPort", "This port has gone." },
		[BUS_NO_PROFILE] = { BUS_ERROR "NoProfile",
				     "No profile that can be used matches this port." },
		[BUS_INVALID] = { BUS_ERROR "InvalidArguments", "There is no such value." },
		[BUS_NO_ENROLMENT] = { BUS_ERROR "NoEnrollment",
				       "The profile of this port has no section [Enroll]." },
		[BUS_NOT_RENEWED] = { BUS_ERROR "NotRenewed",
				      "It has no end, and is not renewed; enroll again to have "
				      "another." },
		[BUS_NOT_ALLOWED] = { BUS_ERROR "NotAllowed",
				      "The configuration does not allow this." },
		[BUS_FAILED] = { BUS_ERROR "Failed",
				 "It could not be done; the log of the service tells why." },
	};
	DBusMessageIter to;

	if (result != BUS_DONE) {
		refuse_asked(a, rows[result].error, rows[result].text);
		return;
	}

	AUTO(DBusMessage) reply = reply_begin(a, &to);

	reply_end(a, reply, reply != NULL);
}

/* ---- the standard interfaces --------------------------------------------------------------- */

static void do_introspect(const struct asked *a)
{
	AUTO(char) xml = object_introspect(&a->bus->objects, dbus_message_get_path(a->call));
	DBusMessageIter to;
	AUTO(DBusMessage) reply = reply_begin(a, &to);

	reply_end(a, reply, reply && xml && marshal_text(&to, DBUS_TYPE_STRING, xml));
}

/* The interface that the first argument names; "" stands for any.  NULL when it was refused. */
static const struct interface *asked_interface(const struct asked *a)
{
	const struct interface *interfaces[INTERFACES_MAX];
	size_t count = interfaces_of(a->object->interface, interfaces);
	const char *name;

	dbus_message_get_args(a->call, NULL, DBUS_TYPE_STRING, &name, DBUS_TYPE_INVALID);
	for (size_t i = 0; i < count; i++) {
		if (!*name || strcmp(interfaces[i]->name, name) == 0)
			return interfaces[i];
	}
	refuse_asked(a, DBUS_ERROR_UNKNOWN_INTERFACE, "This object has no such interface.");
	return NULL;
}

/* The property that the first two arguments name; NULL when it was refused. */
static const struct property *asked_property(const struct asked *a)
{
	const struct interface *interface = asked_interface(a);
	const struct property *property = NULL;
	const char *ignored, *name;

	if (!interface)
		return NULL;
	dbus_message_get_args(a->call, NULL, DBUS_TYPE_STRING, &ignored, DBUS_TYPE_STRING, &name,
			      DBUS_TYPE_INVALID);
	property = interface_property(interface, name);
	if (!property)
		refuse_asked(a, DBUS_ERROR_UNKNOWN_PROPERTY,
			     "This interface has no such property.");
	return property;
}

static void do_get(const struct asked *a)
{
	const struct property *property = asked_property(a);
	DBusMessageIter to;

	if (!property)
		return;
	if ((property->flags & PROPERTY_PRIVATE) && !a->private_too) {
		refuse_asked(a, BUS_ERROR "NotAuthorized",
			     "Only root and the group " ACCESS_GROUP " may see this.");
		return;
	}

	AUTO(DBusMessage) reply = reply_begin(a, &to);

	reply_end(a, reply,
		  reply && marshal_property(&to, property, a->object->view, a->private_too));
}

static void do_get_all(const struct asked *a)
{
	const struct interface *interface = asked_interface(a);
	DBusMessageIter to;

	if (!interface)
		return;

	AUTO(DBusMessage) reply = reply_begin(a, &to);

	reply_end(a, reply,
		  reply && marshal_properties(&to, interface, a->object->view, PROPERTIES_ALL,
					      a->private_too));
}

/* LogLevel is the only property that can be set; the table knows its type. */
static void do_set(const struct asked *a)
{
	const struct property *property = asked_property(a);
	DBusMessageIter it, value;
	const char *level;

	if (!property)
		return;
	if (!(property->flags & PROPERTY_WRITABLE)) {
		refuse_asked(a, DBUS_ERROR_PROPERTY_READ_ONLY, "This property cannot be set.");
		return;
	}
	dbus_message_iter_init(a->call, &it);
	dbus_message_iter_next(&it);
	dbus_message_iter_next(&it);
	dbus_message_iter_recurse(&it, &value);
	if (dbus_message_iter_get_arg_type(&value) != value_signature(property->kind)[0]) {
		refuse_asked(a, BUS_ERROR "InvalidArguments", "This value has the wrong type.");
		return;
	}
	dbus_message_iter_get_basic(&value, &level);
	answer_result(a, a->bus->commands.set_log_level(a->bus->commands.context, level));
}

static bool marshal_managed(DBusMessageIter *dict, const struct object *o, bool private_too)
{
	DBusMessageIter pair;

	return dbus_message_iter_open_container(dict, DBUS_TYPE_DICT_ENTRY, NULL, &pair) &&
	       marshal_text(&pair, DBUS_TYPE_OBJECT_PATH, o->path) &&
	       marshal_interfaces(&pair, o->interface, o->view, private_too) &&
	       dbus_message_iter_close_container(dict, &pair);
}

/* All but the manager, which is where the question is put. */
static void do_get_managed_objects(const struct asked *a)
{
	DBusMessageIter to, dict;
	AUTO(DBusMessage) reply = reply_begin(a, &to);
	bool filled = reply &&
		      dbus_message_iter_open_container(&to, DBUS_TYPE_ARRAY, "{oa{sa{sv}}}", &dict);

	list_each (node, &a->bus->objects.list) {
		const struct object *o = list_item(node, struct object, node);

		if (filled && o != a->object)
			filled = marshal_managed(&dict, o, a->private_too);
	}
	reply_end(a, reply, filled && dbus_message_iter_close_container(&to, &dict));
}

/* ---- our own ------------------------------------------------------------------------------- */

static void do_reload(const struct asked *a)
{
	const struct bus_commands *commands = &a->bus->commands;
	struct diagnosis why;
	char text[1024];

	diagnosis_set(&why, DIAG_NONE);

	enum bus_result result = commands->reload(commands->context, &why);

	if (result == BUS_FAILED && why.id != DIAG_NONE)
		refuse_asked(a, BUS_ERROR "ReloadFailed",
			     diagnosis_sentence(&why, text, sizeof text));
	else
		answer_result(a, result);
}

static void do_get_port(const struct asked *a)
{
	const struct object *found = NULL;
	DBusMessageIter to;
	const char *name;

	dbus_message_get_args(a->call, NULL, DBUS_TYPE_STRING, &name, DBUS_TYPE_INVALID);
	list_each (node, &a->bus->objects.list) {
		const struct object *o = list_item(node, struct object, node);

		if (o->interface == &interface_port &&
		    strcmp(((const struct port_view *)o->view)->interface, name) == 0)
			found = o;
	}
	if (!found) {
		refuse_asked(a, BUS_ERROR "NoSuchPort", "No port has an interface of this name.");
		return;
	}

	AUTO(DBusMessage) reply = reply_begin(a, &to);

	reply_end(a, reply, reply && marshal_text(&to, DBUS_TYPE_OBJECT_PATH, found->path));
}

static void do_list_ports(const struct asked *a)
{
	DBusMessageIter to, array;
	AUTO(DBusMessage) reply = reply_begin(a, &to);
	bool filled = reply && dbus_message_iter_open_container(&to, DBUS_TYPE_ARRAY, "o", &array);

	list_each (node, &a->bus->objects.list) {
		const struct object *o = list_item(node, struct object, node);

		if (filled && o->interface == &interface_port)
			filled = marshal_text(&array, DBUS_TYPE_OBJECT_PATH, o->path);
	}
	reply_end(a, reply, filled && dbus_message_iter_close_container(&to, &array));
}

static void command_port(const struct asked *a,
			 enum bus_result (*command)(void *context, unsigned index))
{
	const struct port_view *port = a->object->view;

	answer_result(a, command(a->bus->commands.context, port->index));
}

static void do_connect(const struct asked *a)
{
	command_port(a, a->bus->commands.connect);
}

static void do_disconnect(const struct asked *a)
{
	command_port(a, a->bus->commands.disconnect);
}

static void do_reauthenticate(const struct asked *a)
{
	command_port(a, a->bus->commands.reauthenticate);
}

static void do_diagnose(const struct asked *a)
{
	const struct port_view *port = a->object->view;
	DBusMessageIter to;
	AUTO(DBusMessage) reply = reply_begin(a, &to);

	reply_end(a, reply, reply && marshal_diagnosis(&to, &port->diagnosis, a->private_too));
}

/* What a pipe holds when its writing end is closed.  Anything else than a pipe could make us wait,
 * or read what the caller may not. */
static bool read_token(int fd, char *buffer, size_t size, size_t *ret_len)
{
	struct stat st;
	ssize_t n = 1;
	size_t len = 0;

	if (fstat(fd, &st) < 0 || !S_ISFIFO(st.st_mode) || fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		return false;
	while (n > 0 && len < size) {
		n = read(fd, buffer + len, size - len);
		len += n > 0 ? (size_t)n : 0;
	}
	*ret_len = len;
	return n == 0;
}

/* NULL, or the first that there is none of. */
static const char *read_options(DBusMessageIter *dict, struct enrol_wish *wish)
{
	for (; dbus_message_iter_get_arg_type(dict) == DBUS_TYPE_DICT_ENTRY;
	     dbus_message_iter_next(dict)) {
		DBusMessageIter pair;
		const char *key, *value;

		dbus_message_iter_recurse(dict, &pair);
		dbus_message_iter_get_basic(&pair, &key);
		dbus_message_iter_next(&pair);
		dbus_message_iter_get_basic(&pair, &value);
		if (strcmp(key, "factory") == 0)
			wish->factory = value;
		else if (strcmp(key, "name") == 0)
			wish->name = value;
		else if (strcmp(key, "profile") == 0)
			wish->profile = value;
		else
			return key;
	}
	return NULL;
}

static void refuse_option(const struct asked *a, const char *option)
{
	char name[64], text[160];

	snprintf(text, sizeof text,
		 "There is no option \"%s\"; there are factory, name and profile.",
		 printable(slice_str(option), name, sizeof name));
	refuse_asked(a, BUS_ERROR "InvalidArguments", text);
}

static void do_enroll(const struct asked *a)
{
	const struct bus_commands *commands = &a->bus->commands;
	const struct port_view *port = a->object->view;
	struct enrol_wish wish = { .factory = "", .name = "", .profile = "" };
	char token[TOKEN_FOREIGN_MAX + 1], text[1024];
	enum bus_result result = BUS_INVALID;
	struct diagnosis why = { 0 };
	DBusMessageIter it, dict;
	const char *unknown;
	size_t len = 0;
	int fd = -1;

	dbus_message_iter_init(a->call, &it);
	dbus_message_iter_get_basic(&it, &fd);
	dbus_message_iter_next(&it);
	dbus_message_iter_recurse(&it, &dict);
	unknown = read_options(&dict, &wish);
	if (!unknown && read_token(fd, token, sizeof token, &len)) {
		wish.token = slice_of(token, len);
		result = commands->enroll(commands->context, port->index, &wish, &why);
	}
	explicit_bzero(token, sizeof token);
	if (fd >= 0)
		close(fd);
	if (unknown) {
		refuse_option(a, unknown);
	} else if (result == BUS_INVALID && why.id != DIAG_NONE) {
		diagnosis_sentence(&why, text, sizeof text);
		strncat(text, " ", sizeof text - strlen(text) - 1);
		diagnosis_next(&why, text + strlen(text), sizeof text - strlen(text));
		refuse_asked(a, BUS_ERROR "InvalidArguments", text);
	} else {
		answer_result(a, result);
	}
}

static void do_renew(const struct asked *a)
{
	command_port(a, a->bus->commands.renew);
}

static void do_renew_credential(const struct asked *a)
{
	const struct credential_info *info = a->object->view;

	answer_result(a, a->bus->commands.renew_credential(a->bus->commands.context, info->name));
}

static void (*const calls[CALL_COUNT])(const struct asked *) = {
	[CALL_INTROSPECT] = do_introspect,
	[CALL_GET] = do_get,
	[CALL_GET_ALL] = do_get_all,
	[CALL_SET] = do_set,
	[CALL_GET_MANAGED_OBJECTS] = do_get_managed_objects,
	[CALL_RELOAD] = do_reload,
	[CALL_GET_PORT] = do_get_port,
	[CALL_LIST_PORTS] = do_list_ports,
	[CALL_CONNECT] = do_connect,
	[CALL_DISCONNECT] = do_disconnect,
	[CALL_REAUTHENTICATE] = do_reauthenticate,
	[CALL_DIAGNOSE] = do_diagnose,
	[CALL_ENROLL] = do_enroll,
	[CALL_RENEW] = do_renew,
	[CALL_RENEW_CREDENTIAL] = do_renew_credential,
};

/* ---- from a message to a method ------------------------------------------------------------ */

/* NULL when it was refused.  A call may leave the interface out. */
static const struct method *find_method(struct bus *bus, DBusMessage *call,
					const struct object *object)
{
	const char *wanted = dbus_message_get_interface(call);
	const struct interface *interfaces[INTERFACES_MAX];
	size_t count = interfaces_of(object ? object->interface : NULL, interfaces);
	bool known = !wanted;

	for (size_t i = 0; i < count; i++) {
		const struct method *method;

		if (wanted && strcmp(wanted, interfaces[i]->name) != 0)
			continue;
		known = true;
		method = interface_method(interfaces[i], dbus_message_get_member(call));
		if (method && method->call != CALL_COUNT)
			return method;
	}
	refuse(bus, call, known ? DBUS_ERROR_UNKNOWN_METHOD : DBUS_ERROR_UNKNOWN_INTERFACE,
	       known ? "There is no such method." : "This object has no such interface.");
	return NULL;
}

/* Object and method of a call whose arguments fit; false when it was refused. */
static bool resolve(struct bus *bus, DBusMessage *call, struct object **ret_object,
		    const struct method **ret_method)
{
	const char *path = dbus_message_get_path(call);
	char signature[SIGNATURE_MAX];

	*ret_object = object_find(&bus->objects, path);
	if (!*ret_object && !object_leads_on(&bus->objects, path)) {
		refuse(bus, call, DBUS_ERROR_UNKNOWN_OBJECT, "There is no such object.");
		return false;
	}
	*ret_method = find_method(bus, call, *ret_object);
	if (!*ret_method)
		return false;
	if (!dbus_message_has_signature(call, arguments_signature((*ret_method)->in, signature))) {
		refuse(bus, call, BUS_ERROR "InvalidArguments",
		       "The arguments have the wrong number or types.");
		return false;
	}
	return true;
}

void calls_received(struct connection *connection, DBusMessage *message)
{
	struct bus *bus = list_item(connection, struct bus, connection);
	const struct method *method;
	struct object *object;

	if (dbus_message_get_type(message) != DBUS_MESSAGE_TYPE_METHOD_CALL ||
	    !resolve(bus, message, &object, &method))
		return;
	if (method->need == NEED_NOTHING)
		calls[method->call](&(struct asked){ bus, message, object, false });
	else
		access_ask(&bus->access, connection->dbus, message, method->need);
}

/* Meanwhile the object may have gone. */
void calls_decided(struct access *access, DBusMessage *call, enum answer decision)
{
	struct bus *bus = list_item(access, struct bus, access);
	bool granted = decision == ACCESS_GRANTED;
	const struct method *method;
	struct object *object;

	if (!resolve(bus, call, &object, &method))
		return;
	if (granted || method->need == NEED_PRIVATE)
		calls[method->call](&(struct asked){ bus, call, object, granted });
	else if (decision == ACCESS_BUSY)
		refuse(bus, call, BUS_ERROR "Busy",
		       "Too many callers wait for authorisation; try again later.");
	else
		refuse(bus, call, BUS_ERROR "NotAuthorized",
		       "This needs root, membership of the group " ACCESS_GROUP
		       ", or polkit's consent.");
}
