/* What makes and rolls our own authority over, in the keystore: `latchkey-authd ca`.
 *
 * Works on the keystore alone, whether the service runs or not.  Every step leaves a keystore that
 * the service can use; what was interrupted is taken up where it stopped.
 *
 *	ROOT          the root; beside it, after a roll-over, the old root's certificate by the new
 *	ISSUING       the issuing authority; chain: the new root by the old one; anchors: both roots
 *	ROOT.old, ISSUING.old   those before the roll-over
 *	SERVER        the certificate of this server, with the chain that machines need */
#ifndef AUTHD_CA_KEEPER_H
#define AUTHD_CA_KEEPER_H

#include "authd/authority.h"

#define CA_ROOT_YEARS	 20
#define CA_ISSUING_YEARS 10
#define CA_SERVER_DAYS	 397
#define CA_DEFAULT_KEY	 "P-256"

/* What a command says; NULL: as it comes. */
struct ca_order {
	const char *name;		    /* of the organisation; names the authorities */
	const char *server;		    /* DNS name of this server */
	const char *key_type;		    /* of all new keys: ca_key_type_valid */
	const char *root_key, *issuing_key; /* URIs of keys that live elsewhere */
};

struct ca_keeper {
	struct keystore *keystore;
	/* names in the keystore */
	char root[KEYSTORE_NAME_MAX + 1], issuing[KEYSTORE_NAME_MAX + 1],
		server[KEYSTORE_NAME_MAX + 1];
	const struct authd_settings *settings;
	int64_t now;
};

/* All return 0 or -errno with *why.  keeper owns the keystore until done. */
int ca_keeper_open(const struct config *config, bool create, int64_t now,
		   struct ca_keeper *ret_keeper, struct diagnosis *why);
void ca_keeper_done(struct ca_keeper *keeper);

/* Root, issuing authority, certificate of this server.  -EEXIST when there is any of them; on
 * failure none is left behind. */
int ca_keeper_init(struct ca_keeper *keeper, const struct ca_order *order, struct diagnosis *why);
/* A new root and issuing authority.  -EBUSY while the one before overlaps. */
int ca_keeper_rollover(struct ca_keeper *keeper, const struct ca_order *order,
		       struct diagnosis *why);
/* Another certificate for this server, with a new key. */
int ca_keeper_renew(struct ca_keeper *keeper, const struct ca_order *order, struct diagnosis *why);

/* Certificates of the issuing authority, as PEM: the roots that machines are to trust, or with
 * `chain` what lies below them. */
int ca_keeper_export(struct ca_keeper *keeper, bool chain, struct bytes *ret_pem,
		     struct diagnosis *why);

#endif
