#include "method/teap_server_parts.h"

#include <stdlib.h>
#include <string.h>

static void inside_free(void *self)
{
	struct teap_server *c = self;

	for (unsigned i = 0; i < TEAP_ROUNDS_MAX; i++) {
		inner_server_done(&c->proofs[i].inner);
		password_check_done(&c->proofs[i].check);
	}
	teap_keys_done(&c->keys);
	teap_errand_done(&c->errand);
	if (c->out.p)
		explicit_bzero(c->out.p, c->out.cap);
	bytes_done(&c->out);
	free(c);
}

static enum status inside_init(void *context, struct tunnel_server *tunnel,
			       const struct eap_server_about *about, void **ret_self)
{
	struct teap_server *c = calloc(1, sizeof *c);

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
	const struct teap_server *c = self;
	struct slice id = c->context->authority_id;

	if (id.len > 0 && id.len <= TEAP_AUTHORITY_MAX)
		teap_tlv_write(w, TEAP_AUTHORITY_ID, id);
}

const struct teap_round *teap_round_of(const struct teap_server *c)
{
	return &c->context->rounds[c->at];
}

struct teap_proof *teap_proof_of(struct teap_server *c)
{
	return &c->proofs[c->at];
}

/* ---- messages ------------------------------------------------------------------------------- */

void teap_server_clear(struct teap_server *c)
{
	if (c->out.p)
		explicit_bzero(c->out.p, c->out.cap);
	c->w = wr_of(c->out.p, c->out.cap);
}

enum eap_server_state teap_server_internal(struct teap_server *c, const char *detail)
{
	diagnosis_say(&c->why, DIAG_INTERNAL, "%s", detail);
	return METHOD_FAILED;
}

enum eap_server_state teap_server_send(struct teap_server *c)
{
	struct slice out = wr_done(&c->w);

	if (!wr_ok(&c->w))
		return teap_server_internal(c, "a message inside of the tunnel is too large");
	tunnel_server_send(c->tunnel, out);
	teap_server_clear(c);
	return METHOD_GOES_ON;
}

static bool begun(const struct teap_server *c)
{
	bool at_end = c->phase == ADMITTING;

	return c->phase == RENEWING || (at_end && c->errand.missed) ||
	       ((at_end || c->phase == TALKING) && c->proofs[c->at].begun);
}

/* c->why is filled.  What was written so far is taken back. */
enum eap_server_state teap_server_fail(struct teap_server *c, enum teap_error code)
{
	teap_server_clear(c);
	if (begun(c))
		teap_write_status(&c->w, TEAP_INTERMEDIATE_RESULT, TEAP_FAILURE);
	teap_write_error(&c->w, code);
	teap_write_status(&c->w, TEAP_RESULT, TEAP_FAILURE);
	c->phase = FAILING;
	return teap_server_send(c);
}

enum eap_server_state teap_server_refuse(struct teap_server *c, enum teap_error code,
					 const char *detail)
{
	bool binding = code == TEAP_ERROR_COMPROMISE || code >= TEAP_ERROR_BINDING;

	diagnosis_set(&c->why, binding ? DIAG_INNER_BINDING : DIAG_MALFORMED);
	if (!binding)
		diagnosis_add(&c->why, "what", "TEAP");
	diagnosis_add(&c->why, "detail", "%s", detail ? detail : teap_error_name(code));
	return teap_server_fail(c, code);
}

enum eap_server_state teap_server_unexpected(struct teap_server *c, const char *detail)
{
	return teap_server_refuse(c, TEAP_ERROR_UNEXPECTED, detail);
}

static struct teap_outer outer_of(const struct teap_server *c)
{
	return (struct teap_outer){ tunnel_server_outer_sent(c->tunnel),
				    tunnel_server_outer_heard(c->tunnel) };
}

/* Together with a success, of a method inside or of all. */
bool teap_server_write_binding(struct teap_server *c)
{
	const struct teap_outer outer = outer_of(c);

	c->told_binding = true;
	return teap_binding_request(&c->keys, c->context->emsk, &outer, &c->w, c->nonce) == OK;
}

void teap_server_write_intermediate(struct teap_server *c, enum teap_status status)
{
	teap_write_status(&c->w, TEAP_INTERMEDIATE_RESULT, status);
	c->told_intermediate = status;
	c->untold = false;
}

/* ---- the end -------------------------------------------------------------------------------- */

enum eap_server_state teap_server_tell_success(struct teap_server *c)
{
	c->phase = ENDING;
	if (teap_server_write_given(c) != OK)
		return teap_server_internal(c, "out of memory");
	if (c->untold)
		teap_server_write_intermediate(c, TEAP_SUCCESS);
	if (c->errand.error != TEAP_NO_ERROR)
		teap_write_error(&c->w, c->errand.error);
	c->errand.error = TEAP_NO_ERROR;
	teap_write_status(&c->w, TEAP_RESULT, TEAP_SUCCESS);
	if (!teap_server_write_binding(c))
		return teap_server_internal(c, "the crypto-binding could not be computed");
	/* It is of no use to the peer before its answer was right. */
	if (!c->errand.issued)
		tunnel_server_send_ticket(c->tunnel);
	return teap_server_send(c);
}

