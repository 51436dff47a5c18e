/* The path to an anchor, what its certificates may be used for, names and pins. */
#include "tests/unit/judge.h"

#include "tls/cert.h"

TEST(every_key_type_of_the_profile_is_trusted)
{
	static const char *const types[] = { "RSA-2048", "RSA-3072", "P-256",
					     "P-384",	 "P-521",    "Ed25519" };

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		struct pki_spec spec = { .cn = types[i], .ca = true, .key_type = types[i] };
		AUTO_VALUE(pki_cert) ca = pki_make(&spec, NULL);

		spec = (struct pki_spec){ .sans = "DNS:" NAME, .key_type = types[i] };
		AUTO_VALUE(pki_cert) server = pki_make(&spec, &ca);
		AUTO(X509_STACK) chain = pki_chain(server.cert, NULL);
		struct policy policy = { .anchors = { ca.cert } };

		CHECK_STR(judge(&policy, chain), "none");
	}
}

/* ---- one thing wrong at a time: root, middle, server; the root is the anchor ---- */

static const struct wrong {
	const char *what;
	struct pki_spec root, middle, server;
	bool stranger; /* the anchor is another root */
	const char *verdict, *subject, *detail;
} wrongs[] = {
	{ .what = "nothing", .verdict = "none" },
	{ .what = "unknown issuer",
	  .stranger = true,
	  .verdict = "server-untrusted",
	  .subject = "CN=middle",
	  .detail = "unknown issuer" },
	{ .what = "unknown issuer, expired, weak, wrong use, wrong name",
	  .stranger = true,
	  .server = { PAST, .key_type = "RSA-1024", .eku = "clientAuth", .sans = "DNS:x" },
	  .verdict = "server-untrusted" },

	{ .what = "expired",
	  .server = { PAST },
	  .verdict = "server-cert-expired",
	  .subject = "CN=server",
	  .detail = "the server's own certificate" },
	{ .what = "expired intermediate",
	  .middle = { PAST },
	  .verdict = "server-cert-expired",
	  .subject = "CN=middle",
	  .detail = "an intermediate certificate" },
	{ .what = "expired anchor",
	  .root = { PAST },
	  .verdict = "server-cert-expired",
	  .subject = "CN=root",
	  .detail = "a trust anchor" },
	{ .what = "not yet valid",
	  .server = { FUTURE },
	  .verdict = "server-cert-not-yet-valid",
	  .subject = "CN=server" },
	{ .what = "expired and another's name",
	  .server = { PAST, .sans = "DNS:x" },
	  .verdict = "server-cert-expired" },

	{ .what = "no extended key usage", .server = { .eku = "-" }, .verdict = "none" },
	{ .what = "any", .server = { .eku = "anyExtendedKeyUsage" }, .verdict = "none" },
	{ .what = "eapOverLAN", .server = { .eku = "1.3.6.1.5.5.7.3.14" }, .verdict = "none" },
	{ .what = "eapOverPPP",
	  .server = { .eku = "1.3.6.1.5.5.7.3.13" },
	  .verdict = "server-cert-usage" },
	{ .what = "client",
	  .server = { .eku = "clientAuth" },
	  .verdict = "server-cert-usage",
	  .subject = "CN=server",
	  .detail = "extended key usage" },
	{ .what = "critical client",
	  .server = { .eku = "critical,clientAuth" },
	  .verdict = "server-cert-usage" },
	{ .what = "an authority for clients",
	  .middle = { .eku = "clientAuth" },
	  .verdict = "server-cert-usage",
	  .subject = "CN=middle" },
	{ .what = "an authority for servers",
	  .middle = { .eku = "serverAuth" },
	  .verdict = "none" },
	{ .what = "signature", .server = { .key_usage = "digitalSignature" }, .verdict = "none" },
	{ .what = "key usage",
	  .server = { .key_usage = "critical,cRLSign" },
	  .verdict = "server-cert-usage",
	  .detail = "key usage" },

	{ .what = "RSA 1024",
	  .server = { .key_type = "RSA-1024" },
	  .verdict = "server-cert-weak",
	  .subject = "CN=server",
	  .detail = "key too small" },
	{ .what = "RSA 1024 authority",
	  .middle = { .key_type = "RSA-1024" },
	  .verdict = "server-cert-weak",
	  .subject = "CN=middle" },
	{ .what = "signed with SHA-1",
	  .server = { .digest = "SHA1" },
	  .verdict = "server-cert-weak",
	  .detail = "signature digest" },
	{ .what = "authority signed with SHA-1",
	  .middle = { .digest = "SHA1" },
	  .verdict = "server-cert-weak" },
	{ .what = "an anchor signed itself with SHA-1",
	  .root = { .digest = "SHA1" },
	  .verdict = "none" },

	{ .what = "path length",
	  .root = { .basic = "critical,CA:TRUE,pathlen:0" },
	  .verdict = "server-cert-invalid" },
	{ .what = "path length that suffices",
	  .root = { .basic = "critical,CA:TRUE,pathlen:1" },
	  .verdict = "none" },
	{ .what = "issued by a certificate that is no authority",
	  .middle = { .basic = "critical,CA:FALSE" },
	  .verdict = "server-cert-invalid" },
	{ .what = "issued by one that may not sign certificates",
	  .middle = { .key_usage = "critical,cRLSign" },
	  .verdict = "server-cert-invalid" },
	{ .what = "name constraints",
	  .middle = { .constraints = "permitted;DNS:example.com" },
	  .verdict = "server-cert-invalid",
	  .detail = "permitted subtree violation" },
	{ .what = "excluded",
	  .root = { .constraints = "excluded;DNS:example.org" },
	  .verdict = "server-cert-invalid",
	  .detail = "excluded subtree violation" },
	{ .what = "within constraints",
	  .middle = { .constraints = "permitted;DNS:example.org" },
	  .verdict = "none" },
	{ .what = "no authority and expired",
	  .middle = { .basic = "critical,CA:FALSE" },
	  .server = { PAST },
	  .verdict = "server-cert-invalid" },

	{ .what = "60 KiB",
	  .root = { .padding = 100 },
	  .middle = { .padding = 30000 },
	  .server = { .padding = 30000 },
	  .verdict = "none" },
};

