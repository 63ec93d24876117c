/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What is neither a file that is used nor a connection: local sockets, mounts, other processes, and
 * the doors out of what is watched.
 */

#include "say.h"

#define ACT_NAME_MAX 256
#define SUN_PATH_AT 2 /* in a sockaddr_un */
#define SUN_PATH_MAX 108

struct act_place {
	struct actor actor;
	struct place *place;
	struct mf_ev_act *body;
	__u32 size; /* body and strings so far */
};

/* false: of no session, or no room, which is counted. Else act_say() it. */
static __always_inline bool act_begins(struct act_place *act)
{
	if (!actor_is_ours(&act->actor, SELDOM))
		return false;
	act->place = place_take(&act->actor);
	if (!act->place)
		return false;
	act->body = (void *)act->place->rest;
	__builtin_memset(act->body, 0, sizeof(*act->body));
	act->size = sizeof(*act->body);
	return true;
}

/* `fresh`: as path_climb() */
static __always_inline void act_path_at(struct act_place *act, struct vfsmount *mnt,
					struct dentry *dentry, bool fresh)
{
	__u32 len = place_path(act->place, sizeof(*act->body), mnt, dentry, fresh, act->actor.tag);

	act->body->path_len = len;
	act->body->path_flags = act->place->walk.flags;
	act->size += len;
}

static __always_inline void act_path(struct act_place *act, const struct path *path)
{
	act_path_at(act, BPF_CORE_READ(path, mnt), BPF_CORE_READ(path, dentry), false);
}

/* Kernel memory, up to a NUL */
static __always_inline void act_name(struct act_place *act, const char *name)
{
	__u32 at = act->size;
	long len;

	barrier_var(at);
	if (!name || at > sizeof(*act->body) + MF_PATH_MAX)
		return;
	len = bpf_probe_read_kernel_str(&act->place->rest[at], ACT_NAME_MAX, name);
	if (len <= 1 || len > ACT_NAME_MAX)
		return;
	act->body->name_len = len - 1;
	act->size += len - 1;
}

static __always_inline void act_bytes(struct act_place *act, const char *from, __u32 len)
{
	__u32 at = act->size;

	barrier_var(at);
	barrier_var(len);
	if (!len || len > SUN_PATH_MAX || at > sizeof(*act->body) + MF_PATH_MAX)
		return;
	if (bpf_probe_read_kernel(&act->place->rest[at], len, from))
		return;
	act->body->name_len = len;
	act->size += len;
}

/* An abstract name, which may be empty, and which the decision looks for at the end of the walk's bytes */
static __always_inline void act_abstract(struct act_place *act, const char *from, __u32 len,
					 enum mf_pol_verb verb)
{
	struct path_walk *walk = &act->place->walk;

	act_bytes(act, from, len);
	barrier_var(len);
	if (len > SUN_PATH_MAX)
		return;
	walk->pos = MF_PATH_MAX - len;
	bpf_probe_read_kernel(&walk->bytes[MF_PATH_MAX - len], len, from);
	act->place->deciding.kind = DECIDE_ABSTRACT;
	act->place->deciding.verbs = MF_POL_BIT(verb);
	place_decide(act->place, &act->actor);
}

static __always_inline void act_target(struct act_place *act, struct task_struct *task)
{
	act->body->target_pid = BPF_CORE_READ(task, tgid);
	act->body->target_start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
}

/* The hooks of these come before the kernel has looked whether it may be, and can be, done. */
static __always_inline bool is_only_asked(__u16 kind)
{
	return (kind >= MF_EV_SOCKET && kind <= MF_EV_URING && kind != MF_EV_PTRACE &&
		kind != MF_EV_KILL) ||
	       (kind >= MF_EV_UMOUNT);
}

/* Returns whether it is refused: 0, or MF_REFUSED. */
static __always_inline int act_say(struct act_place *act, __u16 kind)
{
	int verdict = place_verdict(act->place);

	place_say(act->place, kind, act->size, is_only_asked(kind) ? MF_EVF_ASKED : 0, &act->actor);
	place_leave(act->place);
	return verdict;
}

static __always_inline int act_escape(struct act_place *act, __u16 kind, enum mf_pol_escape escape)
{
	access_escape(&act->place->deciding, escape);
	place_decide(act->place, &act->actor);
	return act_say(act, kind);
}

/* The same where something else has told it already, unless this is refused */
static __always_inline int act_escape_again(struct act_place *act, __u16 kind,
					    enum mf_pol_escape escape)
{
	access_escape(&act->place->deciding, escape);
	place_decide(act->place, &act->actor);
	if (place_verdict(act->place))
		return act_say(act, kind);
	place_leave(act->place);
	return 0;
}

static __always_inline int number_act(__u32 number, __u16 kind, enum mf_pol_escape escape)
{
	struct act_place act;

	if (!act_begins(&act))
		return refuse_unseen(act.actor.tag);
	act.body->number = number;
	return act_escape(&act, kind, escape);
}

/* The session's own business, which its forks tell already */
static __always_inline bool is_own(struct task_struct *task)
{
	struct mf_tag *own = tag_of_current();
	struct mf_tag *other;

	if (!own)
		return true;
	other = tag_of(task);
	return other && other->session == own->session;
}

/* What needs no line */
static __always_inline void act_allow(struct act_place *act)
{
	struct mf_decision *out = &act->place->deciding.out;

	if (!(act->actor.tag->flags & MF_TAGF_POLICY))
		return;
	out->flags = MF_DECIDED;
	out->verdict = MF_ALLOW;
}

/* Of one that did not begin */
static __always_inline int act_unseen(const struct act_place *act)
{
	return refuse_unseen(act->actor.tag);
}

/* Where a local socket listens: the file that it is bound to, else its abstract name. */
static __always_inline void act_unix(struct act_place *act, const struct sock *sk)
{
	const struct unix_sock *u = (const void *)sk;
	struct unix_address *addr = BPF_CORE_READ(u, addr);
	struct path path = { .mnt = BPF_CORE_READ(u, path.mnt),
			     .dentry = BPF_CORE_READ(u, path.dentry) };
	__u32 len;

	act->body->number = BPF_CORE_READ(sk, sk_type);
	if (path.dentry) {
		act->body->path_len = place_path(act->place, sizeof(*act->body), path.mnt,
						 path.dentry, false, act->actor.tag);
		act->body->path_flags = act->place->walk.flags;
		act->size += act->body->path_len;
		access_path(&act->place->deciding, &act->place->walk, MF_POL_BIT(MF_POL_CONNECT));
		place_decide(act->place, &act->actor);
		return;
	}
	len = addr ? BPF_CORE_READ(addr, len) : 0;
	if (len > SUN_PATH_AT) /* behind the NUL that abstract names begin with */
		act_abstract(act,
			     (const char *)addr + bpf_core_field_offset(struct unix_address, name) +
				     SUN_PATH_AT + 1,
			     len - SUN_PATH_AT - 1, MF_POL_CONNECT);
}
