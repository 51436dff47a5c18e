#include "method/teap_peer_parts.h"

#include <stdlib.h>
#include <string.h>

/* ---- life ---------------------------------------------------------------------------------- */

static void forget(struct teap_peer *peer)
{
	for (size_t i = 0; i < peer->settings.identity_count; i++) {
		if (peer->settings.identities[i].eap)
			inner_peer_stop(peer->settings.identities[i].eap);
	}
	bytes_done(&peer->outer_heard);
	bytes_done(&peer->outer_sent);
	teap_peer_errand_done(peer);
	teap_keys_done(&peer->keys);
	if (peer->out.p)
		explicit_bzero(peer->out.p, peer->out.cap);
}

static void peer_start(void *self, struct moment now)
{
	struct teap_peer *peer = self;

	(void)now;
	forget(peer);
	peer->begun = peer->bound = peer->asked_more = peer->agreed = peer->resumed = false;
	peer->wished = false;
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
	cprom_peer_method.free(peer->settings.provision);
	bytes_done(&peer->out);
	free(peer);
}

/* ---- answers ------------------------------------------------------------------------------- */

enum tunnel_progress teap_peer_internal(const struct teap_turn *t, const char *detail)
{
	diagnosis_say(tunnel_peer_why(t->tunnel), DIAG_INTERNAL, "%s", detail);
	return TUNNEL_FAILED;
}

/* Sends what was written; without anything an empty message. */
enum tunnel_progress teap_peer_send(const struct teap_turn *t, enum tunnel_progress progress)
{
	struct slice out = wr_done(&t->w);
	enum status status = UNEXPECTED;

	if (wr_ok(&t->w))
		status = out.len > 0 ? tunnel_peer_send(t->tunnel, out) : OK;
	if (t->peer->out.p)
		explicit_bzero(t->peer->out.p, t->peer->out.cap);
	return status == OK ? progress : teap_peer_internal(t, "an answer could not be sent");
}

static bool is_about_binding(enum teap_error code)
{
	return code == TEAP_ERROR_COMPROMISE || code >= TEAP_ERROR_BINDING;
}

/* What is written so far is taken back: a failure stands almost alone (section 4.2.4). */
enum tunnel_progress teap_peer_fail(struct teap_turn *t, enum teap_error code)
{
	t->w = wr_of(t->peer->out.p, t->peer->out.cap);
	if (t->m && t->m->intermediate)
		teap_write_status(&t->w, TEAP_INTERMEDIATE_RESULT, TEAP_FAILURE);
	if (code)
		teap_write_error(&t->w, code);
	teap_write_status(&t->w, TEAP_RESULT, TEAP_FAILURE);
	return teap_peer_send(t, TUNNEL_FAILED);
}

enum tunnel_progress teap_peer_refuse(struct teap_turn *t, enum teap_error code, const char *detail)
{
	struct diagnosis *why = tunnel_peer_why(t->tunnel);

	if (is_about_binding(code)) {
		diagnosis_set(why, DIAG_TUNNEL_BINDING);
	} else {
		diagnosis_set(why, DIAG_MALFORMED);
		diagnosis_add(why, "what", "TEAP");
	}
	diagnosis_add(why, "detail", "%s", detail ? detail : teap_error_name(code));
	return teap_peer_fail(t, code);
}

enum tunnel_progress teap_peer_unexpected(struct teap_turn *t, const char *detail)
{
	return teap_peer_refuse(t, TEAP_ERROR_UNEXPECTED, detail);
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

static bool begin(struct teap_turn *t)
{
	struct teap_peer *peer = t->peer;

	if (peer->begun)
		return true;
	peer->begun = true;
	peer->resumed = tunnel_peer_resumed(t->tunnel);
	peer->hints = peer->settings.hints;
	teap_peer_errand_begin(t);
	return teap_keys_begin(&peer->keys, tunnel_peer_conn(t->tunnel)) == OK;
}

/* "at the beginning of the Phase 2", and not along with a Result TLV. */
static void write_hints(struct teap_turn *t)
{
	struct teap_peer *peer = t->peer;

	for (size_t i = 0; peer->hints && i < peer->settings.identity_count; i++) {
		if (peer->settings.identities[i].name.len >= 2)
			teap_tlv_write(&t->w, TEAP_IDENTITY_HINT,
				       peer->settings.identities[i].name);
	}
	peer->hints = false;
}

struct teap_outer teap_peer_outer_of(const struct teap_peer *peer)
{
	return (struct teap_outer){ bytes_slice(&peer->outer_heard),
				    bytes_slice(&peer->outer_sent) };
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

static void write_identity_type(struct teap_turn *t)
{
	enum teap_identity own = t->peer->at->type;
	bool user = t->m->identity_type == TEAP_USER;

	if (!teap_has(t->m, TEAP_IDENTITY_TYPE))
		return;
	if (own == TEAP_ANYBODY)
		own = user || t->m->identity_type != TEAP_MACHINE ? TEAP_USER : TEAP_MACHINE;
	teap_write_identity_type(&t->w, own);
}

static enum tunnel_progress no_identity(struct teap_turn *t)
{
	enum tunnel_progress progress;

	if (teap_peer_shows_certificate(t, &progress))
		return progress;
	diagnosis_set(tunnel_peer_why(t->tunnel), DIAG_TUNNEL_ERROR);
	diagnosis_add(tunnel_peer_why(t->tunnel), "error",
		      "the server asks for one identity more than there is");
	return teap_peer_fail(t, TEAP_ERROR_NO_CREDENTIALS);
}

static enum tunnel_progress hear_eap(struct teap_turn *t)
{
	struct teap_peer *peer = t->peer;
	struct slice answer;
	enum inner_outcome outcome;

