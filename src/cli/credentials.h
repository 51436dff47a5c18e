/* `latchkeyctl credentials`: on the keystore's directory itself, whether the service runs or not.
 */
#ifndef CLI_CREDENTIALS_H
#define CLI_CREDENTIALS_H

#include "cli/command.h"
#include "keystore/keystore.h"

/* Opens the keystore that the command line or the configuration names; says what went wrong. */
enum exit_status credentials_open(const struct cli *cli, bool create,
				  struct keystore **ret_keystore);
/* error: a negative errno. Says what went wrong. */
enum exit_status credentials_fail(const struct cli *cli, const char *verb, const char *name,
				  int error, const struct diagnosis *why);

/* As an object, with the names that a Credential has on D-Bus. */
json_t *credentials_json(const struct credential_info *info);
/* What export does with --secret. */
enum exit_status credentials_export_secret(const struct cli *cli);
void credentials_print(const struct cli *cli, const struct credential_info *info);

#endif
