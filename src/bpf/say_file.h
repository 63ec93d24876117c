/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What is done to files, whichever hook tells it. An open is told when the file system has granted
 * it. A change has two hooks: the first has the path and comes before the permission check
 * (path_*), the second comes after it and has no mount (inode_*); what the first one saw is kept
 * with the task in between, so that what was refused is not told as done.
 */

#include "decide_open.h"
#include "mount_for.h"
#include "say_act.h"

/* include/linux/fs.h */
#define FMODE_NOACCOUNT 0x20000000 /* opened by a file system for itself, as overlayfs does */
#define FMODE_CREATED 0x100000 /* this open made it */
#define FMODE_EXEC_FLAG 0x20 /* in f_flags: __FMODE_EXEC */
#define O_LARGEFILE_X86 0100000 /* set by the kernel on every open of a 64-bit process */
#define O_TRUNC_FLAG 01000
#define O_TMPFILE_FLAG 020000000
/* include/uapi/asm-generic/fcntl.h: what open(2) takes; the rest of f_flags is the kernel's own */
#define O_FLAGS_KNOWN 037777703

/* include/uapi/linux/fanotify.h: the words in which a change is told */
#define FAN_MODIFY 0x00000002
#define FAN_ATTRIB 0x00000004
#define FAN_CREATE 0x00000100
#define FAN_DELETE 0x00000200
#define FAN_RENAME 0x10000000
#define FAN_ONDIR 0x40000000

/* include/uapi/asm-generic/mman-common.h */
#define PROT_EXEC 0x4
/* include/linux/mm.h */
#define VM_EXEC 0x4

#define S_IFMT 00170000
#define S_IFDIR 0040000
#define S_IFREG 0100000

/*
 * Read once, at the beginning: the verifier goes the rest of the way several times, and is slow where
 * pointers are loaded.
 */
struct opened {
	struct vfsmount *mnt;
	struct dentry *dentry;
	__u32 mode;
	__u32 flags;
};

/*
 * What comes of an open: its file may be mapped, and truncated. The kernel takes O_TRUNC from the
 * file's flags before it asks for the truncation, for which it does not ask of what it has just made.
 */
static __always_inline void open_keep(const struct opened *file, const struct mf_ev_file *body,
				      const struct actor *actor)
{
	struct mf_act *act = act_of(actor->tag);
	__u32 at = act->next++ & 1;

	act->ino[at] = body->ino;
	act->dev[at] = body->dev;
	act->stamp[at] = actor->stamp;
	if (!(file->flags & O_TRUNC_FLAG) || (body->mode & S_IFMT) != S_IFREG ||
	    file->mode & FMODE_CREATED)
		return;
	act->cut = (__u64)file->dentry;
	act->cut_stamp = actor->stamp;
}

/* Whether the open that does this has been told, for the same requests */
static __always_inline bool cut_is_told(struct dentry *dentry, const struct actor *actor)
{
	struct mf_act *act = act_of(actor->tag);
	bool told = act->cut == (__u64)dentry && act->cut_stamp == actor->stamp;

	act->cut = 0;
	return told;
}

static __always_inline void act_begin(bool often, struct vfsmount *mnt, struct dentry *dentry,
				      struct vfsmount *mnt2, struct dentry *dentry2)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct mf_act *act;
	struct mf_tag *tag;

	if (often && is_stranger(task))
		return;
	tag = tag_of(task);
	if (!tag)
		return;
	act = act_of(tag);
	act->mnt = (__u64)mnt;
	act->dentry = (__u64)dentry;
	act->mnt2 = (__u64)mnt2;
	act->dentry2 = (__u64)dentry2;
	act->made = 0;
}

/* A name in a directory */
static __always_inline void act_begin_in(const struct path *dir, struct dentry *dentry, bool often)
{
	act_begin(often, BPF_CORE_READ(dir, mnt), dentry, NULL, NULL);
}

static __always_inline void act_begin_rename(const struct path *old_dir, struct dentry *old,
					     const struct path *new_dir, struct dentry *new)
{
	act_begin(SELDOM, BPF_CORE_READ(old_dir, mnt), old, BPF_CORE_READ(new_dir, mnt), new);
}

static __always_inline bool is_dir(struct dentry *dentry)
{
	return (BPF_CORE_READ(dentry, d_inode, i_mode) & S_IFMT) == S_IFDIR;
}

/* Each of these returns whether it is refused: 0, or MF_REFUSED. */
static __always_inline int say_change(__u16 kind, __u32 mask, struct vfsmount *mnt,
				      struct dentry *dentry, __u32 flags, const struct actor *actor)
{
	struct place *place = place_take(actor);
	struct mf_ev_change body = {};
	bool dir = is_dir(dentry);
	int verdict;

