/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changes of files, as fanotify notifications of whole file systems: created, deleted, renamed,
 * attributes. They are read after the fact, and of everybody; what no session did is dropped before
 * any work on its names.
 *
 * Such an event happened after the queue was last seen empty and before it was read: that is
 * [stamp_lo, stamp], by the session's own page.
 */

#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/clock.h"
#include "engine/change_names.h"
#include "engine/dir_cache.h"
#include "engine/state.h"
#include "mcpfloor.skel.h"

#define CHANGES_MASK (FAN_CREATE | FAN_DELETE | FAN_RENAME | FAN_ATTRIB | FAN_ONDIR)
#define BATCHES_MAX 16 /* then the guard's loop gets its turn */
#define DRAIN_BYTES_MAX (64U << 20) /* more than the queue can have held */
/* half of the map `dead`: below it, no entry can have been evicted since */
#define DEAD_SAFE 8192

int changes_open(struct engine *engine)
{
	engine->changes_fd =
		fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK | FAN_REPORT_TID |
				      FAN_REPORT_DFID_NAME | FAN_UNLIMITED_MARKS,
			      O_RDONLY | O_CLOEXEC);
	engine->changes_empty_ns = clock_mono_ns();
	return engine->changes_fd < 0 ? -errno : 0;
}

static struct marked_sb *marked_find(const struct engine *engine, uint64_t fsid)
{
	size_t i;

	for (i = 0; i < engine->marked_count; i++) {
		if (engine->marked[i].fsid == fsid)
			return &engine->marked[i];
	}
	return NULL;
}

static int set_mark(struct engine *engine, unsigned how, int fd)
{
	char path[64];

	/* a mark takes no O_PATH descriptor, but a path that leads to it */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return fanotify_mark(engine->changes_fd, how | FAN_MARK_FILESYSTEM, CHANGES_MASK, AT_FDCWD,
			     path)
		       ? -errno
		       : 0;
}

static int marked_take(struct engine *engine, uint64_t fsid, int fd)
{
	struct marked_sb *marked = marked_find(engine, fsid);
	int error;

	if (marked) {
		marked->users++;
		return 0;
	}
	marked = reallocarray(engine->marked, engine->marked_count + 1, sizeof(*marked));
	if (!marked)
		return -ENOMEM;
	engine->marked = marked;
	error = set_mark(engine, FAN_MARK_ADD, fd);
	if (error)
		return error;
	engine->marked[engine->marked_count++] = (struct marked_sb){ fsid, 1 };
	return 0;
}

static void marked_drop(struct engine *engine, uint64_t fsid, int fd)
{
	struct marked_sb *marked = marked_find(engine, fsid);

	if (!marked || --marked->users)
		return;
	set_mark(engine, FAN_MARK_REMOVE, fd); /* fails when the file system is gone: as well */
	*marked = engine->marked[--engine->marked_count];
}

static uint64_t fsid_word(const void *fsid)
{
	uint64_t word;

	memcpy(&word, fsid, sizeof(word));
	return word;
}

/*
 * Watches the file system that the mount belongs to. A descriptor of the mount's root directory
 * (O_PATH: opening it for real would wait for our own answer) is kept while the session lives, to
 * name what changed: so the session cannot unmount it but lazily. `mount`: without its fsid.
 */
