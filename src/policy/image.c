/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/image.h"

#include <errno.h>
#include <string.h>

const uint16_t policy_section_item[MF_POL_SEC_MAX] = {
	[MF_POL_SEC_BLOCKS] = sizeof(struct mf_pol_block),
	[MF_POL_SEC_PATHS] = sizeof(struct mf_pol_path),
	[MF_POL_SEC_ADDRS] = sizeof(struct mf_pol_addr),
	[MF_POL_SEC_PORTS] = sizeof(struct mf_pol_port),
	[MF_POL_SEC_CLASSES] = sizeof(struct mf_pol_class),
	[MF_POL_SEC_ANSWERS] = sizeof(struct mf_pol_answer),
	[MF_POL_SEC_ESCAPES] = sizeof(struct mf_pol_escapes),
	[MF_POL_SEC_RULES] = sizeof(struct mf_pol_rule),
	[MF_POL_SEC_FILES] = sizeof(struct mf_pol_text),
	[MF_POL_SEC_TOOLS] = sizeof(struct mf_pol_tool),
	[MF_POL_SEC_TEMPLATES] = sizeof(struct mf_pol_template),
	[MF_POL_SEC_HOSTS] = sizeof(struct mf_pol_host),
	[MF_POL_SEC_HOST_ADDRS] = sizeof(struct mf_pol_host_addr),
	[MF_POL_SEC_TEXT] = 1,
};

void policy_array_free(struct policy_array *array)
{
	free(array->items);
	array->items = NULL;
	array->count = array->room = 0;
}

int policy_array_add(struct policy_array *array, void **ret_item)
{
	if (array->count >= array->max)
		return -E2BIG;
	if (array->count == array->room) {
		size_t room = array->room ? array->room * 2 : 16;
		void *items = realloc(array->items, room * array->item_size);

		if (!items)
			return -ENOMEM;
		array->items = items;
		array->room = room;
	}
	*ret_item = (char *)array->items + array->count++ * array->item_size;
	memset(*ret_item, 0, array->item_size);
	return 0;
}

static int append_section(struct buf *image, const void *items, size_t bytes)
{
	static const uint8_t zeros[8];
	int r = buf_append(image, items, bytes);

	return r ? r : buf_append(image, zeros, (8 - bytes % 8) % 8);
}

static void take(struct policy_sections *all, enum mf_pol_section section,
		 const struct policy_array *array)
{
	all->items[section] = array->items;
	all->counts[section] = array->count;
}

int policy_image_write(const struct mf_pol_head *given, const struct policy_built *built,
		       const struct policy_sections *sections, struct buf *ret_image)
{
	struct mf_pol_head head = *given;
	struct policy_sections all = { 0 };
	uint64_t offset = sizeof(head);
	int r;

	if (sections)
		all = *sections;
	all.items[MF_POL_SEC_BLOCKS] = built->blocks;
	all.counts[MF_POL_SEC_BLOCKS] = built->block_count;
	take(&all, MF_POL_SEC_PATHS, &built->paths);
	take(&all, MF_POL_SEC_ADDRS, &built->addrs);
	take(&all, MF_POL_SEC_PORTS, &built->ports);
	take(&all, MF_POL_SEC_CLASSES, &built->classes);
	take(&all, MF_POL_SEC_ANSWERS, &built->answers);
	take(&all, MF_POL_SEC_ESCAPES, &built->escapes);
	for (size_t i = 0; i < MF_POL_SEC_MAX; i++) {
		head.section[i].offset = (uint32_t)offset;
		head.section[i].count = (uint32_t)all.counts[i];
		offset += ((uint64_t)all.counts[i] * policy_section_item[i] + 7) / 8 * 8;
		if (offset > MF_POL_SIZE_MAX)
			return -E2BIG;
	}
	head.magic = MF_POL_MAGIC;
	head.version = MF_POL_VERSION;
	head.head_size = sizeof(head);
	head.size = (uint32_t)offset;
	head.path_seed = built->path_seed;
	head.addr_seed = built->addr_seed;
	head.port_seed = built->port_seed;
	head.node_count = built->node_count;
	r = buf_append(ret_image, &head, sizeof(head));
	for (size_t i = 0; r == 0 && i < MF_POL_SEC_MAX; i++)
		r = append_section(ret_image, all.items[i], all.counts[i] * policy_section_item[i]);
	return r;
}
