/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * A compiled policy as the BPF programs read it: the entries of an image (abi/policy.h), each in
 * one unit of 48 bytes, a block in two, so that one array map holds them all and is replaced by one
 * pointer. What decides nothing (lines, texts, tools, templates) stays in the image.
 *
 * In this order: struct mf_units_head, struct mf_units_use, blocks (2 units each), slots of paths, of
 * addresses and of ports, classes, answers. Numbers in entries are those of the image.
 * src/policy/units.h fills them.
 *
 * The grants of a request are the same, in the session's page, where their first unit is told by
 * the request's entry.
 */

#include <linux/types.h>

#include "policy.h"

#define MF_UNIT_BYTES 48

struct mf_unit {
	__u64 word[MF_UNIT_BYTES / 8];
};

/* unit 0: where each kind begins, in units */
struct mf_units_head {
	__u32 flags; /* of mf_pol_head */
	__u32 paths; /* behind the last block */
	__u32 path_slots; /* a power of two, or 0 */
	__u32 path_seed;
	__u32 addrs;
	__u32 addr_slots;
	__u32 addr_seed;
	__u32 ports;
	__u32 port_slots;
	__u32 port_seed;
	__u32 classes;
	__u32 answers;
};

/* mf_units_use.flags */
enum {
	MF_UNITS_STRICT = 1 << 0, /* every request in flight must be allowed an access */
};

/* unit 1: how a policy is used; of grants all 0 */
struct mf_units_use {
	__u64 session; /* whose it is */
	__u32 mode; /* enum mf_pol_mode: no block weighs more. Changed in place */
	__u32 generation; /* which of the two blocks of a request in flight holds: its last bit */
	__u32 flags;
	__u32 ceiling_count;
	__u32 ceilings[MF_POL_CEILINGS_MAX];
	__u64 spare;
};

#define MF_UNITS_BLOCKS 2 /* the unit of block 0 */
#define MF_UNITS_BLOCK 2 /* units of each: struct mf_pol_block, its first 48 bytes in the first */

#ifndef __bpf__
_Static_assert(sizeof(struct mf_unit) == MF_UNIT_BYTES, "struct mf_unit");
_Static_assert(sizeof(struct mf_units_head) == MF_UNIT_BYTES, "struct mf_units_head");
_Static_assert(sizeof(struct mf_units_use) == MF_UNIT_BYTES, "struct mf_units_use");
_Static_assert(sizeof(struct mf_pol_path) == MF_UNIT_BYTES, "a path is a unit");
_Static_assert(sizeof(struct mf_pol_answer) == MF_UNIT_BYTES, "an answer is a unit");
_Static_assert(sizeof(struct mf_pol_block) <= MF_UNITS_BLOCK * MF_UNIT_BYTES, "a block is two");
#endif
