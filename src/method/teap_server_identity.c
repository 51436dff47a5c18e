/* What TEAP asks of the peer: one identity after the other, by EAP or by a password. */
#include <string.h>

#include "method/teap_server_parts.h"

/* ---- identities ----------------------------------------------------------------------------- */

static bool has_way(const struct teap_round *round, enum teap_way way)
{
	return way == WAY_EAP ? round->eap != NULL : round->password;
}

/* The next way to ask for the identity at hand; false when there is none left. */
static bool next_way(struct teap_server *c)
{
	const struct teap_round *round = teap_round_of(c);
	enum teap_way first = round->password_first ? WAY_PASSWORD : WAY_EAP;
	const enum teap_way order[] = { first, first == WAY_EAP ? WAY_PASSWORD : WAY_EAP };

	for (unsigned i = 0; i < WAYS; i++) {
		if (!has_way(round, order[i]) || teap_proof_of(c)->tried & 1u << order[i])
			continue;
		c->way = order[i];
		teap_proof_of(c)->tried |= 1u << order[i];
		return true;
	}
	return false;
}

/* Asks for the identity at hand, behind what is already written. */
enum eap_server_state teap_server_propose(struct teap_server *c, struct moment now)
{
	struct inner_server *inner = &teap_proof_of(c)->inner;
	enum eap_server_state state;
	struct slice request;

	c->phase = TALKING;
	teap_server_write_attributes(c);
	if (!next_way(c)) {
		diagnosis_set(&c->why, DIAG_INNER_NOTHING);
		diagnosis_add(&c->why, "method", "TEAP");
		return teap_server_fail(c, TEAP_ERROR_NOT_SUPPORTED);
	}
	if (teap_round_of(c)->type != TEAP_ANYBODY)
		teap_write_identity_type(&c->w, teap_round_of(c)->type);
	teap_proof_of(c)->begun = true;
	if (c->way == WAY_PASSWORD) {
		teap_tlv_write(&c->w, TEAP_PASSWORD_REQUEST, slice_str(c->context->prompt));
		return teap_server_send(c);
	}
	inner_server_init(inner, teap_round_of(c)->eap, tunnel_server_binding(c->tunnel), EAP_MTU);
	state = inner_server_feed(inner, slice_of(NULL, 0), now, &request);
	return teap_server_talked(c, state, request, now);
}

bool teap_server_next_identity(struct teap_server *c)
{
	for (unsigned i = 0; i < c->context->round_count; i++) {
		if (c->proofs[i].done)
			continue;
		c->at = i;
		return true;
	}
	return false;
}

bool teap_server_enrolled(const struct teap_server *c)
{
	for (unsigned i = 0; i < TEAP_ROUNDS_MAX; i++) {
		if (inner_server_enrolled(&c->proofs[i].inner))
			return true;
	}
	return c->errand.issued;
}

static const struct diagnosis *missed(const struct teap_server *c)
{
	for (unsigned i = 0; i < TEAP_ROUNDS_MAX; i++) {
		if (inner_server_missed(&c->proofs[i].inner))
			return inner_server_missed(&c->proofs[i].inner);
	}
	return c->errand.missed ? &c->why : NULL;
}

enum eap_server_state teap_server_ask_admission(struct teap_server *c)
{
	c->phase = ADMITTING;
	c->question = tunnel_server_ask_admission(c->tunnel, teap_server_enrolled(c), missed(c));
	return METHOD_ASKS;
}

/* The identity at hand is proved: a link of the chain of keys. */
static enum status count_method(struct teap_server *c)
{
	struct inner_server *inner = &teap_proof_of(c)->inner;
	AUTO_VALUE(eap_keys) keys = { 0 };
	struct eap_type type = eap_type(0);

	if (c->way == WAY_EAP) {
		type = inner_server_method(inner)->type;
		inner_server_take_keys(inner, &keys);
	}
	return teap_keys_add(&c->keys, type, &keys);
}

static struct slice account_of(const struct teap_proof *proof)
{
	return proof->check.account.len > 0 ? bytes_slice(&proof->check.account)
					    : inner_server_account(&proof->inner);
}

/* Of all identities that were proved: the names, and the last certificate. */
static enum status note_proof(struct teap_server *c)
{
	const char *method = "Basic-Password-Auth";
	const struct tls_claim *claim = NULL;
	struct slice identity = { 0 }, other = { 0 };
	enum status status;

	_Static_assert(TEAP_ROUNDS_MAX == 2, "one name and one before it");
	if (c->way == WAY_EAP)
		method = inner_server_method(&teap_proof_of(c)->inner)->name;
	for (unsigned i = 0; i < TEAP_ROUNDS_MAX; i++) {
		const struct teap_proof *proof = &c->proofs[i];

		if (!proof->done)
			continue;
		if (account_of(proof).len > 0) {
			other = identity;
			identity = account_of(proof);
		}
		if (inner_server_claim(&proof->inner))
			claim = inner_server_claim(&proof->inner);
	}
	status = tunnel_server_proved(c->tunnel, identity, method, claim);
	return status == OK ? tunnel_server_proved_before(c->tunnel, other) : status;
}

static enum eap_server_state proved(struct teap_server *c, struct moment now)
{
	teap_proof_of(c)->done = true;
	c->untold = true;
	if (note_proof(c) != OK || count_method(c) != OK)
		return teap_server_internal(c, "what was proved inside could not be taken down");
	/* Who was enrolled just now is asked for nothing more: what it is to be asked for, it has
	 * only now. */
	if (teap_server_enrolled(c) || !teap_server_next_identity(c))
		return teap_server_ask_admission(c);
	teap_server_write_intermediate(c, TEAP_SUCCESS);
	if (!teap_server_write_binding(c))
		return teap_server_internal(c, "the crypto-binding could not be computed");
	return teap_server_propose(c, now);
}

