/* Certificates that TEAP's server gives by itself (RFC 9930, section 3.11.1).
 *
 * A peer asks when we have told it a success, by a Request-Action TLV with a PKCS#10 in it; or,
 * with nothing but a certificate, in place of what it is asked for inside.  A peer whose
 * certificate is enough to be let in is asked for a PKCS#10 ourselves when that certificate is to
 * be renewed (appendix C.11).  Whether it may have one, and what stands in it, is asked as CPROM's
 * server does: the authorisation (by the certificate, then by the account), then the certificate,
 * which is recorded before we have it.  It goes out bound to all that was proved before. */
#include <string.h>

#include "enrol/certs_only.h"
#include "enrol/est.h"
#include "enrol/pkcs.h"
#include "method/teap_server_parts.h"

void teap_errand_done(struct teap_errand *e)
{
	if (e->round)
		pkcs_server.free(e->round);
	bytes_done(&e->csr);
	bytes_done(&e->certificate);
	enrol_output_done(&e->out);
	*e = (struct teap_errand){ 0 };
}

/* ---- whether we do it ----------------------------------------------------------------------- */

/* A session that is resumed shows no certificate and proves nothing anew; and without RFC 7627 a
 * request could be of another tunnel. */
static bool provides(const struct teap_server *c)
{
	return c->context->enrol && !tunnel_server_resumed(c->tunnel) &&
	       tunnel_server_binding(c->tunnel)->unique;
}

/* Of the tunnel, or of an EAP-TLS inside. */
static const struct tls_claim *claim_of(const struct teap_server *c)
{
	const struct tls_claim *claim = tunnel_server_claim(c->tunnel);

	for (unsigned i = 0; !claim && i < TEAP_ROUNDS_MAX; i++) {
		if (c->proofs[i].done)
			claim = inner_server_claim(&c->proofs[i].inner);
	}
	return claim;
}

void teap_server_write_attributes(struct teap_server *c)
{
	AUTO_VALUE(bytes) der = { 0 };

	if (!provides(c) || c->errand.offered)
		return;
	c->errand.offered = true;
	/* Without memory it is not told: "Servers MAY send". */
	if (est_attributes_build(true, c->context->enrol->policy->x509.oid, &der) == OK)
		teap_tlv_write(&c->w, TEAP_CSR_ATTRIBUTES, bytes_slice(&der));
}

static bool is_issuer(const struct enrol_authority *authority, const struct tls_claim *claim)
{
	const unsigned char *der;
	size_t len;

	return authority->issuer &&
	       X509_NAME_get0_der(X509_get_subject_name(authority->issuer), &der, &len) == 1 &&
	       slice_eq(claim->issuer_der, slice_of(der, len));
}

/* As CPROM's server sees it; of a foreign authority there is nothing to renew. */
static bool is_due(const struct cprom_server_context *enrol, const struct tls_claim *claim,
		   int64_t now)
{
	int64_t life = claim->not_after - claim->not_before;
	unsigned percent = enrol->policy->renew_percent;

	if (!is_issuer(enrol->authority, claim))
		return enrol->authority->renew_wanted;
	return percent > 0 && life > 0 && now >= claim->not_before + life / 100 * percent;
}

/* ---- answers -------------------------------------------------------------------------------- */

/* Section 4.2.6, "the most descriptive error code possible". */
static enum teap_error code_of(const struct enrol_fault *fault, bool issuing)
{
	static const enum teap_error codes[ENROL_ERRORS] = {
		[ENROL_ERROR_MALFORMED] = TEAP_ERROR_CSR,
		[ENROL_ERROR_PROOF] = TEAP_ERROR_CSR,
		[ENROL_ERROR_PARAMETERS] = TEAP_ERROR_CSR_ALGORITHM,
		[ENROL_ERROR_ACTION_REFUSED] = TEAP_ERROR_CSR_IDENTITY,
		[ENROL_ERROR_INTERNAL] = TEAP_ERROR_CA,
	};
	enum teap_error code = fault->error < ENROL_ERRORS ? codes[fault->error] : TEAP_NO_ERROR;

	if (!issuing && code != TEAP_ERROR_CA && code != TEAP_ERROR_CSR)
		return TEAP_ERROR_AUTHORIZATION;
	return code == TEAP_NO_ERROR ? TEAP_ERROR_PKI : code;
}

