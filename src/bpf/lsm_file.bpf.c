// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Files, by the LSM hooks. These programs only look: 0 leaves what others decide as it is.
 */

#include "say_file.h"

SEC("lsm/file_open")
int BPF_PROG(file_open, struct file *file)
{
	say_open(file);
	return 0;
}

/* First halves: who asks for it, and by which path */

SEC("lsm/path_mknod")
int BPF_PROG(path_mknod, const struct path *dir, struct dentry *dentry)
{
	act_begin(BPF_CORE_READ(dir, mnt), dentry, NULL, NULL);
	return 0;
}

SEC("lsm/path_mkdir")
int BPF_PROG(path_mkdir, const struct path *dir, struct dentry *dentry)
{
	act_begin(BPF_CORE_READ(dir, mnt), dentry, NULL, NULL);
	return 0;
}

SEC("lsm/path_symlink")
int BPF_PROG(path_symlink, const struct path *dir, struct dentry *dentry)
{
	act_begin(BPF_CORE_READ(dir, mnt), dentry, NULL, NULL);
	return 0;
}

SEC("lsm/path_link")
int BPF_PROG(path_link, struct dentry *old, const struct path *dir, struct dentry *dentry)
{
	act_begin(BPF_CORE_READ(dir, mnt), dentry, NULL, NULL);
	return 0;
}

SEC("lsm/path_unlink")
int BPF_PROG(path_unlink, const struct path *dir, struct dentry *dentry)
{
	act_begin(BPF_CORE_READ(dir, mnt), dentry, NULL, NULL);
	return 0;
}

SEC("lsm/path_rmdir")
int BPF_PROG(path_rmdir, const struct path *dir, struct dentry *dentry)
{
	act_begin(BPF_CORE_READ(dir, mnt), dentry, NULL, NULL);
	return 0;
}

SEC("lsm/path_rename")
int BPF_PROG(path_rename, const struct path *old_dir, struct dentry *old,
	     const struct path *new_dir, struct dentry *new)
{
	act_begin(BPF_CORE_READ(old_dir, mnt), old, BPF_CORE_READ(new_dir, mnt), new);
	return 0;
}

/* Second halves: the file system will do it */

SEC("lsm/inode_create")
int BPF_PROG(inode_create, struct inode *dir, struct dentry *dentry)
{
	act_done(MF_EV_CREATE, FAN_CREATE, dentry, NULL);
	return 0;
}

SEC("lsm/inode_mknod")
int BPF_PROG(inode_mknod, struct inode *dir, struct dentry *dentry)
{
	act_done(MF_EV_CREATE, FAN_CREATE, dentry, NULL);
	return 0;
}

SEC("lsm/inode_mkdir")
int BPF_PROG(inode_mkdir, struct inode *dir, struct dentry *dentry)
{
	act_done(MF_EV_CREATE, FAN_CREATE | FAN_ONDIR, dentry, NULL);
	return 0;
}

SEC("lsm/inode_symlink")
int BPF_PROG(inode_symlink, struct inode *dir, struct dentry *dentry)
{
	act_done(MF_EV_CREATE, FAN_CREATE, dentry, NULL);
	return 0;
}

SEC("lsm/inode_link")
int BPF_PROG(inode_link, struct dentry *old, struct inode *dir, struct dentry *dentry)
{
	act_done(MF_EV_CREATE, FAN_CREATE, dentry, NULL);
	return 0;
}

SEC("lsm/inode_unlink")
int BPF_PROG(inode_unlink, struct inode *dir, struct dentry *dentry)
{
	act_done(MF_EV_DELETE, FAN_DELETE, dentry, NULL);
	return 0;
}

SEC("lsm/inode_rmdir")
int BPF_PROG(inode_rmdir, struct inode *dir, struct dentry *dentry)
{
	act_done(MF_EV_DELETE, FAN_DELETE, dentry, NULL);
	return 0;
}

SEC("lsm/inode_rename")
int BPF_PROG(inode_rename, struct inode *old_dir, struct dentry *old, struct inode *new_dir,
	     struct dentry *new)
{
	act_done(MF_EV_RENAME, FAN_RENAME, old, new);
	return 0;
}

/* Attributes */

SEC("lsm/path_chmod")
int BPF_PROG(path_chmod, const struct path *path)
{
	say_attributes(path);
	return 0;
}

SEC("lsm/path_chown")
int BPF_PROG(path_chown, const struct path *path)
{
	say_attributes(path);
	return 0;
}

SEC("lsm/inode_setxattr")
int BPF_PROG(inode_setxattr, void *idmap, struct dentry *dentry)
{
	say_attributes_of(dentry);
	return 0;
}

SEC("lsm/inode_removexattr")
int BPF_PROG(inode_removexattr, void *idmap, struct dentry *dentry)
{
	say_attributes_of(dentry);
	return 0;
}

SEC("lsm/inode_set_acl")
int BPF_PROG(inode_set_acl, void *idmap, struct dentry *dentry)
{
	say_attributes_of(dentry);
	return 0;
}

SEC("lsm/inode_remove_acl")
int BPF_PROG(inode_remove_acl, void *idmap, struct dentry *dentry)
{
	say_attributes_of(dentry);
	return 0;
}

SEC("fentry/vfs_utimes")
int BPF_PROG(vfs_utimes, const struct path *path)
{
	say_attributes(path);
	return 0;
}

/* Contents */

SEC("lsm/path_truncate")
int BPF_PROG(path_truncate, const struct path *path)
{
	say_truncate(path);
	return 0;
}

SEC("lsm/file_truncate")
int BPF_PROG(file_truncate, struct file *file)
{
	say_truncate((const void *)__builtin_preserve_access_index(&file->f_path));
	return 0;
}

/* What the caller asked for; what the kernel makes of it follows behind. */
SEC("lsm/mmap_file")
int BPF_PROG(mmap_file, struct file *file, unsigned long prot)
{
	say_map(file, prot);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
