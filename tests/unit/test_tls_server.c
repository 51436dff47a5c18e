#include "tests/test.h"
#include "tests/tls_duo.h"

#include <string.h>

static const enum tls_version versions[] = { TLS_1_2, TLS_1_3 };
#define EACH_VERSION(v) (size_t v = 0; v < sizeof versions / sizeof versions[0]; v++)

/* ---- handshakes ----------------------------------------------------------------------------- */

TEST(a_full_handshake_with_each_kind_of_key)
{
	static const char *const keys[] = { "RSA-2048", "P-256", "P-384", "Ed25519" };

	for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++) {
		struct duo d;

		duo_init_keys(&d, keys[k], keys[k]);
		for
			EACH_VERSION(v)
			{
				d.settings.max = versions[v];
				duo_load(&d);
				duo_check_success(&d, false);
				CHECK_STR(d.report.tls_version, v ? "TLSv1.3" : "TLSv1.2");
				CHECK_STR(d.report.server_subject, "CN=Test Client");
			}
		duo_done(&d);
	}
}

TEST(fragments_of_any_size_both_ways)
{
	static const size_t sizes[] = { 100, 101, 333, 1000, 1400 };

	for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
		for
			EACH_VERSION(v)
			{
				struct duo d;

				duo_init_keys(&d, "RSA-2048", "RSA-2048");
				d.settings.max = versions[v];
				d.c.options.fragment_size = sizes[s];
				d.context.fragment_size = sizes[s];
				duo_load(&d);
				duo_check_success(&d, false);
				CHECK(d.largest <= sizes[s] + 5);
				CHECK(d.c.largest <= sizes[s] + 5);
				duo_done(&d);
			}
	}
}

TEST(chains_are_sent_without_their_root_and_judged_with_intermediates)
{
	for
		EACH_VERSION(v)
		{
			struct duo d;
			struct pki_cert middle, server, client;

			duo_init(&d);
			middle = pki_intermediate("Middle", &d.c.ca);
			server = cast_cert("Test Server", NULL, &middle);
			client = cast_cert("Test Client", NULL, &middle);
			d.settings.max = versions[v];
			d.settings.cert = server.cert;
			d.settings.key = server.key;
			d.settings.chain = pki_chain(middle.cert, d.c.ca.cert, NULL);
			d.c.peer_settings.cert = client.cert;
			d.c.peer_settings.key = client.key;
			d.c.peer_settings.chain = pki_chain(middle.cert, NULL);
			duo_load(&d);
			duo_check_success(&d, false);
			duo_check_success(&d, true);
			x509_stack_free(d.settings.chain);
			x509_stack_free(d.c.peer_settings.chain);
			pki_cert_done(&client);
			pki_cert_done(&server);
			pki_cert_done(&middle);
			duo_done(&d);
		}
}

/* ---- resumption ----------------------------------------------------------------------------- */

static const struct tls_ticket_key key_a = { .name = "a", .aes = "A", .hmac = "1" };
static const struct tls_ticket_key key_b = { .name = "b", .aes = "B", .hmac = "2" };

TEST(sessions_are_resumed_from_memory)
{
	for
		EACH_VERSION(v)
		{
			struct duo d;

			duo_init(&d);
			d.settings.max = versions[v];
			duo_load(&d);
			duo_check_success(&d, false);
			for (int n = 0; n < 3; n++)
				duo_check_success(&d, true);
			duo_load_server(&d);
			duo_check_success(&d, false);
			duo_done(&d);
		}
}

TEST(sessions_are_resumed_from_tickets_by_whoever_has_the_keys)
{
	for
		EACH_VERSION(v)
		{
			struct duo d;

			duo_init(&d);
			d.settings.max = versions[v];
			d.settings.resumption = TLS_RESUME_TICKETS;
			duo_load(&d);
			tls_server_config_ticket_keys(d.context.config, &key_a, 1);
			duo_check_success(&d, false);
			for (int n = 0; n < 3; n++)
				duo_check_success(&d, true);
			/* another server with the same key, and one without */
			duo_load_server(&d);
			tls_server_config_ticket_keys(d.context.config, &key_a, 1);
			duo_check_success(&d, true);
			duo_load_server(&d);
			tls_server_config_ticket_keys(d.context.config, &key_b, 1);
			duo_check_success(&d, false);
			duo_done(&d);
		}
}

