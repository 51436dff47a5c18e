/* Workers and conversations, by what ports and RADIUS clients see of them. */
#include "tests/test.h"

#include <string.h>

#include "authd/authority.h"
#include "authd/conversation.h"
#include "authd/revoked.h"
#include "radius/server.h"
#include "tests/unit/authd_rig.h"

/* ---- ports ---- */

static void authenticate_twice(enum tls_version version, const char *name)
{
	struct machine_rig m;
	struct rig rig;

	rig_init(&rig);
	rig_configure(&rig, "");
	rig_start(&rig);
	machine_init(&m, &rig, version);
	for (int turn = 0; turn < 2; turn++) {
		rig_authenticate(&rig, &m, (uint64_t)turn + 1, "02-00-00-00-00-01");
		CHECK_INT(rig.answer.verdict, AAA_ACCEPT);
		CHECK(m.lower.eapSuccess);
		CHECK_INT(rig.answer.keys.msk.len, 64);
		CHECK(slice_eq(secret_slice(&rig.answer.keys.msk), secret_slice(&m.peer.keys.msk)));
		CHECK_STR(rig.answer.report.tls_version, name);
		CHECK_INT(rig.answer.report.resumed, turn == 1);
		CHECK_STR(rig.answer.grant.user_name, "CN=laptop.example.org");
		REQUIRE(rig.outcome != NULL);
		CHECK(rig.outcome->accepted);
		CHECK_STR(rig.outcome->method, "EAP-TLS");
		CHECK_STR(rig.outcome->claim.subject, "CN=laptop.example.org");
		CHECK_STR(rig.outcome->claim.names, "DNS:laptop.example.org");
		CHECK_INT(strlen(rig.outcome->claim.fingerprint), 64);
		CHECK_STR(rig.outcome->where.calling_station, "02-00-00-00-00-01");
	}
	machine_done(&m);
	rig_done(&rig);
}

TEST(a_machine_is_let_in_and_resumes_with_tls_1_2)
{
	authenticate_twice(TLS_1_2, "TLSv1.2");
}

TEST(a_machine_is_let_in_and_resumes_with_tls_1_3)
{
	authenticate_twice(TLS_1_3, "TLSv1.3");
}

TEST(a_reload_keeps_sessions_when_tls_stays_as_it_was)
{
	struct machine_rig m;
	struct diagnosis why;
	struct rig rig;

	rig_init(&rig);
	rig_configure(&rig, "");
	rig_start(&rig);
	machine_init(&m, &rig, TLS_1_3);
	rig_authenticate(&rig, &m, 1, "02-00-00-00-00-01");
	CHECK_INT(pool_configure(rig.pool, rig.config, &why), 0);
	rig_authenticate(&rig, &m, 2, "02-00-00-00-00-01");
	CHECK(rig.answer.report.resumed);
	machine_done(&m);
	rig_done(&rig);
}

TEST(a_rule_grants_and_another_refuses)
{
	struct machine_rig m;
	struct rig rig;

	rig_init(&rig);
	rig_configure(&rig, "");
	rig_put(&rig, "rules.d/laptops.rule",
		"[Match]\nDns=laptop.*\nResumed=no\n"
		"[Decision]\nAction=accept\nVlan=17\nSessionTimeout=1h\nTermination="
		"reauthenticate\n");
	rig_put(&rig, "rules.d/again.rule",
		"[Match]\nResumed=yes\n[Decision]\nAction=reject\nReason=not twice\n");
	rig_start(&rig);
	machine_init(&m, &rig, TLS_1_3);
	rig_authenticate(&rig, &m, 1, "02-00-00-00-00-01");
	CHECK_INT(rig.answer.verdict, AAA_ACCEPT);
	CHECK_STR(rig.answer.grant.rule, "laptops");
	CHECK_INT(rig.answer.grant.vlan, 17);
	CHECK_INT(rig.answer.grant.session_timeout, 3600);
	CHECK(rig.answer.grant.reauthenticate);
	CHECK_INT(rig.answer.grant.class[0].len, strlen("latchkey:") + OUTCOME_SESSION_SIZE);
	rig_authenticate(&rig, &m, 2, "02-00-00-00-00-01");
	CHECK_INT(rig.answer.verdict, AAA_REJECT);
	CHECK_INT(rig.answer.why.id, DIAG_PEER_DENIED);
	CHECK_STR(diagnosis_evidence(&rig.answer.why, "reason"), "not twice");
	REQUIRE(rig.outcome != NULL);
	CHECK(!rig.outcome->accepted);
	CHECK_STR(rig.outcome->grant.rule, "again");
	machine_done(&m);
	rig_done(&rig);
}

