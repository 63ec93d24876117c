// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Files. fanotify tells the engine, the engine asks: only here it is known who a task is, and only
 * from here an event gets into the ring.
 *
 *	file_question	an open. Its thread is blocked in the kernel until the engine answers: the task is
 *			alive, its registers are those of the system call, and the event's descriptor is the
 *			very object. No argument string is read, nothing can be swapped meanwhile.
 *	change_who	a change that is over: which processes of a session can have had its tid.
 *
 * Both look tasks up, and so they are one file: the linker of libbpf 1.1 takes an extern kernel
 * function from one object only.
 */

#include "decide_open.h"
#include "gap.h"
#include "open_flags.h"
#include "path.h"
#include "task.h"

struct file_scratch {
	struct mf_event event;
	struct mf_ev_file file;
	char strings[MF_PATH_MAX];
	struct path_walk path;
	struct deciding deciding;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct file_scratch);
} file_scratch SEC(".maps");

/* The object of the last open for execution: the kernel asks about it a second time, as an open. */
struct {
	__u32 tid;
	__u64 dev, ino;
} last_exec = {};

/* The engine's own descriptor `fd` */
static __always_inline struct file *engine_file(__u32 fd)
{
	struct task_struct *self = bpf_get_current_task_btf();
	struct fdtable *fdt = BPF_CORE_READ(self, files, fdt);
	struct file **table = BPF_CORE_READ(fdt, fd);
	struct file *file = NULL;

	if (fd >= BPF_CORE_READ(fdt, max_fds))
		return NULL;
	bpf_probe_read_kernel(&file, sizeof(file), &table[fd]);
	return file;
}

static __always_inline __u32 file_path(struct file_scratch *scratch, struct file *file,
				       const struct mf_tag *tag)
{
	path_of(path_in(file), &scratch->path);
	scratch->file.path_flags = scratch->path.flags;
	count_path_loss(tag, &scratch->path);
	return path_copy(&scratch->path, scratch->strings, MF_PATH_MAX);
}

/* The open that the kernel does for an exec is asked twice; the second says nothing new. */
static __always_inline bool said_already(const struct mf_question *q, const struct mf_ev_file *file)
{
	bool same = last_exec.tid == q->tid && last_exec.dev == file->dev &&
		    last_exec.ino == file->ino;

	last_exec.tid = q->exec ? q->tid : 0;
	last_exec.dev = file->dev;
	last_exec.ino = file->ino;
	return same && !q->exec;
}

enum { REPORT_FAILED = -1, REPORT_LET = 0, REPORT_REFUSED = 1 };

static __always_inline int file_report(const struct mf_question *q, struct task_struct *task,
				       struct mf_tag *tag)
{
	struct file_scratch *scratch;
	__u32 zero = 0, size;
	struct mf_who who;
	struct file *file;
	__u64 stamp;
	bool in_exec, refused;

	stamp = stamp_of(tag);
	scratch = bpf_map_lookup_elem(&file_scratch, &zero);
	file = engine_file(q->fd);
	if (stamp == MF_NO_STAMP || !scratch || !file)
		return REPORT_FAILED;
	who_of(task, tag, &who);
	gap_check(task, tag, &who, stamp);
	in_exec = open_flags_of(task, &scratch->file);
	scratch->file.dev = BPF_CORE_READ(file, f_inode, i_sb, s_dev);
	scratch->file.ino = BPF_CORE_READ(file, f_inode, i_ino);
	scratch->file.mode = BPF_CORE_READ(file, f_inode, i_mode);
	if (said_already(q, &scratch->file) && in_exec)
		return REPORT_LET;
	scratch->file.path_len = file_path(scratch, file, tag);
	refused = open_decided(&scratch->deciding, &scratch->path, tag, task, &scratch->file,
			       q->exec);
	size = sizeof(scratch->event) + sizeof(scratch->file) + scratch->file.path_len;
	event_fill(&scratch->event, q->exec ? MF_EV_OPEN_EXEC : MF_EV_OPEN, size, stamp, &who);
	scratch->event.decision = scratch->deciding.out;
	barrier_var(size);
	if (size > sizeof(scratch->event) + sizeof(scratch->file) + sizeof(scratch->strings))
		return REPORT_FAILED;
	event_output(&scratch->event, size, !refused, tag);
	return refused ? REPORT_REFUSED : REPORT_LET;
}

