/* SPDX-License-Identifier: BSD-2-Clause */
/* `mcpfloor policy diff`: what two policies decide differently, of anything and of recorded calls. */

#include "policy/diff.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/policy_judge.h"
#include "cli/print_json.h"

#define TOLD_MAX 1000 /* changes of one record that are told */

struct diff {
	const struct cli_args *args;
	struct judge before, after;
	size_t changes; /* of the policies */
	size_t calls, told; /* records with a change; changes told of the present one */
	bool counted; /* the present record is in `calls` */
	char *tool; /* the one printed last */
	struct buf last; /* change of the present record that was printed last */
};

static void diff_free(struct diff *diff)
{
	judge_close(&diff->before);
	judge_close(&diff->after);
	free(diff->tool);
	buf_free(&diff->last);
}

static int print_head(struct diff *diff, const char *tool)
{
	char *copy;

	if (diff->tool && strcmp(diff->tool, tool) == 0)
		return 0;
	copy = strdup(tool);
	if (!copy)
		return -ENOMEM;
	free(diff->tool);
	diff->tool = copy;
	printf("%s\n", tool);
	return 0;
}

static int print_change_json(const struct policy_change *change, const char *why)
{
	yajl_gen gen = print_json_new();

	if (!gen)
		return -ENOMEM;
	yajl_gen_map_open(gen);
	if (change->tool && *change->tool)
		print_json_field(gen, "tool", change->tool);
	print_json_field(gen, "when",
			 !change->tool	 ? "another tool"
			 : *change->tool ? "tool"
					 : "no call");
	print_json_field(gen, "change", policy_change_word(change->kind, change->before));
	print_json_field(gen, "access", change->access);
	if (change->in_part)
		print_json_text(gen, "in_part"), yajl_gen_bool(gen, 1);
	print_json_field(gen, "now", why);
	yajl_gen_map_close(gen);
	return print_json_line(gen, stdout);
}

static int on_change(void *data, const struct policy_change *change)
{
	struct diff *diff = data;
	_cleanup_buf_ struct buf why = { 0 };
	_cleanup_free_ char *head = NULL;
	int r = 0;

	diff->changes++;
	if (change->of_template)
		r = buf_append_str(&why, "what an argument of the call names");
	else if (change->of_mode)
		r = buf_append_str(&why, "another mode or default");
	else
		r = policy_decision_print(&why, &diff->after.policy, &change->state,
					  &change->decision);
	if (r == 0)
		r = buf_append(&why, "", 1);
	if (r)
		return r;
	if (diff->args->json)
		return print_change_json(change, (const char *)buf_bytes(&why));
	if (!change->tool)
		r = asprintf(&head, "tools without a block");
	else if (!*change->tool)
		r = asprintf(&head, "base");
	else
		r = asprintf(&head, "tool %s", change->tool);
	if (r < 0 || print_head(diff, head) < 0)
		return -ENOMEM;
	printf("  %s: %s%s (%s)\n", policy_change_word(change->kind, change->before),
	       change->in_part ? "part of " : "", change->access, (const char *)buf_bytes(&why));
	return ferror(stdout) ? -EIO : 0;
}

static int on_call(void *data, const struct recorded_call *call)
{
	struct diff *diff = data;
	int r = judge_call(&diff->before, call);

	diff->told = 0;
	buf_free(&diff->last);
	diff->counted = false;
	return r ? r : judge_call(&diff->after, call);
}

static int on_event(void *data, const struct recorded_call *call,
		    const struct recorded_event *event)
{
	struct diff *diff = data;
	_cleanup_buf_ struct buf out = { 0 };
	struct answer before, after;
	enum policy_change_kind kind;
	int r;

	judge_event(&diff->before, event, &before);
	judge_event(&diff->after, event, &after);
	kind = policy_change_of(before.decision.verdict, after.decision.verdict);
	if (!kind)
		return 0;
	diff->calls += !diff->counted;
	diff->counted = true;
	if (diff->told++ >= TOLD_MAX)
		return 0;
	r = judge_print_call(&out, call);
	if (r == 0)
		r = buf_printf(&out, ": %s%s: ", judge_is_unsure(event) ? "possibly " : "",
			       policy_change_word(kind, before.decision.verdict));
	if (r == 0)
		r = judge_print_event(&out, event);
	if (r == 0)
		r = buf_append_str(&out, " (");
	if (r == 0)
		r = judge_print_answer(&out, &diff->after, &after);
	if (r == 0)
		r = buf_append_str(&out, ")\n");
	if (r || (buf_size(&out) == buf_size(&diff->last) &&
		  memcmp(buf_bytes(&out), buf_bytes(&diff->last), buf_size(&out)) == 0))
		return r;
	buf_free(&diff->last);
	diff->last = out;
	out = (struct buf){ 0 };
	return cli_policy_print(&diff->last, stdout);
}

static int on_name(void *data, const struct recorded_call *call)
{
	struct diff *diff = data;
	int r = judge_add_call(&diff->before, call);

	return r ? r : judge_add_call(&diff->after, call);
}

/* Which recorded calls would meet another verdict. */
static int diff_records(struct diff *diff, const struct cli_args *args)
{
	const struct recorded_visitor names = { .data = diff, .call = on_name };
	const struct recorded_visitor events = { .data = diff, .call = on_call, .event = on_event };
	struct recorded_totals totals;

	if (recorded_walk(args, args->operands + 2, &names, &totals) != CLI_OK)
		return CLI_POLICY_FAILED;
	judge_sort_calls(&diff->before);
	judge_sort_calls(&diff->after);
	if (recorded_walk(args, args->operands + 2, &events, &totals) != CLI_OK)
		return CLI_POLICY_FAILED;
	if (!args->json)
		printf("%zu of %zu recorded calls would meet another verdict\n", diff->calls,
		       totals.requests);
	return CLI_OK;
}

int cli_policy_diff(const struct cli_args *args)
{
	_cleanup_(diff_free) struct diff diff = { .args = args };
	struct policy_side before, after;
	int r;

	if (judge_open(args, args->operands[0], &diff.before) ||
	    judge_open(args, args->operands[1], &diff.after))
		return CLI_POLICY_FAILED;
	before = (struct policy_side){ diff.before.tree, &diff.before.policy };
	after = (struct policy_side){ diff.after.tree, &diff.after.policy };
	r = policy_diff(&before, &after, on_change, &diff);
	if (r < 0) {
		cli_error("policy diff: %s",
			  r == -E2BIG ? "too many addresses to compare all of them" : strerror(-r));
		return CLI_POLICY_FAILED;
	}
	if ((args->state_dir || args->session || args->operand_count > 2) &&
	    diff_records(&diff, args) != CLI_OK)
		return CLI_POLICY_FAILED;
	return diff.changes || diff.calls ? CLI_POLICY_NO : CLI_OK;
}
