/* SPDX-License-Identifier: BSD-2-Clause */
#include "fake_engine.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "engine/engine.h"

#define SLOTS 64

struct fake_engine fake_engine;

struct engine {
	int ring_fd, counters_fd, event_fd;
	struct {
		uint64_t id;
		pid_t pid;
	} slots[SLOTS];
};

int engine_open(const struct engine_options *options, struct engine **ret_engine,
		uint32_t *ret_detail)
{
	struct engine *engine;

	if (fake_engine.open_error) {
		*ret_detail = fake_engine.open_detail;
		return fake_engine.open_error;
	}
	engine = calloc(1, sizeof(*engine));
	engine->ring_fd = memfd_create("ring", MFD_CLOEXEC);
	engine->counters_fd = memfd_create("counters", MFD_CLOEXEC);
	engine->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	fake_engine.opened++;
	*ret_engine = engine;
	return 0;
}

void engine_close(struct engine *engine)
{
	close_fd(engine->ring_fd);
	close_fd(engine->counters_fd);
	close_fd(engine->event_fd);
	free(engine);
	fake_engine.closed++;
}

enum mf_engine engine_kind(const struct engine *engine)
{
	return MF_ENGINE_TRACE;
}

const char *engine_strerror(const struct engine *engine)
{
	return "";
}

int engine_ring_fd(const struct engine *engine)
{
	return engine->ring_fd;
}

uint32_t engine_ring_bytes(const struct engine *engine)
{
	return 1 << 20;
}

int engine_counters_fd(const struct engine *engine)
{
	return engine->counters_fd;
}

static int slot_of(const struct engine *engine, uint64_t id)
{
	for (int i = 0; i < SLOTS; i++) {
		if (engine->slots[i].id == id)
			return i;
	}
	return -1;
}

int engine_session_add(struct engine *engine, const struct engine_session *session,
		       struct engine_session_result *ret_result, uint32_t *ret_detail)
{
	int slot = slot_of(engine, 0);

	if (fake_engine.add_error || slot < 0) {
		*ret_detail = MF_D_TAG;
		return fake_engine.add_error ? fake_engine.add_error : -ENOSPC;
	}
	engine->slots[slot].id = session->id;
	engine->slots[slot].pid = session->pid;
	fake_engine.added++;
	*ret_result = (struct engine_session_result){
		.slot = (uint32_t)slot,
		.coverage = MF_COV_LINEAGE | (session->own_mntns ? MF_COV_FILES : 0),
		.mounts = 3,
		.root_start_ns = 1,
		.page_fd = memfd_create("page", MFD_CLOEXEC),
	};
	return 0;
}

void engine_session_remove(struct engine *engine, uint64_t id)
{
	int slot = slot_of(engine, id);

	if (slot >= 0) {
		engine->slots[slot].id = 0;
		fake_engine.removed++;
	}
}

int engine_session_policy(struct engine *engine, uint64_t id, const struct engine_policy *policy)
{
	if (slot_of(engine, id) < 0)
		return -ENOENT;
	if (fake_engine.policy_error)
		return fake_engine.policy_error;
	fake_engine.policies++;
	return 0;
}

int engine_session_mode(struct engine *engine, uint64_t id, enum mf_pol_mode mode)
{
	if (slot_of(engine, id) < 0)
		return -ENOENT;
	fake_engine.mode = mode;
	return 0;
}

int engine_has_task(const struct engine *engine, int pidfd)
{
	return fake_engine.has_every_task;
}

void engine_expect(struct engine *engine, uint64_t id)
{
	fake_engine.expected = id;
}

void engine_settle(struct engine *engine)
{
}

uint64_t engine_session_stamp(const struct engine *engine, uint64_t id)
{
	return 0x10002;
}

int engine_session_counters(const struct engine *engine, uint64_t id,
			    struct mf_session_counters *ret_counters)
{
	*ret_counters = (struct mf_session_counters){ .session = id, .events = 5, .tasks = 1 };
	return 0;
}

/* Whether `pid` lives in session `sid`; its name. */
static bool tagged(const char *pid, pid_t sid, char *comm, size_t size)
{
	_cleanup_file_ FILE *file = NULL;
	char path[300], name[64] = "", state = 'Z';
	int ppid, pgrp, session = 0;

	snprintf(path, sizeof(path), "/proc/%s/stat", pid);
	file = fopen(path, "re");
	if (!file ||
	    fscanf(file, "%*d (%63[^)]) %c %d %d %d", name, &state, &ppid, &pgrp, &session) != 5)
		return false;
	snprintf(comm, size, "%.15s", name);
	return state != 'Z' && state != 'X' && session == sid;
}

int engine_session_tasks(struct engine *engine, uint64_t id,
			 void (*each)(const struct engine_task *task, void *data), void *data)
{
	int slot = slot_of(engine, id), count = 0;
	DIR *dir = opendir("/proc");
	struct dirent *entry;

	while (dir && slot >= 0 && !fake_engine.hide_tasks && (entry = readdir(dir))) {
		struct engine_task task = { .birth = 0x20001 };

		if (!isdigit((unsigned char)entry->d_name[0]) ||
		    !tagged(entry->d_name, engine->slots[slot].pid, task.comm, sizeof(task.comm)))
			continue;
		task.pid = (uint32_t)atoi(entry->d_name);
		each(&task, data);
		count++;
	}
	if (dir)
		closedir(dir);
	return count;
}

int engine_fd(const struct engine *engine)
{
	return engine->event_fd;
}

int engine_dispatch(struct engine *engine)
{
	uint64_t count;

	return read(engine->event_fd, &count, sizeof(count)) < 0 ? -errno : 0;
}

int engine_drain(struct engine *engine)
{
	fake_engine.drained++;
	return 0;
}

void engine_stats(const struct engine *engine, struct mf_stats *stats)
{
	stats->file_questions += 11;
}

int engine_doctor(struct engine_hook_report **ret_rows)
{
	*ret_rows = NULL;
	return 0;
}
