#include "enrol/cmp_exchange.h"

#include "enrol/cmp_run.h"

#include <openssl/err.h>
#include <stdio.h>

#define POLLS_DEFAULT 16

enum stage {
	REQUESTED, /* the request is out */
	POLLING,   /* a pollReq is out */
	JUDGED,	   /* the certificate is with our caller */
	CONFIRMED, /* certConf is out */
	ENDED
};

struct cmp_exchange {
	struct cmp_terms terms;
	struct cmp_wish wish;
	enum stage stage;

	struct bytes transaction;
	struct bytes first_nonce, last_nonce; /* of our request, of what we sent last */
	struct bytes response;		      /* what answers our request, as far as it is known */
	bool implicit_confirm;
	unsigned polls;
	uint32_t after;

	X509 *cert;
	STACK_OF(X509) * extra, *ca_pubs;
	X509 *new_root, *new_with_old;
	struct enrol_fault fault;
};

/* ---- the exchange --------------------------------------------------------------------------- */

static enum cmp_progress fail(struct cmp_exchange *x, unsigned failure, const char *detail)
{
	x->stage = ENDED;
	cmp_fault(&x->fault, failure, detail);
	return CMP_FAILED;
}

static enum cmp_progress fail_memory(struct cmp_exchange *x)
{
	x->stage = ENDED;
	x->fault = (struct enrol_fault){ .error = ENROL_ERROR_INTERNAL };
	snprintf(x->fault.description, sizeof x->fault.description, "out of memory");
	return CMP_FAILED;
}

/* What the library wants to send is what answers will be held against. */
static bool note_sent(struct cmp_exchange *x, struct slice out)
{
	struct cmp_message view;

	return cmp_message_parse(out, &view) == 0 &&
	       bytes_set(&x->last_nonce, view.sender_nonce) == OK &&
	       bytes_set(&x->transaction, view.transaction) == OK;
}

enum status cmp_exchange_new(const struct cmp_terms *terms, const struct cmp_wish *wish,
			     struct moment now, struct bytes *out,
			     struct cmp_exchange **ret_exchange)
{
	AUTO_STRUCT(cmp_exchange) x = calloc(1, sizeof *x);
	struct cmp_run run = { .terms = terms, .wish = wish, .out = out };
	int after = 0;

	if (!x)
		return NO_MEMORY;
	*x = (struct cmp_exchange){ .terms = *terms, .wish = *wish };
	if (x->wish.polls_max == 0)
		x->wish.polls_max = POLLS_DEFAULT;

	AUTO(OSSL_CMP_CTX) ctx = cmp_run_context(&run, now);

	if (ctx)
		(void)cmp_run_client(ctx, wish, &after);
	ERR_clear_error();
	if (!run.sent)
		return CRYPTO;
	if (!note_sent(x, bytes_slice(out)) ||
	    bytes_set(&x->first_nonce, bytes_slice(&x->last_nonce)) != OK)
		return NO_MEMORY;
	*ret_exchange = TAKE(x);
	return OK;
}

void cmp_exchange_free(struct cmp_exchange *x)
{
	if (!x)
		return;
	bytes_done(&x->transaction);
	bytes_done(&x->first_nonce);
	bytes_done(&x->last_nonce);
	bytes_done(&x->response);
	X509_free(x->cert);
	x509_stack_free(x->extra);
	x509_stack_free(x->ca_pubs);
	X509_free(x->new_root);
	X509_free(x->new_with_old);
	free(x);
}