/* Another way may do: "If one inner method fails, the server may attempt to authenticate the peer
 * with a different method".  Only one that the peer did not have at all is given a second chance.
 */
static enum eap_server_state disproved(struct teap_server *c, struct moment now)
{
	bool refused = c->why.id == DIAG_PEER_REFUSED_METHODS;

	if (refused && has_way(teap_round_of(c), WAY_PASSWORD) &&
	    !(teap_proof_of(c)->tried & 1u << WAY_PASSWORD)) {
		teap_server_clear(c);
		teap_server_write_intermediate(c, TEAP_FAILURE);
		teap_write_error(&c->w, TEAP_ERROR_NOT_SUPPORTED);
		return teap_server_propose(c, now);
	}
	return teap_server_fail(c, refused ? TEAP_ERROR_NOT_SUPPORTED : TEAP_ERROR_INNER_METHOD);
}

/* ---- EAP inside ----------------------------------------------------------------------------- */

enum eap_server_state teap_server_talked(struct teap_server *c, enum eap_server_state state,
					 struct slice request, struct moment now)
{
	switch (state) {
	case METHOD_GOES_ON:
		teap_tlv_write(&c->w, TEAP_EAP_PAYLOAD, request);
		return teap_server_send(c);
	case METHOD_ASKS:
		c->question = inner_server_question(&teap_proof_of(c)->inner);
		return METHOD_ASKS;
	case METHOD_SUCCEEDED:
		return proved(c, now);
	case METHOD_FAILED:
		break;
	}
	c->why = *inner_server_diagnosis(&teap_proof_of(c)->inner);
	return disproved(c, now);
}

/* Section 4.2.3: another identity than was asked for is as good, if it is one that is still to be
 * proved.  It gets the policy of its own round, from the beginning, where both have asked for the
 * identity and nothing else. */
bool teap_server_change_identity(struct teap_server *c, const struct teap_message *m,
				 struct moment now)
{
	bool first = c->way == WAY_PASSWORD || !inner_server_method(&teap_proof_of(c)->inner);
	struct slice request;

	if (!teap_has(m, TEAP_IDENTITY_TYPE) || teap_round_of(c)->type == TEAP_ANYBODY ||
	    m->identity_type == teap_round_of(c)->type)
		return true;
	for (unsigned i = 0; first && i < c->context->round_count; i++) {
		const struct teap_round *round = &c->context->rounds[i];
		struct teap_proof *old = teap_proof_of(c), *proof = &c->proofs[i];

		if (round->type != m->identity_type || proof->done || !has_way(round, c->way))
			continue;
		inner_server_done(&old->inner);
		*old = (struct teap_proof){ .tried = 0 };
		c->at = i;
		*proof = (struct teap_proof){ .tried = 1u << c->way, .begun = true };
		if (c->way == WAY_PASSWORD)
			return true;
		inner_server_init(&proof->inner, round->eap, tunnel_server_binding(c->tunnel),
				  EAP_MTU);
		return inner_server_feed(&proof->inner, slice_of(NULL, 0), now, &request) ==
		       METHOD_GOES_ON;
	}
	return false;
}

enum eap_server_state teap_server_hear_eap(struct teap_server *c, const struct teap_message *m,
					   struct moment now)
{
	enum eap_server_state state;
	struct slice request;

	if (c->way != WAY_EAP)
		return teap_server_unexpected(c, "EAP where a password was asked for");
	state = inner_server_feed(&teap_proof_of(c)->inner, m->eap, now, &request);
	return teap_server_talked(c, state, request, now);
}

/* ---- Basic-Password-Auth -------------------------------------------------------------------- */

enum eap_server_state teap_server_hear_password(struct teap_server *c, const struct teap_message *m)
{
	struct password_check *check = &teap_proof_of(c)->check;

	if (c->way != WAY_PASSWORD)
		return teap_server_unexpected(c, "a password where EAP was asked for");
	check->kind = PASSWORD_PAP;
	check->method = "Basic-Password-Auth";
	if (!password_check_account(check, m->name)) {
		c->why = check->why;
		return teap_server_fail(c, TEAP_ERROR_AUTHENTICATION);
	}
	if (secret_set(&check->typed, m->password) != OK)
		return teap_server_internal(c, "out of memory");
	c->question = password_check_ask(check);
	return METHOD_ASKS;
}

enum eap_server_state teap_server_hear_checked(struct teap_server *c, const struct eap_reply *reply,
					       struct moment now)
{
	struct password_check *check = &teap_proof_of(c)->check;

	if (password_check_answer(check, NULL, reply))
		return proved(c, now);
	c->why = check->why;
	return teap_server_fail(c, TEAP_ERROR_AUTHENTICATION);
}

/* "it responds with a NAK TLV indicating the rejection of the Basic-Password-Auth-Req TLV" */
enum eap_server_state teap_server_hear_nak(struct teap_server *c, const struct teap_message *m,
					   struct moment now)
{
	if (m->nak.vendor != 0 || m->nak.type != TEAP_PASSWORD_REQUEST || c->way != WAY_PASSWORD)
		return teap_server_unexpected(c,
					      "the peer does not know a TLV that TEAP is made of");
	return teap_server_propose(c, now);
}
