#include "console/output.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define COLUMNS		  80
#define FIELD_COLUMN	  15u
#define TABLE_COLUMNS_MAX 8
#define CELL_MAX	  512

void cli_look_at_terminal(struct cli *cli)
{
	struct winsize size = { 0 };
	const char *no_colour = getenv("NO_COLOR");
	bool terminal = isatty(STDOUT_FILENO);

	cli->terminal = terminal;
	cli->colour = terminal && (!no_colour || !*no_colour);
	cli->columns = COLUMNS;
	if (terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 40)
		cli->columns = size.ws_col;
}

const char *cli_colour(const struct cli *cli, enum colour colour)
{
	static const char *const codes[] = {
		[PLAIN] = "\033[0m",   [BOLD] = "\033[1m", [GREEN] = "\033[32m",
		[YELLOW] = "\033[33m", [RED] = "\033[31m", [DIM] = "\033[2m",
	};

	return cli->colour ? codes[colour] : "";
}

static const char *clean(const char *text, char *buffer, size_t size)
{
	return printable(slice_str(text), buffer, size);
}

void cli_text(const char *text)
{
	char buffer[4096];

	fputs(clean(text, buffer, sizeof buffer), stdout);
}

/* How many columns UTF-8 text takes: its octets without those that continue a character. */
static unsigned width(const char *text, size_t len)
{
	unsigned columns = 0;

	for (size_t i = 0; i < len; i++)
		columns += ((unsigned char)text[i] & 0xc0) != 0x80;
	return columns;
}

static void wrap_to(FILE *out, unsigned columns, unsigned indent, unsigned at, const char *text)
{
	char buffer[4096];
	const char *word = clean(text, buffer, sizeof buffer);
	bool first = true;

	while (*(word += strspn(word, " "))) {
		size_t len = strcspn(word, " ");
		unsigned w = width(word, len);

		if (!first && at + 1 + w > columns) {
			fprintf(out, "\n%*s", (int)indent, "");
			at = indent;
		} else if (!first) {
			fputc(' ', out);
			at++;
		}
		fwrite(word, 1, len, out);
		at += w;
		word += len;
		first = false;
	}
	fputc('\n', out);
}

void cli_wrap(const struct cli *cli, unsigned indent, const char *text)
{
	printf("%*s", (int)indent, "");
	wrap_to(stdout, cli->columns, indent, indent, text);
}

void cli_wrap_from(const struct cli *cli, unsigned indent, unsigned at, const char *text)
{
	wrap_to(stdout, cli->columns, indent, at, text);
}

void cli_field(const struct cli *cli, const char *name, const char *format, ...)
{
	char text[2048];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	printf("  %s%-*s%s", cli_colour(cli, DIM), (int)FIELD_COLUMN - 2, name,
	       cli_colour(cli, PLAIN));
	wrap_to(stdout, cli->columns, FIELD_COLUMN, FIELD_COLUMN, text);
}

void cli_note(const struct cli *cli, const char *format, ...)
{
	char text[2048];
	va_list args;

	if (cli->json)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	cli_wrap(cli, 0, text);
}

enum exit_status cli_json(const struct cli *cli, const json_t *value)
{
	size_t flags = JSON_ENCODE_ANY | (cli->terminal ? JSON_INDENT(2) : JSON_COMPACT);

	if (!value || json_dumpf(value, stdout, flags) < 0)
		return FAILED;
	putchar('\n');
	return DONE;
}

/* ---- what went wrong ----------------------------------------------------------------------- */

enum exit_status cli_fail(const struct cli *cli, enum exit_status status, const char *what,
			  const char *why, const char *next)
{
	char text[4096];

	if (cli->json) {
		AUTO(json_t)
		error = json_pack("{s:s, s:s, s:s*}", "Error", what, "Message", why, "Next", next);

		cli_json(cli, error);
	}
	fflush(stdout);
	snprintf(text, sizeof text, "%s: %s: %s%s", cli->program, what, why,
		 *why && strchr(".?", why[strlen(why) - 1]) ? "" : ".");
	wrap_to(stderr, cli->columns, 2, 0, text);
	if (next && *next) {
		fputs("  ", stderr);
		wrap_to(stderr, cli->columns, 2, 2, next);
	}
	return status;
}

enum exit_status cli_fail_diagnosis(const struct cli *cli, const char *what,
				    const struct diagnosis *why)
{
	char cause[2048], next[2048];

	return cli_fail(cli, FAILED, what, diagnosis_sentence(why, cause, sizeof cause),
			diagnosis_next(why, next, sizeof next));
}

void cli_file_error(const struct cli *cli, const char *file, long long line, const char *key,
		    const char *message)
{
	char number[24] = "", text[2048];

	if (line > 0)
		snprintf(number, sizeof number, ":%lld", line);
	snprintf(text, sizeof text, "%s%s: %s%s%s", file ? file : "?", number, key,
		 *key ? ": " : "", message ? message : "out of memory");
	fputs(cli_colour(cli, RED), stdout);
	cli_wrap(cli, 0, text);
	fputs(cli_colour(cli, PLAIN), stdout);
}

