#include <string.h>

#include "base/random.h"
#include "method/cprom_server_parts.h"
#include "tls/cert.h"
#include "tls/claim.h"

#define SECRET_LEAST 16 /* octets, where policy says nothing */

void cprom_server_round_done(struct cprom_server *s)
{
	if (s->round)
		s->protocol->free(s->round);
	s->round = NULL;
}

static struct cprom_task *task(struct cprom_server *s)
{
	return &s->tasks[s->task];
}

static enum eap_server_state fail(struct cprom_server *s, enum enrol_error error, const char *what)
{
	cprom_server_fail(s, error, "%s", what);
	return cprom_server_give_error(s);
}

/* ---- a round begins ------------------------------------------------------------------ */

static struct enrol_params params_for(const struct cprom_server_policy *policy,
				      enum enrol_credential type)
{
	struct enrol_params params = policy->x509;

	if (type == ENROL_X509) {
		if (!(params.flags & (ENROL_SERVER_GENERATES | ENROL_PEER_GENERATES)))
			params.flags |= ENROL_PEER_GENERATES;
		return params;
	}
	params = type == ENROL_PASSWORD ? policy->password : policy->symmetric;
	if (!(params.flags & (ENROL_SERVER_GENERATES | ENROL_PEER_GENERATES)))
		params.flags |= ENROL_SERVER_GENERATES | ENROL_PEER_GENERATES;
	if (!params.least)
		params.least = SECRET_LEAST;
	return params;
}

/* The certificate that the peer has proved to hold, as far as its octets are known. */
static enum status take_proved(struct cprom_server *s)
{
	const struct tls_claim *claim = s->tunnel->claim;

	bytes_clear(&s->proved);
	if (claim && claim->certificate.len > 0)
		return bytes_set(&s->proved, claim->certificate);
	if (s->registered.len > 0)
		return bytes_set(&s->proved, bytes_slice(&s->registered));
	return s->token_cert ? cert_append_der(&s->proved, s->token_cert, SIZE_MAX) : OK;
}

static enum status fill_job(struct cprom_server *s)
{
	struct cprom_task *t = task(s);

	if (take_proved(s) != OK)
		return NO_MEMORY;
	s->job = (struct enrol_server_job){
		.action = t->action,
		.type = t->type,
		.authority = s->context->authority,
		.grant = s->grant,
		.params = params_for(s->context->policy, t->type),
		.binding = slice_of(s->tunnel->exported, EAP_TUNNEL_BINDING_SIZE),
		.proved = bytes_slice(&s->proved),
		.credential_id = t->info.id,
	};
	if (s->grant.by == ENROL_BY_TOKEN) {
		s->job.reference = s->token.data;
		s->job.secret = secret_slice(&s->token_secret);
	}
	return OK;
}

static void write_output(struct wr *w, const struct enrol_output *out)
{
	if (out->headers.len > 0)
		cprom_tlv_put(w, CPROM_PROVISIONING_HEADERS, bytes_slice(&out->headers));
	if (out->data.len > 0)
		cprom_tlv_put(w, CPROM_PROVISIONING_DATA, bytes_slice(&out->data));
}

/* What is registered has no id yet, and needs none to be a certificate.  Else it has to be told
 * what it is: the id is then one zero octet. */
static void write_target(struct wr *w, const struct cprom_task *t)
{
	static const uint8_t nobody = 0;
	struct cprom_info info = t->info;

	if (info.id.len == 0 && t->type == ENROL_X509)
		return;
	if (info.id.len == 0)
		info.id = slice_of(&nobody, 1);
	info.flags = 0;
	cprom_info_build(w, &info);
}

static enum eap_server_state send(struct cprom_server *s, const struct wr *w,
				  enum cprom_phase phase, uint8_t flags)
{
	if (phase != s->phase)
		flags |= CPROM_START;
	s->phase = phase;
	if (wr_done(w).len > cprom_server_ceiling(s))
		return fail(s, ENROL_ERROR_LIMIT, "our message is too long");
	if (cprom_link_close(&s->link, w, phase, flags) != OK)
		return fail(s, ENROL_ERROR_INTERNAL, "no memory");
	return METHOD_GOES_ON;
}

