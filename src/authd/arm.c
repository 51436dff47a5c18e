#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "authd/arm_parts.h"
#include "authd/ocsp.h"
#include "config/files.h"

#define WARN_BEFORE (30LL * 24 * 3600) /* of an expiry, seconds */

static int unreadable(struct diagnosis *why, const struct config *config, const char *key,
		      const char *word, int error)
{
	diagnosis_say(why, DIAG_CONFIG, "%s: %s=%s: %s", config->path, key, word,
		      files_problem(error));
	return error;
}

int arming_read_files(const struct config *config, const struct authority *authority,
		      struct files *anchors, struct files *crls, struct diagnosis *why)
{
	const struct authd_settings *s = &config->settings;

	for (size_t i = 0; i < s->client_anchors.count; i++) {
		int r = files_add_anchors(anchors, s->client_anchors.word[i]);

		if (r < 0)
			return unreadable(why, config, "ClientAnchors", s->client_anchors.word[i],
					  r);
	}
	for (int i = 0; authority && authority->now.issuer && i < sk_X509_num(authority->anchors);
	     i++) {
		int r = files_add_cert(anchors, "[Authority]",
				       sk_X509_value(authority->anchors, i));

		if (r < 0)
			return arming_failed(why, "there is no memory left");
	}
	for (size_t i = 0; i < s->crls.count; i++) {
		int r = files_add_crl(crls, s->crls.word[i]);

		if (r < 0)
			return unreadable(why, config, "Crls", s->crls.word[i], r);
	}
	return 0;
}

/* The trust policy knows its inputs by number; a person knows them by name. */
static void name_file(struct diagnosis *why, const struct config *config, const char *kind,
		      const struct files *files)
{
	const char *number = diagnosis_evidence(why, kind);
	const char *detail = diagnosis_evidence(why, "detail");
	unsigned long n = number ? strtoul(number, NULL, 10) : 0;
	char text[DIAGNOSIS_VALUE_MAX];

	if (n == 0 || n > files->count)
		return;
	snprintf(text, sizeof text, "%s", detail ? detail : "cannot be used");
	diagnosis_say(why, DIAG_CONFIG, "%s: %s: %s", config->path, files->file[n - 1].path, text);
}

int arming_make_trust(const struct config *config, const struct files *anchors,
		      const struct files *crls, struct trust **ret_trust, struct diagnosis *why)
{
	const struct trust_settings settings = {
		.role = CERT_CLIENT,
		.anchors = anchors->view,
		.anchor_count = anchors->count,
		.crls = crls->view,
		.crl_count = crls->count,
		.ocsp = OCSP_OFF,
		.clock = CLOCK_STRICT,
		.built = BUILD_EPOCH,
	};

	if (trust_new(&settings, ret_trust, why) == OK)
		return 0;
	name_file(why, config, "anchor", anchors);
	name_file(why, config, "crl", crls);
	return arming_failed(why, "the trust anchors cannot be used");
}

/* A resumption shows no certificate that a responder could be asked about, so that no session lasts
 * for longer than an answer counts. */
uint32_t arming_lifetime(const struct authd_settings *s)
{
	uint32_t lifetime = (uint32_t)(s->session_lifetime / 1000);

	return s->client_ocsp != CLIENT_OCSP_OFF && lifetime > OCSP_CACHE_MOST ? OCSP_CACHE_MOST
									       : lifetime;
}

static int make_tls(struct arming *arming, const struct credential *credential, struct trust *trust,
		    struct diagnosis *why)
{
	static const enum tls_resumption resumptions[] = {
		[RESUMPTION_OFF] = TLS_RESUME_OFF,
		[RESUMPTION_MEMORY] = TLS_RESUME_MEMORY,
		[RESUMPTION_TICKETS] = TLS_RESUME_TICKETS,
	};
	const struct authd_settings *s = &arming->config->settings;
	const struct tls_server_settings settings = {
		.trust = trust,
		.key = credential->key,
		.cert = credential->cert,
		.chain = credential->chain,
		.credential = credential->name,
		.min = s->min_tls,
		.max = s->max_tls,
		.resumption = resumptions[s->resumption],
		.lifetime = arming_lifetime(s),
		.ocsp_facts = s->client_ocsp != CLIENT_OCSP_OFF,
	};

	arming->tls.fragment_size = s->fragment_size;
	if (tls_server_config_new(&settings, &arming->tls.config, why) != OK)
		return arming_failed(why, "TLS cannot be set up");
	return 0;
}

/* ---- the digest ---- */

