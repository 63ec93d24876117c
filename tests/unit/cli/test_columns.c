/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/columns.h"

static void assert_table(const struct columns *columns, unsigned right, const char *expected)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	columns_print(columns, out, right);
	fclose(out);
	assert_string_equal(text, expected);
	free(text);
}

static void columns_are_aligned_by_what_is_seen(void **state)
{
	_cleanup_columns_ struct columns table = { .width = 3 };

	columns_add(&table, "é");
	columns_add(&table, "12");
	columns_add(&table, "x");
	columns_add(&table, "abc");
	columns_add(&table, "3");
	columns_add(&table, "y");
	assert_table(&table, 1U << 1, "é    12  x\nabc   3  y\n");
}

static void an_empty_cell_is_a_dash(void **state)
{
	_cleanup_columns_ struct columns table = { .width = 1 };

	columns_add(&table, "");
	columns_add(&table, NULL);
	columns_add_foreign(&table, NULL, 10);
	assert_table(&table, 0, "-\n-\n-\n");
}

static void foreign_text_is_escaped_and_cut_at_a_character(void **state)
{
	_cleanup_columns_ struct columns table = { .width = 1 };

	columns_add_foreign(&table, "\033[2J", 20);
	columns_add_foreign(&table, "ééééé", 4);
	columns_add_foreign(&table, "éééé", 4);
	assert_table(&table, 0, "\\x1b[2J\nééé…\néééé\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_are_aligned_by_what_is_seen),
		cmocka_unit_test(an_empty_cell_is_a_dash),
		cmocka_unit_test(foreign_text_is_escaped_and_cut_at_a_character),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
