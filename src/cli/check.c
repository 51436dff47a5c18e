/* check: what a start of the service would find, without starting it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/credentials.h"
#include "cli/ports.h"
#include "config/arm_enrol.h"
#include "config/legacy.h"
#include "config/service.h"
#include "drivers/loop.h"

/* What was found, in the form that --json prints. */
struct findings {
	json_t *errors;	     /* of files: File, Line, Key, Message */
	json_t *profiles;    /* as Profile objects on the bus */
	json_t *credentials; /* those that cannot be used: Name, Problem */
	size_t credential_count;
	bool failed;
	const struct mschap *mschap; /* NULL: this machine has none */
};

static void add_errors(struct findings *f, struct ini_errors *errors)
{
	for (size_t i = 0; i < errors->count; i++) {
		const struct ini_error *e = &errors->error[i];

		json_array_append_new(f->errors,
				      json_pack("{s:s, s:i, s:s, s:s}", "File", e->file, "Line",
						e->line, "Key", e->key, "Message", e->message));
	}
	f->failed = f->failed || errors->count > 0;
	ini_errors_done(errors);
}

/* ---- a profile ----------------------------------------------------------------------------- */

static int64_t warn_before(const struct service_config *config)
{
	int64_t longest = 0;

	for (size_t i = 0; i < config->expiry_warnings.count; i++) {
		int64_t seconds = config->expiry_warnings.seconds[i];

		longest = seconds > longest ? seconds : longest;
	}
	return longest;
}

/* What the credential is to be had with: 0, or -errno with the reason.  Nothing is no fault: a
 * person may have a token. */
static int check_means(struct armed *armed, struct keystore *keystore, struct diagnosis *why)
{
	AUTO_STRUCT(armed_enrol) means = NULL;
	int r = enrol_arm(armed->profile, keystore, NULL, loop_now().wall, &means, why);

	if (r == 0 || why->id != DIAG_ENROL_NO_MEANS)
		return r;
	if (enrol_has_means(armed->profile, NULL))
		armed->warning = *why;
	return 0;
}

static void check_profile(struct findings *f, struct profile *profile, struct keystore *keystore,
			  const struct service_config *config)
{
	AUTO_STRUCT(armed) armed = NULL;
	struct diagnosis why;
	int error;

	/* Without the keystore, what is in the file is all that can be judged. */
	if (!keystore) {
		profile_free(profile);
		return;
	}
	diagnosis_set(&why, DIAG_NONE);

	AUTO(json_t)
	found = json_pack("{s:s, s:s, s:i, s:s}", "Name", profile->name, "Path",
			  profile->path ? profile->path : "", "Priority", profile->priority,
			  "Credential",
			  profile_credential(profile) ? profile_credential(profile) : "");

	error = profile_arm(profile, keystore, f->mschap, loop_now().wall, warn_before(config),
			    &armed, &why);
	if (error < 0)
		profile_free(profile);
	else if (!armed->ready && armed->profile->enrol.wanted)
		error = check_means(armed, keystore, &why);
	json_object_set_new(found, "Usable", json_boolean(error == 0));
	json_object_set_new(found, "Identity", json_string(error == 0 ? armed->identity : ""));
	json_object_set_new(found, "Diagnosis",
			    cli_diagnosis_json(error == 0 ? &armed->warning : &why));
	json_array_append(f->profiles, found);
	f->failed = f->failed || error < 0;
}

static void check_directory(struct findings *f, struct keystore *keystore,
			    const struct service_config *config)
{
	struct ini_errors errors = { 0 };
	struct profiles profiles = { 0 };

	/* What went wrong is among the errors. */
	(void)profiles_load(config->profile_dir, &profiles, &errors);
	add_errors(f, &errors);
	for (size_t i = 0; i < profiles.count; i++)
		check_profile(f, profiles.profile[i], keystore, config);
}

/* The file of the service, which is not among the profiles, by its name. */
static bool is_config(const char *path)
{
	size_t len = strlen(path);

	return len > 5 && strcmp(path + len - 5, ".conf") == 0;
}

static void check_file(struct findings *f, const char *path, struct keystore *keystore,
		       const struct service_config *config)
{
	struct ini_errors errors = { 0 };
	struct profile *profile = NULL;

	if (is_config(path)) {
		struct service_config *other = NULL;

		if (service_config_load(path, false, &other, &errors) == 0)
			service_config_free(other);
	} else if (profile_load(path, &profile, &errors) == 0)
		check_profile(f, profile, keystore, config);
	add_errors(f, &errors);
}

/* ---- the keystore -------------------------------------------------------------------------- */

static void check_credential(void *context, const struct credential_info *info)
{
	struct findings *f = context;

	f->credential_count++;
	if (info->problem.id == DIAG_NONE)
		return;
	json_array_append_new(f->credentials, json_pack("{s:s, s:o}", "Name", info->name, "Problem",
							cli_diagnosis_json(&info->problem)));
	f->failed = f->failed || !diagnosis_text(info->problem.id)->reduced;
}

