/* connect, disconnect, reauth: a command to a port and, if asked for, its outcome. */
#include <stdio.h>
#include <string.h>

#include "base/moment.h"
#include "cli/command.h"
#include "cli/ports.h"
#include "drivers/loop.h"

struct control {
	const char *doing, *method;
	bool until_authorised; /* nothing to wait for on a port that is open */
};

static enum exit_status show_outcome(const struct cli *cli, struct client *client, const char *path)
{
	struct client_error error = { 0 };
	AUTO(json_t) port = client_properties(client, path, IFACE_PORT, &error);

	if (!port)
		return client_fail(cli, "cannot show the port", &error);
	if (cli->json)
		return cli_json(cli, port);
	port_print(cli, port);
	return DONE;
}

/* ---- waiting ------------------------------------------------------------------------------- */

static void progress(const struct cli *cli, const char *name, const json_t *changed)
{
	const char *state = json_string_value(json_object_get(changed, "State"));

	if (!state || !cli->terminal || cli->json)
		return;
	printf("%s", cli_colour(cli, DIM));
	cli_text(name);
	fputs(": ", stdout);
	cli_text(state);
	printf("%s\n", cli_colour(cli, PLAIN));
	fflush(stdout);
}

/* What is being waited for. */
struct wait {
	const struct control *control;
	struct client *client;
	const char *path, *name;
	json_t *silence; /* the diagnosis when nobody has answered so far; NULL otherwise */
};

static enum exit_status attempt_failed(const struct cli *cli, const struct wait *wait,
				       const json_t *diagnosis)
{
	const char *cause = port_text(diagnosis, "cause"), *next = port_text(diagnosis, "next");
	char what[128];

	snprintf(what, sizeof what, "cannot %s %s", wait->control->doing, wait->name);
	return cli_fail(cli, FAILED, what, *cause ? cause : "the attempt failed",
			*next ? next : NULL);
}

static bool attempt_ended(const struct cli *cli, struct wait *wait, bool success, json_t *diagnosis,
			  enum exit_status *ret_status)
{
	/* The service goes on asking, and so do we: a switch that has just been told goodbye may
	 * need some seconds before it hears us. */
	if (!success && strcmp(port_text(diagnosis, "id"), "no-authenticator") == 0) {
		json_decref(wait->silence);
		wait->silence = json_incref(diagnosis);
		return false;
	}
	*ret_status = success ? show_outcome(cli, wait->client, wait->path)
			      : attempt_failed(cli, wait, diagnosis);
	return true;
}

/* One signal.  false: it decides nothing. */
static bool outcome(const struct cli *cli, struct wait *wait, const json_t *signal,
		    enum exit_status *ret_status)
{
	const char *member = port_text(signal, "Member");
	const json_t *args = json_object_get(signal, "Args");
	const char *removed = json_string_value(json_array_get(args, 0));
	struct client_error gone = { .status = NO_SERVICE };

	if (strcmp(member, "NameOwnerChanged") == 0) {
		*ret_status = client_fail(cli, "the service has gone while we waited", &gone);
		return true;
	}
	if (strcmp(member, "InterfacesRemoved") == 0 && removed &&
	    strcmp(removed, wait->path) == 0) {
		*ret_status = cli_fail(cli, FAILED, wait->name, "the interface was removed", NULL);
		return true;
	}
	if (strcmp(port_text(signal, "Path"), wait->path) != 0)
		return false;
	if (strcmp(member, "PropertiesChanged") == 0)
		progress(cli, wait->name, json_array_get(args, 1));
	return strcmp(member, "AttemptEnded") == 0 &&
	       attempt_ended(cli, wait, json_is_true(json_array_get(args, 0)),
			     json_array_get(args, 1), ret_status);
}

static enum exit_status wait_for_end(const struct cli *cli, struct wait *wait)
{
	msec until = loop_now().mono + (msec)cli->wait * 1000;
	struct client_error gone = { .status = NO_SERVICE };
	enum exit_status status;
	char why[96];

	for (msec now; (now = loop_now().mono) < until;) {
		bool lost;
		AUTO(json_t) signal = client_next(wait->client, (int)(until - now), &lost);

		if (lost)
			return client_fail(cli, "the bus has gone while we waited", &gone);
		if (signal && outcome(cli, wait, signal, &status))
			return status;
	}
	if (wait->silence)
		return attempt_failed(cli, wait, wait->silence);
	snprintf(why, sizeof why, "it is not decided after %d seconds", cli->wait);
	return cli_fail(cli, FAILED, wait->name, why,
			"`latchkeyctl status` shows where it stands.");
}

/* ---- the commands -------------------------------------------------------------------------- */

static bool already_open(struct client *client, const char *path)
{
	struct client_error error = { 0 };
	AUTO(json_t) port = client_properties(client, path, IFACE_PORT, &error);

	return port_flag(port, "Authorised") && strcmp(port_text(port, "State"), "authorised") == 0;
}

static enum exit_status wait_port(const struct cli *cli, const struct control *control,
				  struct client *client, const json_t *port)
{
	struct wait wait = { control, client, port_text(port, "ObjectPath"),
			     port_text(port, "Interface"), NULL };
	enum exit_status status = wait_for_end(cli, &wait);

	json_decref(wait.silence);
	return status;
}

static enum exit_status control_port(const struct cli *cli, const struct control *control)
{
	AUTO_STRUCT(client) client = NULL;
	struct client_error error = { 0 };
	enum exit_status status;
	char what[128];

	snprintf(what, sizeof what, "cannot %s %s", control->doing,
		 cli->count > 0 ? cli->args[0] : "the port");
	if (client_open(&client, &error) != DONE)
		return client_fail(cli, what, &error);

	AUTO(json_t) port = port_choose(cli, client, control->doing, &status);

	if (!port)
		return status;
	if (cli->wait >= 0)
		client_listen(client);

	const char *path = port_text(port, "ObjectPath");
	AUTO(json_t) reply = client_call(client, path, IFACE_PORT, control->method, NULL, &error);

	if (!reply)
		return client_fail(cli, what, &error);
	if (cli->wait >= 0 && !(control->until_authorised && already_open(client, path)))
		return wait_port(cli, control, client, port);
	if (cli->wait >= 0 || cli->json)
		return show_outcome(cli, client, path);
	return DONE;
}

enum exit_status cmd_connect(const struct cli *cli)
{
	return control_port(cli, &(struct control){ "connect", "Connect", true });
}

enum exit_status cmd_disconnect(const struct cli *cli)
{
	return control_port(cli, &(struct control){ "disconnect", "Disconnect", false });
}

enum exit_status cmd_reauth(const struct cli *cli)
{
	return control_port(cli, &(struct control){ "reauthenticate", "Reauthenticate", false });
}
