/* How a client of RADIUS begins and ends, and what can be seen of it. */
#include "radius/client_parts.h"

void exchange_free(struct exchange *exchange)
{
	if (!exchange)
		return;
	bytes_done(&exchange->packet);
	free(exchange);
}

static void server_done(struct server *server)
{
	secret_done(&server->secret);
	bytes_done(&server->probe.packet);
	for (size_t i = 0; i < RADIUS_SOCKETS_MAX; i++)
		bytes_done(&server->connection[i].watchdog.packet);
	free(server->by_slot);
}

void radius_client_free(struct radius_client *client)
{
	if (!client)
		return;
	for (size_t i = 0; i < client->count; i++)
		exchange_free(client->heap[i]);
	exchange_free(client->told);
	for (size_t i = 0; i < client->server_count; i++)
		server_done(&client->servers[i]);
	bytes_done(&client->nas_identifier);
	radius_crypto_free(client->crypto);
	free(client->heap);
	free(client);
}

static msec or_usual(msec given, msec usual)
{
	return given ? given : usual;
}

static struct radius_timing timing_of(const struct radius_timing *given)
{
	return (struct radius_timing){
		.irt = or_usual(given->irt, RADIUS_IRT),
		.mrt = or_usual(given->mrt, RADIUS_MRT),
		.mrd = or_usual(given->mrd, RADIUS_MRD),
		.mrc = given->mrc ? given->mrc : RADIUS_MRC,
		.dead_time = or_usual(given->dead_time, RADIUS_DEAD_TIME),
		.probe_interval = or_usual(given->probe_interval, RADIUS_PROBE_INTERVAL),
		.probes = given->probes ? given->probes : 1,
	};
}

static enum status add_server(struct radius_client *client,
			      const struct radius_server_settings *settings, msec now)
{
	struct server *server = &client->servers[client->server_count++];
	size_t sockets = settings->sockets;

	*server = (struct server){
		.name = settings->name,
		.reliable = settings->reliable,
		.probes = settings->probe,
		.timing = timing_of(&settings->timing),
		.state = settings->reliable ? RADIUS_SERVER_UNCONNECTED : RADIUS_SERVER_ALIVE,
		.since = now,
		.due = NEVER,
		.slot_count = sockets * RADIUS_IDS,
		.probe = { .code = RADIUS_STATUS_SERVER },
		.pipeline = settings->pipeline > 0 && settings->pipeline < RADIUS_IDS
				    ? settings->pipeline
				    : RADIUS_IDS - 1,
		.connection[0].wanted = true,
	};
	for (size_t i = 0; i < RADIUS_SOCKETS_MAX; i++)
		server->connection[i].watchdog.code = RADIUS_STATUS_SERVER;
	list_init(&server->exchanges);
	list_init(&server->probe.others);
	if (sockets == 0 || sockets > RADIUS_SOCKETS_MAX || settings->secret.len == 0 ||
	    settings->secret.len > RADIUS_SECRET_MAX)
		return UNSUPPORTED;
	server->by_slot = calloc(server->slot_count, sizeof(struct exchange *));
	client->max += server->slot_count;
	return server->by_slot ? secret_set(&server->secret, settings->secret) : NO_MEMORY;
}

enum status radius_client_new(const struct radius_client_settings *settings, msec now,
			      radius_server_changed changed, void *context,
			      struct radius_client **ret_client)
{
	AUTO_STRUCT(radius_client) client = calloc(1, sizeof *client);
	enum status status;

	if (!client)
		return NO_MEMORY;
	client->accounting = settings->accounting;
	client->changed = changed;
	client->context = context;
	list_init(&client->waiting);
	if (settings->server_count == 0 || settings->server_count > RADIUS_SERVERS_MAX ||
	    settings->nas_identifier.len > RADIUS_VALUE_MAX)
		return UNSUPPORTED;
	for (size_t i = 0; i < settings->server_count; i++) {
		status = add_server(client, &settings->servers[i], now);
		if (status != OK)
			return status;
	}
	if (settings->asks_max > 0 && settings->asks_max < client->max)
		client->max = settings->asks_max;
	client->heap = malloc(client->max * sizeof(struct exchange *));
	if (!client->heap)
		return NO_MEMORY;
	status = bytes_set(&client->nas_identifier, settings->nas_identifier);
	if (status == OK)
		status = radius_crypto_new(&client->crypto);
	if (status == OK)
		*ret_client = TAKE(client);
	return status;
}

void radius_client_view(const struct radius_client *client, size_t index,
			struct radius_server_view *ret_view)
{
	const struct server *server = &client->servers[index];

	*ret_view = (struct radius_server_view){ .name = server->name,
						 .state = server->state,
						 .since = server->since,
						 .open = server->open,
						 .last_fault = server->last_fault,
						 .counters = server->counters };
}

size_t radius_client_open(const struct radius_client *client)
{
	return client->count;
}
