/* The real latchkeyctl as a person and as a script meet it, with a service of ours on a bus of
 * ours. */
#include "tests/test.h"

#include <jansson.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/bus_rig.h"

#define OUTPUT_MAX 65536

/* What the program printed, both streams, and its exit status. */
struct run {
	char text[OUTPUT_MAX];
	int status;
};

static struct run run;

static int ctl(const char *arguments)
{
	const char *build = getenv("top_builddir");
	char command[1024];
	size_t len;

	snprintf(command, sizeof command, "%s/latchkeyctl %s", build ? build : ".", arguments);

	FILE *out = popen(command, "r");

	REQUIRE(out != NULL);
	len = fread(run.text, 1, sizeof run.text - 1, out);
	run.text[len] = '\0';
	run.status = pclose(out);
	run.status = WIFEXITED(run.status) ? WEXITSTATUS(run.status) : -1;
	return run.status;
}

static bool says(const char *what)
{
	bool said = strstr(run.text, what) != NULL;

	if (!said)
		test_note("no \"%s\" in: %s", what, run.text);
	return said;
}

static void no_bus(void)
{
	setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus", 1);
}

/* ---- the command line ---------------------------------------------------------------------- */

static const char *const commands[] = {
	"",
	"status",
	"list",
	"connect",
	"disconnect",
	"reauth",
	"enroll",
	"renew",
	"monitor",
	"profiles",
	"credentials",
	"credentials list",
	"credentials show",
	"credentials import",
	"credentials export",
	"credentials remove",
	"check",
	"diagnose",
	"log-level",
	"version",
};

#define COMMANDS (sizeof commands / sizeof commands[0])

TEST(help_is_on_every_level_and_fits_80_columns)
{
	for (size_t i = 0; i < COMMANDS; i++) {
		char arguments[64];

		snprintf(arguments, sizeof arguments, "%s --help", commands[i]);
		CHECK_INT(ctl(arguments), 0);
		CHECK(says("Usage: latchkeyctl"));
		CHECK(says(commands[i]));
		for (char *line = strtok(run.text, "\n"); line; line = strtok(NULL, "\n")) {
			if (strlen(line) > 80)
				test_note("too long: %s", line);
			CHECK(strlen(line) <= 80);
		}
	}
}

TEST(a_wrong_command_line_is_explained)
{
	static const struct {
		const char *arguments, *said;
	} rows[] = {
		{ "", "a command is missing" },		 { "statsu", "did you mean status?" },
		{ "status --loud", "no such option" },	 { "list --wait", "--wait" },
		{ "status eth0 eth1", "eth1" },		 { "connect --wait=soon", "soon" },
		{ "check --keystore", "needs a value" },
	};

	no_bus();
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char arguments[96];

		snprintf(arguments, sizeof arguments, "%s 2>&1", rows[i].arguments);
		CHECK_INT(ctl(arguments), 2);
		CHECK(says(rows[i].said));
		CHECK(says("--help"));
	}
}

TEST(without_a_service_the_status_is_4)
{
	static const char *const asking[] = { "status",		 "status eth0", "list",
					      "connect",	 "reauth",	"disconnect",
					      "profiles",	 "diagnose",	"log-level",
					      "log-level debug", "monitor" };

	no_bus();
	for (size_t i = 0; i < sizeof asking / sizeof asking[0]; i++) {
		char arguments[64];

		snprintf(arguments, sizeof arguments, "%s 2>&1", asking[i]);
		CHECK_INT(ctl(arguments), 4);
		CHECK(says("systemctl start latchkeyd"));
	}
	CHECK_INT(ctl("version"), 0);
	CHECK(says("does not run"));
	CHECK_INT(ctl("--version"), 0);
	CHECK(says("latchkeyctl " PACKAGE_VERSION));
	CHECK_INT(ctl("status --version 2>&1"), 2);
}

TEST(a_bus_without_the_service_is_no_service_either)
{
	struct rig rig = { 0 };

	if (!rig_has_bus()) {
		test_skip("there is no dbus-daemon (Debian: dbus-daemon)");
		return;
	}
	rig_start_bus(&rig);
	CHECK_INT(ctl("status 2>&1"), 4);
	CHECK_INT(ctl("diagnose 2>&1"), 4);
	rig_stop(&rig);
}

TEST(completion_knows_commands_options_and_levels)
{
	no_bus();
	CHECK_INT(ctl("--complete st"), 0);
	CHECK_STR(run.text, "status\n");
	ctl("--complete connect --w");
	CHECK_STR(run.text, "--wait\n");
	ctl("--complete check --keys");
	CHECK_STR(run.text, "--keystore=\n");
	ctl("--complete log-level d");
	CHECK_STR(run.text, "debug\n");
	ctl("--complete status e");
	CHECK_STR(run.text, "");
}

