/* The EAP authenticators in front of a hostile peer, a hostile AAA server and a careless lower
 *layer. The first octet of the input says which (0, 1, 2: stand-alone, backend, full, modulo 3) and
 *what the policy allows (04: no Request/Identity, 08: picking up); what follows is a list of
 *events, an octet each that says which, and what belongs to it.  The methods are fake ones, which
 *do what the other side tells them: any verdict in any order.
 *
 *	00 down   01 up   02 restart   03 MSEC(2) time passes   04 accept   05 refuse
 *	06 LEN(1) PACKET, 07 LEN(1) PACKET, 08 LEN(1) PACKET, 09, 0a: the AAA server's Request,
 *	success (with keys if the packet's length is odd), failure, no Request, timeout
 *	0b RANDOM(4)
 *	anything else: LEN(1) PACKET */
#include "eap/authenticator.h"
#include "tests/talk/fake_server_method.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FAKES  5
#define ROUNDS 6

struct scene {
	struct eap_authenticator machine;
	struct eap_authenticator_lower lower;
	struct eap_authenticator_aaa aaa;
	struct eap_policy policy;
	struct eap_policy_choice choices[3];
	struct fake_server_method fakes[FAKES];
	struct eap_keys keys;
	struct moment now;
	int last_id; /* of the last Request */
};

static bool in_state(const struct scene *s, const char *state)
{
	return strcmp(eap_authenticator_state_name(&s->machine), state) == 0;
}

static bool at_end(const struct scene *s, const char *state)
{
	size_t len = strlen(state);
	const char *now = eap_authenticator_state_name(&s->machine);

	return strncmp(now, state, len) == 0 && (now[len] == '\0' || strcmp(now + len, "2") == 0);
}

static void check_request(struct scene *s, uint32_t requests_before)
{
	struct eap_packet packet;
	bool through = in_state(s, "IDLE2");

	assert(s->lower.eapReqData.len <= s->lower.mtu);
	assert(eap_packet_parse(s->lower.eapReqData, &packet) == OK);
	assert(packet.code == EAP_REQUEST && packet.id == s->machine.currentId);
	assert(through || s->machine.counters.requests == requests_before ||
	       packet.id != s->last_id);
	s->last_id = packet.id;
}

static void check_result(const struct scene *s, enum eap_code code, const char *state)
{
	struct eap_packet packet;

	if (s->lower.eapReqData.len == 0) {
		assert(at_end(s, state) && !in_state(s, state)); /* the server's verdict */
		return;
	}
	assert(eap_packet_parse(s->lower.eapReqData, &packet) == OK);
	assert(packet.code == EAP_SUCCESS || packet.code == EAP_FAILURE);
	assert(!in_state(s, state) || packet.code == code);
	assert(!in_state(s, state) || s->machine.currentId == -1 ||
	       packet.id == s->machine.currentId);
}

static void check_end(const struct scene *s, bool verdict)
{
	const struct eap_authenticator *a = &s->machine;
	bool success = at_end(s, "SUCCESS"), failure = at_end(s, "FAILURE"),
	     timeout = at_end(s, "TIMEOUT_FAILURE");
	struct diagnosis why;

	if (!in_state(s, "DISABLED")) { /* which leaves them to the lower layer */
		assert(s->lower.eapSuccess == success && s->lower.eapFail == failure);
		assert(s->lower.eapTimeout == timeout);
	}
	if (success || failure || timeout)
		assert(!a->lastReqData.p);
	if (failure || timeout)
		assert(!s->lower.eapKeyData && !a->keys.msk.p && !s->lower.eapKeyAvailable);
	assert(!in_state(s, "SUCCESS") || (a->method_succeeded && !a->refused && a->choice));
	assert(!verdict || !in_state(s, "SUCCESS2") || a->choice->passthrough);
	if (success)
		check_result(s, EAP_SUCCESS, "SUCCESS");
	if (failure)
		check_result(s, EAP_FAILURE, "FAILURE");

	eap_authenticator_diagnose(a, &why);
	assert(!success || why.id == DIAG_NONE);
	assert(in_state(s, "DISABLED") || success || why.id != DIAG_NONE);
}

static void check_memory(const struct scene *s)
{
	unsigned held = 0;

	for (size_t i = 0; i < FAKES; i++)
		held += s->fakes[i].begun - s->fakes[i].freed;
	assert(held <= 1 && s->machine.identity.len <= EAP_IDENTITY_MAX);
	assert(s->machine.lastReqData.cap <= s->lower.mtu);
	assert(!in_state(s, "DISABLED") || (held == 0 && !s->machine.identity.p));
}

