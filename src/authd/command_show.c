#include "authd/command_show.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define COLUMNS_MAX 8

enum form { TEXT, TIME, AGE };

struct column {
	const char *heading;
	const char *key, *otherwise; /* what is shown when there is no key; may be NULL */
	enum form form;
};

struct table {
	const char *name;
	const char *none; /* what is said when there is nothing */
	struct column column[COLUMNS_MAX];
};

/* clang-format off */
static const struct table tables[] = {
	{ "sessions", "There is no session.", {
		{ "MACHINE", "machine", "identity", TEXT }, { "ADDRESS", "station", NULL, TEXT },
		{ "AT", "client", "nas", TEXT }, { "PORT", "port", NULL, TEXT },
		{ "VLAN", "vlan", NULL, TEXT }, { "FOR", "started", NULL, AGE },
		{ "SESSION", "session", NULL, TEXT } } },
	{ "clients", "There is no RADIUS client; see clients.d.", {
		{ "CLIENT", "name", NULL, TEXT }, { "PREFIX", "prefix", NULL, TEXT },
		{ "REQUESTS", "requests", NULL, TEXT }, { "ACCEPTS", "accepts", NULL, TEXT },
		{ "REJECTS", "rejects", NULL, TEXT }, { "DROPPED", "dropped", NULL, TEXT },
		{ "LAST SEEN", "last_seen", NULL, TIME } } },
	{ "servers", "There is no RADIUS server that is asked; see servers.d.", {
		{ "SERVER", "name", NULL, TEXT }, { "ADDRESS", "address", NULL, TEXT },
		{ "FOR", "for", NULL, TEXT }, { "STATE", "state", NULL, TEXT }, { "REQUESTS", "requests", NULL, TEXT },
		{ "ANSWERS", "answers", NULL, TEXT }, { "TIMEOUTS", "timeouts", NULL, TEXT } } },
	{ "ports", "No port is guarded; see ports.d.", {
		{ "PORT", "name", NULL, TEXT }, { "STATE", "state", NULL, TEXT },
		{ "MODE", "mode", NULL, TEXT }, { "STATIONS", "stations", NULL, TEXT },
		{ "VLAN", "vlan", NULL, TEXT } } },
	{ "workers", "There is no worker.", {
		{ "WORKER", "number", NULL, TEXT }, { "OPEN", "conversations", NULL, TEXT },
		{ "ACCEPTS", "accepts", NULL, TEXT }, { "REJECTS", "rejects", NULL, TEXT },
		{ "SHED", "shed", NULL, TEXT }, { "QUEUE", "queue", NULL, TEXT } } },
	{ "machines", "No machine has been let in so far.", {
		{ "MACHINE", "identifier", NULL, TEXT }, { "ADDRESS", "station", NULL, TEXT },
		{ "AT", "nas", NULL, TEXT }, { "PORT", "port", NULL, TEXT },
		{ "FIRST SEEN", "first_seen", NULL, TIME }, { "LAST SEEN", "last_seen", NULL, TIME } } },
	{ "tokens", "There is no token.", {
		{ "TOKEN", "token", NULL, TEXT }, { "STATE", "state", NULL, TEXT },
		{ "USED", "used", NULL, TEXT }, { "OF", "uses", NULL, TEXT },
		{ "EXPIRES", "expires", NULL, TIME }, { "PROFILE", "profile", NULL, TEXT },
		{ "FOR", "name", "station", TEXT }, { "NOTE", "note", NULL, TEXT } } },
	{ "accounts", "There is no account.", {
		{ "ACCOUNT", "account", NULL, TEXT }, { "NT HASH", "nt_hash", NULL, TEXT },
		{ "CLEAR TEXT", "clear_text", NULL, TEXT }, { "CHANGED", "changed", NULL, TIME } } },
	{ "credentials", "It has no credential.", {
		{ "KIND", "kind", NULL, TEXT }, { "SERIAL", "serial", NULL, TEXT },
		{ "ISSUED", "issued", NULL, TIME }, { "EXPIRES", "expires", NULL, TIME },
		{ "REVOKED", "revoked", NULL, TIME } } },
	{ "audit", "The audit trail is empty.", {
		{ "TIME", "time", NULL, TIME }, { "SERVER", "origin", NULL, TEXT },
		{ "EVENT", "event", NULL, TEXT }, { "BY", "actor", NULL, TEXT },
		{ "TO", "subject", NULL, TEXT }, { "DETAIL", "detail", NULL, TEXT } } },
	{ "chains", "It is empty.", {
		{ "SERVER", "origin", NULL, TEXT }, { "ENTRIES", "entries", NULL, TEXT },
		{ "DIGEST OF THE LAST", "digest", NULL, TEXT } } },
};
/* clang-format on */

/* How long ago, in one unit. */
static const char *age(int64_t when, char *buffer, size_t size)
{
	static const struct {
		int64_t seconds;
		const char *unit;
	} units[] = { { 86400, "d" }, { 3600, "h" }, { 60, "min" }, { 1, "s" } };
	int64_t seconds = time(NULL) - when;
	size_t i = 0;

	while (seconds < units[i].seconds && units[i].seconds > 1)
		i++;
	snprintf(buffer, size, "%lld %s",
		 seconds > 0 ? (long long)(seconds / units[i].seconds) : 0LL, units[i].unit);
	return buffer;
}

