#include <errno.h>
#include <string.h>

#include "authd/arm_parts.h"
#include "method/gtc_server.h"

static bool has_word(const struct words *words, const char *word)
{
	for (size_t i = 0; i < words->count; i++) {
		if (strcmp(words->word[i], word) == 0)
			return true;
	}
	return false;
}

/* ---- what runs inside ----------------------------------------------------------------------- */

/* By the words of TtlsMethods= and PeapMethods=. */
static bool offer_inner(struct arming_tunnels *t, const char *word, struct eap_server_offer *offer)
{
	const struct {
		const char *word;
		struct eap_server_offer offer;
	} all[] = {
		{ "eap-mschapv2", { &mschapv2_server_method, &t->mschapv2 } },
		{ "mschapv2", { &mschapv2_server_method, &t->mschapv2 } },
		{ "eap-gtc", { &gtc_server_method, NULL } },
		{ "gtc", { &gtc_server_method, NULL } },
		{ "eap-tls", { &tls_server_method, &t->tls } },
		{ "tls", { &tls_server_method, &t->tls } },
	};

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		if (strcmp(all[i].word, word) == 0) {
			*offer = all[i].offer;
			return true;
		}
	}
	return false;
}

/* passwords: those words are not EAP. */
static void fill_inner(struct arming_tunnels *t, struct arming_inner *inner,
		       const struct words *words, bool passwords, unsigned max_rounds)
{
	struct eap_policy_choice *choice = &inner->choice;

	for (size_t i = 0; i < words->count && choice->offer_count < EAP_OFFERS_MAX; i++) {
		if (passwords && strncmp(words->word[i], "eap-", 4) != 0)
			continue;
		if (offer_inner(t, words->word[i], &choice->offers[choice->offer_count]))
			choice->offer_count++;
	}
	inner->policy = (struct eap_policy){
		.ask_identity = true, .choices = choice, .choice_count = 1, .max_rounds = max_rounds
	};
}

static unsigned passwords_of(const struct words *words)
{
	static const struct {
		const char *word;
		enum password_kind kind;
	} all[] = { { "pap", PASSWORD_PAP },
		    { "chap", PASSWORD_CHAP },
		    { "mschap", PASSWORD_MSCHAP },
		    { "mschapv2", PASSWORD_MSCHAPV2 } };
	unsigned bits = 0;

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		bits |= has_word(words, all[i].word) ? 1u << all[i].kind : 0;
	return bits;
}

static bool needs_mschap(const struct words *words)
{
	return has_word(words, "mschap") || has_word(words, "mschapv2") ||
	       has_word(words, "eap-mschapv2");
}

static bool needs_tls(const struct words *words)
{
	return has_word(words, "tls") || has_word(words, "eap-tls");
}

/* ---- TLS ------------------------------------------------------------------------------------ */

struct material {
	struct credential *credential;
	struct files anchors, crls;
	X509 *root; /* the credential's */
};

static void material_done(struct material *m)
{
	credential_free(m->credential);
	files_done(&m->anchors);
	files_done(&m->crls);
}

static X509 *root_of(const struct credential *credential)
{
	STACK_OF(X509) *const stacks[] = { credential->chain, credential->anchors };

	for (size_t i = 0; i < 2; i++) {
		for (int n = 0; stacks[i] && n < sk_X509_num(stacks[i]); n++) {
			X509 *cert = sk_X509_value(stacks[i], n);

			if (X509_self_signed(cert, 0) == 1)
				return cert;
		}
	}
	return NULL;
}

static int read_material(struct material *m, const struct arming *arming, int64_t now,
			 struct diagnosis *why)
{
	const struct config *config = arming->config;
	const struct authd_settings *s = &config->settings;
	const char *name = s->tunnel.credential ? s->tunnel.credential : s->credential;
	int r;

	if (!name)
		return arming_failed(why, "[Tunnel] needs a credential");
	r = arming_open_credential(config, name, now, &m->credential, why);
	if (r == 0)
		r = arming_read_files(config, arming->authority, &m->anchors, &m->crls, why);
	if (r < 0)
		return r;
	diagnosis_set(why, DIAG_NONE);
	m->root = s->tunnel.send_root ? root_of(m->credential) : NULL;
	if (!s->tunnel.send_root || m->root)
		return 0;
	diagnosis_say(why, DIAG_CONFIG,
		      "%s: SendRoot=yes: the credential %s was imported without its root",
		      config->path, name);
	return -EINVAL;
}

/* inner: EAP-TLS inside, whose sessions are of no use. */
static int make_config(const struct config *config, const struct material *m, bool inner,
		       struct tls_server_config **ret_config, struct diagnosis *why)
{
	const struct authd_settings *s = &config->settings;
	enum tls_client client = inner ? TLS_CLIENT_REQUIRED : s->tunnel.client;
	struct tls_server_settings settings = {
		.key = m->credential->key,
		.cert = m->credential->cert,
		.chain = m->credential->chain,
		.root = m->root,
		.credential = m->credential->name,
		.min = s->min_tls,
		.max = s->max_tls,
		.resumption = inner || !s->tunnel.resume ? TLS_RESUME_OFF : TLS_RESUME_MEMORY,
		.lifetime = arming_lifetime(s),
		.ocsp_facts = s->client_ocsp != CLIENT_OCSP_OFF,
		.tunnel = !inner,
		.client = client,
	};
	int r = client == TLS_CLIENT_NONE
			? 0
			: arming_make_trust(config, &m->anchors, &m->crls, &settings.trust, why);

	if (r == 0 && tls_server_config_new(&settings, ret_config, why) != OK)
		r = arming_failed(why, "TLS of tunnels cannot be set up");
	return r;
}

