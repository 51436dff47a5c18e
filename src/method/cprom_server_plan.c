#include "method/cprom_server_parts.h"
#include "tls/claim.h"

/* ---- the peer's Init ----------------------------------------------------------------- */

static enum status check_version(struct cprom_server *s, struct slice init)
{
	struct slice value = cprom_tlv_find(init, CPROM_VERSION);

	if (value.len > 0 && value.p[0] > 1)
		return cprom_server_fail(s, ENROL_ERROR_VERSION,
					 "the machine picked version %u, which was not offered",
					 value.p[0]);
	return OK;
}

static bool offers(const struct cprom_server *s, enum enrol_protocol id)
{
	struct cprom_protocol protocol;
	struct slice value;
	size_t at = 0;

	while (cprom_tlv_each(bytes_slice(&s->init), CPROM_PROTOCOL, &at, &value)) {
		if (cprom_protocol_parse(value, &protocol) == OK && protocol.version == 0 &&
		    protocol.id == id)
			return true;
	}
	return false;
}

static enum status check_protocols(struct cprom_server *s)
{
	const struct cprom_server_policy *policy = s->context->policy;

	for (size_t i = 0; i < policy->protocol_count; i++) {
		if (offers(s, policy->protocols[i]->id))
			return OK;
	}
	return cprom_server_fail(s, ENROL_ERROR_NO_PROTOCOL,
				 "the machine offers none of our protocols");
}

/* A list that leaves out what all our messages are made of. */
static enum status check_encodings(struct cprom_server *s, struct slice init)
{
	struct slice value;
	size_t at = 0;
	bool any = false;

	while (cprom_tlv_each(init, CPROM_SUPPORTED_ENCODING, &at, &value)) {
		any = true;
		if (value.p[0] == CPROM_DER)
			return OK;
	}
	return any ? cprom_server_fail(s, ENROL_ERROR_PARAMETERS, "the machine does not take DER")
		   : OK;
}

static enum status read_token(struct cprom_server *s, struct slice init)
{
	struct slice value = cprom_tlv_find(init, CPROM_TOKEN_DATA);
	const unsigned char *der;

	if (value.len == 0)
		return OK;
	if (cprom_token_parse(value, &s->token) != OK)
		return cprom_server_fail(s, ENROL_ERROR_MALFORMED, "a token that cannot be read");
	switch (s->token.type) {
	case CPROM_TOKEN_TYPE_JWT:
	case CPROM_TOKEN_TYPE_OAUTH:
	case CPROM_TOKEN_TYPE_ENROLMENT:
		return OK;
	case CPROM_TOKEN_TYPE_CERTIFICATE:
		der = s->token.data.p;
		s->token_cert = d2i_X509(NULL, &der, (long)s->token.data.len);
		return s->token_cert && s->token.encoding == CPROM_DER
			       ? OK
			       : cprom_server_fail(s, ENROL_ERROR_MALFORMED,
						   "a certificate token without a certificate");
	default:
		break;
	}
	return cprom_server_fail(s, ENROL_ERROR_PARAMETERS, "tokens of type %u are not taken",
				 s->token.type);
}

enum status cprom_server_read_init(struct cprom_server *s)
{
	struct slice init = bytes_slice(&s->init);
	enum status status = cprom_check(CPROM_PEER_INIT, init, &s->fault);

	if (status == OK && !s->tunnel->unique)
		status = cprom_server_fail(s, ENROL_ERROR_ACTION_REFUSED,
					   "proofs could be taken from this tunnel into another");
	if (status == OK)
		status = check_version(s, init);
	if (status == OK)
		status = check_protocols(s);
	if (status == OK)
		status = check_encodings(s, init);
	if (status == OK)
		status = read_token(s, init);
	s->way = 0;
	return status == OK ? cprom_server_ask(s) : status;
}

/* ---- authorisation ------------------------------------------------------------------- */

static bool shown(const struct cprom_server *s, unsigned way)
{
	static const uint8_t types[] = {
		[ENROL_BY_TOKEN] = CPROM_TOKEN_TYPE_ENROLMENT,
		[ENROL_BY_CERTIFICATE_TOKEN] = CPROM_TOKEN_TYPE_CERTIFICATE,
		[ENROL_BY_JWT] = CPROM_TOKEN_TYPE_JWT,
		[ENROL_BY_OAUTH] = CPROM_TOKEN_TYPE_OAUTH,
	};

	if (way == ENROL_BY_CERTIFICATE)
		return s->tunnel->claim != NULL;
	return s->token.data.len > 0 && s->token.type == types[way];
}