TEST(a_conversation_waits_until_revocation_is_known)
{
	struct machine_rig m;
	struct rig rig;

	rig_init(&rig);
	rig_configure(&rig, "ClientOcsp=require\n");
	rig_start(&rig);
	machine_init(&m, &rig, TLS_1_2);
	rig_authenticate(&rig, &m, 1, "02-00-00-00-00-01");
	CHECK_INT(rig.answer.verdict, AAA_ACCEPT);
	machine_done(&m);
	rig_done(&rig);
}

static unsigned revoked_before; /* which answer of the machine */

static void revoke_now(struct rig *rig, unsigned n)
{
	AUTO_STRUCT(revoked) revoked = revoked_new();
	const ASN1_INTEGER *serial = X509_get0_serialNumber(rig->client.cert);
	struct ca_revoked entry = { .when = PKI_NOW, .reason = CA_KEY_COMPROMISE };
	char name[CERT_TEXT_MAX];
	size_t at = 0;

	if (n != revoked_before)
		return;
	entry.serial = slice_of(ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial));
	authority_registry_name(rig->ca.cert, name, sizeof name);
	REQUIRE(revoked && revoked_add_issuer(revoked, name, &at) == 0);
	REQUIRE(revoked_add(revoked, at, &entry) == 0);
	revoked_sort(revoked);
	pool_revoked(rig->pool, revoked);
}

/* Answers whether it is let in, and in how many rounds. */
static bool revoke_before(unsigned n, enum tls_version version, bool resumed, unsigned *ret_rounds)
{
	struct machine_rig m;
	struct rig rig;
	bool accepted;

	rig_init(&rig);
	rig_configure(&rig, "");
	rig_start(&rig);
	machine_init(&m, &rig, version);
	if (resumed)
		rig_authenticate(&rig, &m, 1, "02-00-00-00-00-01");
	rig.meanwhile = revoke_now;
	revoked_before = n;
	rig_authenticate(&rig, &m, 2, "02-00-00-00-00-01");
	REQUIRE(rig.outcome != NULL);
	*ret_rounds = rig.outcome->rounds;
	accepted = rig.answer.verdict == AAA_ACCEPT;
	test_note("before answer %u: %s", n, accepted ? "accepted" : "rejected");
	CHECK(accepted || rig.answer.verdict == AAA_REJECT);
	CHECK_INT(rig.outcome->accepted, accepted);
	CHECK_INT(rig.answer.eap.len, 4);
	CHECK_INT(rig.answer.eap.p[0], accepted ? EAP_SUCCESS : EAP_FAILURE);
	CHECK_INT(rig.answer.why.id, accepted ? DIAG_NONE : DIAG_PEER_CERT_REVOKED);
	CHECK_INT(rig.outcome->why.id, accepted ? DIAG_NONE : DIAG_PEER_CERT_REVOKED);
	CHECK_INT(rig.answer.keys.msk.len, accepted ? 64 : 0);
	CHECK_INT(rig.known, accepted ? 0 : 1);
	machine_done(&m);
	rig_done(&rig);
	return accepted;
}

/* Also when the method has judged the certificate, told the machine that it is in, or resumes. */
static void revoke_at_any_time(enum tls_version version, bool resumed)
{
	unsigned rounds, ignored;

	REQUIRE(revoke_before(UINT_MAX, version, resumed, &rounds));
	for (unsigned n = 0; n <= rounds; n++)
		CHECK(!revoke_before(n, version, resumed, &ignored));
}

TEST(who_is_revoked_meanwhile_stays_out)
{
	revoke_at_any_time(TLS_1_2, false);
	revoke_at_any_time(TLS_1_3, false);
}

