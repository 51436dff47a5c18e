/* The EAP authenticators without memory. */
#include "eap/authenticator.h"
#include "tests/fault/fault.h"
#include "tests/talk/fake_server_method.h"

struct scene {
	struct eap_authenticator machine;
	struct eap_authenticator_lower lower;
	struct eap_authenticator_aaa aaa;
	struct eap_policy_choice choice;
	struct eap_policy policy;
	struct fake_server_method fake;
};

static void step(struct scene *s)
{
	eap_authenticator_step(&s->machine, (struct moment){ 0 });
}

static void begin(struct scene *s, enum eap_authenticator_kind kind)
{
	*s = (struct scene){ .lower = { .portEnabled = true, .mtu = 1500 } };
	s->choice.offers[0] = fake_server_offer(&s->fake, eap_type(EAP_TYPE_TLS));
	s->choice.offer_count = 1;
	s->choice.passthrough = true;
	s->policy = (struct eap_policy){
		.ask_identity = true, .pick_up = true, .choices = &s->choice, .choice_count = 1
	};
	eap_authenticator_init(&s->machine, kind, &s->policy, &s->lower,
			       kind == EAP_FULL ? &s->aaa : NULL);
	step(s);
}

/* With the identifier of the last Request. */
static void hear(struct scene *s, const char *type_and_data)
{
	uint8_t packet[64];
	struct wr w = wr_of(packet, sizeof packet);
	int id = s->machine.currentId;
	size_t mark;

	wr_u8(&w, EAP_RESPONSE);
	wr_u8(&w, id < 0 ? 7 : (uint8_t)id);
	mark = wr_open16(&w);
	wr_bytes(&w, slice_str(type_and_data));
	wr_close16_from(&w, mark, 0);
	s->lower.eapReq = false;
	s->lower.eapResp = true;
	s->lower.eapRespData = wr_done(&w);
	step(s);
}

/* It succeeded, with keys if there was memory for them; or it failed, told the peer so, and knows
 * why. */
static bool end(struct scene *s)
{
	struct diagnosis why;
	bool right;

	eap_authenticator_diagnose(&s->machine, &why);
	if (s->lower.eapSuccess)
		right = s->lower.eapKeyAvailable || fault_happened();
	else
		right = fault_happened() && s->lower.eapFail && s->lower.eapReqData.len == 4 &&
			why.id == DIAG_INTERNAL && !s->lower.eapKeyAvailable;
	eap_authenticator_done(&s->machine);
	return right && s->fake.begun == s->fake.freed;
}

static bool stand_alone(void)
{
	struct scene s;

	begin(&s, EAP_STAND_ALONE);
	if (s.lower.eapReq)
		hear(&s, "\1me");
	if (s.lower.eapReq)
		hear(&s, "\15c");
	if (s.lower.eapReq)
		hear(&s, "\15aSk");
	eap_authenticator_answer(&s.machine, &(struct eap_reply){ .accept = true });
	step(&s);
	return end(&s);
}

static bool backend(void)
{
	struct scene s;

	begin(&s, EAP_BACKEND);
	hear(&s, "\1me");
	if (s.lower.eapReq)
		hear(&s, "\15sk");
	return end(&s);
}

static bool picked_up(void)
{
	struct scene s;

	begin(&s, EAP_BACKEND);
	hear(&s, "\15c");
	if (s.lower.eapReq)
		hear(&s, "\15sk");
	return end(&s);
}

static bool full(void)
{
	struct scene s;

	begin(&s, EAP_FULL);
	if (s.lower.eapReq)
		hear(&s, "\1me");
	s.lower.eapReq = false;
	s.aaa.aaaEapReq = true;
	s.aaa.aaaEapReqData = slice_of("\1\1\0\6\15x", 6);
	step(&s);
	if (s.lower.eapReq)
		hear(&s, "\15x");
	s.aaa.aaaSuccess = true;
	s.aaa.aaaEapReqData = slice_of("\3\1\0\4", 4);
	s.aaa.aaaEapKeyAvailable = true;
	s.aaa.aaaEapKeyData = &(struct eap_keys){ 0 };
	step(&s);
	return end(&s);
}

int main(void)
{
	fault_init();
	fault_each("EAP authenticator: stand-alone", stand_alone);
	fault_each("EAP authenticator: backend", backend);
	fault_each("EAP authenticator: a method is picked up", picked_up);
	fault_each("EAP authenticator: full", full);
	return fault_end();
}
