/* SPDX-License-Identifier: BSD-2-Clause */
#include "record/verdict.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

int session_policy_new(const struct session_policy_said *said, const struct policy *view,
		       void *bytes, struct session_policy **ret_policy)
{
	struct session_policy *policy = calloc(1, sizeof(*policy));

	if (!policy) {
		free(bytes);
		return -ENOMEM;
	}
	policy->view = *view;
	policy->bytes = bytes;
	policy->mode = said->mode > MF_POL_ENFORCE ? MF_POL_ENFORCE : (enum mf_pol_mode)said->mode;
	policy->generation = said->generation;
	policy->since_ns = said->since_ns;
	memcpy(policy->name, said->name, sizeof(policy->name) - 1);
	*ret_policy = policy;
	return 0;
}

void session_policy_free(struct session_policy *policy)
{
	while (policy) {
		struct session_policy *older = policy->older;

		free(policy->bytes);
		free(policy);
		policy = older;
	}
}

struct session_policy *session_policy_of(struct session_policy *newest, uint64_t generation)
{
	struct session_policy *policy = newest;

	while (policy && policy->generation != generation)
		policy = policy->older;
	return policy;
}

struct session_policy *session_policy_at(struct session_policy *newest, uint64_t t_ns)
{
	struct session_policy *policy = newest;

	while (policy && policy->since_ns > t_ns && policy->older)
		policy = policy->older;
	return policy;
}

void session_policy_forget(struct session_policy *newest)
{
	struct session_policy **at = newest ? &newest->older : NULL;

	while (at && *at) {
		struct session_policy *policy = *at;

		if (!policy->settled || policy->rows) {
			at = &policy->older;
			continue;
		}
		*at = policy->older;
		free(policy->bytes);
		free(policy);
	}
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
static struct verdict of_kernel(struct session_policy *newest, const struct event_view *event)
{
	const struct mf_decision *decision = &event->head->decision;
	struct session_policy *policy = session_policy_of(newest, decision->generation);

	return (struct verdict){ .verdict = decision->verdict,
				 .reason = decision->reason,
				 .verb = decision->verb,
				 .rule = policy ? rule_of(&policy->view, event) : 0,
				 .block = decision->block,
				 .policy = policy,
				 .generation = decision->generation };
}

struct verdict verdict_of(struct session_policy *newest, const struct event_view *event,
			  const struct calls *calls)
{
	struct session_policy *policy = session_policy_at(newest, event->head->t_ns);
	const struct policy_state state = { .requests = calls->requests,
					    .request_count = calls->count,
					    /* what is decided only here was not refused */
					    .mode = policy->mode > MF_POL_AUDIT ? MF_POL_AUDIT
										: policy->mode };
	struct question question;
	struct verdict verdict;
	struct answer answer;

	if (event->head->decision.flags & MF_DECIDED)
		return of_kernel(newest, event);
	question_of(event, &question);
	question_answer(&policy->view, &state, &question, calls->known, &answer);
	verdict = of_answer(&answer);
	verdict.policy = policy;
	verdict.generation = policy->generation;
	return verdict;
}
