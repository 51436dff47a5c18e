/* Certificates for tests, made in memory as they are needed.
 *
 * A pki_cert is a certificate with its key.  What a test does not say has a sensible default: a
 * server's or client's certificate with a P-256 key, valid for a year around PKI_NOW.  Nothing here
 * fails: what cannot be made ends the program. */
#ifndef TESTS_PKI_H
#define TESTS_PKI_H

#include "base/bytes.h"
#include "tls/ssl.h"

#define PKI_NOW	 INT64_C(1800000000) /* 2027-01-15T08:00:00Z */
#define PKI_DAY	 INT64_C(86400)
#define PKI_YEAR (365 * PKI_DAY)

struct pki_cert {
	EVP_PKEY *key;
	X509 *cert;
};

struct pki_spec {
	const char *cn; /* NULL: an empty subject */
	size_t cn_len;	/* 0: cn ends in its NUL */
	bool ca;	/* basicConstraints and keyUsage of an authority */

	/* Extensions as in openssl-x509v3_config(5); NULL leaves one out.  For names with octets
	 * that cannot be written there, raw_dns is one dNSName. */
	const char *sans; /* "DNS:a.example,email:x@example,otherName:1.2.3;UTF8:x" */
	struct slice raw_dns;
	const char *eku;	 /* "serverAuth,clientAuth" */
	const char *key_usage;	 /* "critical,digitalSignature" */
	const char *basic;	 /* "critical,CA:TRUE,pathlen:0", in place of what ca gives */
	const char *constraints; /* nameConstraints: "permitted;DNS:example.org" */
	const char *access;	 /* authorityInfoAccess: "OCSP;URI:http://127.0.0.1/" */
	size_t padding;		 /* octets of a private extension, to make a certificate large */

	const char *key_type; /* "RSA-2048" (any size), "P-256" and so on, "Ed25519" */
	EVP_PKEY *key;	      /* this key instead of a new one; a reference is taken */
	const char *digest;   /* of the signature; NULL: SHA256, or what the key demands */
	int64_t from, until;  /* 0 and 0: half a year before and after PKI_NOW */
	long serial;	      /* 0: a random one */
};

/* issuer NULL: self-signed. */
struct pki_cert pki_make(const struct pki_spec *spec, const struct pki_cert *issuer);
void pki_cert_done(struct pki_cert *made);

/* The usual cast: an authority, and a server's certificate for one DNS name. */
struct pki_cert pki_ca(const char *cn);
struct pki_cert pki_intermediate(const char *cn, const struct pki_cert *issuer);
struct pki_cert pki_server(const char *dns, const struct pki_cert *issuer);
struct pki_cert pki_client(const char *cn, const struct pki_cert *issuer);

EVP_PKEY *pki_key(const char *type);

/* The NULL-terminated arguments in their order; each gets a reference. */
STACK_OF(X509) * pki_chain(X509 *first, ...) __attribute__((sentinel));

/* Encodings; the caller owns them. */
struct bytes pki_pem(const X509 *cert); /* of one certificate; append for several */
struct bytes pki_der(const X509 *cert);
struct bytes pki_key_pem(const EVP_PKEY *key, const char *passphrase); /* PKCS#8; NULL: clear */
struct bytes pki_key_der(const EVP_PKEY *key);
struct bytes pki_pkcs12(const struct pki_cert *made, STACK_OF(X509) * chain,
			const char *passphrase);
void pki_write(const char *path, struct slice content, int mode);

/* A revocation list: the certificates that are NULL-terminated in revoked (which may be NULL). */
struct bytes pki_crl(const struct pki_cert *issuer, X509 *const *revoked, int64_t from,
		     int64_t until);

struct pki_ocsp_spec {
	const X509 *about;
	const struct pki_cert *issuer; /* of the certificate that it is about */
	const struct pki_cert *signer; /* NULL: the issuer; its certificate is sent along */
	int status;		       /* V_OCSP_CERTSTATUS_… */
	int64_t from, until;	       /* 0: an hour before, a day after PKI_NOW */
};
struct bytes pki_ocsp(const struct pki_ocsp_spec *spec);

#endif
