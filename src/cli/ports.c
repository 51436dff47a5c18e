#include "cli/ports.h"

#include <stdio.h>
#include <string.h>

#include "cli/command.h"

const char *port_text(const json_t *port, const char *property)
{
	const char *text = json_string_value(json_object_get(port, property));

	return text ? text : "";
}

int64_t port_number(const json_t *port, const char *property)
{
	return json_integer_value(json_object_get(port, property));
}

bool port_flag(const json_t *port, const char *property)
{
	return json_is_true(json_object_get(port, property));
}

/* ---- which port ---------------------------------------------------------------------------- */

static json_t *port_named(const struct cli *cli, const char *doing, const json_t *ports,
			  const char *name, enum exit_status *ret_status)
{
	char what[128];
	json_t *port;
	size_t i;

	json_array_foreach(ports, i, port)
	{
		if (strcmp(port_text(port, "Interface"), name) == 0)
			return json_incref(port);
	}
	snprintf(what, sizeof what, "cannot %s %s", doing, name);
	*ret_status = cli_fail(cli, FAILED, what, "the service has no port of this name",
			       "`latchkeyctl list` shows the ports there are.");
	return NULL;
}

static json_t *port_only(const struct cli *cli, const char *doing, const json_t *ports,
			 enum exit_status *ret_status)
{
	char what[128];

	if (json_array_size(ports) == 1)
		return json_incref(json_array_get(ports, 0));
	snprintf(what, sizeof what, "cannot %s", doing);
	if (json_array_size(ports) == 0)
		*ret_status = cli_fail(cli, FAILED, what, "the service has no port",
				       "A port is there as soon as an Ethernet interface is.");
	else
		*ret_status = cli_fail(cli, USAGE, what, "there are several ports",
				       "Name one; `latchkeyctl list` shows them.");
	return NULL;
}

json_t *port_choose(const struct cli *cli, struct client *client, const char *doing,
		    enum exit_status *ret_status)
{
	struct client_error error = { 0 };
	AUTO(json_t) ports = client_objects(client, IFACE_PORT, &error);
	char what[128];

	if (!ports) {
		snprintf(what, sizeof what, "cannot %s %s", doing,
			 cli->count > 0 ? cli->args[0] : "the port");
		*ret_status = client_fail(cli, what, &error);
		return NULL;
	}
	return cli->count > 0 ? port_named(cli, doing, ports, cli->args[0], ret_status)
			      : port_only(cli, doing, ports, ret_status);
}

/* ---- one port, for people ------------------------------------------------------------------ */

static bool port_reduced(const json_t *port)
{
	return port_flag(json_object_get(port, "Diagnosis"), "reduced");
}

static enum colour port_colour(const json_t *port)
{
	if (port_flag(port, "Authorised"))
		return port_reduced(port) ? YELLOW : GREEN;
	return json_object_size(json_object_get(port, "Diagnosis")) > 0 ? RED : YELLOW;
}

void port_print_state(const struct cli *cli, const json_t *port)
{
	fputs(cli_colour(cli, port_colour(port)), stdout);
	cli_text(port_text(port, "State"));
	fputs(cli_colour(cli, PLAIN), stdout);
}

static void print_method(const struct cli *cli, const json_t *port)
{
	const char *version = port_text(port, "TLSVersion");
	const char *inner = port_text(port, "InnerMethod");

	if (*port_text(port, "Method"))
		cli_field(cli, "Method", "%s%s%s%s%s %s%s", port_text(port, "Method"),
			  *inner ? " with " : "", inner, *version ? ", " : "", version,
			  port_text(port, "Cipher"), port_flag(port, "Resumed") ? ", resumed" : "");
}

static void print_server(const struct cli *cli, const json_t *port)
{
	char until[32];

	if (!*port_text(port, "ServerFingerprint"))
		return;
	cli_field(cli, "Server", "%s, valid until %s", port_text(port, "ServerSubject"),
		  cli_time(port_number(port, "ServerExpiry"), until, sizeof until));
	cli_field(cli, "its SHA-256", "%s", port_text(port, "ServerFingerprint"));
}

