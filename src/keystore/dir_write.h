/* What all that change a directory keystore share (dir_change.c, dir_enrol.c).
 *
 * All return 0 or -errno; the diagnosis has been begun by change_begin. */
#ifndef KEYSTORE_DIR_WRITE_H
#define KEYSTORE_DIR_WRITE_H

#include "keystore/dir.h"

/* None is a valid name, of a credential or of a generation. */
#define UNFINISHED  ".new"
#define CONDEMNED   ".gone"
#define NEW_CURRENT ".current"

/* Locks until *ret_lock is closed, cleans up after those who were killed, and counts the
 * credentials. */
int change_begin(const struct keystore *keystore, const char *name, int *ret_lock,
		 size_t *ret_credentials, struct diagnosis *why);
int change_leftovers(int at, struct diagnosis *why);

/* The directory of one credential; -ENODEV: there is none. */
int change_open(const struct keystore *keystore, const char *name, int *ret_fd,
		struct diagnosis *why);

/* Makes a directory with all files of a generation, complete and on the disk. */
int change_write(const struct keystore *keystore, int at, const char *name,
		 const struct bundle *bundle, const char *key_uri, struct diagnosis *why);

int change_current(int credential_fd, unsigned number, struct diagnosis *why);
/* Old ones beyond the ceiling.  What cannot be removed now is removed the next time. */
void change_prune(int credential_fd, struct generations *all, unsigned current);

#endif
