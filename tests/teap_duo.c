#include "tests/teap_duo.h"

#include "method/mschapv2_peer.h"
#include "tests/legacy.h"
#include "tests/test.h"

const char *const teap_inner_names[TEAP_INNERS] = { "EAP-MSCHAPv2", "EAP-TLS",
						    "Basic-Password-Auth" };
static const struct slice names[TEAP_IDENTITIES_MAX] = { { (const uint8_t *)"bob", 3 },
							 { (const uint8_t *)"host/desk", 9 } };

/* ---- a method that enrols ------------------------------------------------------------------- */

#define EAP_TYPE_ENROLS 255

unsigned teap_enrolments_told;

static void enrols_start(void *self, struct moment now)
{
	(void)self;
	(void)now;
}

static struct eap_verdict enrols_process(void *self, const struct eap_packet *request,
					 struct moment now)
{
	(void)self;
	(void)request;
	(void)now;
	return (struct eap_verdict){ METHOD_MAY_CONT, COND_SUCC, false };
}

static void enrols_build(void *self, struct wr *w)
{
	(void)self;
	wr_u8(w, 1);
}

static bool enrols_take_keys(void *self, struct eap_keys *ret_keys)
{
	(void)self;
	(void)ret_keys;
	return false;
}

static const struct diagnosis *enrols_diagnosis(const void *self)
{
	static const struct diagnosis none;

	(void)self;
	return &none;
}

static bool enrols_report(const void *self, struct eap_report *ret_report)
{
	(void)self;
	(void)ret_report;
	return false;
}

static const char *enrols_stage(const void *self)
{
	(void)self;
	return "enrolment";
}

static void enrols_drop(void *self)
{
	(void)self;
}

static void enrols_succeeded(void *self)
{
	(void)self;
	teap_enrolments_told++;
}

static const struct eap_peer_method enrols_peer = {
	.name = "ENROLS",
	.type = { 0, EAP_TYPE_ENROLS },
	.inner_only = true,
	.start = enrols_start,
	.process = enrols_process,
	.build = enrols_build,
	.take_keys = enrols_take_keys,
	.diagnosis = enrols_diagnosis,
	.report = enrols_report,
	.stage = enrols_stage,
	.succeeded = enrols_succeeded,
	.stop = enrols_drop,
	.free = enrols_drop,
};

static enum status enrols_init(void *context, const struct eap_server_about *about, void **ret_self)
{
	CHECK(about->tunnel != NULL);
	*ret_self = context;
	return OK;
}

static enum eap_server_state enrols_hear(void *self, const struct eap_packet *response,
					 struct moment now)
{
	(void)self;
	(void)response;
	(void)now;
	return METHOD_ASKS;
}

static const struct eap_question *enrols_question(const void *self)
{
	static const struct eap_question question = { .kind = EAP_ASKS_ENROLMENT };

	(void)self;
	return &question;
}

static enum eap_server_state enrols_answer(void *self, const struct eap_reply *reply,
					   struct moment now)
{
	(void)self;
	(void)now;
	return reply->accept ? METHOD_SUCCEEDED : METHOD_FAILED;
}

static const struct eap_server_method enrols_server = {
	.name = "ENROLS",
	.type = { 0, EAP_TYPE_ENROLS },
	.inner_only = true,
	.init = enrols_init,
	.process = enrols_hear,
	.question = enrols_question,
	.answer = enrols_answer,
	.build = enrols_build,
	.take_keys = enrols_take_keys,
	.diagnosis = enrols_diagnosis,
	.report = enrols_report,
	.stage = enrols_stage,
	.free = enrols_drop,
};

void teap_duo_init(struct teap_duo *d)
{
	*d = (struct teap_duo){ .client = TLS_CLIENT_OPTIONAL };
	cast_init(&d->c);
	REQUIRE(secret_set(&d->password, slice_str("secret")) == OK);
	d->server_context.authority_id = slice_str("home");
	d->server_context.prompt = "Password: ";
}

/* ---- both ends ------------------------------------------------------------------------------ */

static struct trust *trust_in(struct teap_duo *d, struct trust_settings settings)
{
	struct bytes anchor = pki_pem(d->c.ca.cert);
	const struct slice anchors[] = { bytes_slice(&anchor) };
	struct trust *trust = NULL;
	struct diagnosis why;

	if (!settings.insecure_no_check) {
		settings.anchors = anchors;
		settings.anchor_count = 1;
	}
	REQUIRE(trust_new(&settings, &trust, &why) == OK);
	bytes_done(&anchor);
	return trust;
}

