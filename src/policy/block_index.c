/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/block_index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SIZE_MIN 64

struct policy_block_key policy_block_key(enum policy_block_kind kind, bool prefix, uint32_t file,
					 const char *name, size_t size)
{
	bool of_file = kind == POLICY_BLOCK_NAMED || kind == POLICY_BLOCK_CEILING;

	return (struct policy_block_key){ kind, prefix, of_file ? file : 0, name, size };
}

static struct policy_block_key key_of(const struct policy_block *block)
{
	return policy_block_key(block->kind, block->prefix, block->where.file, block->name.bytes,
				block->name.size);
}

static bool same(const struct policy_block_key *a, const struct policy_block_key *b)
{
	return a->kind == b->kind && a->prefix == b->prefix && a->file == b->file &&
	       a->size == b->size && (!a->size || memcmp(a->name, b->name, a->size) == 0);
}

static size_t hash_of(const struct policy_block_key *key)
{
	uint64_t hash = 0xcbf29ce484222325ULL; /* FNV-1a */

	hash = (hash ^ ((uint64_t)key->file << 8 | (uint64_t)key->kind << 1 | key->prefix)) *
	       0x100000001b3ULL;
	for (size_t i = 0; i < key->size; i++)
		hash = (hash ^ (uint8_t)key->name[i]) * 0x100000001b3ULL;
	return (size_t)(hash ^ hash >> 32);
}

/* The slot of the key, or the empty one where it would be. */
static uint32_t *slot_of(const struct policy_block_index *index, const struct policy_tree *tree,
			 const struct policy_block_key *key)
{
	size_t at = hash_of(key) & (index->size - 1);

	for (;; at = (at + 1) & (index->size - 1)) {
		struct policy_block_key there;

		if (!index->slots[at])
			return &index->slots[at];
		there = key_of(&tree->blocks[index->slots[at] - 1]);
		if (same(&there, key))
			return &index->slots[at];
	}
}

uint32_t policy_block_find(const struct policy_block_index *index, const struct policy_tree *tree,
			   const struct policy_block_key *key)
{
	uint32_t slot = index->size ? *slot_of(index, tree, key) : 0;

	return slot ? slot - 1 : POLICY_NO_BLOCK;
}

static int grow(struct policy_block_index *index, const struct policy_tree *tree)
{
	struct policy_block_index grown = { .size = index->size ? index->size * 2 : SIZE_MIN,
					    .used = index->used };

	grown.slots = calloc(grown.size, sizeof(*grown.slots));
	if (!grown.slots)
		return -ENOMEM;
	for (size_t i = 0; i < index->size; i++) {
		struct policy_block_key key;

		if (!index->slots[i])
			continue;
		key = key_of(&tree->blocks[index->slots[i] - 1]);
		*slot_of(&grown, tree, &key) = index->slots[i];
	}
	free(index->slots);
	*index = grown;
	return 0;
}

int policy_block_add(struct policy_block_index *index, const struct policy_tree *tree,
		     uint32_t block)
{
	struct policy_block_key key = key_of(&tree->blocks[block]);

	if ((index->used + 1) * 2 > index->size && grow(index, tree))
		return -ENOMEM;
	*slot_of(index, tree, &key) = block + 1;
	index->used++;
	return 0;
}

void policy_block_index_free(struct policy_block_index *index)
{
	free(index->slots);
	*index = (struct policy_block_index){ 0 };
}
