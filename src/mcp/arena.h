/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Memory that is given back all at once, when the next line begins. */

#include <stddef.h>

struct arena_block;

struct arena {
	struct arena_block *first;
};

void *arena_alloc(struct arena *arena, size_t size); /* zeroed; NULL: no memory */
void arena_reset(struct arena *arena);
void arena_free(struct arena *arena);