/* doc/cprom.md, "Afterwards": that the enrolment was a success is told, protected, before the
 * conversation ends without one. */
static enum eap_server_state part(struct teap_server *c)
{
	c->phase = PARTING;
	if (teap_server_write_given(c) != OK)
		return teap_server_internal(c, "out of memory");
	teap_server_write_intermediate(c, TEAP_SUCCESS);
	if (!teap_server_write_binding(c))
		return teap_server_internal(c, "the crypto-binding could not be computed");
	return teap_server_send(c);
}

static enum eap_server_state admitted(struct teap_server *c, const struct eap_reply *reply)
{
	if (reply->accept)
		return teap_server_tell_success(c);
	diagnosis_set(&c->why, DIAG_PEER_DENIED);
	if (reply->why && reply->why->id != DIAG_NONE)
		c->why = *reply->why;
	if (teap_server_enrolled(c) && c->untold)
		return part(c);
	return teap_server_fail(c, c->errand.error ? c->errand.error : TEAP_ERROR_AUTHORIZATION);
}

/* Section 4.2.9.  To negotiate EAP is ours where nothing was asked for so far; else "it sends back
 * a Result TLV with the same code", of several the most fatal. */
static enum eap_server_state hear_actions(struct teap_server *c, const struct teap_message *m,
					  struct moment now)
{
	enum teap_status status = TEAP_SUCCESS;

	for (unsigned i = 0; i < m->action_count; i++) {
		bool negotiate = m->actions[i].action == TEAP_NEGOTIATE_EAP;

		if (negotiate && c->skips && !c->more && teap_server_next_identity(c)) {
			c->more = true;
			return teap_server_propose(c, now);
		}
		if (m->actions[i].status == TEAP_FAILURE)
			status = TEAP_FAILURE;
	}
	if (status == TEAP_SUCCESS)
		return teap_server_tell_success(c);
	diagnosis_set(&c->why, DIAG_INNER_ERROR);
	diagnosis_add(&c->why, "error", "it demands something that we do not do");
	return teap_server_fail(c, TEAP_ERROR_UNEXPECTED);
}

static enum eap_server_state hear_end(struct teap_server *c, const struct teap_message *m,
				      struct moment now)
{
	enum eap_server_state state;

	/* With an error of its own, it has not taken what it was given. */
	if (m->result == TEAP_SUCCESS)
		return m->error == TEAP_NO_ERROR && teap_server_confirms(c) ? METHOD_ASKS
									    : METHOD_SUCCEEDED;
	if (teap_server_demanded(c, m, now, &state))
		return state;
	if (m->action_count > 0)
		return hear_actions(c, m, now);
	return teap_server_unexpected(c, "no Result TLV where one is due");
}

static enum eap_server_state hear_failure(struct teap_server *c, const struct teap_message *m)
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
static enum teap_error hear_results(struct teap_server *c, const struct teap_message *m)
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

/* A peer that does not want to is let in as it is. */
static enum eap_server_state hear_renewal(struct teap_server *c, const struct teap_message *m,
					  struct moment now)
{
	enum eap_server_state state;

	return teap_server_demanded(c, m, now, &state) ? state : teap_server_skip(c);
}

static enum eap_server_state hear_parting(struct teap_server *c, const struct teap_message *m,
					  struct moment now)
{
	enum eap_server_state state;

	if (teap_server_demanded(c, m, now, &state))
		return state;
	return m->error == TEAP_NO_ERROR && teap_server_confirms(c)
		       ? METHOD_ASKS
		       : teap_server_fail(c, TEAP_ERROR_AUTHORIZATION);
}

static enum eap_server_state hear_talk(struct teap_server *c, const struct teap_message *m,
				       struct moment now)
{
	enum eap_server_state state;

	if (teap_server_demanded(c, m, now, &state))
		return state;
	if (m->result == TEAP_SUCCESS || m->action_count > 0)
		return teap_server_unexpected(c, "the peer wants to end before it was let in");
	if (!teap_server_change_identity(c, m, now))
		return teap_server_unexpected(c, "an identity that was not asked for");
	if (teap_has(m, TEAP_EAP_PAYLOAD))
		return teap_server_hear_eap(c, m, now);
	if (teap_has(m, TEAP_PASSWORD_RESPONSE))
		return teap_server_hear_password(c, m);
	if (teap_has(m, TEAP_NAK))
		return teap_server_hear_nak(c, m, now);
	if (m->error) {
		hear_failure(c, m);
		return teap_server_fail(c, TEAP_ERROR_INNER_METHOD);
	}
	diagnosis_set(&c->why, DIAG_INNER_NOTHING);
	diagnosis_add(&c->why, "method", "TEAP");
	return teap_server_fail(c, TEAP_ERROR_UNEXPECTED);
}

