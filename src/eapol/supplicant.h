/* The supplicant's Port Access Entity: IEEE Std 802.1X-2004, clause 8.2.11 (Supplicant PAE state
 * machine) and 8.2.12 (Supplicant Backend), over RFC 4137's variables.
 *
 * Fed with link changes, frames, requests of the user and time; afterwards it holds the frames to
 * be sent and whether the port is authorised.  The caller steps it together with the EAP peer after
 * every event, the end of a deadline of either included, and then collects:
 *
 *	supplicant_receive(&pae, pdu, &frame);
 *	do
 *		eap_peer_step(&peer, now);
 *	while (supplicant_step(&pae, now));
 *	while (supplicant_collect(&pae, &out))
 *		send(&out);
 *
 * The peer is enabled (portEnabled of RFC 4137) from the first Request until the link is lost or
 * the user logs off: while no conversation was begun, it has no timer.
 *
 * Deviations from the standard, each explained where it stands in supplicant.c:
 * - Start is sent at once, then after waits of 1, 3, 9 … seconds up to start_ceiling, and no more
 *   than start_max times in a row without a Request in answer; then the PAE goes on listening, with
 *   no timer.  In passive mode it never starts before it has heard a Request, unless the user
 *   asks for it.
 * - The port is never taken for authorised because nobody answered; but it stays authorised when
 *   nobody answers our wish to reauthenticate.  Who insists on it goes on to ask meanwhile, more
 *   than start_max times if need be.
 * - Outside a conversation only an EAP Request means anything.  A Success or Failure that arrives
 *   then opens and closes nothing; in AUTHENTICATED a Failure makes the PAE ask, by Starts and no
 *   more often than every start_ceiling, whether it is still known.
 * - HELD is left for a Request at once, but not without end: two frames that anybody can send make
 *   a conversation that fails, with a line of log, a signal and perhaps a key agreement each. */
#ifndef EAPOL_SUPPLICANT_H
#define EAPOL_SUPPLICANT_H

#include "base/machine.h"
#include "base/moment.h"
#include "eap/lower.h"
#include "eapol/frame.h"

/* maxStart of the standard: so many Starts without an answer are worth telling, and end an attempt
 * to reauthenticate. */
#define SUPPLICANT_MAX_START 3

/* So many times a Request ends HELD within this time, counted from the first failure; further ones
 * are lost, as on a bad wire. */
#define SUPPLICANT_HASTE_MAX	10
#define SUPPLICANT_HASTE_PERIOD 10000

struct supplicant_config {
	uint8_t version;    /* to send: 1, 2 (default) or 3 */
	bool passive;	    /* never send a Start before a Request was heard */
	msec start_first;   /* default 1000, at least 1: the wait after the first Start; then x 3 */
	msec start_ceiling; /* default 30000, at least start_first */
	unsigned start_max; /* Starts in a row without an answer; default 10, at least 1 */
	msec held_period;   /* heldPeriod; default 60000 */
	msec auth_period;   /* authPeriod; default 30000 */
	msec reauth_period; /* reauthenticate by ourselves after this; 0 (default) = never */
};

extern const struct supplicant_config supplicant_defaults;

struct supplicant_counters {
	/* dot1xSuppStatsTable */
	uint32_t frames_rx, frames_tx, start_tx, logoff_tx, eap_rx, eap_tx, malformed_rx;
	/* frames that are not ours to answer */
	uint32_t key_rx, announcement_rx, other_rx;
	/* EAP packets outside a conversation: a Success or Failure; neither these nor a Request */
	uint32_t ignored_results, ignored_codes;
	/* how conversations ended (one that the link or the user ended is in none of them) */
	uint32_t successes, failures, timeouts;
	/* our wish to reauthenticate found no answer, and the port stayed as it was */
	uint32_t reauth_unanswered;
};

/* A frame that is to be sent: the type, and for EAPOL_EAP the peer's eapRespData. */
struct supplicant_out {
	enum eapol_type type;
	struct slice body; /* good until the peer's next step */
};

