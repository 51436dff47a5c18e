/* A peer of a tunnel and a server by hand: OpenSSL does phase one, a test says what the server
 * sends in phase two, and sees what the peer sends.  For tests, fault injection and fuzzers; what
 * the rig itself cannot do ends the program. */
#ifndef TESTS_TUNNEL_RIG_H
#define TESTS_TUNNEL_RIG_H

#include "eap/method.h"
#include "method/inner_account.h"
#include "method/tls_frame.h"
#include "method/tunnel_peer.h"
#include "tests/legacy.h"
#include "tests/pki.h"

struct tunnel_rig {
	struct pki_cert ca, server_cert, client_cert;
	int tls;	 /* TLS1_2_VERSION or TLS1_3_VERSION */
	bool insecure;	 /* the peer judges no server */
	uint8_t offered; /* version in the Start */
	struct secret password;
	struct tls_config *config; /* of the peer */
	SSL_CTX *ctx;		   /* of the server */

	/* the peer; freed with the rig */
	const struct eap_peer_method *method;
	struct tunnel_peer *peer;

	void (*enter)(void), (*leave)(void); /* around what the peer does; NULL: nothing */

	/* one conversation */
	SSL *ssl;
	BIO *in, *out;
	uint8_t id;
	struct eap_verdict verdict;
	bool ignored;	    /* the last Request was */
	bool silent;	    /* the last Request had no answer: DONE and FAIL */
	struct bytes heard; /* application data of the last answer */
	struct eap_keys keys;
};

/* An inner account of "user" and the password "secret". */
struct inner_account tunnel_rig_account(struct tunnel_rig *rig);

void tunnel_rig_init(struct tunnel_rig *rig);
/* Makes configurations as the members say; then the test makes the peer from rig->config. */
void tunnel_rig_load(struct tunnel_rig *rig);
void tunnel_rig_done(struct tunnel_rig *rig);

/* A Request with this type-data. */
void tunnel_rig_ask(struct tunnel_rig *rig, struct slice type_data);
/* From the Start to where the handshake is done at both ends, and the peer has heard of it.  False:
 * it did not get there. */
bool tunnel_rig_open(struct tunnel_rig *rig);
/* The server's application data, as one flight; empty: none. */
void tunnel_rig_say(struct tunnel_rig *rig, struct slice data);
void tunnel_rig_close(struct tunnel_rig *rig); /* close_notify */
/* EAP-Success or -Failure: the end.  False: it was not accepted. */
bool tunnel_rig_end(struct tunnel_rig *rig, bool success);

/* The exporter of the server; without a context. */
void tunnel_rig_export(struct tunnel_rig *rig, const char *label, uint8_t *out, size_t len);
bool tunnel_rig_resumed(const struct tunnel_rig *rig);

#endif