static enum eap_server_state hear(struct teap_server *c, const struct teap_message *m,
				  struct moment now)
{
	enum teap_error error;

	if (m->result == TEAP_FAILURE || m->error >= TEAP_ERROR_FATAL)
		return hear_failure(c, m);
	/* The peer has found its own method wanting. */
	if (m->intermediate == TEAP_FAILURE && c->told_intermediate == TEAP_SUCCESS) {
		hear_failure(c, m);
		return teap_server_fail(c, TEAP_ERROR_INNER_METHOD);
	}
	error = hear_results(c, m);
	if (error != TEAP_NO_ERROR)
		return teap_server_refuse(c, error, NULL);
	if (c->phase == PARTING)
		return hear_parting(c, m, now);
	if (c->phase == RENEWING)
		return hear_renewal(c, m, now);
	return c->phase == ENDING ? hear_end(c, m, now) : hear_talk(c, m, now);
}

/* "a NAK TLV MUST NOT be sent in response to a message containing a Result TLV".  The peer's
 * message counts for nothing, so what it has to answer stays as it is. */
static enum eap_server_state hear_unsupported(struct teap_server *c, const struct teap_message *m)
{
	if (m->result)
		return teap_server_unexpected(c, "a TLV that we do not know");
	teap_write_nak(&c->w, &m->unsupported);
	return teap_server_send(c);
}

static enum eap_server_state inside_process(void *self, struct slice data, struct moment now)
{
	struct teap_server *c = self;
	struct teap_message m;

	if (c->phase == FAILING)
		return METHOD_FAILED;
	if (c->phase == ADMITTING || c->errand.asked)
		return teap_server_internal(c, "a flight while a question waits");
	switch ((int)teap_message_read(data, TEAP_IN_RESPONSE, &m)) {
	case OK:
		return hear(c, &m, now);
	case UNSUPPORTED:
		return hear_unsupported(c, &m);
	case MALFORMED:
		return teap_server_unexpected(c, "what is no row of TLVs");
	default:
		return teap_server_unexpected(c, "TLVs that must not stand there");
	}
}

/* ---- what the tunnel calls ------------------------------------------------------------------ */

static bool outer_is_good(const struct teap_server *c)
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

enum eap_server_state teap_server_skip(struct teap_server *c)
{
	if (!tunnel_server_resumed(c->tunnel) &&
	    tunnel_server_proved(c->tunnel, slice_of(NULL, 0), "", NULL) != OK)
		return teap_server_internal(c, "out of memory");
	return teap_server_ask_admission(c);
}

static enum eap_server_state inside_begin(void *self, struct slice data, struct moment now)
{
	struct teap_server *c = self;
	bool certified = tunnel_server_claim(c->tunnel) != NULL;

	teap_server_clear(c);
	if (teap_keys_begin(&c->keys, tunnel_server_conn(c->tunnel)) != OK)
		return teap_server_internal(c, "the keys could not be derived");
	if (!outer_is_good(c))
		return teap_server_unexpected(c, "an Outer TLV that we must understand");
	if (!only_hints(data))
		return teap_server_unexpected(c, "the peer spoke first");
	c->skips =
		tunnel_server_resumed(c->tunnel) || (certified && c->context->certificate_suffices);
	if (!c->skips && teap_server_next_identity(c))
		return teap_server_propose(c, now);
	if (!c->skips) {
		diagnosis_set(&c->why, DIAG_INNER_NOTHING);
		diagnosis_add(&c->why, "method", "TEAP");
		return teap_server_fail(c, TEAP_ERROR_NO_CERTIFICATE);
	}
	return teap_server_renews(c, now) ? METHOD_ASKS : teap_server_skip(c);
}

static const struct eap_question *inside_question(const void *self)
{
	const struct teap_server *c = self;

	return c->question;
}

static enum eap_server_state inside_answer(void *self, const struct eap_reply *reply,
					   struct moment now)
{
	struct teap_server *c = self;
	enum eap_server_state state;
	struct slice request;

	if (c->errand.asked)
		return teap_server_hear_errand(c, reply, now);
	if (c->phase == ADMITTING)
		return admitted(c, reply);
	if (c->way == WAY_PASSWORD)
		return teap_server_hear_checked(c, reply, now);
	state = inner_server_answer(&teap_proof_of(c)->inner, reply, now, &request);
	return teap_server_talked(c, state, request, now);
}

static enum status inside_derive(void *self, struct eap_keys *keys)
{
	const struct teap_server *c = self;

	return teap_keys_derive(&c->keys, keys);
}

static const struct diagnosis *inside_diagnosis(const void *self)
{
	const struct teap_server *c = self;

	return &c->why;
}

static const char *inside_stage(const void *self)
{
	const struct teap_server *c = self;

	if (c->errand.asked)
		return "certificate";
	switch (c->phase) {
	case RENEWING:
		return "renewal";
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
