#include "daemon/enrolment.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "enrol/pkcs.h"
#include "method/inner_peer.h"
#include "method/teap_peer.h"
#include "method/ttls_peer.h"

#define PROTOCOLS_MAX 4

struct enrolment {
	struct enrolment_job job;
	struct cprom_credential credentials[PROFILE_CREDENTIALS_MAX]; /* as profile_enrolled() */
	size_t credential_count;
	char common_name[ENROL_NAME_MAX + 1], kind[ENROL_ID_MAX + 1];
	const struct enrol_peer_protocol *protocols[PROTOCOLS_MAX];
	struct eap_peer_method method; /* cprom_peer_method, of the type that is configured */
	struct cprom_peer *cprom;      /* the tunnel's */
	unsigned stored;	       /* in the conversation: 1 << nth */
	bool validated;
	struct eap_peer_offer tunnel;
};

/* ---- what is asked for --------------------------------------------------------------------- */

/* doc/cprom.md, Provisioning-Params: algorithms, and lengths in octets of a modulus. */
enum { ALGORITHM_RSA = 1, ALGORITHM_ECDSA = 2 };

static const uint8_t p256[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
static const uint8_t p384[] = { 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22 };
static const uint8_t p521[] = { 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23 };

#define CURVE(der)                                                                                 \
	{                                                                                          \
		ALGORITHM_ECDSA, 0, (der), sizeof(der)                                             \
	}
#define RSA_OF(octets)                                                                             \
	{                                                                                          \
		ALGORITHM_RSA, (octets), NULL, 0                                                   \
	}

static struct enrol_params key_params(const char *type)
{
	static const struct {
		const char *name;
		struct {
			uint8_t algorithm;
			uint16_t octets;
			const uint8_t *oid;
			size_t oid_len;
		} is;
	} rows[] = {
		{ "P-256", CURVE(p256) },    { "P-384", CURVE(p384) },
		{ "P-521", CURVE(p521) },    { "RSA-2048", RSA_OF(256) },
		{ "RSA-3072", RSA_OF(384) }, { "RSA-4096", RSA_OF(512) },
	};
	struct enrol_params params = { .flags = ENROL_PEER_GENERATES };

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (strcmp(rows[i].name, type) != 0)
			continue;
		params.algorithm = rows[i].is.algorithm;
		params.least = params.most = rows[i].is.octets;
		params.oid = slice_of(rows[i].is.oid, rows[i].is.oid_len);
	}
	return params;
}

/* A certificate needs some name: what this machine is called, unless it is called nothing. */
static void host_name(char *buffer, size_t size)
{
	if (gethostname(buffer, size) < 0)
		buffer[0] = '\0';
	buffer[size - 1] = '\0';
	if (strcmp(buffer, "localhost") == 0 || strcmp(buffer, "(none)") == 0)
		buffer[0] = '\0';
}

/* What is renewed goes by the name that it has. */
static void old_name(const X509 *cert, char *buffer, size_t size)
{
	const X509_NAME *subject = X509_get_subject_name(cert);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	unsigned char *text = NULL;
	int len = at < 0 ? -1
			 : ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(
							      X509_NAME_get_entry(subject, at)));

	buffer[0] = '\0';
	if (len > 0 && (size_t)len < size && strlen((char *)text) == (size_t)len)
		snprintf(buffer, size, "%s", (char *)text);
	OPENSSL_free(text);
}

/* By TEAP itself, where nothing else is shown. */
static bool is_by_account(const struct enrolment *e)
{
	return profile_enrols_by_teap(e->job.armed->profile) && e->job.means &&
	       !*e->job.means->factory;
}

static void ask_for_names(const struct enrolment *e, struct enrol_names *names)
{
	const struct profile_enrol *enrol = &e->job.armed->profile->enrol;

	if (*e->common_name || enrol->common_name)
		snprintf(names->common_name, sizeof names->common_name, "%s",
			 *e->common_name ? e->common_name : enrol->common_name);
	else if (!e->job.means && e->job.old)
		old_name(e->job.old->cert, names->common_name, sizeof names->common_name);
	else if (is_by_account(e))
		snprintf(names->common_name, sizeof names->common_name, "%s",
			 e->job.armed->inner.identity);
	else if (enrol->dns_names.count == 0)
		host_name(names->common_name, sizeof names->common_name);
	for (size_t i = 0; i < enrol->dns_names.count && i < ENROL_NAMES_MAX; i++) {
		names->alternative[i].kind = ENROL_NAME_DNS;
		snprintf(names->alternative[i].text, sizeof names->alternative[i].text, "%s",
			 enrol->dns_names.word[i]);
		names->count = i + 1;
	}
}

