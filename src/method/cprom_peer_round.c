#include <string.h>

#include "enrol/params.h"
#include "method/cprom_judge.h"
#include "method/cprom_peer_parts.h"

void cprom_peer_round_done(struct cprom_peer *p)
{
	if (p->round.self)
		p->round.protocol->free(p->round.self);
	EVP_PKEY_free(p->round.key);
	p->round = (struct round){ 0 };
}

static enum status store_failed(struct cprom_peer *p, enum enrol_error error,
				const struct diagnosis *why)
{
	char text[DIAGNOSIS_TEXT_MAX];
	struct enrol_fault fault;

	enrol_fault_set(&fault, error, "%s",
			error == ENROL_ERROR_STORAGE ? "the keystore refused"
						     : "no key could be made");
	p->fault = fault;
	enrol_fault_explain(&fault, ENROL_US, NULL, &p->why);
	if (why->id != DIAG_NONE)
		diagnosis_add(&p->why, "detail", "%s", diagnosis_sentence(why, text, sizeof text));
	return UNEXPECTED;
}

/* ---- the job ------------------------------------------------------------------------- */

static enum status merge_params(struct cprom_peer *p, const struct cprom_offer *offer)
{
	struct enrol_params both;

	if (params_merge(&p->round.credential->params, &offer->params, &both) != OK ||
	    both.oid.len > sizeof p->round.oid ||
	    (offer->info.type == ENROL_X509 && (both.flags & ENROL_SERVER_GENERATES)))
		return cprom_peer_fail(p, ENROL_ERROR_PARAMETERS,
				       "the server wants another key than we do");
	/* The message does not last as long as the round. */
	if (both.oid.len > 0)
		memcpy(p->round.oid, both.oid.p, both.oid.len);
	both.oid.p = p->round.oid;
	p->round.job.params = both;
	return OK;
}

static enum status make_key(struct cprom_peer *p)
{
	const struct enrol_store_ref *store = &p->settings.store;
	struct diagnosis why = { 0 };
	struct cert_info about = { 0 };
	enum status status;

	if (p->round.credential->type != ENROL_X509 || p->round.job.action == ENROL_REMOVE)
		return OK;
	p->begun_key = true;
	status = store->store->new_key(store->self, p->round.credential->name, &p->round.job.params,
				       &p->round.key, &why);
	if (status != OK)
		return store_failed(p,
				    status == CRYPTO || status == UNSUPPORTED
					    ? ENROL_ERROR_KEY_GENERATION
					    : ENROL_ERROR_STORAGE,
				    &why);
	if (!params_met_by_key(&p->round.job.params, p->round.key))
		return cprom_peer_fail(p, ENROL_ERROR_KEY_GENERATION,
				       "the keystore made another key than was asked for");
	snprintf(about.key, sizeof about.key, "%s, %d bits", EVP_PKEY_get0_type_name(p->round.key),
		 EVP_PKEY_get_bits(p->round.key));
	cprom_peer_tell(p, CPROM_KEY, p->round.credential, about.key);
	return OK;
}

static void fill_job(struct cprom_peer *p, struct slice binding)
{
	const struct cprom_token *token = &p->settings.token;
	const struct cprom_credential *c = p->round.credential;
	struct enrol_peer_job *job = &p->round.job;

	job->type = c->type;
	job->names = c->names;
	job->key = p->round.key;
	job->old_cert = c->cert ? c->cert : token->cert;
	job->old_key = c->cert ? c->key : token->key;
	job->old_chain = c->cert ? c->chain : token->chain;
	job->binding = binding;
	job->anchors = p->settings.anchors;
	if (token->kind == CPROM_TOKEN) {
		job->reference = slice_of(token->value.id, sizeof token->value.id);
		job->secret = slice_of(token->value.secret, sizeof token->value.secret);
	}
}

static enum status begin_protocol(struct cprom_peer *p, struct slice binding)
{
	enum status status = make_key(p);

