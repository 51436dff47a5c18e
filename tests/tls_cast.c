#include "tests/tls_cast.h"
#include "tests/test.h"

const struct moment cast_now = { .mono = 1000, .wall = PKI_NOW };

static const char *const server_names[] = { "radius.example.org" };

struct pki_cert cast_cert(const char *cn, const char *key_type, const struct pki_cert *ca)
{
	const struct pki_spec spec = { .cn = cn,
				       .sans = "DNS:radius.example.org,email:host@example.org",
				       .eku = "serverAuth,clientAuth",
				       .key_type = key_type };

	return pki_make(&spec, ca);
}

void cast_init_keys(struct cast *c, const char *server_key, const char *client_key)
{
	*c = (struct cast){ .now = cast_now };
	c->ca = pki_ca("Test Root");
	c->server_cert = cast_cert("Test Server", server_key, &c->ca);
	c->client_cert = cast_cert("Test Client", client_key, &c->ca);
	c->server_spec =
		(struct tls_server_spec){ .cert = &c->server_cert, .ca = &c->ca, .fragment = 1000 };
	c->trust = (struct trust_settings){ .names = server_names, .name_count = 1 };
	c->peer_settings = (struct tls_peer_settings){ .key = c->client_cert.key,
						       .cert = c->client_cert.cert,
						       .credential = "desk",
						       .resume = true };
}

void cast_init(struct cast *c)
{
	cast_init_keys(c, NULL, NULL);
}

static void load_peer(struct cast *c)
{
	struct bytes anchor = pki_pem(c->ca.cert);
	const struct slice anchors[] = { bytes_slice(&anchor) };
	struct diagnosis why;

	tls_peer_method.free(c->peer);
	tls_config_free(c->config);
	if (!c->trust.insecure_no_check) {
		c->trust.anchors = anchors;
		c->trust.anchor_count = 1;
	}
	REQUIRE(trust_new(&c->trust, &c->peer_settings.trust, &why) == OK);
	c->trust.anchors = NULL;
	REQUIRE(tls_config_new(&c->peer_settings, &c->config, &why) == OK);
	REQUIRE(tls_peer_new(c->config, &c->options, &c->peer) == OK);
	bytes_done(&anchor);
}

void cast_load(struct cast *c)
{
	load_peer(c);
	tls_server_done(&c->server);
	tls_server_init(&c->server, &c->server_spec);
}

void cast_done(struct cast *c)
{
	eap_keys_done(&c->keys);
	tls_peer_method.free(c->peer);
	tls_config_free(c->config);
	tls_server_done(&c->server);
	pki_cert_done(&c->client_cert);
	pki_cert_done(&c->server_cert);
	pki_cert_done(&c->ca);
}

bool cast_ask(struct cast *c, struct slice type_data, struct wr *response)
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

void cast_converse(struct cast *c)
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
		if (!cast_ask(c, wr_done(&out), &in))
			break;
		if (c->verdict.methodState == METHOD_DONE && c->verdict.decision == FAIL)
			break;
		out = wr_of(request, sizeof request);
		c->end = tls_server_answer(&c->server, wr_done(&in), &out);
	}
}

bool cast_accepted(const struct cast *c)
{
	return c->end == SERVER_SUCCESS && c->verdict.decision != FAIL;
}

enum diagnosis_id cast_diagnosed(const struct cast *c)
{
	return tls_peer_method.diagnosis(c->peer)->id;
}

const char *cast_evidence(const struct cast *c, const char *key)
{
	return diagnosis_evidence(tls_peer_method.diagnosis(c->peer), key);
}

void cast_check_keys(struct cast *c)
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

void cast_check_success(struct cast *c, bool resumed)
{
	struct eap_report report;

	cast_converse(c);
	CHECK(cast_accepted(c));
	CHECK_INT(cast_diagnosed(c), DIAG_NONE);
	if (!cast_accepted(c)) {
		test_note("%s: %s", diagnosis_text(cast_diagnosed(c))->name,
			  cast_evidence(c, "detail"));
		return;
	}
	cast_check_keys(c);
	REQUIRE(tls_peer_method.report(c->peer, &report));
	CHECK_INT(report.resumed, resumed);
	CHECK_INT(tls_server_resumed(&c->server), resumed);
	CHECK_INT(report.reduced.id, DIAG_NONE);
	CHECK_STR(report.server_subject, "CN=Test Server");
	CHECK_INT(strlen(report.server_fingerprint), 64);
	CHECK(report.server_not_after > PKI_NOW);
}

void cast_answer_with_alert(struct cast *c, uint8_t alert)
{
	const uint8_t record[] = { 0, 0x15, 3, 3, 0, 2, 2, alert };
	uint8_t out[MTU];
	struct wr w = wr_of(out, sizeof out);

	tls_peer_method.start(c->peer, c->now);
	REQUIRE(cast_ask(c, slice_of("\x20", 1), &w));
	w = wr_of(out, sizeof out);
	REQUIRE(cast_ask(c, slice_of(record, sizeof record), &w));
	/* an empty answer, so that EAP-Failure can follow */
	CHECK_INT(c->verdict.methodState, METHOD_MAY_CONT);
	CHECK_INT(c->verdict.decision, FAIL);
	CHECK(slice_eq(wr_done(&w), slice_of("\0", 1)));
}
