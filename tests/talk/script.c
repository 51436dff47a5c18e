#include "tests/talk/script.h"

#include <ctype.h>
#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int results, failures;

bool script_fail(const struct script_line *line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("# %s:%u: ", line->file, line->number);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	return false;
}

void script_result(bool passed, const char *name)
{
	failures += !passed;
	printf("%sok %d - %s\n", passed ? "" : "not ", ++results, name);
	fflush(stdout);
}

/* ---- words and bytes ----------------------------------------------------------------- */

/* The blanks around text removed. */
static char *trim(char *text)
{
	size_t len;

	text += strspn(text, " \t");
	len = strlen(text);
	while (len > 0 && isspace((unsigned char)text[len - 1]))
		text[--len] = '\0';
	return text;
}

static bool append(struct bytes *b, uint8_t octet, unsigned long times)
{
	while (times-- > 0) {
		if (bytes_append(b, slice_of(&octet, 1), 1 << 20) != OK)
			return false;
	}
	return true;
}

static int nibble(char c)
{
	const char *digits = "0123456789abcdef",
		   *at = c ? strchr(digits, tolower((unsigned char)c)) : NULL;

	return at ? (int)(at - digits) : -1;
}

static bool quoted(const char **at, struct bytes *out)
{
	const char *p = *at + 1;

	for (; *p && *p != '"'; p++) {
		if (*p == '\\' && p[1])
			p++;
		if (!append(out, (uint8_t)*p, 1))
			return false;
	}
	*at = p + 1;
	return *p == '"';
}

static bool pair(const char **at, struct bytes *out)
{
	int high = nibble((*at)[0]), low = high < 0 ? -1 : nibble((*at)[1]);
	unsigned long times = 1;

	if (low < 0)
		return false;
	*at += 2;
	if (**at == '*') {
		char *end;

		times = strtoul(*at + 1, &end, 10);
		if (end == *at + 1)
			return false;
		*at = end;
	}
	return append(out, (uint8_t)(high << 4 | low), times);
}

static bool bytes_end(const char *p)
{
	return !*p || *p == '#' || *p == '\t' || (*p == ' ' && (!p[1] || isspace(p[1])));
}

bool script_bytes(const char *text, struct bytes *ret_bytes, const char **ret_comment)
{
	const char *p = text;

	while (!bytes_end(p)) {
		p += *p == ' ';
		if (*p == '#')
			break;
		if (!(*p == '"' ? quoted(&p, ret_bytes) : pair(&p, ret_bytes)))
			return false;
	}
	if (ret_comment)
		*ret_comment = p + strspn(p, " \t#");
	return true;
}

static void show(const char *what, struct slice in)
{
	printf("#   %s", what);
	for (size_t i = 0; i < in.len; i++)
		printf(" %02x", in.p[i]);
	putchar('\n');
}

bool script_expect(const struct script_line *line, struct slice got)
{
	AUTO_VALUE(bytes) wanted = { 0 };

	if (!script_bytes(line->rest, &wanted, NULL))
		return script_fail(line, "these are no bytes: %s", line->rest);
	if (slice_eq(bytes_slice(&wanted), got))
		return true;
	script_fail(line, "other bytes than expected");
	show("wanted", bytes_slice(&wanted));
	show("   got", got);
	return false;
}

bool script_word(const char **at, char *ret_word, size_t size)
{
	const char *p = *at + strspn(*at, " \t");
	size_t len = strcspn(p, " \t");

	if (len == 0 || len >= size)
		return false;
	memcpy(ret_word, p, len);
	ret_word[len] = '\0';
	*at = p + len;
	return true;
}

bool script_number(const char *word, unsigned long *ret_number)
{
	char *end;
	unsigned long number = strtoul(word, &end, 0);

	if (!isdigit((unsigned char)*word) || *end)
		return false;
	*ret_number = number;
	return true;
}

