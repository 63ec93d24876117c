/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mounts of a session's mount namespace, marked from outside.
 *
 * The table is /proc/PID/mountinfo, whose paths the session may have chosen. So each mount is
 * looked up below the namespace's root without following a link, opened with O_PATH (which opens
 * nothing), and marked only when the kernel says that it is the mount of that number: the guard can
 * be led neither to the host's mounts nor into a file system that does not answer.
 */

#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#include "base/buf.h"
#include "base/clock.h"
#include "engine/dir_cache.h"
#include "engine/mountinfo.h"
#include "engine/state.h"

/*
 * A session decides how often its mounts are searched and how long that takes, and everybody waits: so
 * it has 1/8 of the guard's time for it, of which 50 ms may come at once.
 */
#define SEARCH_MOUNTS_MAX 512
#define SEARCH_SHARE 8
#define SEARCH_BURST_NS (SEARCH_SHARE * 50 * NS_PER_MS)

/* Their files are not files: what happens there is no change of data. */
static const char *const pseudo_types[] = {
	"autofs", "binfmt_misc", "bpf",	       "cgroup",    "cgroup2", "configfs", "debugfs",
	"devpts", "efivarfs",	 "fusectl",    "hugetlbfs", "mqueue",  "nsfs",	   "proc",
	"pstore", "rpc_pipefs",	 "securityfs", "selinuxfs", "sysfs",   "tracefs",
};

static bool is_pseudo(const char *type)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(pseudo_types); i++) {
		if (!strcmp(type, pseudo_types[i]))
			return true;
	}
	return false;
}

/*
 * Who opens or looks up a file there waits for a process that may be of the session itself. The kernel
 * opens each watched file once more in our name, so there we could be held for ever, and everybody
 * with us.
 */
bool mounts_answered_by_process(const char *type)
{
	return !strcmp(type, "autofs") || !strcmp(type, "fuse") || !strcmp(type, "fuseblk") ||
	       !strncmp(type, "fuse.", 5);
}

/* What a session mounts later may have anything below it; these have a device or memory. */
static bool is_local(const char *type)
{
	static const char *const local_types[] = {
		"bcachefs", "btrfs", "cgroup", "cgroup2", "devpts",  "devtmpfs", "erofs", "exfat",
		"ext2",	    "ext3",  "ext4",   "f2fs",	  "iso9660", "mqueue",	 "proc",  "ramfs",
		"squashfs", "sysfs", "tmpfs",  "udf",	  "vfat",    "xfs",	 "zfs",
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(local_types); i++) {
		if (!strcmp(type, local_types[i]))
			return true;
	}
	return false;
}

static bool is_device_type(const char *type)
{
	return !strcmp(type, "devtmpfs") || !strcmp(type, "devpts");
}

int mounts_read_table(int fd, struct buf *buf)
{
	off_t at = 0;
	ssize_t size;
	uint8_t *room;
	int error;

	do {
		error = buf_reserve(buf, 16384, &room);
		if (error)
			return error;
		size = pread(fd, room, 16384, at);
		if (size < 0)
			return -errno;
		buf_commit(buf, (size_t)size);
		at += size;
	} while (size > 0);
	return buf_append(buf, "", 1);
}

int mounts_open_path(int root_fd, const char *path, bool cached)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC | O_NOFOLLOW,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS |
			   (cached ? RESOLVE_CACHED : 0),
	};
	int fd = (int)syscall(SYS_openat2, root_fd, path, &how, sizeof(how));

	return fd < 0 ? -errno : fd;
}

/* 1: *ret_fd is the mount; 0: another mount stands over it, no path leads there; else -errno.
 * `cached`: as mounts_open_path() */
static int open_mount(int root_fd, const struct mount_line *line, bool cached, int *ret_fd)
{
	const char *path = line->point[0] == '/' && line->point[1] ? line->point + 1 : ".";
	_cleanup_fd_ int fd = -1;
	struct statx st;

	fd = mounts_open_path(root_fd, path, cached);
	if (fd < 0)
		return fd;
	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_MNT_ID, &st))
		return -errno;
	if (!(st.stx_mask & STATX_MNT_ID))
		return -EOPNOTSUPP;
	if (st.stx_mnt_id != line->id)
		return 0;
	*ret_fd = take_fd(&fd);
	return 1;
}

static int compare_ids(const void *a, const void *b)
{
	uint32_t x = ((const struct mount_id *)a)->id, y = ((const struct mount_id *)b)->id;

	return x < y ? -1 : x > y;
}

static bool is_whole(const struct mount_line *line)
{
	return !strcmp(line->root, "/");
}

static bool is_top(const struct mount_line *line)
{
	return !strcmp(line->point, "/");
}

static const struct mount_id *id_find(const struct session *session, uint32_t id)
{
	const struct mount_id key = { .id = id };

	if (!session->mount_ids_count)
		return NULL;
	return bsearch(&key, session->mount_ids, session->mount_ids_count, sizeof(key),
		       compare_ids);
}

