/* The EAP peer: RFC 4137, section 4 and Appendix A.1, over the packets of RFC 3748.
 *
 * One conversation at a time.  The caller owns the peer and the lower-layer variables, fills the
 * latter, steps, and collects.  The peer keeps its last response for retransmission and the keys
 * until they are taken; eap_peer_done wipes both.
 *
 * Deviations from the RFC, each explained where it stands in peer.c:
 * - EAP-Initiate and EAP-Finish are counted and ignored.
 * - A ceiling on rounds ends a conversation that has no end.
 * - A response that cannot be built ends a method (DIAG_INTERNAL); elsewhere the Request is
 *   discarded.  Nothing half-built is sent.
 * - eapReq does not outlive a step, whatever state it meets; SUCCESS and FAILURE set eapNoResp for
 *   the packet that led there. */
#ifndef EAP_PEER_H
#define EAP_PEER_H

#include "base/diagnosis.h"
#include "base/machine.h"
#include "base/moment.h"
#include "eap/lower.h"
#include "eap/method.h"

#define EAP_ROUNDS_DEFAULT	   50
#define EAP_CLIENT_TIMEOUT_DEFAULT 30000 /* msec */
#define EAP_IDENTITY_MAX	   253	 /* RFC 7542 by way of RFC 2865, User-Name */
#define EAP_OFFERS_MAX		   8
#define EAP_NOTIFICATION_MAX	   256

struct eap_peer_config {
	struct slice identity; /* the outer identity; borrowed, must outlive the peer */
	msec client_timeout;   /* ClientTimeout; 0 means the default */
	unsigned max_rounds;   /* 0 means the default */
	struct eap_peer_offer offers[EAP_OFFERS_MAX]; /* in order of preference */
	size_t offer_count;
	/* The first is what we are here for: another is declined by a Nak that names them all, and
	 * taken when it is proposed a second time. */
	bool insists;
};

/* What happened, for statistics and tests. */
struct eap_counters {
	uint32_t requests, responses, retransmissions, discarded, malformed, initiate_finish, naks,
		notifications;
};

struct eap_peer {
	const struct eap_peer_config *config;
	struct eap_lower *lower;
	struct observer observer;
	struct moment now; /* of the step that is going on */
	int state;

	/* 4.3.1 */
	const struct eap_peer_offer *selectedMethod;
	bool method_started; /* and not stopped yet */
	enum eap_method_state methodState;
	enum eap_decision decision;
	bool allowNotifications;
	int lastId;		  /* 0 to 255, or -1 for NONE */
	struct bytes eapRespData; /* lastRespData as well; empty if it could not be built */
	msec idle_deadline;	  /* idleWhile as an instant */

	/* 4.3.2, of the packet at hand */
	struct eap_packet request;
	bool rxReq, rxSuccess, rxFailure;
	bool ignore;

	unsigned rounds; /* Requests answered in this conversation, duplicates not counted */
	struct eap_keys keys;
	struct eap_counters counters;
	struct eap_type refused; /* the last method that we had to Nak; type 0 if none */
	bool identity_sent, insisted;
	bool malformed;	  /* something that is no EAP came after our last response */
	bool unbuildable; /* the method's response could not be built */
	char notification[EAP_NOTIFICATION_MAX]; /* the last one, printable; "" if none */
	bool notified;				 /* set with it; whoever shows it clears it */
	struct diagnosis diagnosis; /* of the conversation that failed; DIAG_NONE otherwise */
};

/* config and lower are borrowed and must outlive the peer.  Begins in DISABLED. */
void eap_peer_init(struct eap_peer *peer, const struct eap_peer_config *config,
		   struct eap_lower *lower);
/* Wipes and frees all that it holds, and stops the selected method. */
void eap_peer_done(struct eap_peer *peer);

/* Between two conversations: *config has changed, and with it perhaps the methods.  The one that
 * was selected is stopped and forgotten, with its report. */
void eap_peer_reconfigure(struct eap_peer *peer);

/* Follows arrows until none is open.  Afterwards exactly what the RFC says is set in *lower. */
void eap_peer_step(struct eap_peer *peer, struct moment now);

/* When to step next if nothing arrives: the end of idleWhile, or NEVER. */
msec eap_peer_deadline(const struct eap_peer *peer);

const char *eap_peer_state_name(const struct eap_peer *peer); /* "IDLE" */

/* The nth arrow of the table, the global ones first; false past the last. */
bool eap_peer_arrow(size_t n, struct machine_arrow *ret_arrow);

/* The report of the selected method; false when there is none.  The method stays selected, and can
 * tell, until the next conversation begins. */
bool eap_peer_report(const struct eap_peer *peer, struct eap_report *ret_report);

/* Whether the conversation failed over something that the next one will not try. */
bool eap_peer_repeats(const struct eap_peer *peer);

/* Why the conversation ended in FAILURE, or would if it ended now (a lower layer that gives up asks
 * this): the method's own diagnosis where it has one, else what the machine knows, with `identity`,
 * `rounds`, `state` and `method` as evidence.  DIAG_NONE in SUCCESS. */
void eap_peer_diagnose(const struct eap_peer *peer, struct diagnosis *ret_diagnosis);

/* DIAG_METHOD_NOT_AGREED, for a peer that insists: that the server does not have its first method,
 * whatever came of another. */
void eap_peer_explain_choice(const struct eap_peer *peer, struct diagnosis *ret_diagnosis);

#endif
