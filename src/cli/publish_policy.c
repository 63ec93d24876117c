/* SPDX-License-Identifier: BSD-2-Clause */
/* mcpfloor-policy(5), from the tables that the parser reads. */

#include "cli/cli.h"
#include "cli/roff.h"
#include "policy/words.h"

static const char about[] =
	"A policy says what the tools of an MCP server may touch. It is a text file, one statement "
	"a "
	"line. The order of lines never matters, a line that denies always wins, and where a block "
	"speaks, everything is denied that no line allows.\n"
	"\n"
	"Words are parted by blanks or tabs. A # that begins a word begins a comment. A word, or a "
	"part of one, may stand in double quotes, with the escapes \\\\ \\\" \\* \\$ \\n \\t \\r "
	"\\xHH and \\u{HHHH}. A character that is not seen must be escaped.\n";

static const char objects[] =
	"A PATH is absolute, or begins with a variable. It is a file, or a directory with all that "
	"is "
	"in it. There are no patterns. A path that is a link means what it leads to, and the name; "
	"denied, every name on the way, too.\n"
	"\n"
	"An ADDRESS is HOST:PORT, unix:/PATH, unix:@NAME, or unix:@*. HOST is *, an IPv4 address "
	"or "
	"prefix, an IPv6 address or prefix in brackets, or a name. PORT is a number, a range N-M, "
	"or "
	"*.\n";

static const char decisions[] = "In play are, for each call in flight, the most specific block of "
				"its tool (exact name, else "
				"the longest PREFIX/*, else *), what its arguments grant, and "
				"base. With no call in flight: "
				"base; without a base block, the default.\n"
				"\n"
				"A deny of any block in play denies. Else an allow of one call, "
				"with base, allows; in strict "
				"mode every call must be allowed it. Else it is denied, by the "
				"mode of the tool's block. The "
				"ceiling denies what it denies and what it does not allow.\n";

static const char example[] = "  version 1\n"
			      "  default deny\n"
			      "\n"
			      "  base\n"
			      "    include runtime/node\n"
			      "    read    /srv/app\n"
			      "\n"
			      "  tool fs/*\n"
			      "    read    ${arg.path}\n"
			      "    deny    /srv/app/secrets\n"
			      "    connect api.internal:443\n";

static void words(FILE *out, const char *title, bool head)
{
	fprintf(out, ".SH \"%s\"\n", title);
	for (int i = 1; i < POLICY_KEY_MAX; i++) {
		const struct policy_word *word = &policy_keywords[i];

		if ((bool)word->head != head)
			continue;
		fprintf(out, ".TP\n.B %s", word->word);
		if (word->operand) {
			fputs(" \\fI", out);
			roff(out, word->operand);
			fputs("\\fR", out);
		}
		fputc('\n', out);
		roff(out, word->help);
		fputc('\n', out);
	}
}

static void named(FILE *out, const char *title, const struct policy_named *table, size_t count)
{
	fprintf(out, ".SH \"%s\"\n", title);
	for (size_t i = 0; i < count && table[i].word; i++) {
		fputs(".TP\n.B ", out);
		roff(out, table[i].word);
		fputc('\n', out);
		roff(out, table[i].help);
		fputc('\n', out);
	}
}

int cli_print_policy_man(FILE *out)
{
	roff_head(out, "mcpfloor-policy", 5, "what the tools of an MCP server may touch");
	fputs(".SH DESCRIPTION\n", out);
	roff_paragraphs(out, about);
	words(out, "BEFORE AND AT THE HEAD OF BLOCKS", true);
	words(out, "LINES OF A BLOCK", false);
	fputs(".SH OBJECTS\n", out);
	roff_paragraphs(out, objects);
	named(out, "VARIABLES", policy_variables, SIZE_MAX);
	named(out, "WORDS OF ALLOW", policy_escapes, MF_POL_ESCAPE_MAX);
	fputs(".SH \"WHAT IS DECIDED\"\n", out);
	roff_paragraphs(out, decisions);
	fputs(".SH EXAMPLE\n", out);
	roff_paragraphs(out, example);
	fputs(".SH \"SEE ALSO\"\n.BR mcpfloor\\-policy (1)\n", out);
	return ferror(out) ? -1 : 0;
}