TEST(who_is_revoked_while_it_resumes_stays_out)
{
	revoke_at_any_time(TLS_1_2, true);
	revoke_at_any_time(TLS_1_3, true);
}

TEST(who_is_of_another_realm_is_refused_before_any_work)
{
	struct machine_rig m;
	struct rig rig;

	rig_init(&rig);
	rig_configure(&rig, "[Eap]\nRealm=*.example.net\n");
	rig_start(&rig);
	machine_init(&m, &rig, TLS_1_3);
	rig_authenticate(&rig, &m, 1, "02-00-00-00-00-01");
	CHECK_INT(rig.answer.verdict, AAA_REJECT);
	REQUIRE(rig.outcome != NULL);
	CHECK_INT(rig.outcome->rounds, 0);
	machine_done(&m);
	rig_done(&rig);
}

/* ---- RADIUS ---- */

struct nas {
	struct radius_crypto *crypto;
	uint8_t buffer[RADIUS_PACKET_MAX], authenticator[RADIUS_AUTHENTICATOR_SIZE];
	uint8_t id;
	struct slice packet; /* the last that was sent */
};

static void nas_init(struct nas *nas)
{
	*nas = (struct nas){ .id = 7 };
	REQUIRE(radius_crypto_new(&nas->crypto) == OK);
}

static void nas_build(struct nas *nas, const char *secret, const char *station, struct slice eap,
		      struct slice state)
{
	struct radius_builder b;

	memset(nas->authenticator, ++nas->id, sizeof nas->authenticator);
	b = radius_builder_of(nas->buffer, sizeof nas->buffer, RADIUS_ACCESS_REQUEST, nas->id,
			      slice_of(nas->authenticator, sizeof nas->authenticator), true);
	radius_put(&b, RADIUS_USER_NAME, slice_str("anonymous@example.org"));
	radius_put(&b, RADIUS_CALLING_STATION_ID, slice_str(station));
	radius_put(&b, RADIUS_PROXY_STATE, slice_str("proxy"));
	radius_put_some(&b, RADIUS_STATE, state);
	radius_put_eap(&b, eap);
	REQUIRE(radius_seal_request(nas->crypto, slice_str(secret), &b, &nas->packet) ==
		RADIUS_FINE);
}

/* Sends what was built, and waits until the packet is done with. */
static void nas_send(struct nas *nas, struct rig *rig)
{
	unsigned before = rig->packets;

	rig_send(rig, nas->packet, false);
	while (rig->packets == before)
		rig_wait(rig);
}

static uint8_t code_of(const struct rig *rig)
{
	return rig->reply.len > 0 ? rig->reply.p[0] : 0;
}

/* The answer is genuine, and carries this EAP packet and State. */
static void nas_read(struct nas *nas, const struct rig *rig, uint8_t *room, struct slice *ret_eap,
		     struct slice *ret_state)
{
	struct radius_packet answer;
	struct slice proxy;

	REQUIRE(radius_packet_parse(bytes_slice(&rig->reply), &answer) == RADIUS_FINE);
	CHECK_INT(radius_verify_response(nas->crypto, slice_str(RIG_SECRET), RADIUS_ACCESS_REQUEST,
					 slice_of(nas->authenticator, sizeof nas->authenticator),
					 &answer),
		  RADIUS_FINE);
	CHECK_INT(radius_eap(&answer, room, ret_eap), RADIUS_FINE);
	(void)radius_find(&answer, RADIUS_STATE, ret_state);
	CHECK(radius_find(&answer, RADIUS_PROXY_STATE, &proxy) &&
	      slice_eq(proxy, slice_str("proxy")));
}

static void radius_converse(struct nas *nas, struct rig *rig, struct machine_rig *m)
{
	uint8_t buffer[300], room[RADIUS_PACKET_MAX];
	AUTO_VALUE(bytes) kept = { 0 };
	struct slice eap = identity_response("anonymous@example.org", 1, buffer), state = { 0 };

	m->lower.eapRestart = true;
	eap_peer_step(&m->peer, loop_now());
	for (int round = 0; round < 30; round++) {
		nas_build(nas, RIG_SECRET, "02-00-00-00-00-02", eap, state);
		nas_send(nas, rig);
		CHECK_INT(rig->end, PACKET_ANSWERED);
		nas_read(nas, rig, room, &eap, &state);
		eap = machine_feed(m, eap);
		if (code_of(rig) != RADIUS_ACCESS_CHALLENGE)
			return;
		REQUIRE(bytes_set(&kept, state) == OK);
		state = bytes_slice(&kept);
	}
}

