/* How much of something each may do, by its name: token buckets.  Names are those of a
 * configuration, so that their number has a ceiling. Of one thread. */
#ifndef AUTHD_TALLY_H
#define AUTHD_TALLY_H

#include "authd/config.h"
#include "base/list.h"

/* As many as may come in a second are there at the most, and at first. */
struct token_bucket {
	double tokens;
	msec filled;
	bool begun;
};

/* Takes one; false when there is none.  per_second 0: any number. */
bool token_take(struct token_bucket *bucket, uint32_t per_second, msec now);
/* Gives back what was taken for nothing. */
void token_return(struct token_bucket *bucket);

#define TALLY_BUCKETS 256
struct tallies {
	struct list bucket[TALLY_BUCKETS];
};

void tallies_init(struct tallies *tallies);
void tallies_done(struct tallies *tallies);
/* NULL when there is no memory. */
struct token_bucket *tally_of(struct tallies *tallies, const char *name);

#endif
