#include "tests/test.h"
#include "tests/tls_duo.h"

/* ---- refusals ------------------------------------------------------------------------------- */

TEST(a_machine_that_policy_refuses_is_told_and_does_not_resume)
{
	static const struct {
		enum diagnosis_id why, server, peer;
	} table[] = {
		{ DIAG_NONE, DIAG_PEER_DENIED, DIAG_CLIENT_ACCESS_DENIED },
		{ DIAG_PEER_CERT_REVOKED, DIAG_PEER_CERT_REVOKED, DIAG_CLIENT_CERT_REVOKED },
		{ DIAG_PEER_CERT_EXPIRED, DIAG_PEER_CERT_EXPIRED, DIAG_CLIENT_CERT_EXPIRED },
		{ DIAG_OCSP_INVALID, DIAG_PEER_OCSP, DIAG_CLIENT_CERT_REFUSED },
		{ DIAG_SERVER_CERT_REVOKED, DIAG_PEER_CERT_REVOKED, DIAG_CLIENT_CERT_REVOKED },
		{ DIAG_CONFIG, DIAG_CONFIG, DIAG_CLIENT_ACCESS_DENIED },
	};

	for (size_t t = 0; t < sizeof table / sizeof table[0]; t++) {
		for
			EACH_VERSION(v)
			{
				struct duo d;

				duo_init(&d);
				d.settings.max = duo_versions[v];
				d.refuse = true;
				diagnosis_set(&d.refusal, table[t].why);
				duo_load(&d);
				duo_check_failure(&d, table[t].server, table[t].peer);
				CHECK_INT(d.asked, 1);
				d.refuse = false;
				duo_check_success(&d, false);
				/* and in a resumption */
				d.refuse = true;
				duo_check_failure(&d, table[t].server, table[t].peer);
				CHECK(d.resumed);
				d.refuse = false;
				duo_check_success(&d, false);
				duo_done(&d);
			}
	}
}

TEST(a_machine_without_a_certificate_is_refused)
{
	for
		EACH_VERSION(v)
		{
			struct duo d;

			duo_init(&d);
			d.settings.max = duo_versions[v];
			d.c.peer_settings.key = NULL;
			d.c.peer_settings.cert = NULL;
			duo_load(&d);
			duo_check_failure(&d, DIAG_PEER_CERT_MISSING, DIAG_CLIENT_CERT_REQUIRED);
			CHECK_INT(d.asked, 0);
			CHECK(!d.reported);
			duo_done(&d);
		}
}

/* The client's certificate is made from this, by its authority or a stranger. */
static void check_certificate(const struct pki_spec *spec, bool stranger, enum diagnosis_id server,
			      enum diagnosis_id peer)
{
	for
		EACH_VERSION(v)
		{
			struct duo d;
			struct pki_cert other, client;

			duo_init(&d);
			other = pki_ca("Other");
			client = pki_make(spec, stranger ? &other : &d.c.ca);
			d.settings.max = duo_versions[v];
			d.c.peer_settings.key = client.key;
			d.c.peer_settings.cert = client.cert;
			duo_load(&d);
			if (server != DIAG_NONE) {
				duo_check_failure(&d, server, peer);
				CHECK_INT(d.asked, 0);
				CHECK_STR(diagnosis_evidence(&d.why, "subject"), "CN=Machine");
			} else {
				duo_converse(&d);
				CHECK(duo_accepted(&d));
			}
			pki_cert_done(&client);
			pki_cert_done(&other);
			duo_done(&d);
		}
}

