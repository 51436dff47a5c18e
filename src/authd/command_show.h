/* What the service answers, for people. */
#ifndef AUTHD_COMMAND_SHOW_H
#define AUTHD_COMMAND_SHOW_H

#include "console/output.h"

/* The result of a command of the control socket, by its name. */
void command_show(const struct cli *cli, const char *name, const json_t *result);

/* Asks the service: DONE and the result, or what was said about why not. */
struct command_options;
enum exit_status command_ask(const struct cli *cli, const struct command_options *options,
			     const char *what, const json_t *request, json_t **ret_result);

#endif
