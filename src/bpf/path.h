/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The path of a file, from its dentry and mount up to the root of its mount namespace. A chroot
 * does not shorten it. What cannot be walked whole (too deep, too long, unreadable, not connected)
 * is never passed off as a path: the flags say so.
 */

#include "tag.h"

#define MF_NAME_BYTES 256

/*
 * The walk lives in a map, not on the stack: what the verifier reads back from a map is any number,
 * so each round of the loop looks the same to it and the walk is verified in some 10,000
 * instructions, whatever its depth.
 */
struct path_walk {
	struct dentry *dentry;
	struct vfsmount *mnt;
	struct dentry *root; /* of the mount */
	__u32 pos; /* first byte of what is there, in the first MF_PATH_MAX of `bytes` */
	__u32 flags; /* MF_PATH_* */
	__u32 fault; /* something could not be read */
	__u32 pad;
	char bytes[MF_PATH_MAX + MF_NAME_BYTES]; /* the tail is room for the verifier's sake */
};

/* path.bpf.c: from walk->dentry, seen by walk->mnt. `fresh`: the name is only now being made, so it
 * need not be among its directory's yet. */
extern int path_climb(struct path_walk *walk, __u32 fresh);

static __always_inline void path_at(struct vfsmount *mnt, struct dentry *first, bool fresh,
				    struct path_walk *walk)
{
	walk->dentry = first;
	walk->mnt = mnt;
	path_climb(walk, fresh);
}

static __always_inline const struct path *path_in(struct file *file)
{
	return (const void *)__builtin_preserve_access_index(&file->f_path);
}

static __always_inline void path_of(const struct path *path, struct path_walk *walk)
{
	path_at(mf_read(path, mnt), mf_read(path, dentry), false, walk);
}

/* Where in `bytes` it begins */
static __always_inline __u32 path_begin(const struct path_walk *walk)
{
	/* what hangs in the air does not begin at the root */
	return walk->pos + (walk->flags & MF_PATH_UNRESOLVED && walk->pos < MF_PATH_MAX);
}

static __always_inline __u32 path_length(const struct path_walk *walk)
{
	return MF_PATH_MAX - path_begin(walk);
}

/* Copies the path to `to`, `room` bytes, where it fits. Returns its length. */
static __always_inline __u32 path_copy(const struct path_walk *walk, char *to, __u32 room)
{
	__u32 pos = path_begin(walk);
	__u32 len = MF_PATH_MAX - pos;

	if (pos >= MF_PATH_MAX)
		return 0;
	barrier_var(pos);
	pos &= MF_PATH_MAX - 1;
	barrier_var(len);
	if (len > room)
		return 0;
	if (bpf_probe_read_kernel(to, len, &walk->bytes[pos]))
		return 0;
	return len;
}

static __always_inline void count_path_loss(const struct mf_tag *tag, const struct path_walk *walk)
{
	if (walk->flags & MF_PATH_CUT)
		count_loss(tag, MF_LOSS_PATH_CUT);
	if (walk->fault)
		count_loss(tag, MF_LOSS_PATH_FAULT);
}
