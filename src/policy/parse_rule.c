/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines of a block that allow or deny something. */

#include <errno.h>
#include <string.h>

#include "policy/parse.h"

#define VERBS_OF_PATHS \
	(MF_POL_BIT(MF_POL_READ) | MF_POL_BIT(MF_POL_WRITE) | MF_POL_BIT(MF_POL_EXEC))
#define VERBS_OF_ADDRESSES (MF_POL_BIT(MF_POL_CONNECT) | MF_POL_BIT(MF_POL_LISTEN))

static bool word_is(const struct policy_lex_word *word, const char *text)
{
	return word->size == strlen(text) && memcmp(word->bytes, text, word->size) == 0;
}

static void complain_missing(struct policy_parser *parser, const char *what)
{
	policy_complain(parser, POLICY_E_MISSING, NULL, NULL, NULL, "expected %s behind '%s'", what,
			policy_parser_shown(parser, parser->line.text, parser->line.text_size));
}

/* Nothing may stand behind the first `count` words. */
static bool ends_at(struct policy_parser *parser, size_t count)
{
	const struct policy_lex_word *word = &parser->line.words[count];

	if (parser->line.count <= count)
		return true;
	policy_complain(
		parser, POLICY_E_EXTRA, word, NULL, NULL,
		"expected the end of the line, found '%s'; a line has one object, and a name with "
		"blanks stands in \"\"",
		policy_parser_shown(parser, word->bytes, word->size));
	return false;
}

static void refuse_escape(struct policy_parser *parser, const struct policy_lex_word *word)
{
	const char *words[MF_POL_ESCAPE_MAX];

	for (size_t i = 0; i < MF_POL_ESCAPE_MAX; i++)
		words[i] = policy_escapes[i].word;
	policy_complain(
		parser, POLICY_E_WORD, word, NULL,
		policy_nearest(word->bytes, word->size, words, MF_POL_ESCAPE_MAX),
		"expected one of the words of allow (mount, ptrace, …), found '%s'; paths and "
		"addresses go with read, write, exec, connect and listen",
		policy_parser_shown(parser, word->bytes, word->size));
}

static void take_escape(struct policy_parser *parser, struct policy_line *line,
			const struct policy_lex_word *word)
{
	int escape = policy_named_find(policy_escapes, MF_POL_ESCAPE_MAX, word->bytes, word->size);

	if (escape < 0) {
		refuse_escape(parser, word);
		return;
	}
	line->kind = POLICY_OBJECT_ESCAPE;
	line->escape = (enum mf_pol_escape)escape;
}

/* `deny OBJECT`: every verb that such an object has. */
static void take_any_object(struct policy_parser *parser, struct policy_line *line,
			    const struct policy_lex_word *word)
{
	char first = word->size ? word->bytes[0] : '\0';

	line->all_verbs = true;
	if (policy_named_find(policy_escapes, MF_POL_ESCAPE_MAX, word->bytes, word->size) >= 0) {
		take_escape(parser, line, word);
	} else if (first == '/' || first == '~' || first == '.' || first == '$') {
		/* at a path there may be a socket, too */
		line->verbs = VERBS_OF_PATHS | VERBS_OF_ADDRESSES;
		policy_parse_path(parser, line, word);
	} else if (first == '[' || first == '*' || memchr(word->bytes, ':', word->size)) {
		line->verbs = VERBS_OF_ADDRESSES;
		policy_parse_address(parser, line, word);
	} else {
		const char *words[MF_POL_VERB_MAX + MF_POL_ESCAPE_MAX];

		for (size_t i = 0; i < MF_POL_VERB_MAX; i++)
			words[i] = policy_verbs[i].word;
		for (size_t i = 0; i < MF_POL_ESCAPE_MAX; i++)
			words[MF_POL_VERB_MAX + i] = policy_escapes[i].word;
		policy_complain(parser, POLICY_E_WORD, word, NULL,
				policy_nearest(word->bytes, word->size, words, ARRAY_LEN(words)),
				"expected [VERB] OBJECT behind deny, found '%s'",
				policy_parser_shown(parser, word->bytes, word->size));
	}
}

