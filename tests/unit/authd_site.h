/* A server that enrols, but for its sockets: its authority, its workers (authd_rig.h) and a
 * registry that is a file; and a machine with a token and nothing else, our CPROM peer in our
 * EAP-TTLS peer. */
#ifndef TESTS_UNIT_AUTHD_SITE_H
#define TESTS_UNIT_AUTHD_SITE_H

#include "authd/enrolment.h"
#include "authd/recorder.h"
#include "authd/registry_enrol.h"
#include "authd/wished.h"
#include "method/ttls_peer.h"
#include "tests/cprom_duo.h"
#include "tests/unit/authd_rig.h"

#define STATION "02-00-00-00-00-01"

struct site {
	struct rig rig;
	struct recorder *recorder;
	struct enrolment *enrolment;
	struct registry *registry; /* a second eye on it */
	struct registry_settings settings;
	char file[160];
	struct token token;
	char id[TOKEN_ID_TEXT_MAX];
	uint64_t number;
	struct eap_type declined; /* the method that who was let in with a certificate declined */
};

/* more: lines of latchkey-authd.conf, that go on with [Enroll]. */
void site_init_with(struct site *s, const char *more);
/* rule: a file of rules.d; NULL: there is none. */
void site_init_with_rule(struct site *s, const char *more, const char *rule);
void site_init(struct site *s); /* who has enrolled is let in, in VLAN 99 */
void site_done(struct site *s);
/* Where its enrolment tells what came of a question. */
void site_told(void *context, const struct message_enrolment_asks *asks,
	       struct enrolment_told *taken);
/* A token as `token create` makes it, with the rest as in *like. */
void make_token(struct site *s, const struct registry_token *like);
/* How often it was. */
unsigned used(struct site *s);

struct newcomer {
	struct cprom_duo store; /* for its keystore alone */
	struct cprom_credential credential;
	const struct enrol_peer_protocol *protocols[1];
	struct cprom_peer *cprom;
	struct tls_config *tls;
	struct tunnel_peer *ttls;
	struct machine_rig machine;
};

/* What a machine shows in its handshake; zeros: nothing. */
struct shown {
	EVP_PKEY *key;
	X509 *cert;
	X509_STACK *chain;
};

/* What it comes for.  Then it is connected, after what is to be changed in n->credential; tls is
 * taken over. */
void newcomer_wants(struct newcomer *n, enum enrol_action action);
void newcomer_connect(struct newcomer *n, const struct cprom_token *token, struct tls_config *tls);
/* Both, for a certificate with this name, with the site's token. */
void newcomer_init(struct newcomer *n, const struct site *s, const char *cn);
void newcomer_done(struct newcomer *n);
/* A conversation; the certificate that is in the keystore then, or NULL. */
X509 *enrol_at(struct site *s, struct newcomer *n, const char *station);
X509 *enrol(struct site *s, struct newcomer *n);
/* What a machine with this token believes of a server. */
struct tls_config *trust_by_pin(const struct token *token, const struct shown *shown);

#endif
