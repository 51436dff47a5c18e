#include "enrol/chain.h"
#include "enrol/cmp_message.h"
#include "tests/enrol_duo.h"
#include "tests/talk/script.h"
#include "tests/test.h"

/* ---- what works ------------------------------------------------------------------------------ */

static bool run_full(struct enrol_duo *duo)
{
	bool granted = enrol_duo_run(duo);

	if (!granted)
		test_note("peer %d %s, server %d %s", duo->peer_state, duo->peer_fault.description,
			  duo->server_state, duo->server_fault.description);
	return granted;
}

static struct cmp_message view(const struct enrol_output *message)
{
	struct cmp_message out = { 0 };

	CHECK_INT(cmp_message_parse(bytes_slice(&message->data), &out), 0);
	return out;
}

static void is_ir_by_mac(struct enrol_duo *duo, unsigned count, struct enrol_output *message)
{
	struct cmp_message it = view(message);

	(void)duo;
	CHECK_INT(it.body, count == 1 ? CMP_IR : CMP_IP);
	CHECK_INT(it.protection, CMP_BY_MAC);
	CHECK(it.implicit_confirm);
}

TEST(a_token_registers_by_mac)
{
	struct enrol_duo duo;
	struct enrol_result result;

	enrol_duo_init(&duo, &cmp_peer, &cmp_server);
	enrol_duo_by_token(&duo);
	duo.on_way = is_ir_by_mac;
	REQUIRE(run_full(&duo));
	CHECK_INT(duo.messages, 2);
	CHECK_INT(duo.questions[ENROL_ASKS_ISSUE], 1);
	cmp_peer.result(duo.peer_self, &result);
	CHECK_INT(sk_X509_num(result.chain), 1);
	REQUIRE(sk_X509_num(result.anchors) == 1);
	CHECK(X509_cmp(sk_X509_value(result.anchors, 0), duo.root.cert) == 0);
	cmp_server.result(duo.server_self, &result);
	CHECK(result.cert != NULL);
	enrol_duo_done(&duo);
}

static void is_signed(struct enrol_duo *duo, unsigned count, struct enrol_output *message)
{
	(void)duo;
	(void)count;
	CHECK_INT(view(message).protection, CMP_BY_SIGNATURE);
}

TEST(a_factory_certificate_registers_by_signature)
{
	struct enrol_duo duo;

	enrol_duo_init(&duo, &cmp_peer, &cmp_server);
	enrol_duo_by_factory(&duo);
	duo.on_way = is_signed;
	CHECK(run_full(&duo));
	enrol_duo_done(&duo);
}

TEST(the_basic_form_is_a_pkcs10)
{
	struct enrol_duo duo;

	enrol_duo_init(&duo, &cmp_basic_peer, &cmp_basic_server);
	enrol_duo_by_token(&duo);
	CHECK(run_full(&duo));
	CHECK_INT(duo.messages, 2);
	enrol_duo_done(&duo);
}

TEST(a_renewal_is_signed_by_the_old_credential)
{
	struct enrol_duo duo;
	struct enrol_result result;

	enrol_duo_init(&duo, &cmp_peer, &cmp_server);
	enrol_duo_renews(&duo, ENROL_RENEW);
	duo.on_way = is_signed;
	CHECK(run_full(&duo));
	CHECK_INT(duo.messages, 4); /* genm, genp, kur, kup */
	cmp_peer.result(duo.peer_self, &result);
	CHECK(result.anchors == NULL);
	enrol_duo_done(&duo);
}

TEST(a_renewal_brings_the_new_root)
{
	struct enrol_duo duo;
	struct enrol_result result;
	struct pki_cert new_root = pki_ca("Root"), with_old;
	struct pki_spec spec = { .cn = "Root", .ca = true, .key = new_root.key };

	enrol_duo_init(&duo, &cmp_peer, &cmp_server);
	enrol_duo_renews(&duo, ENROL_RENEW);
	with_old = pki_make(&spec, &duo.root);
	duo.authority.new_with_old = with_old.cert;
	duo.peer_job.anchors = pki_chain(duo.root.cert, NULL);
	REQUIRE(enrol_push(duo.authority.anchors, new_root.cert) == OK);
	REQUIRE(run_full(&duo));
	cmp_peer.result(duo.peer_self, &result);
	REQUIRE(sk_X509_num(result.anchors) == 2);
	CHECK(X509_cmp(sk_X509_value(result.anchors, 0), duo.root.cert) == 0);
	CHECK(X509_cmp(sk_X509_value(result.anchors, 1), new_root.cert) == 0);
	x509_view_free(NULL);
	sk_X509_pop_free((STACK_OF(X509) *)(uintptr_t)duo.peer_job.anchors, X509_free);
	pki_cert_done(&with_old);
	pki_cert_done(&new_root);
	enrol_duo_done(&duo);
}

