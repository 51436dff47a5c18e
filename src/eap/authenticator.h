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
 * - A ceiling on rounds ends a conversation that has no end, as does a Request that cannot be built
 *   or sent on.
 * - A discarded packet does not start retransWhile anew.
 * - EAP-Initiate and EAP-Finish are counted and ignored.
 * - Failure before any Request was sent has the identifier 0.
 * - aaaIdentity only changes when an Identity was asked for.
 * - eapResp does not outlive a step, whatever state it meets. */
#ifndef EAP_AUTHENTICATOR_H
#define EAP_AUTHENTICATOR_H

#include "base/diagnosis.h"
#include "base/machine.h"
#include "base/moment.h"
#include "eap/packet.h"
#include "eap/peer.h"
#include "eap/server_method.h"

#define EAP_MAX_RETRANS_DEFAULT 4 /* RFC 3748, 4.3: "3-5 retransmissions" */

/* Of the retransmission timer, in msec: RFC 3748, section 4.3, and RFC 6298, section 2.  The least
 * is RFC 6298's, for a peer computes where TCP only acknowledges. */
#define EAP_RTO_FIRST	       3000 /* before the first measurement */
#define EAP_RTO_MIN	       1000
#define EAP_RTO_MAX	       20000
#define EAP_RTO_JITTER	       200    /* width of what is added at random */
#define EAP_METHOD_TIMEOUT_MAX 300000 /* of a hint that comes from an AAA server */

/* Sections 5.1 (stand-alone and full) and 6.1 (backend). */
struct eap_authenticator_lower {
	/* lower layer to authenticator */
	bool portEnabled;	  /* backendEnabled */
	bool eapResp;		  /* set by the lower layer, cleared by the authenticator */
	struct slice eapRespData; /* borrowed for the step; empty: the AAA client asked to start */
	bool eapRestart;
	size_t mtu; /* the largest EAP packet that fits, at least EAP_MTU_LEAST */
	const struct eap_tunnel_binding *tunnel; /* that this lower layer is; NULL: none */
	/* Fresh random bits before each conversation: the first Identifier (RFC 3748, 4.1) and the
	 * jitter of retransmissions (4.3) come from them.  0: Identifiers begin at 0, no jitter. */
	uint32_t random;

	/* authenticator to lower layer: set by the authenticator, cleared by the lower layer */
	bool eapReq, eapNoReq, eapSuccess, eapFail, eapTimeout;
	struct slice eapReqData; /* the authenticator's, good until its next step; empty with
				  * eapSuccess or eapFail if the AAA server sent no packet along:
				  * RFC 3579, 2.6.3 forbids to make one up */
	msec methodTimeout;	 /* of the Request, for Session-Timeout of a Challenge; 0: none */
	bool eapKeyAvailable;
	struct eap_keys *eapKeyData; /* the authenticator's; eap_keys_move takes them */
};

/* Section 7.1: between the full authenticator and the AAA interface. */
struct eap_authenticator_aaa {
	/* authenticator to AAA: set by the authenticator, cleared by the AAA interface */
	bool aaaEapResp;
	/* The octets that eapRespData was, so good as long as they are; empty: no Response yet, the
	 * server is to begin. */
	struct slice aaaEapRespData;
	/* Type-data of the Response/Identity, empty if none came; the authenticator's, good until
	 * the next conversation. */
	struct slice aaaIdentity;

	/* AAA to authenticator: set by the AAA interface, cleared by the authenticator.  No signal
	 * outlives a step. */
	bool aaaEapReq, aaaEapNoReq, aaaSuccess, aaaFail, aaaTimeout;
	struct slice
		aaaEapReqData; /* borrowed for the step; may be empty with aaaSuccess, aaaFail */
	msec aaaMethodTimeout; /* 0: none */
	bool aaaEapKeyAvailable;
	struct eap_keys *aaaEapKeyData; /* moved out by the authenticator */
};

/* Policy, as data.  The first choice whose realm fits the identity is taken; without an identity
 * the first that has no realm. */
