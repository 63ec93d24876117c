/* SPDX-License-Identifier: BSD-2-Clause */
#include "policies.h"

#include <errno.h>
#include <string.h>

struct wrong {
	const char *text; /* behind "version 1\n" */
	const char *said; /* begins with line and column */
};

static const struct world home = { .workspace = "/work", .home = "/home/ada" };

/* Each text has the one note that is said, and no other. */
static void all_said(const struct wrong *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		_cleanup_buf_ struct buf text = { 0 }, expected = { 0 };
		_cleanup_policy_tree_ struct policy_tree *tree = NULL;

		assert_int_equal(buf_printf(&text, "version 1\n%s", rows[i].text), 0);
		assert_int_equal(buf_append(&text, "", 1), 0);
		assert_int_equal(buf_printf(&expected, "p:%s\n", rows[i].said), 0);
		assert_int_equal(buf_append(&expected, "", 1), 0);
		tree = parse_in(&home, (const char *)buf_bytes(&text));
		assert_string_equal(notes_of(tree), (const char *)buf_bytes(&expected));
	}
}

#define EXTRA "error: expected the end of the line, found "

static void a_word_that_means_nothing_is_told_with_the_nearest_one(void **state)
{
	static const struct wrong rows[] = {
		{ "base\nraed /x",
		  "3:1: error: expected a keyword such as tool, read or deny, found "
		  "'raed'; did you mean read?" },
		{ "bse",
		  "2:1: error: expected a keyword such as tool, read or deny, found 'bse'; did "
		  "you mean base?" },
		{ "base\nREAD /x",
		  "3:1: error: expected a keyword such as tool, read or deny, found "
		  "'READ'; did you mean read?" },
		{ "execute /x", "2:1: error: expected a keyword such as tool, read or deny, found "
				"'execute'; did you mean exec?" },
		{ "zzzzzzzzzzzz",
		  "2:1: error: expected a keyword such as tool, read or deny, found "
		  "'zzzzzzzzzzzz'" },
		{ "default enforce",
		  "2:9: error: expected observe, audit or deny, found 'enforce'; did "
		  "you mean deny?" },
		{ "default adit",
		  "2:9: error: expected observe, audit or deny, found 'adit'; did you "
		  "mean audit?" },
		{ "base\nread /x\nmode observe", "4:6: error: expected enforce or audit, found "
						 "'observe'" },
		{ "base\nread /x\nmode auditt",
		  "4:6: error: expected enforce or audit, found 'auditt'; "
		  "did you mean audit?" },
		{ "base\nread /x\nallow ptrac",
		  "4:7: error: expected one of the words of allow (mount, ptrace, …), found "
		  "'ptrac'; "
		  "paths and addresses go with read, write, exec, connect and listen; did you mean "
		  "ptrace?" },
		{ "base\nread /x\ndeny wirte",
		  "4:6: error: expected [VERB] OBJECT behind deny, found "
		  "'wirte'; did you mean write?" },
	};

	all_said(rows, ARRAY_LEN(rows));
}

