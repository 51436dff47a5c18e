#include "method/teap_server.h"

#include <stdlib.h>
#include <string.h>

#include "method/inner_server.h"
#include "method/password_check.h"

#define MESSAGE_MAX 40000 /* octets of TLVs in one message */
#define EAP_MTU	    32768 /* of a packet inside: the tunnel fragments */

enum phase {
	TALKING,   /* an identity is being proved */
	ADMITTING, /* all have been */
	PARTING,   /* a machine was enrolled, and is to come back with what it was given */
	ENDING,	   /* we have said success; the peer has to agree */
	FAILING,   /* we have said failure; the peer says so too */
};

enum way { WAY_EAP, WAY_PASSWORD, WAYS };

/* How far one identity has come. */
struct proof {
	struct inner_server inner;
	struct password_check check;
	unsigned tried; /* 1 << way */
	bool begun, done;
};

struct conversation {
	const struct teap_server_context *context;
	struct tunnel_server *tunnel;
	enum phase phase;
	struct bytes out;
	struct wr w;

	struct proof proofs[TEAP_ROUNDS_MAX];
	unsigned at; /* the one that runs */
	enum way way;
	bool skips;			    /* nothing has to be proved inside */
	bool more;			    /* the peer has asked for it all the same */
	bool untold;			    /* a success inside that was not told yet */
	enum teap_status told_intermediate; /* that the peer has to answer */
	bool told_binding;		    /* likewise, with this nonce */
	uint8_t nonce[TEAP_NONCE_SIZE];
	struct teap_keys keys;

	const struct eap_question *question;
	struct diagnosis why;
};

static void inside_free(void *self)
{
	struct conversation *c = self;

	for (unsigned i = 0; i < TEAP_ROUNDS_MAX; i++) {
		inner_server_done(&c->proofs[i].inner);
		password_check_done(&c->proofs[i].check);
	}
	teap_keys_done(&c->keys);
	explicit_bzero(c->out.p, c->out.cap);
	bytes_done(&c->out);
	free(c);
}

static enum status inside_init(void *context, struct tunnel_server *tunnel,
			       const struct eap_server_about *about, void **ret_self)
{
	struct conversation *c = calloc(1, sizeof *c);

	(void)about;
	if (!c)
		return NO_MEMORY;
	c->context = context;
	c->tunnel = tunnel;
	if (bytes_reserve(&c->out, MESSAGE_MAX) != OK) {
		free(c);
		return NO_MEMORY;
	}
	*ret_self = c;
	return OK;
}

static void inside_write_outer(void *self, struct wr *w)
{
	const struct conversation *c = self;
	struct slice id = c->context->authority_id;

	if (id.len > 0 && id.len <= TEAP_AUTHORITY_MAX)
		teap_tlv_write(w, TEAP_AUTHORITY_ID, id);
}

static const struct teap_round *round_of(const struct conversation *c)
{
	return &c->context->rounds[c->at];
}

static struct proof *proof_of(struct conversation *c)
{
	return &c->proofs[c->at];
}

/* ---- messages ------------------------------------------------------------------------------- */

static void clear(struct conversation *c)
{
	explicit_bzero(c->out.p, c->out.cap);
	c->w = wr_of(c->out.p, c->out.cap);
}

static enum eap_server_state internal(struct conversation *c, const char *detail)
{
	diagnosis_say(&c->why, DIAG_INTERNAL, "%s", detail);
	return METHOD_FAILED;
}

static enum eap_server_state send_message(struct conversation *c)
{
	struct slice out = wr_done(&c->w);

	if (!wr_ok(&c->w))
		return internal(c, "a message inside of the tunnel is too large");
	tunnel_server_send(c->tunnel, out);
	clear(c);
	return METHOD_GOES_ON;
}

/* c->why is filled.  What was written so far is taken back. */
static enum eap_server_state fail(struct conversation *c, enum teap_error code)
{
	clear(c);
	if ((c->phase == TALKING || c->phase == ADMITTING) && proof_of(c)->begun)
		teap_write_status(&c->w, TEAP_INTERMEDIATE_RESULT, TEAP_FAILURE);
	teap_write_error(&c->w, code);
	teap_write_status(&c->w, TEAP_RESULT, TEAP_FAILURE);
	c->phase = FAILING;
	return send_message(c);
}

