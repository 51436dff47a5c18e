/* The servers of a client: which of them has room for a request, and who waits for it. */
#include "radius/client_parts.h"

/* ---- those that wait -------------------------------------------------------------------- */

static void wake(struct radius_client *client, struct exchange *e)
{
	list_remove(&e->others);
	e->state = EXCHANGE_NEW;
	exchange_set_due(client, e, 0);
}

void client_wake_all(struct radius_client *client)
{
	list_each (node, &client->waiting)
		wake(client, list_item(node, struct exchange, others));
}

/* There is room for one more. */
static void wake_one(struct radius_client *client, const struct server *server)
{
	list_each (node, &client->waiting) {
		struct exchange *e = list_item(node, struct exchange, others);

		if (e->sticky && server != &client->servers[e->server])
			continue;
		wake(client, e);
		return;
	}
}

/* ---- servers ------------------------------------------------------------------------- */

void client_set_state(struct radius_client *client, struct server *server,
		      enum radius_server_state state, msec now)
{
	enum radius_server_state from = server->state;

	if (from == state)
		return;
	server->state = state;
	server->since = now;
	server->answered_probes = 0;
	server->due = state == RADIUS_SERVER_DEAD     ? msec_after(now, server->timing.dead_time)
		      : state == RADIUS_SERVER_PROBED ? now
						      : NEVER;
	if (state == RADIUS_SERVER_ALIVE)
		client_wake_all(client);
	if (client->changed)
		client->changed(client->context, (size_t)(server - client->servers), from, state);
}

bool client_any_alive(const struct radius_client *client)
{
	for (size_t i = 0; i < client->server_count; i++) {
		if (client->servers[i].state == RADIUS_SERVER_ALIVE)
			return true;
	}
	return false;
}

struct connection *server_connection(struct server *server, const struct exchange *exchange)
{
	return &server->connection[exchange->slot / RADIUS_IDS];
}

size_t server_room(const struct server *server)
{
	size_t room = 0;

	if (!server->reliable)
		return server->slot_count;
	for (size_t i = 0; i < server->slot_count / RADIUS_IDS; i++)
		room += server->connection[i].up ? server->pipeline : 0;
	return room;
}

static bool may_take(const struct server *server, size_t slot)
{
	const struct connection *c = &server->connection[slot / RADIUS_IDS];

	if (server->reliable && (slot % RADIUS_IDS == 0 || !c->up || c->open >= server->pipeline))
		return false;
	return !server->by_slot[slot];
}

bool server_take_slot(struct server *server, struct exchange *exchange)
{
	for (size_t i = 0; i < server->slot_count; i++) {
		size_t slot = (server->next_slot + i) % server->slot_count;

		if (!may_take(server, slot))
			continue;
		server->by_slot[slot] = exchange;
		server->next_slot = (slot + 1) % server->slot_count;
		exchange->slot = slot;
		return true;
	}
	return false;
}

void exchange_leave_server(struct radius_client *client, struct exchange *exchange)
{
	struct server *server = &client->servers[exchange->server];

	if (exchange->state == EXCHANGE_WAITING)
		list_remove(&exchange->others);
	if (exchange->state != EXCHANGE_SENT)
		return;
	server->by_slot[exchange->slot] = NULL;
	server->open--;
	server_connection(server, exchange)->open--;
	list_remove(&exchange->others);
	wake_one(client, server);
}

/* ---- choosing ------------------------------------------------------------------------- */

static bool is_free_for(const struct server *server, size_t index, const struct exchange *e)
{
	return !(e->tried & 1U << index) && server->open < server_room(server) &&
	       server->state != RADIUS_SERVER_UNCONNECTED;
}

/* The first that is alive; as long as none is, that which has been dead for longest, but only that
 * one: a machine at the door should not wait for a row of the dead. */
static bool choose_server(const struct radius_client *client, const struct exchange *e,
			  size_t *ret_server)
{
	size_t found = RADIUS_ANY_SERVER;

	for (size_t i = 0; i < client->server_count; i++) {
		const struct server *server = &client->servers[i];

		if (!is_free_for(server, i, e))
			continue;
		if (server->state == RADIUS_SERVER_ALIVE) {
			*ret_server = i;
			return true;
		}
		if (e->tried == 0 &&
		    (found == RADIUS_ANY_SERVER || server->died < client->servers[found].died))
			found = i;
	}
	if (found == RADIUS_ANY_SERVER || client_any_alive(client))
		return false;
	*ret_server = found;
	return true;
}

bool client_find_server(const struct radius_client *client, struct exchange *e)
{
	enum radius_server_state state = client->servers[e->server].state;

	if (!e->sticky)
		return choose_server(client, e, &e->server);
	if (client->servers[e->server].open >= server_room(&client->servers[e->server]))
		return false;
	return state == RADIUS_SERVER_ALIVE ||
	       (state != RADIUS_SERVER_UNCONNECTED && !client_any_alive(client));
}

/* For whom a request may wait.  What carries State is of no use to a server that was lost. */
static bool is_worth_waiting(const struct server *server, size_t index, const struct exchange *e)
{
	if (e->sticky)
		return index == e->server && server->state == RADIUS_SERVER_ALIVE;
	return !(e->tried & 1U << index) &&
	       (server->state == RADIUS_SERVER_ALIVE || server->state == RADIUS_SERVER_UNCONNECTED);
}

bool client_wait_for_room(struct radius_client *client, struct exchange *e, msec now)
{
	msec until = now;

	for (size_t i = 0; i < client->server_count; i++) {
		const struct server *server = &client->servers[i];

		if (is_worth_waiting(server, i, e) &&
		    msec_after(e->begun, server->timing.mrd) > until)
			until = msec_after(e->begun, server->timing.mrd);
	}
	if (until == now)
		return false;
	e->state = EXCHANGE_WAITING;
	list_append(&client->waiting, &e->others);
	exchange_set_due(client, e, until);
	return true;
}