/* The bodies that may come now. */
static unsigned due(const struct cmp_exchange *x)
{
	static const unsigned responses[CMP_BODIES] = {
		[CMP_IR] = CMP_BIT(CMP_IP),	[CMP_P10CR] = CMP_BIT(CMP_CP),
		[CMP_KUR] = CMP_BIT(CMP_KUP),	[CMP_RR] = CMP_BIT(CMP_RP),
		[CMP_GENM] = CMP_BIT(CMP_GENP),
	};
	unsigned response = responses[x->wish.kind];

	switch (x->stage) {
	case REQUESTED:
		return response | CMP_BIT(CMP_ERROR);
	case POLLING:
		return response | CMP_BIT(CMP_POLLREP) | CMP_BIT(CMP_ERROR);
	case CONFIRMED:
		return CMP_BIT(CMP_PKICONF) | CMP_BIT(CMP_ERROR);
	case JUDGED:
	case ENDED:
		break;
	}
	return 0;
}

/* RFC 9483, section 3.5: 0, or why not. */
static unsigned check(const struct cmp_exchange *x, const struct cmp_message *message)
{
	bool by_mac = x->terms.secret.len > 0;
	bool delayed = x->stage == POLLING && message->body != CMP_POLLREP;

	if (!(due(x) & CMP_BIT(message->body)))
		return CMP_FAILURE(badRequest);
	if (!slice_eq(message->transaction, bytes_slice(&x->transaction)))
		return CMP_FAILURE(badDataFormat);
	/* RFC 9483 has the answer that polling was for hold the nonce of the request, RFC 4210 that
	 * of the last pollReq */
	if (!slice_eq(message->recip_nonce, bytes_slice(&x->last_nonce)) &&
	    !(delayed && slice_eq(message->recip_nonce, bytes_slice(&x->first_nonce))))
		return CMP_FAILURE(badRecipientNonce);
	if (message->protection == CMP_UNPROTECTED)
		return message->body == CMP_ERROR ? 0 : CMP_FAILURE(badMessageCheck);
	return (message->protection == CMP_BY_MAC) == by_mac ? 0 : CMP_FAILURE(wrongIntegrity);
}

static const char *words_of(const struct cmp_message *message, char *buffer, size_t size)
{
	printable(message->text, buffer, size);
	return *buffer ? buffer : NULL;
}

/* The other end says no.  (That nobody vouches for an error that is not protected changes nothing:
 * the exchange is over whoever sent it.  But that a certificate is revoked already, which is as
 * good as a success, counts in an answer alone.) */
static enum cmp_progress refused(struct cmp_exchange *x, const struct cmp_message *message)
{
	char words[sizeof x->fault.description - 32];
	bool hearsay = message->body == CMP_ERROR && message->failure == CMP_FAILURE(certRevoked);

	fail(x, hearsay ? CMP_FAILURE(systemFailure) : message->failure,
	     words_of(message, words, sizeof words));
	if (x->fault.error != ENROL_ERROR_LIMIT)
		x->fault.error = ENROL_ERROR_CA_REFUSED;
	if (!*x->fault.description)
		snprintf(x->fault.description, sizeof x->fault.description,
			 "without giving a reason");
	return CMP_FAILED;
}

static enum cmp_progress fail_library(struct cmp_exchange *x)
{
	char words[64];
	unsigned failure = cmp_last_failure(words, sizeof words);

	return fail(x, failure, words);
}

static bool decode_each(struct slice list, STACK_OF(X509) * *ret_certs)
{
	AUTO(X509_STACK) certs = sk_X509_new_null();
	const unsigned char *p = list.p, *end = list.p + list.len;

	while (certs && p < end) {
		X509 *cert = d2i_X509(NULL, &p, (long)(end - p));

		if (!cert || !sk_X509_push(certs, cert)) {
			X509_free(cert);
			return false;
		}
	}
	if (!certs)
		return false;
	*ret_certs = TAKE(certs);
	return true;
}

/* The certificate is there, the message that brings it is genuine.  The library checks that it is
 * of our key. */