static enum eap_server_state begin_round(struct cprom_server *s)
{
	AUTO_VALUE(enrol_output) out = { 0 };
	struct cprom_task *t = task(s);
	struct cprom_protocol protocol;
	struct cprom_action action = { .action = (uint8_t)t->action };
	struct wr w;

	s->protocol = cprom_server_protocol(s, t);
	s->messages = 0;
	if (fill_job(s) != OK || s->protocol->init(&s->job, &out, &s->round) != OK)
		return fail(s, ENROL_ERROR_INTERNAL, "the round could not begin");
	protocol = (struct cprom_protocol){ .id = (uint16_t)s->protocol->id };
	w = cprom_link_open(&s->link, out.headers.len + out.data.len + 1024);
	cprom_protocol_build(&w, &protocol);
	cprom_action_build(&w, &action);
	write_target(&w, t);
	if (t->action != ENROL_REMOVE)
		cprom_params_build(&w, &s->job.params);
	if (s->grant.profile[0] && t->action != ENROL_REMOVE)
		cprom_tlv_put(&w, CPROM_PROFILE, slice_str(s->grant.profile));
	write_output(&w, &out);
	s->stand = CPROM_WORKING;
	return send(s, &w, CPROM_PROVISIONING, 0);
}

/* ---- a round ends -------------------------------------------------------------------- */

static enum status record_secret(struct cprom_given *given, struct cprom_deed *deed,
				 const struct enrol_result *result)
{
	struct slice secret = result->password.len > 0 ? result->password : result->secret;

	if (result->username.len == 0 || result->username.len > sizeof given->id)
		return MALFORMED;
	memcpy(given->id, result->username.p, result->username.len);
	given->id_len = result->username.len;
	printable(result->username, deed->id, sizeof deed->id);
	return secret_set(&given->secret, secret);
}

static enum status record_certificate(struct cprom_given *given, struct cprom_deed *deed,
				      const struct enrol_result *result)
{
	enum status status;

	bytes_clear(&given->certificate);
	status = cert_append_der(&given->certificate, result->cert, SIZE_MAX);
	given->key = X509_get_pubkey(result->cert);
	given->id_len = PROOF_HASH_SIZE;
	cert_fingerprint(result->cert, deed->fingerprint, sizeof deed->fingerprint);
	if (status == OK)
		status = proof_certificate_id(result->cert, given->id);
	return given->key ? status : NO_MEMORY;
}

static enum status record_deed(struct cprom_server *s, const struct enrol_result *result)
{
	struct cprom_deed *deed = &s->deeds[s->deed_count];
	struct cprom_given *given = &s->given[s->deed_count];
	struct cprom_task *t = task(s);

	*deed = (struct cprom_deed){ .action = t->action,
				     .type = t->type,
				     .protocol = s->protocol->name };
	s->deed_count++;
	if (t->action == ENROL_REMOVE) {
		memcpy(given->id, t->info.id.p, t->info.id.len);
		given->id_len = t->info.id.len;
		if (t->type == ENROL_X509)
			cert_hex(t->info.id, deed->fingerprint, sizeof deed->fingerprint);
		else
			printable(t->info.id, deed->id, sizeof deed->id);
		return OK;
	}
	if (t->type == ENROL_X509)
		return result->cert ? record_certificate(given, deed, result) : MALFORMED;
	return record_secret(given, deed, result);
}

static void write_info(struct cprom_server *s, struct wr *w, const struct enrol_result *result)
{
	struct cprom_given *given = &s->given[s->deed_count - 1];
	struct cprom_info info = { .flags = CPROM_READY,
				   .type = (uint8_t)task(s)->type,
				   .protocol = (uint16_t)s->protocol->id,
				   .length = (uint32_t)given->secret.len,
				   .id = slice_of(given->id, given->id_len) };

	if (result && result->cert) {
		info.issued = cert_time(X509_get0_notBefore(result->cert));
		info.expires = cert_time(X509_get0_notAfter(result->cert));
		info.length = ((uint32_t)EVP_PKEY_get_bits(given->key) + 7) / 8;
	}
	cprom_info_build(w, &info);
}