static enum eap_server_state refuse(struct conversation *c, enum teap_error code,
				    const char *detail)
{
	bool binding = code == TEAP_ERROR_COMPROMISE || code >= TEAP_ERROR_BINDING;

	diagnosis_set(&c->why, binding ? DIAG_INNER_BINDING : DIAG_MALFORMED);
	if (!binding)
		diagnosis_add(&c->why, "what", "TEAP");
	diagnosis_add(&c->why, "detail", "%s", detail ? detail : teap_error_name(code));
	return fail(c, code);
}

static enum eap_server_state unexpected(struct conversation *c, const char *detail)
{
	return refuse(c, TEAP_ERROR_UNEXPECTED, detail);
}

static struct teap_outer outer_of(const struct conversation *c)
{
	return (struct teap_outer){ tunnel_server_outer_sent(c->tunnel),
				    tunnel_server_outer_heard(c->tunnel) };
}

/* Together with a success, of a method inside or of all. */
static bool write_binding(struct conversation *c)
{
	const struct teap_outer outer = outer_of(c);

	c->told_binding = true;
	return teap_binding_request(&c->keys, c->context->emsk, &outer, &c->w, c->nonce) == OK;
}

static void write_intermediate(struct conversation *c, enum teap_status status)
{
	teap_write_status(&c->w, TEAP_INTERMEDIATE_RESULT, status);
	c->told_intermediate = status;
	c->untold = false;
}

/* ---- identities ----------------------------------------------------------------------------- */

static bool has_way(const struct teap_round *round, enum way way)
{
	return way == WAY_EAP ? round->eap != NULL : round->password;
}

/* The next way to ask for the identity at hand; false when there is none left. */
static bool next_way(struct conversation *c)
{
	const struct teap_round *round = round_of(c);
	enum way first = round->password_first ? WAY_PASSWORD : WAY_EAP;
	const enum way order[] = { first, first == WAY_EAP ? WAY_PASSWORD : WAY_EAP };

	for (unsigned i = 0; i < WAYS; i++) {
		if (!has_way(round, order[i]) || proof_of(c)->tried & 1u << order[i])
			continue;
		c->way = order[i];
		proof_of(c)->tried |= 1u << order[i];
		return true;
	}
	return false;
}

static enum eap_server_state talked(struct conversation *c, enum eap_server_state state,
				    struct slice request, struct moment now);

/* Asks for the identity at hand, behind what is already written. */
static enum eap_server_state propose(struct conversation *c, struct moment now)
{
	struct inner_server *inner = &proof_of(c)->inner;
	enum eap_server_state state;
	struct slice request;

	c->phase = TALKING;
	if (!next_way(c)) {
		diagnosis_set(&c->why, DIAG_INNER_NOTHING);
		diagnosis_add(&c->why, "method", "TEAP");
		return fail(c, TEAP_ERROR_NOT_SUPPORTED);
	}
	if (round_of(c)->type != TEAP_ANYBODY)
		teap_write_identity_type(&c->w, round_of(c)->type);
	proof_of(c)->begun = true;
	if (c->way == WAY_PASSWORD) {
		teap_tlv_write(&c->w, TEAP_PASSWORD_REQUEST, slice_str(c->context->prompt));
		return send_message(c);
	}
	inner_server_init(inner, round_of(c)->eap, tunnel_server_binding(c->tunnel), EAP_MTU);
	state = inner_server_feed(inner, slice_of(NULL, 0), now, &request);
	return talked(c, state, request, now);
}

static bool next_identity(struct conversation *c)
{
	for (unsigned i = 0; i < c->context->round_count; i++) {
		if (c->proofs[i].done)
			continue;
		c->at = i;
		return true;
	}
	return false;
}

static bool enrolled(const struct conversation *c)
{
	for (unsigned i = 0; i < TEAP_ROUNDS_MAX; i++) {
		if (inner_server_enrolled(&c->proofs[i].inner))
			return true;
	}
	return false;
}

static enum eap_server_state ask_admission(struct conversation *c)
{
	c->phase = ADMITTING;
	c->question = tunnel_server_ask_admission(c->tunnel, enrolled(c));
	return METHOD_ASKS;
}

/* The identity at hand is proved: a link of the chain of keys. */
static enum status count_method(struct conversation *c)
{
	struct inner_server *inner = &proof_of(c)->inner;
	AUTO_VALUE(eap_keys) keys = { 0 };
	struct eap_type type = eap_type(0);