enum pae_state {
	PAE_LOGOFF,
	PAE_DISCONNECTED,
	PAE_CONNECTING,
	PAE_RESTART,
	PAE_AUTHENTICATING,
	PAE_AUTHENTICATED,
	PAE_HELD,
};

/* Owns nothing: it may be copied while no step is going on, and needs no end. */
struct supplicant {
	const struct supplicant_config *config;
	struct eap_lower *lower;
	struct observer observer; /* of both machines: "supplicant" and "backend" */
	struct moment now;	  /* of the last step */
	int pae_state;		  /* enum pae_state */
	int backend_state;

	/* 8.2.2 and 8.2.11.1: names of the standard; timers are instants */
	bool initialize, portEnabled, portValid, userLogoff, logoffSent;
	bool suppAbort, suppStart, suppSuccess, suppFail, suppTimeout;
	bool eapolEap;
	bool suppPortStatus; /* true: Authorized */
	unsigned startCount; /* Starts in a row without an answer */
	msec startWhen, heldWhile, authWhile;

	bool heard;	    /* a Request, since this link-up */
	bool start_wanted;  /* by the user */
	bool insists;	    /* on a conversation: supplicant_insist */
	bool failure_heard; /* while AUTHENTICATED */
	msec reauth_at, probe_at;
	unsigned haste; /* failures in the period that ends at haste_until */
	msec haste_until;
	uint8_t peer_version; /* the version of the last frame heard, 0 if none */

	struct slice request; /* the EAP packet at hand, borrowed until the step is over */
	bool start_out, logoff_out, response_out;
	struct supplicant_counters counters;
};

/* config and lower are borrowed and must outlive the PAE.  The link is down; portValid is set. */
void supplicant_init(struct supplicant *pae, const struct supplicant_config *config,
		     struct eap_lower *lower);

/* Events.  Each is followed by steps, as above. */
void supplicant_set_link(struct supplicant *pae, bool up);     /* a loss counts, however short */
void supplicant_set_valid(struct supplicant *pae, bool valid); /* portValid: keys are in place */
void supplicant_logoff(struct supplicant *pae, bool off);      /* userLogoff */
/* A Start now, with retries, whatever the state; the port stays as it is.  Nothing while a
 * conversation is going on, or the link is down. */
void supplicant_reauthenticate(struct supplicant *pae);
/* Likewise, but silence is no answer: there is no end of Starts until a conversation has come to
 * one, or the port is lost. */
void supplicant_insist(struct supplicant *pae);

/* One EAPOL PDU, borrowed until the steps that follow are done.  Returns what it was, so that the
 * caller can pass on EAPOL-Key; a malformed frame is counted and changes nothing. */
CHECKED enum status supplicant_receive(struct supplicant *pae, struct slice pdu,
				       struct eapol_frame *ret_frame);

/* Follows arrows until none is open or the EAP peer has to run: then true. */
bool supplicant_step(struct supplicant *pae, struct moment now);

/* When to step next if nothing happens, or NEVER.  Nothing is pending when a port is idle. */
msec supplicant_deadline(const struct supplicant *pae);

/* Takes the next frame to be sent; false when there is none. */
bool supplicant_collect(struct supplicant *pae, struct supplicant_out *ret_out);

/* SUPPLICANT_MAX_START Starts in a row (or start_max, if that is less) found no answer.  startCount
 * says how many there were, and ignored_results whether there was something else than silence. */
bool supplicant_unanswered(const struct supplicant *pae);
/* All Starts found no answer: there will be no more.  Never so for one that insists. */
bool supplicant_gave_up(const struct supplicant *pae);

const char *supplicant_state_name(const struct supplicant *pae); /* "AUTHENTICATED" */
const char *supplicant_backend_name(const struct supplicant *pae);

/* The nth arrow of each table, for tests; false past the last. */
bool supplicant_pae_arrow(size_t n, struct machine_arrow *ret_arrow);
bool supplicant_backend_arrow(size_t n, struct machine_arrow *ret_arrow);

#endif
