/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/units.h"

#include <string.h>

uint32_t policy_units_count(const struct policy *policy)
{
	return MF_UNITS_BLOCKS + MF_UNITS_BLOCK * policy->block_count + policy->path_slots +
	       policy->addr_slots + policy->port_slots + policy->class_count + policy->answer_count;
}

/* Each of `count` entries at the beginning of `units` units of its own. Returns what is behind. */
static struct mf_unit *put(struct mf_unit *to, const void *entries, size_t size, uint32_t units,
			   uint32_t count)
{
	const char *entry = entries;

	for (uint32_t i = 0; i < count; i++, entry += size, to += units) {
		memcpy(to, entry, size);
		memset((char *)to + size, 0, units * sizeof(*to) - size);
	}
	return to;
}

void policy_units_fill(const struct policy *policy, const struct policy_units_of *of,
		       struct mf_unit *ret_units)
{
	struct mf_units_head head = {
		.flags = policy->head->flags,
		.path_slots = policy->path_slots,
		.path_seed = policy->head->path_seed,
		.addr_slots = policy->addr_slots,
		.addr_seed = policy->head->addr_seed,
		.port_slots = policy->port_slots,
		.port_seed = policy->head->port_seed,
	};
	struct mf_units_use use = {
		.session = of->session,
		.mode = of->mode,
		.generation = of->generation,
		.flags = of->strict ? MF_UNITS_STRICT : 0,
		.ceiling_count = policy->head->ceiling_count,
	};
	struct mf_unit *at = ret_units + MF_UNITS_BLOCKS;

	memcpy(use.ceilings, policy->head->ceilings, sizeof(use.ceilings));
	at = put(at, policy->blocks, sizeof(*policy->blocks), MF_UNITS_BLOCK, policy->block_count);
	head.paths = (uint32_t)(at - ret_units);
	at = put(at, policy->paths, sizeof(*policy->paths), 1, policy->path_slots);
	head.addrs = (uint32_t)(at - ret_units);
	at = put(at, policy->addrs, sizeof(*policy->addrs), 1, policy->addr_slots);
	head.ports = (uint32_t)(at - ret_units);
	at = put(at, policy->ports, sizeof(*policy->ports), 1, policy->port_slots);
	head.classes = (uint32_t)(at - ret_units);
	at = put(at, policy->classes, sizeof(*policy->classes), 1, policy->class_count);
	head.answers = (uint32_t)(at - ret_units);
	put(at, policy->answers, sizeof(*policy->answers), 1, policy->answer_count);
	memcpy(&ret_units[0], &head, sizeof(head));
	memcpy(&ret_units[1], &use, sizeof(use));
}
