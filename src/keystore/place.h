/* Files and directories that nobody else can reach.
 *
 * Everything is done below a directory that is held open, one name at a time and never through a
 * symbolic link, so that whoever can write there cannot lead us elsewhere.  What is read must
 * belong to the keystore's owner (or root) and be closed to everybody else.  What is written is on
 * the disk when the call returns.
 *
 * All return 0 or -errno; on failure the "detail" of the diagnosis says what and why. */
#ifndef KEYSTORE_PLACE_H
#define KEYSTORE_PLACE_H

#include <sys/types.h>

#include "base/diagnosis.h"

struct place_owner {
	uid_t user;
	gid_t group;
};

/* A private file is for its owner alone; another may be read, but not written, by others. */
enum place_privacy { PLACE_PUBLIC, PLACE_PRIVATE };

int place_open(int at, const char *name, const struct place_owner *owner, int *ret_fd,
	       struct diagnosis *why);
int place_make(int at, const char *name, const struct place_owner *owner, int *ret_fd,
	       struct diagnosis *why);
/* Everything below name, and name. What is not there is fine. */
int place_remove(int at, const char *name, struct diagnosis *why);
int place_sync(int fd, struct diagnosis *why);
/* Moves a finished name to its place; nothing may be there, unless it is a link. */
int place_rename(int at, const char *from, int to_at, const char *to, struct diagnosis *why);

/* -ENOENT when it is not there. */
int place_read(int at, const char *name, const struct place_owner *owner,
	       enum place_privacy privacy, size_t max, struct secret *ret_content,
	       struct diagnosis *why);
/* The same checks, without reading. */
int place_check(int at, const char *name, const struct place_owner *owner,
		enum place_privacy privacy, struct diagnosis *why);
int place_write(int at, const char *name, const struct place_owner *owner,
		enum place_privacy privacy, struct slice content, struct diagnosis *why);

int place_read_link(int at, const char *name, char *buffer, size_t size, struct diagnosis *why);
/* Replaces a link at once: whoever reads it sees the old target or the new one. */
int place_link(int at, const char *name, const char *temporary, const char *target,
	       struct diagnosis *why);

/* Calls back for each name but . and .. until one call is not 0, and returns that. */
int place_each(int at, int (*found)(void *context, const char *name), void *context,
	       struct diagnosis *why);

/* The checks of a directory that is open. */
int place_check_dir(int fd, const char *name, const struct place_owner *owner,
		    struct diagnosis *why);
/* Fills detail: "NAME: what went wrong". Returns -error. */
int place_failed(struct diagnosis *why, int error, const char *name);

void place_close(int *fd); /* harmless when it is negative */
#define AUTO_FD __attribute__((cleanup(place_close))) int

#endif
