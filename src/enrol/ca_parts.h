/* What the parts of the authority (ca_*.c) share. */
#ifndef ENROL_CA_PARTS_H
#define ENROL_CA_PARTS_H

#include "enrol/ca.h"

#define CA_RSA_BITS_MAX 4096

/* ca_keys.c */
bool ca_takes_key(const struct ca_profile *profile, const EVP_PKEY *key);
void ca_key_text(const EVP_PKEY *key, char *buffer, size_t size); /* "P-256", for people */
const EVP_MD *ca_digest(const EVP_PKEY *key); /* to sign with; NULL: the key has its own */

#endif
