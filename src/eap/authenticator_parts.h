/* The parts of the EAP authenticators that are not the figures: what they say, when they repeat it,
 * what the policy decides, and why they fail.  Private to authenticator.c. */
#ifndef EAP_AUTHENTICATOR_PARTS_H
#define EAP_AUTHENTICATOR_PARTS_H

#include "eap/authenticator.h"

#define NONE (-1) /* currentId before the first Request */

/* ---- authenticator_boxes.c ----------------------------------------------------------- */

void box_disabled(struct eap_authenticator *a);
void box_initialize(struct eap_authenticator *a);
void box_received(struct eap_authenticator *a);
void box_initialize_backend(struct eap_authenticator *a);
void box_nak(struct eap_authenticator *a);
void box_select_action(struct eap_authenticator *a);
void box_propose_method(struct eap_authenticator *a);
void box_pick_up_method(struct eap_authenticator *a);
void box_integrity_check(struct eap_authenticator *a);
void box_method_response(struct eap_authenticator *a);
void box_answer(struct eap_authenticator *a);
void box_method_request(struct eap_authenticator *a);
void box_discard(struct eap_authenticator *a);
void box_send_request(struct eap_authenticator *a);
void box_retransmit(struct eap_authenticator *a);
void box_timeout_failure(struct eap_authenticator *a);
void box_failure(struct eap_authenticator *a);
void box_success(struct eap_authenticator *a);
void box_initialize_passthrough(struct eap_authenticator *a);
void box_aaa_request(struct eap_authenticator *a);
void box_aaa_idle(struct eap_authenticator *a);
void box_aaa_response(struct eap_authenticator *a);
void box_timeout_failure2(struct eap_authenticator *a);
void box_failure2(struct eap_authenticator *a);
void box_success2(struct eap_authenticator *a);

/* All that is held for the peer. */
void authenticator_forget(struct eap_authenticator *a);
/* What is known of the packet, 5.3.2, is "not maintained between packets". */
void authenticator_forget_packet(struct eap_authenticator *a);
/* No signal of the AAA interface outlives a step. */
void authenticator_clear_verdicts(struct eap_authenticator_aaa *aaa);

static inline unsigned authenticator_max_retrans(const struct eap_authenticator *a)
{
	return a->policy->max_retrans ? a->policy->max_retrans : EAP_MAX_RETRANS_DEFAULT;
}

/* ---- authenticator_request.c --------------------------------------------------------- */

/* nextId and m.buildReq: the next Request of the current method in lastReqData, and its currentId.
 * The buffer has the size of the lower layer's MTU, so that a method sees by wr_room what it can
 * say at once.  False, and currentId as it was, if it did not fit or there was no memory. */
bool authenticator_build_request(struct eap_authenticator *a);
/* The same with the Request of the AAA server, whose identifier it is. */
enum eap_authenticator_fault authenticator_pass_request(struct eap_authenticator *a);
/* Success or Failure with currentId, as eapReqData. */
void authenticator_build_result(struct eap_authenticator *a, enum eap_code code);
/* The Success or Failure of the AAA server as eapReqData; nothing if it sent none. */
void authenticator_pass_result(struct eap_authenticator *a);

/* lastReqData has been handed to the lower layer, for the first time or again: calculateTimeout. */
void authenticator_start_timer(struct eap_authenticator *a);
/* A Response with currentId has come: a measurement, if it can be one. */
void authenticator_measure(struct eap_authenticator *a);
/* SRTT and RTTVAR say how long to wait, whatever was waited in vain before. */
void authenticator_reset_timer(struct eap_authenticator *a);
/* RFC 6298, section 5.5. */
void authenticator_back_off(struct eap_authenticator *a);

/* ---- authenticator_policy.c ---------------------------------------------------------- */

/* Policy.getDecision and, for CONTINUE, Policy.getNextMethod: a->next. */
enum eap_authenticator_decision authenticator_decide(struct eap_authenticator *a);
/* Policy.doPickUp: the offer (a->next) that the Response at hand, which is neither an Identity nor
 * a Nak, goes on with. */
bool authenticator_pick_up(struct eap_authenticator *a);

/* ---- authenticator_diagnosis.c ------------------------------------------------------- */

/* Why the conversation comes to nothing. */
void authenticator_explain(const struct eap_authenticator *a, enum eap_authenticator_fault fault,
			   struct diagnosis *ret_diagnosis);

#endif
