/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The questions about a task: by a `syscall` program where the kernel can look tasks up there
 * (6.2), else by an iterator over the one task (6.1), which costs some system calls more.
 */

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <string.h>
#include <sys/syscall.h>

#include "engine/state.h"
#include "mcpfloor.skel.h"

/* One round of the iterator program over `tid`. A task that is not there is no error. */
static int run_iter(struct engine *engine, enum hook_id id, uint32_t tid)
{
	union bpf_iter_link_info info = { .task.tid = tid };
	LIBBPF_OPTS(bpf_link_create_opts, opts, .iter_info = &info, .iter_info_len = sizeof(info));
	_cleanup_fd_ int link_fd = -1, iter_fd = -1;
	char nothing[64];

	if (engine->hook_error[id])
		return engine->hook_error[id];
	link_fd = bpf_link_create(engine->program_fds[id], 0, BPF_TRACE_ITER, &opts);
	if (link_fd < 0)
		return -errno;
	iter_fd = bpf_iter_create(link_fd);
	if (iter_fd < 0)
		return -errno;
	return read(iter_fd, nothing, sizeof(nothing)) < 0 ? -errno : 0;
}

int ask_file(struct engine *engine, struct mf_question *q)
{
	int error;

	if (!engine->ask_by_iter)
		return engine_run(engine, HOOK_FILE_QUESTION, q, sizeof(*q));
	q->error = -ESRCH; /* stays where there is no such task */
	engine->bpf->bss->asked = *q;
	error = run_iter(engine, HOOK_FILE_QUESTION_ITER, q->tid);
	*q = engine->bpf->bss->asked;
	return error;
}

int ask_who(struct engine *engine, struct mf_change_question *q)
{
	int error;

	if (!engine->ask_by_iter)
		return engine_run(engine, HOOK_CHANGE_WHO, q, sizeof(*q));
	q->fits = MF_FITS_NONE;
	engine->bpf->bss->asked_who = *q;
	error = run_iter(engine, HOOK_CHANGE_WHO_ITER, q->tid);
	*q = engine->bpf->bss->asked_who;
	return error ? error : engine_run(engine, HOOK_CHANGE_GONE, q, sizeof(*q));
}

/* Asks about ourselves: a kernel without the look-up finds nobody. */
void ask_probe(struct engine *engine, bool by_iter)
{
	struct mf_change_question q = { .tid = (uint32_t)syscall(SYS_gettid) };

	engine->ask_by_iter = by_iter || engine_run(engine, HOOK_CHANGE_WHO, &q, sizeof(q)) ||
			      (q.fits & MF_FITS_NONE);
	if (!engine->ask_by_iter)
		return;
	engine->hook_error[HOOK_FILE_QUESTION] = -EOPNOTSUPP;
	engine->hook_error[HOOK_CHANGE_WHO] = -EOPNOTSUPP;
}
