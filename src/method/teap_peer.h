/* TEAP version 1, the peer: RFC 9930, with TLS 1.2 and 1.3.
 *
 * The server speaks first, in TLVs.  It asks for one identity after the other (machine, user), each
 * by EAP or by name and password; each success is bound to the tunnel and to those before it by a
 * Crypto-Binding TLV, which is looked at before the result is.  The end, in a resumption too, is an
 * exchange of Result TLVs; before it neither EAP-Success nor EAP-Failure counts as such, and after
 * it EAP-Failure is not believed.
 *
 * A server that wants to let us in without having asked for anything is told to (Request-Action),
 * and refused if it does not, unless the profile is content with its certificate and ours.
 *
 * Deviation: "If all TLVs in a message are marked optional and none are understood by the peer,
 * then a Result TLV SHOULD be sent to the other side in order to continue the conversation"
 * (section 4.2).  There is no result to tell in the middle, and a success would be a lie; we answer
 * with an empty message, as the best-known peer does. */
#ifndef METHOD_TEAP_PEER_H
#define METHOD_TEAP_PEER_H

#include "method/inner_account.h"
#include "method/inner_peer.h"
#include "method/teap_keys.h"
#include "method/tunnel_peer.h"

#define TEAP_IDENTITIES_MAX 2

/* Whom we can prove to be.  Methods that run inside of EAP are the offers of its inner peer. */
struct teap_peer_identity {
	enum teap_identity type; /* TEAP_ANYBODY: whatever the server asks for */
	struct slice name;	 /* the inner identity; borrowed, outlives the method */
	struct inner_peer *eap;	 /* taken over, also on failure; NULL: no EAP */
	/* For Basic-Password-Auth, 1 to 255 octets; borrowed, outlives the method.  NULL: it is
	 * refused. */
	const struct secret *password;
};

struct cprom_peer;

struct teap_peer_settings {
	struct teap_peer_identity identities[TEAP_IDENTITIES_MAX]; /* in order of preference */
	size_t identity_count;
	/* The server may do without any of them: what was shown in the handshake suffices. */
	bool inner_optional;
	/* Whose certificate the handshake shows; TEAP_ANYBODY: nobody's. */
	enum teap_identity certificate;
	bool hints; /* the names are told as Identity-Hint TLVs, inside of the tunnel */
	enum teap_emsk_policy emsk;
	/* A certificate is asked for by TEAP's own TLVs (cprom_direct.h): taken over, also on
	 * failure; NULL: none is.  It is never asked of a server that was not checked. */
	struct cprom_peer *provision;
	struct tunnel_peer_options options;
};

extern const struct eap_peer_method teap_peer_method; /* self is a struct tunnel_peer */

/* Takes a reference on config.  teap_peer_method.free frees it. */
CHECKED enum status teap_peer_new(struct tls_config *config,
				  const struct teap_peer_settings *settings,
				  struct tunnel_peer **ret_peer);

#endif
