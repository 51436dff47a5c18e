#include "config/profile.h"

#include "config/profile_parts.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#define SUFFIX ".profile"

void profile_free(struct profile *profile)
{
	if (!profile)
		return;
	ini_done(&profile_table, profile);
	free(profile->path);
	free(profile);
}

/* ---- what does not go together ---- */

/* Not written at all: one that is written wrongly has its error already. */
#define unset(c, key) (ini_line_of(&profile_table, (c)->lines, key) == 0)

/* Anybody must not be able to pose as the server. */
static void check_server(const struct profile_check *c)
{
	const struct profile *p = c->profile;
	bool known = p->trust_anchors.count > 0 || p->server_pins.count > 0;

	if (p->insecure_no_server_check && p->enrol.wanted)
		profile_wrong(
			c, "InsecureNoServerCheck",
			"yes contradicts [Enroll]: whoever poses as the network would say whom to "
			"trust from then on. Take one of them out.");
	if (p->insecure_no_server_check) {
		if (known || p->server_names.count > 0 || p->crls.count > 0)
			profile_wrong(
				c, "InsecureNoServerCheck",
				"yes contradicts TrustAnchor=, ServerName=, ServerPin= and CRL=, "
				"which "
				"would not be looked at. Take it out, or take those out.");
		return;
	}
	/* A token of ours has a pin, and the network tells its anchors with the credential. */
	if (!known && p->enrol.wanted && p->enrol.token_type == ENROL_TOKEN_OWN)
		return;
	if (!known && unset(c, "TrustAnchor") && unset(c, "ServerPin"))
		profile_wrong(c, "TrustAnchor",
			      "is missing, and so is ServerPin=: without one of them anybody could "
			      "pose as "
			      "the server. Name the file with the certificate of the authority "
			      "that issued "
			      "the server's certificate.");
	if (p->server_names.count == 0 && unset(c, "ServerName"))
		profile_wrong(
			c, "ServerName",
			"is missing: without it everybody with a certificate of the same authority "
			"could pose as the server. Name the server, such as radius.example.org, or "
			"its domain, such as .example.org.");
}

static void check_enrol_by_teap(const struct profile_check *c)
{
	const struct profile *p = c->profile;
	const struct profile_enrol *e = &p->enrol;

	if (e->protocols.count > 1 || e->tunnel != ENROL_OVER_TEAP)
		profile_wrong(
			c, "Protocols",
			"has teap, which goes by itself, and with Tunnel=teap; take the others "
			"out.");
	if (e->token || e->token_file)
		profile_wrong(
			c, "Protocols",
			"=teap takes no token: it is authorised by the account of [Inner], or "
			"by FactoryCredential=. Take Token= and TokenFile= out, or teap.");
	/* There is no token with a pin. */
	if (!e->factory && p->trust_anchors.count == 0 && p->server_pins.count == 0 &&
	    unset(c, "TrustAnchor") && unset(c, "ServerPin"))
		profile_wrong(c, "TrustAnchor",
			      "is missing, and so is ServerPin=: [Enroll] Protocols=teap has no "
			      "token that says who the server is.");
}

static bool has_word(const struct words *words, const char *word)
{
	for (size_t i = 0; i < words->count; i++) {
		if (strcmp(words->word[i], word) == 0)
			return true;
	}
	return false;
}

/* Passwords and keys come by one protocol alone, and bring no anchors with them. */
static void check_secrets(const struct profile_check *c)
{
	const struct profile *p = c->profile;
	const char *key = p->enrol.symmetric_key;
	bool password = profile_keeps_password(p) && !profile_enrols_by_teap(p);

	if ((password || key) && !has_word(&p->enrol.protocols, "spp"))
		profile_wrong(c, "Protocols",
			      "lacks spp, by which alone passwords and symmetric keys are given.");
	if (key && ((p->credential && strcmp(key, p->credential) == 0) ||
		    (p->inner.credential && strcmp(key, p->inner.credential) == 0)))
		profile_wrong(c, "SymmetricKey",
			      "is what another Credential= names too; expected a name for the key "
			      "alone.");
	if (password && !p->credential && p->trust_anchors.count == 0 &&
	    p->server_pins.count == 0 && unset(c, "TrustAnchor") && unset(c, "ServerPin"))
		profile_wrong(c, "TrustAnchor",
			      "is missing, and so is ServerPin=: a password comes without the "
			      "authority by which the server is known.");
}

