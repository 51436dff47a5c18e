/* A CA that speaks CMP over HTTP, on loopback, and latchkey-authd as its registration authority. */
#include "tests/test.h"

#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <openssl/cmp.h>
#include <openssl/err.h>

#include "authd/cmp_client.h"
#include "drivers/loop.h"
#include "enrol/cmp_lib.h"
#include "enrol/cmp_message.h"
#include "enrol/csr.h"
#include "tests/enrol_duo.h"

/* ---- the CA ---------------------------------------------------------------------------------- */

struct ca {
	struct MHD_Daemon *daemon;
	char url[64];
	OSSL_CMP_SRV_CTX *server;
	struct pki_cert issuer, root, ra;
	struct bytes received;
	OSSL_CMP_MSG *waiting; /* a request that is being thought about */

	/* how it behaves */
	unsigned status;
	const char *body; /* in place of an answer */
	int polls;	  /* how often it says "not yet" */
	int64_t check_after;
	int failure; /* bit of failInfo; -1: none */
	bool confirm;
	unsigned revoked, confirmed, refusals, seen[CMP_BODIES];
};

static OSSL_CMP_PKISI *on_request(OSSL_CMP_SRV_CTX *server, const OSSL_CMP_MSG *request, int id,
				  const OSSL_CRMF_MSG *crmf, const X509_REQ *csr, X509 **ret_cert,
				  STACK_OF(X509) * *ret_chain, STACK_OF(X509) * *ret_ca_pubs)
{
	struct ca *ca = OSSL_CMP_SRV_CTX_get0_custom_ctx(server);
	struct pki_spec spec = { .cn = "issued", .key_usage = "critical,digitalSignature" };
	EVP_PKEY *key;
	struct pki_cert made;

	(void)id;
	*ret_chain = *ret_ca_pubs = NULL;
	*ret_cert = NULL;
	if (ca->failure >= 0)
		return OSSL_CMP_STATUSINFO_new(OSSL_CMP_PKISTATUS_rejection, 1 << ca->failure,
					       "not today");
	if (ca->polls > 0) {
		OSSL_CMP_MSG_free(ca->waiting);
		ca->waiting = OSSL_CMP_MSG_dup(request);
		return OSSL_CMP_STATUSINFO_new(OSSL_CMP_PKISTATUS_waiting, 0, "in a moment");
	}
	key = csr ? X509_REQ_get_pubkey((X509_REQ *)(uintptr_t)csr)
		  : cmp_template_key(OSSL_CRMF_MSG_get0_tmpl(crmf));
	spec.key = key;
	made = pki_make(&spec, &ca->issuer);
	EVP_PKEY_free(key);
	*ret_cert = made.cert;
	EVP_PKEY_free(made.key);
	/* extra certificates: the chain, and what nobody has asked for */
	*ret_chain = pki_chain(ca->ra.cert, ca->issuer.cert, NULL);
	*ret_ca_pubs = pki_chain(ca->root.cert, NULL);
	return OSSL_CMP_STATUSINFO_new(OSSL_CMP_PKISTATUS_accepted, 0, NULL);
}

static int on_poll(OSSL_CMP_SRV_CTX *server, const OSSL_CMP_MSG *request, int id,
		   OSSL_CMP_MSG **ret_request, int64_t *ret_after)
{
	struct ca *ca = OSSL_CMP_SRV_CTX_get0_custom_ctx(server);

	(void)request;
	(void)id;
	*ret_request = NULL;
	*ret_after = ca->check_after;
	if (--ca->polls > 0)
		return 1;
	*ret_request = ca->waiting;
	ca->waiting = NULL;
	return 1;
}

static int on_confirm(OSSL_CMP_SRV_CTX *server, const OSSL_CMP_MSG *request, int id,
		      const ASN1_OCTET_STRING *hash, const OSSL_CMP_PKISI *status)
{
	char words[256];
	struct ca *ca = OSSL_CMP_SRV_CTX_get0_custom_ctx(server);

	(void)request;
	(void)id;
	(void)hash;
	ca->confirmed++;
	ca->refusals += OSSL_CMP_snprint_PKIStatusInfo(status, words, sizeof words) &&
			strstr(words, "reject");
	return 1;
}

