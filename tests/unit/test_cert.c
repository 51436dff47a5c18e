#include "tests/test.h"

#include "pki/cert.h"
#include "tests/pki.h"

static const char *own(const struct pki_cert *made, EVP_PKEY *key, STACK_OF(X509) * chain,
		       int64_t now, int64_t warn_before, struct diagnosis *why)
{
	enum status status = cert_check_own(made->cert, CERT_CLIENT, key, chain, "laptop", now,
					    warn_before, why);

	CHECK_INT(status,
		  why->id == DIAG_NONE || diagnosis_text(why->id)->reduced ? OK : UNTRUSTED);
	return diagnosis_text(why->id)->name;
}

TEST(a_certificate_is_described)
{
	AUTO_VALUE(pki_cert) ca = pki_ca("Test CA");
	struct pki_spec spec = { .cn = "radius",
				 .sans = "DNS:a.example,email:x@example,IP:10.0.0.1,"
					 "otherName:1.3.6.1.4.1.311.20.2.3;UTF8:host@example",
				 .from = PKI_NOW,
				 .until = PKI_NOW + PKI_DAY,
				 .serial = 0x1234 };
	AUTO_VALUE(pki_cert) made = pki_make(&spec, &ca);
	struct cert_info info;

	cert_info_of(made.cert, &info);
	CHECK_STR(info.subject, "CN=radius");
	CHECK_STR(info.issuer, "CN=Test CA");
	CHECK_STR(info.names,
		  "DNS:a.example, email:x@example, IP Address:10.0.0.1, UPN:host@example");
	CHECK_STR(info.serial, "1234");
	CHECK_STR(info.key, "P-256");
	CHECK_INT(strlen(info.fingerprint), 64);
	CHECK_INT(strlen(info.spki), 64);
	CHECK(strcmp(info.fingerprint, info.spki) != 0);
	CHECK_INT(info.not_before, PKI_NOW);
	CHECK_INT(info.not_after, PKI_NOW + PKI_DAY);
}

TEST(keys_have_the_names_that_people_use)
{
	static const char *const types[] = { "RSA-2048", "P-256", "P-384", "P-521", "Ed25519" };

	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		AUTO_VALUE(pki_cert)
		made = pki_make(&(struct pki_spec){ .cn = "x", .key_type = types[i] }, NULL);
		struct cert_info info;

		cert_info_of(made.cert, &info);
		CHECK_STR(info.key, types[i]);
	}
}

TEST(text_from_a_certificate_cannot_write_on_the_terminal)
{
	struct pki_spec spec = { .cn = "a\x1b[2Jé", .raw_dns = slice_of("good\0.evil\x07", 11) };
	AUTO_VALUE(pki_cert) made = pki_make(&spec, NULL);
	struct cert_info info;

	cert_info_of(made.cert, &info);
	CHECK_STR(info.subject, "CN=a\\1B[2Jé");
	CHECK_STR(info.names, "DNS:good?.evil?");
}

TEST(long_names_are_cut)
{
	char cn[65];
	char dns[2000];

	memset(cn, 'x', 64);
	cn[64] = '\0';
	memset(dns, 'y', sizeof dns);
	AUTO_VALUE(pki_cert)
	made = pki_make(&(struct pki_spec){ .cn = cn, .raw_dns = slice_of(dns, sizeof dns) }, NULL);
	struct cert_info info;

	cert_info_of(made.cert, &info);
	CHECK_INT(strlen(info.subject), 67);
	CHECK_INT(strlen(info.names), CERT_TEXT_MAX - 1);
}

TEST(times_are_utc_in_both_notations)
{
	static const struct {
		const char *text;
		int64_t seconds;
	} times[] = {
		{ "700101000000Z", 0 },
		{ "19700101000000Z", 0 },
		{ "20270115080000Z", PKI_NOW },
		{ "270115080000Z", PKI_NOW },
		{ "491231235959Z", INT64_C(2524607999) },
		{ "500101000000Z", INT64_C(-631152000) },
		{ "99991231235959Z", INT64_C(253402300799) },
	};
	ASN1_TIME *time = ASN1_TIME_new();

	setenv("TZ", "America/St_Johns", 1);
	for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
		REQUIRE(ASN1_TIME_set_string(time, times[i].text) == 1);
		CHECK_INT(cert_time(time), times[i].seconds);
	}
	unsetenv("TZ");
	ASN1_STRING_set(time, "not a time", -1);
	CHECK_INT(cert_time(time), 0);
	CHECK_INT(cert_time(NULL), 0);
	ASN1_TIME_free(time);
}