static enum eap_server_state end_round(struct cprom_server *s, const struct enrol_output *out)
{
	struct enrol_result result = { 0 };
	struct wr w;

	if (task(s)->action != ENROL_REMOVE)
		s->protocol->result(s->round, &result);
	if (record_deed(s, &result) != OK)
		return fail(s, ENROL_ERROR_INTERNAL, "a round that gave nothing");
	w = cprom_link_open(&s->link, out->headers.len + out->data.len + 512);
	write_info(s, &w, &result);
	write_output(&w, out);
	s->stand = CPROM_ENDING;
	return send(s, &w, CPROM_PROVISIONING, CPROM_LAST);
}

static enum eap_server_state round_failed(struct cprom_server *s)
{
	const struct diagnosis *why = s->protocol->diagnosis(s->round);

	s->fault = *s->protocol->fault(s->round);
	if (s->fault.error == ENROL_ERROR_NONE)
		enrol_fault_set(&s->fault, ENROL_ERROR_INTERNAL, "%s failed", s->protocol->name);
	if (why)
		s->why = *why;
	return cprom_server_give_error(s);
}

static enum eap_server_state follow(struct cprom_server *s, enum enrol_state state,
				    const struct enrol_output *out)
{
	struct wr w;

	switch (state) {
	case ENROL_GOES_ON:
		w = cprom_link_open(&s->link, out->headers.len + out->data.len + 16);
		write_output(&w, out);
		return send(s, &w, CPROM_PROVISIONING, 0);
	case ENROL_ASKS:
		return cprom_server_ask_question(s, s->protocol->question(s->round));
	case ENROL_DONE:
		return end_round(s, out);
	case ENROL_FAILED:
		return round_failed(s);
	case ENROL_GOT:
		break;
	}
	return fail(s, ENROL_ERROR_INTERNAL, "a protocol lost its way");
}

static enum eap_server_state confirm(struct cprom_server *s, size_t nth)
{
	struct cprom_deed *deed = &s->deeds[nth];

	deed->confirmed = true;
	s->question = (struct enrol_question){
		.kind = ENROL_ASKS_CONFIRM,
		.action = deed->action,
		.type = deed->type,
		.by = s->grant.by,
		.grant = &s->grant,
		.certificate = bytes_slice(&s->given[nth].certificate),
		.username = slice_str(deed->id),
	};
	s->stand = CPROM_CONFIRMING;
	return cprom_server_ask_question(s, &s->question);
}

static bool validates(const struct cprom_server *s)
{
	return s->context->policy->validate || s->grant.validate;
}

/* The peer's D: it has stored what it was given. */
static enum eap_server_state hear_end(struct cprom_server *s, struct slice message, bool last)
{
	size_t nth = s->deed_count - 1;

	if (!last || message.len > 0)
		return fail(s, ENROL_ERROR_UNEXPECTED, "something else than the end of the round");
	cprom_server_round_done(s);
	s->task++;
	if (s->deeds[nth].action == ENROL_REMOVE) {
		s->deeds[nth].confirmed = true;
		return cprom_server_next(s);
	}
	return validates(s) ? cprom_server_next(s) : confirm(s, nth);
}

enum eap_server_state cprom_server_hear_round(struct cprom_server *s, struct slice message,
					      bool last, struct moment now)
{
	AUTO_VALUE(enrol_output) out = { 0 };
	struct enrol_message in = { cprom_tlv_find(message, CPROM_PROVISIONING_HEADERS),
				    cprom_tlv_find(message, CPROM_PROVISIONING_DATA) };

	if (cprom_check(CPROM_PEER_ROUND, message, &s->fault) != OK)
		return cprom_server_give_error(s);
	if (s->stand == CPROM_ENDING)
		return hear_end(s, message, last);
	if (last)
		return fail(s, ENROL_ERROR_UNEXPECTED, "the machine ended a round that goes on");
	if (++s->messages > ENROL_ROUNDS_MAX)
		return fail(s, ENROL_ERROR_LIMIT, "more messages than a round may have");
	return follow(s, s->protocol->process(s->round, &in, &out, now), &out);
}

