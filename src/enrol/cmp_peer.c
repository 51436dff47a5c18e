/* CMP as the enrolling machine speaks it: RFC 9483, section 4.
 *
 *	register	ir/ip (the basic form: p10cr/cp), certConf/pkiConf unless it is waived
 *	renew		genm/genp for a new root, then kur/kup signed by the old credential
 *	remove		rr/rp
 *
 * Polling: the other side speaks first in EAP, so that we cannot wait; who forwards our messages to
 * a CA does (cmp_server.c). */
#include "enrol/chain.h"
#include "enrol/cmp_exchange.h"
#include "enrol/cmp_lib.h"
#include "enrol/csr.h"
#include "enrol/names.h"

enum step { START, ROOTS, CERTIFICATE, REVOCATION, OVER };

struct cmp_machine {
	struct enrol_peer_job job;
	enum cmp_body kind; /* of the request for a certificate */
	enum step step;
	unsigned rounds;

	X509_REQ *csr;
	X509_NAME *subject;
	GENERAL_NAMES *alternative;
	struct cmp_exchange *exchange;
	X509 *new_root;
	STACK_OF(X509) * chain, *anchors;
	struct enrol_fault fault;
	struct diagnosis why;
};

static enum enrol_state fail(struct cmp_machine *m, enum enrol_side by)
{
	m->step = OVER;
	enrol_fault_explain(&m->fault, by, NULL, &m->why);
	return ENROL_FAILED;
}

static enum enrol_state fail_here(struct cmp_machine *m, enum enrol_error error, const char *detail)
{
	enrol_fault_set(&m->fault, error, "%s", detail);
	return fail(m, ENROL_US);
}

/* ---- requests ------------------------------------------------------------------------------- */

/* Our root: what the old certificate's issuers end in, if it is at hand. */
static X509 *known_root(const struct enrol_peer_job *job)
{
	X509 *top = job->old_cert;

	if (sk_X509_num(job->old_chain) > 0)
		top = sk_X509_value(job->old_chain, sk_X509_num(job->old_chain) - 1);
	for (int i = 0; i < sk_X509_num(job->anchors); i++) {
		X509 *anchor = sk_X509_value(job->anchors, i);

		if (top && enrol_is_root(anchor) && X509_check_issued(anchor, top) == X509_V_OK)
			return anchor;
	}
	return NULL;
}

static struct cmp_terms terms_of(const struct enrol_peer_job *job)
{
	/* What is renewed or removed signs for itself: RFC 9483, sections 4.1.3 and 4.2. */
	bool by_mac = job->secret.len > 0 && job->action == ENROL_REGISTER;

	return (struct cmp_terms){
		.cert = job->old_cert,
		.key = job->old_key,
		.chain = job->old_chain,
		.anchors = job->anchors,
		.reference = by_mac ? job->reference : slice_of(NULL, 0),
		.secret = by_mac ? job->secret : slice_of(NULL, 0),
	};
}

static enum enrol_state begin(struct cmp_machine *m, enum step step, struct moment now,
			      struct enrol_output *out)
{
	struct cmp_terms terms = terms_of(&m->job);
	struct cmp_wish wish = { .kind = m->kind, .key = m->job.key, .csr = m->csr };

	if (step == REVOCATION)
		wish = (struct cmp_wish){ .kind = CMP_RR, .old = m->job.old_cert };
	else if (step == ROOTS)
		wish = (struct cmp_wish){ .kind = CMP_GENM, .old = known_root(&m->job) };
	else if (m->kind != CMP_P10CR) {
		wish.subject = m->subject;
		wish.alternative = m->alternative;
		wish.old = m->kind == CMP_KUR ? m->job.old_cert : NULL;
	}
	m->step = step;
	cmp_exchange_free(m->exchange);
	m->exchange = NULL;
	if (cmp_exchange_new(&terms, &wish, now, &out->data, &m->exchange) != OK)
		return fail_here(m, ENROL_ERROR_INTERNAL, "the CMP request could not be made");
	return ENROL_GOES_ON;
}

/* ---- responses ------------------------------------------------------------------------------ */

/* RFC 9810, section 4.4: the old root vouches for the new one's key and name. */
static bool root_is_vouched_for(X509 *old, X509 *with_new, X509 *with_old, int64_t now)
{
	time_t when = (time_t)now;

	return old && X509_verify(with_old, X509_get0_pubkey(old)) == 1 &&
	       X509_verify(with_new, X509_get0_pubkey(with_new)) == 1 &&
	       EVP_PKEY_eq(X509_get0_pubkey(with_new), X509_get0_pubkey(with_old)) == 1 &&
	       X509_NAME_cmp(X509_get_subject_name(with_new), X509_get_subject_name(with_old)) ==
		       0 &&
	       X509_check_ca(with_new) == 1 &&
	       X509_cmp_time(X509_get0_notAfter(with_new), &when) > 0;
}

