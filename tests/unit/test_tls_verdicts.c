#include "tests/test.h"
#include "tests/tls_cast.h"

/* ---- what the server says about us --------------------------------------------------------- */

TEST(alerts_about_our_certificate_are_decoded)
{
	static const struct {
		int error;
		enum diagnosis_id id;
		const char *alert;
	} table[] = {
		{ X509_V_ERR_CERT_REJECTED, DIAG_CLIENT_CERT_REFUSED, "bad certificate" },
		{ X509_V_ERR_INVALID_PURPOSE, DIAG_CLIENT_CERT_UNSUPPORTED,
		  "unsupported certificate" },
		{ X509_V_ERR_CERT_REVOKED, DIAG_CLIENT_CERT_REVOKED, "certificate revoked" },
		{ X509_V_ERR_CERT_HAS_EXPIRED, DIAG_CLIENT_CERT_EXPIRED, "certificate expired" },
		{ X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, DIAG_CLIENT_CA_UNKNOWN, "unknown CA" },
		{ X509_V_ERR_CERT_SIGNATURE_FAILURE, DIAG_CLIENT_SIGNATURE, "decrypt error" },
		{ X509_V_ERR_APPLICATION_VERIFICATION, DIAG_CLIENT_CERT_REFUSED,
		  "handshake failure" },
	};
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		for (size_t v = 0; v < 2; v++) {
			struct cast c;

			cast_init(&c);
			c.server_spec.max = versions[v];
			c.server_spec.verify_error = table[i].error;
			cast_load(&c);
			cast_converse(&c);
			CHECK_INT(c.end, SERVER_FAILURE);
			CHECK_INT(c.verdict.decision, FAIL);
			CHECK_INT(c.verdict.methodState, METHOD_MAY_CONT);
			CHECK_INT(cast_diagnosed(&c), table[i].id);
			CHECK_STR(cast_evidence(&c, "alert"), table[i].alert);
			CHECK_STR(cast_evidence(&c, "credential"), "desk");
			cast_done(&c);
		}
	}
}

TEST(our_certificate_that_has_expired_is_named_as_the_cause)
{
	struct cast c;

	cast_init(&c);
	c.server_spec.verify_error = X509_V_ERR_CERT_HAS_EXPIRED;
	c.now.wall += PKI_YEAR;
	/* the server's has expired too, but that is not the question */
	c.trust = (struct trust_settings){ .insecure_no_check = true };
	cast_load(&c);
	cast_converse(&c);
	CHECK_INT(cast_diagnosed(&c), DIAG_CREDENTIAL_EXPIRED);
	CHECK(cast_evidence(&c, "not_after") != NULL);
	cast_done(&c);
}

TEST(a_server_that_wants_a_certificate_gets_none)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

	for (size_t v = 0; v < 2; v++) {
		struct cast c;

		cast_init(&c);
		c.server_spec.max = versions[v];
		c.peer_settings.key = NULL;
		c.peer_settings.cert = NULL;
		cast_load(&c);
		cast_converse(&c);
		CHECK_INT(c.end, SERVER_FAILURE);
		CHECK_INT(cast_diagnosed(&c), DIAG_CLIENT_CERT_REQUIRED);

		c.server_spec.cert_optional = true;
		cast_load(&c);
		cast_converse(&c);
		CHECK(cast_accepted(&c));
		CHECK_INT(c.keys.peer_id.len, 0);
		cast_done(&c);
	}
}

TEST(a_server_may_do_without_our_certificate)
{
	struct cast c;

	cast_init(&c);
	c.server_spec.ca = NULL;
	cast_load(&c);
	cast_converse(&c);
	CHECK(cast_accepted(&c));
	CHECK_INT(c.keys.peer_id.len, 0);
	CHECK(c.keys.server_id.len > 0);
	cast_done(&c);
}

