/* What the files of TEAP's peer share. */
#ifndef METHOD_TEAP_PEER_PARTS_H
#define METHOD_TEAP_PEER_PARTS_H

#include "method/cprom_direct.h"
#include "method/teap_peer.h"

#define ANSWER_MAX 40000 /* octets of TLVs in one answer */

/* How the identity at hand is being proved. */
enum teap_peer_way { WAY_NONE, WAY_EAP, WAY_PASSWORD };

/* A certificate that is asked for. */
struct teap_peer_errand {
	bool asked, asked_roots; /* for a certificate, for roots */
	bool installed, refused;
	uint8_t link[TLS_CHANNEL_BINDING_MAX];
	struct bytes attributes, pkcs10, pkcs7,
		roots; /* as they went over the wire; roots: PKCS#7 */
};

struct teap_peer {
	struct teap_peer_settings settings;
	struct bytes out; /* the answer at hand */

	/* one conversation */
	struct bytes outer_heard, outer_sent;
	bool begun, hints; /* hints: they are still to be told */
	struct teap_keys keys;
	enum teap_peer_way way;
	struct teap_peer_identity *at; /* while there is a way */
	bool done[TEAP_IDENTITIES_MAX];
	unsigned successes;
	bool resumed;
	bool bound;	 /* a Crypto-Binding has covered all that has succeeded */
	bool asked_more; /* by Request-Action */
	bool agreed;	 /* both have said success */
	bool wished;	 /* a PKCS#10 was asked for, and there is nobody here to make one */
	struct teap_peer_errand errand;
	char inner[32];		    /* what has succeeded, for the report */
	struct diagnosis inner_why; /* of the identity that failed last */
};

/* What one message brings. */
struct teap_turn {
	struct teap_peer *peer;
	struct tunnel_peer *tunnel;
	const struct teap_message *m;
	struct moment now;
	struct wr w;
};

/* ---- teap_peer.c ---- */

enum tunnel_progress teap_peer_internal(const struct teap_turn *t, const char *detail);
enum tunnel_progress teap_peer_send(const struct teap_turn *t, enum tunnel_progress progress);
enum tunnel_progress teap_peer_fail(struct teap_turn *t, enum teap_error code);
enum tunnel_progress teap_peer_refuse(struct teap_turn *t, enum teap_error code,
				      const char *detail);
enum tunnel_progress teap_peer_unexpected(struct teap_turn *t, const char *detail);
struct teap_outer teap_peer_outer_of(const struct teap_peer *peer);

/* ---- teap_peer_result.c: what is bound, and how it ends ---- */

enum teap_error teap_peer_hear_binding(struct teap_turn *t);
enum teap_error teap_peer_hear_intermediate(struct teap_turn *t);
bool teap_peer_write_results(struct teap_turn *t);
enum tunnel_progress teap_peer_hear_failure(struct teap_turn *t);
enum tunnel_progress teap_peer_hear_success(struct teap_turn *t);
enum tunnel_progress teap_peer_decline_actions(struct teap_turn *t);
bool teap_peer_satisfied(const struct teap_peer *peer);

/* ---- teap_peer_provision.c: certificates; nothing where settings.provision is NULL ---- */

void teap_peer_errand_begin(struct teap_turn *t);
/* What a message that is bound, and whose results are answered, means for what we came for; true:
 * that was all that there is to answer. */
bool teap_peer_errand(struct teap_turn *t, enum tunnel_progress *ret_progress);
/* Asked for an identity that we do not have, we ask for a certificate. */
bool teap_peer_shows_certificate(struct teap_turn *t, enum tunnel_progress *ret_progress);
/* Whether a message asks for a PKCS#10: appendix C.11. */
bool teap_peer_is_asked(const struct teap_message *m);
void teap_peer_errand_refused(struct teap_peer *peer, uint32_t code);
void teap_peer_errand_succeeded(void *self);
void teap_peer_errand_done(struct teap_peer *peer);

#endif
