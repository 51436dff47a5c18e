/* What the parts of the authority (ca_*.c) share. */
#ifndef ENROL_CA_PARTS_H
#define ENROL_CA_PARTS_H

#include "enrol/ca.h"

#define CA_RSA_BITS_MAX 4096

/* ca_keys.c */
bool ca_takes_key(const struct ca_profile *profile, const EVP_PKEY *key);
void ca_key_text(const EVP_PKEY *key, char *buffer, size_t size); /* "P-256", for people */
const EVP_MD *ca_digest(const EVP_PKEY *key); /* to sign with; NULL: the key has its own */

/* ca_issue.c: what all certificates of ours have in common. */
struct ca_draft {
	EVP_PKEY *key; /* that is certified */
	const X509_NAME *subject;
	X509 *issuer; /* NULL: itself */
	int64_t not_before, not_after;
};
/* Version 3, a serial number, names, dates, key, and the two key identifiers. */
CHECKED enum status ca_draft(const struct ca_draft *what, X509 **ret_cert);
bool ca_add(X509 *cert, int nid, void *value, bool critical);
/* Bits as in KU_... */
bool ca_add_key_usage(X509 *cert, unsigned bits);
bool ca_add_basic(X509 *cert, int path_length); /* negative: not an authority */
/* Where lists and OCSP of the issuer are; either may be NULL. */
bool ca_add_places(X509 *cert, const char *crl_url, const char *ocsp_url);
bool ca_sign(X509 *cert, EVP_PKEY *key);
AUTHORITY_KEYID *ca_key_id_of(const X509 *issuer); /* NULL: without memory, or it has none */
/* CRYPTO, with the reason. */
enum status ca_failed(struct diagnosis *why, const char *what);

#endif
