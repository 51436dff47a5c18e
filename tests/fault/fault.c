#include "tests/fault/fault.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How often a scene is played with each kind of fault, all of our own allocations apart.  More in
 * the environment: FAULT_SAMPLE=100000 fails every single one. */
#define SAMPLE 100

enum whose { OURS, ANYBODYS };

static enum whose counted;
static unsigned long countdown; /* to the allocation that fails; 0: none does */
static unsigned long counts[2];
static bool for_good, happened;
static int suspended, results, failures;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *p, size_t size);
FILE *__real_open_memstream(char **text, size_t *size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_reallocarray(void *p, size_t count, size_t size);
char *__wrap_strdup(const char *text);
int __wrap_asprintf(char **text, const char *format, ...) __attribute__((format(printf, 2, 3)));
FILE *__wrap_open_memstream(char **text, size_t *size);
int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

bool fault_happened(void)
{
	return happened;
}

bool fault_lasts(void)
{
	return happened && for_good;
}

void fault_suspend(void)
{
	suspended++;
}

void fault_resume(void)
{
	suspended--;
}

static bool fails(enum whose whose)
{
	if (suspended)
		return false;
	counts[ANYBODYS]++;
	counts[OURS] += whose == OURS;
	if (!fault_lasts()) {
		if (whose > counted || countdown == 0 || --countdown > 0)
			return false;
		happened = true;
	}
	errno = ENOMEM;
	return true;
}

/* ---- ours ---- */

void *__wrap_malloc(size_t size)
{
	return fails(OURS) ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails(OURS) ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return fails(OURS) ? NULL : __real_realloc(p, size);
}

void *__wrap_reallocarray(void *p, size_t count, size_t size)
{
	return fails(OURS) || (size && count > SIZE_MAX / size) ? NULL
								: __real_realloc(p, count * size);
}

char *__wrap_strdup(const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = fails(OURS) ? NULL : __real_malloc(size);

	return copy ? memcpy(copy, text, size) : NULL;
}

int __wrap_asprintf(char **text, const char *format, ...)
{
	va_list args;
	int n = -1;

	va_start(args, format);
	if (!fails(OURS))
		n = vasprintf(text, format, args);
	va_end(args);
	return n;
}

FILE *__wrap_open_memstream(char **text, size_t *size)
{
	return fails(OURS) ? NULL : __real_open_memstream(text, size);
}

/* ---- OpenSSL's ---- */

static void *crypto_malloc(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return fails(ANYBODYS) ? NULL : __real_malloc(size);
}

static void *crypto_realloc(void *p, size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return fails(ANYBODYS) ? NULL : __real_realloc(p, size);
}

static void crypto_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	free(p);
}

void fault_init(void)
{
	if (!CRYPTO_set_mem_functions(crypto_malloc, crypto_realloc, crypto_free))
		abort();
}

/* ---- plays ---- */

static bool play(bool (*scene)(void), unsigned long n)
{
	bool right;

	counts[OURS] = counts[ANYBODYS] = 0;
	happened = false;
	countdown = n;
	right = scene();
	happened = false;
	countdown = 0;
	return right;
}

/* The nth, for each step-th n; returns the number of plays. */
static unsigned long play_each(bool (*scene)(void), unsigned long last, unsigned long step,
			       bool *passed)
{
	static const char *const owners[] = { "allocation of ours", "allocation" };
	unsigned long played = 0;

	for (int mode = 0; mode < 2; mode++) {
		for_good = mode == 1;
		for (unsigned long n = 1; n <= last; n += step, played++) {
			if (play(scene, n))
				continue;
			printf("# wrong when %s %lu %s\n", owners[counted], n,
			       for_good ? "and all further ones fail" : "fails");
			*passed = false;
		}
	}
	for_good = false;
	return played;
}

void fault_each(const char *name, bool (*scene)(void))
{
	bool passed = play(scene, 0); /* also whatever OpenSSL makes once and keeps */
	const char *wanted = getenv("FAULT_SAMPLE");
	unsigned long sample = wanted ? strtoul(wanted, NULL, 10) : SAMPLE;
	unsigned long played = 1, ours, all;

	if (!passed || !play(scene, 0))
		printf("# wrong without a fault\n");
	ours = counts[OURS];
	all = counts[ANYBODYS];
	counted = OURS;
	played += play_each(scene, ours, 1, &passed);
	counted = ANYBODYS;
	if (all > ours)
		played += play_each(scene, all, all / (sample + 1) + 1, &passed);
	if (__lsan_do_recoverable_leak_check && __lsan_do_recoverable_leak_check())
		passed = false;
	failures += !passed;
	printf("%sok %d - %s (%lu plays of %lu allocations, %lu of them ours)\n",
	       passed ? "" : "not ", ++results, name, played, all, ours);
	fflush(stdout);
}

int fault_end(void)
{
	printf("1..%d\n", results);
	return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
