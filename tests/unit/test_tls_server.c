#include "tests/test.h"
#include "tests/tls_duo.h"

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
				d.settings.max = duo_versions[v];
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
				d.settings.max = duo_versions[v];
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

TEST(an_emsk_is_for_the_tunnel_around_it)
{
	static const struct eap_tunnel_binding tunnel = { .unique = true };

	for
		EACH_VERSION(v)
		{
			struct duo d;

			duo_init(&d);
			d.settings.max = duo_versions[v];
			d.tunnel = &tunnel;
			duo_load(&d);
			duo_check_success(&d, false);
			duo_done(&d);
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
			d.settings.max = duo_versions[v];
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

static const struct tls_ticket_key key_b = { .name = "b", .aes = "B", .hmac = "2" };

TEST(sessions_are_resumed_from_memory)
{
	for
		EACH_VERSION(v)
		{
			struct duo d;

			duo_init(&d);
			d.settings.max = duo_versions[v];
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
			d.settings.max = duo_versions[v];
			d.settings.resumption = TLS_RESUME_TICKETS;
			duo_load(&d);
			tls_server_config_ticket_keys(d.context.config, &duo_key, 1);
			duo_check_success(&d, false);
			for (int n = 0; n < 3; n++)
				duo_check_success(&d, true);
			/* another server with the same key, and one without */
			duo_load_server(&d);
			tls_server_config_ticket_keys(d.context.config, &duo_key, 1);
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
			const struct tls_ticket_key both[] = { key_b, duo_key };
			struct duo d;

			duo_init(&d);
			d.settings.max = duo_versions[v];
			d.settings.resumption = TLS_RESUME_TICKETS;
			duo_load(&d);
			tls_server_config_ticket_keys(d.context.config, &duo_key, 1);
			duo_check_success(&d, false);
			tls_server_config_ticket_keys(d.context.config, both, 2);
			duo_check_success(&d, true);
			/* renewed with the newest, so the old one may go */
			tls_server_config_ticket_keys(d.context.config, &key_b, 1);
			duo_check_success(&d, true);
			tls_server_config_ticket_keys(d.context.config, &duo_key, 1);
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
				d.settings.max = duo_versions[v];
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
			d.settings.max = duo_versions[v];
			d.settings.resumption = TLS_RESUME_TICKETS;
			duo_load(&d);
			tls_server_config_ticket_keys(d.context.config, &duo_key, 1);
			duo_check_success(&d, false);
			d.anchor = &other;
			duo_load_server(&d);
			tls_server_config_ticket_keys(d.context.config, &duo_key, 1);
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
			d.settings.max = duo_versions[v];
			d.settings.resumption = TLS_RESUME_TICKETS;
			d.settings.lifetime = 3600;
			duo_load(&d);
			tls_server_config_ticket_keys(d.context.config, &duo_key, 1);
			duo_check_success(&d, false);
			d.c.now.wall += 1800;
			duo_check_success(&d, true);
			d.c.now.wall += 1800;
			duo_check_success(&d, false);
			duo_done(&d);
		}
}

/* A clock that was set back would make a ticket good until it is there again. */
TEST(a_ticket_from_the_future_makes_a_full_handshake)
{
	for
		EACH_VERSION(v)
		{
			struct duo d;

			duo_init(&d);
			d.settings.max = duo_versions[v];
			d.settings.resumption = TLS_RESUME_TICKETS;
			duo_load(&d);
			tls_server_config_ticket_keys(d.context.config, &duo_key, 1);
			duo_check_success(&d, false);
			d.c.now.wall -= 60; /* the clocks of two servers may differ */
			duo_check_success(&d, true);
			d.c.now.wall -= PKI_DAY;
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
			d.settings.max = duo_versions[v];
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
			d.settings.max = duo_versions[v];
			d.settings.resumption = TLS_RESUME_TICKETS;
			duo_load(&d);
			tls_server_config_ticket_keys(d.context.config, &duo_key, 1);
			CHECK(!shake_hands(&d, &session, true));
			CHECK(session.encoded.len > 0 && session.encoded.len < 1000);
			CHECK(shake_hands(&d, &session, true));
			tls_session_done(&session);
			pki_cert_done(&client);
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
