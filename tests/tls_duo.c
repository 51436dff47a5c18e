#include "tests/tls_duo.h"
#include "tests/test.h"

const enum tls_version duo_versions[2] = { TLS_1_2, TLS_1_3 };
const struct tls_ticket_key duo_key = { .name = "a", .aes = "A", .hmac = "1" };

void duo_init_keys(struct duo *d, const char *server_key, const char *client_key)
{
	*d = (struct duo){ .trust = { .role = CERT_CLIENT } };
	cast_init_keys(&d->c, server_key, client_key);
	d->anchor = &d->c.ca;
	d->settings = (struct tls_server_settings){ .key = d->c.server_cert.key,
						    .cert = d->c.server_cert.cert,
						    .credential = "server",
						    .resumption = TLS_RESUME_MEMORY };
}

void duo_init(struct duo *d)
{
	duo_init_keys(d, NULL, NULL);
}

struct tls_server_config *duo_config(struct duo *d)
{
	struct bytes anchor = pki_pem(d->anchor->cert);
	const struct slice anchors[] = { bytes_slice(&anchor) };
	struct tls_server_config *config = NULL;
	struct diagnosis why;

	d->trust.anchors = anchors;
	d->trust.anchor_count = 1;
	REQUIRE(trust_new(&d->trust, &d->settings.trust, &why) == OK);
	REQUIRE(tls_server_config_new(&d->settings, &config, &why) == OK);
	d->trust.anchors = NULL;
	bytes_done(&anchor);
	return config;
}

void duo_load_server(struct duo *d)
{
	tls_server_config_free(d->context.config);
	d->context.config = duo_config(d);
}

void duo_load(struct duo *d)
{
	cast_load(&d->c);
	duo_load_server(d);
}

void duo_done(struct duo *d)
{
	tls_server_config_free(d->context.config);
	bytes_done(&d->facts);
	bytes_done(&d->certificate);
	bytes_done(&d->issuer);
	eap_keys_done(&d->keys);
	cast_done(&d->c);
}

static void note(struct duo *d, const struct tls_claim *c)
{
	const int64_t times[] = { c->authenticated, c->not_before, c->not_after };
	const struct slice facts[] = { slice_of(times, sizeof times),
				       c->subject,
				       c->issuer,
				       c->subject_der,
				       c->issuer_der,
				       c->serial,
				       c->fingerprint,
				       c->spki,
				       c->names,
				       c->usages };

	d->resumed = c->resumed;
	bytes_clear(&d->facts);
	for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++)
		REQUIRE(bytes_append(&d->facts, facts[i], SIZE_MAX / 2) == OK);
	REQUIRE(bytes_set(&d->certificate, c->certificate) == OK);
	REQUIRE(bytes_set(&d->issuer, c->issuer_certificate) == OK);
}

static void answer(struct duo *d, void *self)
{
	const struct tls_claim *claim = tls_server_method.question(self)->about.claim;

	d->asked++;
	REQUIRE(claim != NULL);
	note(d, claim);
	const struct eap_reply reply = { .accept = !d->refuse,
					 .why = d->refusal.id != DIAG_NONE ? &d->refusal : NULL };

	d->end = tls_server_method.answer(self, &reply, d->c.now);
	CHECK(d->end != METHOD_ASKS);
}

static void hear(struct duo *d, void *self, struct slice type_data)
{
	const struct eap_packet response = { .code = EAP_RESPONSE,
					     .type = eap_type(EAP_TYPE_TLS),
					     .data = type_data };

	REQUIRE(!tls_server_method.check(self, &response));
	d->end = tls_server_method.process(self, &response, d->c.now);
	if (d->end == METHOD_ASKS)
		answer(d, self);
}