static void what_is_missing_or_too_much_is_told(void **state)
{
	static const struct wrong rows[] = {
		{ "default", "2:1: error: expected observe, audit or deny behind 'default'" },
		{ "default deny x", "2:14: " EXTRA "'x'; a name with blanks stands in \"\"" },
		{ "base x\nread /y", "2:6: " EXTRA "'x'" },
		{ "ceiling x\nread /y", "2:9: " EXTRA "'x'" },
		{ "tool", "2:1: error: expected the name of a tool behind 'tool'" },
		{ "tool a b\nread /x", "2:8: " EXTRA "'b'; a name with blanks stands in \"\"" },
		{ "block", "2:1: error: expected the name of a block behind 'block'" },
		{ "base\nread /x\nmode", "4:1: error: expected enforce or audit behind 'mode'" },
		{ "base\nread /x\ninclude",
		  "4:1: error: expected the name of a block behind 'include'" },
		{ "base\nread /y\nread", "4:1: error: expected PATH behind 'read'" },
		{ "base\nread /y\nexec", "4:1: error: expected PATH behind 'exec'" },
		{ "base\nread /y\nconnect", "4:1: error: expected ADDRESS behind 'connect'" },
		{ "base\nread /y\nallow", "4:1: error: expected WORD behind 'allow'" },
		{ "base\nread /y\ndeny", "4:1: error: expected [VERB] OBJECT behind 'deny'" },
		{ "base\nread /y\ndeny exec", "4:1: error: expected an object behind 'deny exec'" },
		{ "base\nread /y\ndeny /a /b",
		  "4:9: " EXTRA
		  "'/b'; a line has one object, and a name with blanks stands in \"\"" },
		{ "base\nread /My Docs",
		  "3:10: " EXTRA
		  "'Docs'; a line has one object, and a name with blanks stands in \"\"" },
		{ "base\nread /y\nexec /a interpeter",
		  "4:9: " EXTRA
		  "'interpeter'; a line has one object, and a name with blanks stands in \"\"" },
	};

	all_said(rows + 2, 2); /* what has nothing else to say comes first */
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_buf_ struct buf text = { 0 };
		_cleanup_policy_tree_ struct policy_tree *tree = NULL;

		assert_int_equal(buf_printf(&text, "version 1\n%s", rows[i].text), 0);
		assert_int_equal(buf_append(&text, "", 1), 0);
		tree = parse_in(&home, (const char *)buf_bytes(&text));
		if (!strstr(notes_of(tree), rows[i].said) || tree->notes.errors != 1)
			fail_msg("%s:\n%sinstead of %s", rows[i].text, notes_of(tree),
				 rows[i].said);
	}
}

static void a_variable_that_has_no_value_is_an_error(void **state)
{
	static const struct wrong rows[] = {
		{ "base\nread /y\nread ${hom}/x",
		  "4:6: error: expected ${workspace}, ${home} or "
		  "${arg.NAME}, found '${hom}'; did you mean ${home}?" },
		{ "base\nread /y\nread ${zzzzzz}", "4:6: error: expected ${workspace}, ${home} or "
						   "${arg.NAME}, found '${zzzzzz}'" },
		{ "tool t\nread /y\nread ${arg.}",
		  "4:6: error: expected the name of an argument in "
		  "'${arg.}'" },
		{ "tool t\nread /y\nread ${arg.a..b}",
		  "4:6: error: expected the name of an argument in "
		  "'${arg.a..b}'" },
		{ "tool t\nread /y\nread ${arg..a}",
		  "4:6: error: expected the name of an argument in "
		  "'${arg..a}'" },
		{ "tool t\nread /y\nread ${arg.a.}",
		  "4:6: error: expected the name of an argument in "
		  "'${arg.a.}'" },
		{ "tool t\nread /y\nread \"${arg.a\\x00}\"",
		  "4:6: error: expected the name of an argument "
		  "in '${arg.a\\x00}'" },
		{ "base\nread /y\nread ${worksPace}",
		  "4:6: error: expected ${workspace}, ${home} or "
		  "${arg.NAME}, found '${worksPace}'; did you mean "
		  "${workspace}?" },
		{ "base\nread /y\nread ${hone}",
		  "4:6: error: expected ${workspace}, ${home} or "
		  "${arg.NAME}, found '${hone}'; did you mean ${home}?" },
		{ "base\nread /y\nread ${args}", "4:6: error: expected ${workspace}, ${home} or "
						 "${arg.NAME}, found '${args}'" },
		{ "tool t\nread /y\nread ${arg.a}/*/${home}",
		  "4:6: error: a path has no patterns" },
		{ "tool t\nread /y\nread ${arg.a}${arg.b}",
		  "4:6: error: expected one ${arg.NAME} in an "
		  "object, found two" },
		{ "base\nread /y\nread ${arg.a}",
		  "4:6: error: an argument has a value in the block of a "
		  "tool only, not in base (p:2)" },
		{ "ceiling\nread /y\nconnect ${arg.a}",
		  "4:9: error: an argument has a value in the block "
		  "of a tool only, not in the ceiling (p:2)" },
	};
	static const struct world empty = { .workspace = "", .home = "home" };
	_cleanup_policy_tree_ struct policy_tree *tree = NULL;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		bool tool = strncmp(rows[i].text, "tool", 4) == 0;
		_cleanup_buf_ struct buf text = { 0 };
		_cleanup_policy_tree_ struct policy_tree *each = NULL;

		assert_int_equal(buf_printf(&text, "version 1\n%s%s", rows[i].text,
					    tool ? "\ndefault audit" : ""),
				 0);
		assert_int_equal(buf_append(&text, "", 1), 0);
		each = parse_in(&home, (const char *)buf_bytes(&text));
		assert_non_null(strstr(notes_of(each), rows[i].said));
		assert_int_equal(each->notes.errors, 1);
	}
	tree = parse_in(&empty, "version 1\nbase\nread /y\nread ${workspace}/\nread ${home}\n");
	assert_string_equal(
		notes_of(tree),
		"p:4:6: error: ${workspace} is not set, so this line would mean something "
		"else\np:5:6: error: ${home} is no absolute path, so this line would mean "
		"something else\n");
}

