#include "method/teap_peer.h"

#include <stdlib.h>
#include <string.h>

#define ANSWER_MAX 40000 /* octets of TLVs in one answer */
#define INNER_MTU  32768 /* of an EAP packet inside: the tunnel fragments */

/* How the identity at hand is being proved. */
enum way { WAY_NONE, WAY_EAP, WAY_PASSWORD };

struct teap_peer {
	struct teap_peer_settings settings;
	struct bytes out; /* the answer at hand */

	/* one conversation */
	struct bytes outer_heard, outer_sent;
	bool begun, hints; /* hints: they are still to be told */
	struct teap_keys keys;
	enum way way;
	struct teap_peer_identity *at; /* while there is a way */
	bool done[TEAP_IDENTITIES_MAX];
	unsigned successes;
	bool resumed;
	bool bound;		    /* a Crypto-Binding has covered all that has succeeded */
	bool asked_more;	    /* by Request-Action */
	bool agreed;		    /* both have said success */
	char inner[32];		    /* what has succeeded, for the report */
	struct diagnosis inner_why; /* of the identity that failed last */
};

/* What one message brings. */
struct turn {
	struct teap_peer *peer;
	struct tunnel_peer *tunnel;
	const struct teap_message *m;
	struct moment now;
	struct wr w;
};

/* ---- life ---------------------------------------------------------------------------------- */

static void forget(struct teap_peer *peer)
{
	for (size_t i = 0; i < peer->settings.identity_count; i++) {
		if (peer->settings.identities[i].eap)
			inner_peer_stop(peer->settings.identities[i].eap);
	}
	bytes_done(&peer->outer_heard);
	bytes_done(&peer->outer_sent);
	teap_keys_done(&peer->keys);
	explicit_bzero(peer->out.p, peer->out.cap);
}

static void peer_start(void *self, struct moment now)
{
	struct teap_peer *peer = self;

	(void)now;
	forget(peer);
	peer->begun = peer->bound = peer->asked_more = peer->agreed = peer->resumed = false;
	peer->way = WAY_NONE;
	peer->at = NULL;
	memset(peer->done, 0, sizeof peer->done);
	peer->successes = 0;
	peer->inner[0] = '\0';
	diagnosis_set(&peer->inner_why, DIAG_NONE);
}

static void peer_stop(void *self)
{
	forget(self);
}

static void peer_free(void *self)
{
	struct teap_peer *peer = self;

	forget(peer);
	for (size_t i = 0; i < peer->settings.identity_count; i++)
		inner_peer_free(peer->settings.identities[i].eap);
	bytes_done(&peer->out);
	free(peer);
}

/* ---- answers ------------------------------------------------------------------------------- */

static enum tunnel_progress internal(const struct turn *t, const char *detail)
{
	diagnosis_say(tunnel_peer_why(t->tunnel), DIAG_INTERNAL, "%s", detail);
	return TUNNEL_FAILED;
}

/* Sends what was written; without anything an empty message. */
static enum tunnel_progress send_answer(const struct turn *t, enum tunnel_progress progress)
{
	struct slice out = wr_done(&t->w);
	enum status status = UNEXPECTED;

	if (wr_ok(&t->w))
		status = out.len > 0 ? tunnel_peer_send(t->tunnel, out) : OK;
	explicit_bzero(t->peer->out.p, t->peer->out.cap);
	return status == OK ? progress : internal(t, "an answer could not be sent");
}

static bool is_about_binding(enum teap_error code)
{
	return code == TEAP_ERROR_COMPROMISE || code >= TEAP_ERROR_BINDING;
}

/* What is written so far is taken back: a failure stands almost alone (section 4.2.4). */
static enum tunnel_progress fail(struct turn *t, enum teap_error code)
{
	t->w = wr_of(t->peer->out.p, t->peer->out.cap);
	if (t->m && t->m->intermediate)
		teap_write_status(&t->w, TEAP_INTERMEDIATE_RESULT, TEAP_FAILURE);
	if (code)
		teap_write_error(&t->w, code);
	teap_write_status(&t->w, TEAP_RESULT, TEAP_FAILURE);
	return send_answer(t, TUNNEL_FAILED);
}

static enum tunnel_progress refuse(struct turn *t, enum teap_error code, const char *detail)
{
	struct diagnosis *why = tunnel_peer_why(t->tunnel);