TEST(ticket_keys_change_without_a_full_handshake)
{
	for
		EACH_VERSION(v)
		{
			const struct tls_ticket_key both[] = { key_b, key_a };
			struct duo d;

			duo_init(&d);
			d.settings.max = versions[v];
			d.settings.resumption = TLS_RESUME_TICKETS;
			duo_load(&d);
			tls_server_config_ticket_keys(d.context.config, &key_a, 1);
			duo_check_success(&d, false);
			tls_server_config_ticket_keys(d.context.config, both, 2);
			duo_check_success(&d, true);
			/* renewed with the newest, so the old one may go */
			tls_server_config_ticket_keys(d.context.config, &key_b, 1);
			duo_check_success(&d, true);
			tls_server_config_ticket_keys(d.context.config, &key_a, 1);
			duo_check_success(&d, false);
			duo_done(&d);
		}
}

TEST(without_keys_or_resumption_every_handshake_is_full)
{
	static const enum tls_resumption kinds[] = { TLS_RESUME_TICKETS, TLS_RESUME_OFF };

	for (size_t k = 0; k < 2; k++) {
		for
			EACH_VERSION(v)
			{
				struct duo d;

				duo_init(&d);
				d.settings.max = versions[v];
				d.settings.resumption = kinds[k];
				duo_load(&d);
				duo_check_success(&d, false);
				duo_check_success(&d, false);
				duo_done(&d);
			}
	}
}

TEST(other_anchors_make_a_full_handshake)
{
	for
		EACH_VERSION(v)
		{
			struct duo d;
			struct pki_cert other;

			duo_init(&d);
			other = pki_ca("Other");
			d.settings.max = versions[v];
			d.settings.resumption = TLS_RESUME_TICKETS;
			duo_load(&d);
			tls_server_config_ticket_keys(d.context.config, &key_a, 1);
			duo_check_success(&d, false);
			d.anchor = &other;
			duo_load_server(&d);
			tls_server_config_ticket_keys(d.context.config, &key_a, 1);
			duo_check_failure(&d, DIAG_PEER_UNTRUSTED, DIAG_CLIENT_CA_UNKNOWN);
			pki_cert_done(&other);
			duo_done(&d);
		}
}

TEST(a_ticket_is_as_old_as_its_full_handshake)
{
	for
		EACH_VERSION(v)
		{
			struct duo d;

			duo_init(&d);
			d.settings.max = versions[v];
			d.settings.resumption = TLS_RESUME_TICKETS;
			d.settings.lifetime = 3600;
			duo_load(&d);
			tls_server_config_ticket_keys(d.context.config, &key_a, 1);
			duo_check_success(&d, false);
			d.c.now.wall += 1800;
			duo_check_success(&d, true);
			d.c.now.wall += 1800;
			duo_check_success(&d, false);
			duo_done(&d);
		}
}

/* A handshake without EAP around it.  It begins with *session, and leaves the next there. */
static bool shake_hands(struct duo *d, struct tls_session *session, bool admits)
{
	AUTO_STRUCT(tls_conn) client = NULL;
	AUTO_STRUCT(tls_conn) server = NULL;
	struct diagnosis why;
	bool resumed;

	diagnosis_set(&why, DIAG_PEER_DENIED);
	REQUIRE(tls_conn_new(d->c.config, session, d->c.now, &client) == OK);
	REQUIRE(tls_server_conn_new(d->context.config, d->c.now, &server) == OK);
	tls_conn_feed(client, slice_of(NULL, 0), d->c.now);
	for (int i = 0; i < 3; i++) {
		struct slice flight = tls_conn_pending(client);

		if (flight.len > 0)
			tls_conn_feed(server, flight, d->c.now);
		tls_conn_consume(client, flight.len);
		if (tls_conn_asks(server) && admits)
			tls_conn_admit(server, d->c.now);
		else if (tls_conn_asks(server))
			tls_conn_refuse(server, &why);
		flight = tls_conn_pending(server);
		tls_conn_feed(client, flight, d->c.now);
		tls_conn_consume(server, flight.len);
	}
	REQUIRE(tls_conn_claim(server) != NULL);
	resumed = tls_conn_claim(server)->resumed;
	CHECK_INT(tls_conn_state(server), admits ? TLS_FINISHED : TLS_FAILED);
	CHECK_INT(tls_conn_state(client), admits ? TLS_FINISHED : TLS_FAILED);
	if (admits)
		tls_conn_keep_session(client);
	return resumed;
}

