#include "tests/test.h"

#include "eap/packet.h"
#include "method/tls_frame.h"
#include "method/tls_peer.h"
#include "tests/pki.h"
#include "tests/tls_server.h"

#include <openssl/ssl.h>

#define MTU 1491 /* type-data in an Ethernet frame */

static const struct moment now = { .mono = 1000, .wall = PKI_NOW };

/* Both ends and all that they need.  What a test does not say is as it should be. */
struct cast {
	struct pki_cert ca, server_cert, client_cert;
	struct tls_server_spec server_spec;
	struct trust_settings trust;
	struct tls_peer_settings peer_settings;
	struct tls_peer_options options;

	struct tls_server server;
	struct tls_config *config;
	struct tls_peer *peer;
	struct moment now;

	/* how the last conversation went */
	struct eap_verdict verdict;
	enum server_state end;
	unsigned rounds;
	size_t largest; /* type-data of a Response */
	struct eap_keys keys;
};

static const char *const server_names[] = { "radius.example.org" };

static struct pki_cert made(const char *cn, const char *key_type, const struct pki_cert *ca)
{
	const struct pki_spec spec = { .cn = cn,
				       .sans = "DNS:radius.example.org,email:host@example.org",
				       .eku = "serverAuth,clientAuth",
				       .key_type = key_type };

	return pki_make(&spec, ca);
}

static void cast_init_keys(struct cast *c, const char *server_key, const char *client_key)
{
	*c = (struct cast){ .now = now };
	c->ca = pki_ca("Test Root");
	c->server_cert = made("Test Server", server_key, &c->ca);
	c->client_cert = made("Test Client", client_key, &c->ca);
	c->server_spec =
		(struct tls_server_spec){ .cert = &c->server_cert, .ca = &c->ca, .fragment = 1000 };
	c->trust = (struct trust_settings){ .names = server_names, .name_count = 1 };
	c->peer_settings = (struct tls_peer_settings){ .key = c->client_cert.key,
						       .cert = c->client_cert.cert,
						       .credential = "desk",
						       .resume = true };
}

static void cast_init(struct cast *c)
{
	cast_init_keys(c, NULL, NULL);
}

/* Makes what is made from the settings; the last profile's things are dropped. */
static void cast_load_peer(struct cast *c)
{
	struct bytes anchor = pki_pem(c->ca.cert);
	const struct slice anchors[] = { bytes_slice(&anchor) };
	struct diagnosis why;

	tls_peer_method.free(c->peer);
	tls_config_free(c->config);
	if (!c->trust.anchors) {
		c->trust.anchors = anchors;
		c->trust.anchor_count = 1;
	}
	REQUIRE(trust_new(&c->trust, &c->peer_settings.trust, &why) == OK);
	c->trust.anchors = NULL;
	REQUIRE(tls_config_new(&c->peer_settings, &c->config, &why) == OK);
	REQUIRE(tls_peer_new(c->config, &c->options, &c->peer) == OK);
	bytes_done(&anchor);
}

static void cast_load(struct cast *c)
{
	cast_load_peer(c);
	tls_server_done(&c->server);
	tls_server_init(&c->server, &c->server_spec);
}

static void cast_done(struct cast *c)
{
	eap_keys_done(&c->keys);
	tls_peer_method.free(c->peer);
	tls_config_free(c->config);
	tls_server_done(&c->server);
	pki_cert_done(&c->client_cert);
	pki_cert_done(&c->server_cert);
	pki_cert_done(&c->ca);
}

/* One Request to the peer; false when it was discarded. */
static bool ask(struct cast *c, struct slice type_data, struct wr *response)
{
	const struct eap_packet request = { .code = EAP_REQUEST,
					    .type = eap_type(EAP_TYPE_TLS),
					    .data = type_data };

	if (tls_peer_method.check(c->peer, &request))
		return false;
	c->verdict = tls_peer_method.process(c->peer, &request, c->now);
	tls_peer_method.take_keys(c->peer, &c->keys);
	if (c->verdict.methodState == METHOD_DONE && c->verdict.decision == FAIL)
		return true;
	tls_peer_method.build(c->peer, response);
	REQUIRE(wr_ok(response));
	if (response->len > c->largest)
		c->largest = response->len;
	return true;
}

