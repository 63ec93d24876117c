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
	/* What may be one of several requests' passes when it passes for one of them: the events and
	 * accesses of which that is so, found by a walk of their own, then sorted. */
	bool gathering;
	char **passing;
	size_t passing_count, passing_room;
	size_t accesses, denied, denied_calls;
};

static void forget_told(struct replay *replay)
{
	for (size_t i = 0; i < replay->told_count; i++)
		free(replay->told[i]);
	replay->told_count = 0;
}

static void replay_free(struct replay *replay)
{
	for (size_t i = 0; i < replay->passing_count; i++)
		free(replay->passing[i]);
	free(replay->passing);
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

static int print_json(const struct recorded_call *call, const struct recorded_step *step,
		      const struct buf *access, const struct buf *why, enum mf_verdict verdict)
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
	if (step->no_call)
		print_json_text(gen, "late"), yajl_gen_bool(gen, 1);
	if (step->unsure)
		print_json_text(gen, "unsure"), yajl_gen_bool(gen, 1);
	yajl_gen_map_close(gen);
	return print_json_line(gen, stdout);
}

static int print_denial(struct replay *replay, const struct recorded_call *call,
			const struct recorded_step *step, struct buf *access,
			const struct policy_state *state, const struct policy_decision *decision)
{
	_cleanup_buf_ struct buf out = { 0 }, why = { 0 };
	int r = policy_decision_print(&why, &replay->judge.policy, state, decision);

	if (r == 0 && replay->args->json) {
		r = buf_append(&why, "", 1);
		if (r == 0)
			r = buf_append(access, "", 1);
		return r ? r : print_json(call, step, access, &why, decision->verdict);
	}
	if (r == 0)
		r = judge_print_call(&out, call);
	if (r == 0)
		r = buf_printf(&out,
			       "%s%s: ", step->no_call && call->is_request ? ", after its end" : "",
			       step->unsure ? ", possibly" : "");
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

static int by_text(const void *first, const void *second)
{
	return strcmp(*(char *const *)first, *(char *const *)second);
}

/* The event of a step and its access as one text. */
static char *name_of(const struct recorded_step *step)
{
	_cleanup_buf_ struct buf name = { 0 };

	if (buf_append_str(&name, step->event) || buf_append_str(&name, " ") ||
	    recorded_access_print(&name, &step->access->access))
		return NULL;
	return strndup((const char *)buf_bytes(&name), buf_size(&name));
}

static int keep_passing(struct replay *replay, const struct recorded_step *step)
{
	if (replay->passing_count == replay->passing_room) {
		size_t room = replay->passing_room ? replay->passing_room * 2 : 64;
		char **grown = reallocarray(replay->passing, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		replay->passing = grown;
		replay->passing_room = room;
	}
	replay->passing[replay->passing_count] = name_of(step);
	return replay->passing[replay->passing_count] ? (replay->passing_count++, 0) : -ENOMEM;
}

/* 1 when it passes for another request that it may belong to. */
static int passes_elsewhere(const struct replay *replay, const struct recorded_step *step)
{
	_cleanup_free_ char *name = NULL;

	if (!step->unsure)
		return 0;
	name = name_of(step);
	if (!name)
		return -ENOMEM;
	return replay->passing_count && bsearch(&name, replay->passing, replay->passing_count,
						sizeof(*replay->passing), by_text);
}

static int on_step(void *data, const struct recorded_call *call, const struct recorded_step *step)
{
	struct replay *replay = data;
	_cleanup_buf_ struct buf access = { 0 };
	struct policy_decision decision;
	struct policy_state state;
	int r;

	judge_step(&replay->judge, step, &state, &decision);
	if (replay->gathering)
		return step->unsure && decision.verdict >= MF_OBSERVED ? keep_passing(replay, step)
								       : 0;
	replay->accesses++;
	if (decision.verdict >= MF_OBSERVED)
		return 0;
	r = passes_elsewhere(replay, step);
	if (r)
		return r < 0 ? r : 0;
	replay->denied++;
	replay->denied_calls += replay->told_count == 0;
	r = recorded_access_print(&access, &step->access->access);
	if (r == 0)
		r = was_told(replay, &access);
	if (r)
		return r < 0 ? r : 0;
	return print_denial(replay, call, step, &access, &state, &decision);
}

int cli_policy_replay(const struct cli_args *args)
{
	_cleanup_(replay_free) struct replay replay = { .args = args };
	const struct recorded_visitor visitor = { &replay, on_call, on_step };
	struct recorded_totals totals;

	if (judge_open(args, args->operands[0], &replay.judge))
		return CLI_POLICY_FAILED;
	replay.gathering = true;
	if (recorded_walk(args, args->operands + 1, &visitor, &totals) != CLI_OK)
		return CLI_POLICY_FAILED;
	if (replay.passing_count)
		qsort(replay.passing, replay.passing_count, sizeof(*replay.passing), by_text);
	replay.gathering = false;
	if (recorded_walk(args, args->operands + 1, &visitor, &totals) != CLI_OK)
		return CLI_POLICY_FAILED;
	if (!args->json)
		printf("%zu calls, %zu accesses: %zu denied, in %zu records\n", totals.requests,
		       replay.accesses, replay.denied, replay.denied_calls);
	return replay.denied ? CLI_POLICY_NO : CLI_OK;
}
