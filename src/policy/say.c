/* SPDX-License-Identifier: BSD-2-Clause */
/* A decision in words. */

#include <string.h>

#include "base/escape.h"
#include "policy/decide.h"
#include "policy/notes.h"

/* FILE:LINE */
static int say_place(struct buf *out, const struct policy *policy, const struct mf_pol_rule *rule)
{
	size_t size;
	const char *name = policy_text(policy, policy->files[rule->file], &size);
	int r = escape_text(out, name, size);

	return r ? r : buf_printf(out, ":%u", rule->line);
}

int policy_rule_print(struct buf *out, const struct policy *policy, uint32_t index)
{
	const struct mf_pol_rule *rule = policy_rule(policy, index);
	const char *text;
	size_t size;
	int r;

	if (!rule)
		return buf_append_str(out, "?");
	r = say_place(out, policy, rule);
	if (r == 0)
		r = buf_append_str(out, ": ");
	text = policy_text(policy, rule->text, &size);
	return r ? r : policy_shown(out, text, size);
}

/* `tool read_file (crm.policy:9)` */
int policy_block_print(struct buf *out, const struct policy *policy, uint32_t index)
{
	const struct mf_pol_block *block = &policy->blocks[index];
	const struct mf_pol_rule *rule = policy_rule(policy, block->rule);
	const char *text;
	size_t size;
	int r;

	if (!rule)
		return buf_append_str(out,
				      block->kind == MF_POL_BLOCK_BASE ? "base" : "the policy");
	text = policy_text(policy, rule->text, &size);
	r = policy_shown(out, text, size);
	if (r == 0)
		r = buf_append_str(out, " (");
	if (r == 0)
		r = say_place(out, policy, rule);
	return r ? r : buf_append_str(out, ")");
}

static int say_nothing_allows(struct buf *out, const struct policy *policy,
			      const struct policy_decision *decision)
{
	int r = buf_append_str(out, ": nothing in ");

	if (r == 0)
		r = policy_block_print(out, policy, decision->block);
	if (r == 0 && decision->block != MF_POL_BASE && policy->head->flags & MF_POL_HAS_BASE &&
	    decision->reason == POLICY_BY_NO_RULE)
		r = buf_append_str(out, " or base");
	return r ? r : buf_append_str(out, " allows it");
}

static int say_no_text(struct buf *out, const struct policy *policy,
		       const struct policy_decision *decision)
{
	const char *why = decision->request == UINT32_MAX ? ": there is no base block"
							  : ": no block is about this tool";
	int r = buf_append_str(out, why);

	if (r == 0)
		r = buf_append_str(out, policy->blocks[MF_POL_DEFAULT].rule ? ", so this holds: "
									    : ", so it is denied");
	if (r == 0 && policy->blocks[MF_POL_DEFAULT].rule)
		r = policy_rule_print(out, policy, policy->blocks[MF_POL_DEFAULT].rule);
	return r;
}

int policy_decision_print(struct buf *out, const struct policy *policy,
			  const struct policy_state *state, const struct policy_decision *decision)
{
	/* index: enum mf_verdict */
	static const char *const verdicts[] = { "denied", "would be denied", "observed",
						"allowed" };
	const struct policy *owner = decision->by_administrator ? state->administrator : policy;
	int r = buf_append_str(out, verdicts[decision->verdict]);

	if (r)
		return r;
	if (decision->verdict == MF_OBSERVED && decision->rule) {
		r = buf_append_str(out, ", not denied as it would be");
		if (r)
			return r;
	}
	switch (decision->reason) {
	case POLICY_BY_NO_TEXT:
		return say_no_text(out, owner, decision);
	case POLICY_BY_NO_RULE:
	case POLICY_BY_CEILING:
		return say_nothing_allows(out, owner, decision);
	case POLICY_BY_ALLOW:
	case POLICY_BY_DENY:
	case POLICY_BY_CEILING_DENY:
	case POLICY_BY_BELOW:
		break;
	}
	r = buf_append_str(out, " by ");
	if (r == 0)
		r = policy_rule_print(out, owner, decision->rule);
	if (r == 0 && decision->by_grant)
		r = buf_append_str(out, ", by an argument of the call");
	if (r == 0 && decision->reason == POLICY_BY_BELOW)
		r = buf_append_str(out, ", which is about what would move");
	return r;
}
