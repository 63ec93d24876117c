/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The decision, in the kernel: the steps of src/policy/decide.h over the units of abi/units.h. The
 * one who asks fills the first part of a struct deciding, which lives in a map, and reads `out`.
 */

#include "path.h"

/* What one block says of an access. */
struct said {
	__u32 allow, deny; /* of the verbs asked for */
	__u32 below; /* something below is denied */
	__u32 lines[2 * MF_POL_VERB_MAX + 1]; /* that allow, that deny, that deny below */
};

struct weighed {
	__u32 verdict;
	__u32 rule;
	__u32 block;
	__u8 reason, verb, flags, pad;
};

struct deciding {
	/* asked */
	__u32 kind; /* enum deciding_kind: PATH and ABSTRACT are of the walk that is passed along */
	__u32 verbs; /* 1 << enum mf_pol_verb; a way out counts as one verb */
	__u32 whole; /* a path that is moved, linked, exchanged or replaced */
	__u32 escape; /* enum mf_pol_escape */
	__u32 family; /* 4 or 6; v4-mapped is 4 */
	__u32 port;
	__u64 addr[2]; /* network order, IPv4 in the first four bytes */
	/* answered */
	struct mf_decision out;
	/* inside */
	struct mf_tag tag;
	__u64 only; /* the request that it is asked of alone; 0: each */
	__u32 seen; /* requests */
	__u32 first; /* the tables that are looked at: 0 the policy's, else those of grants, at this
		      * unit of the page, plus 1 */
	__u32 block; /* of them */
	__u32 blocks_end; /* the unit behind the policy's blocks */
	__u32 answer;
	__u32 node, at, exact; /* on the way along a name */
	__u32 length, class;
	__u32 found; /* the unit that has `key`; 0: none */
	__u32 hash;
	__u64 key[5];
	__u64 prefixes[3];
	struct mf_units_head tables;
	struct mf_units_use use;
	struct said said, base, own;
	struct weighed denial, permission, ceiling;
};

/* decide.bpf.c. Fills `out`; returns whether it is refused. `walk`: not looked at where the kind has
 * no name. */
extern int decide(struct deciding *d, struct path_walk *walk, struct mf_tag *tag);
