/* A provisioning protocol with both its ends in memory, and the little world around them: a root,
 * an issuing authority, a machine with a factory certificate, a token's secret.
 *
 * What the server asks is answered by the duo: certificates are made, messages are forwarded to
 * whom the test says.  A test may look at every message on its way and change it. */
#ifndef TESTS_ENROL_DUO_H
#define TESTS_ENROL_DUO_H

#include "enrol/protocol.h"
#include "tests/pki.h"

struct enrol_duo {
	struct pki_cert root, issuer, factory, old;
	EVP_PKEY *key;
	struct enrol_authority authority;
	struct enrol_peer_job peer_job;
	struct enrol_server_job server_job;
	struct moment now;

	/* the test's */
	const struct enrol_peer_protocol *peer;
	const struct enrol_server_protocol *server;
	/* Before a message is delivered: change it, or leave it.  count: from 1, to the server are
	 * the odd ones. */
	void (*on_way)(struct enrol_duo *duo, unsigned count, struct enrol_output *message);
	/* In place of the duo's own answer; the reply borrows from what the duo keeps. */
	void (*on_question)(struct enrol_duo *duo, const struct enrol_question *question,
			    struct enrol_reply *reply);
	const struct enrol_fault *peer_refuses; /* the certificate, when it comes */
	struct enrol_reply refusal;		/* of ENROL_ASKS_ISSUE; error 0: it is granted */

	/* what came of it */
	enum enrol_state peer_state, server_state;
	void *peer_self, *server_self;
	struct enrol_fault peer_fault, server_fault;
	unsigned messages, questions[8];
	unsigned first_body;
	struct bytes issued, kept;
};

void enrol_duo_init(struct enrol_duo *duo, const struct enrol_peer_protocol *peer,
		    const struct enrol_server_protocol *server);
/* The machine is known by its token, by its factory certificate, by what it renews. */
void enrol_duo_by_token(struct enrol_duo *duo);
void enrol_duo_by_factory(struct enrol_duo *duo);
void enrol_duo_renews(struct enrol_duo *duo, enum enrol_action action);
/* Until both are over, or a limit of messages is passed.  true: the peer has a certificate that is
 * of its key, and both are done. */
bool enrol_duo_run(struct enrol_duo *duo);
void enrol_duo_done(struct enrol_duo *duo);

#endif
