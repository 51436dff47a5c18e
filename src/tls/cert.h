/* What there is to say about one certificate.
 *
 * All text that comes out of here is for people: printable, cut to its size, whatever the
 * certificate holds.  Decisions are made on the certificate, never on these texts. */
#ifndef TLS_CERT_H
#define TLS_CERT_H

#include "base/diagnosis.h"
#include "tls/ssl.h"

#define CERT_TEXT_MAX DIAGNOSIS_VALUE_MAX
#define CERT_HASH_LEN 32 /* SHA-256 */

struct cert_info {
	char subject[CERT_TEXT_MAX]; /* RFC 2253 style */
	char issuer[CERT_TEXT_MAX];
	char names[CERT_TEXT_MAX]; /* subjectAltNames, "DNS:a, email:b"; empty if none */
	char serial[64];	   /* hex */
	char key[32];		   /* "RSA-2048", "P-256", "Ed25519" */
	char fingerprint[65];	   /* SHA-256 of the DER, hex */
	char spki[65];		   /* SHA-256 of the SubjectPublicKeyInfo, hex: what a pin is */
	int64_t not_before, not_after;
};

void cert_info_of(const X509 *cert, struct cert_info *ret_info);
/* Some of these alone, for where all of them would be too slow. */
void cert_hex(struct slice octets, char *buffer, size_t size); /* cut to its size */
void cert_name(const X509_NAME *name, char *buffer, size_t size);
void cert_subject(const X509 *cert, char *buffer, size_t size);
void cert_fingerprint(const X509 *cert, char *buffer, size_t size);
int64_t cert_time(const ASN1_TIME *time); /* seconds since 1970; 0 if it does not parse */
bool cert_spki_hash(const X509 *cert, uint8_t ret_hash[CERT_HASH_LEN]);

/* Its DER, after what is in to; MALFORMED, and nothing done, when that passes the ceiling. */
CHECKED enum status cert_append_der(struct bytes *to, const X509 *cert, size_t ceiling);

enum cert_role { CERT_SERVER, CERT_CLIENT };

/* May it be used so, by its key usage and extended key usage?  Those that are absent allow all.
 * For both roles id-kp-eapOverLAN (RFC 4334) and anyExtendedKeyUsage (RFC 5216, section 5.3) do.
 * Answers NULL, or what is wrong, static. */
const char *cert_misuse(const X509 *cert, enum cert_role role);

/* Its extended key usage names a server outright: serverAuth or id-kp-eapOverLAN. */
bool cert_is_server(const X509 *cert);

/* The NAI realm in a certificate's subjectAltName (UPN or rfc822Name, RFC 7542), for an anonymous
 * outer identity; false when there is none. */
bool cert_realm(const X509 *cert, char *buffer, size_t size);

#endif