TEST(a_machine_behind_a_nas_is_let_in_with_keys)
{
	struct machine_rig m;
	struct nas nas;
	struct rig rig;
	struct radius_packet answer;
	uint8_t msk[RADIUS_MSK_SIZE];
	bool present = false;

	rig_init(&rig);
	rig_configure(&rig, "");
	rig_put(&rig, "rules.d/a.rule",
		"[Match]\nClient=lab\nSubject=CN=laptop.*\n[Decision]\nAction=accept\nVlan=12\n");
	rig_start(&rig);
	nas_init(&nas);
	machine_init(&m, &rig, TLS_1_3);
	radius_converse(&nas, &rig, &m);
	CHECK_INT(code_of(&rig), RADIUS_ACCESS_ACCEPT);
	CHECK(m.lower.eapSuccess);
	REQUIRE(radius_packet_parse(bytes_slice(&rig.reply), &answer) == RADIUS_FINE);
	CHECK_INT(radius_get_msk(nas.crypto, slice_str(RIG_SECRET),
				 slice_of(nas.authenticator, sizeof nas.authenticator), &answer,
				 msk, &present),
		  RADIUS_FINE);
	CHECK(present && slice_eq(slice_of(msk, sizeof msk), secret_slice(&m.peer.keys.msk)));
	CHECK_INT(radius_vlan(&answer, NULL), 12);
	CHECK_INT(radius_count(&answer, RADIUS_CLASS), 1);
	/* The same request again: the same octets again. */
	nas_send(&nas, &rig);
	CHECK_INT(rig.end, PACKET_REPEATED);
	CHECK_INT(code_of(&rig), RADIUS_ACCESS_ACCEPT);
	radius_crypto_free(nas.crypto);
	machine_done(&m);
	rig_done(&rig);
}

TEST(a_packet_with_a_wrong_secret_comes_to_nothing)
{
	uint8_t buffer[300];
	struct nas nas;
	struct rig rig;

	rig_init(&rig);
	rig_configure(&rig, "");
	rig_start(&rig);
	nas_init(&nas);
	nas_build(&nas, "battery-staple", "02-00-00-00-00-02",
		  identity_response("a@example.org", 1, buffer), (struct slice){ 0 });
	nas_send(&nas, &rig);
	CHECK_INT(rig.end, PACKET_REFUSED);
	CHECK_INT(rig.fault, RADIUS_FORGED);
	CHECK_INT(rig.replies, 0);
	nas.packet.len = 10;
	nas_send(&nas, &rig);
	CHECK_INT(rig.fault, RADIUS_TRUNCATED);
	radius_crypto_free(nas.crypto);
	rig_done(&rig);
}

TEST(a_state_that_is_nobodys_is_answered_with_a_reject)
{
	uint8_t buffer[300];
	struct nas nas;
	struct rig rig;

	rig_init(&rig);
	rig_configure(&rig, "");
	rig_start(&rig);
	nas_init(&nas);
	nas_build(&nas, RIG_SECRET, "02-00-00-00-00-02",
		  identity_response("a@example.org", 1, buffer), slice_of("\0ABCDEFGH", 9));
	nas_send(&nas, &rig);
	CHECK_INT(rig.end, PACKET_STALE);
	CHECK_INT(code_of(&rig), RADIUS_ACCESS_REJECT);
	radius_crypto_free(nas.crypto);
	rig_done(&rig);
}

/* ---- floods ---- */