static enum cmp_progress got_certificate(struct cmp_exchange *x, OSSL_CMP_CTX *ctx,
					 const struct cmp_message *message,
					 const struct cmp_run *run)
{
	X509 *cert = OSSL_CMP_CTX_get0_newCert(ctx);

	if (run->complaint || !cert ||
	    (x->wish.csr && !X509_check_private_key(cert, X509_REQ_get0_pubkey(x->wish.csr)))) {
		fail(x, CMP_FAILURE(incorrectData), "the certificate is not for our key");
		x->fault.error = ENROL_ERROR_NOT_ACCEPTABLE;
		return CMP_FAILED;
	}
	if (!X509_up_ref(cert))
		return fail_memory(x);
	x->cert = cert;
	x->extra = OSSL_CMP_CTX_get1_extraCertsIn(ctx);
	if (message->ca_pubs.len > 0 && !decode_each(message->ca_pubs, &x->ca_pubs))
		return fail(x, CMP_FAILURE(badDataFormat), "caPubs holds what is no certificate");
	x->implicit_confirm = message->implicit_confirm;
	x->stage = JUDGED;
	return CMP_JUDGE;
}

static enum cmp_progress got_roots(struct cmp_exchange *x, const struct cmp_message *message)
{
	struct slice with_new, with_old;

	x->stage = ENDED;
	if (!slice_eq(message->info, cmp_root_ca_key_update) || message->info_value.len == 0)
		return CMP_OVER; /* there is no update */
	if (!cmp_root_update(message->info_value, &with_new, &with_old))
		return fail(x, CMP_FAILURE(badDataFormat), "the update of the root CA");
	x->new_root = cmp_decode_cert(with_new);
	x->new_with_old = cmp_decode_cert(with_old);
	if (!x->new_root || !x->new_with_old)
		return fail(x, CMP_FAILURE(badDataFormat), "the update of the root CA");
	return CMP_OVER;
}

static enum cmp_progress sent(struct cmp_exchange *x, const struct cmp_run *run, enum stage stage,
			      enum cmp_progress progress)
{
	if (!run->sent || !note_sent(x, bytes_slice(run->out)))
		return fail_memory(x);
	x->stage = stage;
	return progress;
}

/* What the library made of the answer to our request, or to a pollReq. */
static enum cmp_progress conclude(struct cmp_exchange *x, OSSL_CMP_CTX *ctx,
				  const struct cmp_message *message, struct cmp_run *run,
				  int result)
{
	int after;

	if (run->asked)
		return got_certificate(x, ctx, message, run);
	if (result < 0) { /* it has read a pollRep, and would like to wait now */
		(void)cmp_run_client(ctx, &x->wish, &after);
		return sent(x, run, POLLING, CMP_POLL);
	}
	if (run->sent)
		return sent(x, run, POLLING, CMP_POLL);
	if (message->status == OSSL_CMP_PKISTATUS_rejection && x->stage != CONFIRMED &&
	    OSSL_CMP_CTX_get_status(ctx) == OSSL_CMP_PKISTATUS_rejection)
		return refused(x, message);
	if (!result)
		return fail_library(x);
	if (x->wish.kind == CMP_GENM)
		return got_roots(x, message);
	x->stage = ENDED;
	return CMP_OVER;
}

/* Of what was received, second may be empty. */
static struct cmp_run run_of(const struct cmp_exchange *x, struct slice first, struct slice second,
			     struct bytes *out)
{
	return (struct cmp_run){ .terms = &x->terms,
				 .wish = &x->wish,
				 .transaction = bytes_slice(&x->transaction),
				 .feed = { first, second },
				 .feeds = second.len > 0 ? 2 : 1,
				 .out = out };
}

static enum cmp_progress answered(struct cmp_exchange *x, struct slice in,
				  const struct cmp_message *message, struct moment now,
				  struct bytes *out)
{
	struct cmp_run run = run_of(x, in, slice_of(NULL, 0), out);
	int after = 0, result;

	if (message->body == CMP_POLLREP) {
		run = run_of(x, bytes_slice(&x->response), in, out);
		x->after = message->check_after;
	} else if (bytes_set(&x->response, in) != OK)
		return fail_memory(x);

