/* SPDX-License-Identifier: BSD-2-Clause */
#include "guard/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"

static int make_one(const char *path, mode_t mode)
{
	if (mkdir(path, mode) < 0)
		return errno == EEXIST ? 0 : -errno;
	return chmod(path, mode) < 0 ? -errno : 0; /* past the umask */
}

int directory_make(const char *path, mode_t mode)
{
	_cleanup_free_ char *copy = strdup(path);

	if (!copy)
		return -ENOMEM;
	if (!*copy)
		return -ENOENT;
	for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		int err;

		*slash = '\0';
		err = make_one(copy, mode);
		*slash = '/';
		/* a read-only or foreign ancestor that is there is no fault */
		if (err && err != -EROFS && err != -EACCES)
			return err;
	}
	return make_one(copy, mode);
}

static bool is_closed(const struct stat *st, uid_t uid)
{
	return st->st_uid == uid && (st->st_mode & 0777) == 0700;
}

int directory_open_log(const char *state_dir, uid_t uid, gid_t gid, bool *ret_foreign)
{
	_cleanup_fd_ int state = -1, log = -1;
	int err = directory_make(state_dir, 0700);
	struct stat st;
	bool made;

	if (err)
		return err;
	state = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (state < 0)
		return -errno;
	made = mkdirat(state, "log", 0700) == 0;
	if (!made && errno != EEXIST)
		return -errno;
	log = openat(state, "log", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (log < 0 || (made && fchown(log, uid, gid) < 0) || fstat(log, &st) < 0)
		return -errno;
	if (!is_closed(&st, uid)) {
		*ret_foreign = true;
		return -EPERM;
	}
	return take_fd(&log);
}
