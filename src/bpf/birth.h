/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The tag of a child.
 */

#include "tag.h"

/* The birth rule of abi/event.h */
static __always_inline __u64 birth_of_child(const struct mf_tag *parent, __u64 stamp,
					    __u64 clone_flags)
{
	if (clone_flags & CLONE_THREAD)
		return parent->birth;
	return MF_STAMP_COUNT(parent->birth) ? parent->birth : stamp;
}

/* The request that a child is born in, where that is one alone: as `birth`, by its ordinal */
static __always_inline __u64 request_of_child(const struct mf_tag *parent, __u64 stamp,
					      __u64 clone_flags)
{
	const struct mf_page *page;
	__u64 only;

	if (clone_flags & CLONE_THREAD || MF_STAMP_COUNT(parent->birth))
		return parent->request;
	if (MF_STAMP_COUNT(stamp) != 1)
		return 0;
	page = page_of(parent);
	if (!page)
		return 0;
	only = mf_read_once(page->only);
	return mf_read_once(page->stamp) == stamp ? only : 0;
}

/* NULL: it could not be stored */
static __always_inline struct mf_tag *
tag_child(const struct mf_tag *parent, struct task_struct *child, __u64 stamp, __u64 clone_flags)
{
	struct mf_task born = { .tag = {
					.session = parent->session,
					.slot = parent->slot,
					.birth = birth_of_child(parent, stamp, clone_flags),
					.request = request_of_child(parent, stamp, clone_flags),
					.flags = parent->flags & MF_TAGF_POLICY,
				} };

	return bpf_task_storage_get(&tags, child, &born, BPF_LOCAL_STORAGE_GET_F_CREATE);
}
