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

/* NULL: it could not be stored */
static __always_inline struct mf_tag *
tag_child(const struct mf_tag *parent, struct task_struct *child, __u64 stamp, __u64 clone_flags)
{
	struct mf_task born = { .tag = {
					.session = parent->session,
					.slot = parent->slot,
					.birth = birth_of_child(parent, stamp, clone_flags),
				} };

	return bpf_task_storage_get(&tags, child, &born, BPF_LOCAL_STORAGE_GET_F_CREATE);
}
