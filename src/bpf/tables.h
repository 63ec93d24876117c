/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The tables that a decision looks at: the policy's, or those of a request's grants.
 */

#include "decide.h"
#include "slots.h"

struct tables {
	void *units; /* the policy's */
	struct mf_page *page; /* with those of grants */
	struct deciding *d;
	const struct path_walk *walk;
};

/* false: they are another session's, or gone */
static __always_inline bool tables_open(struct tables *t, struct deciding *d,
					const struct path_walk *walk)
{
	__u32 slot = d->tag.slot;

	t->d = d;
	t->walk = walk;
	t->page = page_of(&d->tag);
	t->units = bpf_map_lookup_elem(&policies, &slot);
	return t->units && t->page;
}

static __always_inline struct mf_unit *unit_at(const struct tables *t, __u32 index)
{
	__u32 first = t->d->first;

	if (!first)
		return bpf_map_lookup_elem(t->units, &index);
	index += first - 1;
	barrier_var(index);
	if (index >= MF_PAGE_UNITS)
		return NULL;
	return &t->page->units[index];
}

/* Where in `slots` a key is looked for */
static __always_inline __u32 slot_of(const struct deciding *d, __u32 slots, __u32 slot_count,
				     __u32 probe)
{
	return slots + ((d->hash + probe) & (slot_count - 1));
}
