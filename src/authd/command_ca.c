/* ca: our own authority, in the keystore. */
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "authd/ca_keeper.h"
#include "authd/command.h"
#include "console/output.h"
#include "drivers/loop.h"

struct work {
	struct cli cli;
	struct ca_order order;
	struct ca_keeper keeper;
	struct config *config;
	bool chain; /* of export */
};

static enum exit_status wrong_use(const struct cli *cli, const char *word, const char *why)
{
	return cli_fail(cli, USAGE, word, why, "See latchkey-authd(8), \"ca\".");
}

/* ---- what the command line says ------------------------------------------------------------- */

static bool take_word(struct work *w, char *word)
{
	const struct {
		const char *key;
		const char **to;
	} known[] = {
		{ "name=", &w->order.name },
		{ "server=", &w->order.server },
		{ "key=", &w->order.key_type },
		{ "root-key=", &w->order.root_key },
		{ "issuing-key=", &w->order.issuing_key },
	};

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		size_t len = strlen(known[i].key);

		if (strncmp(word, known[i].key, len) == 0 && word[len] && !*known[i].to) {
			*known[i].to = word + len;
			return true;
		}
	}
	if (strcmp(word, "chain") == 0 && !w->chain) {
		w->chain = true;
		return true;
	}
	return false;
}

/* ---- what is shown -------------------------------------------------------------------------- */

struct shown {
	const char *role, *name;
	bool needed;
};

static json_t *one_json(struct work *w, const char *role, const char *name)
{
	struct credential_info info = { 0 };
	struct diagnosis why = { 0 };

	if (keystore_show(w->keeper.keystore, name, &info, &why) < 0)
		return NULL;
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:s}", "role", role,
			 "credential", name, "subject", info.cert.subject, "issuer",
			 info.cert.issuer, "fingerprint", info.cert.fingerprint, "pin",
			 info.cert.spki, "key", info.cert.key, "not_before",
			 (json_int_t)info.cert.not_before, "not_after",
			 (json_int_t)info.cert.not_after, "key_uri", info.key_uri);
}

static json_t *all_json(struct work *w)
{
	char old_root[KEYSTORE_NAME_MAX + 1], old_issuing[KEYSTORE_NAME_MAX + 1];
	const struct {
		const char *role, *name;
	} parts[] = {
		{ "root", w->keeper.root },	{ "issuing", w->keeper.issuing },
		{ "server", w->keeper.server }, { "old-root", old_root },
		{ "old-issuing", old_issuing },
	};
	json_t *all = json_array();

	snprintf(old_root, sizeof old_root, "%.*s" AUTHORITY_OLD,
		 (int)(sizeof old_root - sizeof AUTHORITY_OLD), w->keeper.root);
	snprintf(old_issuing, sizeof old_issuing, "%.*s" AUTHORITY_OLD,
		 (int)(sizeof old_issuing - sizeof AUTHORITY_OLD), w->keeper.issuing);
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		json_t *one = one_json(w, parts[i].role, parts[i].name);

		if (one)
			json_array_append_new(all, one);
	}
	return all;
}

static void print_one(const struct cli *cli, const json_t *one)
{
	const char *role = "", *name = "", *subject = "", *key = "", *pin = "", *uri = "";
	long long until = 0;
	char text[32];

	if (json_unpack((json_t *)(uintptr_t)one, "{s:s, s:s, s:s, s:s, s:s, s:s, s:I}", "role",
			&role, "credential", &name, "subject", &subject, "key", &key, "pin", &pin,
			"key_uri", &uri, "not_after", &until) < 0)
		return;
	printf("%s%s%s (%s)\n", cli_colour(cli, BOLD), role, cli_colour(cli, PLAIN), name);
	cli_field(cli, "Subject", "%s", subject);
	cli_field(cli, "Until", "%s", cli_time(until, text, sizeof text));
	cli_field(cli, "Key", "%s%s%s", key, *uri ? ", " : "", uri);
	cli_field(cli, "Pin", "%s", pin);
}

static json_t *warning_json(struct work *w)
{
	AUTO_STRUCT(authority) authority = NULL;
	struct diagnosis why = { 0 };

	if (!w->config->settings.authority.credential)
		return json_null();
	if (authority_open(w->config, w->keeper.now, &authority, &why) < 0)
		return cli_diagnosis_json(&why);
	return authority->warning.id == DIAG_NONE ? json_null()
						  : cli_diagnosis_json(&authority->warning);
}

static enum exit_status show(struct work *w)
{
	AUTO(json_t) all = all_json(w);
	AUTO(json_t) warning = warning_json(w);
	AUTO(json_t) whole = json_pack("{s:O, s:O}", "credentials", all, "warning", warning);
	json_t *one;
	size_t i;

	if (w->cli.json)
		return cli_json(&w->cli, whole);
	if (json_array_size(all) == 0)
		cli_note(&w->cli, "There is no authority yet: see `latchkey-authd ca init`.");
	json_array_foreach(all, i, one) print_one(&w->cli, one);
	if (!json_is_null(warning))
		cli_diagnosis_print(&w->cli, 2, warning);
	return DONE;
}

