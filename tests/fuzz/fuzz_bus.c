/* Whatever a stranger on the bus may call: any object, interface, member and arguments.
 *
 * The bus has let the message through, so it is well formed; half of the inputs are taken as such a
 * message, the other half says how one is put together.  Nothing is connected: answers are made and
 * not sent.  Who is not allowed to changes nothing.  An input begins with how it is meant. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "dbus/calls.h"
#include "dbus/marshal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct bus *bus;
static bool allowed;

static enum bus_result on_port(void *context, unsigned index)
{
	(void)context;
	assert(allowed);
	return (enum bus_result)(index % (BUS_FAILED + 1));
}

static enum bus_result on_reload(void *context, struct diagnosis *why)
{
	(void)context;
	assert(allowed);
	diagnosis_set(why, DIAG_CONFIG);
	return BUS_FAILED;
}

static enum bus_result on_log_level(void *context, const char *level)
{
	(void)context;
	assert(allowed);
	return strlen(level) == 4 ? BUS_DONE : BUS_INVALID;
}

static enum bus_result on_enroll(void *context, unsigned index, const struct enrol_wish *wish,
				 struct diagnosis *why)
{
	assert(strlen(wish->name) < sizeof wish->name);
	diagnosis_set(why, DIAG_TOKEN_TEXT);
	return on_port(context, index);
}

static enum bus_result on_credential(void *context, const char *name)
{
	return on_port(context, (unsigned)strlen(name));
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const struct bus_commands commands = { .connect = on_port,
						      .disconnect = on_port,
						      .reauthenticate = on_port,
						      .enroll = on_enroll,
						      .renew = on_port,
						      .renew_credential = on_credential,
						      .reload = on_reload,
						      .set_log_level = on_log_level };
	static const struct profile_view profile = { .name = "a profile", .identity = "alice" };
	static const struct credential_info credential = { .name = "host" };
	static struct loop loop;
	static struct port_view port = { .interface = "eth7" };

	(void)argc;
	(void)argv;
	setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus", 1);
	if (loop_init(&loop) < 0 || bus_new(&loop, &commands, NULL, &bus) < 0)
		abort();
	diagnosis_set(&port.diagnosis, DIAG_RESPONSE_IGNORED);
	diagnosis_add(&port.diagnosis, "identity", "alice");
	for (port.index = 0; port.index <= BUS_FAILED; port.index++)
		bus_set_port(bus, &port);
	bus_set_profiles(bus, &profile, 1);
	bus_set_credentials(bus, &credential, 1);
	return 0;
}

/* ---- a message that is put together -------------------------------------------------------- */

static const char *const paths[] = {
	"/",
	BUS_PATH,
	BUS_PATH "/port",
	BUS_PATH "/port/0",
	BUS_PATH "/port/3",
	BUS_PATH "/profile/a_20profile",
	BUS_PATH "/credential/host",
	BUS_PATH "/none",
};

static const char *const words[] = {
	"", "eth7", "Identity", "LogLevel", "Diagnosis", "Counters", "State", "info",
};

static const struct interface *const interfaces[] = {
	&interface_manager,	   &interface_port,	      &interface_profile,
	&interface_credential,	   &interface_introspectable, &interface_properties,
	&interface_object_manager, &interface_peer,
};

static const char *pick_member(const struct interface *interface, uint8_t choice)
{
	size_t count = 0;

	while (interface->methods && interface->methods[count].name)
		count++;
	return count > 0 ? interface->methods[choice % count].name : "Nothing";
}

static void append_text(DBusMessageIter *to, struct rd *r)
{
	uint8_t choice = rd_u8(r);
	const char *text = choice < 128 ? words[choice % 8] : interfaces[choice % 8]->name;

	dbus_message_iter_append_basic(to, DBUS_TYPE_STRING, &text);
}

/* What Enroll reads a token from: some octets, and perhaps no end. */
static void append_pipe(DBusMessageIter *to, struct rd *r)
{
	struct slice octets = rd_bytes(r, r->left < 64 ? r->left : 64);
	int ends[2];

	if (pipe(ends) < 0)
		abort();
	if (write(ends[1], octets.p, octets.len) != (ssize_t)octets.len)
		abort();
	close(ends[1]);
	dbus_message_iter_append_basic(to, DBUS_TYPE_UNIX_FD, &ends[0]);
	close(ends[0]);
}

static void append_dictionary(DBusMessageIter *to, struct rd *r)
{
	static const char *const keys[] = { "name", "profile", "factory", "other" };
	DBusMessageIter dictionary, entry;

	dbus_message_iter_open_container(to, DBUS_TYPE_ARRAY, "{ss}", &dictionary);
	for (int i = rd_u8(r) % 4; i > 0; i--) {
		const char *key = keys[rd_u8(r) % 4];

		dbus_message_iter_open_container(&dictionary, DBUS_TYPE_DICT_ENTRY, NULL, &entry);
		dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &key);
		append_text(&entry, r);
		dbus_message_iter_close_container(&dictionary, &entry);
	}
	dbus_message_iter_close_container(to, &dictionary);
}

static void append_argument(DBusMessageIter *to, struct rd *r)
{
	dbus_uint32_t number = rd_u8(r);
	DBusMessageIter variant;

	switch (number % 6) {
	case 0:
		dbus_message_iter_append_basic(to, DBUS_TYPE_UINT32, &number);
		break;
	case 1:
		dbus_message_iter_open_container(to, DBUS_TYPE_VARIANT, "s", &variant);
		append_text(&variant, r);
		dbus_message_iter_close_container(to, &variant);
		break;
	case 2:
		append_pipe(to, r);
		break;
	case 3:
		append_dictionary(to, r);
		break;
	default:
		append_text(to, r);
		break;
	}
}

static DBusMessage *put_together(struct rd *r)
{
	const struct interface *interface = interfaces[rd_u8(r) % 8];
	uint8_t with_interface = rd_u8(r);
	const char *path = paths[rd_u8(r) % 8], *member = pick_member(interface, rd_u8(r));
	DBusMessage *call = dbus_message_new_method_call(
		NULL, path, with_interface % 8 ? interface->name : NULL, member);
	DBusMessageIter to;

	dbus_message_set_serial(call, 1);
	dbus_message_iter_init_append(call, &to);
	for (int i = 0; i < 4 && r->left > 0; i++)
		append_argument(&to, r);
	return call;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rd r = rd_of(slice_of(data, size < 4096 ? size : 4096));
	uint8_t manner = rd_u8(&r);
	AUTO(DBusMessage) call = NULL;

	if (manner & 1)
		call = put_together(&r);
	else if (r.left > 0)
		call = dbus_message_demarshal((const char *)r.p, (int)r.left, NULL);
	allowed = manner & 2;
	if (call && dbus_message_get_type(call) == DBUS_MESSAGE_TYPE_METHOD_CALL)
		calls_decided(&bus->access, call, allowed ? ACCESS_GRANTED : ACCESS_DENIED);
	return 0;
}
