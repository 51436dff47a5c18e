/* What the service runs on a port that enrols or renews, from the profile to the keystore, against
 * our server of each tunnel. */
#include "daemon/enrolment.h"
#include "daemon/key_shelf.h"
#include "method/teap_server.h"
#include "method/ttls_server.h"
#include "tests/cprom_duo.h"
#include "tests/test.h"
#include "tests/unit/scratch.h"

#define MTU  1400
#define NAME "office"

struct rig {
	struct scratch dir;
	struct keystore *keystore;
	struct key_shelf *shelf;
	struct cprom_duo d; /* authority, registry and CPROM of the server; its peer is not used */
	struct pki_cert server;
	struct tls_server_config *tls;
	struct eap_policy_choice choice;
	struct eap_policy policy;
	struct teap_server_context teap;
	struct ttls_server_context ttls;
	const struct eap_server_method *method;
	bool refuse_admission; /* and an EAP-Failure follows */

	struct armed *armed;
	struct enrolment *enrolment;
	enum eap_server_state end;
	char steps[400];
	struct diagnosis why;
};

static struct trust *clients_of(struct rig *rig)
{
	struct bytes pem[] = { pki_pem(rig->d.root.cert), pki_pem(rig->d.factory_ca.cert) };
	const struct slice anchors[] = { bytes_slice(&pem[0]), bytes_slice(&pem[1]) };
	const struct trust_settings settings = { .role = CERT_CLIENT,
						 .anchors = anchors,
						 .anchor_count = 2 };
	struct trust *trust = NULL;
	struct diagnosis why;

	REQUIRE(trust_new(&settings, &trust, &why) == OK);
	bytes_done(&pem[0]);
	bytes_done(&pem[1]);
	return trust;
}

static void make_server(struct rig *rig)
{
	struct cprom_duo *d = &rig->d;
	AUTO(X509_STACK) chain = pki_chain(d->issuing.cert, NULL);
	struct diagnosis why;

	rig->server = pki_server("radius.example.org", &d->issuing);

	const struct tls_server_settings settings = { .trust = clients_of(rig),
						      .key = rig->server.key,
						      .cert = rig->server.cert,
						      .chain = chain,
						      .credential = "server",
						      .tunnel = true,
						      .client = TLS_CLIENT_OPTIONAL,
						      .root = d->root.cert };

	REQUIRE(tls_server_config_new(&settings, &rig->tls, &why) == OK);
	rig->choice =
		(struct eap_policy_choice){ .offers = { { &cprom_server_method, &d->context } },
					    .offer_count = 1 };
	rig->policy = (struct eap_policy){ .ask_identity = true,
					   .choices = &rig->choice,
					   .choice_count = 1 };
	rig->teap = (struct teap_server_context){ .tunnel = { .config = rig->tls },
						  .rounds = { { .eap = &rig->policy } },
						  .round_count = 1 };
	rig->ttls = (struct ttls_server_context){ .tunnel = { .config = rig->tls },
						  .eap = &rig->policy };
	rig->method = &teap_server_method;
}

static void rig_init(struct rig *rig)
{
	struct diagnosis why;
	char path[160];

	*rig = (struct rig){ .dir = scratch_make_fast() };
	cduo_init(&rig->d);
	make_server(rig);
	snprintf(path, sizeof path, "%s/keystore", rig->dir.path);
	REQUIRE(keystore_open(path, true, &rig->keystore, &why) == 0);
	REQUIRE(key_shelf_new(&rig->shelf) == 0);
	key_shelf_use(rig->shelf, rig->keystore);
}

static void rig_done(struct rig *rig)
{
	enrolment_free(rig->enrolment);
	armed_free(rig->armed);
	key_shelf_free(rig->shelf);
	keystore_free(rig->keystore);
	tls_server_config_free(rig->tls);
	pki_cert_done(&rig->server);
	cduo_done(&rig->d);
	scratch_done(&rig->dir);
}

#define WITH_RIG __attribute__((cleanup(rig_done))) struct rig