/* Who has no name in mind takes the one that the server gives. */
static const char *const any_name[] = { "*" };

static void ask_for_certificate(const struct enrolment *e, struct cprom_credential *c)
{
	const struct profile *profile = e->job.armed->profile;
	const struct credential *old = e->job.means ? NULL : e->job.old;

	c->wanted = !e->job.offered;
	c->action = old ? ENROL_RENEW : ENROL_REGISTER;
	c->actions = 1u << c->action;
	if (old) {
		c->cert = old->cert;
		c->chain = old->chain;
		c->key = old->key;
	}
	ask_for_names(e, &c->names);
	if (!*e->common_name && !profile->enrol.common_name && c->names.count == 0) {
		c->allowed = any_name;
		c->allowed_count = 1;
	}
	c->params = key_params(profile->enrol.key);
}

#define SECRET_LEAST 16 /* octets */

/* A renewal is of certificates; what it finds lacking is taken if it is given. */
static void ask_for_secret(const struct enrolment *e, const char *held, struct cprom_credential *c)
{
	c->id = slice_str(held);
	c->wanted = e->job.means != NULL;
	c->action = ENROL_REGISTER;
	c->actions = *held ? 0 : 1u << ENROL_REGISTER;
	c->params.least = SECRET_LEAST;
}

static void ask(struct enrolment *e)
{
	static const enum enrol_credential types[] = { [CREDENTIAL_CERTIFICATE] = ENROL_X509,
						       [CREDENTIAL_PASSWORD] = ENROL_PASSWORD,
						       [CREDENTIAL_SYMMETRIC] = ENROL_SYMMETRIC };
	const struct profile *profile = e->job.armed->profile;
	const struct profile_credentials all = profile_enrolled(profile);

	for (size_t i = 0; i < all.count; i++) {
		struct cprom_credential *c = &e->credentials[i];

		c->name = all.is[i].name;
		c->type = types[all.is[i].kind];
		if (c->type == ENROL_X509)
			ask_for_certificate(e, c);
		else
			ask_for_secret(e, e->job.held[i], c);
	}
	e->credential_count = all.count;
	e->credentials[0].profile = *e->kind ? e->kind : profile->enrol.profile;
}

static size_t choose_protocols(const struct words *words, const struct enrol_peer_protocol **out)
{
	static const struct {
		const char *word;
		const struct enrol_peer_protocol *protocol;
	} rows[] = {
		{ "spp", &spp_peer }, { "cmp", &cmp_peer },   { "cmp-basic", &cmp_basic_peer },
		{ "est", &est_peer }, { "teap", &pkcs_peer },
	};
	size_t count = 0;

	for (size_t w = 0; w < words->count && count < PROTOCOLS_MAX; w++) {
		for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
			if (strcmp(rows[i].word, words->word[w]) == 0)
				out[count++] = rows[i].protocol;
		}
	}
	return count;
}

/* What is in means outlives the peer. */
static void authorise(const struct armed_enrol *means, struct cprom_token *token)
{
	if (means->has_token) {
		token->kind = CPROM_TOKEN;
		token->value = means->token;
	} else if (means->foreign.len > 0) {
		token->kind = means->foreign_type == ENROL_TOKEN_JWT ? CPROM_TOKEN_JWT
								     : CPROM_TOKEN_OAUTH;
		token->text = secret_slice(&means->foreign);
	} else if (means->inside) {
		token->kind = CPROM_TOKEN_CERT;
		token->cert = means->inside->cert;
		token->key = means->inside->key;
		token->chain = means->inside->chain;
	}
}