bool arming_hash(EVP_MD_CTX *md, struct slice in)
{
	const uint64_t len = in.len;

	return EVP_DigestUpdate(md, &len, sizeof len) && EVP_DigestUpdate(md, in.p, in.len);
}

bool arming_hash_files(EVP_MD_CTX *md, const struct files *files)
{
	bool good = EVP_DigestUpdate(md, &files->count, sizeof files->count);

	for (size_t i = 0; good && i < files->count; i++)
		good = arming_hash(md, files->view[i]);
	return good;
}

static bool hash_all(EVP_MD_CTX *md, const struct authd_settings *s,
		     const struct credential *credential, const struct cert_info *cert,
		     const struct files *anchors, const struct files *crls)
{
	const int64_t numbers[] = { s->min_tls,	    s->max_tls,
				    s->resumption,  (int64_t)s->session_lifetime,
				    s->client_ocsp, credential->generation };

	return EVP_DigestInit_ex2(md, EVP_sha256(), NULL) &&
	       EVP_DigestUpdate(md, numbers, sizeof numbers) &&
	       arming_hash(md, slice_str(credential->name)) &&
	       arming_hash(md, slice_str(cert->fingerprint)) && arming_hash_files(md, anchors) &&
	       arming_hash_files(md, crls);
}

static bool digest(struct arming *arming, const struct credential *credential,
		   const struct files *anchors, const struct files *crls)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool done = md &&
		    hash_all(md, &arming->config->settings, credential, &arming->certificate,
			     anchors, crls) &&
		    EVP_DigestFinal_ex(md, arming->digest, NULL);

	EVP_MD_CTX_free(md);
	return done;
}

void arming_inherit(struct arming *arming, const struct arming *old)
{
	arming_inherit_tunnels(&arming->tunnels, &old->tunnels);
	if (!arming->tls.config || !old->tls.config ||
	    memcmp(arming->digest, old->digest, sizeof arming->digest) != 0)
		return;
	tls_server_config_free(arming->tls.config);
	arming->tls.config = tls_server_config_ref(old->tls.config);
}

/* ---- all of it ---- */

int arming_certificates(const struct config *config, X509 **ret_cert, X509 **ret_issuer,
			struct diagnosis *why)
{
	const struct authd_settings *s = &config->settings;
	AUTO_STRUCT(keystore) keystore = NULL;
	AUTO_STRUCT(credential) credential = NULL;
	int r = keystore_open(s->keystore, false, &keystore, why);

	if (r == 0)
		r = keystore_get(keystore, s->credential, &credential, why);
	if (r < 0 || !credential)
		return r < 0 ? r : -EIO;

	STACK_OF(X509) *const stacks[] = { credential->chain, credential->anchors };

	*ret_cert = *ret_issuer = NULL;
	for (size_t i = 0; i < 2; i++) {
		for (int n = 0; stacks[i] && n < sk_X509_num(stacks[i]) && !*ret_issuer; n++) {
			X509 *other = sk_X509_value(stacks[i], n);

			if (X509_check_issued(other, credential->cert) == X509_V_OK &&
			    X509_up_ref(other))
				*ret_issuer = other;
		}
	}
	if (X509_up_ref(credential->cert))
		*ret_cert = credential->cert;
	return 0;
}

int arming_open_credential(const struct config *config, const char *name, int64_t now,
			   struct credential **ret_credential, struct diagnosis *why)
{
	AUTO_STRUCT(keystore) keystore = NULL;
	AUTO_STRUCT(credential) credential = NULL;
	int r = keystore_open(config->settings.keystore, false, &keystore, why);

	if (r == 0)
		r = keystore_get(keystore, name, &credential, why);
	if (r < 0 || !credential)
		return r >= 0 || why->id == DIAG_NONE
			       ? arming_failed(why, "the credential cannot be opened")
			       : r;
	if (cert_check_own(credential->cert, CERT_SERVER, credential->key, credential->chain,
			   credential->name, now, WARN_BEFORE, why) != OK)
		return arming_failed(why, "the certificate cannot be used");
	*ret_credential = TAKE(credential);
	return 0;
}

static bool offers_tls(const struct authd_settings *s)
{
	for (size_t i = 0; i < s->methods.count; i++) {
		if (strcmp(s->methods.word[i], "tls") == 0)
			return true;
	}
	return false;
}

/* The first that has issued the certificate, from above it. */
static X509 *issuer_in(const STACK_OF(X509) * certs, X509 *cert)
{
	for (int i = 0; certs && i < sk_X509_num(certs); i++) {
		X509 *other = sk_X509_value(certs, i);

		if (X509_check_issued(other, cert) == X509_V_OK)
			return other;
	}
	return NULL;
}

