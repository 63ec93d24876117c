/* SPDX-License-Identifier: BSD-2-Clause */
#include "guard/leftovers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "guard/cgroup.h"
#include "guard/proc.h"

struct suspect {
	struct engine_task task;
	int pidfd;
	bool confirmed;
};

struct suspects {
	struct suspect *list;
	size_t count, room;
	bool second_pass;
};

static void suspects_free(struct suspects *suspects)
{
	for (size_t i = 0; i < suspects->count; i++)
		close_fd(suspects->list[i].pidfd);
	free(suspects->list);
}

static struct suspect *find(struct suspects *suspects, uint32_t pid)
{
	for (size_t i = 0; i < suspects->count; i++) {
		if (suspects->list[i].task.pid == pid)
			return &suspects->list[i];
	}
	return NULL;
}

static void add(struct suspects *suspects, const struct engine_task *task)
{
	int pidfd;

	if (suspects->count == suspects->room) {
		size_t room = suspects->room ? suspects->room * 2 : 16;
		struct suspect *list;

		if (suspects->count >= LEFTOVERS_ROUND_MAX)
			return;
		list = realloc(suspects->list, room * sizeof(*list));
		if (!list)
			return;
		suspects->list = list;
		suspects->room = room;
	}
	pidfd = pidfd_of((pid_t)task->pid);
	if (pidfd < 0)
		return;
	suspects->list[suspects->count++] = (struct suspect){ .task = *task, .pidfd = pidfd };
}

static void each_task(const struct engine_task *task, void *data)
{
	struct suspects *suspects = data;
	struct suspect *suspect = find(suspects, task->pid);

	if (suspects->second_pass && suspect)
		suspect->confirmed = true;
	else if (!suspects->second_pass && !suspect)
		add(suspects, task);
}

/* In the cgroup without a tag: its birth is not known and its name comes from /proc later. */
static void each_pid(pid_t pid, void *data)
{
	struct engine_task task = { .pid = (uint32_t)pid, .birth = MF_BIRTH_UNKNOWN };

	if (pid > 0)
		each_task(&task, data);
}

static int enumerate(struct engine *engine, uint64_t session, int cgroup_fd,
		     struct suspects *suspects)
{
	int count = engine ? engine_session_tasks(engine, session, each_task, suspects) : 0;

	if (cgroup_fd >= 0)
		cgroup_pids(cgroup_fd, each_pid, suspects);
	return count < 0 ? count : 0;
}

static ssize_t read_link(const char *path, char *target, size_t size)
{
	ssize_t length = readlink(path, target, size);

	return length < 0 ? 0 : length;
}

static void name_exe(int proc, struct mf_leftover *name)
{
	char path[64], target[4096];
	ssize_t length;
	size_t keep = sizeof(name->exe) - 1;

	snprintf(path, sizeof(path), "/proc/%d/exe", proc);
	length = read_link(path, target, sizeof(target));
	if ((size_t)length < keep)
		keep = (size_t)length;
	memcpy(name->exe, target + length - keep, keep);
}

static void name_comm(int proc, struct mf_leftover *name)
{
	_cleanup_fd_ int fd = -1;
	char path[64];
	ssize_t got;

	snprintf(path, sizeof(path), "/proc/%d/comm", proc);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	got = fd < 0 ? 0 : read(fd, name->comm, sizeof(name->comm) - 1);
	if (got > 0 && name->comm[got - 1] == '\n')
		name->comm[got - 1] = '\0';
}

static void name_one(const struct suspect *suspect, struct mf_leftover *ret_name)
{
	struct mf_leftover name = { .pid = suspect->task.pid, .birth = suspect->task.birth };
	struct proc_numbers numbers;

	memcpy(name.comm, suspect->task.comm, sizeof(name.comm));
	if (!proc_numbers(suspect->pidfd, &numbers)) {
		struct mf_leftover seen = name;

		name_exe(numbers.proc, &seen);
		if (!seen.comm[0])
			name_comm(numbers.proc, &seen);
		if (pidfd_alive(suspect->pidfd)) /* else it may be another process's */
			name = seen;
	}
	*ret_name = name;
}

int leftovers_signal(struct engine *engine, uint64_t session, int cgroup_fd, int signo,
		     struct leftovers *ret_leftovers)
{
	_cleanup_(suspects_free) struct suspects suspects = { 0 };
	struct leftovers leftovers = { 0 };
	int err = enumerate(engine, session, cgroup_fd, &suspects);

	if (err)
		return err;
	suspects.second_pass = true;
	if (suspects.count)
		err = enumerate(engine, session, cgroup_fd, &suspects);
	if (err)
		return err;
	for (size_t i = 0; i < suspects.count; i++) {
		const struct suspect *suspect = &suspects.list[i];

		if (!suspect->confirmed || !pidfd_alive(suspect->pidfd))
			continue;
		leftovers.count++;
		if (ret_leftovers && leftovers.named < MF_LEFTOVERS_MAX)
			name_one(suspect, &leftovers.name[leftovers.named++]);
		if (signo)
			pidfd_signal(suspect->pidfd, signo);
	}
	if (ret_leftovers)
		*ret_leftovers = leftovers;
	return 0;
}