static bool is_enrolled(const struct profile *profile, const char *name)
{
	const struct profile_credentials all = profile_enrolled(profile);

	for (size_t i = 0; i < all.count; i++) {
		if (strcmp(all.is[i].name, name) == 0)
			return true;
	}
	return false;
}

static void check_enrol(const struct profile_check *c)
{
	const struct profile_enrol *e = &c->profile->enrol;

	if (!profile_credential(c->profile) && unset(c, "TLS.Credential"))
		profile_wrong(
			c, "TLS.Credential",
			"is missing: [Enroll] needs the name under which the credential is kept.");
	if (e->token && e->token_file)
		profile_wrong(c, "TokenFile",
			      "is there, and Token= as well; expected one of them.");
	if (e->factory_inside && (e->token || e->token_file))
		profile_wrong(
			c, "FactoryProof",
			"=token makes a token of the factory credential, and there is Token= or "
			"TokenFile= as well; expected one of them.");
	check_secrets(c);
	if (e->factory && is_enrolled(c->profile, e->factory))
		profile_wrong(c, "FactoryCredential",
			      "is what another Credential= names too; expected the maker's "
			      "credential here, and there a name for the network's own.");
}

static void check_profile(const struct profile_check *c)
{
	const struct profile *p = c->profile;

	if (p->method == PROFILE_TLS && !p->credential && !p->enrol.wanted &&
	    unset(c, "TLS.Credential"))
		profile_wrong(
			c, "Credential",
			"is missing: name the credential in the keystore with which this machine "
			"proves who it is.");
	if (p->min_tls > p->max_tls)
		profile_wrong(
			c, "MinTLS",
			"is newer than MaxTLS=, so that no version is left; expected MinTLS= to be "
			"the older one.");
	if (p->pae.start_first > p->pae.start_ceiling)
		profile_wrong(
			c, "StartFirst",
			"is longer than StartCeiling=; expected the first wait to be the shorter "
			"one.");
	check_server(c);
	profile_check_inner(c);
	if (p->enrol.wanted)
		check_enrol(c);
	if (profile_enrols_by_teap(p))
		check_enrol_by_teap(c);
}

/* The section is written, even if all that it says is a default. */
static bool enrol_written(const struct ini_lines *lines)
{
	for (size_t i = 0; i < profile_table.count; i++) {
		const struct ini_key *key = &profile_table.keys[i];

		if (strcmp(key->section, "Enroll") == 0 && lines->line[i] > 0)
			return true;
	}
	return false;
}

/* ---- files ---- */

/* "/etc/latchkey/profiles.d/office.profile" is called office. */
static bool name_of(const char *path, char name[PROFILE_NAME_MAX + 1])
{
	const char *slash = strrchr(path, '/'), *file = slash ? slash + 1 : path;
	size_t len = strlen(file);
	char shown[PROFILE_NAME_MAX + 1];

	if (len > strlen(SUFFIX) && strcmp(file + len - strlen(SUFFIX), SUFFIX) == 0)
		len -= strlen(SUFFIX);
	if (len == 0 || len > PROFILE_NAME_MAX)
		return false;
	memcpy(name, file, len);
	name[len] = '\0';
	return strcmp(printable(slice_str(name), shown, sizeof shown), name) == 0;
}

static int profile_finish(struct profile *profile, const char *path, const struct ini_lines *lines,
			  struct ini_errors *errors)
{
	size_t before = errors->count + errors->dropped;

	profile->path = strdup(path);
	if (!profile->path)
		return ini_errors_add_no_memory(errors, path);
	if (!name_of(path, profile->name))
		ini_errors_add(errors, path, 0, "",
			       "expected a file name of 1 to %d octets in UTF-8 before %s.",
			       PROFILE_NAME_MAX, SUFFIX);
	profile->enrol.wanted = enrol_written(lines);
	check_profile(&(struct profile_check){ profile, lines, errors });
	return errors->count + errors->dropped == before ? 0 : -EINVAL;
}

