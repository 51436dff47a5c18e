/* A hostile party between two honest ends: messages of one direction are changed as an input says.
 * A change is the number of a message (in the three lowest bits of an octet), what is done (in the
 * others), a position in 16 bits, a length, and octets: these take the place of others, are put
 * in, or as many are taken out, or the message is another one altogether.  Who knows how the
 * messages are made can do four things of his own besides, after which all lengths are right.
 *
 * Random octets are the same for each input, so that one that was found is found again. */
#ifndef TESTS_FUZZ_MEDDLE_H
#define TESTS_FUZZ_MEDDLE_H

#include "base/bytes.h"

struct meddler {
	struct rd input;
	unsigned message; /* those that went by */
	/* what: 0 to 3.  May be NULL. */
	void (*reform)(struct bytes *message, unsigned what, size_t at, struct slice with);
};

/* For one input; random octets begin anew. */
struct meddler meddler_of(struct slice input);
/* The next message of that direction. */
void meddle(struct meddler *m, struct bytes *message);
/* Puts octets in the place of others, as far as there are any. */
void meddle_replace(struct bytes *data, size_t at, size_t gone, struct slice with);

#endif
