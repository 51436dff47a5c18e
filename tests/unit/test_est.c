#include "enrol/chain.h"
#include "enrol/csr.h"
#include "enrol/est.h"
#include "enrol/est_http.h"
#include "tests/enrol_duo.h"
#include "tests/test.h"

/* ---- headers --------------------------------------------------------------------------------- */

static enum status parse(const char *text, size_t body, struct est_head *head)
{
	const char *wrong = NULL;
	enum status status = est_head_parse(slice_str(text), body, head, &wrong);

	CHECK(wrong != NULL);
	return status;
}

TEST(requests_are_read)
{
	struct est_head head;

	REQUIRE(parse("GET /.well-known/est/cacerts HTTP/1.1\r\n", 0, &head) == OK);
	CHECK(head.request);
	CHECK_INT(head.operation, EST_CA_CERTS);
	REQUIRE(parse("POST /.well-known/est/floor-2/simpleenroll HTTP/1.1\r\n"
		      "Host: x\r\ncontent-type:application/pkcs10 ; a=b\r\nContent-Length:  7\r\n"
		      "\r\n",
		      7, &head) == OK);
	CHECK_INT(head.operation, EST_ENROLL);
	CHECK(est_type_is(&head, "Application/PKCS10"));
}

TEST(responses_are_read)
{
	struct est_head head;

	REQUIRE(parse("HTTP/1.1 202 Accepted, but wait\r\nRetry-After: 120\r\n", 0, &head) == OK);
	CHECK(!head.request);
	CHECK_INT(head.status, 202);
	CHECK(head.has_retry_after);
	CHECK_INT(head.retry_after, 120);
	REQUIRE(parse("HTTP/1.0 503\r\nRetry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\n", 0, &head) ==
		OK);
	CHECK_INT(head.retry_after, UINT32_MAX);
}

TEST(what_is_not_http_is_refused)
{
	static const char *const wrong[] = {
		"",
		"\r\n",
		"GET /.well-known/est/cacerts HTTP/1.1",
		"GET /.well-known/est/cacerts HTTP/1.1\n",
		"GET  /.well-known/est/cacerts HTTP/1.1\r\n",
		"GET /.well-known/est/cacerts HTTP/2\r\n",
		"GET /.well-known/est/cacerts HTTP/1.1 \r\n",
		"G(T /.well-known/est/cacerts HTTP/1.1\r\n",
		"HTTP/1.1 20\r\n",
		"HTTP/1.1 2000 OK\r\n",
		"HTTP/1.1 600 OK\r\n",
		"HTTP/1.1 099 OK\r\n",
		"HTTP/1.1 200 OK\r\nA\r\n",
		"HTTP/1.1 200 OK\r\nA : b\r\n",
		"HTTP/1.1 200 OK\r\n: b\r\n",
		"HTTP/1.1 200 OK\r\n folded\r\n",
		"HTTP/1.1 200 OK\r\nA: b\rc\r\n",
		"HTTP/1.1 200 OK\r\nA: b\001\r\n",
		"HTTP/1.1 200 OK\r\n\r\nA: b\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: \r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 0\r\n",
		"HTTP/1.1 200 OK\r\nContent-Type: a\r\nContent-Type: b\r\n",
		"HTTP/1.1 200 OK\r\nRetry-After: 1\r\nRetry-After: 2\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n",
		"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n",
	};
	struct est_head head;

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		enum status status = parse(wrong[i], 0, &head);

		if (status != MALFORMED)
			test_note("%s", wrong[i]);
		CHECK_INT(status, MALFORMED);
	}
	CHECK_INT(parse("GET / HTTP/1.1\r\n", 0, &head), UNSUPPORTED);
	CHECK_INT(parse("GET /.well-known/est/fullcmc HTTP/1.1\r\n", 0, &head), UNSUPPORTED);
	CHECK_INT(parse("POST /.well-known/est/cacerts HTTP/1.1\r\n", 0, &head), UNSUPPORTED);
	CHECK_INT(parse("GET /.well-known/est/a/b/cacerts HTTP/1.1\r\n", 0, &head), UNSUPPORTED);
	CHECK_INT(parse("GET /.well-known/est//cacerts HTTP/1.1\r\n", 0, &head), UNSUPPORTED);
}

