#include "tests/test.h"
#include "tests/tls_cast.h"

TEST(tls_1_2_succeeds_and_resumes_by_ticket)
{
	struct cast c;
	struct eap_report report;

	cast_init(&c);
	c.server_spec.max = TLS1_2_VERSION;
	cast_load(&c);
	cast_check_success(&c, false);
	CHECK_INT(c.verdict.methodState, METHOD_MAY_CONT);
	CHECK_INT(c.verdict.decision, COND_SUCC);
	cast_check_success(&c, true);
	cast_check_success(&c, true);
	REQUIRE(tls_peer_method.report(c.peer, &report));
	CHECK_STR(report.tls_version, "TLSv1.2");
	CHECK_STR(report.tls_cipher, "ECDHE-ECDSA-AES256-GCM-SHA384");
	cast_done(&c);
}

TEST(tls_1_2_resumes_by_session_id)
{
	struct cast c;

	cast_init(&c);
	c.server_spec.max = TLS1_2_VERSION;
	c.server_spec.no_tickets = true;
	cast_load(&c);
	cast_check_success(&c, false);
	cast_check_success(&c, true);
	cast_check_success(&c, true);
	cast_done(&c);
}

TEST(tls_1_3_succeeds_and_resumes)
{
	struct cast c;
	struct eap_report report;

	cast_init(&c);
	cast_load(&c);
	cast_check_success(&c, false);
	CHECK_INT(c.verdict.methodState, METHOD_DONE);
	CHECK_INT(c.verdict.decision, UNCOND_SUCC);
	cast_check_success(&c, true);
	cast_check_success(&c, true);
	REQUIRE(tls_peer_method.report(c.peer, &report));
	CHECK_STR(report.tls_version, "TLSv1.3");
	CHECK_STR(report.tls_cipher, "TLS_AES_256_GCM_SHA384");
	cast_done(&c);
}

/* ---- keys, sizes --------------------------------------------------------------------------- */

TEST(every_key_type_serves_both_ends)
{
	static const char *const types[] = { "RSA-2048", "RSA-3072", "RSA-4096", "P-256",
					     "P-384",	 "P-521",    "Ed25519" };

	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		struct cast c;

		cast_init_keys(&c, types[i], types[i]);
		cast_load(&c);
		cast_check_success(&c, false);
		cast_check_success(&c, true);
		c.server_spec.max = TLS1_2_VERSION;
		cast_load(&c);
		cast_check_success(&c, false);
		cast_check_success(&c, true);
		cast_done(&c);
	}
}

TEST(the_ends_may_have_different_key_types)
{
	struct cast c;

	cast_init_keys(&c, "RSA-2048", "P-384");
	cast_load(&c);
	cast_check_success(&c, false);
	cast_done(&c);
	cast_init_keys(&c, "P-256", "Ed25519");
	c.server_spec.max = TLS1_2_VERSION;
	cast_load(&c);
	cast_check_success(&c, false);
	cast_done(&c);
}

TEST(fragments_of_any_size_go_both_ways)
{
	static const size_t sizes[] = { 1, 2, 3, 100, 1000, 60000 };

	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		struct cast c;

		cast_init(&c);
		c.options.fragment_size = sizes[i];
		c.server_spec.fragment = sizes[i];
		cast_load(&c);
		cast_check_success(&c, false);
		CHECK(c.largest <= MTU);
		CHECK(c.largest <= sizes[i] + 5);
		c.server_spec.max = TLS1_2_VERSION;
		cast_load(&c);
		cast_check_success(&c, false);
		cast_check_success(&c, true);
		cast_done(&c);
	}
}

TEST(without_a_fragment_size_packets_are_full)
{
	struct cast c;

	cast_init_keys(&c, "RSA-4096", "RSA-4096");
	cast_load(&c);
	cast_check_success(&c, false);
	CHECK_INT(c.largest, MTU);
	cast_done(&c);
}

/* A server's certificate of about so many octets. */
static void make_large(struct cast *c, size_t size)
{
	const struct pki_spec spec = { .cn = "Test Server",
				       .sans = "DNS:radius.example.org",
				       .eku = "serverAuth",
				       .padding = size };

	pki_cert_done(&c->server_cert);
	c->server_cert = pki_make(&spec, &c->ca);
}

TEST(chains_of_60_kib_pass_and_more_than_64_do_not)
{
	struct cast c;

	cast_init(&c);
	make_large(&c, 60 * 1024);
	cast_load(&c);
	cast_check_success(&c, false);
	c.server_spec.max = TLS1_2_VERSION;
	cast_load(&c);
	cast_check_success(&c, false);
	make_large(&c, 64 * 1024);
	cast_load(&c);
	cast_converse(&c);
	CHECK_INT(c.end, SERVER_GOING);
	CHECK_INT(cast_diagnosed(&c), DIAG_MALFORMED);
	cast_done(&c);
}