TEST(a_new_root_that_the_old_one_does_not_vouch_for_is_refused)
{
	struct enrol_duo duo;
	struct pki_cert other = pki_ca("Root"), new_root = pki_ca("Root"), with_old;
	struct pki_spec spec = { .cn = "Root", .ca = true, .key = new_root.key };

	enrol_duo_init(&duo, &cmp_peer, &cmp_server);
	enrol_duo_renews(&duo, ENROL_RENEW);
	with_old = pki_make(&spec, &other);
	duo.authority.new_with_old = with_old.cert;
	duo.peer_job.anchors = pki_chain(duo.root.cert, NULL);
	REQUIRE(enrol_push(duo.authority.anchors, new_root.cert) == OK);
	CHECK(!enrol_duo_run(&duo));
	CHECK_INT(duo.peer_fault.error, ENROL_ERROR_NOT_ACCEPTABLE);
	sk_X509_pop_free((STACK_OF(X509) *)(uintptr_t)duo.peer_job.anchors, X509_free);
	pki_cert_done(&with_old);
	pki_cert_done(&new_root);
	pki_cert_done(&other);
	enrol_duo_done(&duo);
}

TEST(a_removal_revokes)
{
	struct enrol_duo duo;

	enrol_duo_init(&duo, &cmp_peer, &cmp_server);
	enrol_duo_renews(&duo, ENROL_REMOVE);
	CHECK(run_full(&duo));
	CHECK_INT(duo.questions[ENROL_ASKS_REVOKE], 1);
	CHECK_INT(duo.questions[ENROL_ASKS_ISSUE], 0);
	enrol_duo_done(&duo);
}

/* ---- confirmation ---------------------------------------------------------------------------- */

TEST(a_certificate_is_confirmed_when_that_is_not_waived)
{
	struct enrol_duo duo;

	enrol_duo_init(&duo, &cmp_peer, &cmp_server);
	enrol_duo_by_token(&duo);
	duo.server_job.confirm = true;
	CHECK(run_full(&duo));
	CHECK_INT(duo.messages, 4);
	CHECK_INT(duo.questions[ENROL_ASKS_REVOKE], 0);
	enrol_duo_done(&duo);

	enrol_duo_init(&duo, &cmp_basic_peer, &cmp_basic_server);
	enrol_duo_by_factory(&duo);
	duo.server_job.confirm = true;
	CHECK(run_full(&duo));
	CHECK_INT(duo.messages, 4);
	enrol_duo_done(&duo);
}

TEST(a_certificate_that_is_not_wanted_is_revoked)
{
	static const struct enrol_fault refusal = { .error = ENROL_ERROR_STORAGE,
						    .description = "the disk is full" };
	struct enrol_duo duo;

	enrol_duo_init(&duo, &cmp_peer, &cmp_server);
	enrol_duo_by_token(&duo);
	duo.server_job.confirm = true;
	duo.peer_refuses = &refusal;
	CHECK(!enrol_duo_run(&duo));
	CHECK_INT(duo.peer_state, ENROL_FAILED);
	CHECK_INT(duo.peer_fault.error, ENROL_ERROR_STORAGE);
	CHECK_INT(duo.server_state, ENROL_FAILED);
	CHECK_INT(duo.server_fault.error, ENROL_ERROR_NOT_ACCEPTABLE);
	CHECK_INT(duo.server_fault.secondary, CMP_FAILURE(incorrectData));
	CHECK_STR(duo.server_fault.description, "the disk is full");
	CHECK_INT(duo.questions[ENROL_ASKS_REVOKE], 1);
	CHECK_INT(duo.messages, 3);
	enrol_duo_done(&duo);
}