static void a_dollar_that_begins_no_variable_is_a_dollar(void **state)
{
	_cleanup_policy_tree_ struct policy_tree *tree = parse_in(
		&home,
		"version 1\nbase\nread /a$b$\nread /c${\nread \"/d\\${home}\"\nread ${home}/e\n");
	const struct policy_line *lines = tree->blocks[0].lines;

	assert_int_equal(tree->notes.errors, 0);
	assert_string_equal(lines[0].name.bytes, "/a$b$");
	assert_string_equal(lines[1].name.bytes, "/c${");
	assert_string_equal(lines[2].name.bytes, "/d${home}");
	assert_string_equal(lines[3].name.bytes, "/home/ada/e");
}

static void a_path_over_the_limit_is_told(void **state)
{
	_cleanup_policy_tree_ struct policy_tree *tree = NULL;
	char text[400] = "version 1\nbase\nread /y\nread /";

	memset(text + strlen(text), 'n', 256);
	tree = parse(text);
	assert_string_equal(notes_of(tree),
			    "p:4:6: error: the path is too long: at most 4096 bytes, 255 in "
			    "one name\n");
}

static void names_of_tools_and_blocks_have_a_form(void **state)
{
	static const struct wrong rows[] = {
		{ "default audit\ntool foo*\nread /x",
		  "3:6: error: expected a name, PREFIX/* or *, found 'foo*'; a * that is part of a "
		  "name "
		  "is written \"\\*\"; did you mean foo/*?" },
		{ "default audit\ntool a/*/b\nread /x",
		  "3:6: error: expected a name, PREFIX/* or *, found 'a/*/b'; a * that is part of "
		  "a name "
		  "is written \"\\*\"" },
		{ "default audit\ntool *x\nread /x", "3:6: error: expected a name, PREFIX/* or *, "
						     "found '*x'; a * that is part of a name is "
						     "written \"\\*\"" },
		{ "default audit\nblock a_B-9.c/.x\nread /x",
		  "3:7: error: expected a name like runtime/node: letters, digits, - _ . and "
		  "slashes "
		  "between them, found 'a_B-9.c/.x'" },
		{ "default audit\nblock a/\nread /x",
		  "3:7: error: expected a name like runtime/node: letters, digits, - _ . and "
		  "slashes "
		  "between them, found 'a/'" },
		{ "default audit\nblock {\nread /x",
		  "3:7: error: expected a name like runtime/node: letters, digits, - _ . and "
		  "slashes "
		  "between them, found '{'" },
		{ "default audit\nblock @\nread /x",
		  "3:7: error: expected a name like runtime/node: letters, digits, - _ . and "
		  "slashes "
		  "between them, found '@'" },
		{ "default audit\ntool \"\"\nread /x",
		  "3:6: error: expected the name of a tool, of 1 to "
		  "4096 bytes" },
		{ "default audit\nblock a..b/../c\nread /x",
		  "3:7: error: expected a name like runtime/node: letters, digits, - _ . and "
		  "slashes "
		  "between them, found 'a..b/../c'" },
		{ "default audit\nblock /a\nread /x",
		  "3:7: error: expected a name like runtime/node: letters, digits, - _ . and "
		  "slashes "
		  "between them, found '/a'" },
		{ "default audit\nblock a b\nread /x",
		  "3:9: " EXTRA "'b'; a name with blanks stands in \"\"" },
		{ "base\nread /y\ninclude \u00e9", "4:9: error: expected a name like runtime/node: "
						   "letters, digits, - _ . and slashes "
						   "between them, found '\u00e9'" },
	};

	all_said(rows, ARRAY_LEN(rows));
}

