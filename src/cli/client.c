#include "cli/client.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/moment.h"
#include "dbus/marshal.h"
#include "drivers/loop.h"

#define CALL_TIMEOUT 125000 /* somebody may be asked for a password meanwhile */
#define DEPTH_MAX    16

struct client {
	DBusConnection *dbus;
	char owner[256]; /* the unique name of the service: anybody may send us signals */
};

/* ---- from D-Bus to JSON -------------------------------------------------------------------- */

static json_t *value_json(DBusMessageIter *it, int depth);

static json_t *basic_json(DBusMessageIter *it, int type)
{
	DBusBasicValue v = { .u64 = 0 };

	dbus_message_iter_get_basic(it, &v);
	switch (type) {
	case DBUS_TYPE_BOOLEAN:
		return json_boolean(v.bool_val);
	case DBUS_TYPE_BYTE:
		return json_integer(v.byt);
	case DBUS_TYPE_INT16:
		return json_integer(v.i16);
	case DBUS_TYPE_UINT16:
		return json_integer(v.u16);
	case DBUS_TYPE_INT32:
		return json_integer(v.i32);
	case DBUS_TYPE_UINT32:
		return json_integer(v.u32);
	case DBUS_TYPE_INT64:
	case DBUS_TYPE_UINT64:
		return json_integer((json_int_t)v.i64);
	case DBUS_TYPE_DOUBLE:
		return json_real(v.dbl);
	case DBUS_TYPE_STRING:
	case DBUS_TYPE_OBJECT_PATH:
	case DBUS_TYPE_SIGNATURE:
		return json_string(v.str);
	default:
		return json_null();
	}
}

static json_t *list_json(DBusMessageIter *it, int depth)
{
	json_t *array = json_array();

	for (; dbus_message_iter_get_arg_type(it) != DBUS_TYPE_INVALID; dbus_message_iter_next(it))
		json_array_append_new(array, value_json(it, depth));
	return array;
}

/* Keys are strings or paths in all that the service answers. */
static json_t *dictionary_json(DBusMessageIter *it, int depth)
{
	json_t *object = json_object();

	for (; dbus_message_iter_get_arg_type(it) == DBUS_TYPE_DICT_ENTRY;
	     dbus_message_iter_next(it)) {
		DBusMessageIter pair;
		const char *key;
		int type;

		dbus_message_iter_recurse(it, &pair);
		type = dbus_message_iter_get_arg_type(&pair);
		if (type != DBUS_TYPE_STRING && type != DBUS_TYPE_OBJECT_PATH)
			continue;
		dbus_message_iter_get_basic(&pair, &key);
		dbus_message_iter_next(&pair);
		json_object_set_new(object, key, value_json(&pair, depth));
	}
	return object;
}

static json_t *value_json(DBusMessageIter *it, int depth)
{
	int type = dbus_message_iter_get_arg_type(it);
	DBusMessageIter inner;

	if (dbus_type_is_basic(type))
		return basic_json(it, type);
	if (depth == 0)
		return json_null();
	bool dictionary = type == DBUS_TYPE_ARRAY &&
			  dbus_message_iter_get_element_type(it) == DBUS_TYPE_DICT_ENTRY;

	dbus_message_iter_recurse(it, &inner);
	if (dictionary)
		return dictionary_json(&inner, depth - 1);
	if (type == DBUS_TYPE_VARIANT)
		return value_json(&inner, depth - 1);
	return list_json(&inner, depth - 1);
}

static json_t *arguments_json(DBusMessage *message)
{
	DBusMessageIter it;

	if (!dbus_message_iter_init(message, &it))
		return json_array();
	return list_json(&it, DEPTH_MAX);
}

/* ---- calls --------------------------------------------------------------------------------- */