enum eap_server_state cprom_server_answer_round(struct cprom_server *s,
						const struct enrol_reply *reply, struct moment now)
{
	AUTO_VALUE(enrol_output) out = { 0 };

	return follow(s, s->protocol->answer(s->round, reply, &out, now), &out);
}

/* ---- phase three --------------------------------------------------------------------- */

static enum proof_type challenge_type(const struct cprom_server *s, enum enrol_credential type)
{
	bool bare = s->context->policy->bare_challenges;

	if (type == ENROL_X509)
		return bare ? PROOF_BARE_SIGNATURE : PROOF_SIGNATURE;
	return bare ? PROOF_BARE_HASH : PROOF_HMAC;
}

static enum eap_server_state challenge(struct cprom_server *s)
{
	const struct cprom_given *given = &s->given[s->validated];
	enum enrol_credential type = s->deeds[s->validated].type;
	struct cprom_info info = { .type = (uint8_t)type,
				   .id = slice_of(given->id, given->id_len) };
	struct cprom_challenge challenge = { .type = (uint8_t)challenge_type(s, type),
					     .data = slice_of(s->challenge, sizeof s->challenge) };
	struct wr w;

	if (random_bytes(s->challenge, sizeof s->challenge) != OK)
		return fail(s, ENROL_ERROR_INTERNAL, "no random bytes");
	w = cprom_link_open(&s->link, 512);
	cprom_info_build(&w, &info);
	cprom_challenge_build(&w, &challenge);
	s->stand = CPROM_CHALLENGING;
	return send(s, &w, CPROM_VALIDATION, 0);
}

static enum status check_response(struct cprom_server *s, struct slice proof)
{
	const struct cprom_given *given = &s->given[s->validated];
	enum enrol_credential type = s->deeds[s->validated].type;
	struct proof_about about = { slice_of(s->tunnel->exported, EAP_TUNNEL_BINDING_SIZE),
				     slice_of(s->challenge, sizeof s->challenge),
				     slice_of(given->id, given->id_len) };

	return type == ENROL_X509 ? proof_verify(challenge_type(s, type), &about, given->key, proof)
				  : proof_mac_check(challenge_type(s, type), &about,
						    secret_slice(&given->secret), proof);
}

enum eap_server_state cprom_server_hear_validation(struct cprom_server *s, struct slice message)
{
	if (cprom_check(CPROM_PEER_VALIDATE, message, &s->fault) != OK)
		return cprom_server_give_error(s);
	if (check_response(s, cprom_tlv_find(message, CPROM_CHALLENGE_RESPONSE)) != OK)
		return fail(s, ENROL_ERROR_VALIDATION, "the proof of the new credential is wrong");
	s->given[s->validated].validated = true;
	return confirm(s, s->validated++);
}

/* The peer may use it now, whatever the tunnel says afterwards. */
static enum eap_server_state close_phase(struct cprom_server *s)
{
	struct wr w = cprom_link_open(&s->link, CPROM_SERVER_DEEDS_MAX * 320);

	for (size_t i = 0; i < s->deed_count; i++) {
		struct cprom_info info = { .type = (uint8_t)s->deeds[i].type,
					   .id = slice_of(s->given[i].id, s->given[i].id_len) };

		if (s->given[i].validated)
			cprom_info_build(&w, &info);
	}
	s->told = true;
	s->stand = CPROM_CLOSING;
	return send(s, &w, CPROM_VALIDATION, CPROM_LAST);
}

enum eap_server_state cprom_server_hear_close(struct cprom_server *s, struct slice message,
					      bool last)
{
	if (!last || message.len > 0)
		return fail(s, ENROL_ERROR_UNEXPECTED,
			    "something else than the end of the validation");
	return cprom_server_next(s);
}

/* ---- what is next -------------------------------------------------------------------- */

enum eap_server_state cprom_server_next(struct cprom_server *s)
{
	if (s->task < s->task_count)
		return begin_round(s);
	while (s->validated < s->deed_count && s->deeds[s->validated].confirmed)
		s->validated++;
	if (s->validated < s->deed_count)
		return challenge(s);
	if (s->phase == CPROM_VALIDATION && !s->told)
		return close_phase(s);
	s->stand = CPROM_SUCCEEDED;
	return METHOD_SUCCEEDED;
}