static void step(struct scene *s)
{
	bool idle, verdict = s->aaa.aaaSuccess, was_end = at_end(s, "SUCCESS");
	uint32_t before = s->machine.counters.requests;
	struct eap_report report;
	const struct eap_server_method *method;

	s->lower.eapReq = s->lower.eapNoReq = s->aaa.aaaEapResp = false;
	eap_authenticator_step(&s->machine, s->now);

	assert(!s->lower.eapResp);
	assert(s->machine.kind != EAP_FULL ||
	       (!s->aaa.aaaEapReq && !s->aaa.aaaEapNoReq && !s->aaa.aaaSuccess && !s->aaa.aaaFail &&
		!s->aaa.aaaTimeout));
	assert(verdict || was_end || !in_state(s, "SUCCESS2"));
	assert(s->machine.rounds <= ROUNDS && s->machine.retransCount <= 3);
	if (s->lower.eapReq)
		check_request(s, before);
	/* A backend goes on from the identifier that it picks up. */
	if (in_state(s, "DISABLED") && s->machine.kind == EAP_BACKEND)
		s->last_id = -1;
	check_end(s, verdict);
	check_memory(s);

	idle = in_state(s, "IDLE") || in_state(s, "IDLE2");
	assert((idle && s->machine.kind != EAP_BACKEND) ==
	       (eap_authenticator_deadline(&s->machine) != NEVER));
	assert(in_state(s, "ASKING") == (eap_authenticator_question(&s->machine) != NULL));
	(void)eap_authenticator_report(&s->machine, &report, &method);
}

static void server(struct scene *s, bool *signal, struct slice packet)
{
	static const uint8_t msk[EAP_MSK_SIZE];

	*signal = true;
	s->aaa.aaaEapReqData = packet;
	s->aaa.aaaEapKeyData = &s->keys;
	s->aaa.aaaEapKeyAvailable = signal == &s->aaa.aaaSuccess && packet.len % 2 == 1 &&
				    secret_set(&s->keys.msk, slice_of(msk, sizeof msk)) == OK;
}

static void event(struct scene *s, struct rd *r)
{
	struct slice packet = { 0 };

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
		s->now.mono += rd_u16(r);
		break;
	case 4:
		eap_authenticator_answer(&s->machine, &(struct eap_reply){ .accept = true });
		break;
	case 5:
		eap_authenticator_answer(&s->machine, &(struct eap_reply){ .accept = false });
		break;
	case 6:
		server(s, &s->aaa.aaaEapReq, rd_bytes(r, rd_u8(r)));
		break;
	case 7:
		server(s, &s->aaa.aaaSuccess, rd_bytes(r, rd_u8(r)));
		break;
	case 8:
		server(s, &s->aaa.aaaFail, rd_bytes(r, rd_u8(r)));
		break;
	case 9:
		server(s, &s->aaa.aaaEapNoReq, packet);
		break;
	case 10:
		server(s, &s->aaa.aaaTimeout, packet);
		break;
	case 11:
		s->lower.random = rd_u32(r);
		break;
	default:
		packet = rd_bytes(r, rd_u8(r));
		s->lower.eapResp = true;
		break;
	}
	s->lower.eapRespData = packet;
	step(s);
}

static void set_policy(struct scene *s, uint8_t flags)
{
	s->choices[0] = (struct eap_policy_choice){ .realm = "a", .offer_count = 2 };
	s->choices[0].offers[0] = fake_server_offer(&s->fakes[0], eap_type(EAP_TYPE_TLS));
	s->choices[0].offers[1] = fake_server_offer(&s->fakes[1], (struct eap_type){ 9, 1 });
	s->choices[1] = (struct eap_policy_choice){ .realm = "b", .passthrough = true };
	s->choices[2] = (struct eap_policy_choice){ .offer_count = 3 };
	s->choices[2].offers[0] = fake_server_offer(&s->fakes[2], (struct eap_type){ 9, 2 });
	s->choices[2].offers[1] = fake_server_offer(&s->fakes[3], eap_type(EAP_TYPE_TLS));
	s->choices[2].offers[2] = fake_server_offer(&s->fakes[4], eap_type(EAP_TYPE_TTLS));
	s->choices[2].passthrough = flags & 16;
	s->policy = (struct eap_policy){ .ask_identity = !(flags & 4),
					 .pick_up = flags & 8,
					 .choices = s->choices,
					 .choice_count = 3,
					 .max_retrans = 2,
					 .max_rounds = ROUNDS };
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rd r = rd_of(slice_of(data, size));
	struct scene s = { .lower.mtu = EAP_MTU_LEAST, .last_id = -1 };
	uint8_t flags = rd_u8(&r);
	enum eap_authenticator_kind kind = (enum eap_authenticator_kind)((flags & 3) % 3);

	set_policy(&s, flags);
	eap_authenticator_init(&s.machine, kind, &s.policy, &s.lower,
			       kind == EAP_FULL ? &s.aaa : NULL);
	while (r.left > 0)
		event(&s, &r);
	eap_authenticator_done(&s.machine);
	eap_keys_done(&s.keys);
	for (size_t i = 0; i < FAKES; i++)
		assert(s.fakes[i].begun == s.fakes[i].freed);
	assert(!s.machine.keys.msk.p && !s.machine.lastReqData.p && !s.machine.identity.p);
	return 0;
}
