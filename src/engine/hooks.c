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

/*
 * A trampoline or a kprobe is taken away by waiting until no task can be in it any more: 50 to 150 ms
 * each, and the kernel does one at a time. Nobody needs to wait for that.
 */
static int detach_leaving(void *data)
{
	struct engine *engine = data;
	int id;

	for (id = 0; id < HOOK_MAX; id++) {
		if (atomic_load(&engine->leaving_stop))
			break;
		bpf_link__destroy(engine->leaving[id]);
		engine->leaving[id] = NULL;
	}
	return 0;
}

/* What has not left yet stays. */
static void leaving_return(struct engine *engine)
{
	atomic_store(&engine->leaving_stop, true);
	aside_wait(&engine->detaching);
	atomic_store(&engine->leaving_stop, false);
	memcpy(engine->links, engine->leaving, sizeof(engine->links));
	memset(engine->leaving, 0, sizeof(engine->leaving));
}

/* Without it no session is opened: it is that for every engine, or was asked for. */
static bool is_required(const struct engine *engine, int id)
{
	return hooks[id].required || (engine->syn_by_kprobe && id == HOOK_PROBE_TCP_CONNECT);
}

int hooks_attach(struct engine *engine)
{
	int id;

	leaving_return(engine);
	for (id = 0; id < HOOK_MAX; id++) {
		if (hooks[id].kind != HOOK_TRACING || engine->hook_error[id] || engine->links[id])
			continue;
		engine->links[id] = bpf_program__attach(program_of(engine, id));
		if (!engine->links[id] && is_required(engine, id)) {
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
	aside_wait(&engine->detaching);
	memcpy(engine->leaving, engine->links, sizeof(engine->leaving));
	memset(engine->links, 0, sizeof(engine->links));
	detach_all(engine->top_links);
	if (engine->kind == MF_ENGINE_TRACE)
		detach_leaving(engine); /* no such wait */
	else
		aside_start(&engine->detaching, detach_leaving, engine);
}

void hooks_settle(struct engine *engine)
{
	aside_wait(&engine->detaching);
}

static bool all_attached(const struct engine *engine, enum hook_id first, enum hook_id last)
{
	int id;

	for (id = first; id <= (int)last; id++) {
		if (engine_has(engine->kind, id) && !engine->links[id])
			return false;
	}
	return true;
}

static const struct {
	uint32_t coverage;
	enum hook_id first, last; /* all those between that the engine has */
} covers[] = {
	{ MF_COV_FILES, HOOK_FILE_OPEN, HOOK_PROBE_FILE_OPEN },
	{ MF_COV_CHANGES, HOOK_PATH_MKNOD, HOOK_PROBE_PATH_TRUNCATE },
	{ MF_COV_NET, HOOK_SOCKET_CONNECT, HOOK_PROBE_SOCKET_BIND },
};

bool hooks_stand_at_ways_out(const struct engine *engine)
{
	return all_attached(engine, HOOK_SOCKET_CREATE, HOOK_FILE_SEND_SIGIOTASK);
}

/* By the hook that was loaded for it, else by the change of state */
static bool syn_is_told(const struct engine *engine)
{
	static const enum hook_id tellers[] = { HOOK_TCP_CONNECT, HOOK_PROBE_TCP_CONNECT };
	size_t i;

	for (i = 0; i < ARRAY_LEN(tellers); i++) {
		if (!engine->hook_error[tellers[i]] && !engine->links[tellers[i]])
			return false;
	}
	return true;
}

uint32_t hooks_coverage(const struct engine *engine)
{
	uint32_t coverage = MF_COV_LINEAGE;
	size_t i;

	if (engine->links[HOOK_SOCK_STATE] && syn_is_told(engine))
		coverage |= MF_COV_TCP;
	for (i = 0; engine->kind != MF_ENGINE_TRACE && i < ARRAY_LEN(covers); i++) {
		if (all_attached(engine, covers[i].first, covers[i].last))
			coverage |= covers[i].coverage;
	}
	return coverage;
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