TEST(a_flood_of_beginnings_does_not_stop_who_has_begun)
{
	uint8_t buffer[300], room[RADIUS_PACKET_MAX];
	AUTO_VALUE(bytes) kept = { 0 };
	struct slice eap, state = { 0 };
	struct pool_counts counts;
	struct machine_rig m;
	struct nas nas, flood;
	struct rig rig;

	rig_init(&rig);
	rig_configure(&rig, "[Limits]\nConversations=16\n");
	rig_start(&rig);
	nas_init(&nas);
	nas_init(&flood);
	flood.id = 100;
	machine_init(&m, &rig, TLS_1_3);
	m.lower.eapRestart = true;
	eap_peer_step(&m.peer, loop_now());
	eap = identity_response("anonymous@example.org", 1, buffer);
	for (int round = 0; round < 30; round++) {
		uint8_t other[300];

		nas_build(&nas, RIG_SECRET, "02-00-00-00-00-02", eap, state);
		nas_send(&nas, &rig);
		nas_read(&nas, &rig, room, &eap, &state);
		eap = machine_feed(&m, eap);
		if (code_of(&rig) != RADIUS_ACCESS_CHALLENGE)
			break;
		REQUIRE(bytes_set(&kept, state) == OK);
		state = bytes_slice(&kept);
		if (round == 0)
			continue;
		for (int i = 0; i < 40; i++) {
			nas_build(&flood, RIG_SECRET, "02-00-00-00-00-66",
				  identity_response("flood@example.org", 1, other),
				  (struct slice){ 0 });
			nas_send(&flood, &rig);
		}
	}
	CHECK_INT(code_of(&rig), RADIUS_ACCESS_ACCEPT);
	pool_count(rig.pool, &counts);
	CHECK(counts.evicted > 0);
	CHECK(counts.conversations <= 17);
	/* What has gone is not counted. */
	CHECK(counts.memory >= (counts.conversations - 1) * sizeof(struct conversation));
	CHECK(counts.memory <= 18 * (sizeof(struct conversation) + 4096));
	CHECK_INT(counts.accepted, 1);
	radius_crypto_free(nas.crypto);
	radius_crypto_free(flood.crypto);
	machine_done(&m);
	rig_done(&rig);
}

TEST(beginnings_beyond_the_rate_are_shed)
{
	uint8_t buffer[300];
	struct pool_counts counts;
	struct nas nas;
	struct rig rig;

	rig_init(&rig);
	rig_configure(&rig, "[Limits]\nNewPerSecond=1\n");
	rig_start(&rig);
	nas_init(&nas);
	rig.now = loop_now();
	for (int i = 0; i < 5; i++) {
		nas_build(&nas, RIG_SECRET, "02-00-00-00-00-02",
			  identity_response("a@example.org", 1, buffer), (struct slice){ 0 });
		rig_send(&rig, nas.packet, false);
	}
	pool_count(rig.pool, &counts);
	CHECK_INT(counts.shed, 4);
	CHECK_INT(rig.end, PACKET_SHED);
	radius_crypto_free(nas.crypto);
	rig_done(&rig);
}

TEST(a_client_has_a_rate_of_its_own)
{
	uint8_t buffer[300];
	struct pool_counts counts;
	struct nas nas;
	struct rig rig;

	rig_init(&rig);
	rig_configure(&rig, "");
	rig_put(&rig, "clients.d/lab.client",
		"[Client]\nPrefix=192.0.2.0/24\nSecret=" RIG_SECRET "\n[Limits]\nNewPerSecond=2\n");
	rig_start(&rig);
	nas_init(&nas);
	rig.now = loop_now();
	for (int i = 0; i < 6; i++) {
		nas_build(&nas, RIG_SECRET, "02-00-00-00-00-02",
			  identity_response("a@example.org", 1, buffer), (struct slice){ 0 });
		rig_send(&rig, nas.packet, false);
	}
	pool_count(rig.pool, &counts);
	CHECK_INT(counts.shed, 4);
	radius_crypto_free(nas.crypto);
	rig_done(&rig);
}

