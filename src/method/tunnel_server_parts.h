/* What the files of a tunnel's server share. */
#ifndef METHOD_TUNNEL_SERVER_PARTS_H
#define METHOD_TUNNEL_SERVER_PARTS_H

#include "method/tls_frame.h"
#include "method/tunnel_server.h"

/* Where a conversation stands; each Request is of one of these. */
enum tunnel_phase {
	STARTING,   /* the Start */
	SHAKING,    /* flights of the handshake, ours or theirs */
	APART,	    /* our Finished, which the peer acknowledges before anything goes inside */
	INSIDE,	    /* what runs inside */
	CONCLUDING, /* the last of it; the peer only acknowledges it */
	FAILING,    /* an alert, which the peer acknowledges too */
	SUCCEEDED,
	FAILED
};

struct tunnel_server {
	const struct tunnel_inside *inside;
	void *self; /* of what is inside */
	struct tls_conn *conn;
	size_t fragment_size;
	enum tunnel_phase phase;
	struct tls_reassembly incoming;
	bool fragmenting; /* a part of our flight was sent */
	bool broken;	  /* something could not be sent */
	struct bytes outer_sent, outer_heard;
	struct eap_tunnel_binding binding;

	/* what was proved inside, now or in the session that is resumed */
	struct bytes identity, other;
	char method[24];
	const struct tls_claim *inner_claim;
	bool proved;
	bool fleeting; /* and is not kept with the session */

	struct eap_keys keys;
	struct diagnosis why;
	struct diagnosis discarded; /* the last that was; tells of a time-out */
	struct eap_question certificate, admission;
};

/* ---- tunnel_server_inside.c ---- */

/* What was proved can go with the session. */
bool tunnel_server_may_resume(const struct tunnel_server *t);
/* All has succeeded: the session may be resumed, with what was proved. */
CHECKED enum status tunnel_server_remember(struct tunnel_server *t);
/* What was proved in the session that is resumed. */
CHECKED enum status tunnel_server_recall(struct tunnel_server *t);

#endif
