#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "config/arm_parts.h"
#include "config/file.h"
#include "method/gtc_peer.h"
#include "method/mschapv2_peer.h"
#include "method/peap_peer.h"
#include "method/teap_peer.h"
#include "method/tls_peer.h"
#include "method/ttls_peer.h"

#define PASSWORD_FILE_MAX 4096

/* ---- what is read ---- */

/* Of the profile what one section says, and what is made of it. */
struct reading {
	const struct profile *profile;
	const struct profile_inner_settings *settings;
	const char *section;
	struct armed_inner *inner;
	struct diagnosis *why;
	const struct credential_secret *account; /* NULL: it says all by itself */
};

static int wrong(const struct reading *r, const char *problem)
{
	diagnosis_say(r->why, DIAG_CONFIG, "%s: [%s] PasswordFile=%s: %s", r->profile->path,
		      r->section, r->settings->password_file, problem);
	diagnosis_add(r->why, "profile", "%s", r->profile->name);
	return -EINVAL;
}

static struct slice first_line(struct slice text)
{
	const uint8_t *end = text.len ? memchr(text.p, '\n', text.len) : NULL;

	if (end)
		text.len = (size_t)(end - text.p);
	if (text.len > 0 && text.p[text.len - 1] == '\r')
		text.len--;
	return text;
}

static int read_password(const struct reading *reading)
{
	AUTO_VALUE(bytes) text = { 0 };
	struct stat st;
	int r = file_read(reading->settings->password_file, PASSWORD_FILE_MAX, &text, &st);
	struct slice line = first_line(bytes_slice(&text));

	if (r < 0)
		r = wrong(reading, r == -EFBIG ? "it is too large" : strerror(-r));
	else if (st.st_mode & (S_IRWXG | S_IRWXO))
		r = wrong(reading, "others can read it (chmod 0600)");
	else if (line.len == 0)
		r = wrong(reading, "its first line is empty");
	else if (secret_set(&reading->inner->password, line) != OK)
		r = arm_failed(reading->why, reading->profile, "there is no memory left");
	if (text.p)
		explicit_bzero(text.p, text.cap);
	return r;
}

static int keep_password(const struct reading *r)
{
	const struct secret *password = r->account ? &r->account->secret : &r->settings->password;

	if (r->settings->password_file)
		return read_password(r);
	if (secret_set(&r->inner->password, secret_slice(password)) != OK)
		return arm_failed(r->why, r->profile, "there is no memory left");
	return 0;
}

/* What MS-CHAP can say of a password is found out before anybody is asked to let us in. */
static int check_mschap(const struct reading *r)
{
	uint8_t hash[MSCHAP_HASH_SIZE];
	enum status status;

	if (!r->inner->mschap) {
		diagnosis_say(r->why, DIAG_CONFIG,
			      "%s: [%s] Method= needs MD4 and DES, which this machine's OpenSSL "
			      "does not have: its legacy provider is not installed.",
			      r->profile->path, r->section);
		diagnosis_add(r->why, "profile", "%s", r->profile->name);
		return -EINVAL;
	}
	status = mschap_password_hash(r->inner->mschap, secret_slice(&r->inner->password), hash);
	explicit_bzero(hash, sizeof hash);
	if (status == OK)
		return 0;
	diagnosis_say(
		r->why, DIAG_CONFIG,
		"%s: [%s]: the password is not 1 to %d characters in UTF-8, as MS-CHAP has them.",
		r->profile->path, r->section, MSCHAP_PASSWORD_MAX);
	diagnosis_add(r->why, "profile", "%s", r->profile->name);
	return -EINVAL;
}

