#include "method/inner_peer.h"

#include <string.h>

struct inner_peer {
	struct bytes identity;
	struct eap_peer_config config;
	struct eap_lower lower;
	struct eap_peer eap;
	size_t mtu;
	bool running;
};

enum status inner_peer_new(const struct inner_peer_settings *settings,
			   struct inner_peer **ret_inner)
{
	AUTO_STRUCT(inner_peer) inner = calloc(1, sizeof *inner);

	if (!inner || bytes_set(&inner->identity, settings->identity) != OK)
		return NO_MEMORY;
	inner->config.identity = bytes_slice(&inner->identity);
	/* The outer conversation has the limits. */
	inner->config.client_timeout = NEVER / 2;
	inner->config.max_rounds = UINT32_MAX;
	memcpy(inner->config.offers, settings->offers, sizeof inner->config.offers);
	inner->config.offer_count = settings->offer_count;
	inner->mtu = settings->mtu ? settings->mtu : EAP_MTU_LEAST;
	*ret_inner = TAKE(inner);
	return OK;
}

void inner_peer_free(struct inner_peer *inner)
{
	if (!inner)
		return;
	inner_peer_stop(inner);
	for (size_t i = 0; i < inner->config.offer_count; i++)
		inner->config.offers[i].method->free(inner->config.offers[i].self);
	bytes_done(&inner->identity);
	free(inner);
}

void inner_peer_start(struct inner_peer *inner, const struct eap_tunnel_binding *tunnel,
		      struct moment now)
{
	inner_peer_stop(inner);
	inner->lower =
		(struct eap_lower){ .portEnabled = true, .mtu = inner->mtu, .tunnel = tunnel };
	eap_peer_init(&inner->eap, &inner->config, &inner->lower);
	inner->running = true;
	eap_peer_step(&inner->eap, now);
}

void inner_peer_stop(struct inner_peer *inner)
{
	if (inner->running)
		eap_peer_done(&inner->eap);
	inner->running = false;
}

static enum inner_outcome outcome(const struct inner_peer *inner)
{
	if (inner->lower.eapSuccess)
		return INNER_SUCCEEDED;
	return inner->lower.eapFail || !inner->lower.eapResp ? INNER_FAILED : INNER_ANSWERS;
}

enum inner_outcome inner_peer_receive(struct inner_peer *inner, struct slice packet,
				      struct moment now, struct slice *ret_answer)
{
	enum inner_outcome result;

	inner->lower.eapReq = true;
	inner->lower.eapReqData = packet;
	inner->lower.eapResp = inner->lower.eapNoResp = false;
	eap_peer_step(&inner->eap, now);
	result = outcome(inner);
	*ret_answer = inner->lower.eapResp ? inner->lower.eapRespData : slice_of(NULL, 0);
	return result;
}

enum inner_outcome inner_peer_identify(struct inner_peer *inner, struct moment now,
				       struct slice *ret_answer)
{
	static const uint8_t request[] = { EAP_REQUEST, 0, 0, 5, EAP_TYPE_IDENTITY };

	return inner_peer_receive(inner, slice_of(request, sizeof request), now, ret_answer);
}

enum inner_outcome inner_peer_conclude(struct inner_peer *inner, bool success, struct moment now)
{
	inner->lower.altAccept = success;
	inner->lower.altReject = !success;
	eap_peer_step(&inner->eap, now);
	return inner->lower.eapSuccess ? INNER_SUCCEEDED : INNER_FAILED;
}

bool inner_peer_satisfied(const struct inner_peer *inner)
{
	return inner->lower.eapSuccess ||
	       (inner->eap.selectedMethod && !inner->lower.eapFail && inner->eap.decision != FAIL);
}

bool inner_peer_take_keys(struct inner_peer *inner, struct eap_keys *ret_keys)
{
	if (inner->eap.keys.msk.len == 0)
		return false;
	eap_keys_move(ret_keys, &inner->eap.keys);
	return true;
}

const char *inner_peer_method(const struct inner_peer *inner)
{
	return inner->eap.selectedMethod ? inner->eap.selectedMethod->method->name : "";
}

struct eap_type inner_peer_type(const struct inner_peer *inner)
{
	return inner->eap.selectedMethod ? inner->eap.selectedMethod->method->type : eap_type(0);
}

const char *inner_peer_stage(const struct inner_peer *inner)
{
	const struct eap_peer_offer *offer = inner->eap.selectedMethod;

	return offer ? offer->method->stage(offer->self) : "inner identity";
}

void inner_refused(struct diagnosis *why, struct slice identity, const char *inner,
		   const char *detail)
{
	char name[DIAGNOSIS_VALUE_MAX];

	diagnosis_set(why, DIAG_INNER_REFUSED);
	diagnosis_add(why, "identity", "%s", printable(identity, name, sizeof name));
	diagnosis_add(why, "inner", "%s", inner);
	diagnosis_add(why, "detail", "%s", detail);
}

bool inner_peer_refusal(const struct inner_peer *inner, struct diagnosis *ret_why)
{
	const struct eap_peer_offer *offer = inner->eap.selectedMethod;

	if (!offer) {
		eap_peer_diagnose(&inner->eap, ret_why);
		if (ret_why->id == DIAG_METHOD_NOT_AGREED)
			return true;
		diagnosis_set(ret_why, DIAG_NONE);
		return false;
	}
	*ret_why = *offer->method->diagnosis(offer->self);
	if (ret_why->id != DIAG_NONE)
		return true;
	if (!offer->method->refusal || !offer->method->refusal(offer->self, ret_why))
		inner_refused(ret_why, bytes_slice(&inner->identity), offer->method->name,
			      "no reason was told");
	return true;
}

void inner_peer_diagnose(const struct inner_peer *inner, struct diagnosis *ret_why)
{
	eap_peer_diagnose(&inner->eap, ret_why);
	switch ((int)ret_why->id) {
	case DIAG_EAP_FAILURE_DURING:
	case DIAG_EAP_FAILURE_AFTER:
		inner_peer_refusal(inner, ret_why);
		break;
	/* Nobody waited: the machine found no answer. */
	case DIAG_TIMEOUT:
	case DIAG_RESPONSE_IGNORED:
		diagnosis_set(ret_why, DIAG_MALFORMED);
		diagnosis_add(ret_why, "what", "EAP inside of the tunnel");
		break;
	default:
		break;
	}
}
