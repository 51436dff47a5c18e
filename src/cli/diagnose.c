/* diagnose: what the service knows of a port that does not open, and what can be seen from here. */
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/ports.h"

/* A list of {Check, Passed, Message, Next}; the first that fails is where to begin. */
static void finding(json_t *list, const char *check, bool passed, const char *message,
		    const char *next)
{
	json_array_append_new(list,
			      json_pack("{s:s, s:b, s:s, s:s}", "Check", check, "Passed", passed,
					"Message", message, "Next", passed ? "" : next));
}

/* ---- what this machine says ---------------------------------------------------------------- */

/* The flags of an interface; false when there is none of this name. */
static bool interface_flags(const char *name, unsigned *ret_flags)
{
	struct ifaddrs *all;
	bool found = false;

	if (getifaddrs(&all) < 0)
		return false;
	for (const struct ifaddrs *i = all; i && !found; i = i->ifa_next) {
		found = strcmp(i->ifa_name, name) == 0;
		if (found)
			*ret_flags = i->ifa_flags;
	}
	freeifaddrs(all);
	return found;
}

static void check_interface(json_t *list, const char *name)
{
	unsigned flags = 0;
	bool exists = interface_flags(name, &flags);
	char text[128];

	snprintf(text, sizeof text, "%s %s", name, exists ? "exists" : "does not exist");
	finding(list, "interface", exists, text, "`ip link` shows the interfaces there are.");
	if (!exists)
		return;
	snprintf(text, sizeof text, "%s is %s", name, flags & IFF_UP ? "up" : "down");
	finding(list, "up", flags & IFF_UP, text, "Set it up: `ip link set dev INTERFACE up`.");
	if (!(flags & IFF_UP))
		return;
	snprintf(text, sizeof text, "%s has %s", name, flags & IFF_RUNNING ? "a link" : "no link");
	finding(list, "carrier", flags & IFF_RUNNING, text,
		"Check the cable, and that the switch port is on.");
}

/* ---- what the service says ----------------------------------------------------------------- */

static json_t *object_called(struct client *client, const char *interface, const char *name)
{
	struct client_error error = { 0 };
	AUTO(json_t) objects = client_objects(client, interface, &error);
	json_t *object;
	size_t i;

	json_array_foreach(objects, i, object)
	{
		if (strcmp(port_text(object, "Name"), name) == 0)
			return json_incref(object);
	}
	return NULL;
}

static void check_diagnosed(json_t *list, const char *check, const char *fine,
			    const json_t *diagnosis)
{
	if (json_object_size(diagnosis) == 0)
		finding(list, check, true, fine, "");
	else
		finding(list, check, false, port_text(diagnosis, "cause"),
			port_text(diagnosis, "next"));
}

static bool said_already(const json_t *list, const json_t *diagnosis)
{
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		if (strcmp(port_text(item, "Message"), port_text(diagnosis, "cause")) == 0)
			return true;
	}
	return false;
}

static void check_port(json_t *list, struct client *client, const json_t *port)
{
	const char *profile_name = port_text(port, "Profile");
	AUTO(json_t) profile = object_called(client, IFACE_PROFILE, profile_name);
	AUTO(json_t) credential = NULL;
	char text[160];

	snprintf(text, sizeof text, "profile %s matches", profile_name);
	finding(list, "profile", *profile_name, *profile_name ? text : "no profile matches",
		"Write a profile for it; `latchkeyctl profiles` shows those there are.");
	if (profile)
		check_diagnosed(list, "profile-usable", "the profile can be used",
				json_object_get(profile, "Diagnosis"));
	credential = object_called(client, IFACE_CREDENTIAL, port_text(profile, "Credential"));
	if (credential)
		check_diagnosed(list, "credential", "the credential can be used",
				json_object_get(credential, "Problem"));
	snprintf(text, sizeof text, "the port is %s", port_text(port, "State"));
	if (port_flag(port, "Authorised") ||
	    json_object_size(json_object_get(port, "Diagnosis")) == 0)
		finding(list, "authorised", port_flag(port, "Authorised"), text,
			"`latchkeyctl connect --wait` starts authentication and tells how it "
			"ends.");
	/* A profile that cannot be used is what the port complains of, too. */
	if (!said_already(list, json_object_get(port, "Diagnosis")))
		check_diagnosed(list, "diagnosis", "nothing is wrong with the last attempt",
				json_object_get(port, "Diagnosis"));
}

