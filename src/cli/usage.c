/* SPDX-License-Identifier: BSD-2-Clause */
/* Help on the terminal, from the tables. */

#include <string.h>

#include "cli/cli.h"

#define TEXT_COLUMNS 80
#define HELP_COLUMN 28

/* Wraps one paragraph at words; `column` is where the first line stands already. */
static void print_wrapped(FILE *out, const char *text, size_t length, int indent, int column)
{

	for (size_t i = 0; i < length;) {
		size_t word;

		while (i < length && text[i] == ' ')
			i++;
		word = strcspn(text + i, " \n");
		if (word > length - i)
			word = length - i;
		if (word == 0)
			break;
		if (column > indent && column + 1 + (int)word > TEXT_COLUMNS) {
			fputc('\n', out);
			column = 0;
		}
		if (column < indent)
			column += fprintf(out, "%*s", indent - column, "");
		else if (column > indent)
			column += fprintf(out, " ");
		column += fprintf(out, "%.*s", (int)word, text + i);
		i += word;
	}
	fputc('\n', out);
}

static void print_paragraphs(FILE *out, const char *text)
{
	while (*text) {
		size_t length = strcspn(text, "\n");

		if (length == 0)
			fputc('\n', out);
		else if (text[0] == ' ')
			fprintf(out, "%.*s\n", (int)length, text);
		else
			print_wrapped(out, text, length, 0, 0);
		text += length + (text[length] == '\n');
	}
}

static void print_option(FILE *out, const struct cli_option *option)
{
	int column;

	if (option->letter)
		column = fprintf(out, "  -%c, --%s", option->letter, option->name);
	else
		column = fprintf(out, "      --%s", option->name);
	if (option->value)
		column += fprintf(out, " %s", option->value);
	if (column + 2 > HELP_COLUMN) {
		fputc('\n', out);
		column = 0;
	}
	print_wrapped(out, option->help, strlen(option->help), HELP_COLUMN, column);
}

int cli_print_usage(FILE *out, const struct cli_command *command)
{
	bool daemon = command == &cli_daemon;

	fprintf(out, "usage: %s%s %s\n\n", daemon ? "" : "mcpfloor ", command->name,
		command->synopsis);
	print_paragraphs(out, command->description);
	fputs("\noptions:\n", out);
	for (const uint8_t *id = command->options; *id; id++)
		print_option(out, &cli_options[*id]);
	fputs("\nexit status:\n", out);
	for (const struct cli_exit *exit_row = command->exits; exit_row->meaning; exit_row++)
		fprintf(out, "  %-4d%s\n", exit_row->status, exit_row->meaning);
	return ferror(out) ? -1 : 0;
}

int cli_print_overview(FILE *out)
{
	fputs("usage: mcpfloor COMMAND [OPTION]... [ARG]...\n\n", out);
	for (size_t i = 0; i < cli_command_count; i++)
		fprintf(out, "  %-10s %s\n", cli_commands[i].name, cli_commands[i].summary);
	fputs("\nmcpfloor help COMMAND explains one.\n", out);
	return ferror(out) ? -1 : 0;
}