static struct tls_config *peer_config(struct teap_duo *d, bool certificate, bool resume)
{
	struct tls_peer_settings s = { .trust = trust_in(d, d->c.trust),
				       .credential = "desk",
				       .max = d->version,
				       .resume = resume };
	struct tls_config *config = NULL;
	struct diagnosis why;

	if (certificate) {
		s.key = d->c.client_cert.key;
		s.cert = d->c.client_cert.cert;
	}
	REQUIRE(tls_config_new(&s, &config, &why) == OK);
	return config;
}

static struct tls_server_config *server_config(struct teap_duo *d, bool tunnel)
{
	struct tls_server_settings s = { .key = d->c.server_cert.key,
					 .cert = d->c.server_cert.cert,
					 .credential = "server",
					 .max = d->version,
					 .tunnel = tunnel,
					 .client = tunnel ? d->client : TLS_CLIENT_REQUIRED };
	struct tls_server_config *config = NULL;
	struct diagnosis why;

	s.resumption = tunnel ? TLS_RESUME_MEMORY : TLS_RESUME_OFF;
	if (s.client != TLS_CLIENT_NONE)
		s.trust = trust_in(d, (struct trust_settings){ .role = CERT_CLIENT });
	REQUIRE(tls_server_config_new(&s, &config, &why) == OK);
	return config;
}

static struct inner_peer *inner_peer(struct teap_duo *d, enum teap_inner inner, struct slice name)
{
	const struct inner_account account = { name, &d->password, test_mschap() };
	struct inner_peer_settings s = { .identity = name, .offer_count = 1 };
	struct mschapv2_peer *mschapv2 = NULL;
	struct tls_peer *tls = NULL;
	struct inner_peer *made = NULL;

	if (inner == TEAP_BY_PASSWORD)
		return NULL;
	if (inner == TEAP_BY_ENROLMENT) {
		s.offers[0] = (struct eap_peer_offer){ &enrols_peer, d };
	} else if (inner == TEAP_BY_MSCHAPV2) {
		REQUIRE(mschapv2_peer_new(&account, &mschapv2) == OK);
		s.offers[0] = (struct eap_peer_offer){ &mschapv2_peer_method, mschapv2 };
	} else {
		if (!d->inner_peer_config)
			d->inner_peer_config = peer_config(d, true, false);
		REQUIRE(tls_peer_new(d->inner_peer_config, NULL, &tls) == OK);
		s.offers[0] = (struct eap_peer_offer){ &tls_peer_method, tls };
	}
	REQUIRE(inner_peer_new(&s, &made) == OK);
	return made;
}

void teap_duo_add_peer(struct teap_duo *d, enum teap_identity type, enum teap_inner inner)
{
	struct slice name = names[type == TEAP_MACHINE];

	d->peer_settings.identities[d->peer_settings.identity_count++] =
		(struct teap_peer_identity){
			.type = type,
			.name = name,
			.eap = inner_peer(d, inner, name),
			.password = inner == TEAP_BY_PASSWORD ? &d->password : NULL,
		};
}

void teap_duo_add_server(struct teap_duo *d, enum teap_identity type, enum teap_inner inner)
{
	const struct eap_server_offer offers[TEAP_BY_ENROLMENT + 1] = {
		[TEAP_BY_ENROLMENT] = { &enrols_server, d },
		[TEAP_BY_MSCHAPV2] = { &mschapv2_server_method, &d->mschapv2 },
		[TEAP_BY_TLS] = { &tls_server_method, &d->inner_tls },
	};
	struct teap_round *round = &d->server_context.rounds[d->server_context.round_count++];

	*round = (struct teap_round){ .type = type, .password = inner == TEAP_BY_PASSWORD };
	if (inner == TEAP_BY_PASSWORD)
		return;
	d->choices[inner] =
		(struct eap_policy_choice){ .offers = { offers[inner] }, .offer_count = 1 };
	d->policies[inner] = (struct eap_policy){ .ask_identity = true,
						  .choices = &d->choices[inner],
						  .choice_count = 1 };
	round->eap = &d->policies[inner];
}

void teap_duo_add(struct teap_duo *d, enum teap_identity type, enum teap_inner inner)
{
	teap_duo_add_peer(d, type, inner);
	teap_duo_add_server(d, type, inner);
}

