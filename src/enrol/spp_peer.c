#include <stdlib.h>
#include <string.h>

#include "enrol/csr.h"
#include "enrol/params.h"
#include "enrol/spp.h"
#include "pki/bundle.h"

/* What is waited for. */
enum await { AWAIT_OFFER, AWAIT_ISSUE, AWAIT_VERDICT, OVER };

struct spp_peer {
	const struct enrol_peer_job *job;
	enum await await;
	struct secret server_share, share, secret;
	char username[ENROL_NAME_MAX + 1];
	X509 *cert;
	STACK_OF(X509) * chain, *anchors;
	struct enrol_fault fault;
	struct diagnosis why;
};

static void peer_free(void *self)
{
	struct spp_peer *p = self;

	if (!p)
		return;
	secret_done(&p->server_share);
	secret_done(&p->share);
	secret_done(&p->secret);
	X509_free(p->cert);
	x509_stack_free(p->chain);
	x509_stack_free(p->anchors);
	free(p);
}

static enum status peer_init(const struct enrol_peer_job *job, void **ret_self)
{
	struct spp_peer *p = calloc(1, sizeof *p);

	if (!p)
		return NO_MEMORY;
	p->job = job;
	p->chain = sk_X509_new_null();
	p->anchors = sk_X509_new_null();
	if (!p->chain || !p->anchors) {
		peer_free(p);
		return NO_MEMORY;
	}
	*ret_self = p;
	return OK;
}

/* ---- ends ---------------------------------------------------------------------------- */

static enum enrol_state failed(struct spp_peer *p)
{
	p->await = OVER;
	return ENROL_FAILED;
}

static enum enrol_state fail(struct spp_peer *p, enum enrol_error error, const char *what)
{
	enrol_fault_set(&p->fault, error, "%s", what);
	return failed(p);
}

static enum enrol_state got(struct spp_peer *p)
{
	p->await = AWAIT_VERDICT;
	return ENROL_GOT;
}

static enum enrol_state go_on(struct spp_peer *p, enum status built)
{
	if (built != OK)
		return fail(p, ENROL_ERROR_INTERNAL, "the request could not be made");
	p->await = AWAIT_ISSUE;
	return ENROL_GOES_ON;
}

/* ---- certificates -------------------------------------------------------------------- */

static enum enrol_state request_certificate(struct spp_peer *p, struct enrol_output *out)
{
	AUTO_VALUE(bytes) csr = { 0 };
	struct cprom_request request = { .encoding = CPROM_DER, .format = CPROM_FORMAT_PKCS10 };
	struct wr w;

	if (p->job->params.flags & ENROL_SERVER_GENERATES)
		return fail(p, ENROL_ERROR_PARAMETERS, "the server wants to make our key");
	if (!p->job->key)
		return fail(p, ENROL_ERROR_KEY_GENERATION, "there is no key");
	if (csr_build(&p->job->names, p->job->key, slice_of(NULL, 0), &csr) != OK)
		return fail(p, ENROL_ERROR_KEY_GENERATION, "the request could not be signed");
	request.data = bytes_slice(&csr);
	w = spp_open(out, csr.len + 16);
	cprom_request_build(&w, &request);
	return go_on(p, spp_close(out, &w));
}

/* Adds one certificate to where its flags say it belongs. */
static enum status sort(struct spp_peer *p, struct slice value)
{
	struct cprom_certificate data = { 0 };
	const unsigned char *der;
	AUTO(X509) cert = NULL;

	if (cprom_certificate_parse(value, &data) != OK || data.format != CPROM_FORMAT_NONE ||
	    data.encoding != CPROM_DER)
		return MALFORMED;
	der = data.data.p;
	cert = d2i_X509(NULL, &der, (long)data.data.len);
	if (!cert || der != data.data.p + data.data.len)
		return MALFORMED;
	if (data.flags == CPROM_CERT_LEAF) {
		if (p->cert)
			return MALFORMED;
		p->cert = TAKE(cert);
		return OK;
	}
	/* What is said to be an anchor has to look like one. */
	if (data.flags == CPROM_CERT_ANCHOR
		    ? X509_self_signed(cert, 1) != 1 || X509_check_ca(cert) != 1
		    : data.flags != CPROM_CERT_CHAIN)
		return MALFORMED;
	if (sk_X509_push(data.flags == CPROM_CERT_ANCHOR ? p->anchors : p->chain, cert) <= 0)
		return NO_MEMORY;
	(void)TAKE(cert);
	return OK;
}