/* Before anything else was proved there is the certificate of the tunnel, which may be enough. */
static enum eap_server_state refused_early(struct teap_server *c)
{
	struct teap_errand *e = &c->errand;

	e->missed = true;
	tunnel_server_keep_nothing(c->tunnel);
	if (tunnel_server_proved(c->tunnel, slice_of(NULL, 0), "", NULL) != OK)
		return teap_server_internal(c, "out of memory");
	return teap_server_ask_admission(c);
}

/* Who would be let in all the same is, and told of the error: section 4.2.9. */
static enum eap_server_state refused(struct teap_server *c, const struct enrol_fault *fault,
				     const struct diagnosis *why)
{
	struct teap_errand *e = &c->errand;

	e->error = code_of(fault, e->granted);
	e->asked = NULL;
	if (!e->early && e->status == TEAP_SUCCESS)
		return teap_server_tell_success(c);
	enrol_fault_explain(fault, ENROL_US, why, &c->why);
	return e->early ? refused_early(c) : teap_server_fail(c, e->error);
}

static enum eap_server_state refuse(struct teap_server *c, enum enrol_error error,
				    const char *detail)
{
	struct enrol_fault fault;

	enrol_fault_set(&fault, error, "%s", detail);
	return refused(c, &fault, NULL);
}

static enum eap_server_state ask(struct teap_server *c, const struct enrol_question *question)
{
	struct teap_errand *e = &c->errand;

	e->asked = question;
	e->eap_question =
		(struct eap_question){ .kind = EAP_ASKS_ENROLMENT, .about.enrolment = question };
	c->question = &e->eap_question;
	return METHOD_ASKS;
}

static enum status write_roots(struct teap_server *c)
{
	AUTO_VALUE(bytes) der = { 0 };

	if (!c->errand.roots)
		return OK;
	c->errand.roots = false;
	if (certs_only_build(c->context->enrol->authority->anchors, &der) != OK)
		return NO_MEMORY;
	teap_write_root(&c->w, bytes_slice(&der));
	return OK;
}

/* What there is to give, in front of what else is said. */
enum status teap_server_write_given(struct teap_server *c)
{
	struct teap_errand *e = &c->errand;

	if (e->issued && !e->told) {
		e->told = true;
		teap_tlv_write(&c->w, TEAP_PKCS7, bytes_slice(&e->out.data));
	}
	return write_roots(c);
}

/* ---- authorisation -------------------------------------------------------------------------- */

static enum eap_server_state authorise(struct teap_server *c)
{
	static const enum enrol_authorisation ways[] = { ENROL_BY_CERTIFICATE, ENROL_BY_ACCOUNT };
	const struct tls_claim *claim = claim_of(c);
	struct teap_errand *e = &c->errand;

	while (e->way < sizeof ways / sizeof ways[0]) {
		enum enrol_authorisation by = ways[e->way++];
		struct slice account = tunnel_server_identity(c->tunnel);
		bool shown =
			by == ENROL_BY_CERTIFICATE ? claim != NULL : account.len > 0 && !e->early;

		if (!shown || !(c->context->enrol->policy->authorisations & 1u << by))
			continue;
		e->question = (struct enrol_question){ .kind = ENROL_ASKS_AUTHORISE, .by = by };
		if (by == ENROL_BY_CERTIFICATE)
			e->question.claim = claim;
		else
			e->question.account = account;
		return ask(c, &e->question);
	}
	if (e->fault.error != ENROL_ERROR_NONE)
		return refused(c, &e->fault, &e->why);
	return refuse(c, ENROL_ERROR_ACTION_REFUSED,
		      "neither its account nor its certificate may be enrolled");
}

/* One that the registry knows is renewed. */
static enum enrol_action action_of(const struct enrol_grant *grant)
{
	return *grant->machine ? ENROL_RENEW : ENROL_REGISTER;
}

static enum status fill_job(struct teap_server *c)
{
	struct teap_errand *e = &c->errand;
	const struct tls_claim *claim = claim_of(c);
	size_t len = 0;

	if (tls_conn_channel_binding(tunnel_server_conn(c->tunnel), e->link, &len) != OK)
		return CRYPTO;
	e->job = (struct enrol_server_job){
		.action = action_of(&e->grant),
		.type = ENROL_X509,
		.authority = c->context->enrol->authority,
		.grant = e->grant,
		.params = c->context->enrol->policy->x509,
		.binding = slice_of(e->link, len),
		.link_required = true,
	};
	if (claim && e->grant.by == ENROL_BY_CERTIFICATE)
		e->job.proved = claim->certificate;
	return OK;
}

