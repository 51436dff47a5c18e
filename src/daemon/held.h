/* The credentials that profiles have, as the service holds them while it runs: service_lives.c what
 * becomes of them, service_wishes.c what sets it off. */
#ifndef DAEMON_HELD_H
#define DAEMON_HELD_H

#include "daemon/service_parts.h"

struct held {
	struct list node;
	char name[KEYSTORE_NAME_MAX + 1];
	struct life life;
	struct diagnosis problem; /* of the enrolment or renewal that failed last; or DIAG_NONE */
	struct secret token;	  /* that a person has given; empty: none */
	char factory[KEYSTORE_NAME_MAX + 1];
	char common_name[ENROL_NAME_MAX + 1], kind[ENROL_ID_MAX + 1];
	bool seen; /* by the walk through the profiles that is going on */
};

struct held *held_find(struct service *s, const char *name); /* NULL: no profile has it */
/* Likewise, but it is made then; NULL: no memory. */
struct held *held_make(struct service *s, const char *name);
struct held *held_of_port(struct service *s, const struct port *port);
/* What a person has given, for enrol_arm; borrowed.  Returns ret_given. */
const struct enrol_given *held_given(const struct held *h, struct enrol_given *ret_given);
void held_forget_given(struct held *h);

/* What the keystore has of it, as it was read last; NULL: nothing. */
const struct credential_info *held_stored(const struct service *s, const char *name);
/* What it enrolls for is on trial: all that came in one session is tried together. */
bool held_on_trial(const struct service *s, const struct profile *profile);
/* All of them to the generation before, for this reason; the renewal has failed already. */
void held_fall_back(struct service *s, struct held *h, const struct profile *profile,
		    const struct diagnosis *cause);
/* Trials that cannot even begin, for what is on trial cannot be used, end.  What has just come from
 * the network was found good by the same clock, so anything that is wrong with it now is wrong for
 * good; else only what no clock explains.  True: the keystore has changed. */
bool trials_end(struct service *s, bool just_begun);
/* When it is tried again, on the wall. */
int64_t held_retry_time(msec retry_at, struct moment now);
uint32_t held_chance(void);

/* The timer of renewals, for whatever is due next. */
void held_set_timer(struct service *s);
void held_on_renewals(struct timer *timer);
/* The server of this port would like a renewal.  The conversation in which it said so goes to its
 * end first. */
void held_hear_wish(struct service *s, const struct port *port, struct held *h);

#endif
