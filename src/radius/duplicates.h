/* Duplicate detection: RFC 5080, section 2.2.2.
 *
 * A request is known by where it came from, its Code, its Identifier and its Request Authenticator.
 * A known one that is being worked on is dropped, one that was answered gets the same octets again.
 * A new authenticator with the same source, Code and Identifier means that the client has given up
 * the old request: it is forgotten.  Bounded by count (the oldest goes) and time.
 *
 * Ask after the request was verified; what is not genuine must not push out what is. */
#ifndef RADIUS_DUPLICATES_H
#define RADIUS_DUPLICATES_H

#include "base/moment.h"
#include "radius/packet.h"

#define RADIUS_SOURCE_MAX 40	/* octets that say where a packet came from */
#define RADIUS_KEEP	  5000	/* msec, of an answer: RFC 5080 suggests "5 to 30 seconds" */
#define RADIUS_BUSY_KEEP  60000 /* msec, of a request that nobody answers or forgets */

struct radius_duplicates;

/* seed: random, so that nobody can choose where entries fall. */
CHECKED enum status radius_duplicates_new(size_t entries_max, msec keep, uint64_t seed,
					  struct radius_duplicates **ret_duplicates);
void radius_duplicates_free(struct radius_duplicates *duplicates);
DEFINE_AUTO_STRUCT(radius_duplicates);

enum radius_known {
	RADIUS_NEW,	 /* entered; work on it */
	RADIUS_BUSY,	 /* a duplicate of what is being worked on: drop it */
	RADIUS_ANSWERED, /* a duplicate of what was answered: send the reply again */
};

/* To give the reply later; 0 is no ticket. */
typedef uint64_t radius_ticket;

/* source: octets, the same for the same source address, port and socket of ours; cut at
 * RADIUS_SOURCE_MAX.  ret_reply of RADIUS_ANSWERED is good until the next call. */
enum radius_known radius_duplicates_look(struct radius_duplicates *duplicates, struct slice source,
					 const struct radius_packet *request, msec now,
					 radius_ticket *ret_ticket, struct slice *ret_reply);
/* Keeps a copy; nothing happens if the entry is gone (or there is no memory: then the request, if
 * it comes again, is worked on again).  An empty reply forgets the request. */
void radius_duplicates_answer(struct radius_duplicates *duplicates, radius_ticket ticket,
			      struct slice reply, msec now);

size_t radius_duplicates_count(const struct radius_duplicates *duplicates);

#endif
