/* Where the enrolments of a service put what they get: struct enrol_store over the keystore.
 *
 * One shelf for one enrolment at a time, of one port.  The key that new_key makes is written to the
 * keystore at once and kept here for the conversation; put completes the generation and activate
 * makes it the one that is used, on trial (keystore.h).  The old anchors of a network that brings
 * new ones are kept with them until they expire, so that a roll-over has an overlap. */
#ifndef SERVICE_KEY_SHELF_H
#define SERVICE_KEY_SHELF_H

#include "enrol/store.h"
#include "keystore/keystore.h"

struct key_shelf {
	struct keystore *keystore;
	const char *wanted;  /* the kind of key, where the server leaves it open: "P-256",
				"RSA-3072";  NULL: P-256 */
	int64_t now;	     /* set before each step of the conversation; seconds since 1970 */
	unsigned generation; /* that put has completed; 0: none */
	char pending[KEYSTORE_NAME_MAX + 1]; /* the credential that new_key was for; "": none */
};

extern const struct enrol_store key_shelf_store; /* self is a struct key_shelf */

/* Which key: what the parameters of the server demand, else what is wanted.  "P-256", "P-384",
 * "P-521", "RSA-2048", "RSA-3072", "RSA-4096", "Ed25519"; NULL: not one that we make. */
const char *key_shelf_kind(const struct enrol_params *params, const char *wanted);

#endif
