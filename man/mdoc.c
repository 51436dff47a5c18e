#include "man/mdoc.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Text goes out word by word, because a new sentence begins a new line and macros stand on lines of
 * their own. */
static bool line_begun;

static void end_line(void)
{
	if (line_begun)
		putchar('\n');
	line_begun = false;
}

static void put_escaped(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\\')
			fputs("\\e", stdout);
		else if (text[i] == '"')
			fputs("\\(dq", stdout);
		else
			putchar(text[i]);
	}
}

/* A macro line: its argument, and the punctuation behind it, which is skipped.  Returns what
 * follows. */
static const char *put_macro(const char *macro, const char *argument, const char *after)
{
	end_line();
	printf(".%s %s", macro, argument);
	for (; *after && strchr(".,:;)?", *after); after++)
		printf(" %c", *after);
	putchar('\n');
	return after;
}

/* "latchkey-profile(5)" at the beginning of text: the length of its name, 0 if there is none. */
static size_t reference(const char *text)
{
	size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789.-");

	return len > 0 && text[len] == '(' && isdigit((unsigned char)text[len + 1]) &&
			       text[len + 2] == ')'
		       ? len
		       : 0;
}

static const char *put_word(const char *text)
{
	size_t len = strcspn(text, " ");

	if (line_begun)
		putchar(' ');
	else if (*text == '.' || *text == '\'')
		fputs("\\&", stdout);
	put_escaped(text, len);
	line_begun = true;
	if (strchr(".?", text[len - 1]))
		end_line();
	return text + len;
}

void put_text(const char *text)
{
	while (*(text += strspn(text, " "))) {
		char argument[256];
		size_t name = reference(text), quoted = *text == '`' ? strcspn(text + 1, "`") : 0;

		if (quoted > 0) {
			snprintf(argument, sizeof argument, "\"\\&%.*s\"", (int)quoted, text + 1);
			text = put_macro("Ql", argument, text + quoted + 2);
		} else if (name > 0) {
			snprintf(argument, sizeof argument, "%.*s %c", (int)name, text,
				 text[name + 1]);
			text = put_macro("Xr", argument, text + name + 3);
		} else {
			text = put_word(text);
		}
	}
	end_line();
}

static void put_key(const struct ini_key *key)
{
	printf(".It Cm %s= Ns Ar %s\n", key->name, key->type->shown);
	put_text(key->doc);
	fputs("Takes ", stdout);
	ini_print_expected(key, stdout);
	if (key->type->list)
		fputs("; may be repeated", stdout);
	if (key->fallback)
		printf("; the default is\n.Ql \"%s\" .\n", key->fallback);
	else
		puts(".");
}

size_t put_section(const struct ini_table *table, const char *section)
{
	size_t found = 0;

	for (size_t i = 0; i < table->count; i++) {
		if (strcmp(table->keys[i].section, section) != 0)
			continue;
		if (found++ == 0)
			puts(".Bl -tag -width Ds");
		put_key(&table->keys[i]);
	}
	if (found > 0)
		puts(".El");
	return found;
}