bool cprom_server_proved(const struct cprom_server *s, struct slice id)
{
	uint8_t hash[PROOF_HASH_SIZE];

	if (s->tunnel->claim && slice_eq(id, s->tunnel->claim->fingerprint))
		return true;
	return s->token_cert && s->granted && s->grant.by == ENROL_BY_CERTIFICATE_TOKEN &&
	       proof_certificate_id(s->token_cert, hash) == OK &&
	       slice_eq(id, slice_of(hash, sizeof hash));
}

/* What the machine is here for, as far as that shows before it is known. */
static enum enrol_action likely_action(const struct cprom_server *s)
{
	struct cprom_info info;
	struct slice value;
	size_t at = 0;

	while (cprom_tlv_each(bytes_slice(&s->init), CPROM_CREDENTIALS_INFORMATION, &at, &value)) {
		if (cprom_info_parse(value, &info) == OK && info.type == ENROL_X509 &&
		    cprom_server_proved(s, info.id))
			return info.flags & CPROM_WANTS_REMOVAL ? ENROL_REMOVE : ENROL_RENEW;
	}
	return ENROL_REGISTER;
}

struct slice cprom_server_usage(const struct cprom_server *s)
{
	struct slice value = cprom_tlv_find(bytes_slice(&s->init), CPROM_NETWORK_USAGE);
	struct cprom_usage usage;

	if (value.len > 0 && cprom_usage_parse(value, &usage) == OK && usage.url &&
	    usage.format == CPROM_USAGE_MUD)
		return usage.data;
	return slice_of(NULL, 0);
}

static struct proof_about about_token(const struct cprom_server *s)
{
	return (struct proof_about){ slice_of(s->tunnel->exported, EAP_TUNNEL_BINDING_SIZE),
				     slice_of(s->challenge, sizeof s->challenge), s->token.data };
}

/* Before anybody is asked about a certificate token: it is the machine's own. */
static enum status check_signature(struct cprom_server *s)
{
	struct slice proof = cprom_tlv_find(bytes_slice(&s->init), CPROM_CHALLENGE_RESPONSE);
	EVP_PKEY *key = X509_get0_pubkey(s->token_cert);
	struct proof_about about = about_token(s);

	if (!key || proof_token_verify(&about, key, proof) != OK)
		return cprom_server_fail(s, ENROL_ERROR_PROOF,
					 "the proof of a certificate token is wrong");
	return OK;
}

enum status cprom_server_ask(struct cprom_server *s)
{
	unsigned allowed = s->context->policy->authorisations;

	while (s->way <= ENROL_BY_OAUTH && (!(allowed & 1u << s->way) || !shown(s, s->way)))
		s->way++;
	if (s->way > ENROL_BY_OAUTH) {
		if (s->fault.error != ENROL_ERROR_NONE)
			return UNEXPECTED; /* of the way that was refused last */
		return s->token.data.len > 0
			       ? cprom_server_fail(s, ENROL_ERROR_TOKEN_REFUSED,
						   "tokens of this kind are not taken")
			       : cprom_server_fail(s, ENROL_ERROR_TOKEN_MISSING,
						   "neither token nor certificate was shown");
	}
	if (s->way == ENROL_BY_CERTIFICATE_TOKEN && check_signature(s) != OK)
		return UNTRUSTED;
	s->question = (struct enrol_question){ .kind = ENROL_ASKS_AUTHORISE,
					       .action = likely_action(s),
					       .by = (enum enrol_authorisation)s->way,
					       .claim = s->tunnel->claim };
	if (s->way != ENROL_BY_CERTIFICATE)
		s->question.token = s->token.data;
	s->question.profile_wanted = cprom_tlv_find(bytes_slice(&s->init), CPROM_PROFILE);
	s->question.mud_url = cprom_server_usage(s);
	return OK;
}

static enum status check_token(struct cprom_server *s, struct slice secret)
{
	struct slice proof = cprom_tlv_find(bytes_slice(&s->init), CPROM_CHALLENGE_RESPONSE);
	struct proof_about about = about_token(s);

