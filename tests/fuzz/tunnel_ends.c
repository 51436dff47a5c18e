#include "tests/fuzz/tunnel_ends.h"

#include <assert.h>
#include <stdio.h>

#include "enrol/names.h"
#include "enrol/pkcs.h"
#include "method/gtc_peer.h"
#include "method/gtc_server.h"
#include "method/mschapv2_peer.h"
#include "method/mschapv2_server.h"
#include "method/peap_peer.h"
#include "method/peap_server.h"
#include "method/teap_peer.h"
#include "method/teap_server.h"
#include "method/tls_peer.h"
#include "method/tls_server.h"
#include "method/ttls_peer.h"
#include "method/ttls_server.h"
#include "tests/cprom_duo.h"
#include "tests/fuzz/fake_tls.h"
#include "tests/fuzz/meddle.h"
#include "tests/legacy.h"
#include "tests/pki.h"

#define ROUNDS_MAX    80
#define SMALL_PACKET  150
#define CONVERSATIONS 2

enum kind { TTLS, PEAP, TEAP, TLS };

/* From the two octets. */
struct how {
	enum kind kind;
	bool tls_1_2, small, inside, refuses, gtc, provisions;
	uint8_t inner; /* what is particular to a kind */
	unsigned conversations;
};

static const struct moment now = { .mono = 1000, .wall = PKI_NOW };

static struct {
	bool made;
	struct tls_config *peer;
	struct tls_server_config *server[2][2]; /* of a tunnel, or not; TLS 1.3, 1.2 */
	struct secret password;
	struct mschapv2_server_context mschapv2;
	struct eap_policy_choice choice;
	struct eap_policy policy;
	struct pki_cert ca, client;
} cast;

static struct cprom_duo world; /* of certificates that TEAP asks for */

static struct meddler meddler;
static bool change_requests;

static struct trust *trust_in(const struct pki_cert *ca, enum cert_role role)
{
	AUTO_VALUE(bytes) pem = pki_pem(ca->cert);
	const struct slice anchor = bytes_slice(&pem);
	const char *const name = "radius.example.org";
	const struct trust_settings settings = { .role = role,
						 .anchors = &anchor,
						 .anchor_count = 1,
						 .names = &name,
						 .name_count = role == CERT_SERVER };
	struct trust *trust;
	struct diagnosis why;

	assert(trust_new(&settings, &trust, &why) == OK);
	return trust;
}

static void make_cast(void)
{
	struct tls_peer_settings peer = { .credential = "desk", .resume = true };
	struct diagnosis why;

	cast.ca = pki_ca("Root");
	cast.client = pki_client("desk", &cast.ca);
	peer.trust = trust_in(&cast.ca, CERT_SERVER);
	peer.key = cast.client.key;
	peer.cert = cast.client.cert;
	assert(tls_config_new(&peer, &cast.peer, &why) == OK);
	for (unsigned i = 0; i < 4; i++) {
		bool tunnel = i < 2;
		struct tls_server_settings server = {
			.trust = trust_in(&cast.ca, CERT_CLIENT),
			.max = i & 1 ? TLS_1_2 : TLS_1_3,
			.resumption = TLS_RESUME_MEMORY,
			.tunnel = tunnel,
			.client = tunnel ? TLS_CLIENT_OPTIONAL : TLS_CLIENT_REQUIRED,
		};

		assert(tls_server_config_new(&server, &cast.server[!tunnel][i & 1], &why) == OK);
	}
	assert(secret_set(&cast.password, slice_str("secret")) == OK);
	cast.mschapv2 = (struct mschapv2_server_context){ .mschap = test_mschap(), .name = "test" };
	cast.choice.offer_count = 2;
	cast.policy = (struct eap_policy){ .ask_identity = true,
					   .choices = &cast.choice,
					   .choice_count = 1 };
	cast.made = true;
}

