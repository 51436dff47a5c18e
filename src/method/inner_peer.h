/* An EAP conversation inside of a tunnel, at the peer: the ordinary EAP peer on one more lower
 * layer.
 *
 * A tunnel is reliable and the server's: what would be discarded outside means an error here (RFC
 * 5281, section 11.2.1), so a packet that gets no answer fails the conversation.  EAP-Success and
 * EAP-Failure need not come through the tunnel; inner_peer_conclude takes their place. */
#ifndef METHOD_INNER_PEER_H
#define METHOD_INNER_PEER_H

#include "eap/method.h"
#include "eap/peer.h"

struct inner_peer;

struct inner_peer_settings {
	struct slice identity; /* the inner one; copied */
	/* In order of preference; taken over on success: freed with the inner peer. */
	struct eap_peer_offer offers[EAP_OFFERS_MAX];
	size_t offer_count;
	size_t mtu; /* of an inner packet; 0: EAP_MTU_LEAST */
};

enum inner_outcome {
	INNER_ANSWERS,	 /* there is a response */
	INNER_SUCCEEDED, /* EAP-Success came in the tunnel, or inner_peer_conclude said so */
	INNER_FAILED,	 /* inner_peer_diagnose tells why; there may be a response all the same */
};

CHECKED enum status inner_peer_new(const struct inner_peer_settings *settings,
				   struct inner_peer **ret_inner);
void inner_peer_free(struct inner_peer *inner);
DEFINE_AUTO_STRUCT(inner_peer);

/* A conversation begins, the first or the next of a sequence.  tunnel outlives it. */
void inner_peer_start(struct inner_peer *inner, const struct eap_tunnel_binding *tunnel,
		      struct moment now);
/* It is over; wipes all there is to tell of it. */
void inner_peer_stop(struct inner_peer *inner);

/* A whole packet of the server. *ret_answer is good until the next call; empty if there is none. */
enum inner_outcome inner_peer_receive(struct inner_peer *inner, struct slice packet,
				      struct moment now, struct slice *ret_answer);
/* Where EAP-Response/Identity is sent unasked (TTLS): the answer to a request that never came. */
enum inner_outcome inner_peer_identify(struct inner_peer *inner, struct moment now,
				       struct slice *ret_answer);
/* The tunnel has told that the inner conversation succeeded or failed: INNER_SUCCEEDED only if the
 * method inside agrees. */
enum inner_outcome inner_peer_conclude(struct inner_peer *inner, bool success, struct moment now);

/* Whether the method inside has proved all it demands: it would accept EAP-Success now. */
bool inner_peer_satisfied(const struct inner_peer *inner);
/* What the method has exported so far, after its last message; moves it out, false if nothing. */
bool inner_peer_take_keys(struct inner_peer *inner, struct eap_keys *ret_keys);

const char *inner_peer_method(const struct inner_peer *inner); /* "EAP-MSCHAPv2", "" for none yet */
struct eap_type inner_peer_type(const struct inner_peer *inner); /* its type, 0 for none yet */
const char *inner_peer_stage(const struct inner_peer *inner);
void inner_peer_diagnose(const struct inner_peer *inner, struct diagnosis *ret_why);
/* What it means if the tunnel ends here with EAP-Failure; false when there is nothing to say. */
bool inner_peer_refusal(const struct inner_peer *inner, struct diagnosis *ret_why);
/* DIAG_INNER_REFUSED with its evidence. */
void inner_refused(struct diagnosis *why, struct slice identity, const char *inner,
		   const char *detail);

#endif
