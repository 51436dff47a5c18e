#include "enrol/ca.h"
#include "enrol/names.h"
#include "tests/pki.h"
#include "tests/test.h"
#include "tls/cert.h"

#define DAY PKI_DAY

/* A root and an issuing authority of our own. */
struct rig {
	struct enrol_authority authority;
	EVP_PKEY *root_key, *key;
	X509 *root;
	struct diagnosis why;
};

static const char *const any_key[] = { "P-256", "P-384", "P-521", "Ed25519", "RSA-2048" };
static const char *const p256[] = { "P-256" };
static const char *const dns[] = { "*.example.org", "gate" };

static const struct ca_profile machine = {
	.name = "machine",
	.lifetime = 90 * DAY,
	.backdate = 3600,
	.key_types = any_key,
	.key_type_count = 5,
	.common_name = "%{cn}",
	.dns = dns,
	.dns_count = 2,
};

static void rig_init(struct rig *r, const char *root_type, const char *type)
{
	struct ca_new_authority what = { .name = "Example Root",
					 .organization = "Example",
					 .now = PKI_NOW,
					 .lifetime = 20 * PKI_YEAR };

	*r = (struct rig){ .root_key = pki_key(root_type), .key = pki_key(type) };
	what.key = r->root_key;
	REQUIRE(ca_make_authority(&what, &r->root, &r->why) == OK);
	what.name = "Example Issuing";
	what.key = r->key;
	what.issuer = r->root;
	what.issuer_key = r->root_key;
	what.lifetime = 10 * PKI_YEAR;
	REQUIRE(ca_make_authority(&what, &r->authority.issuer, &r->why) == OK);
	r->authority.key = r->key;
	r->authority.crl_url = "http://ca.example.org/crl";
	r->authority.ocsp_url = "http://ca.example.org/ocsp";
}

static void rig_done(struct rig *r)
{
	X509_free(r->root);
	X509_free(r->authority.issuer);
	EVP_PKEY_free(r->root_key);
	EVP_PKEY_free(r->key);
}

static X509 *issue(struct rig *r, const struct ca_profile *profile, EVP_PKEY *key,
		   const struct enrol_names *names, int64_t now)
{
	X509 *cert = NULL;

	REQUIRE(ca_issue(&r->authority, profile, key, names, now, &cert, &r->why) == OK);
	return cert;
}

/* The whole path, every check on, by the library. */
static int verify(const struct rig *r, X509 *cert, int64_t now)
{
	AUTO(X509_STORE) store = X509_STORE_new();
	AUTO(X509_STORE_CTX) ctx = X509_STORE_CTX_new();
	STACK_OF(X509) *chain = sk_X509_new_null();
	int result;

	REQUIRE(store && ctx && chain);
	X509_STORE_add_cert(store, r->root);
	sk_X509_push(chain, r->authority.issuer);
	REQUIRE(X509_STORE_CTX_init(ctx, store, cert, chain));
	X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(ctx), (time_t)now);
	X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_X509_STRICT);
	X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_CLIENT);
	X509_verify_cert(ctx);
	result = X509_STORE_CTX_get_error(ctx);
	sk_X509_free(chain);
	return result;
}

static struct enrol_names named(const char *cn)
{
	struct enrol_names names = { 0 };

	snprintf(names.common_name, sizeof names.common_name, "%s", cn);
	return names;
}

static void add(struct enrol_names *names, int kind, const char *text)
{
	names->alternative[names->count].kind = kind;
	snprintf(names->alternative[names->count].text, ENROL_NAME_MAX + 1, "%s", text);
	names->count++;
}

static int critical(const X509 *cert, int nid)
{
	int at = X509_get_ext_by_NID(cert, nid, -1);

	return at < 0 ? -1 : X509_EXTENSION_get_critical(X509_get_ext(cert, at));
}

/* ---- certificates ---- */

TEST(authorities_are_what_rfc_5280_asks_of_them)
{
	struct rig r;

	rig_init(&r, "P-384", "P-256");
	CHECK_INT(X509_check_ca(r.root), 1);
	CHECK_INT(X509_get_pathlen(r.root), 2);
	CHECK_INT(X509_get_pathlen(r.authority.issuer), 0);
	CHECK_INT(X509_get_key_usage(r.root), KU_KEY_CERT_SIGN | KU_CRL_SIGN);
	CHECK_INT(X509_get_key_usage(r.authority.issuer),
		  KU_KEY_CERT_SIGN | KU_CRL_SIGN | KU_DIGITAL_SIGNATURE);
	CHECK_INT(critical(r.root, NID_basic_constraints), 1);
	CHECK_INT(critical(r.root, NID_key_usage), 1);
	CHECK_INT(critical(r.root, NID_subject_key_identifier), 0);
	CHECK_INT(critical(r.root, NID_authority_key_identifier), -1);
	CHECK_INT(critical(r.authority.issuer, NID_authority_key_identifier), 0);
	CHECK_INT(ASN1_OCTET_STRING_cmp(X509_get0_authority_key_id(r.authority.issuer),
					X509_get0_subject_key_id(r.root)),
		  0);
	CHECK_INT(X509_get_signature_nid(r.root), NID_ecdsa_with_SHA384);
	CHECK_INT(X509_check_issued(r.root, r.authority.issuer), X509_V_OK);
	rig_done(&r);
}

