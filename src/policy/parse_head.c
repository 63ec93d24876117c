/* SPDX-License-Identifier: BSD-2-Clause */
/* Heads of blocks, what stands before them, and the lines of a block that are no rules. */

#include <errno.h>
#include <string.h>

#include "policy/parse.h"

/* The block of that kind and name, or a new one. Named blocks and ceilings belong to their file. */
static void enter_block(struct policy_parser *parser, enum policy_block_kind kind, const char *name,
			size_t size, bool prefix)
{
	const struct policy_block_key key =
		policy_block_key(kind, prefix, parser->file, name, size);
	struct policy_tree *tree = parser->tree;
	struct policy_block *grown;

	parser->block = policy_block_find(&parser->index, tree, &key);
	if (parser->block != POLICY_NO_BLOCK)
		return;
	if (tree->block_count >= MF_POL_BLOCKS_MAX - MF_POL_CEILINGS_MAX - 2) {
		policy_complain(parser, POLICY_E_LIMIT, NULL, NULL, NULL,
				"a policy has at most %d blocks",
				MF_POL_BLOCKS_MAX - MF_POL_CEILINGS_MAX - 2);
		return;
	}
	grown = policy_grow(parser, tree->blocks, tree->block_count, sizeof(*grown));
	if (!grown)
		return;
	tree->blocks = grown;
	grown += tree->block_count;
	*grown = (struct policy_block){ .kind = kind, .prefix = prefix, .mode = MF_POL_ENFORCE };
	grown->where = policy_word_where(parser, NULL);
	if (policy_bytes_set(parser, &grown->name, name, size))
		return;
	if (policy_block_add(&parser->index, tree, (uint32_t)tree->block_count))
		parser->failed = -ENOMEM;
	parser->block = (uint32_t)tree->block_count++;
}

static bool has_operand(struct policy_parser *parser, const char *what)
{
	const struct policy_lex_line *line = &parser->line;

	if (line->count < 2) {
		policy_complain(parser, POLICY_E_MISSING, NULL, NULL, NULL,
				"expected %s behind '%s'", what,
				policy_parser_shown(parser, line->text, line->text_size));
		return false;
	}
	if (line->count > 2) {
		policy_complain(
			parser, POLICY_E_EXTRA, &line->words[2], NULL, NULL,
			"expected the end of the line, found '%s'; a name with blanks stands "
			"in \"\"",
			policy_parser_shown(parser, line->words[2].bytes, line->words[2].size));
		return false;
	}
	return true;
}

static bool has_no_operand(struct policy_parser *parser)
{
	const struct policy_lex_line *line = &parser->line;

	if (line->count == 1)
		return true;
	policy_complain(parser, POLICY_E_EXTRA, &line->words[1], NULL, NULL,
			"expected the end of the line, found '%s'",
			policy_parser_shown(parser, line->words[1].bytes, line->words[1].size));
	return false;
}

static void head_tool(struct policy_parser *parser)
{
	const struct policy_lex_word *word = &parser->line.words[1];
	size_t size = word->size, star = SIZE_MAX;
	char suggestion[200];

	if (!has_operand(parser, "the name of a tool"))
		return;
	for (size_t i = 0; i < size && star == SIZE_MAX; i++) {
		if (word->bytes[i] == '*' && !word->literal[i])
			star = i;
	}
	if (!size || size > POLICY_TOOL_NAME_MAX) {
		policy_complain(parser, POLICY_E_NAME, word, NULL, NULL,
				"expected the name of a tool, of 1 to %d bytes",
				POLICY_TOOL_NAME_MAX);
		return;
	}
	if (star != SIZE_MAX && (star + 1 != size || (star && word->bytes[star - 1] != '/'))) {
		snprintf(suggestion, sizeof(suggestion), "%s/*",
			 policy_parser_shown(parser, word->bytes, star));
		policy_complain(parser, POLICY_E_NAME, word, NULL,
				star && word->bytes[star - 1] != '/' ? suggestion : NULL,
				"expected a name, PREFIX/* or *, found '%s'; a * that is part of a "
				"name is written \"\\*\"",
				policy_parser_shown(parser, word->bytes, size));
		return;
	}
	enter_block(parser, POLICY_BLOCK_TOOL, word->bytes, star != SIZE_MAX ? star : size,
		    star != SIZE_MAX);
}

