/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of hooks, and how they are attached: those that see the whole machine while a session
 * lives, and those of a cgroup, with the first session that has one.
 */

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/state.h"
#include "mcpfloor.skel.h"

const struct hook hooks[] = {
	[HOOK_TASK_NEWTASK] = { .program = "task_newtask",
				.hook = "tp_btf/task_newtask",
				.kind = HOOK_TRACING,
				.required = true,
				.what = "lineage: who was born of whom",
				.consequence = "no session can be opened",
				.remedy = "a kernel 5.12 or later with CONFIG_DEBUG_INFO_BTF and "
					  "CONFIG_BPF_EVENTS" },
	[HOOK_PROCESS_EXEC] = { .program = "sched_process_exec",
				.hook = "tp_btf/sched_process_exec",
				.kind = HOOK_TRACING,
				.required = true,
				.what = "exec: file and arguments",
				.consequence = "no session can be opened",
				.remedy = "as above" },
	[HOOK_PROCESS_EXIT] = { .program = "sched_process_exit",
				.hook = "tp_btf/sched_process_exit",
				.kind = HOOK_TRACING,
				.required = true,
				.what = "end of a process",
				.consequence = "no session can be opened",
				.remedy = "as above" },
	[HOOK_CONNECT4] = { .program = "connect4",
			    .hook = "cgroup/connect4",
			    .kind = HOOK_CGROUP,
			    .what = "connect() asked for, IPv4",
			    .consequence = "connections are seen only when a SYN leaves",
			    .remedy = "a kernel with CONFIG_CGROUP_BPF and cgroup v2 mounted" },
	[HOOK_CONNECT6] = { .program = "connect6",
			    .hook = "cgroup/connect6",
			    .kind = HOOK_CGROUP,
			    .what = "connect() asked for, IPv6",
			    .consequence = "connections are seen only when a SYN leaves",
			    .remedy = "as above" },
	[HOOK_SENDMSG4] = { .program = "sendmsg4",
			    .hook = "cgroup/sendmsg4",
			    .kind = HOOK_CGROUP,
			    .what = "datagrams with an address, IPv4",
			    .consequence = "UDP without connect() is not seen",
			    .remedy = "as above" },
	[HOOK_SENDMSG6] = { .program = "sendmsg6",
			    .hook = "cgroup/sendmsg6",
			    .kind = HOOK_CGROUP,
			    .what = "datagrams with an address, IPv6",
			    .consequence = "UDP without connect() is not seen",
			    .remedy = "as above" },
	[HOOK_BIND4] = { .program = "bind4",
			 .hook = "cgroup/bind4",
			 .kind = HOOK_CGROUP,
			 .what = "bind(), IPv4",
			 .consequence = "bind() is not seen",
			 .remedy = "as above" },
	[HOOK_BIND6] = { .program = "bind6",
			 .hook = "cgroup/bind6",
			 .kind = HOOK_CGROUP,
			 .what = "bind(), IPv6",
			 .consequence = "bind() is not seen",
			 .remedy = "as above" },
	[HOOK_SOCK_STATE] = { .program = "inet_sock_set_state",
			      .hook = "tp_btf/inet_sock_set_state",
			      .kind = HOOK_TRACING,
			      .what = "what TCP really did: SYN, open, fail, listen",
			      .consequence = "whether a connection came about is not known",
			      .remedy = "" },
	[HOOK_FILE_QUESTION] = { .program = "file_question",
				 .hook = "syscall/file_question",
				 .kind = HOOK_RUN,
				 .what = "who opens a file",
				 .consequence = "opens are not seen",
				 .remedy = "a kernel 6.2 or later (bpf_task_from_pid)" },
	[HOOK_CHANGE_WHO] = { .program = "change_who",
			      .hook = "syscall/change_who",
			      .kind = HOOK_RUN,
			      .what = "who changed a file",
			      .consequence = "a slower way is used: iter/task by tid",
			      .remedy = "a kernel 6.2 or later (bpf_task_from_pid)" },
	[HOOK_EVENT_PASS] = { .program = "event_pass",
			      .hook = "syscall/event_pass",
			      .kind = HOOK_RUN,
			      .what = "changes of files into the ring",
			      .consequence = "changes of files are not seen",
			      .remedy = "a kernel 5.14 or later" },
	[HOOK_ENGINE_LEVEL] = { .program = "engine_level",
				.hook = "syscall/engine_level",
				.kind = HOOK_RUN,
				.what = "the engine's pid namespace",
				.consequence =
					"the engine cannot run in a pid namespace of its own",
				.remedy = "a kernel 5.14 or later" },
	[HOOK_SESSION_TASKS] = { .program = "session_tasks",
				 .hook = "iter/task",
				 .kind = HOOK_ITER,
				 .what = "finds what is left of a session",
				 .consequence =
					 "processes that left the session's cgroup outlive it",
				 .remedy = "" },
	[HOOK_FILE_QUESTION_ITER] = { .program = "file_question_iter",
				      .hook = "iter/task (open)",
				      .kind = HOOK_ITER,
				      .what = "who opens a file, where the kernel has no look-up "
					      "of tasks",
				      .consequence = "with syscall/file_question missing too, "
						     "opens are not seen",
				      .remedy = "a kernel 6.1 or later" },
	[HOOK_CHANGE_WHO_ITER] = { .program = "change_who_iter",
				   .hook = "iter/task (change)",
				   .kind = HOOK_ITER,
				   .what = "who changed a file, where the kernel has no look-up of "
					   "tasks",
				   .consequence = "with syscall/change_who missing too, no session "
						  "can be opened",
				   .remedy = "a kernel 6.1 or later" },
	[HOOK_CHANGE_GONE] = { .program = "change_gone",
			       .hook = "syscall/change_gone",
			       .kind = HOOK_RUN,
			       .what = "which dead process changed a file",
			       .consequence = "with syscall/change_who missing too, no session can "
					      "be opened",
			       .remedy = "a kernel 5.14 or later" },
};

