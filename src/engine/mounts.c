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
#include <sys/syscall.h>

#include "base/buf.h"
#include "engine/mountinfo.h"
#include "engine/state.h"

#define MOUNTINFO_MAX (32U << 20)

/* Their files are not files: what happens there is no change of data. */
static const char *const pseudo_types[] = {
	"autofs",     "binfmt_misc", "bpf",	 "cgroup",  "cgroup2", "configfs",
	"debugfs",    "devpts",	     "efivarfs", "fuse",    "fuseblk", "fusectl",
	"hugetlbfs",  "mqueue",	     "nsfs",	 "proc",    "pstore",  "rpc_pipefs",
	"securityfs", "selinuxfs",   "sysfs",	 "tracefs",
};

static bool is_pseudo(const char *type)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(pseudo_types); i++) {
		if (!strcmp(type, pseudo_types[i]))
			return true;
	}
	return !strncmp(type, "fuse.", 5);
}

static bool is_device_type(const char *type)
{
	return !strcmp(type, "devtmpfs") || !strcmp(type, "devpts");
}

static int read_table(int fd, struct buf *buf)
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

/* 1: *ret_fd is the mount; 0: another mount stands over it, no path leads there; else -errno */
static int open_mount(int root_fd, const struct mount_line *line, int *ret_fd)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC | O_NOFOLLOW,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	const char *path = line->point[0] == '/' && line->point[1] ? line->point + 1 : ".";
	_cleanup_fd_ int fd = -1;
	struct statx st;

	fd = (int)syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
	if (fd < 0)
		return -errno;
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

static bool id_known(const struct session *session, uint32_t id, uint64_t hash, bool *ret_same)
{
	const struct mount_id key = { .id = id };
	const struct mount_id *found = NULL;

	if (session->mount_ids_count)
		found = bsearch(&key, session->mount_ids, session->mount_ids_count, sizeof(key),
				compare_ids);
	*ret_same = found && found->hash == hash;
	return found != NULL;
}

/* Opens under `path` were not seen until now. */
static void say_gap(struct engine *engine, struct session *session, const char *path)
{
	struct {
		struct mf_event event;
		struct mf_ev_change change;
		char path[MF_PATH_MAX];
	} gap = {};
	size_t len = strlen(path);

	if (len > MF_PATH_MAX) {
		gap.change.path_flags = MF_PATH_CUT;
		path += len - MF_PATH_MAX;
		len = MF_PATH_MAX;
	}
	memcpy(gap.path, path, len);
	gap.change.path_len = (uint16_t)len;
	gap.event.kind = MF_EV_MOUNT_GAP;
	gap.event.flags = MF_EVF_LATE_SEEN | MF_EVF_PROC_UNKNOWN;
	gap.event.stamp_lo = session->stamp_lo;
	session_lose(engine, session, MF_LOSS_MOUNT_GAP);
	event_pass(engine, session, &gap.event,
		   (uint32_t)(sizeof(gap.event) + sizeof(gap.change) + len));
}

static void count_unmarked(struct engine *engine, struct session *session)
{
	session->mounts_unmarked++;
	engine->stats.mounts_unmarked++;
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

static void mark_line(struct engine *engine, struct session *session, const struct mount_line *line,
		      bool later)
{
	uint64_t hash = mount_line_hash(line);
	_cleanup_fd_ int fd = -1;
	bool same, known;
	int found, error;

	known = id_known(session, line->id, hash, &same);
	if (known && same)
		return;
	if (!strcmp(line->type, "autofs")) { /* a look-up there may wait for a daemon */
		count_unmarked(engine, session);
		return;
	}
	if (engine->skip_devices && is_device_type(line->type))
		return;
	found = open_mount(session->root_fd, line, &fd);
	if (!found)
		return;
	if (found > 0 && !is_pseudo(line->type) && changes_mark(engine, session, fd))
		engine->stats.mounts_unmarked++;
	error = found < 0 ? found : opens_mark(engine, fd, true);
	/* the kernel asks nobody about opens there (FS_DISALLOW_NOTIFY_PERM): docs/engines.md says
	 * so once, a session's mounts are no worse for it */
	if (error == -EINVAL && !strcmp(line->type, "proc"))
		return;
	if (error)
		count_unmarked(engine, session);
	else if (!known)
		session->mounts++;
	if (later)
		say_gap(engine, session, line->point);
}

/* Marks what is new in the table. `later`: the session runs already, so there was a gap. */
int mounts_mark(struct engine *engine, struct session *session, bool later)
{
	_cleanup_buf_ struct buf table = { .limit = MOUNTINFO_MAX };
	_cleanup_free_ struct mount_id *ids = NULL;
	size_t count = 0, room = 0;
	struct mount_line line;
	char *at;
	int error;

	error = read_table(session->mountinfo_fd, &table);
	if (error)
		return error;
	at = (char *)table.data + table.start;
	while (mount_line_next(&at, &line)) {
		if (count == room) {
			struct mount_id *more;

			room = room ? room * 2 : 64;
			more = reallocarray(ids, room, sizeof(*ids));
			if (!more)
				return -ENOMEM;
			ids = more;
		}
		ids[count++] = (struct mount_id){ line.id, mount_line_hash(&line) };
		mark_line(engine, session, &line, later);
	}
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

		if (!session || session->mountinfo_fd < 0)
			continue;
		table.fd = session->mountinfo_fd;
		if (poll(&table, 1, 0) <= 0 || !(table.revents & POLLPRI))
			continue;
		error = mounts_mark(engine, session, true);
		if (error && !first)
			first = error;
	}
	return first;
}

/* Where the namespace outlives the session, its opens must not be ours to answer any more. */
void mounts_unmark(struct engine *engine, struct session *session)
{
	_cleanup_buf_ struct buf table = { .limit = MOUNTINFO_MAX };
	struct mount_line line;
	char *at;

	if (session->root_fd < 0 || read_table(session->mountinfo_fd, &table))
		return;
	at = (char *)table.data + table.start;
	while (mount_line_next(&at, &line)) {
		_cleanup_fd_ int fd = -1;

		if (strcmp(line.type, "autofs") && open_mount(session->root_fd, &line, &fd) > 0)
			opens_mark(engine, fd, false);
	}
}
