#include <stdlib.h>
#include <string.h>

#include "enrol/csr.h"
#include "enrol/params.h"
#include "enrol/spp.h"
#include "tls/cert.h"

enum stand { AWAIT_REQUEST, ASKING, OVER };

struct spp_server {
	const struct enrol_server_job *job;
	enum stand stand;
	struct enrol_question question;
	struct bytes csr;
	EVP_PKEY *key;
	struct enrol_names names;
	struct secret share, secret;
	char username[ENROL_NAME_MAX + 1];
	X509 *cert;
	STACK_OF(X509) * chain, *anchors;
	struct enrol_fault fault;
	struct diagnosis why;
};

static void server_free(void *self)
{
	struct spp_server *s = self;

	if (!s)
		return;
	bytes_done(&s->csr);
	EVP_PKEY_free(s->key);
	secret_done(&s->share);
	secret_done(&s->secret);
	X509_free(s->cert);
	x509_stack_free(s->chain);
	x509_stack_free(s->anchors);
	free(s);
}

static bool server_generates(const struct enrol_server_job *job)
{
	return job->params.flags & ENROL_SERVER_GENERATES;
}

static bool peer_generates(const struct enrol_server_job *job)
{
	return job->params.flags & ENROL_PEER_GENERATES;
}

/* Our share of a secret of which the peer makes the rest goes along with the first message. */
static enum status offer_share(struct spp_server *s, struct enrol_output *out)
{
	const struct enrol_server_job *job = s->job;
	size_t length = peer_generates(job) ? params_server_share(&job->params)
					    : params_secret_length(&job->params);
	enum status status;
	struct wr w;

	if (job->type == ENROL_X509 || job->action == ENROL_REMOVE || !server_generates(job))
		return OK;
	status = spp_secret_make(job->type, length, &s->share);
	if (status != OK || !peer_generates(job))
		return status;
	w = spp_open(out, s->share.len + 16);
	spp_secret_build(&w, job->type, secret_slice(&s->share));
	return spp_close(out, &w);
}

static enum status server_init(const struct enrol_server_job *job, struct enrol_output *out,
			       void **ret_self)
{
	struct spp_server *s = calloc(1, sizeof *s);
	enum status status;

	if (!s)
		return NO_MEMORY;
	s->job = job;
	status = offer_share(s, out);
	if (status != OK) {
		server_free(s);
		return status;
	}
	*ret_self = s;
	return OK;
}

/* ---- ends ---------------------------------------------------------------------------- */

static enum enrol_state failed(struct spp_server *s)
{
	s->stand = OVER;
	return ENROL_FAILED;
}

static enum enrol_state fail(struct spp_server *s, enum enrol_error error, const char *what)
{
	enrol_fault_set(&s->fault, error, "%s", what);
	return failed(s);
}

static enum enrol_state ask(struct spp_server *s, enum enrol_question_kind kind)
{
	s->question.kind = kind;
	s->question.action = s->job->action;
	s->question.type = s->job->type;
	s->question.grant = &s->job->grant;
	s->stand = ASKING;
	return ENROL_ASKS;
}

static enum enrol_state finish(struct spp_server *s, enum status built)
{
	if (built != OK)
		return fail(s, ENROL_ERROR_INTERNAL, "the answer could not be made");
	s->stand = OVER;
	return ENROL_DONE;
}

/* ---- certificates -------------------------------------------------------------------- */

static enum enrol_state read_request(struct spp_server *s, struct slice message)
{
	struct cprom_request request;
	struct slice value = cprom_tlv_find(message, CPROM_CERTIFICATE_REQUEST);

	if (value.len == 0 || cprom_request_parse(value, &request) != OK ||
	    request.encoding != CPROM_DER || request.format != CPROM_FORMAT_PKCS10 ||
	    cprom_tlv_find(message, CPROM_CREDENTIALS_DATA).len > 0)
		return fail(s, ENROL_ERROR_MALFORMED, "no PKCS#10 in DER where one belongs");
	switch (csr_read(request.data, &s->key, &s->names, NULL, &s->why)) {
	case OK:
		break;
	case UNSUPPORTED:
		return fail(s, ENROL_ERROR_PARAMETERS, "a key that is not taken");
	case UNTRUSTED:
		return fail(s, ENROL_ERROR_PROOF, "the request is not signed by its key");
	case NO_MEMORY:
	case CRYPTO:
		return fail(s, ENROL_ERROR_INTERNAL, "the request could not be read");
	case MALFORMED:
	case UNEXPECTED:
		return fail(s, ENROL_ERROR_MALFORMED, "the request cannot be read");
	}
	if (!params_met_by_key(&s->job->params, s->key))
		return fail(s, ENROL_ERROR_PARAMETERS, "another key than was asked for");
	if (bytes_set(&s->csr, request.data) != OK)
		return fail(s, ENROL_ERROR_INTERNAL, "no memory");
	s->question.key = s->key;
	s->question.names = &s->names;
	s->question.csr = bytes_slice(&s->csr);
	if (s->job->action == ENROL_RENEW)
		s->question.old = s->job->proved;
	return ask(s, ENROL_ASKS_ISSUE);
}