_Static_assert(ARRAY_LEN(hooks) == HOOK_MAX, "one row per hook");

#define CGROUP_DEPTH_MAX 128

static const enum hook_id cgroup_hooks[] = { HOOK_CONNECT4, HOOK_CONNECT6, HOOK_SENDMSG4,
					     HOOK_SENDMSG6, HOOK_BIND4,	   HOOK_BIND6 };

_Static_assert(ARRAY_LEN(cgroup_hooks) == CGROUP_LINKS, "a link for each");

static struct bpf_program *program_of(const struct engine *engine, enum hook_id id)
{
	return bpf_object__find_program_by_name(engine->bpf->obj, hooks[id].program);
}

static void detach_all(struct bpf_link **links)
{
	size_t i;

	for (i = 0; i < CGROUP_LINKS; i++) {
		bpf_link__destroy(links[i]);
		links[i] = NULL;
	}
}

int hooks_attach(struct engine *engine)
{
	int id;

	for (id = 0; id < HOOK_MAX; id++) {
		if (hooks[id].kind != HOOK_TRACING || engine->hook_error[id])
			continue;
		engine->links[id] = bpf_program__attach(program_of(engine, id));
		if (!engine->links[id] && hooks[id].required) {
			int error = -errno;

			hooks_detach(engine);
			engine_say(engine, "%s cannot be attached: %s", hooks[id].hook,
				   strerror(-error));
			return error;
		}
	}
	return 0;
}

void hooks_detach(struct engine *engine)
{
	int id;

	for (id = 0; id < HOOK_MAX; id++) {
		bpf_link__destroy(engine->links[id]);
		engine->links[id] = NULL;
	}
	detach_all(engine->top_links);
}

/* All of them or none: a session whose network is seen by half is not said to be covered. */
static int attach_all(struct engine *engine, int cgroup_fd, struct bpf_link **links)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(cgroup_hooks); i++) {
		enum hook_id id = cgroup_hooks[i];
		int error = engine->hook_error[id];

		if (!error) {
			links[i] = bpf_program__attach_cgroup(program_of(engine, id), cgroup_fd);
			error = links[i] ? 0 : -errno;
		}
		if (error) {
			detach_all(links);
			return error;
		}
	}
	return 0;
}

/* The uppermost cgroup that can be seen from here */
static int cgroup_top(int cgroup_fd)
{
	_cleanup_fd_ int fd = fcntl(cgroup_fd, F_DUPFD_CLOEXEC, 3);
	struct statx st;
	int up, i;

	for (i = 0; fd >= 0 && i < CGROUP_DEPTH_MAX; i++) {
		if (statx(fd, "", AT_EMPTY_PATH, 0, &st))
			return -errno;
		if (st.stx_attributes & STATX_ATTR_MOUNT_ROOT)
			return take_fd(&fd);
		up = openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (up < 0)
			return -errno;
		close_fd(fd);
		fd = up;
	}
	return -ELOOP;
}

/*
 * The kernel asks at the cgroup that a socket was made in, which is not the session's for one that
 * was inherited or sent, nor for those of a task that left: so the programs hang at the top, and
 * the tag says whose it is. Where the top takes no more of them (64, one guard each), or is another
 * one than the first session's (a part of the tree may be mounted by itself), what stays in the
 * session's cgroup is seen all the same, and the network is not said to be covered.
 */
int hooks_attach_cgroup(struct engine *engine, struct session *session, int cgroup_fd)
{
	_cleanup_fd_ int top = cgroup_top(cgroup_fd);
	struct stat st;
	int error;

	if (top < 0)
		error = top;
	else if (fstat(top, &st))
		error = -errno;
	else if (engine->top_links[0])
		error = st.st_dev == engine->top_dev && st.st_ino == engine->top_ino ? 0 : -EXDEV;
	else
		error = attach_all(engine, top, engine->top_links);
	if (!error) {
		engine->top_dev = st.st_dev;
		engine->top_ino = st.st_ino;
	} else {
		attach_all(engine, cgroup_fd, session->cgroup_links);
	}
	return error;
}

void hooks_detach_cgroup(struct session *session)
{
	detach_all(session->cgroup_links);
}
