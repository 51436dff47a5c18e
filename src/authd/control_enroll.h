/* Tokens, machines and accounts at the control socket: what control_enroll.c asks of the registry,
 * and control_enroll_ask.c answers in the recorder's thread. */
#ifndef AUTHD_CONTROL_ENROLL_H
#define AUTHD_CONTROL_ENROLL_H

#include "authd/control_parts.h"
#include "authd/enrolment.h"
#include "authd/wished.h"
#include "enrol/token.h"

struct enroll_job {
	struct control_job job;
	struct control_request request;
	const struct authd_view *view; /* outlives the socket, as what was begun has to be ended */
	char actor[32];
	int64_t now;
	bool found;
	bool account; /* machine-revoke: it had one, which is removed */
	registry_text
		identifier; /* of the machine, token or account that was found; empty: the target */
	json_t *result;
	struct token token;    /* token-create */
	struct wished *wished; /* machine-renew: who all is to */
	/* machine-revoke: the certificates that have not expired, and what their CA does about it.
	 */
	struct bytes certificates;
	struct putting_out out;
	struct enrolment_revocation revocation;
};

/* Each one transaction, with what it writes to the audit trail: asks of struct question. */
int control_ask_token_create(struct question *question, struct registry *registry);
int control_ask_token_list(struct question *question, struct registry *registry);
int control_ask_token_revoke(struct question *question, struct registry *registry);
int control_ask_machine_show(struct question *question, struct registry *registry);
int control_ask_machine_revoke(struct question *question, struct registry *registry);
int control_ask_machine_renew(struct question *question, struct registry *registry);
int control_ask_account_list(struct question *question, struct registry *registry);
int control_ask_account_put(struct question *question, struct registry *registry);
int control_ask_account_remove(struct question *question, struct registry *registry);

#endif
