/* A hostile wire, a restless user and a bad cable around a supplicant with a real EAP peer.  The
 * input is a list of events; after each one holds what no event may break. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "eap/peer.h"
#include "eapol/supplicant.h"
#include "tests/talk/fake_method.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct port {
	struct supplicant pae;
	struct supplicant_config config;
	struct eap_peer peer;
	struct eap_peer_config peer_config;
	struct eap_lower lower;
	struct fake_method fake;
	struct moment now;

	bool up, off, open;
	bool success;	 /* the peer's word, since the link came up or we logged on */
	bool may_start;	 /* a Request was heard, or the user asked */
	unsigned starts; /* in a row: since a Request, or another reason to begin afresh */
};

static void configure(struct port *p, struct rd *r)
{
	uint8_t flags = rd_u8(r);

	p->config = (struct supplicant_config){
		.version = (uint8_t)(1 + flags % 3),
		.passive = flags & 0x80,
		.start_first = 1 + rd_u8(r),
		.start_max = 1 + (flags >> 2 & 7),
		.held_period = 4U * rd_u8(r),
		.auth_period = 4U * rd_u8(r),
		.reauth_period = flags & 0x40 ? 1000 : 0,
	};
	p->config.start_ceiling = p->config.start_first * (flags & 0x20 ? 1 : 20);
	p->peer_config = (struct eap_peer_config){
		.identity = slice_str("fuzz"),
		.client_timeout = 1 + 4U * rd_u8(r),
		.offers = { fake_method_offer(&p->fake, eap_type(EAP_TYPE_TLS)) },
		.offer_count = 1,
	};
}

static void collect(struct port *p)
{
	struct supplicant_out out;
	uint8_t pdu[2048];

	while (supplicant_collect(&p->pae, &out)) {
		struct wr w = wr_of(pdu, sizeof pdu);

		eapol_frame_build(&w, p->config.version, out.type, out.body); /* reads the body */
		assert(wr_ok(&w));
		assert(p->up);
		assert(!p->off || out.type == EAPOL_LOGOFF);
		if (out.type == EAPOL_START) {
			assert(p->may_start || !p->config.passive);
			p->starts++;
		}
	}
}

static void check(struct port *p)
{
	const struct supplicant *pae = &p->pae;
	msec deadline = msec_earlier(supplicant_deadline(pae), eap_peer_deadline(&p->peer));

	assert(!p->lower.eapReq && !p->lower.eapReqData.p && !pae->request.p);
	assert(!p->lower.eapRestart && pae->pae_state != PAE_RESTART);
	assert(!(p->lower.eapResp || p->lower.eapNoResp));
	assert(deadline > p->now.mono);

	/* Only the peer opens the port. */
	assert(!pae->suppPortStatus || (p->up && !p->off && p->success));
	assert(pae->suppPortStatus || pae->pae_state != PAE_AUTHENTICATED);
	if (pae->pae_state == PAE_HELD || p->off)
		p->success = false;

	/* Starts have an end unless somebody insists, and silence has no timer. */
	if (pae->pae_state == PAE_AUTHENTICATED || (p->open && !pae->suppPortStatus))
		p->starts = 0;
	p->open = pae->suppPortStatus;
	assert(p->starts <= p->config.start_max || pae->insists);
	if (!p->up || p->off) {
		assert(deadline == NEVER);
		assert(pae->pae_state == (p->up ? PAE_LOGOFF : PAE_DISCONNECTED));
	}
	assert(!pae->insists ||
	       (pae->pae_state != PAE_AUTHENTICATED && pae->pae_state != PAE_HELD));
	if (supplicant_gave_up(pae)) {
		assert(supplicant_unanswered(pae));
		assert(supplicant_deadline(pae) == NEVER);
	}
	if (pae->pae_state != PAE_AUTHENTICATING)
		assert(strcmp(supplicant_backend_name(pae), "IDLE") == 0);
}

