/* Profiles that are armed. */
#ifndef TESTS_UNIT_ARM_RIG_H
#define TESTS_UNIT_ARM_RIG_H

#include "config/arm.h"
#include "tests/pki.h"
#include "tests/unit/scratch.h"

/* A keystore with one credential, an authority in a file, and a profile that uses both. */
struct rig {
	struct scratch dir;
	struct keystore *keystore;
	struct pki_cert ca, client;
};

#define USUAL "TrustAnchor=@/ca.pem\nServerName=radius.example.org\n"

struct rig rig_make(void);
void rig_done(struct rig *rig);
/* Into a file, and into the keystore. */
void put_cert(struct rig *rig, const char *name, const X509 *cert);
void put_credential(struct rig *rig, const char *name, const struct pki_cert *made);

/* server: the text from the [Server] section on, in which "@/" stands for the directory. */
struct profile *profile_of(const struct rig *rig, const char *credential, const char *server);
struct armed *arm(struct rig *rig, const char *credential, const char *server, int64_t now,
		  struct diagnosis *why);
/* At PKI_NOW, and nothing is wrong. */
struct armed *arm_well(struct rig *rig, const char *server);

#endif