void duo_converse(struct duo *d)
{
	static uint8_t request[MTU], response[MTU];
	const struct eap_server_about about = { .now = d->c.now, .tunnel = d->tunnel };
	void *self;

	eap_keys_done(&d->keys);
	eap_keys_done(&d->c.keys);
	d->asked = d->rounds = 0;
	d->resumed = false;
	d->largest = d->sent = d->c.largest = 0;
	d->end = METHOD_GOES_ON;
	REQUIRE(tls_server_method.init(&d->context, &about, &self) == OK);
	tls_peer_method.start(d->c.peer, d->c.now);
	while (d->end == METHOD_GOES_ON) {
		struct wr out = wr_of(request, sizeof request);
		struct wr in = wr_of(response, sizeof response);

		REQUIRE(d->rounds++ < 10000);
		tls_server_method.build(self, &out);
		REQUIRE(wr_ok(&out));
		d->sent += out.len;
		if (out.len > d->largest)
			d->largest = out.len;
		if (!cast_ask(&d->c, wr_done(&out), &in) ||
		    (d->c.verdict.methodState == METHOD_DONE && d->c.verdict.decision == FAIL))
			break;
		hear(d, self, wr_done(&in));
	}
	d->why = *tls_server_method.diagnosis(self);
	d->reported = tls_server_method.report(self, &d->report);
	if (tls_server_method.take_keys(self, &d->keys)) {
		CHECK_INT(d->keys.session_id.len, 0);
		REQUIRE(tls_server_method.session_id(self, &d->keys.session_id) == OK);
	} else {
		CHECK(tls_server_method.session_id(self, &d->keys.session_id) != OK);
	}
	tls_server_method.free(self);
}

bool duo_accepted(const struct duo *d)
{
	return d->end == METHOD_SUCCEEDED && d->c.verdict.decision != FAIL;
}

static void check_keys(const struct duo *d)
{
	const struct eap_keys *a = &d->keys, *b = &d->c.keys;

	CHECK_INT(a->msk.len, 64);
	CHECK_INT(a->emsk.len, d->tunnel ? 64 : 0);
	CHECK_INT(b->emsk.len, 64);
	CHECK(a->session_id.len > 0);
	CHECK(a->peer_id.len > 0);
	CHECK(a->server_id.len > 0);
	CHECK(slice_eq(secret_slice(&a->msk), secret_slice(&b->msk)));
	CHECK(!d->tunnel || slice_eq(secret_slice(&a->emsk), secret_slice(&b->emsk)));
	CHECK(slice_eq(bytes_slice(&a->session_id), bytes_slice(&b->session_id)));
	CHECK(slice_eq(bytes_slice(&a->peer_id), bytes_slice(&b->peer_id)));
	CHECK(slice_eq(bytes_slice(&a->server_id), bytes_slice(&b->server_id)));
}

void duo_check_success(struct duo *d, bool resumed)
{
	duo_converse(d);
	CHECK(duo_accepted(d));
	CHECK_INT(d->why.id, DIAG_NONE);
	CHECK_INT(cast_diagnosed(&d->c), DIAG_NONE);
	if (!duo_accepted(d)) {
		test_note("server %s: %s, peer %s: %s", diagnosis_text(d->why.id)->name,
			  diagnosis_evidence(&d->why, "detail"),
			  diagnosis_text(cast_diagnosed(&d->c))->name,
			  cast_evidence(&d->c, "detail"));
		return;
	}
	check_keys(d);
	CHECK_INT(d->asked, 1);
	CHECK_INT(d->resumed, resumed);
	REQUIRE(d->reported);
	CHECK_INT(d->report.resumed, resumed);
	CHECK_STR(d->report.server_subject, "CN=Test Client");
	CHECK_INT(strlen(d->report.server_fingerprint), 64);
	CHECK(d->report.server_not_after > PKI_NOW);
}

void duo_check_failure(struct duo *d, enum diagnosis_id server, enum diagnosis_id peer)
{
	duo_converse(d);
	CHECK_INT(d->end, METHOD_FAILED);
	CHECK_INT(d->c.verdict.decision, FAIL);
	CHECK_INT(d->why.id, server);
	CHECK_INT(cast_diagnosed(&d->c), peer);
	CHECK(d->keys.msk.p == NULL);
	CHECK(d->c.keys.msk.p == NULL);
	if (d->why.id != server || cast_diagnosed(&d->c) != peer)
		test_note("server %s: %s, peer %s: %s", diagnosis_text(d->why.id)->name,
			  diagnosis_evidence(&d->why, "detail"),
			  diagnosis_text(cast_diagnosed(&d->c))->name,
			  cast_evidence(&d->c, "detail"));
}
