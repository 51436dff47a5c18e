/* What `latchkey-authd` can be told to do: a row for each word.
 *
 * `run` is the service; all others look, or talk to the service over its control socket. */
#ifndef AUTHD_COMMAND_H
#define AUTHD_COMMAND_H

#include <getopt.h>
#include <jansson.h>
#include <stdbool.h>

#include "base/diagnosis.h"

struct command_options {
	const char *config_path;
	int log_level; /* -1: as configured */
	const char *user;
	const char *socket; /* of the service; NULL: as configured */
	bool sandbox, json, help;
};

struct command {
	const char *name, *arguments; /* "disconnect", "TARGET" */
	const char *help;	      /* a line */
	const char *doc;	      /* what the manual adds, as in struct ini_key; may be empty */
	/* argv[0] is the command's name.  Returns the exit status: 0 done, 1 failed, 2 wrongly
	 * called, 3 not allowed, 4 there is no service (enum exit_status in console/output.h). */
	int (*run)(const struct command_options *options, int argc, char **argv);
};

/* Ends with a NULL name; the first is what is done without any word. */
extern const struct command commands[];

int command_run(const struct command_options *options, int argc, char **argv);
int command_check(const struct command_options *options, int argc, char **argv);
int command_ca(const struct command_options *options, int argc, char **argv);
/* The installed configuration is looked at with the eyes of the service's user: root can read what
 * the service cannot, and what is written is to be the service's.  0 or -errno. */
int command_as_service(const struct command_options *options, struct diagnosis *why);
/* Those that talk to the service: command_control.c. */
int command_look(const struct command_options *options, int argc, char **argv);
int command_recorded(const struct command_options *options, int argc, char **argv);
int command_act(const struct command_options *options, int argc, char **argv);
int command_reload(const struct command_options *options, int argc, char **argv);
/* token, machine, account: command_enroll.c. */
int command_enroll(const struct command_options *options, int argc, char **argv);
void command_enroll_offer(const char *noun, void (*offer)(const char *word, const char *prefix),
			  const char *prefix);
/* What the service has, for completion; NULL when it cannot be asked. */
json_t *command_sessions(const struct command_options *options);

/* Prints what the last of the words, which has begun, may become: complete.c. */
void command_complete(const struct command_options *options, const struct option *known,
		      char **words, int count);

#endif
