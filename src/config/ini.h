/* INI files by table: what every key is, said once.
 *
 * A table of struct ini_key gives each key its place in a struct, its type, range, default and
 * documentation; libinih splits the lines.  Unknown sections and keys, wrong values and doubled
 * keys are errors that name file, line, key, what was expected and the nearest valid word; all
 * errors of a file are collected.  The manual pages are made from the same tables.
 *
 * The language is systemd's: `Key=value` below a `[Section]`, `#` or `;` at the beginning of a line
 * for a comment, lists separated by blanks or by repeating the key, and an empty value that goes
 * back to nothing (a list) or to the default (all else). */
#ifndef CONFIG_INI_H
#define CONFIG_INI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/bytes.h"
#include "base/moment.h"

#define INI_FILE_MAX   (256 * 1024)
#define INI_ERRORS_MAX 64
#define INI_KEYS_MAX   160 /* of one table */
#define INI_LIST_MAX   16  /* items of one list */
#define INI_LINE_MAX   1024

struct ini_error {
	char *file;
	int line;      /* 0: the file as a whole */
	char key[64];  /* "[Server] ServerName=", or "" */
	char *message; /* complete: what, expected what, did you mean; printable */
};

struct ini_errors {
	struct ini_error error[INI_ERRORS_MAX]; /* more are counted, not kept */
	size_t count, dropped;
};

void ini_errors_add(struct ini_errors *errors, const char *file, int line, const char *key,
		    const char *format, ...) __attribute__((format(printf, 5, 6)));
/* The error that a file cannot be taken in for want of memory.  Returns -ENOMEM. */
int ini_errors_add_no_memory(struct ini_errors *errors, const char *file);
void ini_errors_done(struct ini_errors *errors);
/* The first of them, or the first about one file (as ini_error names it), and how many there are.
 */
struct diagnosis;
void ini_errors_diagnose(const struct ini_errors *errors, const char *file,
			 struct diagnosis *ret_why);
/* "file:line: [Section] Key=: message", without a newline. */
void ini_error_print(const struct ini_error *error, FILE *out);

/* Values that are lists. */
struct words {
	char *word[INI_LIST_MAX];
	size_t count;
};

struct spans {
	int64_t seconds[INI_LIST_MAX];
	size_t count;
};

/* A word that stands for a number: of an enum, or "auto" among numbers. */
struct ini_word {
	const char *word;
	long long value;
};

struct ini_key;

/* A type turns text into a field and back.  One that is a list is given one item at a time. */
struct ini_type {
	const char *shown;    /* in the synopsis of the manual: "path ..." */
	const char *expected; /* "an absolute path"; ranges and words are added by the key's row */
	bool list;
	bool whole; /* an item of the list is all that stands on its line, blanks included */
	/* false: not valid, or no memory (errno is then ENOMEM).  The field is as it was. */
	bool (*parse)(const struct ini_key *key, const char *text, void *field);
	void (*print)(const struct ini_key *key, const void *field, FILE *out);
	void (*clear)(void *field); /* NULL: there is nothing to free */
};

struct ini_key {
	const char *section, *name;
	const struct ini_type *type;
	size_t offset, size;   /* the field */
	long long least, most; /* numbers, and spans of time in the field's unit; 0, 0: any */
	const struct ini_word *words; /* ends with a NULL word; NULL: none */
	const char *fallback;	      /* the default as it would be written; NULL: nothing */
	const char *doc; /* plain words; `code` in back quotes; "\n\n" for a paragraph */
};

struct ini_table {
	const struct ini_key *keys;
	size_t count;
};

#define INI_FIELD(type_, field_)                                                                   \
	.offset = offsetof(type_, field_), .size = sizeof(((type_ *)NULL)->field_)

/* clang-format off */
extern const struct ini_type
	ini_bool,	/* bool */
	ini_number,	/* any integer */
	ini_enum,	/* any integer, by its words */
	ini_msec,	/* msec, "30s", "1min 30s" */
	ini_spans,	/* struct spans */
	ini_text,	/* char * */
	ini_path,	/* char *, absolute */
	ini_mac,	/* uint8_t[6] */
	ini_eap_type,	/* char *, "255" or "VENDOR:TYPE" */
	ini_texts,	/* struct words */
	ini_paths,	/* struct words, absolute */
	ini_macs;	/* struct words, in lower case */
/* clang-format on */

/* For types made elsewhere: a text or an item of words is copied into its field. */
bool ini_keep_text(const char *text, void *field);
bool ini_keep_word(const char *text, void *field);
void ini_print_text(const struct ini_key *key, const void *field, FILE *out);
void ini_print_words(const struct ini_key *key, const void *field, FILE *out);
void ini_clear_text(void *field);
void ini_clear_words(void *field);
bool ini_parse_mac(const char *text, uint8_t mac[6]);
struct eap_type;
bool ini_eap_type_of(const char *text, struct eap_type *ret_type);

/* The line on which each key of the table was last set; 0 if it was not. */
struct ini_lines {
	int line[INI_KEYS_MAX];
};

/* The text of a file; refused when strangers could have written it.  0, or -errno with an entry in
 * *errors. */
int ini_read(const char *path, struct bytes *ret_text, struct ini_errors *errors);

/* Defaults first, then what the text says.  into is all zeros before; afterwards ini_done frees
 * what it holds, also after an error.  0, or -EINVAL with an entry in *errors for each; file is for
 * those. */
int ini_parse_text(const struct ini_table *table, struct slice text, const char *file, void *into,
		   struct ini_lines *ret_lines, struct ini_errors *errors);
void ini_done(const struct ini_table *table, void *into);

/* All values in the order of the table, "Section.Key=value\n": equal settings print equally. */
void ini_print(const struct ini_table *table, const void *values, FILE *out);

/* "Name", or "Section.Name" where there are several; of those the first otherwise. */
const struct ini_key *ini_find(const struct ini_table *table, const char *name);
/* An error about a key of which each value by itself is right. */
#define ini_errors_add_key(errors, file, table, lines, name, ...)                                  \
	ini_errors_add(errors, file, ini_line_of(table, lines, name),                              \
		       ini_key_label(ini_find(table, name), (char[64]){ 0 }, 64), __VA_ARGS__)
int ini_line_of(const struct ini_table *table, const struct ini_lines *lines, const char *name);
const char *ini_key_label(const struct ini_key *key, char *buffer, size_t size);

/* "a whole number from 1 to 253, or auto": for errors and for the manual. */
void ini_print_expected(const struct ini_key *key, FILE *out);

/* The candidate that was probably meant; NULL when none is near. */
const char *ini_nearest(const char *wrong, const char *const *candidates, size_t count);

#endif
