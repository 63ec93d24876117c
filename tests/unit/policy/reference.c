/* SPDX-License-Identifier: BSD-2-Clause */
#include "reference.h"

#include <stdlib.h>
#include <string.h>

/* What some entries say of an access, by verb. */
struct said {
	bool allow[MF_POL_VERB_MAX], deny[MF_POL_VERB_MAX], below[MF_POL_VERB_MAX];
	struct ref_where allow_at[MF_POL_VERB_MAX], deny_at[MF_POL_VERB_MAX];
	struct ref_where below_at;
	bool any_below;
};

struct asking {
	const struct ref_policy *policy;
	const struct ref_state *state;
	const struct policy_access *access;
	struct said base;
};

static bool is_in(const char *path, size_t size, const struct ref_entry *tree)
{
	if (strcmp(tree->name, "/") == 0)
		return true;
	return size >= tree->name_size && memcmp(path, tree->name, tree->name_size) == 0 &&
	       (size == tree->name_size || path[tree->name_size] == '/');
}

static bool bit_of(const uint8_t *addr, unsigned bit)
{
	return addr[bit / 8] >> (7 - bit % 8) & 1;
}

/* The family and bytes that the access is about, for the verb. */
static void meant_address(const struct policy_access *access, int verb, uint8_t *ret_family,
			  uint8_t *ret_addr)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff }, zero[16];

	*ret_family = access->family;
	memset(ret_addr, 0, 16);
	memcpy(ret_addr, access->addr, access->family == 4 ? 4 : 16);
	if (*ret_family == 6 && memcmp(ret_addr, mapped, 12) == 0) {
		memmove(ret_addr, ret_addr + 12, 4);
		memset(ret_addr + 4, 0, 12);
		*ret_family = 4;
	}
	if (verb == MF_POL_CONNECT && memcmp(ret_addr, zero, 16) == 0) {
		if (*ret_family == 4) {
			ret_addr[0] = 127;
			ret_addr[3] = 1;
		} else {
			ret_addr[15] = 1;
		}
	}
}

static int near_address(const struct ref_entry *entry, const struct policy_access *access, int verb)
{
	uint8_t family, addr[16];

	meant_address(access, verb, &family, addr);
	if (access->port < entry->port_first || access->port > entry->port_last)
		return -1;
	if (!entry->family)
		return 0;
	if (entry->family != family)
		return -1;
	for (unsigned bit = 0; bit < entry->length; bit++) {
		if (bit_of(addr, bit) != bit_of(entry->addr, bit))
			return -1;
	}
	return (int)entry->length;
}

/* How near the entry's object is to the access's; -1: it is about something else. */
static int nearness(const struct ref_entry *entry, const struct policy_access *access, int verb)
{
	if (entry->kind != access->kind)
		return -1;
	switch (access->kind) {
	case POLICY_ACCESS_PATH:
		if (!is_in(access->name, access->name_size, entry))
			return -1;
		return entry->name_size == 1 ? 0 : (int)entry->name_size;
	case POLICY_ACCESS_ADDRESS:
		return near_address(entry, access, verb);
	case POLICY_ACCESS_ABSTRACT:
		if (!entry->name)
			return 0;
		return entry->name_size == access->name_size &&
				       memcmp(entry->name, access->name, access->name_size) == 0
			       ? 1
			       : -1;
	case POLICY_ACCESS_ESCAPE:
		return entry->escape == access->escape ? 0 : -1;
	}
	return -1;
}

static bool is_below(const struct ref_entry *entry, const struct policy_access *access)
{
	struct ref_entry tree = { .name = (char *)access->name, .name_size = access->name_size };

	return access->whole_tree && entry->kind == POLICY_ACCESS_PATH && entry->deny &&
	       entry->name_size >= access->name_size && is_in(entry->name, entry->name_size, &tree);
}

static uint8_t verbs_asked(const struct policy_access *access)
{
	return access->kind == POLICY_ACCESS_ESCAPE ? 1 : access->verbs;
}

static void take_entry(const struct ref_entry *entry, const struct policy_access *access,
		       struct said *said, int *nearest_allow, int *nearest_deny)
{
	for (int verb = 0; verb < MF_POL_VERB_MAX; verb++) {
		int near = nearness(entry, access, verb);
		int *nearest = entry->deny ? &nearest_deny[verb] : &nearest_allow[verb];

		if (!(entry->verbs >> verb & 1))
			continue;
		if (is_below(entry, access)) {
			if (!said->any_below)
				said->below_at = entry->where;
			said->any_below = true;
			said->below[verb] = true;
		}
		if (near <= *nearest || !(verbs_asked(access) >> verb & 1))
			continue; /* of two equally near ones the first holds */
		*nearest = near;
		if (entry->deny) {
			said->deny[verb] = true;
			said->deny_at[verb] = entry->where;
		} else {
			said->allow[verb] = true;
			said->allow_at[verb] = entry->where;
		}
	}
}

