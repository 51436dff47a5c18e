#include "config/arm_enrol.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/arm_parts.h"
#include "config/file.h"

#define TOKEN_FILE_MAX (2 * TOKEN_FOREIGN_MAX)

bool enrol_has_means(const struct profile *profile, const struct enrol_given *given)
{
	const struct profile_enrol *e = &profile->enrol;

	return (given && (given->token.len > 0 || given->factory)) || e->token || e->token_file ||
	       e->factory ||
	       (profile_enrols_by_teap(profile) && profile->inner.method != INNER_NONE);
}

/* ---- the token ---- */

static int no_means(const struct profile *profile, struct diagnosis *why, const char *what,
		    const char *fault)
{
	diagnosis_set(why, DIAG_ENROL_NO_MEANS);
	diagnosis_add(why, "credential", "%s", profile_credential(profile));
	diagnosis_add(why, "detail", "%s%s", what, fault);
	diagnosis_add(why, "profile", "%s", profile->name);
	return -ENOENT;
}

/* What somebody else has made is text that nobody here can look into. */
static int keep_foreign(const struct profile *profile, struct slice text, struct armed_enrol *armed,
			struct diagnosis *why)
{
	bool good = text.len > 0 && text.len <= TOKEN_FOREIGN_MAX;

	for (size_t i = 0; good && i < text.len; i++)
		good = text.p[i] > ' ' && text.p[i] <= '~';
	if (!good) {
		diagnosis_say(why, DIAG_CONFIG,
			      "%s: [Enroll]: the token is empty, longer than %d characters, or has "
			      "one in it that no token has.",
			      profile->path, TOKEN_FOREIGN_MAX);
		return arm_failed(why, profile, "the token cannot be read");
	}
	if (secret_set(&armed->foreign, text) != OK)
		return arm_failed(why, profile, "there is no memory left");
	armed->foreign_type = profile->enrol.token_type;
	return 0;
}

static bool looks_like_ours(struct slice text)
{
	return text.len >= 4 && strncasecmp((const char *)text.p, "LK1-", 4) == 0;
}

static int parse_token(const struct profile *profile, struct slice text, struct armed_enrol *armed,
		       struct diagnosis *why)
{
	if (profile->enrol.token_type != ENROL_TOKEN_OWN && !looks_like_ours(text))
		return keep_foreign(profile, text, armed, why);
	if (token_parse(text, &armed->token, why) != OK)
		return arm_failed(why, profile, "the token cannot be read");
	armed->has_token = true;
	return 0;
}

static struct slice first_line(struct slice text)
{
	const uint8_t *end = memchr(text.p, '\n', text.len);

	return end ? slice_of(text.p, (size_t)(end - text.p)) : text;
}

static int read_token(const struct profile *profile, struct armed_enrol *armed,
		      struct diagnosis *why)
{
	const char *path = profile->enrol.token_file;
	AUTO_VALUE(bytes) text = { 0 };
	struct stat st;
	int r = file_read(path, TOKEN_FILE_MAX, &text, &st);

	if (r == 0 && (st.st_mode & S_IRWXO))
		return no_means(profile, why, path, " can be used by others (chmod o= closes it)");
	if (r < 0) {
		no_means(profile, why, path, "");
		diagnosis_add(why, "detail", "%s: %s", path, files_problem(r));
		return r;
	}
	r = parse_token(profile, first_line(bytes_slice(&text)), armed, why);
	explicit_bzero(text.p, text.len);
	return r;
}

/* What was given goes before what is configured, and a factory credential before a token only where
 * it alone was. */
static int get_token(const struct profile *profile, const struct enrol_given *given,
		     struct armed_enrol *armed, struct diagnosis *why)
{
	if (given && given->token.len > 0)
		return parse_token(profile, given->token, armed, why);
	if (given && given->factory)
		return 0;
	if (profile->enrol.token)
		return parse_token(profile, slice_str(profile->enrol.token), armed, why);
	return profile->enrol.token_file ? read_token(profile, armed, why) : 0;
}

/* ---- the factory credential ---- */

