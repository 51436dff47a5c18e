/* Proofs of possession in CPROM: of a token in phase one, of a new credential in phase three.
 *
 * Every proof is bound to the tunnel that carries it by E, 32 octets of its TLS exporter
 * (eap/tunnel.h), so that it is worth nothing in another, and begins with octets that no other
 * protocol signs, so that a challenge cannot be somebody else's handshake.  doc/cprom.md, "Proofs",
 * has the layouts; tests/vectors/cprom-proofs.txt has values. */
#ifndef ENROL_PROOF_H
#define ENROL_PROOF_H

#include "base/bytes.h"
#include "eap/tunnel.h"
#include "tls/ssl.h"

/* Challenge types: 1 and 2 are the draft's, without E; the others are ours. */
enum proof_type {
	PROOF_BARE_SIGNATURE = 1,
	PROOF_BARE_HASH = 2,
	PROOF_TOKEN = 200,
	PROOF_SIGNATURE = 201,
	PROOF_HMAC = 202,
};

#define PROOF_CHALLENGE_SIZE 32 /* what we send */
#define PROOF_CHALLENGE_MIN  16 /* what we take */
#define PROOF_CHALLENGE_MAX  64
#define PROOF_HASH_SIZE	     32
#define PROOF_SIGNATURE_MAX  2048 /* with its AlgorithmIdentifier */

/* What is proved to whom: E, the challenge, and the id of the token or credential (of a certificate
 * token its value). */
struct proof_about {
	struct slice binding, challenge, id;
};

/* Token Type 200: HMAC-SHA-256(secret, "CPROM token v1" || 0 || E || challenge || id).  MALFORMED
 * for a binding or challenge of a wrong size. */
CHECKED enum status proof_token(const struct proof_about *about, struct slice secret,
				uint8_t ret_proof[PROOF_HASH_SIZE]);
/* Compares in constant time.  UNTRUSTED when it is not the one. */
CHECKED enum status proof_token_check(const struct proof_about *about, struct slice secret,
				      struct slice proof);

/* Token Type 4: a signature by the key of the token's first certificate.  Layout as
 * proof_sign's. */
CHECKED enum status proof_token_sign(const struct proof_about *about, EVP_PKEY *key,
				     struct bytes *ret_proof);
CHECKED enum status proof_token_verify(const struct proof_about *about, EVP_PKEY *key,
				       struct slice proof);

/* Phase three: by PROOF_SIGNATURE or PROOF_BARE_SIGNATURE with a key, AlgorithmIdentifier and BIT
 * STRING in DER; by PROOF_HMAC or PROOF_BARE_HASH with a secret, 32 octets.  UNSUPPORTED when type
 * and means do not fit. */
CHECKED enum status proof_sign(enum proof_type type, const struct proof_about *about, EVP_PKEY *key,
			       struct bytes *ret_proof);
CHECKED enum status proof_verify(enum proof_type type, const struct proof_about *about,
				 EVP_PKEY *key, struct slice proof);
CHECKED enum status proof_mac(enum proof_type type, const struct proof_about *about,
			      struct slice secret, uint8_t ret_proof[PROOF_HASH_SIZE]);
CHECKED enum status proof_mac_check(enum proof_type type, const struct proof_about *about,
				    struct slice secret, struct slice proof);

/* The id of a certificate as a credential: SHA-256 of its DER. */
CHECKED enum status proof_certificate_id(const X509 *cert, uint8_t ret_id[PROOF_HASH_SIZE]);

#endif