static void issue_for_another(struct enrol_duo *duo, const struct enrol_question *question,
			      struct enrol_reply *reply)
{
	struct pki_cert other;

	*reply = (struct enrol_reply){ .accept = true };
	if (question->kind != ENROL_ASKS_ISSUE)
		return;
	other = pki_client("m.example.org", &duo->issuer);
	bytes_done(&duo->issued);
	duo->issued = pki_der(other.cert);
	pki_cert_done(&other);
	reply->certificate = bytes_slice(&duo->issued);
}

TEST(a_certificate_for_another_key_is_not_taken)
{
	static const struct {
		const struct enrol_peer_protocol *peer;
		const struct enrol_server_protocol *server;
	} ends[] = { { &cmp_peer, &cmp_server }, { &cmp_basic_peer, &cmp_basic_server } };

	for (size_t i = 0; i < 2; i++) {
		struct enrol_duo duo;

		enrol_duo_init(&duo, ends[i].peer, ends[i].server);
		enrol_duo_by_token(&duo);
		duo.on_question = issue_for_another;
		CHECK(!enrol_duo_run(&duo));
		CHECK_INT(duo.peer_fault.error, ENROL_ERROR_NOT_ACCEPTABLE);
		enrol_duo_done(&duo);
	}
}

/* ---- refusals -------------------------------------------------------------------------------- */

TEST(a_refusal_arrives_with_its_reason)
{
	static const struct {
		struct enrol_reply reply;
		unsigned failure;
	} refusals[] = {
		{ { .error = ENROL_ERROR_ACTION_REFUSED }, CMP_FAILURE(notAuthorized) },
		{ { .error = ENROL_ERROR_PARAMETERS }, CMP_FAILURE(badCertTemplate) },
		{ { .error = ENROL_ERROR_UNKNOWN_CREDENTIAL }, CMP_FAILURE(badCertId) },
		{ { .error = ENROL_ERROR_INTERNAL }, CMP_FAILURE(systemFailure) },
		{ { .error = ENROL_ERROR_CA_REFUSED }, CMP_FAILURE(incorrectData) },
		{ { .error = ENROL_ERROR_CA_REFUSED, .secondary = CMP_FAILURE(unacceptedPolicy) },
		  CMP_FAILURE(unacceptedPolicy) },
	};

	for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
		struct enrol_duo duo;

		enrol_duo_init(&duo, &cmp_peer, &cmp_server);
		enrol_duo_by_token(&duo);
		duo.refusal = refusals[i].reply;
		CHECK(!enrol_duo_run(&duo));
		CHECK_INT(duo.server_fault.error, refusals[i].reply.error);
		CHECK_INT(duo.server_fault.secondary, refusals[i].failure);
		CHECK_INT(duo.peer_fault.error, ENROL_ERROR_CA_REFUSED);
		CHECK_INT(duo.peer_fault.secondary, refusals[i].failure);
		enrol_duo_done(&duo);
	}
}

TEST(who_has_nothing_to_protect_messages_with_does_not_begin)
{
	struct enrol_duo duo;
	void *self;
	struct enrol_output out = { 0 };

	enrol_duo_init(&duo, &cmp_peer, &cmp_server);
	CHECK_INT(cmp_peer.init(&duo.peer_job, &self), UNSUPPORTED);
	CHECK_INT(cmp_server.init(&duo.server_job, &out, &self), UNSUPPORTED);
	enrol_duo_by_token(&duo);
	duo.peer_job.action = duo.server_job.action = ENROL_RENEW;
	CHECK_INT(cmp_peer.init(&duo.peer_job, &self), UNSUPPORTED);
	CHECK_INT(cmp_server.init(&duo.server_job, &out, &self), UNSUPPORTED);
	enrol_duo_done(&duo);
}

TEST(another_secret_is_of_no_use)
{
	struct enrol_duo duo;

	enrol_duo_init(&duo, &cmp_peer, &cmp_server);
	enrol_duo_by_token(&duo);
	duo.peer_job.secret = slice_str("another");
	CHECK(!enrol_duo_run(&duo));
	CHECK_INT(duo.server_fault.error, ENROL_ERROR_PROOF);
	CHECK_INT(duo.server_fault.secondary, CMP_FAILURE(badMessageCheck));
	CHECK_INT(duo.questions[ENROL_ASKS_ISSUE], 0);
	enrol_duo_done(&duo);
}