static void add_keystore(struct findings *f, const char *path, int error,
			 const struct diagnosis *why)
{
	struct ini_errors errors = { 0 };
	char cause[1024];

	if (error == -ENOENT)
		ini_errors_add(&errors, path, 0, "",
			       "there is no keystore yet; `latchkeyctl credentials import` makes "
			       "it.");
	else
		ini_errors_add(&errors, path, 0, "", "%s",
			       diagnosis_sentence(why, cause, sizeof cause));
	add_errors(f, &errors);
}

/* ---- for people ---------------------------------------------------------------------------- */

static void print_errors(const struct cli *cli, const json_t *errors)
{
	json_t *e;
	size_t i;

	json_array_foreach(errors, i, e)
		cli_file_error(cli, port_text(e, "File"), (long long)port_number(e, "Line"),
			       port_text(e, "Key"), port_text(e, "Message"));
}

static void print_found(const struct cli *cli, const char *kind, const json_t *found,
			const char *problem)
{
	const json_t *diagnosis = json_object_get(found, problem);
	bool wrong = json_object_size(diagnosis) > 0;
	bool warning = port_flag(diagnosis, "reduced") || port_flag(found, "Usable");

	printf("%s ", kind);
	cli_text(port_text(found, "Name"));
	printf(": %s%s%s\n",
	       cli_colour(cli, !wrong	 ? GREEN
			       : warning ? YELLOW
					 : RED),
	       !wrong	 ? "fine"
	       : warning ? "usable, but"
			 : "not usable",
	       cli_colour(cli, PLAIN));
	if (wrong)
		cli_diagnosis_print(cli, 2, diagnosis);
}

static void print_conclusion(const struct cli *cli, const struct findings *f)
{
	size_t profiles = json_array_size(f->profiles);
	bool doubts = json_array_size(f->credentials) > 0;
	char found[32], kept[32];
	json_t *profile;
	size_t i;

	json_array_foreach(f->profiles, i, profile) doubts |=
		json_object_size(json_object_get(profile, "Diagnosis")) > 0;
	if (f->failed || doubts)
		return;
	if (profiles == 0 && cli->count == 0) {
		cli_note(cli, "Nothing is wrong, but there is no profile, and without one no port "
			      "can be opened: see latchkey-profile(5).");
		return;
	}
	fputs(cli_colour(cli, GREEN), stdout);
	if (cli->count > 0)
		cli_note(cli, "All is well.");
	else
		cli_note(cli, "All is well: the configuration, %s, %s.",
			 cli_count(profiles, "profile", found, sizeof found),
			 cli_count(f->credential_count, "credential", kept, sizeof kept));
	fputs(cli_colour(cli, PLAIN), stdout);
}

static enum exit_status report(const struct cli *cli, const struct findings *f)
{
	json_t *item;
	size_t i;

	if (cli->json) {
		AUTO(json_t)
		all = json_pack("{s:O, s:O, s:O}", "Errors", f->errors, "Profiles", f->profiles,
				"Credentials", f->credentials);

		cli_json(cli, all);
		return f->failed ? FAILED : DONE;
	}
	print_errors(cli, f->errors);
	json_array_foreach(f->profiles, i, item) print_found(cli, "profile", item, "Diagnosis");
	json_array_foreach(f->credentials, i, item) print_found(cli, "credential", item, "Problem");
	print_conclusion(cli, f);
	return f->failed ? FAILED : DONE;
}

/* ---- all of it ----------------------------------------------------------------------------- */

static struct service_config *load_config(const struct cli *cli, struct findings *f)
{
	const char *path = cli->config ? cli->config : CONF_DIR "/latchkeyd.conf";
	struct service_config *config = NULL;
	struct ini_errors errors = { 0 };

	if (service_config_load(path, !cli->config, &config, &errors) < 0)
		config = NULL;
	add_errors(f, &errors);
	return config;
}

static void check_all(const struct cli *cli, struct findings *f, struct keystore *keystore,
		      const struct service_config *config)
{
	if (cli->count == 0) {
		check_directory(f, keystore, config);
		if (keystore)
			keystore_list(keystore, check_credential, f);
	}
	for (int i = 0; i < cli->count; i++)
		check_file(f, cli->args[i], keystore, config);
}

enum exit_status cmd_check(const struct cli *cli)
{
	AUTO(json_t) errors = json_array();
	AUTO(json_t) profiles = json_array();
	AUTO(json_t) credentials = json_array();
	AUTO_STRUCT(legacy) legacy = NULL;
	struct findings f = { errors, profiles, credentials, 0, false, NULL };
	AUTO_STRUCT(service_config) config = load_config(cli, &f);
	AUTO_STRUCT(keystore) keystore = NULL;
	struct diagnosis why;
	enum exit_status status;
	int r;

	if (!config)
		return report(cli, &f);
	if (legacy_new(&legacy) == 0)
		f.mschap = legacy_mschap(legacy);

	const char *path = cli->keystore ? cli->keystore : config->keystore;

	r = keystore_open(path, false, &keystore, &why);
	if (r < 0)
		add_keystore(&f, path, r, &why);
	check_all(cli, &f, keystore, config);
	status = report(cli, &f);
	return r == -EACCES || r == -EPERM ? NOT_AUTHORISED : status;
}
