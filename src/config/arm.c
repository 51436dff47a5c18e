#include "config/arm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/arm_parts.h"
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
	const char *name = profile->identity ? profile->identity : profile->inner.identity;
	const char *at = name ? strrchr(name, '@') : NULL;
	char realm[EAP_IDENTITY_BUFFER] = "";

	if (at)
		snprintf(realm, sizeof realm, "%s", at + 1);
	else if (!cert || !cert_realm(cert, realm, sizeof realm))
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

static bool hash_credential(EVP_MD_CTX *md, const struct credential *credential)
{
	const uint32_t generation = credential ? credential->generation : 0;
	bool good = hash(md, slice_of(&generation, sizeof generation));

	if (!credential)
		return good;
	good = good && hash_cert(md, credential->cert);
	for (int i = 0; good && credential->chain && i < sk_X509_num(credential->chain); i++)
		good = hash_cert(md, sk_X509_value(credential->chain, i));
	return good;
}

/* All that a profile is armed with. */
struct inputs {
	struct credential *credential, *inner; /* NULL: it has none */
	struct files anchors, crls;
};

static void inputs_done(struct inputs *inputs)
{
	credential_free(inputs->credential);
	credential_free(inputs->inner);
	files_done(&inputs->anchors);
	files_done(&inputs->crls);
}

static bool hash_all(EVP_MD_CTX *md, const struct profile *profile, const struct armed *armed,
		     const struct inputs *in)
{
	const struct files *const files[] = { &in->anchors, &in->crls };
	bool good = EVP_DigestInit_ex2(md, EVP_sha256(), NULL) && hash_settings(md, profile) &&
		    hash(md, secret_slice(&armed->password)) &&
		    hash_credential(md, in->credential) && hash_credential(md, in->inner);

	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		good = good && hash(md, slice_of(&files[i]->count, sizeof files[i]->count));
		for (size_t n = 0; good && n < files[i]->count; n++)
			good = hash(md, files[i]->view[n]);
	}
	return good;
}

static bool digest(const struct profile *profile, const struct inputs *in, struct armed *armed)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool done = md && hash_all(md, profile, armed, in) &&
		    EVP_DigestFinal_ex(md, armed->digest, NULL);

	EVP_MD_CTX_free(md);
	return done;
}

/* ---- all of it ---- */

int arm_failed(struct diagnosis *why, const struct profile *profile, const char *detail)
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

static int make_trust(const struct profile *profile, const struct inputs *in,
		      struct trust **ret_trust, struct diagnosis *why)
{
	const struct trust_settings settings = {
		.anchors = in->anchors.view,
		.anchor_count = in->anchors.count,
		.crls = in->crls.view,
		.crl_count = in->crls.count,
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
	name_file(why, profile, "anchor", &in->anchors);
	name_file(why, profile, "crl", &in->crls);
	return arm_failed(why, profile, "the trust anchors cannot be used");
}

static int make_tls(const struct profile *profile, const struct inputs *in,
		    const struct credential *credential, struct tls_config **ret_tls,
		    struct diagnosis *why)
{
	AUTO_STRUCT(trust) trust = NULL;
	struct tls_peer_settings settings = {
		.min = profile->min_tls,
		.max = profile->max_tls,
		.resume = profile->resume,
	};
	int r = make_trust(profile, in, &trust, why);

	if (r < 0)
		return r;
	settings.trust = TAKE(trust);
	if (credential) {
		settings.key = credential->key;
		settings.cert = credential->cert;
		settings.chain = credential->chain;
		settings.credential = credential->name;
	}
	if (tls_config_new(&settings, ret_tls, why) != OK)
		return arm_failed(why, profile, "TLS cannot be set up");
	return 0;
}

/* When a credential is looked at: what would be said of it. */
struct look {
	int64_t now, warn_before;
};

/* Nothing for a profile that names none.  A doubt stays in *warning, the first that there is. */
static int open_credential(const struct profile *profile, struct keystore *keystore,
			   const char *name, const struct look *look,
			   struct credential **ret_credential, struct diagnosis *warning,
			   struct diagnosis *why)
{
	AUTO_STRUCT(credential) credential = NULL;

	if (!name)
		return 0;
	if (keystore_get(keystore, name, &credential, why) < 0)
		return arm_failed(why, profile, "the credential cannot be opened");
	if (cert_check_own(credential->cert, CERT_CLIENT, credential->key, credential->chain,
			   credential->name, look->now, look->warn_before, why) != OK)
		return arm_failed(why, profile, "the certificate cannot be used");
	if (warning->id == DIAG_NONE)
		*warning = *why;
	diagnosis_set(why, DIAG_NONE);
	*ret_credential = TAKE(credential);
	return 0;
}

static int read_inputs(const struct profile *profile, struct keystore *keystore,
		       const struct look *look, struct inputs *in, struct diagnosis *warning,
		       struct diagnosis *why)
{
	int r = read_anchors(profile, &in->anchors, why);

	if (r == 0)
		r = read_crls(profile, &in->crls, why);
	if (r == 0)
		r = open_credential(profile, keystore, profile->credential, look, &in->credential,
				    warning, why);
	if (r == 0)
		r = open_credential(profile, keystore, profile->inner.credential, look, &in->inner,
				    warning, why);
	return r;
}

/* Whose expiry is waited for: what the machine shows of itself. */
static void show_credential(struct armed *armed, const struct profile *profile,
			    const struct inputs *in)
{
	const struct credential *shown = in->credential ? in->credential : in->inner;

	choose_identity(profile, shown ? shown->cert : NULL, armed->identity,
			sizeof armed->identity);
	if (!shown)
		return;
	snprintf(armed->credential, sizeof armed->credential, "%s", shown->name);
	armed->generation = shown->generation;
	cert_info_of(shown->cert, &armed->certificate);
}

int profile_arm(struct profile *profile, struct keystore *keystore, const struct mschap *mschap,
		int64_t now, int64_t warn_before, struct armed **ret_armed, struct diagnosis *why)
{
	const struct look look = { now, warn_before };
	AUTO_STRUCT(armed) armed = calloc(1, sizeof *armed);
	AUTO_VALUE(inputs) in = { 0 };
	int r;

	diagnosis_set(why, DIAG_NONE);
	if (!armed)
		return arm_failed(why, profile, "there is no memory left");
	armed->references = 1;
	r = read_inputs(profile, keystore, &look, &in, &armed->warning, why);
	if (r == 0)
		r = arm_inner(armed, profile, mschap, why);
	if (r == 0)
		r = make_tls(profile, &in, in.credential, &armed->tls, why);
	if (r == 0 && in.inner)
		r = make_tls(profile, &in, in.inner, &armed->inner_tls, why);
	if (r < 0)
		return r;
	if (!digest(profile, &in, armed))
		return arm_failed(why, profile, "SHA-256 cannot be computed");
	show_credential(armed, profile, &in);
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
	tls_config_free(armed->inner_tls);
	secret_done(&armed->password);
	profile_free(armed->profile);
	free(armed);
}

bool armed_same(const struct armed *a, const struct armed *b)
{
	return memcmp(a->digest, b->digest, sizeof a->digest) == 0;
}
