/* The requests of a client by the time at which there is something to do for them: a binary heap,
 * since thousands may be open and most leave before they are due. */
#include "radius/client_parts.h"

static void put(struct radius_client *client, size_t at, struct exchange *exchange)
{
	client->heap[at] = exchange;
	exchange->at = at;
}

static size_t rise(struct radius_client *client, size_t at, struct exchange *exchange)
{
	while (at > 0 && client->heap[(at - 1) / 2]->due > exchange->due) {
		put(client, at, client->heap[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	return at;
}

static size_t sink(struct radius_client *client, size_t at, struct exchange *exchange)
{
	for (size_t child; (child = 2 * at + 1) < client->count; at = child) {
		if (child + 1 < client->count &&
		    client->heap[child + 1]->due < client->heap[child]->due)
			child++;
		if (client->heap[child]->due >= exchange->due)
			break;
		put(client, at, client->heap[child]);
	}
	return at;
}

static void settle(struct radius_client *client, size_t at, struct exchange *exchange)
{
	put(client, sink(client, rise(client, at, exchange), exchange), exchange);
}

void exchange_enter(struct radius_client *client, struct exchange *exchange)
{
	client->count++;
	settle(client, client->count - 1, exchange);
}

void exchange_leave(struct radius_client *client, struct exchange *exchange)
{
	struct exchange *last = client->heap[--client->count];

	if (last != exchange)
		settle(client, exchange->at, last);
}

void exchange_set_due(struct radius_client *client, struct exchange *exchange, msec due)
{
	exchange->due = due;
	settle(client, exchange->at, exchange);
}

struct exchange *exchange_first(const struct radius_client *client)
{
	return client->count > 0 ? client->heap[0] : NULL;
}
