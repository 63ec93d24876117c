/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/format.h"
#include "policy/lex.h"

static void format(const char *text, size_t size, struct buf *ret_text)
{
	assert_int_equal(policy_format(text, size, ret_text), 0);
}

static void formatted_is(const char *text, const char *expected)
{
	_cleanup_buf_ struct buf once = { 0 };

	format(text, strlen(text), &once);
	assert_int_equal(buf_append(&once, "", 1), 0);
	assert_string_equal((const char *)buf_bytes(&once), expected);
}

static void lines_of_a_block_are_indented_and_lined_up(void **state)
{
	formatted_is(
		"version   1\n default\taudit\nbase\ninclude runtime/node\n\tread  /srv/app\n"
		"tool  x\ndeny read    /srv\nexec /usr/bin/git   interpreter\nmode audit",
		"version 1\ndefault audit\n\nbase\n  include runtime/node\n  read    /srv/app\n\n"
		"tool x\n  deny    read /srv\n  exec    /usr/bin/git interpreter\n"
		"  mode    audit\n");
}

static void comments_stay_where_they_belong(void **state)
{
	formatted_is(
		"# top\nversion 1\nbase # the server\n# inside\nread /a # one\nread /abcdef # two\n"
		"# of the next\n# block\ntool x\n# last",
		"# top\nversion 1\n\nbase               # the server\n  # inside\n"
		"  read    /a       # one\n  read    /abcdef  # two\n\n# of the next\n# "
		"block\ntool "
		"x\n"
		"  # last\n");
}

static void empty_lines_part_and_never_twice(void **state)
{
	formatted_is("\n\nversion 1\n\n\n\nbase\n\n\nread /a\n\n\nread /b\n\n\n",
		     "version 1\n\nbase\n\n  read    /a\n\n  read    /b\n");
	formatted_is("", "");
	formatted_is("\n \n\t\n", "");
}

static void words_stay_as_they_are_written(void **state)
{
	formatted_is("version 1\ntool \"a b\\x41\"\nread \"/a b\"/c\nread  /ä\r\n",
		     "version 1\n\ntool \"a b\\x41\"\n  read    \"/a b\"/c\n  read    /ä\n");
}

static void a_line_that_cannot_be_read_stays_whole(void **state)
{
	formatted_is("version 1\nbase\n  read  \"/a  # b\n  raed   /x\n",
		     "version 1\n\nbase\n  read  \"/a  # b\n  raed    /x\n");
}

static void of_several_carriage_returns_none_is_an_end_of_line(void **state)
{
	formatted_is("version 1\r\nve\r\r\r\r\r", "version 1\nve\r\r\r\r\r\n");
	formatted_is("version 1\nbase\n  read \"/a\r\n", "version 1\n\nbase\n  read \"/a\n");
}

static void a_second_byte_order_mark_stays_a_fault(void **state)
{
	formatted_is("\xef\xbb\xbfversion 1\n", "version 1\n");
	formatted_is("\xef\xbb\xbf\xef\xbb\xbfversion 1\n", "\xef\xbb\xbf\xef\xbb\xbfversion 1\n");
	formatted_is("\n\xef\xbb\xbfversion 1\n", "\xef\xbb\xbf\xef\xbb\xbfversion 1\n");
}

/* Laid out it would have more bytes than a line may have. */
static void a_line_of_all_bytes_that_it_may_have_can_still_be_read(void **state)
{
	_cleanup_buf_ struct buf text = { 0 }, once = { 0 }, twice = { 0 };

	assert_int_equal(buf_append_str(&text, "version 1\nbase\nread /a #"), 0);
	while (buf_size(&text) < strlen("version 1\nbase\n") + POLICY_LINE_MAX)
		assert_int_equal(buf_append_str(&text, "c"), 0);
	format((const char *)buf_bytes(&text), buf_size(&text), &once);
	assert_memory_equal(buf_bytes(&once), "version 1\n\nbase\nread /a #c", 26);
	format((const char *)buf_bytes(&once), buf_size(&once), &twice);
	assert_int_equal(buf_size(&once), buf_size(&twice));
	assert_memory_equal(buf_bytes(&once), buf_bytes(&twice), buf_size(&once));
}

static unsigned random_of(unsigned *seed, unsigned below)
{
	*seed = *seed * 1103515245 + 12345;
	return *seed / 65536 % below;
}

