/* SPDX-License-Identifier: BSD-2-Clause */
#include "relay/command.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"

static int file_check(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EACCES;
	return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0 ? -errno : 0;
}

/* what execvp (glibc, posix/execvpe.c) takes for "not here, go on" */
static int goes_on(int err)
{
	return err == -ENOENT || err == -ENOTDIR || err == -ESTALE || err == -ENODEV ||
	       err == -ETIMEDOUT;
}

int command_check(const char *name)
{
	const char *path = getenv("PATH");
	int result = -ENOENT;

	if (!*name)
		return -ENOENT;
	if (strchr(name, '/'))
		return file_check(name);
	if (!path)
		path = "/bin:/usr/bin"; /* as glibc's confstr(_CS_PATH) */
	for (;;) {
		size_t length = strcspn(path, ":");
		_cleanup_buf_ struct buf full = { 0 };
		int err = buf_append(&full, path, length);

		if (!err && length)
			err = buf_append_str(&full,
					     "/"); /* an empty one is the working directory */
		if (!err)
			err = buf_append(&full, name, strlen(name) + 1);
		if (!err)
			err = file_check((const char *)buf_bytes(&full));
		if (!err)
			return 0;
		if (err == -EACCES)
			result = err;
		else if (!goes_on(err))
			return err;
		if (!path[length])
			return result;
		path += length + 1;
	}
}
