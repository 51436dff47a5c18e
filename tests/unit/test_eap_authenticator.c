/* The authenticators where a conversation as text cannot show it, and with our own peer. */
#include "eap/authenticator.h"
#include "eap/peer.h"
#include "tests/talk/fake_method.h"
#include "tests/talk/fake_server_method.h"
#include "tests/test.h"

/* ---- one machine --------------------------------------------------------------------- */

struct bench {
	struct eap_authenticator machine;
	struct eap_authenticator_lower lower;
	struct eap_policy_choice choice;
	struct eap_policy policy;
	struct fake_server_method fake;
	struct moment now;
};

static void bench_begin(struct bench *b)
{
	*b = (struct bench){ .lower = { .mtu = 1500, .portEnabled = true } };
	b->choice.offers[0] = fake_server_offer(&b->fake, eap_type(EAP_TYPE_TLS));
	b->choice.offer_count = 1;
	b->policy = (struct eap_policy){ .choices = &b->choice, .choice_count = 1 };
	eap_authenticator_init(&b->machine, EAP_STAND_ALONE, &b->policy, &b->lower, NULL);
}

static void bench_step(struct bench *b)
{
	eap_authenticator_step(&b->machine, b->now);
}

static void bench_hear(struct bench *b, struct slice packet)
{
	b->lower.eapResp = true;
	b->lower.eapRespData = packet;
	bench_step(b);
}

TEST(keys_can_be_taken_from_the_authenticator)
{
	AUTO_VALUE(eap_keys) keys = { 0 };
	struct bench b;

	bench_begin(&b);
	bench_step(&b);
	bench_hear(&b, slice_of("\2\0\0\7\15sk", 7));
	REQUIRE(b.lower.eapKeyAvailable);
	eap_keys_move(&keys, b.lower.eapKeyData);
	CHECK_INT(keys.msk.len, EAP_MSK_SIZE);
	CHECK_INT(b.machine.keys.msk.len, 0);
	eap_authenticator_done(&b.machine);
	CHECK(b.lower.eapKeyData == NULL);
	CHECK(!b.lower.eapKeyAvailable);
}

TEST(the_response_is_not_kept)
{
	struct bench b;

	bench_begin(&b);
	bench_step(&b);
	bench_hear(&b, slice_of("\2\0\0\6\15c", 6));
	CHECK(b.machine.response.data.p == NULL);
	CHECK(b.lower.eapRespData.p == NULL);
	bench_hear(&b, slice_of("\2\1\0\6\15s", 6));
	CHECK(b.lower.eapSuccess);
	CHECK(b.machine.lastReqData.p == NULL);
	eap_authenticator_done(&b.machine);
}

TEST(the_report_outlives_success_until_the_next_conversation)
{
	const struct eap_server_method *method = NULL;
	struct eap_report report;
	struct bench b;

	bench_begin(&b);
	bench_step(&b);
	CHECK(!eap_authenticator_report(&b.machine, &report, &method));
	bench_hear(&b, slice_of("\2\0\0\6\15s", 6));
	REQUIRE(eap_authenticator_report(&b.machine, &report, &method));
	CHECK_STR(report.tls_version, "fake");
	CHECK(method == &b.fake.method);
	b.lower.eapRestart = true;
	bench_step(&b);
	CHECK(!eap_authenticator_report(&b.machine, &report, &method));
	eap_authenticator_done(&b.machine);
}

TEST(an_authenticator_that_never_ran_can_be_dropped)
{
	struct diagnosis why;
	struct bench b;

	bench_begin(&b);
	CHECK_STR(eap_authenticator_state_name(&b.machine), "DISABLED");
	CHECK(eap_authenticator_deadline(&b.machine) == NEVER);
	eap_authenticator_diagnose(&b.machine, &why);
	CHECK_INT(why.id, DIAG_NONE);
	eap_authenticator_done(&b.machine);
	eap_authenticator_done(&b.machine);
}

