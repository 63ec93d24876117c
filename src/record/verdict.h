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
#include "record/label.h"

#define CLOSED_BLOCKS 1024

/* Which block a request that is forgotten had, for what comes late. */
struct closed_block {
	uint64_t ordinal; /* 0: none */
	uint32_t block;
};

struct session_policy {
	void *bytes; /* the image */
	struct policy view;
	enum mf_pol_mode mode; /* a limit: no block weighs more */
	uint64_t generation;
	char name[MF_NAME_LEN];
	struct closed_block closed[CLOSED_BLOCKS]; /* by ordinal % CLOSED_BLOCKS */
};

/* `view` is of `bytes` (by malloc), which are taken over whatever the outcome. -ENOMEM. */
int session_policy_new(const struct mf_r_session *said, const struct policy *view, void *bytes,
		       struct session_policy **ret_policy);
void session_policy_free(struct session_policy *policy);

/* Why a verdict is what it is, beside enum policy_reason. */
enum {
	VERDICT_NO_PATH = 32, /* the object has no path that a line could be about */
};

struct verdict {
	uint8_t verdict; /* enum mf_verdict */
	uint8_t reason; /* enum policy_reason, VERDICT_NO_PATH, or 0: nothing decides about it */
	uint8_t verb; /* enum mf_pol_verb */
	uint32_t rule; /* the deciding line; 0: none */
	uint32_t block;
};

/* What nothing decides about. */
static const struct verdict VERDICT_NONE = { .verdict = MF_OBSERVED };

/* An event, as what the requests `requests` of `count` do; without any, as the server itself. */
struct verdict verdict_of(const struct session_policy *policy, const struct event_view *event,
			  const struct policy_request *requests, size_t count);