TEST(headers_have_a_ceiling)
{
	char text[EST_HEADERS_MAX + 64] = "HTTP/1.1 200 OK\r\n";
	struct est_head head;
	size_t len = strlen(text);

	for (size_t i = 0; i < EST_FIELDS_MAX; i++)
		len += (size_t)sprintf(text + len, "A: b\r\n");
	CHECK_INT(parse(text, 0, &head), OK);
	sprintf(text + len, "A: b\r\n");
	CHECK_INT(parse(text, 0, &head), MALFORMED);
	memset(text, 'a', sizeof text);
	strcpy(text, "HTTP/1.1 200 OK\r\nA: b");
	text[strlen(text)] = 'b';
	strcpy(text + EST_HEADERS_MAX - 1, "\r\n");
	CHECK_INT(parse(text, 0, &head), MALFORMED);
}

TEST(what_is_written_is_read)
{
	struct bytes headers = { 0 };
	struct est_head head;
	const char *wrong;

	for (unsigned i = 0; i < EST_OPERATIONS; i++) {
		REQUIRE(est_request((enum est_operation)i, i >= 2 ? EST_TYPE_REQUEST : NULL,
				    i >= 2 ? 9 : 0, &headers) == OK);
		REQUIRE(est_head_parse(bytes_slice(&headers), i >= 2 ? 9 : 0, &head, &wrong) == OK);
		CHECK_INT(head.operation, i);
	}
	REQUIRE(est_response(204, NULL, 0, &headers) == OK);
	REQUIRE(est_head_parse(bytes_slice(&headers), 0, &head, &wrong) == OK);
	CHECK_INT(head.status, 204);
	bytes_done(&headers);
}

TEST(base64_has_one_form)
{
	static const struct {
		const char *text, *value; /* NULL: refused */
	} cases[] = {
		{ "", "" },	      { "Zg==", "f" },		 { "Zm8=", "fo" },
		{ "Zm9v", "foo" },    { "Zm\r\n9v\r\n", "foo" }, { "Zm9vYg==", "foob" },
		{ "Zh==", NULL },     { "Zm9=", NULL },		 { "Zg=", NULL },
		{ "Zg", NULL },	      { "Z===", NULL },		 { "====", NULL },
		{ "Zg==Zg==", NULL }, { "Zm9v-", NULL },	 { "Zm9v!aaa", NULL },
		{ "Z=9v", NULL },
	};
	struct bytes out = { 0 }, back = { 0 };

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		enum status status = base64_decode(slice_str(cases[i].text), &out);

		if ((status == OK) != (cases[i].value != NULL))
			test_note("\"%s\"", cases[i].text);
		CHECK_INT(status, cases[i].value ? OK : MALFORMED);
		if (status == OK)
			CHECK(slice_eq(bytes_slice(&out), slice_str(cases[i].value)));
	}
	REQUIRE(base64_encode(slice_str("foob"), &out) == OK);
	CHECK(slice_eq(bytes_slice(&out), slice_str("Zm9vYg==")));
	bytes_done(&out);
	bytes_done(&back);
}

/* ---- attributes ------------------------------------------------------------------------------ */

#define P256 "\x06\x08\x2A\x86\x48\xCE\x3D\x03\x01\x07"

