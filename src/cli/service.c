/* profiles, log-level, version: what concerns the service as a whole. */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/ports.h"

static void print_problem(const struct cli *cli, const char *name, const json_t *diagnosis)
{
	if (json_object_size(diagnosis) == 0)
		return;
	printf("\n%s", cli_colour(cli, BOLD));
	cli_text(name);
	printf("%s\n", cli_colour(cli, PLAIN));
	cli_diagnosis_print(cli, 2, diagnosis);
}

enum exit_status cmd_profiles(const struct cli *cli)
{
	static const char *const headings[] = { "PROFILE", "USABLE", "PRIORITY", "CREDENTIAL",
						"FILE" };
	AUTO_STRUCT(client) client = NULL;
	AUTO(json_t) rows = json_array();
	struct client_error error = { 0 };
	json_t *profile;
	size_t i;

	if (client_open(&client, &error) != DONE)
		return client_fail(cli, "cannot list the profiles", &error);

	AUTO(json_t) profiles = client_objects(client, IFACE_PROFILE, &error);

	if (!profiles)
		return client_fail(cli, "cannot list the profiles", &error);
	if (cli->json)
		return cli_json(cli, profiles);
	json_array_foreach(profiles, i, profile)
	{
		char priority[24];

		snprintf(priority, sizeof priority, "%lld",
			 (long long)port_number(profile, "Priority"));
		json_array_append_new(rows, json_pack("[s, s, s, s, s]", port_text(profile, "Name"),
						      port_flag(profile, "Usable") ? "yes" : "no",
						      priority, port_text(profile, "Credential"),
						      port_text(profile, "Path")));
	}
	if (json_array_size(rows) == 0)
		cli_note(cli, "There is no profile: see latchkey-profile(5).");
	else
		cli_table(cli, headings, 5, rows);
	json_array_foreach(profiles, i, profile) print_problem(
		cli, port_text(profile, "Name"), json_object_get(profile, "Diagnosis"));
	return DONE;
}

enum exit_status cmd_log_level(const struct cli *cli)
{
	AUTO_STRUCT(client) client = NULL;
	AUTO(json_t) manager = NULL;
	struct client_error error = { 0 };
	char what[64] = "cannot show the log level";

	if (cli->count > 0)
		snprintf(what, sizeof what, "cannot set the log level to %.32s", cli->args[0]);
	if (client_open(&client, &error) != DONE)
		return client_fail(cli, what, &error);
	if (cli->count > 0 &&
	    client_set(client, BUS_PATH, IFACE_MANAGER, "LogLevel", cli->args[0], &error) != DONE) {
		if (strcmp(error.name, "InvalidArguments") == 0)
			return cli_fail(cli, USAGE, what, "there is no such level",
					"Levels are error, warning, notice, info and debug.");
		return client_fail(cli, what, &error);
	}
	manager = client_properties(client, BUS_PATH, IFACE_MANAGER, &error);
	if (!manager)
		return client_fail(cli, what, &error);
	if (cli->json) {
		AUTO(json_t)
		level = json_pack("{s:O}", "LogLevel", json_object_get(manager, "LogLevel"));

		return cli_json(cli, level);
	}
	if (cli->count == 0)
		printf("%s\n", port_text(manager, "LogLevel"));
	return DONE;
}

enum exit_status cmd_version(const struct cli *cli)
{
	AUTO_STRUCT(client) client = NULL;
	struct client_error error = { 0 };
	AUTO(json_t) manager = NULL;
	const char *service;

	if (client_open(&client, &error) == DONE)
		manager = client_properties(client, BUS_PATH, IFACE_MANAGER, &error);
	service = port_text(manager, "Version");
	if (cli->json) {
		AUTO(json_t)
		versions = json_pack("{s:s, s:s?}", "Client", PACKAGE_VERSION, "Version",
				     manager ? service : NULL);

		return cli_json(cli, versions);
	}
	printf("latchkeyctl %s\nlatchkeyd %s\n", PACKAGE_VERSION,
	       manager ? service : "does not run");
	return DONE;
}
