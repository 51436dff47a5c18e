#include "config/ini.h"

#include <errno.h>
#include <ini.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diagnosis.h"
#include "config/file.h"

/* Where libinih was built so that its ceiling of 200 octets to a line can be raised, it is. */
extern int ini_max_line __attribute__((weak));

struct parser {
	const struct ini_table *table;
	const char *file;
	struct slice rest;
	int line;
	bool section_known; /* of an unknown one all is passed over, after one error */
	void *into;
	struct ini_lines *lines;
	size_t items[INI_KEYS_MAX]; /* of lists */
	struct ini_errors *errors;
};

/* ---- the table ---- */

static void *field_of(const struct ini_key *key, void *into)
{
	return (char *)into + key->offset;
}

const struct ini_key *ini_find(const struct ini_table *table, const char *name)
{
	const char *dot = strchr(name, '.'), *key = dot ? dot + 1 : name;
	const size_t len = dot ? (size_t)(dot - name) : 0;

	for (size_t i = 0; i < table->count; i++) {
		const struct ini_key *k = &table->keys[i];

		if (strcmp(k->name, key) == 0 &&
		    (!dot || (strncmp(k->section, name, len) == 0 && !k->section[len])))
			return k;
	}
	return NULL;
}

int ini_line_of(const struct ini_table *table, const struct ini_lines *lines, const char *name)
{
	const struct ini_key *key = ini_find(table, name);

	return key ? lines->line[key - table->keys] : 0;
}

const char *ini_key_label(const struct ini_key *key, char *buffer, size_t size)
{
	snprintf(buffer, size, "[%s] %s=", key->section, key->name);
	return buffer;
}

/* One value, or for a list any number of them separated by blanks. Returns the first that is not
 * valid, cut out of text; NULL if all are. */
static const char *assign(const struct ini_key *key, char *text, void *into, size_t *items)
{
	if (!key->type->list)
		return key->type->parse(key, text, field_of(key, into)) ? NULL : text;

	const char *between = key->type->whole ? "" : " ";

	for (char *at = NULL, *item = strtok_r(text, between, &at); item;
	     item = strtok_r(NULL, between, &at)) {
		if ((*items)++ >= INI_LIST_MAX || !key->type->parse(key, item, field_of(key, into)))
			return item;
	}
	return NULL;
}

static void reset(const struct ini_key *key, void *into)
{
	if (key->type->clear)
		key->type->clear(field_of(key, into));
}

void ini_done(const struct ini_table *table, void *into)
{
	for (size_t i = 0; i < table->count; i++)
		reset(&table->keys[i], into);
}

void ini_print(const struct ini_table *table, const void *values, FILE *out)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct ini_key *key = &table->keys[i];

		fprintf(out, "%s.%s=", key->section, key->name);
		key->type->print(key, (const char *)values + key->offset, out);
		fputc('\n', out);
	}
}

/* ---- what was wrong ---- */

static void no_memory(struct parser *p, const struct ini_key *key)
{
	char label[64];

	ini_errors_add(p->errors, p->file, p->line, ini_key_label(key, label, sizeof label),
		       "there is no memory left.");
}

static void wrong_value(struct parser *p, const struct ini_key *key, const char *value)
{
	const char *candidates[INI_KEYS_MAX] = { NULL };
	char label[64];
	size_t count = 0, size;
	AUTO(char) expected = NULL;
	FILE *out = open_memstream(&expected, &size);

	if (!out) {
		no_memory(p, key);
		return;
	}
	ini_print_expected(key, out);
	fclose(out);
	for (const struct ini_word *w = key->words; w && w->word && count < INI_KEYS_MAX; w++)
		candidates[count++] = w->word;

	const char *near = ini_nearest(value, candidates, count);

	ini_errors_add(p->errors, p->file, p->line, ini_key_label(key, label, sizeof label),
		       "expected %s, not \"%s\".%s%s%s", expected, value,
		       near ? " Did you mean " : "", near ? near : "", near ? "?" : "");
}

/* The key that was meant: of this section, else of another. */
static const struct ini_key *nearest_key(const struct ini_table *table, const char *section,
					 const char *name)
{
	const char *candidates[INI_KEYS_MAX] = { NULL };
	size_t count = 0;
	const struct ini_key *same_name = ini_find(table, name);

	for (size_t i = 0; i < table->count; i++) {
		if (strcmp(table->keys[i].section, section) == 0)
			candidates[count++] = table->keys[i].name;
	}

	const char *near = ini_nearest(name, candidates, same_name ? 0 : count);

	for (size_t i = 0; !near && i < table->count; i++)
		candidates[i] = table->keys[i].name;
	if (!near)
		near = ini_nearest(name, candidates, table->count);
	return near ? ini_find(table, near) : NULL;
}

