#include "authd/tally.h"

#include <stdio.h>
#include <string.h>

struct tally {
	struct list node;
	char name[CONFIG_NAME_MAX + 1];
	struct token_bucket bucket;
};

bool token_take(struct token_bucket *bucket, uint32_t per_second, msec now)
{
	double most = per_second;

	if (per_second == 0)
		return true;
	bucket->tokens += bucket->begun ? most * (double)(now - bucket->filled) / 1000 : most;
	bucket->filled = now;
	bucket->begun = true;
	if (bucket->tokens > most)
		bucket->tokens = most;
	if (bucket->tokens < 1)
		return false;
	bucket->tokens -= 1;
	return true;
}

void token_return(struct token_bucket *bucket)
{
	bucket->tokens += 1;
}

void tallies_init(struct tallies *tallies)
{
	for (size_t i = 0; i < TALLY_BUCKETS; i++)
		list_init(&tallies->bucket[i]);
}

void tallies_done(struct tallies *tallies)
{
	for (size_t i = 0; i < TALLY_BUCKETS; i++) {
		list_each (node, &tallies->bucket[i]) {
			list_remove(node);
			free(list_item(node, struct tally, node));
		}
	}
}

struct token_bucket *tally_of(struct tallies *tallies, const char *name)
{
	struct list *bucket = &tallies->bucket[slice_hash(slice_str(name)) % TALLY_BUCKETS];
	struct tally *t;

	list_each (node, bucket) {
		t = list_item(node, struct tally, node);
		if (strcmp(t->name, name) == 0)
			return &t->bucket;
	}
	t = calloc(1, sizeof *t);
	if (!t)
		return NULL;
	snprintf(t->name, sizeof t->name, "%s", name);
	list_append(bucket, &t->node);
	return &t->bucket;
}
