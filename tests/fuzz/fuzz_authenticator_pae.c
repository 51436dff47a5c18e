/* A hostile wire, a restless administrator and a bad cable around an authenticator PAE, whose EAP
 * authenticator says what the input has it say, but keeps to RFC 4137.  The input is a list of
 * events; after each one holds what no event may break. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "eap/packet.h"
#include "eapol/authenticator.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct port {
	struct authenticator_pae pae;
	struct authenticator_pae_config config;
	struct eap_authenticator_lower lower;
	struct moment now;

	uint8_t packet[6];
	bool up;
	bool asked;    /* EAP has begun and has not ended */
	bool granted;  /* the EAP authenticator's word, since it was last taken back */
	unsigned lazy; /* restarts after which it does not begin by itself */
};

static void eap_says(struct port *p, enum eap_code code, uint8_t id)
{
	struct wr w = wr_of(p->packet, sizeof p->packet);

	if (code == EAP_REQUEST)
		eap_packet_close(&w,
				 eap_packet_open(&w, code, id, eap_type(EAP_TYPE_IDENTITY), false));
	else
		eap_packet_build_result(&w, code, id);
	p->lower.eapReqData = wr_done(&w);
	p->lower.eapReq = code == EAP_REQUEST;
	p->lower.eapSuccess = code == EAP_SUCCESS;
	p->lower.eapFail = code == EAP_FAILURE;
	p->asked = code == EAP_REQUEST;
	p->granted = p->granted || code == EAP_SUCCESS;
}

static void eap_step(struct port *p)
{
	if (!p->lower.portEnabled) {
		p->asked = false;
		return;
	}
	if (p->lower.eapRestart) {
		p->lower.eapRestart = false;
		p->asked = true;
		if (p->lazy == 0)
			eap_says(p, EAP_REQUEST, 1);
	}
	if (p->lower.eapResp) { /* reads it */
		struct eap_packet packet;

		assert(eap_packet_parse(p->lower.eapRespData, &packet) == OK);
		assert(packet.code == EAP_RESPONSE);
		p->lower.eapResp = false;
	}
}

static void check(struct port *p)
{
	const struct authenticator_pae *pae = &p->pae;
	const struct eap_authenticator_lower *lower = &p->lower;

	assert(!pae->response.p && !lower->eapRespData.p && !pae->eapolEap);
	assert(!lower->eapResp && !lower->eapRestart);
	assert(pae->pae_state != AUTH_RESTART && pae->pae_state != AUTH_ABORTING);
	assert(!lower->eapSuccess && !lower->eapFail && !lower->eapReq && !lower->eapTimeout);
	assert(authenticator_pae_deadline(pae) > p->now.mono);

	/* Only EAP opens the port, and only force does without it. */
	if (pae->portMode == CONTROL_AUTO)
		assert(!pae->authPortStatus || (p->up && p->granted));
	else
		assert(pae->authPortStatus == (pae->portMode == CONTROL_FORCE_AUTHORIZED));
	assert(p->up || !pae->authPortStatus);
	assert(!p->up || pae->portMode == pae->portControl);
	if (pae->pae_state == AUTH_HELD || authenticator_pae_idle(pae))
		assert(!pae->authPortStatus);
	if (!pae->authPortStatus)
		p->granted = false;

	if (!p->up)
		assert(pae->pae_state == AUTH_INITIALIZE &&
		       authenticator_pae_deadline(pae) == NEVER);
	if (authenticator_pae_idle(pae))
		assert(!lower->portEnabled);
	if (pae->pae_state != AUTH_AUTHENTICATING)
		assert(strcmp(authenticator_pae_backend_name(pae), "IDLE") == 0);
}

static void settle(struct port *p)
{
	struct authenticator_pae_out out;
	unsigned rounds = 0;
	bool again;

	do {
		rounds++;
		assert(rounds <= 12);
		eap_step(p);
		again = authenticator_pae_step(&p->pae, p->now);
		while (authenticator_pae_collect(&p->pae, &out)) {
			uint8_t pdu[64];
			struct wr w = wr_of(pdu, sizeof pdu);

			eapol_frame_build(&w, p->config.version, EAPOL_EAP, out.body);
			assert(wr_ok(&w) && p->up);
		}
	} while (again);
	check(p);
}

