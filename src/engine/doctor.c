/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tries every hook for real, each by itself: loads it, attaches or runs it, and takes it away
 * again. Reports what is missing without it.
 */

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <mntent.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/syscall.h>

#include "base/engines.h"
#include "engine/state.h"
#include "mcpfloor.skel.h"

/* The root of a cgroup v2 tree; only looked at for the moment of an attach. */
static int open_cgroup2(void)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	struct mntent *entry;
	int fd = -ENOENT;

	if (!mounts)
		return -errno;
	while (fd < 0 && (entry = getmntent(mounts))) {
		if (strcmp(entry->mnt_type, "cgroup2"))
			continue;
		fd = open(entry->mnt_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			fd = -errno;
	}
	endmntent(mounts);
	return fd;
}

static int try_link(struct bpf_link *link)
{
	if (!link)
		return -errno;
	bpf_link__destroy(link);
	return 0;
}

static int try_tracing(struct mcpfloor_bpf *bpf, struct bpf_program *program)
{
	(void)bpf;
	return try_link(bpf_program__attach(program));
}

static int try_cgroup(struct mcpfloor_bpf *bpf, struct bpf_program *program)
{
	int fd = open_cgroup2(), error;

	(void)bpf;
	if (fd < 0)
		return fd;
	error = try_link(bpf_program__attach_cgroup(program, fd));
	close_fd(fd);
	return error;
}

/* Runs it about this very thread. A look-up that finds nobody is one that the kernel lacks. */
static int try_run(struct mcpfloor_bpf *bpf, struct bpf_program *program)
{
	union {
		struct mf_question question;
		struct mf_change_question change;
		struct mf_pass pass;
	} ctx = { .question.tid = (uint32_t)syscall(SYS_gettid) };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &ctx, .ctx_size_in = sizeof(ctx));

	if (bpf_prog_test_run_opts(bpf_program__fd(program), &opts))
		return -errno;
	if (program == bpf->progs.file_question && ctx.question.error == -ESRCH)
		return -EOPNOTSUPP;
	if (program == bpf->progs.change_who && (ctx.change.fits & MF_FITS_NONE))
		return -EOPNOTSUPP;
	return 0;
}

static int try_iter(struct mcpfloor_bpf *bpf, struct bpf_program *program)
{
	union bpf_iter_link_info info = { .task.tid = (uint32_t)syscall(SYS_gettid) };
	LIBBPF_OPTS(bpf_iter_attach_opts, opts, .link_info = &info, .link_info_len = sizeof(info));

	return try_link(bpf_program__attach_iter(
		program, program == bpf->progs.session_tasks ? NULL : &opts));
}

static int (*const tries[])(struct mcpfloor_bpf *bpf, struct bpf_program *program) = {
	[HOOK_TRACING] = try_tracing,
	[HOOK_CGROUP] = try_cgroup,
	[HOOK_RUN] = try_run,
	[HOOK_ITER] = try_iter,
};

static int try_hook(enum hook_id id)
{
	struct mcpfloor_bpf *bpf = NULL;
	bool use[HOOK_MAX] = {};
	int error;

	use[id] = true;
	error = engine_load_some(use, 4096, -1, &bpf);
	if (error)
		return error;
	error = tries[hooks[id].kind](
		bpf, bpf_object__find_program_by_name(bpf->obj, hooks[id].program));
	mcpfloor_bpf__destroy(bpf);
	return error;
}

static int try_opens(void)
{
	struct engine engine = { .opens_fd = -1 };
	int error = opens_open(&engine);

	close_fd(engine.opens_fd);
	return error;
}

static int try_changes(void)
{
	struct engine engine = { .changes_fd = -1 };
	int error = changes_open(&engine);

	close_fd(engine.changes_fd);
	return error;
}

/* Devices and FIFOs are opened unseen on every kernel: see opens_open(). */
static int try_special(void)
{
	return -EOPNOTSUPP;
}

static const struct {
	struct engine_hook_report row;
	int (*try)(void);
} others[] = {
	{ { .hook = "fanotify/open",
	    .what = "opens of files, before they happen",
	    .consequence = "opens are not seen",
	    .remedy = "a kernel with CONFIG_FANOTIFY_ACCESS_PERMISSIONS" },
	  try_opens },
	{ { .hook = "fanotify/changes",
	    .what = "files created, deleted, renamed, attributes",
	    .consequence = "changes of files are not seen",
	    .remedy = "a kernel 5.17 or later" },
	  try_changes },
	{ { .hook = "fanotify/special",
	    .what = "opens of what is no file, directory or link",
	    .consequence =
		    "opens of devices and FIFOs, and on newer kernels of /proc, are not seen",
	    .remedy = "" },
	  try_special },
};

/* Without BTF, or with a libbpf that cannot read it, no program can be tried: the first row says
 * which of the two it is. */
static const struct engine_hook_report no_btf[] = {
	[false] = { .engine = "all",
		    .chosen = true,
		    .hook = "btf",
		    .what = "the kernel's types",
		    .required = true,
		    .error = -ENOENT,
		    .consequence = "no session can be opened",
		    .remedy = "a kernel with CONFIG_DEBUG_INFO_BTF" },
	[true] = { .engine = "all",
		   .chosen = true,
		   .hook = "btf",
		   .what = "the kernel's types: libbpf cannot read them",
		   .required = true,
		   .error = -EINVAL,
		   .consequence = "no session can be opened",
		   .remedy = "a newer libbpf" },
};

static const char *engines_word(uint32_t engines)
{
	uint32_t kind;

	for (kind = MF_ENGINE_TRACE; kind <= MF_ENGINE_KPROBE; kind++) {
		if (engines == 1U << kind)
			return engine_word(kind);
	}
	return "all";
}

int engine_doctor(struct engine_hook_report **ret_rows)
{
	enum mf_engine best = engine_best();
	_cleanup_free_ struct engine_hook_report *rows = NULL;
	struct engine engine = {};
	uint32_t detail = 0;
	int count = 0, btf;
	size_t i;

	rows = calloc(1 + HOOK_MAX + ARRAY_LEN(others), sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	engine_quiet_libbpf();
	btf = engine_check_btf(&engine, &detail);
	if (btf)
		rows[count++] = no_btf[detail == MF_D_LIBBPF];
	for (i = 0; i < HOOK_MAX; i++) {
		rows[count++] = (struct engine_hook_report){
			.engine = engines_word(hooks[i].engines),
			.chosen = engine_has(best, (enum hook_id)i),
			.hook = hooks[i].hook,
			.what = hooks[i].what,
			.required = hooks[i].required,
			.error = btf ? btf : try_hook((enum hook_id)i),
			.consequence = hooks[i].consequence,
			.remedy = hooks[i].remedy,
		};
	}
	for (i = 0; i < ARRAY_LEN(others); i++) {
		rows[count] = others[i].row;
		rows[count].engine = "trace";
		rows[count].chosen = best == MF_ENGINE_TRACE;
		rows[count++].error = others[i].try();
	}
	*ret_rows = take_ptr(rows);
	return count;
}
