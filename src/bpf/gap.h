/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * A task that has left the session's mount namespace for one of its own opens files on mounts that
 * nobody has marked. Nothing tells of unshare() or setns() without a hook on every system call, so
 * this is looked at where the task passes by anyway: at its fork, exec and exit.
 */

#include "emit.h"

static __always_inline void gap_check(struct task_struct *task, struct mf_tag *tag,
				      const struct mf_who *who, __u64 stamp)
{
	struct mf_session_counters *c = counters_of(tag->session, tag->slot);
	struct mf_ev_change *change;
	struct mf_event *event;
	__u64 flags;
	__u32 inum;

	if (!c || !c->mount_ns || tag->flags & MF_TAGF_GAP_SAID)
		return;
	inum = BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum);
	if (!inum || inum == c->mount_ns)
		return;
	tag->flags |= MF_TAGF_GAP_SAID;
	count_loss(tag, MF_LOSS_MOUNT_GAP);
	event = event_reserve(MF_EV_MOUNT_GAP, sizeof(*event) + sizeof(*change), true, stamp, who,
			      &flags);
	if (!event)
		return;
	change = (void *)(event + 1);
	__builtin_memset(change, 0, sizeof(*change));
	change->path_flags = MF_PATH_UNRESOLVED; /* all of them */
	event_submit(event, tag, flags);
}