const char *cli_count(size_t n, const char *thing, char *buffer, size_t size)
{
	snprintf(buffer, size, "%zu %s%s", n, thing, n == 1 ? "" : "s");
	return buffer;
}

void cli_offer(const char *word, const char *prefix)
{
	if (word && *word && strncmp(word, prefix, strlen(prefix)) == 0) {
		cli_text(word);
		putchar('\n');
	}
}

/* ---- tables -------------------------------------------------------------------------------- */

static const char *cell(const json_t *row, size_t column, char *buffer, size_t size)
{
	const char *text = json_string_value(json_array_get(row, column));

	return clean(text ? text : "", buffer, size);
}

/* How many columns stand side by side; the others follow in lines of their own. */
static size_t fitting(const struct cli *cli, const unsigned *widths, size_t columns)
{
	unsigned at = 0;
	size_t n = 0;

	if (!cli->terminal)
		return columns;
	while (n < columns && (n == 0 || at + widths[n] <= cli->columns))
		at += widths[n++] + 2;
	return n;
}

static void print_row(const struct cli *cli, const char *const *cells, const unsigned *widths,
		      size_t columns, size_t fit)
{
	char rest[TABLE_COLUMNS_MAX * CELL_MAX] = "";
	size_t len = 0;

	for (size_t c = 0; c < fit; c++) {
		fputs(cells[c], stdout);
		if (c + 1 < fit)
			printf("%*s", (int)(widths[c] + 2 - width(cells[c], strlen(cells[c]))), "");
	}
	putchar('\n');
	for (size_t c = fit; c < columns; c++) {
		if (*cells[c])
			len += (size_t)snprintf(rest + len, sizeof rest - len, "%s%s",
						len > 0 ? ", " : "", cells[c]);
	}
	if (len > 0)
		cli_wrap(cli, 4, rest);
}

void cli_table(const struct cli *cli, const char *const *headings, size_t columns,
	       const json_t *rows)
{
	unsigned widths[TABLE_COLUMNS_MAX];
	char buffer[TABLE_COLUMNS_MAX][CELL_MAX];
	const char *cells[TABLE_COLUMNS_MAX];
	size_t i, fit;
	json_t *row;

	for (size_t c = 0; c < columns; c++)
		widths[c] = width(headings[c], strlen(headings[c]));
	json_array_foreach(rows, i, row)
	{
		for (size_t c = 0; c < columns; c++) {
			const char *text = cell(row, c, buffer[c], sizeof buffer[c]);
			unsigned w = width(text, strlen(text));

			widths[c] = w > widths[c] ? w : widths[c];
		}
	}
	fit = fitting(cli, widths, columns);
	fputs(cli_colour(cli, BOLD), stdout);
	print_row(cli, headings, widths, columns, fit);
	fputs(cli_colour(cli, PLAIN), stdout);
	json_array_foreach(rows, i, row)
	{
		for (size_t c = 0; c < columns; c++)
			cells[c] = cell(row, c, buffer[c], sizeof buffer[c]);
		print_row(cli, cells, widths, columns, fit);
	}
}

/* ---- times and diagnoses ------------------------------------------------------------------- */

const char *cli_time(int64_t when, char *buffer, size_t size)
{
	time_t t = (time_t)when;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || strftime(buffer, size, "%Y-%m-%d %H:%M UTC", &tm) == 0)
		snprintf(buffer, size, "@%lld", (long long)when);
	return buffer;
}

json_t *cli_diagnosis_json(const struct diagnosis *d)
{
	const struct diagnosis_text *text = diagnosis_text(d->id);
	char cause[2048], next[2048];

	if (d->id == DIAG_NONE)
		return json_object();

	AUTO(json_t) evidence = json_object();

	for (size_t i = 0; i < d->evidence_count; i++)
		json_object_set_new(evidence, d->key[i], json_string(diagnosis_value(d, i)));
	return json_pack("{s:s, s:s, s:s, s:I, s:b, s:O}", "id", text->name, "cause",
			 diagnosis_sentence(d, cause, sizeof cause), "next",
			 diagnosis_next(d, next, sizeof next), "time", (json_int_t)d->when,
			 "reduced", text->reduced, "evidence", evidence);
}

void cli_diagnosis_print(const struct cli *cli, unsigned indent, const json_t *diagnosis)
{
	const char *cause = NULL, *next = NULL;
	int reduced = 0;

	if (json_unpack((json_t *)(uintptr_t)diagnosis, "{s:s, s:s, s?b}", "cause", &cause, "next",
			&next, "reduced", &reduced) < 0)
		return;
	fputs(cli_colour(cli, reduced ? YELLOW : RED), stdout);
	cli_wrap(cli, indent, cause);
	fputs(cli_colour(cli, PLAIN), stdout);
	if (*next)
		cli_wrap(cli, indent, next);
}
