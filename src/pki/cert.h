/* What there is to say about one certificate. */
#ifndef PKI_CERT_H
#define PKI_CERT_H

#include "base/diagnosis.h"
#include "tls/ssl.h"

#define CERT_TEXT_MAX DIAGNOSIS_VALUE_MAX

struct cert_info {
	char subject[CERT_TEXT_MAX]; /* RFC 2253 style, printable */
	char issuer[CERT_TEXT_MAX];
	char names[CERT_TEXT_MAX]; /* subjectAltNames, "DNS:a, email:b"; empty if none */
	char serial[64];	   /* hex */
	char key[32];		   /* "RSA-2048", "P-256", "Ed25519" */
	char fingerprint[65];	   /* SHA-256 of the DER, hex */
	char spki[65];		   /* SHA-256 of the SubjectPublicKeyInfo, hex: what a pin is */
	int64_t not_before, not_after;
};

void cert_info_of(const X509 *cert, struct cert_info *ret_info);
int64_t cert_time(const ASN1_TIME *time); /* seconds since 1970; 0 if it does not parse */

/* Our own certificate before it is used: dates (now), client EKU, key fits, the chain leads from
 * leaf to a certificate whose issuer is not there or is an anchor.  OK with *why DIAG_NONE, or OK
 * with a reduced one (chain-incomplete, expiring), or a status with the reason. warn_before:
 * seconds, 0 for never. */
CHECKED enum status cert_check_own(X509 *cert, EVP_PKEY *key, STACK_OF(X509) * chain,
				   const char *credential, int64_t now, int64_t warn_before,
				   struct diagnosis *why);

/* The NAI realm in a certificate's subjectAltName (UPN or rfc822Name, RFC 7542), for an anonymous
 * outer identity; false when there is none. */
bool cert_realm(const X509 *cert, char *buffer, size_t size);

#endif