TEST(certificates_are_judged_for_the_role_of_a_client)
{
	struct pki_spec spec = { .cn = "Machine", .eku = "clientAuth" };

	check_certificate(&spec, false, DIAG_NONE, DIAG_NONE);
	spec.eku = NULL;
	check_certificate(&spec, false, DIAG_NONE, DIAG_NONE);
	spec.eku = "anyExtendedKeyUsage";
	check_certificate(&spec, false, DIAG_NONE, DIAG_NONE);
	spec.eku = "1.3.6.1.5.5.7.3.14"; /* eapOverLAN */
	check_certificate(&spec, false, DIAG_NONE, DIAG_NONE);
	spec.eku = "serverAuth";
	check_certificate(&spec, false, DIAG_PEER_CERT_USAGE, DIAG_CLIENT_CERT_UNSUPPORTED);
}

TEST(what_is_wrong_with_a_certificate_is_told_to_both)
{
	struct pki_spec spec = { .cn = "Machine", .eku = "clientAuth" };

	check_certificate(&spec, true, DIAG_PEER_UNTRUSTED, DIAG_CLIENT_CA_UNKNOWN);
	spec.from = PKI_NOW - PKI_YEAR;
	spec.until = PKI_NOW - PKI_DAY;
	check_certificate(&spec, false, DIAG_PEER_CERT_EXPIRED, DIAG_CREDENTIAL_EXPIRED);
	spec.from = PKI_NOW + PKI_DAY;
	spec.until = PKI_NOW + PKI_YEAR;
	check_certificate(&spec, false, DIAG_PEER_CERT_NOT_YET_VALID, DIAG_CLIENT_CERT_EXPIRED);
}

static struct bytes crl_of(const struct duo *d, X509 *revoked)
{
	X509 *const list[] = { revoked, NULL };

	return pki_crl(&d->c.ca, list, PKI_NOW - PKI_DAY, PKI_NOW + PKI_DAY);
}

TEST(a_revoked_certificate_is_found_in_a_full_handshake)
{
	for
		EACH_VERSION(v)
		{
			struct duo d;
			struct bytes crl;
			struct slice crls[1];

			duo_init(&d);
			crl = crl_of(&d, d.c.client_cert.cert);
			crls[0] = bytes_slice(&crl);
			d.settings.max = duo_versions[v];
			d.trust.crls = crls;
			d.trust.crl_count = 1;
			duo_load(&d);
			duo_check_failure(&d, DIAG_PEER_CERT_REVOKED, DIAG_CLIENT_CERT_REVOKED);
			bytes_done(&crl);
			duo_done(&d);
		}
}

TEST(a_revoked_certificate_is_found_in_a_resumption)
{
	for
		EACH_VERSION(v)
		{
			struct duo d;
			struct bytes good, bad;
			struct slice crls[1];

			duo_init(&d);
			good = crl_of(&d, NULL);
			bad = crl_of(&d, d.c.client_cert.cert);
			d.settings.max = duo_versions[v];
			d.settings.resumption = TLS_RESUME_TICKETS;
			d.trust.crls = crls;
			d.trust.crl_count = 1;
			crls[0] = bytes_slice(&good);
			duo_load(&d);
			tls_server_config_ticket_keys(d.context.config, &duo_key, 1);
			duo_check_success(&d, false);
			duo_check_success(&d, true);
			crls[0] = bytes_slice(&bad);
			duo_load_server(&d);
			tls_server_config_ticket_keys(d.context.config, &duo_key, 1);
			duo_check_failure(&d, DIAG_PEER_CERT_REVOKED, DIAG_CLIENT_CERT_REVOKED);
			CHECK_INT(d.asked, 0);
			CHECK(d.reported && d.report.resumed);
			CHECK_STR(diagnosis_evidence(&d.why, "subject"), "CN=Test Client");
			bytes_done(&good);
			bytes_done(&bad);
			duo_done(&d);
		}
}

