/* The authenticator's Port Access Entity: IEEE Std 802.1X-2004, clause 8.2.4 (Authenticator PAE
 * state machine), 8.2.8 (Reauthentication Timer) and 8.2.9 (Backend Authentication), over the
 * variables of RFC 4137 that eap/authenticator.h has.
 *
 * One of these is one supplicant.  Fed with link changes, frames, wishes and time; afterwards it
 * holds the frames to be sent and whether the supplicant is authorised.  The caller steps it
 * together with the EAP authenticator after every event, the end of a deadline of either included,
 * and collects between steps, for a frame is the EAP authenticator's until its next:
 *
 *	authenticator_pae_receive(&pae, pdu, &frame);
 *	do {
 *		eap_authenticator_step(&eap, now);
 *		again = authenticator_pae_step(&pae, now);
 *		while (authenticator_pae_collect(&pae, &out))
 *			send(&out);
 *	} while (again);
 *
 * Deviations from the standard, each explained where it stands:
 * - The EAP authenticator is enabled (portEnabled of RFC 4137) from RESTART until its conversation
 *   is aborted, so that it has no timer of its own in between.
 * - After reAuthMax conversations that nobody answered, and after a Logoff, DISCONNECTED is left
 *   for a Start or after tx_period, and not at once: a port at which nobody is says no more than
 *   that.
 * - A Start that is heard begins to count reAuthCount anew.
 * - The end of a session (Session-Timeout, or the administrator's) leads to DISCONNECTED from
 *   every state.
 * - portValid and the key machine are left out: a wire has no keys. */
#ifndef EAPOL_AUTHENTICATOR_H
#define EAPOL_AUTHENTICATOR_H

#include "base/machine.h"
#include "base/moment.h"
#include "eap/authenticator.h"
#include "eapol/frame.h"

/* AuthControlledPortControl */
enum port_control { CONTROL_AUTO, CONTROL_FORCE_AUTHORIZED, CONTROL_FORCE_UNAUTHORIZED };

struct authenticator_pae_config {
	uint8_t version;     /* to send: 1, 2 (default) or 3 */
	msec quiet_period;   /* quietPeriod, after a failure; default 60000, at least 1 */
	msec tx_period;	     /* before nobody is asked again; default 30000; 0: only for a Start */
	unsigned reauth_max; /* reAuthMax: conversations without an answer; default 2, at least 1 */
	msec server_timeout; /* serverTimeout; default 30000 */
	msec reauth_period;  /* reAuthPeriod; 0 (default): reAuthEnabled is false */
};

extern const struct authenticator_pae_config authenticator_pae_defaults;

struct authenticator_pae_counters {
	/* dot1xAuthStatsTable */
	uint32_t frames_rx, frames_tx, start_rx, logoff_rx, resp_id_rx, resp_rx, req_id_tx, req_tx;
	uint32_t invalid_rx, length_error_rx;
	/* dot1xAuthDiagTable, with its names */
	uint32_t EntersConnecting, EapLogoffsWhileConnecting, EntersAuthenticating;
	uint32_t AuthSuccessesWhileAuthenticating, AuthTimeoutsWhileAuthenticating;
	uint32_t AuthFailWhileAuthenticating, AuthEapStartsWhileAuthenticating;
	uint32_t AuthEapLogoffWhileAuthenticating, AuthReauthsWhileAuthenticating;
	uint32_t AuthReauthsWhileAuthenticated, AuthEapStartsWhileAuthenticated;
	uint32_t AuthEapLogoffWhileAuthenticated;
	uint32_t BackendResponses, BackendAccessChallenges, BackendOtherRequestsToSupplicant;
	uint32_t BackendNonNakResponsesFromSupplicant, BackendAuthSuccesses, BackendAuthFails;
	/* EAP packets outside a conversation, or that are no Response */
	uint32_t ignored_rx;
	/* frames that no authenticator expects */
	uint32_t other_rx;
};

/* A frame that is to be sent: of type EAPOL_EAP. */
struct authenticator_pae_out {
	struct slice body; /* good until the next step of either */
};

enum authenticator_pae_state {
	AUTH_INITIALIZE,
	AUTH_DISCONNECTED,
	AUTH_RESTART,
	AUTH_CONNECTING,
	AUTH_AUTHENTICATING,
	AUTH_AUTHENTICATED,
	AUTH_ABORTING,
	AUTH_HELD,
	AUTH_FORCE_AUTH,
	AUTH_FORCE_UNAUTH,
};

