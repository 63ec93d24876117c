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
	policy->mode = said->policy_mode > MF_POL_ENFORCE ? MF_POL_ENFORCE
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

/* The line of a way out, which the kernel does not keep */
static uint32_t rule_of(const struct policy *policy, const struct event_view *event)
{
	const struct mf_decision *decision = &event->head->decision;
	const struct mf_pol_escapes *lines;
	struct question question;
	enum mf_pol_escape escape;

	if (decision->rule || decision->block >= policy->block_count)
		return decision->rule;
	question_of(event, &question);
	if (!question.count || question.access[0].kind != POLICY_ACCESS_ESCAPE)
		return 0;
	escape = question.access[0].escape;
	lines = &policy->escapes[policy->blocks[decision->block].escapes];
	if (decision->reason == POLICY_BY_ALLOW)
		return lines->allow_rule[escape];
	return decision->reason == POLICY_BY_DENY || decision->reason == POLICY_BY_CEILING_DENY
		       ? lines->deny_rule[escape]
		       : 0;
}

/* What was decided when it happened stands. */
static struct verdict of_kernel(const struct session_policy *policy, const struct event_view *event)
{
	const struct mf_decision *decision = &event->head->decision;

	return (struct verdict){ .verdict = decision->verdict,
				 .reason = decision->reason,
				 .verb = decision->verb,
				 .rule = rule_of(&policy->view, event),
				 .block = decision->block };
}

struct verdict verdict_of(const struct session_policy *policy, const struct event_view *event,
			  const struct calls *calls)
{
	const struct policy_state state = { .requests = calls->requests,
					    .request_count = calls->count,
					    /* what is decided only here was not refused */
					    .mode = policy->mode > MF_POL_AUDIT ? MF_POL_AUDIT
										: policy->mode };
	struct question question;
	struct answer answer;

	if (event->head->decision.flags & MF_DECIDED)
		return of_kernel(policy, event);
	question_of(event, &question);
	question_answer(&policy->view, &state, &question, calls->known, &answer);
	return of_answer(&answer);
}
