#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/command.h"
#include "cli/ports.h"

/* The last part of an object's path. */
static const char *object_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* What a signal is about, by the name that a person knows: ports by their interface. */
static const char *subject(const json_t *names, const char *path)
{
	const char *name = json_string_value(json_object_get(names, path));

	return name ? name : object_name(path);
}

static void remember(json_t *names, const char *path, const json_t *properties)
{
	json_t *name = json_object_get(properties, "Interface");

	if (name)
		json_object_set(names, path, name);
}

static void learn_ports(struct client *client, json_t *names)
{
	struct client_error error = { 0 };
	AUTO(json_t) ports = client_objects(client, IFACE_PORT, &error);
	json_t *port;
	size_t i;

	json_object_set_new(names, BUS_PATH, json_string("latchkeyd"));
	json_array_foreach(ports, i, port) remember(names, port_text(port, "ObjectPath"), port);
}

/* ---- an event as JSON: what the signal says, by the names of D-Bus ------------------------- */

static json_t *event_json(json_t *names, const json_t *signal)
{
	static const struct {
		const char *member, *keys[3];
	} rows[] = {
		{ "PropertiesChanged", { "Kind", "Changed", "Invalidated" } },
		{ "AttemptEnded", { "Success", "Diagnosis" } },
		{ "EnrollmentProgress", { "Step", "Detail", "Diagnosis" } },
		{ "ExpiryWarning", { "NotAfter" } },
		{ "InterfacesAdded", { "ObjectPath", "Interfaces" } },
		{ "InterfacesRemoved", { "ObjectPath", "Interfaces" } },
		{ "NameOwnerChanged", { "Name", "OldOwner", "NewOwner" } },
	};
	const char *member = port_text(signal, "Member");
	const json_t *args = json_object_get(signal, "Args");
	json_t *event = json_pack("{s:I, s:s, s:s}", "Time", (json_int_t)time(NULL), "Event",
				  member, "ObjectPath", port_text(signal, "Path"));

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		for (size_t k = 0; k < 3 && strcmp(rows[i].member, member) == 0; k++) {
			if (rows[i].keys[k])
				json_object_set(event, rows[i].keys[k], json_array_get(args, k));
		}
	}
	json_object_set_new(event, "Subject",
			    json_string(subject(names, port_text(event, "ObjectPath"))));
	return event;
}

/* ---- an event for people ------------------------------------------------------------------- */

static void print_changed(const json_t *changed)
{
	const char *name, *separator = " ";
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)changed, name, value)
	{
		AUTO(char) text = NULL;

		if (strcmp(name, "Counters") == 0 || strcmp(name, "Diagnosis") == 0)
			continue;
		text = json_is_string(value) ? strdup(json_string_value(value))
					     : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
		printf("%s%s=", separator, name);
		cli_text(text && *text ? text : "-");
		separator = ", ";
	}
	if (port_text(json_object_get(changed, "Diagnosis"), "id")[0])
		printf("%sDiagnosis=%s", separator,
		       port_text(json_object_get(changed, "Diagnosis"), "id"));
}

static void print_event(const struct cli *cli, const json_t *event)
{
	const char *kind = port_text(event, "Event");
	time_t now = time(NULL);
	struct tm tm;
	char at[16], when[32];

	localtime_r(&now, &tm);
	strftime(at, sizeof at, "%H:%M:%S", &tm);
	printf("%s%s%s ", cli_colour(cli, DIM), at, cli_colour(cli, PLAIN));
	if (strcmp(kind, "NameOwnerChanged") == 0) {
		printf("the service %s\n",
		       *port_text(event, "NewOwner") ? "has started" : "has stopped");
		return;
	}
	cli_text(port_text(event, "Subject"));
	putchar(':');
	if (strcmp(kind, "PropertiesChanged") == 0) {
		print_changed(json_object_get(event, "Changed"));
	} else if (strcmp(kind, "AttemptEnded") == 0) {
		bool success = port_flag(event, "Success");
		const char *cause = port_text(json_object_get(event, "Diagnosis"), "cause");

		printf(" %s%s%s ", cli_colour(cli, success ? GREEN : RED),
		       success ? "authenticated" : "failed", cli_colour(cli, PLAIN));
		cli_text(cause);
	} else if (strcmp(kind, "EnrollmentProgress") == 0) {
		const char *detail = port_text(event, "Detail");

		printf(" enrollment: ");
		cli_text(port_text(event, "Step"));
		printf("%s", *detail ? ", " : "");
		cli_text(detail);
	} else if (strcmp(kind, "ExpiryWarning") == 0) {
		printf(" expires on %s",
		       cli_time(port_number(event, "NotAfter"), when, sizeof when));
	} else {
		printf(" %s", strcmp(kind, "InterfacesAdded") == 0 ? "is there" : "has gone");
	}
	putchar('\n');
}

static void show(const struct cli *cli, json_t *names, const json_t *signal)
{
	AUTO(json_t) event = event_json(names, signal);

	if (cli->json) {
		json_dumpf(event, stdout, JSON_COMPACT);
		putchar('\n');
	} else {
		print_event(cli, event);
	}
	fflush(stdout);
}

enum exit_status cmd_monitor(const struct cli *cli)
{
	AUTO_STRUCT(client) client = NULL;
	AUTO(json_t) names = json_object();
	struct client_error error = { 0 };
	bool lost = false;

	if (client_open(&client, &error) != DONE)
		return client_fail(cli, "cannot watch the service", &error);
	client_listen(client);
	learn_ports(client, names);
	if (!client_service_runs(client))
		cli_note(cli, "The service does not run; waiting for it.");
	while (!lost) {
		AUTO(json_t) signal = client_next(client, -1, &lost);
		const json_t *args = json_object_get(signal, "Args");

		if (!signal)
			continue;
		if (strcmp(port_text(signal, "Member"), "InterfacesAdded") == 0)
			remember(names, json_string_value(json_array_get(args, 0)),
				 json_object_get(json_array_get(args, 1), IFACE_PORT));
		if (ferror(stdout))
			return FAILED;
		show(cli, names, signal);
	}
	error.status = NO_SERVICE;
	return client_fail(cli, "the bus has gone", &error);
}