static enum exit_status status_of(const char *error)
{
	static const struct {
		const char *error;
		enum exit_status status;
	} rows[] = {
		{ BUS_ERROR "NotAuthorized", NOT_AUTHORISED },
		{ DBUS_ERROR_ACCESS_DENIED, NOT_AUTHORISED },
		{ DBUS_ERROR_SERVICE_UNKNOWN, NO_SERVICE },
		{ DBUS_ERROR_NAME_HAS_NO_OWNER, NO_SERVICE },
		{ DBUS_ERROR_NO_REPLY, NO_SERVICE },
		{ DBUS_ERROR_NO_SERVER, NO_SERVICE },
		{ DBUS_ERROR_DISCONNECTED, NO_SERVICE },
		{ DBUS_ERROR_FILE_NOT_FOUND, NO_SERVICE },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (strcmp(rows[i].error, error) == 0)
			return rows[i].status;
	}
	return FAILED;
}

static void error_take(struct client_error *to, DBusError *from)
{
	const char *dot = strrchr(from->name, '.');

	to->status = status_of(from->name);
	snprintf(to->name, sizeof to->name, "%s", dot ? dot + 1 : from->name);
	snprintf(to->message, sizeof to->message, "%s", from->message);
	dbus_error_free(from);
}

enum exit_status client_open(struct client **ret_client, struct client_error *error)
{
	const char *address = getenv("DBUS_SYSTEM_BUS_ADDRESS");
	DBusError e = DBUS_ERROR_INIT;
	AUTO_STRUCT(client) client = calloc(1, sizeof *client);

	if (!client)
		abort();
	client->dbus = dbus_connection_open_private(
		address ? address : "unix:path=/run/dbus/system_bus_socket", &e);
	if (client->dbus)
		dbus_connection_set_exit_on_disconnect(client->dbus, FALSE);
	if (!client->dbus || !dbus_bus_register(client->dbus, &e)) {
		error_take(error, &e);
		error->status = NO_SERVICE;
		return NO_SERVICE;
	}
	*ret_client = TAKE(client);
	return DONE;
}

void client_free(struct client *client)
{
	if (!client)
		return;
	if (client->dbus) {
		dbus_connection_close(client->dbus);
		dbus_connection_unref(client->dbus);
	}
	free(client);
}

bool client_service_runs(struct client *client)
{
	return dbus_bus_name_has_owner(client->dbus, BUS_NAME, NULL);
}

/* NULL with *error.  The service is not started for a question: that it does not run is an answer
 * too. */
static DBusMessage *ask(struct client *client, DBusMessage *call, struct client_error *error)
{
	DBusError e = DBUS_ERROR_INIT;
	DBusMessage *reply;

	dbus_message_set_auto_start(call, FALSE);
	dbus_message_set_allow_interactive_authorization(call, TRUE);
	reply = dbus_connection_send_with_reply_and_block(client->dbus, call, CALL_TIMEOUT, &e);
	if (!reply)
		error_take(error, &e);
	return reply;
}

static DBusMessage *call_of(const char *path, const char *interface, const char *member)
{
	DBusMessage *call = dbus_message_new_method_call(BUS_NAME, path, interface, member);

	if (!call)
		abort();
	return call;
}

json_t *client_call(struct client *client, const char *path, const char *interface,
		    const char *member, const char *argument, struct client_error *error)
{
	AUTO(DBusMessage) call = call_of(path, interface, member);
	AUTO(DBusMessage) reply = NULL;

	if (argument)
		dbus_message_append_args(call, DBUS_TYPE_STRING, &argument, DBUS_TYPE_INVALID);
	reply = ask(client, call, error);
	return reply ? arguments_json(reply) : NULL;
}

static void append_options(DBusMessageIter *it, const char *const options[][2])
{
	DBusMessageIter dict, pair;

	dbus_message_iter_open_container(it, DBUS_TYPE_ARRAY, "{ss}", &dict);
	for (; (*options)[0]; options++) {
		if (!(*options)[1])
			continue;
		dbus_message_iter_open_container(&dict, DBUS_TYPE_DICT_ENTRY, NULL, &pair);
		dbus_message_iter_append_basic(&pair, DBUS_TYPE_STRING, &(*options)[0]);
		dbus_message_iter_append_basic(&pair, DBUS_TYPE_STRING, &(*options)[1]);
		dbus_message_iter_close_container(&dict, &pair);
	}
	dbus_message_iter_close_container(it, &dict);
}

