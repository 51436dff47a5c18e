#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "config/ini.h"

#define WAIT_DEFAULT 60

/* ---- the command line ---------------------------------------------------------------------- */

static enum exit_status usage(const struct cli *cli, const char *what, const char *why,
			      const char *command)
{
	char next[160];

	snprintf(next, sizeof next, "See `latchkeyctl %s%s--help`.", command, *command ? " " : "");
	return cli_fail(cli, USAGE, what, why, next);
}

static bool parse_number(const char *text, long least, long most, long *ret)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(text, &end, 10);
	if (errno || *end || end == text || n < least || n > most)
		return false;
	*ret = n;
	return true;
}

static bool take_option(struct cli *cli, enum option_id id, const char *value)
{
	long n = WAIT_DEFAULT;

	switch (id) {
	case OPTION_HELP:
		cli->help = true;
		return true;
	case OPTION_JSON:
		cli->json = true;
		return true;
	case OPTION_WAIT:
		if (value && !parse_number(value, 0, INT_MAX / 1000, &n))
			return false;
		cli->wait = (int)n;
		return true;
	case OPTION_VERSION:
		cli->version = true;
		return true;
	case OPTION_CONFIG:
		cli->config = value;
		return true;
	case OPTION_KEYSTORE:
		cli->keystore = value;
		return true;
	case OPTION_PASSPHRASE_FILE:
		cli->passphrase_file = value;
		return true;
	case OPTION_KEY:
		cli->key = value;
		return true;
	case OPTION_KEY_URI:
		cli->key_uri = value;
		return true;
	case OPTION_OUTPUT:
		cli->output = value;
		return true;
	case OPTION_SECRET:
		cli->secret = true;
		return true;
	case OPTION_TOKEN:
		cli->token = value;
		return true;
	case OPTION_TOKEN_FILE:
		cli->token_file = value;
		return true;
	case OPTION_FACTORY:
		cli->factory = value;
		return true;
	case OPTION_NAME:
		cli->name = value;
		return true;
	case OPTION_PROFILE:
		cli->profile = value;
		return true;
	case OPTION_COUNT:
		break;
	}
	return false;
}

/* Options may stand anywhere.  DONE, or what was said about the first that is wrong; *ret_given has
 * a bit for each that was there. */
static enum exit_status parse_options(struct cli *cli, int argc, char **argv, unsigned *ret_given)
{
	struct option options[OPTION_COUNT + 1] = { 0 };
	int found;

	for (int i = 0; i < OPTION_COUNT; i++) {
		const char *argument = option_rows[i].argument;

		options[i] = (struct option){ option_rows[i].name, no_argument, NULL, i };
		if (argument)
			options[i].has_arg =
				*argument == '[' ? optional_argument : required_argument;
	}
	opterr = 0;
	*ret_given = 0;
	while ((found = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		if (found == 'h')
			found = OPTION_HELP;
		if (found == ':')
			return usage(cli, argv[optind - 1], "this option needs a value", "");
		if (found == '?')
			return usage(cli, argv[optind - 1], "there is no such option", "");
		if (!take_option(cli, (enum option_id)found, optarg))
			return usage(cli, optarg, "this is not a number that the option takes", "");
		*ret_given |= 1u << found;
	}
	return DONE;
}

static enum exit_status refuse_command(const struct cli *cli, const struct command *group,
				       const char *word, const char *names)
{
	const char *candidates[32];
	const char *near;
	char why[160];
	size_t count = 0;

	for (const struct command *c = group->sub; c->name && count < 32; c++)
		candidates[count++] = c->name;
	near = ini_nearest(word, candidates, count);
	snprintf(why, sizeof why,
		 near ? "there is no such command; did you mean %s?" : "there is no such command",
		 near);
	return usage(cli, word, why, names);
}

static enum exit_status refuse_option(const struct cli *cli, unsigned wrong, const char *names)
{
	char what[64];
	int id = 0;

	while (!(wrong >> id & 1))
		id++;
	snprintf(what, sizeof what, "--%s", option_rows[id].name);
	return usage(cli, what, "this command has no such option", names);
}

/* "credentials import", for messages. */
static const char *join(char **words, int count, char *buffer, size_t size)
{
	size_t len = 0;

	buffer[0] = '\0';
	for (int i = 0; i < count && len < size; i++)
		len += (size_t)snprintf(buffer + len, size - len, "%s%s", i ? " " : "", words[i]);
	return buffer;
}

static enum exit_status run(struct cli *cli, int argc, char **argv)
{
	const struct command *command;
	char names[128];
	unsigned given;
	enum exit_status status = parse_options(cli, argc, argv, &given);
	int used;

	if (status != DONE)
		return status;

	char **words = argv + optind;
	int count = argc - optind;

	command = command_find(&root_command, words, count, &used);
	join(words, used, names, sizeof names);
	cli->args = words + used;
	cli->count = count - used;
	if (command->sub && cli->count > 0)
		return refuse_command(cli, command, cli->args[0], names);
	if (cli->help) {
		help_print(cli, command, words, used);
		return DONE;
	}
	if (command == &root_command && cli->version)
		return cmd_version(cli);
	if (command->sub)
		return usage(cli, "nothing to do", "a command is missing", names);
	if (given & ~(command->options | OPTIONS_OF_ALL))
		return refuse_option(cli, given & ~(command->options | OPTIONS_OF_ALL), names);
	if (cli->count < command->least)
		return usage(cli, names, "an argument is missing", names);
	if (command->most >= 0 && cli->count > command->most)
		return usage(cli, cli->args[command->most], "this argument is one too many", names);
	return command->run(cli);
}

int main(int argc, char **argv)
{
	struct cli cli = { .program = "latchkeyctl", .wait = -1 };
	enum exit_status status;

	setlocale(LC_CTYPE, "");
	cli_look_at_terminal(&cli);
	if (argc > 1 && strcmp(argv[1], "--complete") == 0)
		return (int)complete_print(&cli, argv + 2, argc - 2);
	status = run(&cli, argc, argv);
	if (fflush(stdout) != 0 && status == DONE)
		status = FAILED;
	return (int)status;
}
