/* Revocation lists and stapled OCSP responses. */
#include "tests/unit/judge.h"

struct cast {
	struct pki_cert root, middle, server;
	STACK_OF(X509) * chain;
};

static struct cast cast_new(void)
{
	struct cast c = { .root = pki_ca("root") };

	c.middle = pki_intermediate("middle", &c.root);
	c.server = pki_server(NAME, &c.middle);
	c.chain = pki_chain(c.server.cert, c.middle.cert, NULL);
	return c;
}

static void cast_done(struct cast *c)
{
	x509_stack_free(c->chain);
	pki_cert_done(&c->server);
	pki_cert_done(&c->middle);
	pki_cert_done(&c->root);
}

/* ---- lists ---- */

static struct bytes list_of(const struct pki_cert *issuer, X509 *revoked)
{
	X509 *const all[] = { revoked, NULL };

	return pki_crl(issuer, all, PKI_NOW - PKI_DAY, PKI_NOW + PKI_DAY);
}

static const char *by_lists(const struct cast *c, const struct bytes *first,
			    const struct bytes *second, struct diagnosis *why)
{
	struct policy policy = { .anchors = { c->root.cert },
				 .crls = { bytes_slice(first),
					   second ? bytes_slice(second) : slice_of(NULL, 0) } };

	return judge_at(&policy, c->chain, PKI_NOW, why);
}

TEST(lists_cover_every_certificate_of_the_path)
{
	AUTO_VALUE(cast) c = cast_new();
	AUTO_VALUE(bytes) of_root = list_of(&c.root, NULL);
	AUTO_VALUE(bytes) of_middle = list_of(&c.middle, NULL);
	AUTO_VALUE(bytes) revokes_server = list_of(&c.middle, c.server.cert);
	AUTO_VALUE(bytes) revokes_middle = list_of(&c.root, c.middle.cert);
	struct diagnosis why;

	CHECK_STR(by_lists(&c, &of_root, &of_middle, &why), "none");
	CHECK_STR(by_lists(&c, &of_root, &revokes_server, &why), "server-cert-revoked");
	CHECK_STR(diagnosis_evidence(&why, "subject"), "CN=server");
	CHECK_STR(by_lists(&c, &revokes_middle, &of_middle, &why), "server-cert-revoked");
	CHECK_STR(diagnosis_evidence(&why, "subject"), "CN=middle");
	CHECK_STR(by_lists(&c, &of_root, NULL, &why), "crl-unusable");
	CHECK_STR(diagnosis_evidence(&why, "issuer"), "CN=middle");
	CHECK_STR(diagnosis_evidence(&why, "detail"), "there is none");
	CHECK_STR(by_lists(&c, &of_middle, NULL, &why), "crl-unusable");
	CHECK_STR(diagnosis_evidence(&why, "issuer"), "CN=root");
	CHECK_STR(by_lists(&c, &revokes_server, NULL, &why), "server-cert-revoked");
}

TEST(lists_must_be_in_force_and_signed)
{
	AUTO_VALUE(cast) c = cast_new();
	struct pki_spec spec = { .cn = "middle", .ca = true };
	AUTO_VALUE(pki_cert) forger = pki_make(&spec, NULL);
	AUTO_VALUE(bytes) of_root = list_of(&c.root, NULL);
	AUTO_VALUE(bytes) old = pki_crl(&c.middle, NULL, PKI_NOW - 9 * PKI_DAY, PKI_NOW - PKI_DAY);
	AUTO_VALUE(bytes) early = pki_crl(&c.middle, NULL, PKI_NOW + 1, PKI_NOW + PKI_DAY);
	AUTO_VALUE(bytes) forged = list_of(&forger, NULL);
	AUTO_VALUE(bytes) newer = list_of(&c.middle, NULL);
	struct diagnosis why;

	CHECK_STR(by_lists(&c, &of_root, &old, &why), "crl-unusable");
	CHECK_STR(diagnosis_evidence(&why, "detail"), "expired");
	CHECK_STR(by_lists(&c, &of_root, &early, &why), "crl-unusable");
	CHECK_STR(diagnosis_evidence(&why, "detail"), "not yet valid");
	CHECK_STR(by_lists(&c, &of_root, &forged, &why), "crl-unusable");
	CHECK_STR(diagnosis_evidence(&why, "detail"), "signature");

	struct policy both = { .anchors = { c.root.cert },
			       .crls = { bytes_slice(&of_root), bytes_slice(&old),
					 bytes_slice(&newer) } };

	CHECK_STR(judge(&both, c.chain), "none");
}