static bool digest(struct arming_tunnels *t, const struct authd_settings *s,
		   const struct material *m)
{
	const int64_t numbers[] = { s->min_tls,		 s->max_tls,
				    s->tunnel.client,	 s->tunnel.resume,
				    s->tunnel.send_root, (int64_t)s->session_lifetime,
				    s->client_ocsp,	 m->credential->generation };
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t print[32];
	bool done = md && X509_digest(m->credential->cert, EVP_sha256(), print, NULL) == 1 &&
		    EVP_DigestInit_ex2(md, EVP_sha256(), NULL) &&
		    EVP_DigestUpdate(md, numbers, sizeof numbers) &&
		    arming_hash(md, slice_str(m->credential->name)) &&
		    arming_hash(md, slice_of(print, sizeof print)) &&
		    arming_hash_files(md, &m->anchors) && arming_hash_files(md, &m->crls) &&
		    EVP_DigestFinal_ex(md, t->digest, NULL);

	EVP_MD_CTX_free(md);
	return done;
}

/* ---- all of it ------------------------------------------------------------------------------ */

static int make_configs(struct arming_tunnels *t, const struct config *config,
			const struct material *m, struct diagnosis *why)
{
	const struct authd_settings *s = &config->settings;
	bool ttls = has_word(&s->methods, "ttls"), peap = has_word(&s->methods, "peap");
	int r = 0;

	if (ttls)
		r = make_config(config, m, false, &t->ttls.tunnel.config, why);
	if (r == 0 && peap)
		r = make_config(config, m, false, &t->peap.tunnel.config, why);
	if (r == 0 &&
	    ((ttls && needs_tls(&s->tunnel.ttls)) || (peap && needs_tls(&s->tunnel.peap))))
		r = make_config(config, m, true, &t->tls.config, why);
	if (r == 0 && !digest(t, s, m))
		r = arming_failed(why, "SHA-256 cannot be computed");
	return r;
}

static void fill(struct arming_tunnels *t, const struct authd_settings *s,
		 const struct mschap *mschap)
{
	t->mschapv2 = (struct mschapv2_server_context){ .mschap = mschap,
							.name = "latchkey",
							.retries = s->tunnel.retries };
	fill_inner(t, &t->in_ttls, &s->tunnel.ttls, true, s->max_rounds);
	fill_inner(t, &t->in_peap, &s->tunnel.peap, false, s->max_rounds);
	t->ttls.tunnel.fragment_size = t->peap.tunnel.fragment_size = s->fragment_size;
	t->ttls.passwords = passwords_of(&s->tunnel.ttls);
	t->ttls.eap = t->in_ttls.choice.offer_count > 0 ? &t->in_ttls.policy : NULL;
	t->ttls.mschap = mschap;
	t->peap.eap = &t->in_peap.policy;
	t->peap.binding = s->tunnel.binding;
	t->shares_credential = !s->tunnel.credential ||
			       (s->credential && strcmp(s->tunnel.credential, s->credential) == 0);
}

int arming_open_tunnels(struct arming *arming, const struct mschap *mschap, int64_t now,
			struct diagnosis *why)
{
	const struct config *config = arming->config;
	struct arming_tunnels *t = &arming->tunnels;
	const struct authd_settings *s = &config->settings;
	bool ttls = has_word(&s->methods, "ttls"), peap = has_word(&s->methods, "peap");
	struct material material = { 0 };
	int r;

	if (!ttls && !peap)
		return 0;
	if (!mschap &&
	    ((ttls && needs_mschap(&s->tunnel.ttls)) || (peap && needs_mschap(&s->tunnel.peap)))) {
		diagnosis_say(
			why, DIAG_CONFIG,
			"%s: MS-CHAP needs the legacy provider of OpenSSL, which this machine "
			"does not have; choose other methods in [Tunnel]",
			config->path);
		return -EINVAL;
	}
	r = read_material(&material, arming, now, why);
	if (r == 0)
		r = make_configs(t, config, &material, why);
	material_done(&material);
	if (r == 0)
		fill(t, s, mschap);
	return r;
}

void arming_close_tunnels(struct arming_tunnels *t)
{
	tls_server_config_free(t->ttls.tunnel.config);
	tls_server_config_free(t->peap.tunnel.config);
	tls_server_config_free(t->tls.config);
}

static void inherit(struct tls_server_config **config, struct tls_server_config *old)
{
	if (!*config || !old)
		return;
	tls_server_config_free(*config);
	*config = tls_server_config_ref(old);
}

void arming_inherit_tunnels(struct arming_tunnels *t, const struct arming_tunnels *old)
{
	if (memcmp(t->digest, old->digest, sizeof t->digest) != 0)
		return;
	inherit(&t->ttls.tunnel.config, old->ttls.tunnel.config);
	inherit(&t->peap.tunnel.config, old->peap.tunnel.config);
}

struct eap_server_offer arming_tunnel_offer(struct arming_tunnels *t, const char *word)
{
	if (strcmp(word, "ttls") == 0 && t->ttls.tunnel.config)
		return (struct eap_server_offer){ &ttls_server_method, &t->ttls };
	if (strcmp(word, "peap") == 0 && t->peap.tunnel.config)
		return (struct eap_server_offer){ &peap_server_method, &t->peap };
	return (struct eap_server_offer){ 0 };
}

void arming_staple_tunnels(struct arming_tunnels *t, struct slice ocsp)
{
	struct tls_server_config *const configs[] = { t->ttls.tunnel.config,
						      t->peap.tunnel.config };

	for (size_t i = 0; i < 2 && t->shares_credential; i++) {
		/* Without memory it is stapled the next time. */
		if (configs[i] && tls_server_config_staple(configs[i], ocsp) != OK)
			return;
	}
}
