#include "tests/test.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <unistd.h>

#include "dbus/access.h"
#include "dbus/objects.h"
#include "enrol/token.h"
#include "tests/unit/bus_rig.h"

#define NOBODY 65534

/* The first dictionary among the arguments of a message. */
static DBusMessageIter first_dict(DBusMessage *message)
{
	DBusMessageIter it, dict = { 0 };

	if (!dbus_message_iter_init(message, &it))
		return dict;
	while (dbus_message_iter_get_arg_type(&it) != DBUS_TYPE_ARRAY &&
	       dbus_message_iter_next(&it))
		;
	dbus_message_iter_recurse(&it, &dict);
	return dict;
}

static DBusMessage *get_all(DBusConnection *client, const char *path, const char *interface)
{
	return rig_call(client, path, PROPERTIES, "GetAll", DBUS_TYPE_STRING, &interface,
			DBUS_TYPE_INVALID);
}

static const char *get_error(DBusConnection *client, const char *path, const char *interface,
			     const char *property)
{
	return rig_error(client, path, PROPERTIES, "Get", DBUS_TYPE_STRING, &interface,
			 DBUS_TYPE_STRING, &property, DBUS_TYPE_INVALID);
}

static bool introspection_has(DBusConnection *client, const char *path, const char *what)
{
	AUTO(DBusMessage)
	reply = rig_call(client, path, "org.freedesktop.DBus.Introspectable", "Introspect",
			 DBUS_TYPE_INVALID);
	const char *xml = NULL;

	return dbus_message_get_args(reply, NULL, DBUS_TYPE_STRING, &xml, DBUS_TYPE_INVALID) &&
	       strstr(xml, what);
}

TEST(every_node_from_the_root_is_introspectable)
{
	WITH_RIG;
	CHECK(introspection_has(rig.client, "/", "<node name=\"org\"/>"));
	CHECK(introspection_has(rig.client, "/org", "<node name=\"latchkey\"/>"));
	CHECK(introspection_has(rig.client, BUS_PATH, "<node name=\"port\"/>"));
	CHECK(introspection_has(rig.client, BUS_PATH, MANAGER));
	CHECK(introspection_has(rig.client, BUS_PATH, "org.freedesktop.DBus.ObjectManager"));
	CHECK(introspection_has(rig.client, BUS_PATH "/port", "<node name=\"7\"/>"));
	CHECK(!introspection_has(rig.client, BUS_PATH "/port", PORT));
	CHECK(introspection_has(rig.client, RIG_PORT, PORT));
	CHECK(introspection_has(rig.client, RIG_PORT,
				"<property name=\"Counters\" type=\"a{su}\" access=\"read\">"));
	CHECK(!introspection_has(rig.client, RIG_PORT, "ObjectManager"));
	CHECK(introspection_has(rig.client, RIG_PROFILE, BUS_NAME ".Profile"));
	CHECK_STR(rig_error(rig.client, BUS_PATH "/none", "org.freedesktop.DBus.Introspectable",
			    "Introspect", DBUS_TYPE_INVALID),
		  DBUS_ERROR_UNKNOWN_OBJECT);
}

TEST(properties_are_read_with_the_types_that_introspection_names)
{
	WITH_RIG;
	AUTO(DBusMessage) reply = get_all(rig.client, RIG_PORT, PORT);
	DBusMessageIter dict = first_dict(reply), value;
	size_t count = 0;

	for (const struct property *p = interface_port.properties; p->name; p++, count++) {
		if ((p->flags & PROPERTY_PRIVATE) && geteuid() != 0)
			continue;
		REQUIRE(rig_lookup(dict, p->name, &value));

		char *signature = dbus_message_iter_get_signature(&value);

		CHECK_STR(signature, value_signature(p->kind));
		dbus_free(signature);
	}
	CHECK(count > 20);
	CHECK_STR(rig_text(dict, "Interface"), "eth7");
	CHECK_STR(rig_text(dict, "State"), "failed");
	CHECK_STR(rig_text(dict, "PAEState"), "");
	CHECK(rig_lookup(dict, "Diagnosis", &value));

	DBusMessageIter diagnosis, evidence, list;

	dbus_message_iter_recurse(&value, &diagnosis);
	CHECK_STR(rig_text(diagnosis, "id"), "response-ignored");
	CHECK(rig_lookup(diagnosis, "evidence", &evidence));
	dbus_message_iter_recurse(&evidence, &list);
	CHECK_INT(dbus_message_iter_get_arg_type(&list), DBUS_TYPE_DICT_ENTRY);
}

