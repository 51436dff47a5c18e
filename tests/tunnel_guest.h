/* A server of a tunnel and a peer by hand: our TLS does phase one, a test says what the peer sends
 * in phase two, sees what the server sends, and answers its questions.  For tests and fuzzers; what
 * it cannot do itself ends the program. */
#ifndef TESTS_TUNNEL_GUEST_H
#define TESTS_TUNNEL_GUEST_H

#include "method/mschapv2_server.h"
#include "method/peap_server.h"
#include "method/ttls_server.h"
#include "tests/pki.h"

struct tunnel_guest {
	struct pki_cert ca, server_cert;
	struct tls_config *config; /* of the peer */
	struct tls_server_config *server;
	struct tls_session session; /* of the peer */
	struct ttls_server_context ttls;
	struct peap_server_context peap;
	struct mschapv2_server_context mschapv2;
	struct eap_policy_choice choice;
	struct eap_policy policy; /* inside: EAP-MSCHAPv2, EAP-GTC */
	const struct eap_server_method *method;

	/* what it is answered; the account is "bob", the password "secret" */
	bool admit;
	/* Around what the server does, for faults; NULL: nothing. Then it may have no memory to
	 * begin or to speak, and has failed. */
	void (*enter)(void), (*leave)(void);

	/* one conversation */
	struct tls_conn *tls;
	void *self;
	enum eap_server_state state;
	struct bytes heard; /* application data of the server's last flight */
	unsigned asked[EAP_ASKS_ENROLMENT + 1];
	struct eap_admission_question admission;
	char identity[64];
};

void tunnel_guest_init(struct tunnel_guest *g, const struct eap_server_method *method,
		       enum tls_version version);
void tunnel_guest_done(struct tunnel_guest *g);

/* From the Start to where the handshake is done at both ends, with this data along with the end of
 * it (TLS 1.3). */
void tunnel_guest_open(struct tunnel_guest *g, struct slice data);
/* Application data as one flight; empty: an acknowledgement. */
void tunnel_guest_say(struct tunnel_guest *g, struct slice data);
void tunnel_guest_close(struct tunnel_guest *g); /* the conversation is over */

#endif