TEST(only_the_certificate_of_the_tunnel_may_sign)
{
	struct enrol_duo duo;

	enrol_duo_init(&duo, &cmp_peer, &cmp_server);
	enrol_duo_by_factory(&duo);
	duo.peer_job.old_cert = duo.old.cert;
	duo.peer_job.old_key = duo.old.key;
	CHECK(!enrol_duo_run(&duo));
	CHECK_INT(duo.server_fault.error, ENROL_ERROR_PROOF);
	CHECK_INT(duo.questions[ENROL_ASKS_ISSUE], 0);
	enrol_duo_done(&duo);
}

TEST(a_renewal_by_mac_is_refused)
{
	struct enrol_duo duo;

	enrol_duo_init(&duo, &cmp_peer, &cmp_server);
	enrol_duo_renews(&duo, ENROL_RENEW);
	duo.server_job.secret = slice_str("0123456789abcdef");
	duo.peer_job.action = ENROL_REGISTER;
	duo.peer_job.secret = duo.server_job.secret;
	CHECK(!enrol_duo_run(&duo));
	CHECK_INT(duo.server_fault.secondary, CMP_FAILURE(badRequest)); /* an ir */
	enrol_duo_done(&duo);
}

TEST(a_server_that_signs_with_what_we_do_not_trust_is_refused)
{
	struct enrol_duo duo;
	struct pki_cert other = pki_ca("Root");

	enrol_duo_init(&duo, &cmp_peer, &cmp_server);
	enrol_duo_by_factory(&duo);
	duo.peer_job.anchors = pki_chain(other.cert, NULL);
	CHECK(!enrol_duo_run(&duo));
	CHECK_INT(duo.peer_fault.error, ENROL_ERROR_PROOF);
	CHECK_INT(duo.peer_fault.secondary, CMP_FAILURE(signerNotTrusted));
	sk_X509_pop_free((STACK_OF(X509) *)(uintptr_t)duo.peer_job.anchors, X509_free);
	pki_cert_done(&other);
	enrol_duo_done(&duo);
}

/* ---- on the way: RFC 9483, section 3.5 ------------------------------------------------------- */

static size_t offset_of(const struct enrol_output *message, struct slice field)
{
	return (size_t)(field.p - message->data.p);
}

static unsigned change_at;
static enum { TRANSACTION, SENDER_NONCE, RECIP_NONCE, BODY, LENGTH, PVNO, PROTECTION } change;

static void change_it(struct enrol_duo *duo, unsigned count, struct enrol_output *message)
{
	struct cmp_message it;

	(void)duo;
	if (count != change_at)
		return;
	it = view(message);
	switch (change) {
	case TRANSACTION:
		message->data.p[offset_of(message, it.transaction)] ^= 1;
		break;
	case SENDER_NONCE:
		message->data.p[offset_of(message, it.sender_nonce)] ^= 1;
		break;
	case RECIP_NONCE:
		message->data.p[offset_of(message, it.recip_nonce)] ^= 1;
		break;
	case BODY:
		message->data.p[message->data.len / 2] ^= 0x20;
		break;
	case LENGTH:
		message->data.len--;
		break;
	case PVNO:
		((uint8_t *)memmem(message->data.p, 16, "\2\1\2", 3))[2] = 9;
		break;
	case PROTECTION:
		message->data.p[message->data.len - 1] ^= 1;
		break;
	}
}

static struct enrol_fault fault_when(unsigned at, int what)
{
	struct enrol_duo duo;
	struct enrol_fault fault;

	change_at = at;
	change = what;
	enrol_duo_init(&duo, &cmp_peer, &cmp_server);
	enrol_duo_by_token(&duo);
	duo.server_job.confirm = true;
	duo.on_way = change_it;
	CHECK(!enrol_duo_run(&duo));
	fault = at % 2 ? duo.server_fault : duo.peer_fault;
	CHECK(fault.error != ENROL_ERROR_NONE);
	enrol_duo_done(&duo);
	return fault;
}

