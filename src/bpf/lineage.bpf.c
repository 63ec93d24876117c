// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Lineage: who was born of whom, and when the last thread of a process is gone.
 *
 *	tp_btf/task_newtask		every new task of a session gets a tag before it can run. The tracepoint
 *					stands after the last point at which a fork can fail, and io_uring
 *					workers pass it too.
 *	tp_btf/sched_process_exit	the last thread's exit is the process's; each dead tid is kept for the
 *					notifications that are read after it.
 */

#include "birth.h"
#include "gap.h"

static __always_inline void fork_report(struct task_struct *parent, struct task_struct *child,
					struct mf_tag *parent_tag, __u64 child_birth, __u64 stamp,
					__u64 clone_flags)
{
	struct mf_event *event;
	struct mf_ev_fork *fork;
	struct mf_who who;
	__u64 flags;

	who_of(parent, parent_tag, &who);
	gap_check(parent, parent_tag, &who, stamp);
	event = event_reserve(MF_EV_FORK, sizeof(*event) + sizeof(*fork), false, stamp, &who,
			      &flags);
	if (!event)
		return;
	fork = (void *)(event + 1);
	fork->child_start_ns = child->start_boottime;
	fork->child_birth = child_birth;
	fork->child_pid = child->tgid;
	fork->pad = 0;
	fork->clone_flags = clone_flags;
	event_submit(event, parent_tag, flags);
}

SEC("tp_btf/task_newtask")
int BPF_PROG(task_newtask, struct task_struct *child, __u64 clone_flags)
{
	struct task_struct *parent = bpf_get_current_task_btf();
	struct mf_tag *tag = tag_of(parent);
	struct mf_tag *born;
	__u64 stamp;

	if (!tag)
		return 0;
	stamp = stamp_of(tag);
	if (stamp == MF_NO_STAMP) /* the session has been removed */
		return 0;
	born = tag_of(child); /* where task_alloc could tag it */
	if (!born)
		born = tag_child(tag, child, stamp, clone_flags);
	if (!born) {
		count_loss(tag, MF_LOSS_TAG);
		return 0;
	}
	count_tasks(tag, 1);
	if (!(clone_flags & CLONE_THREAD))
		fork_report(parent, child, tag, born->birth, stamp, clone_flags);
	return 0;
}

static __always_inline void dead_add(struct task_struct *task, struct mf_who *who)
{
	__u32 tid = tid_for_engine(task);

	if (tid)
		dead_put(tid, who);
}

/* Two last threads may both see that no other is alive: the group leader's tag tells who is first. */
static __always_inline bool exit_is_ours(struct task_struct *leader)
{
	struct mf_tag *tag = tag_of(leader);

	return tag && !(__sync_fetch_and_or(&tag->flags, MF_TAGF_EXIT_SAID) & MF_TAGF_EXIT_SAID);
}

/* As wait(2) tells it: kernel/exit.c, wait_task_zombie() */
static __always_inline __u32 exit_code_of(struct task_struct *task)
{
	if (BPF_CORE_READ(task, signal, flags) & SIGNAL_GROUP_EXIT)
		return BPF_CORE_READ(task, signal, group_exit_code);
	return BPF_CORE_READ(task, group_leader, exit_code);
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(sched_process_exit, struct task_struct *task)
{
	struct mf_tag *tag = tag_of(task);
	struct mf_event *event;
	struct mf_ev_exit *gone;
	__u64 stamp, flags;
	struct mf_who who;

	if (!tag)
		return 0;
	stamp = stamp_of(tag);
	if (stamp == MF_NO_STAMP)
		return 0;
	count_tasks(tag, -1);
	who_of(task, tag, &who);
	gap_check(task, tag, &who, stamp);
	dead_add(task, &who);
	if (BPF_CORE_READ(task, signal, live.counter) > 0 || !exit_is_ours(task->group_leader))
		return 0;
	event = event_reserve(MF_EV_EXIT, sizeof(*event) + sizeof(*gone), false, stamp, &who,
			      &flags);
	if (!event)
		return 0;
	gone = (void *)(event + 1);
	gone->code = exit_code_of(task);
	gone->pad = 0;
	event_submit(event, tag, flags);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
