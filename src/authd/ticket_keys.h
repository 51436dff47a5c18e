/* The keys with which TLS session tickets are sealed: RFC 5077, section 4; RFC 8446, section 4.6.1.
 *
 * A ring: the newest seals, all of them open, and what has left the ring opens nothing more.
 * Several servers that are to take each other's tickets share one, through a file (here) or through
 * the database (registry_ticket_keys).  Each gets the ring as a value, from time to time; whoever
 * finds the newest too old makes the next one, and exactly one does so when several try.
 *
 * Who has these keys can read what a resumed conversation was made from: the file is for its owner
 * alone, and values are wiped. */
#ifndef AUTHD_TICKET_KEYS_H
#define AUTHD_TICKET_KEYS_H

#include "base/diagnosis.h"

#define TICKET_KEYS_MAX 8

struct ticket_key {
	uint8_t name[16]; /* stands in the ticket */
	uint8_t hmac[32]; /* HMAC-SHA-256 */
	uint8_t aes[32];  /* AES-256-CBC */
	int64_t created;  /* seconds since 1970-01-01 UTC */
};

struct ticket_keys {
	struct ticket_key key[TICKET_KEYS_MAX]; /* the newest first */
	size_t count;
};

void ticket_keys_done(struct ticket_keys *keys); /* wipes */

/* A new key in front, made of random bytes; of the others no more stay than make `keep` in all.
 * -EIO when the random number generator fails; the ring is then as it was. */
int ticket_keys_rotate(struct ticket_keys *keys, size_t keep, int64_t now);
/* Whether it is time for that: there is none, or the newest is as old as rotate_after seconds. */
bool ticket_keys_due(const struct ticket_keys *keys, int64_t rotate_after, int64_t now);

/* From a file that several processes may share; made, private, when it is not there, and replaced
 * at once when it is time for a new key.  keep is from 1 to TICKET_KEYS_MAX.  0, or -errno with
 * the reason; a file that others can read is refused. */
int ticket_keys_file(const char *path, int64_t rotate_after, size_t keep, int64_t now,
		     struct ticket_keys *ret_keys, struct diagnosis *why);

#endif
