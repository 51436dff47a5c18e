/* Dynamic authorization, RFC 5176, both ends.
 *
 * As the NAS we listen on UDP port 3799.  A server of servers.d that may do so (its
 * DynamicAuthorization=) ends a session, has it authenticated anew, or changes what it may do; we
 * answer ACK, or NAK with an Error-Cause.  Whoever has the sessions (the ports) does what is asked.
 *
 * As the server we ask a NAS, a RADIUS client of ours, to end or renew a session that began with
 * us. */
#ifndef AUTHD_DYNAUTH_H
#define AUTHD_DYNAUTH_H

#include "authd/aaa.h"
#include "authd/config.h"
#include "drivers/loop.h"
#include "radius/dynauth.h"

#define DYNAUTH_PORT 3799

/* Which sessions: all that is there has to fit (RFC 5176, section 3); what is empty or false fits
 * everything.  At least one of them says something. */
struct session_criteria {
	const char *session_id; /* Acct-Session-Id */
	const char *user_name, *nas_port_id;
	bool has_mac, has_nas_port;
	uint8_t mac[6]; /* Calling-Station-Id */
	uint32_t nas_port;
	struct slice class; /* one of the grant's; empty */
};

/* What is to change; the rest stays. */
struct session_change {
	bool has_session_timeout, has_vlan, has_interim, has_reauthenticate;
	uint32_t session_timeout, interim;
	uint16_t vlan;
	bool reauthenticate; /* Termination-Action */
};

/* Who has the sessions.  Each answers how many sessions it was done to, 0 for none, or the
 * -errno for which it was done to none: -EOPNOTSUPP for a change that this port cannot make,
 * -EMLINK when it has to be one session and there are more. */
struct session_keeper {
	void *self;
	int (*disconnect)(void *self, const struct session_criteria *which);
	int (*reauthenticate)(void *self, const struct session_criteria *which);
	int (*change)(void *self, const struct session_criteria *which,
		      const struct session_change *what);
};

struct dynauth;

struct dynauth_settings {
	const struct addresses *listen; /* none: only asks; port 0 is 3799 */
	const char *nas_identifier;	/* who we are; copied */
};

struct dynauth_counts {
	uint64_t disconnects, changes; /* that were asked for */
	uint64_t acks, naks;	       /* what was answered; not what was answered again */
	uint64_t strangers, discards;  /* packets of nobody's address; that are no good */
};

/* keeper may be NULL: then there are no sessions here.  0 or -errno with *why. */
int dynauth_new(struct loop *loop, struct config *config, const struct dynauth_settings *settings,
		const struct session_keeper *keeper, struct dynauth **ret_dynauth,
		struct diagnosis *why);
void dynauth_free(struct dynauth *dynauth);
void dynauth_configure(struct dynauth *dynauth, struct config *config);
void dynauth_count(const struct dynauth *dynauth, struct dynauth_counts *ret_counts);

/* What a NAS said to what we asked of it: 0 for ACK; -EACCES for NAK, with its Error-Cause;
 * -ETIMEDOUT; -ENOMEM. */
struct dynauth_answer {
	int result;
	uint32_t cause; /* enum radius_error_cause */
};

struct dynauth_ask {
	union address nas; /* port 0 is 3799 */
	struct slice secret;
	bool reauthenticate; /* CoA with Service-Type Authorize-Only is not for EAP: CoA with
				Termination-Action and Session-Timeout 1; else Disconnect */
	const struct aaa_where *where; /* which session, and on which NAS */
	/* Called once, never from within dynauth_send, not after dynauth_free. */
	void (*answered)(void *context, const struct dynauth_answer *answer);
	void *context;
};

/* Everything is copied.  0, or -errno and nothing is called: -EAGAIN when too many are on their
 * way. */
int dynauth_send(struct dynauth *dynauth, const struct dynauth_ask *ask);

#endif
