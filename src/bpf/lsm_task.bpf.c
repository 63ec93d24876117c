// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The tag of a child before it can run, at the one place that can refuse the fork when the tag
 * cannot be stored. The child's numbers and times are still its parent's here, so it is task_newtask
 * that reports the fork.
 */

#include "birth.h"

#define EAGAIN 11

SEC("lsm/task_alloc")
int BPF_PROG(task_alloc, struct task_struct *child, unsigned long clone_flags)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct mf_tag *tag;
	__u64 stamp;

	if (is_stranger(task))
		return 0;
	tag = tag_of(task);
	if (!tag)
		return 0;
	stamp = stamp_of(tag);
	if (stamp == MF_NO_STAMP || tag_child(tag, child, stamp, clone_flags))
		return 0;
	count_loss(tag, MF_LOSS_FORK_REFUSED);
	return -EAGAIN;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