static OSSL_CMP_PKISI *on_revoke(OSSL_CMP_SRV_CTX *server, const OSSL_CMP_MSG *request,
				 const X509_NAME *issuer, const ASN1_INTEGER *serial)
{
	struct ca *ca = OSSL_CMP_SRV_CTX_get0_custom_ctx(server);

	(void)request;
	ca->revoked += issuer && serial;
	return OSSL_CMP_STATUSINFO_new(OSSL_CMP_PKISTATUS_accepted, 0, NULL);
}

static void think(struct ca *ca, struct bytes *out)
{
	AUTO(OSSL_CMP_MSG) request = cmp_decode(bytes_slice(&ca->received));
	AUTO(OSSL_CMP_MSG) response = NULL;
	int body = request ? OSSL_CMP_MSG_get_bodytype(request) : -1;

	if (body < 0)
		return;
	ca->seen[body]++;
	OSSL_CMP_SRV_CTX_set_grant_implicit_confirm(ca->server, !ca->confirm);
	response = OSSL_CMP_SRV_process_request(ca->server, request);
	if (response && cmp_encode(response, out) != OK)
		abort();
	ERR_clear_error();
}

static enum MHD_Result respond(void *context, struct MHD_Connection *connection, const char *url,
			       const char *method, const char *version, const char *data,
			       size_t *size, void **state)
{
	struct ca *ca = context;
	struct bytes out = { 0 };
	struct MHD_Response *response;
	enum MHD_Result done;

	(void)url;
	(void)version;
	if (!*state) {
		*state = ca;
		bytes_clear(&ca->received);
		return MHD_YES;
	}
	if (*size > 0) {
		enum status kept = bytes_append(&ca->received, slice_of(data, *size), 65536);

		*size = 0;
		return kept == OK ? MHD_YES : MHD_NO;
	}
	if (strcmp(method, "POST") != 0)
		return MHD_NO;
	if (ca->body) {
		if (bytes_set(&out, slice_str(ca->body)) != OK)
			return MHD_NO;
	} else
		think(ca, &out);
	response = MHD_create_response_from_buffer(out.len, out.p, MHD_RESPMEM_MUST_COPY);
	MHD_add_response_header(response, "Content-Type", "application/pkixcmp");
	done = MHD_queue_response(connection, ca->status, response);
	MHD_destroy_response(response);
	bytes_done(&out);
	return done;
}

/* ---- and we ---------------------------------------------------------------------------------- */

static struct ca ca;
static struct loop loop;
static struct http *http;
static struct cmp_client *client;
static struct enrol_reply reply;
static struct diagnosis why;
static struct bytes certificate, message;
static int anchors, chain;
static unsigned tellings, settlements;
static bool settlement;

