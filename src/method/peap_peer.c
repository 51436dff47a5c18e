#include "method/peap_peer.h"

#include <openssl/crypto.h>

#include <stdlib.h>
#include <string.h>

#include "method/peap_tlv.h"
#include "method/tls_keys.h"

#define HEADER_SIZE 4 /* Code, Identifier, Length */
#define INNER_MAX   65535

struct peap_peer {
	struct peap_peer_settings settings;

	/* one conversation */
	bool begun, spoke; /* spoke: something ran inside */
	uint8_t id;	   /* of inner requests, which come without one */
	enum tunnel_progress progress;
	bool bound;
	struct peap_keys keys;
};

static void forget(struct peap_peer *peer)
{
	inner_peer_stop(peer->settings.eap);
	explicit_bzero(&peer->keys, sizeof peer->keys);
}

static void peer_start(void *self, struct moment now)
{
	struct peap_peer *peer = self;

	(void)now;
	forget(peer);
	peer->begun = peer->spoke = peer->bound = false;
	peer->id = 0;
	peer->progress = TUNNEL_GOES_ON;
}

static void peer_stop(void *self)
{
	forget(self);
}

static void peer_free(void *self)
{
	struct peap_peer *peer = self;

	forget(peer);
	inner_peer_free(peer->settings.eap);
	free(peer);
}

/* ---- crypto-binding ---- */

/* The tunnel's key material, and what the method inside has exported: nothing is all zeros, and
 * nothing inside at all is no ISK. */
static enum status derive(struct peap_peer *peer, const struct tunnel_peer *tunnel)
{
	uint8_t material[TLS_KEY_MATERIAL_SIZE], isk[PEAP_ISK_SIZE] = { 0 };
	struct eap_keys inner = { 0 };
	enum status status = tls_key_material(tunnel_peer_conn(tunnel), EAP_TYPE_PEAP, material);

	if (inner_peer_take_keys(peer->settings.eap, &inner))
		memcpy(isk, inner.msk.p, sizeof isk); /* an MSK has 64 octets at least */
	if (status == OK)
		status = peap_keys_derive(material, peer->spoke ? isk : NULL, &peer->keys);
	eap_keys_done(&inner);
	explicit_bzero(isk, sizeof isk);
	explicit_bzero(material, sizeof material);
	return status;
}

static bool binding_fits(const struct peap_peer *peer, const struct peap_binding *b)
{
	uint8_t mac[PEAP_MAC_SIZE];

	return b->kind == PEAP_BINDING_REQUEST && b->version == 0 &&
	       peap_binding_mac(&peer->keys, b, mac) == OK &&
	       CRYPTO_memcmp(mac, b->mac, sizeof mac) == 0;
}

/* NULL when it is as it should be. */
static const char *check_binding(struct peap_peer *peer, const struct tunnel_peer *tunnel,
				 const struct peap_extensions *x)
{
	if (!x->bound)
		return peer->settings.require_binding ? "there is no crypto-binding" : NULL;
	if (derive(peer, tunnel) != OK)
		return "its keys could not be derived";
	if (!binding_fits(peer, &x->binding))
		return "its MAC is wrong";
	peer->bound = true;
	return NULL;
}

/* ---- EAP Extensions ---- */

static enum status send_extensions(struct peap_peer *peer, struct tunnel_peer *tunnel, uint8_t id,
				   enum peap_result result, const struct peap_extensions *request)
{
	struct peap_extensions answer = { .result = result, .bound = peer->bound };
	uint8_t buffer[128];
	struct wr w = wr_of(buffer, sizeof buffer);
	size_t mark = eap_packet_open(&w, EAP_RESPONSE, id, eap_type(EAP_TYPE_EXTENSIONS), false);

	if (peer->bound) {
		answer.binding = request->binding;
		answer.binding.kind = PEAP_BINDING_RESPONSE;
		answer.binding.version = answer.binding.received_version = 0;
		if (peap_binding_mac(&peer->keys, &answer.binding, answer.binding.mac) != OK)
			return CRYPTO;
	}
	peap_extensions_build(&w, &answer);
	eap_packet_close(&w, mark);
	return tunnel_peer_send(tunnel, wr_done(&w));
}