TEST(text_that_is_not_utf8_is_made_so)
{
	WITH_RIG;
	AUTO(DBusMessage) reply = get_all(rig.client, RIG_CREDENTIAL, BUS_NAME ".Credential");

	CHECK_STR(rig_text(first_dict(reply), "Subject"), "CN=host?");
}

TEST(managed_objects_are_all_but_the_manager)
{
	WITH_RIG;
	AUTO(DBusMessage)
	reply = rig_call(rig.client, BUS_PATH, "org.freedesktop.DBus.ObjectManager",
			 "GetManagedObjects", DBUS_TYPE_INVALID);
	DBusMessageIter dict;
	size_t seen = 0, others = 0;

	CHECK_STR(dbus_message_get_signature(reply), "a{oa{sa{sv}}}");
	for (dict = first_dict(reply);
	     dbus_message_iter_get_arg_type(&dict) == DBUS_TYPE_DICT_ENTRY;
	     dbus_message_iter_next(&dict)) {
		DBusMessageIter pair;
		const char *path;

		dbus_message_iter_recurse(&dict, &pair);
		dbus_message_iter_get_basic(&pair, &path);
		if (strcmp(path, RIG_PORT) == 0 || strcmp(path, RIG_PROFILE) == 0 ||
		    strcmp(path, RIG_CREDENTIAL) == 0)
			seen++;
		else
			others++;
	}
	CHECK_INT(seen, 3);
	CHECK_INT(others, 0);
}

TEST(a_change_is_announced_with_what_differs_and_nothing_private)
{
	AS_ROOT;
	WITH_RIG;
	rig_listen(rig.client);
	CHECK_STR(rig_error(rig.client, RIG_PORT, PORT, "Connect", DBUS_TYPE_INVALID), "");

	AUTO(DBusMessage) changed = rig_signal(rig.client, "PropertiesChanged", RIG_PATIENCE);
	AUTO(DBusMessage) ended = rig_signal(rig.client, "AttemptEnded", RIG_PATIENCE);
	DBusMessageIter value;

	REQUIRE(changed && ended);
	CHECK_STR(dbus_message_get_path(changed), RIG_PORT);
	CHECK_STR(rig_text(first_dict(changed), "State"), "authorised");
	CHECK(rig_lookup(first_dict(changed), "Counters", &value));
	CHECK(rig_lookup(first_dict(changed), "Diagnosis", &value));
	CHECK(!rig_lookup(first_dict(changed), "Interface", &value));
	CHECK(!rig_lookup(first_dict(changed), "Identity", &value));

	DBusMessageIter it, invalidated;
	const char *name = NULL;

	dbus_message_iter_init(changed, &it);
	dbus_message_iter_next(&it);
	dbus_message_iter_next(&it);
	dbus_message_iter_recurse(&it, &invalidated);
	dbus_message_iter_get_basic(&invalidated, &name);
	CHECK_STR(name, "Identity");
	CHECK_STR(dbus_message_get_signature(ended), "ba{sv}");
}

TEST(counters_alone_are_not_announced)
{
	AS_ROOT;
	WITH_RIG;
	rig_listen(rig.client);
	CHECK_STR(rig_error(rig.client, RIG_PORT, PORT, "Reauthenticate", DBUS_TYPE_INVALID),
		  BUS_ERROR "NoProfile");

	AUTO(DBusMessage) changed = rig_signal(rig.client, "PropertiesChanged", 200);

	CHECK(changed == NULL);
}