static void write_certificate(struct wr *w, X509 *cert, uint8_t flags)
{
	struct cprom_certificate data = { .flags = flags, .encoding = CPROM_DER };
	AUTO_VALUE(bytes) der = { 0 };

	if (cert_append_der(&der, cert, SIZE_MAX) != OK)
		w->bad = true;
	data.data = bytes_slice(&der);
	cprom_certificate_build(w, &data);
}

static void write_certificates(struct wr *w, const STACK_OF(X509) * certs, uint8_t flags)
{
	for (int i = 0; i < sk_X509_num(certs); i++)
		write_certificate(w, sk_X509_value(certs, i), flags);
}

static STACK_OF(X509) * keep(STACK_OF(X509) * given, STACK_OF(X509) * usual)
{
	return X509_chain_up_ref(given ? given : usual);
}

static enum status issue(struct spp_server *s, const struct enrol_reply *reply,
			 struct enrol_output *out)
{
	const struct enrol_authority *authority = s->job->authority;
	const unsigned char *der = reply->certificate.p;
	struct wr w = spp_open(out, SPP_OUTPUT_MAX);

	s->cert = d2i_X509(NULL, &der, (long)reply->certificate.len);
	if (!s->cert || der != reply->certificate.p + reply->certificate.len ||
	    EVP_PKEY_eq(X509_get0_pubkey(s->cert), s->key) != 1)
		return CRYPTO;
	if (reply->chain || authority->chain)
		s->chain = keep(reply->chain, authority->chain);
	if (reply->anchors || authority->anchors)
		s->anchors = keep(reply->anchors, authority->anchors);
	write_certificate(&w, s->cert, CPROM_CERT_LEAF);
	write_certificates(&w, s->chain, CPROM_CERT_CHAIN);
	if (authority->new_with_old)
		write_certificate(&w, authority->new_with_old, CPROM_CERT_CHAIN);
	write_certificates(&w, s->anchors, CPROM_CERT_ANCHOR);
	return spp_close(out, &w);
}

/* ---- secrets ------------------------------------------------------------------------- */

static enum enrol_state read_share(struct spp_server *s, struct slice message)
{
	struct slice value = cprom_tlv_find(message, CPROM_CREDENTIALS_DATA), username = { 0 },
		     share = { 0 };

	if (!server_generates(s->job) && !peer_generates(s->job))
		return fail(s, ENROL_ERROR_PARAMETERS, "nobody is to make the secret");
	if (peer_generates(s->job) != (value.len > 0) ||
	    (value.len > 0 && spp_secret_parse(value, s->job->type, &username, &share) != OK) ||
	    cprom_tlv_find(message, CPROM_CERTIFICATE_REQUEST).len > 0)
		return fail(s, ENROL_ERROR_MALFORMED, "no share of the secret where one belongs");
	if (spp_secret_join(secret_slice(&s->share), share, &s->secret) != OK)
		return fail(s, ENROL_ERROR_INTERNAL, "no memory");
	/* "The credentials data MUST conform to the specifications the Server provided": and of two
	 * shares neither makes up for the other. */
	if (!params_met_by_secret(&s->job->params, s->secret.len) ||
	    (s->share.len > 0 && s->secret.len < params_secret_length(&s->job->params)))
		return fail(s, ENROL_ERROR_PARAMETERS, "a secret of a wrong length");
	s->question.secret = secret_slice(&s->secret);
	s->question.username = s->job->credential_id;
	return ask(s, ENROL_ASKS_KEEP);
}