static enum enrol_state take_certificates(struct spp_peer *p, struct slice message)
{
	struct slice value;
	size_t at = 0;

	while (cprom_tlv_each(message, CPROM_CERTIFICATE_DATA, &at, &value)) {
		enum status status = sort(p, value);

		if (status == NO_MEMORY)
			return fail(p, ENROL_ERROR_INTERNAL, "no memory");
		if (status != OK)
			return fail(p, ENROL_ERROR_MALFORMED, "Certificate-Data that is none");
	}
	if (!p->cert || cprom_tlv_find(message, CPROM_CREDENTIALS_DATA).len > 0)
		return fail(p, ENROL_ERROR_MALFORMED, "an answer without the certificate alone");
	return got(p);
}

/* ---- secrets ------------------------------------------------------------------------- */

static bool peer_generates(const struct spp_peer *p)
{
	return p->job->params.flags & ENROL_PEER_GENERATES;
}

static bool server_generates(const struct spp_peer *p)
{
	return p->job->params.flags & ENROL_SERVER_GENERATES;
}

/* The server's secret, or share of it, as it stands in a message of its own. */
static enum status take_share(struct spp_peer *p, struct slice message)
{
	struct slice value = cprom_tlv_find(message, CPROM_CREDENTIALS_DATA), username, secret;

	if (value.len == 0)
		return OK;
	if (!server_generates(p) || p->server_share.len > 0 ||
	    spp_secret_parse(value, p->job->type, &username, &secret) != OK)
		return MALFORMED;
	return secret_set(&p->server_share, secret);
}

/* Under which name the secret is kept. */
static enum status take_name(struct spp_peer *p, struct slice message)
{
	struct slice value = cprom_tlv_find(message, CPROM_CREDENTIALS_INFORMATION);
	struct cprom_info info;

	if (value.len == 0 || cprom_info_parse(value, &info) != OK || info.type != p->job->type ||
	    info.id.len >= sizeof p->username || memchr(info.id.p, 0, info.id.len))
		return MALFORMED;
	memcpy(p->username, info.id.p, info.id.len);
	p->username[info.id.len] = 0;
	return OK;
}

/* Our share: all of it, or what the server leaves. */
static enum status make_share(struct spp_peer *p)
{
	const struct enrol_params *params = &p->job->params;
	size_t length = params_secret_length(params);

	if (server_generates(p))
		length -= params_server_share(params);
	return spp_secret_make(p->job->type, length, &p->share);
}

static enum enrol_state complete(struct spp_peer *p, struct slice message)
{
	if (take_name(p, message) != OK)
		return fail(p, ENROL_ERROR_MALFORMED, "a secret without a name");
	if (spp_secret_join(secret_slice(&p->server_share), secret_slice(&p->share), &p->secret) !=
	    OK)
		return fail(p, ENROL_ERROR_INTERNAL, "no memory");
	if ((server_generates(p) && p->server_share.len == 0) ||
	    !params_met_by_secret(&p->job->params, p->secret.len))
		return fail(p, ENROL_ERROR_NOT_ACCEPTABLE, "a secret of a wrong length");
	return got(p);
}

static enum enrol_state offer_secret(struct spp_peer *p, struct slice message,
				     struct enrol_output *out)
{
	struct wr w;

	if (!peer_generates(p) && !server_generates(p))
		return fail(p, ENROL_ERROR_PARAMETERS, "nobody is to make the secret");
	if (take_share(p, message) != OK)
		return fail(p, ENROL_ERROR_MALFORMED, "a share of the secret that is none");
	if (!peer_generates(p)) {
		/* All there is in the first message already. */
		if (p->server_share.len > 0)
			return complete(p, message);
		p->await = AWAIT_ISSUE;
		return ENROL_GOES_ON;
	}
	if (server_generates(p) && p->server_share.len == 0)
		return fail(p, ENROL_ERROR_MALFORMED, "the server's share is missing");
	if (make_share(p) != OK)
		return fail(p, ENROL_ERROR_KEY_GENERATION, "no secret could be made");
	w = spp_open(out, p->share.len + 16);
	spp_secret_build(&w, p->job->type, secret_slice(&p->share));
	return go_on(p, spp_close(out, &w));
}

