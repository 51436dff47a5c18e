/* What TEAP binds to the tunnel, what the server makes of it, and how that ends. */
#include <string.h>

#include "method/teap_peer_parts.h"

/* ---- Crypto-Binding and Intermediate-Result ------------------------------------------------ */

bool teap_peer_satisfied(const struct teap_peer *peer)
{
	return peer->settings.inner_optional || peer->resumed || peer->successes > 0;
}

/* The method that the server calls a success, as a link of the chain of keys. */
static enum teap_error count_method(struct teap_peer *peer)
{
	AUTO_VALUE(eap_keys) inner = { 0 };
	struct eap_type type = eap_type(0);

	if (peer->way == WAY_EAP) {
		if (!inner_peer_satisfied(peer->at->eap))
			return TEAP_ERROR_INNER_METHOD;
		type = inner_peer_type(peer->at->eap);
		inner_peer_take_keys(peer->at->eap, &inner);
	}
	return teap_keys_add(&peer->keys, type, &inner) == OK ? TEAP_NO_ERROR
							      : TEAP_ERROR_INFRASTRUCTURE;
}

/* "The Crypto-Binding TLV MUST be validated before any Intermediate-Result TLV or Result TLV is
 * examined." */
enum teap_error teap_peer_hear_binding(struct teap_turn *t)
{
	struct teap_peer *peer = t->peer;
	const struct teap_message *m = t->m;
	const struct teap_outer outer = teap_peer_outer_of(peer);
	bool claims = m->intermediate == TEAP_SUCCESS || m->result == TEAP_SUCCESS;
	enum teap_error error = TEAP_NO_ERROR;

	if (!teap_has(m, TEAP_CRYPTO_BINDING))
		return claims && !(peer->bound && m->intermediate != TEAP_SUCCESS)
			       ? TEAP_ERROR_COMPROMISE
			       : TEAP_NO_ERROR;
	if (!claims)
		return TEAP_ERROR_UNEXPECTED;
	if (peer->way != WAY_NONE)
		error = count_method(peer);
	if (error == TEAP_NO_ERROR)
		error = teap_binding_check_request(&peer->keys, peer->settings.emsk, &outer,
						   &m->binding);
	if (error == TEAP_NO_ERROR)
		peer->bound = true;
	return error;
}

static void note_success(struct teap_peer *peer)
{
	const char *name =
		peer->way == WAY_EAP ? inner_peer_method(peer->at->eap) : "Basic-Password-Auth";
	size_t len = strlen(peer->inner);

	snprintf(peer->inner + len, sizeof peer->inner - len, "%s%s", len > 0 ? ", " : "", name);
	peer->done[peer->at - peer->settings.identities] = true;
	peer->successes++;
}

static void note_failure(struct teap_peer *peer, struct moment now)
{
	diagnosis_set(&peer->inner_why, DIAG_NONE);
	if (peer->way == WAY_PASSWORD)
		inner_refused(&peer->inner_why, peer->at->name, "Basic-Password-Auth",
			      "no reason was told");
	else if (inner_peer_conclude(peer->at->eap, false, now) == INNER_FAILED)
		inner_peer_diagnose(peer->at->eap, &peer->inner_why);
}

enum teap_error teap_peer_hear_intermediate(struct teap_turn *t)
{
	struct teap_peer *peer = t->peer;
	enum teap_status status = t->m->intermediate;

	if (status == TEAP_NO_STATUS)
		return peer->way != WAY_NONE && t->m->result == TEAP_SUCCESS ? TEAP_ERROR_UNEXPECTED
									     : TEAP_NO_ERROR;
	/* Without a method it goes along with a Result TLV or a certificate, or not at all. */
	if (peer->way == WAY_NONE)
		return t->m->result == status || teap_has(t->m, TEAP_PKCS7) ? TEAP_NO_ERROR
									    : TEAP_ERROR_UNEXPECTED;
	if (status == TEAP_FAILURE)
		note_failure(peer, t->now);
	else if (peer->way == WAY_EAP &&
		 inner_peer_conclude(peer->at->eap, true, t->now) != INNER_SUCCEEDED)
		return TEAP_ERROR_INNER_METHOD;
	else
		note_success(peer);
	peer->way = WAY_NONE;
	peer->at = NULL;
	return TEAP_NO_ERROR;
}

