/* The commands of latchkey-authd that talk to the service, against a control socket behind which a
 * program is made up here. */
#include <errno.h>
#include <sys/wait.h>

#include "authd/command.h"
#include "authd/control.h"
#include "authd/recorder.h"
#include "console/output.h"
#include "drivers/log.h"
#include "tests/test.h"
#include "tests/unit/scratch.h"

struct bench {
	struct scratch dir;
	char path[100], config[100];
	struct loop loop;
	struct authd_view view;
	struct recorder *recorder;
	struct control *control;
	struct watch watch;
	int fd, status;
	struct bytes said;
	struct diagnosis why;
	bool ill;
};

static json_t *status(void *self)
{
	struct bench *b = self;

	return json_pack("{s:s, s:I, s:i, s:[{s:s, s:s, s:I}], s:{s:s, s:b, s:i, s:i}, s:o}",
			 "version", "0.1", "started", (json_int_t)1790000000, "workers", 2,
			 "credentials", "name", "server", "subject", "CN=s", "expires",
			 (json_int_t)1800000000, "registry", "kind", "sqlite", "connected", !b->ill,
			 "waiting", 3, "dropped", 0, "problems",
			 b->ill ? json_pack("[s]", "database: it does not answer") : json_array());
}

static json_t *sessions(void *self)
{
	(void)self;
	return json_pack("[{s:s, s:s, s:s, s:i, s:I, s:s}, {s:s, s:s}]", "machine", "CN=a\033[2J",
			 "station", "02-00-00-00-00-01", "client", "core", "vlan", 12, "started",
			 (json_int_t)(loop_now().wall - 61 * 86400 - 60), "session", "0123",
			 "identity", "b@example.org", "session", "4567");
}

static json_t *nothing(void *self)
{
	(void)self;
	return json_array();
}

static json_t *counters(void *self)
{
	(void)self;
	return json_pack("{s:i}", "radius_requests", 5);
}

static int disconnect(void *self, const char *target, const char *actor, struct diagnosis *why)
{
	(void)self;
	(void)actor;
	(void)why;
	return strcmp(target, "0123") == 0;
}

static int reload(void *self, struct diagnosis *why)
{
	struct bench *b = self;

	diagnosis_say(why, DIAG_CONFIG, "line 3 is wrong");
	return b->ill ? -EINVAL : 0;
}

static void bench_done(struct bench *b)
{
	control_free(b->control);
	recorder_free(b->recorder);
	loop_done(&b->loop);
	bytes_done(&b->said);
	scratch_done(&b->dir);
}

static void prepare(struct bench *b, bool serves)
{
	char file[100];
	struct recorder_settings settings = { .registry = { .file = file, .origin = "here" } };
	struct control_settings at = { b->path, geteuid(), (gid_t)-1 };

	*b = (struct bench){ .dir = scratch_make(),
			     .view = { .self = b,
				       .status = status,
				       .sessions = sessions,
				       .ports = nothing,
				       .counters = counters,
				       .disconnect = disconnect,
				       .reload = reload } };
	log_open(-1);
	snprintf(b->path, sizeof b->path, "%s/control", b->dir.path);
	snprintf(file, sizeof file, "%s/registry.db", b->dir.path);
	snprintf(b->config, sizeof b->config, "%s/latchkey-authd.conf", b->dir.path);
	REQUIRE(loop_init(&b->loop) == 0);
	if (!serves)
		return;
	REQUIRE(recorder_new(&b->loop, &settings, &b->recorder, &b->why) == 0);
	REQUIRE(control_new(&b->loop, &at, &b->view, b->recorder, &b->control, &b->why) == 0);
}

static void on_said(struct watch *watch, bool readable, bool writable)
{
	struct bench *b = list_item(watch, struct bench, watch);
	char buffer[4096];
	ssize_t n = read(b->fd, buffer, sizeof buffer);

	(void)readable;
	(void)writable;
	if (n > 0) {
		CHECK(bytes_append(&b->said, slice_of(buffer, (size_t)n), 1 << 20) == OK);
		return;
	}
	watch_clear(watch);
	loop_stop(&b->loop);
}

/* As the program does. */
static int run_command(const struct command_options *options, char *line)
{
	char *words[8], *save = NULL;
	int count = 0;

	for (char *w = strtok_r(line, " ", &save); w && count < 7; w = strtok_r(NULL, " ", &save))
		words[count++] = w;
	words[count] = NULL;
	for (const struct command *c = commands; c->name; c++) {
		if (strcmp(c->name, words[0]) == 0)
			return c->run(options, count, words);
	}
	return 99;
}

