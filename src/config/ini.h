/* INI files by table: what every key is, said once.
 *
 * libinih splits the file; a table of struct ini_key gives each key its place in a struct, its
 * type, range, default and documentation.  Unknown sections and keys, wrong values and doubled keys
 * are errors that name file, line, key, what was expected and the nearest valid word. */
#ifndef CONFIG_INI_H
#define CONFIG_INI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define INI_FILE_MAX   (256 * 1024)
#define INI_ERRORS_MAX 64

struct ini_error {
	char *file;
	int line; /* 0: the file as a whole */
	char key[64];
	char *message; /* complete: what, expected what, did you mean */
};

struct ini_errors {
	struct ini_error error[INI_ERRORS_MAX]; /* more are counted, not kept */
	size_t count, dropped;
};

void ini_errors_add(struct ini_errors *errors, const char *file, int line, const char *key,
		    const char *format, ...) __attribute__((format(printf, 5, 6)));
void ini_errors_done(struct ini_errors *errors);

struct ini_key; /* the table's row: ini.c and keys.h */

#endif