	if (proof_token_check(&about, secret, proof) != OK)
		return cprom_server_fail(s, ENROL_ERROR_PROOF, "the proof of the token is wrong");
	return secret_set(&s->token_secret, secret) == OK
		       ? OK
		       : cprom_server_fail(s, ENROL_ERROR_INTERNAL, "no memory");
}

/* A tunnel that was resumed has shown no certificate, and its claim does not hold one. */
static enum status take_registered(struct cprom_server *s, struct slice der)
{
	const struct tls_claim *claim = s->tunnel->claim;
	uint8_t digest[CERT_HASH_LEN];

	if (claim->certificate.len > 0 || der.len == 0)
		return OK;
	if (!EVP_Digest(der.p, der.len, digest, NULL, EVP_sha256(), NULL) ||
	    !slice_eq(slice_of(digest, sizeof digest), claim->fingerprint))
		return cprom_server_fail(s, ENROL_ERROR_INTERNAL,
					 "the registry has another certificate than was shown");
	return bytes_set(&s->registered, der) == OK
		       ? OK
		       : cprom_server_fail(s, ENROL_ERROR_INTERNAL, "no memory");
}

enum status cprom_server_authorised(struct cprom_server *s, const struct enrol_reply *reply)
{
	enum enrol_error error = reply->error > 0 && reply->error < ENROL_ERRORS
					 ? (enum enrol_error)reply->error
					 : ENROL_ERROR_TOKEN_REFUSED;

	if (!reply->accept) {
		/* Which of the four it was is for our people, not for the peer. */
		cprom_server_fail(s, error, "%s", enrol_refusal(error, true));
		if (reply->why)
			s->why = *reply->why;
		s->way++;
		return cprom_server_ask(s);
	}
	if (s->way == ENROL_BY_TOKEN && check_token(s, reply->secret) != OK)
		return UNTRUSTED;
	if (s->way == ENROL_BY_CERTIFICATE && take_registered(s, reply->certificate) != OK)
		return UNEXPECTED;
	s->granted = true;
	s->grant = reply->grant;
	s->grant.by = (enum enrol_authorisation)s->way;
	s->fault = (struct enrol_fault){ 0 };
	diagnosis_set(&s->why, DIAG_NONE);
	return OK;
}

/* ---- the plan ------------------------------------------------------------------------ */

static bool aged(const struct cprom_server *s, const struct cprom_info *info, struct moment now)
{
	unsigned percent = s->context->policy->renew_percent;
	const struct tls_claim *claim = s->tunnel->claim;
	int64_t from = info->issued, until = info->expires;

	/* What is proved is believed, what is told is told. */
	if (claim && slice_eq(info->id, claim->fingerprint)) {
		from = claim->not_before;
		until = claim->not_after;
	}
	return percent > 0 && from > 0 && until > from &&
	       now.wall >= from + (until - from) / 100 * (int64_t)percent;
}

static bool of_old_issuer(const struct cprom_server *s, const struct cprom_info *info)
{
	const struct enrol_authority *authority = s->context->authority;
	const struct tls_claim *claim = s->tunnel->claim;
	const unsigned char *der;
	size_t len;

	return authority->renew_wanted && authority->issuer && claim && info->type == ENROL_X509 &&
	       slice_eq(info->id, claim->fingerprint) &&
	       X509_NAME_get0_der(X509_get_subject_name(authority->issuer), &der, &len) == 1 &&
	       !slice_eq(claim->issuer_der, slice_of(der, len));
}

static enum status add_task(struct cprom_server *s, enum enrol_action action,
			    const struct cprom_info *info)
{
	static const char *const names[] = {
		[ENROL_REGISTER] = "register", [ENROL_RENEW] = "renew", [ENROL_REMOVE] = "remove"
	};
	struct cprom_task *task = &s->tasks[s->task_count];

	if (!(s->context->policy->actions & 1u << action))
		return cprom_server_fail(s, ENROL_ERROR_ACTION_REFUSED,
					 "to %s a credential is not allowed", names[action]);
	if (info->type > ENROL_PASSWORD)
		return cprom_server_fail(s, ENROL_ERROR_PARAMETERS,
					 "credentials of type %u are not known", info->type);
	if (s->task_count == CPROM_SERVER_DEEDS_MAX)
		return cprom_server_fail(s, ENROL_ERROR_LIMIT, "more than %u credentials",
					 CPROM_SERVER_DEEDS_MAX);
	*task = (struct cprom_task){ .action = action,
				     .type = (enum enrol_credential)info->type,
				     .info = *info };
	task->proved = info->id.len > 0 && cprom_server_proved(s, info->id);
	if (!cprom_server_protocol(s, task))
		return cprom_server_fail(s, ENROL_ERROR_NO_PROTOCOL,
					 "no protocol in common does this");
	s->task_count++;
	return OK;
}

