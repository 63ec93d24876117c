/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * What of a policy holds whatever call is in flight: what no block of it, no argument and no default
 * can ever allow. It is what may be refused once and for all, before the server runs. Never less than
 * any state allows; what it leaves open and some state denies is for somebody else to refuse.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/tables.h"

#define POLICY_FLOOR_TREES_MAX 4096 /* with more of them nothing is said about changes */

struct policy_floor_tree {
	char *path; /* absolute, normalised; it need not exist */
	bool socket; /* no more than a socket may be bound here */
};

struct policy_floor {
	bool changes; /* files outside of `trees` are never changed; false: everything may be */
	struct policy_floor_tree *trees; /* sorted, none twice */
	size_t tree_count;
	uint32_t ways; /* 1 << enum mf_pol_escape: allowed in some state */
	bool abstract; /* some line is about connecting to abstract names */
};

void policy_floor_free(struct policy_floor *floor);

/* 0 or -ENOMEM. Of a policy of which everything is enforced: the session's mode is the caller's. */
int policy_floor_make(const struct policy *policy, struct policy_floor *ret_floor);

/* The ways out that some state of the policy denies: all of them must be refused, or it is not whole. */
uint32_t policy_floor_denied(const struct policy *policy);

/* What is held of it, MF_FLOOR_*, in words: `changes` or `all-changes`, `abstract-sockets`, ways out. */
#define POLICY_FLOOR_WORDS (MF_POL_ESCAPE_MAX + 2)
size_t policy_floor_words(uint32_t held, const char *ret_words[POLICY_FLOOR_WORDS]);
