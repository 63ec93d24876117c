// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The walk of path.h: a function of its own that the verifier looks at once for each program, and by
 * itself.
 */

#include "path.h"

#define MF_PATH_DEPTH 212 /* steps, one for each name and each mount, without bpf_loop() */
#define MF_PATH_STEPS (2 * MF_PATH_MAX) /* more than a path of MF_PATH_MAX bytes can take */

#define DCACHE_DISCONNECTED 0x20 /* include/linux/dcache.h */
#define MNT_NS_ANON_INO 0xeffffff7U /* include/uapi/linux/nsfs.h; before 6.18 it was 0 */

/*
 * What lies at an address that comes from a map the verifier does not know. Where a program may say
 * what it is (6.2) a field is a load, else a call for each step. 0 for what cannot be read.
 *
 * The linker of libbpf 1.1 takes an extern kernel function from one object only: this one.
 */
enum special_kfunc_type { KF_bpf_rdonly_cast };
extern void *bpf_rdonly_cast(const void *at, __u32 btf_id) __ksym __weak;

#define as_known(at) \
	((__typeof__(at))bpf_rdonly_cast(at, bpf_core_type_id_kernel(__typeof__(*(at)))))
#define read_at(at, ...)                                                         \
	(bpf_core_enum_value_exists(enum special_kfunc_type, KF_bpf_rdonly_cast) \
		 ? ___arrow(as_known(at), ##__VA_ARGS__)                         \
		 : BPF_CORE_READ(at, ##__VA_ARGS__))

/* The top of a mount that was taken out of the tree, or never was in one, is no root directory. */
static __always_inline bool mount_is_detached(struct mount *mount)
{
	__u32 inum = read_at(mount, mnt_ns, ns.inum);

	return !inum || inum == MNT_NS_ANON_INO;
}

static __always_inline void path_mount(struct path_walk *walk, struct vfsmount *mnt)
{
	walk->mnt = mnt;
	walk->root = read_at(mnt, mnt_root);
}

/* true: at the top */
static __always_inline bool path_up_mount(struct path_walk *walk)
{
	struct mount *mount = (void *)walk->mnt - bpf_core_field_offset(struct mount, mnt);
	struct mount *parent = read_at(mount, mnt_parent);

	if (parent == mount || !parent) {
		if (mount_is_detached(mount))
			walk->flags |= MF_PATH_UNRESOLVED;
		return true;
	}
	walk->dentry = read_at(mount, mnt_mountpoint);
	path_mount(walk, (void *)parent + bpf_core_field_offset(struct mount, mnt));
	return false;
}

/* what name_put() found instead of a place */
#define NAME_TOO_LONG MF_PATH_MAX
#define NAME_UNREADABLE (MF_PATH_MAX + 1)

/* Puts "/name" in front. Returns where it begins. */
static __always_inline __u32 name_put(struct path_walk *walk, struct dentry *dentry)
{
	__u32 len = read_at(dentry, d_name.len);
	const unsigned char *name = read_at(dentry, d_name.name);
	__u32 pos = walk->pos;

	if (len >= MF_NAME_BYTES || len + 1 > pos)
		return NAME_TOO_LONG;
	pos -= len + 1;
	barrier_var(pos);
	pos &= MF_PATH_MAX - 1;
	barrier_var(len);
	len &= MF_NAME_BYTES - 1;
	if (bpf_probe_read_kernel(&walk->bytes[pos + 1], len, name))
		return NAME_UNREADABLE;
	walk->bytes[pos] = '/';
	return pos;
}

/* false: there is none there, and the flags say why */
static __always_inline bool name_take(struct path_walk *walk, __u32 at)
{
	if (at == NAME_TOO_LONG) {
		walk->flags |= MF_PATH_CUT;
		return false;
	}
	if (at == NAME_UNREADABLE) {
		walk->flags |= MF_PATH_UNRESOLVED;
		walk->fault = 1;
		return false;
	}
	walk->pos = at;
	return true;
}

static __always_inline __u32 name_version(struct dentry *dentry)
{
	__u32 version;

	barrier();
	version = read_at(dentry, d_seq.seqcount.sequence);
	barrier();
	return version;
}

/*
 * true: at the top, or it cannot go on. A name that is being changed while it is read, which the
 * kernel counts in d_seq, is read again: half of the old one and half of the new one is no name.
 */
static __always_inline bool path_step(struct path_walk *walk)
{
	struct dentry *dentry = walk->dentry, *parent;
	__u32 version, at;

	if (dentry == walk->root)
		return path_up_mount(walk);
	version = name_version(dentry);
	parent = read_at(dentry, d_parent);
	if (parent == dentry || !parent) {
		/* a root, but not the mount's: not connected */
		walk->flags |= MF_PATH_UNRESOLVED;
		return true;
	}
	at = name_put(walk, dentry);
	if (version & 1 || version != name_version(dentry))
		return false;
	if (!name_take(walk, at))
		return true;
	walk->dentry = parent;
	return false;
}

struct path_climber {
	struct path_walk *walk;
};

static long path_climb_step(__u32 index, struct path_climber *climber)
{
	return path_step(climber->walk);
}

/*
 * Whether it came to an end. With bpf_loop() (5.17) the step is verified once, in a millisecond, and
 * no path is too deep. Without, each round is verified: 30 ms when the programs are loaded.
 */
static __always_inline bool path_steps(struct path_walk *walk)
{
	struct path_climber climber = { walk };
	int i;

	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_loop))
		return bpf_loop(MF_PATH_STEPS, path_climb_step, &climber, 0) < MF_PATH_STEPS;
	for (i = 0; i < MF_PATH_DEPTH; i++) {
		if (path_step(walk))
			return true;
	}
	return false;
}

int path_climb(struct path_walk *walk, __u32 fresh)
{
	struct dentry *first;
	bool root;

	if (!walk) /* never, but the verifier does not know */
		return 0;
	first = walk->dentry;
	root = read_at(first, d_parent) == first;
	walk->pos = MF_PATH_MAX;
	walk->flags = 0;
	walk->fault = 0;
	path_mount(walk, walk->mnt);
	if (root && read_at(first, d_flags) & DCACHE_DISCONNECTED) {
		/* a file that was got by its handle, and whose directory nobody has looked up */
		walk->flags = MF_PATH_UNRESOLVED;
		return 0;
	}
	if (root && walk->root != first) {
		/* an object without a parent, as memfds and pipes are: its name is not a path */
		walk->flags = MF_PATH_ANON;
		name_take(walk, name_put(walk, first));
		return 0;
	}
	if (!root && !fresh && !read_at(first, d_hash.pprev))
		walk->flags = MF_PATH_DELETED;
	if (!path_steps(walk))
		walk->flags |= MF_PATH_CUT;
	if (walk->pos == MF_PATH_MAX && !walk->flags) { /* the root itself */
		walk->pos = MF_PATH_MAX - 1;
		walk->bytes[MF_PATH_MAX - 1] = '/';
	}
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
