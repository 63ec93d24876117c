/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/decide.h"

#include <string.h>

#include "base/escape.h"
#include "policy/object.h"

/* What one block, with its own denials, says of the access. */
struct said {
	uint32_t allow, deny; /* of the verbs asked for */
	const struct mf_pol_answer *answer; /* NULL: an escape */
	bool below; /* something below the tree is denied */
};

/* Asked for where a caller asks for no verb at all: no line allows that, so nothing does. */
#define NO_VERB MF_POL_BIT(MF_POL_VERB_MAX)

struct asking {
	const struct policy *policy;
	const struct policy_state *state;
	const struct policy_access *access;
	uint32_t verbs; /* an escape counts as one verb */
	struct policy_address connect, listen; /* what the address is for either verb */
	struct said base;
};

/* `connect` and `listen` may mean two addresses, where the access names the unspecified one. */
static const struct mf_pol_answer *address_answer(const struct asking *asking,
						  const struct policy *policy, uint32_t block)
{
	const struct policy_access *access = asking->access;
	const struct policy_address *address =
		access->verbs & MF_POL_BIT(MF_POL_CONNECT) ? &asking->connect : &asking->listen;

	return policy_address_answer(policy, block, address->family, address->addr, access->port);
}

static struct said ask(const struct asking *asking, const struct policy *policy, uint32_t block)
{
	const struct policy_access *access = asking->access;
	struct said said = { 0 };
	bool exact = false;

	switch (access->kind) {
	case POLICY_ACCESS_PATH:
		said.answer =
			policy_path_answer(policy, block, access->name, access->name_size, &exact);
		break;
	case POLICY_ACCESS_ADDRESS:
		said.answer = address_answer(asking, policy, block);
		break;
	case POLICY_ACCESS_ABSTRACT:
		said.answer =
			policy_abstract_answer(policy, block, access->name, access->name_size);
		break;
	case POLICY_ACCESS_ESCAPE:
		if ((unsigned)access->escape >= MF_POL_ESCAPE_MAX)
			return said;
		said.allow = policy->blocks[block].escape_allow >> access->escape & 1;
		said.deny = policy->blocks[block].escape_deny >> access->escape & 1;
		return said;
	}
	said.allow = said.answer->allow & asking->verbs;
	said.deny = said.answer->deny & asking->verbs;
	said.below = access->whole_tree && exact && said.answer->below;
	return said;
}

static int first_verb(uint32_t verbs)
{
	verbs &= NO_VERB - 1;
	return verbs ? __builtin_ctz(verbs) : 0;
}

/* Of several verbs the one that asks for most: write rather than read. */
static int last_verb(uint32_t verbs)
{
	return verbs ? 31 - __builtin_clz(verbs) : 0;
}

static uint32_t line_of(const struct asking *asking, const struct policy *policy, uint32_t block,
			const struct said *said, bool deny, int verb)
{
	const struct mf_pol_escapes *escapes = &policy->escapes[policy->blocks[block].escapes];
	enum mf_pol_escape escape = asking->access->escape;

	if (said->answer)
		return deny ? said->answer->deny_rule[verb] : said->answer->allow_rule[verb];
	return deny ? escapes->deny_rule[escape] : escapes->allow_rule[escape];
}

/* What a refusal by a block comes to, by its mode and the session's. */
static enum mf_verdict weight(const struct asking *asking, const struct policy *policy,
			      uint32_t block)
{
	uint32_t mode = policy->blocks[block].mode;

	if (mode > (uint32_t)asking->state->mode)
		mode = asking->state->mode;
	return (enum mf_verdict)(MF_OBSERVED - mode);
}

/* Keeps the least verdict; of equals the first. */
static void weigh_denial(const struct asking *asking, const struct policy *policy, uint32_t block,
			 const struct said *said, struct policy_decision denial,
			 struct policy_decision *least)
{
	if (!said->deny && !said->below)
		return;
	denial.block = block;
	if (denial.verdict >= least->verdict)
		return;
	denial.verb = (uint8_t)first_verb(said->deny);
	denial.rule = said->deny ? line_of(asking, policy, block, said, true, denial.verb)
				 : said->answer->below_rule;
	if (!said->deny) {
		denial.reason = POLICY_BY_BELOW;
		denial.verb = (uint8_t)first_verb(said->answer->below);
	}
	*least = denial;
}

/* Step 5: ceilings of one policy. */
static void weigh_ceilings(const struct asking *asking, const struct policy *policy,
			   bool administrator, struct policy_decision *least)
{
	for (uint32_t i = 0; i < policy->head->ceiling_count; i++) {
		uint32_t block = policy->head->ceilings[i];
		struct said said = ask(asking, policy, block);
		uint32_t missing = asking->verbs & ~said.allow;
		struct policy_decision ceiling = {
			.verdict = weight(asking, policy, block),
			.reason = POLICY_BY_CEILING_DENY,
			.block = block,
			.request = UINT32_MAX,
			.by_administrator = administrator,
		};

		weigh_denial(asking, policy, block, &said, ceiling, least);
		ceiling.reason = POLICY_BY_CEILING;
		ceiling.verb = (uint8_t)first_verb(missing);
		if (missing && ceiling.verdict < least->verdict)
			*least = ceiling;
	}
}

static uint32_t block_of(const struct asking *asking, const struct policy_request *request)
{
	return request->block < asking->policy->block_count ? request->block : MF_POL_DEFAULT;
}

static bool has_base(const struct policy *policy)
{
	return policy->head->flags & MF_POL_HAS_BASE;
}