	if (is_about_binding(code)) {
		diagnosis_set(why, DIAG_TUNNEL_BINDING);
	} else {
		diagnosis_set(why, DIAG_MALFORMED);
		diagnosis_add(why, "what", "TEAP");
	}
	diagnosis_add(why, "detail", "%s", detail ? detail : teap_error_name(code));
	return fail(t, code);
}

static enum tunnel_progress unexpected(struct turn *t, const char *detail)
{
	return refuse(t, TEAP_ERROR_UNEXPECTED, detail);
}

/* ---- the tunnel is there ------------------------------------------------------------------- */

static bool peer_opened(void *self, struct tunnel_peer *tunnel, const struct tunnel_start *start)
{
	struct teap_peer *peer = self;
	struct diagnosis *why = tunnel_peer_why(tunnel);
	uint8_t outer[16];
	struct wr w = wr_of(outer, sizeof outer);
	struct teap_message m;

	if (teap_message_read(start->outer, TEAP_OUTER_REQUEST, &m) != OK) {
		diagnosis_set(why, DIAG_MALFORMED);
		diagnosis_add(why, "what", "TEAP");
		diagnosis_add(why, "detail", "an Outer TLV of type %u that we must understand",
			      m.unsupported.type);
		return false;
	}
	/* "A client certificate sent in Phase 1 MUST be accompanied by Identity-Type".  Outer TLVs
	 * are marked optional. */
	if (peer->settings.certificate != TEAP_ANYBODY)
		teap_write_outer_identity_type(&w, peer->settings.certificate);
	if (bytes_set(&peer->outer_heard, start->outer) != OK ||
	    bytes_set(&peer->outer_sent, wr_done(&w)) != OK ||
	    tunnel_peer_outer(tunnel, wr_done(&w)) != OK) {
		diagnosis_say(why, DIAG_INTERNAL, "out of memory");
		return false;
	}
	return true;
}

static bool begin(struct turn *t)
{
	struct teap_peer *peer = t->peer;

	if (peer->begun)
		return true;
	peer->begun = true;
	peer->resumed = tunnel_peer_resumed(t->tunnel);
	peer->hints = peer->settings.hints;
	return teap_keys_begin(&peer->keys, tunnel_peer_conn(t->tunnel)) == OK;
}

/* "at the beginning of the Phase 2", and not along with a Result TLV. */
static void write_hints(struct turn *t)
{
	struct teap_peer *peer = t->peer;

	for (size_t i = 0; peer->hints && i < peer->settings.identity_count; i++) {
		if (peer->settings.identities[i].name.len >= 2)
			teap_tlv_write(&t->w, TEAP_IDENTITY_HINT,
				       peer->settings.identities[i].name);
	}
	peer->hints = false;
}

static struct teap_outer outer_of(const struct teap_peer *peer)
{
	return (struct teap_outer){ bytes_slice(&peer->outer_heard),
				    bytes_slice(&peer->outer_sent) };
}

/* ---- Crypto-Binding and Intermediate-Result ------------------------------------------------ */

static bool satisfied(const struct teap_peer *peer)
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
static enum teap_error hear_binding(struct turn *t)
{
	struct teap_peer *peer = t->peer;
	const struct teap_message *m = t->m;
	const struct teap_outer outer = outer_of(peer);
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

static enum teap_error hear_intermediate(struct turn *t)
{
	struct teap_peer *peer = t->peer;
	enum teap_status status = t->m->intermediate;

	if (status == TEAP_NO_STATUS)
		return peer->way != WAY_NONE && t->m->result == TEAP_SUCCESS ? TEAP_ERROR_UNEXPECTED
									     : TEAP_NO_ERROR;
	/* Without a method it goes along with a Result TLV, or not at all. */
	if (peer->way == WAY_NONE)
		return t->m->result == status ? TEAP_NO_ERROR : TEAP_ERROR_UNEXPECTED;
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
static bool write_results(struct turn *t)
{
	const struct teap_outer outer = outer_of(t->peer);

	if (t->m->intermediate)
		teap_write_status(&t->w, TEAP_INTERMEDIATE_RESULT, t->m->intermediate);
	return !teap_has(t->m, TEAP_CRYPTO_BINDING) ||
	       teap_binding_response(&t->peer->keys, t->peer->settings.emsk, &outer, &t->m->binding,
				     &t->w) == OK;
}

/* ---- Result and Request-Action ------------------------------------------------------------- */

/* The server gives up, and says why or not. */
static enum tunnel_progress hear_failure(struct turn *t)
{
	struct diagnosis *why = tunnel_peer_why(t->tunnel);
	const char *name = teap_error_name(t->m->error);

