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

/* The next slot in which d->key may be; NULL: it is in none. */
static __always_inline const struct mf_unit *slot_probe(const struct tables *t, __u32 slots,
							__u32 slot_count)
{
	__u32 probe = t->d->probe++;
	const struct mf_unit *unit;

	if (probe >= MF_POL_PROBES_MAX || probe >= slot_count)
		return NULL;
	unit = unit_at(t, slots + ((t->d->hash + probe) & (slot_count - 1)));
	return unit && unit->word[0] ? unit : NULL;
}
