#include "radius/dynauth.h"

#include "radius/facts.h"

#define TERMINATION_RADIUS_REQUEST 1

/* What an attribute means in a request: RFC 5176, sections 3 and 3.6. */
enum role {
	REFUSED, /* we cannot honour it, or it has no business there */
	IGNORED, /* changes nothing */
	NAS,	 /* says which NAS is meant */
	SESSION, /* says which session is meant */
	CHANGE,	 /* of a CoA: what is to change */
	SERVICE, /* Service-Type: 3.2 */
};

static const struct {
	uint8_t type;
	enum role disconnect, coa;
} roles[] = {
	{ RADIUS_USER_NAME, SESSION, SESSION },
	{ RADIUS_NAS_IP_ADDRESS, NAS, NAS },
	{ RADIUS_NAS_PORT, SESSION, SESSION },
	{ RADIUS_SERVICE_TYPE, REFUSED, SERVICE },
	{ RADIUS_REPLY_MESSAGE, IGNORED, IGNORED },
	{ RADIUS_STATE, REFUSED, IGNORED },
	{ RADIUS_CLASS, IGNORED, REFUSED },
	{ RADIUS_SESSION_TIMEOUT, REFUSED, CHANGE },
	{ RADIUS_TERMINATION_ACTION, REFUSED, CHANGE },
	{ RADIUS_CALLED_STATION_ID, SESSION, SESSION },
	{ RADIUS_CALLING_STATION_ID, SESSION, SESSION },
	{ RADIUS_NAS_IDENTIFIER, NAS, NAS },
	{ RADIUS_PROXY_STATE, IGNORED, IGNORED },
	{ RADIUS_ACCT_SESSION_ID, SESSION, SESSION },
	{ RADIUS_ACCT_TERMINATE_CAUSE, IGNORED, REFUSED },
	{ RADIUS_EVENT_TIMESTAMP, IGNORED, IGNORED },
	{ RADIUS_TUNNEL_TYPE, REFUSED, CHANGE },
	{ RADIUS_TUNNEL_MEDIUM_TYPE, REFUSED, CHANGE },
	{ RADIUS_MESSAGE_AUTHENTICATOR, IGNORED, IGNORED },
	{ RADIUS_TUNNEL_PRIVATE_GROUP_ID, REFUSED, CHANGE },
	{ RADIUS_ACCT_INTERIM_INTERVAL, REFUSED, CHANGE },
	{ RADIUS_NAS_PORT_ID, SESSION, SESSION },
	{ RADIUS_NAS_IPV6_ADDRESS, NAS, NAS },
};

static enum role role_of(uint8_t type, bool coa)
{
	for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
		if (roles[i].type == type)
			return coa ? roles[i].coa : roles[i].disconnect;
	}
	return REFUSED;
}

static void refuse(struct radius_dynauth *request, enum radius_error_cause cause, uint8_t type)
{
	if (request->refuse != RADIUS_CAUSE_NONE)
		return;
	request->refuse = cause;
	request->refuse_type = type;
}

/* "Authorize Only" lacking State is to be told so; the service itself we do not have. */
static void refuse_service(struct radius_dynauth *request)
{
	struct slice value;
	uint32_t service = 0;

	if (radius_find_u32(&request->packet, RADIUS_SERVICE_TYPE, &service) &&
	    service == RADIUS_SERVICE_AUTHORIZE_ONLY &&
	    !radius_find(&request->packet, RADIUS_STATE, &value))
		refuse(request, RADIUS_CAUSE_MISSING_ATTRIBUTE, RADIUS_STATE);
	refuse(request, RADIUS_CAUSE_UNSUPPORTED_SERVICE, RADIUS_SERVICE_TYPE);
}

/* A request that names no session, or a CoA that changes nothing, is not what somebody meant. */
static void judge_attributes(struct radius_dynauth *request)
{
	struct rd at = rd_of(request->packet.attributes);
	struct radius_attribute attribute;
	bool coa = request->packet.code == RADIUS_COA_REQUEST, session = false, change = false;

	while (radius_next(&at, &attribute)) {
		enum role role = role_of(attribute.type, coa);

		if (role == REFUSED)
			refuse(request, RADIUS_CAUSE_UNSUPPORTED_ATTRIBUTE, attribute.type);
		if (role == SERVICE)
			refuse_service(request);
		session = session || role == SESSION;
		change = change || role == CHANGE;
	}
	if (!session || (coa && !change))
		refuse(request, RADIUS_CAUSE_MISSING_ATTRIBUTE, 0);
}

static void read_number(struct radius_dynauth *request, uint8_t type, uint32_t *ret_number,
			bool *ret_present)
{
	if (!radius_number_read(&request->packet, type, ret_number, ret_present))
		refuse(request, RADIUS_CAUSE_INVALID_VALUE, type);
}

static void read_changes(struct radius_dynauth *request)
{
	bool odd;
	uint32_t action;

	if (request->packet.code != RADIUS_COA_REQUEST)
		return;
	read_number(request, RADIUS_SESSION_TIMEOUT, &request->session_timeout,
		    &request->has_session_timeout);
	read_number(request, RADIUS_ACCT_INTERIM_INTERVAL, &request->interim,
		    &request->has_interim);
	read_number(request, RADIUS_TERMINATION_ACTION, &action, &request->has_termination_action);
	request->reauthenticate = action == TERMINATION_RADIUS_REQUEST;
	request->vlan = radius_vlan(&request->packet, &odd);
	request->has_vlan = request->vlan > 0;
	if (odd)
		refuse(request, RADIUS_CAUSE_INVALID_VALUE, RADIUS_TUNNEL_PRIVATE_GROUP_ID);
}