TEST(an_answer_does_not_outlive_its_question)
{
	struct bench b;

	bench_begin(&b);
	bench_step(&b);
	bench_hear(&b, slice_of("\2\0\0\6\15a", 6));
	eap_authenticator_answer(&b.machine, &(struct eap_reply){ .accept = true });
	b.lower.eapRestart = true;
	bench_step(&b);
	bench_hear(&b, slice_of("\2\1\0\6\15a", 6));
	CHECK_STR(eap_authenticator_state_name(&b.machine), "ASKING");
	CHECK(eap_authenticator_question(&b.machine) != NULL);
	eap_authenticator_done(&b.machine);
}

TEST(a_verdict_that_comes_with_the_response_is_not_its_answer)
{
	struct eap_authenticator_aaa aaa = { 0 };
	struct bench b;

	bench_begin(&b);
	b.choice.passthrough = b.policy.ask_identity = true;
	eap_authenticator_init(&b.machine, EAP_FULL, &b.policy, &b.lower, &aaa);
	bench_step(&b);
	aaa.aaaSuccess = true;
	bench_hear(&b, slice_of("\2\0\0\7\1me", 7));
	CHECK_STR(eap_authenticator_state_name(&b.machine), "AAA_IDLE");
	CHECK(!b.lower.eapSuccess && !aaa.aaaSuccess);
	eap_authenticator_done(&b.machine);
}

TEST(a_new_conversation_takes_back_the_result_of_the_last)
{
	struct bench b;

	bench_begin(&b);
	bench_step(&b);
	bench_hear(&b, slice_of("\2\0\0\6\15s", 6));
	CHECK(b.lower.eapSuccess);
	b.lower.eapRestart = true;
	bench_step(&b);
	CHECK(!b.lower.eapSuccess);
	eap_authenticator_done(&b.machine);
}

TEST(an_empty_realm_is_for_identities_without_one)
{
	struct bench b;

	bench_begin(&b);
	b.choice.realm = "";
	bench_step(&b);
	CHECK(b.lower.eapFail);
	b.policy.ask_identity = b.lower.eapRestart = true;
	bench_step(&b);
	bench_hear(&b, slice_of("\2\0\0\7\1me", 7));
	CHECK_INT(b.fake.begun, 1);
	b.lower.eapRestart = true;
	bench_step(&b);
	bench_hear(&b, slice_of("\2\0\0\11\1me@x", 9));
	CHECK(b.lower.eapFail);
	eap_authenticator_done(&b.machine);
}

/* RFC 3748, section 4.3 [a]. */
TEST(random_bits_spread_the_retransmissions)
{
	unsigned same = 0;

	for (uint32_t seed = 1; seed <= 100; seed++) {
		struct bench b;

		bench_begin(&b);
		b.lower.random = seed * 2654435761u;
		bench_step(&b);

		msec wait = eap_authenticator_deadline(&b.machine);

		CHECK(wait >= EAP_RTO_FIRST - EAP_RTO_JITTER / 2);
		CHECK(wait <= EAP_RTO_FIRST + EAP_RTO_JITTER / 2);
		same += wait == EAP_RTO_FIRST;
		eap_authenticator_done(&b.machine);
	}
	CHECK(same < 10);
}

TEST(a_quick_cable_is_waited_for_in_proportion)
{
	for (uint32_t seed = 1; seed <= 100; seed++) {
		struct bench b;

		bench_begin(&b);
		b.policy.rto_min = EAP_RTO_MIN / 20;
		b.lower.random = seed * 2654435761u;
		bench_step(&b);
		CHECK(eap_authenticator_deadline(&b.machine) >= EAP_RTO_FIRST / 20 - 5);
		CHECK(eap_authenticator_deadline(&b.machine) <= EAP_RTO_FIRST / 20 + 5);
		eap_authenticator_done(&b.machine);
	}
}

static size_t arrows(enum eap_authenticator_kind kind)
{
	struct machine_arrow arrow;
	size_t n = 0;

	while (eap_authenticator_arrow(kind, n, &arrow))
		n++;
	return n;
}

