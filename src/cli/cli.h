/* latchkeyctl: what its commands share.
 *
 * One table (main.c) says what commands and options there are; it parses the command line, and
 * makes the help and the completion.  A command answers with its exit status, and says what it has
 * to say as console/output.h tells; the keys of its JSON are the names that the properties have on
 * D-Bus. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "console/output.h"

/* The end of a command that has changed the keystore: tells a service that runs to read its files
 * anew (one that does not run is no error), and with --json prints the result, one value, to which
 * it adds what went wrong. */
enum exit_status cli_reload(const struct cli *cli, json_t *result);

#endif
