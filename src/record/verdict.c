/* SPDX-License-Identifier: BSD-2-Clause */
#include "record/verdict.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

int session_policy_new(const struct mf_r_session *said, const struct policy *view, void *bytes,
		       struct session_policy **ret_policy)
{
	struct session_policy *policy = calloc(1, sizeof(*policy));

	if (!policy) {
		free(bytes);
		return -ENOMEM;
	}
	policy->view = *view;
	policy->bytes = bytes;
	/* nothing here refuses anything */
	policy->mode = said->policy_mode > MF_POL_AUDIT ? MF_POL_AUDIT
							: (enum mf_pol_mode)said->policy_mode;
	policy->generation = said->policy_generation;
	memcpy(policy->name, said->policy_name, sizeof(policy->name) - 1);
	*ret_policy = policy;
	return 0;
}

void session_policy_free(struct session_policy *policy)
{
	if (!policy)
		return;
	free(policy->bytes);
	free(policy);
}

static struct verdict of_answer(const struct answer *answer)
{
	const struct policy_decision *decision = &answer->decision;

	if (!answer->reason)
		return VERDICT_NONE;
	return (struct verdict){ .verdict = (uint8_t)decision->verdict,
				 .reason = answer->reason,
				 .verb = decision->verb,
				 .rule = decision->rule,
				 .block = decision->block };
}

struct verdict verdict_of(const struct session_policy *policy, const struct event_view *event,
			  const struct calls *calls)
{
	const struct policy_state state = { .requests = calls->requests,
					    .request_count = calls->count,
					    .mode = policy->mode };
	struct question question;
	struct answer answer;

	question_of(event, &question);
	question_answer(&policy->view, &state, &question, calls->known, &answer);
	return of_answer(&answer);
}
