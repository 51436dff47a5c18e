/* check: what a start of the service would find, without starting it. */
#include <jansson.h>
#include <stdio.h>

#include "authd/arm.h"
#include "authd/command.h"
#include "drivers/loop.h"

DEFINE_AUTO(json_t, json_decref);

static json_t *errors_json(const struct ini_errors *errors)
{
	json_t *all = json_array();

	for (size_t i = 0; i < errors->count; i++) {
		const struct ini_error *e = &errors->error[i];

		json_array_append_new(all,
				      json_pack("{s:s, s:i, s:s, s:s}", "file",
						e->file ? e->file : "", "line", e->line, "key",
						e->key, "message", e->message ? e->message : ""));
	}
	return all;
}

static json_t *diagnosis_json(const struct diagnosis *d)
{
	char cause[1024], next[1024];

	if (d->id == DIAG_NONE)
		return json_null();
	return json_pack("{s:s, s:s, s:s, s:b}", "id", diagnosis_text(d->id)->name, "cause",
			 diagnosis_sentence(d, cause, sizeof cause), "next",
			 diagnosis_next(d, next, sizeof next), "reduced",
			 diagnosis_text(d->id)->reduced);
}

static void print_json(const struct ini_errors *errors, const struct config *config, bool usable,
		       const struct diagnosis *d)
{
	AUTO(json_t)
	all = json_pack("{s:b, s:o, s:o}", "usable", usable, "errors", errors_json(errors),
			"diagnosis", diagnosis_json(d));

	if (config)
		json_object_set_new(all, "objects",
				    json_pack("{s:I, s:I}", "clients",
					      (json_int_t)config->objects[CONFIG_CLIENTS].count,
					      "rules",
					      (json_int_t)config->objects[CONFIG_RULES].count));
	json_dumpf(all, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	putchar('\n');
}

static void print_text(const struct ini_errors *errors, const struct config *config, bool usable,
		       const struct diagnosis *d)
{
	char text[1024];

	for (size_t i = 0; i < errors->count; i++) {
		ini_error_print(&errors->error[i], stdout);
		putchar('\n');
	}
	if (errors->dropped > 0)
		printf("%zu more errors\n", errors->dropped);
	if (d->id != DIAG_NONE)
		printf("%s: %s\n  %s\n", usable ? "usable, but" : "not usable",
		       diagnosis_sentence(d, text, sizeof text),
		       diagnosis_next(d, (char[1024]){ 0 }, 1024));
	if (usable && d->id == DIAG_NONE)
		printf("All is well: the configuration, %zu RADIUS clients, %zu rules.\n",
		       config->objects[CONFIG_CLIENTS].count, config->objects[CONFIG_RULES].count);
}

int command_check(const struct command_options *options, int argc, char **argv)
{
	struct ini_errors *errors = calloc(1, sizeof *errors);
	AUTO_STRUCT(config) config = NULL;
	AUTO_STRUCT(arming) arming = NULL;
	struct diagnosis why = { 0 };
	bool usable;

	if (argc > 1) {
		fprintf(stderr, "latchkey-authd: %s takes no arguments\n", argv[0]);
		free(errors);
		return 2;
	}
	if (!errors)
		return 1;
	usable = config_load(options->config_path, &config, errors) == 0 &&
		 arming_new(config, loop_now().wall, &arming, &why) == 0;
	if (usable)
		why = arming->warning;
	(options->json ? print_json : print_text)(errors, config, usable, &why);
	ini_errors_done(errors);
	free(errors);
	return usable ? 0 : 1;
}