static int make_cprom(struct enrolment *e)
{
	const struct profile_enrol *enrol = &e->job.armed->profile->enrol;
	struct cprom_peer_settings settings = {
		.credentials = e->credentials,
		.credential_count = e->credential_count,
		.protocols = e->protocols,
		.protocol_count = choose_protocols(&enrol->protocols, e->protocols),
		.store = e->job.store,
		.anchors = e->job.old ? e->job.old->anchors : NULL,
		.accept_anchors = true,
		.built = BUILD_EPOCH,
		.mud_url = enrol->mud_url,
	};

	if (e->job.means)
		authorise(e->job.means, &settings.token);

	enum status status = cprom_peer_new(&settings, &e->cprom);

	explicit_bzero(&settings.token, sizeof settings.token);
	return status == OK ? 0 : -ENOMEM;
}

/* ---- what it runs in ----------------------------------------------------------------------- */

/* Of a renewal the credential itself opens the tunnel, wherever the profile has it. */
static struct tls_config *tunnel_tls(const struct enrolment *e)
{
	const struct armed *armed = e->job.armed;

	if (e->job.means)
		return e->job.means->tls;
	if (armed->profile->credential)
		return armed->tls;
	return armed->inner.tls ? armed->inner.tls : armed->inner2.tls;
}

/* Takes cprom over, also on failure. */
static int make_inner(const struct enrolment *e, struct inner_peer **ret_inner)
{
	const struct inner_peer_settings settings = {
		.identity = slice_str(enrolment_identity(e)),
		.offers = { { &e->method, e->cprom } },
		.offer_count = 1,
	};

	if (inner_peer_new(&settings, ret_inner) == OK)
		return 0;
	cprom_peer_method.free(e->cprom);
	return -ENOMEM;
}

static int make_ttls(struct enrolment *e, struct inner_peer *inner)
{
	const struct ttls_peer_settings settings = {
		.inner = TTLS_EAP,
		.eap = inner,
		.options = { .fragment_size = e->job.armed->profile->fragment_size },
	};
	struct tunnel_peer *tunnel;

	if (ttls_peer_new(tunnel_tls(e), &settings, &tunnel) != OK)
		return -ENOMEM;
	e->tunnel = (struct eap_peer_offer){ &ttls_peer_method, tunnel };
	return 0;
}

static int make_teap(struct enrolment *e, struct inner_peer *inner)
{
	bool shows = !e->job.means || *e->job.means->factory;
	const struct teap_peer_settings settings = {
		.identities = { { .type = TEAP_ANYBODY,
				  .name = slice_str(enrolment_identity(e)),
				  .eap = inner } },
		.identity_count = 1,
		.certificate = shows ? TEAP_MACHINE : TEAP_ANYBODY,
		.options = { .fragment_size = e->job.armed->profile->fragment_size },
	};
	struct tunnel_peer *tunnel;

	if (teap_peer_new(tunnel_tls(e), &settings, &tunnel) != OK)
		return -ENOMEM;
	e->tunnel = (struct eap_peer_offer){ &teap_peer_method, tunnel };
	return 0;
}

/* Without CPROM: what asks for the certificate is TEAP itself. */
static int make_teap_alone(struct enrolment *e)
{
	bool account = is_by_account(e);
	struct teap_peer_settings settings = {
		.identity_count = account ? 1 : 0,
		.inner_optional = !account,
		.certificate = account ? TEAP_ANYBODY : TEAP_MACHINE,
		.hints = account,
		.emsk = e->job.armed->profile->emsk,
		.provision = e->cprom,
		.options = { .fragment_size = e->job.armed->profile->fragment_size },
	};
	struct tunnel_peer *tunnel;

	if (account && armed_teap_identity(e->job.armed, &settings.identities[0]) != OK) {
		cprom_peer_method.free(e->cprom);
		return -ENOMEM;
	}
	if (teap_peer_new(tunnel_tls(e), &settings, &tunnel) != OK)
		return -ENOMEM;
	e->tunnel = (struct eap_peer_offer){ &teap_peer_method, tunnel };
	return 0;
}

static int make_cprom_tunnel(struct enrolment *e)
{
	struct inner_peer *inner;
	int r = make_inner(e, &inner);

	if (r < 0)
		return r;
	return e->job.armed->profile->enrol.tunnel == ENROL_OVER_TTLS ? make_ttls(e, inner)
								      : make_teap(e, inner);
}

static int make_tunnel(struct enrolment *e)
{
	int r = profile_enrols_by_teap(e->job.armed->profile) ? make_teap_alone(e)
							      : make_cprom_tunnel(e);

	if (r < 0)
		e->cprom = NULL;
	return r;
}

/* ---- all of it ----------------------------------------------------------------------------- */

