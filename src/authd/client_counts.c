#include "authd/client_counts.h"

#include <string.h>

#define LOG_INTERVAL 10000 /* msec between two lines about one client's mistakes */

static struct list *bucket_of(struct client_counts *counts, const char *name)
{
	for (size_t i = 0; i < CLIENT_BUCKETS && !counts->begun; i++)
		list_init(&counts->bucket[i]);
	counts->begun = true;
	return &counts->bucket[slice_hash(slice_str(name)) % CLIENT_BUCKETS];
}

static struct client_count *find(struct client_counts *counts, const char *name)
{
	list_each (node, bucket_of(counts, name)) {
		struct client_count *c = list_item(node, struct client_count, node);

		if (strcmp(c->name, name) == 0)
			return c;
	}
	return NULL;
}

const struct client_count *client_counts_find(struct client_counts *counts, const char *name)
{
	return find(counts, name);
}

static struct client_count *find_or_make(struct client_counts *counts, const char *name)
{
	struct client_count *c = find(counts, name);

	if (c)
		return c;
	c = calloc(1, sizeof *c);
	if (!c)
		return NULL;
	snprintf(c->name, sizeof c->name, "%s", name);
	list_append(bucket_of(counts, name), &c->node);
	return c;
}

struct client_count *client_counts_add(struct client_counts *counts, const struct packet *packet)
{
	struct client_count *c = find_or_make(counts, packet->client->object.name);

	if (!c)
		return NULL;
	c->radsec = packet->origin.transport->radsec;
	c->requests++;
	c->end[packet->end]++;
	c->fault[packet->fault]++;
	c->last_seen = packet->when.wall;
	if (packet->end == PACKET_ANSWERED && packet->reply.len > 0) {
		uint8_t code = packet->reply.p[0];

		c->accepts += code == RADIUS_ACCESS_ACCEPT && packet->code == RADIUS_ACCESS_REQUEST;
		c->rejects += code == RADIUS_ACCESS_REJECT;
		c->challenges += code == RADIUS_ACCESS_CHALLENGE;
		c->accounted += code == RADIUS_ACCOUNTING_RESPONSE;
	}
	return c;
}

void client_counts_refuse(struct client_counts *counts, const struct outcome *o)
{
	struct client_count *c = NULL;

	if (!o->accepted && o->asker != OUTCOME_PORT && *o->where.client)
		c = find_or_make(counts, o->where.client);
	if (!c)
		return;
	c->refused_at = o->ended.wall;
	c->refused = o->why;
	snprintf(c->refused_identity, sizeof c->refused_identity, "%s", o->where.identity);
	snprintf(c->refused_station, sizeof c->refused_station, "%s", o->where.calling_station);
}

bool client_count_tell(struct client_count *count, msec now, uint64_t *ret_unlogged)
{
	if (count->logged != 0 && now - count->logged < LOG_INTERVAL) {
		count->unlogged++;
		return false;
	}
	*ret_unlogged = count->unlogged;
	count->unlogged = 0;
	count->logged = now;
	return true;
}

void client_counts_done(struct client_counts *counts)
{
	for (size_t i = 0; counts->begun && i < CLIENT_BUCKETS; i++) {
		list_each (node, &counts->bucket[i]) {
			list_remove(node);
			free(list_item(node, struct client_count, node));
		}
	}
}