TEST(every_alert_has_a_diagnosis)
{
	static const struct {
		uint8_t alert;
		enum diagnosis_id id;
	} table[] = {
		{ 0, DIAG_TLS_ALERT },
		{ 10, DIAG_TLS_ALERT },
		{ 20, DIAG_TLS_ALERT },
		{ 22, DIAG_TLS_ALERT },
		{ 40, DIAG_TLS_CIPHER },
		{ 42, DIAG_CLIENT_CERT_REFUSED },
		{ 43, DIAG_CLIENT_CERT_UNSUPPORTED },
		{ 44, DIAG_CLIENT_CERT_REVOKED },
		{ 45, DIAG_CLIENT_CERT_EXPIRED },
		{ 46, DIAG_CLIENT_CERT_REFUSED },
		{ 47, DIAG_TLS_ALERT },
		{ 48, DIAG_CLIENT_CA_UNKNOWN },
		{ 49, DIAG_CLIENT_ACCESS_DENIED },
		{ 50, DIAG_TLS_ALERT },
		{ 51, DIAG_TLS_ALERT },
		{ 70, DIAG_TLS_VERSION },
		{ 71, DIAG_TLS_CIPHER },
		{ 80, DIAG_TLS_ALERT },
		{ 86, DIAG_TLS_ALERT },
		{ 109, DIAG_TLS_ALERT },
		{ 110, DIAG_TLS_ALERT },
		{ 112, DIAG_TLS_ALERT },
		{ 113, DIAG_TLS_ALERT },
		{ 115, DIAG_TLS_ALERT },
		{ 116, DIAG_CLIENT_CERT_REQUIRED },
		{ 120, DIAG_TLS_ALERT },
		{ 200, DIAG_TLS_ALERT },
	};
	struct cast c;

	cast_init(&c);
	cast_load(&c);
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		cast_answer_with_alert(&c, table[i].alert);
		CHECK_INT(cast_diagnosed(&c), table[i].id);
		if (cast_diagnosed(&c) != table[i].id)
			test_note("alert %u", table[i].alert);
		CHECK(cast_evidence(&c, "alert") != NULL);
	}
	cast_done(&c);
}

/* ---- what we say about the server ---------------------------------------------------------- */

struct mistrust {
	const char *what;
	void (*arrange)(struct cast *c);
	enum diagnosis_id id;
	int alert;
};

static void another_root(struct cast *c)
{
	struct pki_cert other = pki_ca("Other Root");

	pki_cert_done(&c->server_cert);
	c->server_cert = cast_cert("Test Server", NULL, &other);
	pki_cert_done(&other);
}

static void too_late(struct cast *c)
{
	c->now.wall += PKI_YEAR;
}

static void too_early(struct cast *c)
{
	c->now.wall -= PKI_YEAR;
}

static void clock_behind(struct cast *c)
{
	c->trust.built = c->now.wall + 1;
}

static void another_name(struct cast *c)
{
	static const char *const names[] = { "elsewhere.example.org" };

	c->trust.names = names;
}

static void another_pin(struct cast *c)
{
	static const char *const pins[] = {
		"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
	};

	c->trust.pins = pins;
	c->trust.pin_count = 1;
}

static void for_clients_only(struct cast *c)
{
	const struct pki_spec spec = { .cn = "Test Server",
				       .sans = "DNS:radius.example.org",
				       .eku = "clientAuth" };

	pki_cert_done(&c->server_cert);
	c->server_cert = pki_make(&spec, &c->ca);
}

static void ocsp_required(struct cast *c)
{
	c->trust.ocsp = OCSP_REQUIRE;
}

