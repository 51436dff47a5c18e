/* The stations whose machines are to renew their certificates, as every thread knows them.
 *
 * Who talks to us says who it is no earlier than in a tunnel, and an outer identity is often
 * anonymous; so machines are told by where they were seen last.  That can be wrong, or forged: it
 * decides on nothing but which method is proposed first.
 *
 * Immutable and counted: made in the recorder's thread, handed to the main thread and from there to
 * all workers by message. */
#ifndef AUTHD_WISHED_H
#define AUTHD_WISHED_H

#include "authd/registry.h"
#include "base/own.h"

#define WISHED_MAX	    16384 /* of more the rest is told when these have renewed */
#define WISHED_STATION_SIZE 64	  /* a longer Calling-Station-Id is nobody's */

struct wished {
	_Atomic int references;
	size_t count;
	char (*station)[WISHED_STATION_SIZE]; /* Calling-Station-Ids, sorted */
};

/* Asks the registry, within a transaction.  0 or -errno. */
int wished_read(struct registry *registry, struct wished **ret_wished);
struct wished *wished_ref(struct wished *wished);
void wished_free(struct wished *wished); /* drops one reference */
DEFINE_AUTO_STRUCT(wished);

/* wished may be NULL: nothing is known yet. */
bool wished_has(const struct wished *wished, const char *station);

#endif
