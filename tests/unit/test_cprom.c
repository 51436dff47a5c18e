/* CPROM from end to end: what a machine is given, in every way there is to authorise it. */
#include <stdlib.h>

#include "tests/cprom_duo.h"
#include "tests/test.h"
#include "tests/unit/cprom_check.h"

static struct cprom_duo duo;

TEST(a_machine_with_a_token_gets_a_certificate)
{
	struct cprom_duo *d = &duo;
	struct cprom_result result;
	const struct cprom_deed *deeds;
	char events[256];

	cduo_init(d);
	cduo_run(d);
	CHECK(cduo_good(d));
	CHECK_STR(cduo_events(d, events, sizeof events),
		  "tunnel authorized key-generated request-sent received checked stored validated "
		  "activated done");
	CHECK(cduo_shelf(d, "net")->current != NULL);
	CHECK_INT(cduo_shelf(d, "net")->abandoned, 0);
	CHECK_INT(cduo_shelf(d, "net")->anchors, 1);
	CHECK_INT(d->by, ENROL_BY_TOKEN);
	CHECK_INT(d->questions[ENROL_ASKS_ISSUE], 1);
	CHECK_INT(d->questions[ENROL_ASKS_CONFIRM], 1);
	REQUIRE(cprom_peer_result(d->peer, 0, &result));
	CHECK(result.activated);
	CHECK_STR(result.credential, "net");
	CHECK_STR(result.protocol, "SPP");
	CHECK(strstr(result.cert.subject, "CN=machine") != NULL);
	CHECK(!cprom_peer_result(d->peer, 1, &result));
	CHECK(cprom_server_method.enrolled(d->server));
	REQUIRE(cprom_server_deeds(d->server, &deeds) == 1);
	CHECK_STR(deeds[0].fingerprint, result.cert.fingerprint);
	CHECK(deeds[0].confirmed);
	cduo_done(d);
}

TEST(without_validation_it_takes_four_packets_less_and_is_confirmed_too)
{
	struct cprom_duo *d = &duo;
	unsigned packets;

	cduo_init(d);
	cduo_run(d);
	packets = d->packets;
	d->policy.validate = false;
	cduo_run(d);
	CHECK(cduo_good(d));
	CHECK_INT(d->packets, packets - 4);
	CHECK(d->confirmed);
	d->grant.validate = true;
	cduo_run(d);
	CHECK_INT(d->packets, packets);
	cduo_done(d);
}

TEST(what_was_validated_is_current_also_when_the_tunnel_then_fails)
{
	struct cprom_duo *d = &duo;
	char events[256];

	cduo_init(d);
	d->tunnel_fails = true;
	cduo_run(d);
	CHECK(cduo_shelf(d, "net")->current != NULL);
	CHECK_INT(cduo_shelf(d, "net")->abandoned, 0);
	cduo_events(d, events, sizeof events);
	CHECK(strstr(events, "validated activated done") != NULL);

	d->policy.validate = false; /* and without validation it is not */
	cduo_run(d);
	CHECK_INT(cduo_shelf(d, "net")->abandoned, 1);
	CHECK(!cduo_shelf(d, "net")->refused);
	cduo_events(d, events, sizeof events);
	CHECK(strstr(events, "stored failed") != NULL);
	cduo_done(d);
}

TEST(keys_are_of_the_type_that_both_want)
{
	static const uint8_t ed25519[] = { 6, 3, 0x2b, 0x65, 0x70 };
	struct cprom_duo *d = &duo;

	cduo_init(d);
	d->policy.x509 = (struct enrol_params){ .algorithm = CPROM_RSA, .least = 256 };
	cduo_run(d);
	CHECK(cduo_good(d));
	CHECK(EVP_PKEY_is_a(cduo_shelf(d, "net")->current_key, "RSA"));

	d->policy.x509 = (struct enrol_params){ 0 };
	d->credentials[0].params = (struct enrol_params){ .algorithm = CPROM_EDDSA };
	d->credentials[0].params.oid = slice_of(ed25519, sizeof ed25519);
	cduo_run(d);
	CHECK(cduo_good(d));
	CHECK(EVP_PKEY_is_a(cduo_shelf(d, "net")->current_key, "ED25519"));
	cduo_done(d);
}

TEST(small_packets_carry_fragments)
{
	struct cprom_duo *d = &duo;

	cduo_init(d);
	cduo_run(d);
	CHECK(d->packets < 12);
	d->mtu = 100;
	cduo_run(d);
	CHECK(cduo_good(d));
	CHECK(d->packets > 24);
	cduo_done(d);
}

