/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Recorded calls under a policy: what it would have decided, each call with its own grants. */

#include "cli/policy.h"
#include "cli/recorded_log.h"
#include "policy/decide.h"

struct judge {
	struct policy_tree *tree;
	struct policy_load load;
	struct policy_world world;
	struct buf image;
	struct policy policy;
	/* of the present call */
	struct buf grants;
	struct policy granted;
	struct policy_request request;
	bool is_call;
};

/* 0, or an exit status after the reason was said on stderr. */
int judge_open(const struct cli_args *args, const char *file, struct judge *ret_judge);
void judge_close(struct judge *judge);

int judge_call(struct judge *judge, const struct recorded_call *call);
void judge_step(struct judge *judge, const struct recorded_step *step,
		struct policy_state *ret_state, struct policy_decision *ret_decision);

/* Appends "req-42 read_file", or "no call". */
int judge_print_call(struct buf *out, const struct recorded_call *call);
