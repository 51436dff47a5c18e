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

/* What the files of a generation hold.  Everything is borrowed. */
struct content {
	enum credential_kind kind;
	const EVP_PKEY *key; /* of a certificate: this or its URI */
	const char *key_uri;
	X509 *cert;
	const STACK_OF(X509) * chain, *anchors;
	const char *username; /* of a password */
	struct slice secret;  /* of a password or symmetric key */
};

/* Makes a directory with all files of a generation, complete and on the disk. */
int change_write(const struct keystore *keystore, int at, const char *name,
		 const struct content *content, struct diagnosis *why);
/* The key alone, and all the rest, of a generation that is written in two steps.  The directory is
 * not brought to the disk. */
int change_write_key(const struct keystore *keystore, int fd, const struct content *content,
		     struct diagnosis *why);
int change_write_rest(const struct keystore *keystore, int fd, const struct content *content,
		      struct diagnosis *why);

/* All generations; -ENODEV when this one is not among them. */
int change_listed(int credential_fd, const char *name, unsigned number, struct generations *ret_all,
		  struct diagnosis *why);
/* The target of a link in a credential's directory, as a number; 0: there is no such link. */
int change_number(int credential_fd, const char *link, unsigned *ret_number, struct diagnosis *why);
int change_current(int credential_fd, unsigned number, struct diagnosis *why);
/* The generation to go back to, if the current one does not prove itself (dir_enrol.c). */
#define PROVED	   "proved"
#define NEW_PROVED ".proved"
/* A generation goes, at once for all readers. */
int change_condemn(int credential_fd, unsigned number, struct diagnosis *why);
/* Old ones beyond the ceiling, but neither the current nor the proved one.  What cannot be removed
 * now is removed the next time. */
void change_prune(int credential_fd);

#endif