TEST(messages_beyond_64_kib_need_a_larger_limit_and_fragments)
{
	struct cprom_duo *d = &duo;

	cduo_init(d);
	d->issue.padding = 70000;
	cduo_run(d);
	check_error(d, ENROL_ERROR_LIMIT, false);
	d->policy.message_max = d->peer_settings.message_max = 120000;
	cduo_run(d);
	CHECK(cduo_good(d));
	d->peer_settings.message_max = 0;
	cduo_run(d);
	CHECK_INT(cprom_peer_error(d->peer), ENROL_ERROR_LIMIT);
	CHECK_INT(cprom_server_error(d->server), ENROL_ERROR_LIMIT);
	cduo_done(d);
}

/* ---- ways to be authorised ----------------------------------------------------------- */

TEST(a_factory_certificate_in_the_tunnel_is_enough)
{
	AUTO_VALUE(bytes) row = { 0 };
	struct cprom_duo *d = &duo;
	struct tls_claim claim;

	cduo_init(d);
	d->peer_settings.token.kind = CPROM_NO_TOKEN;
	cduo_claim(d, &d->factory, &claim, &row);
	cduo_run(d);
	CHECK(cduo_good(d));
	CHECK_INT(d->by, ENROL_BY_CERTIFICATE);
	cduo_done(d);
}

TEST(a_certificate_token_proves_itself)
{
	struct cprom_duo *d = &duo;

	cduo_init(d);
	d->peer_settings.token.kind = CPROM_TOKEN_CERT;
	d->peer_settings.token.cert = d->factory.cert;
	d->peer_settings.token.key = d->factory.key;
	d->peer_settings.token.chain = pki_chain(d->factory_ca.cert, NULL);
	cduo_run(d);
	CHECK(cduo_good(d));
	CHECK_INT(d->by, ENROL_BY_CERTIFICATE_TOKEN);

	d->peer_settings.token.key = d->old.key; /* somebody else's certificate */
	X509_free(TAKE(cduo_shelf(d, "net")->current));
	cduo_run(d);
	CHECK_INT(cprom_server_error(d->server), ENROL_ERROR_PROOF);
	CHECK_INT(d->questions[ENROL_ASKS_AUTHORISE], 0);
	x509_stack_free(d->peer_settings.token.chain);
	cduo_done(d);
}

static void run_bearer(struct cprom_duo *d, bool oauth)
{
	d->peer_settings.token.kind = oauth ? CPROM_TOKEN_OAUTH : CPROM_TOKEN_JWT;
	d->peer_settings.token.text = slice_str("eyJhbGciOiJFUzI1NiJ9.e30.c2ln");
	cduo_run(d);
}

TEST(bearer_tokens_go_to_a_server_that_is_known_alone)
{
	struct cprom_duo *d = &duo;

	cduo_init(d);
	d->peer_tunnel.server_named = false;
	run_bearer(d, false);
	check_error(d, ENROL_ERROR_TOKEN_MISSING, true);
	CHECK_INT(d->questions[ENROL_ASKS_AUTHORISE], 0);
	d->peer_tunnel.server_named = true;
	run_bearer(d, false);
	CHECK(cduo_good(d));
	CHECK_INT(d->by, ENROL_BY_JWT);
	run_bearer(d, true);
	CHECK(cduo_good(d));
	CHECK_INT(d->by, ENROL_BY_OAUTH);
	cduo_done(d);
}

TEST(what_is_refused_first_leaves_what_is_shown_next)
{
	AUTO_VALUE(bytes) row = { 0 };
	struct cprom_duo *d = &duo;
	struct tls_claim claim;

	cduo_init(d);
	cduo_claim(d, &d->factory, &claim, &row);
	d->policy.authorisations = 1 << ENROL_BY_TOKEN;
	cduo_run(d);
	CHECK(cduo_good(d));
	CHECK_INT(d->by, ENROL_BY_TOKEN);
	CHECK_INT(d->questions[ENROL_ASKS_AUTHORISE], 1);
	d->policy.authorisations = 0x1f;
	cduo_run(d);
	CHECK_INT(d->by, ENROL_BY_CERTIFICATE);
	cduo_done(d);
}

/* ---- secrets ------------------------------------------------------------------------- */

static void want(struct cprom_duo *d, enum enrol_credential type, uint8_t flags)
{
	d->credentials[0].type = type;
	d->grant.credentials = 1u << type;
	d->policy.password = d->policy.symmetric = (struct enrol_params){ .flags = flags };
}

