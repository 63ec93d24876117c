/* SPDX-License-Identifier: BSD-2-Clause */
/* Large texts: what is looked at grows with the text and not faster, and what is too much is told. */
#include "policies.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LINES 20000
#define DIRECTORY_LINKS 100

static size_t looked, listed, asked;

static int look(void *data, const char *path, struct buf *ret_target)
{
	looked++;
	if (strncmp(path, "/dir/l", 6) == 0)
		return buf_append_str(ret_target, "/elsewhere") ? -ENOMEM : POLICY_PATH_LINK;
	return strcmp(path, "/dir") == 0 ? POLICY_PATH_DIRECTORY : POLICY_PATH_FILE;
}

static int links(void *data, const char *path,
		 void (*each)(void *each_data, const char *name, const char *target),
		 void *each_data)
{
	listed++;
	if (strcmp(path, "/dir") != 0)
		return -ENOTDIR;
	for (size_t i = 0; i < DIRECTORY_LINKS; i++)
		each(each_data, "l", "/elsewhere");
	return 0;
}

static int include(void *data, const char *name, struct buf *ret_name, struct buf *ret_text)
{
	asked++;
	return -ENOENT;
}

/* The line `format` with each number from 0 to `count` - 1, behind what `text` has already. */
static void add_lines(struct buf *text, const char *format, unsigned count)
{
	const char *number = strchr(format, '#');
	int before = (int)(number - format);

	assert_non_null(number);
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(buf_printf(text, "%.*s%u%s\n", before, format, i, number + 1), 0);
}

static struct policy_tree *read_large(const struct buf *text, bool errors_only)
{
	const struct policy_world world = {
		.look = look, .links = links, .include = include, .errors_only = errors_only
	};
	_cleanup_policy_sources_ struct policy_sources sources = { 0 };
	struct policy_tree *tree = NULL;

	looked = listed = asked = 0;
	assert_int_equal(policy_sources_add(&sources, "p", buf_bytes(text), buf_size(text)), 0);
	assert_int_equal(policy_parse(&sources, &world, &tree), 0);
	return tree;
}

static void a_directory_that_many_lines_name_is_looked_at_once(void **state)
{
	_cleanup_buf_ struct buf text = { 0 };
	_cleanup_policy_tree_ struct policy_tree *tree = NULL;

	assert_int_equal(buf_append_str(&text, "version 1\nbase\n"), 0);
	add_lines(&text, "read /dir/#/..", LINES);
	add_lines(&text, "read /x#", LINES);
	tree = read_large(&text, false);
	assert_int_equal(tree->notes.errors, 0);
	assert_string_equal(tree->notes.notes[0].text,
			    "100 links lead out of /dir to what no line here allows: l to "
			    "/elsewhere, l to /elsewhere, l to /elsewhere, and more; a line that "
			    "names a link allows what it leads to");
	assert_int_equal(listed, LINES + 1);
	/* each line's path, once to follow it and once to see whether it is there */
	assert_true(looked <= 4 * LINES + 4 * DIRECTORY_LINKS);
}

static void links_in_directories_are_looked_at_up_to_a_limit(void **state)
{
	_cleanup_buf_ struct buf text = { 0 };
	_cleanup_policy_tree_ struct policy_tree *tree = NULL;

	assert_int_equal(buf_append_str(&text, "version 1\n"), 0);
	add_lines(&text, "tool t#\nread /dir", 4000);
	tree = read_large(&text, false);
	assert_int_equal(tree->notes.errors, 0);
	assert_true(listed < 1000); /* of 4,000 blocks with 100 links each */
}

static void who_wants_errors_only_pays_for_no_warnings(void **state)
{
	_cleanup_buf_ struct buf text = { 0 };
	_cleanup_policy_tree_ struct policy_tree *tree = NULL;

	assert_int_equal(buf_append_str(&text, "version 1\nceiling\n  read /y\nbase\n"), 0);
	add_lines(&text, "read /x#", LINES);
	add_lines(&text, "raed /x#", 3);
	tree = read_large(&text, true);
	assert_int_equal(tree->notes.errors, 3);
	assert_int_equal(tree->notes.warnings, 0);
	assert_int_equal(listed, 0);
	assert_int_equal(looked, LINES + 1);
}

