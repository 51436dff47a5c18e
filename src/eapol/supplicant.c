#include "eapol/supplicant.h"

#include <assert.h>

#include "eap/packet.h"
#include "eapol/supplicant_machines.h"

const struct supplicant_config supplicant_defaults = {
	.version = 2,
	.start_first = 1000,
	.start_ceiling = 30000,
	.start_max = 10,
	.held_period = 60000,
	.auth_period = 30000,
};

/* ---- events -------------------------------------------------------------------------------- */

void supplicant_init(struct supplicant *pae, const struct supplicant_config *config,
		     struct eap_lower *lower)
{
	*pae = (struct supplicant){
		.config = config,
		.lower = lower,
		.pae_state = PAE_DISCONNECTED,
		.backend_state = BACKEND_IDLE,
		.portValid = true,
	};
}

void supplicant_set_link(struct supplicant *pae, bool up)
{
	/* It may be up again before the next step. */
	if (!up && pae->pae_state != PAE_DISCONNECTED)
		pae->initialize = true;
	pae->heard = pae->heard && up;
	pae->start_wanted = pae->start_wanted && up;
	pae->insists = pae->insists && up;
	pae->portEnabled = up;
}

void supplicant_set_valid(struct supplicant *pae, bool valid)
{
	pae->portValid = valid;
}

void supplicant_logoff(struct supplicant *pae, bool off)
{
	pae->userLogoff = off;
}

void supplicant_reauthenticate(struct supplicant *pae)
{
	if (!pae->portEnabled || pae->pae_state == PAE_AUTHENTICATING)
		return;
	pae->start_wanted = true;
	pae->startCount = 0;
}

void supplicant_insist(struct supplicant *pae)
{
	supplicant_reauthenticate(pae);
	pae->insists |= pae->start_wanted;
}

static void hand_over(struct supplicant *pae, struct slice packet)
{
	pae->eapolEap = true;
	pae->request = packet;
}

/* RFC 4137 has the lower layer not look into packets; but outside a conversation the peer would
 * discard all but a Request, and the port would have left its state for it. */
static void receive_outside(struct supplicant *pae, struct slice body)
{
	struct eap_packet packet;

	if (eap_packet_parse(body, &packet) != OK) {
		pae->counters.malformed_rx++;
		return;
	}
	switch (packet.code) {
	case EAP_REQUEST:
		pae->heard = true;
		hand_over(pae, body);
		break;
	case EAP_FAILURE:
		pae->failure_heard = pae->pae_state == PAE_AUTHENTICATED;
		__attribute__((fallthrough));
	case EAP_SUCCESS:
		pae->counters.ignored_results++;
		break;
	default:
		pae->counters.ignored_codes++;
		break;
	}
}

static void receive_eap(struct supplicant *pae, struct slice body)
{
	pae->counters.eap_rx++;
	if (!pae->portEnabled)
		return;
	if (pae->pae_state == PAE_AUTHENTICATING)
		hand_over(pae, body);
	else
		receive_outside(pae, body);
}

enum status supplicant_receive(struct supplicant *pae, struct slice pdu,
			       struct eapol_frame *ret_frame)
{
	struct eapol_frame frame;

	if (eapol_frame_parse(pdu, &frame) != OK) {
		pae->counters.malformed_rx++;
		return MALFORMED;
	}
	pae->counters.frames_rx++;
	pae->peer_version = frame.version;
	switch (frame.type) {
	case EAPOL_EAP:
		receive_eap(pae, frame.body);
		break;
	case EAPOL_KEY:
		pae->counters.key_rx++;
		break;
	case EAPOL_ANNOUNCEMENT_GENERIC:
	case EAPOL_ANNOUNCEMENT_SPECIFIC:
	case EAPOL_ANNOUNCEMENT_REQUEST:
		pae->counters.announcement_rx++;
		break;
	default:
		pae->counters.other_rx++;
		break;
	}
	*ret_frame = frame;
	return OK;
}

/* ---- steps --------------------------------------------------------------------------------- */

/* The backend goes first: an abort is complete before the PAE moves on. */
static bool follow(struct supplicant *pae)
{
	return supplicant_backend_follow(pae) || supplicant_pae_follow(pae);
}

bool supplicant_step(struct supplicant *pae, struct moment now)
{
	struct eap_lower *lower = pae->lower;
	bool was_enabled = lower->portEnabled;
	unsigned steps = 0;

	pae->now = now;
	while (follow(pae)) {
		steps++;
		assert(steps < MACHINE_STEPS_MAX);
	}
	if (lower->eapReq || lower->eapRestart || lower->portEnabled != was_enabled)
		return true;

	/* What was not consumed is dropped with the caller's buffer. */
	pae->eapolEap = false;
	pae->request = lower->eapReqData = (struct slice){ 0 };
	return false;
}

msec supplicant_deadline(const struct supplicant *pae)
{
	msec when = NEVER;

	switch ((enum pae_state)pae->pae_state) {
	case PAE_CONNECTING:
		when = pae->startWhen;
		break;
	case PAE_AUTHENTICATING:
		when = pae->authWhile;
		break;
	case PAE_AUTHENTICATED:
		when = msec_earlier(pae->reauth_at, pae->failure_heard ? pae->probe_at : NEVER);
		break;
	case PAE_HELD:
		when = pae->heldWhile;
		break;
	case PAE_LOGOFF:
	case PAE_DISCONNECTED:
	case PAE_RESTART:
		break;
	}
	return reached(pae, when) ? NEVER : when;
}

bool supplicant_collect(struct supplicant *pae, struct supplicant_out *ret_out)
{
	if (pae->logoff_out) {
		*ret_out = (struct supplicant_out){ .type = EAPOL_LOGOFF };
		pae->logoff_out = false;
		pae->counters.logoff_tx++;
	} else if (pae->response_out) {
		*ret_out = (struct supplicant_out){ EAPOL_EAP, pae->lower->eapRespData };
		pae->response_out = false;
		pae->counters.eap_tx++;
	} else if (pae->start_out) {
		*ret_out = (struct supplicant_out){ .type = EAPOL_START };
		pae->start_out = false;
		pae->counters.start_tx++;
	} else {
		return false;
	}
	pae->counters.frames_tx++;
	return true;
}

/* ---- what there is to tell ----------------------------------------------------------------- */

static bool unanswered(const struct supplicant *pae, unsigned starts)
{
	return pae->pae_state == PAE_CONNECTING && pae->startCount >= starts &&
	       (pae->startCount > starts || reached(pae, pae->startWhen));
}

bool supplicant_unanswered(const struct supplicant *pae)
{
	unsigned max = pae->config->start_max;

	return unanswered(pae, max < SUPPLICANT_MAX_START ? max : SUPPLICANT_MAX_START);
}

bool supplicant_gave_up(const struct supplicant *pae)
{
	return !pae->insists && unanswered(pae, pae->config->start_max);
}
