/* SPDX-License-Identifier: BSD-2-Clause */
#include "guard/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "base/buf.h"

static int same_file(int fd, const char *path)
{
	struct stat a, b;

	if (fstat(fd, &a) < 0 || stat(path, &b) < 0)
		return -errno;
	return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static int namespace_check(int proc_fd, uid_t owner)
{
	_cleanup_fd_ int ns = openat(proc_fd, "ns/user", O_RDONLY | O_CLOEXEC), parent = -1;
	uid_t ns_owner;
	int same;

	if (ns < 0)
		return -errno;
	same = same_file(ns, "/proc/self/ns/user");
	if (same)
		return same < 0 ? same : -EPERM;
	parent = ioctl(ns, NS_GET_PARENT);
	if (parent < 0)
		return -errno;
	same = same_file(parent, "/proc/self/ns/user");
	if (same <= 0)
		return same < 0 ? same : -EPERM;
	if (ioctl(ns, NS_GET_OWNER_UID, &ns_owner) < 0)
		return -errno;
	return ns_owner == owner ? 0 : -EPERM;
}

static int write_file(int proc_fd, const char *name, const void *text, size_t size)
{
	_cleanup_fd_ int fd = openat(proc_fd, name, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	/* a map is taken in one write or not at all */
	return write(fd, text, size) < 0 ? -errno : 0;
}

static int add_gid(struct buf *map, gid_t *seen, size_t *count, gid_t gid)
{
	for (size_t i = 0; i < *count; i++) {
		if (seen[i] == gid)
			return 0;
	}
	if (*count == PROC_GROUPS_MAX)
		return 0; /* a group beyond the map's bound stays in force, it only has no name */
	seen[(*count)++] = gid;
	return buf_printf(map, "%u %u 1\n", gid, gid);
}

static int write_gid_map(int proc_fd, const struct proc_status *status)
{
	_cleanup_buf_ struct buf map = { .limit = 16384 };
	gid_t seen[PROC_GROUPS_MAX];
	size_t count = 0;
	int err = 0;

	for (size_t i = 0; !err && i < ARRAY_LEN(status->gid); i++)
		err = add_gid(&map, seen, &count, status->gid[i]);
	for (size_t i = 0; !err && i < status->group_count; i++)
		err = add_gid(&map, seen, &count, status->groups[i]);
	return err ? err : write_file(proc_fd, "gid_map", buf_bytes(&map), buf_size(&map));
}

int userns_map_identity(int pidfd, const struct child *child, uid_t owner)
{
	_cleanup_fd_ int proc_fd = -1;
	char path[64], map[64];
	int err;

	snprintf(path, sizeof(path), "/proc/%d", child->numbers.proc);
	proc_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (proc_fd < 0)
		return -errno;
	if (!pidfd_alive(pidfd)) /* alive now: the directory just opened is this process's */
		return -ESRCH;
	err = namespace_check(proc_fd, owner);
	if (err)
		return err;
	err = write_file(proc_fd, "setgroups", "deny", 4);
	if (err)
		return err;
	err = write_gid_map(proc_fd, &child->status);
	if (err)
		return err;
	snprintf(map, sizeof(map), "%u %u 1\n", child->status.uid[0], child->status.uid[0]);
	return write_file(proc_fd, "uid_map", map, strlen(map));
}
