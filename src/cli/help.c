#include "cli/command.h"

#include <stdio.h>
#include <string.h>

#include "cli/client.h"

#define DOC_COLUMN 26

/* ---- help ---------------------------------------------------------------------------------- */

static void row(const struct cli *cli, const char *left, const char *doc)
{
	printf("  %-*s", DOC_COLUMN - 2, left);
	if (strlen(left) > DOC_COLUMN - 4)
		printf("\n%*s", DOC_COLUMN, "");
	cli_wrap_from(cli, DOC_COLUMN, DOC_COLUMN, doc);
}

static void print_options(const struct cli *cli, unsigned options)
{
	printf("\n%sOptions:%s\n", cli_colour(cli, BOLD), cli_colour(cli, PLAIN));
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *o = &option_rows[i];
		char left[64];

		if (!(options >> i & 1))
			continue;
		if (!o->argument)
			snprintf(left, sizeof left, "--%s", o->name);
		else if (*o->argument == '[')
			snprintf(left, sizeof left, "--%s[=%s", o->name, o->argument + 1);
		else
			snprintf(left, sizeof left, "--%s=%s", o->name, o->argument);
		row(cli, left, o->doc);
	}
}

void help_print(const struct cli *cli, const struct command *command, char **names, int depth)
{
	printf("%sUsage:%s latchkeyctl", cli_colour(cli, BOLD), cli_colour(cli, PLAIN));
	for (int i = 0; i < depth; i++)
		printf(" %s", names[i]);
	printf(" [OPTION...]%s%s\n\n", *command->synopsis ? " " : "", command->synopsis);
	cli_wrap(cli, 0, command->doc);
	if (command->more) {
		putchar('\n');
		cli_wrap(cli, 0, command->more);
	}
	if (command->sub) {
		printf("\n%sCommands:%s\n", cli_colour(cli, BOLD), cli_colour(cli, PLAIN));
		for (const struct command *c = command->sub; c->name; c++) {
			char left[64];

			snprintf(left, sizeof left, "%s%s%s", c->name, *c->synopsis ? " " : "",
				 c->synopsis);
			row(cli, left, c->doc);
		}
	}
	print_options(cli, command->options | OPTIONS_OF_ALL);
}

/* ---- completion ---------------------------------------------------------------------------- */

/* What the service knows.  Without one there is nothing to offer, and nothing to say. */
static void candidates_of_objects(const char *interface, const char *property, const char *prefix)
{
	AUTO_STRUCT(client) client = NULL;
	struct client_error error = { 0 };
	json_t *object;
	size_t i;

	if (client_open(&client, &error) != DONE)
		return;

	AUTO(json_t) objects = client_objects(client, interface, &error);

	json_array_foreach(objects, i, object)
		cli_offer(json_string_value(json_object_get(object, property)), prefix);
}

static void candidates(enum words_kind kind, const char *prefix)
{
	static const char *const levels[] = { "error", "warning", "notice", "info", "debug" };

	switch (kind) {
	case WORDS_PORTS:
		candidates_of_objects(IFACE_PORT, "Interface", prefix);
		return;
	case WORDS_CREDENTIALS:
		candidates_of_objects(IFACE_CREDENTIAL, "Name", prefix);
		return;
	case WORDS_LEVELS:
		for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++)
			cli_offer(levels[i], prefix);
		return;
	case WORDS_NONE:
	case WORDS_FILES: /* the shell knows them better: nothing is its sign to look itself */
		return;
	}
}

static void candidates_of_options(const struct command *command, const char *prefix)
{
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const char *argument = option_rows[i].argument;
		char text[64];

		if (!((command->options | OPTIONS_OF_ALL) >> i & 1))
			continue;
		snprintf(text, sizeof text, "--%s%s", option_rows[i].name,
			 argument && *argument != '[' ? "=" : "");
		cli_offer(text, prefix);
	}
}

enum exit_status complete_print(const struct cli *cli, char **words, int count)
{
	const char *prefix = count > 0 ? words[count - 1] : "";
	int used, arguments = 0;
	const struct command *command;

	(void)cli;
	if (count == 0)
		return DONE;
	command = command_find(&root_command, words, count - 1, &used);
	for (int i = used; i < count - 1; i++)
		arguments += words[i][0] != '-';
	if (prefix[0] == '-')
		candidates_of_options(command, prefix);
	else if (command->sub && arguments == 0)
		for (const struct command *c = command->sub; c->name; c++)
			cli_offer(c->name, prefix);
	else if (command->most < 0 || arguments < command->most)
		candidates(arguments == 0 ? command->first : command->others, prefix);
	return DONE;
}