TEST(an_anchor_needs_no_list_above_it)
{
	AUTO_VALUE(cast) c = cast_new();
	AUTO_VALUE(bytes) of_middle = list_of(&c.middle, NULL);
	AUTO_VALUE(bytes) of_root = list_of(&c.root, NULL);
	struct policy policy = { .anchors = { c.middle.cert },
				 .crls = { bytes_slice(&of_middle) } };
	struct policy leaf = { .anchors = { c.server.cert }, .crls = { bytes_slice(&of_root) } };

	CHECK_STR(judge(&policy, c.chain), "none");
	/* The server itself is never excused. */
	AUTO(X509_STACK) alone = pki_chain(c.server.cert, NULL);

	CHECK_STR(judge(&leaf, c.chain), "crl-unusable");
	CHECK_STR(judge(&leaf, alone), "crl-unusable");
}

TEST(lists_follow_the_clock_policy)
{
	AUTO_VALUE(cast) c = cast_new();
	AUTO_VALUE(bytes) of_root = list_of(&c.root, NULL);
	AUTO_VALUE(bytes) of_middle = list_of(&c.middle, NULL);
	AUTO_VALUE(bytes) revokes = list_of(&c.middle, c.server.cert);
	static const enum clock_policy clocks[] = { CLOCK_BUILD_DATE, CLOCK_IGNORE_DATES };
	struct diagnosis why;

	for (size_t i = 0; i < ARRAY_LEN(clocks); i++) {
		struct policy policy = { .anchors = { c.root.cert },
					 .crls = { bytes_slice(&of_root), bytes_slice(&of_middle) },
					 .clock = clocks[i] };

		CHECK_STR(judge_at(&policy, c.chain, 0, &why), "reduced-clock");
		policy.crls[1] = bytes_slice(&revokes);
		CHECK_STR(judge_at(&policy, c.chain, 0, &why), "server-cert-revoked");
	}
}

/* ---- OCSP ---- */

static const char *by_response(const struct cast *c, const struct policy *policy,
			       struct slice response, int64_t now, struct diagnosis *why)
{
	AUTO_STRUCT(trust) trust = policy_trust(policy);

	REQUIRE(trust != NULL);
	CHECK_INT(trust_wants_ocsp(trust), policy->ocsp != OCSP_OFF);
	return verdict(trust_check_ocsp(trust, c->chain, response, now, why), why);
}

TEST(a_stapled_response_is_judged)
{
	AUTO_VALUE(cast) c = cast_new();
	struct pki_spec spec = { .cn = "responder", .eku = "OCSPSigning" };
	AUTO_VALUE(pki_cert) delegate = pki_make(&spec, &c.middle);
	AUTO_VALUE(pki_cert) of_root = pki_make(&spec, &c.root);
	AUTO_VALUE(pki_cert) alone = pki_make(&spec, NULL);
	AUTO_VALUE(pki_cert) sibling = pki_server("other.example", &c.middle);

	spec = (struct pki_spec){ .cn = "responder", .eku = "OCSPSigning", PAST };
	AUTO_VALUE(pki_cert) late = pki_make(&spec, &c.middle);
	AUTO_VALUE(pki_cert) forger = pki_ca("middle");
	int64_t now = PKI_NOW, hour = 3600;
	/* clang-format off */
	const struct {
		const char *what;
		struct pki_ocsp_spec spec;
		const char *verdict, *detail;
	} responses[] = {
		{ "good", { 0 }, "none", NULL },
		{ "delegated", { .signer = &delegate }, "none", NULL },
		{ "revoked", { .status = V_OCSP_CERTSTATUS_REVOKED }, "server-cert-revoked", "OCSP" },
		{ "unknown", { .status = V_OCSP_CERTSTATUS_UNKNOWN }, "ocsp-invalid",
		  "the responder does not know the certificate" },
		{ "expired", { .from = now - 9 * hour, .until = now - hour }, "ocsp-invalid", "expired" },
		{ "almost expired", { .from = now - 9 * hour, .until = now - 60 }, "none", NULL },
		{ "early", { .from = now + hour, .until = now + 9 * hour }, "ocsp-invalid", "not yet valid" },
		{ "revoked, and old", { .status = V_OCSP_CERTSTATUS_REVOKED, .from = now - 9 * hour,
		  .until = now - hour }, "server-cert-revoked", "OCSP" },
		{ "another certificate", { .about = sibling.cert }, "ocsp-invalid",
		  "about another certificate" },
		{ "signed by the root", { .signer = &c.root }, "ocsp-invalid", "signature" },
		{ "signed by the root's responder", { .signer = &of_root }, "ocsp-invalid", "signature" },
		{ "signed by a server", { .signer = &sibling }, "ocsp-invalid", "signature" },
		{ "signed by the server itself", { .signer = &c.server }, "ocsp-invalid", "signature" },
		{ "signed by a stranger", { .signer = &alone }, "ocsp-invalid", "signature" },
		{ "signed by a namesake", { .signer = &forger }, "ocsp-invalid", "signature" },
		{ "signed by an expired responder", { .signer = &late }, "ocsp-invalid", "signature" },
	};
	/* clang-format on */

	for (size_t i = 0; i < ARRAY_LEN(responses); i++) {
		struct pki_ocsp_spec ocsp = responses[i].spec;

		ocsp.issuer = &c.middle;
		if (!ocsp.about)
			ocsp.about = c.server.cert;
		AUTO_VALUE(bytes) response = pki_ocsp(&ocsp);
		struct policy policy = { .anchors = { c.root.cert },
					 .ocsp = i % 2 ? OCSP_REQUIRE : OCSP_IF_OFFERED };
		struct diagnosis why;
		const char *got = by_response(&c, &policy, bytes_slice(&response), now, &why);

		if (strcmp(got, responses[i].verdict) != 0)
			test_note("response %s", responses[i].what);
		CHECK_STR(got, responses[i].verdict);
		if (responses[i].detail)
			CHECK_STR(diagnosis_evidence(&why, "detail"), responses[i].detail);
	}
}