	if (!place)
		return refuse_unseen(actor->tag);
	body.mask = mask | (dir ? FAN_ONDIR : 0);
	if (dir && kind == MF_EV_DELETE) /* only the file system knows whether it is empty */
		flags |= MF_EVF_ASKED;
	place_walk(place, mnt, dentry, kind == MF_EV_CREATE, actor->tag);
	access_path(&place->deciding, &place->walk, MF_POL_BIT(MF_POL_WRITE));
	place_decide(place, actor);
	body.path_len = path_length(&place->walk);
	body.path_flags = place->walk.flags;
	if (body.path_flags & MF_PATH_UNRESOLVED)
		count_loss(actor->tag, MF_LOSS_PATH_FAULT);
	path_say(place, kind, &body, sizeof(body), flags, actor);
	verdict = place_verdict(place);
	place_leave(place);
	return verdict;
}

/* What moves, or gets another name: at the old name it is read and written, and nothing of it may be
 * denied at either. */
static __always_inline void decide_moved(struct place *place, __u32 verbs,
					 const struct actor *actor)
{
	access_path(&place->deciding, &place->walk, verbs);
	place->deciding.whole = 1;
	place_decide(place, actor);
}

/* Of two decisions the stricter one */
static __always_inline void keep_stricter(struct place *place, const struct mf_decision *first)
{
	if (first->flags & MF_DECIDED && first->verdict <= place->deciding.out.verdict)
		place->deciding.out = *first;
}

/* What has two names: the one that is asked about first, then the other one */
struct two_names {
	struct vfsmount *mnt[2];
	struct dentry *dentry[2];
	__u32 verbs[2];
	bool fresh[2];
};

static __always_inline int say_two(__u16 kind, __u32 mask, __u32 flags,
				   const struct two_names *names, const struct actor *actor)
{
	struct place *place = place_take(actor);
	struct mf_decision first;
	struct mf_ev_change *body;
	__u32 len, len2;
	int verdict;

	if (!place)
		return refuse_unseen(actor->tag);
	body = (void *)place->rest;
	__builtin_memset(body, 0, sizeof(*body));
	body->mask = mask;
	len = place_path(place, sizeof(*body), names->mnt[0], names->dentry[0], names->fresh[0],
			 actor->tag);
	body->path_len = len;
	body->path_flags = place->walk.flags;
	decide_moved(place, names->verbs[0], actor);
	first = place->deciding.out;
	len2 = place_path(place, sizeof(*body) + len, names->mnt[1], names->dentry[1],
			  names->fresh[1], actor->tag);
	body->path2_len = len2;
	body->path2_flags = place->walk.flags;
	decide_moved(place, names->verbs[1], actor);
	keep_stricter(place, &first);
	if ((body->path_flags | body->path2_flags) & MF_PATH_UNRESOLVED)
		count_loss(actor->tag, MF_LOSS_PATH_FAULT);
	place_say(place, kind, sizeof(*body) + len + len2, flags, actor);
	verdict = place_verdict(place);
	place_leave(place);
	return verdict;
}

static __always_inline int say_rename(struct vfsmount *mnt, struct dentry *dentry,
				      struct vfsmount *mnt2, struct dentry *dentry2,
				      const struct actor *actor)
{
	const struct two_names names = { .mnt = { mnt, mnt2 },
					 .dentry = { dentry, dentry2 },
					 .verbs = { MF_POL_BOTH, MF_POL_BIT(MF_POL_WRITE) },
					 .fresh = { false, true } };
	bool dir = is_dir(dentry);
	/* over one that has to be empty, as above */
	__u32 flags = dir && BPF_CORE_READ(dentry2, d_inode) ? MF_EVF_ASKED : 0;

	return say_two(MF_EV_RENAME, FAN_RENAME | (dir ? FAN_ONDIR : 0), flags, &names, actor);
}

/* A further name, and the one by which it was reached: both are on one mount. */
static __always_inline int say_link(struct dentry *old, struct vfsmount *mnt, struct dentry *dentry,
				    const struct actor *actor)
{
	const struct two_names names = { .mnt = { mnt, mnt },
					 .dentry = { dentry, old },
					 .verbs = { MF_POL_BIT(MF_POL_WRITE), MF_POL_BOTH },
					 .fresh = { true, false } };

	return say_two(MF_EV_CREATE, FAN_CREATE, 0, &names, actor);
}

