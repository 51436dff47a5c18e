/* RADIUS in a worker: what a packet says is believed once it is verified, and what it asks for is
 * answered by a conversation (RFC 3579). */
#include <string.h>

#include "authd/worker.h"

/* The State that we give: the worker, then the conversation's random number.  A State counts only
 * from the client that got it. */
#define STATE_SIZE 9

static void state_of(const struct worker *w, const struct conversation *c,
		     uint8_t state[STATE_SIZE])
{
	state[0] = (uint8_t)w->number;
	memcpy(state + 1, &c->number, sizeof c->number);
}

static struct conversation *find(struct worker *w, const struct packet *p, struct slice state)
{
	struct conversation *c;
	uint64_t number;

	if (state.len != STATE_SIZE || state.p[0] != w->number)
		return NULL;
	memcpy(&number, state.p + 1, sizeof number);
	c = worker_find(w, NULL, number);
	return c && strcmp(c->where.client, p->client->object.name) == 0 ? c : NULL;
}

static void send_back(struct worker *w, struct packet *p, enum packet_end end)
{
	p->end = end;
	worker_send(w, &p->message);
}

/* ---- what is known of who asks ---- */

static void describe(const struct packet *p, const struct radius_who *who,
		     struct aaa_where *ret_where)
{
	struct aaa_where *at = ret_where;

	*at = (struct aaa_where){ .nas_port = who->nas_port,
				  .nas_port_type = who->nas_port_type,
				  .framed_mtu = who->framed_mtu };
	printable(who->user_name, at->identity, sizeof at->identity);
	printable(who->calling_station, at->calling_station, sizeof at->calling_station);
	printable(who->called_station, at->called_station, sizeof at->called_station);
	printable(who->nas_identifier, at->nas_identifier, sizeof at->nas_identifier);
	printable(who->nas_port_id, at->nas_port_id, sizeof at->nas_port_id);
	printable(who->session_id, at->session_id, sizeof at->session_id);
	snprintf(at->client, sizeof at->client, "%s", p->client->object.name);
	if (who->nas_address[0]) {
		snprintf(at->nas_address, sizeof at->nas_address, "%s", who->nas_address);
	} else {
		char text[ADDRESS_TEXT_MAX];

		snprintf(at->nas_address, sizeof at->nas_address, "%.45s",
			 address_text(&p->origin.from, false, text));
	}
}

/* The same for all packets of one socket of a NAS. */
static struct slice source_of(const struct packet *p, uint8_t octets[RADIUS_SOURCE_MAX])
{
	struct wr w = wr_of(octets, RADIUS_SOURCE_MAX);
	const union address *from = &p->origin.from;

	wr_u32(&w, p->origin.socket);
	wr_u32(&w, (uint32_t)(p->origin.connection >> 32));
	wr_u32(&w, (uint32_t)p->origin.connection);
	wr_u16(&w, address_port(from));
	if (from->sa.sa_family == AF_INET6)
		wr_bytes(&w, slice_of(&from->in6.sin6_addr, sizeof from->in6.sin6_addr));
	else
		wr_bytes(&w, slice_of(&from->in.sin_addr, sizeof from->in.sin_addr));
	return wr_done(&w);
}

/* ---- answers ---- */

static bool keep_reply(struct packet *p, enum radius_fault fault, struct slice reply)
{
	p->fault = fault;
	if (fault == RADIUS_FINE && bytes_set(&p->reply, reply) != OK)
		p->fault = RADIUS_NO_MEMORY;
	return p->fault == RADIUS_FINE;
}

static void reject(struct worker *w, struct packet *p, const struct radius_request *request,
		   struct slice eap, const char *message)
{
	const struct radius_reply reply = { .code = RADIUS_ACCESS_REJECT,
					    .eap = eap,
					    .message = slice_str(message) };
	struct slice out = { 0 };
	enum radius_fault fault =
		radius_reply_build(w->crypto, packet_secret(p), request, &reply, w->buffer, &out);

	(void)keep_reply(p, fault, out);
}

/* The conversation is not ours, or not any more: the machine may begin anew at once. */
static void reject_stale(struct worker *w, struct packet *p, const struct radius_request *request)
{
	uint8_t octets[4];
	struct wr failure = wr_of(octets, sizeof octets);

	eap_packet_build_result(&failure, EAP_FAILURE,
				request->eap.len > 1 ? request->eap.p[1] : 0);
	reject(w, p, request, wr_done(&failure), NULL);
}