	if (c->way == WAY_EAP) {
		type = inner_server_method(inner)->type;
		inner_server_take_keys(inner, &keys);
	}
	return teap_keys_add(&c->keys, type, &keys);
}

/* Of all identities that were proved: the last name, and the last certificate. */
static enum status note_proof(struct conversation *c)
{
	const char *method = "Basic-Password-Auth";
	const struct tls_claim *claim = NULL;
	struct slice identity = { 0 };

	if (c->way == WAY_EAP)
		method = inner_server_method(&proof_of(c)->inner)->name;
	for (unsigned i = 0; i < TEAP_ROUNDS_MAX; i++) {
		const struct proof *proof = &c->proofs[i];

		if (!proof->done)
			continue;
		if (proof->check.account.len > 0)
			identity = bytes_slice(&proof->check.account);
		else if (inner_server_account(&proof->inner).len > 0)
			identity = inner_server_account(&proof->inner);
		if (inner_server_claim(&proof->inner))
			claim = inner_server_claim(&proof->inner);
	}
	return tunnel_server_proved(c->tunnel, identity, method, claim);
}

static enum eap_server_state proved(struct conversation *c, struct moment now)
{
	proof_of(c)->done = true;
	c->untold = true;
	if (note_proof(c) != OK || count_method(c) != OK)
		return internal(c, "what was proved inside could not be taken down");
	/* Who was enrolled just now is asked for nothing more: what it is to be asked for, it has
	 * only now. */
	if (enrolled(c) || !next_identity(c))
		return ask_admission(c);
	write_intermediate(c, TEAP_SUCCESS);
	if (!write_binding(c))
		return internal(c, "the crypto-binding could not be computed");
	return propose(c, now);
}

/* Another way may do: "If one inner method fails, the server may attempt to authenticate the peer
 * with a different method".  Only one that the peer did not have at all is given a second chance.
 */
static enum eap_server_state disproved(struct conversation *c, struct moment now)
{
	bool refused = c->why.id == DIAG_PEER_REFUSED_METHODS;

	if (refused && has_way(round_of(c), WAY_PASSWORD) &&
	    !(proof_of(c)->tried & 1u << WAY_PASSWORD)) {
		clear(c);
		write_intermediate(c, TEAP_FAILURE);
		teap_write_error(&c->w, TEAP_ERROR_NOT_SUPPORTED);
		return propose(c, now);
	}
	return fail(c, refused ? TEAP_ERROR_NOT_SUPPORTED : TEAP_ERROR_INNER_METHOD);
}

/* ---- EAP inside ----------------------------------------------------------------------------- */

static enum eap_server_state talked(struct conversation *c, enum eap_server_state state,
				    struct slice request, struct moment now)
{
	switch (state) {
	case METHOD_GOES_ON:
		teap_tlv_write(&c->w, TEAP_EAP_PAYLOAD, request);
		return send_message(c);
	case METHOD_ASKS:
		c->question = inner_server_question(&proof_of(c)->inner);
		return METHOD_ASKS;
	case METHOD_SUCCEEDED:
		return proved(c, now);
	case METHOD_FAILED:
		break;
	}
	c->why = *inner_server_diagnosis(&proof_of(c)->inner);
	return disproved(c, now);
}

/* Section 4.2.3: another identity than was asked for is as good, if it is one that is still to be
 * proved.  It gets the policy of its own round, from the beginning, where both have asked for the
 * identity and nothing else. */
static bool change_identity(struct conversation *c, const struct teap_message *m, struct moment now)
{
	bool first = c->way == WAY_PASSWORD || !inner_server_method(&proof_of(c)->inner);
	struct slice request;

	if (!teap_has(m, TEAP_IDENTITY_TYPE) || round_of(c)->type == TEAP_ANYBODY ||
	    m->identity_type == round_of(c)->type)
		return true;
	for (unsigned i = 0; first && i < c->context->round_count; i++) {
		const struct teap_round *round = &c->context->rounds[i];
		struct proof *old = proof_of(c), *proof = &c->proofs[i];

		if (round->type != m->identity_type || proof->done || !has_way(round, c->way))
			continue;
		inner_server_done(&old->inner);
		*old = (struct proof){ .tried = 0 };
		c->at = i;
		*proof = (struct proof){ .tried = 1u << c->way, .begun = true };
		if (c->way == WAY_PASSWORD)
			return true;
		inner_server_init(&proof->inner, round->eap, tunnel_server_binding(c->tunnel),
				  EAP_MTU);
		return inner_server_feed(&proof->inner, slice_of(NULL, 0), now, &request) ==
		       METHOD_GOES_ON;
	}
	return false;
}

