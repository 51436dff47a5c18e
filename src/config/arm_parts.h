/* What the files of arming share: arm.c has all of it, arm_inner.c what runs inside of a tunnel,
 * arm_enrol.c what an enrolment is run with.  int: 0 or -errno, with the reason in *why. */
#ifndef CONFIG_ARM_PARTS_H
#define CONFIG_ARM_PARTS_H

#include "config/arm.h"
#include "config/files.h"

/* Completes *why, and returns -EINVAL. */
int arm_failed(struct diagnosis *why, const struct profile *profile, const char *detail);

/* The time at which a certificate of our own is judged: ClockPolicy= counts for it as for the
 * server's, so that what came while the clock was right can be used before it is again. */
int64_t arm_own_time(const struct profile *profile, const X509 *cert, int64_t now);

/* Name and password of a tunnel's inside; nothing where there is no tunnel.  account: what the
 * keystore has for it; NULL: it is missing yet. */
int arm_inner(struct armed *armed, const struct profile *profile,
	      const struct credential_secret *account, const struct mschap *mschap,
	      struct diagnosis *why);

/* The files of a trust policy. */
struct arm_files {
	struct files anchors, crls;
};
void arm_files_done(struct arm_files *files);
int arm_read_files(const struct profile *profile, struct arm_files *files, struct diagnosis *why);
/* What came with a credential is believed beside what the profile names, if it enrolls. */
int arm_add_delivered(const struct profile *profile, const struct credential *credential,
		      struct arm_files *files, struct diagnosis *why);
/* The profile itself names an authority or a pin. */
bool arm_knows_server(const struct profile *profile);
/* pin: 64 or 32 hex digits that count where the profile knows neither authority nor pin; or NULL.
 */
int arm_trust(const struct profile *profile, const struct arm_files *files, const char *pin,
	      struct trust **ret_trust, struct diagnosis *why);
/* The outer identity, by the realm of the name or of the certificate, which may be NULL. */
void arm_identity(const struct profile *profile, const X509 *cert, char *buffer, size_t size);

#endif
