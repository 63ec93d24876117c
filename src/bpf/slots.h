/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The keys and hashes of src/policy/slots.h, without the 128-bit product that BPF does not have.
 */

#include "compat.h"

#include "abi/units.h"

#define SLOTS_K0 0xa0761d6478bd642fULL
#define SLOTS_K1 0xe7037ed1a0b428dbULL
#define SLOTS_K2 0x8ebc6af09c88c6e3ULL
#define SLOTS_K3 0x589965cc75374cc3ULL

/* The two halves of the product, folded */
static __always_inline __u64 slots_mix(__u64 a, __u64 b)
{
	__u64 a0 = (__u32)a, a1 = a >> 32, b0 = (__u32)b, b1 = b >> 32;
	__u64 low = a0 * b0, mid = a1 * b0 + (low >> 32);
	__u64 mid2 = a0 * b1 + (__u32)mid;

	return (a * b) ^ (a1 * b1 + (mid >> 32) + (mid2 >> 32));
}

/* struct mf_pol_path_key as words */
static __always_inline __u32 slots_path_hash(__u64 head, const __u64 *words, __u32 seed)
{
	__u64 s = seed * SLOTS_K3;
	__u64 a = slots_mix(words[0] ^ SLOTS_K0 ^ s, words[1] ^ SLOTS_K1);
	__u64 b = slots_mix(words[2] ^ SLOTS_K2 ^ s, words[3] ^ SLOTS_K3);

	return slots_mix(a ^ b ^ SLOTS_K1, head ^ SLOTS_K2);
}

/* struct mf_pol_addr_key as words */
static __always_inline __u32 slots_addr_hash(const __u64 *words, __u32 length, __u32 seed)
{
	__u64 s = seed * SLOTS_K3;
	__u64 a = slots_mix(words[1] ^ SLOTS_K0 ^ s, words[2] ^ SLOTS_K1);

	return slots_mix(a ^ length ^ SLOTS_K1, words[0] ^ SLOTS_K2);
}

/* struct mf_pol_port_key as a word */
static __always_inline __u32 slots_port_hash(__u64 word, __u32 seed)
{
	return slots_mix(word ^ SLOTS_K0, (seed * SLOTS_K3) ^ SLOTS_K1);
}

#define SLASHES 0x2f2f2f2f2f2f2f2fULL
#define BYTES_1 0x0101010101010101ULL
#define BYTES_80 0x8080808080808080ULL

/* The top bit of the first byte that is a slash, the bits above it being anything; 0: none is */
static __always_inline __u64 slots_slash(__u64 word)
{
	__u64 x = word ^ SLASHES;

	return (x - BYTES_1) & ~x & BYTES_80;
}

/* All bits below the byte of the lowest bit of slots_slash(); all bits where there is none */
static __always_inline __u64 slots_below(__u64 slash)
{
	return ((slash & -slash) >> 7) - 1;
}

/* All bits where it is 0, else none; without a branch */
static __always_inline __u64 slots_if_none(__u64 slash)
{
	__u64 some = (slash | -slash) >> 63;

	barrier_var(some);
	return some - 1;
}

/* How many bytes of ones */
static __always_inline __u32 slots_bytes(__u64 ones)
{
	return ((ones & BYTES_1) * BYTES_1) >> 56;
}
