#include "config/arm_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

void arm_files_done(struct arm_files *files)
{
	files_done(&files->anchors);
	files_done(&files->crls);
}

int arm_read_files(const struct profile *profile, struct arm_files *files, struct diagnosis *why)
{
	int r = read_anchors(profile, &files->anchors, why);

	return r < 0 ? r : read_crls(profile, &files->crls, why);
}

int arm_add_delivered(const struct profile *profile, const struct credential *credential,
		      struct arm_files *files, struct diagnosis *why)
{
	int r = 0;

	if (!profile->enrol.wanted || !credential->anchors)
		return 0;
	for (int i = 0; r == 0 && i < sk_X509_num(credential->anchors); i++)
		r = files_add_cert(&files->anchors, credential->name,
				   sk_X509_value(credential->anchors, i));
	return r < 0 ? arm_failed(why, profile, "there is no memory left") : 0;
}

/* ---- who we say we are ---- */

/* "anonymous@realm", which tells the network where to ask and not who asks (RFC 9190, 2.1.4). */
void arm_identity(const struct profile *profile, const X509 *cert, char *buffer, size_t size)
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
	AUTO_VALUE(bytes) der = { 0 };

	return cert_append_der(&der, cert, SIZE_MAX) == OK && hash(md, bytes_slice(&der));
}

static bool hash_settings(EVP_MD_CTX *md, const struct profile *profile)
{
	AUTO(char) text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return false;
	ini_print(&profile_table, profile, out);

	bool good = fclose(out) == 0 && hash(md, slice_str(profile->name)) &&
		    hash(md, slice_of(text, len));

	if (text)
		explicit_bzero(text, len); /* a token is in it as it is */
	return good;
}

static bool hash_certs(EVP_MD_CTX *md, const STACK_OF(X509) * certs)
{
	const int32_t count = certs ? sk_X509_num(certs) : 0;
	bool good = hash(md, slice_of(&count, sizeof count));

	for (int i = 0; good && i < count; i++)
		good = hash_cert(md, sk_X509_value(certs, i));
	return good;
}

static bool hash_credential(EVP_MD_CTX *md, const struct credential *credential)
{
	const uint32_t generation = credential ? credential->generation : 0;

	return hash(md, slice_of(&generation, sizeof generation)) &&
	       (!credential ||
		(hash_cert(md, credential->cert) && hash_certs(md, credential->chain) &&
		 hash_certs(md, credential->anchors)));
}

static bool hash_files(EVP_MD_CTX *md, const struct files *files, size_t count)
{
	bool good = hash(md, slice_of(&count, sizeof count));

	for (size_t n = 0; good && n < count; n++)
		good = hash(md, files->view[n]);
	return good;
}

static bool hash_account(EVP_MD_CTX *md, const struct credential_secret *account)
{
	const uint32_t generation = account->generation;

	return hash(md, slice_of(&generation, sizeof generation)) &&
	       hash(md, slice_str(account->username)) && hash(md, secret_slice(&account->secret));
}

/* All that a profile is armed with. */
struct inputs {
	struct credential *credential, *inner, *inner2; /* NULL: it has none */
	struct credential_secret account;		/* generation 0: likewise */
	struct arm_files files;
	size_t anchors; /* that the profile names; those that a credential brought follow */
	bool missing;	/* is what it names, and may yet be had */
};

static void inputs_done(struct inputs *inputs)
{
	credential_free(inputs->credential);
	credential_free(inputs->inner);
	credential_free(inputs->inner2);
	credential_secret_done(&inputs->account);
	arm_files_done(&inputs->files);
}

/* Of everything but credentials first, and then of that and them. */
static bool hash_all(EVP_MD_CTX *md, const struct profile *profile, struct armed *armed,
		     const struct inputs *in)
{
	const struct slice password = in->account.generation > 0
					      ? slice_of(NULL, 0)
					      : secret_slice(&armed->inner.password);

	return EVP_DigestInit_ex2(md, EVP_sha256(), NULL) && hash_settings(md, profile) &&
	       hash(md, password) && hash(md, secret_slice(&armed->inner2.password)) &&
	       hash_files(md, &in->files.anchors, in->anchors) &&
	       hash_files(md, &in->files.crls, in->files.crls.count) &&
	       EVP_DigestFinal_ex(md, armed->settings, NULL) &&
	       EVP_DigestInit_ex2(md, EVP_sha256(), NULL) &&
	       hash(md, slice_of(armed->settings, sizeof armed->settings)) &&
	       hash_credential(md, in->credential) && hash_credential(md, in->inner) &&
	       hash_credential(md, in->inner2) && hash_account(md, &in->account) &&
	       EVP_DigestFinal_ex(md, armed->digest, NULL);
}

