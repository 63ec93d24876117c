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
	void *bytes; /* the image */
	struct policy view;
	enum mf_pol_mode mode; /* a limit: no block weighs more */
	uint64_t generation;
	char name[MF_NAME_LEN];
};

/* `view` is of `bytes` (by malloc), which are taken over whatever the outcome. -ENOMEM. */
int session_policy_new(const struct mf_r_session *said, const struct policy *view, void *bytes,
		       struct session_policy **ret_policy);
void session_policy_free(struct session_policy *policy);

struct verdict {
	uint8_t verdict; /* enum mf_verdict */
	uint8_t reason; /* enum policy_reason, QUESTION_…, or 0: nothing decides about it */
	uint8_t verb; /* enum mf_pol_verb */
	uint32_t rule; /* the deciding line; 0: none */
	uint32_t block;
};

/* What nothing decides about. */
static const struct verdict VERDICT_NONE = { .verdict = MF_OBSERVED };

/* Whose doing an event may be: the calls that were in flight when it happened. */
struct calls {
	const struct policy_request *requests;
	size_t count; /* 0: what the server itself does */
	bool known; /* else there may be others */
};

struct verdict verdict_of(const struct session_policy *policy, const struct event_view *event,
			  const struct calls *calls);