static enum eap_server_state hear_eap(struct conversation *c, const struct teap_message *m,
				      struct moment now)
{
	enum eap_server_state state;
	struct slice request;

	if (c->way != WAY_EAP)
		return unexpected(c, "EAP where a password was asked for");
	state = inner_server_feed(&proof_of(c)->inner, m->eap, now, &request);
	return talked(c, state, request, now);
}

/* ---- Basic-Password-Auth -------------------------------------------------------------------- */

static enum eap_server_state hear_password(struct conversation *c, const struct teap_message *m)
{
	struct password_check *check = &proof_of(c)->check;

	if (c->way != WAY_PASSWORD)
		return unexpected(c, "a password where EAP was asked for");
	check->kind = PASSWORD_PAP;
	check->method = "Basic-Password-Auth";
	if (!password_check_account(check, m->name)) {
		c->why = check->why;
		return fail(c, TEAP_ERROR_AUTHENTICATION);
	}
	if (secret_set(&check->typed, m->password) != OK)
		return internal(c, "out of memory");
	c->question = password_check_ask(check);
	return METHOD_ASKS;
}

static enum eap_server_state checked(struct conversation *c, const struct eap_reply *reply,
				     struct moment now)
{
	struct password_check *check = &proof_of(c)->check;

	if (password_check_answer(check, NULL, reply))
		return proved(c, now);
	c->why = check->why;
	return fail(c, TEAP_ERROR_AUTHENTICATION);
}

/* "it responds with a NAK TLV indicating the rejection of the Basic-Password-Auth-Req TLV" */
static enum eap_server_state hear_nak(struct conversation *c, const struct teap_message *m,
				      struct moment now)
{
	if (m->nak.vendor != 0 || m->nak.type != TEAP_PASSWORD_REQUEST || c->way != WAY_PASSWORD)
		return unexpected(c, "the peer does not know a TLV that TEAP is made of");
	return propose(c, now);
}

/* ---- the end -------------------------------------------------------------------------------- */

static enum eap_server_state tell_success(struct conversation *c)
{
	c->phase = ENDING;
	if (c->untold)
		write_intermediate(c, TEAP_SUCCESS);
	teap_write_status(&c->w, TEAP_RESULT, TEAP_SUCCESS);
	if (!write_binding(c))
		return internal(c, "the crypto-binding could not be computed");
	/* It is of no use to the peer before its answer was right. */
	tunnel_server_send_ticket(c->tunnel);
	return send_message(c);
}

/* doc/cprom.md, "Afterwards": that the enrolment was a success is told, protected, before the
 * conversation ends without one. */
static enum eap_server_state part(struct conversation *c)
{
	c->phase = PARTING;
	write_intermediate(c, TEAP_SUCCESS);
	if (!write_binding(c))
		return internal(c, "the crypto-binding could not be computed");
	return send_message(c);
}

static enum eap_server_state admitted(struct conversation *c, const struct eap_reply *reply)
{
	if (reply->accept)
		return tell_success(c);
	diagnosis_set(&c->why, DIAG_PEER_DENIED);
	if (reply->why && reply->why->id != DIAG_NONE)
		c->why = *reply->why;
	return enrolled(c) && c->untold ? part(c) : fail(c, TEAP_ERROR_AUTHORIZATION);
}

/* Section 4.2.9.  To negotiate EAP is ours where nothing was asked for so far; else "it sends back
 * a Result TLV with the same code", of several the most fatal. */
static enum eap_server_state hear_actions(struct conversation *c, const struct teap_message *m,
					  struct moment now)
{
	enum teap_status status = TEAP_SUCCESS;

	for (unsigned i = 0; i < m->action_count; i++) {
		bool negotiate = m->actions[i].action == TEAP_NEGOTIATE_EAP;

		if (negotiate && c->skips && !c->more && next_identity(c)) {
			c->more = true;
			return propose(c, now);
		}
		if (m->actions[i].status == TEAP_FAILURE)
			status = TEAP_FAILURE;
	}
	if (status == TEAP_SUCCESS)
		return tell_success(c);
	diagnosis_set(&c->why, DIAG_INNER_ERROR);
	diagnosis_add(&c->why, "error", "it demands something that we do not do");
	return fail(c, TEAP_ERROR_UNEXPECTED);
}

