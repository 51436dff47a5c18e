/* What the files of arming share: arm.c has all of it, arm_inner.c what runs inside of a tunnel. */
#ifndef CONFIG_ARM_PARTS_H
#define CONFIG_ARM_PARTS_H

#include "config/arm.h"

/* Completes *why, and returns -EINVAL. */
int arm_failed(struct diagnosis *why, const struct profile *profile, const char *detail);

/* Name and password of a tunnel's inside; nothing where there is no tunnel. */
int arm_inner(struct armed *armed, const struct profile *profile, const struct mschap *mschap,
	      struct diagnosis *why);

#endif