static void make_world(void)
{
	static const struct enrol_peer_protocol *const protocol = &pkcs_peer;

	cduo_init(&world);
	world.known_key = pki_key("Ed25519");
	world.policy.authorisations = 1u << ENROL_BY_CERTIFICATE | 1u << ENROL_BY_ACCOUNT;
	world.peer_settings.protocols = &protocol;
	world.peer_settings.token.kind = CPROM_NO_TOKEN;
	world.peer_settings.store = (struct enrol_store_ref){ &cduo_store, &world };
	world.authority.issuer = cast.ca.cert;
	x509_stack_free(world.authority.chain);
	x509_stack_free(world.authority.anchors);
	world.authority.chain = sk_X509_new_null();
	world.authority.anchors = pki_chain(cast.ca.cert, NULL);
	world.issue_by = &cast.ca;
}

/* A certificate for an account, or a new one for who shows one. */
static struct cprom_peer *errand_of(const struct how *how)
{
	struct cprom_credential *c = &world.credentials[0];
	bool renews = how->inner & 64;
	struct cprom_peer *peer;

	if (!world.known_key)
		make_world();
	c->action = renews ? ENROL_RENEW : ENROL_REGISTER;
	c->cert = renews ? cast.client.cert : NULL;
	c->key = renews ? cast.client.key : NULL;
	assert(names_of_cert(cast.client.cert, &c->names, NULL) == OK);
	world.issue_cn = c->names.common_name;
	/* Whom the registry knows renews. */
	snprintf(world.grant.machine, sizeof world.grant.machine, "%s", renews ? "desk" : "");
	assert(cprom_peer_new(&world.peer_settings, &peer) == OK);
	return peer;
}

/* ---- ends ----------------------------------------------------------------------------------- */

static const struct inner_account *account(void)
{
	static struct inner_account bob;

	bob = (struct inner_account){ slice_str("bob"), &cast.password, test_mschap() };
	return &bob;
}

static struct inner_peer *inner_of(const struct how *how)
{
	struct inner_peer_settings settings = { .identity = account()->identity, .offer_count = 2 };
	struct mschapv2_peer *mschapv2;
	struct gtc_peer *gtc;
	struct inner_peer *inner;

	assert(mschapv2_peer_new(account(), &mschapv2) == OK &&
	       gtc_peer_new(account(), &gtc) == OK);
	settings.offers[how->gtc] = (struct eap_peer_offer){ &mschapv2_peer_method, mschapv2 };
	settings.offers[!how->gtc] = (struct eap_peer_offer){ &gtc_peer_method, gtc };
	assert(inner_peer_new(&settings, &inner) == OK);
	return inner;
}

struct peer {
	const struct eap_peer_method *method;
	void *self;
};

static struct peer peer_of(const struct how *how)
{
	static const struct eap_peer_method *const methods[] = {
		&ttls_peer_method, &peap_peer_method, &teap_peer_method, &tls_peer_method
	};
	struct ttls_peer_settings ttls = { .inner = (enum ttls_inner)(how->inner % 5),
					   .account = *account() };
	struct peap_peer_settings peap = { .require_binding = how->inner & 1 };
	struct teap_peer_settings teap = {
		.identities = { { .type = TEAP_USER,
				  .name = account()->identity,
				  .password = &cast.password } },
		.identity_count = 1,
		.certificate = TEAP_MACHINE,
		.hints = how->inner & 1,
		.inner_optional = how->inner & 2,
		.emsk = how->inner & 4 ? TEAP_EMSK_ALLOWED : TEAP_EMSK_IGNORED,
	};
	struct tunnel_peer *tunnel;
	struct tls_peer *tls;
	struct peer peer = { methods[how->kind], NULL };
	enum status status = OK;

