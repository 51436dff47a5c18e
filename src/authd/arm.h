/* The configuration made ready to be used by one worker: credential opened, anchors and lists read,
 * TLS configuration built.
 *
 * Everything that can go wrong before a packet comes goes wrong here, with a diagnosis;
 * `latchkey-authd check` and the service call the same function.  Each worker has an arming of its
 * own, made by the main thread and handed over: what OpenSSL locks is then never shared. */
#ifndef AUTHD_ARM_H
#define AUTHD_ARM_H

#include "authd/arm_enrol.h"
#include "authd/arm_tunnel.h"
#include "authd/authority.h"
#include "authd/revoked.h"
#include "authd/wished.h"
#include "eap/authenticator.h"
#include "enrol/token.h"
#include "keystore/keystore.h"
#include "method/tls_server.h"

struct arming {
	unsigned references; /* of one thread */
	struct config *config;
	struct tls_server_context tls; /* tls.config is NULL when no credential is configured */
	struct arming_enrol enrol;
	struct arming_tunnels tunnels;
	struct eap_policy_choice choice;
	struct eap_policy policy;
	/* For a machine that is to renew its certificate: tunnels that enrol come first. */
	struct eap_policy_choice renewing_choice;
	struct eap_policy renewing;
	struct diagnosis warning;     /* of the credential: expires soon; DIAG_NONE otherwise */
	struct cert_info certificate; /* ours; empty without a credential */
	uint8_t digest[32];	      /* of what the TLS configuration was made of */
	struct authority *authority;  /* our own; NULL: none is configured */
	/* Where its worker keeps what was revoked, which is NULL until the first list has come. */
	struct revoked *const *revoked;
	struct wished *const *wished; /* likewise who is to renew; NULL in a check */
};

/* Takes a reference to the configuration.  mschap is for MS-CHAP inside of tunnels, and outlives
 * it; NULL where there is none.  0 or -errno with *why. */
int arming_new(struct config *config, const struct mschap *mschap, int64_t now,
	       struct arming **ret_arming, struct diagnosis *why);
/* What TLS is made of is the same: the TLS configuration of the old one, with the sessions that it
 * remembers, goes on in the new one.  By the thread that has both. */
void arming_inherit(struct arming *arming, const struct arming *old);
/* Our certificate and its issuer (NULL: not known), each a reference, for stapling.  0 or -errno.
 */
int arming_certificates(const struct config *config, X509 **ret_cert, X509 **ret_issuer,
			struct diagnosis *why);
/* Whether the registry knows what a machine shows, or an authority above that, to be revoked; or is
 * not known yet, and the certificate is by our authority or the one behind us.  A reason not to let
 * it in. */
bool arming_revoked(const struct arming *arming, const struct tls_claim *claim,
		    struct diagnosis *ret_why);
/* The topmost certificate above ours that is known: its root, which machines that have no more than
 * a pin have to be sent along (tls_server_settings.root), or ours itself. */
X509 *arming_top(const struct credential *credential);
/* By which a machine that has nothing but a token knows us: the first half of the SHA-256 of the
 * SubjectPublicKeyInfo of that one.  0 or -errno. */
int arming_pin(const struct config *config, uint8_t ret_pin[TOKEN_PIN_SIZE], struct diagnosis *why);
struct arming *arming_ref(struct arming *arming);
void arming_free(struct arming *arming); /* drops one reference */
DEFINE_AUTO_STRUCT(arming);

#endif