TEST(a_list_that_is_too_old_is_no_list_in_a_resumption)
{
	for
		EACH_VERSION(v)
		{
			struct duo d;
			struct bytes crl;
			struct slice crls[1];

			duo_init(&d);
			crl = crl_of(&d, NULL);
			crls[0] = bytes_slice(&crl);
			d.settings.max = duo_versions[v];
			d.trust.crls = crls;
			d.trust.crl_count = 1;
			duo_load(&d);
			duo_check_success(&d, false);
			d.c.now.wall += 2 * PKI_DAY;
			duo_check_failure(&d, DIAG_CRL_UNUSABLE, DIAG_CLIENT_CERT_REFUSED);
			CHECK(d.reported && d.report.resumed);
			bytes_done(&crl);
			duo_done(&d);
		}
}

TEST(a_certificate_that_has_expired_is_not_resumed)
{
	for
		EACH_VERSION(v)
		{
			struct duo d;
			struct pki_spec spec = { .cn = "Test Client",
						 .eku = "clientAuth",
						 .from = PKI_NOW - PKI_DAY,
						 .until = PKI_NOW + 600 };
			struct pki_cert client;

			duo_init(&d);
			client = pki_make(&spec, &d.c.ca);
			d.settings.max = duo_versions[v];
			d.c.peer_settings.key = client.key;
			d.c.peer_settings.cert = client.cert;
			duo_load(&d);
			duo_check_success(&d, false);
			d.c.now.wall += 1200;
			duo_check_failure(&d, DIAG_PEER_CERT_EXPIRED, DIAG_CREDENTIAL_EXPIRED);
			CHECK(d.reported && d.report.resumed);
			pki_cert_done(&client);
			duo_done(&d);
		}
}

/* Of a chain through an intermediate authority, first resumed and then looked at after this. */
static void check_chain_again(int64_t later, int64_t until, bool revoked, enum diagnosis_id server,
			      enum diagnosis_id peer)
{
	for
		EACH_VERSION(v)
		{
			const struct pki_spec spec = { .cn = "Factory",
						       .ca = true,
						       .from = PKI_NOW - PKI_DAY,
						       .until = until };
			struct duo d;
			struct pki_cert factory, client;
			struct bytes root_good, root_bad, own;
			struct slice crls[2];

			duo_init(&d);
			factory = pki_make(&spec, &d.c.ca);
			client = pki_client("Test Client", &factory);
			root_good = crl_of(&d, NULL);
			root_bad = crl_of(&d, revoked ? factory.cert : NULL);
			own = pki_crl(&factory, NULL, PKI_NOW - PKI_DAY, PKI_NOW + PKI_DAY);
			d.c.peer_settings.key = client.key;
			d.c.peer_settings.cert = client.cert;
			d.c.peer_settings.chain = pki_chain(factory.cert, NULL);
			d.settings.max = duo_versions[v];
			d.settings.resumption = TLS_RESUME_TICKETS;
			crls[0] = bytes_slice(&root_good);
			crls[1] = bytes_slice(&own);
			d.trust.crls = crls;
			d.trust.crl_count = 2;
			duo_load(&d);
			tls_server_config_ticket_keys(d.context.config, &duo_key, 1);
			duo_check_success(&d, false);
			duo_check_success(&d, true);
			crls[0] = bytes_slice(&root_bad);
			duo_load_server(&d);
			tls_server_config_ticket_keys(d.context.config, &duo_key, 1);
			d.c.now.wall += later;
			duo_check_failure(&d, server, peer);
			CHECK_INT(d.asked, 0);
			CHECK(d.reported && d.report.resumed);
			sk_X509_pop_free(d.c.peer_settings.chain, X509_free);
			bytes_done(&root_good);
			bytes_done(&root_bad);
			bytes_done(&own);
			pki_cert_done(&client);
			pki_cert_done(&factory);
			duo_done(&d);
		}
}

TEST(an_authority_in_between_that_was_revoked_is_found_in_a_resumption)
{
	check_chain_again(0, PKI_NOW + PKI_YEAR, true, DIAG_PEER_CERT_REVOKED,
			  DIAG_CLIENT_CERT_REVOKED);
}

