/* EAP Extensions, type 33, and their TLVs, as PEAPv0 uses them (draft-kamath-pppext-peapv0-00,
 * section 2), with Microsoft's Crypto-Binding TLV ([MS-PEAP], sections 2.2.8.1.1 and 3.1.5.5). */
#ifndef METHOD_PEAP_TLV_H
#define METHOD_PEAP_TLV_H

#include "base/bytes.h"

#define EAP_TYPE_EXTENSIONS 33

#define PEAP_NONCE_SIZE	  32
#define PEAP_MAC_SIZE	  20
#define PEAP_BINDING_SIZE 56 /* the value of the TLV */
#define PEAP_TK_SIZE	  60 /* of the tunnel's key material: its first octets */
#define PEAP_ISK_SIZE	  32
#define PEAP_CSK_SIZE	  128

enum peap_result { PEAP_RESULT_NONE, PEAP_RESULT_SUCCESS, PEAP_RESULT_FAILURE };
enum peap_binding_kind { PEAP_BINDING_REQUEST = 0, PEAP_BINDING_RESPONSE = 1 };

struct peap_binding {
	uint8_t version, received_version; /* of PEAP: ours, and what the other end offered */
	uint8_t kind;			   /* enum peap_binding_kind */
	uint8_t nonce[PEAP_NONCE_SIZE];
	uint8_t mac[PEAP_MAC_SIZE];
};

/* The TLVs of one message. */
struct peap_extensions {
	enum peap_result result;
	bool bound; /* there is a Crypto-Binding TLV */
	struct peap_binding binding;
	bool unknown; /* a mandatory TLV that is not known, which the NAK TLV would answer */
};

/* What follows the type in a packet of type 33.  MALFORMED where a length does not fit, a TLV comes
 * twice, or a Result or Crypto-Binding is not what it should be. */
CHECKED enum status peap_extensions_parse(struct slice in, struct peap_extensions *out);
/* Likewise; a binding is written with its mac. */
void peap_extensions_build(struct wr *w, const struct peap_extensions *extensions);

/* ---- inner packets ---- */

/* PEAPv0 leaves out Code, Identifier and Length of inner packets, but not those of Extensions.
 * Which one this is: true if in is a whole packet of type 33 with this code. */
bool peap_inner_is_whole(struct slice in, uint8_t code);

/* ---- keys ---- */

struct peap_keys {
	uint8_t ipmk[40], cmk[20];
};

/* isk NULL: a resumed session with nothing inside, whose keys are those of the tunnel alone.  An
 * inner method without a key has an isk of zeros.  CRYPTO if HMAC fails. */
CHECKED enum status peap_keys_derive(const uint8_t tk[PEAP_TK_SIZE], const uint8_t *isk,
				     struct peap_keys *ret_keys);
/* The MAC of a Crypto-Binding TLV, whatever its mac is. */
CHECKED enum status peap_binding_mac(const struct peap_keys *keys,
				     const struct peap_binding *binding,
				     uint8_t mac[PEAP_MAC_SIZE]);
/* MSK and EMSK, when there was crypto-binding. */
CHECKED enum status peap_session_keys(const struct peap_keys *keys, uint8_t csk[PEAP_CSK_SIZE]);

#endif
