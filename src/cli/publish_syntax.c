/* SPDX-License-Identifier: BSD-2-Clause */
/* How editors show policies: one grammar, from the words that the parser reads. */

#include <string.h>

#include "base/buf.h"
#include "cli/cli.h"
#include "policy/words.h"

/* Each appends its words, parted by | as in a pattern. */
static int add(struct buf *out, const char *word)
{
	return buf_printf(out, "%s%s", buf_size(out) ? "|" : "", word);
}

static int add_keywords(struct buf *out, bool heads)
{
	int r = 0;

	for (int i = 1; r == 0 && i < POLICY_KEY_MAX; i++) {
		if (policy_keywords[i].head == heads)
			r = add(out, policy_keywords[i].word);
	}
	return r;
}

static int add_heads(struct buf *out)
{
	return add_keywords(out, true);
}

static int add_lines(struct buf *out)
{
	return add_keywords(out, false);
}

static int add_named(struct buf *out, const struct policy_named *table, size_t count)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++)
		r = add(out, table[i].word);
	return r;
}

static int add_verbs(struct buf *out)
{
	return add_named(out, policy_verbs, MF_POL_VERB_MAX);
}

static int add_modes(struct buf *out)
{
	int r = add_named(out, policy_modes, ARRAY_LEN(policy_modes));

	return r ? r : add(out, policy_verdicts[MF_DENY].word);
}

static int add_escapes(struct buf *out)
{
	return add_named(out, policy_escapes, MF_POL_ESCAPE_MAX);
}

static int add_interpreter(struct buf *out)
{
	return add(out, POLICY_WORD_INTERPRETER);
}

/*
 * Words, and what stands before them in the line. The patterns mean the same to vim ("very magic")
 * and to the regular expressions of TextMate grammars.
 */
static const struct row {
	const char *name;
	const char *vim; /* the group that it is shown as */
	const char *scope;
	const char *behind; /* NULL: it is the first word of the line */
	int (*words)(struct buf *out);
} rows[] = {
	{ "Option", "Special", "storage.modifier", "exec\\s+\\S+", add_interpreter },
	{ "Escape", "Identifier", "support.constant", "allow|deny", add_escapes },
	{ "Verb", "Statement", "keyword.other", "deny", add_verbs },
	{ "Mode", "Constant", "constant.language", "default|mode", add_modes },
	{ "Head", "Keyword", "keyword.control", NULL, add_heads },
	{ "Line", "Statement", "keyword.other", NULL, add_lines },
};

static int words_of(const struct row *row, struct buf *ret_words)
{
	int r = row->words(ret_words);

	return r ? r : buf_append(ret_words, "", 1);
}

int cli_print_vim(FILE *out)
{
	fputs("\" SPDX-License-Identifier: BSD-2-Clause\n"
	      "\" Policies of mcpfloor; made from the words that its parser reads\n"
	      "if exists('b:current_syntax')\n\tfinish\nendif\n"
	      "syn match mcpfloorComment \"\\v(^|\\s)@<=#.*$\" contains=@Spell\n"
	      "syn region mcpfloorString start=+\"+ skip=+\\\\.+ end=+\"+ oneline\n"
	      "syn match mcpfloorVariable \"\\v\\$\\{(workspace|home|arg\\.[^}]+)\\}\"\n",
	      out);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *row = &rows[i];
		_cleanup_buf_ struct buf words = { 0 };

		if (words_of(row, &words))
			return -1;
		fprintf(out, "syn match mcpfloor%s \"\\v%s%s%s(%s)(\\s|$)@=\"\n", row->name,
			row->behind ? "(^\\s*(" : "^\\s*", row->behind ? row->behind : "",
			row->behind ? ")\\s+)@<=" : "", (const char *)buf_bytes(&words));
	}
	fputs("hi def link mcpfloorComment Comment\nhi def link mcpfloorString String\n"
	      "hi def link mcpfloorVariable PreProc\n",
	      out);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		fprintf(out, "hi def link mcpfloor%s %s\n", rows[i].name, rows[i].vim);
	fputs("let b:current_syntax = 'mcpfloor-policy'\n", out);
	return ferror(out) ? -1 : 0;
}

/* A pattern as a JSON string: its backslashes are doubled. */
static void print_pattern(FILE *out, const char *pattern)
{
	for (; *pattern; pattern++) {
		if (*pattern == '\\')
			fputc('\\', out);
		fputc(*pattern, out);
	}
}

int cli_print_textmate(FILE *out)
{
	fputs("{\n"
	      "  \"name\": \"mcpfloor policy\",\n"
	      "  \"scopeName\": \"source.mcpfloor-policy\",\n"
	      "  \"patterns\": [\n"
	      "    { \"name\": \"comment.line.number-sign\", \"match\": \"(?<=^|\\\\s)#.*$\" },\n"
	      "    { \"name\": \"string.quoted.double\", \"begin\": \"\\\"\", \"end\": "
	      "\"\\\"|$\",\n"
	      "      \"patterns\": [{ \"name\": \"constant.character.escape\", \"match\": "
	      "\"\\\\\\\\.\" }] },\n"
	      "    { \"name\": \"variable.other\", \"match\": "
	      "\"\\\\$\\\\{(?:workspace|home|arg\\\\.[^}]+)\\\\}\" },\n",
	      out);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *row = &rows[i];
		_cleanup_buf_ struct buf words = { 0 };

		if (words_of(row, &words))
			return -1;
		fputs("    { \"match\": \"^\\\\s*", out);
		if (row->behind) {
			fputs("(", out);
			print_pattern(out, row->behind);
			fputs(")\\\\s+", out);
		}
		fprintf(out, "(%s)(?=\\\\s|$)\",\n      \"captures\": { ",
			(const char *)buf_bytes(&words));
		if (row->behind) /* the keyword before it is seen once only */
			fputs("\"1\": { \"name\": \"keyword.other\" }, ", out);
		fprintf(out, "\"%d\": { \"name\": \"%s\" } } }%s\n", row->behind ? 2 : 1,
			row->scope, i + 1 < ARRAY_LEN(rows) ? "," : "");
	}
	fputs("  ]\n}\n", out);
	return ferror(out) ? -1 : 0;
}
