/* Where the peer of an enrolment puts what it gets: the keystore, as a method sees it.
 *
 * A table, because a method has no files: the service has one over its keystore (and, behind a URI,
 * over a token or TPM), tests have one whose every step can fail.  The order is that of
 * doc/cprom.md, "Installing": new_key, then put, which is durable when it returns, then activate.
 * What was not activated is dropped by abandon; nothing that was current before is touched until
 * activate.  A key whose conversation was cut off is neither: a certificate may have been issued
 * for it, and its token be spent, so that the next new_key of this credential may be the same one;
 * and what was put before the cut may still be activated.
 */
#ifndef ENROL_STORE_H
#define ENROL_STORE_H

#include "base/diagnosis.h"
#include "enrol/protocol.h"

struct enrol_store {
	/* A new key, or the one of a conversation that was cut off, as a new generation of this
	 * credential; a handle to sign with.  OK, CRYPTO (it
	 * could not be made) or UNEXPECTED (storage) with the reason. */
	CHECKED enum status (*new_key)(void *self, const char *credential,
				       const struct enrol_params *params, EVP_PKEY **ret_key,
				       struct diagnosis *why);
	/* The rest of the generation whose key new_key has made (or, without one, all of it):
	 * certificate, chain, anchors, or user name and secret.  Durable. */
	CHECKED enum status (*put)(void *self, const char *credential,
				   const struct enrol_result *result, struct diagnosis *why);
	/* It becomes what the next authentication uses. */
	CHECKED enum status (*activate)(void *self, const char *credential, struct diagnosis *why);
	/* The old one goes (action remove). */
	CHECKED enum status (*remove)(void *self, const char *credential, struct diagnosis *why);
	/* refused: one side has said no; else the conversation was cut off. */
	void (*abandon)(void *self, const char *credential, bool refused);
};

/* A table with its value; the method frees neither. */
struct enrol_store_ref {
	const struct enrol_store *store;
	void *self;
};

#endif