/* ---- what is to be done next ---------------------------------------------------------------- */

static void say_config(const struct work *w)
{
	const struct authd_settings *s = w->keeper.settings;

	if (s->credential && s->authority.credential)
		return;
	printf("\nNow put these lines into %s:\n\n", w->config->path);
	if (!s->credential)
		printf("  [Tls]\n  Credential=%s\n\n", w->keeper.server);
	if (!s->authority.credential)
		printf("  [Authority]\n  Credential=%s\n\n", w->keeper.issuing);
}

static void say_next(const struct work *w, const char *verb)
{
	if (strcmp(verb, "init") == 0) {
		say_config(w);
		cli_wrap(&w->cli, 0,
			 "Then `latchkey-authd check`, and start or reload the service. With "
			 "Enabled=yes in [Enroll] machines can get their certificates here, by "
			 "`latchkey-authd token create`; others need the root: `latchkey-authd ca "
			 "export`. "
			 "Keep a copy of the keystore where nobody else can reach it.");
	} else if (strcmp(verb, "rollover") == 0) {
		cli_wrap(&w->cli, 0,
			 "Reload the service: machines hear of the new root whenever they enrol or "
			 "renew, and the old one stays good for Overlap= of [Authority]. When most "
			 "have heard of it, `latchkey-authd ca renew-server`.");
	} else {
		cli_wrap(&w->cli, 0, "Reload the service to use it.");
	}
}

static enum exit_status changed(struct work *w, const char *verb, int error,
				const struct diagnosis *why)
{
	char what[64];

	snprintf(what, sizeof what, "cannot do ca %s", verb);
	if (error < 0)
		return cli_fail_diagnosis(&w->cli, what, why);

	enum exit_status status = show(w);

	if (!w->cli.json)
		say_next(w, verb);
	return status;
}

/* ---- the words ------------------------------------------------------------------------------ */

static enum exit_status export(struct work *w) {
	AUTO_VALUE(bytes) pem = { 0 }; struct diagnosis why = { 0 };

	if (ca_keeper_export(&w->keeper, w->chain, &pem, &why) <
	    0) return cli_fail_diagnosis(&w->cli, "cannot export the authority", &why);
	if (w->cli.json){ AUTO(json_t) all = json_pack("{s:s%}", "pem", pem.p, pem.len);

			  return cli_json(&w->cli, all); }
return fwrite(pem.p, 1, pem.len, stdout) == pem.len ? DONE : FAILED;
}

static enum exit_status do_verb(struct work *w, const char *verb)
{
	static const struct {
		const char *verb;
		int (*run)(struct ca_keeper *keeper, const struct ca_order *order,
			   struct diagnosis *why);
	} verbs[] = { { "init", ca_keeper_init },
		      { "rollover", ca_keeper_rollover },
		      { "renew-server", ca_keeper_renew } };
	struct diagnosis why = { 0 };

	if (strcmp(verb, "show") == 0)
		return show(w);
	if (strcmp(verb, "export") == 0)
		return export(w);
	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
		if (strcmp(verb, verbs[i].verb) == 0) {
			int error = verbs[i].run(&w->keeper, &w->order, &why);

			return changed(w, verb, error, &why);
		}
	}
	return wrong_use(&w->cli, verb, "expected init, show, export, rollover or renew-server");
}

/* Files in the keystore belong to the user of the service, whoever calls. */
static enum exit_status open_all(struct work *w, const struct command_options *options,
				 const char *verb)
{
	struct ini_errors *errors = calloc(1, sizeof *errors);
	struct diagnosis why = { 0 };
	int error = errors ? command_as_service(options, &why) : -1;

	if (error == 0 && config_load(options->config_path, &w->config, errors) < 0) {
		ini_errors_diagnose(errors, NULL, &why);
		error = -1;
	}
	if (errors)
		ini_errors_done(errors);
	free(errors);
	if (error == 0)
		error = ca_keeper_open(w->config, strcmp(verb, "init") == 0, loop_now().wall,
				       &w->keeper, &why);
	return error < 0 ? cli_fail_diagnosis(&w->cli, "cannot open the keystore", &why) : DONE;
}

int command_ca(const struct command_options *options, int argc, char **argv)
{
	struct work w = { .cli = { .program = "latchkey-authd", .json = options->json } };
	const char *verb = argc > 1 ? argv[1] : "show";
	enum exit_status status;

	cli_look_at_terminal(&w.cli);
	for (int i = 2; i < argc; i++) {
		if (!take_word(&w, argv[i]))
			return (int)wrong_use(&w.cli, argv[i],
					      "expected name=, server=, key=, root-key=, "
					      "issuing-key=, each once, or after export the word "
					      "chain");
	}
	status = open_all(&w, options, verb);
	if (status == DONE)
		status = do_verb(&w, verb);
	ca_keeper_done(&w.keeper);
	config_free(w.config);
	return (int)status;
}
