/* The parts of the CPROM peer.  Private to cprom_peer*.c. */
#ifndef METHOD_CPROM_PEER_PARTS_H
#define METHOD_CPROM_PEER_PARTS_H

#include "enrol/cprom_frame.h"
#include "enrol/cprom_rules.h"
#include "enrol/proof.h"
#include "method/cprom_peer.h"

/* One thing that was done: what phase three and the end need of it. */
struct deed {
	const struct cprom_credential *credential;
	struct cprom_result result;
	EVP_PKEY *key;
	struct secret secret;
	uint8_t id[CPROM_CREDENTIAL_ID_MAX];
	size_t id_len;
	bool validated;
};

/* The round of a provisioning protocol that is going on. */
struct round {
	const struct cprom_credential *credential; /* NULL: none is */
	const struct enrol_peer_protocol *protocol;
	void *self;
	struct enrol_peer_job job;
	EVP_PKEY *key;
	uint8_t oid[130]; /* of job.params */
	unsigned messages;
	struct deed *deed; /* once there is something stored */
};

/* What the server wants to do in a round; its slices are of the message. */
struct cprom_offer {
	struct cprom_protocol protocol;
	struct cprom_action action;
	struct cprom_info info; /* id empty: there was none */
	struct enrol_params params;
	struct slice profile;
};

struct cprom_peer {
	struct cprom_peer_settings settings;
	const struct eap_tunnel_binding *tunnel;

	/* one conversation */
	struct cprom_link link;
	unsigned phase;		/* enum cprom_phase; 0: it has not begun */
	msec heard;		/* the last message */
	struct slice challenge; /* of the server's Init, borrowed while it is answered */
	struct round round;
	bool begun_key; /* the store has a generation of round.credential that is not put yet */
	bool failed, succeeded, stopped;
	bool closed; /* the server has told us what it found good; nothing comes after it */

	/* what stays of it */
	struct deed deeds[CPROM_CREDENTIALS_MAX];
	size_t deed_count;
	struct enrol_fault fault;
	struct diagnosis why;
	const char *stage;
	struct cprom_event events[CPROM_EVENTS_MAX];
	size_t first_event, event_count;
};

void cprom_peer_tell(struct cprom_peer *p, enum cprom_step step,
		     const struct cprom_credential *credential, const char *detail);

/* Each answers OK, or sets p->fault (and p->why where more is known) and answers something else. */

/* Our Init, as the next message. */
CHECKED enum status cprom_peer_write_init(struct cprom_peer *p);

/* What the message offers, if it is of what we asked for: p->round has the credential and the
 * protocol. */
CHECKED enum status cprom_peer_take_offer(struct cprom_peer *p, struct slice message,
					  struct cprom_offer *ret_offer);
/* The server's messages of phase two; the answer is the next message. */
CHECKED enum status cprom_peer_begin_round(struct cprom_peer *p, struct slice message, bool last,
					   struct moment now);
CHECKED enum status cprom_peer_go_on(struct cprom_peer *p, struct slice message, bool last,
				     struct moment now);
void cprom_peer_round_done(struct cprom_peer *p); /* frees it, whatever came of it */

/* What of this is done without CPROM's messages too (cprom_direct.c).  The tunnel is one to enrol
 * in; a round begins, with a key (binding: job.binding); a message of its protocol, and of a
 * certificate that comes with it all that there is to do; what was stored is used. */
CHECKED enum status cprom_peer_check_tunnel(struct cprom_peer *p);
CHECKED enum status cprom_peer_prepare(struct cprom_peer *p,
				       const struct cprom_credential *credential,
				       const struct enrol_peer_protocol *protocol,
				       struct slice binding);
CHECKED enum status cprom_peer_exchange(struct cprom_peer *p, const struct enrol_message *in,
					struct enrol_output *out, struct moment now);
void cprom_peer_settle(struct cprom_peer *p);

/* Phase three; and the end of all, which cannot fail any more: self is a struct cprom_peer. */
CHECKED enum status cprom_peer_validate(struct cprom_peer *p, struct slice message);
CHECKED enum status cprom_peer_close(struct cprom_peer *p, struct slice message);
void cprom_peer_succeeded(void *self);

/* The id of what a credential has now; 0 when there is nothing. */
size_t cprom_credential_id(const struct cprom_credential *credential,
			   uint8_t ret_id[CPROM_CREDENTIAL_ID_MAX]);

enum status cprom_peer_fail(struct cprom_peer *p, enum enrol_error error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
