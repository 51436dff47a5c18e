#include "config/arm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/files.h"

static int config_wrong(struct diagnosis *why, const struct profile *profile, const char *key,
			const char *word, int r)
{
	diagnosis_say(why, DIAG_CONFIG, "%s: %s=%s: %s", profile->path, key, word,
		      files_problem(r));
	diagnosis_add(why, "profile", "%s", profile->name);
	return r;
}

static int read_anchors(const struct profile *profile, struct files *files, struct diagnosis *why)
{
	for (size_t i = 0; i < profile->trust_anchors.count; i++) {
		const char *word = profile->trust_anchors.word[i];
		int r = files_add_anchors(files, word);

		if (r < 0)
			return config_wrong(why, profile, "TrustAnchor", word, r);
	}
	return 0;
}

static int read_crls(const struct profile *profile, struct files *files, struct diagnosis *why)
{
	for (size_t i = 0; i < profile->crls.count; i++) {
		int r = files_add_crl(files, profile->crls.word[i]);

		if (r < 0)
			return config_wrong(why, profile, "CRL", profile->crls.word[i], r);
	}
	return 0;
}

/* ---- who we say we are ---- */

/* "anonymous@realm", which tells the network where to ask and not who asks (RFC 9190, 2.1.4). */
static void choose_identity(const struct profile *profile, const X509 *cert, char *buffer,
			    size_t size)
{
	const char *at = profile->identity ? strrchr(profile->identity, '@') : NULL;
	char realm[EAP_IDENTITY_BUFFER] = "";

	if (at)
		snprintf(realm, sizeof realm, "%s", at + 1);
	else if (!cert_realm(cert, realm, sizeof realm))
		realm[0] = '\0';
	if (profile->anonymous_identity)
		snprintf(buffer, size, "%s", profile->anonymous_identity);
	else if (realm[0] && strlen(realm) + strlen("anonymous@") < size)
		snprintf(buffer, size, "anonymous@%.*s", (int)(size - 11), realm);
	else
		snprintf(buffer, size, "anonymous");
}

/* ---- the digest ---- */

static bool hash(EVP_MD_CTX *md, struct slice in)
{
	const uint64_t len = in.len;

	return EVP_DigestUpdate(md, &len, sizeof len) && EVP_DigestUpdate(md, in.p, in.len);
}

static bool hash_cert(EVP_MD_CTX *md, const X509 *cert)
{
	uint8_t *der = NULL;
	int len = i2d_X509(cert, &der);
	bool done = len > 0 && hash(md, slice_of(der, (size_t)len));

	OPENSSL_free(der);
	return done;
}

static bool hash_settings(EVP_MD_CTX *md, const struct profile *profile)
{
	AUTO(char) text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return false;
	ini_print(&profile_table, profile, out);
	return fclose(out) == 0 && hash(md, slice_str(profile->name)) &&
	       hash(md, slice_of(text, len));
}

static bool hash_all(EVP_MD_CTX *md, const struct profile *profile,
		     const struct credential *credential, const struct files *anchors,
		     const struct files *crls)
{
	const struct files *const files[] = { anchors, crls };
	const uint32_t generation = credential->generation;
	bool good = EVP_DigestInit_ex2(md, EVP_sha256(), NULL) && hash_settings(md, profile) &&
		    hash(md, slice_of(&generation, sizeof generation)) &&
		    hash_cert(md, credential->cert);

	for (int i = 0; good && credential->chain && i < sk_X509_num(credential->chain); i++)
		good = hash_cert(md, sk_X509_value(credential->chain, i));
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		good = good && hash(md, slice_of(&files[i]->count, sizeof files[i]->count));
		for (size_t n = 0; good && n < files[i]->count; n++)
			good = hash(md, files[i]->view[n]);
	}
	return good;
}

static bool digest(const struct profile *profile, const struct credential *credential,
		   const struct files *anchors, const struct files *crls, uint8_t out[32])
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool done = md && hash_all(md, profile, credential, anchors, crls) &&
		    EVP_DigestFinal_ex(md, out, NULL);

	EVP_MD_CTX_free(md);
	return done;
}

/* ---- all of it ---- */

static int failed(struct diagnosis *why, const struct profile *profile, const char *detail)
{
	if (why->id == DIAG_NONE) {
		diagnosis_set(why, DIAG_INTERNAL);
		diagnosis_add(why, "detail", "%s", detail);
	}
	diagnosis_add(why, "profile", "%s", profile->name);
	return -EINVAL;
}

