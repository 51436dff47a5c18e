/* What the files of TEAP's peer share. */
#ifndef METHOD_TEAP_PEER_PARTS_H
#define METHOD_TEAP_PEER_PARTS_H

#include "method/teap_peer.h"

#define ANSWER_MAX 40000 /* octets of TLVs in one answer */

/* How the identity at hand is being proved. */
enum teap_peer_way { WAY_NONE, WAY_EAP, WAY_PASSWORD };

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
	bool bound;		    /* a Crypto-Binding has covered all that has succeeded */
	bool asked_more;	    /* by Request-Action */
	bool agreed;		    /* both have said success */
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

#endif
