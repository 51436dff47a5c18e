/* Sessions of a tunnel that are resumed, and what has become of their accounts meanwhile. */
#include "method/teap_peer.h"
#include "method/ttls_peer.h"
#include "tests/test.h"
#include "tests/unit/authd_rig.h"

#define STATION "02-00-00-00-00-01"

/* Somebody with a password. */
struct site {
	struct rig rig;
	struct machine_rig machine; /* for its TLS alone */
	struct machine_rig person;
	const struct eap_peer_method *method;
	struct tunnel_peer *tunnel;
	struct secret password;
	uint64_t number;
};

static void begin(struct site *s, const char *configuration, enum tls_version version)
{
	*s = (struct site){ .number = 1, .person.lower.mtu = 1400 };
	rig_init(&s->rig);
	s->rig.password = "correct-horse";
	rig_configure(&s->rig, configuration);
	rig_start(&s->rig);
	machine_init(&s->machine, &s->rig, version);
	REQUIRE(secret_set(&s->password, slice_str("correct-horse")) == OK);
}

static void be_somebody(struct site *s, const struct eap_peer_method *method)
{
	s->method = method;
	s->person.config = (struct eap_peer_config){ .identity = slice_str("anonymous@example.org"),
						     .offers = { { method, s->tunnel } },
						     .offer_count = 1 };
	eap_peer_init(&s->person.peer, &s->person.config, &s->person.lower);
	s->person.lower.portEnabled = true;
}

static void site_init(struct site *s)
{
	struct ttls_peer_settings settings = { .inner = TTLS_PAP };

	begin(s,
	      "[Eap]\nMethods=ttls\n[Tunnel]\nTtlsMethods=pap\n"
	      "ClientCertificate=none\n",
	      TLS_1_3);
	settings.account = (struct inner_account){ slice_str("bob"), &s->password, NULL };
	REQUIRE(ttls_peer_new(s->machine.tls, &settings, &s->tunnel) == OK);
	be_somebody(s, &ttls_peer_method);
}

/* A machine's account, and then its user's, in TEAP. */
static void pair_init(struct site *s, enum tls_version version)
{
	struct teap_peer_settings settings = {
		.identities = { { .type = TEAP_MACHINE, .name = slice_str("host/desk") },
				{ .type = TEAP_USER, .name = slice_str("bob") } },
		.identity_count = 2,
	};

	begin(s,
	      "[Eap]\nMethods=teap\n[Tunnel]\nTeapMethods=password\n"
	      "TeapIdentities=machine user\nClientCertificate=none\n",
	      version);
	settings.identities[0].password = settings.identities[1].password = &s->password;
	REQUIRE(teap_peer_new(s->machine.tls, &settings, &s->tunnel) == OK);
	be_somebody(s, &teap_peer_method);
}

static void site_done(struct site *s)
{
	eap_peer_done(&s->person.peer);
	s->method->free(s->tunnel);
	machine_done(&s->machine);
	secret_done(&s->password);
	rig_done(&s->rig);
}

static void comes(struct site *s, enum aaa_verdict verdict, bool resumed, enum diagnosis_id why)
{
	rig_authenticate(&s->rig, &s->person, s->number++, STATION);
	CHECK_INT(s->rig.answer.verdict, verdict);
	CHECK_INT(s->rig.outcome->report.resumed, resumed);
	CHECK_INT(s->rig.outcome->why.id, why);
}

/* In with the password, and once more with the session. */
static void resumes(struct site *s)
{
	comes(s, AAA_ACCEPT, false, DIAG_NONE);
	CHECK_INT(s->rig.accounts_told, 1);
	comes(s, AAA_ACCEPT, true, DIAG_NONE);
	CHECK_INT(s->rig.accounts_told, 2);
	CHECK_STR(s->rig.outcome->account, "bob");
}

TEST(an_account_that_was_removed_resumes_nothing)
{
	AUTO_VALUE(site) s;

	site_init(&s);
	resumes(&s);
	s.rig.password = NULL;
	comes(&s, AAA_REJECT, true, DIAG_ACCOUNT_UNKNOWN);
	CHECK_STR(diagnosis_evidence(&s.rig.outcome->why, "account"), "bob");
	/* Nor with its password. */
	comes(&s, AAA_REJECT, false, DIAG_ACCOUNT_UNKNOWN);
}

TEST(an_account_that_is_disabled_resumes_nothing)
{
	AUTO_VALUE(site) s;

	site_init(&s);
	resumes(&s);
	s.rig.disabled = true;
	comes(&s, AAA_REJECT, true, DIAG_ACCOUNT_DISABLED);
}

TEST(a_password_that_was_changed_ends_what_the_old_one_has_opened)
{
	AUTO_VALUE(site) s;

	site_init(&s);
	resumes(&s);
	s.rig.changed = loop_now().wall + 1;
	comes(&s, AAA_REJECT, true, DIAG_ACCOUNT_PASSWORD);
	/* The right one opens the door again. */
	s.rig.changed = 0;
	comes(&s, AAA_ACCEPT, false, DIAG_NONE);
}

/* Each of two that were proved: RFC 9930, section 4.2.3. */
TEST(neither_a_machine_nor_its_user_resumes_when_one_is_gone)
{
	static const char *const names[] = { "host/desk", "bob" };

	for (unsigned i = 0; i < 4; i++) {
		AUTO_VALUE(site) s;

		pair_init(&s, i < 2 ? TLS_1_2 : TLS_1_3);
		comes(&s, AAA_ACCEPT, false, DIAG_NONE);
		CHECK_INT(s.rig.accounts_told, 2);
		comes(&s, AAA_ACCEPT, true, DIAG_NONE);
		CHECK_INT(s.rig.accounts_told, 4);
		CHECK_STR(s.rig.told[1], "host/desk");
		CHECK_STR(s.rig.told[0], "bob");
		CHECK_STR(s.rig.outcome->account, "bob");
		s.rig.gone = names[i % 2];
		comes(&s, AAA_REJECT, true, DIAG_ACCOUNT_UNKNOWN);
		CHECK_STR(diagnosis_evidence(&s.rig.outcome->why, "account"), s.rig.gone);
		CHECK_STR(s.rig.told[0], s.rig.gone);
		/* Nor with the passwords; and when it is back, with those alone. */
		comes(&s, AAA_REJECT, false, DIAG_ACCOUNT_UNKNOWN);
		s.rig.gone = NULL;
		comes(&s, AAA_ACCEPT, false, DIAG_NONE);
	}
}

TEST(an_account_that_is_removed_meanwhile_lets_nobody_in)
{
	AUTO_VALUE(site) s;

	site_init(&s);
	s.rig.removed_meanwhile = "BOB";
	comes(&s, AAA_REJECT, false, DIAG_ACCOUNT_UNKNOWN);
	CHECK_STR(diagnosis_evidence(&s.rig.outcome->why, "account"), "bob");
	CHECK_INT(s.rig.answer.keys.msk.len, 0);
	CHECK_INT(s.rig.answer.eap.p[0], EAP_FAILURE);
	CHECK_INT(s.rig.known, 1);
	s.rig.removed_meanwhile = NULL;
	s.rig.accounts_told = 0;
	resumes(&s);
	s.rig.removed_meanwhile = "bob";
	comes(&s, AAA_REJECT, true, DIAG_ACCOUNT_UNKNOWN);
}

TEST(that_another_account_is_removed_meanwhile_is_nothing_to_it)
{
	AUTO_VALUE(site) s;

	site_init(&s);
	s.rig.removed_meanwhile = "bobby";
	comes(&s, AAA_ACCEPT, false, DIAG_NONE);
}