static enum enrol_state take_secret(struct spp_peer *p, struct slice message)
{
	/* "It MUST contain ... the Credentials-Data": a server of the draft repeats what we know.
	 */
	if (p->server_share.len == 0 && !peer_generates(p) && take_share(p, message) != OK)
		return fail(p, ENROL_ERROR_MALFORMED, "a secret that is none");
	return complete(p, message);
}

/* ---- the table ----------------------------------------------------------------------- */

static enum enrol_state begin(struct spp_peer *p, const struct enrol_message *in,
			      struct enrol_output *out)
{
	if (spp_check(CPROM_SPP_OFFER, in, &p->fault) != OK)
		return failed(p);
	if (p->job->action == ENROL_REMOVE) {
		p->await = AWAIT_ISSUE;
		return ENROL_GOES_ON;
	}
	return p->job->type == ENROL_X509 ? request_certificate(p, out)
					  : offer_secret(p, in->data, out);
}

static enum enrol_state finish(struct spp_peer *p, const struct enrol_message *in)
{
	if (spp_check(CPROM_SPP_ISSUE, in, &p->fault) != OK)
		return failed(p);
	if (p->job->action == ENROL_REMOVE) {
		p->await = OVER;
		return ENROL_DONE;
	}
	return p->job->type == ENROL_X509 ? take_certificates(p, in->data)
					  : take_secret(p, in->data);
}

static enum enrol_state peer_process(void *self, const struct enrol_message *in,
				     struct enrol_output *out, struct moment now)
{
	struct spp_peer *p = self;

	(void)now;
	switch (p->await) {
	case AWAIT_OFFER:
		return begin(p, in, out);
	case AWAIT_ISSUE:
		return finish(p, in);
	case AWAIT_VERDICT:
		break;
	case OVER:
		/* The server has its D in a message of its own. */
		if (p->fault.error == ENROL_ERROR_NONE && in->data.len + in->headers.len == 0)
			return ENROL_DONE;
		break;
	}
	return fail(p, ENROL_ERROR_UNEXPECTED, "SPP goes on after its end");
}

static enum enrol_state peer_accept(void *self, const struct enrol_fault *fault,
				    struct enrol_output *out, struct moment now)
{
	struct spp_peer *p = self;

	(void)out;
	(void)now;
	if (p->await != AWAIT_VERDICT)
		return fail(p, ENROL_ERROR_INTERNAL, "a verdict on nothing");
	p->await = OVER;
	if (!fault)
		return ENROL_DONE;
	p->fault = *fault;
	return ENROL_FAILED;
}

static void peer_result(const void *self, struct enrol_result *ret_result)
{
	const struct spp_peer *p = self;
	bool password = p->job->type == ENROL_PASSWORD;

	*ret_result = (struct enrol_result){
		.cert = p->cert,
		.chain = p->chain,
		.anchors = p->anchors,
		.username = slice_str(p->username),
		.password = password ? secret_slice(&p->secret) : slice_of(NULL, 0),
		.secret = password ? slice_of(NULL, 0) : secret_slice(&p->secret),
	};
}

static const struct enrol_fault *peer_fault(const void *self)
{
	const struct spp_peer *p = self;

	return &p->fault;
}

static const struct diagnosis *peer_diagnosis(const void *self)
{
	const struct spp_peer *p = self;

	return &p->why;
}

const struct enrol_peer_protocol spp_peer = {
	.name = "SPP",
	.id = ENROL_SPP,
	.actions = 1 << ENROL_REGISTER | 1 << ENROL_RENEW | 1 << ENROL_REMOVE,
	.credentials = 1 << ENROL_X509 | 1 << ENROL_SYMMETRIC | 1 << ENROL_PASSWORD,
	.init = peer_init,
	.process = peer_process,
	.accept = peer_accept,
	.result = peer_result,
	.fault = peer_fault,
	.diagnosis = peer_diagnosis,
	.free = peer_free,
};