TEST(an_authority_never_outlives_the_one_above)
{
	struct rig r;
	X509 *made = NULL;
	struct ca_new_authority what = { .name = "Below", .now = PKI_NOW + 15 * PKI_YEAR };

	rig_init(&r, "P-256", "P-256");
	what.key = r.key;
	what.issuer = r.root;
	what.issuer_key = r.root_key;
	what.lifetime = 10 * PKI_YEAR;
	REQUIRE(ca_make_authority(&what, &made, &r.why) == OK);
	CHECK_INT(cert_time(X509_get0_notAfter(made)), cert_time(X509_get0_notAfter(r.root)));
	X509_free(made);
	what.name = "a name of more than sixty-four characters, which RFC 5280 does not allow it";
	CHECK_INT(ca_make_authority(&what, &made, &r.why), MALFORMED);
	CHECK_INT(r.why.id, DIAG_AUTHORITY);
	rig_done(&r);
}

TEST(every_kind_of_key_issues_and_is_certified)
{
	static const char *const types[] = { "P-256", "P-384", "Ed25519", "RSA-2048" };

	for (size_t i = 0; i < 4; i++) {
		struct enrol_names names = named("m");
		struct rig r;

		rig_init(&r, types[i], types[i]);
		for (size_t n = 0; n < 4; n++) {
			AUTO(EVP_PKEY) key = pki_key(types[n]);
			AUTO(X509) cert = issue(&r, &machine, key, &names, PKI_NOW);

			CHECK_INT(verify(&r, cert, PKI_NOW), X509_V_OK);
			CHECK_INT(X509_get_version(cert), X509_VERSION_3);
		}
		rig_done(&r);
	}
}

TEST(a_certificate_has_what_its_profile_says_and_no_more)
{
	struct enrol_names names = named("m.example.org");
	struct rig r;

	add(&names, ENROL_NAME_DNS, "m.example.org");
	rig_init(&r, "P-256", "P-256");

	AUTO(EVP_PKEY) key = pki_key("P-256");
	AUTO(X509) cert = issue(&r, &machine, key, &names, PKI_NOW);
	struct cert_info info;

	cert_info_of(cert, &info);
	CHECK_STR(info.subject, "CN=m.example.org");
	CHECK_STR(info.names, "DNS:m.example.org");
	CHECK_INT(info.not_before, PKI_NOW - 3600);
	CHECK_INT(info.not_after, PKI_NOW + 90 * DAY);
	CHECK_INT(X509_check_ca(cert), 0);
	CHECK_INT(critical(cert, NID_basic_constraints), 1);
	CHECK_INT(critical(cert, NID_key_usage), 1);
	CHECK_INT(X509_get_key_usage(cert), KU_DIGITAL_SIGNATURE);
	CHECK_INT(X509_get_extended_key_usage(cert), XKU_SSL_CLIENT);
	CHECK_INT(critical(cert, NID_ext_key_usage), 0);
	CHECK_INT(critical(cert, NID_subject_alt_name), 0);
	CHECK_INT(critical(cert, NID_crl_distribution_points), 0);
	CHECK_INT(critical(cert, NID_info_access), 0);
	CHECK_INT(X509_get_ext_count(cert), 8);
	rig_done(&r);
}

TEST(a_certificate_without_a_subject_has_a_critical_alternative_name)
{
	struct enrol_names names = { 0 };
	struct rig r;

	add(&names, ENROL_NAME_DNS, "gate");
	add(&names, ENROL_NAME_EMAIL, "a@example.org");
	add(&names, ENROL_NAME_URI, "urn:uuid:1");
	add(&names, ENROL_NAME_UPN, "h\xc3\xa9@example.org");
	add(&names, ENROL_NAME_IP, "192.0.2.1");
	add(&names, ENROL_NAME_IP, "2001:db8::1");
	rig_init(&r, "P-256", "P-256");

	AUTO(EVP_PKEY) key = pki_key("P-256");
	AUTO(X509) cert = issue(&r, &machine, key, &names, PKI_NOW);
	struct enrol_names read;

	CHECK_INT(critical(cert, NID_subject_alt_name), 1);
	CHECK_INT(X509_NAME_entry_count(X509_get_subject_name(cert)), 0);
	CHECK_INT(verify(&r, cert, PKI_NOW), X509_V_OK);
	REQUIRE(names_of_cert(cert, &read, &r.why) == OK);
	REQUIRE(read.count == names.count);
	for (size_t i = 0; i < read.count; i++) {
		CHECK_INT(read.alternative[i].kind, names.alternative[i].kind);
		CHECK_STR(read.alternative[i].text, names.alternative[i].text);
	}
	rig_done(&r);
}

