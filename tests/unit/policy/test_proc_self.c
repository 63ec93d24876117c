/* SPDX-License-Identifier: BSD-2-Clause */
#include "policies.h"

#include <string.h>

#include "policy/proc_self.h"

/* What an access of process `pid` to `path` is decided as. */
static const char *as(uint32_t pid, const char *path)
{
	static char own[POLICY_PROC_SELF_MAX + 1];
	size_t size = 0;

	if (!policy_proc_self(path, strlen(path), pid, own, &size))
		return "as it stands";
	assert_true(size <= POLICY_PROC_SELF_MAX);
	own[size] = '\0';
	return own;
}

static void a_processs_own_proc_is_proc_self(void **state)
{
	assert_string_equal(as(42, "/proc/42/maps"), "/proc/self/maps");
	assert_string_equal(as(42, "/proc/42"), "/proc/self");
	assert_string_equal(as(1, "/proc/1/net/tcp"), "/proc/self/net/tcp");
	assert_string_equal(as(4294967295, "/proc/4294967295/fd"), "/proc/self/fd");
}

static void another_processs_proc_keeps_its_number(void **state)
{
	assert_string_equal(as(42, "/proc/43/maps"), "as it stands");
	assert_string_equal(as(42, "/proc/4/maps"), "as it stands");
	assert_string_equal(as(42, "/proc/421/maps"), "as it stands");
	assert_string_equal(as(42, "/proc/042/maps"), "as it stands");
	assert_string_equal(as(42, "/proc/43/task/42/maps"), "as it stands");
	assert_string_equal(as(42, "/proc"), "as it stands");
	assert_string_equal(as(42, "/proc/"), "as it stands");
	assert_string_equal(as(42, "/srv/proc/42/maps"), "as it stands");
	assert_string_equal(as(42, "/proc/self/maps"), "as it stands");
	assert_string_equal(as(42, ""), "as it stands");
}

static void a_process_that_is_not_known_has_no_own_proc(void **state)
{
	assert_string_equal(as(0, "/proc/0/maps"), "as it stands");
}

static void a_threads_files_are_its_processs(void **state)
{
	assert_string_equal(as(42, "/proc/42/task/42/environ"), "/proc/self/environ");
	assert_string_equal(as(42, "/proc/42/task/77/environ"), "/proc/self/environ");
	assert_string_equal(as(42, "/proc/42/task/77"), "/proc/self");
	assert_string_equal(as(42, "/proc/42/task"), "/proc/self/task");
	assert_string_equal(as(42, "/proc/42/task/"), "/proc/self/task/");
	assert_string_equal(as(42, "/proc/42/task/x7/maps"), "/proc/self/task/x7/maps");
	assert_string_equal(as(42, "/proc/42/task/7x"), "/proc/self/task/7x");
	assert_string_equal(as(42, "/proc/42/tasks/7/x"), "/proc/self/tasks/7/x");
}

static void the_longest_path_has_room(void **state)
{
	char path[MF_PATH_MAX + 1], own[POLICY_PROC_SELF_MAX];
	size_t size = 0;

	memset(path, 'y', sizeof(path));
	memcpy(path, "/proc/1/", 8);
	assert_true(policy_proc_self(path, MF_PATH_MAX, 1, own, &size));
	assert_int_equal(size, POLICY_PROC_SELF_MAX);
	assert_memory_equal(own, "/proc/self/yyy", 14);
	assert_int_equal(own[size - 1], 'y');
	assert_false(policy_proc_self(path, MF_PATH_MAX + 1, 1, own, &size));
}

static void names_in_a_policys_text_that_mean_proc_self_are_known(void **state)
{
	static const struct {
		const char *path;
		bool is_link, is_in;
	} paths[] = {
		{ "/proc/self", false, true },		{ "/proc/self/maps", false, true },
		{ "/proc/thread-self", true, false },	{ "/proc/thread-self/maps", false, false },
		{ "/proc/self/task", false, true },	{ "/proc/self/task/7", true, true },
		{ "/proc/self/task/self", true, true }, { "/proc/self/task/7/maps", false, true },
		{ "/proc/selfish", false, false },	{ "/proc/42", false, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		size_t size = strlen(paths[i].path);

		assert_int_equal(policy_proc_self_link(paths[i].path, size) != NULL,
				 paths[i].is_link);
		assert_int_equal(policy_proc_self_has(paths[i].path, size), paths[i].is_in);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_processs_own_proc_is_proc_self),
		cmocka_unit_test(another_processs_proc_keeps_its_number),
		cmocka_unit_test(a_process_that_is_not_known_has_no_own_proc),
		cmocka_unit_test(a_threads_files_are_its_processs),
		cmocka_unit_test(the_longest_path_has_room),
		cmocka_unit_test(names_in_a_policys_text_that_mean_proc_self_are_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