static bool digest(const struct profile *profile, const struct inputs *in, struct armed *armed)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool done = md && hash_all(md, profile, armed, in);

	EVP_MD_CTX_free(md);
	return done;
}

/* ---- all of it ---- */

int arm_failed(struct diagnosis *why, const struct profile *profile, const char *detail)
{
	if (why->id == DIAG_NONE) {
		diagnosis_say(why, DIAG_INTERNAL, "%s", detail);
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
	diagnosis_say(why, DIAG_CONFIG, "%s: %s: %s", profile->path, files->file[n - 1].path, text);
}

bool arm_knows_server(const struct profile *profile)
{
	return profile->trust_anchors.count > 0 || profile->server_pins.count > 0;
}

int arm_trust(const struct profile *profile, const struct arm_files *files, const char *pin,
	      struct trust **ret_trust, struct diagnosis *why)
{
	bool known = arm_knows_server(profile);
	bool by_pin = pin && !known;
	const struct trust_settings settings = {
		.anchors = files->anchors.view,
		.anchor_count = files->anchors.count,
		.crls = files->crls.view,
		.crl_count = files->crls.count,
		.names = (const char *const *)profile->server_names.word,
		.name_count = profile->server_names.count,
		.pins = by_pin ? &pin : (const char *const *)profile->server_pins.word,
		.pin_count = by_pin ? 1 : profile->server_pins.count,
		.ocsp = profile->ocsp,
		.clock = profile->clock,
		.built = BUILD_EPOCH,
		.one_network = profile->enrol.wanted && !known,
		.insecure_no_check = profile->insecure_no_server_check,
	};

	if (trust_new(&settings, ret_trust, why) == OK)
		return 0;
	name_file(why, profile, "anchor", &files->anchors);
	name_file(why, profile, "crl", &files->crls);
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
	int r = arm_trust(profile, &in->files, NULL, &trust, why);

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

/* A roll-over that did not come is told while there is time. */
static void look_at_delivered(const struct profile *profile, const struct credential *credential,
			      const struct look *look, struct diagnosis *warning)
{
	int64_t last = 0;

	if (!profile->enrol.wanted || profile->trust_anchors.count > 0 || !credential->anchors ||
	    warning->id != DIAG_NONE)
		return;
	for (int i = 0; i < sk_X509_num(credential->anchors); i++) {
		int64_t until =
			cert_time(X509_get0_notAfter(sk_X509_value(credential->anchors, i)));

		last = until > last ? until : last;
	}
	if (last == 0 || last - look->now > look->warn_before)
		return;
	diagnosis_set(warning, DIAG_ANCHORS_EXPIRING);
	diagnosis_add(warning, "credential", "%s", credential->name);
	diagnosis_add_time(warning, "not_after", last);
}

/* What an enrolment can put right. */
static bool can_be_had(const struct profile *profile, const struct diagnosis *why)
{
	return profile->enrol.wanted &&
	       (why->id == DIAG_CREDENTIAL_MISSING || why->id == DIAG_CREDENTIAL_EXPIRED);
}

int64_t arm_own_time(const struct profile *profile, const X509 *cert, int64_t now)
{
	int64_t from = cert_time(X509_get0_notBefore(cert));

	if (now >= BUILD_EPOCH || profile->clock == CLOCK_STRICT)
		return now;
	return profile->clock == CLOCK_BUILD_DATE && from < BUILD_EPOCH ? BUILD_EPOCH : from;
}

static int get_credential(const struct profile *profile, struct keystore *keystore,
			  const char *name, const struct look *look,
			  struct credential **ret_credential, struct diagnosis *why)
{
	AUTO_STRUCT(credential) credential = NULL;

	if (keystore_get(keystore, name, &credential, why) < 0) {
		if (!can_be_had(profile, why))
			return arm_failed(why, profile, "the credential cannot be opened");
		why->id = DIAG_CREDENTIAL_AWAITED;
		return -ENOENT;
	}
	if (cert_check_own(credential->cert, CERT_CLIENT, credential->key, credential->chain,
			   credential->name, arm_own_time(profile, credential->cert, look->now),
			   look->warn_before, why) != OK)
		return can_be_had(profile, why)
			       ? -ENOENT
			       : arm_failed(why, profile, "the certificate cannot be used");
	*ret_credential = TAKE(credential);
	return 0;
}

/* Nothing for a profile that names none.  A doubt stays in *warning, the first that there is. */
static int open_credential(const struct profile *profile, struct keystore *keystore,
			   const char *name, const struct look *look, struct inputs *in,
			   struct credential **ret_credential, struct diagnosis *warning,
			   struct diagnosis *why)
{
	int r = name ? get_credential(profile, keystore, name, look, ret_credential, why) : 0;

	if (r < 0 && r != -ENOENT)
		return r;
	in->missing = in->missing || r == -ENOENT;
	if (warning->id == DIAG_NONE)
		*warning = *why;
	diagnosis_set(why, DIAG_NONE);
	if (!*ret_credential)
		return 0;
	look_at_delivered(profile, *ret_credential, look, warning);
	return arm_add_delivered(profile, *ret_credential, &in->files, why);
}

/* A name and password; one that is missing may be had as a certificate may. */
static int open_account(const struct profile *profile, struct keystore *keystore, const char *name,
			struct inputs *in, struct diagnosis *warning, struct diagnosis *why)
{
	int r = keystore_get_secret(keystore, name, &in->account, why);

	if (r < 0 && !can_be_had(profile, why))
		return arm_failed(why, profile, "the credential cannot be opened");
	if (r < 0) {
		why->id = DIAG_CREDENTIAL_AWAITED;
		in->missing = true;
		if (warning->id == DIAG_NONE)
			*warning = *why;
		diagnosis_set(why, DIAG_NONE);
		return 0;
	}
	if (in->account.kind == CREDENTIAL_PASSWORD)
		return 0;
	diagnosis_set(why, DIAG_CREDENTIAL_UNUSABLE);
	diagnosis_add(why, "credential", "%s", name);
	diagnosis_add(why, "detail", "it is a symmetric key, not a name and password");
	return arm_failed(why, profile, "the credential cannot be used");
}

static int open_inner(const struct profile *profile, struct keystore *keystore,
		      const struct look *look, struct inputs *in, struct diagnosis *warning,
		      struct diagnosis *why)
{
	const char *name = profile->inner.credential;

	return profile_keeps_password(profile)
		       ? open_account(profile, keystore, name, in, warning, why)
		       : open_credential(profile, keystore, name, look, in, &in->inner, warning,
					 why);
}

static int read_inputs(const struct profile *profile, struct keystore *keystore,
		       const struct look *look, struct inputs *in, struct diagnosis *warning,
		       struct diagnosis *why)
{
	int r = arm_read_files(profile, &in->files, why);

	in->anchors = in->files.anchors.count;
	if (r == 0)
		r = open_credential(profile, keystore, profile->credential, look, in,
				    &in->credential, warning, why);
	if (r == 0)
		r = open_inner(profile, keystore, look, in, warning, why);
	if (r == 0)
		r = open_credential(profile, keystore, profile->inner2.credential, look, in,
				    &in->inner2, warning, why);
	return r;
}

/* Whose expiry is waited for: what the machine shows of itself. */
static void show_credential(struct armed *armed, const struct profile *profile,
			    const struct inputs *in)
{
	const struct credential *inner = in->inner ? in->inner : in->inner2;
	const struct credential *shown = in->credential ? in->credential : inner;

	arm_identity(profile, shown ? shown->cert : NULL, armed->identity, sizeof armed->identity);
	if (in->missing)
		snprintf(armed->credential, sizeof armed->credential, "%s",
			 profile_credential(profile));
	if (!shown && in->account.generation > 0 && !in->missing) {
		snprintf(armed->credential, sizeof armed->credential, "%s",
			 profile->inner.credential);
		armed->generation = in->account.generation;
	}
	if (!shown || in->missing)
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
		r = arm_inner(armed, profile, in.missing ? NULL : &in.account, mschap, why);
	armed->ready = !in.missing;
	if (r == 0 && armed->ready)
		r = make_tls(profile, &in, in.credential, &armed->tls, why);
	if (r == 0 && armed->ready && in.inner)
		r = make_tls(profile, &in, in.inner, &armed->inner.tls, why);
	if (r == 0 && armed->ready && in.inner2)
		r = make_tls(profile, &in, in.inner2, &armed->inner2.tls, why);
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

static void inner_done(struct armed_inner *inner)
{
	tls_config_free(inner->tls);
	secret_done(&inner->password);
}

void armed_free(struct armed *armed)
{
	if (!armed || --armed->references > 0)
		return;
	tls_config_free(armed->tls);
	inner_done(&armed->inner);
	inner_done(&armed->inner2);
	profile_free(armed->profile);
	free(armed);
}

bool armed_same(const struct armed *a, const struct armed *b)
{
	return memcmp(a->digest, b->digest, sizeof a->digest) == 0;
}

bool armed_same_settings(const struct armed *a, const struct armed *b)
{
	return memcmp(a->settings, b->settings, sizeof a->settings) == 0;
}
