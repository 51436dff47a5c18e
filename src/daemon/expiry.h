/* Certificates that run out: warnings at the thresholds that ExpiryWarnings= names.
 *
 * One timer of the real-time clock, set to the next threshold of any credential, which also tells
 * when somebody set the clock; nothing wakes up in between. */
#ifndef DAEMON_EXPIRY_H
#define DAEMON_EXPIRY_H

#include "config/service.h"
#include "drivers/loop.h"
#include "keystore/keystore.h"

struct expiry_events {
	/* A threshold was passed, or the certificate has expired (remaining <= 0). */
	void (*warn)(void *context, const struct credential_info *credential, int64_t remaining);
	void (*clock_set)(void *context);
	void *context;
};

struct expiry;

int expiry_new(struct loop *loop, const struct expiry_events *events, struct expiry **ret_expiry);
void expiry_free(struct expiry *expiry);

/* Looks at all credentials now, warns of those that passed a threshold since the last look, and
 * sets the timer for the next.  To be called at start, after a reload, and by the timer itself
 * through the last arguments. */
void expiry_look(struct expiry *expiry, const struct service_config *config,
		 const struct credential_info *credentials, size_t count);

#endif
