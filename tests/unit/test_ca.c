/* What an authority of our own makes: authorities, certificates, a roll-over. */
#include "enrol/names.h"
#include "tests/unit/ca_rig.h"
#include "tls/cert.h"

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

TEST(a_profile_without_key_types_takes_the_default)
{
	struct ca_profile profile = machine;

	profile.key_types = p256;
	profile.key_type_count = 0;
	CHECK_STR(ca_key_type(&profile), "P-256");
}
