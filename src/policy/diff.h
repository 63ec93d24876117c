/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * What two policies decide differently, asked of their tables. An answer changes only at objects
 * that some line of either names, so those are asked about, for each tool that either names, for
 * any other tool, and for no call: nothing that differs is missed, but for what only an argument
 * of a call can tell, of which the lines are compared.
 */

#include "policy/decide.h"
#include "policy/tree.h"

struct policy_side {
	const struct policy_tree *tree;
	const struct policy *policy; /* compiled from it */
};

enum policy_change_kind {
	POLICY_BECOMES_ALLOWED = 1,
	POLICY_BECOMES_DENIED = 2,
	POLICY_BECOMES_TOLD = 3, /* it passes, and would be denied in enforce mode */
};

struct policy_change {
	enum policy_change_kind kind;
	enum mf_verdict before; /* of a template: MF_ALLOW when the old policy has its line */
	const char *
		tool; /* safe to print, a prefix with its star; "" for no call; NULL: other tools */
	const char *access; /* safe to print, as in a policy: "read /srv/docs" */
	bool in_part; /* of an address and its ports: not all of them */
	bool of_template; /* a line with an argument came, or went; no decision */
	bool of_mode; /* another mode or default, for what no line is about; no decision */
	struct policy_state state; /* of the new policy, for policy_decision_print() */
	struct policy_decision decision; /* the new one */
};

/* From one verdict to another; 0: no change that matters. */
enum policy_change_kind policy_change_of(enum mf_verdict before, enum mf_verdict after);
/* "becomes allowed", … */
const char *policy_change_word(enum policy_change_kind kind, enum mf_verdict before);

/* Calls `each` with every change; its non-zero return ends all and is returned. -ENOMEM, or -E2BIG
 * when there is more to ask than a machine can be expected to. */
int policy_diff(const struct policy_side *before, const struct policy_side *after,
		int (*each)(void *data, const struct policy_change *change), void *data);