static void job_done(struct enrolment_job *job)
{
	armed_free(job->armed);
	armed_enrol_free(job->means);
	credential_free(job->old);
	*job = (struct enrolment_job){ 0 };
}

int enrolment_new(struct enrolment_job *job, struct enrolment **ret_enrolment,
		  struct diagnosis *why)
{
	struct enrolment *e = calloc(1, sizeof *e);
	int r = e ? 0 : -ENOMEM;

	if (r == 0) {
		snprintf(e->common_name, sizeof e->common_name, "%s", job->common_name);
		snprintf(e->kind, sizeof e->kind, "%s", job->kind);
		e->job = *job;
		*job = (struct enrolment_job){ 0 };
		e->method = cprom_peer_method;
		(void)ini_eap_type_of(e->job.armed->profile->enrol.eap_type, &e->method.type);
		ask(e);
		r = make_cprom(e);
	}
	if (r == 0)
		r = make_tunnel(e);
	if (r < 0) {
		job_done(job);
		enrolment_free(e);
		diagnosis_say(why, DIAG_INTERNAL, "out of memory");
		return r;
	}
	*ret_enrolment = e;
	return 0;
}

void enrolment_free(struct enrolment *enrolment)
{
	if (!enrolment)
		return;
	if (enrolment->tunnel.method)
		enrolment->tunnel.method->free(enrolment->tunnel.self);
	job_done(&enrolment->job);
	free(enrolment);
}

struct eap_peer_offer enrolment_offer(const struct enrolment *enrolment)
{
	return enrolment->tunnel;
}

const char *enrolment_identity(const struct enrolment *enrolment)
{
	return enrolment->job.means ? enrolment->job.means->identity
				    : enrolment->job.armed->identity;
}

/* ---- how it goes --------------------------------------------------------------------------- */

/* 1 << nth; 0: of all. */
static unsigned bit_of(const struct enrolment *e, const char *name)
{
	for (size_t i = 0; i < e->credential_count; i++) {
		if (strcmp(e->credentials[i].name, name) == 0)
			return 1u << i;
	}
	return 0;
}

bool enrolment_event(struct enrolment *enrolment, struct enrolment_event *ret_event)
{
	static const char *const actions[] = {
		[ENROL_REGISTER] = "register", [ENROL_RENEW] = "renew", [ENROL_REMOVE] = "remove"
	};
	struct cprom_event event;

	/* What there is to tell is what happened. */
	do {
		if (!cprom_peer_event(enrolment->cprom, &event))
			return false;
		if (event.step == CPROM_STORED)
			enrolment->stored |= bit_of(enrolment, event.credential);
		enrolment->validated |= event.step == CPROM_VALIDATED;
		/* How it ended is told when the tunnel has ended as well. */
	} while (event.step == CPROM_DONE || event.step == CPROM_FAILED);
	*ret_event = (struct enrolment_event){ .step = cprom_step_name(event.step),
					       .action = actions[event.action],
					       .protocol = event.protocol ? event.protocol : "" };
	snprintf(ret_event->credential, sizeof ret_event->credential, "%s",
		 *event.credential ? event.credential : enrolment->credentials[0].name);
	snprintf(ret_event->detail, sizeof ret_event->detail, "%s", event.detail);
	return true;
}

/* Somebody has decided so, and will decide so again. */
static bool is_refusal(enum enrol_error error)
{
	switch (error) {
	case ENROL_ERROR_VERSION:
	case ENROL_ERROR_NO_PROTOCOL:
	case ENROL_ERROR_TOKEN_MISSING:
	case ENROL_ERROR_TOKEN_REFUSED:
	case ENROL_ERROR_PROOF:
	case ENROL_ERROR_ACTION_REFUSED:
	case ENROL_ERROR_UNKNOWN_CREDENTIAL:
	case ENROL_ERROR_PARAMETERS:
	case ENROL_ERROR_CA_REFUSED:
	case ENROL_ERROR_NOT_ACCEPTABLE:
		return true;
	case ENROL_ERROR_NONE:
	case ENROL_ERROR_MALFORMED:
	case ENROL_ERROR_UNEXPECTED:
	case ENROL_ERROR_KEY_GENERATION:
	case ENROL_ERROR_STORAGE:
	case ENROL_ERROR_VALIDATION:
	case ENROL_ERROR_LIMIT:
	case ENROL_ERROR_INTERNAL:
	case ENROL_ERRORS:
		break;
	}
	return false;
}

