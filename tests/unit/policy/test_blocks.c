/* SPDX-License-Identifier: BSD-2-Clause */
/* Which block is meant, and what one without lines means. */

#include "policies.h"

#include <errno.h>
#include <string.h>

static void F67_an_empty_block_allows_nothing(void **state)
{
	_cleanup_made_ struct made made = { 0 };

	make("version 1\nbase\nread /lib\ntool t\n", &made);
	assert_string_equal(notes_of(made.tree),
			    "p:4:1: warning: this block allows nothing, so the "
			    "tool has what base allows\n");
	assert_string_equal(decided(&made, "t", "read", "/x"), "deny -");
	assert_string_equal(decided(&made, "t", "read", "/lib/x"), "allow 3");
}

static void a_file_of_another_version_is_no_policy(void **state)
{
	_cleanup_policy_tree_ struct policy_tree *tree = parse("version 7\nbase\n  read /x\n");
	_cleanup_buf_ struct buf image = { 0 };

	assert_int_equal(policy_compile(tree, &image), -EINVAL);
}

static void F69_blocks_of_one_name_are_one_and_order_does_not_matter(void **state)
{
	_cleanup_made_ struct made made = { 0 }, other = { 0 };

	make("version 1\nbase\n read /lib\ntool t\n read /a\ntool u\n read /c\ntool t\n deny read "
	     "/a/b\n",
	     &made);
	make("version 1\ntool t\n deny read /a/b\ntool u\n read /c\ntool t\n read /a\nbase\n read "
	     "/lib\n",
	     &other);
	assert_int_equal(made.tree->block_count, 3);
	assert_string_equal(decided(&made, "t", "read", "/a/b"), "deny 9");
	assert_string_equal(decided(&made, "t", "read", "/a/c"), "allow 5");
	assert_string_equal(decided(&other, "t", "read", "/a/b"), "deny 3");
	assert_string_equal(decided(&other, "t", "read", "/a/c"), "allow 7");
	assert_string_equal(decided(&made, "u", "read", "/a/c"), "deny -");
}

/* Of the tree, too, which `show` asks. */
static void the_most_particular_block_is_a_tools(void **state)
{
	static const struct {
		const char *tool, *block;
	} of[] = {
		{ "a/b", "a/b" }, { "a/c", "a/" }, { "a/b/c", "a/b/" }, { "x", "" }, { "a/", "a/" }
	};
	_cleanup_policy_tree_ struct policy_tree *tree =
		parse("version 1\ntool *\n read /1\ntool a/b/*\n read /2\ntool a/*\n read /3\n"
		      "tool a/b\n read /4\nbase\n read /5\n");
	_cleanup_policy_tree_ struct policy_tree *none = parse("version 1\nbase\n read /5\n");

	for (size_t i = 0; i < ARRAY_LEN(of); i++) {
		const struct policy_block *block =
			policy_block_of_tool(tree, of[i].tool, strlen(of[i].tool));

		assert_non_null(block);
		assert_string_equal(block->name.bytes, of[i].block);
	}
	assert_string_equal(policy_block_of_tool(tree, "", 0)->name.bytes, "");
	assert_null(policy_block_of_tool(none, "x", 1));
}

