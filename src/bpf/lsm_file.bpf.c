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

/* What the kernel makes of it can be more than was asked for: see READ_IMPLIES_EXEC in personality(2). */
SEC("lsm/mmap_file")
int BPF_PROG(mmap_file, struct file *file, unsigned long reqprot, unsigned long prot)
{
	return say_map(file, reqprot | prot);
}

SEC("lsm/file_mprotect")
int BPF_PROG(file_mprotect, struct vm_area_struct *vma, unsigned long reqprot, unsigned long prot)
{
	if (!((reqprot | prot) & PROT_EXEC) || is_stranger(bpf_get_current_task_btf()) ||
	    vma->vm_flags & VM_EXEC)
		return 0;
	return say_map(vma->vm_file, PROT_EXEC);
}

/* It has the path, and can refuse nothing: inode_setattr does. */
SEC("fentry/vfs_utimes")
int BPF_PROG(vfs_utimes, const struct path *path)
{
	act_begin_times(path);
	return 0;
}

/* The dentry is its first argument, or, since 6.9, its second. */
SEC("lsm/inode_setattr")
int inode_setattr(unsigned long long *ctx)
{
	return act_times((__u64)ctx[0], (__u64)ctx[1]);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