/* "If the Event-Timestamp Attribute is not current, then the packet MUST be silently discarded." */
static enum radius_fault check_time(const struct radius_packet *packet, int64_t now, bool required,
				    uint32_t *ret_when)
{
	bool present;

	if (!radius_number_read(packet, RADIUS_EVENT_TIMESTAMP, ret_when, &present))
		return RADIUS_BAD_VALUE;
	if (!present)
		return required ? RADIUS_STALE : RADIUS_FINE;
	if (*ret_when < now - RADIUS_DYNAUTH_WINDOW || *ret_when > now + RADIUS_DYNAUTH_WINDOW)
		return RADIUS_STALE;
	return RADIUS_FINE;
}

enum radius_fault radius_dynauth_read(struct radius_crypto *crypto, struct slice secret,
				      struct slice in, int64_t now, bool timestamp_required,
				      struct radius_dynauth *ret_request)
{
	struct radius_dynauth request = { 0 };
	enum radius_fault fault = radius_packet_parse(in, &request.packet);

	*ret_request = request;
	if (fault != RADIUS_FINE)
		return fault;
	if (request.packet.code != RADIUS_DISCONNECT_REQUEST &&
	    request.packet.code != RADIUS_COA_REQUEST)
		return RADIUS_WRONG_CODE;
	fault = radius_verify_request(crypto, secret, &request.packet);
	if (fault == RADIUS_FINE)
		fault = check_time(&request.packet, now, timestamp_required,
				   &request.event_timestamp);
	if (fault != RADIUS_FINE)
		return fault;
	judge_attributes(&request);
	if (radius_who_read(&request.packet, &request.who) != RADIUS_FINE)
		refuse(&request, RADIUS_CAUSE_INVALID_VALUE, 0);
	read_changes(&request);
	*ret_request = request;
	return RADIUS_FINE;
}

enum radius_fault radius_dynauth_answer(struct radius_crypto *crypto, struct slice secret,
					const struct radius_dynauth *request,
					enum radius_error_cause cause, uint8_t *buffer,
					struct slice *ret_packet)
{
	const struct radius_packet *packet = &request->packet;
	bool coa = packet->code == RADIUS_COA_REQUEST, ack = cause == RADIUS_CAUSE_NONE;
	enum radius_code code = coa ? (ack ? RADIUS_COA_ACK : RADIUS_COA_NAK)
				    : (ack ? RADIUS_DISCONNECT_ACK : RADIUS_DISCONNECT_NAK);
	bool with = radius_count(packet, RADIUS_MESSAGE_AUTHENTICATOR) > 0;
	struct radius_builder b = radius_builder_of(buffer, RADIUS_PACKET_MAX, code, packet->id,
						    packet->authenticator, with);
	struct slice state;

	if (coa && radius_find(packet, RADIUS_STATE, &state))
		radius_put(&b, RADIUS_STATE, state);
	if (!ack)
		radius_put_u32(&b, RADIUS_ERROR_CAUSE, cause);
	radius_put_proxy_states(&b, packet);
	return radius_seal_response(crypto, secret, packet->authenticator, &b, ret_packet);
}

/* ---- the other end ------------------------------------------------------------------- */

enum radius_fault radius_dynauth_build(struct radius_crypto *crypto, struct slice secret,
				       const struct radius_dynauth_ask *ask, uint8_t *buffer,
				       struct slice *ret_packet)
{
	struct radius_builder b =
		radius_builder_of(buffer, RADIUS_PACKET_MAX,
				  ask->coa ? RADIUS_COA_REQUEST : RADIUS_DISCONNECT_REQUEST,
				  ask->id, (struct slice){ 0 }, true);
	struct radius_who who = ask->who;

	/* What a NAS may not find in such a request: section 3.6. */
	who.service_type = who.framed_mtu = who.nas_port_type = 0;
	radius_who_put(&b, &who);
	if (ask->coa && ask->has_session_timeout)
		radius_put_u32(&b, RADIUS_SESSION_TIMEOUT, ask->session_timeout);
	if (ask->coa && ask->has_termination_action)
		radius_put_u32(&b, RADIUS_TERMINATION_ACTION,
			       ask->reauthenticate ? TERMINATION_RADIUS_REQUEST : 0);
	if (ask->coa && ask->has_vlan)
		radius_put_vlan(&b, ask->vlan);
	radius_put_u32(&b, RADIUS_EVENT_TIMESTAMP, (uint32_t)ask->now);
	return radius_seal_request(crypto, secret, &b, ret_packet);
}

enum radius_fault radius_dynauth_hear(struct radius_crypto *crypto, struct slice secret,
				      struct slice request, struct slice in, int64_t now,
				      bool *ret_ack, uint32_t *ret_cause)
{
	struct radius_packet asked, packet;
	enum radius_fault fault = radius_packet_parse(request, &asked);
	uint32_t when, cause = RADIUS_CAUSE_NONE;

	if (fault == RADIUS_FINE)
		fault = radius_packet_parse(in, &packet);
	if (fault != RADIUS_FINE)
		return fault;
	if (packet.id != asked.id)
		return RADIUS_UNMATCHED;
	fault = radius_verify_response(crypto, secret, asked.code, asked.authenticator, &packet);
	if (fault == RADIUS_FINE)
		fault = check_time(&packet, now, false, &when);
	if (fault != RADIUS_FINE)
		return fault;
	radius_find_u32(&packet, RADIUS_ERROR_CAUSE, &cause);
	*ret_ack = packet.code == RADIUS_DISCONNECT_ACK || packet.code == RADIUS_COA_ACK;
	*ret_cause = cause;
	return RADIUS_FINE;
}
