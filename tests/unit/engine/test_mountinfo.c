/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/mountinfo.h"

static char text[4096];

static char *table(const char *lines)
{
	snprintf(text, sizeof(text), "%s", lines);
	return text;
}

static void a_line_is_taken_apart(void **state)
{
	char *at = table("36 35 98:0 /sub /mnt rw,noatime shared:1 master:2 - ext3 /dev/root rw\n");
	struct mount_line line;

	(void)state;
	assert_true(mount_line_next(&at, &line));
	assert_int_equal(line.id, 36);
	assert_string_equal(line.dev, "98:0");
	assert_string_equal(line.root, "/sub");
	assert_string_equal(line.point, "/mnt");
	assert_string_equal(line.type, "ext3");
	assert_false(mount_line_next(&at, &line));
}

static void optional_fields_may_be_absent_and_the_source_empty(void **state)
{
	char *at = table("1 0 0:1 / / rw - tmpfs  rw\n2 1 0:2 / /a rw - proc proc rw");
	struct mount_line line;

	(void)state;
	assert_true(mount_line_next(&at, &line));
	assert_string_equal(line.type, "tmpfs");
	assert_true(mount_line_next(&at, &line));
	assert_int_equal(line.id, 2);
	assert_false(mount_line_next(&at, &line));
}

static void escapes_are_undone(void **state)
{
	char *at = table("1 0 0:1 / /a\\040b\\011c\\012d\\134e rw - tmpfs x rw\n");
	struct mount_line line;

	(void)state;
	assert_true(mount_line_next(&at, &line));
	assert_string_equal(line.point, "/a b\tc\nd\\e");
}

static void what_is_no_line_is_passed_over(void **state)
{
	char *at = table("nonsense\n\n1 0 0:1 / /a rw no hyphen\nx 0 0:1 / /b rw - t s o\n"
			 "99999999999 0 0:1 / /c rw - t s o\n3 0 0:1 / /d rw - t s o\n");
	struct mount_line line;

	(void)state;
	assert_true(mount_line_next(&at, &line));
	assert_string_equal(line.point, "/d");
	assert_false(mount_line_next(&at, &line));
}

static uint64_t hash_of(const char *lines)
{
	char *at = table(lines);
	struct mount_line line;

	assert_true(mount_line_next(&at, &line));
	return mount_line_hash(&line);
}

static void the_hash_is_of_the_mount_and_not_of_its_options(void **state)
{
	uint64_t hash = hash_of("1 0 0:1 / /a rw - t s o\n");

	(void)state;
	assert_true(hash == hash_of("1 0 0:1 / /a ro,nosuid shared:7 - t s o\n"));
	assert_true(hash != hash_of("2 0 0:1 / /a rw - t s o\n"));
	assert_true(hash != hash_of("1 0 0:2 / /a rw - t s o\n"));
	assert_true(hash != hash_of("1 0 0:1 /r /a rw - t s o\n"));
	assert_true(hash != hash_of("1 0 0:1 / /b rw - t s o\n"));
}

/* Whatever the bytes are, it ends and stays inside. */
static void any_bytes_are_survived(void **state)
{
	static const char alphabet[] = "0123 -/\\\n:a";
	unsigned seed = 1;
	int round;

	(void)state;
	for (round = 0; round < 20000; round++) {
		size_t len = (size_t)(rand_r(&seed) % 100), i;
		char *bytes = malloc(len + 1), *at = bytes;
		struct mount_line line;

		for (i = 0; i < len; i++)
			bytes[i] = alphabet[(size_t)rand_r(&seed) % (sizeof(alphabet) - 1)];
		bytes[len] = '\0';
		while (mount_line_next(&at, &line))
			assert_true(strlen(line.point) < len);
		free(bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_taken_apart),
		cmocka_unit_test(optional_fields_may_be_absent_and_the_source_empty),
		cmocka_unit_test(escapes_are_undone),
		cmocka_unit_test(what_is_no_line_is_passed_over),
		cmocka_unit_test(the_hash_is_of_the_mount_and_not_of_its_options),
		cmocka_unit_test(any_bytes_are_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
