/* latchkey-authd as a whole, in its main thread: what it is made of, how it starts, reads its
 * configuration again, and stops.
 *
 * Each part is opened in authd.c in the order of the struct and closed in the opposite order.  What
 * workers and ports report passes through here on its way to the log, the counters and the
 * recorder. */
#ifndef AUTHD_AUTHD_H
#define AUTHD_AUTHD_H

#include "authd/account_desk.h"
#include "authd/accounting.h"
#include "authd/client_counts.h"
#include "authd/dynauth.h"
#include "authd/guard.h"
#include "authd/control.h"
#include "authd/lists.h"
#include "authd/metrics.h"
#include "authd/passthrough.h"
#include "authd/pool.h"
#include "authd/putting_out.h"
#include "authd/radius_server.h"
#include "authd/radsec_server.h"
#include "authd/revocation.h"
#include "authd/sessions.h"
#include "authd/staple.h"
#include "authd/tally.h"
#include "authd/tickets.h"
#include "authd/wishes.h"

struct authd_options {
	const char *config_path;
	int log_level;		     /* -1: as configured */
	const struct mschap *mschap; /* NULL: there is none; outlives it */
};

struct authd {
	struct loop *loop;
	struct authd_options options;
	int64_t started;
	int failed; /* -errno for which it stopped by itself */

	struct config *config;
	struct recorder *recorder; /* NULL: no database is configured */
	struct pool *pool;
	struct radius_server *radius; /* UDP */
	struct radsec_server *radsec; /* TLS */
	struct client_counts clients;
	struct http *http;
	struct ocsp *ocsp;
	struct revocation *revocation;
	struct enrolment *enrolment;
	struct accounts *accounts; /* who looks accounts up; NULL: nobody */
	struct account_desk *account_desk;
	struct lists *lists;   /* of our own authority */
	struct wishes *wishes; /* who is to renew */
	struct putting_outs put_out;
	struct staple *staple; /* NULL: nothing is stapled */
	struct tickets *tickets;
	struct sessions sessions; /* at RADIUS clients */
	/* Lines of the log about machines that were refused, and how many there were none about. */
	struct token_bucket refusals;
	uint64_t untold;
	msec untold_logged;
	struct cert_info certificate; /* ours; empty without a credential */
	struct authd_view view;
	struct control *control;
	struct metrics *metrics;	 /* NULL: not configured */
	struct accountant accountant;	 /* of the ports */
	struct passthrough *passthrough; /* NULL: no server was ever configured */
	struct guard *guard;		 /* NULL: no port is to be guarded */
	struct dynauth *dynauth;
	bool keeps; /* dynauth knows of the ports */
	struct timer watchdog;
};

/* 0 or -errno; what is wrong has been logged. */
int authd_new(struct loop *loop, const struct authd_options *options, struct authd **ret_authd);
void authd_free(struct authd *authd);

/* SIGHUP: everything is read again. Conversations and sessions go on.  0, or -errno and the old
 * configuration stays. */
int authd_reload(struct authd *authd, struct diagnosis *why);
void authd_stop(struct authd *authd);
int authd_result(const struct authd *authd);

/* The parts, in their order (authd_parts.c).  0 or -errno with *why. */
int authd_open_parts(struct authd *authd, struct diagnosis *why);
/* Each part takes the configuration; when one cannot, all have the old one again. */
int authd_configure_parts(struct authd *authd, struct config *config, struct diagnosis *why);
void authd_close_parts(struct authd *authd);

/* What the pool tells (authd_events.c). */
void authd_events_of(struct authd *authd, struct pool_events *ret_events);
/* What the ports tell of their sessions. */
void authd_account(struct accountant *accountant, const struct accounting_event *event);
/* Of the view (authd_orders.c). */
int authd_disconnect(void *authd, const char *target, const char *actor, struct diagnosis *why);
int authd_disconnect_account(void *authd, const char *account, struct diagnosis *why);
int authd_reauth(void *authd, const char *target, const char *actor, struct diagnosis *why);
/* What control socket and metrics show (authd_view.c). */
void authd_view_of(struct authd *authd, struct authd_view *ret_view);
/* All that is counted (authd_counters.c): an object of numbers by name, or families of metrics.
 * self is a struct authd. */
json_t *authd_counters(void *self);
void authd_metrics(void *self, struct metrics_writer *writer);

#endif
