/* SPDX-License-Identifier: BSD-2-Clause */
/* Filling the hash tables of an image. */

#include "policy/slots.h"

#include <errno.h>

#include "policy/image.h"

#define SEEDS 16 /* tried before the table is made larger */

/* What differs between the three tables. */
struct kind {
	size_t item_size;
	uint64_t (*hash)(const void *item, uint32_t seed);
	bool (*is_empty)(const void *item);
};

static uint64_t path_hash(const void *item, uint32_t seed)
{
	const struct slots_key key = slots_key_of(&((const struct mf_pol_path *)item)->key);

	return slots_path_hash(&key, seed);
}

static bool path_is_empty(const void *item)
{
	return !((const struct mf_pol_path *)item)->key.node;
}

static uint64_t addr_hash(const void *item, uint32_t seed)
{
	const struct mf_pol_addr *addr = item;

	return slots_addr_hash(&addr->key, addr->length, seed);
}

static bool addr_is_empty(const void *item)
{
	return !((const struct mf_pol_addr *)item)->key.family;
}

static uint64_t port_hash(const void *item, uint32_t seed)
{
	return slots_port_hash(&((const struct mf_pol_port *)item)->key, seed);
}

static bool port_is_empty(const void *item)
{
	return !((const struct mf_pol_port *)item)->key.class;
}

static const struct kind paths = { sizeof(struct mf_pol_path), path_hash, path_is_empty };
static const struct kind addrs = { sizeof(struct mf_pol_addr), addr_hash, addr_is_empty };
static const struct kind ports = { sizeof(struct mf_pol_port), port_hash, port_is_empty };

/* Whether every entry finds a slot near enough to its hash. */
static bool fill(const struct kind *kind, const char *entries, size_t count, char *slots,
		 size_t slot_count, uint32_t seed)
{
	size_t size = kind->item_size;

	memset(slots, 0, slot_count * size);
	for (size_t i = 0; i < count; i++) {
		const char *entry = entries + i * size;
		uint64_t hash = kind->hash(entry, seed);
		size_t probe = 0;
		char *slot = NULL;

		for (; probe < MF_POL_PROBES_MAX && probe < slot_count; probe++) {
			slot = slots + ((hash + probe) & (slot_count - 1)) * size;
			if (kind->is_empty(slot))
				break;
		}
		if (probe == MF_POL_PROBES_MAX || probe == slot_count)
			return false;
		memcpy(slot, entry, size);
	}
	return true;
}

static int make(const struct kind *kind, const void *entries, size_t count,
		struct policy_array *ret_slots, uint32_t *ret_seed)
{
	size_t least = 1;

	*ret_seed = 0;
	*ret_slots = (struct policy_array){ .item_size = kind->item_size };
	if (!count)
		return 0;
	while (least < count * 2)
		least *= 2;
	for (size_t slot_count = least; slot_count <= least * 4; slot_count *= 2) {
		char *slots;

		if (slot_count * kind->item_size > MF_POL_SIZE_MAX)
			return -E2BIG;
		slots = malloc(slot_count * kind->item_size);
		if (!slots)
			return -ENOMEM;
		for (uint32_t seed = 0; seed < SEEDS; seed++) {
			if (!fill(kind, entries, count, slots, slot_count, seed))
				continue;
			ret_slots->items = slots;
			ret_slots->count = ret_slots->room = slot_count;
			*ret_seed = seed;
			return 0;
		}
		free(slots);
	}
	return -E2BIG;
}

int policy_slots_paths(const struct mf_pol_path *entries, size_t count,
		       struct policy_array *ret_slots, uint32_t *ret_seed)
{
	return make(&paths, entries, count, ret_slots, ret_seed);
}

int policy_slots_addrs(const struct mf_pol_addr *entries, size_t count,
		       struct policy_array *ret_slots, uint32_t *ret_seed)
{
	return make(&addrs, entries, count, ret_slots, ret_seed);
}

int policy_slots_ports(const struct mf_pol_port *entries, size_t count,
		       struct policy_array *ret_slots, uint32_t *ret_seed)
{
	return make(&ports, entries, count, ret_slots, ret_seed);
}