static enum enrol_state got_roots(struct cmp_machine *m, struct moment now,
				  struct enrol_output *out)
{
	X509 *root = cmp_exchange_new_root(m->exchange);

	if (root) {
		if (!root_is_vouched_for(known_root(&m->job), root,
					 cmp_exchange_new_with_old(m->exchange), now.wall))
			return fail_here(m, ENROL_ERROR_NOT_ACCEPTABLE,
					 "the old root does not vouch for the new one");
		if (!X509_up_ref(root))
			return fail_here(m, ENROL_ERROR_INTERNAL, "out of memory");
		m->new_root = root;
	}
	return begin(m, CERTIFICATE, now, out);
}

/* What the server means as anchors.  caPubs counts with a new credential alone (RFC 9483, sections
 * 4.1.2 and 4.1.3: in others it has to be absent); after a roll-over the old ones stay beside the
 * new, for the overlap. */
static enum status collect_anchors(struct cmp_machine *m)
{
	const STACK_OF(X509) *from = m->job.action == ENROL_REGISTER && m->kind != CMP_KUR
					     ? cmp_exchange_ca_pubs(m->exchange)
					     : NULL;

	if (m->new_root)
		from = m->job.anchors;
	if (sk_X509_num(from) <= 0 && !m->new_root)
		return OK;
	m->anchors = sk_X509_new_null();
	if (!m->anchors)
		return NO_MEMORY;
	for (int i = 0; i < sk_X509_num(from); i++)
		if (enrol_push(m->anchors, sk_X509_value(from, i)) != OK)
			return NO_MEMORY;
	return m->new_root ? enrol_push(m->anchors, m->new_root) : OK;
}

static enum enrol_state got_certificate(struct cmp_machine *m)
{
	if (enrol_chain(cmp_exchange_cert(m->exchange), cmp_exchange_extra(m->exchange),
			&m->chain) != OK ||
	    collect_anchors(m) != OK)
		return fail_here(m, ENROL_ERROR_INTERNAL, "out of memory");
	return ENROL_GOT;
}

static enum enrol_state failed(struct cmp_machine *m, struct moment now, struct enrol_output *out)
{
	m->fault = *cmp_exchange_fault(m->exchange);
	/* who cannot tell of a new root can still renew */
	if (m->step == ROOTS && m->fault.error == ENROL_ERROR_CA_REFUSED) {
		m->fault = (struct enrol_fault){ 0 };
		return begin(m, CERTIFICATE, now, out);
	}
	return fail(m, m->fault.error == ENROL_ERROR_CA_REFUSED ? ENROL_THEM : ENROL_US);
}

static enum enrol_state go_on(struct cmp_machine *m, enum cmp_progress progress, struct moment now,
			      struct enrol_output *out)
{
	switch (progress) {
	case CMP_SEND:
	case CMP_POLL:
		return ENROL_GOES_ON;
	case CMP_JUDGE:
		return got_certificate(m);
	case CMP_OVER:
		if (m->step == ROOTS)
			return got_roots(m, now, out);
		m->step = OVER;
		return ENROL_DONE;
	case CMP_FAILED:
		break;
	}
	return failed(m, now, out);
}

/* ---- the table ------------------------------------------------------------------------------ */

static bool can_protect(const struct enrol_peer_job *job)
{
	bool signs = job->old_cert && job->old_key && sk_X509_num(job->anchors) > 0;

	return signs || (job->secret.len > 0 && job->action == ENROL_REGISTER);
}

static enum status make_request(struct cmp_machine *m)
{
	AUTO_VALUE(bytes) der = { 0 };
	const unsigned char *p;
	enum status status;

	if (m->kind != CMP_P10CR) {
		status = names_subject(&m->job.names, &m->subject);
		return status != OK ? status : names_alternative(&m->job.names, &m->alternative);
	}
	status = csr_build(&m->job.names, m->job.key, slice_of(NULL, 0), &der);
	if (status != OK)
		return status;
	p = der.p;
	m->csr = d2i_X509_REQ(NULL, &p, (long)der.len);
	return m->csr ? OK : NO_MEMORY;
}

static void cmp_free(void *self)
{
	struct cmp_machine *m = self;

	if (!m)
		return;
	cmp_exchange_free(m->exchange);
	X509_REQ_free(m->csr);
	X509_NAME_free(m->subject);
	GENERAL_NAMES_free(m->alternative);
	X509_free(m->new_root);
	x509_stack_free(m->chain);
	x509_stack_free(m->anchors);
	free(m);
}

