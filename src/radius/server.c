#include "radius/server.h"

#include "radius/facts.h"

#define EAPOL_HEADER  4	   /* RFC 3579, section 2.4, by way of RFC 3580, section 3.10 */
#define EAP_MTU_LEAST 64   /* less is no link, but a mistake */
#define EAP_MTU_MOST  3000 /* leaves room for State and Proxy-States in a RADIUS packet */

/* Of EAP-Key-Name, "anything other than a single NUL character" does not count. */
static enum radius_fault read_access(uint8_t *eap_room, struct radius_request *request)
{
	const struct radius_packet *packet = &request->packet;
	struct rd at = rd_of(packet->attributes);
	struct radius_attribute a;
	enum radius_fault fault = radius_who_read(packet, &request->who);
	bool eap = false;

	if (fault != RADIUS_FINE)
		return fault;
	while (radius_next(&at, &a)) {
		if (a.type == RADIUS_STATE && !request->state.p)
			request->state = a.value;
		else if (a.type == RADIUS_EAP_KEY_NAME)
			request->wants_key_name = a.value.len == 1 && a.value.p[0] == 0;
		else if (a.type == RADIUS_CHARGEABLE_USER_IDENTITY)
			request->wants_chargeable = true;
		eap = eap || a.type == RADIUS_EAP_MESSAGE;
	}
	return eap ? radius_eap(packet, eap_room, &request->eap) : RADIUS_NO_EAP;
}

enum radius_fault radius_request_read(struct radius_crypto *crypto, struct slice secret,
				      struct slice in, uint8_t *eap_room,
				      struct radius_request *ret_request)
{
	struct radius_request request = { 0 };
	enum radius_fault fault = radius_packet_parse(in, &request.packet);

	*ret_request = request;
	if (fault != RADIUS_FINE)
		return fault;
	if (request.packet.code != RADIUS_ACCESS_REQUEST &&
	    request.packet.code != RADIUS_ACCOUNTING_REQUEST &&
	    request.packet.code != RADIUS_STATUS_SERVER)
		return RADIUS_WRONG_CODE;
	fault = radius_verify_request(crypto, secret, &request.packet);
	if (fault != RADIUS_FINE)
		return fault;
	switch (request.packet.code) {
	case RADIUS_ACCESS_REQUEST:
		fault = read_access(eap_room, &request);
		break;
	case RADIUS_ACCOUNTING_REQUEST:
		fault = radius_who_read(&request.packet, &request.who);
		if (fault == RADIUS_FINE)
			fault = radius_accounting_read(&request.packet, &request.accounting);
		break;
	default: /* Status-Server asks nothing but whether we are there */
		break;
	}
	*ret_request = request;
	return fault;
}

size_t radius_eap_mtu(const struct radius_who *who, size_t fallback)
{
	size_t mtu = who->framed_mtu;

	if (mtu < EAP_MTU_LEAST + EAPOL_HEADER)
		return fallback;
	mtu -= EAPOL_HEADER;
	return mtu < EAP_MTU_MOST ? mtu : EAP_MTU_MOST;
}

/* ---- replies ------------------------------------------------------------------------- */

static enum radius_fault put_accept(struct radius_builder *b, struct radius_crypto *crypto,
				    struct slice secret, const struct radius_request *request,
				    const struct radius_reply *reply)
{
	radius_put_some(b, RADIUS_USER_NAME, reply->user_name);
	for (size_t i = 0; i < reply->class_count && i < RADIUS_CLASSES_MAX; i++)
		radius_put_some(b, RADIUS_CLASS, reply->classes[i]);
	if (reply->session_timeout > 0) {
		radius_put_u32(b, RADIUS_SESSION_TIMEOUT, reply->session_timeout);
		if (reply->reauthenticate)
			radius_put_u32(b, RADIUS_TERMINATION_ACTION, 1);
	}
	radius_put_vlan(b, reply->vlan);
	if (reply->eap.len > 0)
		radius_put_eap(b, reply->eap);
	if (reply->interim > 0)
		radius_put_u32(b, RADIUS_ACCT_INTERIM_INTERVAL, reply->interim);
	if (request->wants_chargeable)
		radius_put_some(b, RADIUS_CHARGEABLE_USER_IDENTITY, reply->chargeable);
	if (request->wants_key_name && reply->eap_session_id.len <= RADIUS_VALUE_MAX)
		radius_put_some(b, RADIUS_EAP_KEY_NAME, reply->eap_session_id);
	if (reply->msk.len == 0)
		return RADIUS_FINE;
	return radius_put_msk(b, crypto, secret, request->packet.authenticator, reply->msk,
			      reply->salt);
}

static void put_challenge(struct radius_builder *b, const struct radius_reply *reply)
{
	radius_put_some(b, RADIUS_STATE, reply->state);
	if (reply->session_timeout > 0)
		radius_put_u32(b, RADIUS_SESSION_TIMEOUT, reply->session_timeout);
	if (reply->eap.len > 0)
		radius_put_eap(b, reply->eap);
}

/* "Reply-Message attribute(s) MUST NOT be included in any RADIUS message containing an EAP-Message
 * attribute." */
static void put_reject(struct radius_builder *b, const struct radius_reply *reply)
{
	if (reply->eap.len > 0)
		radius_put_eap(b, reply->eap);
	else
		radius_put_some(b, RADIUS_REPLY_MESSAGE, reply->message);
}

static struct radius_builder reply_of(uint8_t *buffer, enum radius_code code,
				      const struct radius_request *request)
{
	bool with = request->packet.code != RADIUS_ACCOUNTING_REQUEST;

	return radius_builder_of(buffer, RADIUS_PACKET_MAX, code, request->packet.id,
				 request->packet.authenticator, with);
}

enum radius_fault radius_reply_build(struct radius_crypto *crypto, struct slice secret,
				     const struct radius_request *request,
				     const struct radius_reply *reply, uint8_t *buffer,
				     struct slice *ret_packet)
{
	struct radius_builder b = reply_of(buffer, reply->code, request);
	enum radius_fault fault = RADIUS_FINE;

	if (request->packet.code != (reply->code == RADIUS_ACCOUNTING_RESPONSE
					     ? RADIUS_ACCOUNTING_REQUEST
					     : RADIUS_ACCESS_REQUEST))
		return RADIUS_WRONG_CODE;
	if (reply->code == RADIUS_ACCESS_ACCEPT)
		fault = put_accept(&b, crypto, secret, request, reply);
	else if (reply->code == RADIUS_ACCESS_CHALLENGE)
		put_challenge(&b, reply);
	else if (reply->code == RADIUS_ACCESS_REJECT)
		put_reject(&b, reply);
	else if (reply->code != RADIUS_ACCOUNTING_RESPONSE)
		return RADIUS_WRONG_CODE;
	if (fault != RADIUS_FINE)
		return fault;
	radius_put_proxy_states(&b, &request->packet);
	return radius_seal_response(crypto, secret, request->packet.authenticator, &b, ret_packet);
}

enum radius_fault radius_status_build(struct radius_crypto *crypto, struct slice secret,
				      const struct radius_request *request, bool accounting,
				      uint8_t *buffer, struct slice *ret_packet)
{
	struct radius_builder b = reply_of(
		buffer, accounting ? RADIUS_ACCOUNTING_RESPONSE : RADIUS_ACCESS_ACCEPT, request);

	if (request->packet.code != RADIUS_STATUS_SERVER)
		return RADIUS_WRONG_CODE;
	radius_put_proxy_states(&b, &request->packet);
	return radius_seal_response(crypto, secret, request->packet.authenticator, &b, ret_packet);
}
