/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "cli/cli.h"

struct line {
	char *words[16];
	int count;
};

static int parse(const char *command, struct line *line, struct cli_args *ret_args,
		 char **ret_error)
{
	return cli_parse(cli_find(command), line->count, line->words, ret_args, ret_error);
}

#define LINE(...)                                 \
	((struct line){ .words = { __VA_ARGS__ }, \
			.count = sizeof((char *[]){ __VA_ARGS__ }) / sizeof(char *) })
#define W(word) ((char[]){ word })

static void servers_options_are_its_own(void **state)
{
	struct line line = LINE(W("run"), W("--name"), W("crm"), W("server"), W("--name"), W("x"),
				W("--json"));
	_cleanup_free_ char *error = NULL;
	struct cli_args args;

	assert_int_equal(parse("run", &line, &args, &error), 0);
	assert_string_equal(args.name, "crm");
	assert_int_equal(args.operand_count, 4);
	assert_string_equal(args.operands[1], "--name");
	assert_false(args.json);
}

static void double_dash_ends_options_and_a_second_one_stays(void **state)
{
	struct line line = LINE(W("run"), W("--"), W("--"), W("-x"));
	_cleanup_free_ char *error = NULL;
	struct cli_args args;

	assert_int_equal(parse("run", &line, &args, &error), 0);
	assert_int_equal(args.operand_count, 2);
	assert_string_equal(args.operands[0], "--");
}

static void options_may_follow_the_operand(void **state)
{
	struct line line = LINE(W("show"), W("req-42"), W("--json"));
	_cleanup_free_ char *error = NULL;
	struct cli_args args;

	assert_int_equal(parse("show", &line, &args, &error), 0);
	assert_true(args.json);
	assert_string_equal(args.operands[0], "req-42");
}

static void refuses(const char *command, struct line line, const char *expected)
{
	_cleanup_free_ char *error = NULL;
	struct cli_args args;

	assert_int_equal(parse(command, &line, &args, &error), -EINVAL);
	assert_string_equal(error, expected);
}

static void a_mistyped_option_is_answered_with_the_nearest(void **state)
{
	refuses("requests", LINE(W("requests"), W("--sesion"), W("x")),
		"requests has no option '--sesion'; did you mean --session?");
	refuses("requests", LINE(W("requests"), W("--limti=3")),
		"requests has no option '--limti=3'; did you mean --limit?");
	refuses("requests", LINE(W("requests"), W("--colour")),
		"requests has no option '--colour'; see mcpfloor help requests");
}

static void what_was_typed_is_escaped_in_messages(void **state)
{
	refuses("requests", LINE(W("requests"), W("--\033[2J")),
		"requests has no option '--\\x1b[2J'; see mcpfloor help requests");
}

static void a_letter_in_a_bundle_is_named_alone(void **state)
{
	refuses("tail", LINE(W("tail"), W("-fz")),
		"tail has no option '-z'; see mcpfloor help tail");
}

static void values_are_wanted_and_bounded(void **state)
{
	refuses("tail", LINE(W("tail"), W("-n")), "--lines wants a value: --lines N");
	refuses("tail", LINE(W("tail"), W("-n"), W("-1")),
		"--lines wants a number from 0 to 100000000, not '-1'");
	refuses("run", LINE(W("run"), W("--grace"), W("99999999999999999999"), W("x")),
		"--grace wants a number from 1 to 3600000, not '99999999999999999999'");
	refuses("run", LINE(W("run"), W("--name="), W("x")), "--name wants 1 to 63 bytes");
	refuses("ps", LINE(W("ps"), W("--json=1")), "--json takes no value");
}

static void a_number_tells_that_it_was_given(void **state)
{
	struct line line = LINE(W("tail"), W("-n0"));
	_cleanup_free_ char *error = NULL;
	struct cli_args args;

	assert_int_equal(parse("tail", &line, &args, &error), 0);
	assert_true(args.limit_given);
	assert_int_equal(args.limit, 0);
}

static void help_needs_no_operand(void **state)
{
	struct line line = LINE(W("show"), W("--help"));
	_cleanup_free_ char *error = NULL;
	struct cli_args args;

	assert_int_equal(parse("show", &line, &args, &error), 0);
	assert_true(args.help);
}

static void too_few_and_too_many_operands_are_refused(void **state)
{
	refuses("run", LINE(W("run")),
		"run wants a command: mcpfloor run [OPTION]... [--] COMMAND [ARG]...");
	refuses("ps", LINE(W("ps"), W("x")), "ps: 'x' is too much; usage: mcpfloor ps [OPTION]...");
}

static void the_nearest_word_is_near(void **state)
{
	static const char *const words[] = { "run", "requests", "show", "stats", "ps" };

	assert_string_equal(cli_nearest("reqeusts", words, 5), "requests");
	assert_string_equal(cli_nearest("req", words, 5), "requests");
	assert_string_equal(cli_nearest("sohw", words, 5), "show");
	assert_null(cli_nearest("completely", words, 5));
	assert_null(cli_nearest("", words, 5));
}

static void a_very_long_word_is_not_guessed_at(void **state)
{
	char word[5000];

	memset(word, 'r', sizeof(word));
	word[sizeof(word) - 1] = '\0';
	assert_null(cli_nearest(word, (const char *const[]){ "run" }, 1));
}

static void every_row_of_the_tables_is_whole(void **state)
{
	for (size_t i = 1; i < CLI_OPT_MAX; i++) {
		assert_non_null(cli_options[i].name);
		assert_non_null(cli_options[i].help);
		assert_int_equal(cli_options[i].kind == CLI_FLAG, cli_options[i].value == NULL);
	}
	for (size_t i = 0; i < cli_command_count; i++) {
		assert_non_null(cli_commands[i].run);
		assert_non_null(cli_commands[i].exits);
		assert_non_null(cli_commands[i].description);
		assert_non_null(cli_find(cli_commands[i].see_also));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(servers_options_are_its_own),
		cmocka_unit_test(double_dash_ends_options_and_a_second_one_stays),
		cmocka_unit_test(options_may_follow_the_operand),
		cmocka_unit_test(a_mistyped_option_is_answered_with_the_nearest),
		cmocka_unit_test(what_was_typed_is_escaped_in_messages),
		cmocka_unit_test(a_letter_in_a_bundle_is_named_alone),
		cmocka_unit_test(values_are_wanted_and_bounded),
		cmocka_unit_test(a_number_tells_that_it_was_given),
		cmocka_unit_test(help_needs_no_operand),
		cmocka_unit_test(too_few_and_too_many_operands_are_refused),
		cmocka_unit_test(the_nearest_word_is_near),
		cmocka_unit_test(a_very_long_word_is_not_guessed_at),
		cmocka_unit_test(every_row_of_the_tables_is_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