static enum eap_server_state issue(struct teap_server *c, struct moment now)
{
	struct teap_errand *e = &c->errand;
	const struct enrol_message in = { .data = bytes_slice(&e->csr) };
	enum enrol_state state;

	if (fill_job(c) != OK || pkcs_server.init(&e->job, &e->out, &e->round) != OK)
		return refuse(c, ENROL_ERROR_INTERNAL, "the enrolment could not begin");
	state = pkcs_server.process(e->round, &in, &e->out, now);
	if (state == ENROL_ASKS)
		return ask(c, pkcs_server.question(e->round));
	return refused(c, pkcs_server.fault(e->round), pkcs_server.diagnosis(e->round));
}

/* "A server MAY also send in the same message a Request Action frame for a PKCS#10 TLV.  This is an
 * indication to the peer that the server would like the peer to renew its certificate." */
static enum eap_server_state propose_renewal(struct teap_server *c)
{
	uint8_t empty[8];
	struct wr w = wr_of(empty, sizeof empty);

	c->phase = RENEWING;
	teap_server_write_attributes(c);
	teap_tlv_write(&w, TEAP_PKCS10, slice_of(NULL, 0));
	teap_write_action(&c->w, TEAP_SUCCESS, TEAP_PROCESS_TLV, wr_done(&w));
	return teap_server_send(c);
}

static enum eap_server_state authorised(struct teap_server *c, const struct enrol_reply *reply,
					struct moment now)
{
	struct teap_errand *e = &c->errand;
	enum enrol_authorisation by = e->question.by;

	if (!reply->accept) {
		enum enrol_error error =
			reply->error ? (enum enrol_error)reply->error : ENROL_ERROR_ACTION_REFUSED;

		enrol_fault_set(&e->fault, error, "%s", enrol_refusal(error, true));
		diagnosis_set(&e->why, DIAG_NONE);
		if (reply->why)
			e->why = *reply->why;
		return e->csr.len > 0 ? authorise(c) : teap_server_skip(c);
	}
	e->grant = reply->grant;
	e->grant.by = by;
	if (!(c->context->enrol->policy->actions & 1u << action_of(&e->grant)))
		return e->csr.len > 0 ? refuse(c, ENROL_ERROR_ACTION_REFUSED,
					       "this is not done with certificates here")
				      : teap_server_skip(c);
	e->granted = true;
	if (e->csr.len > 0)
		return issue(c, now);
	return action_of(&e->grant) == ENROL_RENEW ? propose_renewal(c) : teap_server_skip(c);
}

bool teap_server_renews(struct teap_server *c, struct moment now)
{
	const struct tls_claim *claim = tunnel_server_claim(c->tunnel);
	const struct cprom_server_context *enrol = c->context->enrol;
	struct teap_errand *e = &c->errand;

	if (!provides(c) || !claim || !is_due(enrol, claim, now.wall) ||
	    !(enrol->policy->authorisations & 1u << ENROL_BY_CERTIFICATE))
		return false;
	e->early = true;
	e->question = (struct enrol_question){ .kind = ENROL_ASKS_AUTHORISE,
					       .action = ENROL_RENEW,
					       .by = ENROL_BY_CERTIFICATE,
					       .claim = claim };
	ask(c, &e->question);
	return true;
}

/* ---- the certificate ------------------------------------------------------------------------ */

static enum eap_server_state issued(struct teap_server *c, const struct enrol_reply *reply,
				    struct moment now)
{
	struct teap_errand *e = &c->errand;

	if (pkcs_server.answer(e->round, reply, &e->out, now) != ENROL_DONE)
		return refused(c, pkcs_server.fault(e->round), pkcs_server.diagnosis(e->round));
	if (bytes_set(&e->certificate, reply->certificate) != OK)
		return refuse(c, ENROL_ERROR_INTERNAL, "out of memory");
	e->asked = NULL;
	e->issued = true;
	tunnel_server_keep_nothing(c->tunnel);
	if (!e->early)
		return teap_server_tell_success(c);
	/* What else there was to prove, the new certificate does. */
	c->untold = true;
	if (tunnel_server_proved(c->tunnel, slice_of(NULL, 0), "", claim_of(c)) != OK)
		return teap_server_internal(c, "out of memory");
	return teap_server_ask_admission(c);
}