/* The token that the registry knows, with the pin of the network's root. */
static const char *token(struct rig *rig, char text[TOKEN_TEXT_MAX])
{
	uint8_t hash[CERT_HASH_LEN];

	REQUIRE(cert_spki_hash(rig->d.root.cert, hash));
	memcpy(rig->d.token.pin, hash, sizeof rig->d.token.pin);
	token_format(&rig->d.token, text);
	return text;
}

/* The profile again, with whatever is in the keystore now. */
static void arm(struct rig *rig, const char *enroll)
{
	AUTO_VALUE(ini_errors) errors = { 0 };
	struct profile *profile = NULL;
	char text[1000];
	int n = snprintf(text, sizeof text, "[TLS]\nCredential=" NAME "\n%s", enroll);

	armed_free(TAKE(rig->armed));
	REQUIRE(profile_parse(slice_of(text, (size_t)n), "/p/test.profile", &profile, &errors) ==
		0);
	REQUIRE(profile_arm(profile, rig->keystore, NULL, PKI_NOW, 0, &rig->armed, &rig->why) == 0);
}

static void tell_held(struct rig *rig, struct enrolment_job *job)
{
	const struct profile_credentials all = profile_enrolled(rig->armed->profile);
	struct credential_info info;
	struct diagnosis why;

	for (size_t i = 0; i < all.count; i++) {
		if (keystore_show(rig->keystore, all.is[i].name, &info, &why) == 0)
			snprintf(job->held[i], sizeof job->held[i], "%s", info.username);
	}
}

/* given: the text of a token, or NULL for a renewal. */
static int prepare(struct rig *rig, const char *given)
{
	const struct enrol_given wish = { .token = slice_str(given ? given : "") };
	struct enrolment_job job = { .store = key_shelf_store(rig->shelf, !given),
				     .common_name = "",
				     .kind = "" };
	struct diagnosis ignored;
	int r = 0;

	enrolment_free(TAKE(rig->enrolment));
	if (given)
		r = enrol_arm(rig->armed->profile, rig->keystore, *given ? &wish : NULL, PKI_NOW,
			      &job.means, &rig->why);
	if (r < 0)
		return r;
	(void)keystore_get(rig->keystore, NAME, &job.old, &ignored);
	job.armed = armed_ref(rig->armed);
	if (!given)
		tell_held(rig, &job);
	return enrolment_new(&job, &rig->enrolment, &rig->why);
}

static void note_steps(struct rig *rig)
{
	struct enrolment_event event;
	size_t n = strlen(rig->steps);

	while (enrolment_event(rig->enrolment, &event))
		n += (size_t)snprintf(rig->steps + n, sizeof rig->steps - n, "%s%s", n ? " " : "",
				      event.step);
}

static void answer(struct rig *rig, void *server)
{
	const struct eap_question *q = rig->method->question(server);
	struct enrol_reply enrolment = { .accept = true };
	struct eap_reply reply = { .accept = true };

	REQUIRE(q != NULL);
	if (q->kind == EAP_ASKS_ADMISSION)
		reply.accept = !rig->refuse_admission;
	if (q->kind == EAP_ASKS_ENROLMENT) {
		rig->d.questions[q->about.enrolment->kind]++;
		enrolment.accept = !(rig->d.refuse & 1u << q->about.enrolment->kind);
		enrolment.error = rig->d.refuse_error;
		cduo_answer_question(&rig->d, q->about.enrolment, &enrolment);
		reply.accept = enrolment.accept;
		reply.with.enrolment = &enrolment;
	}
	rig->end = rig->method->answer(server, &reply, rig->d.now);
}

/* One conversation; what came of it. */
static enum life_outcome converse(struct rig *rig)
{
	static uint8_t request[MTU], response[MTU];
	const struct eap_server_about about = { .now = rig->d.now };
	struct eap_peer_offer peer = enrolment_offer(rig->enrolment);
	struct eap_verdict verdict = { METHOD_MAY_CONT, FAIL, true };
	struct diagnosis said = { 0 };
	void *server;

