/* SPDX-License-Identifier: BSD-2-Clause */
/* From argv to struct cli_args, by the tables. Prints nothing. */

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/engines.h"
#include "cli/cli.h"
#include "policy/words.h"

#define MODE_WORDS "observe, audit or enforce"
#define FLOOR_WORDS "full or partial"
#define LONG_ONLY 256 /* getopt values of options without a letter, plus their id */

const char *cli_nearest(const char *word, const char *const *words, size_t count)
{
	return policy_nearest(word, strlen(word), words, count);
}

static int refuse(char **ret_error, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int refuse(char **ret_error, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	if (vasprintf(ret_error, format, list) < 0)
		*ret_error = NULL;
	va_end(list);
	return -EINVAL;
}

static int set_number(const struct cli_option *option, const char *text, unsigned *ret_number)
{
	unsigned long value;
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return -EINVAL;
	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || *end || value < option->min || value > option->max)
		return -EINVAL;
	*ret_number = (unsigned)value;
	return 0;
}

static int mode_of_word(const char *word, uint32_t *ret_mode)
{
	int mode = policy_named_find(policy_modes, ARRAY_LEN(policy_modes), word, strlen(word));

	if (mode < 0)
		return -EINVAL;
	*ret_mode = (uint32_t)mode;
	return 0;
}

static int floor_of_word(const char *word, bool *ret_partial)
{
	bool partial = strcmp(word, "partial") == 0;

	if (!partial && strcmp(word, "full") != 0)
		return -EINVAL;
	*ret_partial = partial;
	return 0;
}

/* `error` is what came of reading the word of `option` that should be one of `words`. */
static int set_word(const struct cli_option *option, int error, const char *words, const char *text,
		    char **ret_error)
{
	_cleanup_free_ char *shown = error ? cli_shown(text) : NULL;

	return error ? refuse(ret_error, "--%s wants %s, not '%s'", option->name, words, shown) : 0;
}

static int add_text(const struct cli_option *option, const char *text, struct cli_texts *texts,
		    char **ret_error)
{
	if (texts->count == CLI_TEXTS_MAX)
		return refuse(ret_error, "--%s can be given %u times", option->name, CLI_TEXTS_MAX);
	texts->texts[texts->count++] = text;
	return 0;
}

static int set_option(const struct cli_option *option, const char *text, struct cli_args *args,
		      char **ret_error)
{
	char *field = (char *)args + option->offset;

	if (option->given_offset)
		*(bool *)((char *)args + option->given_offset) = true;
	switch (option->kind) {
	case CLI_FLAG:
		*(bool *)field = true;
		return 0;
	case CLI_ENGINE:
		return set_word(option, engine_of_word(text, (uint32_t *)field), ENGINE_WORDS, text,
				ret_error);
	case CLI_PROBE:
		return set_word(option, probe_of_word(text, (bool *)field), PROBE_WORDS, text,
				ret_error);
	case CLI_MODE:
		return set_word(option, mode_of_word(text, (uint32_t *)field), MODE_WORDS, text,
				ret_error);
	case CLI_FLOOR:
		return set_word(option, floor_of_word(text, (bool *)field), FLOOR_WORDS, text,
				ret_error);
	case CLI_TEXT:
		if (option->max && (!*text || strlen(text) > option->max))
			return refuse(ret_error, "--%s wants 1 to %u bytes", option->name,
				      option->max);
		*(const char **)field = text;
		return 0;
	case CLI_TEXTS:
		return add_text(option, text, (struct cli_texts *)field, ret_error);
	case CLI_NUMBER:
		if (set_number(option, text, (unsigned *)field) < 0) {
			_cleanup_free_ char *shown = cli_shown(text);

			return refuse(ret_error, "--%s wants a number from %u to %u, not '%s'",
				      option->name, option->min, option->max, shown);
		}
		return 0;
	}
	return -EINVAL;
}

