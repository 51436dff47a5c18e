/* What ca_keeper.c and ca_keeper_rollover.c make authorities of. */
#ifndef AUTHD_CA_KEEPER_PARTS_H
#define AUTHD_CA_KEEPER_PARTS_H

#include "authd/ca_keeper.h"

/* A credential to be stored; uri: where its key lives, which is not stored then.  Up to two
 * certificates each; NULL is left out. */
struct ca_parts {
	EVP_PKEY *key;
	const char *uri;
	X509 *cert, *chain[2], *anchors[2];
};

/* Each returns 0 or -errno with *why. */

/* This error; detail, unless *why says something already. */
int ca_keeper_fail(struct diagnosis *why, int error, const char *detail);
/* A new key, or the one that lives elsewhere. */
int ca_keeper_key(const struct ca_order *order, const char *uri, EVP_PKEY **ret_key,
		  struct diagnosis *why);
/* A certificate for this key by the authority above it; NULL: by itself, a root's. */
int ca_keeper_authority(const char *name, const char *organization, EVP_PKEY *key,
			const struct credential *above, int64_t now, X509 **ret_cert,
			struct diagnosis *why);
int ca_keeper_put(struct ca_keeper *keeper, const char *name, const struct ca_parts *parts,
		  struct diagnosis *why);
/* Whether it is there; what is damaged is there too. */
bool ca_keeper_has(struct ca_keeper *keeper, const char *name);

#endif
