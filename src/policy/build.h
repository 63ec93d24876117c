/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Makes an image (abi/policy.h) from entries given in any order: what compile and the builder of
 * grants share. Of two entries for the same object and verb the one with the smaller rule counts.
 */

#include "base/buf.h"
#include "policy/object.h"
#include "policy/tables.h"

struct policy_builder;

/* What an entry says of its object. */
struct policy_entry {
	uint32_t block;
	uint32_t rule; /* 1 … */
	uint8_t verbs; /* MF_POL_BIT, with all that they imply */
	bool deny;
};

/* What a line means beyond its words: write implies read and binding sockets there. */
uint8_t policy_verbs_implied(uint8_t verbs, bool deny);

/* Blocks 0 … block_count - 1, all empty. -E2BIG, -ENOMEM. */
int policy_builder_new(uint32_t block_count, struct policy_builder **ret_builder);
void policy_builder_free(struct policy_builder *builder);
static inline void cleanup_policy_builder(struct policy_builder **slot)
{
	policy_builder_free(*slot);
}
#define _cleanup_policy_builder_ _cleanup_(cleanup_policy_builder)

/* What the block is; a block of which nothing is said has kind and mode 0. */
void policy_builder_block(struct policy_builder *builder, uint32_t block,
			  enum mf_pol_block_kind kind, enum mf_pol_mode mode, uint32_t rule);

/* Each: 0, -E2BIG (MF_POL_*_MAX), -ENOMEM, -EINVAL (malformed). */
int policy_builder_path(struct policy_builder *builder, struct policy_entry entry, const char *path,
			size_t size); /* normalised */
/* `any`: every abstract name. */
int policy_builder_abstract(struct policy_builder *builder, struct policy_entry entry,
			    const char *name, size_t size, bool any);
int policy_builder_address(struct policy_builder *builder, struct policy_entry entry,
			   const struct policy_prefix *prefix, struct policy_ports ports);
/* entry.verbs is not looked at. */
int policy_builder_escape(struct policy_builder *builder, struct policy_entry entry,
			  enum mf_pol_escape escape);

/*
 * The image of one request's grants: MF_POL_GRANTS, block 0, no rules, texts or tools of its own;
 * `rule_count` is that of the policy whose rules the entries name. Appends it to `ret_image` at an
 * offset that is a multiple of 8 (an empty buffer). -E2BIG, -ENOMEM.
 */
int policy_builder_grants(struct policy_builder *builder, uint32_t rule_count,
			  struct buf *ret_image);
