/* SPDX-License-Identifier: BSD-2-Clause */
/* What can be said of blocks once all files are read. Lines are looked at in check_line.c. */

#include "policy/check.h"

#include <errno.h>
#include <string.h>

int policy_lines_add(struct policy_lines *lines, const struct policy_line *line)
{
	if (!(lines->count & (lines->count - 1))) {
		size_t room = lines->count ? lines->count * 2 : 1;
		const struct policy_line **grown =
			realloc(lines->lines, room * sizeof(const struct policy_line *));

		if (!grown)
			return -ENOMEM;
		lines->lines = grown;
	}
	lines->lines[lines->count++] = line;
	return 0;
}

static int gather(void *data, const struct policy_line *line)
{
	return policy_lines_add(data, line);
}

void policy_lines_free(struct policy_lines *lines)
{
	free(lines->lines);
}

static const struct policy_block *find_base(const struct policy_tree *tree)
{
	for (size_t i = 0; i < tree->block_count; i++) {
		if (tree->blocks[i].kind == POLICY_BLOCK_BASE)
			return &tree->blocks[i];
	}
	return NULL;
}

static bool has_block(const struct policy_tree *tree, enum policy_block_kind kind)
{
	for (size_t i = 0; i < tree->block_count; i++) {
		if (tree->blocks[i].kind == kind)
			return true;
	}
	return false;
}

static bool allows_something(const struct policy_lines *lines)
{
	for (size_t i = 0; i < lines->count; i++) {
		if (!lines->lines[i]->deny)
			return true;
	}
	return false;
}

/* No call, so no argument: what stands in the block or comes by an include. */
static void refuse_arguments(struct policy_parser *parser, const struct policy_block *block,
			     const struct policy_lines *lines)
{
	for (size_t i = 0; i < lines->count; i++) {
		const struct policy_line *line = lines->lines[i];

		if (line->kind == POLICY_OBJECT_TEMPLATE)
			policy_complain_at(
				parser, POLICY_E_VARIABLE, &line->object_where, &block->where, NULL,
				"an argument has a value in the block of a tool only, not "
				"in %s",
				block->kind == POLICY_BLOCK_BASE ? "base" : "the ceiling");
	}
}

static void check_empty(struct policy_parser *parser, const struct policy_block *block,
			const struct policy_lines *lines)
{
	static const char *const texts[] = {
		[POLICY_BLOCK_BASE] = "base allows nothing: the server cannot even start",
		[POLICY_BLOCK_TOOL] = "this block allows nothing, so the tool has what base allows",
		[POLICY_BLOCK_CEILING] =
			"the ceiling allows nothing: read / and connect *:* allow all of a kind",
	};

	/* a line that has an error would have allowed something */
	if (!allows_something(lines) && !parser->tree->notes.errors)
		policy_complain_at(parser, POLICY_W_EMPTY_BLOCK, &block->where, NULL, NULL, "%s",
				   texts[block->kind]);
}

static void check_block(struct policy_parser *parser, const struct policy_block *block,
			const struct policy_lines *base)
{
	_cleanup_(policy_lines_free) struct policy_lines lines = { 0 };

	if (policy_block_each(parser->tree, block, gather, &lines)) {
		parser->failed = -ENOMEM;
		return;
	}
	if (block->kind != POLICY_BLOCK_TOOL)
		refuse_arguments(parser, block, &lines);
	check_empty(parser, block, &lines);
	if (parser->world->errors_only)
		return;
	policy_check_lines(parser, &lines, block->kind == POLICY_BLOCK_TOOL ? base : NULL);
	policy_check_cover(parser, &lines, block->kind == POLICY_BLOCK_TOOL ? base : NULL);
}

static void check_ceilings(struct policy_parser *parser, const struct policy_block *ceiling)
{
	const struct policy_tree *tree = parser->tree;
	_cleanup_(policy_lines_free) struct policy_lines above = { 0 };

	if (policy_block_each(tree, ceiling, gather, &above))
		parser->failed = -ENOMEM;
	for (size_t i = 0; !parser->failed && i < tree->block_count; i++) {
		_cleanup_(policy_lines_free) struct policy_lines lines = { 0 };
		const struct policy_block *block = &tree->blocks[i];

		if (block->kind != POLICY_BLOCK_BASE && block->kind != POLICY_BLOCK_TOOL)
			continue;
		if (policy_block_each(tree, block, gather, &lines))
			parser->failed = -ENOMEM;
		else
			policy_check_ceiling(parser, ceiling, &above, &lines);
	}
}

/* A file of named blocks alone is an include that is being checked: nobody includes it here. */
static void check_unused(struct policy_parser *parser)
{
	const struct policy_tree *tree = parser->tree;
	_cleanup_free_ bool *used = calloc(tree->block_count + 1, sizeof(*used));

	if (!used) {
		parser->failed = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < tree->block_count; i++) {
		for (size_t k = 0; k < tree->blocks[i].include_count; k++) {
			if (tree->blocks[i].includes[k].block != POLICY_NO_BLOCK)
				used[tree->blocks[i].includes[k].block] = true;
		}
	}
	for (size_t i = 0; i < tree->block_count; i++) {
		const struct policy_block *block = &tree->blocks[i];

		if (block->kind == POLICY_BLOCK_NAMED && !used[i] &&
		    !tree->sources.files[block->where.file].included)
			policy_complain_at(parser, POLICY_W_UNUSED, &block->where, NULL, NULL,
					   "nothing in this file includes block %s",
					   block->name.bytes);
	}
}

static void check_whole(struct policy_parser *parser)
{
	const struct policy_tree *tree = parser->tree;
	bool tools = has_block(tree, POLICY_BLOCK_TOOL), base = has_block(tree, POLICY_BLOCK_BASE);
	bool ceiling = has_block(tree, POLICY_BLOCK_CEILING);

	if (!tree->block_count && !tree->default_where.line && !tree->notes.errors) {
		policy_complain_at(parser, POLICY_E_EMPTY, &(struct policy_where){ 0 }, NULL, NULL,
				   "the policy says nothing; expected a block or a default");
		return;
	}
	if (!base && tools && tree->default_mode == MF_POL_ENFORCE && !tree->notes.errors)
		policy_complain_at(
			parser, POLICY_W_NO_BASE, &(struct policy_where){ 0 },
			tree->default_where.line ? &tree->default_where : NULL, NULL,
			"there is no base block, so while no call is in flight everything "
			"is denied, and the server cannot start");
	if (base || tools || ceiling)
		check_unused(parser);
}

int policy_check(struct policy_parser *parser)
{
	const struct policy_tree *tree = parser->tree;
	const struct policy_block *base = find_base(tree);
	_cleanup_(policy_lines_free) struct policy_lines base_lines = { 0 };

	if (base && policy_block_each(tree, base, gather, &base_lines))
		return -ENOMEM;
	if (base_lines.count * tree->block_count > POLICY_CHECK_WORK_MAX)
		base_lines.count = 0; /* warnings about both together are left out */
	check_whole(parser);
	for (size_t i = 0; !parser->failed && i < tree->block_count; i++) {
		if (tree->blocks[i].kind != POLICY_BLOCK_NAMED)
			check_block(parser, &tree->blocks[i], &base_lines);
		if (tree->blocks[i].kind == POLICY_BLOCK_CEILING && !parser->world->errors_only)
			check_ceilings(parser, &tree->blocks[i]);
	}
	return parser->failed;
}