/* Parts of letters, digits and - _ . between slashes: it is the name of a file, too. */
static bool block_name_is_good(const char *name, size_t size)
{
	size_t part = 0;

	for (size_t i = 0; i <= size; i++) {
		if (i == size || name[i] == '/') {
			if (part == 0 || name[i - part] == '.')
				return false;
			part = 0;
		} else if (strchr("-_.", name[i]) && name[i]
				   ? false
				   : !((name[i] >= 'a' && name[i] <= 'z') ||
				       (name[i] >= 'A' && name[i] <= 'Z') ||
				       (name[i] >= '0' && name[i] <= '9'))) {
			return false;
		} else {
			part++;
		}
	}
	return size <= POLICY_BLOCK_NAME_MAX;
}

static bool has_block_name(struct policy_parser *parser)
{
	const struct policy_lex_word *word = &parser->line.words[1];

	if (!has_operand(parser, "the name of a block"))
		return false;
	if (block_name_is_good(word->bytes, word->size))
		return true;
	policy_complain(
		parser, POLICY_E_NAME, word, NULL, NULL,
		"expected a name like runtime/node: letters, digits, - _ . and slashes between "
		"them, found '%s'",
		policy_parser_shown(parser, word->bytes, word->size));
	return false;
}

static void head_version(struct policy_parser *parser)
{
	const struct policy_lex_word *word = &parser->line.words[1];

	if (parser->version_seen) {
		policy_complain(parser, POLICY_E_VERSION, NULL, NULL, NULL,
				"the version stands once, in the first line");
		return;
	}
	if (has_operand(parser, "1") && (word->size != 1 || word->bytes[0] != '1'))
		policy_complain(parser, POLICY_E_VERSION, word, NULL, "1",
				"expected version 1, the one that this program knows, found '%s'",
				policy_parser_shown(parser, word->bytes, word->size));
}

static void head_default(struct policy_parser *parser)
{
	static const char *const words[] = { "observe", "audit", "deny" };
	const struct policy_lex_word *word = &parser->line.words[1];
	struct policy_tree *tree = parser->tree;
	int mode = -1;

	if (!has_operand(parser, "observe, audit or deny"))
		return;
	for (int i = 0; i < (int)ARRAY_LEN(words); i++) {
		if (word->size == strlen(words[i]) &&
		    memcmp(word->bytes, words[i], word->size) == 0)
			mode = i; /* enum mf_pol_mode */
	}
	if (mode < 0) {
		const char *nearest = policy_nearest(word->bytes, word->size, words, 3);

		if (word->size == 7 && memcmp(word->bytes, "enforce", 7) == 0)
			nearest = "deny";
		policy_complain(parser, POLICY_E_WORD, word, NULL, nearest,
				"expected observe, audit or deny, found '%s'",
				policy_parser_shown(parser, word->bytes, word->size));
		return;
	}
	if (tree->default_where.line && tree->default_mode != (enum mf_pol_mode)mode) {
		policy_complain(parser, POLICY_E_CONFLICT, NULL, &tree->default_where, NULL,
				"the default is said to be something else already");
		return;
	}
	tree->default_mode = (enum mf_pol_mode)mode;
	if (!tree->default_where.line)
		tree->default_where = policy_word_where(parser, NULL);
}

static void head_base(struct policy_parser *parser)
{
	if (has_no_operand(parser))
		enter_block(parser, POLICY_BLOCK_BASE, "", 0, false);
}

static void head_ceiling(struct policy_parser *parser)
{
	size_t ceilings = 0;

	if (!has_no_operand(parser))
		return;
	enter_block(parser, POLICY_BLOCK_CEILING, "", 0, false);
	for (size_t i = 0; i < parser->tree->block_count; i++)
		ceilings += parser->tree->blocks[i].kind == POLICY_BLOCK_CEILING;
	if (ceilings > MF_POL_CEILINGS_MAX)
		policy_complain(parser, POLICY_E_LIMIT, NULL, NULL, NULL,
				"at most %d files of a policy have a ceiling", MF_POL_CEILINGS_MAX);
}

