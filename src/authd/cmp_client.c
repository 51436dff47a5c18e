#include "authd/cmp_client.h"

#include "base/list.h"
#include "enrol/chain.h"
#include "enrol/cmp_exchange.h"
#include "enrol/cmp_lib.h"
#include "enrol/names.h"
#include "tls/cert.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define POLL_LEAST 1000 /* msec between two pollReqs, whatever the CA says */

struct cmp_client {
	struct loop *loop;
	struct http *http;
	char *url;
	struct cmp_terms terms; /* points to what follows */
	X509_NAME *recipient;
	X509 *cert;
	EVP_PKEY *key;
	STACK_OF(X509) * chain, *anchors;
	struct secret reference, secret;
	msec timeout;

	struct list calls;
	size_t under_way;
	struct cmp_client_counters counters;
};

struct cmp_client_call {
	struct list node;
	struct cmp_client *client;
	void (*told)(void *context, const struct enrol_reply *reply);
	void (*settled)(void *context, const struct enrol_reply *reply);
	void *context;
	bool offered;  /* whoever asked has the certificate, and is told by settled from now on */
	bool declined; /* the CA was told that it is not kept: whatever it answers is the end */

	/* what is asked for; the exchange borrows it */
	enum enrol_question_kind kind;
	X509_REQ *csr;
	EVP_PKEY *key;
	X509_NAME *subject;
	GENERAL_NAMES *alternative;
	X509 *old;
	struct cmp_exchange *exchange; /* NULL: a message is forwarded */

	struct bytes message; /* what is to be sent, or is being sent */
	struct http_call *http;
	struct timer timer;
	msec send_at; /* NEVER: it is on its way */
	bool too_long;
	msec deadline;
};

/* ---- client ---------------------------------------------------------------------------------- */

static bool is_url(const char *url)
{
	return url && (strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0);
}

static int take_config(struct cmp_client *c, const struct cmp_client_config *config)
{
	const X509_NAME *recipient = config->recipient;

	if (!recipient && sk_X509_num(config->anchors) > 0)
		recipient = X509_get_subject_name(sk_X509_value(config->anchors, 0));
	if (recipient && !(c->recipient = X509_NAME_dup(recipient)))
		return -ENOMEM;
	if (config->cert && X509_up_ref(config->cert))
		c->cert = config->cert;
	if (config->key && EVP_PKEY_up_ref(config->key))
		c->key = config->key;
	c->url = strdup(config->url);
	if (!c->url || enrol_copy(config->chain, &c->chain) != OK ||
	    enrol_copy(config->anchors, &c->anchors) != OK ||
	    secret_set(&c->reference, config->reference) != OK ||
	    secret_set(&c->secret, config->secret) != OK)
		return -ENOMEM;
	c->terms = (struct cmp_terms){ .cert = c->cert,
				       .key = c->key,
				       .chain = c->chain,
				       .anchors = c->anchors,
				       .reference = secret_slice(&c->reference),
				       .secret = secret_slice(&c->secret),
				       .recipient = c->recipient };
	c->timeout = config->timeout ? config->timeout : CMP_CLIENT_TIMEOUT_DEFAULT;
	return 0;
}

int cmp_client_new(struct loop *loop, struct http *http, const struct cmp_client_config *config,
		   struct cmp_client **ret_client)
{
	bool signs = config->cert && config->key && sk_X509_num(config->anchors) > 0;
	AUTO_STRUCT(cmp_client) c = NULL;
	int error;

	if (!is_url(config->url) || (!signs && config->secret.len == 0))
		return -EINVAL;
	c = calloc(1, sizeof *c);
	if (!c)
		return -ENOMEM;
	c->loop = loop;
	c->http = http;
	list_init(&c->calls);
	error = take_config(c, config);
	if (error == 0)
		*ret_client = TAKE(c);
	return error;
}