X509 *arming_top(const struct credential *credential)
{
	X509 *top = credential->cert;

	for (int depth = 0; depth < TRUST_DEPTH_MAX && X509_self_signed(top, 0) != 1; depth++) {
		X509 *above = issuer_in(credential->chain, top);

		above = above ? above : issuer_in(credential->anchors, top);
		if (!above)
			break;
		top = above;
	}
	return top;
}

int arming_pin(const struct config *config, uint8_t ret_pin[TOKEN_PIN_SIZE], struct diagnosis *why)
{
	const struct authd_settings *s = &config->settings;
	AUTO_STRUCT(keystore) keystore = NULL;
	AUTO_STRUCT(credential) credential = NULL;
	const char *name = s->tunnel.credential ? s->tunnel.credential : s->credential;
	uint8_t hash[CERT_HASH_LEN];
	int r;

	if (!name) {
		diagnosis_say(why, DIAG_CONFIG, "%s: [Tls] Credential= is not set", config->path);
		return -ENOENT;
	}
	r = keystore_open(s->keystore, false, &keystore, why);
	if (r == 0)
		r = keystore_get(keystore, name, &credential, why);
	if (r < 0 || !credential)
		return r < 0 ? r : -EIO;
	if (!cert_spki_hash(arming_top(credential), hash))
		return -EINVAL;
	memcpy(ret_pin, hash, TOKEN_PIN_SIZE);
	return 0;
}

/* A configuration without a credential has nothing to open: it may still pass requests on. */
static int open_tls(struct arming *arming, int64_t now, struct diagnosis *why)
{
	const struct authd_settings *s = &arming->config->settings;
	AUTO_STRUCT(credential) credential = NULL;
	AUTO_STRUCT(trust) trust = NULL;
	AUTO_VALUE(files) anchors = { 0 };
	AUTO_VALUE(files) crls = { 0 };
	int r;

	if (!s->credential)
		return 0;
	if ((r = arming_read_files(arming->config, arming->authority, &anchors, &crls, why)) < 0 ||
	    (r = arming_open_credential(arming->config, s->credential, now, &credential, why)) < 0)
		return r;
	if (why->id != DIAG_NONE)
		arming->warning = *why;
	diagnosis_set(why, DIAG_NONE);
	cert_info_of(credential->cert, &arming->certificate);
	if (!offers_tls(s))
		return 0;
	if ((r = arming_make_trust(arming->config, &anchors, &crls, &trust, why)) < 0)
		return r;
	if (!digest(arming, credential, &anchors, &crls))
		return arming_failed(why, "SHA-256 cannot be computed");
	return make_tls(arming, credential, TAKE(trust), why);
}

static void offer_enrolling(struct arming *arming, struct eap_policy_choice *choice,
			    const struct words *but)
{
	const struct words *enrolling = &arming->config->settings.enroll.tunnels;

	for (size_t i = 0; i < enrolling->count && choice->offer_count < EAP_OFFERS_MAX; i++) {
		struct eap_server_offer offer =
			arming_tunnel_offer(&arming->tunnels, enrolling->word[i]);

		if (offer.method && arming_enrols_in(arming, enrolling->word[i]) &&
		    !words_have(but, enrolling->word[i]))
			choice->offers[choice->offer_count++] = offer;
	}
}

/* In the order of the configuration. */
static void offer_all(struct arming *arming)
{
	const struct words *methods = &arming->config->settings.methods;
	struct eap_policy_choice *choice = &arming->choice;

	for (size_t i = 0; i < methods->count && choice->offer_count < EAP_OFFERS_MAX; i++) {
		struct eap_server_offer offer = { &tls_server_method, &arming->tls };

		if (strcmp(methods->word[i], "tls") != 0)
			offer = arming_tunnel_offer(&arming->tunnels, methods->word[i]);
		if (offer.method && (offer.context != &arming->tls || arming->tls.config))
			choice->offers[choice->offer_count++] = offer;
	}
	/* Tunnels for enrolling alone come last: who has a credential does not look for them. */
	offer_enrolling(arming, choice, methods);
}

static bool has_offer(const struct eap_policy_choice *choice, const struct eap_server_offer *offer)
{
	for (size_t i = 0; i < choice->offer_count; i++) {
		if (choice->offers[i].method == offer->method)
			return true;
	}
	return false;
}

