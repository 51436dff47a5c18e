#include "method/mschapv2_peer.h"

#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "method/inner_peer.h"
#include "method/mschapv2_packet.h"

#define NAME "EAP-MSCHAPv2"

enum stage { START, RESPONDED, PROVEN, REFUSED };

struct mschapv2_peer {
	struct inner_account account;
	bool server_trusted;

	/* one conversation */
	enum stage stage;
	uint8_t id;
	struct mschapv2 exchange;
	uint8_t response[MSCHAP_RESPONSE_SIZE];
	char proof[MSCHAPV2_PROOF_SIZE];
	struct eap_keys keys;

	struct diagnosis why;
};

static const struct eap_verdict going_on = { METHOD_MAY_CONT, FAIL, true };
static const struct eap_verdict given_up = { METHOD_DONE, FAIL, false };
static const struct eap_verdict proven = { METHOD_DONE, UNCOND_SUCC, false };

/* ---- what is told of a failure ---- */

void mschapv2_explain(struct diagnosis *why, const struct inner_account *account, const char *inner,
		      struct slice message)
{
	struct mschap_error error;
	char text[DIAGNOSIS_VALUE_MAX];

	mschap_error_parse(message, &error);
	inner_refused(why, account->identity, inner, mschap_error_text(error.code));
	if (error.code == MSCHAP_PASSWORD_EXPIRED) {
		diagnosis_set(why, DIAG_INNER_PASSWORD_EXPIRED);
		diagnosis_add(why, "identity", "%s",
			      printable(account->identity, text, sizeof text));
	}
	diagnosis_add(why, "code", "%u", error.code);
	diagnosis_add(why, "retry", "%s", error.retry ? "yes" : "no");
	if (error.message.len > 0)
		diagnosis_add(why, "message", "%s", printable(error.message, text, sizeof text));
}

void mschapv2_unproven(struct diagnosis *why, const struct inner_account *account,
		       const char *detail)
{
	char text[DIAGNOSIS_VALUE_MAX];

	diagnosis_set(why, DIAG_INNER_SERVER_UNPROVEN);
	diagnosis_add(why, "identity", "%s", printable(account->identity, text, sizeof text));
	diagnosis_add(why, "detail", "%s", detail);
}

static struct eap_verdict malformed(struct mschapv2_peer *peer, const char *detail)
{
	diagnosis_set(&peer->why, DIAG_MALFORMED);
	diagnosis_add(&peer->why, "what", NAME);
	diagnosis_add(&peer->why, "detail", "%s", detail);
	return given_up;
}

/* ---- life ---- */

static void forget(struct mschapv2_peer *peer)
{
	eap_keys_done(&peer->keys);
	explicit_bzero(&peer->exchange, sizeof peer->exchange);
	explicit_bzero(peer->response, sizeof peer->response);
	explicit_bzero(peer->proof, sizeof peer->proof);
}

static void peer_enter(void *self, const struct eap_tunnel_binding *tunnel)
{
	struct mschapv2_peer *peer = self;

	peer->server_trusted = tunnel->server_trusted;
}

static void peer_start(void *self, struct moment now)
{
	struct mschapv2_peer *peer = self;

	(void)now;
	forget(peer);
	peer->stage = START;
	diagnosis_set(&peer->why, DIAG_NONE);
}

static void peer_stop(void *self)
{
	forget(self);
}

static void peer_free(void *self)
{
	struct mschapv2_peer *peer = self;

	if (!peer)
		return;
	forget(peer);
	free(peer);
}

/* ---- the exchange ---- */

static enum status answer(struct mschapv2_peer *peer, const uint8_t hash[MSCHAP_HASH_SIZE])
{
	const struct mschap *mschap = peer->account.mschap;
	uint8_t msk[EAP_MSK_SIZE] = { 0 };
	enum status status = mschapv2_response(mschap, &peer->exchange, hash, peer->response);

	if (status == OK)
		status = mschapv2_proof(mschap, &peer->exchange, hash, peer->response, peer->proof);
	if (status == OK)
		status = mschapv2_keys(mschap, hash, peer->response, msk);
	if (status == OK)
		status = secret_set(&peer->keys.msk, slice_of(msk, sizeof msk));
	explicit_bzero(msk, sizeof msk);
	return status;
}

static struct eap_verdict on_challenge(struct mschapv2_peer *peer, const struct mschapv2_packet *p)
{
	uint8_t hash[MSCHAP_HASH_SIZE];
	enum status status;

	if (peer->stage > RESPONDED)
		return malformed(peer, "a challenge after the end");
	peer->id = p->id;
	peer->exchange.name = peer->account.identity;
	memcpy(peer->exchange.authenticator, p->challenge, sizeof p->challenge);
	status = random_bytes(peer->exchange.peer, sizeof peer->exchange.peer);
	if (status == OK)
		status = mschap_password_hash(peer->account.mschap,
					      secret_slice(peer->account.password), hash);
	if (status == OK)
		status = answer(peer, hash);
	explicit_bzero(hash, sizeof hash);
	if (status != OK) {
		diagnosis_say(&peer->why, DIAG_INTERNAL, "the response could not be computed");
		return given_up;
	}
	peer->stage = RESPONDED;
	return going_on;
}