TEST(attributes_say_what_is_wanted)
{
	EVP_PKEY *p256 = pki_key("P-256"), *p384 = pki_key("P-384"), *rsa = pki_key("RSA-2048");
	struct est_attributes wanted;
	struct bytes der = { 0 };

	REQUIRE(est_attributes_build(false, slice_of(NULL, 0), &der) == OK);
	CHECK_INT(der.len, 0);
	REQUIRE(est_attributes_build(true, slice_of(P256, sizeof P256 - 1), &der) == OK);
	REQUIRE(est_attributes_read(bytes_slice(&der), &wanted) == OK);
	CHECK(wanted.challenge && wanted.curves && !wanted.rsa);
	CHECK(est_key_fits(&wanted, p256));
	CHECK(!est_key_fits(&wanted, p384));
	CHECK(!est_key_fits(&wanted, rsa));
	for (size_t len = 0; len < der.len; len++)
		CHECK_INT(est_attributes_read(slice_of(der.p, len), &wanted), MALFORMED);
	bytes_done(&der);
	EVP_PKEY_free(p256);
	EVP_PKEY_free(p384);
	EVP_PKEY_free(rsa);
}

TEST(the_example_of_rfc_7030_is_read)
{
	/* section 4.5.2 */
	static const char text[] = "MEEGCSqGSIb3DQEJBzASBgcqhkjOPQIBMQcGBSuBBAAiMBYGCSqGSIb3DQEJDjE"
				   "JBgcrBgEBAQEWBggqhkjOPQQDAw==";
	EVP_PKEY *p384 = pki_key("P-384"), *p256 = pki_key("P-256");
	struct est_attributes wanted;
	struct bytes der = { 0 };

	REQUIRE(base64_decode(slice_str(text), &der) == OK);
	REQUIRE(est_attributes_read(bytes_slice(&der), &wanted) == OK);
	CHECK(wanted.challenge);
	CHECK(est_key_fits(&wanted, p384));
	CHECK(!est_key_fits(&wanted, p256));
	bytes_done(&der);
	EVP_PKEY_free(p384);
	EVP_PKEY_free(p256);
}

/* ---- conversations --------------------------------------------------------------------------- */

static bool run_full(struct enrol_duo *duo)
{
	bool granted = enrol_duo_run(duo);

	if (!granted)
		test_note("peer %d %s, server %d %s", duo->peer_state, duo->peer_fault.description,
			  duo->server_state, duo->server_fault.description);
	return granted;
}

TEST(a_machine_enrolls)
{
	struct enrol_duo duo;
	struct enrol_result result;

	enrol_duo_init(&duo, &est_peer, &est_server);
	duo.server_job.link_required = true;
	REQUIRE(run_full(&duo));
	CHECK_INT(duo.messages, 6);
	est_peer.result(duo.peer_self, &result);
	CHECK_INT(sk_X509_num(result.chain), 1);
	CHECK_INT(sk_X509_num(result.anchors), 1);
	enrol_duo_done(&duo);
}

TEST(a_machine_renews)
{
	struct enrol_duo duo;

	enrol_duo_init(&duo, &est_peer, &est_server);
	enrol_duo_renews(&duo, ENROL_RENEW);
	CHECK(run_full(&duo));
	enrol_duo_done(&duo);

	enrol_duo_init(&duo, &est_peer, &est_server);
	enrol_duo_renews(&duo, ENROL_RENEW);
	strcpy(duo.peer_job.names.common_name, "another.example.org");
	CHECK(!enrol_duo_run(&duo));
	CHECK_INT(duo.server_fault.error, ENROL_ERROR_ACTION_REFUSED);
	CHECK_INT(duo.peer_fault.secondary, 403);
	enrol_duo_done(&duo);
}