/* An interface that no profile matches is no port: the service leaves it alone. */
static json_t *without_port(const struct cli *cli, struct client *client)
{
	struct client_error error;
	AUTO(json_t) ports = client_objects(client, IFACE_PORT, &error);
	AUTO(json_t) diagnosis = NULL;
	unsigned flags;
	struct diagnosis d;
	json_t *port;
	size_t i;

	if (cli->count == 0 || !ports || !interface_flags(cli->args[0], &flags))
		return NULL;
	json_array_foreach(ports, i, port)
	{
		if (strcmp(port_text(port, "Interface"), cli->args[0]) == 0)
			return NULL;
	}
	diagnosis_set(&d, DIAG_NO_PROFILE);
	diagnosis_add(&d, "interface", "%s", cli->args[0]);
	diagnosis = cli_diagnosis_json(&d);
	return json_pack("{s:s, s:O}", "Interface", cli->args[0], "Diagnosis", diagnosis);
}

/* ---- for people ---------------------------------------------------------------------------- */

static void print_evidence(const struct cli *cli, const json_t *diagnosis)
{
	const char *key;
	json_t *value;

	if (json_object_size(json_object_get(diagnosis, "evidence")) == 0)
		return;
	printf("\n%sEvidence%s (%s)\n", cli_colour(cli, BOLD), cli_colour(cli, PLAIN),
	       port_text(diagnosis, "id"));
	json_object_foreach(json_object_get(diagnosis, "evidence"), key, value)
		cli_field(cli, key, "%s", json_string_value(value));
}

static void print_findings(const struct cli *cli, const json_t *list)
{
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		bool passed = port_flag(item, "Passed");

		printf("%s%s%s ", cli_colour(cli, passed ? GREEN : RED), passed ? "ok  " : "FAIL",
		       cli_colour(cli, PLAIN));
		cli_wrap_from(cli, 5, 5, port_text(item, "Message"));
		if (!passed)
			cli_wrap(cli, 5, port_text(item, "Next"));
	}
}

static enum exit_status report(const struct cli *cli, const json_t *list, const json_t *port,
			       enum exit_status otherwise)
{
	enum exit_status status = otherwise;
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		if (!port_flag(item, "Passed") && status == DONE)
			status = FAILED;
	}
	if (cli->json) {
		const json_t *diagnosis = json_object_get(port, "Diagnosis");
		AUTO(json_t)
		all = json_pack("{s:s, s:O, s:O?}", "Interface", port_text(port, "Interface"),
				"Checks", list, "Diagnosis", diagnosis);

		cli_json(cli, all);
		return status;
	}
	print_findings(cli, list);
	print_evidence(cli, json_object_get(port, "Diagnosis"));
	return status;
}

enum exit_status cmd_diagnose(const struct cli *cli)
{
	AUTO_STRUCT(client) client = NULL;
	AUTO(json_t) list = json_array();
	struct client_error error = { 0 };
	enum exit_status status = DONE;
	bool runs = client_open(&client, &error) == DONE && client_service_runs(client);

	finding(list, "service", runs,
		runs ? "latchkeyd runs" : "latchkeyd does not answer on the system bus",
		"Start it with `systemctl start latchkeyd`; if it does not stay, look at "
		"`journalctl -u latchkeyd` and `latchkeyctl check`.");
	if (!runs) {
		AUTO(json_t)
		port = json_pack("{s:s}", "Interface", cli->count > 0 ? cli->args[0] : "");

		if (cli->count > 0)
			check_interface(list, cli->args[0]);
		return report(cli, list, port, NO_SERVICE);
	}

	AUTO(json_t) missing = without_port(cli, client);

	if (missing) {
		check_interface(list, cli->args[0]);
		check_diagnosed(list, "profile", "", json_object_get(missing, "Diagnosis"));
		return report(cli, list, missing, DONE);
	}

	AUTO(json_t) port = port_choose(cli, client, "diagnose", &status);

	if (!port)
		return status;
	check_interface(list, port_text(port, "Interface"));
	check_port(list, client, port);
	return report(cli, list, port, DONE);
}
