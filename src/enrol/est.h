/* What the two ends of EST have in common: CSR attributes (RFC 7030, section 4.5.2, RFC 9908), and
 * what links a request to its tunnel. */
#ifndef ENROL_EST_H
#define ENROL_EST_H

#include "enrol/protocol.h"

#define EST_TYPE_REQUEST "application/pkcs10"
#define EST_TYPE_CERTS	 "application/pkcs7-mime"
#define EST_TYPE_ATTRS	 "application/csrattrs"

/* What a server may ask of a request, as far as it concerns us. */
struct est_attributes {
	bool challenge;	     /* the challengePassword: linked to the tunnel */
	bool curves, rsa;    /* the key is to be of ... */
	struct slice curve;  /* ... this one: the content of its object identifier */
	uint32_t rsa_length; /* bits; 0: any */
};
/* DER of CsrAttrs; what is not known is skipped.  MALFORMED. */
CHECKED enum status est_attributes_read(struct slice der, struct est_attributes *ret_attributes);
/* oid: DER of a curve's object identifier, may be empty.  An empty result: nothing is asked for. */
CHECKED enum status est_attributes_build(bool challenge, struct slice oid, struct bytes *ret_der);
/* Is it of a kind that was asked for? */
bool est_key_fits(const struct est_attributes *attributes, const EVP_PKEY *key);

/* The challengePassword for a tunnel: base64 of its binding (RFC 7030, section 3.5; the binding is
 * CPROM's E in place of tls-unique, which TLS 1.3 does not have). */
CHECKED enum status est_challenge(struct slice binding, struct bytes *ret_text);

#endif
