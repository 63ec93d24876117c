/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Along a path or an abstract name, entry by entry, as src/policy/tables.c.
 */

#include "tables.h"

#define NAME_STEPS \
	(4 * MF_PATH_MAX) /* one for each slot that is looked at: far more than it takes */

/* The next up to MF_POL_CHUNK bytes of a component */
struct chunk {
	__u64 *words;
	__u64 open; /* all bits until the component has ended, then none */
	__u32 size;
};

static __always_inline void chunk_word(struct chunk *chunk, const char *at, __u64 *ret_word)
{
	__u64 word = *(const __u64 *)at, slash = slots_slash(word);
	__u64 kept = slots_below(slash) & chunk->open;

	*ret_word = word & kept;
	chunk->size += slots_bytes(kept);
	chunk->open &= slots_if_none(slash);
}

static __always_inline void chunk_of_path(const char *bytes, struct chunk *chunk)
{
	chunk->size = 0;
	chunk->open = ~0ULL;
	chunk_word(chunk, bytes, &chunk->words[0]);
	chunk_word(chunk, bytes + 8, &chunk->words[1]);
	chunk_word(chunk, bytes + 16, &chunk->words[2]);
	chunk_word(chunk, bytes + 24, &chunk->words[3]);
	chunk->open &= slots_if_none(slots_slash((__u8)bytes[MF_POL_CHUNK]));
}

static __always_inline __u64 cut_word(const char *bytes, __u32 size, __u32 at)
{
	__u64 word = *(const __u64 *)(bytes + at);

	if (size <= at)
		return 0;
	if (size < at + 8)
		return word & ((1ULL << (8 * (size - at))) - 1);
	return word;
}

/* The same of a name that may have any byte */
static __always_inline void chunk_of_name(const char *bytes, __u32 size, struct chunk *chunk)
{
	chunk->open = size > MF_POL_CHUNK ? ~0ULL : 0;
	chunk->size = chunk->open ? MF_POL_CHUNK : size;
	chunk->words[0] = cut_word(bytes, chunk->size, 0);
	chunk->words[1] = cut_word(bytes, chunk->size, 8);
	chunk->words[2] = cut_word(bytes, chunk->size, 16);
	chunk->words[3] = cut_word(bytes, chunk->size, 24);
}

static __always_inline void chunk_of_self(struct chunk *chunk)
{
	chunk->open = 0;
	chunk->size = 4;
	chunk->words[0] = 0x666c6573; /* "self", as its bytes stand in a word */
	chunk->words[1] = chunk->words[2] = chunk->words[3] = 0;
}

/* What comes next, as d->key; its size, 0 for no name between two slashes */
static __always_inline __u32 name_next(const struct tables *t, __u32 at)
{
	const char *bytes = &t->walk->bytes[at & (MF_PATH_MAX - 1)];
	struct deciding *d = t->d;
	struct chunk chunk = { .words = &d->key[1] };

	if (d->kind == DECIDE_PATH && at == d->self_at)
		chunk_of_self(&chunk);
	else if (d->kind == DECIDE_PATH)
		chunk_of_path(bytes, &chunk);
	else
		chunk_of_name(bytes, MF_PATH_MAX - at, &chunk);
	d->key[0] = d->node | (__u64)chunk.size << 32 | (~chunk.open & 1) << 40;
	d->hash = slots_path_hash(d->key[0], &d->key[1], d->tables.path_seed);
	return chunk.size;
}

/* One slot further, or one entry down. 1: it ends here. */
static long name_step(__u32 index, struct tables *t)
{
	struct deciding *d = t->d;
	const struct mf_unit *unit;
	__u32 at = d->at;
	bool last;

	if (at >= MF_PATH_MAX)
		return 1;
	if (!d->probe) {
		d->size = name_next(t, at);
		if (!d->size) {
			d->at = at + 1;
			return 0;
		}
		d->exact = 0;
		if (!d->node)
			return 1;
	}
	unit = slot_probe(t, d->tables.paths, d->tables.path_slots);
	if (!unit)
		return 1;
	if ((unit->word[0] ^ d->key[0]) | (unit->word[1] ^ d->key[1]) |
	    (unit->word[2] ^ d->key[2]) | (unit->word[3] ^ d->key[3]) | (unit->word[4] ^ d->key[4]))
		return 0;
	last = d->key[0] >> 40;
	d->probe = 0;
	d->node = unit->word[5];
	if (last) {
		d->answer = unit->word[5] >> 32;
		d->exact = 1;
	}
	if (d->kind == DECIDE_PATH && at == d->self_at)
		d->at = d->self_end + 1;
	else
		d->at = at + d->size + (last && d->kind == DECIDE_PATH);
	return 0;
}
