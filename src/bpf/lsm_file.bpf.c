// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Files, by the LSM hooks. 0 leaves what others decide as it is.
 */

#define MF_ARGS_KNOWN
#include "file_hooks.h"

#define LSM_HOOK(name, does, ...)         \
	SEC("lsm/" #name)                 \
	int BPF_PROG(name, ##__VA_ARGS__) \
	{                                 \
		return does;              \
	}

FILE_HOOKS(LSM_HOOK)

SEC("lsm/inode_rename")
int BPF_PROG(inode_rename, struct inode *old_dir, struct dentry *old, struct inode *new_dir,
	     struct dentry *new)
{
	return act_renamed(old, new);
}

/* Nothing can be refused here. */
SEC("fentry/vfs_utimes")
int BPF_PROG(vfs_utimes, const struct path *path)
{
	say_attributes(path);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
