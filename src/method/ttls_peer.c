#include "method/ttls_peer.h"

#include <stdlib.h>
#include <string.h>

#include "method/ttls_peer_parts.h"

static void forget(struct ttls_peer *peer)
{
	if (peer->settings.eap)
		inner_peer_stop(peer->settings.eap);
	explicit_bzero(&peer->exchange, sizeof peer->exchange);
	explicit_bzero(peer->proof, sizeof peer->proof);
}

static void peer_start(void *self, struct moment now)
{
	struct ttls_peer *peer = self;

	(void)now;
	forget(peer);
	peer->begun = false;
	peer->progress = TUNNEL_GOES_ON;
}

static void peer_stop(void *self)
{
	forget(self);
}

static void peer_free(void *self)
{
	struct ttls_peer *peer = self;

	forget(peer);
	inner_peer_free(peer->settings.eap);
	free(peer);
}

const char *ttls_inner_name(const struct ttls_peer *peer)
{
	switch (peer->settings.inner) {
	case TTLS_EAP:
		return inner_peer_method(peer->settings.eap);
	case TTLS_PAP:
		return "PAP";
	case TTLS_CHAP:
		return "CHAP";
	case TTLS_MSCHAP:
		return "MS-CHAP";
	case TTLS_MSCHAPV2:
		break;
	}
	return "MS-CHAP-V2";
}

/* ---- the server's flight ---- */

/* An EAP packet MUST be in one AVP; some servers cut it as RADIUS does, so what comes is put
 * together. */
static enum status take_ietf(const struct ttls_avp *avp, struct ttls_flight *flight)
{
	switch (avp->code) {
	case TTLS_EAP_MESSAGE:
		return bytes_append(&flight->eap, avp->data, TTLS_EAP_MAX);
	case TTLS_REPLY_MESSAGE:
		flight->has_message = true;
		flight->message = avp->data;
		return OK;
	default:
		return avp->mandatory ? UNSUPPORTED : OK;
	}
}

static enum status take_microsoft(const struct ttls_avp *avp, struct ttls_flight *flight)
{
	switch (avp->code) {
	case TTLS_MS_CHAP2_SUCCESS:
		if (flight->has_success)
			return MALFORMED;
		flight->has_success = true;
		flight->success = avp->data;
		return OK;
	case TTLS_MS_CHAP_ERROR:
		flight->has_error = true;
		flight->error = avp->data;
		return OK;
	case TTLS_MS_CHAP_DOMAIN:
		return OK;
	default:
		return avp->mandatory ? UNSUPPORTED : OK;
	}
}

/* "'M' … the receiving party MUST fail the negotiation if it does not understand the AVP". */
static enum status parse(struct slice data, struct ttls_flight *flight)
{
	struct rd r = rd_of(data);
	enum status status = OK;

	while (r.left > 0 && status == OK) {
		struct ttls_avp avp;

		status = ttls_avp_next(&r, &avp);
		if (status != OK)
			break;
		if (avp.vendor == TTLS_VENDOR_MICROSOFT)
			status = take_microsoft(&avp, flight);
		else if (avp.vendor == 0)
			status = take_ietf(&avp, flight);
		else if (avp.mandatory)
			status = UNSUPPORTED;
	}
	return status;
}

static void flight_done(struct ttls_flight *flight)
{
	bytes_done(&flight->eap);
}

/* ---- EAP inside ---- */

static enum status send_eap(struct tunnel_peer *tunnel, struct slice packet)
{
	const struct ttls_avp avp = { .code = TTLS_EAP_MESSAGE, .mandatory = true, .data = packet };
	uint8_t buffer[TTLS_SEND_MAX];
	struct wr w = wr_of(buffer, sizeof buffer);
	enum status status;

	if (packet.len == 0)
		return OK;
	ttls_avp_build(&w, &avp);
	status = wr_ok(&w) ? tunnel_peer_send(tunnel, wr_done(&w)) : MALFORMED;
	explicit_bzero(buffer, sizeof buffer);
	return status;
}

static enum tunnel_progress after_eap(struct ttls_peer *peer, struct tunnel_peer *tunnel,
				      enum inner_outcome outcome, struct slice answer)
{
	const struct inner_peer *eap = peer->settings.eap;

	if (send_eap(tunnel, answer) != OK)
		return tunnel_peer_internal(tunnel, "an answer did not go into the tunnel");
	if (outcome == INNER_FAILED) {
		inner_peer_diagnose(eap, tunnel_peer_why(tunnel));
		return TUNNEL_FAILED;
	}
	return inner_peer_satisfied(eap) ? TUNNEL_SERVER_DECIDES : TUNNEL_GOES_ON;
}

static enum tunnel_progress hear_eap(struct ttls_peer *peer, struct tunnel_peer *tunnel,
				     const struct ttls_flight *flight, struct moment now)
{
	struct slice answer;
	enum inner_outcome outcome;

	if (flight->eap.len == 0)
		return peer->progress;
	outcome = inner_peer_receive(peer->settings.eap, bytes_slice(&flight->eap), now, &answer);
	return after_eap(peer, tunnel, outcome, answer);
}

