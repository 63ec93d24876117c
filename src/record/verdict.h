/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * What a session's policy says of its events. The recorder decides afterwards, from the same
 * tables and by the same rule as whoever refuses beforehand (policy/decide.h); nothing is refused
 * by it.
 */

#include <stddef.h>
#include <stdint.h>

#include "abi/recorder.h"
#include "policy/decide.h"
#include "record/event.h"
#include "record/question.h"

struct session_policy {
	struct session_policy *older; /* that it replaced; NULL: none, or it is forgotten */
	void *bytes; /* the image */
	struct policy view;
	enum mf_pol_mode mode; /* a limit: no block weighs more */
	uint64_t generation;
	uint64_t
		since_ns; /* CLOCK_MONOTONIC: what no kernel decided is judged by it from then on */
	size_t rows; /* whose verdict is by it */
	bool settled; /* no event comes any more that the kernel decided by it */
	char name[MF_NAME_LEN];
};

/* What is said of a policy, beside its image. */
struct session_policy_said {
	uint64_t generation, since_ns;
	uint32_t mode; /* enum mf_pol_mode */
	const char *name; /* MF_NAME_LEN bytes */
};

/* `view` is of `bytes` (by malloc), which are taken over whatever the outcome. -ENOMEM. */
int session_policy_new(const struct session_policy_said *said, const struct policy *view,
		       void *bytes, struct session_policy **ret_policy);
/* With all older ones. */
void session_policy_free(struct session_policy *policy);
/* Of the newest and those before it: the one that the kernel decided by; that was in force at a time,
 * or the oldest. NULL: it is not known (any more). */
struct session_policy *session_policy_of(struct session_policy *newest, uint64_t generation);
struct session_policy *session_policy_at(struct session_policy *newest, uint64_t t_ns);
/* Forgets those that nothing speaks of any more: replaced, settled, without a row. */
void session_policy_forget(struct session_policy *newest);

struct verdict {
	uint8_t verdict; /* enum mf_verdict */
	uint8_t reason; /* enum policy_reason, QUESTION_…, or 0: nothing decides about it */
	uint8_t verb; /* enum mf_pol_verb */
	uint32_t rule; /* the deciding line; 0: none */
	uint32_t block;
	struct session_policy *policy; /* of them; NULL: it is not known */
	uint64_t generation; /* of the policy, also where it is not known */
};

/* What nothing decides about. */
static const struct verdict VERDICT_NONE = { .verdict = MF_OBSERVED };

/* Whose doing an event may be: the calls that were in flight when it happened. */
struct calls {
	const struct policy_request *requests;
	size_t count; /* 0: what the server itself does */
	bool known; /* else there may be others */
};

/* `policy`: the newest. */
struct verdict verdict_of(struct session_policy *policy, const struct event_view *event,
			  const struct calls *calls);