/* Of error 7 there are more causes than a token. */
TEST(a_request_that_is_not_signed_is_a_wrong_proof_and_says_nothing_of_a_token)
{
	AUTO(EVP_PKEY) key = EVP_EC_gen("P-256");
	AUTO(EVP_PKEY) read = NULL;
	struct enrol_names names = { .common_name = "printer-7" };
	const struct enrol_fault fault = { .error = ENROL_ERROR_PROOF };
	AUTO_VALUE(bytes) der = { 0 };
	struct diagnosis ours, theirs;
	char sentence[DIAGNOSIS_TEXT_MAX];

	REQUIRE(key && csr_build(&names, key, (struct slice){ 0 }, &der) == OK);
	CHECK(csr_read(bytes_slice(&der), &read, &names, NULL, &ours) == OK);
	der.p[der.len - 1] ^= 1;
	EVP_PKEY_free(TAKE(read));
	CHECK_INT(csr_read(bytes_slice(&der), &read, &names, NULL, &ours), UNTRUSTED);
	CHECK(read == NULL);
	CHECK_INT(ours.id, DIAG_ENROL_PROOF);
	CHECK_STR(diagnosis_sentence(&ours, sentence, sizeof sentence),
		  "A proof or a signature in the enrollment is wrong, as this side found: the "
		  "request is not signed by the key in it.");
	enrol_fault_explain(&fault, ENROL_THEM, NULL, &theirs);
	CHECK_INT(theirs.id, ours.id);
	CHECK(!strstr(diagnosis_sentence(&theirs, sentence, sizeof sentence), "token"));
}

TEST(a_request_of_another_tunnel_is_refused)
{
	struct enrol_duo duo;

	enrol_duo_init(&duo, &est_peer, &est_server);
	duo.peer_job.binding = slice_str("fedcba9876543210fedcba9876543210");
	CHECK(!enrol_duo_run(&duo));
	CHECK_INT(duo.server_fault.error, ENROL_ERROR_PROOF);
	CHECK_INT(duo.questions[ENROL_ASKS_ISSUE], 0);
	CHECK_INT(duo.peer_fault.error, ENROL_ERROR_CA_REFUSED);
	CHECK_INT(duo.peer_fault.secondary, 400);
	enrol_duo_done(&duo);
}

TEST(a_request_need_not_be_linked_unless_that_is_wanted)
{
	for (int required = 0; required < 2; required++) {
		struct enrol_duo duo;

		enrol_duo_init(&duo, &est_peer, &est_server);
		duo.peer_job.binding = duo.server_job.binding = slice_of(NULL, 0);
		duo.server_job.link_required = required;
		CHECK_INT(enrol_duo_run(&duo), !required);
		enrol_duo_done(&duo);
	}
}

TEST(a_key_that_the_ca_does_not_want_is_not_sent)
{
	struct enrol_duo duo;

	enrol_duo_init(&duo, &est_peer, &est_server);
	duo.server_job.params.oid = slice_of("\x06\x05\x2B\x81\x04\x00\x22", 7); /* P-384 */
	CHECK(!enrol_duo_run(&duo));
	CHECK_INT(duo.peer_fault.error, ENROL_ERROR_PARAMETERS);
	enrol_duo_done(&duo);
}

TEST(a_refusal_arrives)
{
	struct enrol_duo duo;

	enrol_duo_init(&duo, &est_peer, &est_server);
	duo.refusal.error = ENROL_ERROR_CA_REFUSED;
	CHECK(!enrol_duo_run(&duo));
	CHECK_INT(duo.server_fault.error, ENROL_ERROR_CA_REFUSED);
	CHECK_INT(duo.peer_fault.error, ENROL_ERROR_CA_REFUSED);
	CHECK_INT(duo.peer_fault.secondary, 403);
	CHECK_STR(duo.peer_fault.description, "status 403: the server refused the request");
	CHECK_STR(diagnosis_evidence(est_peer.diagnosis(duo.peer_self), "code"), "403");
	enrol_duo_done(&duo);
}

static const char *replaced;
static unsigned replaced_from;

static void replace(struct enrol_duo *duo, unsigned count, struct enrol_output *message)
{
	(void)duo;
	if (count < replaced_from || count % 2 != 0)
		return;
	bytes_clear(&message->data);
	REQUIRE(bytes_set(&message->headers, slice_str(replaced)) == OK);
}

