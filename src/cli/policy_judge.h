/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Recorded events under a policy: what it would have decided, by the rule by which the recorder
 * decides (record/question.h), of the calls that were in flight, each with its own grants.
 */

#include "cli/policy.h"
#include "cli/recorded_log.h"
#include "record/history.h"
#include "record/question.h"

struct judged_call {
	char *uid; /* NULL: it has none */
	uint32_t block;
	void *grants_bytes; /* NULL: none */
	struct policy grants;
	bool grants_known;
};

struct judge {
	struct policy_tree *tree;
	struct policy_load load;
	struct policy_world world;
	struct buf image;
	struct policy policy;
	struct judged_call *calls; /* by uid, once they are sorted */
	size_t call_count, call_room;
	struct judged_call present;
	bool is_call; /* else the present entry belongs to no call */
	/* of the last answer */
	struct policy_request requests[HISTORY_NAMES_MAX];
	struct policy_state state;
};

/* 0, or an exit status after the reason was said on stderr. */
int judge_open(const struct cli_args *args, const char *file, struct judge *ret_judge);
void judge_close(struct judge *judge);

/* Calls of the log that rows may name: all are told before the first answer is asked for. */
int judge_add_call(struct judge *judge, const struct recorded_call *call);
void judge_sort_calls(struct judge *judge);

/* The call whose record the next rows are of. */
int judge_call(struct judge *judge, const struct recorded_call *call);
/* judge->state is what was decided about. */
void judge_event(struct judge *judge, const struct recorded_event *event,
		 struct answer *ret_answer);
/* Whether the record has another answer, though it was decided by this very policy. */
bool judge_disagrees(const struct judge *judge, const struct recorded_call *call,
		     const struct recorded_event *event, const struct answer *answer);
/* Whether the event may be another call's as well, or was after the end of the present one. */
bool judge_is_unsure(const struct recorded_event *event);
bool judge_is_late(const struct judge *judge, const struct recorded_event *event);

/* Appends what the event asks for, "read /srv/docs", or that its object has no path. */
int judge_print_event(struct buf *out, const struct recorded_event *event);
/* Appends why, as policy_decision_print(). */
int judge_print_answer(struct buf *out, const struct judge *judge, const struct answer *answer);
/* Appends "req-42 read_file", or "no call". */
int judge_print_call(struct buf *out, const struct recorded_call *call);