TEST(a_response_is_used_as_the_profile_says)
{
	AUTO_VALUE(cast) c = cast_new();
	AUTO_VALUE(bytes)
	good = pki_ocsp(&(struct pki_ocsp_spec){ .about = c.server.cert, .issuer = &c.middle });
	AUTO_VALUE(bytes)
	revoked = pki_ocsp(&(struct pki_ocsp_spec){
		.about = c.server.cert, .issuer = &c.middle, .status = V_OCSP_CERTSTATUS_REVOKED });
	AUTO_VALUE(bytes) longer = { 0 };
	struct slice none = slice_of(NULL, 0), garbage = slice_str("0123");
	struct slice late = slice_of("\x30\x03\x0a\x01\x03", 5); /* tryLater */
	struct policy off = { .anchors = { c.root.cert }, .ocsp = OCSP_OFF };
	struct policy offered = { .anchors = { c.root.cert }, .ocsp = OCSP_IF_OFFERED };
	struct policy required = { .anchors = { c.root.cert }, .ocsp = OCSP_REQUIRE };
	struct policy by_leaf = { .anchors = { c.server.cert }, .ocsp = OCSP_REQUIRE };
	struct diagnosis why;

	REQUIRE(bytes_set(&longer, bytes_slice(&good)) == OK);
	REQUIRE(bytes_append(&longer, slice_str("x"), SIZE_MAX) == OK);
	CHECK_STR(by_response(&c, &off, bytes_slice(&revoked), PKI_NOW, &why), "none");
	CHECK_STR(by_response(&c, &offered, none, PKI_NOW, &why), "none");
	CHECK_STR(by_response(&c, &required, none, PKI_NOW, &why), "ocsp-missing");
	CHECK_STR(by_response(&c, &offered, garbage, PKI_NOW, &why), "ocsp-invalid");
	CHECK_STR(by_response(&c, &required, garbage, PKI_NOW, &why), "ocsp-invalid");
	CHECK_STR(by_response(&c, &required, late, PKI_NOW, &why), "ocsp-invalid");
	CHECK_STR(by_response(&c, &required, bytes_slice(&longer), PKI_NOW, &why), "ocsp-invalid");
	CHECK_STR(by_response(&c, &required, slice_of(good.p, good.len - 1), PKI_NOW, &why),
		  "ocsp-invalid");
	CHECK_STR(by_response(&c, &by_leaf, bytes_slice(&good), PKI_NOW, &why), "ocsp-invalid");
	CHECK_STR(by_response(&c, &required, bytes_slice(&good), 0, &why), "clock-wrong");

	/* Since the build the response may have been made, and then it is good. */
	required.clock = CLOCK_BUILD_DATE;
	CHECK_STR(by_response(&c, &required, bytes_slice(&good), 0, &why), "reduced-clock");
	CHECK_STR(by_response(&c, &required, bytes_slice(&revoked), 0, &why),
		  "server-cert-revoked");
}
