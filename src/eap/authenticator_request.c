#include "eap/authenticator_parts.h"

/* ---- Requests ------------------------------------------------------------------------ */

/* RFC 3748, section 4.1: a new Request has another Identifier than the one before it, also than the
 * last of the conversation before; "initializing the first Identifier with a random number rather
 * than starting from zero is recommended". */
static uint8_t next_id(const struct eap_authenticator *a)
{
	uint8_t first = (uint8_t)a->lower->random;

	if (a->currentId != NONE)
		return (uint8_t)(a->currentId + 1);
	return first == a->previousId ? (uint8_t)(first + 1) : first;
}

static void build(const struct eap_authenticator *a, struct wr *w)
{
	if (!a->offer)
		return; /* Identity: no message, for nobody reads it */
	if (a->method_begun)
		a->offer->method->build(a->self, w);
	else
		w->bad = true;
}

bool authenticator_build_request(struct eap_authenticator *a)
{
	uint8_t id = next_id(a);
	size_t room = a->lower->mtu, mark;
	struct wr w;

	if (bytes_reserve(&a->lastReqData, room) != OK)
		return false;
	w = wr_of(a->lastReqData.p, room);
	mark = eap_packet_open(&w, EAP_REQUEST, id, a->currentMethod, false);
	build(a, &w);
	eap_packet_close(&w, mark);
	a->lastReqData.len = wr_done(&w).len;
	if (a->lastReqData.len == 0)
		return false;
	a->currentId = id;
	return true;
}

enum eap_authenticator_fault authenticator_pass_request(struct eap_authenticator *a)
{
	struct slice in = a->aaa->aaaEapReqData;
	struct eap_packet packet;

	bytes_clear(&a->lastReqData);
	if (in.len > a->lower->mtu || eap_packet_parse(in, &packet) != OK ||
	    packet.code != EAP_REQUEST)
		return EAP_FAULT_AAA_REQUEST;
	if (bytes_append(&a->lastReqData, in, a->lower->mtu) != OK)
		return EAP_FAULT_UNBUILDABLE;
	a->currentId = packet.id;
	a->currentMethod = packet.type;
	return EAP_FAULT_NONE;
}

/* ---- Success and Failure ------------------------------------------------------------- */

static void set_result(struct eap_authenticator *a, enum eap_code code, uint8_t id)
{
	struct wr w = wr_of(a->result, sizeof a->result);

	eap_packet_build_result(&w, code, id);
	a->lower->eapReqData = wr_done(&w);
}

void authenticator_build_result(struct eap_authenticator *a, enum eap_code code)
{
	set_result(a, code, a->currentId == NONE ? 0 : (uint8_t)a->currentId);
}

/* RFC 3579, section 2.6.3: the NAS "MUST NOT manufacture EAP packets in order to correct
 * contradictory messages". */
void authenticator_pass_result(struct eap_authenticator *a)
{
	struct eap_packet packet;

	if (eap_packet_parse(a->aaa->aaaEapReqData, &packet) == OK &&
	    (packet.code == EAP_SUCCESS || packet.code == EAP_FAILURE))
		set_result(a, (enum eap_code)packet.code, packet.id);
}

/* ---- the retransmission timer -------------------------------------------------------- */

static msec within(msec value, msec least, msec most)
{
	return value < least ? least : value > most ? most : value;
}

/* Pseudo-random as RFC 3748, section 4.3 [a] asks for: Marsaglia's xorshift of 32 bits.  Nothing
 * depends on it that an attacker would want to guess. */
static uint32_t next_jitter(struct eap_authenticator *a)
{
	a->jitter ^= a->jitter << 13;
	a->jitter ^= a->jitter >> 17;
	a->jitter ^= a->jitter << 5;
	return a->jitter;
}

/* What RFC 3748 says of a timer, in proportion to what the policy says of the least. */
static msec scaled(const struct eap_authenticator *a, msec usual)
{
	return a->policy->rto_min ? usual * a->policy->rto_min / EAP_RTO_MIN : usual;
}

/* The hint of a method is taken as it is: it knows what the peer has to do.  A tenth of RTOmin to
 * both sides otherwise, so that nothing becomes negative. */
static msec calculate_timeout(struct eap_authenticator *a)
{
	msec jitter = scaled(a, EAP_RTO_JITTER);

	if (a->methodTimeout > 0)
		return a->methodTimeout;
	if (a->jitter == 0)
		return a->rto;
	return a->rto - jitter / 2 + next_jitter(a) % (jitter + 1);
}

void authenticator_start_timer(struct eap_authenticator *a)
{
	a->sent_at = a->now.mono;
	a->retransWhile =
		a->kind == EAP_BACKEND ? NEVER : msec_after(a->now.mono, calculate_timeout(a));
}

/* RFC 6298, sections 2.2 and 2.3. */
static void sample(struct eap_authenticator *a, msec rtt)
{
	msec apart = rtt > a->eapSRTT ? rtt - a->eapSRTT : a->eapSRTT - rtt;

	if (a->measured) {
		a->eapRTTVAR = (3 * a->eapRTTVAR + apart) / 4;
		a->eapSRTT = (7 * a->eapSRTT + rtt) / 8;
	} else {
		a->eapSRTT = rtt;
		a->eapRTTVAR = rtt / 2;
	}
	a->measured = true;
}

void authenticator_reset_timer(struct eap_authenticator *a)
{
	/* The clock's granularity is one millisecond. */
	msec apart = a->eapRTTVAR > 0 ? 4 * a->eapRTTVAR : 1;

	a->rto = a->measured ? within(a->eapSRTT + apart, scaled(a, EAP_RTO_MIN),
				      scaled(a, EAP_RTO_MAX))
			     : scaled(a, EAP_RTO_FIRST);
}

/* Where the method gave a hint, a person may be at work, which is no measure of the network. */
void authenticator_measure(struct eap_authenticator *a)
{
	if (!a->measurable || a->methodTimeout > 0)
		return;
	a->measurable = false;
	sample(a, within(a->now.mono - a->sent_at, 0, EAP_RTO_MAX));
	authenticator_reset_timer(a);
}

void authenticator_back_off(struct eap_authenticator *a)
{
	a->rto = within(2 * a->rto, 0, scaled(a, EAP_RTO_MAX));
	a->measurable = false;
}
