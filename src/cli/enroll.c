/* enroll, renew: a credential from the network, followed step by step. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/moment.h"
#include "cli/command.h"
#include "cli/passphrase.h"
#include "cli/ports.h"
#include "drivers/loop.h"
#include "enrol/token.h"

#define WAIT_DEFAULT 180

/* What is followed. */
struct pursuit {
	struct client *client;
	const char *what; /* "cannot enroll eth0" */
	const char *path; /* of the port; NULL: whichever it is */
	char port[256];	  /* then: the one that has begun */
	bool done;	  /* the network has done its part; the port is still to open */
	json_t *silence;  /* the diagnosis while nobody has answered; NULL otherwise */
};

/* ---- the token ----------------------------------------------------------------------------- */

static enum exit_status read_token(const struct cli *cli, struct secret *ret_token)
{
	const char *file = cli->token_file;
	const uint8_t *end;
	int r;

	if (cli->token) {
		r = secret_set(ret_token, slice_str(cli->token)) == OK ? 0 : -ENOMEM;
		/* Whoever lists processes need not see it any longer. */
		explicit_bzero((char *)(uintptr_t)cli->token, strlen(cli->token));
		return r == 0 ? DONE : cli_fail(cli, FAILED, "--token", strerror(-r), NULL);
	}
	if (!file)
		return DONE;
	r = secret_read_file(strcmp(file, "-") == 0 ? "/dev/stdin" : file, TOKEN_FOREIGN_MAX,
			     ret_token);
	if (r < 0)
		return cli_fail(cli, FAILED, file,
				r == -EFBIG ? "there is more than a token in it" : strerror(-r),
				NULL);
	end = memchr(ret_token->p, '\n', ret_token->len);
	if (end)
		ret_token->len = (size_t)(end - ret_token->p);
	if (ret_token->len == 0)
		return cli_fail(cli, FAILED, file, "its first line is empty", NULL);
	return DONE;
}

/* ---- what happens -------------------------------------------------------------------------- */

