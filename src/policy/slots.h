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

/* struct mf_pol_path_key as words: what is hashed and compared. */
struct slots_key {
	uint64_t head; /* node, size, last */
	uint64_t words[4];
};

_Static_assert(sizeof(struct slots_key) == sizeof(struct mf_pol_path_key), "the same bytes");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "an image is little-endian");

static inline uint64_t slots_path_hash(const struct slots_key *key, uint32_t seed)
{
	uint64_t s = seed * SLOTS_K3;
	uint64_t a = slots_mix(key->words[0] ^ SLOTS_K0 ^ s, key->words[1] ^ SLOTS_K1);
	uint64_t b = slots_mix(key->words[2] ^ SLOTS_K2 ^ s, key->words[3] ^ SLOTS_K3);

	return slots_mix(a ^ b ^ SLOTS_K1, key->head ^ SLOTS_K2);
}

static inline struct slots_key slots_key_of(const struct mf_pol_path_key *key)
{
	return (struct slots_key){ slots_word(key),
				   { slots_word(key->bytes), slots_word(key->bytes + 8),
				     slots_word(key->bytes + 16), slots_word(key->bytes + 24) } };
}

/* `size` bytes, at most 8, behind them zeros; none behind them is read. */
static inline uint64_t slots_bytes(const char *bytes, size_t size)
{
	const unsigned char *at = (const unsigned char *)bytes;
	uint32_t low, high;

	if (size >= 8)
		return slots_word(at);
	if (size >= 4) {
		memcpy(&low, at, sizeof(low));
		memcpy(&high, at + size - 4, sizeof(high));
		return low | (uint64_t)high << (8 * (size - 4));
	}
	if (!size)
		return 0;
	return at[0] | (uint64_t)at[size / 2] << (8 * (size / 2)) |
	       (uint64_t)at[size - 1] << (8 * (size - 1));
}

/* The key of the next `size` bytes (1 … MF_POL_CHUNK) of a component, from a node. */
static inline struct slots_key slots_key(uint32_t node, const char *bytes, size_t size, bool last)
{
	struct slots_key key = { .head = node | (uint64_t)size << 32 | (uint64_t)last << 40 };

	key.words[0] = slots_bytes(bytes, size);
	for (size_t i = 1; 8 * i < size; i++)
		key.words[i] = slots_bytes(bytes + 8 * i, size - 8 * i);
	return key;
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

static inline bool slots_path_is(const struct mf_pol_path_key *a, const struct slots_key *b)
{
	return slots_word(a->bytes) == b->words[0] && slots_word(a) == b->head &&
	       slots_word(a->bytes + 8) == b->words[1] &&
	       slots_word(a->bytes + 16) == b->words[2] && slots_word(a->bytes + 24) == b->words[3];
}

/* Each gives the entry of a key, or NULL. `count` is a power of two, or 0. */
static inline const struct mf_pol_path *slots_path(const struct mf_pol_path *slots, uint32_t count,
						   uint32_t seed, const struct slots_key *key)
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