	switch (how->kind) {
	case TTLS:
		if (ttls.inner == TTLS_EAP)
			ttls.eap = inner_of(how);
		status = ttls_peer_new(cast.peer, &ttls, &tunnel);
		break;
	case PEAP:
		peap.eap = inner_of(how);
		status = peap_peer_new(cast.peer, &peap, &tunnel);
		break;
	case TEAP:
		teap.identities[0].eap = inner_of(how);
		teap.provision = how->provisions ? errand_of(how) : NULL;
		status = teap_peer_new(cast.peer, &teap, &tunnel);
		break;
	case TLS:
		status = tls_peer_new(cast.peer, NULL, &tls);
		break;
	}
	assert(status == OK);
	peer.self = how->kind == TLS ? (void *)tls : tunnel;
	return peer;
}

static const struct eap_server_method *server_of(const struct how *how, void **ret_self)
{
	static const struct eap_server_method *const methods[] = {
		&ttls_server_method, &peap_server_method, &teap_server_method, &tls_server_method
	};
	const struct eap_server_about about = { .now = now };
	const struct tunnel_server_context tunnel = { .config = cast.server[0][how->tls_1_2] };
	static struct ttls_server_context ttls;
	static struct peap_server_context peap;
	static struct teap_server_context teap;
	struct tls_server_context tls = { .config = cast.server[1][how->tls_1_2] };
	void *contexts[] = { &ttls, &peap, &teap, &tls };

	cast.choice.offers[how->gtc] =
		(struct eap_server_offer){ &mschapv2_server_method, &cast.mschapv2 };
	cast.choice.offers[!how->gtc] = (struct eap_server_offer){ &gtc_server_method, NULL };
	ttls = (struct ttls_server_context){ tunnel, 0xf, &cast.policy, test_mschap() };
	peap = (struct peap_server_context){ tunnel, &cast.policy,
					     (enum peap_demand)(how->inner % 3) };
	teap = (struct teap_server_context){
		.tunnel = tunnel,
		.authority_id = slice_str("home"),
		.rounds = { { .type = TEAP_USER,
			      .eap = how->inner & 8 ? NULL : &cast.policy,
			      .password = true,
			      .password_first = how->inner & 16 } },
		.round_count = 1,
		.certificate_suffices = how->inner & 2,
		.emsk = how->inner & 32 ? TEAP_EMSK_ALLOWED : TEAP_EMSK_IGNORED,
		.prompt = "?",
		.enrol = how->provisions ? &world.context : NULL,
	};
	assert(methods[how->kind]->init(contexts[how->kind], &about, ret_self) == OK);
	return methods[how->kind];
}

/* ---- a conversation ------------------------------------------------------------------------- */

static void answer_password(const struct eap_account_question *q, struct eap_reply *reply)
{
	static const struct slice secret = { (const uint8_t *)"secret", 6 };
	static uint8_t hash[MSCHAP_HASH_SIZE];

	assert(mschap_password_hash(test_mschap(), secret, hash) == OK);
	reply->accept = slice_eq(q->name, slice_str("bob")) &&
			(q->use != EAP_PASSWORD_COMPARE || slice_eq(q->typed, secret));
	reply->with.password.secret =
		q->use == EAP_PASSWORD_NT_HASH ? slice_of(hash, sizeof hash) : secret;
}

static enum eap_server_state hear(const struct how *how, const struct eap_server_method *method,
				  void *self, const struct eap_packet *response)
{
	enum eap_server_state state;

	if (method->check(self, response))
		return METHOD_GOES_ON;
	state = method->process(self, response, now);
	while (state == METHOD_ASKS) {
		const struct eap_question *q = method->question(self);
		struct eap_reply reply = { .accept = !how->refuses };
		struct enrol_reply given = { .accept = !how->refuses };

		assert(q);
		if (q->kind == EAP_ASKS_ENROLMENT) {
			cduo_answer_question(&world, q->about.enrolment, &given);
			reply.accept = given.accept;
			reply.with.enrolment = &given;
		}
		if (q->kind == EAP_ASKS_PASSWORD)
			answer_password(&q->about.account, &reply);
		state = method->answer(self, &reply, now);
	}
	assert(method->stage(self));
	return state;
}