/* Something that the machine has: renewed or removed if it wants that, or we do. */
static enum status plan_held(struct cprom_server *s, const struct cprom_info *info,
			     struct moment now)
{
	bool fixed = info->flags & (CPROM_IMMUTABLE | CPROM_NO_UPDATE);
	bool removal = info->flags & (CPROM_WANTS_REMOVAL | CPROM_COMPROMISED);
	bool wanted = info->flags & (CPROM_WANTS_REMOVAL | CPROM_WANTS_RENEWAL);
	bool due = !fixed && (s->grant.renew || aged(s, info, now) || of_old_issuer(s, info));
	enum enrol_action action = removal ? ENROL_REMOVE : ENROL_RENEW;

	if (!removal && !wanted && !due)
		return OK;
	if (info->type == ENROL_X509 && !cprom_server_proved(s, info->id))
		return wanted ? cprom_server_fail(s, ENROL_ERROR_UNKNOWN_CREDENTIAL,
						  "the machine has not shown the credential "
						  "that it wants changed")
			      : OK;
	if (!wanted && !(s->context->policy->actions & 1u << action))
		return OK;
	return add_task(s, action, info);
}

/* Whether the machine has something of this kind that counts. */
static bool holds(const struct cprom_server *s, enum enrol_credential type)
{
	struct cprom_info info;
	struct slice value;
	size_t at = 0;

	while (cprom_tlv_each(bytes_slice(&s->init), CPROM_CREDENTIALS_INFORMATION, &at, &value)) {
		if (cprom_info_parse(value, &info) != OK ||
		    (enum enrol_credential)info.type != type ||
		    (info.flags & (CPROM_COMPROMISED | CPROM_WANTS_REMOVAL)))
			continue;
		if (type != ENROL_X509 || cprom_server_proved(s, info.id))
			return true;
	}
	return false;
}

/* A machine that came to give something up is not given another. */
static bool leaves(const struct cprom_server *s)
{
	for (size_t i = 0; i < s->task_count; i++) {
		if (s->tasks[i].action == ENROL_REMOVE &&
		    (s->tasks[i].info.flags & CPROM_WANTS_REMOVAL))
			return true;
	}
	return false;
}

enum status cprom_server_plan(struct cprom_server *s, struct moment now)
{
	unsigned types = s->grant.credentials ? s->grant.credentials : 1u << ENROL_X509;
	struct cprom_info info;
	struct slice value;
	size_t at = 0;

	s->task_count = s->task = 0;
	while (cprom_tlv_each(bytes_slice(&s->init), CPROM_CREDENTIALS_INFORMATION, &at, &value)) {
		if (cprom_info_parse(value, &info) != OK)
			continue;
		if (plan_held(s, &info, now) != OK)
			return UNEXPECTED;
	}
	for (unsigned type = ENROL_X509; type <= ENROL_PASSWORD && !leaves(s); type++) {
		struct cprom_info wanted = { .type = (uint8_t)type };

		if ((types & 1u << type) && !holds(s, (enum enrol_credential)type) &&
		    add_task(s, ENROL_REGISTER, &wanted) != OK)
			return UNEXPECTED;
	}
	return OK;
}

const struct enrol_server_protocol *cprom_server_protocol(const struct cprom_server *s,
							  const struct cprom_task *task)
{
	const struct cprom_server_policy *policy = s->context->policy;

	for (size_t i = 0; i < policy->protocol_count; i++) {
		const struct enrol_server_protocol *protocol = policy->protocols[i];

		if (offers(s, protocol->id) && (protocol->actions & 1u << task->action) &&
		    (protocol->credentials & 1u << task->type))
			return protocol;
	}
	return NULL;
}
