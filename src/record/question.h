/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * What an event asks of a policy, and the answer. The recorder asks while events come in, `policy
 * replay`, `diff` and `learn` ask the same of rows read back (row_read.h): by this one rule, which
 * docs/policy.md has in words. Pure.
 */

#include "policy/decide.h"
#include "policy/proc_self.h"
#include "record/event.h"

#define QUESTION_ACCESSES_MAX 2 /* of one event: both names of a rename */

/* Some accesses, all of which must be allowed; or nothing. Not to be moved: it points into itself. */
struct question {
	struct policy_access access[QUESTION_ACCESSES_MAX]; /* names are the event's, or in `own` */
	size_t count;
	bool no_path; /* an object of it has no path that a line could be about */
	bool flags_unknown; /* an open that is taken to be for reading and writing */
	char own[QUESTION_ACCESSES_MAX][POLICY_PROC_SELF_MAX];
};

void question_of(const struct event_view *event, struct question *ret_question);

/* Why an answer is what it is, beside enum policy_reason. */
enum {
	QUESTION_NO_PATH = 32, /* the object has no path that a line could be about */
	QUESTION_NO_CALL = 34, /* which calls were in flight, or what one may do, is not known */
};

struct answer {
	struct policy_decision decision;
	uint8_t reason; /* enum policy_reason, QUESTION_…, or 0: nothing decides about it */
};

/* `calls_known` false: the calls of `state` are not all that may count. Then only what base or a ceiling
 * denies is told, which holds whoever it was. */
void question_answer(const struct policy *policy, const struct policy_state *state,
		     const struct question *question, bool calls_known, struct answer *ret_answer);
