/* What a shell offers: conf/completion asks, with the words so far, the last of them begun. */
#include <stdio.h>
#include <string.h>

#include "authd/command.h"
#include "console/output.h"

static void offer_options(const struct option *options, const char *prefix)
{
	for (; options->name; options++) {
		char text[64];

		snprintf(text, sizeof text, "--%s%s", options->name,
			 options->has_arg == required_argument ? "=" : "");
		cli_offer(text, prefix);
	}
}

/* What may stand behind a command. */
static void offer_arguments(const struct command_options *options, const char *command,
			    const char *prefix)
{
	if (strcmp(command, "audit") == 0)
		cli_offer("verify", prefix);
	command_enroll_offer(command, cli_offer, prefix);
	if (strcmp(command, "disconnect") != 0 && strcmp(command, "reauth") != 0)
		return;

	AUTO(json_t) sessions = command_sessions(options);
	json_t *session;
	size_t i;

	json_array_foreach(sessions, i, session)
	{
		cli_offer(json_string_value(json_object_get(session, "session")), prefix);
		cli_offer(json_string_value(json_object_get(session, "station")), prefix);
	}
}

void command_complete(const struct command_options *options, const struct option *known,
		      char **words, int count)
{
	const char *prefix = count > 0 ? words[count - 1] : "", *command = NULL;

	for (int i = 0; i + 1 < count && !command; i++)
		command = words[i][0] == '-' ? NULL : words[i];
	if (prefix[0] == '-')
		offer_options(known, prefix);
	else if (command)
		offer_arguments(options, command, prefix);
	else
		for (const struct command *c = commands; c->name; c++)
			cli_offer(c->name, prefix);
}
