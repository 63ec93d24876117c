/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The path of a file, from its dentry and mount up to the root of its mount namespace. A chroot
 * does not shorten it. What cannot be walked whole (too deep, too long, unreadable, not connected)
 * is never passed off as a path: the flags say so.
 */

#include "tag.h"

#define MF_PATH_DEPTH 212 /* steps, one for each name and each mount, without bpf_loop() */
#define MF_PATH_STEPS (2 * MF_PATH_MAX) /* more than a path of MF_PATH_MAX bytes can take */
#define MF_NAME_BYTES 256

#define DCACHE_DISCONNECTED 0x20 /* include/linux/dcache.h */
#define MNT_NS_ANON_INO 0xeffffff7U /* include/uapi/linux/nsfs.h; before 6.18 it was 0 */

/*
 * The walk lives in a map, not on the stack: what the verifier reads back from a map is any number,
 * so each round of the loop looks the same to it and the walk is verified in some 10,000
 * instructions, whatever its depth.
 */
struct path_walk {
	struct dentry *dentry;
	struct vfsmount *mnt;
	__u32 pos; /* first byte of what is there, in the first MF_PATH_MAX of `bytes` */
	__u32 flags; /* MF_PATH_* */
	__u32 fault; /* something could not be read */
	__u32 done;
	char bytes[MF_PATH_MAX + MF_NAME_BYTES]; /* the tail is room for the verifier's sake */
};

/* The top of a mount that was taken out of the tree, or never was in one, is no root directory. */
static __always_inline bool mount_is_detached(struct mount *mount)
{
	__u32 inum = BPF_CORE_READ(mount, mnt_ns, ns.inum);

	return !inum || inum == MNT_NS_ANON_INO;
}

/* true: at the top */
static __always_inline bool path_up_mount(struct path_walk *walk)
{
	struct mount *mount = (void *)walk->mnt - bpf_core_field_offset(struct mount, mnt);
	struct mount *parent = BPF_CORE_READ(mount, mnt_parent);

	if (parent == mount || !parent) {
		if (mount_is_detached(mount))
			walk->flags |= MF_PATH_UNRESOLVED;
		return true;
	}
	walk->dentry = BPF_CORE_READ(mount, mnt_mountpoint);
	walk->mnt = (void *)parent + bpf_core_field_offset(struct mount, mnt);
	return false;
}

/* Puts "/name" in front. false: it does not fit or cannot be read, and the flags say so. */
static __always_inline bool path_prepend(struct path_walk *walk)
{
	struct dentry *dentry = walk->dentry;
	__u32 len = BPF_CORE_READ(dentry, d_name.len);
	const unsigned char *name = BPF_CORE_READ(dentry, d_name.name);
	__u32 pos = walk->pos;

	if (len >= MF_NAME_BYTES || len + 1 > pos) {
		walk->flags |= MF_PATH_CUT;
		return false;
	}
	pos -= len + 1;
	barrier_var(pos);
	pos &= MF_PATH_MAX - 1;
	barrier_var(len);
	len &= MF_NAME_BYTES - 1;
	if (bpf_probe_read_kernel(&walk->bytes[pos + 1], len, name)) {
		walk->flags |= MF_PATH_UNRESOLVED;
		walk->fault = 1;
		return false;
	}
	walk->bytes[pos] = '/';
	walk->pos = pos;
	return true;
}

static __always_inline __u32 name_version(struct dentry *dentry)
{
	return BPF_CORE_READ(dentry, d_seq.seqcount.sequence);
}

/*
 * true: at the top, or it cannot go on. A name that is being changed while it is read, which the
 * kernel counts in d_seq, is read again: half of the old one and half of the new one is no name.
 */