static __always_inline void question_answer(struct mf_question *q, struct task_struct *task)
{
	struct mf_tag *tag = tag_of(task);
	__u32 refused = 0;
	__s32 error = 0;
	int report;

	if (!tag)
		return;
	report = file_report(q, task, tag);
	if (report == REPORT_FAILED) {
		error = -5; /* EIO */
		refused = tag->flags & MF_TAGF_POLICY;
	} else if (report == REPORT_REFUSED) {
		refused = 1;
	}
	q->session = tag->session;
	q->error = error;
	q->refused = refused;
}

SEC("syscall")
int file_question(struct mf_question *q)
{
	struct mf_question asked_here = { .tid = q->tid, .fd = q->fd, .exec = q->exec };
	struct task_struct *task = task_from(asked_here.tid);

	if (task) {
		question_answer(&asked_here, task);
		bpf_task_release(task);
	} else {
		asked_here.error = -3; /* ESRCH */
	}
	/* in one place: the verifier takes no address within it that may be one of two */
	q->session = asked_here.session;
	q->error = asked_here.error;
	q->refused = asked_here.refused;
	return 0;
}

/* The same for kernels that cannot look a task up in a `syscall` program: a task iterator over one
 * tid (6.1) that the engine reads. The question stands here, both ways. */
struct mf_question asked = {};

SEC("iter/task")
int file_question_iter(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;

	if (!task)
		return 0;
	asked.error = 0;
	asked.refused = 0;
	question_answer(&asked, task);
	return 0;
}

/* `live` is zero when the task is dead or of no session. */
static __always_inline void who_answer(struct mf_change_question *q, const struct mf_who *live,
				       __u32 fits)
{
	struct mf_who *gone;
	__u32 tid = q->tid;

	gone = bpf_map_lookup_elem(&dead, &tid);
	/* dead before the queue was last empty: whatever it did has been read. And the same process
	 * twice is no doubt: another thread of it, or itself on its way out. */
	if (gone && gone->exit_ns >= q->since_ns &&
	    !(fits == MF_FITS_LIVE && gone->pid == live->pid && gone->start_ns == live->start_ns)) {
		q->gone = *gone;
		fits = (fits & MF_FITS_LIVE) | MF_FITS_GONE;
	}
	if (gone && gone->earlier_ns && gone->earlier_ns >= q->since_ns)
		fits |= MF_FITS_EARLIER;
	q->fits = fits;
}

SEC("syscall")
int change_who(struct mf_change_question *q)
{
	struct task_struct *task;
	struct mf_who live = {};
	struct mf_tag *tag;
	__u32 fits = 0;

	task = task_from(q->tid);
	if (!task) {
		who_answer(q, &live, MF_FITS_NONE);
		return 0;
	}
	tag = tag_of(task);
	if (tag) {
		who_of(task, tag, &live);
		q->live = live;
		fits = MF_FITS_LIVE;
	}
	bpf_task_release(task);
	who_answer(q, &live, fits);
	return 0;
}

/* For kernels that cannot look a task up in a `syscall` program: an iterator over one tid (6.1) for
 * the living, then change_gone for the dead. */
struct mf_change_question asked_who = {};

SEC("iter/task")
int change_who_iter(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct mf_who live = {};
	struct mf_tag *tag;

	if (!task)
		return 0;
	asked_who.fits = 0;
	tag = tag_of(task);
	if (tag) {
		who_of(task, tag, &live);
		asked_who.live = live;
		asked_who.fits = MF_FITS_LIVE;
	}
	return 0;
}

/* The dead half of the question; without a task there is no round of the iterator. */
SEC("syscall")
int change_gone(struct mf_change_question *q)
{
	struct mf_who live = {};
	__u32 fits = q->fits;

	live.pid = q->live.pid;
	live.start_ns = q->live.start_ns;
	who_answer(q, &live, fits);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
