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
 *	NAME/proved            another, to the one that is gone back to if the current one,
 *	                       which is new, does not prove itself
 *	NAME/1/key.pem         PKCS#8, mode 0600; or key.uri with the URI of the key
 *	NAME/1/cert.pem chain.pem anchors.pem meta.json
 *	NAME/1/username secret of what is no certificate, in place of those before meta.json
 *	NAME/.pending/         a generation to be: at first its key alone
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

enum credential_kind {
	CREDENTIAL_CERTIFICATE, /* a key and its certificate */
	CREDENTIAL_PASSWORD,	/* a user name and a password */
	CREDENTIAL_SYMMETRIC,	/* a key that both ends have; the user name is its id */
};

const char *credential_kind_name(enum credential_kind kind); /* "certificate"; static */

#define KEYSTORE_USERNAME_MAX 253
#define KEYSTORE_SECRET_MAX   1024

/* What a list shows; no key is opened for it. */
struct credential_info {
	char name[KEYSTORE_NAME_MAX + 1];
	enum credential_kind kind;
	const char *kind_name; /* static */
	unsigned proved; /* the generation that is gone back to; 0: the current one is not on trial
			  */
	char username[KEYSTORE_USERNAME_MAX + 1]; /* of what is no certificate */
	unsigned generation, generations;	  /* the current one's number, how many there are */
	char key_uri[256];			  /* empty when the key is a file */
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

/* What is no certificate. */
struct credential_secret {
	enum credential_kind kind;
	unsigned generation;
	char username[KEYSTORE_USERNAME_MAX + 1];
	struct secret secret;
};
static inline void credential_secret_done(struct credential_secret *credential)
{
	secret_done(&credential->secret);
}

/* Likewise of this; credential-unusable when it is a certificate. */
int keystore_get_secret(struct keystore *keystore, const char *name,
			struct credential_secret *ret_secret, struct diagnosis *why);

/* Stores a bundle as a new generation and makes it current, for good: what was on trial is so no
 * longer.  The credential is made if it is new.
 * key_uri: NULL, or the key's place, when the bundle has no key. */
int keystore_put(struct keystore *keystore, const char *name, const struct bundle *bundle,
		 const char *key_uri, unsigned *ret_generation, struct diagnosis *why);
/* Makes an older generation current again, for good likewise. */
int keystore_select(struct keystore *keystore, const char *name, unsigned generation,
		    struct diagnosis *why);
int keystore_remove(struct keystore *keystore, const char *name, struct diagnosis *why);

/* The public parts of the current generation as PEM: certificate, chain. */
int keystore_export(struct keystore *keystore, const char *name, struct bytes *ret_pem,
		    struct diagnosis *why);

/* ---- a generation that is made while another is in use: enrolment and renewal ----
 *
 * begin writes the key, finish what came for it; then it is there, and not used.  try makes it
 * current and remembers the one before it, until settle (it has opened a port) or fall_back (it did
 * not).  Each is atomic and durable, and a kill or a power cut at any instant leaves a current
 * generation where there was one.  A credential that is new has none, and is missing to every
 * reader, until try. */

/* Exactly one of key and key_uri.  What was begun before for this credential is dropped.  0 or
 * -errno. */
int keystore_begin(struct keystore *keystore, const char *name, const EVP_PKEY *key,
		   const char *key_uri, struct diagnosis *why);

/* The key that was begun with and not finished, to go on with: a server that has issued something
 * for it, and could not say so any more, says it again for the same key, and for no other.  0,
 * -ENODEV when there is none, or -errno. */
int keystore_begun(struct keystore *keystore, const char *name, EVP_PKEY **ret_key,
		   struct diagnosis *why);

/* What an enrolment has brought: a certificate, for the key that was begun with; or a user name and
 * a secret, which need no beginning. */
struct keystore_parts {
	enum credential_kind kind;
	X509 *cert;
	const STACK_OF(X509) * chain, *anchors; /* may be NULL */
	const char *username;
	struct slice secret;
};
int keystore_finish(struct keystore *keystore, const char *name, const struct keystore_parts *parts,
		    unsigned *ret_generation, struct diagnosis *why);

/* Drops what was begun and not finished; nothing of it there is no error. */
int keystore_abandon(struct keystore *keystore, const char *name, struct diagnosis *why);

int keystore_try(struct keystore *keystore, const char *name, unsigned generation,
		 struct diagnosis *why);
/* The current generation is right; if it is another by now, nothing happens. */
int keystore_settle(struct keystore *keystore, const char *name, unsigned generation,
		    struct diagnosis *why);
/* *ret_generation: which one is current again; 0: none was remembered, nothing has changed. */
int keystore_fall_back(struct keystore *keystore, const char *name, unsigned *ret_generation,
		       struct diagnosis *why);

/* Drops a generation that was finished and not taken into use: somebody has found it bad.  0 or
 * -errno; not the current one, nor the one that a trial would go back to. */
int keystore_discard(struct keystore *keystore, const char *name, unsigned generation,
		     struct diagnosis *why);

/* After a crash: drops what cannot be gone on with (keystore_begun), and takes into use what was
 * finished for a credential that has no current generation, for the token it has cost may be spent.
 * Goes on after one that is damaged. */
int keystore_recover(struct keystore *keystore, struct diagnosis *why);

bool keystore_name_valid(const char *name);

#endif