static void unknown_key(struct parser *p, const char *section, const char *name)
{
	const struct ini_key *meant = nearest_key(p->table, section, name);
	char label[64], guess[96] = "";

	if (meant)
		snprintf(guess, sizeof guess, " Did you mean %s= in [%s]?", meant->name,
			 meant->section);
	if (*section)
		snprintf(label, sizeof label, "[%s] %s=", section, name);
	else
		snprintf(label, sizeof label, "%s=", name);
	ini_errors_add(p->errors, p->file, p->line, label, "there is no such key %s%s%s.%s",
		       *section ? "in [" : "before the first section", section, *section ? "]" : "",
		       guess);
}

static void check_section(struct parser *p, const char *name)
{
	const char *candidates[INI_KEYS_MAX] = { NULL };
	size_t count = 0;
	char label[64];

	p->section_known = false;
	for (size_t i = 0; i < p->table->count; i++) {
		const char *section = p->table->keys[i].section;

		if (count == 0 || strcmp(candidates[count - 1], section) != 0)
			candidates[count++] = section;
		p->section_known |= strcmp(section, name) == 0;
	}
	if (p->section_known)
		return;

	const char *near = ini_nearest(name, candidates, count);

	snprintf(label, sizeof label, "[%s]", name);
	ini_errors_add(p->errors, p->file, p->line, label, "there is no such section.%s%s%s",
		       near ? " Did you mean [" : "", near ? near : "", near ? "]?" : "");
}

/* ---- defaults ---- */

static void set_default(struct parser *p, const struct ini_key *key)
{
	char text[INI_LINE_MAX];
	size_t items = 0;

	reset(key, p->into);
	if (!key->fallback)
		return;
	snprintf(text, sizeof text, "%s", key->fallback);
	/* It is valid, being ours. */
	if (assign(key, text, p->into, &items))
		no_memory(p, key);
}

static void set_defaults(struct parser *p)
{
	for (size_t i = 0; i < p->table->count; i++)
		set_default(p, &p->table->keys[i]);
}

/* ---- lines ---- */

/* libinih's handler: one Key=value. Its section is the one that check_section has let pass. */
static int set_key(void *parser, const char *section, const char *name, const char *value)
{
	struct parser *p = parser;
	char text[INI_LINE_MAX], label[64];
	const struct ini_key *key = NULL;

	if (!p->section_known && *section)
		return 1;
	for (size_t i = 0; i < p->table->count && !key; i++) {
		if (strcmp(p->table->keys[i].section, section) == 0 &&
		    strcmp(p->table->keys[i].name, name) == 0)
			key = &p->table->keys[i];
	}
	if (!key) {
		unknown_key(p, section, name);
		return 1;
	}

	size_t i = (size_t)(key - p->table->keys);
	int *line = &p->lines->line[i];

	if (*value == '\0') {
		if (key->type->list)
			reset(key, p->into);
		else
			set_default(p, key);
		p->items[i] = 0;
		*line = 0;
		return 1;
	}
	if (*line == 0)
		reset(key, p->into);
	if (*line != 0 && !key->type->list) {
		ini_errors_add(p->errors, p->file, p->line, ini_key_label(key, label, sizeof label),
			       "is set already in line %d; only one of the two can be meant.",
			       *line);
		return 1;
	}
	*line = p->line;
	snprintf(text, sizeof text, "%s", value);
	errno = 0;

	const char *wrong = assign(key, text, p->into, &p->items[i]);

	if (wrong && p->items[i] > INI_LIST_MAX)
		ini_errors_add(p->errors, p->file, p->line, ini_key_label(key, label, sizeof label),
			       "expected no more than %d items in all.", INI_LIST_MAX);
	else if (wrong && errno == ENOMEM)
		no_memory(p, key);
	else if (wrong)
		wrong_value(p, key, wrong);
	return 1;
}

/* What libinih would read as something else than it looks like, cut, or pass over. NULL: nothing.
 */
static const char *line_problem(const char *line, size_t len)
{
	char shown[INI_LINE_MAX];
	const char *mark = strpbrk(line, "=:");

	printable(slice_of(line, len), shown, sizeof shown);
	if (!slice_eq(slice_of(line, len), slice_str(shown)))
		return "expected text in UTF-8 without control characters.";
	if (line[0] == '[')
		return line[len - 1] == ']' && len > 2
			       ? NULL
			       : "expected a section on a line of its own, such as [Match].";
	if (!mark || mark == line || *mark != '=')
		return "expected Key=value, a [Section] or a comment that begins with #.";
	if (strstr(line, " #") || strstr(line, " ;"))
		return "expected no comment behind a value: comments stand on lines "
		       "of their own.";
	return NULL;
}

