/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Along a path or an abstract name, entry by entry, as src/policy/tables.c.
 */

#include "tables.h"

#define NAME_STEPS MF_PATH_MAX

/* In d->found is the unit of d->key then, from d->hash on. */
static long path_probe(__u32 probe, struct tables *t)
{
	struct deciding *d = t->d;
	__u32 at = slot_of(d, d->tables.paths, d->tables.path_slots, probe);
	const struct mf_unit *unit = unit_at(t, at);
	__u64 other;

	if (!unit || !unit->word[0] || probe >= d->tables.path_slots)
		return 1;
	other = (unit->word[0] ^ d->key[0]) | (unit->word[1] ^ d->key[1]) |
		(unit->word[2] ^ d->key[2]) | (unit->word[3] ^ d->key[3]) |
		(unit->word[4] ^ d->key[4]);
	if (!other)
		d->found = at;
	return !other;
}

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

/* One entry further down. 1: it ends here. */
static long name_step(__u32 index, struct tables *t)
{
	struct deciding *d = t->d;
	struct chunk chunk = { .words = &d->key[1] };
	bool is_path = d->kind == DECIDE_PATH;
	__u32 at = d->at;
	const struct mf_pol_path *slot;
	const char *bytes = &t->walk->bytes[at & (MF_PATH_MAX - 1)];

	if (at >= MF_PATH_MAX)
		return 1;
	if (is_path)
		chunk_of_path(bytes, &chunk);
	else
		chunk_of_name(bytes, MF_PATH_MAX - at, &chunk);
	if (!chunk.size) { /* no name between two slashes */
		d->at = at + 1;
		return 0;
	}
	d->exact = 0;
	if (!d->node)
		return 1;
	d->key[0] = d->node | (__u64)chunk.size << 32 | (~chunk.open & 1) << 40;
	d->hash = slots_path_hash(d->key[0], &d->key[1], d->tables.path_seed);
	d->found = 0;
	if (!path_probe(0, t))
		bpf_loop(MF_POL_PROBES_MAX, path_probe, t, 0);
	if (!d->found)
		return 1;
	slot = (const void *)unit_at(t, d->found);
	if (!slot)
		return 1;
	d->node = slot->child;
	if (!chunk.open) {
		d->answer = slot->answer;
		d->exact = 1;
	}
	d->at = at + chunk.size + (!chunk.open && is_path);
	return 0;
}
