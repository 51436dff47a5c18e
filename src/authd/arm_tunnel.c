#include <errno.h>
#include <string.h>

#include "authd/arm_parts.h"
#include "method/gtc_server.h"

/* ---- what runs inside ----------------------------------------------------------------------- */

/* By the words of TtlsMethods=, PeapMethods= and TeapMethods=. */
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
		bits |= words_have(words, all[i].word) ? 1u << all[i].kind : 0;
	return bits;
}

static bool needs_mschap(const struct words *words)
{
	return words_have(words, "mschap") || words_have(words, "mschapv2") ||
	       words_have(words, "eap-mschapv2");
}

static bool needs_tls(const struct words *words)
{
	return words_have(words, "tls") || words_have(words, "eap-tls");
}

/* ---- TLS ------------------------------------------------------------------------------------ */

struct material {
	struct credential *credential;
	struct files anchors, crls;
	struct files with_factory; /* anchors, and those of factories: for tunnels that enrol */
	X509 *root;		   /* the credential's */
};

/* What a tunnel is for. */
enum purpose { FOR_ALL, FOR_ENROLMENT, INSIDE };

static void material_done(struct material *m)
{
	credential_free(m->credential);
	files_done(&m->anchors);
	files_done(&m->crls);
	files_done(&m->with_factory);
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
	if (arming->enrol.enabled) {
		AUTO_VALUE(files) again = { 0 };

		r = arming_read_files(config, arming->authority, &m->with_factory, &again, why);
		if (r == 0)
			r = arming_read_factory(config, &m->with_factory, why);
		if (r < 0)
			return r;
	}
	m->root = s->tunnel.send_root ? root_of(m->credential) : NULL;
	if (!s->tunnel.send_root || m->root)
		return 0;
	diagnosis_say(why, DIAG_CONFIG,
		      "%s: SendRoot=yes: the credential %s was imported without its root",
		      config->path, name);
	return -EINVAL;
}

/* Who has nothing but a token knows no more of us than the pin of our root; who has a certificate
 * of a factory, or one to be renewed, shows it. */
static X509 *root_to_send(const struct material *m, enum purpose purpose)
{
	X509 *top = arming_top(m->credential);

	return purpose != FOR_ENROLMENT || m->root			     ? m->root
	       : X509_self_signed(top, 0) == 1 && top != m->credential->cert ? top
									     : NULL;
}

static enum tls_client client_of(const struct authd_settings *s, enum purpose purpose)
{
	if (purpose == INSIDE)
		return TLS_CLIENT_REQUIRED;
	return purpose == FOR_ENROLMENT ? TLS_CLIENT_OPTIONAL : s->tunnel.client;
}

/* Sessions of EAP-TLS inside are of no use. */
static int make_config(const struct config *config, const struct material *m, enum purpose purpose,
		       struct tls_server_config **ret_config, struct diagnosis *why)
{
	const struct authd_settings *s = &config->settings;
	enum tls_client client = client_of(s, purpose);
	bool inner = purpose == INSIDE;
	struct tls_server_settings settings = {
		.key = m->credential->key,
		.cert = m->credential->cert,
		.chain = m->credential->chain,
		.root = root_to_send(m, purpose),
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
			: arming_make_trust(
				  config, purpose == FOR_ENROLMENT ? &m->with_factory : &m->anchors,
				  &m->crls, &settings.trust, why);

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
				    s->client_ocsp,	 m->credential->generation,
				    s->enroll.enabled };
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t print[32];
	bool done = md && X509_digest(m->credential->cert, EVP_sha256(), print, NULL) == 1 &&
		    EVP_DigestInit_ex2(md, EVP_sha256(), NULL) &&
		    EVP_DigestUpdate(md, numbers, sizeof numbers) &&
		    arming_hash(md, slice_str(m->credential->name)) &&
		    arming_hash(md, slice_of(print, sizeof print)) &&
		    arming_hash_files(md, &m->anchors) && arming_hash_files(md, &m->crls) &&
		    arming_hash_files(md, &m->with_factory) &&
		    EVP_DigestFinal_ex(md, t->digest, NULL);

	EVP_MD_CTX_free(md);
	return done;
}

/* ---- all of it ------------------------------------------------------------------------------ */

static int make_configs(struct arming *arming, const struct material *m, struct diagnosis *why)
{
	struct arming_tunnels *t = &arming->tunnels;
	const struct config *config = arming->config;
	const struct authd_settings *s = &config->settings;
	bool ttls = words_have(&s->methods, "ttls"), peap = words_have(&s->methods, "peap");
	bool enrols = arming_enrols_in(arming, "ttls"), in_teap = arming_enrols_in(arming, "teap");
	bool teap = words_have(&s->methods, "teap");
	int r = 0;

	if (ttls || enrols)
		r = make_config(config, m, enrols ? FOR_ENROLMENT : FOR_ALL, &t->ttls.tunnel.config,
				why);
	if (r == 0 && (teap || in_teap))
		r = make_config(config, m, in_teap ? FOR_ENROLMENT : FOR_ALL,
				&t->teap.tunnel.config, why);
	if (r == 0 && peap)
		r = make_config(config, m, FOR_ALL, &t->peap.tunnel.config, why);
	if (r == 0 &&
	    ((ttls && needs_tls(&s->tunnel.ttls)) || (peap && needs_tls(&s->tunnel.peap)) ||
	     (teap && needs_tls(&s->tunnel.teap))))
		r = make_config(config, m, INSIDE, &t->tls.config, why);
	if (r == 0 && !digest(t, s, m))
		r = arming_failed(why, "SHA-256 cannot be computed");
	return r;
}