static struct pki_cert make_authority(const char *cn, const struct pki_spec *given,
				      const struct pki_cert *issuer)
{
	struct pki_spec spec = *given;

	spec.cn = cn;
	spec.ca = true;
	return pki_make(&spec, issuer);
}

TEST(each_thing_that_can_be_wrong_has_its_verdict)
{
	AUTO_VALUE(pki_cert) stranger = pki_ca("stranger");

	for (size_t i = 0; i < ARRAY_LEN(wrongs); i++) {
		const struct wrong *w = &wrongs[i];
		AUTO_VALUE(pki_cert) root = make_authority("root", &w->root, NULL);
		AUTO_VALUE(pki_cert) middle = make_authority("middle", &w->middle, &root);
		AUTO_VALUE(pki_cert) server = make_server(&w->server, &middle);
		AUTO(X509_STACK) chain = pki_chain(server.cert, middle.cert, NULL);
		struct policy policy = { .anchors = { w->stranger ? stranger.cert : root.cert } };
		struct diagnosis why;
		const char *got = judge_at(&policy, chain, PKI_NOW, &why);

		if (strcmp(got, w->verdict) != 0)
			test_note("with %s", w->what);
		CHECK_STR(got, w->verdict);
		if (w->subject)
			CHECK_STR(diagnosis_evidence(&why, "subject"), w->subject);
		if (w->detail)
			CHECK_STR(diagnosis_evidence(&why, "detail"), w->detail);
	}
}

