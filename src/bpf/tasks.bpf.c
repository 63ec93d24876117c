// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Lists the live processes that carry a session's tag, wherever their cgroup is. A group leader
 * keeps its tag until it is reaped, so a process whose leader thread is gone is found too.
 */

#include "emit.h"

__u64 tasks_session = 0;

SEC("iter/task")
int session_tasks(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct mf_live live = {};
	struct mf_tag *tag;

	if (!task || task->group_leader != task)
		return 0;
	tag = tag_of(task);
	if (!tag || tag->session != tasks_session)
		return 0;
	if (BPF_CORE_READ(task, signal, live.counter) <= 0)
		return 0;
	live.pid = tid_for_engine(task);
	live.birth = tag->birth;
	bpf_core_read(&live.comm, sizeof(live.comm), &task->comm);
	bpf_seq_write(ctx->meta->seq, &live, sizeof(live));
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