/* Both as the server has them. */
bool teap_peer_write_results(struct teap_turn *t)
{
	const struct teap_outer outer = teap_peer_outer_of(t->peer);

	if (t->m->intermediate)
		teap_write_status(&t->w, TEAP_INTERMEDIATE_RESULT, t->m->intermediate);
	return !teap_has(t->m, TEAP_CRYPTO_BINDING) ||
	       teap_binding_response(&t->peer->keys, t->peer->settings.emsk, &outer, &t->m->binding,
				     &t->w) == OK;
}

/* ---- Result and Request-Action ------------------------------------------------------------- */

/* The server gives up, and says why or not. */
enum tunnel_progress teap_peer_hear_failure(struct teap_turn *t)
{
	struct diagnosis *why = tunnel_peer_why(t->tunnel);
	const char *name = teap_error_name(t->m->error);

	if (t->peer->way != WAY_NONE)
		note_failure(t->peer, t->now);
	teap_peer_errand_refused(t->peer, t->m->error);
	*why = t->peer->inner_why;
	if (why->id == DIAG_NONE || t->m->error >= TEAP_ERROR_FATAL)
		diagnosis_set(why, DIAG_TUNNEL_ERROR);
	diagnosis_add(why, "error", "%s", name ? name : "no reason was told");
	if (t->m->error)
		diagnosis_add(why, "code", "%u", t->m->error);
	return teap_peer_fail(t, TEAP_NO_ERROR);
}

/* Section 3.6.6: "if its authentication policies are not satisfied ... it may request further
 * action". */
static enum tunnel_progress ask_more(struct teap_turn *t)
{
	if (t->peer->asked_more) {
		diagnosis_set(tunnel_peer_why(t->tunnel), DIAG_INNER_SKIPPED);
		return teap_peer_fail(t, TEAP_ERROR_AUTHENTICATION);
	}
	t->peer->asked_more = true;
	teap_write_action(&t->w, TEAP_FAILURE, TEAP_NEGOTIATE_EAP, slice_of(NULL, 0));
	return teap_peer_send(t, TUNNEL_GOES_ON);
}

enum tunnel_progress teap_peer_hear_success(struct teap_turn *t)
{
	if (!teap_peer_satisfied(t->peer))
		return ask_more(t);
	teap_write_status(&t->w, TEAP_RESULT, TEAP_SUCCESS);
	t->peer->agreed = true;
	return teap_peer_send(t, TUNNEL_AGREED);
}

/* Section 4.2.9, of what we do not do: "a Result TLV with the same code in the Status field of the
 * Request-Action TLV", of several the most fatal.  It has to be another round of Result TLVs that
 * ends the conversation. */
enum tunnel_progress teap_peer_decline_actions(struct teap_turn *t)
{
	enum teap_status status = teap_peer_satisfied(t->peer) ? TEAP_SUCCESS : TEAP_FAILURE;

	t->peer->wished |= teap_peer_is_asked(t->m);
	for (unsigned i = 0; i < t->m->action_count; i++) {
		if (t->m->actions[i].status == TEAP_FAILURE)
			status = TEAP_FAILURE;
	}
	if (status == TEAP_FAILURE) {
		diagnosis_set(tunnel_peer_why(t->tunnel), DIAG_TUNNEL_ERROR);
		diagnosis_add(tunnel_peer_why(t->tunnel), "error",
			      "the server demands something that we do not do");
		return teap_peer_fail(t, TEAP_NO_ERROR);
	}
	teap_write_status(&t->w, TEAP_RESULT, TEAP_SUCCESS);
	return teap_peer_send(t, TUNNEL_GOES_ON);
}
