/* The parts of the EAP peer that are not the figure: its methods, what it says, and why it fails.
 * Private to peer.c. */
#ifndef EAP_PEER_PARTS_H
#define EAP_PEER_PARTS_H

#include "eap/peer.h"

/* Each builds eapRespData in answer to peer->request.  One buffer is both eapRespData and
 * lastRespData: what is built last is what is sent last.  It has the size of the lower layer's MTU,
 * so that a method sees by wr_room what it can say at once.  Nothing half-built is kept: where it
 * did not fit, or there was no memory, eapRespData is empty afterwards. */
void peer_respond(struct eap_peer *peer, struct eap_type type, struct slice data);
void peer_respond_nak(struct eap_peer *peer);
/* m.buildResp of the selected method; false if eapRespData is empty. */
bool peer_respond_method(struct eap_peer *peer);

/* m.allowMethod: a method that is for the inside of a tunnel is not there outside. */
bool peer_allows(const struct eap_peer *peer, const struct eap_peer_offer *offer);
/* NULL: no method of this type is there, or allowed. */
const struct eap_peer_offer *peer_find_offer(const struct eap_peer *peer, struct eap_type type);
void peer_start_method(struct eap_peer *peer); /* the one that is selected */
void peer_tell_success(struct eap_peer *peer);
void peer_stop_method(struct eap_peer *peer);

/* Why the conversation came, or would come if it ended now, to nothing. */
void peer_explain(const struct eap_peer *peer, struct diagnosis *ret_diagnosis);

#endif