static struct said ask(const struct ref_entries *entries, const struct policy_access *access)
{
	int allow[MF_POL_VERB_MAX], deny[MF_POL_VERB_MAX];
	struct said said = { 0 };

	for (int verb = 0; verb < MF_POL_VERB_MAX; verb++)
		allow[verb] = deny[verb] = -1;
	for (size_t i = 0; i < entries->count; i++)
		take_entry(&entries->entries[i], access, &said, allow, deny);
	return said;
}

static enum mf_verdict weight(const struct ref_state *state, const struct ref_block *block)
{
	enum mf_pol_mode mode = block->mode < state->mode ? block->mode : state->mode;

	return mode == MF_POL_ENFORCE ? MF_DENY
	       : mode == MF_POL_AUDIT ? MF_WOULD_DENY
				      : MF_OBSERVED;
}

static int first_of(const bool *verbs)
{
	for (int verb = 0; verb < MF_POL_VERB_MAX; verb++) {
		if (verbs[verb])
			return verb;
	}
	return -1;
}

/* Keeps `found` where it is less than what there is. */
static void keep_least(struct ref_decision *least, const struct ref_decision *found)
{
	if (!least->reason || found->verdict < least->verdict)
		*least = *found;
}

static void take_denial(const struct said *said, struct ref_decision found,
			struct ref_decision *least)
{
	int verb = first_of(said->deny);

	if (verb >= 0) {
		found.verb = (uint8_t)verb;
		found.where = said->deny_at[verb];
		keep_least(least, &found);
	} else if (said->any_below) {
		found.verb = (uint8_t)first_of(said->below);
		found.where = said->below_at;
		found.reason = POLICY_BY_BELOW;
		keep_least(least, &found);
	}
}

static void take_ceilings(const struct asking *asking, const struct ref_policy *policy,
			  bool administrator, struct ref_decision *least)
{
	uint8_t verbs = verbs_asked(asking->access);

	for (size_t i = 0; i < policy->ceiling_count; i++) {
		const struct ref_block *block = &policy->ceilings[i];
		struct said said = ask(&block->entries, asking->access);
		struct ref_decision found = { .verdict = weight(asking->state, block),
					      .reason = POLICY_BY_CEILING_DENY,
					      .block = block,
					      .request = UINT32_MAX,
					      .by_administrator = administrator };

		take_denial(&said, found, least);
		found.reason = POLICY_BY_CEILING;
		for (int verb = MF_POL_VERB_MAX - 1; verb >= 0; verb--) {
			found.verb = (uint8_t)verb;
			if (verbs >> verb & 1 && !said.allow[verb])
				goto missing;
		}
		if (!verbs) /* nothing was asked for: nothing allows that */
			goto missing;
		continue;
	missing:
		for (int verb = 0; verb < found.verb; verb++) {
			if (verbs >> verb & 1 && !said.allow[verb])
				found.verb = (uint8_t)verb;
		}
		keep_least(least, &found);
	}
}

static const struct ref_block *block_of(const struct ref_policy *policy,
					const struct ref_request *request)
{
	const struct ref_block *best = &policy->otherwise;
	int nearest = -1;

	for (size_t i = 0; i < policy->tool_count; i++) {
		const struct policy_block *block = policy->tools[i].block;
		size_t size = block->name.size;
		int near = block->prefix ? (int)size : INT32_MAX;

		if (size > request->tool_size || (!block->prefix && size != request->tool_size) ||
		    (size && memcmp(block->name.bytes, request->tool, size) != 0))
			continue;
		if (near > nearest) {
			nearest = near;
			best = &policy->tools[i];
		}
	}
	return best;
}

/*
 * Whether base, the block and the grants together allow it. The line is the one that allows the
 * last verb: of O_RDWR, writing.
 */
static bool permit(const struct asking *asking, const struct said *own, const struct said *granted,
		   struct ref_decision *found)
{
	const struct said *order[] = { own, granted, &asking->base };
	uint8_t verbs = verbs_asked(asking->access);
	int missing = -1, last = 0;

	for (int verb = MF_POL_VERB_MAX - 1; verb >= 0; verb--) {
		if (!(verbs >> verb & 1))
			continue;
		if (!own->allow[verb] && !granted->allow[verb] && !asking->base.allow[verb])
			missing = verb;
		if (!(verbs >> (verb + 1)))
			last = verb;
	}
	if (!verbs) /* nothing was asked for: nothing allows that */
		missing = 0;
	if (missing >= 0) {
		found->verb = (uint8_t)missing;
		found->reason = found->block == &asking->policy->otherwise ? POLICY_BY_NO_TEXT
									   : POLICY_BY_NO_RULE;
		return false;
	}
	found->verdict = MF_ALLOW;
	found->reason = POLICY_BY_ALLOW;
	found->verb = (uint8_t)last;
	for (int i = 0; i < 3; i++) {
		if (!order[i]->allow[last])
			continue;
		found->where = order[i]->allow_at[last];
		found->by_grant = i == 1;
		if (i == 2)
			found->block = &asking->policy->base;
		break;
	}
	return true;
}

