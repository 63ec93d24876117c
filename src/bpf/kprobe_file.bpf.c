// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Files, by kprobes on the functions that ask the security modules: the same hooks, where BPF cannot be
 * one of the modules. What a module refuses afterwards is told as done.
 */

#include "file_hooks.h"

#define KPROBE_HOOK(name, does, ...)                \
	SEC("kprobe/security_" #name)               \
	int BPF_KPROBE(probe_##name, ##__VA_ARGS__) \
	{                                           \
		does;                               \
		return 0;                           \
	}

FILE_HOOKS(KPROBE_HOOK)

/* include/uapi/linux/fs.h */
#define RENAME_EXCHANGE 2

/* Where two names change places the LSM hooks are called once for each, this function once. */
SEC("kprobe/security_inode_rename")
int BPF_KPROBE(probe_inode_rename, struct inode *old_dir, struct dentry *old, struct inode *new_dir,
	       struct dentry *new, unsigned int flags)
{
	act_renamed(old, new);
	if (flags & RENAME_EXCHANGE)
		act_renamed(new, old);
	return 0;
}

SEC("kprobe/security_mmap_file")
int BPF_KPROBE(probe_mmap_file, struct file *file, unsigned long prot)
{
	say_map(file, prot);
	return 0;
}

SEC("kprobe/vfs_utimes")
int BPF_KPROBE(probe_vfs_utimes, const struct path *path)
{
	say_attributes(path);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