	if (t->peer->way != WAY_NONE)
		note_failure(t->peer, t->now);
	*why = t->peer->inner_why;
	if (why->id == DIAG_NONE || t->m->error >= TEAP_ERROR_FATAL)
		diagnosis_set(why, DIAG_TUNNEL_ERROR);
	diagnosis_add(why, "error", "%s", name ? name : "no reason was told");
	if (t->m->error)
		diagnosis_add(why, "code", "%u", t->m->error);
	return fail(t, TEAP_NO_ERROR);
}

/* Section 3.6.6: "if its authentication policies are not satisfied ... it may request further
 * action". */
static enum tunnel_progress ask_more(struct turn *t)
{
	if (t->peer->asked_more) {
		diagnosis_set(tunnel_peer_why(t->tunnel), DIAG_INNER_SKIPPED);
		return fail(t, TEAP_ERROR_AUTHENTICATION);
	}
	t->peer->asked_more = true;
	teap_write_action(&t->w, TEAP_FAILURE, TEAP_NEGOTIATE_EAP, slice_of(NULL, 0));
	return send_answer(t, TUNNEL_GOES_ON);
}

static enum tunnel_progress hear_success(struct turn *t)
{
	if (!satisfied(t->peer))
		return ask_more(t);
	teap_write_status(&t->w, TEAP_RESULT, TEAP_SUCCESS);
	t->peer->agreed = true;
	return send_answer(t, TUNNEL_AGREED);
}

/* Section 4.2.9, of what we do not do: "a Result TLV with the same code in the Status field of the
 * Request-Action TLV", of several the most fatal.  It has to be another round of Result TLVs that
 * ends the conversation. */
static enum tunnel_progress decline_actions(struct turn *t)
{
	enum teap_status status =
		satisfied(t->peer) && t->peer->bound ? TEAP_SUCCESS : TEAP_FAILURE;

	for (unsigned i = 0; i < t->m->action_count; i++) {
		if (t->m->actions[i].status == TEAP_FAILURE)
			status = TEAP_FAILURE;
	}
	if (status == TEAP_FAILURE) {
		diagnosis_set(tunnel_peer_why(t->tunnel), DIAG_TUNNEL_ERROR);
		diagnosis_add(tunnel_peer_why(t->tunnel), "error",
			      "the server demands something that we do not do");
		return fail(t, TEAP_NO_ERROR);
	}
	teap_write_status(&t->w, TEAP_RESULT, TEAP_SUCCESS);
	return send_answer(t, TUNNEL_GOES_ON);
}

/* ---- identities ---------------------------------------------------------------------------- */

/* Section 4.2.3: the one that is asked for, else one that we have.  None has its turn twice. */
static struct teap_peer_identity *choose(struct teap_peer *peer, unsigned wanted)
{
	struct teap_peer_identity *other = NULL;

	for (size_t i = peer->settings.identity_count; i-- > 0;) {
		struct teap_peer_identity *identity = &peer->settings.identities[i];

		if (!peer->done[i] && (!other || other->type != wanted || identity->type == wanted))
			other = identity;
	}
	return other;
}

static void write_identity_type(struct turn *t)
{
	enum teap_identity own = t->peer->at->type;
	bool user = t->m->identity_type == TEAP_USER;

	if (!teap_has(t->m, TEAP_IDENTITY_TYPE))
		return;
	if (own == TEAP_ANYBODY)
		own = user || t->m->identity_type != TEAP_MACHINE ? TEAP_USER : TEAP_MACHINE;
	teap_write_identity_type(&t->w, own);
}

static enum tunnel_progress no_identity(struct turn *t)
{
	diagnosis_set(tunnel_peer_why(t->tunnel), DIAG_TUNNEL_ERROR);
	diagnosis_add(tunnel_peer_why(t->tunnel), "error",
		      "the server asks for one identity more than there is");
	return fail(t, TEAP_ERROR_NO_CREDENTIALS);
}

static enum tunnel_progress hear_eap(struct turn *t)
{
	struct teap_peer *peer = t->peer;
	struct slice answer;
	enum inner_outcome outcome;