static void offer_enrolment(struct arming *arming, const char *tunnel, struct arming_inner *inner)
{
	struct eap_policy_choice *choice = &inner->choice;

	if (arming_enrols_in(arming, tunnel) && choice->offer_count < EAP_OFFERS_MAX)
		choice->offers[choice->offer_count++] = arming_enrol_offer(&arming->enrol);
}

static enum teap_identity identity_of(const char *word)
{
	if (strcmp(word, "machine") == 0)
		return TEAP_MACHINE;
	return strcmp(word, "user") == 0 ? TEAP_USER : TEAP_ANYBODY;
}

/* One that is for enrolling alone has nothing else in it, here too. */
static void fill_teap(struct arming *arming, const struct authd_settings *s)
{
	static const struct words nothing = { { NULL }, 0 };
	struct arming_tunnels *t = &arming->tunnels;
	bool all = words_have(&s->methods, "teap");
	const struct words *methods = all ? &s->tunnel.teap : &nothing;
	const struct words *who = &s->tunnel.teap_identities;
	struct teap_round round = { .password = words_have(methods, "password") };

	fill_inner(t, &t->in_teap, methods, false, s->max_rounds);
	offer_enrolment(arming, "teap", &t->in_teap);
	round.eap = t->in_teap.choice.offer_count > 0 ? &t->in_teap.policy : NULL;
	round.password_first =
		round.password && methods->word[0] && strcmp(methods->word[0], "password") == 0;
	t->teap.tunnel.fragment_size = s->fragment_size;
	t->teap.authority_id = slice_str(s->tunnel.teap_authority);
	t->teap.certificate_suffices = all && s->tunnel.teap_certificate_alone;
	t->teap.emsk = s->tunnel.teap_emsk;
	t->teap.prompt = "Password: ";
	t->teap.enrol =
		s->enroll.teap && arming_enrols_in(arming, "teap") ? &arming->enrol.context : NULL;
	t->teap.round_count = 0;
	for (size_t i = 0; all && i < who->count && t->teap.round_count < TEAP_ROUNDS_MAX; i++) {
		round.type = identity_of(who->word[i]);
		t->teap.rounds[t->teap.round_count++] = round;
	}
	if (t->teap.round_count == 0)
		t->teap.rounds[t->teap.round_count++] = round;
}

static void fill(struct arming *arming, const struct authd_settings *s, const struct mschap *mschap)
{
	/* A tunnel for enrolling alone has nothing else in it. */
	static const struct words nothing = { { NULL }, 0 };
	const struct words *in_ttls = words_have(&s->methods, "ttls") ? &s->tunnel.ttls : &nothing;
	struct arming_tunnels *t = &arming->tunnels;

	t->mschapv2 = (struct mschapv2_server_context){ .mschap = mschap,
							.name = "latchkey",
							.retries = s->tunnel.retries };
	fill_inner(t, &t->in_ttls, in_ttls, true, s->max_rounds);
	offer_enrolment(arming, "ttls", &t->in_ttls);
	fill_inner(t, &t->in_peap, &s->tunnel.peap, false, s->max_rounds);
	fill_teap(arming, s);
	t->ttls.tunnel.fragment_size = t->peap.tunnel.fragment_size = s->fragment_size;
	t->ttls.passwords = passwords_of(in_ttls);
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
	const struct authd_settings *s = &config->settings;
	bool ttls = words_have(&s->methods, "ttls"), peap = words_have(&s->methods, "peap");
	bool teap = words_have(&s->methods, "teap");
	struct material material = { 0 };
	int r;

	if (!ttls && !peap && !teap && !arming_enrols_in(arming, "ttls") &&
	    !arming_enrols_in(arming, "teap"))
		return 0;
	if (!mschap &&
	    ((ttls && needs_mschap(&s->tunnel.ttls)) || (peap && needs_mschap(&s->tunnel.peap)) ||
	     (teap && needs_mschap(&s->tunnel.teap)) || s->enroll.nt_hash)) {
		diagnosis_say(
			why, DIAG_CONFIG,
			"%s: MS-CHAP needs the legacy provider of OpenSSL, which this machine "
			"does not have; choose other methods in [Tunnel], and no NtHash=",
			config->path);
		return -EINVAL;
	}
	r = read_material(&material, arming, now, why);
	if (r == 0)
		r = make_configs(arming, &material, why);
	material_done(&material);
	if (r == 0)
		fill(arming, s, mschap);
	return r;
}

void arming_close_tunnels(struct arming_tunnels *t)
{
	tls_server_config_free(t->ttls.tunnel.config);
	tls_server_config_free(t->peap.tunnel.config);
	tls_server_config_free(t->teap.tunnel.config);
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
	inherit(&t->teap.tunnel.config, old->teap.tunnel.config);
}

struct eap_server_offer arming_tunnel_offer(struct arming_tunnels *t, const char *word)
{
	if (strcmp(word, "ttls") == 0 && t->ttls.tunnel.config)
		return (struct eap_server_offer){ &ttls_server_method, &t->ttls };
	if (strcmp(word, "peap") == 0 && t->peap.tunnel.config)
		return (struct eap_server_offer){ &peap_server_method, &t->peap };
	if (strcmp(word, "teap") == 0 && t->teap.tunnel.config)
		return (struct eap_server_offer){ &teap_server_method, &t->teap };
	return (struct eap_server_offer){ 0 };
}

void arming_staple_tunnels(struct arming_tunnels *t, struct slice ocsp)
{
	struct tls_server_config *const configs[] = { t->ttls.tunnel.config, t->peap.tunnel.config,
						      t->teap.tunnel.config };

	for (size_t i = 0; i < 3 && t->shares_credential; i++) {
		/* Without memory it is stapled the next time. */
		if (configs[i] && tls_server_config_staple(configs[i], ocsp) != OK)
			return;
	}
}
