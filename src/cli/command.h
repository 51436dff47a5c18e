/* The table of commands and options, from which the command line is parsed, and help and completion
 * are printed. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stddef.h>

#include "cli/cli.h"

enum option_id {
	OPTION_HELP,
	OPTION_JSON,
	OPTION_WAIT,
	OPTION_CONFIG,
	OPTION_KEYSTORE,
	OPTION_PASSPHRASE_FILE,
	OPTION_KEY,
	OPTION_KEY_URI,
	OPTION_OUTPUT,
	OPTION_SECRET,
	OPTION_TOKEN,
	OPTION_TOKEN_FILE,
	OPTION_FACTORY,
	OPTION_NAME,
	OPTION_PROFILE,
	OPTION_VERSION,
	OPTION_COUNT
};

/* What the words of an argument are, for completion. */
enum words_kind {
	WORDS_NONE,
	WORDS_PORTS,
	WORDS_CREDENTIALS,
	WORDS_LEVELS,
	WORDS_FILES,
};

struct option_row {
	const char *name;     /* without the dashes */
	const char *argument; /* "FILE", "[SECONDS]" if it may be left out, or NULL */
	enum words_kind words;
	const char *doc;
};

struct command {
	const char *name;
	const char *synopsis; /* of its arguments */
	int least, most;      /* how many there may be; most -1: any number */
	enum words_kind first, others;
	unsigned options; /* a bit for each option, besides those that all have */
	const char *doc;  /* a line */
	const char *more; /* a paragraph, or NULL */
	enum exit_status (*run)(const struct cli *cli);
	const struct command *sub; /* ends with a row without a name */
};

/* The options that every command has. */
#define OPTIONS_OF_ALL (1u << OPTION_HELP | 1u << OPTION_JSON | 1u << OPTION_CONFIG)

extern const struct option_row option_rows[OPTION_COUNT];
extern const struct command root_command;

/* The command that the words lead to; *ret_used says how many of them were names of commands. */
const struct command *command_find(const struct command *from, char **words, int count,
				   int *ret_used);

void help_print(const struct cli *cli, const struct command *command, char **names, int depth);
/* Candidates for the last of the words, one on each line. */
enum exit_status complete_print(const struct cli *cli, char **words, int count);

/* The commands. */
enum exit_status cmd_status(const struct cli *cli);
enum exit_status cmd_list(const struct cli *cli);
enum exit_status cmd_connect(const struct cli *cli);
enum exit_status cmd_disconnect(const struct cli *cli);
enum exit_status cmd_reauth(const struct cli *cli);
enum exit_status cmd_enroll(const struct cli *cli);
enum exit_status cmd_renew(const struct cli *cli);
enum exit_status cmd_monitor(const struct cli *cli);
enum exit_status cmd_profiles(const struct cli *cli);
enum exit_status cmd_credentials_list(const struct cli *cli);
enum exit_status cmd_credentials_show(const struct cli *cli);
enum exit_status cmd_credentials_import(const struct cli *cli);
enum exit_status cmd_credentials_export(const struct cli *cli);
enum exit_status cmd_credentials_remove(const struct cli *cli);
enum exit_status cmd_check(const struct cli *cli);
enum exit_status cmd_diagnose(const struct cli *cli);
enum exit_status cmd_log_level(const struct cli *cli);
enum exit_status cmd_version(const struct cli *cli);

#endif
