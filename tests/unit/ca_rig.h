/* An authority of our own for tests: a root, an issuing authority, and a profile for machines. */
#ifndef TESTS_UNIT_CA_RIG_H
#define TESTS_UNIT_CA_RIG_H

#include "enrol/ca.h"
#include "tests/pki.h"
#include "tests/test.h"

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

static inline void rig_init(struct rig *r, const char *root_type, const char *type)
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

static inline void rig_done(struct rig *r)
{
	X509_free(r->root);
	X509_free(r->authority.issuer);
	EVP_PKEY_free(r->root_key);
	EVP_PKEY_free(r->key);
}

static inline X509 *issue(struct rig *r, const struct ca_profile *profile, EVP_PKEY *key,
			  const struct enrol_names *names, int64_t now)
{
	X509 *cert = NULL;

	REQUIRE(ca_issue(&r->authority, profile, key, names, now, &cert, &r->why) == OK);
	return cert;
}

static inline struct enrol_names named(const char *cn)
{
	struct enrol_names names = { 0 };

	snprintf(names.common_name, sizeof names.common_name, "%s", cn);
	return names;
}

static inline void add(struct enrol_names *names, int kind, const char *text)
{
	names->alternative[names->count].kind = kind;
	snprintf(names->alternative[names->count].text, ENROL_NAME_MAX + 1, "%s", text);
	names->count++;
}

#endif
