/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mcp/arena.h"

static void memory_is_zero_and_stays_until_the_reset(void **state)
{
	struct arena arena = { 0 };
	char *small = arena_alloc(&arena, 10);
	char *large = arena_alloc(&arena, 100000);

	assert_non_null(small);
	assert_non_null(large);
	assert_int_equal(large[99999], 0);
	memset(small, 1, 10);
	memset(large, 2, 100000);
	for (int i = 0; i < 1000; i++)
		assert_non_null(arena_alloc(&arena, 100));
	assert_int_equal(small[9], 1);
	assert_int_equal(large[99999], 2);
	arena_reset(&arena);
	small = arena_alloc(&arena, 10);
	assert_int_equal(small[9], 0);
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_zero_and_stays_until_the_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
