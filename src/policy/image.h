/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Putting an image together; shared by build.c and compile.c, not for other rooms. */

#include "policy/build.h"

/* Growing array of one kind of entry. */
struct policy_array {
	void *items;
	size_t count, room;
	size_t item_size;
	size_t max; /* more is -E2BIG */
};

void policy_array_free(struct policy_array *array);
/* Room for one more at the end, zeroed. 0, -E2BIG, -ENOMEM. */
int policy_array_add(struct policy_array *array, void **ret_item);

/* What the builder makes: sections BLOCKS to ESCAPES. */
struct policy_built {
	struct mf_pol_block *blocks;
	uint32_t block_count;
	struct policy_array paths, addrs, ports; /* slots */
	struct policy_array classes, answers, escapes;
	uint32_t node_count;
	uint32_t path_seed, addr_seed, port_seed;
};

void policy_built_free(struct policy_built *built);
/* 0, -E2BIG, -ENOMEM. The builder's blocks go over to it. */
int policy_builder_finish(struct policy_builder *builder, struct policy_built *ret_built);

/* Index of an equal answer, added where there is none. */
struct policy_answers {
	struct policy_array *array;
	uint32_t *slots;
	size_t slot_count;
};

void policy_answers_free(struct policy_answers *answers);
int policy_answers_add(struct policy_answers *answers, const struct mf_pol_answer *answer,
		       uint32_t *ret_index);

/* What one more rule says of an object. */
void policy_answer_add(struct mf_pol_answer *answer, const struct policy_entry *entry);

/* build_addr.c */
struct policy_addr_rule {
	struct policy_entry entry;
	struct policy_address address;
	uint8_t length;
	struct policy_ports ports;
};

int policy_build_addresses(struct policy_array *rules, struct policy_answers *answers,
			   struct policy_built *built);

/* slots.c: entries in any order into slots, with a seed that lets each be found. */
int policy_slots_paths(const struct mf_pol_path *entries, size_t count,
		       struct policy_array *ret_slots, uint32_t *ret_seed);
int policy_slots_addrs(const struct mf_pol_addr *entries, size_t count,
		       struct policy_array *ret_slots, uint32_t *ret_seed);
int policy_slots_ports(const struct mf_pol_port *entries, size_t count,
		       struct policy_array *ret_slots, uint32_t *ret_seed);

/* The sections that only a whole policy has; NULL and 0 for grants. */
struct policy_sections {
	const void *items[MF_POL_SEC_MAX];
	size_t counts[MF_POL_SEC_MAX];
};

/* Bytes of one entry of a section. */
extern const uint16_t policy_section_item[MF_POL_SEC_MAX];

/* Appends head and sections. `head` has what is not told by the rest: flags, digest, ceilings. */
int policy_image_write(const struct mf_pol_head *head, const struct policy_built *built,
		       const struct policy_sections *sections, struct buf *ret_image);