static void call_free(struct cmp_client_call *call)
{
	if (call->http)
		http_cancel(call->http);
	timer_clear(&call->timer);
	cmp_exchange_free(call->exchange);
	X509_REQ_free(call->csr);
	EVP_PKEY_free(call->key);
	X509_NAME_free(call->subject);
	GENERAL_NAMES_free(call->alternative);
	X509_free(call->old);
	bytes_done(&call->message);
	free(call);
}

static void detach(struct cmp_client_call *call)
{
	list_remove(&call->node);
	call->client->under_way--;
}

void cmp_client_free(struct cmp_client *c)
{
	if (!c)
		return;
	list_each (node, &c->calls)
		call_free(list_item(node, struct cmp_client_call, node));
	free(c->url);
	X509_NAME_free(c->recipient);
	X509_free(c->cert);
	EVP_PKEY_free(c->key);
	x509_stack_free(c->chain);
	x509_stack_free(c->anchors);
	secret_done(&c->reference);
	secret_done(&c->secret);
	free(c);
}

void cmp_client_cancel(struct cmp_client_call *call)
{
	detach(call);
	call_free(call);
}

const struct cmp_client_counters *cmp_client_counters(const struct cmp_client *c)
{
	return &c->counters;
}

/* ---- answers --------------------------------------------------------------------------------- */

/* Who is told may ask again, or free the client: the call is on its own by then. */
static void conclude(struct cmp_client_call *call, const struct enrol_reply *reply)
{
	detach(call);
	(call->offered ? call->settled : call->told)(call->context, reply);
	call_free(call);
}

/* Nothing came of it, for a reason that is not the CA's opinion of the request. */
static void fail(struct cmp_client_call *call, const char *detail)
{
	struct enrol_fault fault;
	struct diagnosis why;
	struct enrol_reply reply = { .error = ENROL_ERROR_CA_REFUSED,
				     .secondary = CMP_FAILURE(systemUnavail),
				     .why = &why };

	call->client->counters.failed++;
	enrol_fault_set(&fault, ENROL_ERROR_CA_REFUSED, "%s", detail);
	diagnosis_say(&why, DIAG_CA_UNREACHABLE, "%s", detail);
	diagnosis_add(&why, "url", "%s", call->client->url);
	conclude(call, &reply);
}

static void refuse(struct cmp_client_call *call, const struct enrol_fault *fault)
{
	/* What we find wrong with the CA's messages is no fault of the machine. */
	if (fault->error != ENROL_ERROR_CA_REFUSED) {
		fail(call, fault->description);
		return;
	}

	struct diagnosis why;
	struct enrol_reply reply = { .error = fault->error,
				     .secondary = fault->secondary,
				     .why = &why };

	call->client->counters.refused++;
	enrol_fault_explain(fault, ENROL_THEM, NULL, &why);
	diagnosis_add(&why, "url", "%s", call->client->url);
	conclude(call, &reply);
}

static void offer(struct cmp_client_call *call)
{
	struct enrol_reply reply = { .accept = true };
	X509 *cert = cmp_exchange_cert(call->exchange);
	AUTO(X509_STACK) chain = NULL;
	AUTO_VALUE(bytes) der = { 0 };

	if (!cert || cert_append_der(&der, cert, SIZE_MAX) != OK ||
	    enrol_chain(cert, cmp_exchange_extra(call->exchange), &chain) != OK) {
		fail(call, "out of memory");
		return;
	}
	reply.certificate = bytes_slice(&der);
	if (sk_X509_num(chain) > 0)
		reply.chain = chain;
	if (sk_X509_num(cmp_exchange_ca_pubs(call->exchange)) > 0)
		reply.anchors = cmp_exchange_ca_pubs(call->exchange);
	call->offered = true;
	call->told(call->context, &reply);
}

static void grant(struct cmp_client_call *call)
{
	struct enrol_reply reply = { .accept = true };

	call->client->counters.granted++;
	conclude(call, &reply);
}

static void hand_back(struct cmp_client_call *call, struct slice body)
{
	struct enrol_reply reply = { .accept = true, .message = body };
	struct cmp_message message;

	if (cmp_message_parse(body, &message) != 0) {
		fail(call, "the answer is not a CMP message");
		return;
	}
	reply.certificate = message.certificate;
	call->client->counters.granted++;
	conclude(call, &reply);
}

