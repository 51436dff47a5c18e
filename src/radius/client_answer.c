/* A response: whether it is one, and what it says. */
#include <openssl/crypto.h>

#include "radius/client_parts.h"
#include "radius/facts.h"

#define TERMINATION_RADIUS_REQUEST 1 /* RFC 2865, section 5.29 */

void radius_answer_wipe(struct radius_answer *answer)
{
	OPENSSL_cleanse(answer->msk, sizeof answer->msk);
	answer->has_msk = false;
}

/* ---- what it says --------------------------------------------------------------------- */

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

/* A genuine response that makes no sense is a Reject with its fault: RFC 2865, section 5. */
static void read_answer(struct radius_crypto *crypto, struct slice secret,
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

/* ---- receiving ----------------------------------------------------------------------- */

static bool refuse(struct server *server, struct exchange *e, enum radius_fault fault)
{
	server->counters.faults[fault]++;
	server->last_fault = fault;
	if (e)
		e->fault = fault;
	return false;
}

/* A genuine answer: the server lives, but one that was dead may have to show it more than once. */
static void hear(struct radius_client *client, struct server *server, bool probe, msec now)
{
	server->heard++;
	server->last_fault = RADIUS_FINE;
	if (probe && ++server->answered_probes < server->timing.probes)
		return;
	client_set_state(client, server, RADIUS_SERVER_ALIVE, now);
}

/* Without Message-Authenticator, but with the right Response Authenticator: of the server as it
 * seems, so there is nothing to wait for, but to be believed is only that it says something
 * (CVE-2024-3596).  Whatever it was, nobody is let in. */
static struct radius_answer unsigned_answer(struct server *server, const struct exchange *e)
{
	server->last_fault = RADIUS_UNSIGNED;
	return (struct radius_answer){ .number = e->number,
				       .outcome = RADIUS_REJECTED,
				       .server = e->server,
				       .fault = RADIUS_UNSIGNED };
}

static void count_answer(struct server *server, const struct radius_answer *answer)
{
	struct radius_client_counters *counters = &server->counters;

	counters->faults[answer->fault] += answer->fault != RADIUS_FINE;
	counters->accepts += answer->outcome == RADIUS_ACCEPTED;
	counters->rejects += answer->outcome == RADIUS_REJECTED;
	counters->challenges += answer->outcome == RADIUS_CHALLENGED;
	counters->responses += answer->outcome == RADIUS_ACCOUNTED;
}

bool radius_client_receive(struct radius_client *client, size_t index, size_t socket,
			   struct slice in, uint8_t *eap_room, msec now,
			   struct radius_answer *ret_answer)
{
	struct server *server = &client->servers[index];
	struct radius_packet packet;
	enum radius_fault fault = radius_packet_parse(in, &packet);
	struct exchange *e;
	size_t slot;

	exchange_free(TAKE(client->told));
	if (fault != RADIUS_FINE)
		return refuse(server, NULL, fault);
	slot = socket * RADIUS_IDS + packet.id;
	e = slot < server->slot_count ? server->by_slot[slot] : NULL;
	if (!e)
		return refuse(server, NULL, RADIUS_UNMATCHED);
	fault = radius_verify_response(client->crypto, secret_slice(&server->secret), e->code,
				       slice_of(e->authenticator, sizeof e->authenticator),
				       &packet);
	if (fault != RADIUS_FINE && fault != RADIUS_UNSIGNED)
		return refuse(server, e, fault);
	hear(client, server, e == &server->probe, now);
	server->connection[socket].heard = now;
	server->connection[socket].tried = false;
	if (e->code == RADIUS_STATUS_SERVER) {
		server_end_probe(server, e);
		return false;
	}
	if (fault == RADIUS_FINE)
		read_answer(client->crypto, secret_slice(&server->secret), e, &packet, eap_room,
			    ret_answer);
	else
		*ret_answer = unsigned_answer(server, e);
	count_answer(server, ret_answer);
	exchange_drop(client, e);
	return true;
}