	rig->steps[0] = '\0';
	rig->end = METHOD_GOES_ON;
	REQUIRE(rig->method->init(rig->method == &teap_server_method ? (void *)&rig->teap
								     : (void *)&rig->ttls,
				  &about, &server) == OK);
	peer.method->start(peer.self, rig->d.now);
	for (int i = 0; rig->end == METHOD_GOES_ON; i++) {
		struct wr out = wr_of(request, sizeof request),
			  in = wr_of(response, sizeof response);
		struct eap_packet packet = { .code = EAP_REQUEST, .type = rig->method->type };

		REQUIRE(i < 500);
		rig->method->build(server, &out);
		packet.data = wr_done(&out);
		verdict = peer.method->process(peer.self, &packet, rig->d.now);
		note_steps(rig);
		if (verdict.methodState == METHOD_DONE && verdict.decision == FAIL)
			break;
		peer.method->build(peer.self, &in);
		packet = (struct eap_packet){ .code = EAP_RESPONSE,
					      .type = rig->method->type,
					      .data = wr_done(&in) };
		rig->end = rig->method->process(server, &packet, rig->d.now);
		while (rig->end == METHOD_ASKS)
			answer(rig, server);
	}
	rig->method->free(server);
	if (rig->end == METHOD_SUCCEEDED && verdict.decision != FAIL && peer.method->succeeded)
		peer.method->succeeded(peer.self);
	said = *peer.method->diagnosis(peer.self);
	if (said.id == DIAG_NONE && rig->end != METHOD_SUCCEEDED && peer.method->refusal)
		peer.method->refusal(peer.self, &said);
	note_steps(rig);
	peer.method->stop(peer.self);
	return enrolment_outcome(rig->enrolment, &said, &rig->why);
}

static struct credential_info shown(struct rig *rig)
{
	struct credential_info info = { 0 };
	struct diagnosis why;

	(void)keystore_show(rig->keystore, NAME, &info, &why);
	return info;
}

static void told(const struct rig *rig, enum life_outcome outcome, enum life_outcome wanted)
{
	char text[600];

	CHECK_INT(outcome, wanted);
	if (outcome != wanted)
		test_note("%s (%s)", diagnosis_sentence(&rig->why, text, sizeof text), rig->steps);
}

/* ---- */

static const struct {
	const struct eap_server_method *method;
	const char *profile;
} tunnels[] = {
	{ &teap_server_method, "[Enroll]\nTunnel=teap\n" },
	{ &ttls_server_method, "[Enroll]\nTunnel=ttls\n" },
};

TEST(a_token_is_exchanged_for_a_credential_that_is_used)
{
	for (size_t i = 0; i < 2; i++) {
		WITH_RIG rig;
		char text[TOKEN_TEXT_MAX];

		rig_init(&rig);
		rig.method = tunnels[i].method;
		arm(&rig, tunnels[i].profile);
		CHECK(!rig.armed->ready);
		CHECK_INT(prepare(&rig, token(&rig, text)), 0);
		told(&rig, converse(&rig), LIFE_INSTALLED);
		CHECK_STR(rig.steps,
			  "tunnel authorized key-generated request-sent received checked "
			  "stored validated activated");
		CHECK_INT(shown(&rig).generation, 1);
		CHECK_INT(shown(&rig).proved, 0);
		CHECK_INT(shown(&rig).anchor_count, 1);
		arm(&rig, tunnels[i].profile);
		CHECK(rig.armed->ready);
		CHECK_INT(rig.armed->generation, 1);
	}
}

TEST(a_credential_renews_itself_and_is_on_trial_then)
{
	for (size_t i = 0; i < 2; i++) {
		WITH_RIG rig;
		char text[TOKEN_TEXT_MAX];

		rig_init(&rig);
		rig.method = tunnels[i].method;
		arm(&rig, tunnels[i].profile);
		REQUIRE(prepare(&rig, token(&rig, text)) == 0);
		told(&rig, converse(&rig), LIFE_INSTALLED);
		arm(&rig, tunnels[i].profile);
		REQUIRE(rig.armed->ready);
		CHECK_INT(prepare(&rig, NULL), 0);
		told(&rig, converse(&rig), LIFE_INSTALLED);
		CHECK_INT(rig.d.by, ENROL_BY_CERTIFICATE);
		CHECK_INT(shown(&rig).generation, 2);
		CHECK_INT(shown(&rig).proved, 1);
	}
}

