/* SPDX-License-Identifier: BSD-2-Clause */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/change_names.h"
#include "engine/dir_cache.h"

#define DELETED_SUFFIX " (deleted)"

struct name {
	char path[2 * MF_PATH_MAX];
	size_t len;
	uint16_t flags;
};

static const struct session_sb *sb_of(const struct session *session, uint64_t fsid)
{
	size_t i;

	for (i = 0; i < session->sbs_count; i++) {
		if (session->sbs[i].fsid == fsid)
			return &session->sbs[i];
	}
	return NULL;
}

/*
 * open_by_handle_at() takes no O_PATH descriptor for the mount, but it takes the working directory,
 * which may be one. So we go there and come back.
 */
static int open_there(int mount_fd, struct file_handle *handle)
{
	_cleanup_fd_ int back = open(".", O_PATH | O_CLOEXEC);
	int fd;

	if (back < 0 || fchdir(mount_fd))
		return -errno;
	fd = open_by_handle_at(AT_FDCWD, handle, O_PATH | O_CLOEXEC);
	if (fd < 0)
		fd = -errno;
	if (fchdir(back)) /* our own directory is gone for us: be at a place that is there */
		return chdir("/") ? close_fd(fd) : fd;
	return fd;
}

/*
 * A directory that the kernel has forgotten is found by opening what is above it, through the same
 * mount. Through one that we answer for we would wait for ourselves, for ever. So it is opened through
 * a mount of our own first, and the kernel remembers it while we hold that.
 */
static int open_handle(int mount_fd, struct file_handle *handle)
{
	_cleanup_fd_ int ours = -1, held = -1;
	struct stat st;

	if (!fstat(mount_fd, &st))
		ours = mounts_of_ours(st.st_dev);
	if (ours >= 0)
		held = open_there(ours, handle);
	return open_there(mount_fd, handle);
}

static ssize_t path_of_fd(int fd, char *ret_path, size_t size)
{
	char link[64];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	return readlink(link, ret_path, size);
}

static bool is_object(int root_fd, const char *path, bool cached, const struct stat *st)
{
	_cleanup_fd_ int fd = mounts_open_path(root_fd, path, cached);
	struct stat there;

	return fd >= 0 && !fstat(fd, &there) && there.st_dev == st->st_dev &&
	       there.st_ino == st->st_ino;
}

/*
 * A handle leads to any directory of the file system, also where the mount shows a part of it only.
 * The kernel then names what lies outside as if the file system's root were the root directory.
 */
static bool lies_in_mount(const struct session *session, const struct session_sb *sb,
			  const struct name *name, const struct stat *st)
{
	char path[2 * MF_PATH_MAX];
	ssize_t len;

	len = path_of_fd(sb->fd, path, MF_PATH_MAX);
	if (len <= 0 || len == MF_PATH_MAX)
		return false;
	/* what was taken out of the tree while somebody holds it has no path any more */
	if ((len == 1 && !sb->top) || !mounts_has(session, sb->id))
		return false;
	if (sb->whole || name->flags & MF_PATH_DELETED)
		return sb->whole;
	if (len > 1)
		return name->len >= (size_t)len && !memcmp(name->path, path, (size_t)len) &&
		       (name->len == (size_t)len || name->path[len] == '/');
	/* a part of it is the root directory: only a look tells */
	memcpy(path, name->path, name->len);
	path[name->len] = '\0';
	return is_object(session->root_fd, path, true, st) ||
	       (!session->processes_answer && is_object(session->root_fd, path, false, st));
}

/* The directory's path, without a slash at its end. -EXDEV: this mount does not show it. */
static int resolve_live_dir(const struct session *session, const struct session_sb *sb,
			    struct file_handle *handle, struct name *ret_name)
{
	_cleanup_fd_ int fd = -1;
	struct stat st;
	ssize_t len;

	ret_name->flags = MF_PATH_UNRESOLVED;
	ret_name->len = 0;
	fd = open_handle(sb->fd, handle);
	if (fd < 0 || fstat(fd, &st))
		return -ESTALE;
	len = path_of_fd(fd, ret_name->path, MF_PATH_MAX);
	if (len <= 0 || len == MF_PATH_MAX || ret_name->path[0] != '/')
		return -ENAMETOOLONG;
	ret_name->flags = 0;
	ret_name->len = (size_t)len;
	if (!st.st_nlink && ret_name->len > strlen(DELETED_SUFFIX)) {
		ret_name->flags = MF_PATH_DELETED;
		ret_name->len -= strlen(DELETED_SUFFIX);
	}
	if (!lies_in_mount(session, sb, ret_name, &st)) {
		ret_name->flags = MF_PATH_UNRESOLVED;
		ret_name->len = 0;
		return -EXDEV;
	}
	if (ret_name->len == 1)
		ret_name->len = 0; /* the root: only the slash before the name */
	return 0;
}

