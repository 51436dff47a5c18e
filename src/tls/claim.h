/* What a client's certificate claims, as exact facts for policy.
 *
 * A claim is made from the certificate in a full handshake, and comes back out of the session when
 * that is resumed, so that policy can be asked again at every authentication.  It is one row of
 * octets, the same in both cases; all members point into it.  That row travels inside of a session
 * ticket, so it is parsed as hostile input. */
#ifndef TLS_CLAIM_H
#define TLS_CLAIM_H

#include "base/bytes.h"
#include "tls/cert.h"

/* What a claim may take in a session.  A certificate with more to say is not resumed. */
#define TLS_CLAIM_RESUMED_MAX 4096

struct tls_claim {
	bool resumed;
	int64_t authenticated; /* the full handshake, seconds since 1970 */
	int64_t not_before, not_after;
	struct slice subject, issuer;	      /* RFC 2253, printable UTF-8, without a NUL */
	struct slice subject_der, issuer_der; /* X.501 Name */
	struct slice serial;		      /* content octets of the INTEGER, at least one */
	struct slice fingerprint;	      /* SHA-256 of the certificate */
	struct slice spki;		      /* SHA-256 of its SubjectPublicKeyInfo */
	struct slice names;  /* GeneralNames in DER, or empty: see tls_claim_name */
	struct slice usages; /* see tls_claim_usage; empty: any */

	/* The authorities above it, as far as a resumption has to look at them again. */
	int64_t path_not_after; /* when the first of them expires */
	struct slice path;	/* see tls_claim_authority; empty: the certificate is an anchor */

	/* Of a full handshake alone, to ask a responder with (RFC 6960), or to renew it; else
	 * all are empty. */
	struct slice certificate,
		issuer_certificate; /* DER; no issuer: the certificate is an anchor */
	struct slice ocsp_url;	    /* the first of its AIA; empty: none */
};

/* subjectAltName, RFC 5280, section 4.2.1.6. */
enum tls_name_kind { TLS_NAME_EMAIL, TLS_NAME_DNS, TLS_NAME_URI, TLS_NAME_IP, TLS_NAME_UPN };
struct tls_name {
	enum tls_name_kind kind;
	struct slice value; /* text as it stands in the certificate (not checked, may hold a NUL);
			       of an IP address its 4 or 16 octets */
};

/* The next subjectAltName of these kinds; *at is 0 to begin.  False at the end. */
bool tls_claim_name(const struct tls_claim *claim, size_t *at, struct tls_name *ret_name);
/* The next extended key usage: content octets of its OBJECT IDENTIFIER.  False at the end. */
bool tls_claim_usage(const struct tls_claim *claim, size_t *at, struct slice *ret_oid);

/* The next authority of the path, the anchor last: of its certificate the issuer (X.501 Name) and
 * the serial number (content octets).  False at the end. */
bool tls_claim_authority(const struct tls_claim *claim, size_t *at, struct slice *ret_issuer,
			 struct slice *ret_serial);

/* The row of a certificate that was accepted at this time, by this path, which begins with it and
 * ends in its anchor; NULL: it is an anchor. */
CHECKED enum status tls_claim_build(const X509 *cert, const STACK_OF(X509) * path,
				    int64_t authenticated, struct bytes *ret_row);
/* The members are good for as long as the row is. MALFORMED when it is no such row. */
CHECKED enum status tls_claim_parse(struct slice row, struct tls_claim *ret_claim);

/* Peer-Id, RFC 5216, section 5.2: as tls_conn_peer_id has it on the other side. */
CHECKED enum status tls_claim_identity(const struct tls_claim *claim, struct bytes *ret_id);

#endif
