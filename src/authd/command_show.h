/* What the service answers, for people. */
#ifndef AUTHD_COMMAND_SHOW_H
#define AUTHD_COMMAND_SHOW_H

#include "console/output.h"

/* The result of a command of the control socket, by its name. */
void command_show(const struct cli *cli, const char *name, const json_t *result);

#endif