TEST(serial_numbers_are_random_positive_and_of_twenty_octets_at_most)
{
	struct enrol_names names = named("m");
	struct rig r;
	int longest = 0;

	rig_init(&r, "P-256", "P-256");

	AUTO(EVP_PKEY) key = pki_key("P-256");
	AUTO(X509) first = issue(&r, &machine, key, &names, PKI_NOW);

	for (int i = 0; i < 64; i++) {
		AUTO(X509) cert = issue(&r, &machine, key, &names, PKI_NOW);
		const ASN1_INTEGER *serial = X509_get0_serialNumber(cert);
		int bits = 0;
		BIGNUM *number = ASN1_INTEGER_to_BN(serial, NULL);

		REQUIRE(number != NULL);
		bits = BN_num_bits(number);
		CHECK(!BN_is_negative(number) && bits <= 159 && bits > 128);
		CHECK(ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(first)) != 0);
		longest = bits > longest ? bits : longest;
		BN_free(number);
	}
	CHECK(longest >= 157);
	rig_done(&r);
}

TEST(dates_change_their_encoding_in_2050)
{
	struct ca_new_authority what = { .name = "Root", .now = INT64_C(2524600000) };
	X509 *root = NULL;
	struct diagnosis why;

	/* 2049-12-31T06:26:40Z, and a day before the turn of the year */
	what.key = pki_key("P-256");
	what.lifetime = 3600;
	REQUIRE(ca_make_authority(&what, &root, &why) == OK);
	CHECK_INT(ASN1_STRING_type(X509_get0_notAfter(root)), V_ASN1_UTCTIME);
	X509_free(root);
	what.lifetime = 2 * DAY;
	REQUIRE(ca_make_authority(&what, &root, &why) == OK);
	CHECK_INT(ASN1_STRING_type(X509_get0_notBefore(root)), V_ASN1_UTCTIME);
	CHECK_INT(ASN1_STRING_type(X509_get0_notAfter(root)), V_ASN1_GENERALIZEDTIME);
	CHECK_INT(cert_time(X509_get0_notAfter(root)), what.now + what.lifetime);
	X509_free(root);
	EVP_PKEY_free(what.key);
}

TEST(nothing_is_valid_for_longer_than_its_issuer)
{
	struct enrol_names names = named("m");
	struct ca_profile profile = machine;
	struct rig r;
	int64_t until, from;

	rig_init(&r, "P-256", "P-256");
	from = cert_time(X509_get0_notBefore(r.authority.issuer));
	until = cert_time(X509_get0_notAfter(r.authority.issuer));
	profile.backdate = 30 * DAY;

	AUTO(EVP_PKEY) key = pki_key("P-256");
	AUTO(X509) late = issue(&r, &machine, key, &names, until - DAY);
	AUTO(X509) early = issue(&r, &profile, key, &names, PKI_NOW);
	X509 *none = NULL;

	CHECK_INT(cert_time(X509_get0_notAfter(late)), until);
	CHECK_INT(cert_time(X509_get0_notBefore(early)), from);
	CHECK_INT(ca_issue(&r.authority, &machine, key, &names, until, &none, &r.why), UNEXPECTED);
	CHECK_INT(r.why.id, DIAG_AUTHORITY);
	CHECK_INT(ca_issue(&r.authority, &machine, key, &names, from - 1, &none, &r.why),
		  UNEXPECTED);
	r.authority.key = NULL;
	CHECK_INT(ca_issue(&r.authority, &machine, key, &names, PKI_NOW, &none, &r.why),
		  UNEXPECTED);
	rig_done(&r);
}

TEST(a_profile_takes_the_keys_it_names)
{
	static const struct {
		const char *type, *allowed;
		bool taken;
	} cases[] = {
		{ "P-256", "P-256", true },	   { "P-384", "P-256", false },
		{ "P-384", "P-384", true },	   { "Ed25519", "Ed25519", true },
		{ "Ed25519", "P-256", false },	   { "RSA-2048", "RSA-2048", true },
		{ "RSA-3072", "RSA-2048", true },  { "RSA-2048", "RSA-3072", false },
		{ "RSA-1024", "RSA-2048", false }, { "P-256", "RSA-2048", false },
	};
	struct enrol_names names = named("m");
	struct ca_profile profile = machine;
	struct rig r;

	rig_init(&r, "P-256", "P-256");
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		AUTO(EVP_PKEY) key = pki_key(cases[i].type);
		X509 *cert = NULL;

		profile.key_types = &cases[i].allowed;
		profile.key_type_count = 1;
		CHECK_INT(ca_issue(&r.authority, &profile, key, &names, PKI_NOW, &cert, &r.why),
			  cases[i].taken ? OK : UNSUPPORTED);
		if (!cases[i].taken) {
			CHECK_INT(r.why.id, DIAG_KEY_REFUSED);
			CHECK_STR(diagnosis_evidence(&r.why, "key"), cases[i].type);
		}
		X509_free(cert);
	}
	CHECK_STR(ca_key_type(&machine), "P-256");
	CHECK(ca_key_type_valid("RSA-4096") && ca_key_type_valid("Ed25519"));
	CHECK(!ca_key_type_valid("RSA-1024") && !ca_key_type_valid("P-224"));
	CHECK(!ca_key_type_valid("RSA-2048x") && !ca_key_type_valid(""));
	rig_done(&r);
}