enum exit_status client_enroll(struct client *client, const char *path, struct slice token,
			       const char *const options[][2], struct client_error *error)
{
	AUTO(DBusMessage) call = call_of(path, IFACE_PORT, "Enroll");
	AUTO(DBusMessage) reply = NULL;
	DBusMessageIter it;
	int ends[2];

	/* It fits: a pipe takes 4096 octets without waiting. */
	if (pipe2(ends, O_CLOEXEC) < 0)
		abort();
	if (token.len > 0 && write(ends[1], token.p, token.len) != (ssize_t)token.len)
		abort();
	close(ends[1]);
	dbus_message_iter_init_append(call, &it);
	dbus_message_iter_append_basic(&it, DBUS_TYPE_UNIX_FD, &ends[0]);
	close(ends[0]);
	append_options(&it, options);
	reply = ask(client, call, error);
	return reply ? DONE : error->status;
}

enum exit_status client_set(struct client *client, const char *path, const char *interface,
			    const char *property, const char *value, struct client_error *error)
{
	AUTO(DBusMessage) call = call_of(path, interface_properties.name, "Set");
	DBusMessageIter it, variant;

	dbus_message_iter_init_append(call, &it);
	dbus_message_iter_append_basic(&it, DBUS_TYPE_STRING, &interface);
	dbus_message_iter_append_basic(&it, DBUS_TYPE_STRING, &property);
	dbus_message_iter_open_container(&it, DBUS_TYPE_VARIANT, "s", &variant);
	dbus_message_iter_append_basic(&variant, DBUS_TYPE_STRING, &value);
	dbus_message_iter_close_container(&it, &variant);

	AUTO(DBusMessage) reply = ask(client, call, error);

	return reply ? DONE : error->status;
}

json_t *client_properties(struct client *client, const char *path, const char *interface,
			  struct client_error *error)
{
	AUTO(json_t)
	reply = client_call(client, path, interface_properties.name, "GetAll", interface, error);

	return json_incref(json_array_get(reply, 0));
}

json_t *client_objects(struct client *client, const char *interface, struct client_error *error)
{
	AUTO(json_t)
	reply = client_call(client, BUS_PATH, interface_object_manager.name, "GetManagedObjects",
			    NULL, error);
	json_t *objects, *interfaces;
	const char *path;

	if (!reply)
		return NULL;
	objects = json_array();
	json_object_foreach(json_array_get(reply, 0), path, interfaces)
	{
		json_t *properties = json_object_get(interfaces, interface);

		if (!properties)
			continue;
		json_object_set_new(properties, "ObjectPath", json_string(path));
		json_array_append(objects, properties);
	}
	return objects;
}

/* ---- signals ------------------------------------------------------------------------------- */

static void learn_owner(struct client *client)
{
	AUTO(DBusMessage)
	call = dbus_message_new_method_call(DBUS_SERVICE_DBUS, DBUS_PATH_DBUS, DBUS_INTERFACE_DBUS,
					    "GetNameOwner");
	const char *name = BUS_NAME, *owner;
	struct client_error error = { 0 };
	AUTO(DBusMessage) reply = NULL;

	dbus_message_append_args(call, DBUS_TYPE_STRING, &name, DBUS_TYPE_INVALID);
	reply = ask(client, call, &error);
	if (reply &&
	    dbus_message_get_args(reply, NULL, DBUS_TYPE_STRING, &owner, DBUS_TYPE_INVALID))
		snprintf(client->owner, sizeof client->owner, "%s", owner);
}

void client_listen(struct client *client)
{
	dbus_bus_add_match(client->dbus, "type='signal',sender='" BUS_NAME "'", NULL);
	dbus_bus_add_match(client->dbus,
			   "type='signal',sender='" DBUS_SERVICE_DBUS
			   "',member='NameOwnerChanged',arg0='" BUS_NAME "'",
			   NULL);
	learn_owner(client);
}