/* ---- with a service ------------------------------------------------------------------------ */

TEST(every_answer_can_be_had_as_json)
{
	static const struct {
		const char *arguments,
			*path; /* a key that is there; of the first if it is a list */
	} rows[] = {
		{ "status --json", "Interface" },   { "--json status eth7", "TLSVersion" },
		{ "list --json", "State" },	    { "profiles --json", "Usable" },
		{ "log-level --json", "LogLevel" }, { "version --json", "Version" },
		{ "diagnose --json", "Checks" },    { "connect --json", "Authorised" },
		{ "status eth8 --json", "Error" },
	};

	AS_ROOT;
	WITH_RIG;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char arguments[96];
		json_t *value, *first;

		snprintf(arguments, sizeof arguments, "%s 2>/dev/null", rows[i].arguments);
		ctl(arguments);
		value = json_loads(run.text, JSON_REJECT_DUPLICATES, NULL);
		first = json_is_array(value) ? json_array_get(value, 0) : value;
		if (!json_object_get(first, rows[i].path))
			test_note("no %s in: %s", rows[i].path, run.text);
		CHECK(json_object_get(first, rows[i].path) != NULL);
		json_decref(value);
	}
}

TEST(a_status_tells_the_diagnosis_and_what_to_do)
{
	AS_ROOT;
	WITH_RIG;
	CHECK_INT(ctl("status"), 0);
	CHECK(says("eth7: failed"));
	CHECK(says(RIG_IDENTITY));
	CHECK(says("RADIUS"));
	CHECK(strchr(run.text, '\033') == NULL);
	CHECK_INT(ctl("list"), 0);
	CHECK(says("response-ignored"));
	CHECK_INT(ctl("status eth8 2>&1"), 1);
	CHECK(says("latchkeyctl list"));
}

TEST(waiting_ends_with_the_attempt)
{
	AS_ROOT;
	WITH_RIG;
	CHECK_INT(ctl("connect --wait=5 eth7"), 0);
	CHECK(says("eth7: authorised"));
	CHECK_INT(ctl("connect --wait=5"), 0);
	CHECK_INT(ctl("reauth --wait=5 2>&1"), 1);
	CHECK(says("CN=Unknown CA"));
	CHECK(says("TrustAnchor="));
	CHECK_INT(ctl("diagnose"), 1);
	CHECK(says("server-untrusted"));
}

TEST(an_enrollment_is_followed_to_its_end)
{
	AS_ROOT;
	WITH_RIG;

	CHECK_INT(ctl("enroll --token=" RIG_TOKEN " --name=pc7 eth7"), 0);
	CHECK(says("authorised"));
	CHECK_INT(ctl("enroll --json --token=" RIG_TOKEN " --name=pc7"), 0);
	CHECK(says("{\"Time\":") && says("\"Step\":\"key-generated\",\"Detail\":\"pc7\""));
	CHECK(says("\"Step\":\"done\"") && says("\"Success\":true"));
	CHECK_INT(ctl("enroll --factory=idevid"), 0);
	CHECK_INT(ctl("enroll --token=" RIG_TOKEN " --name=bad 2>&1"), 1);
	CHECK(says("it says no") && says("latchkey-authd token list"));
}

TEST(a_token_may_come_from_elsewhere_than_the_command_line)
{
	AS_ROOT;
	WITH_RIG;
	char file[] = "/tmp/latchkey-token-XXXXXX", arguments[200];
	int fd = mkstemp(file);

	REQUIRE(fd >= 0 && dprintf(fd, RIG_TOKEN "\nand a note\n") > 0);
	close(fd);
	snprintf(arguments, sizeof arguments, "enroll --token-file=%s", file);
	CHECK_INT(ctl(arguments), 0);
	snprintf(arguments, sizeof arguments, "enroll --token-file=- < %s", file);
	CHECK_INT(ctl(arguments), 0);
	unlink(file);
	CHECK_INT(ctl("enroll --token-file=/nonexistent 2>&1"), 1);
	CHECK_INT(ctl("enroll --token-file=- < /dev/null 2>&1"), 1);
	CHECK(says("empty"));
	CHECK_INT(ctl("enroll --token=a --factory=b 2>&1"), 2);
}

TEST(what_is_wrong_with_a_wish_is_told_at_once)
{
	AS_ROOT;
	WITH_RIG;

	CHECK_INT(ctl("enroll --token=LK1-OTHER 2>&1"), 1);
	CHECK(says("a typing error"));
	CHECK_INT(ctl("enroll 2>&1"), 1);
	CHECK(says("latchkey-profile(5)"));
	CHECK_INT(ctl("enroll --token=" RIG_TOKEN " eth9 2>&1"), 1);
}