TEST(the_evidence_tells_dates_and_our_clock)
{
	AUTO_VALUE(pki_cert) root = pki_ca("root");
	AUTO_VALUE(pki_cert) server = make_server(&(struct pki_spec){ PAST }, &root);
	AUTO(X509_STACK) chain = pki_chain(server.cert, NULL);
	struct policy policy = { .anchors = { root.cert } };
	struct diagnosis why;
	char text[300];

	CHECK_STR(judge_at(&policy, chain, PKI_NOW, &why), "server-cert-expired");
	CHECK_STR(diagnosis_evidence(&why, "not_after"), "2027-01-13T08:00:00Z");
	CHECK_STR(diagnosis_evidence(&why, "now"), "2027-01-15T08:00:00Z");
	CHECK_STR(diagnosis_evidence(&why, "issuer"), "CN=root");
	CHECK_STR(diagnosis_sentence(&why, text, sizeof text),
		  "The certificate CN=server of the server expired on 2027-01-13T08:00:00Z.");
	CHECK_STR(judge_at(&policy, chain, PKI_NOW - 3 * PKI_DAY, &why), "none");
}

TEST(what_may_be_an_anchor)
{
	AUTO_VALUE(pki_cert) root = pki_ca("root");
	AUTO_VALUE(pki_cert) middle = pki_intermediate("middle", &root);
	AUTO_VALUE(pki_cert) server = pki_server(NAME, &middle);
	AUTO_VALUE(pki_cert) alone = pki_server(NAME, NULL);
	AUTO_VALUE(pki_cert) sibling = pki_server(NAME, &server);
	AUTO(X509_STACK) chain = pki_chain(server.cert, middle.cert, NULL);
	AUTO(X509_STACK) whole = pki_chain(server.cert, root.cert, middle.cert, NULL);
	AUTO(X509_STACK) gap = pki_chain(server.cert, root.cert, NULL);
	AUTO(X509_STACK) self = pki_chain(alone.cert, NULL);
	AUTO(X509_STACK) minted = pki_chain(sibling.cert, server.cert, middle.cert, NULL);
	struct policy by_root = { .anchors = { root.cert } };
	struct policy by_middle = { .anchors = { middle.cert } };
	struct policy by_server = { .anchors = { server.cert } };
	struct policy by_self = { .anchors = { root.cert, alone.cert } };
	struct diagnosis why;

	CHECK_STR(judge(&by_root, whole), "none");
	CHECK_STR(judge(&by_middle, chain), "none");
	CHECK_STR(judge(&by_middle, gap), "none");
	CHECK_STR(judge(&by_server, chain), "none");
	CHECK_STR(judge(&by_self, self), "none");

	CHECK_STR(judge_at(&by_root, gap, PKI_NOW, &why), "server-untrusted");
	CHECK_STR(diagnosis_evidence(&why, "subject"), "CN=server");
	CHECK_STR(diagnosis_evidence(&why, "issuer"), "CN=middle");
	CHECK_STR(judge_at(&by_root, self, PKI_NOW, &why), "server-untrusted");
	CHECK_STR(diagnosis_evidence(&why, "detail"), "self-signed");
	CHECK_STR(judge(&by_root, minted), "server-cert-invalid");
	CHECK_STR(judge(&by_server, minted), "server-cert-invalid");
}

TEST(an_authority_of_the_same_name_is_a_stranger)
{
	AUTO_VALUE(pki_cert) root = pki_ca("root");
	AUTO_VALUE(pki_cert) forged = pki_ca("root");
	AUTO_VALUE(pki_cert) server = pki_server(NAME, &forged);
	AUTO(X509_STACK) chain = pki_chain(server.cert, forged.cert, NULL);
	struct policy policy = { .anchors = { root.cert } };

	CHECK_STR(judge(&policy, chain), "server-untrusted");
}

TEST(a_path_has_a_greatest_length)
{
	struct pki_cert made[TRUST_DEPTH_MAX + 3];
	char cn[16];

	made[0] = pki_ca("root");
	for (size_t i = 1; i < ARRAY_LEN(made) - 1; i++) {
		snprintf(cn, sizeof cn, "middle %zu", i);
		made[i] = pki_intermediate(cn, &made[i - 1]);
	}
	for (size_t last = TRUST_DEPTH_MAX; last <= TRUST_DEPTH_MAX + 1; last++) {
		struct pki_cert server = pki_server(NAME, &made[last]);
		AUTO(X509_STACK) chain = pki_chain(server.cert, NULL);
		struct policy policy = { .anchors = { made[0].cert } };

		for (size_t i = last; i > 0; i--)
			REQUIRE(X509_add_cert(chain, made[i].cert, X509_ADD_FLAG_UP_REF));
		CHECK_STR(judge(&policy, chain),
			  last == TRUST_DEPTH_MAX ? "none" : "server-cert-invalid");
		pki_cert_done(&server);
	}
	for (size_t i = 0; i < ARRAY_LEN(made) - 1; i++)
		pki_cert_done(&made[i]);
}

