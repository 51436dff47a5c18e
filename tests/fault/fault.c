#include "tests/fault/fault.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>

#define ALLOCATIONS_MAX 1000000

static unsigned long countdown; /* to the allocation that fails; 0: none does */
static bool for_good, happened;
static int results, failures;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *p, size_t size);

bool fault_happened(void)
{
	return happened;
}

bool fault_lasts(void)
{
	return happened && for_good;
}

static bool fails(void)
{
	if (fault_lasts())
		return true;
	if (countdown == 0 || --countdown > 0)
		return false;
	happened = true;
	return true;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return fails() ? NULL : __real_realloc(p, size);
}

static void *crypto_malloc(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return __wrap_malloc(size);
}

static void *crypto_realloc(void *p, size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return __wrap_realloc(p, size);
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

/* False when the scene is over before its nth allocation. */
static bool play(bool (*scene)(void), unsigned long n, bool *ret_passed)
{
	happened = false;
	countdown = n;
	*ret_passed = scene();

	bool reached = happened;

	happened = false;
	countdown = 0;
	return reached;
}

void fault_each(const char *name, bool (*scene)(void))
{
	static const char *const modes[] = { "fails", "and all further ones fail" };
	unsigned long played = 0;
	bool passed = true;

	for (int mode = 0; mode < 2; mode++) {
		bool right = true, reached = true;

		for_good = mode == 1;
		for (unsigned long n = 1; reached && n < ALLOCATIONS_MAX; n++, played++) {
			reached = play(scene, n, &right);
			if (!right)
				printf("# wrong when allocation %lu %s\n", n, modes[mode]);
			passed = passed && right;
		}
	}
	for_good = false;
	failures += !passed;
	printf("%sok %d - %s (%lu plays)\n", passed ? "" : "not ", ++results, name, played);
	fflush(stdout);
}

int fault_end(void)
{
	printf("1..%d\n", results);
	return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