/* From the service, or from the bus about the service. */
static bool concerns_us(struct client *client, DBusMessage *message)
{
	const char *name, *old, *owner;

	if (dbus_message_is_signal(message, DBUS_INTERFACE_DBUS, "NameOwnerChanged") &&
	    dbus_message_has_sender(message, DBUS_SERVICE_DBUS) &&
	    dbus_message_get_args(message, NULL, DBUS_TYPE_STRING, &name, DBUS_TYPE_STRING, &old,
				  DBUS_TYPE_STRING, &owner, DBUS_TYPE_INVALID)) {
		snprintf(client->owner, sizeof client->owner, "%s", owner);
		return true;
	}
	return dbus_message_get_type(message) == DBUS_MESSAGE_TYPE_SIGNAL && *client->owner &&
	       dbus_message_has_sender(message, client->owner);
}

static json_t *signal_json(DBusMessage *message)
{
	const char *path = dbus_message_get_path(message);

	return json_pack("{s:s, s:s, s:o}", "Member", dbus_message_get_member(message), "Path",
			 path ? path : "", "Args", arguments_json(message));
}

json_t *client_next(struct client *client, int timeout_ms, bool *ret_lost)
{
	msec until = timeout_ms < 0 ? NEVER : msec_after(loop_now().mono, (msec)timeout_ms);

	*ret_lost = false;
	for (;;) {
		AUTO(DBusMessage) message = dbus_connection_pop_message(client->dbus);
		msec now = loop_now().mono;

		if (message &&
		    dbus_message_is_signal(message, DBUS_INTERFACE_LOCAL, "Disconnected"))
			*ret_lost = true;
		else if (message && concerns_us(client, message))
			return signal_json(message);
		if (*ret_lost || (!message && now >= until))
			return NULL;
		if (!message)
			dbus_connection_read_write(client->dbus,
						   until == NEVER ? -1 : (int)(until - now));
	}
}

/* ---- for people ---------------------------------------------------------------------------- */

enum exit_status client_fail(const struct cli *cli, const char *what,
			     const struct client_error *error)
{
	static const struct {
		const char *name, *next;
	} rows[] = {
		{ "NoSuchPort", "`latchkeyctl list` shows the ports there are." },
		{ "NotRenewed", "`latchkeyctl enroll` gets another one." },
		{ "NoEnrollment", "Give it one: see latchkey-profile(5), \"Enrollment\"." },
		{ "NoProfile", "`latchkeyctl profiles` shows the profiles there are." },
		{ "ReloadFailed", "`latchkeyctl check` shows all that is wrong." },
	};

	if (error->status == NO_SERVICE)
		return cli_fail(cli, NO_SERVICE, what,
				"latchkeyd does not answer on the system bus",
				"Start it with `systemctl start latchkeyd`; if it runs, look at "
				"`journalctl -u latchkeyd`.");
	if (error->status == NOT_AUTHORISED)
		return cli_fail(cli, NOT_AUTHORISED, what, error->message,
				"Try again as root, or as a member of the group netdev.");
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (strcmp(rows[i].name, error->name) == 0)
			return cli_fail(cli, error->status, what, error->message, rows[i].next);
	}
	return cli_fail(cli, error->status, what, error->message, NULL);
}

static enum exit_status reload(const struct cli *cli, json_t *result)
{
	static const char what[] = "the change is made, but the service found errors";
	const struct cli people = { .terminal = cli->terminal, .columns = cli->columns };
	AUTO_STRUCT(client) client = NULL;
	struct client_error error = { 0 };
	AUTO(json_t) reply = NULL;

	if (client_open(&client, &error) != DONE || !client_service_runs(client))
		return DONE;
	reply = client_call(client, BUS_PATH, IFACE_MANAGER, "Reload", NULL, &error);
	if (!reply) {
		json_object_set_new(result, "Error", json_string(what));
		json_object_set_new(result, "Message", json_string(error.message));
		return client_fail(&people, what, &error);
	}
	cli_note(cli, "The service has read its files anew.");
	return DONE;
}

enum exit_status cli_reload(const struct cli *cli, json_t *result)
{
	enum exit_status status = reload(cli, result);

	if (cli->json)
		cli_json(cli, result);
	return status;
}
