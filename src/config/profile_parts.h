/* What the files of a profile share: profile.c reads and chooses, profile_keys.c has the table,
 * profile_inner.c what goes with a tunnel. */
#ifndef CONFIG_PROFILE_PARTS_H
#define CONFIG_PROFILE_PARTS_H

#include "config/profile.h"

/* [Inner] and the method fit each other. */
void profile_check_inner(const struct profile *profile, const struct ini_lines *lines,
			 struct ini_errors *errors);
/* A password is in a file that is its owner's alone.  0 or -errno with an error. */
int profile_check_private(const struct profile *profile, struct ini_errors *errors);

#endif
