#include "tests/test.h"

#include "tests/pki.h"
#include "tls/trust.h"

#define ANCHORS_MAX 4
#define BUILT	    (PKI_NOW - 100 * PKI_DAY)

/* A policy as a test writes it down: what is not said is the usual cast, one name, no lists. */
struct policy {
	X509 *anchors[ANCHORS_MAX];
	struct bytes crls[ANCHORS_MAX];
	const char *names[3];
	const char *pins[2];
	enum ocsp_mode ocsp;
	enum clock_policy clock;
};

static struct trust *policy_trust(const struct policy *policy)
{
	struct bytes pem[ANCHORS_MAX] = { 0 };
	struct slice anchors[ANCHORS_MAX], crls[ANCHORS_MAX];
	struct trust_settings settings = { .anchors = anchors,
					   .crls = crls,
					   .names = policy->names,
					   .pins = policy->pins,
					   .ocsp = policy->ocsp,
					   .clock = policy->clock,
					   .built = BUILT };
	struct trust *trust = NULL;
	struct diagnosis why;

	for (; settings.anchor_count < ANCHORS_MAX && policy->anchors[settings.anchor_count];
	     settings.anchor_count++) {
		size_t i = settings.anchor_count;

		pem[i] = pki_pem(policy->anchors[i]);
		anchors[i] = bytes_slice(&pem[i]);
	}
	for (; settings.crl_count < ANCHORS_MAX && policy->crls[settings.crl_count].len;
	     settings.crl_count++)
		crls[settings.crl_count] = bytes_slice(&policy->crls[settings.crl_count]);
	while (settings.name_count < 3 && policy->names[settings.name_count])
		settings.name_count++;
	while (settings.pin_count < 2 && policy->pins[settings.pin_count])
		settings.pin_count++;
	CHECK_INT(trust_new(&settings, &trust, &why), OK);
	for (size_t i = 0; i < ANCHORS_MAX; i++)
		bytes_done(&pem[i]);
	return trust;
}

/* What the policy says about a chain: the diagnosis by its stable name. */
static const char *judge_at(const struct policy *policy, STACK_OF(X509) * chain, int64_t now,
			    struct diagnosis *why)
{
	AUTO_STRUCT(trust) trust = policy_trust(policy);

	if (!trust)
		return "no policy";

	enum status status = trust_check(trust, chain, now, why);

	CHECK_INT(status,
		  why->id == DIAG_NONE || diagnosis_text(why->id)->reduced ? OK : UNTRUSTED);
	return diagnosis_text(why->id)->name;
}

static const char *judge(const struct policy *policy, STACK_OF(X509) * chain)
{
	struct diagnosis why;

	return judge_at(policy, chain, PKI_NOW, &why);
}

TEST(a_chain_to_an_anchor_is_trusted_with_every_key_type)
{
	static const char *const types[] = { "RSA-2048", "P-256", "P-384", "P-521", "Ed25519" };

	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		struct pki_spec spec = { .cn = types[i], .ca = true, .key_type = types[i] };
		AUTO_VALUE(pki_cert) ca = pki_make(&spec, NULL);

		spec = (struct pki_spec){ .sans = "DNS:radius.example.org",
					  .eku = "serverAuth",
					  .key_type = types[i] };
		AUTO_VALUE(pki_cert) server = pki_make(&spec, &ca);
		AUTO(X509_STACK) chain = pki_chain(server.cert, NULL);
		struct policy policy = { .anchors = { ca.cert },
					 .names = { "radius.example.org" } };

		CHECK_STR(judge(&policy, chain), "none");
	}
}