TEST(each_change_on_the_way_is_found)
{
	static const struct {
		unsigned at;
		int what;
		unsigned failure;
	} cases[] = {
		{ 1, TRANSACTION, CMP_FAILURE(badMessageCheck) },
		{ 1, SENDER_NONCE, CMP_FAILURE(badMessageCheck) },
		{ 2, TRANSACTION, CMP_FAILURE(badDataFormat) },
		{ 2, SENDER_NONCE, CMP_FAILURE(badMessageCheck) },
		{ 2, RECIP_NONCE, CMP_FAILURE(badRecipientNonce) },
		{ 3, TRANSACTION, CMP_FAILURE(badDataFormat) },
		{ 3, RECIP_NONCE, CMP_FAILURE(badRecipientNonce) },
		{ 4, RECIP_NONCE, CMP_FAILURE(badRecipientNonce) },
		{ 1, PVNO, CMP_FAILURE(unsupportedVersion) },
		{ 2, PVNO, CMP_FAILURE(unsupportedVersion) },
		{ 1, LENGTH, CMP_FAILURE(badDataFormat) },
		{ 2, LENGTH, CMP_FAILURE(badDataFormat) },
		{ 3, PROTECTION, CMP_FAILURE(badMessageCheck) },
		{ 4, PROTECTION, CMP_FAILURE(badMessageCheck) },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct enrol_fault fault = fault_when(cases[i].at, cases[i].what);

		if (fault.secondary != cases[i].failure)
			test_note("case %zu: %s", i, fault.description);
		CHECK_INT(fault.secondary, cases[i].failure);
		CHECK_INT(fault.error, cmp_failure_error(cases[i].failure));
	}
	for (unsigned at = 1; at <= 4; at++)
		(void)fault_when(at, BODY);
}

static void again(struct enrol_duo *duo, unsigned count, struct enrol_output *message)
{
	if (count == 1)
		REQUIRE(bytes_set(&duo->kept, bytes_slice(&message->data)) == OK);
	if (count == 3)
		REQUIRE(bytes_set(&message->data, bytes_slice(&duo->kept)) == OK);
}

TEST(a_request_that_comes_again_is_not_due)
{
	struct enrol_duo duo;

	enrol_duo_init(&duo, &cmp_peer, &cmp_server);
	enrol_duo_by_token(&duo);
	duo.server_job.confirm = true;
	duo.on_way = again;
	CHECK(!enrol_duo_run(&duo));
	CHECK_INT(duo.server_fault.secondary, CMP_FAILURE(badRequest));
	CHECK_INT(duo.questions[ENROL_ASKS_ISSUE], 1);
	enrol_duo_done(&duo);
}

TEST(headers_are_not_of_cmp)
{
	struct enrol_duo duo;
	struct enrol_message in = { .headers = slice_str("GET / HTTP/1.1\r\n") };
	struct enrol_output out = { 0 };

	enrol_duo_init(&duo, &cmp_peer, &cmp_server);
	enrol_duo_by_token(&duo);
	REQUIRE(cmp_server.init(&duo.server_job, &out, &duo.server_self) == OK);
	CHECK_INT(cmp_server.process(duo.server_self, &in, &out, duo.now), ENROL_FAILED);
	CHECK_INT(cmp_server.fault(duo.server_self)->error, ENROL_ERROR_MALFORMED);
	REQUIRE(cmp_peer.init(&duo.peer_job, &duo.peer_self) == OK);
	CHECK_INT(cmp_peer.process(duo.peer_self, &in, &out, duo.now), ENROL_FAILED);
	CHECK_INT(cmp_peer.fault(duo.peer_self)->error, ENROL_ERROR_MALFORMED);
	enrol_output_done(&out);
	enrol_duo_done(&duo);
}