static int arm_one(const struct reading *r, const struct mschap *mschap)
{
	const char *identity = r->settings->identity ? r->settings->identity : r->profile->identity;
	int error = 0;

	if (r->account)
		identity = r->account->username;
	snprintf(r->inner->identity, sizeof r->inner->identity, "%s", identity ? identity : "");
	if (profile_inner_needs_password(r->settings))
		error = keep_password(r);
	if (error == 0 && profile_inner_needs_mschap(r->settings)) {
		r->inner->mschap = mschap;
		error = check_mschap(r);
	}
	return error;
}

int arm_inner(struct armed *armed, const struct profile *profile,
	      const struct credential_secret *account, const struct mschap *mschap,
	      struct diagnosis *why)
{
	bool kept = profile_keeps_password(profile);
	const struct reading first = { profile, &profile->inner,      "Inner", &armed->inner,
				       why,	kept ? account : NULL };
	const struct reading second = { profile, &profile->inner2, "Inner2", &armed->inner2, why,
					NULL };
	int r;

	if ((profile->method == PROFILE_TLS && !profile_enrols_by_teap(profile)) ||
	    (kept && !account))
		return 0;
	r = arm_one(&first, mschap);
	return r == 0 ? arm_one(&second, mschap) : r;
}

/* ---- what a port is given ---- */

static struct inner_account account_of(const struct armed_inner *inner)
{
	return (struct inner_account){ .identity = slice_str(inner->identity),
				       .password = &inner->password,
				       .mschap = inner->mschap };
}

static enum status inner_method(const struct armed_inner *inner, enum profile_inner method,
				struct eap_peer_offer *ret_offer)
{
	const struct inner_account account = account_of(inner);
	enum status status = UNSUPPORTED;

	if (method == INNER_EAP_TLS) {
		struct tls_peer *tls = NULL;

		status = tls_peer_new(inner->tls, NULL, &tls);
		*ret_offer = (struct eap_peer_offer){ &tls_peer_method, tls };
	} else if (method == INNER_EAP_GTC) {
		struct gtc_peer *gtc = NULL;

		status = gtc_peer_new(&account, &gtc);
		*ret_offer = (struct eap_peer_offer){ &gtc_peer_method, gtc };
	} else {
		struct mschapv2_peer *mschapv2 = NULL;

		status = mschapv2_peer_new(&account, &mschapv2);
		*ret_offer = (struct eap_peer_offer){ &mschapv2_peer_method, mschapv2 };
	}
	return status;
}

static enum status inner_eap(const struct armed_inner *inner, enum profile_inner method,
			     struct inner_peer **ret_inner)
{
	struct inner_peer_settings settings = { .identity = slice_str(inner->identity),
						.offer_count = 1 };
	enum status status = inner_method(inner, method, &settings.offers[0]);

	if (status == OK) {
		status = inner_peer_new(&settings, ret_inner);
		if (status != OK)
			settings.offers[0].method->free(settings.offers[0].self);
	}
	return status;
}

static enum ttls_inner ttls_inner(enum profile_inner inner)
{
	switch (inner) {
	case INNER_PAP:
		return TTLS_PAP;
	case INNER_CHAP:
		return TTLS_CHAP;
	case INNER_MSCHAP:
		return TTLS_MSCHAP;
	case INNER_MSCHAPV2:
		return TTLS_MSCHAPV2;
	case INNER_NONE:
	case INNER_EAP_MSCHAPV2:
	case INNER_EAP_GTC:
	case INNER_EAP_TLS:
	case INNER_PASSWORD:
		break;
	}
	return TTLS_EAP;
}

static enum status ttls_method(const struct armed *armed, struct eap_peer_offer *ret_offer)
{
	struct ttls_peer_settings settings = {
		.inner = ttls_inner(armed->profile->inner.method),
		.account = account_of(&armed->inner),
		.options.fragment_size = armed->profile->fragment_size,
	};
	struct tunnel_peer *peer = NULL;
	enum status status = OK;

	if (settings.inner == TTLS_EAP)
		status = inner_eap(&armed->inner, armed->profile->inner.method, &settings.eap);
	if (status == OK)
		status = ttls_peer_new(armed->tls, &settings, &peer);
	*ret_offer = (struct eap_peer_offer){ &ttls_peer_method, peer };
	return status;
}

