/* Which generation: names and numbers, pure.
 *
 * Generations are directories named by their number, from 1, without leading zeros.  A new one is
 * above all that there are; too many are pruned from below, never the current one, nor the one that
 * would be gone back to. */
#ifndef KEYSTORE_GENERATION_H
#define KEYSTORE_GENERATION_H

#include <stdbool.h>
#include <stddef.h>

#define GENERATION_NUMBER_MAX 999999999u
#define GENERATION_TEXT_MAX   10 /* with the NUL */

/* A ceiling for what is looked at; the keystore itself never makes that many. */
#define GENERATIONS_SEEN_MAX 256

struct generations {
	unsigned numbers[GENERATIONS_SEEN_MAX];
	size_t count;
};

/* 0 when the name is not a generation's. */
unsigned generation_parse(const char *name);
void generation_format(unsigned number, char text[GENERATION_TEXT_MAX]);

void generations_add(struct generations *all, unsigned number);
bool generations_have(const struct generations *all, unsigned number);
/* 0 when the numbers are used up. */
unsigned generations_next(const struct generations *all);
/* The one to remove next so that no more than `keep` remain; 0 when there is none. */
unsigned generations_doomed(const struct generations *all, unsigned current, unsigned proved,
			    size_t keep);
void generations_remove(struct generations *all, unsigned number);

#endif
