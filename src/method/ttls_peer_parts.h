/* What the files of the peer of EAP-TTLS share: ttls_peer.c has the conversation,
 * ttls_peer_password.c the four ways to show a password. */
#ifndef METHOD_TTLS_PEER_PARTS_H
#define METHOD_TTLS_PEER_PARTS_H

#include "method/ttls_avp.h"
#include "method/ttls_peer.h"

/* Of the AVPs that we send: a whole EAP packet, or a name and a password. */
#define TTLS_SEND_MAX (EAP_MTU_LEAST + 512)
/* Of what the server's EAP-Message AVPs amount to. */
#define TTLS_EAP_MAX 65535

struct ttls_peer {
	struct ttls_peer_settings settings;

	/* one conversation */
	bool begun;
	enum tunnel_progress progress;
	struct mschapv2 exchange;
	uint8_t ident;
	char proof[MSCHAPV2_PROOF_SIZE];
};

/* What a flight of the server holds. */
struct ttls_flight {
	struct bytes eap;
	bool has_success, has_error, has_message;
	struct slice success, error, message; /* MS-CHAP2-Success, MS-CHAP-Error, Reply-Message */
};

const char *ttls_inner_name(const struct ttls_peer *peer);

/* Sends the AVPs; fills what a proof is to be compared with. */
CHECKED enum status ttls_send_password(struct ttls_peer *peer, struct tunnel_peer *tunnel);
/* What comes after them. */
enum tunnel_progress ttls_hear_password(struct ttls_peer *peer, struct tunnel_peer *tunnel,
					const struct ttls_flight *flight);

#endif