TEST(the_type_of_the_method_is_agreed_on_at_both_ends)
{
	static const struct {
		const char *profile;
		enum life_outcome outcome;
	} rows[] = { { "EapType=65535:7\n", LIFE_INSTALLED },
		     { "EapType=7\n", LIFE_REFUSED },
		     { "", LIFE_REFUSED } };

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		WITH_RIG rig;
		struct eap_server_method method = cprom_server_method;
		char text[TOKEN_TEXT_MAX], profile[100];

		rig_init(&rig);
		method.type = (struct eap_type){ .vendor = 65535, .type = 7 };
		rig.choice.offers[0].method = &method;
		snprintf(profile, sizeof profile, "%s%s", tunnels[0].profile, rows[i].profile);
		arm(&rig, profile);
		REQUIRE(prepare(&rig, token(&rig, text)) == 0);
		told(&rig, converse(&rig), rows[i].outcome);
		CHECK_INT(rig.why.id,
			  rows[i].outcome == LIFE_INSTALLED ? DIAG_NONE : DIAG_ENROL_NOT_OFFERED);
	}
}

TEST(a_factory_credential_enrolls_without_a_token)
{
	WITH_RIG rig;
	AUTO_VALUE(bytes) pem = { 0 };
	struct enrol_given given = { .factory = "idevid" };
	struct enrolment_job job = { .common_name = "", .kind = "" };
	struct diagnosis why;
	unsigned generation;
	char profile[600];

	rig_init(&rig);
	pem = pki_pem(rig.d.root.cert);
	scratch_put(&rig.dir, "root.pem", "", 0644);
	pki_write(rig.dir.file, bytes_slice(&pem), 0644);
	REQUIRE(keystore_begin(rig.keystore, "idevid", rig.d.factory.key, NULL, &why) == 0);
	REQUIRE(keystore_finish(rig.keystore, "idevid",
				&(struct keystore_parts){ .cert = rig.d.factory.cert }, &generation,
				&why) == 0);
	REQUIRE(keystore_try(rig.keystore, "idevid", generation, &why) == 0);
	snprintf(profile, sizeof profile,
		 "[Server]\nTrustAnchor=%s/root.pem\nServerName=radius.example.org\n"
		 "[Enroll]\nTunnel=teap\n",
		 rig.dir.path);
	arm(&rig, profile);
	REQUIRE(enrol_arm(rig.armed->profile, rig.keystore, &given, PKI_NOW, &job.means,
			  &rig.why) == 0);
	job.store = key_shelf_store(rig.shelf, false);
	job.armed = armed_ref(rig.armed);
	REQUIRE(enrolment_new(&job, &rig.enrolment, &rig.why) == 0);
	told(&rig, converse(&rig), LIFE_INSTALLED);
	CHECK_INT(rig.d.by, ENROL_BY_CERTIFICATE);
	CHECK_INT(shown(&rig).generation, 1);
}

/* The tunnel is not even entered: nobody learns of the token. */
TEST(the_pin_of_a_token_is_what_the_server_is_judged_by)
{
	WITH_RIG rig;
	char text[TOKEN_TEXT_MAX];

	rig_init(&rig);
	arm(&rig, tunnels[0].profile);
	token(&rig, text);
	rig.d.token.pin[3] ^= 1;
	token_format(&rig.d.token, text);
	REQUIRE(prepare(&rig, text) == 0);
	told(&rig, converse(&rig), LIFE_FAILED);
	CHECK_INT(rig.why.id, DIAG_ENROL_OTHER_NETWORK);
	CHECK_STR(diagnosis_evidence(&rig.why, "fingerprint") ? "there" : "missing", "there");
	CHECK_STR(rig.steps, "");
	CHECK_INT(rig.d.questions[ENROL_ASKS_AUTHORISE], 0);
	CHECK_INT(shown(&rig).generation, 0);
}