/* ---- sending --------------------------------------------------------------------------------- */

static void on_answer(void *context, const struct http_answer *answer);

static int send_message(struct cmp_client_call *call)
{
	msec now = loop_now().mono;
	struct http_request request = {
		.url = call->client->url,
		.type = "application/pkixcmp",
		.body = bytes_slice(&call->message),
		.accept = "application/pkixcmp",
		.ceiling = CMP_CLIENT_RESPONSE_MAX,
		.timeout = call->deadline > now ? call->deadline - now : 1,
		.done = on_answer,
		.context = call,
	};

	call->send_at = NEVER;
	return http_begin(call->client->http, &request, &call->http);
}

static void send_or_fail(struct cmp_client_call *call)
{
	if (send_message(call) < 0)
		fail(call, "too much is under way already");
}

static void send_later(struct cmp_client_call *call, uint64_t seconds)
{
	msec wait = seconds * 1000 < POLL_LEAST ? POLL_LEAST : seconds * 1000;
	msec at = msec_after(loop_now().mono, wait);

	if (at >= call->deadline) {
		fail(call, "it wants us to wait for longer than we may");
		return;
	}
	call->send_at = at;
	if (timer_set(call->client->loop, &call->timer, at) < 0)
		fail(call, "out of memory");
}

static void on_timer(struct timer *timer)
{
	struct cmp_client_call *call = list_item(timer, struct cmp_client_call, timer);

	if (call->too_long)
		fail(call, "it wants us to wait for longer than we may");
	else if (call->send_at != NEVER)
		send_or_fail(call);
}

static void go_on(struct cmp_client_call *call, enum cmp_progress progress)
{
	switch (progress) {
	case CMP_SEND:
		send_or_fail(call);
		return;
	case CMP_POLL:
		call->client->counters.polls++;
		/* what a first "waiting" is followed by tells how long */
		if (cmp_exchange_after(call->exchange) == 0)
			send_or_fail(call);
		else
			send_later(call, cmp_exchange_after(call->exchange));
		return;
	case CMP_JUDGE:
		offer(call);
		return;
	case CMP_OVER:
		grant(call);
		return;
	case CMP_FAILED:
		break;
	}
	refuse(call, cmp_exchange_fault(call->exchange));
}

static void on_answer(void *context, const struct http_answer *answer)
{
	struct cmp_client_call *call = context;
	struct moment now = loop_now();
	char detail[64];

	call->http = NULL;
	if (answer->error) {
		fail(call, answer->error);
		return;
	}
	if (answer->status != 200) {
		snprintf(detail, sizeof detail, "HTTP status %ld", answer->status);
		fail(call, detail);
		return;
	}
	if (call->declined)
		grant(call);
	else if (!call->exchange)
		hand_back(call, answer->body);
	else
		go_on(call,
		      cmp_exchange_receive(call->exchange, answer->body, now, &call->message));
}

/* ---- asking ---------------------------------------------------------------------------------- */

static int wish_of(struct cmp_client_call *call, const struct enrol_question *question,
		   struct cmp_wish *ret_wish)
{
	const unsigned char *p = question->csr.p;

	*ret_wish = (struct cmp_wish){ .polls_max = CMP_CLIENT_POLLS_MAX };
	if (question->kind == ENROL_ASKS_REVOKE) {
		ret_wish->kind = CMP_RR;
		ret_wish->reason = question->reason;
		ret_wish->old = call->old = cmp_decode_cert(question->certificate);
		return call->old ? 0 : -EINVAL;
	}
	if (!question->key || !EVP_PKEY_up_ref(question->key))
		return -EINVAL;
	ret_wish->key = call->key = question->key;
	if (question->csr.len > 0) {
		ret_wish->kind = CMP_P10CR;
		ret_wish->csr = call->csr = d2i_X509_REQ(NULL, &p, (long)question->csr.len);
		return call->csr ? 0 : -EINVAL;
	}
	ret_wish->kind = CMP_IR;
	ret_wish->ra_verified = true;
	if (names_subject(question->names, &call->subject) != OK ||
	    names_alternative(question->names, &call->alternative) != OK)
		return -EINVAL;
	ret_wish->subject = call->subject;
	ret_wish->alternative = call->alternative;
	return 0;
}

