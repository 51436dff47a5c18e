/* TEAP, both ends of ours against each other. */
#include "tests/teap_duo.h"
#include "tests/test.h"

static const enum tls_version versions[] = { TLS_1_2, TLS_1_3 };
#define EACH_VERSION(v) (size_t v = 0; v < 2; v++)

TEST(one_identity_by_each_way)
{
	for
		EACH_VERSION(v)
		{
			for (enum teap_inner inner = 0; inner < TEAP_INNERS; inner++) {
				struct teap_duo d;

				teap_duo_init(&d);
				d.version = versions[v];
				teap_duo_add(&d, TEAP_ANYBODY, inner);
				teap_duo_load(&d);
				teap_duo_check_success(&d, false);
				CHECK_STR(d.inner, teap_inner_names[inner]);
				CHECK_STR(d.report.inner, teap_inner_names[inner]);
				CHECK_STR(d.identity, inner == TEAP_BY_TLS ? "" : "bob");
				CHECK_INT(d.has_claim, inner == TEAP_BY_TLS);
				CHECK_STR(d.report.tls_version, v == 0 ? "TLSv1.2" : "TLSv1.3");
				teap_duo_done(&d);
			}
		}
}

/* Machine and user, in every combination and order, told and found out. */
TEST(two_identities_in_a_row)
{
	for
		EACH_VERSION(v)
		{
			for (unsigned i = 0; i < TEAP_INNERS * TEAP_INNERS * 2; i++) {
				enum teap_inner machine = i % TEAP_INNERS,
						user = i / TEAP_INNERS % TEAP_INNERS;
				bool turned = i >= TEAP_INNERS * TEAP_INNERS;
				struct teap_duo d;

				teap_duo_init(&d);
				d.version = versions[v];
				teap_duo_add_server(&d, TEAP_MACHINE, machine);
				teap_duo_add_server(&d, TEAP_USER, user);
				if (turned)
					teap_duo_add_peer(&d, TEAP_USER, user);
				teap_duo_add_peer(&d, TEAP_MACHINE, machine);
				if (!turned)
					teap_duo_add_peer(&d, TEAP_USER, user);
				teap_duo_load(&d);
				teap_duo_check_success(&d, false);
				CHECK_INT(d.passwords,
					  (machine != TEAP_BY_TLS) + (user != TEAP_BY_TLS));
				teap_duo_done(&d);
			}
		}
}

TEST(keys_are_of_this_conversation)
{
	struct teap_duo d;
	uint8_t first[64];

	teap_duo_init(&d);
	teap_duo_add(&d, TEAP_USER, TEAP_BY_MSCHAPV2);
	d.client = TLS_CLIENT_NONE;
	teap_duo_load(&d);
	teap_duo_check_success(&d, false);
	REQUIRE(d.server_keys.msk.len == sizeof first);
	memcpy(first, d.server_keys.msk.p, sizeof first);
	teap_duo_check_success(&d, true);
	CHECK(memcmp(first, d.server_keys.msk.p, sizeof first) != 0);
	teap_duo_done(&d);
}

TEST(a_session_is_resumed_and_ends_by_results_all_the_same)
{
	for
		EACH_VERSION(v)
		{
			struct teap_duo d;
			unsigned rounds;

			teap_duo_init(&d);
			d.version = versions[v];
			teap_duo_add(&d, TEAP_USER, TEAP_BY_MSCHAPV2);
			teap_duo_load(&d);
			teap_duo_check_success(&d, false);
			rounds = d.rounds;
			for (int again = 0; again < 3; again++) {
				teap_duo_check_success(&d, true);
				CHECK(d.rounds < rounds);
				CHECK_INT(d.passwords, 0);
				CHECK_STR(d.identity, "bob");
				CHECK_STR(d.other, "");
				CHECK_STR(d.inner, "EAP-MSCHAPv2");
				CHECK_STR(d.report.inner, "");
			}
			/* the account is gone meanwhile */
			d.refuse_admission = true;
			teap_duo_check_failure(&d, DIAG_PEER_DENIED, DIAG_TUNNEL_ERROR);
			CHECK_INT(d.admissions, 1);
			d.refuse_admission = false;
			teap_duo_check_success(&d, false);
			teap_duo_done(&d);
		}
}

