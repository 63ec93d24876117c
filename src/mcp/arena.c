/* SPDX-License-Identifier: BSD-2-Clause */
#include "mcp/arena.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES (16U << 10)

struct arena_block {
	struct arena_block *next;
	size_t used, size;
	alignas(16) unsigned char bytes[];
};

void *arena_alloc(struct arena *arena, size_t size)
{
	struct arena_block *block = arena->first;
	void *at;

	size = (size + 15) & ~(size_t)15;
	if (!block || size > block->size - block->used) {
		size_t bytes = size > BLOCK_BYTES ? size : BLOCK_BYTES;

		block = malloc(sizeof(*block) + bytes);
		if (!block)
			return NULL;
		*block = (struct arena_block){ .next = arena->first, .size = bytes };
		arena->first = block;
	}
	at = block->bytes + block->used;
	block->used += size;
	return memset(at, 0, size);
}

/* One block of the usual size stays, so that a line of the usual size allocates nothing. */
void arena_reset(struct arena *arena)
{
	struct arena_block *keep = NULL;

	while (arena->first) {
		struct arena_block *block = arena->first;

		arena->first = block->next;
		if (!keep && block->size == BLOCK_BYTES)
			keep = block;
		else
			free(block);
	}
	if (keep) {
		keep->next = NULL;
		keep->used = 0;
	}
	arena->first = keep;
}

void arena_free(struct arena *arena)
{
	arena_reset(arena);
	free(arena->first);
	arena->first = NULL;
}
