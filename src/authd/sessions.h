/* Sessions that RADIUS clients of ours keep: who was let in, where, since when, and what accounting
 * has told of it.  Ports of ours know their own.
 *
 * A session begins with our Access-Accept.  It ends when accounting says so, when the same machine
 * is let in again at the same place, when its time is over, or when there are too many: then the
 * one of which nothing was heard for longest goes.  Of the main thread. */
#ifndef AUTHD_SESSIONS_H
#define AUTHD_SESSIONS_H

#include "authd/outcome.h"

#define SESSIONS_MAX	 32768
#define SESSIONS_BUCKETS 4096

struct session {
	struct list node;  /* of its bucket, by station */
	struct list order; /* the one heard of longest ago first */
	char id[OUTCOME_SESSION_SIZE + 1];
	struct aaa_where where;
	char machine[DIAGNOSIS_VALUE_MAX]; /* outcome_machine */
	char account[AAA_TEXT_MAX + 1];	   /* of which a password was proved; empty: of none */
	char method[24], tls[16], rule[65];
	uint16_t vlan;
	uint32_t timeout; /* seconds; 0: none */
	int64_t started, heard;
	uint64_t octets_in, octets_out;
	bool accounted;
};

struct sessions {
	struct list bucket[SESSIONS_BUCKETS];
	struct list order;
	size_t count;
};

void sessions_init(struct sessions *sessions);
void sessions_done(struct sessions *sessions);

/* Of an outcome that let somebody in by RADIUS; others are none. */
void sessions_begin(struct sessions *sessions, const struct outcome *outcome);
void sessions_account(struct sessions *sessions, const struct nas_accounting *accounting);
/* Takes out those whose time is over. */
void sessions_look(struct sessions *sessions, int64_t now);
void sessions_end(struct sessions *sessions, struct session *session);

/* Whether target means this session: its id, the machine as the registry has it, which is the
 * account where that was given to a machine, or its hardware address in any usual form. */
bool session_is(const struct session *session, const char *target);
bool session_is_of_account(const struct session *session, const char *account);

#endif