	if (status != OK)
		return status;
	fill_job(p, binding);
	if (p->round.protocol->init(&p->round.job, &p->round.self) != OK)
		return cprom_peer_fail(p, ENROL_ERROR_INTERNAL, "%s could not begin",
				       p->round.protocol->name);
	return OK;
}

enum status cprom_peer_prepare(struct cprom_peer *p, const struct cprom_credential *credential,
			       const struct enrol_peer_protocol *protocol, struct slice binding)
{
	const struct cprom_offer offer = { .info = { .type = (uint8_t)credential->type } };
	enum status status;

	p->round.credential = credential;
	p->round.protocol = protocol;
	p->round.job.action = credential->action;
	status = merge_params(p, &offer);
	return status == OK ? begin_protocol(p, binding) : status;
}

enum status cprom_peer_begin_round(struct cprom_peer *p, struct slice message, bool last,
				   struct moment now)
{
	struct cprom_offer offer;
	enum status status;

	if (cprom_check(last ? CPROM_SERVER_SINGLE : CPROM_SERVER_OFFER, message, &p->fault) != OK)
		return MALFORMED;
	status = cprom_peer_take_offer(p, message, &offer);
	if (status != OK)
		return status;
	p->round.job.action = (enum enrol_action)offer.action.action;
	cprom_peer_tell(p, CPROM_AUTHORISED, p->round.credential, "");
	status = merge_params(p, &offer);
	if (status == OK)
		status = begin_protocol(p, slice_of(p->tunnel->exported, EAP_TUNNEL_BINDING_SIZE));
	return status == OK ? cprom_peer_go_on(p, message, last, now) : status;
}

/* ---- what came of it ----------------------------------------------------------------- */

static enum status remember_id(struct deed *deed, const struct enrol_result *result)
{
	if (result->cert) {
		deed->id_len = PROOF_HASH_SIZE;
		return proof_certificate_id(result->cert, deed->id);
	}
	if (result->username.len == 0 || result->username.len > sizeof deed->id)
		return MALFORMED;
	memcpy(deed->id, result->username.p, result->username.len);
	deed->id_len = result->username.len;
	return OK;
}

static struct deed *new_deed(struct cprom_peer *p)
{
	struct deed *deed = &p->deeds[p->deed_count++];

	*deed = (struct deed){ .credential = p->round.credential };
	deed->result.credential = p->round.credential->name;
	deed->result.action = p->round.job.action;
	deed->result.type = p->round.credential->type;
	deed->result.protocol = p->round.protocol->name;
	p->round.deed = deed;
	p->begun_key = false;
	return deed;
}

static enum status remember(struct cprom_peer *p, const struct enrol_result *result,
			    const struct diagnosis *reduced)
{
	struct slice secret = result->password.len > 0 ? result->password : result->secret;
	struct deed *deed = new_deed(p);

	deed->result.reduced = *reduced;
	deed->result.anchors = (unsigned)(result->anchors ? sk_X509_num(result->anchors) : 0);
	printable(result->username, deed->result.username, sizeof deed->result.username);
	if (result->cert)
		cert_info_of(result->cert, &deed->result.cert);
	if (p->round.key && EVP_PKEY_up_ref(p->round.key) == 1)
		deed->key = p->round.key;
	if (remember_id(deed, result) != OK ||
	    (secret.len > 0 && secret_set(&deed->secret, secret) != OK))
		return cprom_peer_fail(p, ENROL_ERROR_INTERNAL, "no memory");
	return OK;
}

static enum status judge(struct cprom_peer *p, const struct enrol_result *result,
			 struct diagnosis *reduced, struct moment now)
{
	diagnosis_set(reduced, DIAG_NONE);
	if (p->round.credential->type == ENROL_X509)
		return cprom_judge(&p->settings, p->round.credential, p->round.key, result,
				   now.wall, &p->fault, &p->why, reduced);
	return result->password.len + result->secret.len > 0
		       ? OK
		       : cprom_peer_fail(p, ENROL_ERROR_NOT_ACCEPTABLE, "an empty secret");
}