TEST(the_tables_have_the_arrows_of_the_figures_and_a_few)
{
	const size_t decision = 5, unbuildable = 1;

	CHECK_INT(arrows(EAP_STAND_ALONE), 23 + decision + unbuildable);
	CHECK_INT(arrows(EAP_BACKEND), 23 + decision + unbuildable);
	CHECK_INT(arrows(EAP_FULL), 23 + 1 + 17 + decision + 2 * unbuildable);
}

/* ---- our peer and our authenticators -------------------------------------------------- */

/* The peer, who is asked, and who answers behind that if it is a full authenticator. */
struct network {
	struct eap_peer peer;
	struct eap_peer_config config;
	struct eap_lower peer_lower;
	struct fake_method peer_fake;

	struct eap_authenticator port, backend;
	struct eap_authenticator_lower port_lower, backend_lower;
	struct eap_authenticator_aaa aaa;
	struct eap_policy port_policy, backend_policy;
	struct eap_policy_choice port_choice, choice;
	struct fake_server_method fakes[2];

	struct moment now;
	unsigned lose, sent; /* every nth packet does not arrive; 0: all do */
};

/* A Request's first octet is the peer's verdict, a Response's that of the server. */
static const char *const requests[] = { "c", "c", "Dk", NULL };
static const char *const responses[] = { "c", "c", "sk", NULL };

static void network_begin(struct network *n, enum eap_authenticator_kind kind)
{
	*n = (struct network){ .peer_lower = { .mtu = 1500, .portEnabled = true },
			       .port_lower = { .mtu = 1500, .portEnabled = true, .random = 77 },
			       .backend_lower = { .mtu = 1400, .portEnabled = true } };
	n->config.identity = slice_str("me@example.org");
	n->config.offers[0] = fake_method_offer(&n->peer_fake, eap_type(EAP_TYPE_TLS));
	n->config.offer_count = 1;
	n->peer_fake.says = responses;

	/* The first offer is Naked. */
	n->choice.offers[0] = fake_server_offer(&n->fakes[0], (struct eap_type){ 9, 1 });
	n->choice.offers[1] = fake_server_offer(&n->fakes[1], eap_type(EAP_TYPE_TLS));
	n->choice.offer_count = 2;
	n->fakes[1].says = requests;
	n->port_choice.passthrough = true;
	n->backend_policy = (struct eap_policy){ .choices = &n->choice, .choice_count = 1 };
	n->port_policy = n->backend_policy;
	n->port_policy.ask_identity = true;
	if (kind == EAP_FULL)
		n->port_policy.choices = &n->port_choice;

	eap_peer_init(&n->peer, &n->config, &n->peer_lower);
	eap_authenticator_init(&n->port, kind, &n->port_policy, &n->port_lower,
			       kind == EAP_FULL ? &n->aaa : NULL);
	eap_authenticator_init(&n->backend, EAP_BACKEND, &n->backend_policy, &n->backend_lower,
			       NULL);
}

static bool take(bool *signal)
{
	bool was = *signal;

	*signal = false;
	return was;
}

static bool arrives(struct network *n)
{
	n->sent++;
	return n->lose == 0 || n->sent % n->lose != 0;
}

/* Success is sent until it arrives; nobody would miss it otherwise. */
static bool to_peer(struct network *n)
{
	bool packet = take(&n->port_lower.eapReq) || n->port_lower.eapSuccess;

	if (!packet || !arrives(n))
		return packet;
	n->peer_lower.eapReq = true;
	n->peer_lower.eapReqData = n->port_lower.eapReqData;
	eap_peer_step(&n->peer, n->now);
	n->peer_lower.eapNoResp = false;
	return true;
}

static bool to_port(struct network *n)
{
	bool packet = take(&n->peer_lower.eapResp);

	if (!packet || !arrives(n))
		return packet;
	n->port_lower.eapResp = true;
	n->port_lower.eapRespData = n->peer_lower.eapRespData;
	eap_authenticator_step(&n->port, n->now);
	n->port_lower.eapNoReq = false;
	return true;
}