int changes_mark(struct engine *engine, struct session *session, const struct session_sb *mount)
{
	_cleanup_fd_ int fd = -1;
	struct statfs fs;
	struct stat st;
	uint64_t fsid;
	size_t i;
	int error;

	if (engine->changes_fd < 0)
		return engine->changes_error;
	if (fstat(mount->fd, &st) || fstatfs(mount->fd, &fs))
		return -errno;
	if (!S_ISDIR(st.st_mode)) /* a bound file: its file system has other mounts */
		return 0;
	fsid = fsid_word(&fs.f_fsid);
	for (i = 0; i < session->sbs_count; i++) {
		if (session->sbs[i].fsid == fsid)
			return 0;
	}
	if (session->sbs_count == SESSION_SBS_MAX)
		return -ENOSPC;
	fd = fcntl(mount->fd, F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		return -errno;
	error = marked_take(engine, fsid, fd);
	if (error)
		return error;
	session->sbs[session->sbs_count++] =
		(struct session_sb){ fsid, take_fd(&fd), mount->id, mount->top, mount->whole };
	return 0;
}

void changes_unmark(struct engine *engine, struct session *session)
{
	size_t i;

	for (i = 0; i < session->sbs_count; i++) {
		marked_drop(engine, session->sbs[i].fsid, session->sbs[i].fd);
		close_fd(session->sbs[i].fd);
	}
	session->sbs_count = 0;
}

static void lose_all(struct engine *engine, enum mf_loss reason)
{
	uint32_t slot;

	for (slot = 0; slot < engine->sessions_top; slot++) {
		if (engine->sessions[slot])
			session_lose(engine, engine->sessions[slot], reason);
	}
}

/* Into the ring. Fills what is common to the engine's events: time, session, stamp. */
int event_pass(struct engine *engine, const struct session *session, const void *event,
	       uint32_t size)
{
	struct {
		struct mf_pass pass;
		uint8_t bytes[MF_PASS_MAX];
	} ctx;
	struct mf_event *head = (struct mf_event *)ctx.bytes;
	int error;

	if (size > sizeof(ctx.bytes))
		return -EMSGSIZE;
	ctx.pass = (struct mf_pass){ .slot = session->slot, .session = session->id, .size = size };
	memcpy(ctx.bytes, event, size);
	head->version = MF_ABI_VERSION;
	head->size = size;
	head->t_ns = clock_mono_ns();
	head->session = session->id;
	head->stamp = session_stamp(session);
	error = engine_run(engine, HOOK_EVENT_PASS, &ctx, sizeof(ctx.pass) + size);
	if (error)
		session_lose(engine, session, MF_LOSS_FILE_EVENT);
	return error ? error : ctx.pass.error;
}

struct change_event {
	struct mf_event event;
	struct mf_ev_change change;
	char strings[2 * MF_PATH_MAX];
};

static void fill_who(struct mf_event *event, const struct mf_who *who, bool certain)
{
	memset(event, 0, sizeof(*event));
	event->birth = who->tag.birth;
	event->flags = MF_EVF_LATE_SEEN | (who->flags & MF_EVF_KTHREAD);
	event->uid = who->uid;
	if (!certain) {
		event->flags |= MF_EVF_PROC_UNKNOWN;
		return;
	}
	event->start_ns = who->start_ns;
	event->pid = who->pid;
	event->tid = who->tid;
	memcpy(event->comm, who->comm, sizeof(event->comm));
}

static const struct {
	uint64_t mask;
	uint16_t kind;
} change_kinds[] = {
	{ FAN_CREATE, MF_EV_CREATE },
	{ FAN_RENAME, MF_EV_RENAME },
	{ FAN_ATTRIB, MF_EV_ATTRIB },
	{ FAN_DELETE, MF_EV_DELETE },
};

/* One event for each kind that the notification has: the kernel merges what one task did to one
 * name. */
static void say_change(struct engine *engine, const struct mf_who *who, bool certain,
		       const struct fanotify_event_metadata *meta)
{
	struct session *session = session_find(engine, who->tag.session);
	struct change_event out;
	uint32_t size;
	size_t i;

	if (!session)
		return;
	fill_who(&out.event, who, certain);
	out.event.stamp_lo = session->stamp_lo;
	change_names(engine, session, meta, &out.change, out.strings);
	if ((out.change.path_flags | out.change.path2_flags) & MF_PATH_CUT)
		session_lose(engine, session, MF_LOSS_PATH_CUT);
	if ((out.change.path_flags | out.change.path2_flags) & MF_PATH_UNRESOLVED)
		session_lose(engine, session, MF_LOSS_PATH_FAULT);
	size = (uint32_t)(offsetof(struct change_event, strings) + out.change.path_len +
			  out.change.path2_len);
	for (i = 0; i < ARRAY_LEN(change_kinds); i++) {
		if (!(meta->mask & change_kinds[i].mask))
			continue;
		out.event.kind = change_kinds[i].kind;
		event_pass(engine, session, &out, size);
	}
}

static void handle(struct engine *engine, const struct fanotify_event_metadata *meta)
{
	struct mf_change_question q = { .tid = (uint32_t)meta->pid,
					.since_ns = engine->changes_empty_ns };
	bool certain;

	if (meta->mask & FAN_Q_OVERFLOW) {
		engine->stats.notify_overflows++;
		lose_all(engine, MF_LOSS_NOTIFY_OVERFLOW);
		return;
	}
	engine->stats.notifications++;
	if ((meta->mask & FAN_RENAME) && (meta->mask & FAN_ONDIR))
		dir_cache_forget(engine->dirs);
	if (ask_who(engine, &q)) {
		lose_all(engine, MF_LOSS_FILE_EVENT);
		return;
	}
	if (!(q.fits & (MF_FITS_LIVE | MF_FITS_GONE))) {
		engine->stats.notifications_untagged++;
		if ((q.fits & MF_FITS_NONE) &&
		    engine->bpf->bss->dead_count - engine->changes_empty_dead > DEAD_SAFE)
			lose_all(engine, MF_LOSS_NOTIFY_TASK);
		return;
	}
	certain = q.fits == MF_FITS_LIVE || q.fits == MF_FITS_GONE;
	if (q.fits & MF_FITS_EARLIER) /* that one may have been of any session */
		lose_all(engine, MF_LOSS_NOTIFY_TASK);
	if (!certain && q.live.tag.session == q.gone.tag.session &&
	    q.live.tag.birth != q.gone.tag.birth)
		q.live.tag.birth = q.gone.tag.birth = 0;
	if (q.fits & MF_FITS_LIVE)
		say_change(engine, &q.live, certain, meta);
	if ((q.fits & MF_FITS_GONE) &&
	    !((q.fits & MF_FITS_LIVE) && q.live.tag.session == q.gone.tag.session))
		say_change(engine, &q.gone, certain, meta);
}

/* The stamps before the read that finds the queue empty: an event after it cannot be older. */
static void stamps_note(struct engine *engine)
{
	uint32_t slot;

	for (slot = 0; slot < engine->sessions_top; slot++) {
		if (engine->sessions[slot])
			engine->sessions[slot]->stamp_seen = session_stamp(engine->sessions[slot]);
	}
}

static void stamps_commit(struct engine *engine, uint64_t now_ns, uint64_t dead)
{
	uint32_t slot;

	for (slot = 0; slot < engine->sessions_top; slot++) {
		if (engine->sessions[slot])
			engine->sessions[slot]->stamp_lo = engine->sessions[slot]->stamp_seen;
	}
	engine->changes_empty_ns = now_ns;
	engine->changes_empty_dead = dead;
}

/* Records follow each other at any multiple of four: each is looked at in a place of its own. */
static int handle_all(struct engine *engine, const char *bytes, size_t size)
{
	union {
		struct fanotify_event_metadata meta;
		char bytes[4096];
	} event;
	uint32_t len;

	while (size >= sizeof(event.meta)) {
		memcpy(&len, bytes + offsetof(struct fanotify_event_metadata, event_len),
		       sizeof(len));
		if (len < sizeof(event.meta) || len > size || len > sizeof(event))
			return -EBADMSG;
		memcpy(&event, bytes, len);
		if (event.meta.vers != FANOTIFY_METADATA_VERSION ||
		    event.meta.metadata_len < sizeof(event.meta) || event.meta.metadata_len > len)
			return -EBADMSG;
		handle(engine, &event.meta);
		bytes += len;
		size -= len;
	}
	return size ? -EBADMSG : 0;
}

int changes_dispatch(struct engine *engine, bool until_empty)
{
	uint64_t now_ns, dead;
	char bytes[16384];
	size_t total = 0;
	ssize_t size;
	int i, error;

	for (i = 0; until_empty ? total < DRAIN_BYTES_MAX : i < BATCHES_MAX; i++) {
		stamps_note(engine);
		now_ns = clock_mono_ns();
		dead = engine->bpf->bss->dead_count;
		size = read(engine->changes_fd, bytes, sizeof(bytes));
		if (size < 0 && errno == EAGAIN) {
			stamps_commit(engine, now_ns, dead);
			return 0;
		}
		if (size < 0)
			return errno == EINTR ? 0 : -errno;
		total += (size_t)size;
		error = handle_all(engine, bytes, (size_t)size);
		if (error) {
			lose_all(engine, MF_LOSS_FILE_EVENT);
			return error;
		}
	}
	return until_empty ? -EBUSY : 0;
}
