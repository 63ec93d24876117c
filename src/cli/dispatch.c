/* SPDX-License-Identifier: BSD-2-Clause */

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"
#include "cli/cli.h"

void cli_error(const char *format, ...)
{
	va_list list;

	fflush(stdout);
	fputs("mcpfloor: ", stderr);
	va_start(list, format);
	vfprintf(stderr, format, list);
	va_end(list);
	fputc('\n', stderr);
}

char *cli_shown(const char *text)
{
	_cleanup_buf_ struct buf out = { 0 };
	char *copy;

	if (escape_text(&out, text, strlen(text)) < 0 || buf_append(&out, "", 1) < 0)
		return strdup("?");
	copy = strdup((const char *)buf_bytes(&out));
	return copy;
}

bool cli_colour(FILE *stream)
{
	const char *no_colour = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	return isatty(fileno(stream)) && !(no_colour && *no_colour) && term &&
	       strcmp(term, "dumb") != 0;
}

int cli_help(const struct cli_command *command, const struct cli_args *args)
{
	const struct cli_command *subject;

	if (args->operand_count == 0)
		return cli_print_overview(stdout) < 0 ? CLI_NO_ACCESS : CLI_OK;
	subject = strcmp(args->operands[0], cli_daemon.name) == 0 ? &cli_daemon
								  : cli_find(args->operands[0]);
	if (!subject) {
		_cleanup_free_ char *shown = cli_shown(args->operands[0]);

		cli_error("there is no command '%s'; mcpfloor help lists them", shown);
		return CLI_USAGE;
	}
	return cli_print_usage(stdout, subject) < 0 ? CLI_NO_ACCESS : CLI_OK;
}

static int refuse_command(const char *word)
{
	_cleanup_free_ const char **names = calloc(cli_command_count, sizeof(*names));
	_cleanup_free_ char *shown = cli_shown(word);
	const char *nearest = NULL;

	if (names) {
		for (size_t i = 0; i < cli_command_count; i++)
			names[i] = cli_commands[i].name;
		nearest = cli_nearest(word, names, cli_command_count);
	}
	if (nearest)
		cli_error("there is no command '%s'; did you mean %s?", shown, nearest);
	else
		cli_error("there is no command '%s'; mcpfloor help lists them", shown);
	return CLI_USAGE;
}

/* Words that people type where a command is expected. */
static const char *alias_of(const char *word)
{
	static const struct {
		const char *word;
		const char *command;
	} aliases[] = {
		{ "--help", "help" },
		{ "-h", "help" },
		{ "--version", "version" },
		{ "-V", "version" },
	};

	for (size_t i = 0; i < ARRAY_LEN(aliases); i++) {
		if (strcmp(aliases[i].word, word) == 0)
			return aliases[i].command;
	}
	return word;
}

static int dispatch(int argc, char **argv)
{
	_cleanup_free_ char *error = NULL;
	const struct cli_command *command;
	struct cli_args args;
	int r;

	if (argc < 2) {
		cli_print_overview(stderr);
		return CLI_USAGE;
	}
	command = cli_find(alias_of(argv[1]));
	if (!command)
		return refuse_command(argv[1]);
	r = cli_parse(command, argc - 1, argv + 1, &args, &error);
	if (r < 0) {
		cli_error("%s", error ? error : strerror(-r));
		return CLI_USAGE;
	}
	if (args.help)
		return cli_print_usage(stdout, command) < 0 ? CLI_NO_ACCESS : CLI_OK;
	return command->run(command, &args);
}

int cli_dispatch(int argc, char **argv)
{
	int status = dispatch(argc, argv);

	if (fflush(stdout) != 0 || ferror(stdout)) {
		cli_error("the output could not be written: %s", strerror(errno));
		return CLI_NO_ACCESS;
	}
	return status;
}
