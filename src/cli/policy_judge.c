/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/policy_judge.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "policy/compile.h"
#include "policy/grant.h"
#include "record/tree.h"

void judge_close(struct judge *judge)
{
	policy_tree_free(judge->tree);
	buf_free(&judge->image);
	buf_free(&judge->grants);
	*judge = (struct judge){ 0 };
}

int judge_open(const struct cli_args *args, const char *file, struct judge *ret_judge)
{
	int r;

	*ret_judge = (struct judge){ 0 };
	ret_judge->tree = cli_policy_read(args, &file, 1, true, true);
	if (!ret_judge->tree)
		return CLI_POLICY_FAILED;
	r = policy_compile(ret_judge->tree, &ret_judge->image);
	if (r < 0) {
		_cleanup_free_ char *shown = cli_shown(file);

		cli_error("%s: %s", shown,
			  r == -E2BIG ? "the policy is too large to be kept" : strerror(-r));
		judge_close(ret_judge);
		return CLI_POLICY_FAILED;
	}
	policy_view(buf_bytes(&ret_judge->image), &ret_judge->policy);
	cli_policy_load_options(args, &ret_judge->load);
	ret_judge->load.stand_in = true;
	policy_load_world(&ret_judge->load, &ret_judge->world);
	return 0;
}

int judge_call(struct judge *judge, const struct recorded_call *call)
{
	struct policy_grant_call grant_call = { .arguments = call->arguments,
						.arguments_size = call->arguments_size,
						.cwd = call->cwd,
						.world = &judge->world };
	int r;

	judge->is_call = call->is_request;
	judge->request = (struct policy_request){ .block = MF_POL_DEFAULT };
	if (!call->tool || !call->tool_size)
		return 0;
	judge->request.block = policy_tool_block(&judge->policy, call->tool, call->tool_size);
	grant_call.block = judge->request.block;
	buf_free(&judge->grants);
	r = policy_grant_build(&judge->policy, &grant_call, &judge->grants, NULL);
	if (r < 0)
		return r;
	policy_view(buf_bytes(&judge->grants), &judge->granted);
	judge->request.grants = &judge->granted;
	return 0;
}

void judge_step(struct judge *judge, const struct recorded_step *step,
		struct policy_state *ret_state, struct policy_decision *ret_decision)
{
	bool in_flight = judge->is_call && !step->no_call;

	*ret_state = (struct policy_state){ .requests = in_flight ? &judge->request : NULL,
					    .request_count = in_flight,
					    .mode = MF_POL_ENFORCE };
	policy_decide(&judge->policy, ret_state, &step->access->access, ret_decision);
}

int judge_print_call(struct buf *out, const struct recorded_call *call)
{
	yajl_val id = tree_get(call->entry, "req_id");
	int r;

	if (!call->is_request)
		return buf_append_str(out, "no call");
	r = id ? tree_print_value(out, id) : buf_append_str(out, call->uid);
	if (r == 0)
		r = buf_append_str(out, " ");
	return r	    ? r
	       : call->tool ? escape_text(out, call->tool, call->tool_size)
			    : tree_print(out, call->entry, "method");
}
