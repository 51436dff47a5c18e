#include "authd/command.h"

#include <stddef.h>

const struct command commands[] = {
	{ "run", "", "serve, in the foreground, logging to standard error", command_run },
	{ "check", "", "say what a start would find wrong, and start nothing", command_check },
	{ NULL, NULL, NULL, NULL },
};