static void take_request(const struct asking *asking, uint32_t index, struct ref_decision *denial,
			 struct ref_decision *permission)
{
	const struct ref_request *request = &asking->state->requests[index];
	const struct ref_block *block = block_of(asking->policy, request);
	struct ref_entries granted_entries = { 0 };
	struct said own = ask(&block->entries, asking->access), granted;
	struct ref_decision found = { .verdict = weight(asking->state, block),
				      .reason = POLICY_BY_DENY,
				      .block = block,
				      .request = index };

	ref_entries_of_call(asking->policy->tree, block->block, request, asking->state,
			    &granted_entries);
	granted = ask(&granted_entries, asking->access);
	ref_entries_free(&granted_entries);
	take_denial(&own, found, denial);
	found.by_grant = true;
	take_denial(&granted, found, denial);
	found.by_grant = false;
	(void)permit(asking, &own, &granted, &found);
	if (index == 0 || (asking->state->strict ? found.verdict < permission->verdict
						 : found.verdict > permission->verdict))
		*permission = found;
}

void ref_decide(const struct ref_policy *policy, const struct ref_state *state,
		const struct policy_access *access, struct ref_decision *ret_decision)
{
	struct asking asking = { policy, state, access, ask(&policy->base.entries, access) };
	struct ref_decision denial = { .verdict = MF_ALLOW }, ceiling = { .verdict = MF_ALLOW };
	struct ref_decision permission = { 0 };
	struct said nothing = { 0 };

	take_denial(&asking.base,
		    (struct ref_decision){ .verdict = weight(state, &policy->base),
					   .reason = POLICY_BY_DENY,
					   .block = &policy->base,
					   .request = UINT32_MAX },
		    &denial);
	if (!state->request_count) {
		permission.block = policy->base.block ? &policy->base : &policy->otherwise;
		permission.verdict = weight(state, permission.block);
		permission.request = UINT32_MAX;
		(void)permit(&asking, &nothing, &nothing, &permission);
	}
	for (uint32_t i = 0; i < state->request_count; i++)
		take_request(&asking, i, &denial, &permission);
	take_ceilings(&asking, policy, false, &ceiling);
	if (state->administrator)
		take_ceilings(&asking, state->administrator, true, &ceiling);
	*ret_decision = permission;
	if (ceiling.reason && ceiling.verdict <= ret_decision->verdict)
		*ret_decision = ceiling;
	if (denial.reason && denial.verdict <= ret_decision->verdict)
		*ret_decision = denial;
}

static void make_block(const struct policy_tree *tree, const struct policy_block *block,
		       bool built_in, struct ref_block *ret_block)
{
	ret_block->block = block;
	ret_block->mode = block ? block->mode : MF_POL_ENFORCE;
	if (built_in)
		ref_entries_built_in((uint32_t)tree->sources.count, &ret_block->entries);
	if (block)
		ref_entries_of(tree, block, &ret_block->entries);
}

void ref_policy_make(const struct policy_tree *tree, struct ref_policy *ret_policy)
{
	struct ref_policy *policy = ret_policy;
	const struct policy_block *base = NULL;

	*policy = (struct ref_policy){ .tree = tree };
	policy->ceilings = calloc(tree->block_count + 1, sizeof(*policy->ceilings));
	policy->tools = calloc(tree->block_count + 1, sizeof(*policy->tools));
	if (!policy->ceilings || !policy->tools)
		abort();
	for (size_t i = 0; i < tree->block_count; i++) {
		const struct policy_block *block = &tree->blocks[i];

		if (block->kind == POLICY_BLOCK_BASE)
			base = block;
		else if (block->kind == POLICY_BLOCK_CEILING)
			make_block(tree, block, true, &policy->ceilings[policy->ceiling_count++]);
		else if (block->kind == POLICY_BLOCK_TOOL)
			make_block(tree, block, false, &policy->tools[policy->tool_count++]);
	}
	make_block(tree, base, true, &policy->base);
	policy->otherwise.mode = tree->default_mode;
}

void ref_policy_free(struct ref_policy *policy)
{
	for (size_t i = 0; i < policy->ceiling_count; i++)
		ref_entries_free(&policy->ceilings[i].entries);
	for (size_t i = 0; i < policy->tool_count; i++)
		ref_entries_free(&policy->tools[i].entries);
	ref_entries_free(&policy->base.entries);
	free(policy->ceilings);
	free(policy->tools);
}