static const char *command(struct bench *b, const char *line, bool json)
{
	struct command_options options = { .config_path = b->config,
					   .socket = b->path,
					   .json = json };
	char copy[256];
	int ends[2];
	pid_t child;

	if (access(b->config, F_OK) == 0)
		options.socket = NULL;
	snprintf(copy, sizeof copy, "%s", line);
	fflush(stdout);
	REQUIRE(pipe(ends) == 0);
	child = fork();
	if (child == 0) {
		dup2(ends[1], STDOUT_FILENO);
		dup2(ends[1], STDERR_FILENO);
		close(ends[0]);
		close(ends[1]);

		int status = run_command(&options, copy);

		fflush(stdout);
		_exit(status);
	}
	close(ends[1]);
	b->fd = ends[0];
	b->watch.ready = on_said;
	bytes_clear(&b->said);
	b->loop.stopping = false;
	REQUIRE(watch_set(&b->loop, &b->watch, ends[0], true, false) == 0);
	CHECK_INT(loop_run(&b->loop), 0);
	close(ends[0]);
	waitpid(child, &b->status, 0);
	b->status = WIFEXITED(b->status) ? WEXITSTATUS(b->status) : -1;
	CHECK(bytes_append(&b->said, slice_of("", 1), 1 << 20) == OK);
	return (const char *)b->said.p;
}

TEST(status_is_shown)
{
	AUTO_VALUE(bench) b = { 0 };

	prepare(&b, true);
	CHECK_STR(command(&b, "status", false),
		  "latchkey-authd: running\n"
		  "  Version      0.1\n"
		  "  Since        2026-09-21 14:13 UTC\n"
		  "  Workers      2\n"
		  "  Credential   server, CN=s, valid until 2027-01-15 08:00 UTC\n"
		  "  Registry     sqlite, connected; 3 waiting, 0 dropped\n");
	CHECK_INT(b.status, 0);
	b.ill = true;
	CHECK(strstr(command(&b, "status", false), "not well\n  database: it does not answer\n") !=
	      NULL);
	CHECK(strstr(command(&b, "status", true), "{\"version\":\"0.1\",") == (char *)b.said.p);
}

TEST(lists_are_tables)
{
	AUTO_VALUE(bench) b = { 0 };

	prepare(&b, true);
	CHECK_STR(command(&b, "sessions", false),
		  "MACHINE        ADDRESS            AT    PORT  VLAN  FOR   SESSION\n"
		  "CN=a?[2J       02-00-00-00-00-01  core        12    61 d  0123\n"
		  "b@example.org                                             4567\n");
	CHECK_STR(command(&b, "ports", false), "No port is guarded; see ports.d.\n");
	CHECK_STR(command(&b, "ports", true), "[]\n");
	CHECK_STR(command(&b, "counters", false), "COUNTER          VALUE\nradius_requests  5\n");
	CHECK_INT(b.status, 0);
	CHECK(strstr(command(&b, "servers", false), "this service has no servers") != NULL);
	CHECK_INT(b.status, 1);
	CHECK(strstr(command(&b, "ports now", false), "takes no argument") != NULL);
	CHECK_INT(b.status, 2);
}

TEST(sessions_are_ended)
{
	AUTO_VALUE(bench) b = { 0 };

	prepare(&b, true);
	CHECK_STR(command(&b, "disconnect 0123", false), "disconnect: 1 session(s).\n");
	CHECK_INT(b.status, 0);
	CHECK_STR(command(&b, "disconnect 0123", true), "{\"sessions\":1}\n");
	CHECK(strstr(command(&b, "disconnect 9", false),
		     "latchkey-authd: cannot disconnect 9: no session has this name, and no") ==
	      (char *)b.said.p);
	CHECK(strstr((char *)b.said.p, "\n  `latchkey-authd sessions` lists them.\n") != NULL);
	CHECK_INT(b.status, 1);
	CHECK(strstr(command(&b, "disconnect", false), "takes the name of a session") != NULL);
	CHECK_INT(b.status, 2);
	CHECK(strstr(command(&b, "audit", false), "session.disconnect  user ") != NULL);
	CHECK(strstr(command(&b, "audit 1", true), "\"sequence\":2") != NULL);
	CHECK(strstr(command(&b, "audit 1", true), "\"sequence\":1") == NULL);
	CHECK(strstr(command(&b, "audit -3", true), "how many") != NULL);
	CHECK_INT(b.status, 2);
	CHECK(strstr(command(&b, "machines", false), "No machine") != NULL);
}