/* By the order alone a machine learns that it is to renew; all else is as it was. */
static void offer_renewal(struct arming *arming)
{
	static const struct words nothing = { { NULL }, 0 };
	struct eap_policy_choice *choice = &arming->renewing_choice;

	offer_enrolling(arming, choice, &nothing);
	for (size_t i = 0; i < arming->choice.offer_count; i++) {
		const struct eap_server_offer *offer = &arming->choice.offers[i];

		if (!has_offer(choice, offer) && choice->offer_count < EAP_OFFERS_MAX)
			choice->offers[choice->offer_count++] = *offer;
	}
}

int arming_new(struct config *config, const struct mschap *mschap, int64_t now,
	       struct arming **ret_arming, struct diagnosis *why)
{
	AUTO_STRUCT(arming) arming = calloc(1, sizeof *arming);
	int r;

	diagnosis_set(why, DIAG_NONE);
	if (!arming) {
		(void)arming_failed(why, "there is no memory left");
		return -ENOMEM;
	}
	arming->references = 1;
	arming->config = config_ref(config);
	r = authority_open(config, now, &arming->authority, why);
	if (r == 0 && arming->authority)
		arming->warning = arming->authority->warning;
	if (r == 0)
		r = open_tls(arming, now, why);
	if (r == 0)
		r = arming_open_enrol(arming, why);
	if (r == 0)
		r = arming_open_tunnels(arming, mschap, now, why);
	if (r < 0)
		return r;
	offer_all(arming);
	offer_renewal(arming);
	arming->policy = (struct eap_policy){
		.ask_identity = true,
		.choices = &arming->choice,
		.choice_count = 1,
		.max_rounds = config->settings.max_rounds,
	};
	arming->renewing = arming->policy;
	arming->renewing.choices = &arming->renewing_choice;
	*ret_arming = TAKE(arming);
	return 0;
}

/* ---- what was revoked ---- */

static bool is_by(const X509 *authority, struct slice name)
{
	unsigned char *der = NULL;
	int len = authority ? i2d_X509_NAME(X509_get_subject_name(authority), &der) : 0;
	bool same = len > 0 && slice_eq(name, slice_of(der, (size_t)len));

	OPENSSL_free(der);
	return same;
}

/* By our own authority, or by the one behind us as far as its certificates are known. */
static bool is_ours(const struct authority *authority, struct slice issuer)
{
	if (!authority)
		return false;
	if (is_by(authority->now.issuer, issuer) || is_by(authority->old.issuer, issuer))
		return true;
	for (int i = 0; i < sk_X509_num(authority->read); i++) {
		if (is_by(sk_X509_value(authority->read, i), issuer))
			return true;
	}
	return false;
}

static bool is_revoked(const struct arming *arming, struct slice issuer, struct slice serial,
		       const struct tls_claim *claim, struct diagnosis *ret_why)
{
	const struct revoked *revoked = arming->revoked ? *arming->revoked : NULL;
	const struct revoked_entry *entry = revoked ? revoked_find(revoked, issuer, serial) : NULL;
	bool unknown = !revoked && is_ours(arming->authority, issuer);

	if (unknown)
		diagnosis_set(ret_why, DIAG_REVOCATION_UNKNOWN);
	if (entry) {
		diagnosis_set(ret_why, DIAG_PEER_CERT_REVOKED);
		diagnosis_add(ret_why, "subject", "%.*s", (int)claim->subject.len,
			      (const char *)claim->subject.p);
		diagnosis_add(ret_why, "reason", "%s", ca_reason_text(entry->reason));
		diagnosis_add_time(ret_why, "revoked", entry->when);
	}
	return unknown || entry;
}

bool arming_revoked(const struct arming *arming, const struct tls_claim *claim,
		    struct diagnosis *ret_why)
{
	struct slice issuer, serial;

	if (is_revoked(arming, claim->issuer_der, claim->serial, claim, ret_why))
		return true;
	for (size_t at = 0; tls_claim_authority(claim, &at, &issuer, &serial);) {
		if (is_revoked(arming, issuer, serial, claim, ret_why))
			return true;
	}
	return false;
}

struct arming *arming_ref(struct arming *arming)
{
	arming->references++;
	return arming;
}

void arming_free(struct arming *arming)
{
	if (!arming || --arming->references > 0)
		return;
	tls_server_config_free(arming->tls.config);
	authority_free(arming->authority);
	arming_close_tunnels(&arming->tunnels);
	arming_close_enrol(&arming->enrol);
	config_free(arming->config);
	free(arming);
}
