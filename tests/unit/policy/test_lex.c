/* SPDX-License-Identifier: BSD-2-Clause */
#include "policies.h"

#include <string.h>

#include "policy/lex.h"
#include "policy/quote.h"

/* The words of one line, each in angle brackets. */
static const char *words_of(const char *text)
{
	static char said[512];
	_cleanup_free_ struct policy_lexer *lexer = malloc(sizeof(*lexer));
	struct policy_lex_line line;
	size_t used = 0;

	assert_non_null(lexer);
	policy_lexer_init(lexer, text, strlen(text));
	said[0] = '\0';
	while (policy_lexer_next(lexer, &line)) {
		for (size_t i = 0; i < line.count && i < POLICY_LEX_WORDS; i++)
			used += (size_t)snprintf(said + used, sizeof(said) - used, "<%.*s>",
						 (int)line.words[i].size, line.words[i].bytes);
		if (line.error)
			used += (size_t)snprintf(said + used, sizeof(said) - used, "!%d@%u",
						 line.error, line.error_column);
	}
	return said;
}

static void words_are_parted_by_blanks_and_tabs(void **state)
{
	assert_string_equal(words_of("  read\t/srv  "), "<read></srv>");
	assert_string_equal(words_of(""), "");
	assert_string_equal(words_of("a\nb"), "<a><b>");
	assert_string_equal(words_of("a\r\nb\r\n"), "<a><b>");
	assert_string_equal(words_of("\xef\xbb\xbfversion 1"), "<version><1>");
}

static void a_hash_begins_a_comment_only_where_it_begins_a_word(void **state)
{
	assert_string_equal(words_of("read /a#b # c"), "<read></a#b>");
	assert_string_equal(words_of("# all of it"), "");
	assert_string_equal(words_of("read \"#x\""), "<read><#x>");
}

static void quotes_hold_blanks_and_escapes(void **state)
{
	assert_string_equal(words_of("read \"/My Docs\""), "<read></My Docs>");
	assert_string_equal(words_of("/a\" b \"c"), "</a b c>");
	assert_string_equal(words_of("\"\""), "<>");
	assert_string_equal(words_of("\"\\\\ \\\" \\* \\$ \\n\\t\\r\""), "<\\ \" * $ \n\t\r>");
	assert_string_equal(words_of("\"\\x41\\x7A\\u{e9}\\u{20AC}\\u{1F600}\\u{41}\""),
			    "<Az\u00e9\u20ac\U0001f600"
			    "A>");
	assert_string_equal(words_of("a\\b"), "<a\\b>");
}

static void what_cannot_be_read_is_told_with_its_column(void **state)
{
	assert_string_equal(words_of("a \"b"), "<a>!4@3");
	assert_string_equal(words_of("\"\\q\""), "!5@2");
	assert_string_equal(words_of("\"\\x4\""), "!5@2");
	assert_string_equal(words_of("\"\\u41\""), "!5@2");
	assert_string_equal(words_of("\"\\u{}\""), "!5@2");
	assert_string_equal(words_of("\"\\u{d800}\""), "!5@2");
	assert_string_equal(words_of("\"\\u{110000}\""), "!5@2");
	assert_string_equal(words_of("\"\\u{41"), "!5@2");
	assert_string_equal(words_of("\"\\u"), "!5@2");
	assert_string_equal(words_of("\"\\"), "!5@2");
	assert_string_equal(words_of("a \x01"), "<a>!2@3");
	assert_string_equal(words_of("a b\xff"), "<a>!3@4");
	assert_string_equal(words_of("a\u200b"), "!2@2");
	assert_string_equal(words_of("\"\u202e\""), "!2@2");
}

static void a_comment_has_no_marks_that_turn_text_round(void **state)
{
	assert_string_equal(words_of("a # \u202e"), "<a>!2@5");
	assert_string_equal(words_of("a # \u2066"), "<a>!2@5");
	assert_string_equal(words_of("a # \u200f"), "<a>!2@5");
	assert_string_equal(words_of("a # \u061c"), "<a>!2@5");
	assert_string_equal(words_of("a # \x1b"), "<a>!2@5");
	assert_string_equal(words_of("a # \xff"), "<a>!3@5");
	assert_string_equal(words_of("a # \ttabs, \u00e9 and \u200d are fine"), "<a>");
}

static void a_line_over_the_limit_is_no_line(void **state)
{
	_cleanup_free_ char *text = malloc(POLICY_LINE_MAX + 3);

	memset(text, 'x', POLICY_LINE_MAX + 2);
	text[POLICY_LINE_MAX + 1] = '\n';
	text[POLICY_LINE_MAX + 2] = '\0';
	assert_string_equal(words_of(text), "!1@1");
}

static void words_behind_the_last_one_kept_are_counted(void **state)
{
	static const char text[] = "1 2 3 4 5 6 7 8 9 10";
	_cleanup_free_ struct policy_lexer *lexer = malloc(sizeof(*lexer));
	struct policy_lex_line line;

	policy_lexer_init(lexer, text, strlen(text));
	assert_int_equal(policy_lexer_next(lexer, &line), 1);
	assert_int_equal(line.count, 10);
	assert_int_equal(line.text_size, strlen(text));
}

static void a_printed_word_is_read_back_as_it_was(void **state)
{
	static const char *const words[] = { "/srv/docs", "",	      "#x",	"a b",	  "a\"b",
					     "a*",	  "${x}",     "$x",	"a\\b",	  "\\",
					     "a\nb",	  "\xff\xfe", "\u200b", "\u00e9", "a\\ b",
					     "tab\t",	  "x#y" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		_cleanup_free_ struct policy_lexer *lexer = malloc(sizeof(*lexer));
		_cleanup_buf_ struct buf out = { 0 };
		struct policy_lex_line line;

		assert_int_equal(policy_quote(&out, words[i], strlen(words[i])), 0);
		policy_lexer_init(lexer, (const char *)buf_bytes(&out), buf_size(&out));
		assert_int_equal(policy_lexer_next(lexer, &line), 1);
		assert_int_equal(line.error, POLICY_LEX_OK);
		assert_int_equal(line.count, 1);
		assert_int_equal(line.words[0].size, strlen(words[i]));
		assert_memory_equal(line.words[0].bytes, words[i], strlen(words[i]));
		for (size_t k = 0; k < line.words[0].size; k++)
			assert_true(line.words[0].literal[k] ||
				    (line.words[0].bytes[k] != '*' &&
				     !(line.words[0].bytes[k] == '$' && words[i][1] == '{')));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_parted_by_blanks_and_tabs),
		cmocka_unit_test(a_hash_begins_a_comment_only_where_it_begins_a_word),
		cmocka_unit_test(quotes_hold_blanks_and_escapes),
		cmocka_unit_test(what_cannot_be_read_is_told_with_its_column),
		cmocka_unit_test(a_comment_has_no_marks_that_turn_text_round),
		cmocka_unit_test(a_line_over_the_limit_is_no_line),
		cmocka_unit_test(words_behind_the_last_one_kept_are_counted),
		cmocka_unit_test(a_printed_word_is_read_back_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