/* Says no in the tunnel, and why here. */
static enum tunnel_progress refuse(struct peap_peer *peer, struct tunnel_peer *tunnel, uint8_t id)
{
	peer->bound = false;
	if (send_extensions(peer, tunnel, id, PEAP_RESULT_FAILURE, NULL) != OK)
		return TUNNEL_GIVES_UP;
	return TUNNEL_FAILED;
}

/* Of a session that is resumed, phase two was done when it was made. */
static bool satisfied(const struct peap_peer *peer, const struct tunnel_peer *tunnel)
{
	return peer->spoke ? inner_peer_satisfied(peer->settings.eap) : tunnel_peer_resumed(tunnel);
}

static enum tunnel_progress on_success(struct peap_peer *peer, struct tunnel_peer *tunnel,
				       uint8_t id, const struct peap_extensions *x)
{
	struct diagnosis *why = tunnel_peer_why(tunnel);
	const char *problem;

	if (!satisfied(peer, tunnel)) {
		diagnosis_set(why, DIAG_EAP_SUCCESS_EARLY);
		diagnosis_add(why, "method", "%s",
			      peer->spoke ? inner_peer_method(peer->settings.eap)
					  : "anything inside of the tunnel");
		diagnosis_add(why, "state", "%s", inner_peer_stage(peer->settings.eap));
		return refuse(peer, tunnel, id);
	}
	problem = check_binding(peer, tunnel, x);
	if (problem) {
		diagnosis_say(why, DIAG_TUNNEL_BINDING, "%s", problem);
		return refuse(peer, tunnel, id);
	}
	if (send_extensions(peer, tunnel, id, PEAP_RESULT_SUCCESS, x) != OK)
		return tunnel_peer_internal(tunnel, "the result could not be sent");
	return TUNNEL_ADMITTED;
}

static enum tunnel_progress on_failure(struct peap_peer *peer, struct tunnel_peer *tunnel,
				       uint8_t id)
{
	struct diagnosis *why = tunnel_peer_why(tunnel);

	if (!peer->spoke || !inner_peer_refusal(peer->settings.eap, why))
		inner_refused(why, slice_of(NULL, 0), "nothing", "no reason was told");
	return refuse(peer, tunnel, id);
}

static enum tunnel_progress hear_extensions(struct peap_peer *peer, struct tunnel_peer *tunnel,
					    struct slice data)
{
	struct eap_packet packet;
	struct peap_extensions x;

	if (eap_packet_parse(data, &packet) != OK || peap_extensions_parse(packet.data, &x) != OK)
		return tunnel_peer_malformed(tunnel, "TLVs that do not parse");
	if (x.unknown)
		return tunnel_peer_malformed(tunnel, "a TLV that we have to know");
	switch (x.result) {
	case PEAP_RESULT_SUCCESS:
		return on_success(peer, tunnel, packet.id, &x);
	case PEAP_RESULT_FAILURE:
		return on_failure(peer, tunnel, packet.id);
	case PEAP_RESULT_NONE:
		break;
	}
	return tunnel_peer_malformed(tunnel, "Extensions without a result");
}

/* ---- EAP inside ---- */

/* FreeRADIUS sends its Request/Identity with the header that section 1.1 leaves out. */
static bool is_whole_identity(struct slice in)
{
	return in.len == HEADER_SIZE + 1 && in.p[0] == EAP_REQUEST && in.p[2] == 0 &&
	       in.p[3] == HEADER_SIZE + 1 && in.p[4] == EAP_TYPE_IDENTITY;
}

static enum status give_header(struct peap_peer *peer, struct slice body, struct bytes *ret_packet)
{
	size_t len = HEADER_SIZE + body.len;
	const uint8_t header[HEADER_SIZE] = { EAP_REQUEST, ++peer->id, (uint8_t)(len >> 8),
					      (uint8_t)len };
	enum status status = bytes_append(ret_packet, slice_of(header, sizeof header), INNER_MAX);

	return status == OK ? bytes_append(ret_packet, body, INNER_MAX) : status;
}

static enum status send_body(struct tunnel_peer *tunnel, struct slice packet)
{
	if (packet.len <= HEADER_SIZE)
		return OK;
	return tunnel_peer_send(tunnel, slice_of(packet.p + HEADER_SIZE, packet.len - HEADER_SIZE));
}