static void a_line_stands_where_it_can(void **state)
{
	static const struct wrong rows[] = {
		{ "read /x\nwrite /y\ndefault deny",
		  "2:1: error: expected a block to begin before 'read': "
		  "base, tool NAME, block NAME or ceiling" },
		{ "version 1\ndefault deny",
		  "2:1: error: the version stands once, in the first line" },
		{ "default deny\nblock a\nmode audit", "4:1: error: a named block has no mode: "
						       "that of the block that includes it holds" },
		{ "base\nread /y\ndefault deny\nread /x",
		  "5:1: error: expected a block to begin before 'read': base, tool NAME, block "
		  "NAME or "
		  "ceiling" },
	};

	all_said(rows, ARRAY_LEN(rows));
}

static void text_that_cannot_be_read_is_told(void **state)
{
	static const struct wrong rows[] = {
		{ "base\nread /y\nread \"/a",
		  "4:6: error: the quote that begins here is not closed" },
		{ "base\nread /y\nread \"\\q\"",
		  "4:7: error: expected \\\\ \\\" \\* \\$ \\n \\t \\r \\xHH "
		  "or \\u{HHHH} in a quote" },
		{ "base\nread /y\nread /a\u200b",
		  "4:8: error: a character that is not seen; in \"\" it can "
		  "be written as \\xHH or \\u{HHHH}" },
		{ "base\nread /y\nread /a\xff",
		  "4:8: error: a byte that is no UTF-8; in \"\" it can be "
		  "written as \\xHH" },
	};

	all_said(rows, ARRAY_LEN(rows));
}

