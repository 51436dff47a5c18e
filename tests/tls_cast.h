/* A peer and a server of EAP-TLS with all that they need, for the tests of the peer. */
#ifndef TESTS_TLS_CAST_H
#define TESTS_TLS_CAST_H

#include "eap/packet.h"
#include "method/tls_frame.h"
#include "method/tls_peer.h"
#include "tests/pki.h"
#include "tests/tls_server.h"

#define MTU 1491 /* type-data in an Ethernet frame */

extern const struct moment cast_now;

/* Both ends and all that they need.  What a test does not say is as it should be. */
struct cast {
	struct pki_cert ca, server_cert, client_cert;
	struct tls_server_spec server_spec;
	struct trust_settings trust;
	struct tls_peer_settings peer_settings;
	struct tls_peer_options options;

	struct tls_server server;
	struct tls_config *config;
	struct tls_peer *peer;
	struct moment now;

	/* how the last conversation went */
	struct eap_verdict verdict;
	enum server_state end;
	unsigned rounds;
	size_t largest; /* type-data of a Response */
	struct eap_keys keys;
};

/* The keys are of these types; NULL: P-256. */
void cast_init(struct cast *c);
void cast_init_keys(struct cast *c, const char *server_key, const char *client_key);
/* Makes what is made from the settings; what there was before is dropped. */
void cast_load(struct cast *c);
void cast_done(struct cast *c);

struct pki_cert cast_cert(const char *cn, const char *key_type, const struct pki_cert *ca);

/* One Request to the peer; false when it was discarded. */
bool cast_ask(struct cast *c, struct slice type_data, struct wr *response);
/* From the Start to the server's decision, or until the peer gives up or discards. */
void cast_converse(struct cast *c);
/* An answer to the ClientHello that is nothing but an alert. */
void cast_answer_with_alert(struct cast *c, uint8_t alert);

bool cast_accepted(const struct cast *c);
enum diagnosis_id cast_diagnosed(const struct cast *c);
const char *cast_evidence(const struct cast *c, const char *key);

void cast_check_keys(struct cast *c); /* both ends have the same */
/* A conversation that succeeds, with everything that belongs to it. */
void cast_check_success(struct cast *c, bool resumed);

#endif