	if (peer->way == WAY_PASSWORD)
		return unexpected(t, "EAP after a password");
	write_hints(t);
	if (peer->way == WAY_NONE) {
		peer->at = choose(peer, t->m->identity_type);
		if (!peer->at)
			return no_identity(t);
		peer->way = WAY_EAP;
		peer->bound = false;
		inner_peer_start(peer->at->eap, tunnel_peer_binding(t->tunnel), t->now);
		write_identity_type(t);
	}
	outcome = inner_peer_receive(peer->at->eap, t->m->eap, t->now, &answer);
	if (outcome == INNER_SUCCEEDED)
		return unexpected(t, "EAP-Success inside of EAP-Payload");
	if (answer.len == 0) {
		inner_peer_diagnose(peer->at->eap, tunnel_peer_why(t->tunnel));
		return fail(t, TEAP_ERROR_INNER_METHOD);
	}
	teap_tlv_write(&t->w, TEAP_EAP_PAYLOAD, answer);
	return send_answer(t, TUNNEL_GOES_ON);
}

/* "If it does not wish to perform password authentication, then it responds with a NAK TLV". */
static enum tunnel_progress decline_password(struct turn *t)
{
	const struct teap_unsupported request = { 0, TEAP_PASSWORD_REQUEST };

	teap_write_nak(&t->w, &request);
	return send_answer(t, TUNNEL_GOES_ON);
}

static enum tunnel_progress hear_password_request(struct turn *t)
{
	struct teap_peer *peer = t->peer;

	if (peer->way != WAY_NONE)
		return unexpected(t, "a request for a password in the middle");
	peer->at = choose(peer, t->m->identity_type);
	if (!peer->at)
		return no_identity(t);
	if (!peer->at->password || peer->at->password->len > UINT8_MAX)
		return decline_password(t);
	if (!tunnel_peer_trusted(t->tunnel)) {
		diagnosis_set(tunnel_peer_why(t->tunnel), DIAG_INNER_UNPROTECTED);
		diagnosis_add(tunnel_peer_why(t->tunnel), "inner", "Basic-Password-Auth");
		return fail(t, TEAP_ERROR_NOT_TRUSTED);
	}
	peer->way = WAY_PASSWORD;
	peer->bound = false;
	write_hints(t);
	write_identity_type(t);
	teap_write_password(&t->w, peer->at->name, secret_slice(peer->at->password));
	return send_answer(t, TUNNEL_GOES_ON);
}

/* ---- a message ----------------------------------------------------------------------------- */

/* Nothing in it that wants an answer of its own. */
static enum tunnel_progress hear_rest(struct turn *t)
{
	if (teap_has(t->m, TEAP_NAK))
		return unexpected(t, "the server does not know a TLV that TEAP is made of");
	if (t->m->action_count > 0)
		return decline_actions(t);
	if (t->m->error >= TEAP_ERROR_WARNING && t->m->intermediate == TEAP_NO_STATUS)
		return hear_failure(t);
	return send_answer(t, TUNNEL_GOES_ON);
}

/* In the order of section 4.3. */
static enum tunnel_progress hear(struct turn *t)
{
	const struct teap_message *m = t->m;
	enum teap_error error;

	if (m->result == TEAP_FAILURE || m->error >= TEAP_ERROR_FATAL)
		return hear_failure(t);
	error = hear_binding(t);
	if (error == TEAP_NO_ERROR)
		error = hear_intermediate(t);
	if (error == TEAP_ERROR_INNER_METHOD)
		return refuse(t, error, "a method inside that has not come to its end");
	if (error != TEAP_NO_ERROR)
		return refuse(t, error, NULL);
	if (!write_results(t))
		return internal(t, "the crypto-binding could not be computed");
	if (m->result == TEAP_SUCCESS)
		return hear_success(t);
	if (teap_has(m, TEAP_EAP_PAYLOAD))
		return hear_eap(t);
	if (teap_has(m, TEAP_PASSWORD_REQUEST))
		return hear_password_request(t);
	return hear_rest(t);
}

/* "a NAK TLV MUST NOT be sent in response to a message containing a Result TLV" */
static enum tunnel_progress hear_unsupported(struct turn *t)
{
	if (t->m->result)
		return unexpected(t, "a TLV that we do not know");
	teap_write_nak(&t->w, &t->m->unsupported);
	return send_answer(t, TUNNEL_GOES_ON);
}

static enum tunnel_progress peer_advance(void *self, struct tunnel_peer *tunnel, struct slice data,
					 struct moment now)
{
	struct teap_peer *peer = self;
	struct teap_message m;
	struct turn t = {
		.peer = peer, .tunnel = tunnel, .now = now, .w = wr_of(peer->out.p, peer->out.cap)
	};