/* ---- the conversation ---- */

static enum tunnel_progress begin_password(struct ttls_peer *peer, struct tunnel_peer *tunnel)
{
	if (!tunnel_peer_trusted(tunnel)) {
		diagnosis_set(tunnel_peer_why(tunnel), DIAG_INNER_UNPROTECTED);
		diagnosis_add(tunnel_peer_why(tunnel), "inner", "%s", ttls_inner_name(peer));
		return TUNNEL_FAILED;
	}
	if (ttls_send_password(peer, tunnel) != OK)
		return tunnel_peer_internal(tunnel, "the password could not be sent");
	return peer->settings.inner == TTLS_MSCHAPV2 ? TUNNEL_GOES_ON : TUNNEL_SERVER_DECIDES;
}

static enum tunnel_progress begin(struct ttls_peer *peer, struct tunnel_peer *tunnel,
				  struct moment now)
{
	struct slice answer;
	enum inner_outcome outcome;

	if (peer->settings.inner != TTLS_EAP)
		return begin_password(peer, tunnel);
	outcome = inner_peer_identify(peer->settings.eap, now, &answer);
	return after_eap(peer, tunnel, outcome, answer);
}

static enum tunnel_progress hear(struct ttls_peer *peer, struct tunnel_peer *tunnel,
				 struct slice data, struct moment now)
{
	struct ttls_flight flight = { 0 };
	enum tunnel_progress progress;

	if (parse(data, &flight) != OK)
		progress = tunnel_peer_malformed(tunnel,
						 "AVPs that do not parse, or that we have to know");
	else if (peer->settings.inner == TTLS_EAP)
		progress = hear_eap(peer, tunnel, &flight, now);
	else
		progress = ttls_hear_password(peer, tunnel, &flight);
	flight_done(&flight);
	return progress;
}

static enum tunnel_progress peer_advance(void *self, struct tunnel_peer *tunnel, struct slice data,
					 struct moment now)
{
	struct ttls_peer *peer = self;
	bool first = !peer->begun;

	peer->begun = true;
	if (first && peer->settings.eap)
		inner_peer_start(peer->settings.eap, tunnel_peer_binding(tunnel), now);
	/* In a resumption a server may begin, with EAP; the rest begins with us. */
	if (first && data.len > 0 && peer->settings.inner != TTLS_EAP)
		return tunnel_peer_malformed(tunnel, "data before we have spoken");
	peer->progress =
		first && data.len == 0 ? begin(peer, tunnel, now) : hear(peer, tunnel, data, now);
	return peer->progress;
}

static void peer_refusal(const void *self, struct diagnosis *why)
{
	const struct ttls_peer *peer = self;

	if (!peer->begun)
		return;
	if (peer->settings.inner == TTLS_EAP)
		inner_peer_refusal(peer->settings.eap, why);
	else
		inner_refused(why, peer->settings.account.identity, ttls_inner_name(peer),
			      "no reason was told");
}

static void peer_report(const void *self, struct eap_report *report)
{
	const struct ttls_peer *peer = self;

	if (peer->begun)
		snprintf(report->inner, sizeof report->inner, "%s", ttls_inner_name(peer));
}

static const char *peer_stage(const void *self)
{
	const struct ttls_peer *peer = self;

	return peer->settings.inner == TTLS_EAP ? inner_peer_stage(peer->settings.eap)
						: "password inside of the tunnel";
}

static void peer_succeeded(void *self)
{
	struct ttls_peer *peer = self;

	if (peer->begun && peer->settings.eap)
		inner_peer_conclude(peer->settings.eap, true, (struct moment){ 0 });
}

static const struct tunnel_peer_inside inside = {
	.name = "EAP-TTLS",
	.type = EAP_TYPE_TTLS,
	.start = peer_start,
	.advance = peer_advance,
	.refusal = peer_refusal,
	.report = peer_report,
	.stage = peer_stage,
	.succeeded = peer_succeeded,
	.stop = peer_stop,
	.free = peer_free,
};

const struct eap_peer_method ttls_peer_method = TUNNEL_PEER_METHOD("EAP-TTLS", EAP_TYPE_TTLS);

enum status ttls_peer_new(struct tls_config *config, const struct ttls_peer_settings *settings,
			  struct tunnel_peer **ret_peer)
{
	struct ttls_peer *peer = calloc(1, sizeof *peer);
	enum status status = peer ? OK : NO_MEMORY;

	if (!peer) {
		inner_peer_free(settings->eap);
		return status;
	}
	peer->settings = *settings;
	status = settings->inner >= TTLS_MSCHAP && !settings->account.mschap ? UNSUPPORTED : OK;
	if (status == OK)
		status = tunnel_peer_new(config, &settings->options, &inside, peer, ret_peer);
	if (status != OK)
		peer_free(peer);
	return status;
}