/* ---- names ---- */

static const struct named {
	const char *sans, *cn;
	struct slice raw;
	const char *wanted[3];
	bool matches;
} named[] = {
	{ "DNS:radius.example.org", "x", .wanted = { "radius.example.org" }, .matches = true },
	{ "DNS:RADIUS.Example.ORG", "x", .wanted = { "radius.example.org" }, .matches = true },
	{ "DNS:a.b,DNS:radius.example.org", "x", .wanted = { "radius.example.org" },
	  .matches = true },
	{ "DNS:b.example", "x", .wanted = { "a.example", "b.example" }, .matches = true },
	{ "DNS:xn--bcher-kva.example", "x", .wanted = { "xn--bcher-kva.example" },
	  .matches = true },
	{ "DNS:radius.example.org", "x", .wanted = { "adius.example.org" } },
	{ "DNS:radius.example.org", "x", .wanted = { "example.org" } },
	{ "DNS:radius.example.org.evil.com", "x", .wanted = { "radius.example.org" } },

	{ "DNS:radius.example.org", "x", .wanted = { ".example.org" }, .matches = true },
	{ "DNS:a.b.Example.org", "x", .wanted = { ".example.ORG" }, .matches = true },
	{ "DNS:example.org", "x", .wanted = { ".example.org" } },
	{ "DNS:badexample.org", "x", .wanted = { ".example.org" } },
	{ "DNS:radius.example.org.evil.com", "x", .wanted = { ".example.org" } },

	{ "DNS:*.example.org", "x", .wanted = { "radius.example.org" }, .matches = true },
	{ "DNS:*.example.org", "x", .wanted = { ".example.org" }, .matches = true },
	{ "DNS:*.example.org", "x", .wanted = { "a.radius.example.org" } },
	{ "DNS:*.example.org", "x", .wanted = { "example.org" } },
	{ "DNS:rad*.example.org", "x", .wanted = { "radius.example.org" } },
	{ "DNS:radius.*.org", "x", .wanted = { "radius.example.org" } },
	{ "DNS:*.org", "x", .wanted = { "example.org" } },
	{ "DNS:*", "x", .wanted = { "example" } },
	{ "DNS:*.org", "x", .wanted = { ".example.org" } },

	{ "-", NAME, .wanted = { NAME }, .matches = true },
	{ "-", NAME, .wanted = { ".example.org" }, .matches = true },
	{ "-", "Example Server Certificate", .wanted = { "Example Server Certificate" },
	  .matches = true },
	{ "email:a@b", NAME, .wanted = { NAME }, .matches = true },
	{ "DNS:other.example", NAME, .wanted = { NAME } },
	{ "email:" NAME ",URI:" NAME, "x", .wanted = { NAME } },

	{ "-", "x", .raw = { (const uint8_t *)NAME "\0.evil.com", 28 }, .wanted = { NAME } },
	{ "-", "x", .raw = { (const uint8_t *)"evil\0.example.org", 17 },
	  .wanted = { ".example.org" } },
	{ "-", "x", .raw = { (const uint8_t *)"", 0 }, .wanted = { NAME } },
};

TEST(the_server_has_one_of_the_names_we_want)
{
	AUTO_VALUE(pki_cert) root = pki_ca("root");

	for (size_t i = 0; i < ARRAY_LEN(named); i++) {
		const struct named *n = &named[i];
		struct pki_spec spec = { .cn = n->cn, .sans = n->sans, .raw_dns = n->raw };
		AUTO_VALUE(pki_cert) server = make_server(&spec, &root);
		AUTO(X509_STACK) chain = pki_chain(server.cert, NULL);
		struct policy policy = { .anchors = { root.cert } };

		memcpy(policy.names, n->wanted, sizeof policy.names);
		const char *got = judge(&policy, chain);
		const char *right = n->matches ? "none" : "server-name-mismatch";

		if (strcmp(got, right) != 0)
			test_note("%s, CN=%s, wanted %s", n->sans, n->cn, n->wanted[0]);
		CHECK_STR(got, right);
	}
}