/* The network does not do this at all, or not with us: to ask it every minute helps nobody. */
static bool is_final(const struct diagnosis *conversation)
{
	return conversation->id == DIAG_ENROL_NOT_OFFERED;
}

/* Without which a port is not opened.  A symmetric key is for somebody else. */
static unsigned needed(const struct enrolment *e)
{
	unsigned bits = 0;

	for (size_t i = 0; i < e->credential_count; i++) {
		if (e->credentials[i].wanted && e->credentials[i].type != ENROL_SYMMETRIC)
			bits |= 1u << i;
	}
	return bits;
}

static unsigned activated(const struct enrolment *e)
{
	struct cprom_result result;
	unsigned bits = 0;

	for (size_t i = 0; cprom_peer_result(e->cprom, i, &result); i++)
		bits |= result.activated ? bit_of(e, result.credential) : 0;
	return bits;
}

static bool has_all(const struct enrolment *e, unsigned bits)
{
	return bits != 0 && (needed(e) & ~bits) == 0;
}

bool enrolment_installed(const struct enrolment *e)
{
	return has_all(e, activated(e));
}

/* A server that lets nobody in who has just enrolled ends an EAP-TTLS with EAP-Failure and nothing
 * else; whether it has found all in order, we cannot know.  But what it gave is on the disk, was
 * good, and may have cost the token.  Where there is nothing to be lost by it, it is tried: there
 * is no other credential, or one that is gone back to. */
static bool rescue(struct enrolment *e, enum enrol_error error)
{
	const struct enrol_store_ref *store = &e->job.store;
	const unsigned done = activated(e);
	struct diagnosis ignored = { 0 };
	bool good =
		error == ENROL_ERROR_NONE && has_all(e, e->stored) && (e->validated || !e->job.old);

	for (size_t i = 0; good && i < e->credential_count; i++) {
		if (e->stored & ~done & 1u << i)
			good = store->store->activate(store->self, e->credentials[i].name,
						      &ignored) == OK;
	}
	return good;
}

/* What a tunnel says is about a profile that has everything in it; evidence stays as it is. */
static void in_our_words(const struct enrolment *e, struct diagnosis *why)
{
	if (why->id == DIAG_METHOD_NOT_AGREED)
		why->id = DIAG_ENROL_NOT_OFFERED;
	else if (why->id == DIAG_SERVER_PIN_MISMATCH && e->job.means && e->job.means->pinned)
		why->id = DIAG_ENROL_OTHER_NETWORK;
}

/* Half of what a port needs has cost the token as well, and would do so each time. */
static void tell_lacking(const struct enrolment *e, struct diagnosis *why)
{
	const unsigned lacks = needed(e) & ~activated(e);

	for (size_t i = 0; i < e->credential_count; i++) {
		if (!(lacks & 1u << i))
			continue;
		diagnosis_say(why, DIAG_ENROL_NOTHING_DONE, "it gave no %s for %s",
			      e->credentials[i].type == ENROL_X509 ? "certificate" : "password",
			      e->credentials[i].name);
		return;
	}
}

enum life_outcome enrolment_outcome(struct enrolment *enrolment,
				    const struct diagnosis *conversation, struct diagnosis *why)
{
	const struct diagnosis *own = cprom_peer_method.diagnosis(enrolment->cprom);
	enum enrol_error error = cprom_peer_error(enrolment->cprom);

	diagnosis_set(why, DIAG_NONE);
	if (enrolment_installed(enrolment) || rescue(enrolment, error))
		return LIFE_INSTALLED;
	if (activated(enrolment) != 0) {
		tell_lacking(enrolment, why);
		return LIFE_REFUSED;
	}
	if (own && own->id != DIAG_NONE)
		*why = *own;
	else
		*why = *conversation;
	in_our_words(enrolment, why);
	if (error != ENROL_ERROR_NONE || why->id != DIAG_NONE)
		return is_refusal(error) || is_final(why) ? LIFE_REFUSED : LIFE_FAILED;
	diagnosis_say(why, DIAG_ENROL_NOTHING_DONE, "%s",
		      "it let this machine in and gave it nothing");
	return LIFE_UNCHANGED;
}
