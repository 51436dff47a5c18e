/* For the fuzzers and the faults of TEAP: two ends of a tunnel over the TLS that is linked,
 * fake_tls.h or the real one, and an input as the messages that one of them says in it: an octet of
 * flags, two of length, TLVs. */
#ifndef TESTS_FUZZ_TEAP_ENDS_H
#define TESTS_FUZZ_TEAP_ENDS_H

#include "method/teap_peer.h"
#include "method/teap_server.h"

#define ENDS_BINDS 0x01 /* a Crypto-Binding that is right follows the TLVs */

struct ends {
	struct bytes certificate; /* DER, of the peer: for whoever is to be given one */
	EVP_PKEY *key;		  /* its key */
	X509 *root;
	struct tls_config *peer;
	struct tls_server_config *server;
};

/* Made at first use, for the life of the program. */
const struct ends *ends_get(void);

/* The next message of the input; false at its end.  Binding is appended by the caller. */
bool ends_say(struct rd *input, struct slice *ret_tlvs, bool *ret_binds);

/* Runs a conversation to its end and returns whether the server's method succeeded.  Questions are
 * accepted as the bits of answers say.  The keys of both, where they succeeded. */
bool ends_converse(const struct eap_server_method *method, void *context, struct tunnel_peer *peer,
		   unsigned answers, struct eap_keys *server_keys, struct eap_keys *peer_keys);

#endif
