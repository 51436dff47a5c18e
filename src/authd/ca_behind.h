/* The certification authority of [Authority] Backend=cmp, as the main thread asks it for what
 * enrolments need: authd/cmp_client.h with what configuration and keystore say. */
#ifndef AUTHD_CA_BEHIND_H
#define AUTHD_CA_BEHIND_H

#include "authd/cmp_client.h"
#include "authd/config.h"
#include "authd/enrolment.h"

/* *ret_ca, of which the caller has one reference (enrolment_ca_drop), is NULL when none is
 * configured.  0 or -errno with *why.  loop and http outlive it. */
int ca_behind_new(struct loop *loop, struct http *http, const struct config *config,
		  struct enrolment_ca **ret_ca, struct diagnosis *why);

#endif