	if (!begin(&t))
		return internal(&t, "the keys could not be derived");
	peer->agreed = false;
	if (data.len == 0) {
		write_hints(&t);
		return send_answer(&t, TUNNEL_GOES_ON);
	}
	t.m = &m;
	switch ((int)teap_message_read(data, TEAP_IN_REQUEST, &m)) {
	case OK:
		return hear(&t);
	case UNSUPPORTED:
		return hear_unsupported(&t);
	case MALFORMED:
		t.m = NULL;
		return unexpected(&t, "what is no row of TLVs");
	default:
		return unexpected(&t, "TLVs that must not stand there");
	}
}

/* ---- what is told -------------------------------------------------------------------------- */

static enum status peer_keys(void *self, struct tunnel_peer *tunnel, struct eap_keys *keys)
{
	struct teap_peer *peer = self;

	(void)tunnel;
	return teap_keys_derive(&peer->keys, keys);
}

static void peer_refusal(const void *self, struct diagnosis *why)
{
	const struct teap_peer *peer = self;

	*why = peer->inner_why;
	if (peer->way == WAY_EAP)
		inner_peer_refusal(peer->at->eap, why);
	else if (peer->way == WAY_PASSWORD)
		inner_refused(why, peer->at->name, "Basic-Password-Auth", "no reason was told");
}

static void peer_report(const void *self, struct eap_report *report)
{
	const struct teap_peer *peer = self;

	snprintf(report->inner, sizeof report->inner, "%s", peer->inner);
}

static const char *peer_stage(const void *self)
{
	const struct teap_peer *peer = self;

	if (peer->way == WAY_EAP)
		return inner_peer_stage(peer->at->eap);
	if (peer->way == WAY_PASSWORD)
		return "password";
	return peer->agreed ? "result" : "inside of the tunnel";
}

static const struct tunnel_peer_inside inside = {
	.name = "TEAP",
	.type = EAP_TYPE_TEAP,
	.version_least = TEAP_VERSION,
	.version_most = TEAP_VERSION,
	.outer = true,
	.results = true,
	.start = peer_start,
	.opened = peer_opened,
	.advance = peer_advance,
	.keys = peer_keys,
	.refusal = peer_refusal,
	.report = peer_report,
	.stage = peer_stage,
	.stop = peer_stop,
	.free = peer_free,
};

const struct eap_peer_method teap_peer_method = TUNNEL_PEER_METHOD("TEAP", EAP_TYPE_TEAP);

/* Who asks for EAP of an identity that has none is told so by EAP itself. */
static enum status complete(struct teap_peer_identity *identity)
{
	const struct inner_peer_settings none = { .identity = identity->name };

	return identity->eap ? OK : inner_peer_new(&none, &identity->eap);
}

enum status teap_peer_new(struct tls_config *config, const struct teap_peer_settings *settings,
			  struct tunnel_peer **ret_peer)
{
	struct teap_peer *peer = calloc(1, sizeof *peer);
	enum status status = OK;

	if (!peer) {
		for (size_t i = 0; i < settings->identity_count; i++)
			inner_peer_free(settings->identities[i].eap);
		return NO_MEMORY;
	}
	peer->settings = *settings;
	for (size_t i = 0; i < settings->identity_count && status == OK; i++)
		status = complete(&peer->settings.identities[i]);
	if (status == OK)
		status = bytes_reserve(&peer->out, ANSWER_MAX);
	if (status == OK)
		status = tunnel_peer_new(config, &settings->options, &inside, peer, ret_peer);
	if (status != OK)
		peer_free(peer);
	return status;
}