	AUTO(OSSL_CMP_CTX) ctx = cmp_run_context(&run, now);

	if (!ctx)
		return fail_memory(x);
	result = cmp_run_client(ctx, &x->wish, &after);
	return conclude(x, ctx, message, &run, result);
}

static enum cmp_progress confirmed(struct cmp_exchange *x, struct slice in, struct moment now)
{
	AUTO_VALUE(bytes) nowhere = { 0 };
	struct cmp_run run = run_of(x, bytes_slice(&x->response), in, &nowhere);
	int after = 0;
	AUTO(OSSL_CMP_CTX) ctx = cmp_run_context(&run, now);

	if (!ctx)
		return fail_memory(x);
	if (cmp_run_client(ctx, &x->wish, &after) != 1)
		return fail_library(x);
	x->stage = ENDED;
	return CMP_OVER;
}

enum cmp_progress cmp_exchange_receive(struct cmp_exchange *x, struct slice in, struct moment now,
				       struct bytes *out)
{
	struct cmp_message message;
	enum cmp_progress progress;
	unsigned failure;

	failure = cmp_message_parse(in, &message);
	if (failure == 0)
		failure = check(x, &message);
	if (failure != 0)
		return fail(x, failure, NULL);
	if (message.body == CMP_ERROR)
		return refused(x, &message);
	if ((message.body == CMP_POLLREP || message.status == OSSL_CMP_PKISTATUS_waiting) &&
	    ++x->polls > x->wish.polls_max)
		return fail(x, CMP_FAILURE_LIMIT, "the CA lets us wait for too long");
	ERR_clear_error();
	x->after = 0;
	progress =
		x->stage == CONFIRMED ? confirmed(x, in, now) : answered(x, in, &message, now, out);
	ERR_clear_error();
	if (progress != CMP_SEND && progress != CMP_POLL)
		bytes_clear(out);
	return progress;
}

enum cmp_progress cmp_exchange_accept(struct cmp_exchange *x, const struct enrol_fault *refusal,
				      struct moment now, struct bytes *out)
{
	struct cmp_run run = run_of(x, bytes_slice(&x->response), slice_of(NULL, 0), out);
	int after = 0;

	if (x->stage != JUDGED)
		return fail(x, CMP_FAILURE(badRequest), NULL);
	x->stage = ENDED;
	if (refusal) {
		x->fault = *refusal;
		run.refusal = 1 << OSSL_CMP_PKIFAILUREINFO_incorrectData;
		run.words = x->fault.description;
	}
	if (x->implicit_confirm)
		return refusal ? CMP_FAILED : CMP_OVER;

	AUTO(OSSL_CMP_CTX) ctx = cmp_run_context(&run, now);

	if (ctx)
		(void)cmp_run_client(ctx, &x->wish, &after);
	ERR_clear_error();
	if (!run.sent)
		return refusal ? CMP_FAILED : fail_memory(x);
	return refusal ? CMP_FAILED : sent(x, &run, CONFIRMED, CMP_SEND);
}

X509 *cmp_exchange_cert(const struct cmp_exchange *x)
{
	return x->cert;
}

STACK_OF(X509) * cmp_exchange_extra(const struct cmp_exchange *x)
{
	return x->extra;
}

STACK_OF(X509) * cmp_exchange_ca_pubs(const struct cmp_exchange *x)
{
	return x->ca_pubs;
}

X509 *cmp_exchange_new_root(const struct cmp_exchange *x)
{
	return x->new_root;
}

X509 *cmp_exchange_new_with_old(const struct cmp_exchange *x)
{
	return x->new_with_old;
}

uint32_t cmp_exchange_after(const struct cmp_exchange *x)
{
	return x->after;
}

const struct enrol_fault *cmp_exchange_fault(const struct cmp_exchange *x)
{
	return &x->fault;
}
