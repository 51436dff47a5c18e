#include "radius/client.h"

#include <string.h>

#include "radius/client_parts.h"
#include "radius/facts.h"

#define JITTER_AT RADIUS_AUTHENTICATOR_SIZE /* in the random octets: two of them */

/* ---- servers ------------------------------------------------------------------------- */

void exchange_drop(struct radius_client *client, struct exchange *exchange)
{
	exchange_leave_server(client, exchange);
	exchange_leave(client, exchange);
	exchange_free(exchange);
}

/* This server will not answer any more: the next one, if the request is free to go there. */
static void move_on(struct radius_client *client, struct exchange *exchange)
{
	exchange_leave_server(client, exchange);
	if (exchange->sticky) {
		exchange->state = EXCHANGE_LOST;
	} else {
		exchange->state = EXCHANGE_NEW;
		client->servers[exchange->server].counters.fail_overs++;
	}
	exchange_set_due(client, exchange, 0);
}

static void move_all(struct radius_client *client, struct server *server)
{
	list_each (node, &server->exchanges)
		move_on(client, list_item(node, struct exchange, others));
}

/* Requests that others could answer do not wait for a dead server.  While there is nobody else they
 * go on: it may be late, or come back. */
static void die(struct radius_client *client, struct server *server, msec now)
{
	if (server->state != RADIUS_SERVER_ALIVE)
		return;
	server->counters.deaths++;
	server->died = now;
	client_set_state(client, server, RADIUS_SERVER_DEAD, now);
	if (server->reliable) {
		for (size_t i = 0; i < server->slot_count / RADIUS_IDS; i++)
			server->connection[i].silent = server->connection[i].up;
	}
	if (client_any_alive(client))
		move_all(client, server);
}

/* ---- asking --------------------------------------------------------------------------- */

static void write_ask(struct radius_builder *b, const struct radius_ask *ask, bool accounting)
{
	radius_who_put(b, &ask->who);
	if (accounting) {
		for (size_t i = 0; i < ask->who.class_count && i < RADIUS_CLASSES_MAX; i++)
			radius_put_some(b, RADIUS_CLASS, ask->who.classes[i]);
		radius_accounting_put(b, &ask->accounting);
		return;
	}
	radius_put_some(b, RADIUS_STATE, ask->state);
	if (ask->wants_key_name)
		radius_put(b, RADIUS_EAP_KEY_NAME, slice_of("", 1));
	radius_put_eap(b, ask->eap);
}

enum radius_fault radius_client_ask(struct radius_client *client, const struct radius_ask *ask,
				    msec now)
{
	uint8_t room[RADIUS_PACKET_MAX];
	enum radius_code code =
		client->accounting ? RADIUS_ACCOUNTING_REQUEST : RADIUS_ACCESS_REQUEST;
	struct radius_builder b = radius_builder_of(room, sizeof room, code, 0, (struct slice){ 0 },
						    !client->accounting);
	struct exchange *e;

	if (client->count >= client->max)
		return RADIUS_FULL;
	write_ask(&b, ask, client->accounting);
	if (!wr_ok(&b.w))
		return RADIUS_TOO_LONG;
	e = calloc(1, sizeof *e);
	if (!e || bytes_set(&e->packet, wr_done(&b.w)) != OK) {
		exchange_free(e);
		return RADIUS_NO_MEMORY;
	}
	list_init(&e->others);
	e->number = ask->number;
	e->begun = e->due = now;
	e->code = (uint8_t)code;
	e->sticky = ask->server < client->server_count;
	e->server = e->sticky ? ask->server : 0;
	e->wants_key_name = ask->wants_key_name;
	exchange_enter(client, e);
	return RADIUS_FINE;
}

void radius_client_forget(struct radius_client *client, uint64_t number)
{
	for (size_t i = 0; i < client->count; i++) {
		if (client->heap[i]->number == number) {
			exchange_drop(client, client->heap[i]);
			return;
		}
	}
}

/* ---- sending ------------------------------------------------------------------------- */