bool mounts_has(const struct session *session, uint32_t id)
{
	return id_find(session, id) != NULL;
}

/* As it was when it was looked at last; NULL: it is new, or another mount has its number now */
static const struct mount_id *id_known(const struct session *session, uint32_t id, uint64_t hash)
{
	const struct mount_id *found = id_find(session, id);

	return found && found->hash == hash ? found : NULL;
}

/* Opens under `path` were not seen until now; NULL: under a path that is not known. `stays`: nor
 * will they be. */
static void say_gap(struct engine *engine, struct session *session, const char *path, bool stays)
{
	struct {
		struct mf_event event;
		struct mf_ev_change change;
		char path[MF_PATH_MAX];
	} gap = {};
	size_t len = path ? strlen(path) : 0;

	if (!path)
		gap.change.path_flags = MF_PATH_UNRESOLVED;
	if (len > MF_PATH_MAX) {
		gap.change.path_flags = MF_PATH_CUT;
		path += len - MF_PATH_MAX;
		len = MF_PATH_MAX;
	}
	if (len)
		memcpy(gap.path, path, len);
	gap.change.path_len = (uint16_t)len;
	gap.change.mask = stays ? MF_GAP_STAYS : 0;
	gap.event.kind = MF_EV_MOUNT_GAP;
	gap.event.flags = MF_EVF_LATE_SEEN | MF_EVF_PROC_UNKNOWN;
	gap.event.stamp_lo = session->mounts_lo;
	session_lose(engine, session, MF_LOSS_MOUNT_GAP);
	event_pass(engine, session, &gap.event,
		   (uint32_t)(sizeof(gap.event) + sizeof(gap.change) + len));
}