static struct eap_verdict on_success(struct mschapv2_peer *peer, const struct mschapv2_packet *p)
{
	if (peer->stage != RESPONDED)
		return malformed(peer, "a success without a challenge");
	if (!mschapv2_proven(p->text, peer->proof)) {
		mschapv2_unproven(&peer->why, &peer->account, "its proof is wrong");
		return given_up;
	}
	peer->stage = PROVEN;
	return proven;
}

static struct eap_verdict on_failure(struct mschapv2_peer *peer, const struct mschapv2_packet *p)
{
	if (peer->stage != RESPONDED)
		return malformed(peer, "a failure without a challenge");
	mschapv2_explain(&peer->why, &peer->account, NAME, p->text);
	peer->stage = REFUSED;
	return going_on;
}

static struct eap_verdict peer_process(void *self, const struct eap_packet *request,
				       struct moment now)
{
	struct mschapv2_peer *peer = self;
	struct mschapv2_packet p;

	(void)now;
	if (!peer->server_trusted) {
		diagnosis_set(&peer->why, DIAG_INNER_UNPROTECTED);
		diagnosis_add(&peer->why, "inner", NAME);
		return given_up;
	}
	if (mschapv2_packet_parse(request->data, &p) != OK || p.bare)
		return malformed(peer, "lengths that do not fit, or an unknown OpCode");
	switch ((enum mschapv2_op)p.op) {
	case MSCHAPV2_CHALLENGE:
		return on_challenge(peer, &p);
	case MSCHAPV2_SUCCESS:
		return on_success(peer, &p);
	case MSCHAPV2_FAILURE:
		return on_failure(peer, &p);
	case MSCHAPV2_RESPONSE:
	case MSCHAPV2_CHANGE_PASSWORD:
		break;
	}
	return malformed(peer, "a response of the server");
}

static void peer_build(void *self, struct wr *w)
{
	const struct mschapv2_peer *peer = self;
	struct mschapv2_packet p = { .id = peer->id };

	if (peer->stage == RESPONDED) {
		p.op = MSCHAPV2_RESPONSE;
		p.text = peer->account.identity;
		memcpy(p.challenge, peer->exchange.peer, sizeof p.challenge);
		memcpy(p.nt_response, peer->response, sizeof p.nt_response);
	} else {
		p.op = peer->stage == PROVEN ? MSCHAPV2_SUCCESS : MSCHAPV2_FAILURE;
		p.bare = true;
	}
	mschapv2_packet_build(w, &p);
}

static bool peer_take_keys(void *self, struct eap_keys *ret_keys)
{
	struct mschapv2_peer *peer = self;

	if (peer->stage != PROVEN || peer->keys.msk.len == 0)
		return false;
	eap_keys_move(ret_keys, &peer->keys);
	return true;
}

static const struct diagnosis *peer_diagnosis(const void *self)
{
	const struct mschapv2_peer *peer = self;

	return &peer->why;
}

/* A server that gives up instead of proving itself. */
static bool peer_refusal(const void *self, struct diagnosis *ret_why)
{
	const struct mschapv2_peer *peer = self;

	if (peer->stage == START)
		return false;
	inner_refused(ret_why, peer->account.identity, NAME,
		      peer->stage == PROVEN ? "although the password was right"
					    : "no reason was told");
	return true;
}

static const char *peer_stage(const void *self)
{
	static const char *const stages[] = { "start of EAP-MSCHAPv2", "password",
					      "end of EAP-MSCHAPv2", "refusal of the password" };
	const struct mschapv2_peer *peer = self;

	return stages[peer->stage];
}

const struct eap_peer_method mschapv2_peer_method = {
	.name = NAME,
	.type = { .vendor = 0, .type = EAP_TYPE_MSCHAPV2 },
	.inner_only = true,
	.enter = peer_enter,
	.start = peer_start,
	.process = peer_process,
	.build = peer_build,
	.take_keys = peer_take_keys,
	.diagnosis = peer_diagnosis,
	.refusal = peer_refusal,
	.stage = peer_stage,
	.stop = peer_stop,
	.free = peer_free,
};

enum status mschapv2_peer_new(const struct inner_account *account, struct mschapv2_peer **ret_peer)
{
	struct mschapv2_peer *peer;

	if (!account->mschap)
		return UNSUPPORTED;
	peer = calloc(1, sizeof *peer);
	if (!peer)
		return NO_MEMORY;
	peer->account = *account;
	*ret_peer = peer;
	return OK;
}