static void fill_accept(const struct conversation *c, struct radius_reply *reply)
{
	const struct aaa_grant *grant = &c->grant;

	reply->session_timeout = grant->session_timeout;
	reply->reauthenticate = grant->reauthenticate;
	reply->interim = grant->interim;
	reply->vlan = grant->vlan;
	reply->user_name = slice_str(grant->user_name);
	for (size_t i = 0; i < AAA_CLASS_MAX && reply->class_count < RADIUS_CLASSES_MAX; i++) {
		if (grant->class[i].len > 0)
			reply->classes[reply->class_count++] = bytes_slice(&grant->class[i]);
	}
	if (c->lower.eapKeyAvailable) {
		struct slice msk = secret_slice(&c->lower.eapKeyData->msk);

		reply->msk = slice_of(msk.p, msk.len < RADIUS_MSK_SIZE ? 0 : RADIUS_MSK_SIZE);
	}
	reply->salt = (uint16_t)c->number; /* random, unlike the digits of the session */
}

static bool answer(struct worker *w, struct packet *p, const struct radius_request *request,
		   const struct conversation *c, enum conversation_turn turn)
{
	uint8_t state[STATE_SIZE];
	struct radius_reply reply = { .eap = c->lower.eapReqData };
	struct bytes session_id = { 0 };
	struct slice out = { 0 };
	enum radius_fault fault;

	if (turn == CONVERSATION_REQUEST) {
		reply.code = RADIUS_ACCESS_CHALLENGE;
		reply.session_timeout = (uint32_t)((c->lower.methodTimeout + 999) / 1000);
		state_of(w, c, state);
		reply.state = slice_of(state, sizeof state);
	} else if (turn == CONVERSATION_ACCEPTED) {
		reply.code = RADIUS_ACCESS_ACCEPT;
		fill_accept(c, &reply);
		/* Without what it asked for a NAS takes this for a Reject: RFC 7268, 2.2. */
		if (request->wants_key_name &&
		    eap_authenticator_session_id(&c->eap, &session_id) == OK)
			reply.eap_session_id = bytes_slice(&session_id);
	} else {
		reply.code = RADIUS_ACCESS_REJECT;
	}
	fault = radius_reply_build(w->crypto, packet_secret(p), request, &reply, w->buffer, &out);
	bytes_done(&session_id);
	return keep_reply(p, fault, out);
}

/* Answers it as the conversation came to, unless it waits; the packet is gone afterwards. */
static void conclude(struct worker *w, struct packet *p, const struct radius_request *request,
		     radius_ticket ticket, struct conversation *c, enum conversation_turn turn,
		     struct moment now)
{
	bool ends = turn == CONVERSATION_ACCEPTED || turn == CONVERSATION_REJECTED;
	bool answered = false;

	worker_turned(w, c, turn, now);
	if (turn == CONVERSATION_WAITS) {
		c->packet = p;
		c->ticket = ticket;
		return;
	}
	if (turn != CONVERSATION_NOTHING)
		answered = answer(w, p, request, c, turn);
	radius_duplicates_answer(w->duplicates, ticket, bytes_slice(&p->reply), now.mono);
	if (ends)
		worker_end(w, c);
	send_back(w, p, answered ? PACKET_ANSWERED : PACKET_IGNORED);
}

void worker_packet_turned(struct worker *w, struct conversation *c, enum conversation_turn turn,
			  struct moment now)
{
	struct packet *p = TAKE(c->packet);
	struct radius_request request;

	if (!p)
		return;
	/* It was in order when it came. */
	if (radius_request_read(w->crypto, packet_secret(p), bytes_slice(&p->data), w->eap_room,
				&request) == RADIUS_FINE)
		conclude(w, p, &request, c->ticket, c, turn, now);
	else
		send_back(w, p, PACKET_IGNORED);
}

/* ---- requests ---- */

static void converse(struct worker *w, struct packet *p, const struct radius_request *request,
		     radius_ticket ticket, struct moment now)
{
	struct conversation *c = find(w, p, request->state);

	if (!c && request->state.len > 0) {
		reject_stale(w, p, request);
		radius_duplicates_answer(w->duplicates, ticket, bytes_slice(&p->reply), now.mono);
		send_back(w, p, PACKET_STALE);
		return;
	}
	if (!c) {
		struct aaa_where where;

		describe(p, &request->who, &where);
		c = worker_begin(w, NULL, 0, &where, radius_eap_mtu(&request->who, 1396), now);
		if (c)
			c->from = p->origin.transport->radsec ? OUTCOME_RADSEC : OUTCOME_RADIUS;
	}
	if (c) {
		conclude(w, p, request, ticket, c, conversation_feed(c, request->eap, now), now);
		return;
	}
	radius_duplicates_answer(w->duplicates, ticket, (struct slice){ 0 }, now.mono);
	send_back(w, p, PACKET_SHED);
}