/* From the Start to the server's decision. */
static void converse(struct cast *c)
{
	static uint8_t request[70000], response[MTU];
	struct wr out = wr_of(request, sizeof request);

	eap_keys_done(&c->keys);
	c->largest = 0;
	c->end = SERVER_GOING;
	tls_peer_method.start(c->peer, c->now);
	tls_server_begin(&c->server, &out);
	for (c->rounds = 0; c->end == SERVER_GOING; c->rounds++) {
		struct wr in = wr_of(response, sizeof response);

		REQUIRE(c->rounds < 100000);
		REQUIRE(ask(c, wr_done(&out), &in));
		if (c->verdict.methodState == METHOD_DONE && c->verdict.decision == FAIL)
			break;
		out = wr_of(request, sizeof request);
		c->end = tls_server_answer(&c->server, wr_done(&in), &out);
	}
}

static bool accepted(const struct cast *c)
{
	return c->end == SERVER_SUCCESS && c->verdict.decision != FAIL;
}

static enum diagnosis_id diagnosed(const struct cast *c)
{
	return tls_peer_method.diagnosis(c->peer)->id;
}

static const char *evidence(const struct cast *c, const char *key)
{
	return diagnosis_evidence(tls_peer_method.diagnosis(c->peer), key);
}

static void check_keys(struct cast *c)
{
	struct eap_keys theirs = { 0 };

	tls_server_keys(&c->server, &theirs);
	CHECK_INT(c->keys.msk.len, 64);
	CHECK_INT(c->keys.emsk.len, 64);
	CHECK(slice_eq(secret_slice(&c->keys.msk), secret_slice(&theirs.msk)));
	CHECK(slice_eq(secret_slice(&c->keys.emsk), secret_slice(&theirs.emsk)));
	CHECK(slice_eq(bytes_slice(&c->keys.session_id), bytes_slice(&theirs.session_id)));
	CHECK(c->keys.peer_id.len > 0);
	CHECK(c->keys.server_id.len > 0);
	eap_keys_done(&theirs);
}

/* A conversation that succeeds, with everything that belongs to it. */
static void check_success(struct cast *c, bool resumed)
{
	struct eap_report report;

	converse(c);
	CHECK(accepted(c));
	CHECK_INT(diagnosed(c), DIAG_NONE);
	if (!accepted(c)) {
		test_note("%s: %s", diagnosis_text(diagnosed(c))->name, evidence(c, "detail"));
		return;
	}
	check_keys(c);
	REQUIRE(tls_peer_method.report(c->peer, &report));
	CHECK_INT(report.resumed, resumed);
	CHECK_INT(tls_server_resumed(&c->server), resumed);
	CHECK_INT(report.reduced.id, DIAG_NONE);
	CHECK_STR(report.server_subject, "CN=Test Server");
	CHECK_INT(strlen(report.server_fingerprint), 64);
	CHECK(report.server_not_after > PKI_NOW);
}

TEST(tls_1_2_succeeds_and_resumes_by_ticket)
{
	struct cast c;
	struct eap_report report;

	cast_init(&c);
	c.server_spec.max = TLS1_2_VERSION;
	cast_load(&c);
	check_success(&c, false);
	CHECK_INT(c.verdict.methodState, METHOD_MAY_CONT);
	CHECK_INT(c.verdict.decision, COND_SUCC);
	check_success(&c, true);
	check_success(&c, true);
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
	check_success(&c, false);
	check_success(&c, true);
	check_success(&c, true);
	cast_done(&c);
}

TEST(tls_1_3_succeeds_and_resumes)
{
	struct cast c;
	struct eap_report report;

	cast_init(&c);
	cast_load(&c);
	check_success(&c, false);
	CHECK_INT(c.verdict.methodState, METHOD_DONE);
	CHECK_INT(c.verdict.decision, UNCOND_SUCC);
	check_success(&c, true);
	check_success(&c, true);
	REQUIRE(tls_peer_method.report(c.peer, &report));
	CHECK_STR(report.tls_version, "TLSv1.3");
	CHECK_STR(report.tls_cipher, "TLS_AES_256_GCM_SHA384");
	cast_done(&c);
}