static enum status init(const struct enrol_peer_job *job, enum cmp_body kind, void **ret_self)
{
	struct cmp_machine *m;
	enum status status = OK;
	bool asks = job->action != ENROL_REMOVE;

	if (!can_protect(job) || job->type != ENROL_X509 || (asks && !job->key))
		return UNSUPPORTED;
	m = calloc(1, sizeof *m);
	if (!m)
		return NO_MEMORY;
	*m = (struct cmp_machine){ .job = *job, .kind = kind };
	/* a renewal for which no names are given gets those of the old certificate */
	if (asks && (kind != CMP_KUR || enrol_names_wanted(&job->names)))
		status = make_request(m);
	if (status != OK) {
		cmp_free(m);
		return status;
	}
	*ret_self = m;
	return OK;
}

static enum status full_init(const struct enrol_peer_job *job, void **ret_self)
{
	return init(job, job->action == ENROL_RENEW ? CMP_KUR : CMP_IR, ret_self);
}

static enum status basic_init(const struct enrol_peer_job *job, void **ret_self)
{
	return init(job, CMP_P10CR, ret_self);
}

static enum enrol_state first(struct cmp_machine *m, struct moment now, struct enrol_output *out)
{
	if (m->job.action == ENROL_REMOVE)
		return begin(m, REVOCATION, now, out);
	if (m->kind == CMP_KUR && known_root(&m->job))
		return begin(m, ROOTS, now, out);
	return begin(m, CERTIFICATE, now, out);
}

static enum enrol_state cmp_process(void *self, const struct enrol_message *in,
				    struct enrol_output *out, struct moment now)
{
	struct cmp_machine *m = self;

	bytes_clear(&out->headers);
	bytes_clear(&out->data);
	if (m->step == OVER)
		return fail_here(m, ENROL_ERROR_UNEXPECTED, "the enrollment is over");
	if (in->headers.len > 0)
		return fail_here(m, ENROL_ERROR_MALFORMED, "CMP has no headers");
	if (++m->rounds > ENROL_ROUNDS_MAX)
		return fail_here(m, ENROL_ERROR_LIMIT, "too many messages");
	if (m->step != START)
		return go_on(m, cmp_exchange_receive(m->exchange, in->data, now, &out->data), now,
			     out);
	if (in->data.len > 0)
		return fail_here(m, ENROL_ERROR_UNEXPECTED, "nothing was asked for yet");
	return first(m, now, out);
}

static enum enrol_state cmp_accept(void *self, const struct enrol_fault *fault,
				   struct enrol_output *out, struct moment now)
{
	struct cmp_machine *m = self;
	enum cmp_progress progress;

	bytes_clear(&out->headers);
	bytes_clear(&out->data);
	if (m->step != CERTIFICATE)
		return fail_here(m, ENROL_ERROR_UNEXPECTED, "there is nothing to accept");
	progress = cmp_exchange_accept(m->exchange, fault, now, &out->data);
	return go_on(m, progress, now, out);
}

static void cmp_result(const void *self, struct enrol_result *ret_result)
{
	const struct cmp_machine *m = self;

	*ret_result = (struct enrol_result){
		.cert = m->exchange ? cmp_exchange_cert(m->exchange) : NULL,
		.chain = m->chain,
		.anchors = m->anchors,
	};
}

static const struct enrol_fault *cmp_fault_of(const void *self)
{
	const struct cmp_machine *m = self;

	return &m->fault;
}

static const struct diagnosis *cmp_diagnosis(const void *self)
{
	const struct cmp_machine *m = self;

	return &m->why;
}

const struct enrol_peer_protocol cmp_peer = {
	.name = "CMP",
	.id = ENROL_CMP,
	.actions = 1 << ENROL_REGISTER | 1 << ENROL_RENEW | 1 << ENROL_REMOVE,
	.credentials = 1 << ENROL_X509,
	.init = full_init,
	.process = cmp_process,
	.accept = cmp_accept,
	.result = cmp_result,
	.fault = cmp_fault_of,
	.diagnosis = cmp_diagnosis,
	.free = cmp_free,
};

const struct enrol_peer_protocol cmp_basic_peer = {
	.name = "CMP (basic)",
	.id = ENROL_CMP_BASIC,
	.actions = 1 << ENROL_REGISTER | 1 << ENROL_RENEW,
	.credentials = 1 << ENROL_X509,
	.init = basic_init,
	.process = cmp_process,
	.accept = cmp_accept,
	.result = cmp_result,
	.fault = cmp_fault_of,
	.diagnosis = cmp_diagnosis,
	.free = cmp_free,
};