static int refuse_option(const struct cli_command *command, const char *word, char **ret_error)
{
	const char *names[CLI_OPT_MAX];
	_cleanup_free_ char *shown = NULL;
	_cleanup_free_ char *bare = NULL;
	const char *nearest;
	size_t count = 0;

	for (const uint8_t *id = command->options; *id; id++)
		names[count++] = cli_options[*id].name;
	bare = strdup(word + strspn(word, "-"));
	if (!bare)
		return -ENOMEM;
	bare[strcspn(bare, "=")] = '\0';
	nearest = cli_nearest(bare, names, count);
	shown = cli_shown(word);
	if (nearest)
		return refuse(ret_error, "%s has no option '%s'; did you mean --%s?", command->name,
			      shown, nearest);
	return refuse(ret_error, "%s has no option '%s'; see mcpfloor help %s", command->name,
		      shown, command->name);
}

struct getopt_tables {
	struct option longs[CLI_OPT_MAX + 1];
	char shorts[2 * CLI_OPT_MAX + 3];
};

static void make_tables(const struct cli_command *command, struct getopt_tables *tables)
{
	size_t count = 0;
	char *at = tables->shorts;

	memset(tables, 0, sizeof(*tables));
	if (command->before_command)
		*at++ = '+'; /* the server's options are its own */
	*at++ = ':';
	for (const uint8_t *id = command->options; *id; id++) {
		const struct cli_option *option = &cli_options[*id];

		tables->longs[count++] = (struct option){
			.name = option->name,
			.has_arg = option->value ? required_argument : no_argument,
			.val = LONG_ONLY + *id,
		};
		if (option->letter) {
			*at++ = option->letter;
			if (option->value)
				*at++ = ':';
		}
	}
}

static const struct cli_option *option_of(const struct cli_command *command, int value)
{
	for (const uint8_t *id = command->options; *id; id++) {
		if (value == LONG_ONLY + *id ||
		    (cli_options[*id].letter && value == cli_options[*id].letter))
			return &cli_options[*id];
	}
	return NULL;
}

static int parse_options(const struct cli_command *command, int argc, char **argv,
			 struct cli_args *args, char **ret_error)
{
	struct getopt_tables tables;

	make_tables(command, &tables);
	optind = 0; /* glibc: begin anew */
	opterr = 0;
	for (;;) {
		int at = optind ? optind : 1;
		int value = getopt_long(argc, argv, tables.shorts, tables.longs, NULL);
		const struct cli_option *option;
		int r;

		if (value == -1)
			return 0;
		option = option_of(command, value == ':' || value == '?' ? optopt : value);
		if (value == ':' && option)
			return refuse(ret_error, "--%s wants a value: --%s %s", option->name,
				      option->name, option->value);
		if (value == '?' && option)
			return refuse(ret_error, "--%s takes no value", option->name);
		if (value == '?' || value == ':' || !option) {
			const char letter[] = { '-', (char)optopt, '\0' };

			/* a bundle of letters does not move optind before its last one */
			return refuse_option(command,
					     optopt > 0 && optopt < LONG_ONLY ? letter
					     : optind > at		      ? argv[optind - 1]
									      : argv[at],
					     ret_error);
		}
		r = set_option(option, optarg, args, ret_error);
		if (r < 0)
			return r;
	}
}

int cli_parse(const struct cli_command *command, int argc, char **argv, struct cli_args *ret_args,
	      char **ret_error)
{
	struct cli_args args = { 0 };
	int r = parse_options(command, argc, argv, &args, ret_error);

	if (r < 0)
		return r;
	args.operands = argv + optind;
	args.operand_count = argc - optind;
	if (!args.help) {
		if (args.operand_count < command->operands_min)
			return refuse(ret_error, "%s wants %s: mcpfloor %s %s", command->name,
				      command->before_command ? "a command" : "an argument",
				      command->name, command->synopsis);
		if (command->operands_max >= 0 && args.operand_count > command->operands_max) {
			_cleanup_free_ char *shown =
				cli_shown(args.operands[command->operands_max]);

			return refuse(ret_error, "%s: '%s' is too much; usage: mcpfloor %s %s",
				      command->name, shown, command->name, command->synopsis);
		}
	}
	*ret_args = args;
	return 0;
}
