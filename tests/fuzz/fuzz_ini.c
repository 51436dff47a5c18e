/* Settings from anybody's file: of which table, the first octet says.  What they say of a text
 * without errors is read again to the same. */
#include <stdlib.h>
#include <string.h>

#include "authd/config.h"
#include "config/profile.h"
#include "config/service.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *print(const struct ini_table *table, const void *values)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		abort();
	ini_print(table, values, out);
	fclose(out);
	return text;
}

/* The same values as a file.  NULL: a list does not go into one line, for its length or because an
 * item in the midst of it would begin a comment. */
static char *write_out(const struct ini_table *table, const void *values)
{
	char *text = NULL;
	size_t size;
	long before = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		abort();
	for (size_t i = 0; i < table->count; i++) {
		const struct ini_key *key = &table->keys[i];
		const void *value = (const char *)values + key->offset;

		/* Not set at all: there is no word for that. */
		if (key->type == &ini_enum && !key->fallback && *(const int *)value == 0)
			continue;
		fprintf(out, "[%s]\n%s=", key->section, key->name);
		key->type->print(key, value, out);
		fputc('\n', out);
		if (ftell(out) - before > 150) {
			fclose(out);
			free(text);
			return NULL;
		}
		before = ftell(out);
	}
	fclose(out);
	if (strstr(text, " #") || strstr(text, " ;")) {
		free(text);
		return NULL;
	}
	return text;
}

static void check(const struct ini_table *table, struct slice text, void *values, void *again)
{
	AUTO_VALUE(ini_errors) errors = { 0 };
	struct ini_lines lines;

	if (ini_parse_text(table, text, "fuzz", values, &lines, &errors) == 0) {
		AUTO(char) first = print(table, values);
		AUTO(char) file = write_out(table, values);

		if (file) {
			if (ini_parse_text(table, slice_str(file), "again", again, &lines,
					   &errors) != 0)
				abort();

			AUTO(char) second = print(table, again);

			if (strcmp(first, second) != 0)
				abort();
			ini_done(table, again);
		}
	} else if (errors.count == 0) {
		abort();
	}
	ini_done(table, values);
}

static void check_profile(struct slice text)
{
	struct profile profiles[2] = { 0 };
	AUTO_STRUCT(profile) profile = NULL;
	AUTO_VALUE(ini_errors) errors = { 0 };

	check(&profile_table, text, &profiles[0], &profiles[1]);
	if (profile_parse(text, "/p/fuzz.profile", &profile, &errors) == 0)
		profile_matches(profile, &(struct interface_facts){ .name = "eth0" });
}

static void check_service(struct slice text)
{
	struct service_config services[2] = { 0 };

	check(&service_table, text, &services[0], &services[1]);
}

static void check_authd(struct slice text)
{
	struct authd_settings settings[2] = { 0 };

	check(&authd_table, text, &settings[0], &settings[1]);
}

static void check_object(const struct config_kind *kind, struct slice text)
{
	AUTO_VALUE(ini_errors) errors = { 0 };
	void *values = calloc(1, kind->size), *again = calloc(1, kind->size), *object = NULL;

	if (!values || !again)
		abort();
	/* A secret is not shown, and so does not come back. */
	if (kind != &client_kind && kind != config_kind(CONFIG_SERVERS))
		check(kind->table, text, values, again);
	if (config_object_parse(kind, text, "/c/fuzz", &object, &errors) == 0)
		config_object_free(kind, object);
	free(values);
	free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_of(data + 1, size - 1);

	if (size == 0)
		return 0;
	if (data[0] == 0)
		check_profile(text);
	else if (data[0] == 1)
		check_service(text);
	else if (data[0] == 2)
		check_authd(text);
	else
		check_object(config_kind(data[0] % CONFIG_KINDS), text);
	return 0;
}