TEST(who_says_no_is_told_and_is_not_asked_at_once)
{
	static const struct {
		enum enrol_question_kind kind;
		unsigned error;
		enum life_outcome outcome;
		enum diagnosis_id id;
	} rows[] = {
		{ ENROL_ASKS_AUTHORISE, ENROL_ERROR_TOKEN_REFUSED, LIFE_REFUSED,
		  DIAG_ENROL_TOKEN_REFUSED },
		{ ENROL_ASKS_ISSUE, ENROL_ERROR_CA_REFUSED, LIFE_REFUSED, DIAG_ENROL_CA_REFUSED },
		{ ENROL_ASKS_ISSUE, ENROL_ERROR_INTERNAL, LIFE_FAILED, DIAG_ENROL_INTERNAL },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		WITH_RIG rig;
		char text[TOKEN_TEXT_MAX];

		rig_init(&rig);
		arm(&rig, tunnels[0].profile);
		REQUIRE(prepare(&rig, token(&rig, text)) == 0);
		rig.d.refuse = 1u << rows[i].kind;
		rig.d.refuse_error = rows[i].error;
		told(&rig, converse(&rig), rows[i].outcome);
		CHECK_INT(rig.why.id, rows[i].id);
		CHECK_INT(shown(&rig).generation, 0);
	}
}

TEST(a_renewal_that_is_refused_leaves_the_old_one)
{
	WITH_RIG rig;
	char text[TOKEN_TEXT_MAX];

	rig_init(&rig);
	arm(&rig, tunnels[0].profile);
	REQUIRE(prepare(&rig, token(&rig, text)) == 0);
	told(&rig, converse(&rig), LIFE_INSTALLED);
	arm(&rig, tunnels[0].profile);
	REQUIRE(prepare(&rig, NULL) == 0);
	rig.d.refuse = 1u << ENROL_ASKS_ISSUE;
	rig.d.refuse_error = ENROL_ERROR_CA_REFUSED;
	told(&rig, converse(&rig), LIFE_REFUSED);
	CHECK_INT(shown(&rig).generation, 1);
	CHECK_INT(shown(&rig).proved, 0);
	CHECK_INT(shown(&rig).generations, 1);
}

/* Success inside, and no admission: the credential is there all the same. */
TEST(who_is_sent_away_has_its_credential)
{
	WITH_RIG rig;
	char text[TOKEN_TEXT_MAX];

	rig_init(&rig);
	rig.method = tunnels[1].method;
	rig.refuse_admission = true;
	arm(&rig, tunnels[1].profile);
	REQUIRE(prepare(&rig, token(&rig, text)) == 0);
	told(&rig, converse(&rig), LIFE_INSTALLED);
	CHECK(rig.end == METHOD_FAILED);
	CHECK_INT(shown(&rig).generation, 1);
}

TEST(what_is_asked_for_is_as_the_profile_says)
{
	WITH_RIG rig;
	char text[TOKEN_TEXT_MAX];

	rig_init(&rig);
	arm(&rig, "[Enroll]\nCommonName=desk 7\nKey=P-384\nMudUrl=https://example.com/m\n"
		  "Profile=desks\n");
	REQUIRE(prepare(&rig, token(&rig, text)) == 0);
	told(&rig, converse(&rig), LIFE_INSTALLED);
	CHECK_STR(shown(&rig).cert.subject, "CN=desk 7");
	CHECK_STR(shown(&rig).cert.key, "P-384");
	CHECK_STR(rig.d.mud_url, "https://example.com/m");
	CHECK_STR(rig.d.profile_wanted, "desks");
}

/* ---- more than a certificate ---- */

#define SECRETS                                                                                    \
	"[EAP]\nMethod=ttls\n[Inner]\nMethod=pap\nCredential=account\n"                            \
	"[Enroll]\nTunnel=ttls\nSymmetricKey=sensor\n"
#define EVERY_KIND (1u << ENROL_X509 | 1u << ENROL_PASSWORD | 1u << ENROL_SYMMETRIC)

static void rig_of_secrets(struct rig *rig, unsigned given)
{
	rig_init(rig);
	rig->method = &ttls_server_method;
	rig->d.grant.credentials = given;
	rig->d.username = "printer7";
	arm(rig, SECRETS);
}

