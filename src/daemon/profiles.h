/* All profiles as the service uses them: each armed, or with the reason why it cannot be. */
#ifndef DAEMON_PROFILES_H
#define DAEMON_PROFILES_H

#include "config/arm.h"
#include "config/service.h"
#include "dbus/model.h"
#include "drivers/link.h"

struct profile_entry {
	char name[PROFILE_NAME_MAX + 1];
	struct profile *profile;  /* for matching; the armed one's if there is one */
	char *refused;		  /* instead of a profile, the path of a file with errors */
	struct armed *armed;	  /* NULL when it cannot be used */
	struct diagnosis problem; /* then: why */
};

struct profile_set;

/* 0 or -errno.  Files that do not parse are shown, and match nothing; their errors are in *errors.
 */
int profile_set_load(const char *directory, struct keystore *keystore, const struct mschap *mschap,
		     int64_t now, const struct service_config *config, struct profile_set **ret_set,
		     struct ini_errors *errors);
void profile_set_free(struct profile_set *set);

size_t profile_set_count(const struct profile_set *set);
const struct profile_entry *profile_set_entry(const struct profile_set *set, size_t i);

/* The highest priority that fits; NULL if none does. One that cannot be used still fits: it is not
 * silently replaced by another. */
const struct profile_entry *profile_set_match(const struct profile_set *set,
					      const struct link_info *link);

void profile_entry_view(const struct profile_entry *entry, struct profile_view *ret_view);

#endif