/* Whoever asks about the accounts has to know of all that the session is worth. */
TEST(both_who_were_proved_are_known_when_it_is_resumed)
{
	for
		EACH_VERSION(v)
		{
			for (unsigned turned = 0; turned < 2; turned++) {
				struct teap_duo d;

				teap_duo_init(&d);
				d.version = versions[v];
				teap_duo_add_server(&d, turned ? TEAP_USER : TEAP_MACHINE,
						    TEAP_BY_PASSWORD);
				teap_duo_add_server(&d, turned ? TEAP_MACHINE : TEAP_USER,
						    TEAP_BY_MSCHAPV2);
				teap_duo_add_peer(&d, TEAP_MACHINE,
						  turned ? TEAP_BY_MSCHAPV2 : TEAP_BY_PASSWORD);
				teap_duo_add_peer(&d, TEAP_USER,
						  turned ? TEAP_BY_PASSWORD : TEAP_BY_MSCHAPV2);
				teap_duo_load(&d);
				for (int again = 0; again < 3; again++) {
					teap_duo_check_success(&d, again > 0);
					CHECK_INT(d.passwords, again > 0 ? 0 : 2);
					CHECK_STR(d.identity, turned ? "host/desk" : "bob");
					CHECK_STR(d.other, turned ? "bob" : "host/desk");
					CHECK_STR(d.inner, "EAP-MSCHAPv2");
				}
				teap_duo_done(&d);
			}
		}
}

/* RFC 9930, appendix C.13. */
TEST(a_certificate_of_the_handshake_may_suffice)
{
	for
		EACH_VERSION(v)
		{
			struct teap_duo d;

			teap_duo_init(&d);
			d.version = versions[v];
			d.peer_has_certificate = true;
			d.peer_settings.certificate = TEAP_MACHINE;
			d.peer_settings.inner_optional = true;
			d.server_context.certificate_suffices = true;
			teap_duo_load(&d);
			teap_duo_check_success(&d, false);
			CHECK_INT(d.certificates, 1);
			CHECK(d.has_claim);
			CHECK_STR(d.inner, "-");
			teap_duo_check_success(&d, true);
			CHECK(d.has_claim);
			/* it does not count */
			d.refuse_certificate = true;
			teap_duo_converse(&d);
			CHECK(!teap_duo_accepted(&d));
			teap_duo_done(&d);
		}
}

TEST(a_certificate_and_a_user)
{
	for
		EACH_VERSION(v)
		{
			struct teap_duo d;

			teap_duo_init(&d);
			d.version = versions[v];
			d.peer_has_certificate = true;
			d.peer_settings.certificate = TEAP_MACHINE;
			teap_duo_add(&d, TEAP_USER, TEAP_BY_MSCHAPV2);
			teap_duo_load(&d);
			teap_duo_check_success(&d, false);
			CHECK_INT(d.certificates, 1);
			CHECK_INT(d.passwords, 1);
			CHECK(d.has_claim);
			CHECK_STR(d.identity, "bob");
			teap_duo_check_success(&d, true);
			teap_duo_done(&d);
		}
}

/* Appendix C.9: the server is content with the certificate, the peer is not. */
TEST(a_peer_demands_to_be_asked)
{
	struct teap_duo d;

	teap_duo_init(&d);
	d.peer_has_certificate = true;
	d.peer_settings.certificate = TEAP_MACHINE;
	teap_duo_add(&d, TEAP_USER, TEAP_BY_MSCHAPV2);
	d.server_context.certificate_suffices = true;
	teap_duo_load(&d);
	teap_duo_converse(&d);
	CHECK(teap_duo_accepted(&d));
	CHECK_INT(d.passwords, 1);
	CHECK_INT(d.admissions, 2);
	CHECK_STR(d.identity, "bob");
	CHECK(slice_eq(secret_slice(&d.server_keys.msk), secret_slice(&d.peer_keys.msk)));
	teap_duo_done(&d);
}

TEST(a_server_that_cannot_ask_is_refused)
{
	struct teap_duo d;

	teap_duo_init(&d);
	d.peer_has_certificate = true;
	d.peer_settings.certificate = TEAP_MACHINE;
	teap_duo_add_peer(&d, TEAP_USER, TEAP_BY_MSCHAPV2);
	d.server_context.certificate_suffices = true;
	teap_duo_load(&d);
	teap_duo_check_failure(&d, DIAG_INNER_ERROR, DIAG_TUNNEL_ERROR);
	teap_duo_done(&d);
}

TEST(nothing_to_prove_is_no_success)
{
	struct teap_duo d;

	teap_duo_init(&d);
	d.server_context.certificate_suffices = true;
	teap_duo_add_peer(&d, TEAP_USER, TEAP_BY_MSCHAPV2);
	teap_duo_load(&d);
	teap_duo_check_failure(&d, DIAG_INNER_NOTHING, DIAG_TUNNEL_ERROR);
	teap_duo_done(&d);
}