static enum eap_server_state hear_end(struct conversation *c, const struct teap_message *m,
				      struct moment now)
{
	if (m->result == TEAP_SUCCESS)
		return METHOD_SUCCEEDED;
	if (m->action_count > 0)
		return hear_actions(c, m, now);
	return unexpected(c, "no Result TLV where one is due");
}

static enum eap_server_state hear_failure(struct conversation *c, const struct teap_message *m)
{
	const char *name = teap_error_name(m->error);

	diagnosis_set(&c->why, DIAG_INNER_ERROR);
	diagnosis_add(&c->why, "error", "%s", name ? name : "it told no reason");
	if (m->error)
		diagnosis_add(&c->why, "code", "%u", m->error);
	return METHOD_FAILED;
}

/* ---- a message ------------------------------------------------------------------------------ */

/* The peer's answers to our Crypto-Binding and Intermediate-Result, in this order. */
static enum teap_error hear_results(struct conversation *c, const struct teap_message *m)
{
	const struct teap_outer outer = outer_of(c);
	enum teap_error error;

	if (teap_has(m, TEAP_CRYPTO_BINDING) != c->told_binding)
		return c->told_binding ? TEAP_ERROR_COMPROMISE : TEAP_ERROR_UNEXPECTED;
	if (c->told_binding) {
		error = teap_binding_check_response(&c->keys, c->context->emsk, &outer, &m->binding,
						    c->nonce);
		if (error != TEAP_NO_ERROR)
			return error;
	}
	/* One that we did not ask for is harmless at the end, as it is in examples of the text. */
	if (m->intermediate != c->told_intermediate &&
	    !(c->phase == ENDING && m->intermediate == TEAP_SUCCESS))
		return TEAP_ERROR_UNEXPECTED;
	c->told_binding = false;
	c->told_intermediate = TEAP_NO_STATUS;
	return TEAP_NO_ERROR;
}

static enum eap_server_state hear_talk(struct conversation *c, const struct teap_message *m,
				       struct moment now)
{
	if (m->result == TEAP_SUCCESS || m->action_count > 0)
		return unexpected(c, "the peer wants to end before it was let in");
	if (!change_identity(c, m, now))
		return unexpected(c, "an identity that was not asked for");
	if (teap_has(m, TEAP_EAP_PAYLOAD))
		return hear_eap(c, m, now);
	if (teap_has(m, TEAP_PASSWORD_RESPONSE))
		return hear_password(c, m);
	if (teap_has(m, TEAP_NAK))
		return hear_nak(c, m, now);
	if (m->error) {
		hear_failure(c, m);
		return fail(c, TEAP_ERROR_INNER_METHOD);
	}
	diagnosis_set(&c->why, DIAG_INNER_NOTHING);
	diagnosis_add(&c->why, "method", "TEAP");
	return fail(c, TEAP_ERROR_UNEXPECTED);
}

static enum eap_server_state hear(struct conversation *c, const struct teap_message *m,
				  struct moment now)
{
	enum teap_error error;

	if (m->result == TEAP_FAILURE || m->error >= TEAP_ERROR_FATAL)
		return hear_failure(c, m);
	/* The peer has found its own method wanting. */
	if (m->intermediate == TEAP_FAILURE && c->told_intermediate == TEAP_SUCCESS) {
		hear_failure(c, m);
		return fail(c, TEAP_ERROR_INNER_METHOD);
	}
	error = hear_results(c, m);
	if (error != TEAP_NO_ERROR)
		return refuse(c, error, NULL);
	if (c->phase == PARTING)
		return fail(c, TEAP_ERROR_AUTHORIZATION);
	return c->phase == ENDING ? hear_end(c, m, now) : hear_talk(c, m, now);
}

/* "a NAK TLV MUST NOT be sent in response to a message containing a Result TLV".  The peer's
 * message counts for nothing, so what it has to answer stays as it is. */
static enum eap_server_state hear_unsupported(struct conversation *c, const struct teap_message *m)
{
	if (m->result)
		return unexpected(c, "a TLV that we do not know");
	teap_write_nak(&c->w, &m->unsupported);
	return send_message(c);
}

static enum eap_server_state inside_process(void *self, struct slice data, struct moment now)
{
	struct conversation *c = self;
	struct teap_message m;