TEST(names_and_passwords_are_made_by_either_or_both)
{
	static const uint8_t modes[] = { ENROL_SERVER_GENERATES, ENROL_PEER_GENERATES,
					 ENROL_SERVER_GENERATES | ENROL_PEER_GENERATES };
	struct cprom_duo *d = &duo;

	for (size_t i = 0; i < 6; i++) {
		cduo_init(d);
		d->policy.validate = i >= 3;
		want(d, ENROL_PASSWORD, modes[i % 3]);
		cduo_run(d);
		CHECK(cduo_good(d));
		CHECK_STR(cduo_shelf(d, "net")->secret, d->kept);
		CHECK_INT(strlen(d->kept), 32);
		CHECK_STR(cduo_shelf(d, "net")->username, "m-0001");
		CHECK_INT(d->questions[ENROL_ASKS_KEEP], 1);
		cduo_done(d);
	}
}

TEST(symmetric_keys_have_the_length_that_was_agreed)
{
	struct cprom_duo *d = &duo;
	struct cprom_result result;

	cduo_init(d);
	want(d, ENROL_SYMMETRIC, 0);
	d->policy.symmetric.least = 48;
	cduo_run(d);
	CHECK(cduo_good(d));
	REQUIRE(cprom_peer_result(d->peer, 0, &result));
	CHECK_INT(result.type, ENROL_SYMMETRIC);
	CHECK_STR(result.username, "m-0001");
	d->credentials[0].params.most = 40; /* nobody can do both */
	cduo_run(d);
	CHECK_INT(cprom_peer_error(d->peer), ENROL_ERROR_PARAMETERS);
	CHECK_INT(cprom_server_error(d->server), ENROL_ERROR_PARAMETERS);
	cduo_done(d);
}

TEST(several_credentials_come_in_one_session)
{
	struct cprom_duo *d = &duo;
	struct cprom_result result;

	cduo_init(d);
	for (size_t i = 1; i < 3; i++)
		d->credentials[i] = d->credentials[0];
	d->credentials[1].name = "wifi";
	d->credentials[1].type = ENROL_PASSWORD;
	d->credentials[2].name = "key";
	d->credentials[2].type = ENROL_SYMMETRIC;
	d->peer_settings.credential_count = 3;
	d->grant.credentials = 1 << ENROL_X509 | 1 << ENROL_PASSWORD | 1 << ENROL_SYMMETRIC;
	cduo_run(d);
	CHECK(cduo_good(d));
	for (size_t i = 0; i < 3; i++) {
		REQUIRE(cprom_peer_result(d->peer, i, &result));
		CHECK(result.activated);
	}
	CHECK_INT(d->questions[ENROL_ASKS_CONFIRM], 3);
	CHECK(cduo_shelf(d, "net")->current != NULL);
	CHECK(cduo_shelf(d, "wifi")->secret[0] != 0);

	d->fail_step = DUO_ACTIVATE; /* and one that cannot be activated is told */
	d->fail_status = UNEXPECTED;
	cduo_run(d);
	CHECK_INT(cprom_peer_error(d->peer), ENROL_ERROR_STORAGE);
	CHECK_INT(cprom_peer_method.diagnosis(d->peer)->id, DIAG_KEYSTORE);
	CHECK_INT(cduo_shelf(d, "net")->abandoned, 1);
	CHECK(cduo_shelf(d, "net")->current != NULL);
	cduo_done(d);
}

TEST(when_one_of_several_fails_none_is_installed)
{
	struct cprom_duo *d = &duo;

	cduo_init(d);
	d->credentials[1] = d->credentials[0];
	d->credentials[1].name = "wifi";
	d->credentials[1].type = ENROL_PASSWORD;
	d->peer_settings.credential_count = 2;
	d->grant.credentials = 1 << ENROL_X509 | 1 << ENROL_PASSWORD;
	d->refuse = 1u << ENROL_ASKS_KEEP;
	d->refuse_error = ENROL_ERROR_INTERNAL;
	cduo_run(d);
	check_error(d, ENROL_ERROR_INTERNAL, false);
	CHECK_INT(cduo_shelf(d, "net")->abandoned, 1);
	cduo_done(d);
}

/* ---- renewal and removal ------------------------------------------------------------- */

static void hold(struct cprom_duo *d, struct tls_claim *claim, struct bytes *row)
{
	d->credentials[0].cert = d->old.cert;
	d->credentials[0].key = d->old.key;
	d->credentials[0].action = ENROL_RENEW;
	d->peer_settings.token.kind = CPROM_NO_TOKEN;
	cduo_claim(d, &d->old, claim, row);
}

