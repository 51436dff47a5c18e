/* The main of every unit test program: runs the registered tests by CUnit, reports by TAP. */
#include "tests/test.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>

static struct test *first, **last = &first;
static int number;
static const char *skipped;

void test_register(struct test *test)
{
	*last = test;
	last = &test->next;
}

void test_skip(const char *why)
{
	skipped = why;
}

void test_note(const char *format, ...)
{
	va_list args;

	fputs("# ", stdout);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	fputc('\n', stdout);
}

static void started(const CU_pTest test, const CU_pSuite suite)
{
	(void)test;
	(void)suite;
	skipped = NULL;
}

static void completed(const CU_pTest test, const CU_pSuite suite, const CU_pFailureRecord failures)
{
	(void)suite;
	for (CU_pFailureRecord f = failures; f; f = f->pNext) {
		if (f->pTest == test)
			printf("# %s:%u: %s\n", f->strFileName, f->uiLineNumber, f->strCondition);
	}

	bool failed = failures && failures->pTest == test;

	printf("%sok %d - %s", failed ? "not " : "", ++number, test->pName);
	if (!failed && skipped)
		printf(" # SKIP %s", skipped);
	putchar('\n');
	fflush(stdout);
}

/* With an argument only the tests whose name contains it are run. */
int main(int argc, char **argv)
{
	if (CU_initialize_registry() != CUE_SUCCESS)
		return EXIT_FAILURE;

	CU_pSuite suite = CU_add_suite("unit", NULL, NULL);
	int count = 0;

	for (struct test *t = first; t; t = t->next) {
		if (argc > 1 && !strstr(t->name, argv[1]))
			continue;
		CU_add_test(suite, t->name, t->run);
		count++;
	}
	printf("1..%d\n", count);
	CU_set_test_start_handler(started);
	CU_set_test_complete_handler(completed);
	CU_set_error_action(CUEA_IGNORE);
	CU_run_all_tests();

	unsigned failed = CU_get_number_of_tests_failed();

	CU_cleanup_registry();
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