static int prepare(struct cmp_client_call *call, const struct enrol_question *question)
{
	struct cmp_wish wish;
	enum status status;
	int error;

	if (question->kind == ENROL_ASKS_FORWARD)
		return bytes_set(&call->message, question->message) == OK ? 0 : -ENOMEM;
	if (question->kind != ENROL_ASKS_ISSUE && question->kind != ENROL_ASKS_REVOKE)
		return -EINVAL;
	error = wish_of(call, question, &wish);
	if (error < 0)
		return error;
	status = cmp_exchange_new(&call->client->terms, &wish, loop_now(), &call->message,
				  &call->exchange);
	if (status == NO_MEMORY)
		return -ENOMEM;
	return status == OK ? 0 : -EINVAL;
}

/* A peer that was told to wait asks again at once: it is we who wait. */
static int hold(struct cmp_client_call *call, msec wait)
{
	msec now = loop_now().mono;

	call->too_long = wait > call->client->timeout;
	call->send_at = call->too_long ? now : msec_after(now, wait);
	call->deadline = msec_after(call->send_at, call->client->timeout);
	return timer_set(call->client->loop, &call->timer, call->send_at);
}

int cmp_client_ask(struct cmp_client *c, const struct cmp_client_request *request,
		   struct cmp_client_call **ret_call)
{
	struct cmp_client_call *call;
	int error;

	if (c->under_way >= CMP_CLIENT_UNDER_WAY_MAX)
		return -EBUSY;
	call = calloc(1, sizeof *call);
	if (!call)
		return -ENOMEM;
	*call = (struct cmp_client_call){ .client = c,
					  .told = request->told,
					  .settled = request->settled,
					  .context = request->context,
					  .kind = request->question->kind,
					  .timer.expired = on_timer,
					  .timer.due = NEVER,
					  .send_at = NEVER };
	call->deadline = msec_after(loop_now().mono, c->timeout);
	error = prepare(call, request->question);
	if (error == 0 && request->question->after > 0)
		error = hold(call, (msec)request->question->after * 1000);
	else if (error == 0)
		error = send_message(call);
	if (error < 0) {
		call_free(call);
		return error;
	}
	list_append(&c->calls, &call->node);
	c->under_way++;
	c->counters.asked++;
	*ret_call = call;
	return 0;
}

/* ---- settling -------------------------------------------------------------------------------- */

/* The CA has waived confirmations, and takes the certificate for delivered. */
static bool begin_revocation(struct cmp_client_call *call)
{
	struct cmp_wish wish = { .kind = CMP_RR, .polls_max = CMP_CLIENT_POLLS_MAX };
	X509 *cert = cmp_exchange_cert(call->exchange);

	if (!X509_up_ref(cert))
		return false;
	call->old = wish.old = cert;
	cmp_exchange_free(TAKE(call->exchange));
	return cmp_exchange_new(&call->client->terms, &wish, loop_now(), &call->message,
				&call->exchange) == OK;
}

static void decline(struct cmp_client_call *call)
{
	struct enrol_fault fault;

	enrol_fault_set(&fault, ENROL_ERROR_NOT_ACCEPTABLE, "it is not kept");
	bytes_clear(&call->message);
	(void)cmp_exchange_accept(call->exchange, &fault, loop_now(), &call->message);
	call->declined = call->message.len > 0;
	if (call->declined || begin_revocation(call))
		send_or_fail(call);
	else
		fail(call, "out of memory");
}

void cmp_client_settle(struct cmp_client_call *call, bool keep)
{
	if (keep)
		go_on(call, cmp_exchange_accept(call->exchange, NULL, loop_now(), &call->message));
	else
		decline(call);
}