/* Any value in a cell. */
static const char *cell(const json_t *value, enum form form, char *buffer, size_t size)
{
	buffer[0] = '\0';
	if (json_is_string(value))
		return json_string_value(value);
	if (json_is_boolean(value))
		return json_is_true(value) ? "yes" : "no";
	if (json_is_real(value))
		snprintf(buffer, size, "%.1f", json_real_value(value));
	if (json_is_array(value))
		snprintf(buffer, size, "%zu", json_array_size(value));
	if (json_is_integer(value) && form == TIME)
		return json_integer_value(value) ? cli_time(json_integer_value(value), buffer, size)
						 : buffer;
	if (json_is_integer(value) && form == AGE)
		return age(json_integer_value(value), buffer, size);
	if (json_is_integer(value))
		snprintf(buffer, size, "%lld", (long long)json_integer_value(value));
	return buffer;
}

static json_t *row_of(const struct table *table, size_t columns, const json_t *object)
{
	json_t *row = json_array();

	for (size_t i = 0; i < columns; i++) {
		const struct column *column = &table->column[i];
		const json_t *value = json_object_get(object, column->key);
		char buffer[64];

		if (!value && column->otherwise)
			value = json_object_get(object, column->otherwise);
		json_array_append_new(
			row, json_string(cell(value, column->form, buffer, sizeof buffer)));
	}
	return row;
}

static void show_table(const struct cli *cli, const struct table *table, const json_t *result)
{
	const char *headings[COLUMNS_MAX];
	AUTO(json_t) rows = json_array();
	size_t columns = 0, i;
	json_t *object;

	while (columns < COLUMNS_MAX && table->column[columns].heading) {
		headings[columns] = table->column[columns].heading;
		columns++;
	}
	json_array_foreach(result, i, object)
		json_array_append_new(rows, row_of(table, columns, object));
	if (json_array_size(rows) == 0)
		cli_note(cli, "%s", table->none);
	else
		cli_table(cli, headings, columns, rows);
}

/* ---- objects -------------------------------------------------------------------------------- */

static void field(const struct cli *cli, const json_t *object, const char *key, const char *name,
		  enum form form)
{
	const json_t *value = json_object_get(object, key);
	char buffer[64];

	if (value && !json_is_null(value))
		cli_field(cli, name, "%s", cell(value, form, buffer, sizeof buffer));
}

static void show_credentials(const struct cli *cli, const json_t *all)
{
	const json_t *one;
	char until[32];
	size_t i;

	json_array_foreach(all, i, one)
	{
		const char *name = json_string_value(json_object_get(one, "name"));
		const char *subject = json_string_value(json_object_get(one, "subject"));

		cli_field(cli, i ? "" : "Credential", "%s, %s, valid until %s", name ? name : "?",
			  subject ? subject : "?",
			  cli_time(json_integer_value(json_object_get(one, "expires")), until,
				   sizeof until));
	}
}

static void show_registry(const struct cli *cli, const json_t *registry)
{
	const char *kind = json_string_value(json_object_get(registry, "kind"));

	if (registry)
		cli_field(cli, "Registry", "%s, %s; %lld waiting, %lld dropped", kind ? kind : "?",
			  json_is_true(json_object_get(registry, "connected")) ? "connected"
									       : "NOT CONNECTED",
			  (long long)json_integer_value(json_object_get(registry, "waiting")),
			  (long long)json_integer_value(json_object_get(registry, "dropped")));
}

static void show_status(const struct cli *cli, const json_t *status)
{
	const json_t *problems = json_object_get(status, "problems"), *problem;
	bool well = json_array_size(problems) == 0;
	size_t i;

	printf("%slatchkey-authd%s: %s%s%s\n", cli_colour(cli, BOLD), cli_colour(cli, PLAIN),
	       cli_colour(cli, well ? GREEN : RED), well ? "running" : "running, not well",
	       cli_colour(cli, PLAIN));
	json_array_foreach(problems, i, problem) cli_wrap(cli, 2, json_string_value(problem));
	field(cli, status, "version", "Version", TEXT);
	field(cli, status, "started", "Since", TIME);
	field(cli, status, "config", "Config", TEXT);
	field(cli, status, "sessions", "Sessions", TEXT);
	field(cli, status, "conversations", "Under way", TEXT);
	field(cli, status, "workers", "Workers", TEXT);
	show_credentials(cli, json_object_get(status, "credentials"));
	show_registry(cli, json_object_get(status, "registry"));
}

static void show_counters(const struct cli *cli, const json_t *counters)
{
	static const char *const headings[] = { "COUNTER", "VALUE" };
	AUTO(json_t) rows = json_array();
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)counters, key, value)
	{
		char buffer[64];

		json_array_append_new(
			rows, json_pack("[s, s]", key, cell(value, TEXT, buffer, sizeof buffer)));
	}
	cli_table(cli, headings, 2, rows);
}

static void show_machine(const struct cli *cli, const json_t *machine)
{
	field(cli, machine, "machine", "Machine", TEXT);
	field(cli, machine, "station", "Address", TEXT);
	field(cli, machine, "nas", "At", TEXT);
	field(cli, machine, "port", "Port", TEXT);
	field(cli, machine, "last_seen", "Last seen", TIME);
	field(cli, machine, "enrolled", "Enrolled", TIME);
	field(cli, machine, "enrolled_by", "By", TEXT);
	field(cli, machine, "profile", "Profile", TEXT);
	field(cli, machine, "mud_url", "MUD URL", TEXT);
	field(cli, machine, "renew_wanted", "To renew", TIME);
	command_show(cli, "credentials", json_object_get(machine, "credentials"));
}

void command_show(const struct cli *cli, const char *name, const json_t *result)
{
	for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
		if (strcmp(tables[i].name, name) == 0)
			show_table(cli, &tables[i], result);
	}
	if (strcmp(name, "status") == 0)
		show_status(cli, result);
	if (strcmp(name, "machine") == 0)
		show_machine(cli, result);
	if (strcmp(name, "counters") == 0)
		show_counters(cli, result);
}
