/* SPDX-License-Identifier: BSD-2-Clause */
/* Mounts of the engine's own namespace: nobody watches them, so to open something there waits for nobody. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "engine/mountinfo.h"
#include "engine/state.h"

/* Where one was found last; where none is, that is looked for again a second later. */
static struct {
	dev_t dev;
	uint64_t until_ns; /* CLOCK_MONOTONIC */
	char point[MF_PATH_MAX]; /* "": none */
} ours_last;

static int open_ours(const char *point, dev_t dev)
{
	_cleanup_fd_ int fd = open(point, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	/* another one may lie on it */
	if (fd < 0 || fstat(fd, &st) || st.st_dev != dev)
		return -ENOENT;
	return take_fd(&fd);
}

static int search_ours(dev_t dev)
{
	_cleanup_fd_ int file = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	_cleanup_buf_ struct buf table = { .limit = MOUNTINFO_MAX };
	struct mount_line line;
	char wanted[32], *at;

	if (file < 0 || mounts_read_table(file, &table))
		return -ENOENT;
	snprintf(wanted, sizeof(wanted), "%u:%u", major(dev), minor(dev));
	at = (char *)table.data + table.start;
	while (mount_line_next(&at, &line)) {
		int fd = -ENOENT;

		if (!strcmp(line.dev, wanted) && !mounts_answered_by_process(line.type) &&
		    strlen(line.point) < sizeof(ours_last.point))
			fd = open_ours(line.point, dev);
		if (fd < 0)
			continue;
		strncpy(ours_last.point, line.point, sizeof(ours_last.point) - 1);
		return fd;
	}
	return -ENOENT;
}

int mounts_of_ours(dev_t dev)
{
	uint64_t now_ns = clock_mono_ns();

	if (ours_last.dev == dev && now_ns < ours_last.until_ns) {
		int fd = ours_last.point[0] ? open_ours(ours_last.point, dev) : -ENOENT;

		if (fd >= 0 || !ours_last.point[0])
			return fd;
	}
	ours_last.dev = dev;
	ours_last.until_ns = now_ns + NS_PER_S;
	memset(ours_last.point, 0, sizeof(ours_last.point));
	return search_ours(dev);
}