static size_t trim(char *text, size_t len)
{
	while (len > 0 && strchr(" \t\r\n", text[len - 1]))
		len--;

	size_t lead = 0;

	while (lead < len && (text[lead] == ' ' || text[lead] == '\t'))
		lead++;
	memmove(text, text + lead, len - lead);
	text[len - lead] = '\0';
	return len - lead;
}

/* libinih's reader: hands it the next line, or an empty one in place of a line that is wrong. */
static char *next_line(char *buffer, int size, void *parser)
{
	struct parser *p = parser;
	const size_t ceiling = (size_t)size < INI_LINE_MAX ? (size_t)size : INI_LINE_MAX;

	if (p->rest.len == 0)
		return NULL;

	const uint8_t *end = memchr(p->rest.p, '\n', p->rest.len);
	size_t len = end ? (size_t)(end - p->rest.p) : p->rest.len;
	const uint8_t *line = p->rest.p;
	bool comment = len > 0 && (line[0] == '#' || line[0] == ';');

	p->rest = slice_of(line + len + (end != NULL), p->rest.len - len - (end != NULL));
	p->line++;
	strcpy(buffer, "\n");
	if (comment)
		return buffer;
	if (len + 2 > ceiling) {
		ini_errors_add(p->errors, p->file, p->line, "",
			       "expected no more than %zu octets in a line; a list goes on by "
			       "repeating its key.",
			       ceiling - 2);
		return buffer;
	}
	memcpy(buffer, line, len);
	for (size_t i = 0; i < len; i++) {
		if (buffer[i] == '\t')
			buffer[i] = ' ';
	}
	len = trim(buffer, len);

	const char *problem =
		len == 0 || strchr("#;", buffer[0]) ? NULL : line_problem(buffer, len);

	if (problem) {
		ini_errors_add(p->errors, p->file, p->line, "", "%s", problem);
		len = 0;
	} else if (buffer[0] == '[') {
		buffer[len - 1] = '\0';
		check_section(p, buffer + 1);
		buffer[len - 1] = ']';
	}
	strcpy(buffer + len, "\n");
	return buffer;
}

int ini_parse_text(const struct ini_table *table, struct slice text, const char *file, void *into,
		   struct ini_lines *ret_lines, struct ini_errors *errors)
{
	struct parser p = { .table = table,
			    .file = file,
			    .rest = text,
			    .into = into,
			    .lines = ret_lines,
			    .errors = errors };
	size_t before = errors->count + errors->dropped;

	if (text.len >= 3 && memcmp(text.p, "\xef\xbb\xbf", 3) == 0)
		p.rest = slice_of(text.p + 3, text.len - 3);
	if (&ini_max_line)
		ini_max_line = INI_LINE_MAX;
	*ret_lines = (struct ini_lines){ 0 };
	set_defaults(&p);
	if (text.len > INI_FILE_MAX)
		ini_errors_add(errors, file, 0, "", "expected no more than %d octets.",
			       INI_FILE_MAX);
	else if (ini_parse_stream(next_line, &p, set_key, &p) != 0)
		ini_errors_add(errors, file, 0, "", "cannot be parsed.");
	return errors->count + errors->dropped == before ? 0 : -EINVAL;
}

int ini_read(const char *path, struct bytes *ret_text, struct ini_errors *errors)
{
	AUTO_VALUE(bytes) text = { 0 };
	struct stat st = { 0 };
	int r = file_read(path, INI_FILE_MAX, &text, &st);

	if (r == -EFBIG)
		ini_errors_add(errors, path, 0, "", "expected no more than %d octets.",
			       INI_FILE_MAX);
	else if (r < 0)
		ini_errors_add(errors, path, 0, "", "cannot be read: %s.", strerror(-r));
	else if (st.st_mode & S_IWOTH)
		ini_errors_add(errors, path, 0, "",
			       "can be written by anybody; expected a file that only its owner can "
			       "write (chmod o-w).");
	else if (st.st_uid != 0 && st.st_uid != geteuid())
		ini_errors_add(errors, path, 0, "",
			       "belongs to user %u; expected root or the user of the service.",
			       (unsigned)st.st_uid);
	else {
		*ret_text = text;
		text = (struct bytes){ 0 };
		return 0;
	}
	return r < 0 ? r : -EPERM;
}