TEST(a_credential_is_renewed_with_a_new_key)
{
	AUTO_VALUE(bytes) row = { 0 };
	struct cprom_duo *d = &duo;
	struct cprom_result result;
	struct tls_claim claim;

	cduo_init(d);
	hold(d, &claim, &row);
	cduo_run(d);
	CHECK(cduo_good(d));
	REQUIRE(cprom_peer_result(d->peer, 0, &result));
	CHECK_INT(result.action, ENROL_RENEW);
	CHECK_INT(EVP_PKEY_eq(cduo_shelf(d, "net")->current_key, d->old.key), 0);
	cduo_done(d);
}

/* What a resumed tunnel knows of a certificate is its digest; to renew it by CMP or EST takes all
 * of it. */
TEST(a_resumed_tunnel_renews_what_the_registry_has)
{
	static const struct {
		const struct enrol_peer_protocol *peer;
		const struct enrol_server_protocol *server;
	} rows[] = { { &spp_peer, &spp_server },
		     { &cmp_peer, &cmp_server },
		     { &cmp_basic_peer, &cmp_basic_server },
		     { &est_peer, &est_server } };
	const struct pki_spec spec = { .cn = "RA",
				       .key_usage = "critical,digitalSignature",
				       .eku = "1.3.6.1.5.5.7.3.28" };
	struct cprom_duo *d = &duo;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		AUTO_VALUE(bytes) row = { 0 };
		AUTO_VALUE(pki_cert) ra = { 0 };
		struct tls_claim claim;

		cduo_init(d);
		hold(d, &claim, &row);
		d->peer_protocols[0] = rows[i].peer;
		d->server_protocols[0] = rows[i].server;
		ra = pki_make(&spec, &d->issuing);
		d->authority.ra_cert = ra.cert;
		d->authority.ra_key = ra.key;
		d->authority.ra_chain = d->authority.chain;
		d->peer_settings.anchors = d->authority.anchors;
		d->registered = &d->old;
		cduo_run(d);
		if (!cduo_good(d))
			test_note(
				"%s: %s", rows[i].peer->name,
				diagnosis_evidence(cprom_peer_method.diagnosis(d->peer), "detail"));
		CHECK(cduo_good(d));
		/* It has to be the one that was shown. */
		d->registered = &d->factory;
		cduo_run(d);
		CHECK(!cduo_good(d));
		CHECK_INT(cprom_peer_error(d->peer), ENROL_ERROR_INTERNAL);
		cduo_done(d);
	}
}

TEST(the_server_renews_what_is_old_without_being_asked)
{
	AUTO_VALUE(bytes) row = { 0 };
	struct cprom_duo *d = &duo;
	struct cprom_result result;
	struct tls_claim claim;

	cduo_init(d);
	hold(d, &claim, &row);
	d->credentials[0].wanted = false;
	d->policy.renew_percent = 66; /* half of its life is over */
	cduo_run(d);
	CHECK(cduo_good(d));
	CHECK(!cprom_peer_result(d->peer, 0, &result));
	d->policy.renew_percent = 50;
	cduo_run(d);
	CHECK(cduo_good(d));
	CHECK(cprom_peer_result(d->peer, 0, &result));

	d->policy.renew_percent = 0; /* nor is that of an authority that goes */
	d->authority.renew_wanted = true;
	cduo_run(d);
	CHECK(!cprom_peer_result(d->peer, 0, &result));
	d->authority.issuer = d->root.cert;
	cduo_run(d);
	CHECK(cprom_peer_result(d->peer, 0, &result));

	d->authority.renew_wanted = false; /* nor this one, but the registry says so */
	cduo_run(d);
	CHECK(!cprom_peer_result(d->peer, 0, &result));
	d->grant.renew = true;
	cduo_run(d);
	CHECK(cprom_peer_result(d->peer, 0, &result));

	d->credentials[0].actions = 1 << ENROL_REGISTER; /* which the machine may not allow */
	cduo_run(d);
	CHECK(cduo_good(d));
	CHECK(!cprom_peer_result(d->peer, 0, &result));
	cduo_done(d);
}

TEST(a_credential_is_removed)
{
	AUTO_VALUE(bytes) row = { 0 };
	struct cprom_duo *d = &duo;
	struct tls_claim claim;

	cduo_init(d);
	hold(d, &claim, &row);
	d->credentials[0].action = ENROL_REMOVE;
	cduo_run(d);
	CHECK(cduo_good(d));
	CHECK(cduo_shelf(d, "net")->removed);
	CHECK_INT(d->questions[ENROL_ASKS_REVOKE], 1);
	CHECK_INT(d->questions[ENROL_ASKS_ISSUE], 0);
	CHECK(!cprom_server_method.enrolled(d->server));
	cduo_done(d);
}