TEST(a_port_that_goes_is_announced_and_is_no_more)
{
	AS_ROOT;
	WITH_RIG;
	rig_listen(rig.client);
	CHECK_STR(rig_error(rig.client, RIG_PORT, PORT, "Disconnect", DBUS_TYPE_INVALID), "");

	AUTO(DBusMessage) removed = rig_signal(rig.client, "InterfacesRemoved", RIG_PATIENCE);
	const char *path = NULL;

	REQUIRE(removed != NULL);
	dbus_message_get_args(removed, NULL, DBUS_TYPE_OBJECT_PATH, &path, DBUS_TYPE_INVALID);
	CHECK_STR(path, RIG_PORT);
	CHECK_STR(get_error(rig.client, RIG_PORT, PORT, "State"), DBUS_ERROR_UNKNOWN_OBJECT);
}

TEST(ports_are_found_by_interface)
{
	WITH_RIG;
	const char *name = "eth7", *none = "eth8", *path = NULL;
	char **ports;
	int count;
	AUTO(DBusMessage)
	port = rig_call(rig.client, BUS_PATH, MANAGER, "GetPort", DBUS_TYPE_STRING, &name,
			DBUS_TYPE_INVALID);
	AUTO(DBusMessage)
	all = rig_call(rig.client, BUS_PATH, MANAGER, "ListPorts", DBUS_TYPE_INVALID);

	dbus_message_get_args(port, NULL, DBUS_TYPE_OBJECT_PATH, &path, DBUS_TYPE_INVALID);
	CHECK_STR(path, RIG_PORT);
	CHECK_STR(rig_error(rig.client, BUS_PATH, MANAGER, "GetPort", DBUS_TYPE_STRING, &none,
			    DBUS_TYPE_INVALID),
		  BUS_ERROR "NoSuchPort");
	REQUIRE(dbus_message_get_args(all, NULL, DBUS_TYPE_ARRAY, DBUS_TYPE_OBJECT_PATH, &ports,
				      &count, DBUS_TYPE_INVALID));
	CHECK_INT(count, 1);
	CHECK_STR(ports[0], RIG_PORT);
	dbus_free_string_array(ports);
}

/* ---- what is wrong with a call ------------------------------------------------------------- */

TEST(malformed_calls_get_the_error_that_names_it)
{
	WITH_RIG;
	dbus_uint32_t number = 5;

	CHECK_STR(rig_error(rig.client, RIG_PORT, PORT, "Fly", DBUS_TYPE_INVALID),
		  DBUS_ERROR_UNKNOWN_METHOD);
	CHECK_STR(rig_error(rig.client, RIG_PORT, NULL, "Fly", DBUS_TYPE_INVALID),
		  DBUS_ERROR_UNKNOWN_METHOD);
	CHECK_STR(rig_error(rig.client, RIG_PORT, MANAGER, "Reload", DBUS_TYPE_INVALID),
		  DBUS_ERROR_UNKNOWN_INTERFACE);
	CHECK_STR(rig_error(rig.client, BUS_PATH, MANAGER, "GetPort", DBUS_TYPE_UINT32, &number,
			    DBUS_TYPE_INVALID),
		  BUS_ERROR "InvalidArguments");
	CHECK_STR(rig_error(rig.client, BUS_PATH, MANAGER, "GetPort", DBUS_TYPE_INVALID),
		  BUS_ERROR "InvalidArguments");
	CHECK_STR(rig_error(rig.client, BUS_PATH, MANAGER, "Reload", DBUS_TYPE_UINT32, &number,
			    DBUS_TYPE_INVALID),
		  BUS_ERROR "InvalidArguments");
	CHECK_STR(get_error(rig.client, RIG_PORT, PORT, "Colour"), DBUS_ERROR_UNKNOWN_PROPERTY);
	CHECK_STR(get_error(rig.client, RIG_PORT, MANAGER, "Version"),
		  DBUS_ERROR_UNKNOWN_INTERFACE);
	CHECK_STR(get_error(rig.client, RIG_PORT, "", "State"), "");
	CHECK_STR(rig_error(rig.client, BUS_PATH, "org.freedesktop.DBus.Peer", "Ping",
			    DBUS_TYPE_INVALID),
		  "");
}

