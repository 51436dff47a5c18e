/* What the files of a profile share: profile.c reads and chooses, profile_keys.c has the table,
 * profile_inner.c what goes with a tunnel. */
#ifndef CONFIG_PROFILE_PARTS_H
#define CONFIG_PROFILE_PARTS_H

#include "config/profile.h"

/* A profile that was read is looked at as a whole. */
struct profile_check {
	const struct profile *profile;
	const struct ini_lines *lines;
	struct ini_errors *errors;
};

#define profile_wrong(c, key, ...)                                                                 \
	ini_errors_add_key((c)->errors, (c)->profile->path, &profile_table, (c)->lines, key,       \
			   __VA_ARGS__)

/* [Inner] and the method fit each other. */
void profile_check_inner(const struct profile_check *check);
/* A password is in a file that is its owner's alone, a token in one that is closed to others.  0 or
 * -errno with an error. */
int profile_check_private(const struct profile *profile, struct ini_errors *errors);

#endif