static void listen_here(void)
{
	struct sockaddr_in here = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	ca.daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, respond, &ca,
				     MHD_OPTION_SOCK_ADDR, &here, MHD_OPTION_END);
	REQUIRE(ca.daemon != NULL);
	snprintf(ca.url, sizeof ca.url, "http://127.0.0.1:%u/.well-known/cmp",
		 MHD_get_daemon_info(ca.daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
}

/* The clock of the library's CA is the real one. */
static struct pki_cert made_now(const char *cn, const char *usage, const struct pki_cert *issuer)
{
	struct pki_spec spec = { .cn = cn,
				 .basic = usage ? NULL : "critical,CA:TRUE",
				 .key_usage =
					 usage ? usage : "critical,digitalSignature,keyCertSign",
				 .from = loop_now().wall - PKI_DAY,
				 .until = loop_now().wall + PKI_DAY };

	return pki_make(&spec, issuer);
}

static void begin(bool by_mac, msec timeout)
{
	struct cmp_client_config config = { .timeout = timeout };
	STACK_OF(X509) * trusted;
	OSSL_CMP_CTX *ctx;

	ca = (struct ca){ .status = 200, .failure = -1 };
	ca.root = made_now("Root", NULL, NULL);
	ca.issuer = made_now("Issuing CA", NULL, &ca.root);
	ca.ra = made_now("RA", "critical,digitalSignature", &ca.issuer);
	trusted = pki_chain(ca.root.cert, NULL);
	ca.server = OSSL_CMP_SRV_CTX_new(NULL, NULL);
	REQUIRE(OSSL_CMP_SRV_CTX_init(ca.server, &ca, on_request, on_revoke, NULL, NULL, on_confirm,
				      on_poll));
	OSSL_CMP_SRV_CTX_set_accept_raverified(ca.server, 1);
	ctx = OSSL_CMP_SRV_CTX_get0_cmp_ctx(ca.server);
	REQUIRE(cmp_prepare(ctx));
	if (by_mac) {
		REQUIRE(cmp_set_secret(ctx, slice_str("ra"), slice_str("a secret")));
	} else {
		REQUIRE(OSSL_CMP_CTX_set1_cert(ctx, ca.issuer.cert));
		REQUIRE(OSSL_CMP_CTX_set1_pkey(ctx, ca.issuer.key));
		REQUIRE(cmp_trust(ctx, trusted, loop_now().wall));
	}
	listen_here();
	config.url = ca.url;
	if (by_mac) {
		config.reference = slice_str("ra");
		config.secret = slice_str("a secret");
	} else {
		config.cert = ca.ra.cert;
		config.key = ca.ra.key;
		config.anchors = trusted;
		config.chain = pki_chain(ca.issuer.cert, NULL);
	}
	REQUIRE(loop_init(&loop) == 0);
	REQUIRE(http_new(&loop, &http) == 0);
	REQUIRE(cmp_client_new(&loop, http, &config, &client) == 0);
	x509_stack_free(trusted);
	x509_stack_free((STACK_OF(X509) *)(uintptr_t)config.chain);
	tellings = 0;
}

static void end(void)
{
	cmp_client_free(client);
	http_free(http);
	loop_done(&loop);
	MHD_stop_daemon(ca.daemon);
	OSSL_CMP_SRV_CTX_free(ca.server);
	OSSL_CMP_MSG_free(ca.waiting);
	pki_cert_done(&ca.root);
	pki_cert_done(&ca.issuer);
	pki_cert_done(&ca.ra);
	bytes_done(&ca.received);
	bytes_done(&certificate);
	bytes_done(&message);
}

static void told(void *context, const struct enrol_reply *it)
{
	(void)context;
	tellings++;
	reply = *it;
	diagnosis_set(&why, DIAG_NONE);
	if (it->why)
		why = *it->why;
	anchors = sk_X509_num(it->anchors);
	chain = sk_X509_num(it->chain);
	REQUIRE(bytes_set(&certificate, it->certificate) == OK);
	REQUIRE(bytes_set(&message, it->message) == OK);
	loop_stop(&loop);
}

static void settled(void *context, const struct enrol_reply *it)
{
	(void)context;
	settlements++;
	settlement = it->accept;
	diagnosis_set(&why, DIAG_NONE);
	if (it->why)
		why = *it->why;
	loop_stop(&loop);
}

static struct cmp_client_call *offered_by(const struct enrol_question *question)
{
	struct cmp_client_request request = { .question = question,
					      .told = told,
					      .settled = settled };
	struct cmp_client_call *call;

	REQUIRE(cmp_client_ask(client, &request, &call) == 0);
	CHECK_INT(tellings, 0);
	loop.stopping = false;
	REQUIRE(loop_run(&loop) == 0);
	CHECK_INT(tellings, 1);
	tellings = 0;
	return call;
}

static void settle(struct cmp_client_call *call, bool keep)
{
	settlements = 0;
	cmp_client_settle(call, keep);
	loop.stopping = false;
	if (settlements == 0)
		REQUIRE(loop_run(&loop) == 0);
	CHECK_INT(settlements, 1);
}

static void ask(const struct enrol_question *question)
{
	struct cmp_client_call *call = offered_by(question);

	if (question->kind != ENROL_ASKS_ISSUE || !reply.accept)
		return;
	CHECK_INT(ca.confirmed, 0);
	settle(call, true);
	CHECK(settlement);
}

static void ask_for_cert(EVP_PKEY *key)
{
	struct enrol_names names = { .common_name = "m.example.org" };
	struct bytes csr = { 0 };
	struct enrol_question question = { .kind = ENROL_ASKS_ISSUE, .key = key, .names = &names };

	REQUIRE(csr_build(&names, key, slice_of(NULL, 0), &csr) == OK);
	question.csr = bytes_slice(&csr);
	ask(&question);
	bytes_done(&csr);
}

static void has_cert_for(EVP_PKEY *key)
{
	X509 *cert = cmp_decode_cert(bytes_slice(&certificate));

	if (!reply.accept)
		test_note("%s: %s", diagnosis_text(why.id)->name,
			  diagnosis_evidence(&why, "detail"));
	CHECK(reply.accept);
	REQUIRE(cert != NULL);
	CHECK(EVP_PKEY_eq(X509_get0_pubkey(cert), key) == 1);
	X509_free(cert);
}

static void gets_a_certificate(bool by_mac, bool confirm)
{
	EVP_PKEY *key = pki_key("P-256");

	begin(by_mac, 0);
	ca.confirm = confirm;
	ask_for_cert(key);
	has_cert_for(key);
	CHECK_INT(chain, 1); /* of the extra certificates only what is above it */
	CHECK_INT(ca.confirmed, confirm);
	CHECK_INT(ca.seen[CMP_P10CR], 1);
	CHECK_INT(cmp_client_counters(client)->granted, 1);
	end();
	EVP_PKEY_free(key);
}

TEST(a_key_without_a_request_is_vouched_for)
{
	EVP_PKEY *key = pki_key("P-256");
	struct enrol_names names = { .common_name = "m.example.org" };
	struct enrol_question question = { .kind = ENROL_ASKS_ISSUE, .key = key, .names = &names };

	begin(false, 0);
	ask(&question);
	has_cert_for(key);
	CHECK_INT(ca.seen[CMP_IR], 1);
	CHECK_INT(anchors, 1); /* caPubs is of an ip alone */
	OSSL_CMP_SRV_CTX_set_accept_raverified(ca.server, 0);
	ask(&question);
	CHECK_INT(reply.secondary, CMP_FAILURE(badPOP));
	end();
	EVP_PKEY_free(key);
}

TEST(a_certificate_is_had_by_signature)
{
	gets_a_certificate(false, false);
}

TEST(a_certificate_is_had_by_mac)
{
	gets_a_certificate(true, false);
}

TEST(a_certificate_is_confirmed)
{
	gets_a_certificate(false, true);
	gets_a_certificate(true, true);
}

static void is_given_up(bool confirm)
{
	EVP_PKEY *key = pki_key("P-256");
	struct enrol_names names = { .common_name = "m.example.org" };
	struct enrol_question question = { .kind = ENROL_ASKS_ISSUE, .key = key, .names = &names };

	begin(false, 0);
	ca.confirm = confirm;
	settle(offered_by(&question), false);
	CHECK(settlement);
	CHECK_INT(ca.refusals, confirm);
	CHECK_INT(ca.revoked, !confirm);
	end();
	EVP_PKEY_free(key);
}

TEST(a_certificate_that_is_not_kept_is_given_back)
{
	is_given_up(true);
	is_given_up(false);
}

TEST(a_confirmation_that_nobody_hears_is_told)
{
	EVP_PKEY *key = pki_key("P-256");
	struct enrol_names names = { .common_name = "m.example.org" };
	struct enrol_question question = { .kind = ENROL_ASKS_ISSUE, .key = key, .names = &names };
	struct cmp_client_call *call;

	begin(false, 0);
	ca.confirm = true;
	call = offered_by(&question);
	CHECK(reply.accept);
	ca.status = 503;
	settle(call, true);
	CHECK(!settlement);
	CHECK_INT(why.id, DIAG_CA_UNREACHABLE);
	CHECK_INT(cmp_client_counters(client)->granted, 0);
	/* and who has a certificate in hand may go as well */
	ca.status = 200;
	cmp_client_cancel(offered_by(&question));
	end();
	EVP_PKEY_free(key);
}

TEST(a_ca_that_thinks_is_polled)
{
	EVP_PKEY *key = pki_key("P-256");

	begin(false, 0);
	ca.polls = 3;
	ask_for_cert(key);
	has_cert_for(key);
	CHECK_INT(ca.seen[CMP_POLLREQ], 3);
	CHECK_INT(cmp_client_counters(client)->polls, 3);
	end();
	EVP_PKEY_free(key);
}

TEST(a_ca_is_left_alone_for_as_long_as_it_says)
{
	EVP_PKEY *key = pki_key("P-256");
	msec before;

	begin(false, 0);
	ca.polls = 2;
	ca.check_after = 1;
	before = loop_now().mono;
	ask_for_cert(key);
	has_cert_for(key);
	CHECK(loop_now().mono - before >= 1000);
	end();
	EVP_PKEY_free(key);
}

TEST(a_ca_that_thinks_for_too_long_is_given_up)
{
	EVP_PKEY *key = pki_key("P-256");

	begin(false, 2000);
	ca.polls = 1000;
	ca.check_after = 3600;
	ask_for_cert(key);
	CHECK(!reply.accept);
	CHECK_INT(reply.error, ENROL_ERROR_CA_REFUSED);
	CHECK_INT(why.id, DIAG_CA_UNREACHABLE);
	CHECK_INT(cmp_client_counters(client)->failed, 1);
	end();
	EVP_PKEY_free(key);
}

TEST(a_rejection_is_told_with_its_code)
{
	EVP_PKEY *key = pki_key("P-256");

	begin(false, 0);
	ca.failure = OSSL_CMP_PKIFAILUREINFO_badCertTemplate;
	ask_for_cert(key);
	CHECK(!reply.accept);
	CHECK_INT(reply.error, ENROL_ERROR_CA_REFUSED);
	CHECK_INT(reply.secondary, CMP_FAILURE(badCertTemplate));
	CHECK_STR(diagnosis_evidence(&why, "detail"), "badCertTemplate: not today");
	CHECK_INT(cmp_client_counters(client)->refused, 1);
	end();
	EVP_PKEY_free(key);
}

TEST(what_is_no_answer_is_told)
{
	EVP_PKEY *key = pki_key("P-256");

	begin(false, 0);
	ca.status = 503;
	ca.body = "down for maintenance";
	ask_for_cert(key);
	CHECK_INT(why.id, DIAG_CA_UNREACHABLE);
	CHECK_STR(diagnosis_evidence(&why, "detail"), "HTTP status 503");
	ca.status = 200;
	ask_for_cert(key);
	CHECK(!reply.accept);
	CHECK_INT(reply.error, ENROL_ERROR_CA_REFUSED);
	CHECK_INT(why.id, DIAG_CA_UNREACHABLE);
	end();
	EVP_PKEY_free(key);
}

TEST(nobody_there_is_told)
{
	EVP_PKEY *key = pki_key("P-256");

	begin(false, 0);
	MHD_stop_daemon(ca.daemon);
	ask_for_cert(key);
	CHECK_INT(why.id, DIAG_CA_UNREACHABLE);
	CHECK_STR(diagnosis_evidence(&why, "url"), ca.url);
	listen_here();
	end();
	EVP_PKEY_free(key);
}

TEST(a_certificate_is_revoked)
{
	/* reasonCode of crlEntryDetails, REQUIRED by RFC 9483, section 4.2 */
	static const uint8_t superseded[] = { 0x06, 3, 0x55, 0x1d, 0x15, 4, 3, 0x0a, 1, 4 };
	struct enrol_question question = { .kind = ENROL_ASKS_REVOKE, .reason = 4 };
	struct bytes der;

	begin(false, 0);
	der = pki_der(ca.ra.cert);
	question.certificate = bytes_slice(&der);
	ask(&question);
	CHECK(reply.accept);
	CHECK_INT(ca.revoked, 1);
	CHECK(memmem(ca.received.p, ca.received.len, superseded, sizeof superseded) != NULL);
	bytes_done(&der);
	end();
}

/* ---- forwarding ------------------------------------------------------------------------------ */

static void forward(struct enrol_duo *duo, const struct enrol_question *question,
		    struct enrol_reply *ret_reply)
{
	(void)duo;
	if (question->kind != ENROL_ASKS_FORWARD)
		return;
	ask(question);
	*ret_reply = reply;
	ret_reply->message = bytes_slice(&message);
	ret_reply->certificate = bytes_slice(&certificate);
}

static void forward_begin(struct enrol_duo *duo)
{
	begin(true, 0);
	enrol_duo_init(duo, &cmp_basic_peer, &cmp_basic_server);
	enrol_duo_by_token(duo);
	duo->peer_job.reference = duo->server_job.reference = slice_str("ra");
	duo->peer_job.secret = slice_str("a secret");
	duo->server_job.secret = slice_of(NULL, 0); /* which only the CA knows */
	duo->authority.forwards = true;
	duo->on_question = forward;
	duo->now = loop_now();
}

TEST(messages_are_forwarded_as_they_are)
{
	struct enrol_duo duo;

	forward_begin(&duo);
	CHECK(enrol_duo_run(&duo));
	CHECK_INT(duo.questions[ENROL_ASKS_FORWARD], 1);
	CHECK(certificate.len > 0);
	enrol_duo_done(&duo);
	end();
}

TEST(a_confirmation_is_forwarded)
{
	struct enrol_duo duo;

	forward_begin(&duo);
	ca.confirm = true;
	CHECK(enrol_duo_run(&duo));
	CHECK_INT(duo.questions[ENROL_ASKS_FORWARD], 2);
	CHECK_INT(ca.confirmed, 1);
	enrol_duo_done(&duo);
	end();
}

TEST(polling_is_carried_through)
{
	struct enrol_duo duo;
	msec before;

	forward_begin(&duo);
	ca.polls = 2;
	ca.check_after = 1;
	before = loop_now().mono;
	CHECK(enrol_duo_run(&duo));
	CHECK_INT(duo.questions[ENROL_ASKS_FORWARD], 3);
	CHECK_INT(ca.seen[CMP_POLLREQ], 2);
	CHECK(loop_now().mono - before >= 1000); /* it is we who waited */
	enrol_duo_done(&duo);
	end();
}

TEST(a_rejection_is_carried_through)
{
	struct enrol_duo duo;

	forward_begin(&duo);
	ca.failure = OSSL_CMP_PKIFAILUREINFO_unacceptedPolicy;
	CHECK(!enrol_duo_run(&duo));
	CHECK_INT(duo.peer_fault.error, ENROL_ERROR_CA_REFUSED);
	CHECK_INT(duo.peer_fault.secondary, CMP_FAILURE(unacceptedPolicy));
	CHECK_INT(duo.server_fault.error, ENROL_ERROR_CA_REFUSED);
	CHECK_INT(duo.server_fault.secondary, CMP_FAILURE(unacceptedPolicy));
	enrol_duo_done(&duo);
	end();
}

/* ---- the client itself ----------------------------------------------------------------------- */

static void not_told(void *context, const struct enrol_reply *it)
{
	(void)it;
	(*(unsigned *)context)++;
}

TEST(who_cancels_is_not_told)
{
	struct enrol_names names = { .common_name = "m.example.org" };
	EVP_PKEY *key = pki_key("P-256");
	struct enrol_question question = { .kind = ENROL_ASKS_ISSUE, .key = key, .names = &names };
	unsigned count = 0;
	struct cmp_client_request request = { .question = &question,
					      .told = not_told,
					      .context = &count };
	struct cmp_client_call *call;

	begin(false, 0);
	REQUIRE(cmp_client_ask(client, &request, &call) == 0);
	cmp_client_cancel(call);
	for (unsigned i = 0; i < CMP_CLIENT_UNDER_WAY_MAX; i++)
		REQUIRE(cmp_client_ask(client, &request, &call) == 0);
	CHECK_INT(cmp_client_ask(client, &request, &call), -EBUSY);
	question.kind = ENROL_ASKS_KEEP;
	end();
	CHECK_INT(count, 0);
	EVP_PKEY_free(key);
}

TEST(a_client_needs_something_to_protect_messages_with)
{
	struct cmp_client_config config = { .url = "http://127.0.0.1/" };

	CHECK_INT(cmp_client_new(&loop, NULL, &config, &client), -EINVAL);
	config.secret = slice_str("x");
	config.url = "ftp://127.0.0.1/";
	CHECK_INT(cmp_client_new(&loop, NULL, &config, &client), -EINVAL);
}
