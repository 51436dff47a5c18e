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

static enum exit_status attempt_failed(const struct cli *cli, const struct control *control,
				       const char *name, const json_t *diagnosis)
{
	const char *cause = port_text(diagnosis, "cause"), *next = port_text(diagnosis, "next");
	char what[128];

	snprintf(what, sizeof what, "cannot %s %s", control->doing, name);
	return cli_fail(cli, FAILED, what, *cause ? cause : "the attempt failed",
			*next ? next : NULL);
}

/* One signal.  false: it decides nothing. */
static bool outcome(const struct cli *cli, struct client *client, const struct control *control,
		    const json_t *port, const json_t *signal, enum exit_status *ret_status)
{
	const char *path = port_text(port, "ObjectPath"), *name = port_text(port, "Interface");
	const char *member = port_text(signal, "Member");
	const json_t *args = json_object_get(signal, "Args");
	struct client_error gone = { .status = NO_SERVICE };

	if (strcmp(member, "NameOwnerChanged") == 0) {
		*ret_status = client_fail(cli, "the service has gone while we waited", &gone);
		return true;
	}
	if (strcmp(member, "InterfacesRemoved") == 0 &&
	    strcmp(json_string_value(json_array_get(args, 0)), path) == 0) {
		*ret_status = cli_fail(cli, FAILED, name, "the interface was removed", NULL);
		return true;
	}
	if (strcmp(port_text(signal, "Path"), path) != 0)
		return false;
	if (strcmp(member, "PropertiesChanged") == 0)
		progress(cli, name, json_array_get(args, 1));
	if (strcmp(member, "AttemptEnded") != 0)
		return false;
	*ret_status = json_is_true(json_array_get(args, 0))
			      ? show_outcome(cli, client, path)
			      : attempt_failed(cli, control, name, json_array_get(args, 1));
	return true;
}

static enum exit_status wait_for_end(const struct cli *cli, struct client *client,
				     const struct control *control, const json_t *port)
{
	msec until = loop_now().mono + (msec)cli->wait * 1000;
	struct client_error gone = { .status = NO_SERVICE };
	enum exit_status status;
	char why[96];

	for (msec now; (now = loop_now().mono) < until;) {
		bool lost;
		AUTO(json_t) signal = client_next(client, (int)(until - now), &lost);

		if (lost)
			return client_fail(cli, "the bus has gone while we waited", &gone);
		if (signal && outcome(cli, client, control, port, signal, &status))
			return status;
	}
	snprintf(why, sizeof why, "it is not decided after %d seconds", cli->wait);
	return cli_fail(cli, FAILED, port_text(port, "Interface"), why,
			"`latchkeyctl status` shows where it stands.");
}

/* ---- the commands -------------------------------------------------------------------------- */

static bool already_open(struct client *client, const char *path)
{
	struct client_error error = { 0 };
	AUTO(json_t) port = client_properties(client, path, IFACE_PORT, &error);

	return port_flag(port, "Authorised") && strcmp(port_text(port, "State"), "authorised") == 0;
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
		return wait_for_end(cli, client, control, port);
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