TEST(a_ca_that_has_not_decided_is_left_alone)
{
	struct enrol_duo duo;

	enrol_duo_init(&duo, &est_peer, &est_server);
	duo.on_way = replace;
	replaced = "HTTP/1.1 202 Accepted\r\nRetry-After: 60\r\n";
	replaced_from = 6;
	CHECK(!enrol_duo_run(&duo));
	CHECK_INT(duo.peer_fault.error, ENROL_ERROR_CA_REFUSED);
	CHECK_INT(duo.peer_fault.secondary, 202);
	CHECK_STR(duo.peer_fault.description, "the CA has not decided yet: try again in 60 s");
	enrol_duo_done(&duo);
}

TEST(certificates_that_are_none_are_refused)
{
	static const char *const answers[] = {
		"HTTP/1.1 200 OK\r\nContent-Type: application/pkcs7-mime\r\n",
		"HTTP/1.1 200 OK\r\n",
		"HTTP/1.1 302 Found\r\nLocation: http://x/\r\n",
		"GET /.well-known/est/cacerts HTTP/1.1\r\n",
		"nonsense",
	};

	for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
		for (replaced_from = 2; replaced_from <= 6; replaced_from += 2) {
			struct enrol_duo duo;

			enrol_duo_init(&duo, &est_peer, &est_server);
			duo.on_way = replace;
			replaced = answers[i];
			CHECK(!enrol_duo_run(&duo));
			CHECK_INT(duo.peer_state, ENROL_FAILED);
			enrol_duo_done(&duo);
		}
}

static void another_key(struct enrol_duo *duo, const struct enrol_question *question,
			struct enrol_reply *reply)
{
	struct pki_cert other = pki_client("m.example.org", &duo->issuer);

	(void)question;
	bytes_done(&duo->issued);
	duo->issued = pki_der(other.cert);
	pki_cert_done(&other);
	*reply = (struct enrol_reply){ .accept = true, .certificate = bytes_slice(&duo->issued) };
}

TEST(a_certificate_for_another_key_is_not_taken)
{
	struct enrol_duo duo;

	enrol_duo_init(&duo, &est_peer, &est_server);
	duo.on_question = another_key;
	CHECK(!enrol_duo_run(&duo));
	CHECK_INT(duo.peer_fault.error, ENROL_ERROR_NOT_ACCEPTABLE);
	enrol_duo_done(&duo);
}

static void answer_with(const char *headers, const char *body, enum enrol_error error,
			unsigned status)
{
	struct enrol_duo duo;
	struct enrol_message in = { slice_str(headers), slice_str(body) };
	struct enrol_output out = { 0 };

	enrol_duo_init(&duo, &est_peer, &est_server);
	REQUIRE(est_server.init(&duo.server_job, &out, &duo.server_self) == OK);
	CHECK_INT(est_server.process(duo.server_self, &in, &out, duo.now), ENROL_FAILED);
	CHECK_INT(est_server.fault(duo.server_self)->error, error);
	CHECK_INT(est_server.fault(duo.server_self)->secondary, status);
	enrol_output_done(&out);
	enrol_duo_done(&duo);
}

TEST(the_server_says_what_is_wrong)
{
	answer_with("nonsense", "", ENROL_ERROR_MALFORMED, 400);
	answer_with("HTTP/1.1 200 OK\r\n", "", ENROL_ERROR_UNEXPECTED, 400);
	answer_with("GET /index.html HTTP/1.1\r\n", "", ENROL_ERROR_UNEXPECTED, 404);
	answer_with("POST /.well-known/est/simplereenroll HTTP/1.1\r\n"
		    "Content-Type: application/pkcs10\r\n",
		    "", ENROL_ERROR_UNEXPECTED, 403);
	answer_with("POST /.well-known/est/simpleenroll HTTP/1.1\r\n", "", ENROL_ERROR_MALFORMED,
		    400);
	answer_with("POST /.well-known/est/simpleenroll HTTP/1.1\r\n"
		    "Content-Type: application/pkcs10\r\n",
		    "AAAA", ENROL_ERROR_MALFORMED, 400);
}
