#include "eap/peer_parts.h"

static bool nothing_agreed(const struct eap_peer *p)
{
	return !p->selectedMethod && !eap_type_eq(p->refused, eap_type(0));
}

/* Somebody decided; all else is silence. */
static bool ended_by_server(const struct eap_peer *p)
{
	return p->rxSuccess || p->rxFailure || p->lower->altReject || p->lower->altAccept;
}

/* All that was asked of the method is done, as far as we are concerned. */
static bool satisfied(const struct eap_peer *p)
{
	return p->selectedMethod && p->decision != FAIL;
}

static const char *where(const struct eap_peer *p)
{
	if (p->selectedMethod)
		return p->selectedMethod->method->stage(p->selectedMethod->self);
	if (nothing_agreed(p))
		return "choice of a method";
	return p->identity_sent ? "identity" : "beginning";
}

static void add_offers(const struct eap_peer *p, struct diagnosis *d)
{
	char list[DIAGNOSIS_VALUE_MAX], name[48];
	struct wr w = wr_of(list, sizeof list);
	size_t count = p->config->insists ? 1 : p->config->offer_count;

	for (size_t i = 0; i < count; i++) {
		wr_bytes(&w, slice_str(i ? ", " : ""));
		wr_bytes(&w, slice_str(p->config->offers[i].method->name));
	}
	if (count == 0)
		wr_bytes(&w, slice_str("none"));
	diagnosis_add(d, "offered", "%s", eap_type_name(p->refused, name, sizeof name));
	diagnosis_add(d, "allowed", "%.*s", (int)w.len, list);
}

static enum diagnosis_id cause(const struct eap_peer *p)
{
	if (nothing_agreed(p))
		return DIAG_METHOD_NOT_AGREED;
	/* A Request leads to FAILURE in two ways: the method gave up, or there were too many. */
	if (p->rxReq && p->methodState == METHOD_DONE && p->decision == FAIL)
		return DIAG_INTERNAL;
	if (p->rxReq)
		return DIAG_TOO_MANY_ROUNDS;
	if (ended_by_server(p) && satisfied(p))
		return DIAG_EAP_FAILURE_AFTER;
	if (p->rxSuccess)
		return DIAG_EAP_SUCCESS_EARLY;
	if (ended_by_server(p))
		return p->selectedMethod ? DIAG_EAP_FAILURE_DURING : DIAG_EAP_FAILURE_EARLY;
	if (p->malformed)
		return DIAG_MALFORMED;
	/* Silence right after the identity has causes of its own. */
	return p->identity_sent && !p->selectedMethod ? DIAG_RESPONSE_IGNORED : DIAG_TIMEOUT;
}

bool eap_peer_report(const struct eap_peer *peer, struct eap_report *ret_report)
{
	const struct eap_peer_offer *offer = peer->selectedMethod;

	return offer && offer->method->report && offer->method->report(offer->self, ret_report);
}

bool eap_peer_repeats(const struct eap_peer *peer)
{
	const struct eap_peer_offer *offer = peer->selectedMethod;

	return offer && offer->method->repeats && offer->method->repeats(offer->self);
}

static void add_evidence(const struct eap_peer *p, struct diagnosis *d)
{
	char text[DIAGNOSIS_VALUE_MAX];

	diagnosis_add(d, "identity", "%s", printable(p->config->identity, text, sizeof text));
	diagnosis_add(d, "rounds", "%u", p->rounds);
	diagnosis_add(d, "state", "%s", where(p));
	if (p->selectedMethod)
		diagnosis_add(d, "method", "%s", p->selectedMethod->method->name);
	else if (d->id == DIAG_EAP_SUCCESS_EARLY)
		diagnosis_add(d, "method", "any method");
	if (d->id == DIAG_METHOD_NOT_AGREED)
		add_offers(p, d);
	if (d->id == DIAG_MALFORMED)
		diagnosis_add(d, "what", "EAP");
	if (d->id == DIAG_INTERNAL)
		diagnosis_add(d, "detail", "%s",
			      p->unbuildable ? "a response could not be built"
					     : "the method gave no reason");
}

void peer_explain(const struct eap_peer *p, struct diagnosis *ret_diagnosis)
{
	const struct eap_peer_offer *offer = p->selectedMethod;
	const struct diagnosis *own = offer ? offer->method->diagnosis(offer->self) : NULL;

	if (own && own->id != DIAG_NONE) {
		*ret_diagnosis = *own;
		return;
	}
	if (offer && ended_by_server(p) && !p->rxSuccess && offer->method->refusal &&
	    offer->method->refusal(offer->self, ret_diagnosis))
		return;
	diagnosis_set(ret_diagnosis, cause(p));
	add_evidence(p, ret_diagnosis);
}

void eap_peer_explain_choice(const struct eap_peer *peer, struct diagnosis *ret_diagnosis)
{
	diagnosis_set(ret_diagnosis, DIAG_METHOD_NOT_AGREED);
	add_offers(peer, ret_diagnosis);
}