TEST(a_renewal_that_asks_for_no_names_keeps_them)
{
	AUTO_VALUE(bytes) row = { 0 };
	struct cprom_duo *d = &duo;
	struct tls_claim claim;

	cduo_init(d);
	hold(d, &claim, &row);
	d->credentials[0].names = (struct enrol_names){ 0 };
	d->issue_cn = "another";
	cduo_run(d);
	check_error(d, ENROL_ERROR_NOT_ACCEPTABLE, true);
	d->issue_cn = "machine";
	cduo_run(d);
	CHECK(cduo_good(d));
	cduo_done(d);
}

TEST(a_server_that_does_nothing_is_told_of)
{
	struct cprom_duo *d = &duo;

	cduo_init(d);
	d->grant.credentials = 1 << ENROL_X509;
	d->credentials[1] = d->credentials[0];
	d->credentials[1].name = "wifi";
	d->credentials[1].type = ENROL_PASSWORD;
	d->peer_settings.credential_count = 2;
	cduo_run(d);
	CHECK_INT(d->end, METHOD_SUCCEEDED);
	CHECK_INT(cprom_peer_method.diagnosis(d->peer)->id, DIAG_ENROL_NOTHING_DONE);
	CHECK(cduo_shelf(d, "net")->current != NULL);
	cduo_done(d);
}

/* ---- what is told -------------------------------------------------------------------- */

TEST(mud_url_and_profile_reach_the_registry)
{
	struct cprom_duo *d = &duo;

	cduo_init(d);
	d->peer_settings.mud_url = "https://example.org/lamp.json";
	d->credentials[0].profile = "lamps";
	cduo_run(d);
	CHECK(cduo_good(d));
	CHECK_STR(d->mud_url, "https://example.org/lamp.json");
	CHECK_STR(d->profile_wanted, "lamps");
	CHECK(slice_eq(cprom_server_mud_url(d->server), slice_str(d->peer_settings.mud_url)));
	cduo_done(d);
}

TEST(anchors_are_stored_if_the_profile_takes_them)
{
	struct cprom_duo *d = &duo;

	cduo_init(d);
	d->peer_settings.accept_anchors = false;
	cduo_run(d);
	check_error(d, ENROL_ERROR_NOT_ACCEPTABLE, true);
	d->peer_settings.anchors = d->authority.anchors;
	cduo_run(d);
	CHECK(cduo_good(d));
	CHECK_INT(cduo_shelf(d, "net")->anchors, 0);
	cduo_done(d);
}

TEST(a_clock_that_is_wrong_is_a_warning)
{
	struct cprom_duo *d = &duo;
	struct cprom_result result;

	cduo_init(d);
	d->now.wall = 1000;
	d->peer_settings.built = PKI_NOW - PKI_YEAR;
	cduo_run(d);
	CHECK(cduo_good(d));
	REQUIRE(cprom_peer_result(d->peer, 0, &result));
	CHECK_INT(result.reduced.id, DIAG_REDUCED_CLOCK);
	cduo_done(d);
}

TEST(the_draft_s_own_challenges_need_to_be_configured_at_both_ends)
{
	struct cprom_duo *d = &duo;

	cduo_init(d);
	d->policy.bare_challenges = true;
	cduo_run(d);
	check_error(d, ENROL_ERROR_PARAMETERS, true);
	d->peer_settings.bare_challenges = true;
	cduo_run(d);
	CHECK(cduo_good(d));
	want(d, ENROL_PASSWORD, 0);
	cduo_run(d);
	CHECK(cduo_good(d));
	cduo_done(d);
}

TEST(events_that_nobody_fetches_make_room)
{
	struct cprom_duo *d = &duo;
	char events[1024];

	cduo_init(d);
	cduo_run(d);
	for (int i = 0; i < 20; i++) {
		cprom_peer_method.enter(d->peer, &d->peer_tunnel);
		cprom_peer_method.start(d->peer, d->now);
	}
	cduo_events(d, events, sizeof events);
	CHECK(strstr(events, "done") != NULL);
	for (int i = 0; i < 100; i++) {
		cprom_peer_method.stop(d->peer);
		cprom_peer_method.start(d->peer, d->now);
	}
	cduo_events(d, events, sizeof events);
	CHECK(strstr(events, "done") == NULL);
	cduo_done(d);
}
