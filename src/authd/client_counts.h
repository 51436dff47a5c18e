/* What each RADIUS client of ours has sent and got, by its name; and how often its mistakes are
 * worth a line of the log.  Of the main thread. */
#ifndef AUTHD_CLIENT_COUNTS_H
#define AUTHD_CLIENT_COUNTS_H

#include "authd/outcome.h"
#include "authd/packet.h"

struct client_count {
	struct list node;
	char name[CONFIG_NAME_MAX + 1];
	bool radsec;
	uint64_t requests, accepts, rejects, challenges, accounted;
	uint64_t end[PACKET_ENDS];
	uint64_t fault[RADIUS_FAULTS];
	int64_t last_seen; /* seconds since 1970 */
	msec logged;	   /* when a mistake of its was told last */
	uint64_t unlogged; /* those since */

	/* The machine that was refused last, behind any port of this client. */
	int64_t refused_at; /* 0: none was */
	struct diagnosis refused;
	char refused_identity[AAA_TEXT_MAX + 1], refused_station[AAA_TEXT_MAX + 1];
};

#define CLIENT_BUCKETS 256
struct client_counts {
	struct list bucket[CLIENT_BUCKETS];
	bool begun;
};

void client_counts_done(struct client_counts *counts);
/* Adds a packet that is done with.  NULL when there is no memory. */
struct client_count *client_counts_add(struct client_counts *counts, const struct packet *packet);
/* Keeps who was refused, and why; an outcome that is none of a client's is nothing to it. */
void client_counts_refuse(struct client_counts *counts, const struct outcome *outcome);
/* NULL: nothing has come from it. */
const struct client_count *client_counts_find(struct client_counts *counts, const char *name);
/* Whether to tell of a mistake now: once in a while, with the number of those that were not told.
 */
bool client_count_tell(struct client_count *count, msec now, uint64_t *ret_unlogged);

#endif