static struct tls_session copy_of(const struct tls_session *session)
{
	struct tls_session copy = *session;

	copy.config = tls_config_ref(session->config);
	copy.encoded = (struct secret){ 0 };
	copy.server.id = (struct bytes){ 0 };
	REQUIRE(secret_set(&copy.encoded, secret_slice(&session->encoded)) == OK);
	REQUIRE(bytes_set(&copy.server.id, bytes_slice(&session->server.id)) == OK);
	return copy;
}

TEST(whoever_was_refused_has_nothing_to_resume_from_memory)
{
	for
		EACH_VERSION(v)
		{
			struct tls_session first = { 0 }, again;
			struct duo d;

			duo_init(&d);
			d.settings.max = versions[v];
			duo_load(&d);
			/* refused in a full handshake: nothing was given out */
			CHECK(!shake_hands(&d, &first, false));
			CHECK_INT(first.encoded.len, 0);
			CHECK(!shake_hands(&d, &first, true));
			again = copy_of(&first);
			CHECK(shake_hands(&d, &first, false));
			/* a client that tries it once more all the same */
			CHECK(!shake_hands(&d, &again, true));
			tls_session_done(&first);
			tls_session_done(&again);
			duo_done(&d);
		}
}

TEST(a_ticket_holds_a_claim_in_place_of_the_certificate)
{
	for
		EACH_VERSION(v)
		{
			struct pki_spec spec = { .cn = "Test Client",
						 .eku = "clientAuth",
						 .padding = 3000 };
			struct tls_session session = { 0 };
			struct pki_cert client;
			struct duo d;

			duo_init(&d);
			client = pki_make(&spec, &d.c.ca);
			d.c.peer_settings.key = client.key;
			d.c.peer_settings.cert = client.cert;
			d.settings.max = versions[v];
			d.settings.resumption = TLS_RESUME_TICKETS;
			duo_load(&d);
			tls_server_config_ticket_keys(d.context.config, &key_a, 1);
			CHECK(!shake_hands(&d, &session, true));
			CHECK(session.encoded.len > 0 && session.encoded.len < 1000);
			CHECK(shake_hands(&d, &session, true));
			tls_session_done(&session);
			pki_cert_done(&client);
			duo_done(&d);
		}
}

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
				d.settings.max = versions[v];
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
			d.settings.max = versions[v];
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
			d.settings.max = versions[v];
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
			d.settings.max = versions[v];
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
			d.settings.max = versions[v];
			d.settings.resumption = TLS_RESUME_TICKETS;
			d.trust.crls = crls;
			d.trust.crl_count = 1;
			crls[0] = bytes_slice(&good);
			duo_load(&d);
			tls_server_config_ticket_keys(d.context.config, &key_a, 1);
			duo_check_success(&d, false);
			duo_check_success(&d, true);
			crls[0] = bytes_slice(&bad);
			duo_load_server(&d);
			tls_server_config_ticket_keys(d.context.config, &key_a, 1);
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
			d.settings.max = versions[v];
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
			d.settings.max = versions[v];
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
			d.settings.max = versions[v];
			d.settings.resumption = TLS_RESUME_TICKETS;
			crls[0] = bytes_slice(&root_good);
			crls[1] = bytes_slice(&own);
			d.trust.crls = crls;
			d.trust.crl_count = 2;
			duo_load(&d);
			tls_server_config_ticket_keys(d.context.config, &key_a, 1);
			duo_check_success(&d, false);
			duo_check_success(&d, true);
			crls[0] = bytes_slice(&root_bad);
			duo_load_server(&d);
			tls_server_config_ticket_keys(d.context.config, &key_a, 1);
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
			d.settings.max = versions[v];
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
			d.settings.max = versions[v];
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
			d.settings.max = versions[v];
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
			d.settings.max = versions[v];
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

