/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Blocks of a tree by kind and name, so that a text of many heads is read in one pass; not for other rooms. */

#include "policy/tree.h"

#define POLICY_NO_BLOCK UINT32_MAX

struct policy_block_key {
	enum policy_block_kind kind;
	bool prefix;
	uint32_t file; /* of named blocks and ceilings, which belong to their file; else 0 */
	const char *name;
	size_t size;
};

/* Open addressing; a slot is an index into the tree's blocks plus one, 0: empty. */
struct policy_block_index {
	uint32_t *slots;
	size_t size; /* a power of two, or 0 */
	size_t used;
};

struct policy_block_key policy_block_key(enum policy_block_kind kind, bool prefix, uint32_t file,
					 const char *name, size_t size);
uint32_t policy_block_find(const struct policy_block_index *index, const struct policy_tree *tree,
			   const struct policy_block_key *key);
/* Adds a block of the tree that is not there yet. -ENOMEM. */
int policy_block_add(struct policy_block_index *index, const struct policy_tree *tree,
		     uint32_t block);
void policy_block_index_free(struct policy_block_index *index);