bool script_only_number(const struct script_line *line, unsigned long *ret_number)
{
	const char *at = line->rest;
	char word[32];

	return (script_word(&at, word, sizeof word) && script_number(word, ret_number)) ||
	       script_fail(line, "a number is missing");
}

/* ---- verbs and expectations ---------------------------------------------------------- */

bool script_run(const struct script_verb *verbs,
		bool (*settled)(void *it, const struct script_line *line), void *it,
		const struct script_line *line)
{
	for (; verbs->verb; verbs++) {
		if (strcmp(verbs->verb, line->verb) == 0)
			return (!verbs->event || settled(it, line)) && verbs->run(it, line);
	}
	return script_fail(line, "what is %s?", line->verb);
}

bool script_state(const struct script_line *line, const char *state)
{
	const char *at = line->rest;
	char wanted[32];

	return (script_word(&at, wanted, sizeof wanted) && strcmp(state, wanted) == 0) ||
	       script_fail(line, "it is in %s", state);
}

bool script_deadline(const struct script_line *line, msec now, msec deadline)
{
	unsigned long n = 0;

	if (strcmp(line->rest, "never") == 0)
		return deadline == NEVER || script_fail(line, "there is one");
	if (!script_only_number(line, &n))
		return false;
	return deadline == now + n || script_fail(line, "it is %lld", (long long)(deadline - now));
}

bool script_diagnosis(const struct script_line *line, const struct diagnosis *d)
{
	AUTO_VALUE(bytes) wanted = { 0 };
	const char *at = line->rest, *value;
	char name[64], key[32];

	if (!script_word(&at, name, sizeof name) || strcmp(diagnosis_text(d->id)->name, name) != 0)
		return script_fail(line, "the diagnosis is %s", diagnosis_text(d->id)->name);
	if (!script_word(&at, key, sizeof key))
		return true;
	value = diagnosis_evidence(d, key);
	if (!script_bytes(at + strspn(at, " "), &wanted, NULL))
		return script_fail(line, "the value is missing");
	return (value && slice_eq(slice_str(value), bytes_slice(&wanted))) ||
	       script_fail(line, "%s is %s", key, value ? value : "not there");
}

bool script_count(const struct script_line *line, const struct script_counter *counters)
{
	const char *at = line->rest;
	char name[32], value[32];
	unsigned long n;

	if (!script_word(&at, name, sizeof name) || !script_word(&at, value, sizeof value) ||
	    !script_number(value, &n))
		return script_fail(line, "count NAME N");
	for (; counters->name; counters++) {
		if (strcmp(counters->name, name) == 0)
			return counters->value == n ||
			       script_fail(line, "it is %u", counters->value);
	}
	return script_fail(line, "there is no counter %s", name);
}

/* ---- vectors ------------------------------------------------------------------------- */

bool script_vectors(const char *name, void (*each)(const struct script_line *line,
						   struct slice bytes, const char *meaning))
{
	const char *top = getenv("top_srcdir");
	AUTO(char) text = NULL;
	char path[4096];
	size_t room = 0;
	FILE *file;
	bool ok = true;

	snprintf(path, sizeof path, "%s/tests/vectors/%s", top ? top : ".", name);
	file = fopen(path, "r");
	if (!file)
		return false;
	for (unsigned number = 1; getline(&text, &room, file) >= 0; number++) {
		AUTO_VALUE(bytes) bytes = { 0 };
		const char *trimmed = trim(text), *meaning;
		struct script_line line = { name, number, "", trimmed };

		if (!*trimmed || *trimmed == '#')
			continue;
		if (script_bytes(trimmed, &bytes, &meaning))
			each(&line, bytes_slice(&bytes), meaning);
		else
			ok = script_fail(&line, "these are no bytes: %s", trimmed);
	}
	fclose(file);
	return ok;
}

/* ---- blocks -------------------------------------------------------------------------- */

struct block {
	const struct script_runner *runner;
	void *it;
	bool begun, passed;
	char name[160];
	struct script_line last;
};

