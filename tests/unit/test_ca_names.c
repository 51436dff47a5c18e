/* Which names a machine is given, and which it may ask for. */
#include "enrol/names.h"
#include "tests/unit/ca_rig.h"

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