TEST(a_renewal_that_is_gone_back_from_has_failed)
{
	AS_ROOT;
	WITH_RIG;

	CHECK_INT(ctl("renew eth7 2>&1"), 1);
	CHECK(says("in use again"));
	CHECK_INT(ctl("renew nothing 2>&1"), 1);
	CHECK_INT(ctl("renew host --wait=0"), 0);
}

TEST(what_the_service_refuses_is_explained)
{
	AS_ROOT;
	WITH_RIG;
	CHECK_INT(ctl("reauth 2>&1"), 1);
	CHECK(says("latchkeyctl profiles"));
	CHECK_INT(ctl("log-level loud 2>&1"), 2);
	CHECK(says("debug"));
	CHECK_INT(ctl("log-level debug"), 0);
	CHECK_INT(ctl("log-level"), 0);
	CHECK_STR(run.text, "debug\n");
	CHECK_INT(ctl("disconnect"), 0);
	CHECK_INT(ctl("status eth7 2>&1"), 1);
	CHECK_INT(ctl("connect 2>&1"), 1);
	CHECK(says("no port"));
}

static int runs_unprivileged(DBusConnection *client)
{
	(void)client;
	return ctl("connect 2>&1") == 3 && strstr(run.text, "netdev") && ctl("status") == 0 &&
			       !strstr(run.text, RIG_IDENTITY)
		       ? 0
		       : 1;
}

/* The build may lie where other users cannot go: they get a copy of the program. */
TEST(others_may_look_and_not_touch)
{
	AS_ROOT;
	WITH_RIG;
	char dir[] = "/tmp/latchkey-cli-XXXXXX", command[512];
	const char *build = getenv("top_builddir");
	AUTO(char) kept = strdup(build ? build : ".");

	REQUIRE(kept && mkdtemp(dir) && chmod(dir, 0755) == 0);
	snprintf(command, sizeof command, "install -m 0755 %s/latchkeyctl %s/", kept, dir);
	CHECK_INT(system(command), 0);
	setenv("top_builddir", dir, 1);
	CHECK_INT(rig_as(&rig, 65534, 0, runs_unprivileged), 0);
	setenv("top_builddir", kept, 1);
	snprintf(command, sizeof command, "rm -r %s", dir);
	CHECK_INT(system(command), 0);
}

TEST(a_monitor_prints_one_object_on_each_line)
{
	AS_ROOT;
	WITH_RIG;
	size_t events = 0;

	/* The monitor is there before the command is given; it ends with the bus. */
	CHECK(ctl("connect >/dev/null; true") == 0);
	char command[512];

	snprintf(command, sizeof command,
		 "monitor --json 2>/dev/null & sleep 0.3; %s/latchkeyctl reauth >/dev/null 2>&1; "
		 "sleep 0.2; kill $!; wait $! 2>/dev/null; true",
		 getenv("top_builddir") ? getenv("top_builddir") : ".");
	ctl(command);
	for (char *line = strtok(run.text, "\n"); line; line = strtok(NULL, "\n"), events++) {
		json_t *event = json_loads(line, 0, NULL);

		CHECK_STR(json_string_value(json_object_get(event, "Subject")), "eth7");
		json_decref(event);
	}
	CHECK_INT(events, 2);
}

TEST(completion_asks_the_service_for_ports)
{
	AS_ROOT;
	WITH_RIG;
	ctl("--complete status e");
	CHECK_STR(run.text, "eth7\n");
}

TEST(a_check_finds_what_a_start_would_find)
{
	char dir[] = "/tmp/latchkey-cli-XXXXXX", command[512];

	no_bus();
	REQUIRE(mkdtemp(dir) != NULL);
	snprintf(command, sizeof command,
		 "version >/dev/null; mkdir -m 700 %s/keystore; "
		 "printf '[TLS]\\nCredental=host\\n' >%s/a.profile",
		 dir, dir);
	ctl(command);
	snprintf(command, sizeof command, "check --keystore=%s/keystore --json %s/a.profile", dir,
		 dir);
	CHECK_INT(ctl(command), 1);

	json_t *found = json_loads(run.text, 0, NULL);
	json_t *error = json_array_get(json_object_get(found, "Errors"), 0);
	const char *message = json_string_value(json_object_get(error, "Message"));

	CHECK_INT(json_integer_value(json_object_get(error, "Line")), 2);
	CHECK(message && strstr(message, "Credential"));
	json_decref(found);

	/* Without a keystore the files are read all the same. */
	snprintf(command, sizeof command, "check --keystore=%s/none %s/a.profile", dir, dir);
	CHECK_INT(ctl(command), 1);
	CHECK(says("credentials import") && says("Credental"));
	snprintf(command, sizeof command, "version >/dev/null; rm -r %s", dir);
	ctl(command);
}
