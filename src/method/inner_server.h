/* An EAP conversation inside of a tunnel, the server: a backend authenticator (RFC 4137, section 6)
 * whose lower layer is the tunnel.
 *
 * The tunnel gives it packets and takes packets; there is no timer, because a tunnel is repeated as
 * a whole.  What its methods ask is asked by the tunnel in its own name; of a certificate that is
 * shown inside, tunnel is set: whether the machine is let in is the tunnel's question. */
#ifndef METHOD_INNER_SERVER_H
#define METHOD_INNER_SERVER_H

#include "eap/authenticator.h"

struct inner_server {
	struct eap_authenticator_lower lower;
	struct eap_authenticator eap;
	struct eap_question question;
	struct bytes account; /* whose password was asked for last */
	const struct tls_claim *claim;
	bool enrolled; /* there was a question about an enrolment */
	bool missed;   /* it has failed, of a machine that has proved something before */
	struct diagnosis why;
};

/* policy and tunnel are borrowed.  mtu is what a packet inside may have: more than a link's, for
 * the tunnel fragments. */
void inner_server_init(struct inner_server *inner, const struct eap_policy *policy,
		       const struct eap_tunnel_binding *tunnel, size_t mtu);
/* Of zeros, too: one that was never made. */
void inner_server_done(struct inner_server *inner);

/* METHOD_GOES_ON: ret_request is the next packet, good until the next call; METHOD_ASKS, SUCCEEDED
 * and FAILED: nothing is to be sent.  EAP-Success and EAP-Failure are not sent inside.
 *
 * The first response is empty, and the server begins; or it is the peer's Response/Identity, which
 * nobody has asked for (RFC 5281, section 11.2.1).  One that is to be ignored is the end: in a
 * tunnel nothing can be slipped in. */
enum eap_server_state inner_server_feed(struct inner_server *inner, struct slice response,
					struct moment now, struct slice *ret_request);
enum eap_server_state inner_server_answer(struct inner_server *inner, const struct eap_reply *reply,
					  struct moment now, struct slice *ret_request);

/* While METHOD_ASKS. */
const struct eap_question *inner_server_question(const struct inner_server *inner);
/* The method that runs, or ran last; NULL: none yet. */
const struct eap_server_method *inner_server_method(const struct inner_server *inner);
/* What was proved, after METHOD_SUCCEEDED: the account whose password it was, the certificate; each
 * may be empty, or NULL. */
struct slice inner_server_account(const struct inner_server *inner);
/* What went on was an enrolment. */
bool inner_server_enrolled(const struct inner_server *inner);
/* METHOD_SUCCEEDED for what the certificate of the tunnel proves alone: the enrolment has failed,
 * for this reason.  Else NULL. */
const struct diagnosis *inner_server_missed(const struct inner_server *inner);
const struct tls_claim *inner_server_claim(const struct inner_server *inner);
/* After METHOD_SUCCEEDED: moves them; false when the method has none. */
bool inner_server_take_keys(struct inner_server *inner, struct eap_keys *ret_keys);
/* Why it failed. */
const struct diagnosis *inner_server_diagnosis(const struct inner_server *inner);
const char *inner_server_stage(const struct inner_server *inner);

#endif