TEST(our_own_certificate_is_checked_before_it_is_used)
{
	AUTO_VALUE(pki_cert) root = pki_ca("root");
	AUTO_VALUE(pki_cert) middle = pki_intermediate("middle", &root);
	AUTO_VALUE(pki_cert) client = pki_client("laptop", &middle);
	AUTO(X509_STACK) chain = pki_chain(middle.cert, NULL);
	AUTO(X509_STACK) whole = pki_chain(root.cert, client.cert, middle.cert, NULL);
	AUTO(X509_STACK) beyond = pki_chain(root.cert, NULL);
	int64_t end = PKI_NOW + PKI_YEAR / 2;
	struct diagnosis why;

	CHECK_STR(own(&client, client.key, chain, PKI_NOW, 0, &why), "none");
	CHECK_STR(own(&client, NULL, NULL, PKI_NOW, 0, &why), "none");
	CHECK_STR(own(&client, client.key, whole, PKI_NOW, 0, &why), "none");
	CHECK_STR(own(&client, middle.key, chain, PKI_NOW, 0, &why), "key-mismatch");
	CHECK_STR(own(&client, client.key, chain, end, 0, &why), "none");
	CHECK_STR(own(&client, client.key, chain, end + 1, 0, &why), "credential-expired");
	CHECK_STR(diagnosis_evidence(&why, "credential"), "laptop");
	CHECK_STR(diagnosis_evidence(&why, "not_after"), "2027-07-16T20:00:00Z");
	CHECK_STR(own(&client, client.key, chain, PKI_NOW - PKI_YEAR, 0, &why),
		  "credential-not-yet-valid");
	CHECK_STR(own(&client, client.key, chain, end - PKI_DAY, 2 * PKI_DAY, &why),
		  "credential-expiring");
	CHECK_STR(own(&client, client.key, chain, end - 3 * PKI_DAY, 2 * PKI_DAY, &why), "none");
	CHECK_STR(own(&client, client.key, beyond, PKI_NOW, 0, &why),
		  "credential-chain-incomplete");
	CHECK_STR(diagnosis_evidence(&why, "issuer"), "CN=middle");
}

TEST(our_own_certificate_has_to_be_for_clients)
{
	static const struct {
		const char *eku, *key_usage, *verdict;
	} usages[] = {
		{ NULL, NULL, "none" },
		{ "clientAuth", "digitalSignature", "none" },
		{ "1.3.6.1.5.5.7.3.14", NULL, "none" },
		{ "anyExtendedKeyUsage", NULL, "none" },
		{ "serverAuth", NULL, "config-wrong" },
		{ "clientAuth", "keyEncipherment", "config-wrong" },
	};
	AUTO_VALUE(pki_cert) ca = pki_ca("ca");

	for (size_t i = 0; i < sizeof usages / sizeof usages[0]; i++) {
		AUTO_VALUE(pki_cert)
		client = pki_make(&(struct pki_spec){ .cn = "client",
						      .eku = usages[i].eku,
						      .key_usage = usages[i].key_usage },
				  &ca);
		struct diagnosis why;

		CHECK_STR(own(&client, client.key, NULL, PKI_NOW, 0, &why), usages[i].verdict);
	}
}

TEST(the_realm_comes_from_a_principal_or_mail_name)
{
	static const struct {
		const char *sans, *realm;
	} names[] = {
		{ NULL, NULL },
		{ "DNS:host.example.org", NULL },
		{ "email:a@example.org", "example.org" },
		{ "DNS:x,email:a@b@example.org", "example.org" },
		{ "otherName:1.3.6.1.4.1.311.20.2.3;UTF8:host@corp.example", "corp.example" },
		{ "otherName:1.3.6.1.4.1.311.20.2.4;UTF8:host@corp.example", NULL },
		{ "otherName:1.3.6.1.4.1.311.20.2.3;UTF8:host", NULL },
		{ "email:a@", NULL },
		{ "email:a@.example", NULL },
		{ "email:a@example..org", NULL },
		{ "email:a@exam ple", NULL },
		{ "email:a@bad_realm,email:a@good", "good" },
		{ "email:a@a-realm-that-is-too-long-for-the-buffer.example", NULL },
	};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		AUTO_VALUE(pki_cert)
		made = pki_make(&(struct pki_spec){ .cn = "x", .sans = names[i].sans }, NULL);
		char realm[32] = "";

		CHECK_INT(cert_realm(made.cert, realm, sizeof realm), names[i].realm != NULL);
		if (names[i].realm)
			CHECK_STR(realm, names[i].realm);
	}
}

TEST(a_certificate_is_looked_at_for_its_role)
{
	AUTO_VALUE(pki_cert) ca = pki_ca("Test CA");
	struct pki_spec spec = { .cn = "radius", .eku = "serverAuth" };
	AUTO_VALUE(pki_cert) made = pki_make(&spec, &ca);
	struct diagnosis why;

	CHECK_INT(
		cert_check_own(made.cert, CERT_SERVER, made.key, NULL, "radius", PKI_NOW, 0, &why),
		OK);
	CHECK_INT(why.id, DIAG_NONE);
	CHECK(cert_check_own(made.cert, CERT_CLIENT, made.key, NULL, "radius", PKI_NOW, 0, &why) !=
	      OK);
	CHECK_STR(diagnosis_evidence(&why, "detail"),
		  "the certificate of radius is not for a TLS client (extended key usage)");
}

TEST(its_der_goes_behind_what_is_there_up_to_a_ceiling)
{
	AUTO_VALUE(pki_cert) ca = pki_ca("Test CA");
	AUTO_VALUE(bytes) der = { 0 };
	AUTO(X509) again = NULL;
	const unsigned char *p;
	size_t one;

	CHECK_INT(cert_append_der(&der, ca.cert, SIZE_MAX), OK);
	one = der.len;
	CHECK_INT(cert_append_der(&der, ca.cert, 2 * one - 1), MALFORMED);
	CHECK_INT(der.len, one);
	CHECK_INT(cert_append_der(&der, ca.cert, 2 * one), OK);
	p = der.p + one;
	again = d2i_X509(NULL, &p, (long)(der.len - one));
	CHECK(again && X509_cmp(again, ca.cert) == 0);
	CHECK(p == der.p + der.len);
}
