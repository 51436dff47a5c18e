/* The nth allocation fails, for every n.
 *
 * A program of tests/fault links with $(FAULT_LINK), so that what this project allocates comes by
 * here, and OpenSSL's memory too.  A scene does something from beginning to end, and survives: no
 * crash, no leak (run it with sanitizers), and what it checks afterwards is true.
 *
 * Each of our own allocations fails once, and once with all that come after it, OpenSSL's as well.
 * Then the same with all allocations of the scene, or an even sample of them where OpenSSL makes
 * many. */
#ifndef TESTS_FAULT_FAULT_H
#define TESTS_FAULT_FAULT_H

#include <stdbool.h>

/* First thing in main: before OpenSSL allocates anything. */
void fault_init(void);

/* Plays the scene without a fault, then with each in turn.  A scene returns false when something is
 * not as it should be.  One line of TAP. */
void fault_each(const char *name, bool (*scene)(void));
/* True if an allocation has failed in this scene (so far). */
bool fault_happened(void);
/* True if it has, and there is no memory from then on. */
bool fault_lasts(void);
/* What is not to be tried, but is part of the scene, such as a server: nothing fails and nothing is
 * counted between the two. */
void fault_suspend(void);
void fault_resume(void);

/* The plan of TAP; the exit status for main. */
int fault_end(void);

#endif
