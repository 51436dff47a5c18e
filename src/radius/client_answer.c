#include "radius/client_parts.h"
#include "radius/facts.h"

#include <openssl/crypto.h>

#define TERMINATION_RADIUS_REQUEST 1 /* RFC 2865, section 5.29 */

void radius_answer_wipe(struct radius_answer *answer)
{
	OPENSSL_cleanse(answer->msk, sizeof answer->msk);
	answer->has_msk = false;
}

static enum radius_fault read_numbers(const struct radius_packet *packet,
				      struct radius_answer *answer)
{
	uint32_t action;
	bool present;

	if (!radius_number_read(packet, RADIUS_SESSION_TIMEOUT, &answer->session_timeout,
				&present) ||
	    !radius_number_read(packet, RADIUS_ACCT_INTERIM_INTERVAL, &answer->interim, &present) ||
	    !radius_number_read(packet, RADIUS_TERMINATION_ACTION, &action, &present))
		return RADIUS_BAD_VALUE;
	answer->reauthenticate = action == TERMINATION_RADIUS_REQUEST;
	return RADIUS_FINE;
}

/* "if an EAP-Key-Name Attribute is included in an Access-Request but is not present in the
 * Access-Accept, the NAS SHOULD treat the Access-Accept as though it were an Access-Reject": RFC
 * 7268, section 2.2.  One that was not asked for is ignored. */
static enum radius_fault read_key_name(const struct exchange *exchange,
				       const struct radius_packet *packet,
				       struct radius_answer *answer)
{
	if (!exchange->wants_key_name)
		return RADIUS_FINE;
	radius_find(packet, RADIUS_EAP_KEY_NAME, &answer->eap_session_id);
	return answer->eap_session_id.len > 0 ? RADIUS_FINE : RADIUS_BAD_KEYS;
}

static enum radius_fault read_accept(struct radius_crypto *crypto, struct slice secret,
				     const struct exchange *exchange,
				     const struct radius_packet *packet,
				     struct radius_answer *answer)
{
	struct slice vector = slice_of(exchange->authenticator, sizeof exchange->authenticator);
	enum radius_fault fault = read_key_name(exchange, packet, answer);

	if (fault != RADIUS_FINE)
		return fault;
	answer->vlan = radius_vlan(packet, &answer->odd_vlan);
	answer->class_count = radius_classes_read(packet, answer->classes);
	radius_find(packet, RADIUS_USER_NAME, &answer->user_name);
	return radius_get_msk(crypto, secret, vector, packet, answer->msk, &answer->has_msk);
}

static enum radius_outcome outcome_of(uint8_t code)
{
	switch (code) {
	case RADIUS_ACCESS_ACCEPT:
		return RADIUS_ACCEPTED;
	case RADIUS_ACCESS_CHALLENGE:
		return RADIUS_CHALLENGED;
	case RADIUS_ACCOUNTING_RESPONSE:
		return RADIUS_ACCOUNTED;
	default:
		return RADIUS_REJECTED;
	}
}

void radius_answer_read(struct radius_crypto *crypto, struct slice secret,
			const struct exchange *exchange, const struct radius_packet *packet,
			uint8_t *eap_room, struct radius_answer *ret_answer)
{
	struct radius_answer answer = { .number = exchange->number,
					.server = exchange->server,
					.outcome = outcome_of(packet->code) };

	answer.fault = radius_eap(packet, eap_room, &answer.eap);
	if (answer.fault == RADIUS_FINE && answer.outcome != RADIUS_ACCOUNTED)
		answer.fault = read_numbers(packet, &answer);
	if (answer.fault == RADIUS_FINE && answer.outcome == RADIUS_ACCEPTED)
		answer.fault = read_accept(crypto, secret, exchange, packet, &answer);
	if (answer.outcome == RADIUS_CHALLENGED)
		radius_find(packet, RADIUS_STATE, &answer.state);
	radius_find(packet, RADIUS_REPLY_MESSAGE, &answer.message);
	if (answer.fault != RADIUS_FINE) {
		*ret_answer = (struct radius_answer){ .number = exchange->number,
						      .server = exchange->server,
						      .outcome = RADIUS_REJECTED,
						      .fault = answer.fault };
		radius_answer_wipe(&answer);
		return;
	}
	*ret_answer = answer;
	radius_answer_wipe(&answer);
}