/* A protocol may bring a certificate and no anchor (cp of CMP has no caPubs).  Who knows the
 * network by a pin alone then has the root that the pin is of. */
static enum status find_anchor(const struct cprom_peer *p, const struct enrol_result *result,
			       X509_STACK **ret_root)
{
	const unsigned char *der = p->tunnel->pinned_root.p;
	AUTO(X509_STACK) root = NULL;
	AUTO(X509) cert = NULL;

	if (!p->settings.accept_anchors || sk_X509_num(p->settings.anchors) > 0 ||
	    sk_X509_num(result->anchors) > 0 || p->tunnel->pinned_root.len == 0 || !result->cert)
		return OK;
	cert = d2i_X509(NULL, &der, (long)p->tunnel->pinned_root.len);
	root = sk_X509_new_null();
	if (!cert || !root || sk_X509_push(root, cert) <= 0)
		return NO_MEMORY;
	(void)TAKE(cert);
	*ret_root = TAKE(root);
	return OK;
}

/* Checked, then stored, durably; not yet used. */
static enum status install(struct cprom_peer *p, struct moment now)
{
	const struct enrol_store_ref *store = &p->settings.store;
	struct enrol_result result = { 0 };
	struct diagnosis reduced, why = { 0 };
	AUTO(X509_STACK) root = NULL;
	char fingerprint[65] = "";

	p->round.protocol->result(p->round.self, &result);
	if (find_anchor(p, &result, &root) != OK)
		return cprom_peer_fail(p, ENROL_ERROR_INTERNAL, "no memory");
	if (root)
		result.anchors = root;
	if (result.cert)
		cert_fingerprint(result.cert, fingerprint, sizeof fingerprint);
	cprom_peer_tell(p, CPROM_RECEIVED, p->round.credential, fingerprint);
	if (judge(p, &result, &reduced, now) != OK)
		return UNTRUSTED;
	cprom_peer_tell(p, CPROM_CHECKED, p->round.credential,
			reduced.id == DIAG_NONE ? "" : diagnosis_text(reduced.id)->name);
	if (!p->settings.accept_anchors)
		result.anchors = NULL;
	p->begun_key = true;
	if (store->store->put(store->self, p->round.credential->name, &result, &why) != OK)
		return store_failed(p, ENROL_ERROR_STORAGE, &why);
	cprom_peer_tell(p, CPROM_STORED, p->round.credential, "");
	return remember(p, &result, &reduced);
}

/* What the server says that it gave is what we got. */
static enum status check_info(struct cprom_peer *p, struct slice message)
{
	struct slice value = cprom_tlv_find(message, CPROM_CREDENTIALS_INFORMATION);
	const struct deed *deed = p->round.deed;
	struct cprom_info info;

	if (cprom_info_parse(value, &info) != OK ||
	    (enum enrol_credential)info.type != deed->credential->type ||
	    !slice_eq(info.id, slice_of(deed->id, deed->id_len)))
		return cprom_peer_fail(p, ENROL_ERROR_NOT_ACCEPTABLE,
				       "the server says that it gave us something else");
	return OK;
}

static enum status reply(struct cprom_peer *p, const struct enrol_output *out, bool last)
{
	struct wr w = cprom_link_open(&p->link, out->headers.len + out->data.len + 8);

	if (out->headers.len > 0)
		cprom_tlv_put(&w, CPROM_PROVISIONING_HEADERS, bytes_slice(&out->headers));
	if (out->data.len > 0)
		cprom_tlv_put(&w, CPROM_PROVISIONING_DATA, bytes_slice(&out->data));
	if (out->headers.len + out->data.len > p->settings.message_max)
		return cprom_peer_fail(p, ENROL_ERROR_LIMIT, "our message is too long");
	return cprom_link_close(&p->link, &w, CPROM_PROVISIONING, last ? CPROM_LAST : 0) == OK
		       ? OK
		       : cprom_peer_fail(p, ENROL_ERROR_INTERNAL, "no memory");
}

