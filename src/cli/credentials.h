/* latchkeyctl credentials: works on the keystore itself, and tells the service afterwards. */
#ifndef CLI_CREDENTIALS_H
#define CLI_CREDENTIALS_H

#include "cli/cli.h"

enum exit_status cmd_credentials_list(const struct cli *cli);
enum exit_status cmd_credentials_show(const struct cli *cli);	/* NAME */
enum exit_status cmd_credentials_import(const struct cli *cli); /* NAME FILE... */
enum exit_status cmd_credentials_export(const struct cli *cli); /* NAME */
enum exit_status cmd_credentials_select(const struct cli *cli); /* NAME --generation=N */
enum exit_status cmd_credentials_remove(const struct cli *cli); /* NAME */

#endif
