/* The asking end of a CMP transaction (RFC 9483, section 4), one message at a time: what an
 * enrolling machine does (cmp_peer.c) and what a registration authority does towards its CA
 * (authd/cmp_client.c).
 *
 * The crypto library's client (OSSL_CMP_try_certreq and so on) sends and receives by a callback and
 * returns when the transaction is over; a machine of ours is handed a message and hands one back.
 * So every message that comes is a run of that client from the start: what it had sent before is
 * built once more and dropped, what had been received before is given to it again, and what it
 * wants to send next is kept while the callback reports that nothing came.  What is built to be
 * dropped is neither signed nor proved, so that a run costs no operation of a private key beyond
 * the one for the message that it is made for; judging the responses again is what remains. Polling
 * does not make runs longer, because the answer that ends it stands by itself.
 * doc/enrol-protocols.md has figures, and why not a job of ASYNC_start_job: its stack is 32 KiB of
 * heap without a guard page, on which hostile messages would be decoded and tokens and TPMs called,
 * and it can neither be abandoned nor moved to another thread. */
#ifndef ENROL_CMP_EXCHANGE_H
#define ENROL_CMP_EXCHANGE_H

#include "base/moment.h"
#include "enrol/cmp_message.h"

/* How messages are protected, and whose we believe.  Borrowed for as long as the exchange lives. */
struct cmp_terms {
	/* By a signature ... */
	X509 *cert;
	EVP_PKEY *key;
	const STACK_OF(X509) * chain;	/* sent along, may be NULL */
	const STACK_OF(X509) * anchors; /* of the other end's signatures */
	/* ... or by a MAC, when there is a secret; answers are then by MAC too. */
	struct slice reference, secret;
	const X509_NAME *recipient; /* NULL: nobody in particular */
};

/* What is asked for; borrowed likewise. */
struct cmp_wish {
	enum cmp_body kind; /* CMP_IR, CMP_P10CR, CMP_KUR, CMP_RR or CMP_GENM (root CA update) */
	EVP_PKEY *key;	    /* to be certified; its private half is there unless ra_verified */
	bool ra_verified;   /* CMP_IR: the possession was verified by us */
	X509_REQ *csr;	    /* CMP_P10CR alone */
	/* CMP_IR, CMP_KUR: what the certificate shall say; NULL: nothing, or what the old one says.
	 */
	const X509_NAME *subject;
	const GENERAL_NAMES *alternative;
	X509 *old;  /* CMP_KUR, CMP_RR; CMP_GENM: the root that we know */
	int reason; /* CMP_RR: a CRLReason, 0 where it is not known (RFC 9483, section 4.2) */
	unsigned polls_max;
};

enum cmp_progress {
	CMP_SEND,  /* the output is to be sent */
	CMP_POLL,  /* likewise, but not before `after` has passed, if that is possible */
	CMP_JUDGE, /* there is a certificate: look at it, then cmp_exchange_accept */
	CMP_OVER,  /* granted, and confirmed if that was wanted */
	CMP_FAILED /* see cmp_exchange_fault; the output, if there is any, is the last message */
};

struct cmp_exchange;

/* The first message. */
CHECKED enum status cmp_exchange_new(const struct cmp_terms *terms, const struct cmp_wish *wish,
				     struct moment now, struct bytes *out,
				     struct cmp_exchange **ret_exchange);
void cmp_exchange_free(struct cmp_exchange *exchange);
DEFINE_AUTO_STRUCT(cmp_exchange);

/* A message of the other end. */
enum cmp_progress cmp_exchange_receive(struct cmp_exchange *exchange, struct slice in,
				       struct moment now, struct bytes *out);
/* After CMP_JUDGE: it is taken (refusal NULL) or not, for this reason.  Tells the other end unless
 * it has waived that (implicitConfirm). */
enum cmp_progress cmp_exchange_accept(struct cmp_exchange *exchange,
				      const struct enrol_fault *refusal, struct moment now,
				      struct bytes *out);

/* After CMP_JUDGE; borrowed from the exchange. */
X509 *cmp_exchange_cert(const struct cmp_exchange *exchange);
STACK_OF(X509) * cmp_exchange_extra(const struct cmp_exchange *exchange);   /* may be NULL */
STACK_OF(X509) * cmp_exchange_ca_pubs(const struct cmp_exchange *exchange); /* may be NULL */
/* CMP_GENM, after CMP_OVER: NULL when there is no update. */
X509 *cmp_exchange_new_root(const struct cmp_exchange *exchange);
X509 *cmp_exchange_new_with_old(const struct cmp_exchange *exchange);
/* After CMP_POLL: seconds. */
uint32_t cmp_exchange_after(const struct cmp_exchange *exchange);
const struct enrol_fault *cmp_exchange_fault(const struct cmp_exchange *exchange);

#endif