static void blocks_beyond_the_limit_are_told_and_named_ones_are_found_among_many(void **state)
{
	_cleanup_buf_ struct buf text = { 0 };
	_cleanup_policy_tree_ struct policy_tree *tree = NULL;

	assert_int_equal(buf_append_str(&text, "version 1\n"), 0);
	add_lines(&text, "block b#\ninclude b4000\nread /x", 5000);
	add_lines(&text, "tool b#\ninclude b7", 100);
	tree = read_large(&text, false);
	/* 910 named blocks and 100 tools are too many; one block includes itself */
	assert_int_equal(tree->block_count, 4090);
	assert_int_equal(tree->notes.errors, 910 + 100 + 1);
	for (size_t i = 0; i < tree->block_count; i++) {
		assert_int_equal(tree->blocks[i].kind, POLICY_BLOCK_NAMED);
		assert_int_equal(tree->blocks[i].includes[0].block, 4000);
	}
	assert_int_equal(asked, 0);
}

static void files_that_are_asked_for_are_limited_be_they_there_or_not(void **state)
{
	_cleanup_buf_ struct buf text = { 0 };
	_cleanup_policy_tree_ struct policy_tree *tree = NULL;
	size_t limits = 0;

	assert_int_equal(buf_append_str(&text, "version 1\nbase\n"), 0);
	add_lines(&text, "include c#", LINES);
	tree = read_large(&text, false);
	assert_int_equal(asked, 1024);
	assert_int_equal(tree->notes.errors, LINES);
	assert_int_equal(tree->notes.unkept, LINES - POLICY_NOTES_MAX);
	for (size_t i = 0; i < tree->notes.count; i++)
		limits += tree->notes.notes[i].id == POLICY_E_LIMIT;
	assert_int_equal(limits, 0); /* the first thousand are told: they are not there */
}

static void all_files_of_a_policy_together_have_a_limit(void **state)
{
	_cleanup_policy_sources_ struct policy_sources sources = { 0 };
	char *text = calloc(1, POLICY_FILE_BYTES_MAX);

	assert_non_null(text);
	for (int i = 0; i < 4; i++)
		assert_int_equal(policy_sources_add(&sources, "p", text, POLICY_FILE_BYTES_MAX), 0);
	assert_int_equal(policy_sources_add(&sources, "q", text, 1), -EOVERFLOW);
	assert_int_equal(policy_sources_add(&sources, "q", text, 0), 0);
	assert_int_equal(sources.count, 5);
	free(text);
}

static void why_a_file_is_not_read_is_told_with_the_way_out(void **state)
{
	assert_non_null(strstr(policy_read_why(-EISDIR), "give the files in it"));
	assert_non_null(strstr(policy_read_why(-ESPIPE), "/dev/stdin"));
	assert_non_null(strstr(policy_read_why(-ENODEV), "/dev/stdin"));
	assert_non_null(strstr(policy_read_why(-EFBIG), "16 MiB"));
	assert_non_null(strstr(policy_read_why(-EOVERFLOW), "64 MiB"));
	assert_non_null(strstr(policy_read_why(-E2BIG), "256 files"));
	assert_string_equal(policy_read_why(-ENOENT), strerror(ENOENT));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_directory_that_many_lines_name_is_looked_at_once),
		cmocka_unit_test(links_in_directories_are_looked_at_up_to_a_limit),
		cmocka_unit_test(who_wants_errors_only_pays_for_no_warnings),
		cmocka_unit_test(
			blocks_beyond_the_limit_are_told_and_named_ones_are_found_among_many),
		cmocka_unit_test(files_that_are_asked_for_are_limited_be_they_there_or_not),
		cmocka_unit_test(all_files_of_a_policy_together_have_a_limit),
		cmocka_unit_test(why_a_file_is_not_read_is_told_with_the_way_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