TEST(a_common_name_with_a_nul_matches_nothing)
{
	AUTO_VALUE(pki_cert) root = pki_ca("root");
	struct pki_spec spec = { .cn = NAME "\0.evil.com", .cn_len = 28, .sans = "-" };
	AUTO_VALUE(pki_cert) server = make_server(&spec, &root);
	AUTO(X509_STACK) chain = pki_chain(server.cert, NULL);
	struct policy policy = { .anchors = { root.cert } };

	CHECK_STR(judge(&policy, chain), "server-name-mismatch");
}

TEST(a_mismatch_shows_both_names)
{
	AUTO_VALUE(pki_cert) root = pki_ca("root");
	AUTO_VALUE(pki_cert) server = pki_server("a.example", &root);
	AUTO(X509_STACK) chain = pki_chain(server.cert, NULL);
	struct policy policy = { .anchors = { root.cert }, .names = { "b.example", ".c.example" } };
	struct diagnosis why;

	CHECK_STR(judge_at(&policy, chain, PKI_NOW, &why), "server-name-mismatch");
	CHECK_STR(diagnosis_evidence(&why, "names"), "DNS:a.example");
	CHECK_STR(diagnosis_evidence(&why, "wanted"), "b.example, .c.example");
}

/* ---- pins ---- */

TEST(pins_hold_beside_anchors)
{
	AUTO_VALUE(pki_cert) root = pki_ca("root");
	AUTO_VALUE(pki_cert) middle = pki_intermediate("middle", &root);
	AUTO_VALUE(pki_cert) server = pki_server(NAME, &middle);
	AUTO_VALUE(pki_cert) other = pki_ca("other");
	AUTO(X509_STACK) chain = pki_chain(server.cert, middle.cert, NULL);
	AUTO(X509_STACK) decorated = pki_chain(server.cert, middle.cert, other.cert, NULL);
	struct pki_cert *pinned[] = { &root, &middle, &server };
	struct cert_info info, wrong;
	struct diagnosis why;

	cert_info_of(other.cert, &wrong);
	for (size_t i = 0; i < ARRAY_LEN(pinned); i++) {
		cert_info_of(pinned[i]->cert, &info);
		struct policy policy = { .anchors = { root.cert },
					 .pins = { wrong.spki, info.spki } };

		CHECK_STR(judge(&policy, chain), "none");
	}

	struct policy policy = { .anchors = { root.cert }, .pins = { wrong.spki } };

	CHECK_STR(judge_at(&policy, chain, PKI_NOW, &why), "server-pin-mismatch");
	cert_info_of(server.cert, &info);
	CHECK_STR(diagnosis_evidence(&why, "fingerprint"), info.spki);
	/* A certificate that was only sent along is not in the path. */
	CHECK_STR(judge(&policy, decorated), "server-pin-mismatch");
	policy = (struct policy){ .anchors = { other.cert }, .pins = { info.spki } };
	CHECK_STR(judge(&policy, chain), "server-untrusted");
}