static void the_version_comes_first(void **state)
{
	static const struct {
		const char *text, *said;
	} rows[] = {
		{ "base\nread /x\n",
		  "p:1:1: error: expected version 1 as the first line; did you mean "
		  "version 1?\n" },
		{ "read /x\nbase\nread /y\n",
		  "p:1:1: error: expected version 1 as the first line; did you mean version 1?\n" },
		{ "version 2\nbase\nread /x\n",
		  "p:1:9: error: expected version 1, the one that this "
		  "program knows, found '2'; did you mean 1?\n" },
		{ "version\nbase\nread /x\n", "p:1:1: error: expected 1 behind 'version'\n" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_policy_tree_ struct policy_tree *tree = parse(rows[i].text);

		assert_string_equal(notes_of(tree), rows[i].said);
	}
}

static void F67_what_says_nothing_is_an_error_and_not_permission(void **state)
{
	static const struct {
		const char *text, *said;
	} rows[] = {
		{ "", "p: error: the file says nothing; expected version 1 as the first line\n" },
		{ "# all\n\n  # comments\n",
		  "p: error: the file says nothing; expected version 1 as the first line\n" },
		{ "version 1\n",
		  "p: error: the policy says nothing; expected a block or a default\n" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_policy_tree_ struct policy_tree *tree = parse(rows[i].text);
		_cleanup_buf_ struct buf image = { 0 };

		assert_string_equal(notes_of(tree), rows[i].said);
		assert_int_equal(policy_compile(tree, &image), -EINVAL);
		assert_int_equal(buf_size(&image), 0);
	}
}

static void F69_one_value_said_twice_differently_is_an_error_with_both_lines(void **state)
{
	static const struct wrong rows[] = {
		{ "default audit\ndefault deny",
		  "3:1: error: the default is said to be something else "
		  "already (p:2)" },
		{ "base\nread /x\nmode audit\nbase\nmode enforce",
		  "6:1: error: the block has another mode "
		  "already (p:4)" },
	};

	all_said(rows, ARRAY_LEN(rows));
}

static void more_notes_than_are_kept_are_counted(void **state)
{
	_cleanup_policy_tree_ struct policy_tree *tree = NULL;
	_cleanup_buf_ struct buf text = { 0 };

	assert_int_equal(buf_append_str(&text, "version 1\ndefault deny\n"), 0);
	for (int i = 0; i < POLICY_NOTES_MAX + 5; i++)
		assert_int_equal(buf_append_str(&text, "zzzzzzzzzzzz\n"), 0);
	assert_int_equal(buf_append(&text, "", 1), 0);
	tree = parse((const char *)buf_bytes(&text));
	assert_int_equal(tree->notes.count, POLICY_NOTES_MAX);
	assert_int_equal(tree->notes.errors, POLICY_NOTES_MAX + 5);
	assert_int_equal(tree->notes.unkept, 5);
}

static void every_kind_of_note_has_a_word_of_its_own(void **state)
{
	for (int i = POLICY_E_VERSION; i < POLICY_NOTE_MAX; i++) {
		if (i > POLICY_E_LIMIT && i < POLICY_W_COVERED)
			continue;
		assert_string_not_equal(policy_note_word((enum policy_note_id)i), "unknown");
	}
	assert_string_equal(policy_note_word(POLICY_NOTE_MAX), "unknown");
	assert_string_equal(policy_note_word((enum policy_note_id)30), "unknown");
}

static void a_file_over_the_limit_is_refused(void **state)
{
	_cleanup_policy_sources_ struct policy_sources sources = { 0 };

	assert_int_equal(policy_sources_add(&sources, "p", "", POLICY_FILE_BYTES_MAX + 1), -EFBIG);
	for (size_t i = 0; i < POLICY_FILES_MAX; i++)
		assert_int_equal(policy_sources_add(&sources, "p", NULL, 0), 0);
	assert_int_equal(policy_sources_add(&sources, "p", NULL, 0), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_word_that_means_nothing_is_told_with_the_nearest_one),
		cmocka_unit_test(what_is_missing_or_too_much_is_told),
		cmocka_unit_test(a_variable_that_has_no_value_is_an_error),
		cmocka_unit_test(a_dollar_that_begins_no_variable_is_a_dollar),
		cmocka_unit_test(a_path_over_the_limit_is_told),
		cmocka_unit_test(names_of_tools_and_blocks_have_a_form),
		cmocka_unit_test(a_line_stands_where_it_can),
		cmocka_unit_test(text_that_cannot_be_read_is_told),
		cmocka_unit_test(the_version_comes_first),
		cmocka_unit_test(F67_what_says_nothing_is_an_error_and_not_permission),
		cmocka_unit_test(F69_one_value_said_twice_differently_is_an_error_with_both_lines),
		cmocka_unit_test(more_notes_than_are_kept_are_counted),
		cmocka_unit_test(every_kind_of_note_has_a_word_of_its_own),
		cmocka_unit_test(a_file_over_the_limit_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
