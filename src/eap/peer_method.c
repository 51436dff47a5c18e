#include "eap/peer_parts.h"

bool peer_allows(const struct eap_peer *p, const struct eap_peer_offer *offer)
{
	return !offer->method->inner_only || p->lower->tunnel;
}

const struct eap_peer_offer *peer_find_offer(const struct eap_peer *p, struct eap_type type)
{
	for (size_t i = 0; i < p->config->offer_count; i++) {
		const struct eap_peer_offer *offer = &p->config->offers[i];

		if (peer_allows(p, offer) && eap_type_eq(offer->method->type, type))
			return offer;
	}
	return NULL;
}

void peer_start_method(struct eap_peer *p)
{
	const struct eap_peer_method *m = p->selectedMethod->method;

	p->methodState = METHOD_INIT;
	if (m->enter && p->lower->tunnel)
		m->enter(p->selectedMethod->self, p->lower->tunnel);
	m->start(p->selectedMethod->self, p->now);
	p->method_started = true;
}

void peer_tell_success(struct eap_peer *p)
{
	if (p->method_started && p->selectedMethod->method->succeeded)
		p->selectedMethod->method->succeeded(p->selectedMethod->self);
}

/* At the end of the conversation, so that a port that is open holds nothing of it.  The method
 * stays selected, and can be asked for its report, until the next. */
void peer_stop_method(struct eap_peer *p)
{
	if (p->method_started)
		p->selectedMethod->method->stop(p->selectedMethod->self);
	p->method_started = false;
}