TEST(pins_alone_are_anchors)
{
	AUTO_VALUE(pki_cert) root = pki_ca("root");
	AUTO_VALUE(pki_cert) middle = pki_intermediate("middle", &root);
	AUTO_VALUE(pki_cert) server = pki_server(NAME, &middle);
	AUTO_VALUE(pki_cert) impostor = pki_server(NAME, NULL);
	AUTO_VALUE(pki_cert) expired = make_server(&(struct pki_spec){ PAST }, &middle);
	AUTO(X509_STACK) chain = pki_chain(server.cert, middle.cert, NULL);
	AUTO(X509_STACK) gap = pki_chain(server.cert, root.cert, NULL);
	AUTO(X509_STACK) unlinked = pki_chain(impostor.cert, middle.cert, NULL);
	AUTO(X509_STACK) late = pki_chain(expired.cert, middle.cert, NULL);
	struct cert_info of_root, of_middle, of_server;

	cert_info_of(root.cert, &of_root);
	cert_info_of(middle.cert, &of_middle);
	cert_info_of(server.cert, &of_server);
	struct policy by_root = { .pins = { of_root.spki } };
	struct policy by_middle = { .pins = { of_middle.spki } };
	struct policy by_server = { .pins = { of_server.spki } };
	struct policy another = { .pins = { of_server.spki }, .names = { "b.example" } };

	CHECK_STR(judge(&by_middle, chain), "none");
	CHECK_STR(judge(&by_server, chain), "none");
	CHECK_STR(judge(&by_server, gap), "none");
	CHECK_STR(judge(&by_root, chain), "server-pin-mismatch");
	CHECK_STR(judge(&by_root, gap), "server-untrusted");
	CHECK_STR(judge(&by_middle, unlinked), "server-untrusted");
	CHECK_STR(judge(&by_server, unlinked), "server-pin-mismatch");
	CHECK_STR(judge(&by_middle, late), "server-cert-expired");
	CHECK_STR(judge(&another, chain), "server-name-mismatch");
}

/* ---- one network's own ---- */

/* The first half of a pin, as a token has it. */
static const char *half(const X509 *cert, char buffer[33])
{
	struct cert_info info;

	cert_info_of(cert, &info);
	snprintf(buffer, 33, "%.32s", info.spki);
	return buffer;
}

TEST(the_pin_of_a_token_is_an_anchor)
{
	AUTO_VALUE(pki_cert) root = pki_ca("root");
	AUTO_VALUE(pki_cert) server = pki_server("any.example", &root);
	AUTO_VALUE(pki_cert) impostor_root = pki_ca("root");
	AUTO_VALUE(pki_cert) impostor = pki_server("any.example", &impostor_root);
	AUTO(X509_STACK) chain = pki_chain(server.cert, root.cert, NULL);
	AUTO(X509_STACK) false_chain = pki_chain(impostor.cert, impostor_root.cert, NULL);
	AUTO(X509_STACK) beside = pki_chain(impostor.cert, impostor_root.cert, root.cert, NULL);
	AUTO(X509_STACK) not_sent = pki_chain(server.cert, NULL);
	char pin[33];
	struct policy policy = { .pins = { half(root.cert, pin) }, .one_network = true };

	CHECK_STR(judge(&policy, chain), "none");
	CHECK_STR(judge(&policy, false_chain), "server-pin-mismatch");
	CHECK_STR(judge(&policy, beside), "server-untrusted");
	CHECK_STR(judge(&policy, not_sent), "server-pin-mismatch");
	pin[31] = pin[31] == '0' ? '1' : '0';
	CHECK_STR(judge(&policy, chain), "server-pin-mismatch");
}

/* Where no name is asked for, a machine of the network must not pass for its server. */
TEST(the_authority_of_one_network_vouches_for_its_servers_alone)
{
	static const struct {
		const char *eku, *verdict;
	} rows[] = {
		{ "serverAuth", "none" },
		{ "1.3.6.1.5.5.7.3.14", "none" },
		{ "clientAuth,serverAuth", "none" },
		{ "clientAuth", "server-cert-usage" },
		{ "anyExtendedKeyUsage", "server-cert-usage" },
		{ NULL, "server-cert-usage" },
	};
	AUTO_VALUE(pki_cert) root = pki_ca("root");
	struct policy policy = { .anchors = { root.cert }, .one_network = true };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct pki_spec spec = { .cn = "some machine", .eku = rows[i].eku };
		AUTO_VALUE(pki_cert) server = pki_make(&spec, &root);
		AUTO(X509_STACK) chain = pki_chain(server.cert, NULL);

		CHECK_STR(judge(&policy, chain), rows[i].verdict);
	}
	policy.names[0] = NAME;

	AUTO_VALUE(pki_cert) other = pki_server("other.example", &root);
	AUTO(X509_STACK) misnamed = pki_chain(other.cert, NULL);

	CHECK_STR(judge(&policy, misnamed), "server-name-mismatch");
}