static void block_end(struct block *b)
{
	if (b->begun) {
		bool clean = b->runner->end(b->it, &b->last);

		script_result(b->passed && clean, b->name);
	}
	b->begun = false;
	b->name[0] = '\0';
}

static void block_line(struct block *b, const struct script_line *line)
{
	if (!b->begun) {
		b->begun = b->passed = true;
		b->runner->begin(b->it);
		if (!b->name[0])
			snprintf(b->name, sizeof b->name, "%s:%u", line->file, line->number);
	}
	b->last = *line;
	b->passed = b->passed && b->runner->line(b->it, line);
}

static void block_comment(struct block *b, const char *text)
{
	if (b->begun)
		block_end(b);
	if (!b->name[0])
		snprintf(b->name, sizeof b->name, "%s", text + strspn(text, "# \t"));
}

/* Splits off the first word; returns the rest. */
static char *split(char *text)
{
	char *rest = text + strcspn(text, " \t");

	if (*rest)
		*rest++ = '\0';
	return trim(rest);
}

static void run_file(const char *path, const struct script_runner *runner, void *it)
{
	struct block b = { .runner = runner, .it = it };
	FILE *file = fopen(path, "r");
	AUTO(char) text = NULL;
	size_t room = 0;

	if (!file) {
		script_result(false, path);
		return;
	}
	for (unsigned number = 1; getline(&text, &room, file) >= 0; number++) {
		char *trimmed = trim(text);

		if (!*trimmed) {
			block_end(&b);
		} else if (*trimmed == '#') {
			block_comment(&b, trimmed);
		} else {
			const char *rest = split(trimmed);

			block_line(&b, &(struct script_line){ path, number, trimmed, rest });
		}
	}
	block_end(&b);
	fclose(file);
}

static void run_all(const struct script_runner *runner, void *it)
{
	const char *top = getenv("top_srcdir");
	char pattern[4096];
	glob_t found;

	snprintf(pattern, sizeof pattern, "%s/tests/talk/%s", top ? top : ".", runner->files);
	if (glob(pattern, 0, NULL, &found) != 0) {
		script_result(false, pattern);
		return;
	}
	for (size_t i = 0; i < found.gl_pathc; i++)
		run_file(found.gl_pathv[i], runner, it);
	globfree(&found);
}

int script_main(int argc, char **argv, const struct script_runner *runner, void *it)
{
	for (int i = 1; i < argc; i++)
		run_file(argv[i], runner, it);
	if (argc < 2)
		run_all(runner, it);
	if (runner->finish)
		runner->finish(it);
	printf("1..%d\n", results);
	return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* ---- arrows -------------------------------------------------------------------------- */

static bool arrow_seen(const struct arrows *arrows, const struct machine_arrow *wanted)
{
	for (size_t i = 0; i < arrows->count; i++) {
		const struct machine_arrow *a = &arrows->seen[i];

		if (a->global == wanted->global && a->arrow == wanted->arrow &&
		    (a->global || strcmp(a->from, wanted->from) == 0))
			return true;
	}
	return false;
}

void arrows_moved(void *context, const char *machine, const char *from, size_t arrow, bool global,
		  const char *to)
{
	struct arrows *arrows = context;
	struct machine_arrow taken = { from, arrow, global, to };

	(void)machine;
	if (!arrow_seen(arrows, &taken) && arrows->count < ARROWS_MAX)
		arrows->seen[arrows->count++] = taken;
}

void arrows_all(const struct arrows *arrows, const char *machine,
		bool (*table)(size_t n, struct machine_arrow *ret_arrow))
{
	struct machine_arrow arrow;
	bool all = true;
	char name[80];
	size_t n = 0;

	for (; table(n, &arrow); n++) {
		if (arrow_seen(arrows, &arrow))
			continue;
		printf("# never taken: %s, exit %zu, to %s\n", arrow.from, arrow.arrow, arrow.to);
		all = false;
	}
	snprintf(name, sizeof name, "every arrow of %s has been taken (%zu)", machine, n);
	script_result(all && n > 0, name);
}
