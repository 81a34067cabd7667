/* The heap's door, and the two things done to secrets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"

static void
allocations_are_mallocs(void **state)
{
	uint8_t *zeroed = bt_mem_alloc(100), *raw = bt_mem_alloc_raw(100);

	for (int i = 0; i < 100; i++)
		assert_int_equal(zeroed[i], 0);
	memset(raw, 1, 100);
	/* A program frees outputs with free(3). */
	free(zeroed);
	free(raw);
	bt_mem_free(NULL);
	bt_mem_free_secret(NULL, 10);
}

static void
nothing_is_something(void **state)
{
	void *zeroed = bt_mem_alloc(0), *raw = bt_mem_alloc_raw(0), *copy = bt_mem_dup(NULL, 0);
	char *text = bt_mem_strdup(NULL, 0);

	assert_non_null(zeroed);
	assert_non_null(raw);
	assert_non_null(copy);
	assert_string_equal(text, "");
	bt_mem_free(zeroed);
	bt_mem_free(raw);
	bt_mem_free(copy);
	bt_mem_free(text);
}

/* The address sanitizer ends a program that asks for too much, unless it is told not to. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);

const char *
__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

static void
too_much_is_null(void **state)
{
	volatile size_t len = PTRDIFF_MAX; /* or the compiler warns of what is tested */

	assert_null(bt_mem_alloc(len));
	assert_null(bt_mem_alloc_raw(len));
}

static void
copies_are_whole(void **state)
{
	uint8_t *copy = bt_mem_dup("a\0b", 3);
	char *text = bt_mem_strdup("principal", 5);

	assert_memory_equal(copy, "a\0b", 3);
	assert_string_equal(text, "princ");
	bt_mem_free_secret(copy, 3);
	bt_mem_free(text);
}

static void
wipe_wipes_what_it_is_told(void **state)
{
	uint8_t bytes[5] = {1, 2, 3, 4, 5};

	bt_mem_wipe(bytes + 1, 3);
	assert_memory_equal(bytes, "\x01\0\0\0\x05", 5);
	bt_mem_wipe(NULL, 0);
	bt_mem_wipe(bytes, 0);
	assert_int_equal(bytes[0], 1);
}

static void
equal_looks_at_every_bit(void **state)
{
	uint8_t a[33], b[33];

	memset(a, 0x5a, sizeof a);
	memcpy(b, a, sizeof a);
	assert_true(bt_mem_equal(a, b, sizeof a));
	assert_true(bt_mem_equal(NULL, NULL, 0));
	for (size_t bit = 0; bit < sizeof b * 8; bit++) {
		b[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_false(bt_mem_equal(a, b, sizeof a));
		assert_true(bt_mem_equal(a, b, bit / 8));
		b[bit / 8] = a[bit / 8];
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(allocations_are_mallocs),	  cmocka_unit_test(nothing_is_something),
	    cmocka_unit_test(too_much_is_null),		  cmocka_unit_test(copies_are_whole),
	    cmocka_unit_test(wipe_wipes_what_it_is_told), cmocka_unit_test(equal_looks_at_every_bit),
	};

	return cmocka_run_group_tests_name("base/mem", tests, NULL, NULL);
}
