/* SPDX-License-Identifier: BSD-2-Clause */
/* What of a policy holds in every state: the trees that any may change, the ways out that any may take. */

#include "policies.h"

#include <stdio.h>
#include <string.h>

#include "policy/floor.h"

#define ALL ((1U << MF_POL_ESCAPE_MAX) - 1)

static struct policy_floor floor_of(const struct made *made)
{
	struct policy_floor floor = { 0 };

	assert_int_equal(policy_floor_make(&made->policy, &floor), 0);
	return floor;
}

/* The trees, parted by blanks, "socket:" before those of sockets alone; "everything". */
static const char *trees_of(const char *text)
{
	_cleanup_made_ struct made made = { 0 };
	_cleanup_(policy_floor_free) struct policy_floor floor = { 0 };
	static char said[8192];
	size_t at = 0;

	make(text, &made);
	floor = floor_of(&made);
	if (!floor.changes)
		return "everything";
	said[0] = '\0';
	for (size_t i = 0; i < floor.tree_count; i++)
		at += (size_t)snprintf(said + at, sizeof(said) - at, "%s%s%s", at ? " " : "",
				       floor.trees[i].socket ? "socket:" : "", floor.trees[i].path);
	return said;
}

static void what_any_block_may_write_is_left_open(void **state)
{
	assert_string_equal(trees_of("version 1\nbase\n read /lib\n"), "");
	assert_string_equal(
		trees_of("version 1\nbase\n write /b\ntool t\n write /a\ntool u\n read /c\n"),
		"/a /b");
	assert_string_equal(trees_of("version 1\nbase\n write /\n"), "everything");
}

static void a_tree_in_another_one_is_none_of_its_own(void **state)
{
	assert_string_equal(
		trees_of("version 1\nbase\n write /a/b\n write /a.b\ntool t\n write /a\n"
			 " write /a/b/c\n"),
		"/a /a.b");
}

static void long_names_are_whole(void **state)
{
	char text[1024], name[201];

	memset(name, 'n', 200);
	name[200] = '\0';
	snprintf(text, sizeof(text), "version 1\nbase\n write /a/%s/%.40s\n", name, name);
	assert_memory_equal(trees_of(text), "/a/nnn", 6);
	assert_int_equal(strlen(trees_of(text)), 3 + 200 + 1 + 40);
}

static void what_base_or_the_block_denies_as_a_whole_is_not_left_open(void **state)
{
	assert_string_equal(trees_of("version 1\nbase\n deny /a\ntool t\n write /a\n write /b\n"),
			    "/b");
	assert_string_equal(
		trees_of("version 1\nbase\n read /x\ntool t\n write /a\n deny write /a\n"), "");
	/* of another tool it may be in play, or not */
	assert_string_equal(
		trees_of("version 1\nbase\n read /x\ntool t\n write /a\ntool u\n deny /a\n"), "/a");
	assert_string_equal(trees_of("version 1\nbase\n read /x\ntool t\n write /a\n deny /a/b\n"),
			    "/a");
}

static void text_before_an_argument_is_a_tree(void **state)
{
	assert_string_equal(trees_of("version 1\nbase\n read /x\ntool t\n write ${arg.path}\n"),
			    "everything");
	assert_string_equal(trees_of("version 1\nbase\n read /x\ntool t\n write /d/${arg.path}/x\n"
				     " write /u/user-${arg.n}\n read ${arg.path}\n"),
			    "/d /u");
	assert_string_equal(trees_of("version 1\nbase\n read /x\ntool t\n write /user-${arg.n}\n"),
			    "everything");
	assert_string_equal(
		trees_of("version 1\nbase\n read /x\ntool t\n deny write ${arg.path}\n"), "");
}

static void a_ceiling_is_a_limit(void **state)
{
	assert_string_equal(trees_of("version 1\nceiling\n write /w\nbase\n write /w/a\ntool t\n"
				     " write ${arg.path}\n"),
			    "/w");
	assert_string_equal(trees_of("version 1\nceiling\n write /w/b\n write /v\nbase\n write /w\n"
				     " write /v/a\n write /u\n"),
			    "/v/a /w/b");
	assert_string_equal(
		trees_of("version 1\nceiling\n mode audit\n write /w\nbase\n write /\n"),
		"everything");
}