static enum status peap_method(const struct armed *armed, struct eap_peer_offer *ret_offer)
{
	struct peap_peer_settings settings = {
		.require_binding = armed->profile->require_binding,
		.options.fragment_size = armed->profile->fragment_size,
	};
	struct tunnel_peer *peer = NULL;
	enum status status = inner_eap(&armed->inner, armed->profile->inner.method, &settings.eap);

	if (status == OK)
		status = peap_peer_new(armed->tls, &settings, &peer);
	*ret_offer = (struct eap_peer_offer){ &peap_peer_method, peer };
	return status;
}

static enum status teap_identity(const struct profile_inner_settings *settings,
				 const struct armed_inner *inner,
				 struct teap_peer_identity *ret_identity)
{
	struct teap_peer_identity identity = { .type = settings->identity_type,
					       .name = slice_str(inner->identity) };
	enum status status = OK;

	if (settings->method == INNER_PASSWORD)
		identity.password = &inner->password;
	else
		status = inner_eap(inner, settings->method, &identity.eap);
	if (status == OK)
		*ret_identity = identity;
	return status;
}

enum status armed_teap_identity(const struct armed *armed, struct teap_peer_identity *ret_identity)
{
	return teap_identity(&armed->profile->inner, &armed->inner, ret_identity);
}

/* Of the sections that the profile has. */
static enum status teap_identities(const struct armed *armed, struct teap_peer_settings *settings)
{
	const struct profile *profile = armed->profile;
	struct teap_peer_identity *identities = settings->identities;
	enum status status = OK;

	if (profile->inner.method != INNER_NONE)
		status = armed_teap_identity(armed, &identities[settings->identity_count++]);
	if (status != OK || profile->inner2.method == INNER_NONE)
		return status;
	status = teap_identity(&profile->inner2, &armed->inner2,
			       &identities[settings->identity_count++]);
	if (status != OK)
		inner_peer_free(identities[0].eap);
	return status;
}

/* The certificate of a machine is its own; what is inside is whose the profile says. */
static enum status teap_method(const struct armed *armed, struct eap_peer_offer *ret_offer)
{
	const struct profile *profile = armed->profile;
	struct teap_peer_settings settings = {
		.inner_optional = profile->inner.method == INNER_NONE,
		.certificate = profile->credential ? TEAP_MACHINE : TEAP_ANYBODY,
		.hints = true,
		.emsk = profile->emsk,
		.options.fragment_size = profile->fragment_size,
	};
	struct tunnel_peer *peer = NULL;
	enum status status = teap_identities(armed, &settings);

	if (status == OK)
		status = teap_peer_new(armed->tls, &settings, &peer);
	*ret_offer = (struct eap_peer_offer){ &teap_peer_method, peer };
	return status;
}

static enum status tls_method(const struct armed *armed, struct eap_peer_offer *ret_offer)
{
	const struct tls_peer_options options = { .fragment_size = armed->profile->fragment_size };
	struct tls_peer *peer = NULL;
	enum status status = tls_peer_new(armed->tls, &options, &peer);

	*ret_offer = (struct eap_peer_offer){ &tls_peer_method, peer };
	return status;
}

int armed_method(const struct armed *armed, struct eap_peer_offer *ret_offer)
{
	enum status status = UNSUPPORTED;

	switch (armed->profile->method) {
	case PROFILE_TLS:
		status = tls_method(armed, ret_offer);
		break;
	case PROFILE_TTLS:
		status = ttls_method(armed, ret_offer);
		break;
	case PROFILE_PEAP:
		status = peap_method(armed, ret_offer);
		break;
	case PROFILE_TEAP:
		status = teap_method(armed, ret_offer);
		break;
	}
	return status == OK ? 0 : -ENOMEM;
}
