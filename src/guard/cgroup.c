/* SPDX-License-Identifier: BSD-2-Clause */
#include "guard/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include "base/cleanup.h"
#include "guard/proc.h"

#define NEST_MAX 32 /* cgroups below a session's that are cleaned up */

/* mountinfo writes blank, tab, line feed and backslash as \ooo */
static void unescape_octal(char *text)
{
	char *out = text;

	for (const char *in = text; *in; out++) {
		if (in[0] == '\\' && in[1] && in[2] && in[3]) {
			*out = (char)((in[1] - '0') << 6 | (in[2] - '0') << 3 | (in[3] - '0'));
			in += 4;
		} else {
			*out = *in++;
		}
	}
	*out = '\0';
}

/* Takes a mountinfo line apart: fields 4 and 5, and the type behind " - ". 1: a cgroup2 mount. */
static int parse_mount(char *line, const char **ret_root, const char **ret_point)
{
	char *type = strstr(line, " - "), *save = NULL, *field = NULL;
	char *fields[5] = { 0 };

	if (!type || strncmp(type + 3, "cgroup2 ", 8) != 0)
		return 0;
	*type = '\0';
	field = strtok_r(line, " ", &save);
	for (size_t i = 0; i < ARRAY_LEN(fields) && field; i++) {
		fields[i] = field;
		field = strtok_r(NULL, " ", &save);
	}
	if (!fields[4])
		return 0;
	unescape_octal(fields[3]);
	unescape_octal(fields[4]);
	*ret_root = fields[3];
	*ret_point = fields[4];
	return 1;
}

int cgroup_mounts(int (*each)(int mount_fd, const char *root, void *data), void *data)
{
	_cleanup_file_ FILE *file = fopen("/proc/self/mountinfo", "re");
	_cleanup_free_ char *line = NULL;
	size_t room = 0;
	int result = 0;

	if (!file)
		return -errno;
	while (!result && getline(&line, &room, file) > 0) {
		_cleanup_fd_ int fd = -1;
		const char *root, *point;

		if (!parse_mount(line, &root, &point))
			continue;
		fd = open(point, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd >= 0)
			result = each(fd, root, data);
	}
	return result;
}

/* The path behind "0::" of /proc/PID/cgroup. It is the kernel's, but a cgroup's name is whatever
 * its maker chose, and ".." stands where it lies outside of the guard's cgroup namespace. */
static int cgroup_path(pid_t proc, char **ret_path)
{
	_cleanup_file_ FILE *file = NULL;
	_cleanup_free_ char *line = NULL;
	char name[64];
	size_t room = 0;

	snprintf(name, sizeof(name), "/proc/%d/cgroup", proc);
	file = fopen(name, "re");
	if (!file)
		return errno == ENOENT ? -ESRCH : -errno;
	while (getline(&line, &room, file) > 0) {
		if (strncmp(line, "0::/", 4) != 0)
			continue;
		line[strcspn(line, "\n")] = '\0';
		*ret_path = strdup(line + 3);
		return *ret_path ? 0 : -ENOMEM;
	}
	return -ENOENT;
}

static int open_below(int mount_fd, const char *root, void *data)
{
	const char *path = data;
	struct open_how how = { .flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
				.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
					   RESOLVE_NO_XDEV };
	size_t root_size = strcmp(root, "/") == 0 ? 0 : strlen(root);
	int fd;

	if (!path || strncmp(path, root, root_size) != 0 ||
	    (path[root_size] != '/' && path[root_size] != '\0'))
		return 0;
	path += root_size;
	path += strspn(path, "/");
	if (!*path)
		path = ".";
	fd = (int)syscall(SYS_openat2, mount_fd, path, &how, sizeof(how));
	if (fd < 0)
		return 0;
	return fd + 1; /* 0 means: go on */
}

int cgroup_of(pid_t proc)
{
	_cleanup_free_ char *path = NULL;
	int result = cgroup_path(proc, &path);

	if (result)
		return result;
	result = cgroup_mounts(open_below, path);
	if (result < 0)
		return result;
	return result ? result - 1 : -ENOENT;
}

