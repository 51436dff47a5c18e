/* What a command says: for people, as text that fits 80 columns, or with --json as one JSON value,
 * to standard output.  What went wrong goes to standard error (and with --json, as an object, to
 * standard output too): what happened, to what, why, what to do.  latchkeyctl and the commands of
 * latchkey-authd share it. */
#ifndef CONSOLE_OUTPUT_H
#define CONSOLE_OUTPUT_H

#include <jansson.h>
#include <stdbool.h>

#include "base/diagnosis.h"
#include "base/own.h"

enum exit_status {
	DONE = 0,
	FAILED = 1,
	USAGE = 2,
	NOT_AUTHORISED = 3,
	NO_SERVICE = 4,
};

/* What the command line said. */
struct cli {
	const char *program; /* "latchkeyctl", for messages */
	bool json, help, version;
	int wait;		     /* seconds; -1: do not */
	const char *config;	     /* --config, the file of the service */
	const char *keystore;	     /* --keystore; NULL: what the configuration says */
	const char *passphrase_file; /* --passphrase-file; NULL without */
	const char *key;	     /* --key */
	const char *key_uri;	     /* --key-uri */
	const char *output;	     /* --output */
	bool secret;		     /* --secret */
	const char *token;	     /* --token */
	const char *token_file;	     /* --token-file */
	const char *factory;	     /* --factory */
	const char *name;	     /* --name */
	const char *profile;	     /* --profile */

	/* arguments after the command's name, ending with NULL */
	char **args;
	int count;

	bool terminal;	  /* standard output is one */
	bool colour;	  /* and NO_COLOR is not set */
	unsigned columns; /* 80, or the width of the terminal */
};

/* json_t is counted and freed as in "Who owns what". */
DEFINE_AUTO(json_t, json_decref);

/* Whether standard output is a terminal, how wide, and whether it is to have colour. */
void cli_look_at_terminal(struct cli *cli);

/* Says what went wrong and returns the status.  what: "cannot import host"; why: "the file has no
 * key"; next: what to do, or NULL. */
enum exit_status cli_fail(const struct cli *cli, enum exit_status status, const char *what,
			  const char *why, const char *next);
/* The same from a diagnosis. */
enum exit_status cli_fail_diagnosis(const struct cli *cli, const char *what,
				    const struct diagnosis *why);
/* What is worth saying besides the result; not with --json. */
void cli_note(const struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Prints a value as JSON, on one line or indented for a terminal. */
enum exit_status cli_json(const struct cli *cli, const json_t *value);

enum colour { PLAIN, BOLD, GREEN, YELLOW, RED, DIM };
const char *cli_colour(const struct cli *cli, enum colour colour); /* "" without colour */

/* Text of whatever origin: control characters do not get through. */
void cli_text(const char *text);
/* A paragraph, wrapped, each line indented. */
void cli_wrap(const struct cli *cli, unsigned indent, const char *text);
/* The same, when the first line has begun and stands at a column. */
void cli_wrap_from(const struct cli *cli, unsigned indent, unsigned at, const char *text);
/* "  Name         value" */
void cli_field(const struct cli *cli, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* An error of a file: "FILE:LINE: KEY: message", wrapped; line 0 is the file as a whole. */
void cli_file_error(const struct cli *cli, const char *file, long long line, const char *key,
		    const char *message);
/* "1 profile", "2 profiles", in the buffer, which is returned. */
const char *cli_count(size_t n, const char *thing, char *buffer, size_t size);

/* For completion: a line with the word, if it begins so. NULL and "" are no words. */
void cli_offer(const char *word, const char *prefix);

/* Rows of strings (a JSON array of arrays) under headings, columns as wide as needed; those for
 * which a terminal is too narrow follow below, set in. */
void cli_table(const struct cli *cli, const char *const *headings, size_t columns,
	       const json_t *rows);

/* "2026-11-21 22:04 UTC"; the buffer holds at least 32 octets and is returned. */
const char *cli_time(int64_t when, char *buffer, size_t size);

/* A diagnosis in its JSON form (id, cause, next, time, reduced, evidence), as it is on the bus. */
json_t *cli_diagnosis_json(const struct diagnosis *diagnosis);
/* Prints one in that form for people, indented. */
void cli_diagnosis_print(const struct cli *cli, unsigned indent, const json_t *diagnosis);

#endif
