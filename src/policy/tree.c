/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/tree.h"

#include <errno.h>
#include <string.h>

#include "policy/parse.h"

static void block_free(struct policy_block *block)
{
	free(block->name.bytes);
	for (size_t i = 0; i < block->line_count; i++)
		policy_line_free(&block->lines[i]);
	free(block->lines);
	for (size_t i = 0; i < block->include_count; i++)
		free(block->includes[i].name.bytes);
	free(block->includes);
}

void policy_tree_free(struct policy_tree *tree)
{
	if (!tree)
		return;
	for (size_t i = 0; i < tree->block_count; i++)
		block_free(&tree->blocks[i]);
	free(tree->blocks);
	policy_notes_free(&tree->notes);
	policy_sources_free(&tree->sources);
	free(tree->workspace);
	free(tree->home);
	free(tree);
}

struct listing {
	const struct policy_tree *tree;
	uint32_t *queue; /* blocks to list, in the order in which they are included */
	uint8_t *queued;
	size_t count;
};

static void queue_includes(struct listing *listing, const struct policy_block *block)
{
	for (size_t i = 0; i < block->include_count; i++) {
		uint32_t included = block->includes[i].block;

		if (included < listing->tree->block_count && !listing->queued[included]) {
			listing->queued[included] = 1;
			listing->queue[listing->count++] = included;
		}
	}
}

static void listing_free(struct listing *listing)
{
	free(listing->queue);
	free(listing->queued);
}

int policy_block_each(const struct policy_tree *tree, const struct policy_block *block,
		      int (*each)(void *data, const struct policy_line *line), void *data)
{
	_cleanup_(listing_free) struct listing listing = { .tree = tree };
	int r = 0;

	for (size_t i = 0; r == 0 && i < block->line_count; i++)
		r = each(data, &block->lines[i]);
	if (r || !block->include_count)
		return r;
	listing.queue = calloc(tree->block_count, sizeof(*listing.queue));
	listing.queued = calloc(tree->block_count, 1);
	if (!listing.queue || !listing.queued)
		return -ENOMEM;
	queue_includes(&listing, block);
	for (size_t i = 0; r == 0 && i < listing.count; i++) {
		const struct policy_block *included = &tree->blocks[listing.queue[i]];

		for (size_t k = 0; r == 0 && k < included->line_count; k++)
			r = each(data, &included->lines[k]);
		queue_includes(&listing, included);
	}
	return r;
}

const struct policy_block *policy_block_of_tool(const struct policy_tree *tree, const void *name,
						size_t size)
{
	const struct policy_block *best = NULL;

	for (size_t i = 0; i < tree->block_count; i++) {
		const struct policy_block *block = &tree->blocks[i];

		if (block->kind != POLICY_BLOCK_TOOL || block->name.size > size ||
		    (block->name.size && memcmp(block->name.bytes, name, block->name.size) != 0))
			continue;
		if (!block->prefix && block->name.size == size)
			return block;
		if (block->prefix && (!best || block->name.size > best->name.size))
			best = block;
	}
	return best;
}
