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
	struct machine_needs_a_semicolon_##prefix

#endif
