/* A specification's state machine as a table.
 *
 * A figure or transition table of an RFC becomes one array: a block per box, its name, what is done
 * on entry, and its exits in the order of the specification.  MACHINE(prefix, struct) makes the
 * types for such a table and the engine, which only follows arrows; it decides nothing.
 *
 * An arrow whose `when` is NULL does not exist and ends the list.  `always` (UCT in the RFCs) is a
 * predicate like the others.  Global transitions are a box of their own, looked at first; one that
 * leads to the state the machine is in already is not taken again. */
#ifndef BASE_MACHINE_H
#define BASE_MACHINE_H

#include <stdbool.h>
#include <stddef.h>

/* Told of every arrow that a machine takes: for logs, and for the test that checks that every arrow
 * has been taken.  Must not touch the machine.  `arrow` counts the exits of `from` (of the global
 * box if `global`) from 0. */
struct observer {
	void (*moved)(void *context, const char *machine, const char *from, size_t arrow,
		      bool global, const char *to);
	void *context;
};

/* One arrow of a table, for those who must know them all.  From the global box, `from` is "*". */
struct machine_arrow {
	const char *from;
	size_t arrow;
	bool global;
	const char *to;
};

#define MACHINE_EXITS_MAX 12

/* What the engine allows in one run before it calls the table wrong (an assertion: no input of a
 * peer decides how many arrows can follow each other). */
#define MACHINE_STEPS_MAX 64

#define MACHINE(prefix, subject)                                                                   \
	struct prefix##_arrow {                                                                    \
		bool (*when)(const subject *);                                                     \
		int to;                                                                            \
	};                                                                                         \
	struct prefix##_box {                                                                      \
		const char *name;                                                                  \
		void (*enter)(subject *);                                                          \
		struct prefix##_arrow exits[MACHINE_EXITS_MAX];                                    \
	};                                                                                         \
	static bool prefix##_follow(const char *machine, const struct prefix##_box *boxes,         \
				    const struct prefix##_box *global, subject *it, int *state,    \
				    const struct observer *observer)                               \
	{                                                                                          \
		const struct prefix##_box *const sources[] = { global, &boxes[*state] };           \
		for (size_t s = 0; s < 2; s++) {                                                   \
			for (size_t i = 0;                                                         \
			     sources[s] && i < MACHINE_EXITS_MAX && sources[s]->exits[i].when;     \
			     i++) {                                                                \
				int to = sources[s]->exits[i].to;                                  \
				if ((s == 0 && to == *state) || !sources[s]->exits[i].when(it))    \
					continue;                                                  \
				if (observer && observer->moved)                                   \
					observer->moved(observer->context, machine,                \
							boxes[*state].name, i, s == 0,             \
							boxes[to].name);                           \
				*state = to;                                                       \
				if (boxes[to].enter)                                               \
					boxes[to].enter(it);                                       \
				return true;                                                       \
			}                                                                          \
		}                                                                                  \
		return false;                                                                      \
	}                                                                                          \
	/* The nth arrow of the table, the global ones first; false past the last. */              \
	__attribute__((unused)) static bool prefix##_arrow_at(                                     \
		const struct prefix##_box *boxes, size_t count, const struct prefix##_box *global, \
		size_t n, struct machine_arrow *ret_arrow)                                         \
	{                                                                                          \
		for (size_t b = global ? 0 : 1; b <= count; b++) {                                 \
			const struct prefix##_box *box = b == 0 ? global : &boxes[b - 1];          \
			for (size_t i = 0; i < MACHINE_EXITS_MAX && box->exits[i].when; i++) {     \
				if (n-- > 0)                                                       \
					continue;                                                  \
				*ret_arrow =                                                       \
					(struct machine_arrow){ b == 0 ? "*" : box->name, i,       \
								b == 0,                            \
								boxes[box->exits[i].to].name };    \
				return true;                                                       \
			}                                                                          \
		}                                                                                  \
		return false;                                                                      \
	}                                                                                          \
	struct machine_needs_a_semicolon_##prefix

#endif