static const char *factory_name(const struct profile *profile, const struct enrol_given *given)
{
	if (given && given->factory)
		return given->factory;
	return given && given->token.len > 0 ? NULL : profile->enrol.factory;
}

static int get_factory(const struct profile *profile, struct keystore *keystore, const char *name,
		       int64_t now, struct credential **ret_credential, struct diagnosis *why)
{
	AUTO_STRUCT(credential) credential = NULL;

	if (keystore_get(keystore, name, &credential, why) < 0 ||
	    cert_check_own(credential->cert, CERT_CLIENT, credential->key, credential->chain, name,
			   arm_own_time(profile, credential->cert, now), 0, why) != OK)
		return arm_failed(why, profile, "the factory credential cannot be used");
	*ret_credential = TAKE(credential);
	return 0;
}

/* ---- all of it ---- */

static const char *pin_of(const struct armed_enrol *armed, char hex[2 * TOKEN_PIN_SIZE + 1])
{
	if (!armed->has_token)
		return NULL;
	cert_hex(slice_of(armed->token.pin, TOKEN_PIN_SIZE), hex, 2 * TOKEN_PIN_SIZE + 1);
	return hex;
}

static int make_tunnel(const struct profile *profile, const struct credential *factory,
		       struct armed_enrol *armed, struct diagnosis *why)
{
	const struct credential *shown = armed->inside ? NULL : factory;
	AUTO_STRUCT(trust) trust = NULL;
	AUTO_VALUE(arm_files) files = { 0 };
	char hex[2 * TOKEN_PIN_SIZE + 1];
	int r = arm_read_files(profile, &files, why);

	if (r == 0 && factory && !armed->has_token)
		r = arm_add_delivered(profile, factory, &files, why);
	if (r == 0)
		r = arm_trust(profile, &files, pin_of(armed, hex), &trust, why);
	if (r < 0)
		return r;
	armed->pinned = armed->has_token && !arm_knows_server(profile);

	const struct tls_peer_settings settings = {
		.trust = TAKE(trust),
		.key = shown ? shown->key : NULL,
		.cert = shown ? shown->cert : NULL,
		.chain = shown ? shown->chain : NULL,
		.credential = shown ? shown->name : "",
		.min = profile->min_tls > TLS_1_2 ? profile->min_tls : TLS_1_2,
		.max = profile->max_tls,
	};

	if (tls_config_new(&settings, &armed->tls, why) != OK)
		return arm_failed(why, profile, "TLS cannot be set up");
	return 0;
}

int enrol_arm(const struct profile *profile, struct keystore *keystore,
	      const struct enrol_given *given, int64_t now, struct armed_enrol **ret_armed,
	      struct diagnosis *why)
{
	AUTO_STRUCT(armed_enrol) armed = calloc(1, sizeof *armed);
	AUTO_STRUCT(credential) factory = NULL;
	const struct credential *used;
	const char *name = factory_name(profile, given);
	int r;

	diagnosis_set(why, DIAG_NONE);
	if (!armed)
		return arm_failed(why, profile, "there is no memory left");
	if (!enrol_has_means(profile, given))
		return no_means(profile, why, "no token and no factory credential", "");
	if (profile_enrols_by_teap(profile) && given && given->token.len > 0)
		return no_means(profile, why, "Protocols=teap", " takes no token");
	if ((r = get_token(profile, given, armed, why)) < 0 ||
	    (name && (r = get_factory(profile, keystore, name, now, &factory, why)) < 0))
		return r;
	used = factory;
	if (profile->enrol.factory_inside && !armed->has_token && armed->foreign.len == 0)
		armed->inside = TAKE(factory);
	else
		snprintf(armed->factory, sizeof armed->factory, "%s", name ? name : "");
	arm_identity(profile, used ? used->cert : NULL, armed->identity, sizeof armed->identity);
	if ((r = make_tunnel(profile, used, armed, why)) < 0)
		return r;
	*ret_armed = TAKE(armed);
	return 0;
}

void armed_enrol_free(struct armed_enrol *armed)
{
	if (!armed)
		return;
	tls_config_free(armed->tls);
	token_done(&armed->token);
	secret_done(&armed->foreign);
	credential_free(armed->inside);
	free(armed);
}
