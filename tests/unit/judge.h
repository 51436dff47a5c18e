/* Shared by the tests of tls/trust.h: policies as a test writes them down. */
#ifndef TESTS_UNIT_JUDGE_H
#define TESTS_UNIT_JUDGE_H

#include "tests/pki.h"
#include "tests/test.h"
#include "tls/trust.h"

#define ARRAY_LEN(array) (sizeof(array) / sizeof(array)[0])
#define FILES_MAX	 4
#define NAME		 "radius.example.org"
#define BUILT		 (PKI_NOW - 100 * PKI_DAY)

/* What is not said is left out, but for the name: NAME. */
struct policy {
	X509 *anchors[FILES_MAX];
	struct slice crls[FILES_MAX];
	const char *names[3];
	const char *pins[2];
	enum ocsp_mode ocsp;
	enum clock_policy clock;
	bool one_network; /* then no name either */
};

static inline struct trust *policy_trust(const struct policy *policy)
{
	static const char *const usual[] = { NAME };
	struct bytes pem[FILES_MAX] = { 0 };
	struct slice anchors[FILES_MAX];
	struct trust_settings s = { .anchors = anchors,
				    .crls = policy->crls,
				    .names = policy->names,
				    .pins = policy->pins,
				    .ocsp = policy->ocsp,
				    .clock = policy->clock,
				    .one_network = policy->one_network,
				    .built = BUILT };
	struct trust *trust = NULL;
	struct diagnosis why;

	for (; s.anchor_count < FILES_MAX && policy->anchors[s.anchor_count]; s.anchor_count++) {
		pem[s.anchor_count] = pki_pem(policy->anchors[s.anchor_count]);
		anchors[s.anchor_count] = bytes_slice(&pem[s.anchor_count]);
	}
	while (s.crl_count < FILES_MAX && s.crls[s.crl_count].len > 0)
		s.crl_count++;
	while (s.name_count < 3 && s.names[s.name_count])
		s.name_count++;
	while (s.pin_count < 2 && s.pins[s.pin_count])
		s.pin_count++;
	if (s.name_count == 0 && !policy->one_network) {
		s.names = usual;
		s.name_count = 1;
	}
	CHECK_INT(trust_new(&s, &trust, &why), OK);
	for (size_t i = 0; i < FILES_MAX; i++)
		bytes_done(&pem[i]);
	return trust;
}

/* The stable name of the verdict; checks that the status agrees with it. */
static inline const char *verdict(enum status status, const struct diagnosis *why)
{
	CHECK_INT(status,
		  why->id == DIAG_NONE || diagnosis_text(why->id)->reduced ? OK : UNTRUSTED);
	return diagnosis_text(why->id)->name;
}

static inline const char *judge_at(const struct policy *policy, STACK_OF(X509) * chain, int64_t now,
				   struct diagnosis *why)
{
	AUTO_STRUCT(trust) trust = policy_trust(policy);

	return trust ? verdict(trust_check(trust, chain, now, why), why) : "no policy";
}

static inline const char *judge(const struct policy *policy, STACK_OF(X509) * chain)
{
	struct diagnosis why;

	return judge_at(policy, chain, PKI_NOW, &why);
}

#define PAST   .from = PKI_NOW - 9 * PKI_DAY, .until = PKI_NOW - 2 * PKI_DAY
#define FUTURE .from = PKI_NOW + 2 * PKI_DAY, .until = PKI_NOW + 9 * PKI_DAY

/* What is NULL is as in a good server's certificate; what is "-" is left out. */
static inline const char *usual(const char *given, const char *instead)
{
	if (given && strcmp(given, "-") == 0)
		return NULL;
	return given ? given : instead;
}

static inline struct pki_cert make_server(const struct pki_spec *given,
					  const struct pki_cert *issuer)
{
	struct pki_spec spec = *given;

	spec.cn = usual(given->cn, "server");
	spec.sans = usual(given->sans, "DNS:" NAME);
	spec.eku = usual(given->eku, "serverAuth");
	return pki_make(&spec, issuer);
}

#endif
