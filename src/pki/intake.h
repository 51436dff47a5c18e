/* What the readers of the file formats share while one file is taken into a bundle. */
#ifndef PKI_INTAKE_H
#define PKI_INTAKE_H

#include <openssl/pkcs12.h>

#include "pki/bundle.h"

/* A passphrase becomes a key by repeating a hash; the file says how often.  This is for one file,
 * all that is encrypted in it together: seconds, not years. */
#define INTAKE_ITERATIONS_MAX 3000000

/* PEM_BUFSIZE of the crypto library, less its NUL. */
#define INTAKE_PASSPHRASE_MAX 1023

struct intake {
	struct bundle *to;
	const struct secret *passphrase; /* NULL if none was given */
	bool encrypted;			 /* something is, and would need one */
	uint64_t iterations;		 /* spent so far */
	struct diagnosis *why;
};

/* All that the file holds goes to in->to: the key, the certificates (as its chain, in no order). */
CHECKED enum status intake_file(struct intake *in, struct slice file);
CHECKED enum status intake_key(struct intake *in, EVP_PKEY *key);  /* takes a reference */
CHECKED enum status intake_cert(struct intake *in, X509 *cert);	   /* takes a reference */
CHECKED enum status intake_pkcs12(struct intake *in, PKCS12 *p12); /* pkcs12.c */

/* decrypt.c.  The object of the given type that was encrypted with a passphrase (PKCS#5 and the
 * schemes of PKCS#12): PKCS#8 keys and the contents of PKCS#12 alike. */
CHECKED enum status intake_decrypt(struct intake *in, struct slice passphrase,
				   const X509_ALGOR *scheme, const ASN1_OCTET_STRING *sealed,
				   const ASN1_ITEM *type, void **ret_object);
CHECKED enum status intake_spend(struct intake *in, const ASN1_INTEGER *iterations);
CHECKED enum status intake_passphrase_wrong(struct intake *in);
CHECKED enum status intake_passphrase_missing(struct intake *in);

/* Why the crypto library could not decrypt, from its queue of errors, which is then empty. */
enum opening { OPENED, WRONG_PASSPHRASE, NO_CIPHER, DAMAGED };
enum opening intake_why_not(void);

/* Fills DIAG_CREDENTIAL_UNUSABLE; returns status. */
enum status unusable(struct diagnosis *why, enum status status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
