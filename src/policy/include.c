/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which named block an include means: one of its own file, or that of the file which the search
 * path has under that name. A block of another file that was given is never meant: else whoever
 * writes one file could change what the ceiling of another one includes.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "policy/notes.h"
#include "policy/parse.h"

#define ENDING ".policy" /* of the files */
#define NAMES_MAX (4 * POLICY_FILES_MAX) /* of files that are asked for, be they there or not */

static uint32_t find_block(const struct policy_parser *parser, uint32_t file,
			   const struct policy_bytes *name)
{
	const struct policy_block_key key =
		policy_block_key(POLICY_BLOCK_NAMED, false, file, name->bytes, name->size);

	return policy_block_find(&parser->index, parser->tree, &key);
}

/* What was fetched already, or was asked for and is not there. */
struct fetched {
	struct {
		char *name;
		uint32_t from; /* the file in which it was asked for; 0 where that makes no odds */
		uint32_t file;
	} * files;
	size_t count;
};

static void fetched_free(struct fetched *fetched)
{
	for (size_t i = 0; i < fetched->count; i++)
		free(fetched->files[i].name);
	free(fetched->files);
}

static void refuse_include(struct policy_parser *parser, const struct policy_include *include)
{
	struct policy_tree *tree = parser->tree;
	_cleanup_free_ const char **names = NULL;
	char meant[POLICY_BLOCK_NAME_MAX + 1] = "";
	size_t count = 0;

	if (policy_notes_are_full(&tree->notes)) {
		tree->notes.errors++;
		tree->notes.unkept++;
		return;
	}
	names = calloc(tree->block_count + 1, sizeof(*names));
	if (!names) {
		parser->failed = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < tree->block_count; i++) {
		if (tree->blocks[i].kind == POLICY_BLOCK_NAMED &&
		    tree->blocks[i].where.file == include->where.file)
			names[count++] = tree->blocks[i].name.bytes;
	}
	/* a file is named without its ending */
	if (include->name.size > strlen(ENDING) &&
	    strcmp(include->name.bytes + include->name.size - strlen(ENDING), ENDING) == 0)
		snprintf(meant, sizeof(meant), "%.*s", (int)(include->name.size - strlen(ENDING)),
			 include->name.bytes);
	policy_complain_at(
		parser, POLICY_E_INCLUDE, &include->where, NULL,
		*meant ? meant
		       : policy_nearest(include->name.bytes, include->name.size, names, count),
		"there is no block '%s' in this file, nor a file of that name on the search "
		"path",
		include->name.bytes);
}

static void fetch_failed(struct policy_parser *parser, const struct policy_include *include, int r)
{
	if (r == -ENOMEM)
		parser->failed = r;
	else if (r == -ENOENT)
		refuse_include(parser, include);
	else if (r == -E2BIG)
		policy_complain_at(parser, POLICY_E_LIMIT, &include->where, NULL, NULL,
				   "a policy has at most %d files, includes counted",
				   POLICY_FILES_MAX);
	else
		policy_complain_at(parser, POLICY_E_INCLUDE, &include->where, NULL, NULL,
				   "'%s' cannot be included: %s", include->name.bytes,
				   policy_read_why(r));
}

static int ask(struct policy_parser *parser, const struct policy_include *include,
	       struct buf *ret_name, struct buf *ret_text)
{
	const struct policy_world *world = parser->world;
	const char *from = parser->tree->sources.files[include->where.file].name;

	if (world->include_from)
		return world->include_from(world->data, from, include->name.bytes, ret_name,
					   ret_text);
	return world->include ? world->include(world->data, include->name.bytes, ret_name, ret_text)
			      : -ENOENT;
}

/* Fetches and parses a file. Its index, or POLICY_NO_BLOCK when an error was told. */
static uint32_t fetch(struct policy_parser *parser, const struct policy_include *include)
{
	struct policy_sources *sources = &parser->tree->sources;
	_cleanup_buf_ struct buf name = { 0 }, text = { .limit = POLICY_FILE_BYTES_MAX };
	int r = ask(parser, include, &name, &text);

	if (r == 0)
		r = buf_append(&name, "", 1);
	for (size_t i = 0; r == 0 && i < sources->count; i++) {
		if (sources->files[i].included &&
		    strcmp(sources->files[i].name, (const char *)buf_bytes(&name)) == 0)
			return (uint32_t)i; /* another file's include, of the same file */
	}
	if (r == 0)
		r = policy_sources_add(sources, (const char *)buf_bytes(&name), buf_bytes(&text),
				       buf_size(&text));
	if (r < 0) {
		fetch_failed(parser, include, r);
		return POLICY_NO_BLOCK;
	}
	sources->files[sources->count - 1].included = true;
	policy_parse_file(parser, (uint32_t)sources->count - 1);
	return (uint32_t)sources->count - 1;
}

