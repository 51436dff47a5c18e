/* Where a passphrase comes from: a file, a systemd credential, the terminal; never the command line
 * or the environment, where others can see it. */
#ifndef CLI_PASSPHRASE_H
#define CLI_PASSPHRASE_H

#include "base/diagnosis.h"

/* A whole file or pipe, up to max octets: 0 or -errno (-EFBIG). */
int secret_read_file(const char *path, size_t max, struct secret *ret_content);

/* One line from the terminal without showing it.  -ENOTTY when there is none, -ECANCELED when the
 * person does not want to. */
int passphrase_prompt(const char *prompt, struct secret *ret_passphrase);

/* The first line of file, which may be NULL: what --passphrase-file names.  Otherwise
 * $CREDENTIALS_DIRECTORY/NAME if it is there, as systemd's LoadCredential= puts it.  -ENOENT when
 * neither was given. */
int passphrase_stored(const char *file, const char *name, struct secret *ret_passphrase,
		      struct diagnosis *why);

#endif