	if (peer->way == WAY_PASSWORD)
		return teap_peer_unexpected(t, "EAP after a password");
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
		return teap_peer_unexpected(t, "EAP-Success inside of EAP-Payload");
	if (answer.len == 0) {
		inner_peer_diagnose(peer->at->eap, tunnel_peer_why(t->tunnel));
		return teap_peer_fail(t, TEAP_ERROR_INNER_METHOD);
	}
	teap_tlv_write(&t->w, TEAP_EAP_PAYLOAD, answer);
	return teap_peer_send(t, TUNNEL_GOES_ON);
}

/* "If it does not wish to perform password authentication, then it responds with a NAK TLV". */
static enum tunnel_progress decline_password(struct teap_turn *t)
{
	const struct teap_unsupported request = { 0, TEAP_PASSWORD_REQUEST };

	teap_write_nak(&t->w, &request);
	return teap_peer_send(t, TUNNEL_GOES_ON);
}

static enum tunnel_progress hear_password_request(struct teap_turn *t)
{
	struct teap_peer *peer = t->peer;

	if (peer->way != WAY_NONE)
		return teap_peer_unexpected(t, "a request for a password in the middle");
	peer->at = choose(peer, t->m->identity_type);
	if (!peer->at)
		return no_identity(t);
	if (!peer->at->password || peer->at->password->len > UINT8_MAX)
		return decline_password(t);
	if (!tunnel_peer_trusted(t->tunnel)) {
		diagnosis_set(tunnel_peer_why(t->tunnel), DIAG_INNER_UNPROTECTED);
		diagnosis_add(tunnel_peer_why(t->tunnel), "inner", "Basic-Password-Auth");
		return teap_peer_fail(t, TEAP_ERROR_NOT_TRUSTED);
	}
	peer->way = WAY_PASSWORD;
	peer->bound = false;
	write_hints(t);
	write_identity_type(t);
	teap_write_password(&t->w, peer->at->name, secret_slice(peer->at->password));
	return teap_peer_send(t, TUNNEL_GOES_ON);
}

/* ---- a message ----------------------------------------------------------------------------- */

/* Nothing in it that wants an answer of its own. */
static enum tunnel_progress hear_rest(struct teap_turn *t)
{
	if (teap_has(t->m, TEAP_NAK))
		return teap_peer_unexpected(t,
					    "the server does not know a TLV that TEAP is made of");
	if (t->m->action_count > 0)
		return teap_peer_decline_actions(t);
	if (t->m->error >= TEAP_ERROR_WARNING && t->m->intermediate == TEAP_NO_STATUS)
		return teap_peer_hear_failure(t);
	return teap_peer_send(t, TUNNEL_GOES_ON);
}

/* In the order of section 4.3. */
static enum tunnel_progress hear(struct teap_turn *t)
{
	const struct teap_message *m = t->m;
	enum tunnel_progress progress;
	enum teap_error error;

	if (m->result == TEAP_FAILURE || m->error >= TEAP_ERROR_FATAL)
		return teap_peer_hear_failure(t);
	error = teap_peer_hear_binding(t);
	if (error == TEAP_NO_ERROR)
		error = teap_peer_hear_intermediate(t);
	if (error == TEAP_ERROR_INNER_METHOD)
		return teap_peer_refuse(t, error, "a method inside that has not come to its end");
	if (error != TEAP_NO_ERROR)
		return teap_peer_refuse(t, error, NULL);
	if (!teap_peer_write_results(t))
		return teap_peer_internal(t, "the crypto-binding could not be computed");
	if (teap_peer_errand(t, &progress))
		return progress;
	if (m->result == TEAP_SUCCESS)
		return teap_peer_hear_success(t);
	if (teap_has(m, TEAP_EAP_PAYLOAD))
		return hear_eap(t);
	if (teap_has(m, TEAP_PASSWORD_REQUEST))
		return hear_password_request(t);
	return hear_rest(t);
}

/* "a NAK TLV MUST NOT be sent in response to a message containing a Result TLV" */
static enum tunnel_progress hear_unsupported(struct teap_turn *t)
{
	if (t->m->result)
		return teap_peer_unexpected(t, "a TLV that we do not know");
	teap_write_nak(&t->w, &t->m->unsupported);
	return teap_peer_send(t, TUNNEL_GOES_ON);
}

static enum tunnel_progress peer_advance(void *self, struct tunnel_peer *tunnel, struct slice data,
					 struct moment now)
{
	struct teap_peer *peer = self;
	struct teap_message m;
	struct teap_turn t = {
		.peer = peer, .tunnel = tunnel, .now = now, .w = wr_of(peer->out.p, peer->out.cap)
	};

	if (!begin(&t))
		return teap_peer_internal(&t, "the keys could not be derived");
	peer->agreed = false;
	if (data.len == 0) {
		write_hints(&t);
		return teap_peer_send(&t, TUNNEL_GOES_ON);
	}
	t.m = &m;
	switch ((int)teap_message_read(data, TEAP_IN_REQUEST, &m)) {
	case OK:
		return hear(&t);
	case UNSUPPORTED:
		return hear_unsupported(&t);
	case MALFORMED:
		t.m = NULL;
		return teap_peer_unexpected(&t, "what is no row of TLVs");
	default:
		return teap_peer_unexpected(&t, "TLVs that must not stand there");
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
	report->renewal_wished = peer->wished;
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
	.succeeded = teap_peer_errand_succeeded,
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
		cprom_peer_method.free(settings->provision);
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