static void on_send(bool server, struct bytes *data)
{
	if (server == change_requests)
		meddle(&meddler, data);
}

/* A packet on its way. */
static struct slice carry(const struct how *how, bool request, struct wr *w)
{
	static struct bytes packet;

	assert(wr_ok(w));
	if (how->inside || request != change_requests)
		return wr_done(w);
	assert(bytes_set(&packet, wr_done(w)) == OK);
	meddle(&meddler, &packet);
	return bytes_slice(&packet);
}

static void judge(const struct peer *peer, struct eap_verdict verdict,
		  const struct eap_server_method *method, void *self, enum eap_server_state state)
{
	struct eap_keys ours = { 0 }, theirs = { 0 };
	struct eap_report report;
	bool has = peer->method->take_keys(peer->self, &ours);

	assert(!has || verdict.decision != FAIL);
	if (verdict.methodState == METHOD_DONE && verdict.decision == FAIL)
		assert(peer->method->diagnosis(peer->self)->id != DIAG_NONE);
	assert(method->take_keys(self, &theirs) == (state == METHOD_SUCCEEDED));
	if (state == METHOD_FAILED)
		assert(method->diagnosis(self)->id != DIAG_NONE);
	method->report(self, &report);
	peer->method->report(peer->self, &report);
	eap_keys_done(&ours);
	eap_keys_done(&theirs);
}

static void converse(const struct how *how, const struct peer *peer)
{
	static uint8_t out[4000], in[4000];
	size_t room = how->small ? SMALL_PACKET : sizeof out;
	struct eap_verdict verdict = { METHOD_MAY_CONT, FAIL, true };
	enum eap_server_state state = METHOD_GOES_ON;
	void *self;
	const struct eap_server_method *method = server_of(how, &self);

	peer->method->start(peer->self, now);
	for (unsigned i = 0; state == METHOD_GOES_ON && i < ROUNDS_MAX; i++) {
		struct wr w = wr_of(out, room), r = wr_of(in, room);
		struct eap_packet packet = { .code = EAP_REQUEST, .type = method->type };

		method->build(self, &w);
		packet.data = carry(how, true, &w);
		if (peer->method->check(peer->self, &packet))
			break;
		verdict = peer->method->process(peer->self, &packet, now);
		assert(peer->method->stage(peer->self));
		if (verdict.methodState == METHOD_DONE && verdict.decision == FAIL)
			break;
		peer->method->build(peer->self, &r);
		packet.code = EAP_RESPONSE;
		packet.data = carry(how, false, &r);
		state = hear(how, method, self, &packet);
	}
	judge(peer, verdict, method, self, state);
	if (state == METHOD_SUCCEEDED && verdict.decision != FAIL && peer->method->succeeded)
		peer->method->succeeded(peer->self);
	peer->method->stop(peer->self);
	method->free(self);
	for (size_t i = 0; i < 4; i++)
		assert(!world.shelves[i].put && !world.shelves[i].pending);
}

void tunnel_ends_play(struct slice input, bool provisions, bool requests)
{
	struct rd r = rd_of(input);
	uint8_t first = rd_u8(&r);
	const struct how how = {
		.kind = provisions ? TEAP : (enum kind)(first & 3),
		.provisions = provisions,
		.tls_1_2 = first & 4,
		.small = first & 8,
		.inside = !(first & 16),
		.refuses = first & 32 && first & 64,
		.gtc = first & 128,
		.inner = rd_u8(&r),
		.conversations = 1 + (first >> 5 & 3) % CONVERSATIONS,
	};
	struct peer peer;

	if (!cast.made)
		make_cast();
	fake_tls_forget();
	fake_tls_on_send = how.inside ? on_send : NULL;
	change_requests = requests;
	meddler = meddler_of(rd_rest(&r));
	peer = peer_of(&how);
	for (unsigned i = 0; i < how.conversations; i++)
		converse(&how, &peer);
	peer.method->free(peer.self);
}
