/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The hash tables of an image: slots, a power of two of them, at most MF_POL_PROBES_MAX looked at
 * for a key, from its hash on. The image's maker chooses the seed so that every key is found
 * within them; validation proves it. Keys are compared whole, so a collision costs a look and
 * never gives a wrong answer.
 */

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "abi/policy.h"

static inline uint64_t slots_word(const void *bytes)
{
	uint64_t word;

	memcpy(&word, bytes, sizeof(word));
	return word;
}

/* The two halves of the product, folded: what wyhash is made of. */
static inline uint64_t slots_mix(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

#define SLOTS_K0 0xa0761d6478bd642fULL
#define SLOTS_K1 0xe7037ed1a0b428dbULL
#define SLOTS_K2 0x8ebc6af09c88c6e3ULL
#define SLOTS_K3 0x589965cc75374cc3ULL

static inline uint64_t slots_path_hash(const struct mf_pol_path_key *key, uint32_t seed)
{
	uint64_t s = seed * SLOTS_K3;
	uint64_t a = slots_mix(slots_word(key->bytes) ^ SLOTS_K0 ^ s,
			       slots_word(key->bytes + 8) ^ SLOTS_K1);
	uint64_t b = slots_mix(slots_word(key->bytes + 16) ^ SLOTS_K2 ^ s,
			       slots_word(key->bytes + 24) ^ SLOTS_K3);

	return slots_mix(a ^ b ^ SLOTS_K1, slots_word(key) ^ SLOTS_K2);
}

static inline uint64_t slots_addr_hash(const struct mf_pol_addr_key *key, uint32_t length,
				       uint32_t seed)
{
	uint64_t s = seed * SLOTS_K3;
	uint64_t a = slots_mix(slots_word(key->addr) ^ SLOTS_K0 ^ s,
			       slots_word(key->addr + 8) ^ SLOTS_K1);

	return slots_mix(a ^ length ^ SLOTS_K1, slots_word(key) ^ SLOTS_K2);
}

static inline uint64_t slots_port_hash(const struct mf_pol_port_key *key, uint32_t seed)
{
	return slots_mix(slots_word(key) ^ SLOTS_K0, (seed * SLOTS_K3) ^ SLOTS_K1);
}

static inline bool slots_path_is(const struct mf_pol_path_key *a, const struct mf_pol_path_key *b)
{
	return slots_word(a) == slots_word(b) && slots_word(a->bytes) == slots_word(b->bytes) &&
	       slots_word(a->bytes + 8) == slots_word(b->bytes + 8) &&
	       slots_word(a->bytes + 16) == slots_word(b->bytes + 16) &&
	       slots_word(a->bytes + 24) == slots_word(b->bytes + 24);
}

/* Each gives the entry of a key, or NULL. `count` is a power of two, or 0. */
static inline const struct mf_pol_path *slots_path(const struct mf_pol_path *slots, uint32_t count,
						   uint32_t seed, const struct mf_pol_path_key *key)
{
	uint64_t hash = slots_path_hash(key, seed);

	for (uint32_t i = 0; i < MF_POL_PROBES_MAX && i < count; i++) {
		const struct mf_pol_path *slot = &slots[(hash + i) & (count - 1)];

		if (!slot->key.node)
			return NULL;
		if (slots_path_is(&slot->key, key))
			return slot;
	}
	return NULL;
}

static inline const struct mf_pol_addr *slots_addr(const struct mf_pol_addr *slots, uint32_t count,
						   uint32_t seed, const struct mf_pol_addr_key *key,
						   uint32_t length)
{
	uint64_t hash = slots_addr_hash(key, length, seed);

	for (uint32_t i = 0; i < MF_POL_PROBES_MAX && i < count; i++) {
		const struct mf_pol_addr *slot = &slots[(hash + i) & (count - 1)];

		if (!slot->key.family)
			return NULL;
		if (slot->length == length && memcmp(&slot->key, key, sizeof(*key)) == 0)
			return slot;
	}
	return NULL;
}

static inline const struct mf_pol_port *slots_port(const struct mf_pol_port *slots, uint32_t count,
						   uint32_t seed, const struct mf_pol_port_key *key)
{
	uint64_t hash = slots_port_hash(key, seed);

	for (uint32_t i = 0; i < MF_POL_PROBES_MAX && i < count; i++) {
		const struct mf_pol_port *slot = &slots[(hash + i) & (count - 1)];

		if (!slot->key.class)
			return NULL;
		if (slots_word(&slot->key) == slots_word(key))
			return slot;
	}
	return NULL;
}

/* Which chunk of a component a key holds; fills it up with zeros. `size` is what is left. */
static inline size_t slots_chunk(struct mf_pol_path_key *key, const char *bytes, size_t size)
{
	size_t taken = size > MF_POL_CHUNK ? MF_POL_CHUNK : size;

	memset(key->bytes, 0, sizeof(key->bytes));
	memcpy(key->bytes, bytes, taken);
	key->size = (uint8_t)taken;
	key->last = size <= MF_POL_CHUNK;
	key->pad = 0;
	return taken;
}