TEST(a_server_that_is_not_trusted_gets_the_alert_that_says_so)
{
	static const struct mistrust table[] = {
		{ "root", another_root, DIAG_SERVER_UNTRUSTED, SSL_AD_UNKNOWN_CA },
		{ "late", too_late, DIAG_SERVER_CERT_EXPIRED, SSL_AD_CERTIFICATE_EXPIRED },
		{ "early", too_early, DIAG_SERVER_CERT_NOT_YET_VALID, SSL_AD_CERTIFICATE_EXPIRED },
		{ "clock", clock_behind, DIAG_CLOCK_WRONG, SSL_AD_CERTIFICATE_UNKNOWN },
		{ "name", another_name, DIAG_SERVER_NAME_MISMATCH, SSL_AD_BAD_CERTIFICATE },
		{ "pin", another_pin, DIAG_SERVER_PIN_MISMATCH, SSL_AD_CERTIFICATE_UNKNOWN },
		{ "usage", for_clients_only, DIAG_SERVER_CERT_USAGE,
		  SSL_AD_UNSUPPORTED_CERTIFICATE },
		{ "ocsp", ocsp_required, DIAG_OCSP_MISSING,
		  SSL_AD_BAD_CERTIFICATE_STATUS_RESPONSE },
	};
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		for (size_t v = 0; v < 2; v++) {
			struct cast c;

			cast_init(&c);
			table[i].arrange(&c);
			c.server_spec.max = versions[v];
			cast_load(&c);
			cast_converse(&c);
			CHECK_INT(c.end, SERVER_FAILURE);
			CHECK_INT(c.verdict.methodState, METHOD_MAY_CONT);
			CHECK_INT(c.verdict.decision, FAIL);
			CHECK_INT(cast_diagnosed(&c), table[i].id);
			CHECK_INT(c.server.alert, table[i].alert);
			if (cast_diagnosed(&c) != table[i].id || c.server.alert != table[i].alert)
				test_note("%s", table[i].what);
			CHECK_INT(c.keys.msk.len, 0);
			cast_done(&c);
		}
	}
}

static void check_stapled(int version, int status, enum diagnosis_id id)
{
	struct cast c;

	cast_init(&c);

	const struct pki_ocsp_spec spec = { .about = c.server_cert.cert,
					    .issuer = &c.ca,
					    .status = status };
	struct bytes response = pki_ocsp(&spec);

	c.trust.ocsp = OCSP_REQUIRE;
	c.server_spec.max = version;
	c.server_spec.ocsp = bytes_slice(&response);
	cast_load(&c);
	cast_converse(&c);
	CHECK_INT(cast_diagnosed(&c), id);
	CHECK_INT(cast_accepted(&c), id == DIAG_NONE);
	if (cast_accepted(&c))
		cast_check_success(&c, true);
	cast_done(&c);
	bytes_done(&response);
}

TEST(a_stapled_response_is_used)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

	for (size_t v = 0; v < 2; v++) {
		check_stapled(versions[v], V_OCSP_CERTSTATUS_GOOD, DIAG_NONE);
		check_stapled(versions[v], V_OCSP_CERTSTATUS_REVOKED, DIAG_SERVER_CERT_REVOKED);
	}
}

TEST(a_server_that_is_not_checked_shows_in_the_report)
{
	struct cast c;
	struct eap_report report;

	cast_init(&c);
	another_root(&c);
	c.trust = (struct trust_settings){ .insecure_no_check = true };
	cast_load(&c);
	cast_converse(&c);
	CHECK(cast_accepted(&c));
	REQUIRE(tls_peer_method.report(c.peer, &report));
	CHECK_INT(report.reduced.id, DIAG_REDUCED_NO_SERVER_CHECK);
	cast_done(&c);
}

TEST(dates_that_were_not_checked_show_in_the_report)
{
	struct cast c;
	struct eap_report report;

	cast_init(&c);
	clock_behind(&c);
	c.trust.clock = CLOCK_IGNORE_DATES;
	cast_load(&c);
	for (int resumed = 0; resumed < 2; resumed++) {
		cast_converse(&c);
		CHECK(cast_accepted(&c));
		REQUIRE(tls_peer_method.report(c.peer, &report));
		CHECK_INT(report.resumed, resumed);
		CHECK_INT(report.reduced.id, DIAG_REDUCED_CLOCK);
	}
	cast_done(&c);
}
