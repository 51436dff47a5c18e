/* The keystore: credentials by name, each with numbered generations of which one is current.
 *
 * A generation is a private key (or the URI of one that lives in a token), its certificate, chain,
 * anchors and metadata. Every change is atomic and durable: written aside, fsynced, renamed, the
 *directory fsynced; a kill at any instant leaves the old state or the new one.  Writers exclude
 *each other by a lock on the directory; readers need none.
 *
 * The directory backend (dir.c), below the keystore's own directory, mode 0700:
 *
 *	NAME/current           a symbolic link to the number of the current generation
 *	NAME/1/key.pem         PKCS#8, mode 0600; or key.uri with the URI of the key
 *	NAME/1/cert.pem chain.pem anchors.pem meta.json
 *
 * The private key is reached only through here: what a caller gets is a handle to sign with, which
 * for a URI never holds the key's octets (uri.c, OSSL_STORE). */
#ifndef KEYSTORE_KEYSTORE_H
#define KEYSTORE_KEYSTORE_H

#include "base/diagnosis.h"
#include "pki/bundle.h"
#include "pki/cert.h"
#include "tls/ssl.h"

#define KEYSTORE_NAME_MAX	 64 /* [A-Za-z0-9][A-Za-z0-9._-]* */
#define KEYSTORE_CREDENTIALS_MAX 1024
#define KEYSTORE_GENERATIONS_MAX 16 /* older ones are pruned, never the current one */

struct keystore;

/* create: make the directory if it is not there. 0 or -errno; why says what and what to do
 * (permissions too open, not a directory, not ours). */
int keystore_open(const char *path, bool create, struct keystore **ret_keystore,
		  struct diagnosis *why);
void keystore_free(struct keystore *keystore);
DEFINE_AUTO_STRUCT(keystore);

/* What a list shows; no key is opened for it. */
struct credential_info {
	char name[KEYSTORE_NAME_MAX + 1];
	unsigned generation, generations; /* the current one's number, how many there are */
	char key_uri[256];		  /* empty when the key is a file */
	int64_t imported;
	struct cert_info cert;
	size_t chain_length, anchor_count;
	struct diagnosis problem; /* DIAG_NONE, or why it cannot be used */
};

/* Calls back for each credential in the order of their names.  0 or -errno. A damaged credential is
 * listed with its problem. */
int keystore_list(struct keystore *keystore,
		  void (*found)(void *context, const struct credential_info *info), void *context);
int keystore_show(struct keystore *keystore, const char *name, struct credential_info *ret_info,
		  struct diagnosis *why);

/* A credential as it is used. */
struct credential {
	char name[KEYSTORE_NAME_MAX + 1];
	unsigned generation;
	EVP_PKEY *key; /* a handle to sign with */
	X509 *cert;
	STACK_OF(X509) * chain, *anchors;
};

/* Opens the current generation.  0 or -errno with a diagnosis: credential-missing, key-unreadable
 * (mode, owner, URI without a provider), key-mismatch. */
int keystore_get(struct keystore *keystore, const char *name, struct credential **ret_credential,
		 struct diagnosis *why);
void credential_free(struct credential *credential);
DEFINE_AUTO_STRUCT(credential);

/* Stores a bundle as a new generation and makes it current; the credential is made if it is new.
 * key_uri: NULL, or the key's place, when the bundle has no key. */
int keystore_put(struct keystore *keystore, const char *name, const struct bundle *bundle,
		 const char *key_uri, unsigned *ret_generation, struct diagnosis *why);
/* Makes an older generation current again. */
int keystore_select(struct keystore *keystore, const char *name, unsigned generation,
		    struct diagnosis *why);
int keystore_remove(struct keystore *keystore, const char *name, struct diagnosis *why);

/* The public parts of the current generation as PEM: certificate, chain. */
int keystore_export(struct keystore *keystore, const char *name, struct bytes *ret_pem,
		    struct diagnosis *why);

bool keystore_name_valid(const char *name);

#endif