struct dir_search {
	struct file_handle *handle;
	struct name *name;
};

static bool try_mount(const struct session *session, const struct session_sb *sb, void *data)
{
	const struct dir_search *search = data;

	return !resolve_live_dir(session, sb, search->handle, search->name);
}

/* A directory that is gone had the path that it was last seen with: no directory has been renamed
 * since, that empties the cache. */
static void resolve_dir(struct engine *engine, struct session *session,
			const struct fanotify_event_info_fid *fid, struct name *ret_name)
{
	struct file_handle *handle = (void *)fid->handle;
	struct dir_key key = { session->id, &fid->fsid, sizeof(fid->fsid), handle,
			       sizeof(*handle) + handle->handle_bytes };
	struct dir_search search = { handle, ret_name };
	const struct session_sb *sb;
	uint64_t fsid;

	memcpy(&fsid, &fid->fsid, sizeof(fsid));
	sb = sb_of(session, fsid);
	ret_name->flags = MF_PATH_UNRESOLVED;
	ret_name->len = 0;
	if (sb && resolve_live_dir(session, sb, handle, ret_name) == -EXDEV) {
		/* no rename and no change of the mounts since it was put there */
		if (dir_cache_get(engine->dirs, &key, ret_name->path, &ret_name->len)) {
			ret_name->flags = 0;
			return;
		}
		mounts_search(session, fsid, try_mount, &search);
	}
	if (!(ret_name->flags & MF_PATH_UNRESOLVED)) {
		dir_cache_put(&engine->dirs, &key, ret_name->path, ret_name->len);
		return;
	}
	if (dir_cache_get(engine->dirs, &key, ret_name->path, &ret_name->len))
		ret_name->flags = MF_PATH_DELETED;
}

static void join(struct name *name, const char *file)
{
	size_t len = strnlen(file, NAME_MAX);

	if (len == 1 && file[0] == '.') { /* the directory itself */
		if (!name->len && !(name->flags & MF_PATH_UNRESOLVED))
			name->path[name->len++] = '/';
		return;
	}
	if (!(name->flags & MF_PATH_UNRESOLVED))
		name->path[name->len++] = '/';
	memcpy(name->path + name->len, file, len);
	name->len += len;
}

/* Appends to `strings`, a suffix where it is longer than a path may be. */
static uint16_t keep(struct name *name, char *strings)
{
	const char *from = name->path;

	if (name->len > MF_PATH_MAX) {
		from += name->len - MF_PATH_MAX;
		name->len = MF_PATH_MAX;
		name->flags |= MF_PATH_CUT;
	}
	memcpy(strings, from, name->len);
	return (uint16_t)name->len;
}

static bool read_name(struct engine *engine, struct session *session,
		      const struct fanotify_event_info_header *info, struct name *ret_name)
{
	const struct fanotify_event_info_fid *fid = (const void *)info;
	struct file_handle *handle = (void *)fid->handle;
	size_t fixed = sizeof(*fid) + sizeof(*handle);
	const char *file = "";

	if (info->len < fixed || handle->handle_bytes > info->len - fixed)
		return false;
	if (info->info_type != FAN_EVENT_INFO_TYPE_DFID &&
	    info->info_type != FAN_EVENT_INFO_TYPE_FID)
		file = (const char *)handle->f_handle + handle->handle_bytes;
	resolve_dir(engine, session, fid, ret_name);
	join(ret_name, *file ? file : ".");
	return true;
}

void change_names(struct engine *engine, struct session *session,
		  const struct fanotify_event_metadata *meta, struct mf_ev_change *ret_change,
		  char *strings)
{
	const char *at = (const char *)meta + meta->metadata_len;
	const char *end = (const char *)meta + meta->event_len;
	struct name name;

	memset(ret_change, 0, sizeof(*ret_change));
	ret_change->mask = (uint32_t)meta->mask;
	ret_change->path_flags = MF_PATH_UNRESOLVED;
	while (end - at >= (ptrdiff_t)sizeof(struct fanotify_event_info_header)) {
		const struct fanotify_event_info_header *info = (const void *)at;

		if (info->len < sizeof(*info) || info->len > end - at)
			return;
		at += info->len;
		if (!read_name(engine, session, info, &name))
			continue;
		if (info->info_type == FAN_EVENT_INFO_TYPE_NEW_DFID_NAME) {
			ret_change->path2_len = keep(&name, strings + ret_change->path_len);
			ret_change->path2_flags = name.flags;
		} else {
			ret_change->path_len = keep(&name, strings);
			ret_change->path_flags = name.flags;
		}
	}
}