/* The trust policy knows its inputs by number; a person knows them by name. */
static void name_file(struct diagnosis *why, const struct profile *profile, const char *kind,
		      const struct files *files)
{
	const char *number = diagnosis_evidence(why, kind);
	unsigned long n = number ? strtoul(number, NULL, 10) : 0;

	if (n == 0 || n > files->count)
		return;

	char text[DIAGNOSIS_VALUE_MAX];

	snprintf(text, sizeof text, "%s", diagnosis_evidence(why, "detail"));
	diagnosis_set(why, DIAG_CONFIG);
	diagnosis_add(why, "detail", "%s: %s: %s", profile->path, files->file[n - 1].path, text);
}

static int make_trust(const struct profile *profile, const struct files *anchors,
		      const struct files *crls, struct trust **ret_trust, struct diagnosis *why)
{
	const struct trust_settings settings = {
		.anchors = anchors->view,
		.anchor_count = anchors->count,
		.crls = crls->view,
		.crl_count = crls->count,
		.names = (const char *const *)profile->server_names.word,
		.name_count = profile->server_names.count,
		.pins = (const char *const *)profile->server_pins.word,
		.pin_count = profile->server_pins.count,
		.ocsp = profile->ocsp,
		.clock = profile->clock,
		.built = BUILD_EPOCH,
		.insecure_no_check = profile->insecure_no_server_check,
	};

	if (trust_new(&settings, ret_trust, why) == OK)
		return 0;
	name_file(why, profile, "anchor", anchors);
	name_file(why, profile, "crl", crls);
	return failed(why, profile, "the trust anchors cannot be used");
}

static int make_tls(const struct profile *profile, const struct credential *credential,
		    struct trust *trust, struct tls_config **ret_tls, struct diagnosis *why)
{
	const struct tls_peer_settings settings = {
		.trust = trust,
		.key = credential->key,
		.cert = credential->cert,
		.chain = credential->chain,
		.credential = credential->name,
		.min = profile->min_tls,
		.max = profile->max_tls,
		.resume = profile->resume,
	};

	if (tls_config_new(&settings, ret_tls, why) != OK)
		return failed(why, profile, "TLS cannot be set up");
	return 0;
}

int profile_arm(struct profile *profile, struct keystore *keystore, int64_t now,
		int64_t warn_before, struct armed **ret_armed, struct diagnosis *why)
{
	AUTO_STRUCT(armed) armed = calloc(1, sizeof *armed);
	AUTO_STRUCT(credential) credential = NULL;
	AUTO_STRUCT(trust) trust = NULL;
	AUTO_VALUE(files) anchors = { 0 };
	AUTO_VALUE(files) crls = { 0 };
	int r;

	diagnosis_set(why, DIAG_NONE);
	if (!armed)
		return failed(why, profile, "there is no memory left");
	armed->references = 1;
	if ((r = read_anchors(profile, &anchors, why)) < 0 ||
	    (r = read_crls(profile, &crls, why)) < 0)
		return r;
	if (keystore_get(keystore, profile->credential, &credential, why) < 0)
		return failed(why, profile, "the credential cannot be opened");
	if (cert_check_own(credential->cert, CERT_CLIENT, credential->key, credential->chain,
			   credential->name, now, warn_before, why) != OK)
		return failed(why, profile, "the certificate cannot be used");
	armed->warning = *why;
	diagnosis_set(why, DIAG_NONE);
	if ((r = make_trust(profile, &anchors, &crls, &trust, why)) < 0 ||
	    (r = make_tls(profile, credential, TAKE(trust), &armed->tls, why)) < 0)
		return r;
	if (!digest(profile, credential, &anchors, &crls, armed->digest))
		return failed(why, profile, "SHA-256 cannot be computed");
	choose_identity(profile, credential->cert, armed->identity, sizeof armed->identity);
	snprintf(armed->credential, sizeof armed->credential, "%s", credential->name);
	armed->generation = credential->generation;
	cert_info_of(credential->cert, &armed->certificate);
	armed->profile = profile;
	*ret_armed = TAKE(armed);
	return 0;
}

struct armed *armed_ref(struct armed *armed)
{
	armed->references++;
	return armed;
}

void armed_free(struct armed *armed)
{
	if (!armed || --armed->references > 0)
		return;
	tls_config_free(armed->tls);
	profile_free(armed->profile);
	free(armed);
}

bool armed_same(const struct armed *a, const struct armed *b)
{
	return memcmp(a->digest, b->digest, sizeof a->digest) == 0;
}
