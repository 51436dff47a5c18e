/* Machines whose renewal fails, and whether the server lets them in all the same. */
#include "authd/authority.h"
#include "authd/revoked.h"
#include "enrol/names.h"
#include "tests/test.h"
#include "tests/unit/authd_site.h"

/* It comes back to renew what it was given. */
static void renewer_init(struct newcomer *r, struct newcomer *from, const struct site *s)
{
	const struct duo_shelf *shelf = cduo_shelf(&from->store, "net");
	const struct cprom_token none = { .kind = CPROM_NO_TOKEN };
	AUTO_STRUCT(authority) authority = NULL;
	AUTO(X509_STACK) chain = sk_X509_new_null();
	struct shown shown = { shelf->current_key, shelf->current, chain };
	struct diagnosis why;

	REQUIRE(authority_open(s->rig.config, loop_now().wall, &authority, &why) == 0);
	REQUIRE(chain && X509_add_cert(chain, authority->now.issuer, X509_ADD_FLAG_UP_REF));
	newcomer_wants(r, ENROL_RENEW);
	r->credential.cert = shelf->current;
	r->credential.key = shelf->current_key;
	REQUIRE(names_of_cert(shelf->current, &r->credential.names, NULL) == OK);
	newcomer_connect(r, &none, trust_by_pin(&s->token, &shown));
}

/* A factory's certificate in place of a token. */
static void factory_init(struct newcomer *r, struct newcomer *from, const struct site *s)
{
	const struct cprom_token none = { .kind = CPROM_NO_TOKEN };
	const struct shown shown = { s->rig.client.key, s->rig.client.cert, NULL };

	(void)from;
	newcomer_wants(r, ENROL_REGISTER);
	newcomer_connect(r, &none, trust_by_pin(&s->token, &shown));
}

static void no_room(struct site *s, struct newcomer *r)
{
	(void)s;
	r->store.fail_step = DUO_PUT;
	r->store.fail_status = UNEXPECTED;
}

/* Who has issued it is told by the certificate itself. */
static void revoke_it(struct site *s, struct newcomer *r)
{
	AUTO_STRUCT(revoked) revoked = revoked_new();
	const ASN1_INTEGER *serial = X509_get0_serialNumber(r->credential.cert);
	struct ca_revoked entry = { .when = loop_now().wall };
	struct cert_info info;
	size_t issuer = 0;

	cert_info_of(r->credential.cert, &info);
	entry.serial = slice_of(ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial));
	REQUIRE(revoked && revoked_add_issuer(revoked, info.issuer, &issuer) == 0);
	REQUIRE(revoked_add(revoked, issuer, &entry) == 0);
	revoked_sort(revoked);
	pool_revoked(s->rig.pool, revoked);
	no_room(s, r);
}

TEST(renewal_that_fails_closes_no_port_and_opens_none)
{
	static const struct {
		const char *title, *settings, *rule;
		void (*init)(struct newcomer *r, struct newcomer *from, const struct site *s);
		void (*prepare)(struct site *s, struct newcomer *r);
		enum aaa_verdict verdict;
	} rows[] = {
		{ "no room at the machine", "", NULL, renewer_init, no_room, AAA_ACCEPT },
		{ "renewals are not done", "Actions=register\n", NULL, renewer_init, NULL,
		  AAA_ACCEPT },
		{ "revoked", "", NULL, renewer_init, revoke_it, AAA_REJECT },
		{ "a certificate does not suffice",
		  "[Eap]\nMethods=ttls\n[Tunnel]\nTtlsMethods=pap\n", NULL, renewer_init, no_room,
		  AAA_REJECT },
		{ "no EAP-TLS for it", "",
		  "[Match]\nMethod=tls\nIssuer=CN=*\n[Decision]\nAction=reject\n", renewer_init,
		  no_room, AAA_REJECT },
		{ "a tunnel is not EAP-TLS", "[Policy]\nDefaultAction=reject\n",
		  "[Match]\nMethod=ttls\n[Decision]\nAction=accept\n", renewer_init, no_room,
		  AAA_REJECT },
		{ "a factory's", "FactoryAnchors=@/ca.pem\n", "[Decision]\nAction=enroll\n",
		  factory_init, no_room, AAA_REJECT },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		AUTO_VALUE(site) s;
		AUTO_VALUE(newcomer) n;
		AUTO_VALUE(newcomer) r;
		char text[512];

		snprintf(text, sizeof text, "AfterEnrolment=accept\n%s", rows[i].settings);
		site_init_with_rule(&s, text, rows[i].rule);
		make_token(&s, &(struct registry_token){ .uses = 1 });
		newcomer_init(&n, &s, "printer-7");
		REQUIRE(enrol(&s, &n) != NULL);
		rows[i].init(&r, &n, &s);
		if (rows[i].prepare)
			rows[i].prepare(&s, &r);
		(void)enrol(&s, &r);
		if (s.rig.answer.verdict != rows[i].verdict)
			test_note("%s: %s", rows[i].title,
				  diagnosis_sentence(&s.rig.answer.why, text, sizeof text));
		CHECK_INT(s.rig.answer.verdict, rows[i].verdict);
		CHECK_INT(r.machine.lower.eapSuccess, rows[i].verdict == AAA_ACCEPT);
		CHECK(cprom_peer_error(r.cprom) != ENROL_ERROR_NONE);
		CHECK(cduo_shelf(&r.store, "net")->current == NULL);
		CHECK(s.rig.outcome->why.id != DIAG_NONE);
	}
}