static void random_text(unsigned *seed, struct buf *ret_text)
{
	static const char *const pieces[] = {
		"version 1",	"default audit",
		"base",		"tool x",
		"tool \"a b\"", "block b",
		"read /a",	"write /b",
		"deny /c",	"exec /d interpreter",
		"mode audit",	"include x",
		" # c",		"# c",
		"\n",		"\n",
		"\n",		"\n\n",
		"  ",		"\t",
		"\"",		"\\",
		"\xff",		"\r\n",
		"\r",		"\r\r",
		"\xef\xbb\xbf", "#",
		"nonsense",	"ä",
		"${arg.x}",	"a b c d e f g h i j",
		"\x01",
	};
	unsigned count = random_of(seed, 40);

	while (count--)
		assert_int_equal(
			buf_append_str(ret_text, pieces[random_of(seed, ARRAY_LEN(pieces))]), 0);
}

/* The words of all lines, and the comments, one per line. */
static void meaning_of(const struct buf *text, struct buf *ret_meaning)
{
	struct policy_lexer *lexer = calloc(1, sizeof(*lexer));
	struct policy_lex_line line;

	policy_lexer_init(lexer, (const char *)buf_bytes(text), buf_size(text));
	while (policy_lexer_next(lexer, &line)) {
		for (size_t i = 0; i < line.count && i < POLICY_LEX_WORDS; i++)
			assert_int_equal(buf_printf(ret_meaning, "<%.*s>", (int)line.words[i].size,
						    line.words[i].bytes),
					 0);
		if (line.error)
			assert_int_equal(buf_printf(ret_meaning, "!%d", line.error), 0);
		if (line.comment) {
			while (line.comment_size &&
			       strchr(" \t\r", line.comment[line.comment_size - 1]))
				line.comment_size--;
			assert_int_equal(buf_append(ret_meaning, line.comment, line.comment_size),
					 0);
		}
		if (line.count || line.comment || line.error)
			assert_int_equal(buf_append_str(ret_meaning, "\n"), 0);
	}
	free(lexer);
}

static int count_fault(void *data, const struct policy_format_fault *fault)
{
	size_t *count = data;

	assert_true(fault->line > 0 && fault->column > 0 && *fault->text);
	(*count)++;
	return 0;
}

/* Text for which no fault is told can be shown: it has no control but line feeds and tabs. */
static void what_is_no_fault_can_be_printed(void **state)
{
	for (unsigned seed = 1; seed <= 20000; seed++) {
		_cleanup_buf_ struct buf text = { 0 }, once = { 0 };
		unsigned at = seed;
		size_t faults = 0;

		random_text(&at, &text);
		assert_int_equal(policy_format_check((const char *)buf_bytes(&text),
						     buf_size(&text), count_fault, &faults),
				 0);
		format((const char *)buf_bytes(&text), buf_size(&text), &once);
		for (size_t i = 0; !faults && i < buf_size(&once); i++)
			assert_true(buf_bytes(&once)[i] >= ' ' ||
				    strchr("\n\t", buf_bytes(&once)[i]));
	}
}

static int stop(void *data, const struct policy_format_fault *fault)
{
	return (int)fault->line + 100;
}

static void who_is_told_of_a_fault_can_stop(void **state)
{
	assert_int_equal(policy_format_check("a\n\x01\n\x02\n", 6, stop, NULL), 102);
}

static void formatting_twice_changes_nothing_and_once_no_word(void **state)
{
	for (unsigned seed = 1; seed <= 20000; seed++) {
		_cleanup_buf_ struct buf text = { 0 }, once = { 0 }, twice = { 0 };
		_cleanup_buf_ struct buf before = { 0 }, after = { 0 };
		unsigned at = seed;

		random_text(&at, &text);
		format((const char *)buf_bytes(&text), buf_size(&text), &once);
		format((const char *)buf_bytes(&once), buf_size(&once), &twice);
		assert_int_equal(buf_size(&once), buf_size(&twice));
		assert_memory_equal(buf_bytes(&once), buf_bytes(&twice), buf_size(&once));
		meaning_of(&text, &before);
		meaning_of(&once, &after);
		assert_int_equal(buf_size(&before), buf_size(&after));
		assert_memory_equal(buf_bytes(&before), buf_bytes(&after), buf_size(&before));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_of_a_block_are_indented_and_lined_up),
		cmocka_unit_test(comments_stay_where_they_belong),
		cmocka_unit_test(empty_lines_part_and_never_twice),
		cmocka_unit_test(words_stay_as_they_are_written),
		cmocka_unit_test(a_line_that_cannot_be_read_stays_whole),
		cmocka_unit_test(of_several_carriage_returns_none_is_an_end_of_line),
		cmocka_unit_test(a_second_byte_order_mark_stays_a_fault),
		cmocka_unit_test(a_line_of_all_bytes_that_it_may_have_can_still_be_read),
		cmocka_unit_test(what_is_no_fault_can_be_printed),
		cmocka_unit_test(who_is_told_of_a_fault_can_stop),
		cmocka_unit_test(formatting_twice_changes_nothing_and_once_no_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