static void head_block(struct policy_parser *parser)
{
	const struct policy_lex_word *word = &parser->line.words[1];

	if (has_block_name(parser))
		enter_block(parser, POLICY_BLOCK_NAMED, word->bytes, word->size, false);
}

void policy_parse_mode(struct policy_parser *parser)
{
	static const char *const words[] = { "audit", "enforce" };
	const struct policy_lex_word *word = &parser->line.words[1];
	struct policy_block *block;
	int mode;

	if (!has_operand(parser, "enforce or audit"))
		return;
	mode = policy_named_find(policy_modes, ARRAY_LEN(policy_modes), word->bytes, word->size);
	if (mode != MF_POL_AUDIT && mode != MF_POL_ENFORCE) {
		policy_complain(parser, POLICY_E_WORD, word, NULL,
				policy_nearest(word->bytes, word->size, words, 2),
				"expected enforce or audit, found '%s'",
				policy_parser_shown(parser, word->bytes, word->size));
		return;
	}
	if (parser->block == POLICY_NO_BLOCK)
		return;
	block = &parser->tree->blocks[parser->block];
	if (block->kind == POLICY_BLOCK_NAMED) {
		policy_complain(
			parser, POLICY_E_PLACE, NULL, NULL, NULL,
			"a named block has no mode: that of the block that includes it holds");
	} else if (block->mode_where.line && block->mode != (enum mf_pol_mode)mode) {
		policy_complain(parser, POLICY_E_CONFLICT, NULL, &block->mode_where, NULL,
				"the block has another mode already");
	} else {
		block->mode = (enum mf_pol_mode)mode;
		if (!block->mode_where.line)
			block->mode_where = policy_word_where(parser, NULL);
	}
}

void policy_parse_include(struct policy_parser *parser)
{
	const struct policy_lex_word *word = &parser->line.words[1];
	struct policy_include *grown;
	struct policy_block *block;

	if (!has_block_name(parser) || parser->block == POLICY_NO_BLOCK)
		return;
	block = &parser->tree->blocks[parser->block];
	grown = policy_grow(parser, block->includes, block->include_count, sizeof(*grown));
	if (!grown)
		return;
	block->includes = grown;
	grown += block->include_count;
	grown->where = policy_word_where(parser, word);
	grown->block = POLICY_NO_BLOCK;
	if (policy_bytes_set(parser, &grown->name, word->bytes, word->size) == 0)
		block->include_count++;
}

/* Whether a head may stand in this file. */
static bool head_is_in_place(struct policy_parser *parser, enum policy_keyword keyword)
{
	if (!parser->version_seen && keyword != POLICY_KEY_VERSION)
		policy_complain(parser, POLICY_E_VERSION, NULL, NULL, "version 1",
				"expected version 1 as the first line");
	if (!parser->tree->sources.files[parser->file].included || keyword == POLICY_KEY_VERSION ||
	    keyword == POLICY_KEY_BLOCK)
		return true;
	policy_complain(parser, POLICY_E_PLACE, NULL, NULL, NULL,
			"an included file has named blocks only, found '%s'",
			policy_keywords[keyword].word);
	return false;
}

void policy_parse_head(struct policy_parser *parser, enum policy_keyword keyword)
{
	/* index: enum policy_keyword */
	static void (*const heads[])(struct policy_parser *) = {
		[POLICY_KEY_VERSION] = head_version, [POLICY_KEY_DEFAULT] = head_default,
		[POLICY_KEY_BASE] = head_base,	     [POLICY_KEY_TOOL] = head_tool,
		[POLICY_KEY_BLOCK] = head_block,     [POLICY_KEY_CEILING] = head_ceiling,
	};
	bool begins_block = keyword != POLICY_KEY_VERSION && keyword != POLICY_KEY_DEFAULT;

	parser->block = POLICY_NO_BLOCK;
	parser->head_was_bad = begins_block;
	if (head_is_in_place(parser, keyword))
		heads[keyword](parser);
	parser->version_seen = true;
	if (parser->block != POLICY_NO_BLOCK)
		parser->head_was_bad = false;
}
