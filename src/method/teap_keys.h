/* TEAP's keys and its Crypto-Binding TLV, the same at both ends: RFC 9930, section 6 (section 5 of
 * its last draft), and section 4.2.13.
 *
 * Two chains of keys are kept, one from the MSKs of the inner methods and one from their EMSKs,
 * both beginning with session_key_seed.  Each inner method that succeeds makes a link of each; of
 * the EMSK chain none if it has no EMSK.  Where the text can be read in two ways:
 * - A Crypto-Binding without any inner method has the CMK of an all-zero IMSK, but makes no link
 *   (section 5.4: "generated directly from the session_key_seed").
 * - A method without any key makes a link, from zeros; if there were none but such, the MSK is
 *   generated from session_key_seed, likewise.
 * - Which chain the MSK comes from is told by the peer's last Crypto-Binding.
 * The formulas of RFC 9427, section 2.2, are not used: RFC 9930 takes them back. */
#ifndef METHOD_TEAP_KEYS_H
#define METHOD_TEAP_KEYS_H

#include "eap/keys.h"
#include "eap/packet.h"
#include "method/teap_tlv.h"
#include "tls/engine.h"

#define TEAP_SIMCK_SIZE 40
#define TEAP_CMK_SIZE	20
#define TEAP_IMSK_SIZE	32

/* Whether the EMSK Compound-MAC is sent and looked at.  The best-known supplicant never sends and
 * always ignores it (RFC 9930, section 5.1). */
enum teap_emsk_policy {
	TEAP_EMSK_IGNORED,
	TEAP_EMSK_ALLOWED,  /* sent where there is an EMSK, checked where it was sent */
	TEAP_EMSK_REQUIRED, /* of every inner method */
};

struct teap_chain {
	uint8_t s_imck[TEAP_SIMCK_SIZE], cmk[TEAP_CMK_SIZE];
};

struct teap_keys {
	struct tls_hashes hashes;
	uint8_t seed[TEAP_SIMCK_SIZE];
	struct teap_chain msk, emsk;
	unsigned methods; /* that have succeeded */
	bool keyed;	  /* one of them had a key */
	bool has_emsk;	  /* the last one */
	bool from_emsk;	  /* what the peer's last Crypto-Binding chose */
};

/* From a finished connection, or from what it gives. */
CHECKED enum status teap_keys_begin(struct teap_keys *k, const struct tls_conn *conn);
CHECKED enum status teap_keys_seed(struct teap_keys *k, const struct tls_hashes *hashes,
				   const uint8_t seed[TEAP_SIMCK_SIZE]);
/* An inner method has succeeded, of this type, with these keys; NULL or empty: it has none.  Of
 * EAP-MSCHAPv2 the halves of the MSK are swapped (section 3.6.4). */
CHECKED enum status teap_keys_add(struct teap_keys *k, struct eap_type type,
				  const struct eap_keys *inner);
/* MSK and EMSK.  What *keys holds after a failure is to be wiped. */
CHECKED enum status teap_keys_derive(const struct teap_keys *k, struct eap_keys *keys);
void teap_keys_done(struct teap_keys *k); /* wipes */

/* The Outer TLVs of the first message of each side, as they went over the wire. */
struct teap_outer {
	struct slice server, peer;
};

/* The 20 octets over a Crypto-Binding TLV whose MACs count as zeros, by the key of this chain. */
CHECKED enum status teap_compound_mac(const struct teap_keys *k, const struct teap_chain *chain,
				      const struct teap_outer *outer, struct slice tlv,
				      uint8_t mac[TEAP_MAC_SIZE]);

/* Writes the server's request, with a nonce of its own. */
CHECKED enum status teap_binding_request(const struct teap_keys *k, enum teap_emsk_policy policy,
					 const struct teap_outer *outer, struct wr *w,
					 uint8_t ret_nonce[TEAP_NONCE_SIZE]);
/* Writes the peer's answer to a request that was found good, and chooses the chain. */
CHECKED enum status teap_binding_response(struct teap_keys *k, enum teap_emsk_policy policy,
					  const struct teap_outer *outer,
					  const struct teap_crypto_binding *request, struct wr *w);

/* TEAP_NO_ERROR if it is good, else what to tell the other side.  The server's check of a response
 * takes the nonce of its request, and chooses the chain. */
enum teap_error teap_binding_check_request(const struct teap_keys *k, enum teap_emsk_policy policy,
					   const struct teap_outer *outer,
					   const struct teap_crypto_binding *binding);
enum teap_error teap_binding_check_response(struct teap_keys *k, enum teap_emsk_policy policy,
					    const struct teap_outer *outer,
					    const struct teap_crypto_binding *binding,
					    const uint8_t nonce[TEAP_NONCE_SIZE]);

#endif