static enum tunnel_progress hear_eap(struct peap_peer *peer, struct tunnel_peer *tunnel,
				     struct slice data, struct moment now)
{
	AUTO_VALUE(bytes) packet = { 0 };
	struct slice answer;
	enum inner_outcome outcome;

	if (is_whole_identity(data))
		data = slice_of(data.p + HEADER_SIZE, 1);
	if (give_header(peer, data, &packet) != OK)
		return tunnel_peer_malformed(tunnel, "a packet beyond 64 KiB");
	peer->spoke = true;
	outcome = inner_peer_receive(peer->settings.eap, bytes_slice(&packet), now, &answer);
	if (send_body(tunnel, answer) != OK)
		return tunnel_peer_internal(tunnel, "an answer did not go into the tunnel");
	if (outcome == INNER_FAILED) {
		inner_peer_diagnose(peer->settings.eap, tunnel_peer_why(tunnel));
		return TUNNEL_FAILED;
	}
	return TUNNEL_GOES_ON;
}

/* ---- the conversation ---- */

static enum tunnel_progress peer_advance(void *self, struct tunnel_peer *tunnel, struct slice data,
					 struct moment now)
{
	struct peap_peer *peer = self;

	if (!peer->begun)
		inner_peer_start(peer->settings.eap, tunnel_peer_binding(tunnel), now);
	peer->begun = true;
	if (data.len == 0)
		return peer->progress; /* a ticket, or the server's turn still */
	peer->progress = peap_inner_is_whole(data, EAP_REQUEST)
				 ? hear_extensions(peer, tunnel, data)
				 : hear_eap(peer, tunnel, data, now);
	return peer->progress;
}

static enum status peer_keys(void *self, struct tunnel_peer *tunnel, struct eap_keys *keys)
{
	struct peap_peer *peer = self;
	uint8_t csk[PEAP_CSK_SIZE];
	enum status status;

	(void)tunnel;
	if (!peer->bound)
		return OK;
	status = peap_session_keys(&peer->keys, csk);
	if (status == OK)
		status = secret_set(&keys->msk, slice_of(csk, EAP_MSK_SIZE));
	if (status == OK)
		status = secret_set(&keys->emsk, slice_of(csk + EAP_MSK_SIZE, EAP_MSK_SIZE));
	explicit_bzero(csk, sizeof csk);
	return status;
}

static void peer_refusal(const void *self, struct diagnosis *why)
{
	const struct peap_peer *peer = self;

	if (peer->spoke)
		inner_peer_refusal(peer->settings.eap, why);
}

static void peer_report(const void *self, struct eap_report *report)
{
	const struct peap_peer *peer = self;

	if (peer->spoke)
		snprintf(report->inner, sizeof report->inner, "%s",
			 inner_peer_method(peer->settings.eap));
}

static const char *peer_stage(const void *self)
{
	const struct peap_peer *peer = self;

	return inner_peer_stage(peer->settings.eap);
}

static void peer_succeeded(void *self)
{
	struct peap_peer *peer = self;

	if (peer->spoke)
		inner_peer_conclude(peer->settings.eap, true, (struct moment){ 0 });
}

/* A server of version 1 or 2 is answered with 0, which all of them speak (section 1.2). */
static const struct tunnel_peer_inside inside = {
	.name = "PEAP",
	.type = EAP_TYPE_PEAP,
	.start = peer_start,
	.advance = peer_advance,
	.keys = peer_keys,
	.refusal = peer_refusal,
	.report = peer_report,
	.stage = peer_stage,
	.succeeded = peer_succeeded,
	.stop = peer_stop,
	.free = peer_free,
};

const struct eap_peer_method peap_peer_method = TUNNEL_PEER_METHOD("PEAP", EAP_TYPE_PEAP);

enum status peap_peer_new(struct tls_config *config, const struct peap_peer_settings *settings,
			  struct tunnel_peer **ret_peer)
{
	struct peap_peer *peer = calloc(1, sizeof *peer);
	enum status status;

	if (!peer) {
		inner_peer_free(settings->eap);
		return NO_MEMORY;
	}
	peer->settings = *settings;
	status = tunnel_peer_new(config, &settings->options, &inside, peer, ret_peer);
	if (status != OK)
		peer_free(peer);
	return status;
}
