/* The EAP peer in front of a hostile authenticator and a careless lower layer.  The input is a
 * list of events: an octet that says which, and what belongs to it.  The methods are fake ones,
 * which do what the other side tells them: any verdict in any order.
 *
 *	00 down   01 up   02 restart   03 altAccept   04 altReject   05 MSEC(2) time passes
 *	anything else: LEN(1) PACKET */
#include "eap/peer.h"
#include "tests/talk/fake_method.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct scene {
	struct eap_peer peer;
	struct eap_peer_config config;
	struct eap_lower lower;
	struct fake_method fakes[2];
	struct moment now;
};

static bool in_state(const struct scene *s, const char *state)
{
	return strcmp(eap_peer_state_name(&s->peer), state) == 0;
}

static void check_response(const struct scene *s)
{
	struct eap_packet packet;

	assert(s->lower.eapRespData.len <= s->lower.mtu);
	assert(eap_packet_parse(s->lower.eapRespData, &packet) == OK);
	assert(packet.code == EAP_RESPONSE && packet.id == s->peer.lastId);
}

static void step(struct scene *s)
{
	bool had_packet = s->lower.eapReq;
	bool success_before = in_state(s, "SUCCESS");
	struct diagnosis why;

	s->lower.eapResp = s->lower.eapNoResp = false;
	eap_peer_step(&s->peer, s->now);

	assert(!s->lower.eapReq && !(s->lower.eapSuccess && s->lower.eapFail));
	assert(!(s->lower.eapResp && s->lower.eapNoResp));
	assert(!had_packet || s->lower.eapResp || s->lower.eapNoResp);
	assert(!in_state(s, "SUCCESS") || s->peer.decision != FAIL);
	assert(!in_state(s, "SUCCESS") || s->lower.eapSuccess);
	assert(!in_state(s, "FAILURE") || s->lower.eapFail);
	assert(!s->lower.eapKeyAvailable || s->lower.eapKeyData);
	assert(!in_state(s, "FAILURE") || (!s->lower.eapKeyData && !s->peer.keys.msk.p));
	assert(s->peer.rounds <= 5);
	assert(success_before || !in_state(s, "SUCCESS") || s->peer.selectedMethod);
	if (s->lower.eapResp)
		check_response(s);

	eap_peer_diagnose(&s->peer, &why);
	assert(in_state(s, "SUCCESS") == (why.id == DIAG_NONE));
	assert(in_state(s, "IDLE") == (eap_peer_deadline(&s->peer) != NEVER));
}

static void event(struct scene *s, struct rd *r)
{
	struct slice packet = { 0 };

	s->lower.altAccept = s->lower.altReject = false;
	switch (rd_u8(r)) {
	case 0:
		s->lower.portEnabled = false;
		break;
	case 1:
		s->lower.portEnabled = true;
		break;
	case 2:
		s->lower.eapRestart = true;
		break;
	case 3:
		s->lower.altAccept = true;
		break;
	case 4:
		s->lower.altReject = true;
		break;
	case 5:
		s->now.mono += rd_u16(r);
		break;
	default:
		packet = rd_bytes(r, rd_u8(r));
		s->lower.eapReq = true;
		break;
	}
	s->lower.eapReqData = packet;
	step(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rd r = rd_of(slice_of(data, size));
	struct scene s = { .config = { .identity = slice_str("me"),
				       .max_rounds = 5,
				       .client_timeout = 1000,
				       .offer_count = 2 },
			   .lower.mtu = EAP_MTU_LEAST };

	s.config.offers[0] = fake_method_offer(&s.fakes[0], eap_type(EAP_TYPE_TLS));
	s.config.offers[1] = fake_method_offer(&s.fakes[1], (struct eap_type){ 9, 1 });
	eap_peer_init(&s.peer, &s.config, &s.lower);
	while (r.left > 0)
		event(&s, &r);
	eap_peer_done(&s.peer);
	for (size_t i = 0; i < 2; i++)
		assert(s.fakes[i].started == s.fakes[i].stopped);
	assert(!s.peer.keys.msk.p && !s.peer.eapRespData.p);
	return 0;
}