static enum policy_reason reason_of_none(uint32_t block)
{
	return block == MF_POL_DEFAULT ? POLICY_BY_NO_TEXT : POLICY_BY_NO_RULE;
}

/* Names the line that allows: the block's own, else the grants', else base's. */
static void name_permission(const struct asking *asking, const struct policy_request *request,
			    const struct said *own, const struct said *granted,
			    struct policy_decision *permission)
{
	int verb = last_verb(asking->verbs);
	uint32_t bit = 1U << verb;

	permission->reason = POLICY_BY_ALLOW;
	permission->verb = (uint8_t)verb;
	if (own->allow & bit) {
		permission->rule =
			line_of(asking, asking->policy, permission->block, own, false, verb);
	} else if (granted->allow & bit) {
		permission->by_grant = true;
		permission->rule = line_of(asking, request->grants, 0, granted, false, verb);
	} else {
		permission->block = MF_POL_BASE;
		permission->rule =
			line_of(asking, asking->policy, MF_POL_BASE, &asking->base, false, verb);
	}
}

/* Steps 3 and 4 for one request. */
static void weigh_request(const struct asking *asking, uint32_t index,
			  struct policy_decision *denial, struct policy_decision *permission)
{
	const struct policy_request *request = &asking->state->requests[index];
	uint32_t block = block_of(asking, request), missing;
	struct said own = ask(asking, asking->policy, block), granted = { 0 };
	struct policy_decision here = {
		.verdict = weight(asking, asking->policy, block),
		.reason = POLICY_BY_DENY,
		.block = block,
		.request = index,
	};
	bool takes;

	if (request->grants)
		granted = ask(asking, request->grants, 0);
	weigh_denial(asking, asking->policy, block, &own, here, denial);
	if (request->grants && (granted.deny || granted.below) && here.verdict < denial->verdict) {
		weigh_denial(asking, request->grants, 0, &granted, here, denial);
		denial->block = block;
		denial->by_grant = true;
	}
	missing = asking->verbs & ~(asking->base.allow | own.allow | granted.allow);
	here.reason = reason_of_none(block);
	here.verb = (uint8_t)first_verb(missing);
	if (!missing) {
		here.verdict = MF_ALLOW;
		name_permission(asking, request, &own, &granted, &here);
	}
	takes = asking->state->strict ? here.verdict < permission->verdict
				      : here.verdict > permission->verdict;
	if (index == 0 || takes)
		*permission = here;
}

/* Step 4 while nothing is in flight. */
static void weigh_nothing(const struct asking *asking, struct policy_decision *permission)
{
	uint32_t block = has_base(asking->policy) ? MF_POL_BASE : MF_POL_DEFAULT;
	uint32_t missing = asking->verbs & ~asking->base.allow;

	*permission = (struct policy_decision){
		.verdict = weight(asking, asking->policy, block),
		.reason = reason_of_none(block),
		.block = block,
		.request = UINT32_MAX,
		.verb = (uint8_t)first_verb(missing),
	};
	if (missing)
		return;
	permission->verdict = MF_ALLOW;
	permission->reason = POLICY_BY_ALLOW;
	permission->block = MF_POL_BASE;
	permission->verb = (uint8_t)last_verb(asking->verbs);
	permission->rule = line_of(asking, asking->policy, MF_POL_BASE, &asking->base, false,
				   permission->verb);
}

static uint32_t verbs_asked(const struct policy_access *access)
{
	if (access->kind == POLICY_ACCESS_ESCAPE)
		return 1;
	return access->verbs ? access->verbs : NO_VERB;
}

static void set_addresses(struct asking *asking)
{
	struct policy_address address = { .family = asking->access->family };

	memcpy(address.addr, asking->access->addr, address.family == 4 ? 4 : 16);
	asking->connect = asking->listen = address;
	policy_address_connected(&asking->connect);
	policy_address_normal(&asking->listen);
}

void policy_weigh(const struct policy *policy, const struct policy_state *state,
		  const struct policy_access *access, struct policy_weights *ret_weights)
{
	struct asking asking = {
		.policy = policy, .state = state, .access = access, .verbs = verbs_asked(access)
	};
	struct policy_decision none = { .verdict = MF_ALLOW, .request = UINT32_MAX };
	struct policy_decision base = none;
	struct policy_weights weights = { none, none, none };

	if (access->kind == POLICY_ACCESS_ADDRESS)
		set_addresses(&asking);
	asking.base = ask(&asking, policy, MF_POL_BASE);
	base.verdict = weight(&asking, policy, MF_POL_BASE);
	base.reason = POLICY_BY_DENY;
	weigh_denial(&asking, policy, MF_POL_BASE, &asking.base, base, &weights.denial);
	if (!state->request_count)
		weigh_nothing(&asking, &weights.permission);
	for (uint32_t i = 0; i < state->request_count; i++)
		weigh_request(&asking, i, &weights.denial, &weights.permission);
	weigh_ceilings(&asking, policy, false, &weights.ceiling);
	if (state->administrator)
		weigh_ceilings(&asking, state->administrator, true, &weights.ceiling);
	*ret_weights = weights;
}

void policy_decide(const struct policy *policy, const struct policy_state *state,
		   const struct policy_access *access, struct policy_decision *ret_decision)
{
	struct policy_weights weights;

	policy_weigh(policy, state, access, &weights);
	if (weights.denial.verdict <= weights.ceiling.verdict &&
	    weights.denial.verdict <= weights.permission.verdict && weights.denial.reason)
		*ret_decision = weights.denial;
	else if (weights.ceiling.verdict <= weights.permission.verdict && weights.ceiling.reason)
		*ret_decision = weights.ceiling;
	else
		*ret_decision = weights.permission;
}
