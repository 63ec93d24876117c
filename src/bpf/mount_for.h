/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * A mount by which the current task can have come to an object, for hooks that are told the object
 * only. Only a mount of the whole file system is taken: below it every object has a name.
 */

#include "compat.h"

#define MOUNTS_LOOKED_AT 64

static __always_inline bool mount_is_whole(struct vfsmount *mnt, struct super_block *sb)
{
	return mnt && BPF_CORE_READ(mnt, mnt_sb) == sb &&
	       BPF_CORE_READ(mnt, mnt_root) == BPF_CORE_READ(sb, s_root);
}

/* The superblock's list of mounts, which nobody may walk any more since 6.17 */
static __always_inline struct vfsmount *mount_in_list(struct super_block *sb,
						      struct mnt_namespace *ns)
{
	struct list_head *head, *at;
	struct mount *mount;
	int i;

	if (!bpf_core_field_exists(struct mount, mnt_instance))
		return NULL;
	head = (void *)sb + bpf_core_field_offset(struct super_block, s_mounts);
	at = BPF_CORE_READ(head, next);
	for (i = 0; i < MOUNTS_LOOKED_AT && at && at != head; i++) {
		mount = (void *)at - bpf_core_field_offset(struct mount, mnt_instance);
		if (BPF_CORE_READ(mount, mnt_ns) == ns &&
		    BPF_CORE_READ(mount, mnt.mnt_root) == BPF_CORE_READ(sb, s_root))
			return (void *)mount + bpf_core_field_offset(struct mount, mnt);
		at = BPF_CORE_READ(at, next);
	}
	return NULL;
}

/* NULL: none was found, and the path is not known */
static __always_inline struct vfsmount *mount_for(struct dentry *dentry)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct super_block *sb = BPF_CORE_READ(dentry, d_sb);
	struct vfsmount *mnt = BPF_CORE_READ(task, fs, pwd.mnt);

	if (mount_is_whole(mnt, sb))
		return mnt;
	mnt = BPF_CORE_READ(task, fs, root.mnt);
	if (mount_is_whole(mnt, sb))
		return mnt;
	return mount_in_list(sb, BPF_CORE_READ(task, nsproxy, mnt_ns));
}