/* The protocol is at its end; so is the round when the server says so too. */
static enum status conclude(struct cprom_peer *p, struct slice message, bool last,
			    const struct enrol_output *out)
{
	enum status status = OK;

	if (!p->round.deed && p->round.job.action == ENROL_REMOVE) {
		struct deed *deed = new_deed(p);

		deed->id_len = cprom_credential_id(deed->credential, deed->id);
	}
	if (!p->round.deed)
		return cprom_peer_fail(p, ENROL_ERROR_UNEXPECTED, "%s ended without a credential",
				       p->round.protocol->name);
	if (last)
		status = check_info(p, message);
	if (status == OK)
		status = reply(p, out, last);
	if (last)
		cprom_peer_round_done(p);
	return status;
}

static enum status protocol_failed(struct cprom_peer *p)
{
	const struct enrol_fault *fault = p->round.protocol->fault(p->round.self);
	const struct diagnosis *why = p->round.protocol->diagnosis(p->round.self);

	p->fault = *fault;
	if (p->fault.error == ENROL_ERROR_NONE)
		enrol_fault_set(&p->fault, ENROL_ERROR_INTERNAL, "%s failed",
				p->round.protocol->name);
	if (p->why.id == DIAG_NONE && why)
		p->why = *why;
	return UNEXPECTED;
}

/* OK: *ret_state is what the protocol makes of it, once what it has got is installed. */
static enum status process(struct cprom_peer *p, const struct enrol_message *in,
			   struct enrol_output *out, struct moment now, enum enrol_state *ret_state)
{
	struct round *round = &p->round;
	enum enrol_state state = round->protocol->process(round->self, in, out, now);
	enum status status = OK;

	if (state == ENROL_GOT) {
		status = install(p, now);
		state = round->protocol->accept(round->self, status == OK ? NULL : &p->fault, out,
						now);
	}
	*ret_state = state;
	return status;
}

enum status cprom_peer_exchange(struct cprom_peer *p, const struct enrol_message *in,
				struct enrol_output *out, struct moment now)
{
	enum enrol_state state;
	enum status status = process(p, in, out, now, &state);

	if (status != OK || state == ENROL_DONE || state == ENROL_GOES_ON)
		return status;
	return protocol_failed(p);
}

static enum status advance(struct cprom_peer *p, const struct enrol_message *in,
			   struct slice message, bool last, struct enrol_output *out,
			   struct moment now)
{
	struct round *round = &p->round;
	enum enrol_state state;
	enum status status = process(p, in, out, now, &state);

	if (status != OK)
		return status;
	switch (state) {
	case ENROL_DONE:
		return conclude(p, message, last, out);
	case ENROL_GOES_ON:
		if (last)
			return cprom_peer_fail(p, ENROL_ERROR_UNEXPECTED,
					       "the server ended the round too early");
		if (round->messages == 1)
			cprom_peer_tell(p, CPROM_REQUESTED, round->credential, "");
		return reply(p, out, false);
	case ENROL_FAILED:
		return protocol_failed(p);
	case ENROL_GOT:
	case ENROL_ASKS:
		break;
	}
	return cprom_peer_fail(p, ENROL_ERROR_INTERNAL, "%s lost its way", round->protocol->name);
}

enum status cprom_peer_go_on(struct cprom_peer *p, struct slice message, bool last,
			     struct moment now)
{
	AUTO_VALUE(enrol_output) out = { 0 };
	struct enrol_message in = { cprom_tlv_find(message, CPROM_PROVISIONING_HEADERS),
				    cprom_tlv_find(message, CPROM_PROVISIONING_DATA) };

	if (p->round.messages > 0 &&
	    cprom_check(last ? CPROM_SERVER_LAST : CPROM_SERVER_ROUND, message, &p->fault) != OK)
		return MALFORMED;
	if (++p->round.messages > ENROL_ROUNDS_MAX)
		return cprom_peer_fail(p, ENROL_ERROR_LIMIT, "more than %u messages for %s",
				       ENROL_ROUNDS_MAX, p->round.credential->name);
	return advance(p, &in, message, last, &out, now);
}