static void access(struct worker *w, struct packet *p, const struct radius_request *request,
		   struct moment now)
{
	uint8_t source[RADIUS_SOURCE_MAX];
	radius_ticket ticket = 0;
	struct slice reply = { 0 };

	switch (radius_duplicates_look(w->duplicates, source_of(p, source), &request->packet,
				       now.mono, &ticket, &reply)) {
	case RADIUS_BUSY:
		send_back(w, p, PACKET_DUPLICATE);
		return;
	case RADIUS_ANSWERED:
		(void)keep_reply(p, RADIUS_FINE, reply);
		send_back(w, p, PACKET_REPEATED);
		return;
	case RADIUS_NEW:
		converse(w, p, request, ticket, now);
		return;
	}
}

/* ---- accounting ---- */

/* "latchkey:" and the digits that we gave. */
static void find_session(const struct radius_who *who, char session[OUTCOME_SESSION_SIZE + 1])
{
	const struct slice mark = slice_str("latchkey:");

	for (size_t i = 0; i < who->class_count; i++) {
		struct slice class = who->classes[i];

		if (class.len == mark.len + OUTCOME_SESSION_SIZE &&
		    slice_eq(slice_of(class.p, mark.len), mark))
			printable(slice_of(class.p + mark.len, OUTCOME_SESSION_SIZE), session,
				  OUTCOME_SESSION_SIZE + 1);
	}
}

static void account(struct worker *w, struct packet *p, const struct radius_request *request,
		    struct moment now)
{
	static const struct radius_reply reply = { .code = RADIUS_ACCOUNTING_RESPONSE };
	const struct radius_accounting *from = &request->accounting;
	struct nas_accounting *to = calloc(1, sizeof *to);
	struct slice out = { 0 };

	if (!to) {
		p->fault = RADIUS_NO_MEMORY;
		send_back(w, p, PACKET_REFUSED);
		return;
	}
	describe(p, &request->who, &to->where);
	find_session(&request->who, to->session);
	to->status = (enum nas_accounting_status)from->status;
	to->when = from->event_timestamp ? from->event_timestamp : now.wall - from->delay;
	to->session_time = from->session_time;
	to->input_octets = from->input_octets;
	to->output_octets = from->output_octets;
	to->input_packets = from->input_packets;
	to->output_packets = from->output_packets;
	to->terminate_cause = from->terminate_cause;
	p->accounting = to;
	p->fault =
		radius_reply_build(w->crypto, packet_secret(p), request, &reply, w->buffer, &out);
	(void)keep_reply(p, p->fault, out);
	send_back(w, p, PACKET_ANSWERED);
}

/* ---- all ---- */

static void answer_status(struct worker *w, struct packet *p, const struct radius_request *request)
{
	struct slice out = { 0 };
	enum radius_fault fault = radius_status_build(w->crypto, packet_secret(p), request,
						      p->origin.accounting, w->buffer, &out);

	(void)keep_reply(p, fault, out);
	send_back(w, p, PACKET_ANSWERED);
}

/* Either port takes its own requests only; a RadSec connection takes both. */
static bool belongs_here(const struct packet *p)
{
	bool both = p->origin.transport->radsec;

	return p->code == RADIUS_STATUS_SERVER ||
	       (p->code == RADIUS_ACCESS_REQUEST && (both || !p->origin.accounting)) ||
	       (p->code == RADIUS_ACCOUNTING_REQUEST && (both || p->origin.accounting));
}

void worker_packet(struct worker *w, struct packet *p, struct moment now)
{
	struct radius_request request = { 0 };

	p->fault = radius_request_read(w->crypto, packet_secret(p), bytes_slice(&p->data),
				       w->eap_room, &request);
	p->code = request.packet.code;
	if (p->fault == RADIUS_FINE && !belongs_here(p))
		p->fault = RADIUS_WRONG_CODE;
	if (p->fault == RADIUS_NO_EAP)
		reject(w, p, &request, (struct slice){ 0 }, "EAP is required here");
	if (p->fault != RADIUS_FINE || p->reply.len > 0) {
		p->fault = p->fault == RADIUS_FINE ? RADIUS_NO_EAP : p->fault;
		send_back(w, p, PACKET_REFUSED);
	} else if (p->code == RADIUS_STATUS_SERVER) {
		answer_status(w, p, &request);
	} else if (p->code == RADIUS_ACCOUNTING_REQUEST) {
		account(w, p, &request, now);
	} else {
		access(w, p, &request, now);
	}
}
