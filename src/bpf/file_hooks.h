/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The security hooks on files and what each tells, for every engine that has them: each a name, what
 * is done, and the hook's arguments.
 */

#include "say_node.h"

#define AT_PATH struct path *dir, struct dentry *dentry
#define IN_DIR struct inode *dir, struct dentry *dentry

/* First halves: who asks for it, and by which path */
#define FILE_HOOKS_FIRST(HOOK)                                                                    \
	HOOK(path_mknod, (act_begin_in(dir, dentry, OFTEN), 0), AT_PATH)                          \
	HOOK(path_mkdir, (act_begin_in(dir, dentry, SELDOM), 0), AT_PATH)                         \
	HOOK(path_symlink, (act_begin_in(dir, dentry, SELDOM), 0), AT_PATH)                       \
	HOOK(path_link, (act_begin_in(dir, dentry, SELDOM), 0), struct dentry *old, AT_PATH)      \
	HOOK(path_unlink, (act_begin_in(dir, dentry, OFTEN), 0), AT_PATH)                         \
	HOOK(path_rmdir, (act_begin_in(dir, dentry, SELDOM), 0), AT_PATH)                         \
	HOOK(path_rename, (act_begin_rename(old_dir, old, dir, dentry), 0), struct path *old_dir, \
	     struct dentry *old, AT_PATH)

/* Second halves: the file system will do it. Renames are each engine's own. */
#define FILE_HOOKS_SECOND(HOOK)                                                                   \
	HOOK(inode_create, act_done(MF_EV_CREATE, FAN_CREATE, dentry, OFTEN), IN_DIR)             \
	HOOK(inode_mknod, act_made_node(dentry, mode, dev), IN_DIR, unsigned short mode,          \
	     unsigned int dev)                                                                    \
	HOOK(inode_mkdir, act_done(MF_EV_CREATE, FAN_CREATE | FAN_ONDIR, dentry, SELDOM), IN_DIR) \
	HOOK(inode_symlink, act_done(MF_EV_CREATE, FAN_CREATE, dentry, SELDOM), IN_DIR)           \
	HOOK(inode_link, act_linked(old, dentry), struct dentry *old, IN_DIR)                     \
	HOOK(inode_unlink, act_done(MF_EV_DELETE, FAN_DELETE, dentry, OFTEN), IN_DIR)             \
	HOOK(inode_rmdir, act_done(MF_EV_DELETE, FAN_DELETE, dentry, SELDOM), IN_DIR)

/* Files and their attributes */
#define FILE_HOOKS_WHOLE(HOOK)                                                                 \
	HOOK(file_open, say_open(file), struct file *file)                                     \
	HOOK(path_chmod, say_attributes(path), struct path *path)                              \
	HOOK(path_chown, say_attributes(path), struct path *path)                              \
	HOOK(inode_setxattr, say_attributes_of(dentry), void *idmap, struct dentry *dentry)    \
	HOOK(inode_removexattr, say_attributes_of(dentry), void *idmap, struct dentry *dentry) \
	HOOK(inode_set_acl, say_attributes_of(dentry), void *idmap, struct dentry *dentry)     \
	HOOK(inode_remove_acl, say_attributes_of(dentry), void *idmap, struct dentry *dentry)  \
	HOOK(path_truncate, say_truncate(path), struct path *path)                             \
	HOOK(file_truncate, say_truncate(path_in(file)), struct file *file)

#define FILE_HOOKS(HOOK)        \
	FILE_HOOKS_FIRST(HOOK)  \
	FILE_HOOKS_SECOND(HOOK) \
	FILE_HOOKS_WHOLE(HOOK)
