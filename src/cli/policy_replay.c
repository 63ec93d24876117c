/* SPDX-License-Identifier: BSD-2-Clause */
/* `mcpfloor policy replay`: what a policy would have denied of recorded calls. */

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/policy_judge.h"
#include "cli/print_json.h"

#define DENIALS_MAX 1000 /* of one record that are told apart */

struct replay {
	const struct cli_args *args;
	struct judge judge;
	char *told[DENIALS_MAX]; /* accesses of the present record that were denied */
	size_t told_count;
	size_t events, denied, denied_calls, unknown, disagreed;
};

static void forget_told(struct replay *replay)
{
	for (size_t i = 0; i < replay->told_count; i++)
		free(replay->told[i]);
	replay->told_count = 0;
}

static void replay_free(struct replay *replay)
{
	forget_told(replay);
	judge_close(&replay->judge);
}

static int on_call(void *data, const struct recorded_call *call)
{
	struct replay *replay = data;

	forget_told(replay);
	return judge_call(&replay->judge, call);
}

/* 1: it was told of this record already. */
static int was_told(struct replay *replay, const struct buf *access)
{
	for (size_t i = 0; i < replay->told_count; i++) {
		if (strlen(replay->told[i]) == buf_size(access) &&
		    memcmp(replay->told[i], buf_bytes(access), buf_size(access)) == 0)
			return 1;
	}
	if (replay->told_count == DENIALS_MAX)
		return 1;
	replay->told[replay->told_count] =
		strndup((const char *)buf_bytes(access), buf_size(access));
	if (!replay->told[replay->told_count])
		return -ENOMEM;
	replay->told_count++;
	return 0;
}

static int print_json(const struct replay *replay, const struct recorded_call *call,
		      const struct recorded_event *event, const struct buf *access,
		      const struct buf *why, enum mf_verdict verdict)
{
	yajl_gen gen = print_json_new();

	if (!gen)
		return -ENOMEM;
	yajl_gen_map_open(gen);
	print_json_field(gen, "uid", call->uid);
	print_json_field(gen, "tool", call->tool);
	print_json_field(gen, "access", (const char *)buf_bytes(access));
	print_json_field(gen, "verdict", policy_verdicts[verdict].word);
	print_json_field(gen, "why", (const char *)buf_bytes(why));
	if (judge_is_late(&replay->judge, event))
		print_json_text(gen, "late"), yajl_gen_bool(gen, 1);
	if (judge_is_unsure(event))
		print_json_text(gen, "unsure"), yajl_gen_bool(gen, 1);
	yajl_gen_map_close(gen);
	return print_json_line(gen, stdout);
}

static int print_denial(struct replay *replay, const struct recorded_call *call,
			const struct recorded_event *event, struct buf *access,
			const struct answer *answer)
{
	_cleanup_buf_ struct buf out = { 0 }, why = { 0 };
	int r = judge_print_answer(&why, &replay->judge, answer);

	if (r == 0 && replay->args->json) {
		r = buf_append(&why, "", 1);
		if (r == 0)
			r = buf_append(access, "", 1);
		return r ? r
			 : print_json(replay, call, event, access, &why, answer->decision.verdict);
	}
	if (r == 0)
		r = judge_print_call(&out, call);
	if (r == 0)
		r = buf_printf(&out, "%s%s: ",
			       judge_is_late(&replay->judge, event) ? ", after its end" : "",
			       judge_is_unsure(event) ? ", possibly" : "");
	if (r == 0)
		r = buf_append(&out, buf_bytes(access), buf_size(access));
	if (r == 0)
		r = buf_append_str(&out, ": ");
	if (r == 0)
		r = buf_append(&out, buf_bytes(&why), buf_size(&why));
	if (r == 0)
		r = buf_append_str(&out, "\n");
	return r ? r : cli_policy_print(&out, stdout);
}

static int on_event(void *data, const struct recorded_call *call,
		    const struct recorded_event *event)
{
	struct replay *replay = data;
	_cleanup_buf_ struct buf access = { 0 };
	struct answer answer;
	int r;

	judge_event(&replay->judge, event, &answer);
	replay->events++;
	replay->disagreed += judge_disagrees(&replay->judge, call, event, &answer);
	replay->unknown += answer.reason == QUESTION_NO_CALL;
	if (answer.decision.verdict >= MF_OBSERVED)
		return 0;
	replay->denied++;
	replay->denied_calls += replay->told_count == 0;
	r = judge_print_event(&access, event);
	if (r == 0)
		r = was_told(replay, &access);
	if (r)
		return r < 0 ? r : 0;
	return print_denial(replay, call, event, &access, &answer);
}

static int on_name(void *data, const struct recorded_call *call)
{
	struct replay *replay = data;

	return judge_add_call(&replay->judge, call);
}

int cli_policy_replay(const struct cli_args *args)
{
	_cleanup_(replay_free) struct replay replay = { .args = args };
	const struct recorded_visitor names = { .data = &replay, .call = on_name };
	const struct recorded_visitor events = { .data = &replay,
						 .call = on_call,
						 .event = on_event };
	struct recorded_totals totals;

	if (judge_open(args, args->operands[0], &replay.judge))
		return CLI_POLICY_FAILED;
	if (recorded_walk(args, args->operands + 1, &names, &totals) != CLI_OK)
		return CLI_POLICY_FAILED;
	judge_sort_calls(&replay.judge);
	if (recorded_walk(args, args->operands + 1, &events, &totals) != CLI_OK)
		return CLI_POLICY_FAILED;
	if (replay.unknown)
		cli_error(
			"policy replay: of %zu events it is not known what is decided: what was in "
			"flight, or an argument, is not told",
			replay.unknown);
	if (replay.disagreed)
		cli_error(
			"policy replay: %zu events were decided otherwise by this policy when they "
			"were recorded",
			replay.disagreed);
	if (!args->json)
		printf("%zu calls, %zu events: %zu denied, in %zu records\n", totals.requests,
		       replay.events, replay.denied, replay.denied_calls);
	return replay.denied ? CLI_POLICY_NO : CLI_OK;
}
