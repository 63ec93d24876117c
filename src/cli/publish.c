/* SPDX-License-Identifier: BSD-2-Clause */
/* Manual pages and shell completion, from the tables. */

#include <string.h>

#include "cli/cli.h"
#include "cli/roff.h"

static void man_synopsis(FILE *out, const char *program, const char *command, const char *synopsis)
{
	fprintf(out, ".SH SYNOPSIS\n.B %s%s%s\n", program, *command ? " " : "", command);
	roff(out, synopsis);
	fputc('\n', out);
}

static void man_options(FILE *out, const struct cli_command *command)
{
	fputs(".SH OPTIONS\n", out);
	for (const uint8_t *id = command->options; *id; id++) {
		const struct cli_option *option = &cli_options[*id];

		fputs(".TP\n", out);
		if (option->letter)
			fprintf(out, "\\fB\\-%c\\fR, ", option->letter);
		fputs("\\fB\\-\\-", out);
		roff(out, option->name);
		fputs("\\fR", out);
		if (option->value)
			fprintf(out, " \\fI%s\\fR", option->value);
		fputc('\n', out);
		roff(out, option->help);
		fputc('\n', out);
	}
}

static void man_exits(FILE *out, const struct cli_exit *exits)
{
	fputs(".SH \"EXIT STATUS\"\n", out);
	for (; exits->meaning; exits++) {
		fprintf(out, ".TP\n.B %d\n", exits->status);
		roff(out, exits->meaning);
		fputc('\n', out);
	}
}

static int man_program(FILE *out)
{
	roff_head(out, "mcpfloor", 1, "record what MCP tool calls really do");
	man_synopsis(out, "mcpfloor", "", "COMMAND [OPTION]... [ARG]...");
	fputs(".SH DESCRIPTION\n", out);
	roff_paragraphs(out, cli_about);
	fputs(".SH COMMANDS\n", out);
	for (size_t i = 0; i < cli_command_count; i++) {
		fprintf(out, ".TP\n.BR mcpfloor\\-%s (%u)\n", cli_commands[i].name,
			cli_commands[i].section);
		roff(out, cli_commands[i].summary);
		fputc('\n', out);
	}
	fputs(".SH FILES\n"
	      ".TP\n.I /var/lib/mcpfloor\nthe records of root and of the daemon\n"
	      ".TP\n.I $XDG_STATE_HOME/mcpfloor\nthose of anybody else; "
	      "default: ~/.local/state/mcpfloor\n"
	      ".TP\n.I /run/mcpfloor\nsockets\n"
	      ".SH ENVIRONMENT\n.TP\n.B NO_COLOR\nset and not empty: no colour\n"
	      ".SH \"SEE ALSO\"\n.BR mcpfloord (8)\n",
	      out);
	return ferror(out) ? -1 : 0;
}

int cli_print_man(FILE *out, const struct cli_command *command)
{
	bool daemon = command == &cli_daemon;
	char title[64];

	if (!command)
		return man_program(out);
	snprintf(title, sizeof(title), "%s%s", daemon ? "" : "mcpfloor-", command->name);
	roff_head(out, title, command->section, command->summary);
	man_synopsis(out, daemon ? "mcpfloord" : "mcpfloor", daemon ? "" : command->name,
		     command->synopsis);
	fputs(".SH DESCRIPTION\n", out);
	roff_paragraphs(out, command->description);
	man_options(out, command);
	man_exits(out, command->exits);
	fprintf(out, ".SH \"SEE ALSO\"\n.BR mcpfloor (1),\n.BR mcpfloor\\-%s (1)\n",
		command->see_also);
	return ferror(out) ? -1 : 0;
}

static void completion_words(FILE *out, const struct cli_command *command)
{
	for (const uint8_t *id = command->options; *id; id++)
		fprintf(out, "%s--%s", id == command->options ? "" : " ", cli_options[*id].name);
}

int cli_print_completion(FILE *out)
{
	fputs("# SPDX-License-Identifier: BSD-2-Clause\n"
	      "# bash completion for mcpfloor; made from its command table\n"
	      "_mcpfloor()\n{\n"
	      "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} words\n"
	      "\tCOMPREPLY=()\n"
	      "\tif ((COMP_CWORD == 1)); then\n\t\twords='",
	      out);
	for (size_t i = 0; i < cli_command_count; i++)
		fprintf(out, "%s%s", i ? " " : "", cli_commands[i].name);
	fputs("'\n\t\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
	      "\t\treturn\n\tfi\n\tcase $prev in\n",
	      out);
	for (size_t id = 1; id < CLI_OPT_MAX; id++) {
		if (cli_options[id].is_path)
			fprintf(out,
				"\t--%s) mapfile -t COMPREPLY < <(compgen -d -- \"$cur\"); "
				"return ;;\n",
				cli_options[id].name);
	}
	fputs("\tesac\n\tcase ${COMP_WORDS[1]} in\n", out);
	for (size_t i = 0; i < cli_command_count; i++) {
		fprintf(out, "\t%s) words='", cli_commands[i].name);
		completion_words(out, &cli_commands[i]);
		fputs("' ;;\n", out);
	}
	fputs("\t*) return ;;\n\tesac\n"
	      "\tif [[ ${COMP_WORDS[1]} == help ]]; then\n\t\twords='",
	      out);
	for (size_t i = 0; i < cli_command_count; i++)
		fprintf(out, "%s%s", i ? " " : "", cli_commands[i].name);
	fputs("'\n\tfi\n"
	      "\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
	      "}\n"
	      "complete -o default -F _mcpfloor mcpfloor\n",
	      out);
	return ferror(out) ? -1 : 0;
}
