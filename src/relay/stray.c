/* SPDX-License-Identifier: BSD-2-Clause */
#include "relay/stray.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

#define ROUNDS_MAX 100 /* what is born while the others are looked at is found in the next */

static void read_proc(pid_t pid, const char *name, char *ret_text, size_t size)
{
	_cleanup_fd_ int fd = -1;
	char path[64];
	ssize_t got;

	ret_text[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	got = read(fd, ret_text, size - 1);
	/* one that does not fit is not known */
	ret_text[got > 0 && (size_t)got < size - 1 ? got : 0] = '\0';
}

void stray_learn(struct stray *stray, pid_t pid)
{
	read_proc(pid, "cgroup", stray->cgroup, sizeof(stray->cgroup));
}

/* A zombie is in its cgroup still. */
static bool is_alive(pid_t pid)
{
	char stat[1024], *state;

	read_proc(pid, "stat", stat, sizeof(stat));
	state = strrchr(stat, ')');
	return state && state[1] && state[2] != 'Z' && state[2] != 'X';
}

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static unsigned kill_once(const struct stray *stray)
{
	_cleanup_(close_dir) DIR *proc = opendir("/proc");
	char cgroup[sizeof(stray->cgroup)];
	unsigned found = 0;
	struct dirent *entry;

	while (proc && (entry = readdir(proc))) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (pid <= 0 || pid == getpid())
			continue;
		read_proc(pid, "cgroup", cgroup, sizeof(cgroup));
		if (strcmp(cgroup, stray->cgroup) != 0 || !is_alive(pid))
			continue;
		kill(pid, SIGKILL);
		found++;
	}
	return found;
}

void stray_kill(const struct stray *stray)
{
	for (unsigned round = 0; stray->cgroup[0] && round < ROUNDS_MAX; round++) {
		if (!kill_once(stray))
			return;
		usleep(1000);
	}
}
