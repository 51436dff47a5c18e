/* Certificates and keys from the files that people have: PEM, DER, PKCS#8, PKCS#12.
 *
 * Pure: octets in, objects out.  A file may hold several things in any order; the bundle sorts them
 * by looking: the certificate that fits the key is the certificate, self-signed ones are anchors,
 * the rest is the chain, leaf first. */
#ifndef PKI_BUNDLE_H
#define PKI_BUNDLE_H

#include "base/diagnosis.h"
#include "tls/ssl.h"

#define BUNDLE_FILE_MAX	 (1024 * 1024)
#define BUNDLE_CERTS_MAX 64

struct bundle {
	EVP_PKEY *key;		  /* NULL if there was none */
	X509 *cert;		  /* NULL if there was none */
	STACK_OF(X509) * chain;	  /* intermediate certificates, leaf first; never NULL after add */
	STACK_OF(X509) * anchors; /* self-signed ones; never NULL after add */
};

/* Adds what one file holds, or nothing of it on failure.  passphrase: NULL if none was given; then
 * an encrypted file is UNSUPPORTED with *ret_encrypted set, so that the caller can ask for one.  A
 * wrong one is UNTRUSTED (DIAG_PASSPHRASE_WRONG), what does not parse MALFORMED, a cipher or format
 * that we do not have UNSUPPORTED, a second key UNEXPECTED.  why is filled on failure; it names no
 * secret. */
CHECKED enum status bundle_add(struct bundle *bundle, struct slice file,
			       const struct secret *passphrase, bool *ret_encrypted,
			       struct diagnosis *why);

/* Sorts and checks: key fits certificate (DIAG_KEY_MISMATCH), algorithm and size are ones that we
 * use, and no certificate is left that belongs to neither chain nor anchors.  Without a key (it may
 * live in a token) the certificate is the one that issued none of the others. */
CHECKED enum status bundle_finish(struct bundle *bundle, struct diagnosis *why);
void bundle_done(struct bundle *bundle);

/* RSA of 2048 to 4096 bits, P-256, P-384, P-521, Ed25519; else UNSUPPORTED with the reason. */
CHECKED enum status key_check_usable(const EVP_PKEY *key, struct diagnosis *why);
/* Compares the public parts; a key that cannot be compared, as in a token, signs to prove itself.
 */
bool key_matches(const X509 *cert, EVP_PKEY *key);
/* Compares the public parts, and signs and verifies, so that a damaged private part is noticed. */
bool key_fits(const X509 *cert, EVP_PKEY *key);

#endif
