/* The supplicant's Port Access Entity: IEEE Std 802.1X-2004, clause 8.2.11 (Supplicant PAE state
 * machine) and 8.2.12 (Supplicant Backend), over RFC 4137's variables.
 *
 * Fed with link changes, frames, requests of the user and time; afterwards it holds the frames to
 *be sent and whether the port is authorised.  The EAP peer is stepped by the caller whenever
 * supplicant_step returns true, and the PAE again after that:
 *
 *	supplicant_receive(&pae, frame);
 *	while (supplicant_step(&pae, now))
 *		eap_peer_step(&peer, now);
 *
 * Deviations from the standard, each explained where it stands in supplicant.c:
 * - Start is sent at once, then after 1, 3, 9 … seconds up to start_ceiling, and no more than
 *start_max times for one link-up; then the PAE goes on listening.  In passive mode it never starts
 *first.
 * - The port is never taken for authorised because nobody answered.
 * - Only an EAP Request ends AUTHENTICATED.  A Success or Failure that arrives then opens and
 *closes nothing; a Failure makes the PAE ask, with a rate limit, by a Start whether it is still
 *known. */
#ifndef EAPOL_SUPPLICANT_H
#define EAPOL_SUPPLICANT_H

#include "base/machine.h"
#include "base/moment.h"
#include "eap/lower.h"
#include "eapol/frame.h"

struct supplicant_config {
	uint8_t version;    /* to send: 1, 2 (default) or 3 */
	bool passive;	    /* never send a Start before an authenticator was heard */
	msec start_first;   /* default 1000: the wait after the first Start; then times three */
	msec start_ceiling; /* default 30000 */
	unsigned start_max; /* Starts for one link-up; default 10 */
	msec held_period;   /* heldPeriod; default 60000 */
	msec auth_period;   /* authPeriod; default 30000 */
	msec reauth_period; /* reauthenticate by ourselves after this; 0 = never */
};

extern const struct supplicant_config supplicant_defaults;

struct supplicant_counters { /* dot1xSuppStatsTable, and what we ignore */
	uint32_t frames_rx, frames_tx, start_tx, logoff_tx, eap_rx, eap_tx, key_rx, announcement_rx,
		other_rx, malformed_rx, ignored_results;
};

#define SUPPLICANT_OUT_MAX 4 /* frames that one step can want to send */

/* A frame that is to be sent: the type, and for EAPOL_EAP the peer's eapRespData. */
struct supplicant_out {
	enum eapol_type type;
	struct slice body; /* good until the peer's next step */
};

struct supplicant {
	const struct supplicant_config *config;
	struct eap_lower *lower;
	struct observer observer;
	struct moment now;
	int pae_state, backend_state;

	/* 8.2.2 and 8.2.11.1: names of the standard */
	bool portEnabled, portValid, userLogoff, logoffSent;
	bool suppAbort, suppStart, suppSuccess, suppFail, suppTimeout;
	bool eapolEap;
	unsigned startCount;
	msec startWhen, heldWhile, authWhile; /* instants */
	bool suppPortStatus;		      /* true: Authorized */

	unsigned starts_left; /* for this link-up */
	bool heard;	      /* an authenticator, since this link-up */
	msec start_wait;      /* the next wait between Starts */
	msec reauth_at, probe_at;
	bool reauth_wanted;
	uint8_t peer_version; /* the version of the last frame heard, 0 if none */

	struct bytes request; /* the EAP packet at hand: eapReqData points here */
	struct supplicant_out out[SUPPLICANT_OUT_MAX];
	size_t out_count;
	struct supplicant_counters counters;
};

void supplicant_init(struct supplicant *pae, const struct supplicant_config *config,
		     struct eap_lower *lower);
void supplicant_done(struct supplicant *pae);

/* Events.  Each is followed by supplicant_step. */
void supplicant_set_link(struct supplicant *pae, bool up); /* portEnabled */
void supplicant_logoff(struct supplicant *pae, bool off);  /* userLogoff */
void supplicant_reauthenticate(struct supplicant *pae); /* a Start now; the port stays as it is */

/* One frame, from the EtherType on not included (that is: the EAPOL PDU).  Returns what it was, so
 * that the caller can pass on EAPOL-Key; a malformed frame is counted and changes nothing. */
CHECKED enum status supplicant_receive(struct supplicant *pae, struct slice pdu,
				       struct eapol_frame *ret_frame);

/* Follows arrows until none is open or the EAP peer has to run: then true. */
bool supplicant_step(struct supplicant *pae, struct moment now);

/* When to step next if nothing happens, or NEVER.  Nothing is pending when a port is idle. */
msec supplicant_deadline(const struct supplicant *pae);

/* Takes the next frame to be sent; false when there is none. */
bool supplicant_collect(struct supplicant *pae, struct supplicant_out *ret_out);

const char *supplicant_state_name(const struct supplicant *pae); /* "AUTHENTICATED" */

#endif
