/* What the control socket, the metrics and the health answer ask of the program.
 *
 * The main program fills it, a test fills it with what it likes.  All is called on the main loop.
 * A list is an array of objects made by the callee; what keys they have is said here, because
 * people's scripts read them: `--json` prints them as they are.  Keys without a value are left out.
 * Times are seconds since 1970-01-01 UTC. */
#ifndef AUTHD_VIEW_H
#define AUTHD_VIEW_H

#include <jansson.h>

#include "authd/putting_out.h"

struct metrics_writer;
struct wished;
struct enrolment_revocation;

/* Why the service is not well: at most HEALTH_MAX reasons, each "database: it does not answer". */
#define HEALTH_MAX 16
struct health {
	char reason[HEALTH_MAX][256];
	size_t count;
};
void health_add(struct health *health, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

struct authd_view {
	void *self;

	/* An object: version, started, config (path), sessions, conversations, workers,
	 * credentials [ { name, subject, expires } ], registry { kind, connected, waiting,
	 * dropped }, problems [ sentence ]. */
	json_t *(*status)(void *self);
	/* session, identity, machine, station, client, nas, port, state, method, tls, rule, vlan,
	 * started, timeout, octets_in, octets_out */
	json_t *(*sessions)(void *self);
	/* name, prefix, transport (udp, tls), requests, accepts, rejects, challenges, duplicates,
	 * malformed, bad_authenticators, dropped, last_seen, refused { time, identity, station,
	 * diagnosis, cause } of the machine that was refused last */
	json_t *(*clients)(void *self);
	/* name, address, transport, state (alive, dead, unknown), requests, answers, timeouts,
	 * retransmissions, bad_authenticators, for (authentication, accounting), diagnosis */
	json_t *(*servers)(void *self);
	/* name, mode (single, multi), state (authorised, unauthorised, held, not-guarded ...),
	 * stations, vlan, carrier, diagnosis */
	json_t *(*ports)(void *self);
	/* number, conversations, accepts, rejects, challenges, shed, queue */
	json_t *(*workers)(void *self);
	/* An object of numbers, by name. */
	json_t *(*counters)(void *self);

	/* Ends, or asks anew for, all sessions that target names: a session's id, or the MAC
	 * address of a machine in any usual form, or a machine as the registry has it ("CN=a").
	 * actor ("user 0") is for the audit trail. Returns how many there were, 0 for none, or
	 * -errno with the reason. */
	int (*disconnect)(void *self, const char *target, const char *actor, struct diagnosis *why);
	/* Ends all in which a password of this account was proved. */
	int (*disconnect_account)(void *self, const char *account, struct diagnosis *why);
	int (*reauth)(void *self, const char *target, const char *actor, struct diagnosis *why);
	/* What a token is to pin: the first half of the SHA-256 of the SubjectPublicKeyInfo of the
	 * authority above our certificate.  0 or -errno with the reason. */
	int (*token_pin)(void *self, uint8_t pin[16], struct diagnosis *why);
	/* The CA behind us is asked to revoke as well: enrolment_revoke. -ENOENT: there is none. */
	int (*revoke_elsewhere)(void *self, struct enrolment_revocation *revocation);
	/* Certificates of a machine were revoked, or an account was removed, and that is
	 * committed: who is in by it is put out. */
	void (*put_out)(void *self, struct putting_out *order);
	/* Who is to renew was read; the callee takes a reference. */
	void (*wished)(void *self, struct wished *wished);
	/* Reads the configuration anew.  0 or -errno with the reason; all stays as it was then. */
	int (*reload)(void *self, struct diagnosis *why);

	/* Families of metrics, by metrics_family and metrics_value (metrics.h). */
	void (*metrics)(void *self, struct metrics_writer *writer);
	void (*health)(void *self, struct health *health);
};

#endif