struct eap_policy_choice {
	/* "example.org", compared without case; "" fits identities that have none, NULL every
	 * identity, and a peer that was not asked for any. */
	const char *realm;
	bool passthrough; /* full authenticator: hand the conversation to the AAA interface */
	struct eap_server_offer offers[EAP_OFFERS_MAX]; /* in order of preference */
	size_t offer_count;
};

struct eap_policy {
	/* A Request/Identity comes first (of a backend: if the AAA client asks it to start).
	 * Without it the first choice that has no realm is taken at once. */
	bool ask_identity;
	/* Backend: a conversation may begin with the Response to a Request that the AAA client sent
	 * by itself, if the method can (picks_up) and the choice offers it. */
	bool pick_up;
	const struct eap_policy_choice *choices; /* none fits: Failure */
	size_t choice_count;
	unsigned max_retrans; /* MaxRetrans; 0: the default */
	unsigned max_rounds;  /* 0: EAP_ROUNDS_DEFAULT */
	/* In place of EAP_RTO_MIN, for a cable that is as quick as it is bad; the first wait, the
	 * longest and the jitter are in proportion.  0: EAP_RTO_MIN. */
	msec rto_min;
};

enum eap_authenticator_kind { EAP_STAND_ALONE, EAP_BACKEND, EAP_FULL };

/* What happened, for statistics and tests. */
struct eap_authenticator_counters {
	uint32_t requests, responses, retransmissions, discarded, malformed, initiate_finish, naks;
};

enum eap_authenticator_decision {
	EAP_DECISION_FAILURE,
	EAP_DECISION_SUCCESS,
	EAP_DECISION_CONTINUE,
	EAP_DECISION_PASSTHROUGH,
};

/* The RFC's values of methodState on this side. */
enum eap_authenticator_method_state {
	EAP_METHOD_NONE,
	EAP_METHOD_PROPOSED,
	EAP_METHOD_CONTINUE,
	EAP_METHOD_END,
};

/* Where a conversation without a diagnosis of its method came to grief. */
enum eap_authenticator_fault {
	EAP_FAULT_NONE,
	EAP_FAULT_SILENCE,     /* of the peer */
	EAP_FAULT_IDENTITY,    /* longer than EAP_IDENTITY_MAX */
	EAP_FAULT_NO_CHOICE,   /* no choice of the policy fits */
	EAP_FAULT_NO_METHOD,   /* the choice has no (further) method that the peer wants */
	EAP_FAULT_METHOD,      /* it said so itself */
	EAP_FAULT_ROUNDS,      /* too many */
	EAP_FAULT_UNBUILDABLE, /* a Request did not fit, or there was no memory */
	EAP_FAULT_AAA_SILENCE,
	EAP_FAULT_AAA_REFUSED,
	EAP_FAULT_AAA_REQUEST, /* no Request, or larger than the lower layer can carry */
};

struct eap_authenticator {
	const struct eap_policy *policy;
	struct eap_authenticator_lower *lower;
	struct eap_authenticator_aaa *aaa; /* full only */
	enum eap_authenticator_kind kind;
	struct observer observer;
	struct moment now; /* of the step that is going on */
	int state;

	/* 5.3.1 */
	struct eap_type currentMethod; /* type 0: NONE */
	int currentId;		       /* of the last Request sent, 0 to 255, or -1 for NONE */
	int previousId;		       /* the same of the conversation before */
	enum eap_authenticator_method_state methodState;
	unsigned retransCount;
	struct bytes lastReqData; /* eapReqData as well */
	msec methodTimeout;	  /* 0: NONE */
	msec retransWhile;	  /* as an instant */

	/* 5.3.2, of the packet at hand */
	struct eap_packet response;
	bool rxResp;
	bool ignore;
	enum eap_authenticator_decision decision;

	/* RFC 6298; SRTT and RTTVAR outlive conversations, for it is the same peer */
	bool measured;
	msec eapSRTT, eapRTTVAR, rto;
	msec sent_at;	 /* the last Request or its repetition */
	bool measurable; /* it has not been repeated (Karn), nor answered yet */
	uint32_t jitter; /* state of the sequence that began with lower->random */