TEST(a_server_of_ours_is_one_by_its_usages)
{
	static const char *const eap[] = { "1.3.6.1.5.5.7.3.14" };
	struct enrol_names names = named("radius.example.org");
	struct ca_profile profile = machine;
	struct rig r;

	profile.usages = eap;
	profile.usage_count = 1;
	profile.server = true;
	rig_init(&r, "P-256", "P-256");

	AUTO(EVP_PKEY) key = pki_key("P-256");
	AUTO(X509) cert = issue(&r, &profile, key, &names, PKI_NOW);

	CHECK(!cert_misuse(cert, CERT_SERVER));
	CHECK_INT(X509_get_extended_key_usage(cert) & XKU_SSL_CLIENT, 0);
	CHECK(X509_get_extended_key_usage(cert) & XKU_SSL_SERVER);
	rig_done(&r);
}

/* ---- roll-over ---- */

TEST(cross_certificates_lead_from_one_root_to_the_other)
{
	struct enrol_names names = named("m");
	X509 *new_with_old = NULL, *old_with_new = NULL;
	struct rig old, new;

	rig_init(&old, "P-256", "P-256");
	rig_init(&new, "P-384", "P-256");
	REQUIRE(ca_cross(new.root, old.root, old.root_key, PKI_NOW, &new_with_old, &old.why) == OK);
	REQUIRE(ca_cross(old.root, new.root, new.root_key, PKI_NOW, &old_with_new, &old.why) == OK);
	CHECK_INT(X509_get_pathlen(new_with_old), 1);
	CHECK_INT(X509_verify(new_with_old, old.root_key), 1);
	CHECK_INT(X509_verify(old_with_new, new.root_key), 1);
	CHECK(EVP_PKEY_eq(X509_get0_pubkey(new_with_old), new.root_key) == 1);

	/* Issued by the new one, believed by who knows the old root alone. */
	AUTO(EVP_PKEY) key = pki_key("P-256");
	AUTO(X509) cert = issue(&new, &machine, key, &names, PKI_NOW);
	AUTO(X509_STORE) store = X509_STORE_new();
	AUTO(X509_STORE_CTX) ctx = X509_STORE_CTX_new();
	X509_STACK *chain = pki_chain(new.authority.issuer, new_with_old, NULL);

	X509_STORE_add_cert(store, old.root);
	REQUIRE(X509_STORE_CTX_init(ctx, store, cert, chain));
	X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(ctx), PKI_NOW);
	CHECK_INT(X509_verify_cert(ctx), 1);
	CHECK_INT(X509_STORE_CTX_get_error(ctx), X509_V_OK);
	x509_stack_free(chain);
	X509_free(new_with_old);
	X509_free(old_with_new);
	new_with_old = NULL;
	CHECK_INT(ca_cross(new.root, old.root, old.root_key, PKI_NOW + 30 * PKI_YEAR, &new_with_old,
			   &old.why),
		  UNEXPECTED);
	rig_done(&old);
	rig_done(&new);
}

/* ---- names ---- */

static enum status cut(const struct ca_profile *profile, const struct enrol_grant *grant,
		       const struct enrol_names *wanted, struct enrol_names *ret)
{
	struct diagnosis why = { 0 };
	enum status status = ca_names(profile, grant, wanted, ret, &why);

	if (status == UNTRUSTED) {
		CHECK_INT(why.id, DIAG_NAME_REFUSED);
		CHECK(diagnosis_evidence(&why, "detail") != NULL);
	}
	return status;
}

TEST(templates_make_the_common_name)
{
	static const struct {
		const char *template, *asked, *wanted;
	} cases[] = {
		{ "%{cn}", "host1", "host1" },
		{ "%{cn}.m.example.org", "host1", "host1.m.example.org" },
		{ "%{serial}", "host1", "SN-7" },
		{ "%{mac}/%{token}", "", "02:00:5e:10:00:01/A8R0RS4D" },
		{ "100%% %{serial}", "", "100% SN-7" },
		{ "Printer", "host1", "Printer" },
		{ "%{cn}", "", NULL },
		{ "x%{cn}", "", NULL },
		{ "%{cn}", "a\x01", NULL },
		{ "%{cn}", " a", NULL },
		{ "%{cn}%{cn}", "0123456789012345678901234567890123", NULL },
	};
	const struct enrol_grant grant = { .token = "A8R0RS4D",
					   .serial = "SN-7",
					   .mac = "02:00:5e:10:00:01" };

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct enrol_names asked = named(cases[i].asked), got;
		struct ca_profile profile = machine;

		profile.common_name = cases[i].template;
		CHECK_INT(cut(&profile, &grant, &asked, &got), cases[i].wanted ? OK : UNTRUSTED);
		if (cases[i].wanted)
			CHECK_STR(got.common_name, cases[i].wanted);
	}
	CHECK(ca_template_valid("%{cn}%%") && ca_template_valid(""));
	CHECK(!ca_template_valid("%") && !ca_template_valid("%{user}"));
	CHECK(!ca_template_valid("%{cn") && !ca_template_valid("50%"));
}