int profile_parse(struct slice text, const char *path, struct profile **ret_profile,
		  struct ini_errors *errors)
{
	AUTO_STRUCT(profile) profile = calloc(1, sizeof *profile);
	struct ini_lines lines;

	if (!profile)
		return ini_errors_add_no_memory(errors, path);

	int parsed = ini_parse_text(&profile_table, text, path, profile, &lines, errors);
	int r = profile_finish(profile, path, &lines, errors);

	if (parsed < 0 || r < 0)
		return parsed < 0 ? parsed : r;
	*ret_profile = TAKE(profile);
	return 0;
}

int profile_load(const char *path, struct profile **ret_profile, struct ini_errors *errors)
{
	AUTO_VALUE(bytes) text = { 0 };
	AUTO_STRUCT(profile) profile = NULL;
	int r = ini_read(path, &text, errors);

	if (r == 0)
		r = profile_parse(bytes_slice(&text), path, &profile, errors);
	if (r == 0)
		r = profile_check_private(profile, errors);
	if (text.p)
		explicit_bzero(text.p, text.cap);
	if (r == 0)
		*ret_profile = TAKE(profile);
	return r;
}

static int is_profile(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return entry->d_name[0] != '.' && len > strlen(SUFFIX) &&
	       strcmp(entry->d_name + len - strlen(SUFFIX), SUFFIX) == 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void load_one(const char *directory, const char *file, struct profiles *profiles,
		     struct ini_errors *errors)
{
	AUTO(char) path = NULL;

	if (asprintf(&path, "%s/%s", directory, file) < 0) {
		path = NULL;
		ini_errors_add_no_memory(errors, file);
		return;
	}
	if (profiles->count == PROFILES_MAX)
		ini_errors_add(errors, path, 0, "", "expected no more than %d profiles.",
			       PROFILES_MAX);
	else if (profile_load(path, &profiles->profile[profiles->count], errors) == 0)
		profiles->count++;
}

int profiles_load(const char *directory, struct profiles *ret_profiles, struct ini_errors *errors)
{
	struct dirent **entries;
	int n = scandir(directory, &entries, is_profile, by_name);

	*ret_profiles = (struct profiles){ 0 };
	if (n < 0) {
		int error = errno;

		ini_errors_add(errors, directory, 0, "", "the directory cannot be read: %s.",
			       strerror(error));
		return -error;
	}
	for (int i = 0; i < n; i++) {
		load_one(directory, entries[i]->d_name, ret_profiles, errors);
		free(entries[i]);
	}
	free(entries);
	return 0;
}

void profiles_done(struct profiles *profiles)
{
	while (profiles->count > 0)
		profile_free(profiles->profile[--profiles->count]);
}

/* ---- which one ---- */

static bool matches_name(const struct words *globs, const char *name)
{
	for (size_t i = 0; i < globs->count; i++) {
		if (fnmatch(globs->word[i], name, 0) == 0)
			return true;
	}
	return globs->count == 0;
}

static bool matches_mac(const struct words *macs, const uint8_t mac[6])
{
	for (size_t i = 0; i < macs->count; i++) {
		uint8_t wanted[6];

		if (ini_parse_mac(macs->word[i], wanted) && memcmp(wanted, mac, 6) == 0)
			return true;
	}
	return macs->count == 0;
}

bool profile_matches(const struct profile *profile, const struct interface_facts *interface)
{
	return (profile->match_type == INTERFACE_ANY || profile->match_type == interface->type) &&
	       matches_name(&profile->match_names, interface->name) &&
	       matches_mac(&profile->match_macs, interface->mac);
}

const struct profile *profiles_match(const struct profiles *profiles,
				     const struct interface_facts *interface)
{
	const struct profile *best = NULL;

	/* They are in the order of their names, so the first of equals stays. */
	for (size_t i = 0; i < profiles->count; i++) {
		const struct profile *p = profiles->profile[i];

		if (profile_matches(p, interface) && (!best || p->priority > best->priority))
			best = p;
	}
	return best;
}
