/* EAP-TLS with all of EAP around it: our peer, our stand-alone authenticator, and nothing else. */
#include "tests/test.h"
#include "tests/tls_duo.h"

#include "eap/authenticator.h"
#include "eap/peer.h"

struct both {
	struct duo d;
	struct eap_policy_choice choice;
	struct eap_policy policy;
	struct eap_authenticator_lower lower;
	struct eap_authenticator authenticator;
	struct eap_peer_config peer_config;
	struct eap_lower peer_lower;
	struct eap_peer peer;
	bool refuse;
	unsigned requests;
};

static void both_init(struct both *b, enum tls_version version)
{
	*b = (struct both){ .lower = { .portEnabled = true, .mtu = 1400 },
			    .peer_lower = { .portEnabled = true, .mtu = 1400 } };
	duo_init(&b->d);
	b->d.settings.max = version;
	duo_load(&b->d);
	b->choice.offers[0] = (struct eap_server_offer){ &tls_server_method, &b->d.context };
	b->choice.offer_count = 1;
	b->policy = (struct eap_policy){ .ask_identity = true,
					 .choices = &b->choice,
					 .choice_count = 1 };
	eap_authenticator_init(&b->authenticator, EAP_STAND_ALONE, &b->policy, &b->lower, NULL);
	b->peer_config.identity = slice_str("anonymous@example.org");
	b->peer_config.offers[0] = (struct eap_peer_offer){ &tls_peer_method, b->d.c.peer };
	b->peer_config.offer_count = 1;
	eap_peer_init(&b->peer, &b->peer_config, &b->peer_lower);
}

static void both_done(struct both *b)
{
	eap_authenticator_done(&b->authenticator);
	eap_peer_done(&b->peer);
	duo_done(&b->d);
}

/* What one says the other hears; empty when it has nothing to say. */
static struct slice peer_hears(struct both *b, struct slice packet)
{
	b->peer_lower.eapReq = true;
	b->peer_lower.eapReqData = packet;
	b->peer_lower.eapResp = b->peer_lower.eapNoResp = false;
	eap_peer_step(&b->peer, cast_now);
	return b->peer_lower.eapResp ? b->peer_lower.eapRespData : slice_of(NULL, 0);
}

static void authenticator_hears(struct both *b, struct slice packet)
{
	const struct eap_question *question;

	b->lower.eapReq = b->lower.eapNoReq = false;
	b->lower.eapResp = packet.len > 0;
	b->lower.eapRespData = packet;
	eap_authenticator_step(&b->authenticator, cast_now);
	question = eap_authenticator_question(&b->authenticator);
	if (!question)
		return;
	CHECK_INT(question->kind, EAP_ASKS_CERTIFICATE);
	CHECK(!b->lower.eapReq);
	eap_authenticator_answer(&b->authenticator, &(struct eap_reply){ .accept = !b->refuse });
	eap_authenticator_step(&b->authenticator, cast_now);
}

static void converse(struct both *b)
{
	b->lower.eapRestart = b->peer_lower.eapRestart = true;
	b->lower.eapSuccess = b->lower.eapFail = b->lower.eapTimeout = false;
	b->peer_lower.eapSuccess = b->peer_lower.eapFail = false;
	b->requests = 0;
	authenticator_hears(b, slice_of(NULL, 0));
	while (b->lower.eapReq && b->requests++ < 50)
		authenticator_hears(b, peer_hears(b, b->lower.eapReqData));
	if (b->lower.eapReqData.len > 0)
		peer_hears(b, b->lower.eapReqData); /* Success or Failure */
}

static void check_success(struct both *b, bool resumed)
{
	const struct eap_server_method *method;
	struct eap_report report;

	converse(b);
	REQUIRE(b->lower.eapSuccess && b->peer_lower.eapSuccess);
	REQUIRE(b->lower.eapKeyAvailable && b->peer_lower.eapKeyAvailable);
	CHECK(slice_eq(secret_slice(&b->lower.eapKeyData->msk),
		       secret_slice(&b->peer_lower.eapKeyData->msk)));
	REQUIRE(eap_authenticator_report(&b->authenticator, &report, &method));
	CHECK_INT(report.resumed, resumed);
	CHECK_STR(report.server_subject, "CN=Test Client");
}

TEST(a_machine_is_let_in_and_comes_again)
{
	for (int v = 0; v < 2; v++) {
		struct both b;

		both_init(&b, v ? TLS_1_3 : TLS_1_2);
		check_success(&b, false);
		/* identity, Start, two flights of the server; in TLS 1.3 the indication is the
		 * second */
		CHECK_INT(b.requests, 4);
		check_success(&b, true);
		both_done(&b);
	}
}

TEST(a_machine_that_is_refused_hears_why)
{
	for (int v = 0; v < 2; v++) {
		struct diagnosis why;
		struct both b;

		both_init(&b, v ? TLS_1_3 : TLS_1_2);
		b.refuse = true;
		converse(&b);
		CHECK(b.lower.eapFail && b.peer_lower.eapFail);
		CHECK(!b.lower.eapKeyAvailable && !b.peer_lower.eapKeyAvailable);
		eap_authenticator_diagnose(&b.authenticator, &why);
		CHECK_INT(why.id, DIAG_PEER_DENIED);
		CHECK_STR(diagnosis_evidence(&why, "subject"), "CN=Test Client");
		CHECK_INT(tls_peer_method.diagnosis(b.d.c.peer)->id, DIAG_CLIENT_ACCESS_DENIED);
		b.refuse = false;
		check_success(&b, false);
		both_done(&b);
	}
}
