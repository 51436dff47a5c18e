/* What the files that make an arming share. */
#ifndef AUTHD_ARM_PARTS_H
#define AUTHD_ARM_PARTS_H

#include <errno.h>

#include "authd/arm.h"
#include "config/files.h"

/* *why as it is, or with this detail.  -EINVAL. */
static inline int arming_failed(struct diagnosis *why, const char *detail)
{
	if (why->id == DIAG_NONE)
		diagnosis_say(why, DIAG_INTERNAL, "%s", detail);
	return -EINVAL;
}
/* authority is ours, or NULL. */
int arming_read_files(const struct config *config, const struct authority *authority,
		      struct files *anchors, struct files *crls, struct diagnosis *why);
int arming_make_trust(const struct config *config, const struct files *anchors,
		      const struct files *crls, struct trust **ret_trust, struct diagnosis *why);
/* One that a server can use; *why may hold a warning.  0 or -errno. */
int arming_open_credential(const struct config *config, const char *name, int64_t now,
			   struct credential **ret_credential, struct diagnosis *why);
/* Of sessions, seconds. */
uint32_t arming_lifetime(const struct authd_settings *settings);
bool arming_hash(EVP_MD_CTX *md, struct slice in);
bool arming_hash_files(EVP_MD_CTX *md, const struct files *files);

#endif
