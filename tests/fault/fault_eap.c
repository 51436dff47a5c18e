/* The EAP peer without memory. */
#include "eap/peer.h"
#include "tests/fault/fault.h"
#include "tests/talk/fake_method.h"

struct scene {
	struct eap_peer peer;
	struct eap_peer_config config;
	struct eap_lower lower;
	struct fake_method fake;
};

static void begin(struct scene *s)
{
	*s = (struct scene){ .lower = { .portEnabled = true, .mtu = 1500 } };
	s->config.identity = slice_str("anonymous");
	s->config.offers[0] = fake_method_offer(&s->fake, eap_type(EAP_TYPE_TLS));
	s->config.offer_count = 1;
	eap_peer_init(&s->peer, &s->config, &s->lower);
	eap_peer_step(&s->peer, (struct moment){ 0 });
}

/* True if there is a response, and that is one whole packet. */
static bool hear(struct scene *s, struct slice packet)
{
	struct eap_packet response;
	bool answered;

	s->lower.eapReq = true;
	s->lower.eapReqData = packet;
	eap_peer_step(&s->peer, (struct moment){ 0 });
	answered = s->lower.eapResp;
	s->lower.eapResp = s->lower.eapNoResp = false;
	return answered && eap_packet_parse(s->lower.eapRespData, &response) == OK;
}

static bool end(struct scene *s, bool right)
{
	eap_peer_done(&s->peer);
	return right && s->fake.started == s->fake.stopped;
}

/* What cannot be answered is as good as lost; once there is memory again it is answered. */
static bool identity(void)
{
	static const uint8_t request[] = { 1, 1, 0, 5, 1 };
	struct slice packet = slice_of(request, sizeof request);
	struct scene s;

	begin(&s);

	bool first = hear(&s, packet), second = hear(&s, packet);

	return end(&s, first == !fault_happened() && second == !fault_lasts() && !s.lower.eapFail);
}

/* A method that cannot be answered has come to an end, and says why. */
static bool method(void)
{
	struct diagnosis why;
	struct scene s;

	begin(&s);

	bool answered = hear(&s, slice_of("\1\2\0\7\15Dk", 7));

	eap_peer_diagnose(&s.peer, &why);
	if (!answered)
		return end(&s, fault_happened() && s.lower.eapFail && why.id == DIAG_INTERNAL);
	hear(&s, slice_of("\3\2\0\4", 4));
	return end(&s, s.lower.eapSuccess && s.lower.eapKeyAvailable == !fault_happened());
}

static bool nak_and_notification(void)
{
	struct scene s;
	bool answered;

	begin(&s);
	answered = hear(&s, slice_of("\1\1\0\6\2x", 6));
	answered = hear(&s, slice_of("\1\2\0\5\31", 5)) && answered;
	return end(&s, (answered || fault_happened()) && !s.lower.eapFail);
}

int main(void)
{
	fault_init();
	fault_each("EAP peer: identity", identity);
	fault_each("EAP peer: method", method);
	fault_each("EAP peer: Nak and Notification", nak_and_notification);
	return fault_end();
}
