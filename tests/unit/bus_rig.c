#include "tests/unit/bus_rig.h"

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/test.h"

#define CALL_TIMEOUT 5000

static const char config[] =
	"<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\""
	" \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n"
	"<busconfig>\n"
	"  <listen>unix:path=%s/bus</listen>\n"
	"  <auth>EXTERNAL</auth>\n"
	"  <policy context=\"default\">\n"
	"    <allow user=\"*\"/>\n"
	"    <allow own=\"*\"/>\n"
	"    <allow send_destination=\"*\"/>\n"
	"    <allow receive_sender=\"*\"/>\n"
	"  </policy>\n"
	"</busconfig>\n";

/* A child that does not outlive the test. */
static pid_t child(void)
{
	pid_t parent = getpid(), pid;

	fflush(NULL);
	pid = fork();

	REQUIRE(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
	}
	return pid;
}

static void reap(pid_t *pid)
{
	if (*pid <= 0)
		return;
	kill(*pid, SIGKILL);
	waitpid(*pid, NULL, 0);
	*pid = 0;
}

/* ---- the bus ------------------------------------------------------------------------------- */

bool rig_has_bus(void)
{
	return system("command -v dbus-daemon >/dev/null") == 0;
}

void rig_start_bus(struct rig *rig)
{
	char file[96], option[128], line[256];
	int ends[2];

	if (!*rig->dir) {
		snprintf(rig->dir, sizeof rig->dir, "/tmp/latchkey-bus-XXXXXX");
		REQUIRE(mkdtemp(rig->dir) != NULL);
		REQUIRE(chmod(rig->dir, 0755) == 0);
	}
	snprintf(rig->address, sizeof rig->address, "unix:path=%s/bus", rig->dir);
	setenv("DBUS_SYSTEM_BUS_ADDRESS", rig->address, 1);
	snprintf(file, sizeof file, "%s/bus.conf", rig->dir);

	FILE *out = fopen(file, "w");

	REQUIRE(out != NULL);
	fprintf(out, config, rig->dir);
	fclose(out);

	REQUIRE(pipe(ends) == 0);
	rig->bus = child();
	if (rig->bus == 0) {
		char print[32];

		/* It complains of a limit that only root can raise. */
		if (!freopen("/dev/null", "w", stderr))
			_exit(127);
		snprintf(option, sizeof option, "--config-file=%s", file);
		snprintf(print, sizeof print, "--print-address=%d", ends[1]);
		execlp("dbus-daemon", "dbus-daemon", option, "--nofork", "--nopidfile", print,
		       (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	REQUIRE(read(ends[0], line, sizeof line) > 0);
	close(ends[0]);
}

void rig_stop_bus(struct rig *rig)
{
	reap(&rig->bus);
}

/* ---- the service --------------------------------------------------------------------------- */

int rig_start_service(struct rig *rig)
{
	int ends[2], result;

	REQUIRE(pipe(ends) == 0);
	rig->service = child();
	if (rig->service == 0)
		rig_serve(ends[1]);
	close(ends[1]);
	REQUIRE(read(ends[0], &result, sizeof result) == sizeof result);
	close(ends[0]);
	return result;
}

/* It has neither crashed nor, where that is counted, leaked. */
static void stop_service(pid_t *pid)
{
	int status = 0;

	if (*pid <= 0)
		return;
	kill(*pid, SIGTERM);
	waitpid(*pid, &status, 0);
	*pid = 0;
	CHECK(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 0);
}

/* ---- polkit, or what answers in its name
 * --------------------------------------------------------- */

static void polkit_answer(DBusConnection *connection, DBusMessage *call, dbus_bool_t yes)
{
	dbus_bool_t no = FALSE;
	DBusMessageIter it, result, details;
	AUTO(DBusMessage) reply = dbus_message_new_method_return(call);

	dbus_message_iter_init_append(reply, &it);
	dbus_message_iter_open_container(&it, DBUS_TYPE_STRUCT, NULL, &result);
	dbus_message_iter_append_basic(&result, DBUS_TYPE_BOOLEAN, &yes);
	dbus_message_iter_append_basic(&result, DBUS_TYPE_BOOLEAN, &no);
	dbus_message_iter_open_container(&result, DBUS_TYPE_ARRAY, "{ss}", &details);
	dbus_message_iter_close_container(&result, &details);
	dbus_message_iter_close_container(&it, &result);
	dbus_connection_send(connection, reply, NULL);
}

static void polkit(const struct rig *rig, enum polkit manner, int to_test)
{
	DBusConnection *connection = rig_connect(rig);

	dbus_bus_request_name(connection, "org.freedesktop.PolicyKit1", 0, NULL);
	if (write(to_test, "", 1) < 0)
		_exit(1);
	while (dbus_connection_read_write(connection, -1)) {
		DBusMessage *call;

		while ((call = dbus_connection_pop_message(connection)) != NULL) {
			if (dbus_message_has_signature(call, "(sa{sv})sa{ss}us") &&
			    manner != POLKIT_IS_SILENT)
				polkit_answer(connection, call, manner == POLKIT_SAYS_YES);
			dbus_message_unref(call);
		}
	}
	_exit(0);
}

void rig_start_polkit(struct rig *rig, enum polkit manner)
{
	char byte;
	int ends[2];

	REQUIRE(pipe(ends) == 0);
	rig->polkit = child();
	if (rig->polkit == 0)
		polkit(rig, manner, ends[1]);
	close(ends[1]);
	REQUIRE(read(ends[0], &byte, 1) == 1);
	close(ends[0]);
}

/* ---- all of it ----------------------------------------------------------------------------- */

void rig_start(struct rig *rig)
{
	rig_start_bus(rig);
	REQUIRE(rig_start_service(rig) == 0);
	rig->client = rig_connect(rig);
}

void rig_stop(struct rig *rig)
{
	char file[96];

	rig_disconnect(rig->client);
	reap(&rig->polkit);
	stop_service(&rig->service);
	reap(&rig->bus);
	snprintf(file, sizeof file, "%s/bus.conf", rig->dir);
	unlink(file);
	snprintf(file, sizeof file, "%s/bus", rig->dir);
	unlink(file);
	rmdir(rig->dir);
	*rig = (struct rig){ 0 };
}

/* ---- the client ---------------------------------------------------------------------------- */

DBusConnection *rig_connect(const struct rig *rig)
{
	DBusConnection *client = dbus_connection_open_private(rig->address, NULL);

	if (!client)
		return NULL;
	dbus_connection_set_exit_on_disconnect(client, FALSE);
	if (!dbus_bus_register(client, NULL)) {
		rig_disconnect(client);
		return NULL;
	}
	return client;
}

void rig_disconnect(DBusConnection *client)
{
	if (!client)
		return;
	dbus_connection_close(client);
	dbus_connection_unref(client);
}

static DBusMessage *call_va(DBusConnection *client, const char *path, const char *interface,
			    const char *member, int first_type, va_list args)
{
	AUTO(DBusMessage) call = dbus_message_new_method_call(BUS_NAME, path, interface, member);
	DBusPendingCall *pending = NULL;

	REQUIRE(call && dbus_message_append_args_valist(call, first_type, args));
	REQUIRE(dbus_connection_send_with_reply(client, call, &pending, CALL_TIMEOUT) && pending);
	dbus_pending_call_block(pending);

	DBusMessage *reply = dbus_pending_call_steal_reply(pending);

	dbus_pending_call_unref(pending);
	return reply;
}

DBusMessage *rig_call(DBusConnection *client, const char *path, const char *interface,
		      const char *member, int first_type, ...)
{
	va_list args;

	va_start(args, first_type);
	DBusMessage *reply = call_va(client, path, interface, member, first_type, args);
	va_end(args);
	return reply;
}

const char *rig_error(DBusConnection *client, const char *path, const char *interface,
		      const char *member, int first_type, ...)
{
	static char name[256];
	va_list args;

	va_start(args, first_type);
	AUTO(DBusMessage) reply = call_va(client, path, interface, member, first_type, args);
	va_end(args);

	const char *error = reply ? dbus_message_get_error_name(reply) : "no reply";

	snprintf(name, sizeof name, "%s", error ? error : "");
	return name;
}

void rig_listen(DBusConnection *client)
{
	dbus_bus_add_match(client, "type='signal',sender='" BUS_NAME "'", NULL);
}

DBusMessage *rig_signal(DBusConnection *client, const char *member, int timeout_ms)
{
	msec until = loop_now().mono + (msec)timeout_ms;

	for (;;) {
		DBusMessage *message;

		while ((message = dbus_connection_pop_message(client)) != NULL) {
			const char *name = dbus_message_get_member(message);

			if (dbus_message_get_type(message) == DBUS_MESSAGE_TYPE_SIGNAL &&
			    strcmp(name, member) == 0)
				return message;
			dbus_message_unref(message);
		}

		msec now = loop_now().mono;

		if (now >= until || !dbus_connection_read_write(client, (int)(until - now)))
			return NULL;
	}
}

bool rig_wait_for_name(DBusConnection *client)
{
	for (int i = 0; i < 12000; i++) {
		if (dbus_bus_name_has_owner(client, BUS_NAME, NULL))
			return true;
		usleep(10000);
	}
	return false;
}

int rig_as(const struct rig *rig, uid_t uid, gid_t group, int (*body)(DBusConnection *client))
{
	pid_t pid = child();
	int status = -1;

	if (pid == 0) {
		if (setgroups(group ? 1 : 0, &group) < 0 || setresgid(uid, uid, uid) < 0 ||
		    setresuid(uid, uid, uid) < 0)
			_exit(120);

		DBusConnection *client = rig_connect(rig);

		_exit(client ? body(client) : 121);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool rig_lookup(DBusMessageIter dict, const char *key, DBusMessageIter *ret_value)
{
	for (; dbus_message_iter_get_arg_type(&dict) == DBUS_TYPE_DICT_ENTRY;
	     dbus_message_iter_next(&dict)) {
		DBusMessageIter pair;
		const char *name;

		dbus_message_iter_recurse(&dict, &pair);
		dbus_message_iter_get_basic(&pair, &name);
		if (strcmp(name, key) != 0)
			continue;
		dbus_message_iter_next(&pair);
		dbus_message_iter_recurse(&pair, ret_value);
		return true;
	}
	return false;
}

const char *rig_text(DBusMessageIter dict, const char *key)
{
	DBusMessageIter value;
	const char *text = NULL;

	if (rig_lookup(dict, key, &value))
		dbus_message_iter_get_basic(&value, &text);
	return text;
}