static void take_verb_object(struct policy_parser *parser, struct policy_line *line, int verb,
			     const struct policy_lex_word *word)
{
	line->verbs = (uint8_t)MF_POL_BIT(verb);
	if (line->verbs & VERBS_OF_ADDRESSES)
		policy_parse_address(parser, line, word);
	else
		policy_parse_path(parser, line, word);
}

/* The words behind `deny`; *ret_object is the one that names the object. */
static bool take_denial(struct policy_parser *parser, struct policy_line *line, size_t *ret_object)
{
	const struct policy_lex_word *words = parser->line.words;
	int verb;

	line->deny = true;
	if (parser->line.count < 2) {
		complain_missing(parser, "[VERB] OBJECT");
		return false;
	}
	verb = policy_named_find(policy_verbs, MF_POL_VERB_MAX, words[1].bytes, words[1].size);
	if (verb >= 0 && parser->line.count < 3) {
		complain_missing(parser, "an object");
		return false;
	}
	*ret_object = verb >= 0 ? 2 : 1;
	if (!ends_at(parser, *ret_object + 1))
		return false;
	if (verb >= 0)
		take_verb_object(parser, line, verb, &words[2]);
	else
		take_any_object(parser, line, &words[1]);
	return true;
}

static bool take_permission(struct policy_parser *parser, struct policy_line *line,
			    enum policy_keyword keyword)
{
	const struct policy_word *row = &policy_keywords[keyword];
	const struct policy_lex_word *words = parser->line.words;
	size_t count = 2;

	if (parser->line.count < 2) {
		complain_missing(parser, keyword == POLICY_KEY_EXEC ? "PATH" : row->operand);
		return false;
	}
	if (keyword == POLICY_KEY_EXEC && parser->line.count > 2 &&
	    word_is(&words[2], POLICY_WORD_INTERPRETER)) {
		line->interpreter = true;
		count = 3;
	}
	if (!ends_at(parser, count))
		return false;
	if (keyword == POLICY_KEY_ALLOW)
		take_escape(parser, line, &words[1]);
	else
		take_verb_object(parser, line, row->verb, &words[1]);
	return true;
}

static void keep_line(struct policy_parser *parser, struct policy_line *line)
{
	struct policy_block *block;
	struct policy_line *grown;

	if (parser->block == POLICY_NO_BLOCK)
		return;
	block = &parser->tree->blocks[parser->block];
	if (++parser->rules == MF_POL_RULES_MAX) {
		policy_complain(parser, POLICY_E_LIMIT, NULL, NULL, NULL,
				"a policy has at most %u lines that allow or deny",
				MF_POL_RULES_MAX - 1);
		return;
	}
	if (parser->rules > MF_POL_RULES_MAX)
		return;
	grown = policy_grow(parser, block->lines, block->line_count, sizeof(*grown));
	if (!grown)
		return;
	block->lines = grown;
	block->lines[block->line_count++] = *line;
	*line = (struct policy_line){ 0 };
}

void policy_parse_rule(struct policy_parser *parser, enum policy_keyword keyword)
{
	_cleanup_(policy_line_free) struct policy_line line = {
		.where = policy_word_where(parser, NULL),
		.keyword = keyword,
	};
	size_t object = 1;

	if (keyword == POLICY_KEY_DENY ? !take_denial(parser, &line, &object)
				       : !take_permission(parser, &line, keyword))
		return;
	line.object_where = policy_word_where(parser, &parser->line.words[object]);
	if (policy_bytes_set(parser, &line.object, parser->line.words[object].bytes,
			     parser->line.words[object].size) == 0)
		keep_line(parser, &line);
}

void policy_line_free(struct policy_line *line)
{
	struct policy_bytes *all[] = { &line->object, &line->name,   &line->resolved,
				       &line->named,  &line->before, &line->argument,
				       &line->after };

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		free(all[i]->bytes);
	for (size_t i = 0; i < line->chain_count; i++)
		free(line->chain[i].bytes);
	free(line->chain);
	free(line->addresses);
}