TEST(configuration_is_read_anew)
{
	AUTO_VALUE(bench) b = { 0 };

	prepare(&b, true);
	CHECK_STR(command(&b, "reload", false), "The configuration has been read again.\n");
	CHECK_INT(b.status, 0);
	b.ill = true;
	CHECK(strstr(command(&b, "reload", false), "line 3 is") != NULL);
	CHECK_INT(b.status, 1);
}

/* Who reads it with a program has all of it. */
TEST(a_table_is_whole_where_there_is_no_terminal)
{
	AUTO_VALUE(bench) b = { 0 };
	struct registry_audit e = { .event = "test", .detail = "the detail" };

	prepare(&b, true);
	memset(e.subject, 'x', 90);
	REQUIRE(recorder_audit(b.recorder, &e));
	CHECK(strstr(command(&b, "audit", false), "xxx  the detail\n") != NULL);
}

/* All of it is there, and fits. */
TEST(a_table_that_is_wider_than_the_terminal_goes_on_below)
{
	static const char *const headings[] = { "MACHINE", "SEEN", "DETAIL" };
	const struct cli cli = { .terminal = true, .columns = 40 };
	AUTO(json_t)
	rows = json_pack("[[s,s,s],[s,s,s]]", "CN=printer.example.org", "2026-11-22 10:00",
			 "by a token that was made for it by somebody", "CN=b", "", "");
	char said[512] = "";
	FILE *file = tmpfile();
	int out = dup(STDOUT_FILENO);

	REQUIRE(file && rows && out >= 0);
	fflush(stdout);
	dup2(fileno(file), STDOUT_FILENO);
	cli_table(&cli, headings, 3, rows);
	fflush(stdout);
	dup2(out, STDOUT_FILENO);
	close(out);
	rewind(file);
	CHECK(fread(said, 1, sizeof said - 1, file) > 0);
	fclose(file);
	CHECK_STR(said, "MACHINE                 SEEN\n"
			"    DETAIL\n"
			"CN=printer.example.org  2026-11-22 10:00\n"
			"    by a token that was made for it by\n"
			"    somebody\n"
			"CN=b                    \n");
}

TEST(audit_trail_is_verified)
{
	AUTO_VALUE(bench) b = { 0 };
	struct registry_audit e = { .event = "test" };
	char change[400];

	prepare(&b, true);
	REQUIRE(recorder_audit(b.recorder, &e));
	REQUIRE(recorder_audit(b.recorder, &e));
	CHECK(strstr(command(&b, "audit verify", false), "is intact: 2 entries") != NULL);
	CHECK(strstr((char *)b.said.p, "here    2        ") != NULL);
	CHECK_INT(b.status, 0);
	CHECK(strstr(command(&b, "audit verify", true), "{\"intact\":true,") == (char *)b.said.p);
	snprintf(change, sizeof change,
		 "sqlite3 %s/registry.db 'DROP TRIGGER audit_kept; DELETE FROM audit WHERE sequence"
		 " = 1' 2>/dev/null",
		 b.dir.path);
	if (system(change) != 0) {
		test_skip("sqlite3 is not installed");
		return;
	}
	CHECK(strstr(command(&b, "audit verify", false),
		     "the audit trail is broken: entry 1 of here: entries are missing.") != NULL);
	CHECK_INT(b.status, 1);
}

TEST(service_that_is_not_there_is_told)
{
	AUTO_VALUE(bench) b = { 0 };

	prepare(&b, false);
	CHECK(strstr(command(&b, "status", false), "there is no service at") != NULL);
	CHECK_INT(b.status, 4);
	CHECK(strstr(command(&b, "status", true), "{\"Error\":\"cannot show status\"") != NULL);
	CHECK_INT(b.status, 4);
}

TEST(socket_is_found_by_the_configuration)
{
	AUTO_VALUE(bench) b = { 0 };
	char text[200];

	prepare(&b, true);
	snprintf(text, sizeof text, "[Service]\nControlSocket=%s\n", b.path);
	scratch_put(&b.dir, "latchkey-authd.conf", text, 0644);
	CHECK(strstr(command(&b, "status", false), "running") != NULL);
	CHECK_INT(b.status, 0);
}