/* ---- recorded -------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	enum cmp_body body;
} bodies[] = {
	{ "ir", CMP_IR },	    { "ip", CMP_IP },		{ "p10cr", CMP_P10CR },
	{ "cp", CMP_CP },	    { "kur", CMP_KUR },		{ "kup", CMP_KUP },
	{ "rr", CMP_RR },	    { "rp", CMP_RP },		{ "genm", CMP_GENM },
	{ "genp", CMP_GENP },	    { "error", CMP_ERROR },	{ "certconf", CMP_CERTCONF },
	{ "pkiconf", CMP_PKICONF }, { "pollreq", CMP_POLLREQ }, { "pollrep", CMP_POLLREP },
};

static void says(const struct cmp_message *it, const char *words)
{
	static const char *const statuses[] = { "accepted", "mods", "rejection", "waiting" };
	const char *body = NULL;

	for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
		if (bodies[i].body == it->body)
			body = bodies[i].name;
	REQUIRE(body != NULL);
	if (strncmp(words, body, strlen(body)) != 0)
		test_note("%s: %s", body, words);
	CHECK(strncmp(words, body, strlen(body)) == 0);
	for (int i = 0; i < 4; i++)
		if (strstr(words, statuses[i]))
			CHECK_INT(it->status, i);
	CHECK_INT(it->implicit_confirm, strstr(words, "implicit") != NULL);
	CHECK_INT(it->protection == CMP_BY_SIGNATURE, strstr(words, " signed") != NULL);
	CHECK_INT(it->protection == CMP_UNPROTECTED, strstr(words, "unprotected") != NULL);
	CHECK_INT(it->ca_pubs.len > 0, strstr(words, "capubs") != NULL);
	CHECK_INT(it->check_after, strstr(words, "pollrep 1") != NULL);
	CHECK_INT(it->certificate.len > 0,
		  (CMP_CERT_RESPONSES & CMP_BIT(it->body)) && strstr(words, "accepted"));
	if (strstr(words, "badPOP")) {
		CHECK_INT(it->failure, CMP_FAILURE(badPOP));
		CHECK(slice_eq(it->text, slice_str("not today")));
	}
}

static unsigned for_each_recorded(void (*with)(struct slice message, const char *words))
{
	const char *root = getenv("top_srcdir");
	char path[256], line[16384];
	unsigned count = 0;
	FILE *file;

	snprintf(path, sizeof path, "%s/tests/vectors/cmp.txt", root ? root : ".");
	file = fopen(path, "r");
	REQUIRE(file != NULL);
	while (fgets(line, sizeof line, file)) {
		struct bytes octets = { 0 };
		const char *words;

		if (*line == '#' || *line == '\n')
			continue;
		REQUIRE(script_bytes(line, &octets, &words));
		REQUIRE(octets.len > 5);
		with(slice_of(octets.p + 5, octets.len - 5), words);
		bytes_done(&octets);
		count++;
	}
	fclose(file);
	return count;
}

static void read_one(struct slice message, const char *words)
{
	struct cmp_message it;

	while (*words == '#' || *words == ' ')
		words++;
	CHECK_INT(cmp_message_parse(message, &it), 0);
	says(&it, words);
}

TEST(recorded_messages_say_what_they_are)
{
	CHECK_INT(for_each_recorded(read_one), 32);
}

/* What is cut off, and what has something behind it, is no message. */
static void cut_one(struct slice message, const char *words)
{
	struct cmp_message it;
	struct bytes longer = { 0 };

	(void)words;
	for (size_t len = 0; len < message.len; len++)
		CHECK(cmp_message_parse(slice_of(message.p, len), &it) != 0);
	REQUIRE(bytes_set(&longer, message) == OK);
	REQUIRE(bytes_append(&longer, slice_str("x"), SIZE_MAX) == OK);
	CHECK_INT(cmp_message_parse(bytes_slice(&longer), &it), CMP_FAILURE(badDataFormat));
	bytes_done(&longer);
}

TEST(what_is_cut_is_no_message)
{
	CHECK_INT(for_each_recorded(cut_one), 32);
}

TEST(failures_have_names_and_numbers)
{
	struct enrol_fault fault;

	CHECK_STR(cmp_failure_name(CMP_FAILURE(badAlg)), "badAlg");
	CHECK(cmp_failure_name(0) == NULL);
	CHECK(cmp_failure_name(CMP_FAILURE_LIMIT) == NULL);
	for (unsigned i = 1; i < CMP_FAILURES; i++) {
		REQUIRE(cmp_failure_name(i) != NULL);
		cmp_fault(&fault, i, NULL);
		CHECK(fault.error != ENROL_ERROR_NONE);
		CHECK_INT(fault.secondary, i);
	}
	cmp_fault(&fault, CMP_FAILURE_LIMIT, NULL);
	CHECK_INT(fault.error, ENROL_ERROR_LIMIT);
	CHECK_INT(fault.secondary, 0);
}
