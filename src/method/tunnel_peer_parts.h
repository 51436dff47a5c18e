/* What the files of a tunnel's peer share. */
#ifndef METHOD_TUNNEL_PEER_PARTS_H
#define METHOD_TUNNEL_PEER_PARTS_H

#include "method/tls_frame.h"
#include "method/tunnel_peer.h"

struct tunnel_peer {
	struct tls_config *config;
	struct tunnel_peer_options options;
	const struct tunnel_peer_inside *inside;
	void *self; /* the inside's */
	struct tls_session session;
	bool unconfirmed; /* what this server resumes: it is asked for no more of that */

	/* one conversation */
	struct tls_conn *conn; /* from the Start to the end */
	struct tls_reassembly incoming;
	uint8_t version;
	struct bytes outer; /* until it is sent */
	bool fragmenting;   /* a part of our flight was sent */
	bool began;	    /* phase two */
	bool succeeded, failed, repeats;
	bool agreed; /* by what the inside has exchanged */
	struct eap_tunnel_binding binding;
	struct bytes pinned_root; /* of binding */
	struct eap_keys keys;

	/* what stays of it */
	const char *stage;
	struct diagnosis why;
	struct eap_report report;
};

static inline bool tunnel_peer_finished(const struct tunnel_peer *t)
{
	return t->conn && tls_conn_state(t->conn) == TLS_FINISHED;
}

#endif