/* AAA loses nothing. */
static bool through_backend(struct network *n)
{
	if (!take(&n->aaa.aaaEapResp))
		return false;
	n->backend_lower.eapResp = true;
	n->backend_lower.eapRespData = n->aaa.aaaEapRespData;
	eap_authenticator_step(&n->backend, n->now);
	n->aaa.aaaEapReq = take(&n->backend_lower.eapReq);
	n->aaa.aaaEapNoReq = take(&n->backend_lower.eapNoReq);
	n->aaa.aaaSuccess = take(&n->backend_lower.eapSuccess);
	n->aaa.aaaFail = take(&n->backend_lower.eapFail);
	n->aaa.aaaEapReqData = n->backend_lower.eapReqData;
	n->aaa.aaaEapKeyAvailable = n->backend_lower.eapKeyAvailable;
	n->aaa.aaaEapKeyData = n->backend_lower.eapKeyData;
	eap_authenticator_step(&n->port, n->now);
	return true;
}

static void network_run(struct network *n)
{
	eap_peer_step(&n->peer, n->now);
	eap_authenticator_step(&n->port, n->now);
	eap_authenticator_step(&n->backend, n->now);
	for (unsigned i = 0; i < 100 && !n->peer_lower.eapSuccess; i++) {
		if (through_backend(n) || to_port(n) || to_peer(n))
			continue;
		n->now.mono = eap_authenticator_deadline(&n->port);
		if (n->now.mono == NEVER)
			return;
		eap_authenticator_step(&n->port, n->now);
	}
}

static void network_check(struct network *n)
{
	CHECK(n->port_lower.eapSuccess);
	CHECK(n->peer_lower.eapSuccess);
	REQUIRE(n->port_lower.eapKeyAvailable && n->peer_lower.eapKeyAvailable);
	CHECK(slice_eq(secret_slice(&n->port_lower.eapKeyData->msk),
		       secret_slice(&n->peer_lower.eapKeyData->msk)));
	CHECK_STR(n->fakes[1].identity, "me@example.org");
	CHECK_INT(n->peer.counters.naks, 1);
}

static void network_end(struct network *n)
{
	eap_peer_done(&n->peer);
	eap_authenticator_done(&n->port);
	eap_authenticator_done(&n->backend);
	CHECK_INT(n->fakes[0].begun, n->fakes[0].freed);
	CHECK_INT(n->fakes[1].begun, n->fakes[1].freed);
}

static void converse(enum eap_authenticator_kind kind, unsigned lose)
{
	struct network n;

	network_begin(&n, kind);
	n.lose = lose;
	network_run(&n);
	network_check(&n);
	network_end(&n);
}

TEST(our_peer_talks_to_a_stand_alone_authenticator)
{
	converse(EAP_STAND_ALONE, 0);
}

TEST(our_peer_talks_through_a_full_authenticator_to_a_backend)
{
	converse(EAP_FULL, 0);
}

TEST(packets_that_are_lost_on_the_way_are_sent_again)
{
	converse(EAP_STAND_ALONE, 3);
	converse(EAP_STAND_ALONE, 4);
	converse(EAP_FULL, 3);
	converse(EAP_FULL, 5);
}

TEST(a_peer_without_a_common_method_is_refused)
{
	struct diagnosis why;
	struct network n;

	network_begin(&n, EAP_FULL);
	n.choice.offer_count = 1;
	network_run(&n);
	CHECK(n.port_lower.eapFail);
	CHECK_INT(n.port_lower.eapReqData.len, 4);
	eap_authenticator_diagnose(&n.backend, &why);
	CHECK_INT(why.id, DIAG_PEER_REFUSED_METHODS);
	CHECK_STR(diagnosis_evidence(&why, "wanted"), "EAP-TLS");
	eap_authenticator_diagnose(&n.port, &why);
	CHECK_INT(why.id, DIAG_AAA_REFUSED);
	network_end(&n);
}