/* What inode_create() could not tell yet */
static __always_inline void say_made(const struct opened *file, const struct actor *actor)
{
	if (!(file->mode & FMODE_CREATED) || file->flags & O_TMPFILE_FLAG)
		return;
	if (act_of(actor->tag)->made != (__u64)file->dentry)
		say_change(MF_EV_CREATE, FAN_CREATE, file->mnt, file->dentry, 0, actor);
}

/* Which object it is, and of which kind */
static __always_inline void object_of(struct file *file, struct mf_ev_file *body)
{
	struct inode *inode = mf_read(file, f_inode);
	struct super_block *sb;

	if (!inode)
		return;
	body->ino = mf_read(inode, i_ino);
	body->mode = mf_read(inode, i_mode);
	sb = mf_read(inode, i_sb);
	if (sb)
		body->dev = mf_read(sb, s_dev);
}

static __always_inline int say_open(struct file *given)
{
	struct mf_ev_file body = { .how = MF_OPEN_FLAGS_KNOWN };
	struct opened file;
	struct actor actor;
	struct place *place;
	int verdict;
	bool exec;

	if (!actor_is_ours(&actor, OFTEN))
		return refuse_unseen(actor.tag);
	file.mode = mf_read(given, f_mode);
	if (file.mode & FMODE_NOACCOUNT)
		return 0;
	file.flags = mf_read(given, f_flags);
	file.mnt = mf_read(given, f_path.mnt);
	file.dentry = mf_read(given, f_path.dentry);
	object_of(given, &body);
	barrier();
	say_made(&file, &actor);
	place = place_take(&actor);
	if (!place)
		return refuse_unseen(actor.tag);
	body.open_flags = file.flags & O_FLAGS_KNOWN & ~(O_LARGEFILE_X86 | FMODE_EXEC_FLAG);
	open_keep(&file, &body, &actor);
	place_walk(place, file.mnt, file.dentry, false, actor.tag);
	body.path_len = path_length(&place->walk);
	body.path_flags = place->walk.flags;
	exec = file.flags & FMODE_EXEC_FLAG;
	open_decided(&place->deciding, &place->walk, actor.tag, bpf_get_current_task_btf(), &body,
		     exec);
	path_say(place, exec ? MF_EV_OPEN_EXEC : MF_EV_OPEN, &body, sizeof(body), 0, &actor);
	verdict = place_verdict(place);
	place_leave(place);
	return verdict;
}

/* It is among those that are being looked up, which no name that is there or known to be free is. */
static __always_inline bool is_looked_up(struct dentry *dentry)
{
	return BPF_CORE_READ(dentry, d_u.d_in_lookup_hash.pprev);
}

/*
 * An open asks before it has looked whether there is one. Where there is none and it makes one, say_made()
 * tells; where it may not, this does, although there may have been one.
 */
static __always_inline int made_unseen(struct vfsmount *mnt, struct dentry *dentry,
				       const struct actor *actor)
{
	struct mf_ev_change body = { .mask = FAN_CREATE };
	struct place *place;
	int verdict;

	if (!(actor->tag->flags & MF_TAGF_POLICY))
		return 0;
	place = place_take(actor);
	if (!place)
		return refuse_unseen(actor->tag);
	place_walk(place, mnt, dentry, true, actor->tag);
	access_path(&place->deciding, &place->walk, MF_POL_BIT(MF_POL_WRITE));
	place_decide(place, actor);
	verdict = place_verdict(place);
	if (verdict) {
		body.path_len = path_length(&place->walk);
		body.path_flags = place->walk.flags;
		path_say(place, MF_EV_CREATE, &body, sizeof(body), MF_EVF_ASKED, actor);
	}
	place_leave(place);
	return verdict;
}

/* The second hook: the change that `act_begin()` was told of, or one that a file system does for
 * itself on the way (overlayfs), which is nothing of the session's. */
static __always_inline int act_done(__u16 kind, __u32 mask, struct dentry *dentry, bool often)
{
	struct actor actor;
	struct mf_act *act;

	if (!actor_is_ours(&actor, often))
		return refuse_unseen(actor.tag);
	act = act_of(actor.tag);
	if (act->dentry != (__u64)dentry || act->dentry2)
		return 0;
	if (kind == MF_EV_CREATE && is_looked_up(dentry))
		return made_unseen((void *)act->mnt, dentry, &actor);
	act->made = (__u64)dentry;
	return say_change(kind, mask, (void *)act->mnt, dentry, 0, &actor);
}

static __always_inline int act_linked(struct dentry *old, struct dentry *dentry)
{
	struct actor actor;
	struct mf_act *act;

	if (!actor_is_ours(&actor, SELDOM))
		return refuse_unseen(actor.tag);
	act = act_of(actor.tag);
	if (act->dentry != (__u64)dentry || act->dentry2)
		return 0;
	act->made = (__u64)dentry;
	return say_link(old, (void *)act->mnt, dentry, &actor);
}