static const char *set_error(DBusConnection *client, const char *property, int type,
			     const void *value)
{
	static char name[256];
	const char *interface = MANAGER;
	const char signature[] = { (char)type, '\0' };
	DBusMessageIter it, variant;
	AUTO(DBusMessage)
	call = dbus_message_new_method_call(BUS_NAME, BUS_PATH, PROPERTIES, "Set");
	DBusError error = DBUS_ERROR_INIT;

	dbus_message_iter_init_append(call, &it);
	dbus_message_iter_append_basic(&it, DBUS_TYPE_STRING, &interface);
	dbus_message_iter_append_basic(&it, DBUS_TYPE_STRING, &property);
	dbus_message_iter_open_container(&it, DBUS_TYPE_VARIANT, signature, &variant);
	dbus_message_iter_append_basic(&variant, type, value);
	dbus_message_iter_close_container(&it, &variant);

	AUTO(DBusMessage)
	reply = dbus_connection_send_with_reply_and_block(client, call, 5000, &error);

	snprintf(name, sizeof name, "%s", reply ? "" : error.name);
	dbus_error_free(&error);
	return name;
}

TEST(the_log_level_can_be_set_and_nothing_else)
{
	AS_ROOT;
	WITH_RIG;
	const char *debug = "debug", *loud = "loud";
	dbus_uint32_t number = 5;

	CHECK_STR(set_error(rig.client, "LogLevel", DBUS_TYPE_STRING, &loud),
		  BUS_ERROR "InvalidArguments");
	CHECK_STR(set_error(rig.client, "LogLevel", DBUS_TYPE_UINT32, &number),
		  BUS_ERROR "InvalidArguments");
	CHECK_STR(set_error(rig.client, "Version", DBUS_TYPE_STRING, &debug),
		  DBUS_ERROR_PROPERTY_READ_ONLY);
	rig_listen(rig.client);
	CHECK_STR(set_error(rig.client, "LogLevel", DBUS_TYPE_STRING, &debug), "");

	AUTO(DBusMessage) changed = rig_signal(rig.client, "PropertiesChanged", RIG_PATIENCE);

	REQUIRE(changed != NULL);
	CHECK_STR(rig_text(first_dict(changed), "LogLevel"), "debug");
}

TEST(a_reload_that_fails_says_why)
{
	AS_ROOT;
	WITH_RIG;
	AUTO(DBusMessage)
	reply = rig_call(rig.client, BUS_PATH, MANAGER, "Reload", DBUS_TYPE_INVALID);
	const char *text = NULL;

	CHECK_STR(dbus_message_get_error_name(reply), BUS_ERROR "ReloadFailed");
	dbus_message_get_args(reply, NULL, DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID);
	CHECK(text && strstr(text, "Identety"));
}

static void append_option(DBusMessageIter *dict, const char *key)
{
	DBusMessageIter pair;

	dbus_message_iter_open_container(dict, DBUS_TYPE_DICT_ENTRY, NULL, &pair);
	dbus_message_iter_append_basic(&pair, DBUS_TYPE_STRING, &key);
	dbus_message_iter_append_basic(&pair, DBUS_TYPE_STRING, &(const char *){ "" });
	dbus_message_iter_close_container(dict, &pair);
}

/* The error of Port.Enroll with this in the pipe, its name and behind a space its text; "" when
 * there was none.  option may be NULL. */