TEST(what_is_not_known_of_a_machine_cannot_be_in_its_name)
{
	static const char *const templates[] = { "%{serial}", "%{mac}", "%{token}" };
	const struct enrol_grant grant = { 0 };

	for (size_t i = 0; i < 3; i++) {
		struct enrol_names asked = named("host1"), got;
		struct ca_profile profile = machine;

		profile.common_name = templates[i];
		CHECK_INT(cut(&profile, &grant, &asked, &got), UNTRUSTED);
	}
}

TEST(a_profile_without_patterns_takes_what_hosts_and_users_are_called)
{
	static const char *const good[] = { "printer-7", "a.b_c@example.org", "7", "X" };
	static const char *const bad[] = { "evil/../x y", "a b", "a..b", ".a",	 "a.",
					   "-a",	  "a/b", "a\\b", "CN=a", "a,b",
					   "r\xc3\xa9my", "a*b", "@a",	 "a:b",	 "$(a)" };
	static const char *const any[] = { "*" };
	const struct enrol_grant grant = { 0 }, named_it = { .names = named("a b") };
	struct ca_profile profile = machine;
	struct enrol_names names, got;

	profile.common_names = any;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		names = named(good[i]);
		CHECK_INT(cut(&machine, &grant, &names, &got), OK);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		names = named(bad[i]);
		profile.common_name_count = 0;
		CHECK_INT(cut(&profile, &grant, &names, &got), UNTRUSTED);
		profile.common_name_count = 1;
		CHECK_INT(cut(&profile, &grant, &names, &got), OK);
	}
	names = named("");
	CHECK_INT(cut(&machine, &named_it, &names, &got), OK);
}

TEST(a_name_has_to_be_allowed_by_the_profile)
{
	static const char *const any[] = { "*" }, *const urn[] = { "urn:*" },
				 *const host[] = { "h?" };
	static const struct {
		int kind;
		const char *text;
		enum status status;
	} cases[] = {
		{ ENROL_NAME_DNS, "a.example.org", OK },
		{ ENROL_NAME_DNS, "A.EXAMPLE.ORG", OK },
		{ ENROL_NAME_DNS, "gate", OK },
		{ ENROL_NAME_DNS, "a.example.com", UNTRUSTED },
		{ ENROL_NAME_DNS, "*.example.org", UNTRUSTED },
		{ ENROL_NAME_DNS, "a..example.org", UNTRUSTED },
		{ ENROL_NAME_DNS, "-a.example.org", UNTRUSTED },
		{ ENROL_NAME_DNS, "a-.example.org", UNTRUSTED },
		{ ENROL_NAME_DNS, "a b.example.org", UNTRUSTED },
		{ ENROL_NAME_DNS, ".example.org", UNTRUSTED },
		{ ENROL_NAME_EMAIL, "a@example.org", UNTRUSTED },
		{ ENROL_NAME_URI, "urn:x", OK },
		{ ENROL_NAME_URI, "URN:x", UNTRUSTED },
		{ ENROL_NAME_URI, "http://a/", UNTRUSTED },
		{ ENROL_NAME_URI, "urn:<x>", UNTRUSTED },
		{ ENROL_NAME_UPN, "a@b.c", OK },
		{ ENROL_NAME_UPN, "ab.c", UNTRUSTED },
		{ ENROL_NAME_IP, "192.0.2.1", OK },
		{ ENROL_NAME_IP, "192.0.2.1.example.org", UNTRUSTED },
	};
	struct ca_profile profile = machine;
	const struct enrol_grant grant = { 0 };
	struct enrol_names names, got;

	profile.uri = urn;
	profile.uri_count = 1;
	profile.upn = profile.ip = any;
	profile.upn_count = profile.ip_count = 1;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		names = named("h1");
		add(&names, cases[i].kind, cases[i].text);
		CHECK_INT(cut(&profile, &grant, &names, &got), cases[i].status);
	}
	profile.common_names = host;
	profile.common_name_count = 1;
	names = named("h1");
	CHECK_INT(cut(&profile, &grant, &names, &got), OK);
	names = named("h12");
	CHECK_INT(cut(&profile, &grant, &names, &got), UNTRUSTED);
}