TEST(a_wrong_password_is_told)
{
	for
		EACH_VERSION(v)
		{
			for (unsigned i = 0; i < 2; i++) {
				struct teap_duo d;

				teap_duo_init(&d);
				d.version = versions[v];
				d.wrong_password = true;
				teap_duo_add(&d, TEAP_USER,
					     i ? TEAP_BY_PASSWORD : TEAP_BY_MSCHAPV2);
				teap_duo_load(&d);
				teap_duo_check_failure(&d, DIAG_ACCOUNT_PASSWORD,
						       DIAG_INNER_REFUSED);
				CHECK_INT(d.admissions, 0);
				/* and nothing of it is resumed */
				d.wrong_password = false;
				teap_duo_check_success(&d, false);
				teap_duo_done(&d);
			}
		}
}

TEST(who_is_not_admitted_is_told)
{
	struct teap_duo d;

	teap_duo_init(&d);
	d.refuse_admission = true;
	teap_duo_add(&d, TEAP_USER, TEAP_BY_PASSWORD);
	teap_duo_load(&d);
	teap_duo_check_failure(&d, DIAG_PEER_DENIED, DIAG_INNER_REFUSED);
	CHECK_STR(diagnosis_evidence(&d.peer_why, "error"), "Unspecified authorization failure");
	teap_duo_done(&d);
}

TEST(the_second_identity_counts_too)
{
	struct teap_duo d;

	teap_duo_init(&d);
	teap_duo_add(&d, TEAP_MACHINE, TEAP_BY_TLS);
	teap_duo_add(&d, TEAP_USER, TEAP_BY_MSCHAPV2);
	d.wrong_password = true;
	teap_duo_load(&d);
	teap_duo_check_failure(&d, DIAG_ACCOUNT_PASSWORD, DIAG_INNER_REFUSED);
	CHECK_INT(d.admissions, 0);
	teap_duo_done(&d);
}

TEST(one_identity_where_two_are_demanded)
{
	struct teap_duo d;

	teap_duo_init(&d);
	teap_duo_add_server(&d, TEAP_MACHINE, TEAP_BY_MSCHAPV2);
	teap_duo_add(&d, TEAP_USER, TEAP_BY_MSCHAPV2);
	teap_duo_load(&d);
	teap_duo_check_failure(&d, DIAG_INNER_ERROR, DIAG_TUNNEL_ERROR);
	CHECK_STR(diagnosis_evidence(&d.server_why, "error"),
		  "User account credentials unavailable");
	CHECK_INT(d.passwords, 1);
	teap_duo_done(&d);
}

TEST(an_identity_that_was_not_asked_for)
{
	struct teap_duo d;

	teap_duo_init(&d);
	teap_duo_add_server(&d, TEAP_MACHINE, TEAP_BY_MSCHAPV2);
	teap_duo_add_peer(&d, TEAP_USER, TEAP_BY_MSCHAPV2);
	teap_duo_load(&d);
	teap_duo_check_failure(&d, DIAG_MALFORMED, DIAG_TUNNEL_ERROR);
	CHECK_INT(d.passwords, 0);
	teap_duo_done(&d);
}

TEST(a_password_is_declined_and_eap_is_proposed)
{
	struct teap_duo d;

	teap_duo_init(&d);
	teap_duo_add(&d, TEAP_USER, TEAP_BY_MSCHAPV2);
	d.server_context.rounds[0].password = d.server_context.rounds[0].password_first = true;
	teap_duo_load(&d);
	teap_duo_check_success(&d, false);
	CHECK_STR(d.inner, "EAP-MSCHAPv2");
	teap_duo_done(&d);
}

TEST(a_password_is_asked_for_where_no_method_is_shared)
{
	struct teap_duo d;

	teap_duo_init(&d);
	teap_duo_add_server(&d, TEAP_USER, TEAP_BY_TLS);
	d.server_context.rounds[0].password = true;
	teap_duo_add_peer(&d, TEAP_USER, TEAP_BY_PASSWORD);
	teap_duo_load(&d);
	teap_duo_check_success(&d, false);
	CHECK_STR(d.inner, "Basic-Password-Auth");
	teap_duo_done(&d);
}

