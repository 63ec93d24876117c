/* SPDX-License-Identifier: BSD-2-Clause */
#include "guard/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

bool pidfd_alive(int pidfd)
{
	struct pollfd poll_fd = { .fd = pidfd, .events = POLLIN };

	return pidfd >= 0 && poll(&poll_fd, 1, 0) == 0;
}

int pidfd_of(pid_t pid)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);

	return pidfd < 0 ? -errno : pidfd;
}

int pidfd_signal(int pidfd, int signo)
{
	return syscall(SYS_pidfd_send_signal, pidfd, signo, NULL, 0) < 0 ? -errno : 0;
}

/* Reads a whole /proc file, cut at `size` - 1 bytes, NUL terminated. */
static int read_text(const char *path, char *text, size_t size)
{
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t used = 0;

	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	while (used < size - 1) {
		ssize_t got = read(fd, text + used, size - 1 - used);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (!got)
			break;
		used += (size_t)got;
	}
	text[used] = '\0';
	return 0;
}

/*
 * The numbers behind "\n<key>:". A process name cannot forge such a line: the kernel escapes the
 * line feeds in it (fs/proc/array.c, proc_task_name).
 */
static size_t line_numbers(const char *text, const char *key, unsigned long *numbers, size_t max)
{
	char needle[32];
	const char *at;
	size_t count = 0;

	snprintf(needle, sizeof(needle), "\n%s:", key);
	at = strstr(text, needle);
	if (!at)
		return 0;
	at += strlen(needle);
	while (count < max) {
		char *end;

		at += strspn(at, " \t");
		if (*at < '0' || *at > '9')
			break;
		numbers[count++] = strtoul(at, &end, 10);
		at = end;
	}
	return count;
}

/* How deep the guard itself sits below the pid namespace of this /proc. */
static size_t own_level(void)
{
	char text[4096];
	unsigned long numbers[PROC_LEVELS_MAX];

	if (read_text("/proc/self/status", text, sizeof(text)))
		return 1;
	return line_numbers(text, "NSpid", numbers, PROC_LEVELS_MAX);
}

int proc_numbers(int pidfd, struct proc_numbers *ret_numbers)
{
	struct proc_numbers numbers = { 0 };
	unsigned long levels[PROC_LEVELS_MAX];
	char path[64], text[2048];
	size_t own;
	int err;

	if (pidfd < 0)
		return -EBADF;
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
	err = read_text(path, text, sizeof(text));
	if (err)
		return err;
	if (!strstr(text, "\nPid:"))
		return -EBADF;
	numbers.level_count = line_numbers(text, "NSpid", levels, PROC_LEVELS_MAX);
	own = own_level();
	if (!own || numbers.level_count < own || !levels[0] || !levels[own - 1])
		return -ESRCH;
	for (size_t i = 0; i < numbers.level_count; i++)
		numbers.levels[i] = (pid_t)levels[i];
	numbers.proc = numbers.levels[0];
	numbers.pid = numbers.levels[own - 1];
	*ret_numbers = numbers;
	return 0;
}

int proc_status(pid_t proc, struct proc_status *ret_status)
{
	struct proc_status status = { 0 };
	unsigned long numbers[PROC_GROUPS_MAX];
	char path[64], text[8192];
	int err;

	snprintf(path, sizeof(path), "/proc/%d/status", proc);
	err = read_text(path, text, sizeof(text));
	if (err)
		return err;
	if (line_numbers(text, "Tgid", numbers, 1) != 1)
		return -EBADMSG;
	status.tgid = (pid_t)numbers[0];
	if (line_numbers(text, "PPid", numbers, 1) != 1)
		return -EBADMSG;
	status.ppid = (pid_t)numbers[0];
	if (line_numbers(text, "Uid", numbers, 4) != 4)
		return -EBADMSG;
	for (size_t i = 0; i < 4; i++)
		status.uid[i] = (uid_t)numbers[i];
	if (line_numbers(text, "Gid", numbers, 4) != 4)
		return -EBADMSG;
	for (size_t i = 0; i < 4; i++)
		status.gid[i] = (gid_t)numbers[i];
	status.group_count = line_numbers(text, "Groups", numbers, PROC_GROUPS_MAX);
	for (size_t i = 0; i < status.group_count; i++)
		status.groups[i] = (gid_t)numbers[i];
	*ret_status = status;
	return 0;
}

static int read_start(const char *path, uint64_t *ret_ticks)
{
	char text[1024];
	const char *at;
	int err = read_text(path, text, sizeof(text));

	if (err)
		return err;
	/* the name may hold anything, so count from its last parenthesis: that is field 2 */
	at = strrchr(text, ')');
	for (int field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	if (!at)
		return -EBADMSG;
	*ret_ticks = strtoull(at + 1, NULL, 10);
	return 0;
}

int proc_start_ticks(pid_t proc, uint64_t *ret_ticks)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/stat", proc);
	return read_start(path, ret_ticks);
}

int proc_self_start(uint64_t *ret_ticks)
{
	return read_start("/proc/self/stat", ret_ticks);
}

int proc_namespace(pid_t proc, const char *link, uint64_t *ret_inode)
{
	struct stat st;
	char path[64];

	if (proc)
		snprintf(path, sizeof(path), "/proc/%d/%s", proc, link);
	else
		snprintf(path, sizeof(path), "/proc/self/%s", link);
	if (stat(path, &st) < 0)
		return -errno;
	*ret_inode = st.st_ino;
	return 0;
}

void proc_cwd(pid_t pid, char cwd[MF_CWD_LEN])
{
	char link[32];
	ssize_t size;

	snprintf(link, sizeof(link), "/proc/%d/cwd", (int)pid);
	size = readlink(link, cwd, MF_CWD_LEN);
	cwd[size < 0 || size == MF_CWD_LEN ? 0 : size] = '\0';
}
