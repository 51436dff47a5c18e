#include "eap/peer_parts.h"

static size_t open_response(struct eap_peer *p, struct wr *w, struct eap_type type)
{
	size_t room = p->lower->mtu;

	bytes_clear(&p->eapRespData);
	if (bytes_reserve(&p->eapRespData, room) != OK)
		room = 0;
	*w = wr_of(p->eapRespData.p, room);
	return eap_packet_open(w, EAP_RESPONSE, p->request.id, type, p->request.expanded);
}

static void close_response(struct eap_peer *p, struct wr *w, size_t mark)
{
	eap_packet_close(w, mark);
	p->eapRespData.len = wr_done(w).len;
}

void peer_respond(struct eap_peer *p, struct eap_type type, struct slice data)
{
	struct wr w;
	size_t mark = open_response(p, &w, type);

	wr_bytes(&w, data);
	close_response(p, &w, mark);
}

void peer_respond_nak(struct eap_peer *p)
{
	struct eap_type wanted[EAP_OFFERS_MAX];
	size_t count = 0;
	struct wr w;
	size_t mark = open_response(p, &w, eap_type(EAP_TYPE_NAK));

	for (size_t i = 0; i < p->config->offer_count; i++) {
		if (peer_allows(p, &p->config->offers[i]))
			wanted[count++] = p->config->offers[i].method->type;
	}
	eap_nak_write(&w, wanted, count, p->request.expanded);
	close_response(p, &w, mark);
}

bool peer_respond_method(struct eap_peer *p)
{
	const struct eap_peer_offer *offer = p->selectedMethod;
	struct wr w;
	size_t mark = open_response(p, &w, offer->method->type);

	offer->method->build(offer->self, &w);
	close_response(p, &w, mark);
	return p->eapRespData.len > 0;
}