static const char *step_text(const char *step)
{
	static const struct {
		const char *step, *text;
	} rows[] = {
		{ "waiting", "waiting" },
		{ "tunnel", "the network has proved who it is" },
		{ "authorized", "the network accepts this machine" },
		{ "key-generated", "a new key was made" },
		{ "request-sent", "the certificate was asked for" },
		{ "received", "it has come" },
		{ "checked", "and is good" },
		{ "stored", "it is in the keystore" },
		{ "validated", "the network knows that the key is here" },
		{ "activated", "it is in use" },
		{ "removed", "the credential was removed" },
		{ "done", "the network is done" },
		{ "failed", "it failed" },
		{ "fell-back", "the new certificate did not open the port; the old one is back" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (strcmp(rows[i].step, step) == 0)
			return rows[i].text;
	}
	return step;
}

static void show_step(const struct cli *cli, const char *step, const char *detail)
{
	if (!cli->terminal)
		return;
	printf("%s*%s %s", cli_colour(cli, GREEN), cli_colour(cli, PLAIN), step_text(step));
	if (*detail) {
		fputs(": ", stdout);
		cli_text(detail);
	}
	putchar('\n');
	fflush(stdout);
}

static void show_event(const char *port, const char *event, json_t *more)
{
	AUTO(json_t)
	object = json_pack("{s:I, s:s, s:s}", "Time", (json_int_t)time(NULL), "Event", event,
			   "ObjectPath", port);

	json_object_update(object, more);
	json_dumpf(object, stdout, JSON_COMPACT);
	putchar('\n');
	fflush(stdout);
}

static enum exit_status failed(const struct cli *cli, const struct pursuit *p,
			       const json_t *diagnosis)
{
	const struct cli people = { .program = cli->program,
				    .terminal = cli->terminal,
				    .columns = cli->columns };
	const char *cause = port_text(diagnosis, "cause"), *next = port_text(diagnosis, "next");

	/* With --json the event has said it on standard output. */
	return cli_fail(&people, FAILED, p->what, *cause ? cause : "it failed",
			*next ? next : NULL);
}

static enum exit_status opened(const struct cli *cli, struct pursuit *p, const char *path)
{
	struct client_error error = { 0 };
	AUTO(json_t) port = client_properties(p->client, path, IFACE_PORT, &error);

	if (!port)
		return client_fail(cli, p->what, &error);
	if (!cli->json)
		port_print(cli, port);
	return DONE;
}

/* true: that was the end. */
static bool on_progress(const struct cli *cli, struct pursuit *p, const char *path, json_t *args,
			enum exit_status *ret_status)
{
	const char *step = json_string_value(json_array_get(args, 0));
	const char *detail = json_string_value(json_array_get(args, 1));
	json_t *diagnosis = json_array_get(args, 2);

	step = step ? step : "";
	if (strcmp(step, "waiting") != 0)
		snprintf(p->port, sizeof p->port, "%s", path);
	if (cli->json) {
		AUTO(json_t)
		more = json_pack("{s:s, s:s, s:O}", "Step", step, "Detail", detail ? detail : "",
				 "Diagnosis", diagnosis);

		show_event(path, "EnrollmentProgress", more);
	} else {
		show_step(cli, step, detail ? detail : "");
	}
	if (strcmp(step, "done") == 0)
		p->done = true;
	if (strcmp(step, "failed") != 0 && strcmp(step, "fell-back") != 0)
		return false;
	*ret_status = failed(cli, p, diagnosis);
	return true;
}

/* The port opens with the new credential, or nothing has come of it before. */
static bool on_attempt(const struct cli *cli, struct pursuit *p, const char *path, json_t *args,
		       enum exit_status *ret_status)
{
	bool success = json_is_true(json_array_get(args, 0));
	json_t *diagnosis = json_array_get(args, 1);

	if (cli->json) {
		AUTO(json_t)
		more = json_pack("{s:b, s:O}", "Success", success, "Diagnosis", diagnosis);

		show_event(path, "AttemptEnded", more);
	}
	if (!success && strcmp(port_text(diagnosis, "id"), "no-authenticator") == 0) {
		json_decref(p->silence);
		p->silence = json_incref(diagnosis);
		return false;
	}
	if (success && p->done) {
		*ret_status = opened(cli, p, path);
		return true;
	}
	/* What a new generation fails over is followed by going back from it, and that is told. */
	if (success || p->done || *p->port)
		return false;
	*ret_status = failed(cli, p, diagnosis);
	return true;
}

static bool on_signal(const struct cli *cli, struct pursuit *p, const json_t *signal,
		      enum exit_status *ret_status)
{
	const char *member = port_text(signal, "Member"), *path = port_text(signal, "Path");
	const char *wanted = p->path ? p->path : *p->port ? p->port : NULL;
	json_t *args = json_object_get(signal, "Args");
	struct client_error gone = { .status = NO_SERVICE };

	if (strcmp(member, "NameOwnerChanged") == 0) {
		*ret_status = client_fail(cli, p->what, &gone);
		return true;
	}
	if (wanted && strcmp(path, wanted) != 0)
		return false;
	if (strcmp(member, "EnrollmentProgress") == 0)
		return on_progress(cli, p, path, args, ret_status);
	return wanted && strcmp(member, "AttemptEnded") == 0 &&
	       on_attempt(cli, p, path, args, ret_status);
}

static enum exit_status follow(const struct cli *cli, struct pursuit *p)
{
	int wait = cli->wait >= 0 ? cli->wait : WAIT_DEFAULT;
	msec until = loop_now().mono + (msec)wait * 1000;
	struct client_error gone = { .status = NO_SERVICE };
	enum exit_status status;
	char why[96];

	for (msec now; (now = loop_now().mono) < until;) {
		bool lost;
		AUTO(json_t) signal = client_next(p->client, (int)(until - now), &lost);

		if (lost)
			return client_fail(cli, p->what, &gone);
		if (signal && on_signal(cli, p, signal, &status))
			return status;
	}
	if (p->silence)
		return failed(cli, p, p->silence);
	snprintf(why, sizeof why, "it is not decided after %d seconds", wait);
	return cli_fail(cli, FAILED, p->what, why,
			*p->port ? "`latchkeyctl status` shows where it stands."
				 : "It begins as soon as a port can be authenticated.");
}

static enum exit_status pursue(const struct cli *cli, struct pursuit *p)
{
	enum exit_status status = cli->wait == 0 ? DONE : follow(cli, p);

	json_decref(p->silence);
	return status;
}

/* ---- the commands -------------------------------------------------------------------------- */

enum exit_status cmd_enroll(const struct cli *cli)
{
	AUTO_STRUCT(client) client = NULL;
	AUTO_VALUE(secret) token = { 0 };
	struct client_error error = { 0 };
	enum exit_status status;
	char what[128];

	if ((cli->token != NULL) + (cli->token_file != NULL) + (cli->factory != NULL) > 1)
		return cli_fail(cli, USAGE, "cannot enroll",
				"--token, --token-file and --factory exclude each other",
				"See `latchkeyctl enroll --help`.");
	snprintf(what, sizeof what, "cannot enroll %s", cli->count > 0 ? cli->args[0] : "the port");
	status = read_token(cli, &token);
	if (status != DONE)
		return status;
	if (client_open(&client, &error) != DONE)
		return client_fail(cli, what, &error);

	AUTO(json_t) port = port_choose(cli, client, "enroll", &status);

	if (!port)
		return status;
	client_listen(client);

	const char *const options[][2] = { { "factory", cli->factory },
					   { "name", cli->name },
					   { "profile", cli->profile },
					   { NULL } };
	struct pursuit p = { .client = client,
			     .what = what,
			     .path = port_text(port, "ObjectPath") };

	if (client_enroll(client, p.path, secret_slice(&token), options, &error) != DONE)
		return client_fail(cli, what, &error);
	return pursue(cli, &p);
}

/* A port or a credential; NULL after having said why not. */
static json_t *choose(const struct cli *cli, struct client *client, enum exit_status *ret_status)
{
	struct client_error error = { 0 };
	json_t *credential;
	size_t i;

	if (cli->count > 0) {
		AUTO(json_t) credentials = client_objects(client, IFACE_CREDENTIAL, &error);

		json_array_foreach(credentials, i, credential)
		{
			if (strcmp(port_text(credential, "Name"), cli->args[0]) == 0)
				return json_incref(credential);
		}
	}
	return port_choose(cli, client, "renew", ret_status);
}

enum exit_status cmd_renew(const struct cli *cli)
{
	AUTO_STRUCT(client) client = NULL;
	struct client_error error = { 0 };
	enum exit_status status;
	char what[128];

	snprintf(what, sizeof what, "cannot renew %s",
		 cli->count > 0 ? cli->args[0] : "the credential");
	if (client_open(&client, &error) != DONE)
		return client_fail(cli, what, &error);

	AUTO(json_t) object = choose(cli, client, &status);

	if (!object)
		return status;
	client_listen(client);

	bool is_port = json_object_get(object, "Interface") != NULL;
	const char *path = port_text(object, "ObjectPath");
	struct pursuit p = { .client = client, .what = what, .path = is_port ? path : NULL };
	AUTO(json_t)
	reply = client_call(client, path, is_port ? IFACE_PORT : IFACE_CREDENTIAL, "Renew", NULL,
			    &error);

	if (!reply)
		return client_fail(cli, what, &error);
	return pursue(cli, &p);
}
