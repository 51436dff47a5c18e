#include "eapol/authenticator.h"

#include <assert.h>

#include "eap/packet.h"
#include "eapol/authenticator_machines.h"

const struct authenticator_pae_config authenticator_pae_defaults = {
	.version = 2,
	.quiet_period = 60000,
	.tx_period = 30000,
	.reauth_max = 2,
	.server_timeout = 30000,
};

/* ---- events -------------------------------------------------------------------------------- */

void authenticator_pae_init(struct authenticator_pae *pae,
			    const struct authenticator_pae_config *config,
			    struct eap_authenticator_lower *lower)
{
	*pae = (struct authenticator_pae){
		.config = config,
		.lower = lower,
		.pae_state = AUTH_INITIALIZE,
		.backend_state = AUTH_BACKEND_IDLE,
		.quietWhile = NEVER,
		.aWhile = NEVER,
		.reAuthWhen = NEVER,
		.txWhen = NEVER,
		.session_until = NEVER,
	};
}

void authenticator_pae_set_link(struct authenticator_pae *pae, bool up)
{
	/* It may be up again before the next step; and the backend, which goes first, is not to
	 * send anything more. */
	if (!up && pae->pae_state != AUTH_INITIALIZE)
		pae->initialize = pae->authAbort = true;
	pae->portEnabled = up;
}

void authenticator_pae_set_control(struct authenticator_pae *pae, enum port_control control)
{
	pae->portControl = control;
}

void authenticator_pae_set_session(struct authenticator_pae *pae, msec timeout, bool reauthenticate,
				   struct moment now)
{
	pae->session_timeout = timeout;
	pae->session_reauth = reauthenticate;
	if (pae->pae_state != AUTH_AUTHENTICATED)
		return;
	pae->now = now;
	authenticator_pae_begin_session(pae);
}

void authenticator_pae_excuse(struct authenticator_pae *pae)
{
	pae->excused = true;
}

void authenticator_pae_reauthenticate(struct authenticator_pae *pae)
{
	pae->reAuthenticate = pae->portEnabled;
}

void authenticator_pae_disconnect(struct authenticator_pae *pae)
{
	pae->session_over =
		pae->pae_state != AUTH_INITIALIZE && pae->pae_state != AUTH_DISCONNECTED;
}

static void receive_eap(struct authenticator_pae *pae, struct slice body)
{
	struct eap_packet packet;

	if (eap_packet_parse(body, &packet) != OK) {
		pae->counters.length_error_rx++;
		return;
	}
	/* RFC 4137 has the lower layer not look into packets; outside a conversation there is
	 * nobody else who would. */
	if (packet.code != EAP_RESPONSE || pae->pae_state != AUTH_AUTHENTICATING) {
		pae->counters.ignored_rx++;
		return;
	}
	if (eap_type_eq(packet.type, eap_type(EAP_TYPE_IDENTITY)))
		pae->counters.resp_id_rx++;
	else
		pae->counters.resp_rx++;
	if (!eap_type_eq(packet.type, eap_type(EAP_TYPE_NAK)))
		pae->counters.BackendNonNakResponsesFromSupplicant++;
	pae->eapolEap = true;
	pae->response = body;
}

/* HELD hears both, and answers later: whoever starts after a Logoff wants to come in. */
static void receive_start(struct authenticator_pae *pae)
{
	pae->counters.start_rx++;
	pae->eapolStart = pae->portEnabled;
	pae->eapolLogoff = false;
}

/* The standard has no condition; but a Logoff of one who is not there would end what begins next.
 */
static void receive_logoff(struct authenticator_pae *pae)
{
	pae->counters.logoff_rx++;
	pae->eapolLogoff = pae->portMode == CONTROL_AUTO && pae->pae_state != AUTH_INITIALIZE &&
			   pae->pae_state != AUTH_DISCONNECTED;
}

