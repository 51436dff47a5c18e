/* The commands that talk to the service over its control socket. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "authd/command.h"
#include "authd/command_show.h"
#include "authd/config.h"
#include "authd/control.h"
#include "console/output.h"

#define WAIT_S	   300 /* for an answer: a long audit trail takes its time */
#define CHUNK	   65536
#define RUN_SOCKET AUTHD_RUN_DIR "/control"

/* ---- where the service listens -------------------------------------------------------------- */

/* As configured; whoever may not read the configuration finds it at the usual place. */
static char *socket_path(const struct command_options *options)
{
	struct authd_settings settings = { 0 };
	struct ini_errors *errors = calloc(1, sizeof *errors);
	AUTO_VALUE(bytes) text = { 0 };
	struct ini_lines lines;
	char *path = NULL;

	if (options->socket || !errors) {
		free(errors);
		return options->socket ? strdup(options->socket) : NULL;
	}
	if (ini_read(options->config_path, &text, errors) == 0 &&
	    ini_parse_text(&authd_table, bytes_slice(&text), options->config_path, &settings,
			   &lines, errors) == 0)
		path = TAKE(settings.control_socket);
	ini_done(&authd_table, &settings);
	ini_errors_done(errors);
	free(errors);
	return path ? path : strdup(RUN_SOCKET);
}

static enum exit_status no_service(const struct cli *cli, const char *what, const char *path,
				   int error)
{
	char why[256];

	snprintf(why, sizeof why, "there is no service at %s (%s)", path, strerror(error));
	return cli_fail(cli, error == EACCES ? NOT_AUTHORISED : NO_SERVICE, what, why,
			"Start it with `systemctl start latchkey-authd`, or say where it is with "
			"--socket.");
}

static int dial(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct timeval wait = { .tv_sec = WAIT_S };
	int fd;

	if (snprintf(at.sun_path, sizeof at.sun_path, "%s", path) >= (int)sizeof at.sun_path)
		return -ENAMETOOLONG;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&at, sizeof at) < 0) {
		int error = errno;

		close(fd);
		return -error;
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
	return fd;
}

/* ---- asking --------------------------------------------------------------------------------- */

static int send_line(int fd, const json_t *request)
{
	AUTO(char) text = json_dumps(request, JSON_COMPACT);
	AUTO_VALUE(bytes) line = { 0 };
	size_t sent = 0;

	if (!text || bytes_append(&line, slice_str(text), CONTROL_LINE_MAX) != OK ||
	    bytes_append(&line, slice_str("\n"), CONTROL_LINE_MAX) != OK)
		return -ENOMEM;
	/* Whoever is turned away is told so before being heard. */
	while (sent < line.len) {
		ssize_t n = send(fd, line.p + sent, line.len - sent, MSG_NOSIGNAL);

		if (n < 0)
			return errno == EPIPE || errno == ECONNRESET ? 0 : -errno;
		sent += (size_t)n;
	}
	return 0;
}

