// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Exec, after the point of no return: what is executed by the kernel's own file (not argv[0], which
 * the caller chooses), and the arguments as the new program has them.
 */

#include "gap.h"
#include "path.h"

struct exec_scratch {
	struct mf_event event;
	struct mf_ev_exec exec;
	char strings[MF_PATH_MAX + MF_ARGV_MAX];
	struct path_walk path;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct exec_scratch);
} exec_scratch SEC(".maps");

/* Puts the path first. Returns its length. */
static __always_inline __u32 exec_path(struct exec_scratch *scratch, struct file *file,
				       const struct mf_tag *tag)
{
	path_of(path_in(file), &scratch->path);
	scratch->exec.path_flags = scratch->path.flags;
	count_path_loss(tag, &scratch->path);
	return path_copy(&scratch->path, scratch->strings, MF_PATH_MAX);
}

/* Appends argv. Returns its bytes kept. */
static __always_inline __u32 exec_argv(struct exec_scratch *scratch, struct task_struct *task,
				       __u32 at, const struct mf_tag *tag)
{
	unsigned long start = BPF_CORE_READ(task, mm, arg_start);
	unsigned long end = BPF_CORE_READ(task, mm, arg_end);
	__u64 total = end > start ? end - start : 0;
	__u32 len = total > MF_ARGV_MAX ? MF_ARGV_MAX : total;

	scratch->exec.argv_total = total > 0xffffffff ? 0xffffffff : total;
	if (at > MF_PATH_MAX)
		return 0;
	barrier_var(len);
	if (len > MF_ARGV_MAX)
		return 0;
	if (bpf_probe_read_user(&scratch->strings[at], len, (void *)start)) {
		count_loss(tag, MF_LOSS_ARGV_FAULT);
		return 0;
	}
	return len;
}

/* A thread that executes takes its leader's tid; what it did before still bears the old one. */
static __always_inline void exec_old_tid(struct mf_who *who, __u32 old_pid)
{
	if (old_pid == who->tid)
		return;
	if (engine_pid_level) /* its number in the engine's pid namespace is gone with it */
		count_loss(&who->tag, MF_LOSS_NOTIFY_TASK);
	else
		dead_put(old_pid, who);
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(sched_process_exec, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	struct mf_tag *tag = tag_of(task);
	struct exec_scratch *scratch;
	__u32 zero = 0, size;
	struct mf_who who;
	struct file *file;
	__u64 stamp;

	if (!tag)
		return 0;
	stamp = stamp_of(tag);
	if (stamp == MF_NO_STAMP)
		return 0;
	scratch = bpf_map_lookup_elem(&exec_scratch, &zero);
	if (!scratch)
		return 0;
	who_of(task, tag, &who);
	gap_check(task, tag, &who, stamp);
	exec_old_tid(&who, old_pid);
	file = BPF_CORE_READ(bprm, file);
	scratch->exec.dev = BPF_CORE_READ(file, f_inode, i_sb, s_dev);
	scratch->exec.ino = BPF_CORE_READ(file, f_inode, i_ino);
	scratch->exec.ppid = BPF_CORE_READ(task, real_parent, tgid);
	scratch->exec.exe_len = exec_path(scratch, file, tag);
	scratch->exec.argv_len = exec_argv(scratch, task, scratch->exec.exe_len, tag);
	size = sizeof(scratch->event) + sizeof(scratch->exec) + scratch->exec.exe_len +
	       scratch->exec.argv_len;
	event_fill(&scratch->event, MF_EV_EXEC, size, stamp, &who);
	barrier_var(size);
	if (size > sizeof(scratch->event) + sizeof(scratch->exec) + sizeof(scratch->strings))
		return 0;
	event_output(&scratch->event, size, false, tag);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
