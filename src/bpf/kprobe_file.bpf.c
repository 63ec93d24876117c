// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Files, by kprobes on the functions that ask the security modules: the same hooks, where BPF cannot be
 * one of the modules. What a module refuses afterwards is told as done.
 */

#include "say_file.h"

SEC("kprobe/security_file_open")
int BPF_KPROBE(probe_file_open, struct file *file)
{
	say_open(file);
	return 0;
}

/* First halves: who asks for it, and by which path */

SEC("kprobe/security_path_mknod")
int BPF_KPROBE(probe_path_mknod, const struct path *dir, struct dentry *dentry)
{
	act_begin(BPF_CORE_READ(dir, mnt), dentry, NULL, NULL);
	return 0;
}

SEC("kprobe/security_path_mkdir")
int BPF_KPROBE(probe_path_mkdir, const struct path *dir, struct dentry *dentry)
{
	act_begin(BPF_CORE_READ(dir, mnt), dentry, NULL, NULL);
	return 0;
}

SEC("kprobe/security_path_symlink")
int BPF_KPROBE(probe_path_symlink, const struct path *dir, struct dentry *dentry)
{
	act_begin(BPF_CORE_READ(dir, mnt), dentry, NULL, NULL);
	return 0;
}

SEC("kprobe/security_path_link")
int BPF_KPROBE(probe_path_link, struct dentry *old, const struct path *dir, struct dentry *dentry)
{
	act_begin(BPF_CORE_READ(dir, mnt), dentry, NULL, NULL);
	return 0;
}

SEC("kprobe/security_path_unlink")
int BPF_KPROBE(probe_path_unlink, const struct path *dir, struct dentry *dentry)
{
	act_begin(BPF_CORE_READ(dir, mnt), dentry, NULL, NULL);
	return 0;
}

SEC("kprobe/security_path_rmdir")
int BPF_KPROBE(probe_path_rmdir, const struct path *dir, struct dentry *dentry)
{
	act_begin(BPF_CORE_READ(dir, mnt), dentry, NULL, NULL);
	return 0;
}

SEC("kprobe/security_path_rename")
int BPF_KPROBE(probe_path_rename, const struct path *old_dir, struct dentry *old,
	       const struct path *new_dir, struct dentry *new)
{
	act_begin(BPF_CORE_READ(old_dir, mnt), old, BPF_CORE_READ(new_dir, mnt), new);
	return 0;
}

/* Second halves: the file system will do it */

SEC("kprobe/security_inode_create")
int BPF_KPROBE(probe_inode_create, struct inode *dir, struct dentry *dentry)
{
	act_done(MF_EV_CREATE, FAN_CREATE, dentry, NULL);
	return 0;
}

SEC("kprobe/security_inode_mknod")
int BPF_KPROBE(probe_inode_mknod, struct inode *dir, struct dentry *dentry)
{
	act_done(MF_EV_CREATE, FAN_CREATE, dentry, NULL);
	return 0;
}

SEC("kprobe/security_inode_mkdir")
int BPF_KPROBE(probe_inode_mkdir, struct inode *dir, struct dentry *dentry)
{
	act_done(MF_EV_CREATE, FAN_CREATE | FAN_ONDIR, dentry, NULL);
	return 0;
}

SEC("kprobe/security_inode_symlink")
int BPF_KPROBE(probe_inode_symlink, struct inode *dir, struct dentry *dentry)
{
	act_done(MF_EV_CREATE, FAN_CREATE, dentry, NULL);
	return 0;
}

SEC("kprobe/security_inode_link")
int BPF_KPROBE(probe_inode_link, struct dentry *old, struct inode *dir, struct dentry *dentry)
{
	act_done(MF_EV_CREATE, FAN_CREATE, dentry, NULL);
	return 0;
}

SEC("kprobe/security_inode_unlink")
int BPF_KPROBE(probe_inode_unlink, struct inode *dir, struct dentry *dentry)
{
	act_done(MF_EV_DELETE, FAN_DELETE, dentry, NULL);
	return 0;
}

SEC("kprobe/security_inode_rmdir")
int BPF_KPROBE(probe_inode_rmdir, struct inode *dir, struct dentry *dentry)
{
	act_done(MF_EV_DELETE, FAN_DELETE, dentry, NULL);
	return 0;
}

/* include/uapi/linux/fs.h */
#define RENAME_EXCHANGE 2

/* Where two names change places the LSM hooks are called once for each, this function once. */
SEC("kprobe/security_inode_rename")
int BPF_KPROBE(probe_inode_rename, struct inode *old_dir, struct dentry *old, struct inode *new_dir,
	       struct dentry *new, unsigned int flags)
{
	act_done(MF_EV_RENAME, FAN_RENAME, old, new);
	if (flags & RENAME_EXCHANGE)
		act_done(MF_EV_RENAME, FAN_RENAME, new, old);
	return 0;
}

/* Attributes */

SEC("kprobe/security_path_chmod")
int BPF_KPROBE(probe_path_chmod, const struct path *path)
{
	say_attributes(path);
	return 0;
}

SEC("kprobe/security_path_chown")
int BPF_KPROBE(probe_path_chown, const struct path *path)
{
	say_attributes(path);
	return 0;
}

SEC("kprobe/security_inode_setxattr")
int BPF_KPROBE(probe_inode_setxattr, void *idmap, struct dentry *dentry)
{
	say_attributes_of(dentry);
	return 0;
}

SEC("kprobe/security_inode_removexattr")
int BPF_KPROBE(probe_inode_removexattr, void *idmap, struct dentry *dentry)
{
	say_attributes_of(dentry);
	return 0;
}

SEC("kprobe/security_inode_set_acl")
int BPF_KPROBE(probe_inode_set_acl, void *idmap, struct dentry *dentry)
{
	say_attributes_of(dentry);
	return 0;
}

SEC("kprobe/security_inode_remove_acl")
int BPF_KPROBE(probe_inode_remove_acl, void *idmap, struct dentry *dentry)
{
	say_attributes_of(dentry);
	return 0;
}

SEC("kprobe/vfs_utimes")
int BPF_KPROBE(probe_vfs_utimes, const struct path *path)
{
	say_attributes(path);
	return 0;
}

/* Contents */

SEC("kprobe/security_path_truncate")
int BPF_KPROBE(probe_path_truncate, const struct path *path)
{
	say_truncate(path);
	return 0;
}

SEC("kprobe/security_file_truncate")
int BPF_KPROBE(probe_file_truncate, struct file *file)
{
	say_truncate((const void *)__builtin_preserve_access_index(&file->f_path));
	return 0;
}

SEC("kprobe/security_mmap_file")
int BPF_KPROBE(probe_mmap_file, struct file *file, unsigned long prot)
{
	say_map(file, prot);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
