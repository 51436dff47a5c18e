/* Where questions about accounts come to in the main thread: how many passwords were tried is
 * looked at first, then the account is looked up, and what was found goes back to the worker that
 * asked.
 *
 * Every question is a try, and counts against the account at one station, and against the account
 * as a whole, ten times as many; a success takes it back.  Beyond that the account is not looked up
 * for the rest of a minute, and the peer is told what it is told of a wrong password. */
#ifndef AUTHD_ACCOUNT_DESK_H
#define AUTHD_ACCOUNT_DESK_H

#include "authd/accounts.h"
#include "authd/outcome.h"
#include "authd/pool.h"

#define ACCOUNT_GUESSES_TIME 60000 /* msec */
#define ACCOUNT_GUESSES_SPREAD                                                                     \
	10 /* how many more tries an account has at all stations together                          \
	    */

struct account_desk;

/* pool outlives it.  0 or -errno. */
int account_desk_new(struct pool *pool, struct account_desk **ret_desk);
void account_desk_free(struct account_desk *desk);
/* Tries in a minute for one account at one station; 0: any number. */
void account_desk_configure(struct account_desk *desk, unsigned guesses);

/* Answers by pool_account_told, at once or later.  accounts NULL: there is nobody to ask. */
void account_desk_ask(struct account_desk *desk, struct accounts *accounts,
		      const struct message_account_asks *asks);
void account_desk_outcome(struct account_desk *desk, const struct outcome *outcome);

/* Questions that were not looked up because too many had been tried. */
uint64_t account_desk_refused(const struct account_desk *desk);

#endif