static int write_at(int dir_fd, const char *name, const char *text)
{
	_cleanup_fd_ int fd = openat(dir_fd, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return -errno;
	return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

int cgroup_create(int parent_fd, uint64_t session, const struct cgroup_owner *owner,
		  struct cgroup *ret_cgroup)
{
	struct cgroup cgroup = CGROUP_NONE;
	int err;

	snprintf(cgroup.name, sizeof(cgroup.name), CGROUP_PREFIX "%016llx",
		 (unsigned long long)session);
	if (mkdirat(parent_fd, cgroup.name, 0755) < 0)
		return -errno;
	cgroup.fd = openat(parent_fd, cgroup.name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (cgroup.fd < 0)
		goto undo;
	/* a kernel without this xattr leaves the sweep to judge by age alone */
	if (fsetxattr(cgroup.fd, CGROUP_XATTR, owner, sizeof(*owner), XATTR_CREATE) < 0 &&
	    errno != EOPNOTSUPP && errno != EPERM)
		goto undo;
	cgroup.events_fd = openat(cgroup.fd, "cgroup.events", O_RDONLY | O_CLOEXEC);
	if (cgroup.events_fd < 0)
		goto undo;
	cgroup.parent_fd = parent_fd;
	*ret_cgroup = cgroup;
	return 0;
undo:
	err = -errno;
	close_fd(cgroup.fd);
	unlinkat(parent_fd, cgroup.name, AT_REMOVEDIR);
	return err;
}

static int put_pid(int dir_fd, pid_t pid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", pid);
	return write_at(dir_fd, "cgroup.procs", text);
}

int cgroup_enter(const struct cgroup *cgroup, pid_t pid)
{
	return put_pid(cgroup->fd, pid);
}

int cgroup_leave(const struct cgroup *cgroup, pid_t pid)
{
	return put_pid(cgroup->parent_fd, pid);
}

int cgroup_pids(int cgroup_fd, void (*each)(pid_t pid, void *data), void *data)
{
	_cleanup_file_ FILE *file = NULL;
	_cleanup_fd_ int fd = openat(cgroup_fd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	int pid, count = 0;

	if (fd < 0)
		return -errno;
	file = fdopen(fd, "re");
	if (!file)
		return -errno;
	take_fd(&fd);
	while (fscanf(file, "%d", &pid) == 1) {
		each(pid, data);
		count++;
	}
	return count;
}

/* A pid read from cgroup.procs may be another process's by now: it is looked for once more after
 * its pidfd was opened, and only a pidfd is killed. */
struct kill_round {
	int pidfd;
	pid_t pid;
	bool found;
	int cgroup_fd;
};

static void look_again(pid_t pid, void *data)
{
	struct kill_round *round = data;

	if (pid == round->pid)
		round->found = true;
}

static void kill_one(pid_t pid, void *data)
{
	struct kill_round round = { .pid = pid, .cgroup_fd = *(int *)data };
	_cleanup_fd_ int pidfd = -1;

	if (pid <= 0)
		return;
	pidfd = pidfd_of(pid);
	if (pidfd < 0)
		return;
	cgroup_pids(round.cgroup_fd, look_again, &round);
	if (round.found && pidfd_alive(pidfd))
		pidfd_signal(pidfd, SIGKILL);
}

/* The next cgroup below `fd` that `skip` of them precede. fd, or -ENOENT. */
static int child_cgroup(int fd, unsigned skip, char *ret_name, size_t size)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;
	int child = -ENOENT;

	if (!dir) {
		close_fd(copy);
		return -errno;
	}
	while (child < 0 && (entry = readdir(dir))) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.' || skip-- > 0)
			continue;
		if (snprintf(ret_name, size, "%s", entry->d_name) >= (int)size)
			continue;
		child = openat(fd, ret_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	}
	closedir(dir);
	return child;
}

static void kill_tree(int cgroup_fd, unsigned depth)
{
	char name[NAME_MAX + 1];

	cgroup_pids(cgroup_fd, kill_one, &cgroup_fd);
	for (unsigned i = 0; depth && i < NEST_MAX; i++) {
		_cleanup_fd_ int child = child_cgroup(cgroup_fd, i, name, sizeof(name));

		if (child < 0)
			return;
		kill_tree(child, depth - 1);
	}
}

int cgroup_kill(int cgroup_fd)
{
	int err = write_at(cgroup_fd, "cgroup.kill", "1");

	/* before 5.14; a threaded cgroup; a user who may signal its processes but not write here */
	if (err == -ENOENT || err == -EOPNOTSUPP || err == -EACCES) {
		kill_tree(cgroup_fd, 8);
		return 0;
	}
	return err;
}

int cgroup_events_read(int events_fd)
{
	char text[256];
	ssize_t got = pread(events_fd, text, sizeof(text) - 1, 0);

	if (got < 0)
		return -errno;
	text[got] = '\0';
	return strstr(text, "populated 1") != NULL;
}

int cgroup_populated(int cgroup_fd)
{
	_cleanup_fd_ int fd = openat(cgroup_fd, "cgroup.events", O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : cgroup_events_read(fd);
}

static void remove_below(int fd, unsigned depth)
{
	char name[NAME_MAX + 1];
	unsigned kept = 0;

	for (unsigned i = 0; i < NEST_MAX; i++) {
		_cleanup_fd_ int child = child_cgroup(fd, kept, name, sizeof(name));

		if (child < 0)
			return;
		if (depth)
			remove_below(child, depth - 1);
		if (unlinkat(fd, name, AT_REMOVEDIR) < 0)
			kept++;
	}
}

int cgroup_remove_at(int parent_fd, const char *name)
{
	_cleanup_fd_ int fd = -1;

	if (unlinkat(parent_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	if (errno != EBUSY && errno != ENOTEMPTY)
		return -errno;
	fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	if (cgroup_populated(fd) > 0)
		return -EBUSY;
	remove_below(fd, 8);
	return unlinkat(parent_fd, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}

void cgroup_close(struct cgroup *cgroup)
{
	close_fd(cgroup->events_fd);
	close_fd(cgroup->fd);
	close_fd(cgroup->parent_fd);
	*cgroup = CGROUP_NONE;
}
