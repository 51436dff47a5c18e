/* Conversations with a machine, as text: the files of tests/talk.
 *
 *	# an offered method we refuse is answered with a Nak
 *	up
 *	> 01 01 0005 01              identity request
 *	< 02 01 000e 01 "anonymous"
 *	-                            silence
 *
 * A block of lines is one test, and one line of TAP.  It ends at a blank line or where the next '#'
 * begins; the first '#' line in front of it is its name, further ones are for the reader.  What the
 * first word of a line means is the runner's; script.c reads files, words and bytes, and counts.
 *
 * Bytes are hexadecimal digits in pairs, grouped as you like, "quoted text" (\" and \\ inside), and
 * XX*N for N octets of one value.  Two blanks, a tab or a '#' end them, and what follows is for the
 * reader. */
#ifndef TESTS_TALK_SCRIPT_H
#define TESTS_TALK_SCRIPT_H

#include "base/bytes.h"
#include "base/diagnosis.h"
#include "base/machine.h"
#include "base/moment.h"

struct script_line {
	const char *file;
	unsigned number;
	const char *verb; /* the first word: "up", ">", "-" */
	const char *rest; /* what follows, blanks around it removed; "" if nothing does */
};

/* One kind of conversation.  `it` is what the runner gave to script_main. */
struct script_runner {
	const char *files; /* in tests/talk/ if the command line names none: "peer*.txt" */
	/* A block begins: a fresh machine. */
	void (*begin)(void *it);
	/* Does what the line says.  False, by way of script_fail, if the machine does otherwise or
	 * the line makes no sense; then the rest of the block is left out. */
	bool (*line)(void *it, const struct script_line *line);
	/* The block is over, whatever came of it: the machine is dropped.  `last` is its last line.
	 * False, by way of script_fail, if it left something that no line asked for. */
	bool (*end)(void *it, const struct script_line *last);
	/* All blocks are done; may add results of its own.  May be NULL. */
	void (*finish)(void *it);
};

/* The whole program: the exit status for main. */
int script_main(int argc, char **argv, const struct script_runner *runner, void *it);

/* What a line may begin with. */
struct script_verb {
	const char *verb;
	bool (*run)(void *it, const struct script_line *line);
	bool event; /* nothing that the machine said before may be left over */
};

/* A runner's `line` by a table that ends with an empty verb.  `settled` is asked before each event;
 * false, by way of script_fail, if the machine said something that no line asked for. */
CHECKED bool script_run(const struct script_verb *verbs,
			bool (*settled)(void *it, const struct script_line *line), void *it,
			const struct script_line *line);

/* Says where and why; returns false. */
bool script_fail(const struct script_line *line, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* One more line of TAP. */
void script_result(bool passed, const char *name);

/* Appends the bytes that text begins with.  False if they are not well formed.  ret_comment (may be
 * NULL) is where the text for the reader begins. */
CHECKED bool script_bytes(const char *text, struct bytes *ret_bytes, const char **ret_comment);
/* The bytes in line->rest are those in got; if not, shows both. */
CHECKED bool script_expect(const struct script_line *line, struct slice got);
/* The next word of *at, which moves behind it; false when there is none, or none so short. */
CHECKED bool script_word(const char **at, char *ret_word, size_t size);
/* The word is a number, decimal or 0x…. */
CHECKED bool script_number(const char *word, unsigned long *ret_number);

/* The whole line is a number. */
CHECKED bool script_only_number(const struct script_line *line, unsigned long *ret_number);

/* Expectations that most machines share.  The first word is `state`. */
CHECKED bool script_state(const struct script_line *line, const char *state);
/* A number of milliseconds from now, or "never". */
CHECKED bool script_deadline(const struct script_line *line, msec now, msec deadline);
/* ID [KEY "VALUE"]. */
CHECKED bool script_diagnosis(const struct script_line *line, const struct diagnosis *d);

/* NAME N of one of these, of which the last has no name. */
struct script_counter {
	const char *name;
	uint32_t value;
};

CHECKED bool script_count(const struct script_line *line, const struct script_counter *counters);

/* Bytes and their meaning, one per line, '#' lines and empty ones apart: tests/vectors/NAME.  False
 * if the file cannot be read or has a line that is none. */
CHECKED bool script_vectors(const char *name,
			    void (*each)(const struct script_line *line, struct slice bytes,
					 const char *meaning));

/* Which arrows of a machine were taken: hand arrows_moved to the machine as its observer with a
 * struct arrows as context.  At the end arrows_all makes a result of it, and names those missing.
 */
#define ARROWS_MAX 256

struct arrows {
	struct machine_arrow seen[ARROWS_MAX];
	size_t count;
};

void arrows_moved(void *arrows, const char *machine, const char *from, size_t arrow, bool global,
		  const char *to);
/* table lists the nth arrow of the machine, and returns false past the last. */
void arrows_all(const struct arrows *arrows, const char *machine,
		bool (*table)(size_t n, struct machine_arrow *ret_arrow));

#endif
