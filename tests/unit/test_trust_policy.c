/* Which policies there are at all, the files that they are made of, and clocks. */
#include "tests/unit/judge.h"
#include "tls/cert.h"

static void append(struct bytes *to, struct slice more)
{
	REQUIRE(bytes_append(to, more, SIZE_MAX) == OK);
}

static enum status make(struct trust_settings *settings, struct diagnosis *why)
{
	struct trust *trust = NULL;
	enum status status = trust_new(settings, &trust, why);

	CHECK_INT(trust != NULL, status == OK);
	CHECK_INT(why->id, status == OK ? DIAG_NONE : DIAG_CONFIG);
	CHECK(status == OK || diagnosis_evidence(why, "detail") != NULL);
	trust_free(trust);
	return status;
}

TEST(a_policy_that_accepts_anybody_is_refused)
{
	static const char *const names[] = { NAME };
	static const char *const pins[] = {
		"0123456789abcdef0123456789ABCDEF0123456789abcdef0123456789abcdef"
	};
	AUTO_VALUE(pki_cert) root = pki_ca("root");
	AUTO_VALUE(bytes) pem = pki_pem(root.cert);
	struct slice anchor = bytes_slice(&pem);
	/* clang-format off */
	struct {
		size_t anchors, names, pins;
		bool insecure;
		enum status status;
		bool one_network;
	} policies[] = {
		{ 0, 0, 0, false, UNTRUSTED },
		{ 1, 0, 0, false, UNTRUSTED },
		{ 0, 1, 0, false, UNTRUSTED },
		{ 0, 0, 1, false, UNTRUSTED },
		{ 1, 0, 1, false, UNTRUSTED },
		{ 1, 1, 0, false, OK },
		{ 0, 1, 1, false, OK },
		{ 1, 1, 1, false, OK },
		{ 0, 0, 0, true,  OK },
		{ 1, 0, 0, true,  UNTRUSTED },
		{ 0, 1, 0, true,  UNTRUSTED },
		{ 0, 0, 1, true,  UNTRUSTED },
		{ 0, 0, 0, false, UNTRUSTED, true },
		{ 1, 0, 0, false, OK,        true },
		{ 0, 0, 1, false, OK,        true },
		{ 0, 1, 0, false, UNTRUSTED, true },
	};
	/* clang-format on */

	for (size_t i = 0; i < ARRAY_LEN(policies); i++) {
		struct trust_settings settings = { .anchors = &anchor,
						   .anchor_count = policies[i].anchors,
						   .names = names,
						   .name_count = policies[i].names,
						   .pins = pins,
						   .pin_count = policies[i].pins,
						   .one_network = policies[i].one_network,
						   .insecure_no_check = policies[i].insecure };
		struct diagnosis why;

		CHECK_INT(make(&settings, &why), policies[i].status);
	}
}