bool teap_server_confirms(struct teap_server *c)
{
	struct teap_errand *e = &c->errand;

	if (!e->told || e->confirmed)
		return false;
	e->confirmed = true;
	e->question = (struct enrol_question){ .kind = ENROL_ASKS_CONFIRM,
					       .action = e->job.action,
					       .grant = &e->grant,
					       .certificate = bytes_slice(&e->certificate) };
	ask(c, &e->question);
	return true;
}

enum eap_server_state teap_server_hear_errand(struct teap_server *c, const struct eap_reply *reply,
					      struct moment now)
{
	static const struct enrol_reply no = { .error = ENROL_ERROR_INTERNAL };
	const struct enrol_reply *answer = reply->with.enrolment ? reply->with.enrolment : &no;
	enum enrol_question_kind kind = c->errand.asked->kind;

	c->errand.asked = NULL;
	if (kind == ENROL_ASKS_AUTHORISE)
		return authorised(c, answer, now);
	if (kind == ENROL_ASKS_ISSUE)
		return issued(c, answer, now);
	/* Confirmed: a refusal of that is ignored. */
	return c->phase == PARTING ? teap_server_fail(c, TEAP_ERROR_AUTHORIZATION)
				   : METHOD_SUCCEEDED;
}

/* ---- what the peer asks for ----------------------------------------------------------------- */

/* Of a message and of all that its Request-Action TLVs have; false: something is there twice. */
static bool read_demand(const struct teap_message *m, struct teap_provision *ret,
			enum teap_status *ret_status)
{
	struct teap_provision all = { .request = teap_has(m, TEAP_PKCS10),
				      .root = teap_has(m, TEAP_TRUSTED_ROOT),
				      .pkcs10 = m->pkcs10 };

	*ret_status = m->action_count > 0 ? TEAP_SUCCESS : TEAP_FAILURE;
	for (unsigned i = 0; i < m->action_count; i++) {
		struct teap_provision one;

		if (m->actions[i].action != TEAP_PROCESS_TLV)
			continue;
		if (!teap_provision_read(m->actions[i].tlvs, &one) || (all.request && one.request))
			return false;
		all.request |= one.request;
		all.root |= one.root;
		if (one.request)
			all.pkcs10 = one.pkcs10;
		if ((one.request || one.root) && m->actions[i].status == TEAP_FAILURE)
			*ret_status = TEAP_FAILURE;
	}
	*ret = all;
	return true;
}

static enum eap_server_state hear_request(struct teap_server *c, struct slice pkcs10,
					  struct moment now)
{
	struct teap_errand *e = &c->errand;

	if (e->csr.len > 0)
		return teap_server_unexpected(c, "a second PKCS#10");
	if (pkcs10.len == 0)
		return refuse(c, ENROL_ERROR_MALFORMED, "the PKCS#10 is empty");
	if (bytes_set(&e->csr, pkcs10) != OK)
		return teap_server_internal(c, "out of memory");
	return e->granted ? issue(c, now) : authorise(c);
}

static enum eap_server_state hear_roots(struct teap_server *c)
{
	if (c->phase == ENDING)
		return teap_server_tell_success(c);
	if (teap_server_write_given(c) != OK)
		return teap_server_internal(c, "out of memory");
	return teap_server_send(c);
}

bool teap_server_demanded(struct teap_server *c, const struct teap_message *m, struct moment now,
			  enum eap_server_state *ret_state)
{
	struct teap_errand *e = &c->errand;
	bool bound = c->phase == ENDING || c->phase == PARTING;
	struct teap_provision wanted;

	if (!provides(c) || m->result == TEAP_SUCCESS)
		return false;
	if (!read_demand(m, &wanted, &e->status)) {
		*ret_state = teap_server_unexpected(c, "TLVs of an enrolment that are there twice");
		return true;
	}
	/* Whoever has shown nothing is asked for something first. */
	if (!(wanted.request || (wanted.root && bound)) ||
	    (!bound && !tunnel_server_claim(c->tunnel)))
		return false;
	e->roots = wanted.root && bound;
	if (wanted.request) {
		e->early = !bound;
		*ret_state = hear_request(c, wanted.pkcs10, now);
	} else {
		*ret_state = hear_roots(c);
	}
	return true;
}