static bool same_namespace(pid_t pid, const char *other)
{
	struct stat a, b;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", pid);
	if (stat(path, &a))
		return true;
	snprintf(path, sizeof(path), "/proc/%s/ns/mnt", other);
	return !stat(path, &b) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* Whoever asks for marks on the mounts that we or init live on would make the whole machine wait
 * for us, and us for ourselves. */
bool mounts_are_own(pid_t pid)
{
	return !same_namespace(pid, "self") && !same_namespace(pid, "1");
}

static bool is_read_only(int fd)
{
	struct statfs fs;

	return !fstatfs(fd, &fs) && fs.f_flags & ST_RDONLY;
}

/* A new mount of what is watched already is as good as that. */
static bool is_watched_device(const struct session *session, uint64_t dev)
{
	size_t i;

	for (i = 0; i < session->mount_ids_count; i++) {
		if (session->mount_ids[i].dev == dev && session->mount_ids[i].watched)
			return true;
	}
	return false;
}

/* One look at the table */
struct look {
	bool later; /* the session runs already, so there was a gap */
	bool cached; /* a path may lead through what a process answers for */
	bool said; /* of a gap */
};

static bool may_be_watched(const struct session *session, const struct mount_line *line,
			   const struct look *look)
{
	if (mounts_answered_by_process(line->type))
		return false;
	return !look->later || is_local(line->type) ||
	       is_watched_device(session, mount_line_device(line));
}

/* 1: watched; 0: need not be; -errno: is not */
static int watch_mount(struct engine *engine, struct session *session,
		       const struct mount_line *line, const struct look *look)
{
	_cleanup_fd_ int fd = -1;
	int found, error;

	if (!may_be_watched(session, line, look))
		return -EOPNOTSUPP;
	if (engine->skip_devices && is_device_type(line->type))
		return 0;
	found = open_mount(session->root_fd, line, look->cached, &fd);
	if (found < 0)
		return found;
	/* what lies hidden is reached by descriptors that were got before, which at the start
	 * nobody has */
	if (!found)
		return look->later ? -ENOENT : 0;
	error = opens_mark(engine, fd, true);
	/* the kernel asks nobody about opens there (FS_DISALLOW_NOTIFY_PERM): docs/engines.md says
	 * so once, a session's mounts are no worse for it */
	if (error == -EINVAL && !strcmp(line->type, "proc"))
		return 0;
	/* where the whole kernel cannot tell of changes, the coverage says so */
	if (!error && engine->changes_fd >= 0 && !is_pseudo(line->type) && !is_read_only(fd))
		error = changes_mark(
			engine, session,
			&(struct session_sb){ 0, fd, line->id, is_top(line), is_whole(line) });
	return error ? error : 1;
}

/* Returns whether its opens and changes are watched. */
static bool mark_line(struct engine *engine, struct session *session, const struct mount_line *line,
		      struct look *look)
{
	const struct mount_id *known = id_known(session, line->id, mount_line_hash(line));
	int watched;

	if (known)
		return known->watched;
	watched = watch_mount(engine, session, line, look);
	if (watched > 0)
		session->mounts++;
	if (watched < 0) {
		session->mounts_unmarked++;
		engine->stats.mounts_unmarked++;
	}
	if (watched && look->later) {
		say_gap(engine, session, line->point, watched < 0);
		look->said = true;
	}
	return watched > 0;
}

/* Marks what is new in the table. */
int mounts_mark(struct engine *engine, struct session *session, bool later)
{
	_cleanup_buf_ struct buf table = { .limit = MOUNTINFO_MAX };
	_cleanup_free_ struct mount_id *ids = NULL;
	struct look look = { .later = later };
	size_t count = 0, room = 0;
	struct mount_line line;
	char *at;
	int error;

	error = mounts_read_table(session->mountinfo_fd, &table);
	if (error)
		return error;
	at = (char *)table.data + table.start;
	look.cached = session->processes_answer = strstr(at, " - fuse") != NULL;
	if (later)
		dir_cache_forget(engine->dirs);
	while (mount_line_next(&at, &line)) {
		if (count == room) {
			struct mount_id *more;

			room = room ? room * 2 : 64;
			more = reallocarray(ids, room, sizeof(*ids));
			if (!more)
				return -ENOMEM;
			ids = more;
		}
		ids[count++] =
			(struct mount_id){ .id = line.id,
					   .hash = mount_line_hash(&line),
					   .dev = mount_line_device(&line),
					   .watched = mark_line(engine, session, &line, &look) };
	}
	/* it changed: what is not there may have been, and somebody in it */
	if (later && !look.said)
		say_gap(engine, session, NULL, false);
	if (count)
		qsort(ids, count, sizeof(*ids), compare_ids);
	free(session->mount_ids);
	session->mount_ids = take_ptr(ids);
	session->mount_ids_count = count;
	return 0;
}

/*
 * Looks which sessions' mount tables changed. A mount table's readiness is gone once somebody has
 * asked for it (fs/namespace.c, mounts_poll()), and whoever polls the engine's epoll asks: so what
 * wakes is one open file and what is asked here is another.
 */
int mounts_check(struct engine *engine)
{
	uint32_t slot;
	int error, first = 0;

	for (slot = 0; slot < engine->sessions_top; slot++) {
		struct session *session = engine->sessions[slot];
		struct pollfd table = { .events = POLLPRI };
		uint64_t stamp;

		if (!session || session->mountinfo_fd < 0)
			continue;
		table.fd = session->mountinfo_fd;
		stamp = session_stamp(session);
		error = 0;
		if (poll(&table, 1, 0) > 0 && table.revents & POLLPRI)
			error = mounts_mark(engine, session, true);
		session->mounts_lo = stamp;
		if (error && !first)
			first = error;
	}
	return first;
}

static void search(const struct session *session, uint64_t fsid,
		   bool (*try)(const struct session *session, const struct session_sb *sb,
			       void *data),
		   void *data)
{
	_cleanup_buf_ struct buf table = { .limit = MOUNTINFO_MAX };
	struct mount_line line;
	struct statfs fs;
	char *at;

	if (mounts_read_table(session->mountinfo_fd, &table))
		return;
	at = (char *)table.data + table.start;
	while (mount_line_next(&at, &line)) {
		struct session_sb sb = { fsid, -1, line.id, is_top(&line), is_whole(&line) };
		_cleanup_fd_ int fd = -1;

		if (mounts_answered_by_process(line.type) || is_pseudo(line.type))
			continue;
		if (open_mount(session->root_fd, &line, session->processes_answer, &fd) <= 0 ||
		    fstatfs(fd, &fs) || memcmp(&fs.f_fsid, &fsid, sizeof(fsid)))
			continue;
		sb.fd = fd;
		if (try(session, &sb, data))
			return;
	}
}

void mounts_search(struct session *session, uint64_t fsid,
		   bool (*try)(const struct session *session, const struct session_sb *sb,
			       void *data),
		   void *data)
{
	uint64_t now = clock_mono_ns();

	if (session->mount_ids_count > SEARCH_MOUNTS_MAX ||
	    session->search_ns > now + SEARCH_BURST_NS)
		return;
	if (session->search_ns < now)
		session->search_ns = now;
	search(session, fsid, try, data);
	session->search_ns += SEARCH_SHARE * (clock_mono_ns() - now);
}

/* Where the namespace outlives the session, its opens must not be ours to answer any more. */
void mounts_unmark(struct engine *engine, struct session *session)
{
	_cleanup_buf_ struct buf table = { .limit = MOUNTINFO_MAX };
	struct mount_line line;
	char *at;

	if (session->root_fd < 0 || mounts_read_table(session->mountinfo_fd, &table))
		return;
	at = (char *)table.data + table.start;
	while (mount_line_next(&at, &line)) {
		_cleanup_fd_ int fd = -1;

		if (!mounts_answered_by_process(line.type) &&
		    open_mount(session->root_fd, &line, session->processes_answer, &fd) > 0)
			opens_mark(engine, fd, false);
	}
}
