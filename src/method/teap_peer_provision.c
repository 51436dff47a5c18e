/* The certificate that TEAP's peer asks for by TLVs of TEAP's own: RFC 9930, section 3.11.1.
 *
 * The request goes out when the server has said a success, bound (Request-Action); or when it asks
 * for one (appendix C.11); or in place of an answer that we do not have, where all we can show is
 * the certificate of the tunnel.  Roots are asked for only when a Crypto-Binding was good (section
 * 4.2.18), and a certificate is judged when they are there.
 *
 * Of a renewal a refusal costs nothing but the renewal: the Status says Success, and who has been
 * let in stays in. */
#include <string.h>

#include "method/teap_peer_parts.h"

#define TLVS_MAX 20000 /* octets in a Request-Action */

void teap_peer_errand_done(struct teap_peer *peer)
{
	struct teap_peer_errand *e = &peer->errand;

	if (peer->settings.provision)
		cprom_peer_method.stop(peer->settings.provision);
	bytes_done(&e->attributes);
	bytes_done(&e->pkcs10);
	bytes_done(&e->pkcs7);
	bytes_done(&e->roots);
	*e = (struct teap_peer_errand){ 0 };
}

void teap_peer_errand_begin(struct teap_turn *t)
{
	struct cprom_peer *provision = t->peer->settings.provision;

	if (!provision)
		return;
	cprom_peer_method.enter(provision, tunnel_peer_binding(t->tunnel));
	cprom_peer_method.start(provision, t->now);
}

static enum teap_status status_of(const struct teap_peer *peer)
{
	return cprom_direct_action(peer->settings.provision) == ENROL_RENEW ? TEAP_SUCCESS
									    : TEAP_FAILURE;
}

/* ---- requests ------------------------------------------------------------------------------- */

/* Our own fault, or what we think of the certificate. */
static enum tunnel_progress fail(struct teap_turn *t, enum teap_error code)
{
	*tunnel_peer_why(t->tunnel) = *cprom_peer_method.diagnosis(t->peer->settings.provision);
	return teap_peer_fail(t, code);
}

static enum status make_request(struct teap_turn *t)
{
	struct teap_peer_errand *e = &t->peer->errand;
	size_t len = 0;

	e->asked = true;
	if (tls_conn_channel_binding(tunnel_peer_conn(t->tunnel), e->link, &len) != OK)
		return CRYPTO;
	return cprom_direct_request(t->peer->settings.provision, bytes_slice(&e->attributes),
				    slice_of(e->link, len), t->now, &e->pkcs10);
}

static bool wants_roots(const struct teap_peer *peer)
{
	return peer->bound && !peer->errand.asked_roots &&
	       cprom_direct_wants_roots(peer->settings.provision);
}

/* PKCS#10 unless it was asked for before, Trusted-Server-Root if it may be. */
static enum status write_wishes(struct teap_turn *t, struct wr *w)
{
	struct teap_peer *peer = t->peer;
	bool roots = wants_roots(peer);

	if (!peer->errand.asked) {
		enum status status = make_request(t);

		if (status != OK)
			return status;
		teap_tlv_write(w, TEAP_PKCS10, bytes_slice(&peer->errand.pkcs10));
	}
	if (roots)
		teap_write_root(w, slice_of(NULL, 0));
	peer->errand.asked_roots |= roots;
	return OK;
}

/* Renewals are given up, enrolments are what we are here for. */
static bool gives_up(struct teap_turn *t, enum tunnel_progress *ret)
{
	if (status_of(t->peer) == TEAP_SUCCESS && t->m->result == TEAP_SUCCESS) {
		teap_write_error(&t->w, TEAP_ERROR_PKI);
		return false;
	}
	*ret = fail(t, TEAP_ERROR_PKI);
	return true;
}

static bool demand(struct teap_turn *t, enum teap_status status, enum tunnel_progress *ret)
{
	AUTO_VALUE(bytes) tlvs = { 0 };
	struct wr w;

	if (bytes_reserve(&tlvs, TLVS_MAX) != OK) {
		*ret = teap_peer_internal(t, "out of memory");
		return true;
	}
	w = wr_of(tlvs.p, tlvs.cap);
	if (write_wishes(t, &w) != OK)
		return gives_up(t, ret);
	teap_write_action(&t->w, status, TEAP_PROCESS_TLV, wr_done(&w));
	t->w.bad |= !wr_ok(&w);
	*ret = teap_peer_send(t, TUNNEL_GOES_ON);
	return true;
}

/* In place of an identity. */
bool teap_peer_shows_certificate(struct teap_turn *t, enum tunnel_progress *ret)
{
	const struct teap_peer *peer = t->peer;

	return peer->settings.provision && !peer->errand.asked &&
	       peer->settings.identity_count == 0 && demand(t, TEAP_FAILURE, ret);
}

bool teap_peer_is_asked(const struct teap_message *m)
{
	for (unsigned i = 0; i < m->action_count; i++) {
		struct teap_provision p;

		if (m->actions[i].action == TEAP_PROCESS_TLV &&
		    teap_provision_read(m->actions[i].tlvs, &p) && p.request)
			return true;
	}
	return false;
}

