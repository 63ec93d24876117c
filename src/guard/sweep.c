/* SPDX-License-Identifier: BSD-2-Clause */
#include "guard/sweep.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>

#include "abi/limits.h"
#include "base/cleanup.h"
#include "base/ipc.h"
#include "guard/cgroup.h"
#include "guard/proc.h"

#define DEPTH_MAX 24
#define VISITS_MAX 20000 /* directories looked at: a bound on the time of a start */
#define UNKNOWN_AGE_S 60

struct sweep {
	unsigned visits;
	int removed;
	bool again;
};

/* Whether `pid` is still the process that began at `start`. Unknown counts as alive. */
static bool lives(pid_t pid, uint64_t start)
{
	_cleanup_fd_ int pidfd = -1;
	struct proc_numbers numbers;
	uint64_t ticks;

	if (pid <= 0)
		return false;
	pidfd = pidfd_of(pid);
	if (pidfd < 0)
		return pidfd != -ESRCH;
	if (!pidfd_alive(pidfd)) /* a zombie */
		return false;
	if (proc_numbers(pidfd, &numbers) || proc_start_ticks(numbers.proc, &ticks))
		return pidfd_alive(pidfd);
	return ticks == start;
}

enum verdict {
	IN_USE,
	ABANDONED,
	UNKNOWN,
};

static enum verdict judge(int fd)
{
	struct cgroup_owner owner;
	uint64_t pid_ns;

	if (fgetxattr(fd, CGROUP_XATTR, &owner, sizeof(owner)) != sizeof(owner) ||
	    owner.version != MF_ABI_VERSION || !owner.guard_start)
		return UNKNOWN;
	if (proc_namespace(0, "ns/pid", &pid_ns) || pid_ns != owner.pid_ns)
		return UNKNOWN;
	if (lives((pid_t)owner.guard_pid, owner.guard_start))
		return IN_USE;
	return lives((pid_t)owner.relay_pid, owner.relay_start) ? IN_USE : ABANDONED;
}

static bool old_and_empty(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && time(NULL) - st.st_ctime > UNKNOWN_AGE_S &&
	       cgroup_populated(fd) == 0;
}

static void look_at(struct sweep *sweep, int parent_fd, const char *name, int fd)
{
	enum verdict verdict = judge(fd);

	if (verdict == IN_USE || (verdict == UNKNOWN && !old_and_empty(fd)))
		return;
	if (verdict == ABANDONED && cgroup_populated(fd) > 0) {
		cgroup_kill(fd);
		sweep->again = true;
	} else if (!cgroup_remove_at(parent_fd, name)) {
		sweep->removed++;
	}
}

static void walk(struct sweep *sweep, int dir_fd, unsigned depth)
{
	int copy = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;

	if (!dir) {
		close_fd(copy);
		return;
	}
	while (sweep->visits < VISITS_MAX && (entry = readdir(dir))) {
		_cleanup_fd_ int fd = -1;

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		sweep->visits++;
		fd = openat(dir_fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (fd < 0)
			continue;
		if (depth) /* inner ones first: sessions nest */
			walk(sweep, fd, depth - 1);
		if (strncmp(entry->d_name, CGROUP_PREFIX, strlen(CGROUP_PREFIX)) == 0)
			look_at(sweep, dir_fd, entry->d_name, fd);
	}
	closedir(dir);
}

static int walk_mount(int mount_fd, const char *root, void *data)
{
	(void)root;
	walk(data, mount_fd, DEPTH_MAX);
	return 0;
}

int sweep_cgroups(bool *ret_again)
{
	struct sweep sweep = { 0 };
	int err = cgroup_mounts(walk_mount, &sweep);

	if (err < 0)
		return err;
	*ret_again = sweep.again;
	return sweep.removed;
}

int sweep_sockets(const char *run_dir)
{
	DIR *dir = opendir(run_dir);
	struct dirent *entry;
	int removed = 0;

	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		char path[PATH_MAX];
		unsigned pid;
		int end = 0, sock;

		if (sscanf(entry->d_name, "guard-%u.sock%n", &pid, &end) != 1 || !end ||
		    entry->d_name[end])
			continue;
		if (snprintf(path, sizeof(path), "%s/%s", run_dir, entry->d_name) >=
		    (int)sizeof(path))
			continue;
		sock = ipc_connect(path, SOCK_SEQPACKET | SOCK_NONBLOCK);
		if (sock == -ECONNREFUSED && !unlinkat(dirfd(dir), entry->d_name, 0))
			removed++;
		if (sock >= 0)
			close_fd(sock);
	}
	closedir(dir);
	return removed;
}