/* Owns nothing, and needs no end. */
struct authenticator_pae {
	const struct authenticator_pae_config *config;
	struct eap_authenticator_lower *lower;
	struct observer observer; /* "authenticator", "backend" and "reauthentication" */
	struct moment now;	  /* of the last step */
	int pae_state;		  /* enum authenticator_pae_state */
	int left;		  /* the state before it */
	int backend_state, timer_state;

	/* 8.2.2 and 8.2.4.1: names of the standard; timers are instants */
	enum port_control portControl, portMode;
	bool initialize, portEnabled;
	bool eapolStart, eapolLogoff, eapolEap, reAuthenticate;
	bool authAbort, authStart, authSuccess, authFail, authTimeout;
	bool authPortStatus; /* true: Authorized */
	unsigned reAuthCount;
	msec quietWhile, aWhile, reAuthWhen, txWhen;

	bool excused;	      /* the failure that is to come is no refusal */
	bool session_over;    /* the administrator's */
	bool session_reauth;  /* Termination-Action: what session_timeout leads to */
	msec session_timeout; /* Session-Timeout; 0: none */
	msec session_until;   /* NEVER unless the port is authorised and its session has an end */
	uint8_t peer_version; /* dot1xAuthLastEapolFrameVersion; 0 if none was heard */

	struct slice response; /* borrowed until the step is over */
	bool request_out, canned_out;
	uint8_t canned[4]; /* txCannedSuccess, txCannedFail */
	struct authenticator_pae_counters counters;
};

/* config and lower are borrowed and must outlive the PAE.  The link is down. */
void authenticator_pae_init(struct authenticator_pae *pae,
			    const struct authenticator_pae_config *config,
			    struct eap_authenticator_lower *lower);

/* Events.  Each is followed by steps, as above. */
void authenticator_pae_set_link(struct authenticator_pae *pae, bool up); /* a loss always counts */
void authenticator_pae_set_control(struct authenticator_pae *pae, enum port_control control);
/* What the server said of the session: it ends after so long (0: never), or the supplicant is
 * authenticated again.  Counts from the success that follows; when AUTHENTICATED, from now. Without
 * it, and after each failure, the configuration holds. */
void authenticator_pae_set_session(struct authenticator_pae *pae, msec timeout, bool reauthenticate,
				   struct moment now);
/* The failure that these steps will end in is no refusal of the supplicant, which was given what it
 * is to come back with: it is asked again at once, without quietPeriod.  To be called before the
 * step that sees the failure. */
void authenticator_pae_excuse(struct authenticator_pae *pae);
/* The supplicant is asked again; if it is authorised it stays so unless it fails. */
void authenticator_pae_reauthenticate(struct authenticator_pae *pae);
/* The session ends now; then the supplicant is asked again at once. */
void authenticator_pae_disconnect(struct authenticator_pae *pae);

/* One EAPOL PDU, borrowed until the steps that follow are done.  A malformed one is counted and
 * changes nothing. */
CHECKED enum status authenticator_pae_receive(struct authenticator_pae *pae, struct slice pdu,
					      struct eapol_frame *ret_frame);

/* Follows arrows until none is open or the EAP authenticator has to run: then true. */
bool authenticator_pae_step(struct authenticator_pae *pae, struct moment now);

/* When to step next if nothing happens, or NEVER. */
msec authenticator_pae_deadline(const struct authenticator_pae *pae);

/* Takes the next frame to be sent; false when there is none. */
bool authenticator_pae_collect(struct authenticator_pae *pae,
			       struct authenticator_pae_out *ret_out);

/* Nobody is there, or nobody wants to be let in: nothing is lost if this ends. */
bool authenticator_pae_idle(const struct authenticator_pae *pae);

const char *authenticator_pae_state_name(const struct authenticator_pae *pae); /* "HELD" */
const char *authenticator_pae_backend_name(const struct authenticator_pae *pae);

/* The nth arrow of each table, for tests; false past the last. */
bool authenticator_pae_arrow(size_t n, struct machine_arrow *ret_arrow);
bool authenticator_pae_backend_arrow(size_t n, struct machine_arrow *ret_arrow);
bool authenticator_pae_timer_arrow(size_t n, struct machine_arrow *ret_arrow);

#endif
