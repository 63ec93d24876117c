/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The decision, in the kernel: the steps of src/policy/decide.h over the units of abi/units.h. The
 * one who asks fills the first part of a struct deciding, which lives in a map, and reads `out`.
 */

#include "path.h"

/* What one block says of an access. */
struct said {
	__u32 allow, deny; /* of the verbs asked for */
	__u32 below; /* something below is denied */
	__u32 lines[2 * MF_POL_VERB_MAX + 1]; /* that allow, that deny, that deny below */
};

struct weighed {
	__u32 verdict;
	__u32 rule;
	__u32 block;
	__u8 reason, verb, flags, pad;
};

struct deciding {
	/* asked */
	__u32 kind; /* enum deciding_kind: PATH and ABSTRACT are of the walk that is passed along */
	__u32 verbs; /* 1 << enum mf_pol_verb; a way out counts as one verb */
	__u32 whole; /* a path that is moved, linked, exchanged or replaced */
	__u32 escape; /* enum mf_pol_escape */
	__u32 family; /* 4 or 6; v4-mapped is 4 */
	__u32 port;
	__u64 addr[2]; /* network order, IPv4 in the first four bytes */
	__u32 pid; /* of who asks, in the initial pid namespace; 0: it is in another one */
	__u32 pad;
	/* answered */
	struct mf_decision out;
	/* inside */
	struct mf_tag tag;
	__u64 only; /* the request that it is asked of alone; 0: each */
	__u32 seen; /* requests */
	__u32 first; /* the tables that are looked at: 0 the policy's, else those of grants, at this
		      * unit of the page, plus 1 */
	__u32 block; /* of them */
	__u32 blocks_end; /* the unit behind the policy's blocks */
	__u32 answer;
	__u32 node, at, exact; /* on the way along a name */
	__u32 self_at, self_end; /* where it is the process's own number in /proc */
	__u32 length, class;
	__u32 probe; /* slots that were looked at for `key`, from `hash` on */
	__u32 hash, size;
	__u64 key[5];
	__u64 prefixes[3];
	struct mf_units_head tables;
	struct mf_units_use use;
	struct said said, base, own;
	struct weighed denial, permission, ceiling;
};

/* block.bpf.c: asks d->block, in the tables at d->first. Fills d->said; not 0: they cannot be read. */
extern int decide_block(struct deciding *d, struct path_walk *walk);
/* decide.bpf.c. Fills `out`; returns whether it is refused. `walk`: not looked at where the kind has
 * no name. */
extern int decide(struct deciding *d, struct path_walk *walk, struct mf_tag *tag);

#define MF_REFUSED (-1) /* -EPERM */

/* What of a session with a policy cannot be looked at is refused, where it enforces. */
static __always_inline int refuse_unseen(const struct mf_tag *tag)
{
	const struct mf_units_use *use;
	__u32 slot, use_at = 1;
	void *units;

	if (!tag || !(tag->flags & MF_TAGF_POLICY))
		return 0;
	slot = tag->slot;
	units = bpf_map_lookup_elem(&policies, &slot);
	use = units ? bpf_map_lookup_elem(units, &use_at) : NULL;
	if (use && use->session == tag->session && use->mode < MF_POL_ENFORCE)
		return 0;
	return MF_REFUSED;
}

/* Nothing about it is decided. */
static __always_inline void undecided(struct deciding *d)
{
	__builtin_memset(&d->out, 0, sizeof(d->out));
}

/* The number that the first proc file system has for it */
static __always_inline __u32 proc_pid_of(struct task_struct *task)
{
	return BPF_CORE_READ(task, thread_pid, level) ? 0 : BPF_CORE_READ(task, tgid);
}

/*
 * The policy's say, where the session has one; without one nothing is decided, and `out` is empty.
 * `task`: who asks. Returns whether it is refused.
 */
static __always_inline bool decided(struct deciding *d, struct path_walk *walk, struct mf_tag *tag,
				    struct task_struct *task)
{
	if (!policies_on || !(tag->flags & MF_TAGF_POLICY)) {
		undecided(d);
		return false;
	}
	d->pid = proc_pid_of(task);
	decide(d, walk, tag);
	/* once more where another policy took the place of the one that it began with */
	if (d->out.reason == MF_POL_BY_FAULT)
		decide(d, walk, tag);
	return d->out.flags & MF_DECIDED_REFUSED;
}

/* An access to what has been walked to */
static __always_inline void access_path(struct deciding *d, const struct path_walk *walk,
					__u32 verbs)
{
	bool is_path = !(walk->flags & (MF_PATH_CUT | MF_PATH_UNRESOLVED | MF_PATH_ANON)) &&
		       walk->pos < MF_PATH_MAX;

	d->kind = is_path ? DECIDE_PATH : DECIDE_NO_OBJECT;
	d->verbs = verbs;
	d->whole = 0;
}

static __always_inline void access_escape(struct deciding *d, enum mf_pol_escape escape)
{
	d->kind = DECIDE_ESCAPE;
	d->escape = escape;
}

/* What is executed, or mapped to be */
static __always_inline void access_exec(struct deciding *d, const struct path_walk *walk)
{
	if (walk->flags & (MF_PATH_ANON | MF_PATH_DELETED))
		access_escape(d, MF_POL_ANONYMOUS_EXEC);
	else
		access_path(d, walk, MF_POL_BIT(MF_POL_EXEC));
}

static __always_inline void access_address(struct deciding *d, const struct mf_ev_net *net,
					   enum mf_pol_verb verb)
{
	d->kind = DECIDE_ADDRESS;
	d->verbs = MF_POL_BIT(verb);
	d->family = net->family;
	d->port = net->port;
	__builtin_memcpy(d->addr, net->addr, sizeof(d->addr));
}