/* ---- what does not belong ------------------------------------------------------------------- */

static void *begin(struct duo *d)
{
	const struct eap_server_about about = { .now = d->c.now };
	uint8_t out[MTU];
	struct wr w = wr_of(out, sizeof out);
	void *self;

	REQUIRE(tls_server_method.init(&d->context, &about, &self) == OK);
	tls_server_method.build(self, &w);
	CHECK(slice_eq(wr_done(&w), slice_of("\x20", 1)));
	return self;
}

static bool discarded(void *self, const char *type_data, size_t len)
{
	const struct eap_packet response = { .code = EAP_RESPONSE,
					     .type = eap_type(EAP_TYPE_TLS),
					     .data = slice_of(type_data, len) };

	return tls_server_method.check(self, &response);
}

static enum eap_server_state said(void *self, const char *type_data, size_t len)
{
	const struct eap_packet response = { .code = EAP_RESPONSE,
					     .type = eap_type(EAP_TYPE_TLS),
					     .data = slice_of(type_data, len) };

	REQUIRE(!tls_server_method.check(self, &response));
	return tls_server_method.process(self, &response, cast_now);
}

TEST(what_does_not_belong_to_the_conversation_is_discarded)
{
	struct duo d;
	void *self;

	duo_init(&d);
	duo_load(&d);
	self = begin(&d);
	CHECK(discarded(self, "", 0));
	CHECK(discarded(self, "\x80\0\0", 3));
	CHECK(discarded(self, "\x20", 1));
	CHECK_INT(tls_server_method.diagnosis(self)->id, DIAG_MALFORMED);
	CHECK(!discarded(self, "\0\x16\3\3", 4));
	tls_server_method.free(self);
	duo_done(&d);
}

TEST(a_flight_that_is_not_whole_ends_the_conversation)
{
	struct duo d;
	void *self;

	duo_init(&d);
	duo_load(&d);
	self = begin(&d);
	CHECK_INT(said(self, "\0\x16\3\1", 4), METHOD_FAILED);
	CHECK_INT(tls_server_method.diagnosis(self)->id, DIAG_MALFORMED);
	tls_server_method.free(self);

	self = begin(&d);
	CHECK_INT(said(self, "\0", 1), METHOD_FAILED);
	tls_server_method.free(self);

	self = begin(&d);
	CHECK_INT(said(self, "\xc0\0\0\0\3ab", 7), METHOD_GOES_ON);
	CHECK_INT(said(self, "\0cd", 3), METHOD_FAILED);
	tls_server_method.free(self);

	self = begin(&d);
	said(self, "\0GET / HTTP/1.0\r\n\r\n", 19);
	CHECK_INT(tls_server_method.diagnosis(self)->id, DIAG_MALFORMED);
	tls_server_method.free(self);
	duo_done(&d);
}

/* ---- configurations ------------------------------------------------------------------------- */

TEST(a_server_needs_anchors_and_a_credential)
{
	struct duo d;
	struct diagnosis why;
	struct tls_server_config *config = NULL;
	struct bytes anchor;
	struct slice anchors[1];

	duo_init(&d);
	CHECK_INT(trust_new(&d.trust, &d.settings.trust, &why), UNTRUSTED);
	CHECK_INT(why.id, DIAG_CONFIG);
	anchor = pki_pem(d.c.ca.cert);
	anchors[0] = bytes_slice(&anchor);
	d.trust.anchors = anchors;
	d.trust.anchor_count = 1;
	REQUIRE(trust_new(&d.trust, &d.settings.trust, &why) == OK);
	d.settings.key = NULL;
	CHECK(tls_server_config_new(&d.settings, &config, &why) != OK);
	CHECK_INT(why.id, DIAG_CONFIG);
	REQUIRE(trust_new(&d.trust, &d.settings.trust, &why) == OK);
	d.settings.key = d.c.client_cert.key;
	CHECK(tls_server_config_new(&d.settings, &config, &why) != OK);
	CHECK_INT(why.id, DIAG_KEY_MISMATCH);
	CHECK(config == NULL);
	bytes_done(&anchor);
	duo_done(&d);
}