/* RAND is between -0.1 and +0.1: RFC 5080, section 2.2.1. */
static msec jittered(msec wait, const uint8_t *random)
{
	uint64_t octets = (uint64_t)random[JITTER_AT] << 8 | random[JITTER_AT + 1];

	return wait - wait / 10 + wait / 5 * octets / UINT16_MAX;
}

/* "RT for the first message transmission is based on IRT", "based on the previous value", "If MRT
 * specifies a value other than 0, … RT = MRT + RAND*MRT". */
static void next_wait(const struct server *server, struct exchange *e, msec now,
		      const uint8_t *random)
{
	const struct radius_timing *timing = &server->timing;
	msec end = msec_after(e->begun, timing->mrd);

	if (e->transmissions == 1)
		e->wait = jittered(timing->irt, random);
	else
		e->wait = e->wait + jittered(e->wait, random);
	if (e->wait > timing->mrt)
		e->wait = jittered(timing->mrt, random);
	e->due = server->reliable ? end : msec_earlier(msec_after(now, e->wait), end);
}

/* A new Identifier and a new Request Authenticator, into a packet that is otherwise complete. */
static bool seal(struct radius_client *client, const struct server *server, struct exchange *e,
		 const uint8_t *random)
{
	struct radius_builder b = {
		.w = { .p = e->packet.p, .len = e->packet.len, .cap = e->packet.len },
		.message_authenticator = e->code != RADIUS_ACCOUNTING_REQUEST,
	};
	struct slice packet;

	e->packet.p[1] = (uint8_t)(e->slot % RADIUS_IDS);
	memcpy(e->packet.p + 4, random, RADIUS_AUTHENTICATOR_SIZE);
	if (radius_seal_request(client->crypto, secret_slice(&server->secret), &b, &packet) !=
	    RADIUS_FINE)
		return false;
	memcpy(e->authenticator, packet.p + 4, RADIUS_AUTHENTICATOR_SIZE);
	return true;
}

static enum radius_step send(const struct exchange *e, struct radius_todo *todo)
{
	todo->server = e->server;
	todo->socket = e->slot / RADIUS_IDS;
	todo->packet = bytes_slice(&e->packet);
	return RADIUS_SEND;
}

static void lose(struct radius_client *client, struct exchange *e, enum radius_fault fault)
{
	if (e->state == EXCHANGE_WAITING)
		list_remove(&e->others);
	e->state = EXCHANGE_LOST;
	e->fault = fault;
	exchange_set_due(client, e, 0);
}

static enum radius_step place(struct radius_client *client, struct exchange *e, msec now,
			      const uint8_t *random, struct radius_todo *todo)
{
	struct server *server;

	if (!client_find_server(client, e)) {
		if (!client_wait_for_room(client, e, now))
			lose(client, e, e->fault);
		return RADIUS_IDLE;
	}
	server = &client->servers[e->server];
	if (!server_take_slot(server, e)) {
		lose(client, e, RADIUS_FULL);
		return RADIUS_IDLE;
	}
	e->state = EXCHANGE_SENT;
	e->tried |= 1U << e->server;
	server->open++;
	if (server_connection(server, e)->open++ == 0)
		server_connection(server, e)->heard = now;
	list_append(&server->exchanges, &e->others);
	if (!seal(client, server, e, random)) {
		exchange_leave_server(client, e);
		lose(client, e, RADIUS_NO_CRYPTO);
		return RADIUS_IDLE;
	}
	e->begun = now;
	e->heard = server->heard;
	e->transmissions = 1;
	next_wait(server, e, now, random);
	exchange_set_due(client, e, e->due);
	server->counters.requests++;
	return send(e, todo);
}

static enum radius_step send_again(struct radius_client *client, struct exchange *e, msec now,
				   const uint8_t *random, struct radius_todo *todo)
{
	struct server *server = &client->servers[e->server];

	if (e->transmissions >= server->timing.mrc ||
	    msec_after(e->begun, server->timing.mrd) <= now) {
		server->counters.timeouts++;
		if (server->heard == e->heard)
			die(client, server, now);
		if (e->state == EXCHANGE_SENT)
			move_on(client, e);
		return RADIUS_IDLE;
	}
	e->transmissions++;
	next_wait(server, e, now, random);
	exchange_set_due(client, e, e->due);
	server->counters.retransmissions++;
	return send(e, todo);
}

