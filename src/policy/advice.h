/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What somebody wants to know who was refused: which line would have allowed it, or which is missing. */

#include "policy/decide.h"

#define POLICY_ADVICE_MAX 64 /* blocks that a line is missing in; more are not told */

struct policy_advice {
	/* POLICY_BY_ALLOW: but for the line that decides, or the ceiling, this one would allow it */
	struct policy_decision allowing;
	/* Without any line against it: a line in each of these allows it. */
	struct policy_missing {
		uint32_t block; /* MF_POL_DEFAULT: there is no block about the tool, or no base */
		uint32_t request; /* whose block it is; UINT32_MAX: base, or a ceiling */
		bool by_administrator; /* a ceiling of state->administrator */
	} missing[POLICY_ADVICE_MAX];
	size_t missing_count;
};

/* Of an access that is not refused: nothing. */
void policy_advise(const struct policy *policy, const struct policy_state *state,
		   const struct policy_access *access, struct policy_advice *ret_advice);

/*
 * Appends the line that allows `verb` of the access: `read ${workspace}/docs/index.md`. `host`, where
 * not NULL, is the name that the address was asked for by. -ENOENT: no line can; -ENOMEM.
 */
int policy_advice_line(struct buf *out, const struct policy_access *access, uint8_t verb,
		       const char *host, const char *workspace, const char *home);