static const char *enroll_with(DBusConnection *client, const char *token, bool pipe_at_all,
			       const char *option)
{
	static char said[512];
	AUTO(DBusMessage)
	call = dbus_message_new_method_call(BUS_NAME, RIG_PORT, PORT, "Enroll");
	DBusError error = DBUS_ERROR_INIT;
	DBusMessageIter it, dict;
	int ends[2];

	REQUIRE(pipe(ends) == 0);
	REQUIRE(write(ends[1], token, strlen(token)) == (ssize_t)strlen(token));
	close(ends[1]);
	if (!pipe_at_all) {
		close(ends[0]);
		ends[0] = open("/dev/zero", O_RDONLY);
	}
	dbus_message_iter_init_append(call, &it);
	dbus_message_iter_append_basic(&it, DBUS_TYPE_UNIX_FD, &ends[0]);
	close(ends[0]);
	dbus_message_iter_open_container(&it, DBUS_TYPE_ARRAY, "{ss}", &dict);
	if (option) {
		append_option(&dict, "name");
		append_option(&dict, option);
	}
	dbus_message_iter_close_container(&it, &dict);

	AUTO(DBusMessage)
	reply = dbus_connection_send_with_reply_and_block(client, call, 5000, &error);

	snprintf(said, sizeof said, "%s %s", reply ? "" : error.name, reply ? "" : error.message);
	dbus_error_free(&error);
	return reply ? "" : said;
}

/* Its name alone. */
static const char *enroll_error(DBusConnection *client, const char *token, bool pipe_at_all)
{
	static char name[256];

	snprintf(name, sizeof name, "%s", enroll_with(client, token, pipe_at_all, NULL));
	name[strcspn(name, " ")] = '\0';
	return name;
}

TEST(a_token_comes_by_a_pipe_and_by_nothing_else)
{
	AS_ROOT;
	WITH_RIG;
	static char large[TOKEN_FOREIGN_MAX + 2];

	memset(large, 'A', sizeof large - 1);
	rig_listen(rig.client);
	CHECK_STR(enroll_error(rig.client, RIG_TOKEN, true), "");

	AUTO(DBusMessage) step = rig_signal(rig.client, "EnrollmentProgress", RIG_PATIENCE);
	const char *name = NULL;

	REQUIRE(step != NULL);
	CHECK(dbus_message_has_signature(step, "ssa{sv}"));
	dbus_message_get_args(step, NULL, DBUS_TYPE_STRING, &name, DBUS_TYPE_INVALID);
	CHECK_STR(name, "key-generated");
	CHECK_STR(enroll_error(rig.client, "LK1-OTHER", true), BUS_ERROR "InvalidArguments");
	CHECK_STR(enroll_error(rig.client, large, true), BUS_ERROR "InvalidArguments");
	CHECK_STR(enroll_error(rig.client, RIG_TOKEN, false), BUS_ERROR "InvalidArguments");
	CHECK_STR(enroll_error(rig.client, "", true), BUS_ERROR "NoEnrollment");
}

/* Whoever has mistyped one would get another credential than was asked for. */
TEST(an_option_that_there_is_not_is_refused)
{
	AS_ROOT;
	WITH_RIG;
	char large[400];

	memset(large, 'o', sizeof large - 1);
	large[sizeof large - 1] = '\0';
	CHECK_STR(enroll_with(rig.client, RIG_TOKEN, true, "nmae"),
		  BUS_ERROR "InvalidArguments There is no option \"nmae\"; there are factory, name "
			    "and profile.");
	CHECK_STR(enroll_with(rig.client, RIG_TOKEN, true, ""),
		  BUS_ERROR "InvalidArguments There is no option \"\"; there are factory, name and "
			    "profile.");
	CHECK(strstr(enroll_with(rig.client, RIG_TOKEN, true, large), "and profile.") != NULL);
	CHECK(strstr(enroll_with(rig.client, RIG_TOKEN, true, "a\nb"), "a\nb") == NULL);
	CHECK_STR(enroll_with(rig.client, RIG_TOKEN, true, "profile"), "");
}

