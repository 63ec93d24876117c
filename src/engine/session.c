/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A session in the engine: its slot, page, tag, marks and links.
 */

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "engine/state.h"
#include "engine/watch.h"
#include "mcpfloor.skel.h"

#define SLOTS_ROUND 64 /* few, so that a look at every session stays short */

struct session *session_find(const struct engine *engine, uint64_t id)
{
	uint32_t slot;

	for (slot = 0; slot < engine->sessions_top; slot++) {
		if (engine->sessions[slot] && engine->sessions[slot]->id == id)
			return engine->sessions[slot];
	}
	return NULL;
}

uint64_t session_stamp(const struct session *session)
{
	return __atomic_load_n(&session->page->stamp, __ATOMIC_ACQUIRE);
}

void session_lose(struct engine *engine, const struct session *session, enum mf_loss reason)
{
	session_lose_many(engine, session, reason, 1);
}

void session_lose_many(struct engine *engine, const struct session *session, enum mf_loss reason,
		       uint64_t count)
{
	__atomic_fetch_add(&engine->counters[session->slot].lost[reason], count, __ATOMIC_RELAXED);
}

static int take_page(struct engine *engine, struct session *session)
{
	void *map;
	int error;

	error = pages_take(&engine->pages, session->id, &session->page_fd);
	if (error)
		return error;
	map = mmap(NULL, MF_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, session->page_fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	session->page = map;
	session->page->version = MF_ABI_VERSION;
	session->page->session = session->id;
	return 0;
}

/* The number that /proc/self/fdinfo has for it: the pid in our pid namespace. */
static int pid_of_pidfd(int pidfd, pid_t *ret_pid)
{
	_cleanup_file_ FILE *file = NULL;
	char path[64], line[128];
	int pid;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "Pid: %d", &pid) == 1) {
			if (pid <= 0)
				return -ESRCH;
			*ret_pid = pid;
			return 0;
		}
	}
	return -EBADF;
}

static int tag_root(struct engine *engine, const struct session *session,
		    const struct engine_session *wanted, uint64_t *ret_start_ns)
{
	struct mf_change_question q = { .tid = wanted->pid };
	struct mf_task kept = { .tag = { .session = session->id,
					 .slot = session->slot,
					 .flags = policies_flags(engine, session) } };
	pid_t pid = -1;
	int error;

	error = pid_of_pidfd(wanted->pidfd, &pid);
	if (error)
		return error;
	if (pid != wanted->pid)
		return -ESRCH;
	if (bpf_map_update_elem(bpf_map__fd(engine->bpf->maps.tags), &wanted->pidfd, &kept,
				BPF_NOEXIST))
		return -errno;
	__atomic_fetch_add(&engine->counters[session->slot].tasks, 1, __ATOMIC_RELAXED);
	error = ask_who(engine, &q);
	if (error)
		return error;
	if (!(q.fits & MF_FITS_LIVE) || q.live.tag.session != session->id)
		return -ESRCH;
	*ret_start_ns = q.live.start_ns;
	return 0;
}

/* Its mounts, by the process's root directory and mount table; both stay ours to read when the
 * process is dead. */
static int watch_mounts(struct engine *engine, struct session *session, pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/root", pid);
	session->root_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (session->root_fd < 0)
		return -errno;
	snprintf(path, sizeof(path), "/proc/%d/mountinfo", pid);
	session->mountinfo_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (session->mountinfo_fd < 0)
		return -errno;
	session->mounts_wake_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (session->mounts_wake_fd < 0)
		return -errno;
	return engine_watch(engine, session->mounts_wake_fd, EPOLLPRI, WATCH_MOUNTS, session->slot);
}

/* For the programs: who is elsewhere is not watched (src/bpf/gap.h). */
static int note_namespace(struct engine *engine, const struct session *session, pid_t pid)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", pid);
	if (stat(path, &st))
		return -errno;
	__atomic_store_n(&engine->counters[session->slot].mount_ns, st.st_ino, __ATOMIC_RELEASE);
	return 0;
}