TEST(our_own_chain_of_60_kib_is_sent)
{
	struct cast c;
	struct pki_cert middle;
	const struct pki_spec spec = { .cn = "Test Middle", .ca = true, .padding = 60 * 1024 };

	cast_init(&c);
	middle = pki_make(&spec, &c.ca);
	pki_cert_done(&c.client_cert);
	c.client_cert = cast_cert("Test Client", NULL, &middle);
	c.peer_settings.cert = c.client_cert.cert;
	c.peer_settings.key = c.client_cert.key;
	/* with the root, which stays at home */
	c.peer_settings.chain = pki_chain(middle.cert, c.ca.cert, NULL);
	cast_load(&c);
	cast_check_success(&c, false);
	CHECK_INT(sk_X509_num(SSL_get_peer_cert_chain(c.server.ssl)), 1);
	x509_stack_free(c.peer_settings.chain);
	pki_cert_done(&middle);
	cast_done(&c);
}

/* ---- the end: RFC 9190, section 2.5 -------------------------------------------------------- */

static void end_with(struct cast *c, enum server_success how)
{
	cast_init(c);
	c->server_spec.success = how;
	cast_load(c);
	cast_converse(c);
}

TEST(success_that_is_not_indicated_is_no_success)
{
	struct cast c;
	struct eap_report report;

	end_with(&c, SUCCESS_NONE);
	CHECK_INT(c.end, SERVER_SUCCESS);
	CHECK_INT(c.verdict.decision, FAIL);
	CHECK_INT(c.keys.msk.len, 0);
	CHECK_STR(tls_peer_method.stage(c.peer), "success indication");
	CHECK(!tls_peer_method.report(c.peer, &report));
	cast_done(&c);
}

TEST(success_with_the_finished_of_the_server_lets_it_decide)
{
	struct cast c;

	end_with(&c, SUCCESS_EARLY);
	CHECK_INT(c.end, SERVER_SUCCESS);
	CHECK_INT(c.verdict.methodState, METHOD_MAY_CONT);
	CHECK_INT(c.verdict.decision, COND_SUCC);
	cast_check_keys(&c);
	cast_done(&c);
}

TEST(success_may_follow_the_tickets_in_another_request)
{
	struct cast c;

	end_with(&c, SUCCESS_LATE);
	CHECK(cast_accepted(&c));
	CHECK_INT(c.verdict.decision, UNCOND_SUCC);
	cast_check_success(&c, true);
	cast_done(&c);
}

TEST(closing_tls_is_not_success)
{
	struct cast c;

	end_with(&c, SUCCESS_CLOSE);
	CHECK_INT(c.verdict.decision, FAIL);
	CHECK_INT(cast_diagnosed(&c), DIAG_TLS_FAILED);
	CHECK(strstr(cast_evidence(&c, "detail"), "RFC 9190") != NULL);
	cast_done(&c);
}

TEST(other_data_is_not_success)
{
	struct cast c;

	end_with(&c, SUCCESS_OTHER);
	CHECK_INT(c.verdict.decision, FAIL);
	CHECK_INT(cast_diagnosed(&c), DIAG_TLS_FAILED);
	cast_done(&c);
}

/* ---- versions and ciphers ------------------------------------------------------------------ */

TEST(old_tls_is_refused_and_where_allowed_reduced)
{
	struct cast c;
	struct eap_report report;

	cast_init_keys(&c, "RSA-2048", "RSA-2048");
	c.server_spec.max = TLS1_1_VERSION;
	cast_load(&c);
	cast_converse(&c);
	CHECK(!cast_accepted(&c));
	CHECK_INT(cast_diagnosed(&c), DIAG_TLS_VERSION);
	CHECK_STR(cast_evidence(&c, "allowed"), "TLS 1.2 to TLS 1.3");

	c.peer_settings.min = TLS_1_0;
	cast_load(&c);
	cast_converse(&c);
	CHECK(cast_accepted(&c));
	cast_check_keys(&c);
	REQUIRE(tls_peer_method.report(c.peer, &report));
	CHECK_STR(report.tls_version, "TLSv1.1");
	CHECK_INT(report.reduced.id, DIAG_REDUCED_OLD_TLS);

	/* allowed, and not made use of */
	c.server_spec.max = 0;
	cast_load(&c);
	cast_check_success(&c, false);
	cast_done(&c);
}

TEST(versions_that_do_not_meet_are_diagnosed)
{
	struct cast c;

	cast_init(&c);
	c.peer_settings.min = c.peer_settings.max = TLS_1_2;
	c.server_spec.min = TLS1_3_VERSION;
	cast_load(&c);
	cast_converse(&c);
	CHECK_INT(c.end, SERVER_FAILURE);
	CHECK_INT(cast_diagnosed(&c), DIAG_TLS_VERSION);
	CHECK_STR(cast_evidence(&c, "allowed"), "TLS 1.2");
	cast_done(&c);
}

TEST(no_common_cipher_is_diagnosed)
{
	struct cast c;

	cast_init_keys(&c, "RSA-2048", NULL);
	c.server_spec.max = TLS1_2_VERSION;
	c.server_spec.ciphers = "AES128-SHA"; /* no forward secrecy */
	cast_load(&c);
	cast_converse(&c);
	CHECK_INT(c.end, SERVER_FAILURE);
	CHECK_INT(cast_diagnosed(&c), DIAG_TLS_CIPHER);
	CHECK_STR(cast_evidence(&c, "alert"), "handshake failure");
	cast_done(&c);
}