enum status authenticator_pae_receive(struct authenticator_pae *pae, struct slice pdu,
				      struct eapol_frame *ret_frame)
{
	struct eapol_frame frame;

	if (eapol_frame_parse(pdu, &frame) != OK) {
		pae->counters.invalid_rx++;
		return MALFORMED;
	}
	pae->counters.frames_rx++;
	pae->peer_version = frame.version;
	switch (frame.type) {
	case EAPOL_EAP:
		receive_eap(pae, frame.body);
		break;
	case EAPOL_START:
		receive_start(pae);
		break;
	case EAPOL_LOGOFF:
		receive_logoff(pae);
		break;
	default:
		pae->counters.other_rx++;
		break;
	}
	*ret_frame = frame;
	return OK;
}

/* ---- steps --------------------------------------------------------------------------------- */

/* The backend goes before the PAE: an abort is complete before the PAE moves on. */
static bool follow(struct authenticator_pae *pae)
{
	return authenticator_pae_timer_follow(pae) || authenticator_pae_backend_follow(pae) ||
	       authenticator_pae_follow(pae);
}

bool authenticator_pae_step(struct authenticator_pae *pae, struct moment now)
{
	struct eap_authenticator_lower *lower = pae->lower;
	bool was_enabled = lower->portEnabled;
	unsigned steps = 0;

	pae->now = now;
	while (follow(pae)) {
		steps++;
		assert(steps < MACHINE_STEPS_MAX);
	}
	if (lower->eapResp || lower->eapRestart || lower->portEnabled != was_enabled)
		return true;

	/* What was not consumed is dropped with the caller's buffer. */
	pae->counters.ignored_rx += pae->eapolEap;
	pae->eapolEap = false;
	pae->response = lower->eapRespData = (struct slice){ 0 };
	return false;
}

msec authenticator_pae_deadline(const struct authenticator_pae *pae)
{
	msec when = pae->authPortStatus ? pae->session_until : NEVER;

	switch ((enum authenticator_pae_state)pae->pae_state) {
	case AUTH_DISCONNECTED:
		when = pae->txWhen;
		break;
	case AUTH_AUTHENTICATING:
		when = msec_earlier(when, pae->aWhile);
		break;
	case AUTH_AUTHENTICATED:
		when = msec_earlier(when, pae->reAuthWhen);
		break;
	case AUTH_HELD:
		when = pae->quietWhile;
		break;
	case AUTH_INITIALIZE:
	case AUTH_RESTART:
	case AUTH_CONNECTING:
	case AUTH_ABORTING:
	case AUTH_FORCE_AUTH:
	case AUTH_FORCE_UNAUTH:
		break;
	}
	return when;
}

static void count_request(struct authenticator_pae *pae, struct slice body)
{
	struct eap_packet packet;

	if (eap_packet_parse(body, &packet) != OK || packet.code != EAP_REQUEST)
		return;
	if (eap_type_eq(packet.type, eap_type(EAP_TYPE_IDENTITY))) {
		pae->counters.req_id_tx++;
		return;
	}
	pae->counters.req_tx++;
	if (!eap_type_eq(packet.type, eap_type(EAP_TYPE_NOTIFICATION)))
		pae->counters.BackendOtherRequestsToSupplicant++;
}

bool authenticator_pae_collect(struct authenticator_pae *pae, struct authenticator_pae_out *ret_out)
{
	if (pae->request_out) {
		ret_out->body = pae->lower->eapReqData;
		pae->request_out = false;
		count_request(pae, ret_out->body);
	} else if (pae->canned_out) {
		ret_out->body = slice_of(pae->canned, sizeof pae->canned);
		pae->canned_out = false;
	} else {
		return false;
	}
	pae->counters.frames_tx++;
	return true;
}

bool authenticator_pae_idle(const struct authenticator_pae *pae)
{
	return pae->pae_state == AUTH_INITIALIZE || pae->pae_state == AUTH_DISCONNECTED;
}
