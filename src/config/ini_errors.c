#include "config/ini.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/diagnosis.h"

void ini_errors_add(struct ini_errors *errors, const char *file, int line, const char *key,
		    const char *format, ...)
{
	char text[1024], message[1024], name[256];
	va_list args;

	if (errors->count == INI_ERRORS_MAX) {
		errors->dropped++;
		return;
	}

	struct ini_error *error = &errors->error[errors->count];

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	printable(slice_str(file), name, sizeof name);
	*error = (struct ini_error){
		.file = strdup(name),
		.line = line,
		.message = strdup(printable(slice_str(text), message, sizeof message)),
	};
	printable(slice_str(key), error->key, sizeof error->key);
	errors->count++;
}

int ini_errors_add_no_memory(struct ini_errors *errors, const char *file)
{
	ini_errors_add(errors, file, 0, "", "there is no memory left.");
	return -ENOMEM;
}

void ini_errors_done(struct ini_errors *errors)
{
	while (errors->count > 0) {
		struct ini_error *error = &errors->error[--errors->count];

		free(TAKE(error->file));
		free(TAKE(error->message));
	}
	errors->dropped = 0;
}

void ini_error_print(const struct ini_error *error, FILE *out)
{
	fputs(error->file ? error->file : "?", out);
	if (error->line > 0)
		fprintf(out, ":%d", error->line);
	fprintf(out, ": %s%s%s", error->key, error->key[0] ? ": " : "",
		error->message ? error->message : "out of memory");
}

static void diagnose_first(const struct ini_error *first, struct diagnosis *why)
{
	const char *file = first->file ? first->file : "?", *slash = strrchr(file, '/');
	char line[16] = "";

	if (first->line > 0)
		snprintf(line, sizeof line, ":%d", first->line);
	diagnosis_add(why, "detail", "%s%s: %s%s%s", slash ? slash + 1 : file, line, first->key,
		      first->key[0] ? ": " : "", first->message ? first->message : "out of memory");
	diagnosis_add(why, "file", "%s%s", file, line);
}

void ini_errors_diagnose(const struct ini_errors *errors, const char *file,
			 struct diagnosis *ret_why)
{
	const struct ini_error *first = NULL;
	size_t count = 0;

	for (size_t i = 0; i < errors->count; i++) {
		const struct ini_error *e = &errors->error[i];

		if (file && (!e->file || strcmp(e->file, file) != 0))
			continue;
		first = first ? first : e;
		count++;
	}
	diagnosis_set(ret_why, DIAG_CONFIG);
	if (first)
		diagnose_first(first, ret_why);
	diagnosis_add(ret_why, "errors", "%zu", file ? count : count + errors->dropped);
}

/* ---- the nearest word ---- */

#define WORD_MAX 40

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* How many letters were left out, added, changed or swapped with their neighbour (optimal string
 * alignment); case does not count. */
static size_t distance(const char *a, size_t m, const char *b, size_t n)
{
	size_t d[WORD_MAX + 1][WORD_MAX + 1];

	for (size_t i = 0; i <= m; i++)
		d[i][0] = i;
	for (size_t j = 0; j <= n; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= m; i++) {
		for (size_t j = 1; j <= n; j++) {
			int x = tolower((unsigned char)a[i - 1]);
			int y = tolower((unsigned char)b[j - 1]);

			d[i][j] = least(least(d[i - 1][j], d[i][j - 1]) + 1,
					d[i - 1][j - 1] + (x != y));
			if (i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) &&
			    y == tolower((unsigned char)a[i - 2]))
				d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
		}
	}
	return d[m][n];
}

const char *ini_nearest(const char *wrong, const char *const *candidates, size_t count)
{
	const char *nearest = NULL;
	size_t m = strlen(wrong), best = 0;

	for (size_t i = 0; i < count && m <= WORD_MAX; i++) {
		size_t n = strlen(candidates[i]);

		if (n > WORD_MAX)
			continue;

		size_t d = distance(wrong, m, candidates[i], n);

		/* Half of the word wrong is another word. Of equals the last: newer versions stand
		 * behind older ones. */
		if (d * 2 > (m > n ? m : n) || (nearest && d > best))
			continue;
		nearest = candidates[i];
		best = d;
	}
	return nearest;
}
