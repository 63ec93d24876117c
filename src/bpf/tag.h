/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The first thing that every program does: one task-storage look-up. No tag: leave at once.
 */

#include "maps.h"

/* NULL when the slot has been given to another session meanwhile */
static __always_inline struct mf_session_counters *counters_of(__u64 session, __u32 slot)
{
	struct mf_session_counters *c = bpf_map_lookup_elem(&counters, &slot);

	return c && c->session == session ? c : NULL;
}

static __always_inline void count_loss(const struct mf_tag *tag, enum mf_loss reason)
{
	struct mf_session_counters *c = counters_of(tag->session, tag->slot);

	if (c)
		__sync_fetch_and_add(&c->lost[reason], 1);
}

/* 6.2, where a look-up finds what is there whatever else goes on */
enum bpf_func_id___later { BPF_FUNC_cgrp_storage_get = 210 };

/*
 * Before 6.2 a look-up finds nothing while the processor is in the midst of another one, begun by a
 * task that was preempted there. What is being done now is lost. Whose it is is told by what earlier
 * look-ups have left in the cache of the task's storage.
 */
static __noinline void count_busy(struct task_struct *task)
{
	struct bpf_local_storage_data *data;
	struct bpf_local_storage *storage;
	struct mf_tag tag;
	int i;

	storage = task->bpf_storage;
	for (i = 0; i < 16; i++) {
		if (bpf_probe_read_kernel(&data, sizeof(data), &storage->cache[i]) || !data ||
		    BPF_CORE_READ(data, smap) != (void *)&tags)
			continue;
		if (!bpf_probe_read_kernel(
			    &tag, sizeof(tag),
			    (void *)data +
				    bpf_core_field_offset(struct bpf_local_storage_data, data)))
			count_loss(&tag, MF_LOSS_TAG_BUSY);
		return;
	}
}

/*
 * Of no session, for certain, as nearly all outside of sessions: no BPF program ever stored anything
 * with it. That is one load, where a look-up costs more than half of an empty program again; but
 * since 6.3 the verifier searches all of the kernel's types for each pointer that is loaded from what
 * a hook was given, a millisecond each time. So it is for hooks that others come by often.
 */
static __always_inline bool is_stranger(const struct task_struct *task)
{
	return !task->bpf_storage;
}

static __always_inline struct mf_tag *tag_of(struct task_struct *task)
{
	struct mf_tag *tag = bpf_task_storage_get(&tags, task, 0, 0);

	if (!tag &&
	    !bpf_core_enum_value_exists(enum bpf_func_id___later, BPF_FUNC_cgrp_storage_get))
		count_busy(task);
	return tag;
}

static __always_inline struct mf_act *act_of(struct mf_tag *tag)
{
	return &((struct mf_task *)tag)->act;
}

static __always_inline struct mf_tag *tag_of_current(void)
{
	return tag_of(bpf_get_current_task_btf());
}

static __always_inline void count_tasks(const struct mf_tag *tag, __s64 by)
{
	struct mf_session_counters *c = counters_of(tag->session, tag->slot);

	if (c)
		__sync_fetch_and_add(&c->tasks, by);
}

/* NULL when the session is gone */
static __always_inline struct mf_page *page_of(const struct mf_tag *tag)
{
	__u64 session = tag->session;
	__u32 zero = 0;
	void *inner;

	inner = bpf_map_lookup_elem(&pages, &session);
	return inner ? bpf_map_lookup_elem(inner, &zero) : NULL;
}

/* The page's stamp; -1 when the session is gone. Never a stamp: the epoch has 48 bits. */
#define MF_NO_STAMP (~0ULL)

static __always_inline __u64 stamp_of(const struct mf_tag *tag)
{
	struct mf_page *page = page_of(tag);

	return page ? mf_read_once(page->stamp) : MF_NO_STAMP;
}

/* The task's tid in the engine's pid namespace; 0 when it is not visible there. */
static __always_inline __u32 tid_for_engine(struct task_struct *task)
{
	__u32 level = engine_pid_level;
	struct pid *pid;
	int nr = 0;

	if (!level)
		return BPF_CORE_READ(task, pid);
	pid = BPF_CORE_READ(task, thread_pid);
	if (!pid || BPF_CORE_READ(pid, level) < level)
		return 0;
	bpf_probe_read_kernel(&nr, sizeof(nr),
			      (void *)pid + bpf_core_field_offset(struct pid, numbers) +
				      level * bpf_core_type_size(struct upid) +
				      bpf_core_field_offset(struct upid, nr));
	return nr;
}

static __always_inline void comm_copy(char *to, struct task_struct *task)
{
	_Static_assert(MF_COMM_LEN == 2 * sizeof(__u64), "two loads");
	((__u64 *)to)[0] = ((const __u64 *)&task->comm)[0];
	((__u64 *)to)[1] = ((const __u64 *)&task->comm)[1];
}

static __always_inline void who_since(__u64 start_ns, struct task_struct *task,
				      const struct mf_tag *tag, struct mf_who *ret_who)
{
	ret_who->tag = *tag;
	ret_who->start_ns = start_ns;
	ret_who->exit_ns = 0;
	ret_who->earlier_ns = 0;
	ret_who->pid = task->tgid;
	ret_who->tid = task->pid;
	ret_who->uid = BPF_CORE_READ(task, cred, uid.val);
	ret_who->flags = task->flags & (PF_KTHREAD | PF_IO_WORKER | PF_USER_WORKER) ? MF_EVF_KTHREAD
										    : 0;
	comm_copy(ret_who->comm, task);
}

static __always_inline void who_of(struct task_struct *task, const struct mf_tag *tag,
				   struct mf_who *ret_who)
{
	who_since(BPF_CORE_READ(task, group_leader, start_boottime), task, tag, ret_who);
}

/* `who` had this tid until now. It may have been another process's shortly before. */
static __always_inline void dead_put(__u32 tid, struct mf_who *who)
{
	struct mf_who *before = bpf_map_lookup_elem(&dead, &tid);

	who->exit_ns = bpf_ktime_get_ns();
	if (before)
		who->earlier_ns = before->pid == who->pid && before->start_ns == who->start_ns
					  ? before->earlier_ns
					  : before->exit_ns;
	bpf_map_update_elem(&dead, &tid, who, BPF_ANY);
	__sync_fetch_and_add(&dead_count, 1);
	who->exit_ns = 0;
}
