/* A profile made ready to be used: credential opened, anchors and lists read, TLS configuration
 * built.
 *
 * A profile with [Enroll] whose credential is missing or has expired is armed without one: its
 * ports can enrol, and nothing else.
 *
 * Everything that can go wrong before a frame is sent goes wrong here, with a diagnosis;
 * `latchkeyctl check` and the service call the same function.  What comes out is immutable,
 * counted, and shared by all ports of the profile. */
#ifndef CONFIG_ARM_H
#define CONFIG_ARM_H

#include "config/profile.h"
#include "keystore/keystore.h"
#include "method/mschap.h"
#include "method/teap_peer.h"

#define EAP_IDENTITY_BUFFER 254

struct armed {
	unsigned references;
	struct profile *profile; /* owned */
	/* False: there is no credential that can be used, which `warning` says, and an enrolment is
	 * to get one.  Then there is no TLS either. */
	bool ready;
	struct tls_config *tls; /* of the method; with a tunnel, of the tunnel */
	/* What runs inside of a tunnel, of [Inner] and [Inner2]. */
	struct armed_inner {
		struct tls_config *tls; /* of EAP-TLS; NULL: something else */
		struct secret password;
		const struct mschap *mschap; /* borrowed; NULL: it needs none */
		char identity[EAP_IDENTITY_BUFFER];
	} inner, inner2;

	char identity[EAP_IDENTITY_BUFFER]; /* the outer identity */
	/* "" if there is none, as with a password; the one to be had if it is not ready. */
	char credential[KEYSTORE_NAME_MAX + 1];
	unsigned generation;
	struct cert_info certificate; /* ours */
	struct diagnosis warning;     /* chain incomplete, expires soon; DIAG_NONE otherwise */
	uint8_t digest[32];	      /* of every input: settings, credential, anchors, lists */
	uint8_t settings[32];	      /* of all of these but credentials */
};

/* Takes the profile over on success. 0 or -errno with *why. warn_before in seconds.  mschap
 * outlives what is armed; NULL: there is none on this machine, and profiles that need it cannot be
 * armed. */
int profile_arm(struct profile *profile, struct keystore *keystore, const struct mschap *mschap,
		int64_t now, int64_t warn_before, struct armed **ret_armed, struct diagnosis *why);
struct armed *armed_ref(struct armed *armed);
void armed_free(struct armed *armed); /* drops one reference */
DEFINE_AUTO_STRUCT(armed);

/* The method of the profile, for a port; the value borrows from armed.  0 or -ENOMEM. */
int armed_method(const struct armed *armed, struct eap_peer_offer *ret_offer);

/* The account of [Inner] as TEAP's peer proves it; borrows from armed, but for the inner peer,
 * which is the caller's. */
CHECKED enum status armed_teap_identity(const struct armed *armed,
					struct teap_peer_identity *ret_identity);

/* The same inputs: a port may stay authenticated across a reload. */
bool armed_same(const struct armed *a, const struct armed *b);
/* Likewise but for credentials: it may go on with another generation. */
bool armed_same_settings(const struct armed *a, const struct armed *b);

#endif
