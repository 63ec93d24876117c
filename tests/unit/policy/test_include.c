/* SPDX-License-Identifier: BSD-2-Clause */
#include "policies.h"

#include <string.h>

static const struct include_there shelf[] = {
	{ "runtime/node",
	  "version 1\nblock runtime/node\n  include runtime/posix\n  exec /usr/bin/node\n" },
	{ "runtime/posix", "version 1\nblock runtime/posix\n  read /usr/lib\n" },
	{ "secrets", "version 1\nblock secrets\n  deny ${home}/.ssh\n" },
	{ "with-tool",
	  "version 1\nblock with-tool\n  read /x\ntool t\n  write /\ndefault observe\nbase\n"
	  "ceiling\n" },
	{ "other", "version 1\nblock another\n  read /x\n" },
	{ "broken", "version 1\nblock broken\n  raed /x\n" },
	{ "locked", NULL },
	{ "circle",
	  "version 1\nblock circle\n  include circle2\nblock circle2\n  include circle\n" },
	{ "with-argument", "version 1\nblock with-argument\n  read ${arg.path}\n" },
	{ NULL, NULL },
};

static const struct world world = { .includes = shelf, .home = "/home/ada" };

static void said(const char *text, const char *expected)
{
	_cleanup_policy_tree_ struct policy_tree *tree = parse_in(&world, text);

	assert_string_equal(notes_of(tree), expected);
}

static void an_include_puts_the_lines_of_a_block_in(void **state)
{
	_cleanup_made_ struct made made = { 0 };

	make_in(&world,
		"version 1\nbase\n include runtime/node\n include mine\nblock mine\n read /mine\n",
		&made);
	assert_string_equal(notes_of(made.tree), "");
	assert_string_equal(decided(&made, "", "exec", "/usr/bin/node"), "allow 4");
	assert_string_equal(decided(&made, "", "read", "/usr/lib/x"), "allow 3");
	assert_string_equal(decided(&made, "", "read", "/mine"), "allow 6");
	assert_int_equal(made.tree->sources.count, 3);
}

static void a_block_that_is_included_twice_counts_once(void **state)
{
	_cleanup_made_ struct made made = { 0 };

	make_in(&world,
		"version 1\nbase\n include a\n include b\nblock a\n include c\nblock b\n include "
		"c\n"
		"block c\n read /c\n",
		&made);
	assert_string_equal(notes_of(made.tree), "");
	assert_string_equal(decided(&made, "", "read", "/c"), "allow 10");
}

static void what_cannot_be_included_is_told(void **state)
{
	said("version 1\nbase\n read /x\n include nothing\n",
	     "p:4:10: error: there is no block 'nothing' in this file, nor a file of that name on "
	     "the "
	     "search path\n");
	said("version 1\nbase\n include mines\nblock mine\n read /x\n",
	     "p:3:10: error: there is no block 'mines' in this file, nor a file of that name on "
	     "the search "
	     "path; did you mean mine?\n"
	     "p:4:1: warning: nothing in this file includes block mine\n");
	said("version 1\nbase\n read /x\n include some/nothing.policy\n",
	     "p:4:10: error: there is no block 'some/nothing.policy' in this file, nor a file of "
	     "that name on the search path; did you mean some/nothing?\n");
	said("version 1\nbase\n include locked\n",
	     "p:3:10: error: 'locked' cannot be included: Permission denied\n");
	said("version 1\nbase\n include other\n",
	     "p:3:10: error: the file of that name has no block 'other' (other:1)\n");
	said("version 1\nbase\n include broken\n", "broken:3:3: error: expected a keyword such as "
						   "tool, read or deny, found 'raed'; did you mean "
						   "read?\n");
	said("version 1\nbase\n include nothing\ntool t\n include nothing\n",
	     "p:3:10: error: there is no block 'nothing' in this file, nor a file of that name on "
	     "the "
	     "search path\n"
	     "p:5:10: error: there is no block 'nothing' in this file, nor a file of that name on "
	     "the "
	     "search path\n");
}

static void a_circle_is_told(void **state)
{
	said("version 1\nbase\n include circle\n",
	     "circle:5:11: error: 'circle' includes itself by way of this line\n");
	said("version 1\nbase\n include a\nblock a\n include a\n",
	     "p:5:10: error: 'a' includes itself by way of this line\n");
}

static void an_included_file_has_named_blocks_only(void **state)
{
	said("version 1\nbase\n include with-tool\n",
	     "with-tool:4:1: error: an included file has named blocks only, found 'tool'\n"
	     "with-tool:6:1: error: an included file has named blocks only, found 'default'\n"
	     "with-tool:7:1: error: an included file has named blocks only, found 'base'\n"
	     "with-tool:8:1: error: an included file has named blocks only, found 'ceiling'\n");
}

static void an_argument_that_an_include_brings_into_base_is_told(void **state)
{
	said("version 1\nbase\n include with-argument\n",
	     "with-argument:3:8: error: an argument has a value in the block of a tool only, not "
	     "in base "
	     "(p:2)\n");
	said("version 1\ndefault audit\ntool t\n include with-argument\n", "");
}

static void another_files_block_is_never_meant(void **state)
{
	/* the user's file comes first, and tries to empty what the administrator's includes */
	_cleanup_policy_tree_ struct policy_tree *tree =
		parse_files(&world, "user",
			    "version 1\nbase\n read /\n include secrets\nblock secrets\n read /x\n",
			    "admin", "version 1\nceiling\n read /\n include secrets\n", NULL);
	_cleanup_buf_ struct buf image = { 0 };
	struct made made = { 0 };

	assert_int_equal(tree->notes.errors, 0);
	assert_int_equal(policy_compile(tree, &image), 0);
	policy_view(buf_bytes(&image), &made.policy);
	assert_string_equal(decided(&made, "", "read", "/home/ada/.ssh/id"), "deny 3");
}

static void without_a_search_path_only_the_files_own_blocks_are_known(void **state)
{
	_cleanup_policy_tree_ struct policy_tree *tree =
		parse("version 1\nbase\n include mine\n include other\nblock mine\n read /x\n");

	assert_int_equal(tree->notes.errors, 1);
	assert_non_null(strstr(notes_of(tree), "p:4:10: error: there is no block 'other'"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_include_puts_the_lines_of_a_block_in),
		cmocka_unit_test(a_block_that_is_included_twice_counts_once),
		cmocka_unit_test(what_cannot_be_included_is_told),
		cmocka_unit_test(a_circle_is_told),
		cmocka_unit_test(an_included_file_has_named_blocks_only),
		cmocka_unit_test(an_argument_that_an_include_brings_into_base_is_told),
		cmocka_unit_test(another_files_block_is_never_meant),
		cmocka_unit_test(without_a_search_path_only_the_files_own_blocks_are_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