/* ---- who may ------------------------------------------------------------------------------- */

static int refused_control(DBusConnection *client)
{
	const char *debug = "debug";

	return strcmp(rig_error(client, RIG_PORT, PORT, "Connect", DBUS_TYPE_INVALID),
		      BUS_ERROR "NotAuthorized") != 0 ||
	       strcmp(enroll_error(client, RIG_TOKEN, true), BUS_ERROR "NotAuthorized") != 0 ||
	       strcmp(rig_error(client, RIG_PORT, PORT, "Renew", DBUS_TYPE_INVALID),
		      BUS_ERROR "NotAuthorized") != 0 ||
	       strcmp(rig_error(client, RIG_CREDENTIAL, CREDENTIAL, "Renew", DBUS_TYPE_INVALID),
		      BUS_ERROR "NotAuthorized") != 0 ||
	       strcmp(rig_error(client, BUS_PATH, MANAGER, "Reload", DBUS_TYPE_INVALID),
		      BUS_ERROR "NotAuthorized") != 0 ||
	       strcmp(set_error(client, "LogLevel", DBUS_TYPE_STRING, &debug),
		      BUS_ERROR "NotAuthorized") != 0;
}

static int may_control(DBusConnection *client)
{
	return strcmp(rig_error(client, RIG_PORT, PORT, "Connect", DBUS_TYPE_INVALID), "") != 0 ||
	       strcmp(enroll_error(client, RIG_TOKEN, true), "") != 0 ||
	       strcmp(rig_error(client, RIG_CREDENTIAL, CREDENTIAL, "Renew", DBUS_TYPE_INVALID),
		      "") != 0;
}

static int sees_nothing_private(DBusConnection *client)
{
	AUTO(DBusMessage) port = get_all(client, RIG_PORT, PORT);
	AUTO(DBusMessage)
	objects = rig_call(client, BUS_PATH, "org.freedesktop.DBus.ObjectManager",
			   "GetManagedObjects", DBUS_TYPE_INVALID);
	DBusMessageIter value;
	char *octets;
	int len;

	if (!rig_text(first_dict(port), "State") ||
	    rig_lookup(first_dict(port), "Identity", &value) ||
	    strcmp(get_error(client, RIG_PORT, PORT, "Identity"), BUS_ERROR "NotAuthorized") != 0)
		return 1;

	bool leaks = false;
	DBusMessage *const all[] = { port, objects };

	for (size_t i = 0; i < 2; i++) {
		if (!dbus_message_marshal(all[i], &octets, &len))
			return 2;
		leaks = leaks || memmem(octets, (size_t)len, RIG_IDENTITY, strlen(RIG_IDENTITY));
		dbus_free(octets);
	}
	return leaks ? 3 : 0;
}

TEST(anybody_may_read_what_is_not_private_and_change_nothing)
{
	AS_ROOT;
	WITH_RIG;
	CHECK_INT(rig_as(&rig, NOBODY, 0, refused_control), 0);
	CHECK_INT(rig_as(&rig, NOBODY, 0, sees_nothing_private), 0);
}

TEST(root_sees_what_is_private)
{
	AS_ROOT;
	WITH_RIG;
	AUTO(DBusMessage) reply = get_all(rig.client, RIG_PORT, PORT);

	CHECK_STR(rig_text(first_dict(reply), "Identity"), RIG_IDENTITY);
	CHECK_STR(get_error(rig.client, RIG_PORT, PORT, "Identity"), "");
}

TEST(the_group_may_control)
{
	AS_ROOT;
	struct group *group = getgrnam(ACCESS_GROUP);

	if (!group) {
		test_skip("this machine has no group " ACCESS_GROUP);
		return;
	}

	gid_t gid = group->gr_gid;

	WITH_RIG;
	CHECK_INT(rig_as(&rig, NOBODY, gid, may_control), 0);
	CHECK_INT(rig_as(&rig, NOBODY, gid + 1, refused_control), 0);
}

