/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <yajl/yajl_tree.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "policy/words.h"

static char *printed(int (*print)(FILE *out))
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	assert_int_equal(print(out), 0);
	assert_int_equal(fclose(out), 0);
	return text;
}

/* Words stand in alternatives: "(a|b)". */
static void has_word(const char *text, const char *word)
{
	static const char *const forms[] = { "(%s|", "|%s|", "|%s)", "(%s)" };
	char form[64];

	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(form, sizeof(form), forms[i], word);
#pragma GCC diagnostic pop
		if (strstr(text, form))
			return;
	}
	print_error("no %s\n", word);
	fail();
}

static void has_all_words(const char *text)
{
	for (int i = 1; i < POLICY_KEY_MAX; i++)
		has_word(text, policy_keywords[i].word);
	for (int i = 0; i < MF_POL_VERB_MAX; i++)
		has_word(text, policy_verbs[i].word);
	for (int i = 0; i < MF_POL_ESCAPE_MAX; i++)
		has_word(text, policy_escapes[i].word);
	for (size_t i = 0; i < ARRAY_LEN(policy_modes); i++)
		has_word(text, policy_modes[i].word);
	has_word(text, POLICY_WORD_INTERPRETER);
	for (const struct policy_named *variable = policy_variables; variable->word; variable++)
		assert_non_null(
			strstr(text, strncmp(variable->word, "arg.", 4) ? variable->word : "arg"));
}

static void vim_knows_every_word(void **state)
{
	_cleanup_free_ char *text = printed(cli_print_vim);

	has_all_words(text);
}

static void the_textmate_grammar_knows_every_word_and_is_json(void **state)
{
	_cleanup_free_ char *text = printed(cli_print_textmate);
	char error[256] = "";
	yajl_val tree = yajl_tree_parse(text, error, sizeof(error));

	assert_string_equal(error, "");
	assert_true(YAJL_IS_OBJECT(tree));
	yajl_tree_free(tree);
	has_all_words(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vim_knows_every_word),
		cmocka_unit_test(the_textmate_grammar_knows_every_word_and_is_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