static unsigned generation_of(struct rig *rig, const char *name)
{
	AUTO_VALUE(credential_secret) c = { 0 };
	struct diagnosis why;

	return keystore_get_secret(rig->keystore, name, &c, &why) == 0 ? c.generation : 0;
}

TEST(several_credentials_come_in_one_session)
{
	WITH_RIG rig;
	AUTO_VALUE(credential_secret) key = { 0 };
	struct diagnosis why;
	char text[TOKEN_TEXT_MAX];

	rig_of_secrets(&rig, EVERY_KIND);
	REQUIRE(prepare(&rig, token(&rig, text)) == 0);
	told(&rig, converse(&rig), LIFE_INSTALLED);
	CHECK_INT(rig.d.questions[ENROL_ASKS_AUTHORISE], 1);
	CHECK_INT(shown(&rig).generation, 1);
	REQUIRE(keystore_get_secret(rig.keystore, "sensor", &key, &why) == 0);
	CHECK_INT(key.kind, CREDENTIAL_SYMMETRIC);
	CHECK_INT(key.secret.len, 32);
	arm(&rig, SECRETS);
	REQUIRE(rig.armed->ready);
	CHECK_STR(rig.armed->inner.identity, "printer7");
	CHECK_STR(rig.armed->credential, NAME);
	CHECK_INT(rig.armed->inner.password.len, 32);
}

/* They are told to be there, so that the server gives no others. */
TEST(a_renewal_leaves_secrets_as_they_are)
{
	WITH_RIG rig;
	char text[TOKEN_TEXT_MAX];

	rig_of_secrets(&rig, EVERY_KIND);
	REQUIRE(prepare(&rig, token(&rig, text)) == 0);
	told(&rig, converse(&rig), LIFE_INSTALLED);
	arm(&rig, SECRETS);
	REQUIRE(prepare(&rig, NULL) == 0);
	told(&rig, converse(&rig), LIFE_INSTALLED);
	CHECK_INT(shown(&rig).generation, 2);
	CHECK_INT(generation_of(&rig, "account"), 1);
	CHECK_INT(generation_of(&rig, "sensor"), 1);
}

TEST(a_server_that_gives_too_little_is_not_asked_at_once)
{
	static const struct {
		unsigned given;
		enum life_outcome outcome;
		unsigned certificate, password, key; /* generations afterwards */
	} rows[] = {
		/* without a password the port is not opened, without the key it is */
		{ 1u << ENROL_X509, LIFE_REFUSED, 1, 0, 0 },
		{ 1u << ENROL_X509 | 1u << ENROL_SYMMETRIC, LIFE_REFUSED, 1, 0, 1 },
		{ 1u << ENROL_X509 | 1u << ENROL_PASSWORD, LIFE_INSTALLED, 1, 1, 0 },
		{ 1u << ENROL_PASSWORD, LIFE_REFUSED, 0, 1, 0 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		WITH_RIG rig;
		char text[TOKEN_TEXT_MAX];

		rig_of_secrets(&rig, rows[i].given);
		REQUIRE(prepare(&rig, token(&rig, text)) == 0);
		told(&rig, converse(&rig), rows[i].outcome);
		if (rows[i].outcome == LIFE_REFUSED)
			CHECK_INT(rig.why.id, DIAG_ENROL_NOTHING_DONE);
		CHECK_INT(shown(&rig).generation, rows[i].certificate);
		CHECK_INT(generation_of(&rig, "account"), rows[i].password);
		CHECK_INT(generation_of(&rig, "sensor"), rows[i].key);
	}
}

TEST(what_is_not_wanted_is_refused_and_nothing_is_kept)
{
	WITH_RIG rig;
	char text[TOKEN_TEXT_MAX];

	rig_init(&rig);
	rig.d.grant.credentials = EVERY_KIND;
	rig.d.username = "printer7";
	arm(&rig, tunnels[0].profile);
	REQUIRE(prepare(&rig, token(&rig, text)) == 0);
	told(&rig, converse(&rig), LIFE_REFUSED);
	CHECK_INT(rig.why.id, DIAG_ENROL_ACTION_REFUSED);
	CHECK_INT(shown(&rig).generation, 0);
}