static void session_free(struct engine *engine, struct session *session)
{
	if (!session)
		return;
	hooks_detach_cgroup(session);
	if (session->mountinfo_fd >= 0)
		mounts_unmark(engine, session);
	changes_unmark(engine, session);
	policies_clear(engine, session);
	if (session->page)
		munmap(session->page, MF_PAGE_SIZE);
	if (session->page_fd >= 0)
		pages_drop(&engine->pages, session->id);
	close_fd(session->page_fd);
	close_fd(session->root_fd);
	close_fd(session->mountinfo_fd);
	close_fd(session->mounts_wake_fd);
	if (engine->sessions[session->slot] == session) {
		/* its counters stay: the recorder has records to close yet, and they say what was
		 * lost */
		engine->sessions[session->slot] = NULL;
		while (engine->sessions_top && !engine->sessions[engine->sessions_top - 1])
			engine->sessions_top--;
		if (!--engine->sessions_count)
			hooks_detach(engine);
	}
	free(session->mount_ids);
	free(session);
}

static int slot_take(struct engine *engine, struct session *session)
{
	struct mf_session_counters *counters;
	uint32_t slot = engine->slot_next, tried = 0;
	int error;

	/* round and round, so that a dead session's counters are overwritten as late as can be */
	while (tried < MF_SESSIONS_MAX && engine->sessions[slot]) {
		slot = (slot + 1) % MF_SESSIONS_MAX;
		tried++;
	}
	if (tried == MF_SESSIONS_MAX)
		return -EUSERS;
	engine->slot_next = (slot + 1) % SLOTS_ROUND;
	if (!engine->sessions_count) {
		error = hooks_attach(engine);
		if (error)
			return error;
	}
	misses_count(engine); /* of before are not its */
	session->slot = slot;
	engine->sessions[slot] = session;
	engine->sessions_count++;
	if (slot >= engine->sessions_top)
		engine->sessions_top = slot + 1;
	counters = &engine->counters[slot];
	memset(counters, 0, sizeof(*counters));
	__atomic_store_n(&counters->session, session->id, __ATOMIC_RELEASE);
	return 0;
}

static uint32_t coverage_of(struct engine *engine, const struct session *session, bool net)
{
	uint32_t coverage = hooks_coverage(engine);

	if (session->mounts && !engine->opens_error)
		coverage |= MF_COV_FILES;
	if (session->sbs_count && !engine->changes_error && !engine->hook_error[HOOK_EVENT_PASS])
		coverage |= MF_COV_CHANGES;
	if (net)
		coverage |= MF_COV_NET;
	return coverage | policies_refuse(engine, session, coverage);
}

static int session_fill(struct engine *engine, struct session *session,
			const struct engine_session *wanted,
			struct engine_session_result *ret_result, uint32_t *ret_detail)
{
	struct engine_session_result result = {};
	bool net = false;
	int error;

	*ret_detail = MF_D_TOO_MANY;
	error = slot_take(engine, session);
	if (error) {
		if (error != -EUSERS)
			*ret_detail = MF_D_ENGINE;
		else
			engine_say(engine, "too many sessions: the limit is %d", MF_SESSIONS_MAX);
		return error;
	}
	*ret_detail = MF_D_ENGINE;
	error = take_page(engine, session);
	if (error) {
		engine_say(engine, "the session's page cannot be made: %s", strerror(-error));
		return error;
	}
	if (engine->kind == MF_ENGINE_TRACE && wanted->cgroup_fd >= 0)
		net = !hooks_attach_cgroup(engine, session, wanted->cgroup_fd);
	if (engine->kind == MF_ENGINE_TRACE && wanted->own_mntns && mounts_are_own(wanted->pid)) {
		error = watch_mounts(engine, session, wanted->pid);
		if (!error)
			error = mounts_mark(engine, session, false);
		if (!error && session->mounts)
			error = note_namespace(engine, session, wanted->pid);
		if (error) {
			engine_say(engine, "the mounts of process %d cannot be read: %s",
				   wanted->pid, strerror(-error));
			return error;
		}
	}
	error = wanted->policy && policies_decide(engine)
			? policies_set(engine, session, wanted->policy)
			: 0;
	if (error) {
		engine_say(engine, "the policy cannot be put into the kernel: %s",
			   strerror(-error));
		return error;
	}
	*ret_detail = MF_D_TAG;
	error = tag_root(engine, session, wanted, &result.root_start_ns);
	if (error) {
		engine_say(engine, "process %d cannot be tagged: %s", wanted->pid,
			   strerror(-error));
		return error;
	}
	result.page_fd = fcntl(session->page_fd, F_DUPFD_CLOEXEC, 3);
	if (result.page_fd < 0)
		return -errno;
	result.slot = session->slot;
	result.coverage = coverage_of(engine, session, net);
	result.mounts = session->mounts;
	result.mounts_unmarked = session->mounts_unmarked;
	*ret_result = result;
	*ret_detail = MF_D_NONE;
	return 0;
}