static void receive(struct port *p, struct slice pdu)
{
	uint8_t *own = malloc(pdu.len ? pdu.len : 1); /* so that it is seen who looks too late */
	struct eapol_frame frame;

	assert(own);
	memcpy(own, pdu.p ? pdu.p : own, pdu.len);
	if (authenticator_pae_receive(&p->pae, slice_of(own, pdu.len), &frame) == OK)
		assert(frame.body.len <= pdu.len);
	settle(p);
	free(own);
}

static void receive_likely(struct port *p, uint8_t kind)
{
	uint8_t packet[8], pdu[64];
	struct wr w = wr_of(packet, sizeof packet), f = wr_of(pdu, sizeof pdu);

	if (kind < 2) {
		eapol_frame_build(&f, 1, kind ? EAPOL_LOGOFF : EAPOL_START, (struct slice){ 0 });
	} else {
		size_t mark =
			eap_packet_open(&w, EAP_RESPONSE, kind, eap_type(kind & 1 ? 1 : 13), false);

		eap_packet_close(&w, mark);
		eapol_frame_build(&f, 2, EAPOL_EAP, wr_done(&w));
	}
	receive(p, wr_done(&f));
}

/* Only what RFC 4137 allows: a result when it has begun, and anything while it goes on. */
static void eap_event(struct port *p, uint8_t what)
{
	if (!p->asked || !p->lower.portEnabled)
		return;
	switch (what % 6) {
	case 0:
		p->lower.eapNoReq = p->pae.pae_state == AUTH_AUTHENTICATING;
		break;
	case 1:
		p->lower.eapTimeout = true;
		p->asked = false;
		break;
	case 2:
		/* of a backend that was asked something, or is to begin */
		if (p->pae.aWhile != NEVER || p->pae.pae_state == AUTH_CONNECTING)
			eap_says(p, EAP_SUCCESS, what);
		break;
	case 3:
		if (p->pae.aWhile != NEVER || p->pae.pae_state == AUTH_CONNECTING)
			eap_says(p, EAP_FAILURE, what);
		break;
	default:
		eap_says(p, EAP_REQUEST, what);
		break;
	}
}

static void event(struct port *p, struct rd *r)
{
	uint8_t what = rd_u8(r);

	switch (what % 14) {
	case 0:
	case 1:
		p->up = true;
		authenticator_pae_set_link(&p->pae, true);
		break;
	case 2:
		authenticator_pae_set_link(&p->pae, false);
		p->up = what & 0x40;
		authenticator_pae_set_link(&p->pae, p->up);
		break;
	case 3:
		authenticator_pae_set_control(&p->pae, (enum port_control)(rd_u8(r) % 3));
		break;
	case 4:
		authenticator_pae_reauthenticate(&p->pae);
		break;
	case 5:
		authenticator_pae_disconnect(&p->pae);
		break;
	case 6:
		authenticator_pae_set_session(&p->pae, rd_u8(r) * 4U, what & 0x40, p->now);
		break;
	case 7:
		p->now.mono += rd_u16(r);
		break;
	case 8: {
		msec next = authenticator_pae_deadline(&p->pae);

		p->now.mono = next == NEVER || next < p->now.mono ? p->now.mono : next;
		break;
	}
	case 9:
		receive(p, rd_bytes(r, rd_u8(r)));
		break;
	case 10:
	case 11:
		eap_event(p, rd_u8(r));
		settle(p);
		break;
	default:
		receive_likely(p, rd_u8(r) & 7);
		break;
	}
	if (what & 0x80) /* or the next event is here already */
		settle(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rd r = rd_of(slice_of(data, size));
	struct port p = { .lower.mtu = 1500, .now.mono = 1 };
	uint8_t flags = rd_u8(&r);

	p.config = (struct authenticator_pae_config){
		.version = (uint8_t)(1 + flags % 3),
		.quiet_period = 1 + 4U * rd_u8(&r),
		.tx_period = flags & 0x40 ? 0 : 1000,
		.reauth_max = 1 + (flags >> 2 & 3),
		.server_timeout = 1 + 4U * rd_u8(&r),
		.reauth_period = flags & 0x80 ? 1000 : 0,
	};
	p.lazy = flags >> 4 & 1;
	authenticator_pae_init(&p.pae, &p.config, &p.lower);
	while (r.left > 0)
		event(&p, &r);
	settle(&p);
	return 0;
}