static __always_inline bool path_step(struct path_walk *walk)
{
	struct dentry *dentry = walk->dentry, *parent;
	__u32 pos = walk->pos, flags = walk->flags, version;
	struct vfsmount *mnt = walk->mnt;
	bool fits;

	if (dentry == BPF_CORE_READ(mnt, mnt_root))
		return path_up_mount(walk);
	version = name_version(dentry);
	parent = BPF_CORE_READ(dentry, d_parent);
	if (parent == dentry || !parent) {
		/* a root, but not the mount's: not connected */
		walk->flags |= MF_PATH_UNRESOLVED;
		return true;
	}
	fits = path_prepend(walk);
	if (version & 1 || version != name_version(dentry)) {
		walk->pos = pos;
		walk->flags = flags;
		walk->fault = 0;
		return false;
	}
	if (fits)
		walk->dentry = parent;
	return !fits;
}

struct path_climber {
	struct path_walk *walk;
};

static long path_climb_step(__u32 index, struct path_climber *climber)
{
	struct path_walk *walk = climber->walk;

	if (!path_step(walk))
		return 0;
	walk->done = 1;
	return 1;
}

/*
 * With bpf_loop() (5.17) the step is verified once, in a millisecond, and no path is too deep.
 * Without, each round is verified: 30 ms when the programs are loaded.
 */
static __always_inline void path_climb(struct path_walk *walk)
{
	struct path_climber climber = { walk };
	int i;

	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_loop)) {
		bpf_loop(MF_PATH_STEPS, path_climb_step, &climber, 0);
		return;
	}
	for (i = 0; i < MF_PATH_DEPTH; i++) {
		if (path_step(walk)) {
			walk->done = 1;
			break;
		}
	}
}

/* `fresh`: the name is only now being made, so it need not be among its directory's yet. */
static __always_inline void path_at(struct vfsmount *mnt, struct dentry *first, bool fresh,
				    struct path_walk *walk)
{
	bool root = BPF_CORE_READ(first, d_parent) == first;

	walk->dentry = first;
	walk->mnt = mnt;
	walk->pos = MF_PATH_MAX;
	walk->flags = 0;
	walk->fault = 0;
	walk->done = 0;
	if (root && BPF_CORE_READ(first, d_flags) & DCACHE_DISCONNECTED) {
		/* a file that was got by its handle, and whose directory nobody has looked up */
		walk->flags = MF_PATH_UNRESOLVED;
		return;
	}
	if (root && BPF_CORE_READ(mnt, mnt_root) != first) {
		/* an object without a parent, as memfds and pipes are: its name is not a path */
		walk->flags = MF_PATH_ANON;
		path_prepend(walk);
		return;
	}
	if (!root && !fresh && !BPF_CORE_READ(first, d_hash.pprev))
		walk->flags = MF_PATH_DELETED;
	path_climb(walk);
	if (!walk->done)
		walk->flags |= MF_PATH_CUT;
	if (walk->pos == MF_PATH_MAX && !walk->flags) { /* the root itself */
		walk->pos = MF_PATH_MAX - 1;
		walk->bytes[MF_PATH_MAX - 1] = '/';
	}
}

static __always_inline const struct path *path_in(struct file *file)
{
	return (const void *)__builtin_preserve_access_index(&file->f_path);
}

static __always_inline void path_of(const struct path *path, struct path_walk *walk)
{
	path_at(BPF_CORE_READ(path, mnt), BPF_CORE_READ(path, dentry), false, walk);
}

/* Copies the path to `to`, MF_PATH_MAX bytes of room. Returns its length. */
static __always_inline __u32 path_copy(const struct path_walk *walk, char *to)
{
	__u32 pos = walk->pos;
	__u32 len;

	/* what hangs in the air does not begin at the root */
	if (walk->flags & MF_PATH_UNRESOLVED && pos < MF_PATH_MAX)
		pos++;
	len = MF_PATH_MAX - pos;
	if (pos >= MF_PATH_MAX)
		return 0;
	barrier_var(pos);
	pos &= MF_PATH_MAX - 1;
	barrier_var(len);
	if (len > MF_PATH_MAX)
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