TEST(names_and_pins_are_looked_at_when_a_profile_is_loaded)
{
	static char long_name[260];
	static const struct {
		const char *name, *pin;
	} wrongs[] = {
		{ "", NULL },
		{ ".", NULL },
		{ "radius.example.org.", NULL },
		{ "radius..org", NULL },
		{ "*.example.org", NULL },
		{ "b\xc3\xbc"
		  "cher.example",
		  NULL },
		{ "a\tb", NULL },
		{ long_name, NULL },
		{ NAME, "" },
		{ NAME, "0123" },
		{ NAME, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdeg" },
		{ NAME, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0" },
	};
	AUTO_VALUE(pki_cert) root = pki_ca("root");
	AUTO_VALUE(bytes) pem = pki_pem(root.cert);
	struct slice anchor = bytes_slice(&pem);

	memset(long_name, 'a', sizeof long_name - 1);
	for (size_t i = 0; i < ARRAY_LEN(wrongs); i++) {
		struct trust_settings settings = { .anchors = &anchor,
						   .anchor_count = 1,
						   .names = &wrongs[i].name,
						   .name_count = 1,
						   .pins = &wrongs[i].pin,
						   .pin_count = wrongs[i].pin ? 1 : 0 };
		struct diagnosis why;

		CHECK_INT(make(&settings, &why), MALFORMED);
	}

	const char *many[TRUST_NAMES_MAX + 1];
	struct trust_settings settings = {
		.anchors = &anchor, .anchor_count = 1, .names = many, .name_count = TRUST_NAMES_MAX
	};
	struct diagnosis why;

	for (size_t i = 0; i < ARRAY_LEN(many); i++)
		many[i] = NAME;
	CHECK_INT(make(&settings, &why), OK);
	settings.name_count++;
	CHECK_INT(make(&settings, &why), MALFORMED);
}

TEST(anchors_come_as_people_have_them)
{
	static const char *const names[] = { NAME };
	AUTO_VALUE(pki_cert) root = pki_ca("root");
	AUTO_VALUE(pki_cert) other = pki_ca("other");
	AUTO_VALUE(bytes) pem = pki_pem(root.cert);
	AUTO_VALUE(bytes) der = pki_der(root.cert);
	AUTO_VALUE(bytes) key = pki_key_pem(root.key, NULL);
	AUTO_VALUE(bytes) locked = pki_key_pem(root.key, "secret");
	AUTO_VALUE(bytes) crl = pki_crl(&root, NULL, PKI_NOW, PKI_NOW + PKI_DAY);
	AUTO_VALUE(bytes) other_pem = pki_pem(other.cert);
	AUTO_VALUE(bytes) two = { 0 };
	AUTO_VALUE(bytes) behind_key = { 0 };
	AUTO_VALUE(bytes) longer = { 0 };
	AUTO_VALUE(bytes) broken_end = { 0 };

	append(&two, slice_str("a comment before it\n\n"));
	append(&two, bytes_slice(&pem));
	append(&two, bytes_slice(&other_pem));
	append(&behind_key, bytes_slice(&locked));
	append(&behind_key, bytes_slice(&pem));
	append(&longer, bytes_slice(&der));
	append(&longer, slice_str("x"));
	append(&broken_end, bytes_slice(&pem));
	append(&broken_end, slice_of(pem.p, pem.len / 2));

	struct {
		struct slice file;
		enum status status;
	} files[] = {
		{ bytes_slice(&pem), OK },
		{ bytes_slice(&der), OK },
		{ bytes_slice(&two), OK },
		{ bytes_slice(&behind_key), OK },
		{ bytes_slice(&key), MALFORMED },
		{ bytes_slice(&locked), MALFORMED },
		{ bytes_slice(&crl), MALFORMED },
		{ bytes_slice(&longer), MALFORMED },
		{ bytes_slice(&broken_end), MALFORMED },
		{ slice_of(pem.p, pem.len / 2), MALFORMED },
		{ slice_of(der.p, der.len / 2), MALFORMED },
		{ slice_of(NULL, 0), MALFORMED },
		{ slice_str("certificate"), MALFORMED },
	};

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		struct slice anchors[] = { bytes_slice(&pem), files[i].file };
		struct trust_settings settings = {
			.anchors = anchors, .anchor_count = 2, .names = names, .name_count = 1
		};
		struct diagnosis why;
		enum status status = make(&settings, &why);

		if (status != files[i].status)
			test_note("file %zu", i);
		CHECK_INT(status, files[i].status);
		if (files[i].status != OK)
			CHECK_STR(diagnosis_evidence(&why, "anchor"), "2");

		/* The same file is no revocation list, but for the one that is. */
		settings.anchor_count = 1;
		settings.crls = &files[i].file;
		settings.crl_count = 1;
		CHECK_INT(make(&settings, &why), files[i].file.p == crl.p ? OK : MALFORMED);
	}
}

TEST(all_certificates_of_a_file_are_anchors)
{
	static const char *const names[] = { NAME };
	AUTO_VALUE(pki_cert) root = pki_ca("root");
	AUTO_VALUE(pki_cert) other = pki_ca("other");
	AUTO_VALUE(pki_cert) server = pki_server(NAME, &other);
	AUTO(X509_STACK) chain = pki_chain(server.cert, NULL);
	AUTO_VALUE(bytes) one = pki_pem(root.cert);
	AUTO_VALUE(bytes) two = pki_pem(other.cert);

	append(&one, bytes_slice(&two));

	struct slice file = bytes_slice(&one);
	struct trust_settings settings = {
		.anchors = &file, .anchor_count = 1, .names = names, .name_count = 1
	};
	struct trust *trust = NULL;
	struct diagnosis why;

	REQUIRE(trust_new(&settings, &trust, &why) == OK);
	CHECK_STR(verdict(trust_check(trust, chain, PKI_NOW, &why), &why), "none");
	trust_free(trust);
}

/* As for a session that the server's certificate made. */
static enum status recheck(const struct trust *trust, const X509 *server, int64_t now,
			   struct diagnosis *why)
{
	return trust_recheck(trust, cert_time(X509_get0_notBefore(server)),
			     cert_time(X509_get0_notAfter(server)), now, why);
}

TEST(no_check_must_be_asked_for_and_shows)
{
	AUTO_VALUE(pki_cert) server = pki_server("anything", NULL);
	AUTO(X509_STACK) chain = pki_chain(server.cert, NULL);
	struct trust_settings settings = { .insecure_no_check = true, .built = BUILT };
	struct trust *trust = NULL;
	struct diagnosis why;

	REQUIRE(trust_new(&settings, &trust, &why) == OK);
	CHECK(trust_is_insecure(trust));
	CHECK(!trust_wants_ocsp(trust));
	CHECK_STR(verdict(trust_check(trust, chain, 0, &why), &why), "reduced-no-server-check");
	CHECK_STR(verdict(recheck(trust, server.cert, 0, &why), &why), "reduced-no-server-check");
	CHECK_STR(verdict(trust_check_ocsp(trust, chain, slice_str("x"), 0, &why), &why),
		  "reduced-no-server-check");
	trust_free(trust);
}

TEST(a_server_without_a_certificate_is_not_trusted)
{
	AUTO_VALUE(pki_cert) root = pki_ca("root");
	AUTO(X509_STACK) none = sk_X509_new_null();
	struct policy policy = { .anchors = { root.cert } };

	CHECK_STR(judge(&policy, none), "server-cert-invalid");
	CHECK_STR(judge(&policy, NULL), "server-cert-invalid");
}

TEST(a_clock_before_the_build_follows_the_policy)
{
	static const struct {
		const char *what;
		struct pki_spec server;
		enum clock_policy clock;
		int64_t now;
		const char *verdict;
	} clocks[] = {
		{ "a good clock", { 0 }, CLOCK_STRICT, BUILT, "none" },
		{ "strict", { 0 }, CLOCK_STRICT, BUILT - 1, "clock-wrong" },
		{ "strict, 1970", { 0 }, CLOCK_STRICT, 0, "clock-wrong" },
		{ "build date", { 0 }, CLOCK_BUILD_DATE, 0, "reduced-clock" },
		{ "made since the build", { FUTURE }, CLOCK_BUILD_DATE, 0, "reduced-clock" },
		{ "expired before the build",
		  { .from = BUILT - 9 * PKI_DAY, .until = BUILT - 1 },
		  CLOCK_BUILD_DATE,
		  0,
		  "server-cert-expired" },
		{ "build date and a good clock",
		  { PAST },
		  CLOCK_BUILD_DATE,
		  PKI_NOW,
		  "server-cert-expired" },
		{ "ignored", { PAST }, CLOCK_IGNORE_DATES, 0, "reduced-clock" },
		{ "ignored, long ago",
		  { .from = BUILT - 9 * PKI_DAY, .until = BUILT - 1 },
		  CLOCK_IGNORE_DATES,
		  0,
		  "reduced-clock" },
		{ "ignored, in future", { FUTURE }, CLOCK_IGNORE_DATES, 0, "reduced-clock" },
		{ "ignored and a good clock",
		  { PAST },
		  CLOCK_IGNORE_DATES,
		  PKI_NOW,
		  "server-cert-expired" },
		{ "ignored, another's name",
		  { .sans = "DNS:x" },
		  CLOCK_IGNORE_DATES,
		  0,
		  "server-name-mismatch" },
	};
	AUTO_VALUE(pki_cert) root = pki_ca("root");

	for (size_t i = 0; i < ARRAY_LEN(clocks); i++) {
		AUTO_VALUE(pki_cert) server = make_server(&clocks[i].server, &root);
		AUTO(X509_STACK) chain = pki_chain(server.cert, NULL);
		struct policy policy = { .anchors = { root.cert }, .clock = clocks[i].clock };
		AUTO_STRUCT(trust) trust = policy_trust(&policy);
		int64_t now = clocks[i].now;
		struct diagnosis why;

		REQUIRE(trust != NULL);
		CHECK_STR(verdict(trust_check(trust, chain, now, &why), &why), clocks[i].verdict);
		if (now < BUILT)
			CHECK(diagnosis_evidence(&why, "now") ||
			      why.id == DIAG_SERVER_NAME_MISMATCH);
		/* A session that was made is judged again by the same dates. */
		if (why.id != DIAG_SERVER_NAME_MISMATCH)
			CHECK_STR(verdict(recheck(trust, server.cert, now, &why), &why),
				  clocks[i].verdict);
	}
}

TEST(a_resumed_session_ends_with_the_certificate)
{
	AUTO_VALUE(pki_cert) root = pki_ca("root");
	AUTO_VALUE(pki_cert) server = pki_server(NAME, &root);
	struct policy policy = { .anchors = { root.cert } };
	AUTO_STRUCT(trust) trust = policy_trust(&policy);
	struct diagnosis why;

	CHECK_STR(verdict(recheck(trust, server.cert, PKI_NOW, &why), &why), "none");
	CHECK_STR(verdict(recheck(trust, server.cert, PKI_NOW + PKI_YEAR, &why), &why),
		  "server-cert-expired");
	CHECK_STR(diagnosis_evidence(&why, "now"), "2028-01-15T08:00:00Z");
}
