/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/policy_judge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "policy/compile.h"
#include "policy/grant.h"
#include "record/tree.h"

static void free_call(struct judged_call *call)
{
	free(call->uid);
	free(call->grants_bytes);
	*call = (struct judged_call){ 0 };
}

void judge_close(struct judge *judge)
{
	for (size_t i = 0; i < judge->call_count; i++)
		free_call(&judge->calls[i]);
	free(judge->calls);
	free_call(&judge->present);
	policy_tree_free(judge->tree);
	buf_free(&judge->image);
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

static int read_call(const struct judge *judge, const struct recorded_call *call,
		     struct judged_call *ret_call)
{
	struct policy_grant_call grant_call = { .arguments = call->arguments,
						.arguments_size = call->arguments_size,
						.cwd = call->cwd,
						.world = &judge->world };
	struct judged_call judged = { .block = MF_POL_DEFAULT, .grants_known = true };
	_cleanup_buf_ struct buf grants = { 0 };
	int r;

	judged.uid = strdup(call->uid);
	if (!judged.uid)
		return -ENOMEM;
	if (call->tool)
		judged.block = policy_tool_block(&judge->policy, call->tool, call->tool_size);
	if (policy_grant_is_possible(&judge->policy, judged.block)) {
		judged.grants_known = call->arguments_told;
		grant_call.block = judged.block;
		r = policy_grant_build(&judge->policy, &grant_call, &grants, NULL);
		if (r == 0) {
			judged.grants_bytes = malloc(buf_size(&grants));
			r = judged.grants_bytes ? 0 : -ENOMEM;
		}
		if (r) {
			free_call(&judged);
			return r;
		}
		memcpy(judged.grants_bytes, buf_bytes(&grants), buf_size(&grants));
		policy_view(judged.grants_bytes, &judged.grants);
	}
	*ret_call = judged;
	return 0;
}

int judge_add_call(struct judge *judge, const struct recorded_call *call)
{
	int r;

	if (!call->is_request || !*call->uid)
		return 0;
	if (judge->call_count == judge->call_room) {
		size_t room = judge->call_room ? judge->call_room * 2 : 64;
		struct judged_call *calls = reallocarray(judge->calls, room, sizeof(*calls));

		if (!calls)
			return -ENOMEM;
		judge->calls = calls;
		judge->call_room = room;
	}
	r = read_call(judge, call, &judge->calls[judge->call_count]);
	judge->call_count += r == 0;
	return r;
}

static int by_uid(const void *first, const void *second)
{
	const struct judged_call *a = first, *b = second;

	return strcmp(a->uid, b->uid);
}

void judge_sort_calls(struct judge *judge)
{
	if (judge->call_count)
		qsort(judge->calls, judge->call_count, sizeof(*judge->calls), by_uid);
}

int judge_call(struct judge *judge, const struct recorded_call *call)
{
	free_call(&judge->present);
	judge->is_call = call->is_request;
	return read_call(judge, call, &judge->present);
}

static const struct judged_call *call_named(const struct judge *judge, const char *uid)
{
	const struct judged_call key = { .uid = (char *)uid };

	if (judge->is_call && *uid && strcmp(judge->present.uid, uid) == 0)
		return &judge->present;
	return judge->call_count ? bsearch(&key, judge->calls, judge->call_count,
					   sizeof(*judge->calls), by_uid)
				 : NULL;
}

/* Calls that an event faces, and whether they are all. */
struct faced {
	const struct judged_call *calls[HISTORY_NAMES_MAX];
	uint32_t count;
	bool known, grants_known;
};

static void face(struct faced *faced, const struct judged_call *call)
{
	if (!call || faced->count == HISTORY_NAMES_MAX) {
		faced->known = false;
		return;
	}
	faced->calls[faced->count++] = call;
	faced->grants_known &= call->grants_known;
}

bool judge_is_unsure(const struct recorded_event *event)
{
	return strcmp(tree_text(event->row, "label"), "candidates") == 0;
}

bool judge_is_late(const struct judge *judge, const struct recorded_event *event)
{
	return judge->is_call && tree_true(event->row, "late");
}

static void find_faced(const struct judge *judge, yajl_val row, struct faced *faced)
{
	yajl_val live = tree_get(row, "in_flight"), candidates = tree_get(row, "candidates");
	const char *request = tree_text(row, "request");
	bool late = tree_true(row, "late");

	*faced = (struct faced){ .known = !tree_true(row, "in_flight_unknown") &&
					  !tree_true(row, "in_flight_more"),
				 .grants_known = true };
	if (live || candidates) {
		for (size_t i = 0; i < tree_count(live ? live : candidates); i++)
			face(faced,
			     call_named(judge, tree_string(tree_at(live ? live : candidates, i))));
	} else if (!late && *request) {
		face(faced, call_named(judge, request));
	} else if (!late && judge->is_call) {
		face(faced, &judge->present);
	}
}

void judge_event(struct judge *judge, const struct recorded_event *event, struct answer *ret_answer)
{
	struct faced faced;

	find_faced(judge, event->row, &faced);
	for (uint32_t i = 0; i < faced.count; i++)
		judge->requests[i] = (struct policy_request){
			.block = faced.calls[i]->block,
			.grants = faced.calls[i]->grants_bytes ? &faced.calls[i]->grants : NULL,
		};
	judge->state = (struct policy_state){ .requests = judge->requests,
					      .request_count = faced.count,
					      .mode = MF_POL_ENFORCE };
	question_answer(&judge->policy, &judge->state, event->question, faced.known, ret_answer);
	/* an argument that the record does not tell may have allowed it */
	if (!faced.grants_known && ret_answer->reason == POLICY_BY_NO_RULE)
		question_answer(&judge->policy, &judge->state, event->question, false, ret_answer);
}

/* The same texts and variables. */
static bool is_of_policy(const struct judge *judge, yajl_val entry)
{
	const uint8_t *sha256 = judge->policy.head->source_sha256;
	const char *told = tree_text(tree_get(entry, "policy"), "sha256");
	char hex[2 * sizeof(judge->policy.head->source_sha256) + 1];

	for (size_t i = 0; i < sizeof(judge->policy.head->source_sha256); i++)
		snprintf(hex + 2 * i, 3, "%02x", sha256[i]);
	return strcmp(told, hex) == 0;
}

bool judge_disagrees(const struct judge *judge, const struct recorded_call *call,
		     const struct recorded_event *event, const struct answer *answer)
{
	const struct mf_pol_rule *rule = policy_rule(&judge->policy, answer->decision.rule);
	const char *verdict = tree_text(event->row, "verdict");
	const char *line = strrchr(tree_text(event->row, "rule"), ':');
	/* a session's mode may make a denial lighter, down to one that is only said to be one */
	bool lighter = strcmp(verdict, "observed") == 0 && *tree_text(event->row, "because");
	bool denied = strcmp(verdict, "deny") == 0 || strcmp(verdict, "would-deny") == 0;

	/* decided by another policy than the record names */
	if (tree_get(event->row, "generation"))
		return false;
	if (!is_of_policy(judge, call->entry) || answer->reason == QUESTION_NO_CALL)
		return false;
	if (answer->decision.verdict <= MF_WOULD_DENY ? !denied && !lighter : denied)
		return true;
	if ((answer->decision.verdict == MF_ALLOW) != (strcmp(verdict, "allow") == 0))
		return true;
	/* of several calls that allow or lack it, the kernel names one, and not the first for certain */
	if (judge->state.request_count > 1)
		return false;
	return (rule ? rule->line : 0) != (line ? strtoul(line + 1, NULL, 10) : 0);
}

int judge_print_event(struct buf *out, const struct recorded_event *event)
{
	const struct question *question = event->question;
	int r = 0;

	if (!question->count) {
		r = buf_append_str(out, tree_text(event->row, "kind"));
		return r ? r : buf_append_str(out, " of what has no path");
	}
	for (size_t i = 0; r == 0 && i < question->count; i++) {
		r = i ? buf_append_str(out, " and ") : 0;
		if (r == 0)
			r = recorded_access_print(out, &question->access[i]);
	}
	return r;
}

int judge_print_answer(struct buf *out, const struct judge *judge, const struct answer *answer)
{
	if (answer->reason == QUESTION_NO_PATH)
		return buf_append_str(out, "denied: its object has no path");
	if (answer->reason == QUESTION_NO_CALL)
		return buf_append_str(out, "not known: what was in flight is not told");
	return policy_decision_print(out, &judge->policy, &judge->state, &answer->decision);
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