static void settle(struct port *p)
{
	unsigned rounds = 0;

	do {
		rounds++;
		assert(rounds <= 4);
		eap_peer_step(&p->peer, p->now);
		p->success = p->success || p->lower.eapSuccess;
	} while (supplicant_step(&p->pae, p->now));
	collect(p);
	check(p);
}

static void afresh(struct port *p)
{
	p->starts = 0;
	p->success = false;
	p->may_start = false;
}

static void link_is(struct port *p, bool up)
{
	supplicant_set_link(&p->pae, up);
	p->up = up;
	if (!up)
		afresh(p);
}

static void receive(struct port *p, struct slice pdu)
{
	uint8_t *own = malloc(pdu.len ? pdu.len : 1); /* so that it is seen who looks too late */
	struct eapol_frame frame;

	assert(own);
	memcpy(own, pdu.p ? pdu.p : own, pdu.len);
	if (supplicant_receive(&p->pae, slice_of(own, pdu.len), &frame) == OK && p->up &&
	    frame.type == EAPOL_EAP && frame.body.len > 0 && frame.body.p[0] == EAP_REQUEST) {
		p->may_start = true;
		p->starts = 0;
	}
	settle(p);
	free(own);
}

/* A packet that a server might send, of its code, identifier, type and verdict. */
static void receive_likely(struct port *p, struct rd *r)
{
	uint8_t packet[8], pdu[64], code = (uint8_t)(1 + (rd_u8(r) & 3)), id = rd_u8(r) & 3;
	struct wr w = wr_of(packet, sizeof packet), f = wr_of(pdu, sizeof pdu);

	if (code == EAP_REQUEST) {
		size_t mark = eap_packet_open(
			&w, EAP_REQUEST, id,
			eap_type(rd_u8(r) & 1 ? EAP_TYPE_IDENTITY : EAP_TYPE_TLS), false);

		wr_u8(&w, (uint8_t) "cmMfDUi#"[rd_u8(r) & 7]);
		eap_packet_close(&w, mark);
	} else {
		eap_packet_build_result(&w, code, id);
	}
	eapol_frame_build(&f, 2, EAPOL_EAP, wr_done(&w));
	receive(p, wr_done(&f));
}

static void event(struct port *p, struct rd *r)
{
	uint8_t what = rd_u8(r);

	switch (what % 12) {
	case 0:
		link_is(p, true);
		break;
	case 1:
		link_is(p, false);
		break;
	case 2:
		link_is(p, false);
		link_is(p, true);
		break;
	case 3:
	case 4:
		p->off = !p->off;
		supplicant_logoff(&p->pae, p->off);
		p->starts = 0;
		break;
	case 5:
		if (what & 0x40)
			supplicant_insist(&p->pae);
		else
			supplicant_reauthenticate(&p->pae);
		p->starts = 0;
		p->may_start = true;
		break;
	case 6:
		supplicant_set_valid(&p->pae, rd_u8(r) & 3);
		p->starts = 0;
		break;
	case 7:
		p->now.mono += rd_u16(r);
		break;
	case 8: {
		msec next = msec_earlier(supplicant_deadline(&p->pae), eap_peer_deadline(&p->peer));

		p->now.mono = next == NEVER ? p->now.mono : next;
		break;
	}
	case 9:
		receive(p, rd_bytes(r, rd_u8(r)));
		break;
	default:
		receive_likely(p, r);
		break;
	}
	if (what & 0x80) /* or the next event is here already */
		settle(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rd r = rd_of(slice_of(data, size));
	struct port p = { .lower.mtu = 1500, .now.mono = 1 };

	configure(&p, &r);
	eap_peer_init(&p.peer, &p.peer_config, &p.lower);
	supplicant_init(&p.pae, &p.config, &p.lower);
	while (r.left > 0)
		event(&p, &r);
	settle(&p);
	eap_peer_done(&p.peer);
	return 0;
}
