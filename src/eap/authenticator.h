/* The EAP authenticators: RFC 4137, sections 5 to 7 and Appendices A.2 (stand-alone), A.3 (backend)
 * and A.4 (full, which passes through), over the packets of RFC 3748.
 *
 * One struct and one set of boxes; which of the three tables is followed is chosen when it begins.
 * The variables of the backend have an `aaa` before their names in the RFC, because its lower layer
 * is an AAA protocol; here they are those of every authenticator's lower layer, and aaa_ is only
 * the other side of the full one. The caller owns the authenticator and both structs of variables,
 * fills them, steps, and collects.  Names are the RFC's.
 *
 * Deviations, each explained where it stands in authenticator.c:
 * - ASKING: a method may wait for a decision (METHOD_ASKS) before its next Request.
 * - A ceiling on rounds ends a conversation that has no end.
 * - Success and Failure after a conversation in which no Request was ever answered have no
 *   identifier of their own; the machine uses that of the last Request, or 0.
 * - eapResp does not outlive a step, whatever state it meets. */
#ifndef EAP_AUTHENTICATOR_H
#define EAP_AUTHENTICATOR_H

#include "base/diagnosis.h"
#include "base/machine.h"
#include "base/moment.h"
#include "eap/packet.h"
#include "eap/peer.h"
#include "eap/server_method.h"

#define EAP_MAX_RETRANS_DEFAULT 4     /* RFC 3748, 4.3: "3-5 retransmissions" */
#define EAP_RTO_FIRST		3000  /* msec, before the first measurement: RFC 3748, 4.3 */
#define EAP_RTO_MAX		20000 /* msec, "must not exceed 20 seconds" */

/* Sections 5.1 (stand-alone and full) and 6.1 (backend). */
struct eap_authenticator_lower {
	/* lower layer to authenticator */
	bool portEnabled;	  /* backendEnabled */
	bool eapResp;		  /* set by the lower layer, cleared by the authenticator */
	struct slice eapRespData; /* borrowed for the step; empty: the AAA client asked to start */
	bool eapRestart;
	size_t mtu; /* the largest EAP packet that fits, at least EAP_MTU_LEAST */

	/* authenticator to lower layer: set by the authenticator, cleared by the lower layer */
	bool eapReq, eapNoReq, eapSuccess, eapFail, eapTimeout;
	struct slice eapReqData; /* the authenticator's, good until its next step */
	msec methodTimeout;	 /* of the Request, for Session-Timeout of a Challenge; 0: none */
	bool eapKeyAvailable;
	struct eap_keys *eapKeyData; /* the authenticator's; eap_keys_move takes them */
};

/* Section 7.1: between the full authenticator and the AAA interface. */
struct eap_authenticator_aaa {
	/* authenticator to AAA: set by the authenticator, cleared by the AAA interface */
	bool aaaEapResp;
	struct slice aaaEapRespData; /* empty: no Response yet, the server is to begin */
	struct slice aaaIdentity;    /* type-data of the Response/Identity; empty if none came */

	/* AAA to authenticator: set by the AAA interface, cleared by the authenticator */
	bool aaaEapReq, aaaEapNoReq, aaaSuccess, aaaFail, aaaTimeout;
	struct slice aaaEapReqData; /* borrowed for the step */
	msec aaaMethodTimeout;	    /* 0: none */
	bool aaaEapKeyAvailable;
	struct eap_keys *aaaEapKeyData; /* moved out by the authenticator */
};

/* Policy, as data.  The first choice whose realm fits the identity is taken. */
struct eap_policy_choice {
	const char *realm; /* "example.org", compared without case; NULL fits every identity */
	bool passthrough;  /* full authenticator: hand the conversation to the AAA interface */
	struct eap_server_offer offers[EAP_OFFERS_MAX]; /* in order of preference */
	size_t offer_count;
};

struct eap_policy {
	/* A Request/Identity comes first (stand-alone and full).  Without it the first choice that
	 * has no realm is taken at once. */
	bool ask_identity;
	const struct eap_policy_choice *choices; /* none fits: Failure */
	size_t choice_count;
	unsigned max_retrans; /* MaxRetrans; 0: the default */
	unsigned max_rounds;  /* 0: EAP_ROUNDS_DEFAULT */
};

enum eap_authenticator_kind { EAP_STAND_ALONE, EAP_BACKEND, EAP_FULL };

struct eap_authenticator_counters {
	uint32_t requests, responses, retransmissions, discarded, malformed, naks;
};

struct eap_authenticator {
	const struct eap_policy *policy;
	struct eap_authenticator_lower *lower;
	struct eap_authenticator_aaa *aaa; /* full only */
	enum eap_authenticator_kind kind;
	struct observer observer;
	struct moment now; /* of the step that is going on */
	int state;
	struct eap_authenticator_counters counters;
	struct bytes identity; /* type-data of the Response/Identity, at most EAP_IDENTITY_MAX */
	struct eap_keys keys;
	struct diagnosis diagnosis; /* of the conversation that failed; DIAG_NONE otherwise */
};

/* All are borrowed and must outlive the authenticator; aaa is NULL unless it is full. Begins in
 * DISABLED. */
void eap_authenticator_init(struct eap_authenticator *a, enum eap_authenticator_kind kind,
			    const struct eap_policy *policy, struct eap_authenticator_lower *lower,
			    struct eap_authenticator_aaa *aaa);
/* Wipes and frees all that it holds, the method included. */
void eap_authenticator_done(struct eap_authenticator *a);

/* Follows arrows until none is open.  Afterwards exactly what the RFC says is set in *lower (and
 * *aaa). */
void eap_authenticator_step(struct eap_authenticator *a, struct moment now);

/* When to step next if nothing arrives: the end of retransWhile, or NEVER. */
msec eap_authenticator_deadline(const struct eap_authenticator *a);

/* A method waits for a decision: what the peer claims, and which method says so.  NULL when none
 * does. */
const void *eap_authenticator_claim(const struct eap_authenticator *a,
				    const struct eap_server_method **ret_method);
/* The decision; to be followed by a step.  why is of a refusal, else NULL. */
void eap_authenticator_answer(struct eap_authenticator *a, bool accept,
			      const struct diagnosis *why);

/* The method that ran last, and what it reports; false when none did. */
bool eap_authenticator_report(const struct eap_authenticator *a, struct eap_report *ret_report,
			      const struct eap_server_method **ret_method);

/* Why the conversation failed, or would if it ended now (a lower layer that gives up asks this);
 * DIAG_NONE in SUCCESS. */
void eap_authenticator_diagnose(const struct eap_authenticator *a, struct diagnosis *ret_diagnosis);

const char *eap_authenticator_state_name(const struct eap_authenticator *a); /* "IDLE" */
/* The nth arrow of one kind's table, the global ones first; false past the last. */
bool eap_authenticator_arrow(enum eap_authenticator_kind kind, size_t n,
			     struct machine_arrow *ret_arrow);

#endif