void teap_duo_load(struct teap_duo *d)
{
	d->mschapv2 = (struct mschapv2_server_context){ .mschap = test_mschap(), .name = "here" };
	d->inner_tls.config = server_config(d, false);
	d->server_context.tunnel.config = server_config(d, true);
	d->peer_config = peer_config(d, d->peer_has_certificate, true);
	REQUIRE((d->hostile_peer
			 ? tunnel_peer_new(d->peer_config, NULL, d->hostile_peer, d, &d->peer)
			 : teap_peer_new(d->peer_config, &d->peer_settings, &d->peer)) == OK);
	d->server = d->server ? d->server : &teap_server_method;
	d->server_own_context = d->server_own_context ? d->server_own_context : &d->server_context;
}

void teap_duo_done(struct teap_duo *d)
{
	teap_peer_method.free(d->peer);
	tls_config_free(d->peer_config);
	tls_config_free(d->inner_peer_config);
	tls_server_config_free(d->inner_tls.config);
	tls_server_config_free(d->server_context.tunnel.config);
	secret_done(&d->password);
	eap_keys_done(&d->server_keys);
	eap_keys_done(&d->peer_keys);
	cast_done(&d->c);
}

/* ---- the world ------------------------------------------------------------------------------ */

static void answer_password(struct teap_duo *d, const struct eap_account_question *q,
			    struct eap_reply *reply, uint8_t hash[MSCHAP_HASH_SIZE])
{
	struct slice password = slice_str(d->wrong_password ? "other" : "secret");

	d->passwords++;
	reply->accept = slice_eq(q->name, names[0]) || slice_eq(q->name, names[1]);
	if (q->use == EAP_PASSWORD_COMPARE) {
		reply->accept = reply->accept && slice_eq(q->typed, password);
		return;
	}
	REQUIRE(mschap_password_hash(test_mschap(), password, hash) == OK);
	reply->with.password.secret = slice_of(hash, MSCHAP_HASH_SIZE);
}

static void note_admission(struct teap_duo *d, const struct eap_admission_question *q)
{
	d->admissions++;
	snprintf(d->identity, sizeof d->identity, "%.*s", (int)q->identity.len,
		 q->identity.len ? (const char *)q->identity.p : "");
	snprintf(d->other, sizeof d->other, "%.*s", (int)q->other.len,
		 q->other.len ? (const char *)q->other.p : "");
	snprintf(d->inner, sizeof d->inner, "%s", q->inner ? q->inner : "-");
	d->resumed = q->resumed;
	d->has_claim = q->claim != NULL;
	d->enrolled = q->enrolled;
	d->missed = q->missed ? q->missed->id : DIAG_NONE;
}

static void answer(struct teap_duo *d, void *self)
{
	const struct eap_question *q = d->server->question(self);
	struct enrol_reply enrolment = { .accept = true };
	struct eap_reply reply = { .accept = true };
	uint8_t hash[MSCHAP_HASH_SIZE];

	REQUIRE(q != NULL);
	switch (q->kind) {
	case EAP_ASKS_CERTIFICATE:
		d->certificates++;
		CHECK(q->tunnel);
		reply.accept = !d->refuse_certificate;
		break;
	case EAP_ASKS_PASSWORD:
		answer_password(d, &q->about.account, &reply, hash);
		break;
	case EAP_ASKS_ADMISSION:
		note_admission(d, &q->about.admission);
		reply.accept = !d->refuse_admission;
		break;
	case EAP_ASKS_ENROLMENT:
		if (!d->enrolment)
			break;
		d->enrolment(d->enrolment_context, q->about.enrolment, &enrolment);
		reply.accept = enrolment.accept;
		reply.with.enrolment = &enrolment;
		break;
	}
	d->end = d->server->answer(self, &reply, d->c.now);
}

/* ---- a conversation ------------------------------------------------------------------------- */

static bool given_up(const struct teap_duo *d)
{
	return d->verdict.methodState == METHOD_DONE && d->verdict.decision == FAIL;
}

static bool ask(struct teap_duo *d, struct slice type_data, struct wr *response)
{
	const struct eap_packet request = { .code = EAP_REQUEST,
					    .type = eap_type(EAP_TYPE_TEAP),
					    .data = type_data };

	if (teap_peer_method.check(d->peer, &request))
		return false;
	d->verdict = teap_peer_method.process(d->peer, &request, d->c.now);
	teap_peer_method.take_keys(d->peer, &d->peer_keys);
	if (given_up(d))
		return false;
	teap_peer_method.build(d->peer, response);
	REQUIRE(wr_ok(response));
	return true;
}

static void hear(struct teap_duo *d, void *self, struct slice type_data)
{
	const struct eap_packet response = { .code = EAP_RESPONSE,
					     .type = eap_type(EAP_TYPE_TEAP),
					     .data = type_data };

	REQUIRE(!d->server->check(self, &response));
	d->end = d->server->process(self, &response, d->c.now);
	while (d->end == METHOD_ASKS)
		answer(d, self);
}