static enum radius_step tell_lost(struct radius_client *client, struct exchange *e,
				  struct radius_todo *todo)
{
	exchange_leave(client, e);
	client->told = e;
	todo->answer = (struct radius_answer){ .number = e->number,
					       .outcome = RADIUS_TIMED_OUT,
					       .server = e->server,
					       .fault = e->fault };
	return RADIUS_ANSWER;
}

/* ---- probing ------------------------------------------------------------------------- */

void server_end_probe(struct server *server, struct exchange *probe)
{
	if (probe->state == EXCHANGE_SENT)
		server->by_slot[probe->slot] = NULL;
	probe->state = EXCHANGE_NEW;
}

/* In its slot. */
static enum radius_step send_status(struct radius_client *client, struct server *server,
				    struct exchange *probe, const uint8_t *random,
				    struct radius_todo *todo)
{
	uint8_t room[RADIUS_PACKET_MIN + 18 + RADIUS_VALUE_MAX + 2];
	struct radius_builder b = radius_builder_of(room, sizeof room, RADIUS_STATUS_SERVER, 0,
						    (struct slice){ 0 }, true);

	probe->state = EXCHANGE_SENT;
	probe->server = (size_t)(server - client->servers);
	radius_put_some(&b, RADIUS_NAS_IDENTIFIER, bytes_slice(&client->nas_identifier));
	if (bytes_set(&probe->packet, wr_done(&b.w)) != OK ||
	    !seal(client, server, probe, random)) {
		server_end_probe(server, probe);
		return RADIUS_IDLE;
	}
	server->counters.probes++;
	return send(probe, todo);
}

/* RFC 5997, section 4.1: a probe that is not answered is not sent again, the next one is new. */
static enum radius_step send_probe(struct radius_client *client, struct server *server,
				   const uint8_t *random, struct radius_todo *todo)
{
	struct exchange *probe = &server->probe;

	if (probe->state == EXCHANGE_SENT)
		server->answered_probes = 0;
	server_end_probe(server, probe);
	if (!server_take_slot(server, probe))
		return RADIUS_IDLE;
	return send_status(client, server, probe, random, todo);
}

/* ---- connections ----------------------------------------------------------------------- */

/* When to look at it again. */
static msec watch_due(const struct server *server, const struct connection *c)
{
	if (c->silent)
		return 0;
	return server->probes && c->up && c->open > 0
		       ? msec_after(c->heard, server->timing.probe_interval)
		       : NEVER;
}

/* RFC 3539, section 3.4.1, with the time Tw that probes have. */
static enum radius_step watch(struct radius_client *client, struct server *server, size_t socket,
			      msec now, const uint8_t *random, struct radius_todo *todo)
{
	struct connection *c = &server->connection[socket];
	struct exchange *watchdog = &c->watchdog;

	if (watch_due(server, c) > now)
		return RADIUS_IDLE;
	if (c->silent || c->tried) {
		c->silent = false;
		c->heard = now;
		todo->server = (size_t)(server - client->servers);
		todo->socket = socket;
		return RADIUS_HANG_UP;
	}
	c->heard = now;
	c->tried = true;
	watchdog->slot = socket * RADIUS_IDS;
	server->by_slot[watchdog->slot] = watchdog;
	return send_status(client, server, watchdog, random, todo);
}

/* One more when all are full. */
static bool wants_connection(const struct radius_client *client, struct server *server,
			     struct radius_todo *todo)
{
	if (server->state != RADIUS_SERVER_ALIVE || server->open < server_room(server))
		return false;
	for (size_t i = 1; i < server->slot_count / RADIUS_IDS; i++) {
		struct connection *c = &server->connection[i];

		if (c->up)
			continue;
		if (c->wanted)
			return false;
		c->wanted = true;
		todo->server = (size_t)(server - client->servers);
		todo->socket = i;
		return true;
	}
	return false;
}