static void F80_names_compare_byte_for_byte(void **state)
{
	_cleanup_made_ struct made made = { 0 };
	const struct policy *p = &made.policy;
	uint32_t block;

	make("version 1\ndefault audit\ntool read_file\n read /a\ntool fs/*\n read /b\n"
	     "tool fs/deep/*\n read /c\ntool \"with blank\"\n read /d\ntool \"a\\*\"\n read /e\n",
	     &made);
	block = policy_tool_block(p, "read_file", 9);
	assert_int_not_equal(block, MF_POL_DEFAULT);
	assert_int_equal(policy_tool_block(p, "read_file ", 10), MF_POL_DEFAULT);
	assert_int_equal(policy_tool_block(p, "Read_file", 9), MF_POL_DEFAULT);
	assert_int_equal(policy_tool_block(p,
					   "re\xd0\xb0"
					   "d_file",
					   10),
			 MF_POL_DEFAULT);
	assert_int_equal(policy_tool_block(p, "read\xe2\x80\x8b_file", 12), MF_POL_DEFAULT);
	assert_int_equal(policy_tool_block(p, "read_file\0", 10), MF_POL_DEFAULT);
	assert_int_equal(policy_tool_block(p, "", 0), MF_POL_DEFAULT);
	assert_int_equal(policy_tool_block(p, "fs", 2), MF_POL_DEFAULT);
	assert_int_equal(policy_tool_block(p, "fsx", 3), MF_POL_DEFAULT);
	block = policy_tool_block(p, "fs/a", 4);
	assert_int_not_equal(block, MF_POL_DEFAULT);
	assert_int_equal(policy_tool_block(p, "fs/", 3), block);
	assert_int_equal(policy_tool_block(p, "fs/a/b", 6), block);
	assert_int_equal(policy_tool_block(p, "fs/deep", 7), block);
	assert_int_not_equal(policy_tool_block(p, "fs/deep/x", 9), block);
	assert_int_not_equal(policy_tool_block(p, "with blank", 10), MF_POL_DEFAULT);
	assert_int_not_equal(policy_tool_block(p, "a*", 2), MF_POL_DEFAULT);
	assert_int_equal(policy_tool_block(p, "ab", 2), MF_POL_DEFAULT);
	/* and the tree says the same */
	assert_ptr_equal(policy_block_of_tool(made.tree, "fs/deep/x", 9)->name.bytes,
			 made.tree->blocks[2].name.bytes);
	assert_null(policy_block_of_tool(made.tree, "fsx", 3));
	assert_int_equal(policy_block_of_tool(made.tree, "read_file", 9)->where.line, 3);
}

static void F80_an_odd_name_is_printed_so_that_the_difference_is_seen(void **state)
{
	_cleanup_policy_tree_ struct policy_tree *tree =
		parse("version 1\ndefault deny\ntool \"a\\u{202e}*\"\nread /x\n");

	assert_non_null(strstr(notes_of(tree), "found 'a\\u{202e}*'"));
}

static void too_many_blocks_and_ceilings_are_an_error(void **state)
{
	_cleanup_policy_tree_ struct policy_tree *tree = NULL, *many = NULL;
	_cleanup_buf_ struct buf text = { 0 };

	tree = parse_files(&(struct world){ 0 }, "a", "version 1\nceiling\nread /", "b",
			   "version 1\nceiling\nread /", "c", "version 1\nceiling\nread /", "d",
			   "version 1\nceiling\nread /", "e", "version 1\nceiling\nread /", NULL);
	assert_string_equal(notes_of(tree),
			    "e:2:1: error: at most 4 files of a policy have a ceiling\n");
	assert_int_equal(buf_append_str(&text, "version 1\ndefault audit\n"), 0);
	for (int i = 0; i < 4091; i++)
		assert_int_equal(buf_printf(&text, "tool t%d\nread /x\n", i), 0);
	assert_int_equal(buf_append(&text, "", 1), 0);
	many = parse((const char *)buf_bytes(&text));
	assert_string_equal(notes_of(many), "p:8183:1: error: a policy has at most 4090 blocks\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(F67_an_empty_block_allows_nothing),
		cmocka_unit_test(a_file_of_another_version_is_no_policy),
		cmocka_unit_test(F69_blocks_of_one_name_are_one_and_order_does_not_matter),
		cmocka_unit_test(the_most_particular_block_is_a_tools),
		cmocka_unit_test(F80_names_compare_byte_for_byte),
		cmocka_unit_test(F80_an_odd_name_is_printed_so_that_the_difference_is_seen),
		cmocka_unit_test(too_many_blocks_and_ceilings_are_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