static void print_credential(const struct cli *cli, const json_t *port)
{
	char until[32];

	if (!*port_text(port, "Credential"))
		return;
	if (port_number(port, "CredentialExpiry") == 0) {
		cli_field(cli, "Credential", "%s, generation %lld", port_text(port, "Credential"),
			  (long long)port_number(port, "Generation"));
		return;
	}
	cli_field(cli, "Credential", "%s, generation %lld, valid until %s",
		  port_text(port, "Credential"), (long long)port_number(port, "Generation"),
		  cli_time(port_number(port, "CredentialExpiry"), until, sizeof until));
}

static void print_times(const struct cli *cli, const json_t *port)
{
	int64_t since = port_number(port, "LastSuccess");
	char when[32];

	if (since)
		cli_field(cli, port_flag(port, "Authorised") ? "Open since" : "Last open",
			  "%s, after %lld ms", cli_time(since, when, sizeof when),
			  (long long)port_number(port, "Duration"));
}

void port_print(const struct cli *cli, const json_t *port)
{
	const json_t *diagnosis = json_object_get(port, "Diagnosis");

	fputs(cli_colour(cli, BOLD), stdout);
	cli_text(port_text(port, "Interface"));
	printf("%s: ", cli_colour(cli, PLAIN));
	port_print_state(cli, port);
	if (port_reduced(port))
		printf(" %s(REDUCED ASSURANCE)%s", cli_colour(cli, YELLOW), cli_colour(cli, PLAIN));
	putchar('\n');
	if (json_object_size(diagnosis) > 0)
		cli_diagnosis_print(cli, 2, diagnosis);
	cli_field(cli, "Profile", "%s",
		  *port_text(port, "Profile") ? port_text(port, "Profile") : "none");
	print_method(cli, port);
	print_server(cli, port);
	print_credential(cli, port);
	if (*port_text(port, "Identity"))
		cli_field(cli, "Identity", "%s", port_text(port, "Identity"));
	print_times(cli, port);
	cli_field(cli, "Link", "%s, %s", port_flag(port, "Carrier") ? "up" : "down",
		  port_text(port, "MACAddress"));
	if (*port_text(port, "PAEState"))
		cli_field(cli, "Machines", "PAE %s, EAP %s", port_text(port, "PAEState"),
			  port_text(port, "EAPState"));
}

/* ---- status and list ----------------------------------------------------------------------- */

enum exit_status cmd_status(const struct cli *cli)
{
	AUTO_STRUCT(client) client = NULL;
	AUTO(json_t) ports = NULL;
	struct client_error error = { 0 };
	enum exit_status status;
	json_t *port;
	size_t i;

	if (client_open(&client, &error) != DONE)
		return client_fail(cli, "cannot show the status", &error);
	if (cli->count > 0) {
		AUTO(json_t) one = port_choose(cli, client, "show", &status);

		if (!one)
			return status;
		if (cli->json)
			return cli_json(cli, one);
		port_print(cli, one);
		return DONE;
	}
	ports = client_objects(client, IFACE_PORT, &error);
	if (!ports)
		return client_fail(cli, "cannot show the status", &error);
	if (cli->json)
		return cli_json(cli, ports);
	json_array_foreach(ports, i, port)
	{
		if (i > 0)
			putchar('\n');
		port_print(cli, port);
	}
	if (i == 0)
		cli_note(cli, "The service runs and has no port.");
	return DONE;
}

enum exit_status cmd_list(const struct cli *cli)
{
	static const char *const headings[] = { "PORT", "STATE", "PROFILE", "METHOD", "DIAGNOSIS" };
	AUTO_STRUCT(client) client = NULL;
	AUTO(json_t) rows = json_array();
	struct client_error error = { 0 };
	json_t *port;
	size_t i;

	if (client_open(&client, &error) != DONE)
		return client_fail(cli, "cannot list the ports", &error);

	AUTO(json_t) ports = client_objects(client, IFACE_PORT, &error);

	if (!ports)
		return client_fail(cli, "cannot list the ports", &error);
	if (cli->json)
		return cli_json(cli, ports);
	json_array_foreach(ports, i, port) json_array_append_new(
		rows,
		json_pack("[s, s, s, s, s]", port_text(port, "Interface"), port_text(port, "State"),
			  port_text(port, "Profile"), port_text(port, "Method"),
			  port_text(json_object_get(port, "Diagnosis"), "id")));
	if (json_array_size(rows) == 0)
		cli_note(cli, "The service runs and has no port.");
	else
		cli_table(cli, headings, 5, rows);
	return DONE;
}
