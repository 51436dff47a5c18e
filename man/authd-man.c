/* The parts of the manual of latchkey-authd that are tables in the code, as mdoc on standard
 * output:
 *
 *	authd-man FILE:SECTION	the keys of a section of a kind of file: "main:Tls", "rule:Match"
 *	authd-man commands	what it can be told */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "authd/command.h"
#include "authd/config.h"
#include "man/mdoc.h"

/* "rule" is what a file is called that ends in ".rule". */
static const struct ini_table *find_table(const char *name, size_t len)
{
	if (len == 4 && memcmp(name, "main", 4) == 0)
		return &authd_table;
	for (int id = 0; id < CONFIG_KINDS; id++) {
		const struct config_kind *kind = config_kind((enum config_kind_id)id);

		if (strlen(kind->suffix) == len + 1 && memcmp(kind->suffix + 1, name, len) == 0)
			return kind->table;
	}
	return NULL;
}

/* "[LIMIT|verify]" is an optional LIMIT or the word verify. */
static void put_arguments(const char *arguments)
{
	const char *separator = "";

	if (*arguments == '[')
		fputs(" Op", stdout);
	for (const char *at = arguments; *at; separator = " |") {
		size_t len;

		at += strspn(at, "[|]");
		len = strcspn(at, "[|]");
		if (len == 0)
			break;
		printf("%s %s ", separator, isupper((unsigned char)*at) ? "Ar" : "Cm");
		for (size_t i = 0; i < len; i++)
			putchar(tolower((unsigned char)at[i]));
		at += len;
	}
}

static void put_commands(void)
{
	char help[256];

	puts(".Bl -tag -width Ds");
	for (const struct command *c = commands; c->name; c++) {
		printf(".It Cm %s", c->name);
		put_arguments(c->arguments);
		putchar('\n');
		snprintf(help, sizeof help, "%c%s.", toupper((unsigned char)*c->help), c->help + 1);
		put_text(help);
		put_text(c->doc);
	}
	puts(".El");
}

int main(int argc, char **argv)
{
	const char *what = argc == 2 ? argv[1] : "";
	size_t len = strcspn(what, ":");
	const struct ini_table *table = find_table(what, len);

	if (strcmp(what, "commands") == 0) {
		put_commands();
		return 0;
	}
	if (!table || what[len] == '\0' || put_section(table, what + len + 1) == 0) {
		fprintf(stderr, "authd-man: there is no section \"%s\"\n", what);
		return 1;
	}
	return 0;
}
