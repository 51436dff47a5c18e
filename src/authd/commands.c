#include "authd/command.h"

#include <stddef.h>

const struct command commands[] = {
	{ "run", "", "serve, in the foreground, logging to standard error", command_run },
	{ "check", "", "say what a start would find wrong, and start nothing", command_check },
	{ "status", "", "show how the service is", command_look },
	{ "sessions", "", "list the machines that are let in", command_look },
	{ "clients", "", "list the RADIUS clients, with what they have asked", command_look },
	{ "servers", "", "list the RADIUS servers that are asked", command_look },
	{ "ports", "", "list the ports that are guarded", command_look },
	{ "workers", "", "list the threads that do the work", command_look },
	{ "counters", "", "show what was counted", command_look },
	{ "machines", "[LIMIT]", "list the machines that were ever let in", command_recorded },
	{ "disconnect", "TARGET", "end the session of this name, or those of a MAC address",
	  command_act },
	{ "reauth", "TARGET", "the same, but have them authenticate anew", command_act },
	{ "reload", "", "read the configuration anew", command_reload },
	{ "audit", "[LIMIT|verify]", "show the audit trail, or find out if it is whole",
	  command_recorded },
	{ NULL, NULL, NULL, NULL },
};