static enum radius_step attend_connections(struct radius_client *client, struct server *server,
					   msec now, const uint8_t *random,
					   struct radius_todo *todo)
{
	enum radius_step step = RADIUS_IDLE;

	if (!server->reliable)
		return RADIUS_IDLE;
	for (size_t i = 0; step == RADIUS_IDLE && i < server->slot_count / RADIUS_IDS; i++)
		step = watch(client, server, i, now, random, todo);
	if (step == RADIUS_IDLE && wants_connection(client, server, todo))
		step = RADIUS_CONNECT;
	return step;
}

static enum radius_step attend_server(struct radius_client *client, struct server *server, msec now,
				      const uint8_t *random, struct radius_todo *todo)
{
	if (server->state == RADIUS_SERVER_DEAD)
		client_set_state(client, server,
				 server->probes ? RADIUS_SERVER_PROBED : RADIUS_SERVER_ALIVE, now);
	if (server->state != RADIUS_SERVER_PROBED)
		return RADIUS_IDLE;
	server->due = msec_after(now, jittered(server->timing.probe_interval, random));
	return send_probe(client, server, random, todo);
}

/* ---- stepping ------------------------------------------------------------------------ */

static enum radius_step attend(struct radius_client *client, struct exchange *e, msec now,
			       const uint8_t *random, struct radius_todo *todo)
{
	switch (e->state) {
	case EXCHANGE_NEW:
		return place(client, e, now, random, todo);
	case EXCHANGE_WAITING:
		lose(client, e, e->fault);
		return RADIUS_IDLE;
	case EXCHANGE_SENT:
		return send_again(client, e, now, random, todo);
	case EXCHANGE_LOST:
		return tell_lost(client, e, todo);
	}
	return RADIUS_IDLE;
}

enum radius_step radius_client_step(struct radius_client *client, msec now, const uint8_t *random,
				    struct radius_todo *ret_todo)
{
	enum radius_step step = RADIUS_IDLE;
	struct exchange *e;

	exchange_free(TAKE(client->told));
	for (size_t i = 0; step == RADIUS_IDLE && i < client->server_count; i++) {
		if (client->servers[i].due <= now)
			step = attend_server(client, &client->servers[i], now, random, ret_todo);
	}
	while (step == RADIUS_IDLE && (e = exchange_first(client)) && e->due <= now)
		step = attend(client, e, now, random, ret_todo);
	for (size_t i = 0; step == RADIUS_IDLE && i < client->server_count; i++)
		step = attend_connections(client, &client->servers[i], now, random, ret_todo);
	return step;
}

msec radius_client_deadline(const struct radius_client *client)
{
	const struct exchange *e = exchange_first(client);
	msec due = e ? e->due : NEVER;

	for (size_t i = 0; i < client->server_count; i++) {
		const struct server *server = &client->servers[i];

		due = msec_earlier(due, server->due);
		for (size_t n = 0; server->reliable && n < server->slot_count / RADIUS_IDS; n++)
			due = msec_earlier(due, watch_due(server, &server->connection[n]));
	}
	return due;
}

/* ---- what else is known of servers ----------------------------------------------------- */

void radius_client_connected(struct radius_client *client, size_t index, size_t socket,
			     bool connected, msec now)
{
	struct server *server = &client->servers[index];
	struct connection *c = &server->connection[socket];

	c->up = connected;
	c->wanted = socket == 0;
	c->silent = c->tried = false;
	c->heard = now;
	server_end_probe(server, &c->watchdog);
	server_end_probe(server, &server->probe);
	if (connected || server_room(server) == 0)
		client_set_state(client, server,
				 connected ? RADIUS_SERVER_ALIVE : RADIUS_SERVER_UNCONNECTED, now);
	if (connected) {
		client_wake_all(client);
		return;
	}
	list_each (node, &server->exchanges) {
		struct exchange *e = list_item(node, struct exchange, others);

		if (e->slot / RADIUS_IDS == socket)
			move_on(client, e);
	}
}

void radius_client_refused(struct radius_client *client, size_t index, msec now)
{
	struct server *server = &client->servers[index];

	if (server->open > 0)
		die(client, server, now);
}
