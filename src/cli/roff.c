/* SPDX-License-Identifier: BSD-2-Clause */

#include "cli/roff.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

static void roff_bytes(FILE *out, const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (i == 0 && (text[i] == '.' || text[i] == '\''))
			fputs("\\&", out);
		if (text[i] == '\\')
			fputs("\\e", out);
		else if (text[i] == '-')
			fputs("\\-", out);
		else if (text[i] == '\'')
			fputs("\\(aq", out);
		else
			fputc(text[i], out);
	}
}

void roff(FILE *out, const char *text)
{
	roff_bytes(out, text, strlen(text));
}

void roff_paragraphs(FILE *out, const char *text)
{
	bool literal = false;

	while (*text) {
		size_t length = strcspn(text, "\n");
		bool is_literal = length && text[0] == ' ';

		if (is_literal != literal)
			fputs(is_literal ? ".nf\n" : ".fi\n", out);
		literal = is_literal;
		if (length == 0)
			fputs(".PP", out);
		else
			roff_bytes(out, text, length);
		fputc('\n', out);
		text += length + (text[length] == '\n');
	}
	if (literal)
		fputs(".fi\n", out);
}

void roff_head(FILE *out, const char *title, unsigned section, const char *summary)
{
	fputs(".\\\" SPDX-License-Identifier: BSD-2-Clause\n.TH ", out);
	for (const char *c = title; *c; c++)
		fputc(toupper((unsigned char)*c), out);
	fprintf(out, " %u \"\" \"mcpfloor %s\"\n.SH NAME\n", section, MCPFLOOR_VERSION);
	roff(out, title);
	fputs(" \\- ", out);
	roff(out, summary);
	fputc('\n', out);
}