TEST(an_authority_in_between_that_has_expired_is_found_in_a_resumption)
{
	check_chain_again(1200, PKI_NOW + 600, false, DIAG_PEER_CERT_EXPIRED,
			  DIAG_CLIENT_CERT_EXPIRED);
}

/* ---- what the client thinks of us ----------------------------------------------------------- */

TEST(a_client_that_does_not_know_our_authority_says_so)
{
	for
		EACH_VERSION(v)
		{
			struct duo d;
			struct pki_cert other, server;

			duo_init(&d);
			other = pki_ca("Other");
			server = cast_cert("Test Server", NULL, &other);
			d.settings.max = duo_versions[v];
			d.settings.cert = server.cert;
			d.settings.key = server.key;
			duo_load(&d);
			duo_check_failure(&d, DIAG_OWN_CA_UNKNOWN, DIAG_SERVER_UNTRUSTED);
			CHECK_STR(diagnosis_evidence(&d.why, "issuer"), "CN=Other");
			CHECK_STR(diagnosis_evidence(&d.why, "subject"), "CN=Test Server");
			CHECK_STR(diagnosis_evidence(&d.why, "alert"), "unknown CA");
			pki_cert_done(&server);
			pki_cert_done(&other);
			duo_done(&d);
		}
}

TEST(a_client_that_expects_another_name_says_so)
{
	for
		EACH_VERSION(v)
		{
			static const char *const names[] = { "other.example.org" };
			struct duo d;

			duo_init(&d);
			d.settings.max = duo_versions[v];
			d.c.trust.names = names;
			duo_load(&d);
			duo_check_failure(&d, DIAG_OWN_CERT_REFUSED, DIAG_SERVER_NAME_MISMATCH);
			duo_done(&d);
		}
}

TEST(a_client_for_which_our_certificate_has_expired_says_so)
{
	for
		EACH_VERSION(v)
		{
			struct duo d;
			struct pki_spec spec = { .cn = "Test Server",
						 .sans = "DNS:radius.example.org",
						 .eku = "serverAuth",
						 .from = PKI_NOW - PKI_YEAR,
						 .until = PKI_NOW - PKI_DAY };
			struct pki_cert server;

			duo_init(&d);
			server = pki_make(&spec, &d.c.ca);
			d.settings.max = duo_versions[v];
			d.settings.cert = server.cert;
			d.settings.key = server.key;
			duo_load(&d);
			duo_check_failure(&d, DIAG_OWN_CERT_EXPIRED, DIAG_SERVER_CERT_EXPIRED);
			pki_cert_done(&server);
			duo_done(&d);
		}
}

TEST(versions_that_do_not_meet_are_told)
{
	struct duo d;

	duo_init(&d);
	d.settings.min = TLS_1_3;
	d.c.peer_settings.max = TLS_1_2;
	duo_load(&d);
	duo_check_failure(&d, DIAG_TLS_VERSION, DIAG_TLS_VERSION);
	duo_done(&d);
}

TEST(our_own_ocsp_response_is_stapled)
{
	for
		EACH_VERSION(v)
		{
			struct duo d;
			struct bytes good;
			struct pki_ocsp_spec spec;

			duo_init(&d);
			spec = (struct pki_ocsp_spec){ .about = d.c.server_cert.cert,
						       .issuer = &d.c.ca };
			good = pki_ocsp(&spec);
			d.settings.max = duo_versions[v];
			d.c.trust.ocsp = OCSP_REQUIRE;
			duo_load(&d);
			duo_converse(&d);
			CHECK_INT(cast_diagnosed(&d.c), DIAG_OCSP_MISSING);
			CHECK_INT(d.why.id, DIAG_OWN_OCSP_REFUSED);
			REQUIRE(tls_server_config_staple(d.context.config, bytes_slice(&good)) ==
				OK);
			duo_check_success(&d, false);
			duo_check_success(&d, true);
			bytes_done(&good);
			duo_done(&d);
		}
}
