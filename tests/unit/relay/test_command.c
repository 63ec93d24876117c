/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "relay/command.h"

static char where[] = "/tmp/mcpfloor-command-XXXXXX";

static void make(const char *name, mode_t mode)
{
	FILE *file = fopen(name, "we");

	assert_non_null(file);
	fclose(file);
	assert_int_equal(chmod(name, mode), 0);
}

static int setup(void **state)
{
	if (!mkdtemp(where) || chdir(where) < 0)
		return -1;
	make("tool", 0755);
	make("data", 0644);
	return mkdir("dir", 0755);
}

static int teardown(void **state)
{
	unlink("tool");
	unlink("data");
	rmdir("dir");
	return chdir("/") < 0 ? -1 : rmdir(where);
}

static void a_name_with_a_slash_is_not_searched(void **state)
{
	setenv("PATH", where, 1);
	assert_int_equal(command_check("./tool"), 0);
	assert_int_equal(command_check("./data"), -EACCES);
	assert_int_equal(command_check("./dir"), -EACCES);
	assert_int_equal(command_check("./none"), -ENOENT);
	assert_int_equal(command_check("dir/tool"), -ENOENT);
	assert_int_equal(command_check(""), -ENOENT);
}

static void path_is_searched_in_order_and_an_empty_part_is_here(void **state)
{
	setenv("PATH", "/nonexistent:/dev/null/x:", 1);
	assert_int_equal(command_check("tool"), 0);
	setenv("PATH", "/nonexistent::/bin", 1);
	assert_int_equal(command_check("tool"), 0);
	setenv("PATH", "/nonexistent", 1);
	assert_int_equal(command_check("tool"), -ENOENT);
	setenv("PATH", "", 1);
	assert_int_equal(command_check("tool"), 0);
}

static void what_may_not_be_executed_is_told_only_when_nothing_else_is_found(void **state)
{
	setenv("PATH", ":/nonexistent", 1);
	assert_int_equal(command_check("data"), -EACCES);
	make("cat", 0644);
	setenv("PATH", ":/bin", 1);
	assert_int_equal(command_check("cat"), 0);
	unlink("cat");
}

static void without_a_path_the_usual_places_are_searched(void **state)
{
	unsetenv("PATH");
	assert_int_equal(command_check("sh"), 0);
	assert_int_equal(command_check("tool"), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_with_a_slash_is_not_searched),
		cmocka_unit_test(path_is_searched_in_order_and_an_empty_part_is_here),
		cmocka_unit_test(what_may_not_be_executed_is_told_only_when_nothing_else_is_found),
		cmocka_unit_test(without_a_path_the_usual_places_are_searched),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