/* The file of a name, fetched once. `include` is a copy: parsing moves the blocks. */
static uint32_t file_of(struct policy_parser *parser, struct fetched *fetched,
			const struct policy_include *include)
{
	uint32_t from = parser->world->include_from ? include->where.file : 0;
	void *grown;

	for (size_t i = 0; i < fetched->count; i++) {
		if (fetched->files[i].from == from &&
		    strcmp(fetched->files[i].name, include->name.bytes) == 0)
			return fetched->files[i].file;
	}
	if (fetched->count == NAMES_MAX) {
		policy_complain_at(parser, POLICY_E_LIMIT, &include->where, NULL, NULL,
				   "a policy asks for at most %d other files", NAMES_MAX);
		return POLICY_NO_BLOCK;
	}
	grown = realloc(fetched->files, (fetched->count + 1) * sizeof(*fetched->files));
	if (!grown) {
		parser->failed = -ENOMEM;
		return POLICY_NO_BLOCK;
	}
	fetched->files = grown;
	fetched->files[fetched->count].name = strdup(include->name.bytes);
	if (!fetched->files[fetched->count].name) {
		parser->failed = -ENOMEM;
		return POLICY_NO_BLOCK;
	}
	fetched->files[fetched->count].from = from;
	fetched->files[fetched->count].file = POLICY_NO_BLOCK;
	fetched->count++;
	fetched->files[fetched->count - 1].file = fetch(parser, include);
	return fetched->files[fetched->count - 1].file;
}

static uint32_t resolve(struct policy_parser *parser, struct fetched *fetched,
			const struct policy_include *include)
{
	const struct policy_tree *tree = parser->tree;
	uint32_t block = find_block(parser, include->where.file, &include->name), file;
	size_t errors = tree->notes.errors;

	if (block != POLICY_NO_BLOCK)
		return block;
	file = file_of(parser, fetched, include);
	if (file == POLICY_NO_BLOCK) {
		if (tree->notes.errors == errors) /* asked for before */
			refuse_include(parser, include);
		return file;
	}
	block = find_block(parser, file, &include->name);
	if (block == POLICY_NO_BLOCK) {
		struct policy_where whole = { .file = file, .line = 1, .column = 1 };

		policy_complain_at(parser, POLICY_E_INCLUDE, &include->where, &whole, NULL,
				   "the file of that name has no block '%s'", include->name.bytes);
	}
	return block;
}

enum visit {
	NOT_VISITED = 0,
	ON_THE_WAY = 1,
	VISITED = 2,
};

/* Depth first, with a stack of our own: a policy may have thousands of blocks in a row. */
struct way {
	uint32_t *blocks;
	size_t *next; /* the include of each to look at next */
	uint8_t *visits;
	size_t depth;
};

static void way_free(struct way *way)
{
	free(way->blocks);
	free(way->next);
	free(way->visits);
}

static void enter(struct way *way, uint32_t block)
{
	way->visits[block] = ON_THE_WAY;
	way->blocks[way->depth] = block;
	way->next[way->depth++] = 0;
}

static void find_circles_from(struct policy_parser *parser, struct way *way, uint32_t start)
{
	enter(way, start);
	while (way->depth) {
		const struct policy_block *block =
			&parser->tree->blocks[way->blocks[way->depth - 1]];
		const struct policy_include *include;

		if (way->next[way->depth - 1] >= block->include_count) {
			way->visits[way->blocks[--way->depth]] = VISITED;
			continue;
		}
		include = &block->includes[way->next[way->depth - 1]++];
		if (include->block == POLICY_NO_BLOCK)
			continue;
		if (way->visits[include->block] == ON_THE_WAY)
			policy_complain_at(parser, POLICY_E_INCLUDE, &include->where, NULL, NULL,
					   "'%s' includes itself by way of this line",
					   include->name.bytes);
		else if (way->visits[include->block] == NOT_VISITED)
			enter(way, include->block);
	}
}

static void find_circles(struct policy_parser *parser)
{
	size_t count = parser->tree->block_count;
	_cleanup_(way_free) struct way way = {
		.blocks = calloc(count + 1, sizeof(*way.blocks)),
		.next = calloc(count + 1, sizeof(*way.next)),
		.visits = calloc(count + 1, 1),
	};

	if (!way.blocks || !way.next || !way.visits) {
		parser->failed = -ENOMEM;
		return;
	}
	for (uint32_t i = 0; i < count; i++) {
		if (way.visits[i] == NOT_VISITED)
			find_circles_from(parser, &way, i);
	}
}

void policy_resolve_includes(struct policy_parser *parser)
{
	_cleanup_(fetched_free) struct fetched fetched = { 0 };
	struct policy_tree *tree = parser->tree;

	/* what is fetched adds blocks, which are met in their turn */
	for (size_t i = 0; i < tree->block_count; i++) {
		for (size_t k = 0; !parser->failed && k < tree->blocks[i].include_count; k++) {
			struct policy_include include = tree->blocks[i].includes[k];
			uint32_t block = resolve(parser, &fetched, &include);

			tree->blocks[i].includes[k].block = block;
		}
	}
	if (!parser->failed)
		find_circles(parser);
}
