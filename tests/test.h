/* Unit tests: CUnit inside, TAP outside, so that `make check` counts every test.
 *
 *	TEST(slices_compare)
 *	{
 *		CHECK(slice_eq(slice_str("a"), slice_str("a")));
 *	}
 *
 * Each file of tests is a program; tests/unit/tap.c has its main.  CHECK goes on after a failure,
 *REQUIRE leaves the test; CHECK_INT and CHECK_STR show both values. */
#ifndef TESTS_TEST_H
#define TESTS_TEST_H

#include <CUnit/CUnit.h>
#include <stdio.h>
#include <string.h>

struct test {
	const char *name;
	void (*run)(void);
	struct test *next;
};

void test_register(struct test *test);
/* Ends the running test as skipped, with the reason shown. */
void test_skip(const char *why);
void test_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define TEST(fn)                                                                                   \
	static void fn(void);                                                                      \
	static struct test test_##fn = { #fn, fn, NULL };                                          \
	__attribute__((constructor)) static void register_##fn(void)                               \
	{                                                                                          \
		test_register(&test_##fn);                                                         \
	}                                                                                          \
	static void fn(void)

#define CHECK(what)   CU_ASSERT(what)
#define REQUIRE(what) CU_ASSERT_FATAL(what)

#define CHECK_INT(got, wanted)                                                                     \
	do {                                                                                       \
		long long got_ = (long long)(got), wanted_ = (long long)(wanted);                  \
		if (got_ != wanted_)                                                               \
			test_note("%s is %lld, wanted %lld", #got, got_, wanted_);                 \
		CU_assertImplementation(got_ == wanted_, __LINE__, #got " == " #wanted, __FILE__,  \
					"", CU_FALSE);                                             \
	} while (0)

#define CHECK_STR(got, wanted)                                                                     \
	do {                                                                                       \
		const char *got_ = (got), *wanted_ = (wanted);                                     \
		bool same_ = got_ && wanted_ && strcmp(got_, wanted_) == 0;                        \
		if (!same_)                                                                        \
			test_note("%s is \"%s\", wanted \"%s\"", #got, got_ ? got_ : "(null)",     \
				  wanted_ ? wanted_ : "(null)");                                   \
		CU_assertImplementation(same_, __LINE__, #got " == " #wanted, __FILE__, "",        \
					CU_FALSE);                                                 \
	} while (0)

#endif