	/* policy */
	const struct eap_policy_choice *choice;
	const struct eap_server_offer *offer; /* that runs, or ran last; NULL: none, or Identity */
	const struct eap_server_offer *next;  /* for PROPOSE_METHOD; NULL: Identity */
	unsigned proposed;		      /* bit n: offer n of the choice has been */
	bool naked;			      /* the response at hand is a Nak */
	const struct eap_server_offer *declined; /* proposed last; NULL: none */
	bool insisted;				 /* it is for the second time */
	void *self;				 /* the method's conversation */
	bool method_begun, method_succeeded;	 /* self is to be freed; and what came of it */
	bool asks, answered;			 /* METHOD_ASKS; eap_authenticator_answer */
	struct eap_reply reply;			 /* borrowed until the step */
	bool refused;				 /* and the answer was a final no */

	struct eap_authenticator_counters counters;
	unsigned rounds;       /* Requests of this conversation, repetitions not counted */
	bool identified;       /* there was a Response/Identity */
	struct bytes identity; /* its type-data, at most EAP_IDENTITY_MAX */
	bool malformed;	       /* something that is no EAP came after our last Request */
	uint8_t result[4];     /* Success or Failure, as eapReqData */
	struct eap_keys keys;
	enum eap_authenticator_fault fault;
	struct diagnosis
		diagnosis; /* of the conversation that failed, or why it is refused; else NONE */
};

/* All are borrowed and must outlive the authenticator; aaa is NULL unless it is full. Begins in
 * DISABLED. */
void eap_authenticator_init(struct eap_authenticator *a, enum eap_authenticator_kind kind,
			    const struct eap_policy *policy, struct eap_authenticator_lower *lower,
			    struct eap_authenticator_aaa *aaa);
/* Wipes and frees all that it holds, the method included. */
void eap_authenticator_done(struct eap_authenticator *a);

/* Follows arrows until none is open.  Afterwards exactly what the RFC says is set in *lower (and
 * *aaa).  Nothing is set for a Response that a method asks about, or that an AAA server has yet to
 * answer, nor for what comes meanwhile. */
void eap_authenticator_step(struct eap_authenticator *a, struct moment now);

/* When to step next if nothing arrives: the end of retransWhile, or NEVER. */
msec eap_authenticator_deadline(const struct eap_authenticator *a);

/* A method waits for an answer: what it asks, good until that is given, or NULL. */
const struct eap_question *eap_authenticator_question(const struct eap_authenticator *a);
/* The answer; to be followed by a step, until which what it points to is borrowed.  Without a
 * question nothing happens: it may have been withdrawn meanwhile. */
void eap_authenticator_answer(struct eap_authenticator *a, const struct eap_reply *reply);

/* The method that ran last, and what it reports; false when none did.  It is there until the next
 * conversation begins or the port is disabled. */
bool eap_authenticator_report(const struct eap_authenticator *a, struct eap_report *ret_report,
			      const struct eap_server_method **ret_method);

/* The Session-Id of the conversation that succeeded with a method of ours, until the next one;
 * empty where there is none.  The method's errors. */
CHECKED enum status eap_authenticator_session_id(const struct eap_authenticator *a,
						 struct bytes *ret_id);

/* Why the conversation failed, or would if it ended now (a lower layer that gives up asks this):
 * the method's own diagnosis where it has one, else what the machine knows, with `identity`,
 * `method`, `rounds`, `state` and `retransmissions` as evidence.  DIAG_NONE in SUCCESS, and before
 * the first conversation. */
void eap_authenticator_diagnose(const struct eap_authenticator *a, struct diagnosis *ret_diagnosis);

const char *eap_authenticator_state_name(const struct eap_authenticator *a); /* "IDLE" */
/* The nth arrow of one kind's table, the global ones first; false past the last. */
bool eap_authenticator_arrow(enum eap_authenticator_kind kind, size_t n,
			     struct machine_arrow *ret_arrow);

#endif