static __always_inline int act_renamed(struct dentry *dentry, struct dentry *dentry2)
{
	struct actor actor;
	struct mf_act *act;

	if (!actor_is_ours(&actor, SELDOM))
		return refuse_unseen(actor.tag);
	act = act_of(actor.tag);
	if (act->dentry == (__u64)dentry && act->dentry2 == (__u64)dentry2)
		return say_rename((void *)act->mnt, dentry, (void *)act->mnt2, dentry2, &actor);
	if (act->dentry == (__u64)dentry2 && act->dentry2 == (__u64)dentry) /* exchanged */
		return say_rename((void *)act->mnt2, dentry, (void *)act->mnt, dentry2, &actor);
	return 0;
}

/* Attributes: asked for, before the file system has said whether it will. */
static __always_inline int say_attributes(const struct path *path)
{
	struct actor actor;

	if (!actor_is_ours(&actor, SELDOM))
		return refuse_unseen(actor.tag);
	return say_change(MF_EV_ATTRIB, FAN_ATTRIB, BPF_CORE_READ(path, mnt),
			  BPF_CORE_READ(path, dentry), MF_EVF_ASKED, &actor);
}

/* The same by a hook that is not told the mount */
static __always_inline int say_attributes_of(struct dentry *dentry)
{
	struct actor actor;

	if (!actor_is_ours(&actor, SELDOM))
		return refuse_unseen(actor.tag);
	return say_change(MF_EV_ATTRIB, FAN_ATTRIB, mount_for(dentry), dentry, MF_EVF_ASKED,
			  &actor);
}

static __always_inline void act_begin_times(const struct path *path)
{
	struct mf_tag *tag;

	if (is_stranger(bpf_get_current_task_btf()))
		return;
	act_begin(SELDOM, BPF_CORE_READ(path, mnt), BPF_CORE_READ(path, dentry), NULL, NULL);
	tag = tag_of_current();
	if (tag)
		act_of(tag)->times = act_of(tag)->dentry;
}

/* One of the two is the dentry. Other attributes have hooks of their own. */
static __always_inline int act_times(__u64 first, __u64 second)
{
	struct actor actor;
	struct mf_act *act;
	__u64 dentry;

	if (!actor_is_ours(&actor, OFTEN))
		return refuse_unseen(actor.tag);
	act = act_of(actor.tag);
	dentry = act->times;
	if (!dentry || (dentry != first && dentry != second))
		return 0;
	act->times = 0;
	return say_change(MF_EV_ATTRIB, FAN_ATTRIB, (void *)act->mnt, (void *)dentry, MF_EVF_ASKED,
			  &actor);
}

/* By its descriptor or name; a file that is opened with O_TRUNC is told by its open. */
static __always_inline int say_truncate(const struct path *path)
{
	struct actor actor;

	if (!actor_is_ours(&actor, SELDOM))
		return refuse_unseen(actor.tag);
	if (cut_is_told(BPF_CORE_READ(path, dentry), &actor))
		return 0;
	return say_change(MF_EV_TRUNCATE, FAN_MODIFY, BPF_CORE_READ(path, mnt),
			  BPF_CORE_READ(path, dentry), MF_EVF_ASKED, &actor);
}

static __always_inline bool is_just_opened(struct file *file, struct mf_tag *tag, __u64 stamp)
{
	const struct mf_act *act = act_of(tag);
	struct mf_ev_file object = {};

	object_of(file, &object);
	return (act->ino[0] == object.ino && act->dev[0] == object.dev && act->stamp[0] == stamp) ||
	       (act->ino[1] == object.ino && act->dev[1] == object.dev && act->stamp[1] == stamp);
}

/* A file that the thread did not open just before, for the same requests: else its open tells, unless
 * this is refused. */
static __always_inline int say_map(struct file *file, unsigned long prot)
{
	struct act_place act;
	struct mf_tag *tag;
	bool told;

	if (!file || !(prot & PROT_EXEC))
		return 0;
	tag = tag_of_current();
	if (!tag)
		return 0;
	told = is_just_opened(file, tag, stamp_of(tag));
	if (told && !(tag->flags & MF_TAGF_POLICY))
		return 0;
	if (!act_begins(&act))
		return refuse_unseen(tag);
	act_path(&act, path_in(file));
	access_exec(&act.place->deciding, &act.place->walk);
	place_decide(act.place, &act.actor);
	if (told && !place_verdict(act.place)) {
		place_leave(act.place);
		return 0;
	}
	return act_say(&act, MF_EV_MAP_EXEC);
}