TEST(no_method_is_shared)
{
	struct teap_duo d;

	teap_duo_init(&d);
	teap_duo_add_server(&d, TEAP_USER, TEAP_BY_TLS);
	teap_duo_add_peer(&d, TEAP_USER, TEAP_BY_MSCHAPV2);
	teap_duo_load(&d);
	teap_duo_converse(&d);
	CHECK(!teap_duo_accepted(&d));
	CHECK_INT(d.server_why.id, DIAG_PEER_REFUSED_METHODS);
	teap_duo_done(&d);
}

TEST(no_password_for_a_server_that_nobody_checked)
{
	struct teap_duo d;

	teap_duo_init(&d);
	d.c.trust = (struct trust_settings){ .insecure_no_check = true };
	teap_duo_add(&d, TEAP_USER, TEAP_BY_PASSWORD);
	teap_duo_load(&d);
	teap_duo_check_failure(&d, DIAG_INNER_ERROR, DIAG_INNER_UNPROTECTED);
	CHECK_INT(d.passwords, 0);
	teap_duo_done(&d);
}

TEST(emsk_macs_by_policy)
{
	static const enum teap_emsk_policy policies[] = { TEAP_EMSK_IGNORED, TEAP_EMSK_ALLOWED,
							  TEAP_EMSK_REQUIRED };

	for (unsigned i = 0; i < 18; i++) {
		bool tls = i >= 9, fails;
		struct teap_duo d;

		teap_duo_init(&d);
		teap_duo_add(&d, TEAP_USER, tls ? TEAP_BY_TLS : TEAP_BY_MSCHAPV2);
		d.server_context.emsk = policies[i % 3];
		d.peer_settings.emsk = policies[i / 3 % 3];
		teap_duo_load(&d);
		/* only one of them demands it, or the method has none */
		fails = (policies[i % 3] == TEAP_EMSK_REQUIRED ||
			 policies[i / 3 % 3] == TEAP_EMSK_REQUIRED) &&
			(!tls || policies[i % 3] == TEAP_EMSK_IGNORED ||
			 policies[i / 3 % 3] == TEAP_EMSK_IGNORED);
		if (fails) {
			teap_duo_converse(&d);
			CHECK(!teap_duo_accepted(&d));
			CHECK(d.server_why.id == DIAG_INNER_BINDING ||
			      d.peer_why.id == DIAG_TUNNEL_BINDING);
		} else {
			teap_duo_check_success(&d, false);
		}
		teap_duo_done(&d);
	}
}

TEST(hints_do_no_harm)
{
	struct teap_duo d;

	teap_duo_init(&d);
	d.peer_settings.hints = true;
	teap_duo_add(&d, TEAP_MACHINE, TEAP_BY_MSCHAPV2);
	teap_duo_add(&d, TEAP_USER, TEAP_BY_PASSWORD);
	teap_duo_load(&d);
	teap_duo_check_success(&d, false);
	teap_duo_check_success(&d, true);
	teap_duo_done(&d);
}

TEST(small_fragments)
{
	struct teap_duo d;

	teap_duo_init(&d);
	d.server_context.tunnel.fragment_size = 100;
	d.peer_settings.options.fragment_size = 100;
	teap_duo_add(&d, TEAP_MACHINE, TEAP_BY_TLS);
	teap_duo_add(&d, TEAP_USER, TEAP_BY_MSCHAPV2);
	teap_duo_load(&d);
	teap_duo_check_success(&d, false);
	teap_duo_done(&d);
}

/* A method inside without keys, and what becomes of its success. */
TEST(who_is_enrolled_is_told_and_let_in_or_not)
{
	for
		EACH_VERSION(v)
		{
			for (unsigned refuse = 0; refuse < 2; refuse++) {
				struct teap_duo d;

				teap_enrolments_told = 0;
				teap_duo_init(&d);
				d.version = versions[v];
				d.refuse_admission = refuse;
				/* a user would be asked for as well, if it were not an enrolment */
				teap_duo_add(&d, TEAP_MACHINE, TEAP_BY_ENROLMENT);
				teap_duo_add_server(&d, TEAP_USER, TEAP_BY_MSCHAPV2);
				teap_duo_load(&d);
				if (refuse) {
					teap_duo_check_failure(&d, DIAG_PEER_DENIED,
							       DIAG_TUNNEL_ERROR);
				} else {
					teap_duo_check_success(&d, false);
					/* what was enrolled is to come back with what it was given
					 */
					teap_duo_check_success(&d, false);
				}
				CHECK_INT(teap_enrolments_told, refuse ? 1 : 2);
				CHECK_STR(d.inner, "ENROLS");
				teap_duo_done(&d);
			}
		}
}