static enum status hand_out(struct spp_server *s, const struct enrol_reply *reply,
			    struct enrol_output *out)
{
	struct cprom_info info = { .flags = CPROM_READY,
				   .type = (uint8_t)s->job->type,
				   .protocol = ENROL_SPP,
				   .length = (uint32_t)s->secret.len,
				   .id = reply->username };
	struct wr w = spp_open(out, s->secret.len + 512);

	if (reply->username.len == 0 || reply->username.len >= sizeof s->username ||
	    memchr(reply->username.p, 0, reply->username.len))
		return MALFORMED;
	memcpy(s->username, reply->username.p, reply->username.len);
	s->username[reply->username.len] = 0;
	cprom_info_build(&w, &info);
	if (!peer_generates(s->job))
		spp_secret_build(&w, s->job->type, secret_slice(&s->secret));
	return spp_close(out, &w);
}

/* ---- the table ----------------------------------------------------------------------- */

static enum enrol_state remove_old(struct spp_server *s, struct slice message)
{
	if (message.len > 0)
		return fail(s, ENROL_ERROR_MALFORMED, "a removal needs no data");
	if (s->job->type == ENROL_X509)
		s->question.certificate = s->job->proved;
	s->question.username = s->job->credential_id;
	return ask(s, ENROL_ASKS_REVOKE);
}

static enum enrol_state server_process(void *self, const struct enrol_message *in,
				       struct enrol_output *out, struct moment now)
{
	struct spp_server *s = self;

	(void)out;
	(void)now;
	if (s->stand != AWAIT_REQUEST)
		return fail(s, ENROL_ERROR_UNEXPECTED, "SPP goes on after its end");
	if (spp_check(CPROM_SPP_REQUEST, in, &s->fault) != OK)
		return failed(s);
	if (s->job->action == ENROL_REMOVE)
		return remove_old(s, in->data);
	return s->job->type == ENROL_X509 ? read_request(s, in->data) : read_share(s, in->data);
}

static const struct enrol_question *server_question(const void *self)
{
	const struct spp_server *s = self;

	return s->stand == ASKING ? &s->question : NULL;
}

static enum enrol_state refused(struct spp_server *s, const struct enrol_reply *reply)
{
	enum enrol_error error =
		reply->error < ENROL_ERRORS ? (enum enrol_error)reply->error : ENROL_ERROR_INTERNAL;

	if (reply->why)
		s->why = *reply->why;
	if (error == ENROL_ERROR_NONE)
		error = ENROL_ERROR_CA_REFUSED;
	enrol_fault_set(&s->fault, error, "%s", enrol_refusal(error, false));
	s->fault.secondary = reply->secondary;
	return failed(s);
}

static enum enrol_state server_answer(void *self, const struct enrol_reply *reply,
				      struct enrol_output *out, struct moment now)
{
	struct spp_server *s = self;

	(void)now;
	if (s->stand != ASKING)
		return fail(s, ENROL_ERROR_INTERNAL, "an answer without a question");
	if (!reply->accept)
		return refused(s, reply);
	if (s->job->action == ENROL_REMOVE)
		return finish(s, OK);
	return finish(s,
		      s->job->type == ENROL_X509 ? issue(s, reply, out) : hand_out(s, reply, out));
}

static void server_result(const void *self, struct enrol_result *ret_result)
{
	const struct spp_server *s = self;
	bool password = s->job->type == ENROL_PASSWORD;

	*ret_result = (struct enrol_result){
		.cert = s->cert,
		.chain = s->chain,
		.anchors = s->anchors,
		.username = slice_str(s->username),
		.password = password ? secret_slice(&s->secret) : slice_of(NULL, 0),
		.secret = password ? slice_of(NULL, 0) : secret_slice(&s->secret),
	};
}

static const struct enrol_fault *server_fault(const void *self)
{
	const struct spp_server *s = self;

	return &s->fault;
}

static const struct diagnosis *server_diagnosis(const void *self)
{
	const struct spp_server *s = self;

	return &s->why;
}

const struct enrol_server_protocol spp_server = {
	.name = "SPP",
	.id = ENROL_SPP,
	.actions = 1 << ENROL_REGISTER | 1 << ENROL_RENEW | 1 << ENROL_REMOVE,
	.credentials = 1 << ENROL_X509 | 1 << ENROL_SYMMETRIC | 1 << ENROL_PASSWORD,
	.init = server_init,
	.process = server_process,
	.question = server_question,
	.answer = server_answer,
	.result = server_result,
	.fault = server_fault,
	.diagnosis = server_diagnosis,
	.free = server_free,
};