static int read_line(int fd, struct bytes *line)
{
	char buffer[CHUNK];

	for (;;) {
		ssize_t n = recv(fd, buffer, sizeof buffer, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		if (n == 0)
			return -ECONNRESET;

		const char *end = memchr(buffer, '\n', (size_t)n);
		size_t len = end ? (size_t)(end - buffer) : (size_t)n;

		if (bytes_append(line, slice_of(buffer, len), CONTROL_ANSWER_MAX) != OK)
			return -EMSGSIZE;
		if (end)
			return 0;
	}
}

static enum exit_status refused(const struct cli *cli, const char *what, const json_t *answer)
{
	const char *error = json_string_value(json_object_get(answer, "error"));
	const char *message = json_string_value(json_object_get(answer, "message"));
	const char *next = json_string_value(json_object_get(answer, "next"));
	bool forbidden = error && strcmp(error, "forbidden") == 0;

	return cli_fail(cli, forbidden ? NOT_AUTHORISED : FAILED, what,
			message ? message : "the service did not say why",
			forbidden && !next
				? "Run this as root, or as a member of the group that the "
				  "configuration names."
				: next);
}

enum exit_status command_ask(const struct cli *cli, const struct command_options *options,
			     const char *what, const json_t *request, json_t **ret_result)
{
	AUTO(char) path = socket_path(options);
	AUTO_VALUE(bytes) line = { 0 };
	json_error_t wrong;
	int fd = path ? dial(path) : -ENOMEM, error = fd;

	if (fd < 0)
		return no_service(cli, what, path ? path : "", -error);
	error = send_line(fd, request);
	if (error == 0)
		error = read_line(fd, &line);
	close(fd);
	if (error < 0)
		return cli_fail(cli, FAILED, what, strerror(-error),
				"The service may have stopped: see its log.");

	AUTO(json_t) answer = json_loadb((const char *)line.p, line.len, 0, &wrong);

	if (!json_is_object(answer))
		return cli_fail(cli, FAILED, what, "the answer is not one of latchkey-authd",
				"Is this the right socket?");
	if (!json_is_true(json_object_get(answer, "ok")))
		return refused(cli, what, answer);
	*ret_result = json_incref(json_object_get(answer, "result"));
	return DONE;
}

/* ---- the commands --------------------------------------------------------------------------- */

static struct cli console(const struct command_options *options)
{
	struct cli cli = { .program = "latchkey-authd", .json = options->json };

	cli_look_at_terminal(&cli);
	return cli;
}

static int wrong_arguments(const struct cli *cli, const char *name, const char *why)
{
	return (int)cli_fail(cli, USAGE, name, why, "See `latchkey-authd --help`.");
}

/* What is asked by a word alone, and shown. */
int command_look(const struct command_options *options, int argc, char **argv)
{
	struct cli cli = console(options);
	AUTO(json_t) request = json_pack("{s:s}", "command", argv[0]);
	AUTO(json_t) result = NULL;
	enum exit_status status;
	char what[64];

	if (argc > 1)
		return wrong_arguments(&cli, argv[0], "this command takes no argument");
	snprintf(what, sizeof what, "cannot show %s", argv[0]);
	status = command_ask(&cli, options, what, request, &result);
	if (status != DONE)
		return (int)status;
	if (cli.json)
		return (int)cli_json(&cli, result);
	command_show(&cli, argv[0], result);
	return (int)DONE;
}

json_t *command_sessions(const struct command_options *options)
{
	struct cli cli = console(options);
	AUTO(json_t) request = json_pack("{s:s}", "command", "sessions");
	json_t *result = NULL;

	return command_ask(&cli, options, "cannot show sessions", request, &result) == DONE ? result
											    : NULL;
}

/* disconnect, reauth */
int command_act(const struct command_options *options, int argc, char **argv)
{
	struct cli cli = console(options);
	AUTO(json_t) request = NULL;
	AUTO(json_t) result = NULL;
	enum exit_status status;
	char what[320];

	if (argc != 2)
		return wrong_arguments(&cli, argv[0],
				       "this command takes the name of a session or a MAC address");
	request = json_pack("{s:s, s:s}", "command", argv[0], "target", argv[1]);
	if (!request)
		return wrong_arguments(&cli, argv[0], "this name is no text");
	snprintf(what, sizeof what, "cannot %s %.256s", argv[0], argv[1]);
	status = command_ask(&cli, options, what, request, &result);
	if (status != DONE)
		return (int)status;
	if (cli.json)
		return (int)cli_json(&cli, result);
	cli_note(&cli, "%s: %lld session(s).", argv[0],
		 (long long)json_integer_value(json_object_get(result, "sessions")));
	return (int)DONE;
}

int command_reload(const struct command_options *options, int argc, char **argv)
{
	struct cli cli = console(options);
	AUTO(json_t) request = json_pack("{s:s}", "command", "reload");
	AUTO(json_t) result = NULL;
	enum exit_status status;

	if (argc > 1)
		return wrong_arguments(&cli, argv[0], "this command takes no argument");
	status = command_ask(&cli, options, "cannot reload", request, &result);
	if (status == DONE && cli.json)
		return (int)cli_json(&cli, result);
	if (status == DONE)
		cli_note(&cli, "The configuration has been read again.");
	return (int)status;
}

static bool parse_limit(const char *text, long *ret)
{
	char *end;

	errno = 0;
	*ret = strtol(text, &end, 10);
	return !errno && !*end && end != text && *ret > 0;
}

static int audit_verdict(const struct cli *cli, const json_t *result)
{
	const json_t *broken = json_object_get(result, "broken");
	char why[512];

	if (broken) {
		snprintf(why, sizeof why, "entry %lld of %.128s: %.128s",
			 (long long)json_integer_value(json_object_get(broken, "sequence")),
			 json_string_value(json_object_get(broken, "origin")),
			 json_string_value(json_object_get(broken, "reason")));
		return (int)cli_fail(cli, FAILED, "the audit trail is broken", why,
				     "Somebody has changed the database: compare it with a backup, "
				     "and the digests with those noted before.");
	}
	if (cli->json)
		return (int)cli_json(cli, result);
	cli_note(cli,
		 "The audit trail is intact: %lld entries. Note the digests elsewhere: entries "
		 "that are cut off at the end show against them alone.",
		 (long long)json_integer_value(json_object_get(result, "entries")));
	command_show(cli, "chains", json_object_get(result, "chains"));
	return (int)DONE;
}

/* audit, machines: how many; audit verify */
int command_recorded(const struct command_options *options, int argc, char **argv)
{
	struct cli cli = console(options);
	bool verify = argc == 2 && strcmp(argv[0], "audit") == 0 && strcmp(argv[1], "verify") == 0;
	AUTO(json_t) request = json_pack("{s:s}", "command", verify ? "audit-verify" : argv[0]);
	AUTO(json_t) result = NULL;
	enum exit_status status;
	char what[64];
	long limit;

	if (argc > 2 || (argc == 2 && !verify && !parse_limit(argv[1], &limit)))
		return wrong_arguments(
			&cli, argv[0],
			"the argument says how many are to be shown, the newest first");
	if (argc == 2 && !verify)
		json_object_set_new(request, "limit", json_integer(limit));
	snprintf(what, sizeof what, "cannot %s %s", verify ? "verify" : "show", argv[0]);
	status = command_ask(&cli, options, what, request, &result);
	if (status != DONE)
		return (int)status;
	if (verify)
		return audit_verdict(&cli, result);
	if (cli.json)
		return (int)cli_json(&cli, result);
	command_show(&cli, argv[0], result);
	return (int)DONE;
}