TEST(polkit_is_asked_for_the_others)
{
	AS_ROOT;
	WITH_RIG;
	rig_start_polkit(&rig, POLKIT_SAYS_YES);
	CHECK_INT(rig_as(&rig, NOBODY, 0, may_control), 0);
	CHECK_INT(rig_as(&rig, NOBODY, 0, sees_nothing_private), 0);
}

TEST(polkit_may_say_no)
{
	AS_ROOT;
	WITH_RIG;
	rig_start_polkit(&rig, POLKIT_SAYS_NO);
	CHECK_INT(rig_as(&rig, NOBODY, 0, refused_control), 0);
}

/* Twenty calls, no answer awaited: four wait for polkit, sixteen are told to come again. */
static int is_told_to_wait(DBusConnection *client)
{
	int busy = 0;

	for (int i = 0; i < 20; i++) {
		AUTO(DBusMessage)
		call = dbus_message_new_method_call(BUS_NAME, RIG_PORT, PORT, "Connect");

		dbus_connection_send(client, call, NULL);
	}
	for (msec until = loop_now().mono + RIG_PATIENCE; busy < 16 && loop_now().mono < until;) {
		DBusMessage *reply;

		dbus_connection_read_write(client, 100);
		while ((reply = dbus_connection_pop_message(client)) != NULL) {
			busy += dbus_message_is_error(reply, BUS_ERROR "Busy");
			dbus_message_unref(reply);
		}
	}
	return busy != 20 - ACCESS_QUESTIONS_OF_ONE_MAX;
}

TEST(one_user_cannot_keep_polkit_for_himself)
{
	AS_ROOT;
	WITH_RIG;
	rig_start_polkit(&rig, POLKIT_IS_SILENT);
	CHECK_INT(rig_as(&rig, NOBODY, 0, is_told_to_wait), 0);
	CHECK_INT(rig_as(&rig, 0, 0, may_control), 0);
}

/* ---- the bus comes and goes ---------------------------------------------------------------- */

TEST(the_name_is_back_when_the_bus_is)
{
	WITH_RIG;
	for (int i = 0; i < 3; i++) {
		rig_disconnect(rig.client);
		rig_stop_bus(&rig);
		rig_start_bus(&rig);
		rig.client = rig_connect(&rig);
		REQUIRE(rig.client != NULL);
		CHECK(rig_wait_for_name(rig.client));
		CHECK_STR(get_error(rig.client, RIG_PORT, PORT, "State"), "");
	}
}

TEST(without_a_bus_the_service_goes_on_and_finds_it_later)
{
	WITH_RIG;
	struct rig other = rig;

	rig_stop_bus(&rig);
	CHECK_INT(rig_start_service(&other), -ENOTCONN);
	rig_disconnect(rig.client);
	rig.client = NULL;
	kill(rig.service, SIGKILL);
	rig_start_bus(&rig);
	rig.client = rig_connect(&rig);
	CHECK(rig_wait_for_name(rig.client));
	kill(other.service, SIGKILL);
}

TEST(a_name_that_is_taken_is_not_taken_away)
{
	WITH_RIG;
	struct rig other = rig;

	CHECK_INT(rig_start_service(&other), -EEXIST);
	kill(other.service, SIGKILL);
	CHECK_STR(get_error(rig.client, RIG_PORT, PORT, "State"), "");
}

TEST(paths_escape_what_a_path_cannot_have)
{
	char path[OBJECT_PATH_MAX];

	CHECK_STR(object_path("profile", "7a.b-C/\xc3\xa9", path),
		  BUS_PATH "/profile/_37a_2eb_2dC_2f_c3_a9");
	CHECK_STR(object_path("profile", "", path), BUS_PATH "/profile/_");
}