TEST(what_was_granted_is_all_that_may_be_asked_for)
{
	struct enrol_grant grant = { .names = named("h1") };
	struct enrol_names none = { 0 }, asked = named("h1"), other = named("h2"), got;

	add(&grant.names, ENROL_NAME_DNS, "h1.elsewhere.example");
	add(&grant.names, ENROL_NAME_DNS, "h1.example.com");
	REQUIRE(cut(&machine, &grant, &none, &got) == OK);
	CHECK_STR(got.common_name, "h1");
	CHECK_INT(got.count, 2);
	add(&asked, ENROL_NAME_DNS, "H1.example.com");
	add(&asked, ENROL_NAME_DNS, "h1.example.com");
	REQUIRE(cut(&machine, &grant, &asked, &got) == OK);
	CHECK_INT(got.count, 1);
	add(&asked, ENROL_NAME_DNS, "h1.example.org"); /* which the profile would allow */
	CHECK_INT(cut(&machine, &grant, &asked, &got), UNTRUSTED);
	/* The common name is given, whatever is asked for. */
	REQUIRE(cut(&machine, &grant, &other, &got) == OK);
	CHECK_STR(got.common_name, "h1");
	/* A grant of alternative names alone binds the common name too. */
	grant.names.common_name[0] = '\0';
	CHECK_INT(cut(&machine, &grant, &other, &got), UNTRUSTED);
	other = named("h1.example.com");
	CHECK_INT(cut(&machine, &grant, &other, &got), OK);
}

TEST(names_that_are_not_well_formed_are_not_read)
{
	static const struct {
		const char *cn, *sans;
		enum status status;
	} cases[] = {
		{ "m", "DNS:a.example.org", OK },
		{ "m", "DNS:a b", MALFORMED },
		{ "m", "DNS:*.example.org", MALFORMED },
		{ "m", "email:nobody", MALFORMED },
		{ "m", "RID:1.2.3.4", OK },
		{ "a\tb", NULL, MALFORMED },
		{ NULL, NULL, OK },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct pki_spec spec = { .cn = cases[i].cn, .sans = cases[i].sans };
		struct pki_cert made = pki_make(&spec, NULL);
		struct enrol_names names;
		struct diagnosis why = { 0 };

		CHECK_INT(names_of_cert(made.cert, &names, &why), cases[i].status);
		if (cases[i].status != OK)
			CHECK_INT(why.id, DIAG_REQUEST_MALFORMED);
		pki_cert_done(&made);
	}

	const struct pki_spec with_nul = { .cn = "a\0b", .cn_len = 3 };
	struct pki_cert made = pki_make(&with_nul, NULL);
	struct enrol_names names;
	struct diagnosis why;

	CHECK_INT(names_of_cert(made.cert, &names, &why), MALFORMED);
	pki_cert_done(&made);
}

/* ---- lists ---- */

static const uint8_t serial_a[] = { 0x11, 0x22 }, serial_b[] = { 0x7f, 1, 2, 3 };
static const struct ca_revoked revoked[] = {
	{ { serial_b, sizeof serial_b }, PKI_NOW - 60, CA_KEY_COMPROMISE },
	{ { serial_a, sizeof serial_a }, PKI_NOW - 30, CA_UNSPECIFIED },
};

TEST(a_list_says_what_was_revoked_when_and_why)
{
	AUTO_VALUE(bytes) der = { 0 };
	const uint8_t *at;
	struct rig r;

	rig_init(&r, "P-256", "Ed25519");
	REQUIRE(ca_crl(&r.authority, revoked, 2, 77, PKI_NOW, DAY, &der) == OK);
	at = der.p;

	AUTO(X509_CRL) crl = d2i_X509_CRL(NULL, &at, (long)der.len);
	ASN1_INTEGER *number = X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL);
	STACK_OF(X509_REVOKED) *entries = X509_CRL_get_REVOKED(crl);
	ASN1_ENUMERATED *reason;

	REQUIRE(crl && number && sk_X509_REVOKED_num(entries) == 2);
	CHECK_INT(X509_CRL_get_version(crl), X509_CRL_VERSION_2);
	CHECK_INT(X509_CRL_verify(crl, r.key), 1);
	CHECK_INT(ASN1_INTEGER_get(number), 77);
	CHECK_INT(cert_time(X509_CRL_get0_lastUpdate(crl)), PKI_NOW);
	CHECK_INT(cert_time(X509_CRL_get0_nextUpdate(crl)), PKI_NOW + DAY);
	CHECK(X509_CRL_get_ext_by_NID(crl, NID_authority_key_identifier, -1) >= 0);
	/* sorted; without a reason where there is none to tell */
	CHECK(!X509_REVOKED_get_ext_d2i(sk_X509_REVOKED_value(entries, 0), NID_crl_reason, NULL,
					NULL));
	reason = X509_REVOKED_get_ext_d2i(sk_X509_REVOKED_value(entries, 1), NID_crl_reason, NULL,
					  NULL);
	REQUIRE(reason != NULL);
	CHECK_INT(ASN1_ENUMERATED_get(reason), CA_KEY_COMPROMISE);
	ASN1_ENUMERATED_free(reason);
	ASN1_INTEGER_free(number);
	rig_done(&r);
}

