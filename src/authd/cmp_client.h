/* CMP towards a CA, latchkey-authd being the registration authority: RFC 9810, RFC 9483, over HTTP
 * (RFC 9811).
 *
 * Takes what the server side of an enrolment asks (enrol/question.h), and answers when the CA has:
 *
 *	ENROL_ASKS_ISSUE	with a PKCS#10 of the peer: p10cr.  Else ir, which says that the
 *				possession of the key was verified by us (raVerified).
 *	ENROL_ASKS_FORWARD	the peer's message as it came, and the CA's as it came.
 *	ENROL_ASKS_REVOKE	rr for the certificate.
 *
 * A certificate is offered before it is confirmed to the CA, so that whoever asked can make it
 * durable first: what the CA takes for delivered is never unknown to the registry.
 *
 * A CA that answers "waiting" is polled when it said, until the transaction's time is over. Nothing
 * blocks: messages go through authd/http.h, and what is done between them costs a signature. */
#ifndef AUTHD_CMP_CLIENT_H
#define AUTHD_CMP_CLIENT_H

#include "authd/http.h"
#include "enrol/question.h"

#define CMP_CLIENT_UNDER_WAY_MAX   64		/* transactions */
#define CMP_CLIENT_RESPONSE_MAX	   (256 * 1024) /* octets of one message of the CA */
#define CMP_CLIENT_POLLS_MAX	   64		/* of one transaction */
#define CMP_CLIENT_TIMEOUT_DEFAULT 60000	/* msec, for a transaction with all its polling */

/* Copied (certificates and keys are counted), so nothing has to stay. */
struct cmp_client_config {
	const char *url;
	const X509_NAME *recipient; /* the CA's name; NULL: the subject of the first anchor */
	/* How our messages are protected: by a signature, or by a MAC. */
	X509 *cert;
	EVP_PKEY *key;
	STACK_OF(X509) * chain;
	struct slice reference, secret;
	/* Whom we believe that a message is of the CA; not used with a MAC. */
	const STACK_OF(X509) * anchors;
	msec timeout; /* 0: the default */
};

struct cmp_client_counters {
	uint64_t asked, granted, refused, failed, polls;
};

/* reply: as the question's comment says, with two additions.  FORWARD: certificate is what the
 * message contains that was issued just now, for the registry (empty: nothing).  A refusal has its
 * error, the failInfo of CMP (secondary: the number of its bit plus one) and a diagnosis. */
struct cmp_client_request {
	const struct enrol_question *question; /* borrowed for the call */
	/* Called once, from the loop and never before cmp_client_ask returns, unless cancelled.  A
	 * certificate for ENROL_ASKS_ISSUE is not confirmed yet: the call is there until
	 * cmp_client_settle and what follows it, or cmp_client_cancel.  After all else it is gone.
	 */
	void (*told)(void *context, const struct enrol_reply *reply);
	/* ENROL_ASKS_ISSUE: once after cmp_client_settle, which may do it at once: whether the CA
	 * takes it for delivered, or what we did not keep for given up.  The call is gone. */
	void (*settled)(void *context, const struct enrol_reply *reply);
	void *context;
};

struct cmp_client;
struct cmp_client_call;

/* http and loop are borrowed.  0, -EINVAL (a URL that is none, nothing to protect messages with),
 * -ENOMEM. */
int cmp_client_new(struct loop *loop, struct http *http, const struct cmp_client_config *config,
		   struct cmp_client **ret_client);
void cmp_client_free(struct cmp_client *client); /* nobody is told any more */
DEFINE_AUTO_STRUCT(cmp_client);

/* 0, -EBUSY when too many are under way, -EINVAL for a question that is not one of these, -ENOMEM:
 * then nobody is told. */
int cmp_client_ask(struct cmp_client *client, const struct cmp_client_request *request,
		   struct cmp_client_call **ret_call);
void cmp_client_cancel(struct cmp_client_call *call);
/* After told with a certificate.  Kept: the CA gets its confirmation, unless it has waived that.
 * Not kept: it is told so, or, when it has waived that, revokes it. */
void cmp_client_settle(struct cmp_client_call *call, bool keep);

const struct cmp_client_counters *cmp_client_counters(const struct cmp_client *client);

#endif