/* ---- what comes ----------------------------------------------------------------------------- */

static enum status take_roots(struct teap_turn *t)
{
	struct teap_provision p;

	if (!teap_provision_read(t->m->root, &p) || p.pkcs7.len == 0)
		return MALFORMED;
	return bytes_set(&t->peer->errand.roots, p.pkcs7);
}

/* Nothing is taken that was not asked for, or is there already. */
static enum status take(struct teap_turn *t)
{
	const struct teap_message *m = t->m;
	struct teap_peer_errand *e = &t->peer->errand;

	if (teap_has(m, TEAP_PKCS7) && (!e->asked || e->pkcs7.len > 0))
		return UNEXPECTED;
	if (teap_has(m, TEAP_TRUSTED_ROOT) && (!e->asked_roots || e->roots.len > 0))
		return UNEXPECTED;
	if (teap_has(m, TEAP_CSR_ATTRIBUTES) && bytes_set(&e->attributes, m->csr_attributes) != OK)
		return NO_MEMORY;
	if (teap_has(m, TEAP_PKCS7) && bytes_set(&e->pkcs7, m->pkcs7) != OK)
		return NO_MEMORY;
	return teap_has(m, TEAP_TRUSTED_ROOT) ? take_roots(t) : OK;
}

static enum status install(struct teap_turn *t)
{
	struct teap_peer_errand *e = &t->peer->errand;

	e->installed = true;
	return cprom_direct_install(t->peer->settings.provision, bytes_slice(&e->pkcs7),
				    bytes_slice(&e->roots), t->now);
}

/* What the server cannot do now it may do later; what it does not know it never does. */
static enum enrol_error error_of(uint32_t code)
{
	if (code == TEAP_ERROR_CA || code == TEAP_ERROR_INFRASTRUCTURE)
		return ENROL_ERROR_INTERNAL;
	return code == TEAP_NO_ERROR || code == TEAP_ERROR_UNEXPECTED ? ENROL_ERROR_NO_PROTOCOL
								      : ENROL_ERROR_CA_REFUSED;
}

void teap_peer_errand_refused(struct teap_peer *peer, uint32_t code)
{
	struct teap_peer_errand *e = &peer->errand;

	if (peer->settings.provision && e->asked && e->pkcs7.len == 0)
		cprom_direct_refused(peer->settings.provision, error_of(code), code,
				     teap_error_name(code));
}

/* The server wants to end. */
static bool at_end(struct teap_turn *t, enum tunnel_progress *ret)
{
	struct teap_peer *peer = t->peer;
	struct teap_peer_errand *e = &peer->errand;

	if (e->refused)
		return false;
	if (!e->asked)
		return demand(t, status_of(peer), ret);
	if (e->pkcs7.len == 0) {
		e->refused = true;
		teap_peer_errand_refused(peer, t->m->error);
		return gives_up(t, ret);
	}
	if (wants_roots(peer))
		return demand(t, TEAP_SUCCESS, ret);
	return !e->installed && install(t) != OK && gives_up(t, ret);
}

/* What was given is bound to all that was proved, but the conversation is to end without a success:
 * it is used from the next one on. */
static bool at_parting(struct teap_turn *t, enum tunnel_progress *ret)
{
	if (wants_roots(t->peer)) {
		*ret = write_wishes(t, &t->w) == OK ? teap_peer_send(t, TUNNEL_GOES_ON)
						    : fail(t, TEAP_ERROR_PKI);
		return true;
	}
	*ret = install(t) == OK && cprom_direct_settle(t->peer->settings.provision) == OK
		       ? teap_peer_send(t, TUNNEL_GOES_ON)
		       : fail(t, TEAP_ERROR_PKI);
	return true;
}

bool teap_peer_errand(struct teap_turn *t, enum tunnel_progress *ret)
{
	struct teap_peer *peer = t->peer;
	struct teap_peer_errand *e = &peer->errand;

	if (!peer->settings.provision)
		return false;
	if (cprom_direct_check(peer->settings.provision) != OK) {
		*ret = fail(t, TEAP_ERROR_NOT_TRUSTED);
		return true;
	}
	switch ((int)take(t)) {
	case OK:
		break;
	case NO_MEMORY:
		*ret = teap_peer_internal(t, "out of memory");
		return true;
	default:
		*ret = teap_peer_unexpected(t, "a certificate or roots that were not asked for");
		return true;
	}
	if (t->m->result == TEAP_SUCCESS)
		return teap_peer_satisfied(peer) && at_end(t, ret);
	if (e->pkcs7.len > 0 && !e->installed && peer->bound)
		return at_parting(t, ret);
	if (e->asked || !teap_peer_is_asked(t->m))
		return false;
	*ret = write_wishes(t, &t->w) == OK ? teap_peer_send(t, TUNNEL_GOES_ON)
					    : fail(t, TEAP_ERROR_PKI);
	return true;
}

void teap_peer_errand_succeeded(void *self)
{
	struct teap_peer *peer = self;

	if (peer->settings.provision)
		cprom_peer_method.succeeded(peer->settings.provision);
}