TEST(an_empty_list_is_a_list)
{
	AUTO_VALUE(bytes) der = { 0 };
	struct rig r;
	const uint8_t *at;

	rig_init(&r, "P-256", "RSA-2048");
	REQUIRE(ca_crl(&r.authority, NULL, 0, 1, PKI_NOW, DAY, &der) == OK);
	at = der.p;

	AUTO(X509_CRL) crl = d2i_X509_CRL(NULL, &at, (long)der.len);

	REQUIRE(crl != NULL);
	/* revokedCertificates is to be absent: section 5.1.2.6 */
	CHECK(!X509_CRL_get_REVOKED(crl));
	CHECK_INT(X509_CRL_verify(crl, r.key), 1);
	rig_done(&r);
}

static enum ca_state look(void *context, struct slice serial, struct ca_revoked *ret)
{
	const X509 *cert = context;
	const ASN1_INTEGER *mine = X509_get0_serialNumber(cert);

	if (!slice_eq(serial,
		      slice_of(ASN1_STRING_get0_data(mine), (size_t)ASN1_STRING_length(mine))))
		return CA_GOOD;
	*ret = (struct ca_revoked){ serial, PKI_NOW - 10, CA_SUPERSEDED };
	return CA_REVOKED;
}

static OCSP_REQUEST *request_for(OCSP_REQUEST *request, const X509 *cert, const X509 *issuer,
				 const EVP_MD *md)
{
	OCSP_CERTID *id = OCSP_cert_to_id(md, cert, issuer);

	if (!request)
		request = OCSP_REQUEST_new();
	REQUIRE(request && id && OCSP_request_add0_id(request, id));
	return request;
}

/* The status of the response; of a good one its content. */
static int ask(struct rig *r, OCSP_REQUEST *request, X509 *bad, OCSP_BASICRESP **ret_basic)
{
	const struct ca_status status = { look, bad };
	AUTO_VALUE(bytes) der = { 0 };
	uint8_t *asked = NULL;
	int len = i2d_OCSP_REQUEST(request, &asked), result;
	const uint8_t *at;

	REQUIRE(len > 0);
	REQUIRE(ca_ocsp(&r->authority, slice_of(asked, (size_t)len), &status, PKI_NOW, 3600,
			&der) == OK);
	OPENSSL_free(asked);
	at = der.p;

	AUTO(OCSP_RESPONSE) response = d2i_OCSP_RESPONSE(NULL, &at, (long)der.len);

	REQUIRE(response != NULL);
	result = OCSP_response_status(response);
	*ret_basic = result == OCSP_RESPONSE_STATUS_SUCCESSFUL ? OCSP_response_get1_basic(response)
							       : NULL;
	return result;
}

static int state_of(OCSP_BASICRESP *basic, const X509 *cert, const X509 *issuer, const EVP_MD *md,
		    int *ret_reason)
{
	AUTO(OCSP_CERTID) id = OCSP_cert_to_id(md, cert, issuer);
	int status = -1;

	REQUIRE(OCSP_resp_find_status(basic, id, &status, ret_reason, NULL, NULL, NULL) == 1);
	return status;
}

TEST(ocsp_answers_about_several_certificates_at_once)
{
	const EVP_MD *const digests[] = { EVP_sha1(), EVP_sha256() };
	struct enrol_names names = named("m");
	struct rig r;

	rig_init(&r, "P-256", "P-256");

	AUTO(EVP_PKEY) key = pki_key("P-256");
	AUTO(X509) good = issue(&r, &machine, key, &names, PKI_NOW);
	AUTO(X509) bad = issue(&r, &machine, key, &names, PKI_NOW);
	struct pki_cert elsewhere = pki_ca("Elsewhere"), theirs = pki_client("x", &elsewhere);

	for (size_t i = 0; i < 2; i++) {
		AUTO(OCSP_REQUEST)
		request = request_for(NULL, good, r.authority.issuer, digests[i]);
		AUTO(OCSP_BASICRESP) basic = NULL;
		STACK_OF(X509) *signers = pki_chain(r.authority.issuer, NULL);
		AUTO(X509_STORE) store = X509_STORE_new();
		int reason = -1;

		(void)request_for(request, bad, r.authority.issuer, digests[i]);
		(void)request_for(request, theirs.cert, elsewhere.cert, digests[i]);
		REQUIRE(OCSP_request_add1_nonce(request, NULL, 16) == 1);
		REQUIRE(ask(&r, request, bad, &basic) == OCSP_RESPONSE_STATUS_SUCCESSFUL);
		CHECK_INT(OCSP_check_nonce(request, basic), 1);
		X509_STORE_add_cert(store, r.authority.issuer);
		CHECK_INT(OCSP_basic_verify(basic, signers, store, OCSP_TRUSTOTHER), 1);
		CHECK_INT(state_of(basic, good, r.authority.issuer, digests[i], &reason),
			  V_OCSP_CERTSTATUS_GOOD);
		CHECK_INT(state_of(basic, bad, r.authority.issuer, digests[i], &reason),
			  V_OCSP_CERTSTATUS_REVOKED);
		CHECK_INT(reason, CA_SUPERSEDED);
		CHECK_INT(state_of(basic, theirs.cert, elsewhere.cert, digests[i], &reason),
			  V_OCSP_CERTSTATUS_UNKNOWN);
		CHECK_INT(cert_time(OCSP_resp_get0_produced_at(basic)), PKI_NOW);
		x509_stack_free(signers);
	}
	pki_cert_done(&theirs);
	pki_cert_done(&elsewhere);
	rig_done(&r);
}