/* A failed session must not leave its tag: the process may run on without us. */
static void untag_root(struct engine *engine, int pidfd)
{
	bpf_map_delete_elem(bpf_map__fd(engine->bpf->maps.tags), &pidfd);
}

int engine_session_add(struct engine *engine, const struct engine_session *wanted,
		       struct engine_session_result *ret_result, uint32_t *ret_detail)
{
	struct session *session;
	int error;

	if (!wanted->id || session_find(engine, wanted->id)) {
		*ret_detail = MF_D_ENGINE;
		return -EEXIST;
	}
	session = calloc(1, sizeof(*session));
	if (!session) {
		*ret_detail = MF_D_ENGINE;
		return -ENOMEM;
	}
	session->id = wanted->id;
	session->page_fd = session->root_fd = -1;
	session->mountinfo_fd = session->mounts_wake_fd = -1;
	error = session_fill(engine, session, wanted, ret_result, ret_detail);
	if (error) {
		if (*ret_detail == MF_D_TAG && error != -EEXIST)
			untag_root(engine, wanted->pidfd);
		session_free(engine, session);
	}
	return error;
}

void engine_session_remove(struct engine *engine, uint64_t id)
{
	session_free(engine, session_find(engine, id));
}

void engine_expect(struct engine *engine, uint64_t id)
{
	pages_expect(&engine->pages, id);
}

void engine_settle(struct engine *engine)
{
	aside_wait(&engine->pages.change);
	hooks_settle(engine);
}

uint64_t engine_session_stamp(const struct engine *engine, uint64_t id)
{
	const struct session *session = session_find(engine, id);

	return session ? session_stamp(session) : 0;
}

int engine_session_counters(const struct engine *engine, uint64_t id,
			    struct mf_session_counters *ret_counters)
{
	const struct session *session = session_find(engine, id);

	if (!session)
		return -ENOENT;
	*ret_counters = engine->counters[session->slot];
	return 0;
}

int engine_has_task(const struct engine *engine, int pidfd)
{
	struct mf_task kept;

	if (!bpf_map_lookup_elem(bpf_map__fd(engine->bpf->maps.tags), &pidfd, &kept))
		return 1;
	return errno == ENOENT ? 0 : -errno;
}

int engine_session_tasks(struct engine *engine, uint64_t id,
			 void (*each)(const struct engine_task *task, void *data), void *data)
{
	_cleanup_fd_ int iter_fd = -1;
	struct mf_live live[64];
	struct bpf_link *link;
	int count = 0;
	ssize_t size;

	if (engine->hook_error[HOOK_SESSION_TASKS])
		return engine->hook_error[HOOK_SESSION_TASKS];
	engine->bpf->bss->tasks_session = id;
	link = bpf_program__attach_iter(engine->bpf->progs.session_tasks, NULL);
	if (!link)
		return -errno;
	iter_fd = bpf_iter_create(bpf_link__fd(link));
	bpf_link__destroy(link);
	if (iter_fd < 0)
		return -errno;
	while ((size = read(iter_fd, live, sizeof(live))) > 0) {
		size_t i, n = (size_t)size / sizeof(live[0]);

		for (i = 0; i < n; i++) {
			struct engine_task task = { .pid = live[i].pid, .birth = live[i].birth };

			memcpy(task.comm, live[i].comm, sizeof(task.comm));
			each(&task, data);
			count++;
		}
	}
	return size < 0 ? -errno : count;
}
