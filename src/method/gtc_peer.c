#include "method/gtc_peer.h"

#include <stdlib.h>

#include "method/inner_peer.h"

struct gtc_peer {
	struct inner_account account;
	bool server_trusted;
	bool answered;
	struct diagnosis why;
};

static void peer_enter(void *self, const struct eap_tunnel_binding *tunnel)
{
	struct gtc_peer *peer = self;

	peer->server_trusted = tunnel->server_trusted;
}

static void peer_start(void *self, struct moment now)
{
	struct gtc_peer *peer = self;

	(void)now;
	peer->answered = false;
	diagnosis_set(&peer->why, DIAG_NONE);
}

static struct eap_verdict peer_process(void *self, const struct eap_packet *request,
				       struct moment now)
{
	static const struct eap_verdict given_up = { METHOD_DONE, FAIL, false };
	struct gtc_peer *peer = self;
	char text[DIAGNOSIS_VALUE_MAX];

	(void)now;
	if (!peer->server_trusted) {
		diagnosis_set(&peer->why, DIAG_INNER_UNPROTECTED);
		diagnosis_add(&peer->why, "inner", "EAP-GTC");
		return given_up;
	}
	if (peer->answered) {
		inner_refused(&peer->why, peer->account.identity, "EAP-GTC",
			      "it asked a second time");
		diagnosis_add(&peer->why, "message", "%s",
			      printable(request->data, text, sizeof text));
		return given_up;
	}
	peer->answered = true;
	return (struct eap_verdict){ METHOD_MAY_CONT, COND_SUCC, true };
}

static void peer_build(void *self, struct wr *w)
{
	const struct gtc_peer *peer = self;

	wr_bytes(w, secret_slice(peer->account.password));
}

static const struct diagnosis *peer_diagnosis(const void *self)
{
	const struct gtc_peer *peer = self;

	return &peer->why;
}

static const char *peer_stage(const void *self)
{
	const struct gtc_peer *peer = self;

	return peer->answered ? "password" : "start of EAP-GTC";
}

static void peer_stop(void *self)
{
	(void)self;
}

static void peer_free(void *self)
{
	free(self);
}

const struct eap_peer_method gtc_peer_method = {
	.name = "EAP-GTC",
	.type = { .vendor = 0, .type = EAP_TYPE_GTC },
	.inner_only = true,
	.enter = peer_enter,
	.start = peer_start,
	.process = peer_process,
	.build = peer_build,
	.diagnosis = peer_diagnosis,
	.stage = peer_stage,
	.stop = peer_stop,
	.free = peer_free,
};

enum status gtc_peer_new(const struct inner_account *account, struct gtc_peer **ret_peer)
{
	struct gtc_peer *peer = calloc(1, sizeof *peer);

	if (!peer)
		return NO_MEMORY;
	peer->account = *account;
	*ret_peer = peer;
	return OK;
}