static void forget(struct teap_duo *d)
{
	eap_keys_done(&d->server_keys);
	eap_keys_done(&d->peer_keys);
	d->rounds = d->passwords = d->certificates = d->admissions = 0;
	d->identity[0] = d->other[0] = d->inner[0] = '\0';
	d->resumed = d->has_claim = d->enrolled = false;
	d->end = METHOD_GOES_ON;
	d->verdict = (struct eap_verdict){ METHOD_MAY_CONT, FAIL, true };
	d->report = (struct eap_report){ 0 };
}

void teap_duo_converse(struct teap_duo *d)
{
	static uint8_t request[MTU], response[MTU];
	const struct eap_server_about about = { .now = d->c.now };
	void *self;

	forget(d);
	REQUIRE(d->server->init(d->server_own_context, &about, &self) == OK);
	teap_peer_method.start(d->peer, d->c.now);
	while (d->end == METHOD_GOES_ON) {
		struct wr out = wr_of(request, sizeof request);
		struct wr in = wr_of(response, sizeof response);

		REQUIRE(d->rounds++ < 1000);
		d->server->build(self, &out);
		REQUIRE(wr_ok(&out));
		if (!ask(d, wr_done(&out), &in))
			break;
		hear(d, self, wr_done(&in));
	}
	d->server_why = *d->server->diagnosis(self);
	if (d->server->take_keys(self, &d->server_keys))
		REQUIRE(d->server->session_id(self, &d->server_keys.session_id) == OK);
	d->server->free(self);
	if (teap_duo_accepted(d)) {
		teap_peer_method.succeeded(d->peer);
		REQUIRE(teap_peer_method.report(d->peer, &d->report));
	}
	d->peer_why = *teap_peer_method.diagnosis(d->peer);
	if (d->peer_why.id == DIAG_NONE && !teap_duo_accepted(d))
		teap_peer_method.refusal(d->peer, &d->peer_why);
	teap_peer_method.stop(d->peer);
}

bool teap_duo_accepted(const struct teap_duo *d)
{
	return d->end == METHOD_SUCCEEDED && d->verdict.decision == UNCOND_SUCC;
}

static void tell(const struct teap_duo *d)
{
	test_note("%u rounds; server %s: %s %s; peer %s: %s %s", d->rounds,
		  diagnosis_text(d->server_why.id)->name,
		  diagnosis_evidence(&d->server_why, "detail"),
		  diagnosis_evidence(&d->server_why, "error"), diagnosis_text(d->peer_why.id)->name,
		  diagnosis_evidence(&d->peer_why, "detail"),
		  diagnosis_evidence(&d->peer_why, "error"));
}

void teap_duo_check_success(struct teap_duo *d, bool resumed)
{
	const struct eap_keys *a = &d->server_keys, *b = &d->peer_keys;

	teap_duo_converse(d);
	CHECK(teap_duo_accepted(d));
	if (!teap_duo_accepted(d)) {
		tell(d);
		return;
	}
	CHECK_INT(d->server_why.id, DIAG_NONE);
	CHECK_INT(d->peer_why.id, DIAG_NONE);
	CHECK_INT(a->msk.len, 64);
	CHECK_INT(a->emsk.len, 64);
	CHECK(slice_eq(secret_slice(&a->msk), secret_slice(&b->msk)));
	CHECK(slice_eq(secret_slice(&a->emsk), secret_slice(&b->emsk)));
	CHECK(!slice_eq(secret_slice(&a->msk), secret_slice(&a->emsk)));
	CHECK(a->session_id.len > 1 && a->session_id.p[0] == EAP_TYPE_TEAP);
	CHECK(slice_eq(bytes_slice(&a->session_id), bytes_slice(&b->session_id)));
	CHECK_INT(d->admissions, 1);
	CHECK_INT(d->resumed, resumed);
	CHECK_INT(d->report.resumed, resumed);
}

void teap_duo_check_failure(struct teap_duo *d, enum diagnosis_id server, enum diagnosis_id peer)
{
	teap_duo_converse(d);
	CHECK(d->end != METHOD_SUCCEEDED);
	CHECK(d->verdict.decision != UNCOND_SUCC);
	CHECK_INT(d->server_why.id, server);
	CHECK_INT(d->peer_why.id, peer);
	CHECK(d->server_keys.msk.p == NULL);
	CHECK(d->peer_keys.msk.p == NULL);
	if (d->server_why.id != server || d->peer_why.id != peer)
		tell(d);
}