/* Who poses as a client, without its secret, does not use up what it may begin. */
TEST(what_is_forged_does_not_count_as_a_beginning)
{
	uint8_t buffer[300];
	struct slice identity = identity_response("a@example.org", 1, buffer);
	struct nas nas;
	struct rig rig;

	rig_init(&rig);
	rig_configure(&rig, "[Limits]\nNewPerSecond=1\n");
	rig_start(&rig);
	nas_init(&nas);
	for (int i = 0; i < 5; i++) {
		nas_build(&nas, "wrong-horse", "02-00-00-00-00-02", identity, (struct slice){ 0 });
		nas_send(&nas, &rig);
		CHECK_INT(rig.end, PACKET_REFUSED);
	}
	nas_build(&nas, RIG_SECRET, "02-00-00-00-00-02", identity, (struct slice){ 0 });
	nas_send(&nas, &rig);
	CHECK_INT(rig.end, PACKET_ANSWERED);
	radius_crypto_free(nas.crypto);
	rig_done(&rig);
}

static void build_other(struct nas *nas, enum radius_code code)
{
	struct radius_builder b;
	bool status = code == RADIUS_STATUS_SERVER;

	memset(nas->authenticator, ++nas->id, sizeof nas->authenticator);
	b = radius_builder_of(nas->buffer, sizeof nas->buffer, code, nas->id,
			      slice_of(nas->authenticator, status ? sizeof nas->authenticator : 0),
			      status);
	if (!status)
		radius_put_u32(&b, RADIUS_ACCT_STATUS_TYPE, RADIUS_ACCT_INTERIM);
	REQUIRE(radius_seal_request(nas->crypto, slice_str(RIG_SECRET), &b, &nas->packet) ==
		RADIUS_FINE);
}

TEST(only_conversations_have_a_rate)
{
	struct nas nas;
	struct rig rig;

	rig_init(&rig);
	rig_configure(&rig, "[Limits]\nNewPerSecond=1\n");
	rig_start(&rig);
	nas_init(&nas);
	for (int i = 0; i < 5; i++) {
		bool accounting = i % 2;

		build_other(&nas, accounting ? RADIUS_ACCOUNTING_REQUEST : RADIUS_STATUS_SERVER);
		rig_send(&rig, nas.packet, accounting);
		if (rig.end != PACKET_SHED)
			rig_wait(&rig);
		CHECK_INT(rig.end, PACKET_ANSWERED);
	}
	radius_crypto_free(nas.crypto);
	rig_done(&rig);
}

/* ---- accounting ---- */

TEST(accounting_and_status_are_answered)
{
	struct nas nas;
	struct rig rig;
	struct radius_builder b;

	rig_init(&rig);
	rig_configure(&rig, "");
	rig_start(&rig);
	nas_init(&nas);
	b = radius_builder_of(nas.buffer, sizeof nas.buffer, RADIUS_ACCOUNTING_REQUEST, 1,
			      (struct slice){ 0 }, false);
	radius_put_u32(&b, RADIUS_ACCT_STATUS_TYPE, RADIUS_ACCT_START);
	radius_put(&b, RADIUS_ACCT_SESSION_ID, slice_str("17"));
	radius_put(&b, RADIUS_NAS_IP_ADDRESS, slice_of("\xc0\0\2\1", 4));
	REQUIRE(radius_seal_request(nas.crypto, slice_str(RIG_SECRET), &b, &nas.packet) ==
		RADIUS_FINE);
	rig_send(&rig, nas.packet, true);
	rig_wait(&rig);
	CHECK_INT(rig.end, PACKET_ANSWERED);
	CHECK_INT(code_of(&rig), RADIUS_ACCOUNTING_RESPONSE);
	/* On the other port it has no business. */
	rig_send(&rig, nas.packet, false);
	rig_wait(&rig);
	CHECK_INT(rig.fault, RADIUS_WRONG_CODE);

	b = radius_builder_of(nas.buffer, sizeof nas.buffer, RADIUS_STATUS_SERVER, 2,
			      slice_of(nas.authenticator, sizeof nas.authenticator), true);
	REQUIRE(radius_seal_request(nas.crypto, slice_str(RIG_SECRET), &b, &nas.packet) ==
		RADIUS_FINE);
	rig_send(&rig, nas.packet, false);
	rig_wait(&rig);
	CHECK_INT(code_of(&rig), RADIUS_ACCESS_ACCEPT);
	radius_crypto_free(nas.crypto);
	rig_done(&rig);
}