static void where_a_block_only_tells_everything_is_left_open(void **state)
{
	assert_string_equal(trees_of("version 1\nbase\n read /x\ntool t\n mode audit\n read /x\n"),
			    "everything");
	assert_string_equal(trees_of("version 1\ndefault observe\nbase\n read /x\n"), "everything");
	assert_string_equal(
		trees_of("version 1\ndefault audit\nceiling\n write /w\nbase\n read /x\n"), "/w");
}

static void a_socket_that_may_be_bound_is_a_tree_for_sockets(void **state)
{
	assert_string_equal(trees_of("version 1\nbase\n listen unix:/run/s\n write /tmp\n"
				     " listen unix:/tmp/s\n"),
			    "socket:/run/s /tmp");
}

static void ways(const char *text, uint32_t allowed, uint32_t denied)
{
	_cleanup_made_ struct made made = { 0 };
	_cleanup_(policy_floor_free) struct policy_floor floor = { 0 };

	make(text, &made);
	floor = floor_of(&made);
	assert_int_equal(floor.ways, allowed);
	assert_int_equal(policy_floor_denied(&made.policy), denied);
}

static void ways_out_are_those_of_any_block(void **state)
{
	const uint32_t bpf = 1U << MF_POL_BPF, keys = 1U << MF_POL_KEYS;

	ways("version 1\nbase\n read /x\n", 0, ALL);
	ways("version 1\nbase\n allow bpf\ntool t\n allow keys\n", bpf | keys, ALL & ~bpf);
	ways("version 1\nbase\n deny keys\ntool t\n allow keys\n", 0, ALL);
	ways("version 1\nbase\n allow keys\ntool t\n deny keys\n", keys, ALL);
	ways("version 1\nbase\n read /x\ntool t\n mode audit\n read /x\n", ALL, ALL);
	ways("version 1\nceiling\n allow bpf\nbase\n allow bpf\n allow keys\n", bpf, ALL & ~bpf);
}

static bool asks_abstract(const char *text)
{
	_cleanup_made_ struct made made = { 0 };
	_cleanup_(policy_floor_free) struct policy_floor floor = { 0 };

	make(text, &made);
	floor = floor_of(&made);
	return floor.abstract;
}

static void abstract_names_are_asked_about_or_not(void **state)
{
	assert_false(asks_abstract("version 1\nbase\n connect unix:/run/s\n"));
	assert_true(asks_abstract("version 1\nbase\n read /x\ntool t\n connect unix:@s\n"));
	assert_true(asks_abstract("version 1\nbase\n connect unix:@*\n"));
	assert_true(asks_abstract("version 1\nbase\n read /x\ntool t\n connect unix:${arg.s}\n"));
}

static void with_too_many_trees_nothing_is_said_of_changes(void **state)
{
	static char text[POLICY_FLOOR_TREES_MAX * 24];
	int at = snprintf(text, sizeof(text), "version 1\nbase\n");

	for (int i = 0; i <= POLICY_FLOOR_TREES_MAX; i++)
		at += snprintf(text + at, sizeof(text) - (size_t)at, " write /d%d/x\n", i);
	assert_string_equal(trees_of(text), "everything");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_any_block_may_write_is_left_open),
		cmocka_unit_test(a_tree_in_another_one_is_none_of_its_own),
		cmocka_unit_test(long_names_are_whole),
		cmocka_unit_test(what_base_or_the_block_denies_as_a_whole_is_not_left_open),
		cmocka_unit_test(text_before_an_argument_is_a_tree),
		cmocka_unit_test(a_ceiling_is_a_limit),
		cmocka_unit_test(where_a_block_only_tells_everything_is_left_open),
		cmocka_unit_test(a_socket_that_may_be_bound_is_a_tree_for_sockets),
		cmocka_unit_test(ways_out_are_those_of_any_block),
		cmocka_unit_test(abstract_names_are_asked_about_or_not),
		cmocka_unit_test(with_too_many_trees_nothing_is_said_of_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