	if (c->phase == FAILING)
		return METHOD_FAILED;
	if (c->phase == ADMITTING)
		return internal(c, "a flight while a question waits");
	switch ((int)teap_message_read(data, TEAP_IN_RESPONSE, &m)) {
	case OK:
		return hear(c, &m, now);
	case UNSUPPORTED:
		return hear_unsupported(c, &m);
	case MALFORMED:
		return unexpected(c, "what is no row of TLVs");
	default:
		return unexpected(c, "TLVs that must not stand there");
	}
}

/* ---- what the tunnel calls ------------------------------------------------------------------ */

static bool outer_is_good(const struct conversation *c)
{
	struct teap_message m;

	return teap_message_read(tunnel_server_outer_heard(c->tunnel), TEAP_OUTER_RESPONSE, &m) ==
	       OK;
}

/* What comes along with the end of the peer's handshake can only be hints. */
static bool only_hints(struct slice data)
{
	struct teap_message m;

	return teap_message_read(data, TEAP_IN_RESPONSE, &m) == OK &&
	       (m.present & ~(1u << TEAP_IDENTITY_HINT)) == 0;
}

static enum eap_server_state inside_begin(void *self, struct slice data, struct moment now)
{
	struct conversation *c = self;
	bool certified = tunnel_server_claim(c->tunnel) != NULL;

	clear(c);
	if (teap_keys_begin(&c->keys, tunnel_server_conn(c->tunnel)) != OK)
		return internal(c, "the keys could not be derived");
	if (!outer_is_good(c))
		return unexpected(c, "an Outer TLV that we must understand");
	if (!only_hints(data))
		return unexpected(c, "the peer spoke first");
	c->skips =
		tunnel_server_resumed(c->tunnel) || (certified && c->context->certificate_suffices);
	if (!c->skips && next_identity(c))
		return propose(c, now);
	if (!c->skips) {
		diagnosis_set(&c->why, DIAG_INNER_NOTHING);
		diagnosis_add(&c->why, "method", "TEAP");
		return fail(c, TEAP_ERROR_NO_CERTIFICATE);
	}
	if (!tunnel_server_resumed(c->tunnel) &&
	    tunnel_server_proved(c->tunnel, slice_of(NULL, 0), "", NULL) != OK)
		return internal(c, "out of memory");
	return ask_admission(c);
}

static const struct eap_question *inside_question(const void *self)
{
	const struct conversation *c = self;

	return c->question;
}

static enum eap_server_state inside_answer(void *self, const struct eap_reply *reply,
					   struct moment now)
{
	struct conversation *c = self;
	enum eap_server_state state;
	struct slice request;

	if (c->phase == ADMITTING)
		return admitted(c, reply);
	if (c->way == WAY_PASSWORD)
		return checked(c, reply, now);
	state = inner_server_answer(&proof_of(c)->inner, reply, now, &request);
	return talked(c, state, request, now);
}

static enum status inside_derive(void *self, struct eap_keys *keys)
{
	const struct conversation *c = self;

	return teap_keys_derive(&c->keys, keys);
}

static const struct diagnosis *inside_diagnosis(const void *self)
{
	const struct conversation *c = self;

	return &c->why;
}

static const char *inside_stage(const void *self)
{
	const struct conversation *c = self;

	switch (c->phase) {
	case TALKING:
		return c->way == WAY_PASSWORD ? "password"
					      : inner_server_stage(&c->proofs[c->at].inner);
	case ADMITTING:
		return "admission";
	case PARTING:
		return "enrolled";
	case ENDING:
		return "result";
	case FAILING:
		break;
	}
	return "failure";
}

static const struct tunnel_inside inside = {
	.name = "TEAP",
	.type = EAP_TYPE_TEAP,
	.version = TEAP_VERSION,
	.outer = true,
	.init = inside_init,
	.write_outer = inside_write_outer,
	.begin = inside_begin,
	.process = inside_process,
	.question = inside_question,
	.answer = inside_answer,
	.derive = inside_derive,
	.diagnosis = inside_diagnosis,
	.stage = inside_stage,
	.free = inside_free,
};

static enum status server_init(void *context, const struct eap_server_about *about, void **ret_self)
{
	return tunnel_server_new(&inside, context, about, ret_self);
}

const struct eap_server_method teap_server_method = { TUNNEL_SERVER_METHOD("TEAP", EAP_TYPE_TEAP,
									   server_init) };