TEST(ocsp_refuses_what_it_cannot_answer)
{
	static const uint8_t garbage[] = { 0x30, 0x03, 0x02, 0x01, 0x00 };
	struct enrol_names names = named("m");
	AUTO_VALUE(bytes) der = { 0 };
	struct ca_status status = { look, NULL };
	struct rig r;

	rig_init(&r, "P-256", "P-256");

	AUTO(EVP_PKEY) key = pki_key("P-256");
	AUTO(X509) good = issue(&r, &machine, key, &names, PKI_NOW);
	struct pki_cert elsewhere = pki_ca("Elsewhere"), theirs = pki_client("x", &elsewhere);
	AUTO(OCSP_REQUEST) other = request_for(NULL, theirs.cert, elsewhere.cert, EVP_sha1());
	AUTO(OCSP_REQUEST) odd = request_for(NULL, good, r.authority.issuer, EVP_md5());
	AUTO(OCSP_REQUEST) many = NULL;
	AUTO(OCSP_REQUEST) nonce = request_for(NULL, good, r.authority.issuer, EVP_sha1());
	OCSP_BASICRESP *basic = NULL;

	status.context = good;
	CHECK_INT(ask(&r, other, good, &basic), OCSP_RESPONSE_STATUS_UNAUTHORIZED);
	CHECK_INT(ask(&r, odd, good, &basic), OCSP_RESPONSE_STATUS_UNAUTHORIZED);
	for (int i = 0; i <= CA_OCSP_ASKED_MAX; i++)
		many = request_for(many, good, r.authority.issuer, EVP_sha1());
	CHECK_INT(ask(&r, many, good, &basic), OCSP_RESPONSE_STATUS_MALFORMEDREQUEST);
	OCSP_request_add1_nonce(nonce, NULL, 33);
	CHECK_INT(ask(&r, nonce, good, &basic), OCSP_RESPONSE_STATUS_MALFORMEDREQUEST);
	REQUIRE(ca_ocsp(&r.authority, slice_of(garbage, sizeof garbage), &status, PKI_NOW, 60,
			&der) == OK);
	CHECK(slice_eq(bytes_slice(&der), slice_of("\x30\x03\x0a\x01\x01", 5)));
	CHECK(!ca_ocsp_is_for(&r.authority, slice_of(garbage, sizeof garbage)));
	pki_cert_done(&theirs);
	pki_cert_done(&elsewhere);
	rig_done(&r);
}

TEST(a_staple_is_about_one_certificate)
{
	struct enrol_names names = named("m");
	AUTO_VALUE(bytes) der = { 0 };
	struct rig r;
	const uint8_t *at;
	int reason;

	rig_init(&r, "P-256", "P-384");

	AUTO(EVP_PKEY) key = pki_key("P-256");
	AUTO(X509) cert = issue(&r, &machine, key, &names, PKI_NOW);
	const struct ca_status status = { look, cert };

	REQUIRE(ca_ocsp_staple(&r.authority, cert, &status, PKI_NOW, 3600, &der) == OK);
	at = der.p;

	AUTO(OCSP_RESPONSE) response = d2i_OCSP_RESPONSE(NULL, &at, (long)der.len);
	AUTO(OCSP_BASICRESP) basic = response ? OCSP_response_get1_basic(response) : NULL;

	REQUIRE(basic != NULL);
	CHECK_INT(state_of(basic, cert, r.authority.issuer, EVP_sha1(), &reason),
		  V_OCSP_CERTSTATUS_REVOKED);
	rig_done(&r);
}

TEST(reasons_have_words)
{
	enum ca_reason reason;

	CHECK_STR(ca_reason_text(CA_SUPERSEDED), "superseded");
	CHECK(!ca_reason_text(7) && !ca_reason_text(-1));
	REQUIRE(ca_reason_by_text("key-compromise", &reason));
	CHECK_INT(reason, CA_KEY_COMPROMISE);
	CHECK(!ca_reason_by_text("because", &reason));
}

TEST(a_profile_without_key_types_takes_the_default)
{
	struct ca_profile profile = machine;

	profile.key_types = p256;
	profile.key_type_count = 0;
	CHECK_STR(ca_key_type(&profile), "P-256");
}
